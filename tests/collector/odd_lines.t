#!/bin/sh
# odd_lines.t - what can't be counted is itself counted: lines too old, repeats of what
# nobody saw, messages that a log daemon dropped.
set -u
. tests/tap.sh
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT

# counted METRIC: its number in the report of the lines on stdin
counted() {
    rm -rf "$d/state"
    "$BUILD/bin/mxgauge" import --no-rrd --state "$d/state" --tz UTC --year 2025 - >/dev/null &&
        "$BUILD/bin/mxgauge" report --state "$d/state" --json |
        sed -n "s/.*\"$1\": *\([0-9]*\).*/\1/p" | head -n 1
}
smtpd() {
    echo "$1 mx1 postfix/smtpd[7]: connect from a.example.net[192.0.2.1]"
}

[ "$( { smtpd "Mar 20 10:00:00"; smtpd "Mar  1 10:00:00"; } | counted too_late)" = 1 ]
ok $? "too_late: a line of nineteen days before the newest one"
[ "$( { smtpd "Mar 20 10:00:00"; smtpd "Mar  1 10:00:00"; } | counted conn)" = 1 ]
ok $? "and it counts nothing else"
[ "$(echo "Mar 20 10:00:00 mx1 last message repeated 3 times" | counted repeat_lost)" -ge 1 ]
ok $? "repeat_lost: a repeat of what was not seen"
[ "$( { smtpd "Mar 20 10:00:00"; echo "Mar 20 10:00:01 mx1 last message repeated 3 times"; } |
    counted conn)" = 4 ]
ok $? "a repeat of what was seen counts that many more"
[ "$( { smtpd "Mar 20 10:00:00"; echo "Mar 20 10:00:01 mx1 postfix/smtpd[7]: last message repeated 3 times"; } |
    counted conn)" = 4 ]
ok $? "and so does one that has the tag of that message"
[ "$(echo "Mar 20 10:00:00 mx1 rsyslogd: imuxsock lost 12 messages from pid 7 due to rate-limiting" |
    counted log_loss)" = 12 ]
ok $? "log_loss: as many as the log daemon says"
[ "$(perl -e 'print "Nov 21 10:48:01 mx1 exim[$_]: [1\\3] 2026-11-21 10:48:01 [$_] x\n" for 1 .. 10005' |
    counted pieces_evicted)" = 5 ]
ok $? "pieces_evicted: of 10,005 that wait, where 10,000 may"
done_testing
