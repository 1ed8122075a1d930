#!/bin/sh
# check_rrd.t - RRDs made by rrdtool: values, windows, staleness, trends, Holt-Winters, several
# files, rrdcached, and files that are none.
set -u
# shellcheck source=tests/plugins/plugin_test.sh
. tests/plugins/plugin_test.sh
now=1795176000			# 2026-11-20 12:00:00
at() {
    want=$1
    shift
    "$check" "$@" --at @$now >"$dir/out" 2>"$dir/err"
    rc=$?
    [ $rc -eq "$want" ] && [ ! -s "$dir/err" ]
}

# made FILE PERL: 20 days of 5 minutes up to now; the expression gives "used:free" of $day
made() {
    rrdtool create "$1" --start $((now - 20 * 86400)) --step 300 DS:used:GAUGE:600:U:U DS:free:GAUGE:600:U:U \
        RRA:AVERAGE:0.5:1:6000 RRA:MAX:0.5:12:480 RRA:AVERAGE:0.5:12:480
    perl -e '
        my ($now, $code, $file) = @ARGV;
        for my $i (1 .. 20 * 288) {
            my $t = $now - 20 * 86400 + $i * 300;
            my $day = $i / 288;
            my ($used, $free) = eval $code;
            printf "update %s %d:%s:%s\n", $file, $t, $used, $free;
        }' $now "$2" "$1" | rrdtool - >/dev/null
}
# a disk of 100 that fills by 2 a day: 80 now
made "$dir/disk.rrd" '(40 + 2 * $day, 60 - 2 * $day)'
# a tide of 20 on 50, one more a day: 70 at noon
made "$dir/tide.rrd" '(50 + $day + 20 * sin($day * 2 * 3.14159265), 1)'
# stopped half an hour ago
made "$dir/old.rrd" '$i > 20 * 288 - 6 ? ("U", "U") : (1, 2)'

at 0 "$dir/disk.rrd"; ok "the first data source, without limits"
first "RRD OK - used 79.99 | value=79.9931 age=0s"; ok "its mean in the window"
at 1 -e 'used/(used+free)*100' --unit % -w 75 -c 95 "$dir/disk.rrd"; ok "an expression above its limit"
says "used/(used+free)*100 80% (limit 75%)"; ok "is named"
at 1 -e 'used/(used+free)*100' --name "disk of mx1" --unit % -w 75% "$dir/disk.rrd"; ok "by the caller's name"
says "RRD WARNING - disk of mx1 80% (limit 75%)"; ok "in the answer"
at 0 --window 10d -w 71 "$dir/disk.rrd"; ok "a longer window"
says "used 70"; ok "has its mean"
at 2 --window 10d --take max -c 79 "$dir/disk.rrd"; ok "or its largest value"
at 0 --window 10d --take min -c 61 "$dir/disk.rrd"; ok "or the smallest"
at 0 --take last --window 1h "$dir/disk.rrd" && says "used 80 "; ok "or the last"
at 1 --cf MAX --window 1d --take max -w 79.9 "$dir/disk.rrd"; ok "another consolidation"

at 1 --until 90 -w left=7d -c left=2d "$dir/disk.rrd"; ok "a trend that gets there in five days"
says "reaches 90 in 5 d (at least 7 d)"; ok "says when"
says "Trend of 14 d: 2 a day"; ok "and how fast"
at 0 --until 90 -w left=3d "$dir/disk.rrd"; ok "is well where that is enough time"
at 2 --until 10 --below -e free -c left=6d "$dir/disk.rrd"; ok "from above as well"
at 0 --until 10 --below -e free -w per_day=1 "$dir/disk.rrd"; ok "a fall is no growth"
at 1 --until 90 -w per_day=1 "$dir/disk.rrd"; ok "a rise by more is"
at 2 --until 70 -c left=1h "$dir/disk.rrd"; ok "a limit that was passed"
says "has reached 70"; ok "is said so"
at 0 --until 10 --below -c left=6d "$dir/disk.rrd"; ok "a trend away from the limit"
says "left=U"; ok "has no time"
at 0 --season --until 100 -w left=8d "$dir/tide.rrd"; ok "a tide is no growth"
at 1 --season --until 100 -w left=12d "$dir/tide.rrd"; ok "but reaches the limit first"
at 0 --until 90 --span 3h -c left=99d "$dir/tide.rrd" || at 2 --until 90 --span 3h -c left=99d "$dir/tide.rrd"; ok "a short span"

at 3 "$dir/old.rrd"; ok "a file that nobody writes is UNKNOWN"
says "the newest value of used is 30 min old"; ok "with its age"
at 0 --stale 1h --window 1h "$dir/old.rrd"; ok "unless it may be as old"
at 1 --stale 1h --window 1h -w age=10m "$dir/old.rrd"; ok "the age has a limit of its own"
run_at=$now; now=$((now + 40 * 86400)); at 3 "$dir/disk.rrd"; ok "a file of last month"; now=$run_at
says "has no known value in 24.3 h" || says "has no known value in"; ok "has no value at all"

