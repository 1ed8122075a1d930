#!/bin/sh
# rotation.t - a file and its rotations are one source: the same line on both sides of a
# rotation, within one second, is two events and not a copy. Another file's is a copy. A repeat
# that rotation cut off from its line is that line's.
set -u
. tests/tap.sh
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
line="2025-03-11T10:00:00+00:00 mx1 postfix/smtpd[7]: connect from a.example.net[192.0.2.1]"
mkdir "$d/other"
echo "$line" >"$d/mail.log.1"
echo "$line" >"$d/mail.log"
cp "$d/mail.log" "$d/other/mail.log"

# sessions FILE...
sessions() {
    rm -rf "$d/state"
    "$BUILD/bin/mxgauge" import --no-rrd --state "$d/state" "$@" >/dev/null &&
        "$BUILD/bin/mxgauge" report --state "$d/state" --json | sed -n 's/"hosts".*//; s/.*"conn": *\([0-9]*\).*/\1/p' | head -n 1
}
[ "$(sessions "$d/mail.log.1" "$d/mail.log")" = 2 ]
ok $? "the end of the rotated file and the begin of the new one"
gzip "$d/mail.log.1"
[ "$(sessions "$d/mail.log.1.gz" "$d/mail.log")" = 2 ]
ok $? "the rotated file compressed"
[ "$(sessions "$d/mail.log" "$d/other/mail.log")" = 1 ]
ok $? "another source's line is a copy"

# one after the other, into the same state
then_sessions() {
    "$BUILD/bin/mxgauge" import --no-rrd --state "$d/state" "$@" >/dev/null &&
        "$BUILD/bin/mxgauge" report --state "$d/state" --json | sed -n 's/"hosts".*//; s/.*"conn": *\([0-9]*\).*/\1/p' | head -n 1
}
# at MINUTE...: a line of each
at() {
    for m; do echo "$line" | sed "s/T10:00/T10:$m/"; done
}
mkdir "$d/week"
at 10 11 >"$d/week/mail.log.1"
at 12 13 >"$d/week/mail.log"
at 10 11 12 13 >"$d/all.log"
[ "$(sessions "$d/week/mail.log.1" "$d/week/mail.log") $(then_sessions "$d/all.log")" = "4 4" ]
ok $? "a log that was put together of its rotations brings nothing new"
at 14 >>"$d/all.log"
[ "$(then_sessions "$d/all.log") $(then_sessions "$d/week/mail.log.1")" = "5 5" ]
ok $? "but what comes behind them"
at 15 >>"$d/week/mail.log.1"
at 14 >>"$d/week/mail.log"
[ "$(then_sessions "$d/week/mail.log" "$d/week/mail.log.1")" = 6 ]
ok $? "a rotated file that grows goes on"
at 10 11 12 13 14 15 16 | gzip >"$d/copy.gz"
[ "$(then_sessions "$d/copy.gz")" = 7 ]
ok $? "another copy of all, compressed"
cp "$d/week/mail.log.1" "$d/moved.log"
"$BUILD/bin/mxgauge" import --no-rrd --state "$d/state" "$d/moved.log" | grep -q '^0 lines'
ok $? "a copy of a rotated file under another name is known for what it is"

# repeat STAMP N
repeat() {
    echo "2025-03-11T$1+00:00 mx1 last message repeated $2 times"
}
echo "$line" >"$d/log.2"
repeat 10:00:30 3 >"$d/log.1"
repeat 10:02:00 4 >"$d/log"
is "$(sessions "$d/log.2" "$d/log.1" "$d/log")" 8 "repeats of a line that is two rotations away"
is "$(sessions "$d/log.2" "$d/log")" 5 "of one that is a while away"
is "$(sessions "$d/log" "$d/log.2")" 1 "but a line that comes later is not what was repeated"
{ repeat 13:00:00 4; echo "$line" | sed 's/T10:00/T13:01/'; } >"$d/log"
is "$(sessions "$d/log.2" "$d/log")" 2 "nor is one of hours ago"
{ echo "$line" | sed 's/ mx1 / mx2 /; s/T10:00:00/T10:00:01/'; repeat 10:02:00 4 | sed 's/ mx1 / mx2 /'; repeat 10:02:01 9; } >"$d/log"
is "$(sessions "$d/log.2" "$d/log")" 15 "each host has its own"
done_testing
