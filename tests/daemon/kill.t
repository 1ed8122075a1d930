#!/bin/sh
# kill.t - mxgauged is killed with SIGKILL at random moments while a generated day arrives in
# a log that grows and rotates. At the end cells, hours, mails, report and RRDs are those of
# a run that nobody disturbed.
#
# KILLS says how often (20; 200 with LAB=all), SEED which way. Every third time it was asked
# to end first, so that the last commit and the RRDs are hit as well.
set -u
# shellcheck source=tests/daemon/daemon_test.sh
. tests/daemon/daemon_test.sh
kills=${KILLS:-20}
[ "${LAB:-}" != all ] || kills=${KILLS:-200}
seed=${SEED:-$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')}
lines=$((kills * 3000))
echo "# SEED=$seed KILLS=$kills"

# reports STATE: of the day, and of each hour and host
reports() {
    "$mxgauge" report --state "$1" --json
    for h in mxa mxb mxc; do
        for hour in $(seq 0 23); do
            "$mxgauge" report --state "$1" --json --host $h \
                --from "2026-11-05 $hour:00" --to "2026-11-05 $hour:59"
        done
    done
}

# traces STATE: the lives of a hundred mails
traces() {
    while read -r id; do
        "$mxgauge" trace --state "$1" "$id"
    done <"$D/ids"
}

# dumps STATE: all RRDs, less the time they were written and librrd's own start row
dumps() {
    (cd "$1/rrd" && find . -name '*.rrd' | sort | while read -r f; do
        echo "$f"
        rrdtool dump "$f" | sed '/cur_row/d'
    done)
}

# same NAME TEXT COMMAND: gives the same for both states
same() {
    "$3" "$D/calm" >"$D/$1.want" 2>&1
    "$3" "$D/state" >"$D/$1.got" 2>&1
    [ -s "$D/$1.want" ] && cmp -s "$D/$1.want" "$D/$1.got"
    r=$?
    ok $r "$2"
    [ $r -eq 0 ] || diff "$D/$1.want" "$D/$1.got" | cut -c 1-300 | head -n 20 | sed 's/^/# /'
}

"$BUILD/bench/genday" -i $lines "$seed" "$D/day" "$D/truth" || exit 1
for f in calm state; do mkdir "$D/$f"; done
"$mxgauge" import --state "$D/calm" --tz UTC "$D/day" >"$D/import" 2>&1
ok $? "the day, undisturbed"
printf 'state = "%s/state"\ntemplates = "%s/rrd-templates"\nsource a { files = "%s/log" timezone = UTC }\n' \
    "$D" "$PWD" "$D" >"$D/conf"

# MOMENT ASKED: of each life, after how many ms it ends, and after how many more when it was
# asked to end before
perl -e 'srand($ARGV[0]); for (1 .. $ARGV[1]) {
        printf "%.3f %s\n", rand(1.8), $_ % 3 == 0 ? sprintf("%.3f", rand(0.4)) : "-";
    }' "$seed" "$kills" >"$D/plan"

# Where a log is followed for the first time the present file is where it begins: what was
# rotated away before the first commit is not looked for.
head -n 1 "$D/day" >"$D/log"
launch
wait_for is_read 1
ok $? "its first line is committed"

part=0 killed=0
while read -r moment asked; do
    perl tests/daemon/feed.pl "$seed" "$D/day" "$D/log" $part "$kills" &
    feeder=$!
    [ -n "$pid" ] || launch
    sleep "$moment"
    [ "$asked" = - ] || { kill -TERM "$pid"; sleep "$asked"; }
    stop KILL
    [ $status -ne 137 ] || killed=$((killed + 1))
    wait $feeder || { echo "Bail out! the feeder failed"; exit 1; }
    part=$((part + 1))
done <"$D/plan"
[ $((killed * 2)) -ge "$kills" ]
ok $? "killed $killed times of $kills"
launch
wait_for is_read "$(wc -l <"$D/day")"
r=$?
ok $r "all lines were read, once"
[ $r -eq 0 ] || echo "# read $(lines_read) of $(wc -l <"$D/day")"
stop TERM
is $status 0 "and it ends well"
none "nothing went wrong meanwhile" "$(grep -v -e ': started: ' -e ': stopped: ' -e 'truncated or rewritten' "$D/out")"

same rows "cells and hours are the same" rows
same reports "the reports are the same, of each host and hour" reports
sed -n 's/.*: \([0-9A-F]\{8,\}\|[0-9A-Za-z]\{15\}\): .*/\1/p' "$D/day" | sort -u | shuf -n 100 \
    --random-source="$D/day" >"$D/ids"
same traces "the mails are the same" traces
if command -v rrdtool >/dev/null 2>&1; then
    same dumps "the RRDs are the same" dumps
else
    ok 0 "the RRDs # SKIP rrdtool is missing"
fi
done_testing