at 1 --def a="$dir/disk.rrd:used" --def b="$dir/tide.rrd:used:AVERAGE" -e 'abs(a-b)' -w 5; ok "two files"
cp "$dir/disk.rrd" "$dir/c:d.rrd"
at 0 --def "a=$dir/c\\:d.rrd:used" -e a; ok "a colon in the name of a file"
at 0 --def "x=$dir/tide.rrd:used" -e 'x+used' "$dir/disk.rrd"; ok "a file and one by name"

rrdtool create "$dir/hw.rrd" --start $((now - 3 * 86400)) --step 300 DS:x:GAUGE:600:U:U RRA:AVERAGE:0.5:1:2000 \
    RRA:HWPREDICT:1000:0.1:0.0035:288
perl -e 'my $now = shift; printf "update %s %d:%s\n", $ARGV[0], $now - 3*86400 + $_*300,
    $_ > 3*288 - 20 ? 500 : 50 + 5 * sin($_ / 288 * 6.283) + $_ % 3 for 1 .. 3*288' $now "$dir/hw.rrd" | rrdtool - >/dev/null
at 1 --window 2h -w failures=0 "$dir/hw.rrd"; ok "aberrant behaviour"
says "aberrant steps of"; ok "is counted"
at 3 -w failures=0 "$dir/disk.rrd"; ok "a file without those archives"
says "disk.rrd: "; ok "is named"

# what can't be answered
at 3 "$dir/none.rrd"; ok "no file"
says "$dir/none.rrd: No such file or directory"; ok "is named"
: >"$dir/empty.rrd"
at 3 "$dir/empty.rrd" && says "$dir/empty.rrd: it is empty"; ok "so is an empty one"
at 3 --def "x=$dir/empty.rrd:x" && says "$dir/empty.rrd: it is empty"; ok "by --def, too"
head -c 5000 /dev/urandom >"$dir/bad.rrd"
at 3 "$dir/bad.rrd"; ok "no RRD"
head -c 300 "$dir/disk.rrd" >"$dir/cut.rrd"
at 3 "$dir/cut.rrd"; ok "a cut one"
at 3 "$dir" && says "$dir: this is no file"; ok "a directory"
at 3 -e usd "$dir/disk.rrd"; ok "an unknown data source"
says "\"usd\"; there are: used, free"; ok "with those that there are"
at 3 --def a=x; ok "a bad --def"
at 3 --def "a=$dir/disk.rrd:nix" -e a; ok "a --def of nothing"
says "has no data source \"nix\""; ok "is named"
at 3 -w left=1d "$dir/disk.rrd"; ok "left without --until"
at 3 --until soon "$dir/disk.rrd"; ok "a bad value"
at 3 -e '1+1' "$dir/disk.rrd"; ok "an expression without a data source"
at 3; ok "nothing to read"

if command -v rrdcached >/dev/null 2>&1; then
    port=$(python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])')
    rrdcached -g -l "unix:$dir/sock" -l "127.0.0.1:$port" -b "$dir" -p "$dir/rrdcached.pid" -w 3600 -f 7200 >"$dir/rrdcached.out" 2>&1 &
    pid=$!
    until_so 60 [ -S "$dir/sock" ]
    rrdtool update --daemon "unix:$dir/sock" "$dir/disk.rrd" $((now + 300)):90:10
    now=$((now + 300))
    at 3 --window 5m "$dir/disk.rrd" && says "used has no known value in 5 min"; ok "what rrdcached holds is not in the file"
    at 0 -d "unix:$dir/sock" --window 5m "$dir/disk.rrd" && says "used 90"; ok "until it is asked to write"
    rrdtool update --daemon "unix:$dir/sock" "$dir/disk.rrd" $((now + 300)):80:10
    now=$((now + 300))
    at 3 -d "127.0.0.1:$port" --window 5m "$dir/disk.rrd" &&
        says "knows $dir/disk.rrd by where it is below a folder of its own (-b): --daemon-base DIR"
    ok "over TCP it has to be told where that is"
    at 3 -d "127.0.0.1:$port" --daemon-base "$dir/di" --window 5m "$dir/disk.rrd" && says "$dir/disk.rrd is not below --daemon-base"
    ok "a folder that it is not below"
    at 0 -d "127.0.0.1:$port" --daemon-base "$dir/" --window 5m "$dir/disk.rrd" && says "used 80"; ok "and writes"
    kill $pid && wait $pid 2>/dev/null
    pid=''
    at 3 -d "unix:$dir/nosock" "$dir/disk.rrd"; ok "no rrdcached"
    says "rrdcached at unix:$dir/nosock: "; ok "is named"
else
    n=$((n + 1))
    echo "ok $n # SKIP rrdcached is missing"
fi
done_testing
