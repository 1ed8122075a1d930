#!/bin/sh
# logrotate.t - a real logrotate in each of its modes, while mxgauged reads, while it is down
# (two rotations), and when it is killed behind one: each line counts once. A log for each
# mode, whose lines bear its name as host; each line refuses one recipient. Nothing is written
# between copying and truncating: such a line nobody could save.
set -u
# shellcheck source=tests/daemon/daemon_test.sh
. tests/daemon/daemon_test.sh
[ -n "${LAB:-}" ] || skip_all "lab: logrotate: LAB is not set"
PATH=$PATH:/usr/sbin:/sbin
needs "lab: logrotate" logrotate zstd gzip

modes="create nocreate copytruncate compress delaycompress zstd dateext datezstd copycompress copydate olddate"
directives() { # MODE
    zstd="compress\ncompresscmd $(command -v zstd)\ncompressoptions -q\ncompressext .zst"
    case $1 in
    create) d="create" ;;
    nocreate) d="nocreate" ;;
    copytruncate) d="copytruncate" ;;
    compress) d="create\ncompress" ;;
    delaycompress) d="create\ncompress\ndelaycompress" ;;
    zstd) d="create\n$zstd" ;;
    dateext) d="create\ndateext\ndateformat -%%s" ;;
    datezstd) d="create\ndateext\ndateformat .%%Y%%m%%d-%%H%%M%%S\n$zstd" ;;
    copycompress) d="copytruncate\ncompress" ;;
    copydate) d="copytruncate\ndateext\ndateformat -%%s\ncompress\ndelaycompress" ;;
    olddate) d="create\ndateext" ;;    # the second of a day stays undone
    esac
    # shellcheck disable=SC2059
    printf "$d\n"
}

total=0
add() { # N: to each log
    for m in $modes; do
        refusals "$m" $total "$1" >>"$D/$m/log"
    done
    total=$((total + $1))
}

# Names made of the time need another second.
rotate() {
    second=$(date +%s)
    while [ "$(date +%s)" = "$second" ]; do sleep 0.05; done
    sleep 0.05 # time() is some milliseconds behind the clock that date reads
    logrotate -f -s "$D/status" "$D/logrotate.conf" >>"$D/rotated" 2>&1
}

# wrong: the modes whose count is not the total, and copies
wrong() {
    "$BUILD/bin/mxgauge" report --state "$D/state" --json 2>/dev/null | perl -MJSON::PP -e '
        my ($want, @modes) = @ARGV;
        my $got = eval { decode_json(do { local $/; <STDIN> }) } || {};
        for (@modes) {
            my $h = $got->{hosts}{$_} || {};
            printf "%s: %d of %d lines\n", $_, $h->{rej} || 0, $want if ($h->{rej} || 0) != $want;
            print "$_: $h->{copies} copies\n" if $h->{copies};
        }' "$total" $modes
}

is_right() { [ -z "$(wrong)" ]; }

each_counts() { # TEXT
    wait_for is_right
    none "$1: each line once, in each mode" "$(wrong)"
}

for m in $modes; do
    mkdir "$D/$m"
    printf '"%s/%s/log" {\n rotate 20\n missingok\n' "$D" "$m"
    directives "$m"
    echo "}"
done >"$D/logrotate.conf"
chmod 644 "$D/logrotate.conf"
printf 'state = "%s/state"\ntemplates = "%s/rrd-templates"\nsource a { files = "%s/*/log" }\n' \
    "$D" "$PWD" "$D" >"$D/conf"
add 30
launch
each_counts "begun"
add 30
rotate
add 30
each_counts "rotated while it reads"
rotate
add 30
each_counts "and again"
stop TERM
add 20
rotate
add 20
rotate
add 20
launch
each_counts "two rotations while it was down"
add 20
rotate
stop KILL
add 20
rotate
add 10
launch
each_counts "killed behind a rotation"
stop TERM
launch
each_counts "and after another restart"
stop TERM

# A compresscmd that fails, having written half: logrotate leaves the file as it is, and the
# next rotation puts another one over it. Who reads along loses nothing.
mkdir "$D/fail"
printf '#!/bin/sh\nhead -c 500\nexit 1\n' >"$D/half"
chmod 755 "$D/half"
printf '"%s/fail/log" {\n create\n compress\n compresscmd %s/half\n}\n' "$D" "$D" >"$D/fail.conf"
chmod 644 "$D/fail.conf"
failing_is() { # N
    "$mxgauge" report --state "$D/state" --json 2>/dev/null | grep -q "\"fail\":{[^}]*\"rej\":$1[,}]"
}
launch
for i in 1 2 3 4 5; do
    refusals fail $((i * 100)) 20 >>"$D/fail/log"
    wait_for failing_is $((i * 30 - 10))
    refusals fail $((i * 100 + 50)) 10 >>"$D/fail/log"
    logrotate -f -s "$D/status" "$D/fail.conf" >>"$D/failed" 2>&1
done
wait_for failing_is 150
saw $? "packing fails: each line once"
is "$(grep -c 'failed to compress' "$D/failed")" 5 "and logrotate says so"
stop TERM
none "logrotate has nothing to complain of" "$(grep -v 'skipping rotation' "$D/rotated")"
none "each mode did what it says" "$(for f in create/log.1 nocreate/log.1 copytruncate/log.1 compress/log.1.gz \
    compress/log.5.gz delaycompress/log.1 delaycompress/log.2.gz zstd/log.1.zst copycompress/log.2.gz; do
    [ -e "$D/$f" ] || echo "$f is missing"; done
    for d in dateext:6 datezstd:6 copydate:6; do
        n=$(find "$D/${d%%:*}" -name 'log?*' | wc -l)
        [ "$n" -eq "${d#*:}" ] || echo "${d%%:*} has $n rotations"; done)"
done_testing
