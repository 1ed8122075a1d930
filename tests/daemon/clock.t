#!/bin/sh
# clock.t - a daemon whose clock is moved: over New Year with stamps without a year, over the
# hour that autumn repeats with stamps without a zone, and long enough to tell a clock that is
# behind from lines that were held up; and set back.
set -u
: "${BUILD:=build}"
# shellcheck source=tests/daemon/daemon_test.sh
. tests/daemon/daemon_test.sh
case $BUILD in *san*) skip_all "clock: a preloaded library and the sanitizers do not go together" ;; esac
needs clock sqlite3 perl
preload clock tests/daemon/clock_preload.c

# clock TIME: it is that now
clock() {
    perl -e 'open my $f, -e $ARGV[1] ? "+<" : ">", $ARGV[1] or die; print $f pack("q", $ARGV[0] - time)' \
        "$1" "$D/ahead"
}
with="env LD_PRELOAD=$D/clock.so CLOCK_FILE=$D/ahead"

# lines HOST STAMP...: a line each; says: into the log; send: as datagrams
lines() {
    l_host=$1
    shift
    for l_stamp; do
        l_n=$((l_n + 1))
        echo "$l_stamp $l_host postfix/smtpd[$l_n]: connect from unknown[192.0.2.1]"
    done
}
l_n=0
l_all=0
says() {
    l_all=$((l_all + $# - 1))
    lines "$@" >>"$D/log"
    wait_for is_read $l_all
}
send() {
    l_all=$((l_all + $# - 1))
    lines "$@" | datagrams
    wait_for is_read $l_all
}
datagrams() {
    perl -MIO::Socket::UNIX -MSocket -ne 'BEGIN { $s = IO::Socket::UNIX->new(
        Type => SOCK_DGRAM, Peer => shift @ARGV) or die } chomp; $s->send("<22>$_") or die' "$D/sock"
}
conf() { # ZONE
    : >"$D/log"
    l_all=0
    rm -rf "$D/state"
    printf 'state = "%s/state"\ntemplates = "%s/rrd-templates"\nsource "a" {\n files = { "%s/log" }\n listen = { "unix:%s/sock" }\n timezone = "%s"\n}\n' \
        "$D" "$PWD" "$D" "$D" "$1" >"$D/conf"
}
# at TIME: hosts that have something in the minute of this time
at() {
    sqlite3 "$D/state/state.db" "SELECT count(*) FROM cell WHERE at / 65536 = $1 / 60"
}

eve=1798761590  # 2026-12-31 23:59:50
clock $eve
conf UTC
start
saw $? "the daemon starts on New Year's Eve"
says mx1 "Dec 31 23:59:50" && send mx2 "Dec 31 23:59:51"
saw $? "lines of the old year, from a file and from the network"
clock $((eve + 30))
says mx1 "Jan  1 00:00:19" "Dec 31 23:59:59" && send mx2 "Jan  1 00:00:18" "Dec 31 23:59:58"
saw $? "of the new year, and late ones"
is "$(at $eve) $(at $((eve + 30)))" "2 2" "each host has both minutes"
clock $((eve + 86400 * 300))
says mx1 "Oct 27 23:59:50" && send mx2 "Oct 27 23:59:49"
is "$(at $((eve + 86400 * 300)))" 2 "three hundred days later"
clock $((eve + 86400 * 1000))
lines mx2 "Sep 26 23:59:50" | datagrams
is_there() { [ "$(at $((eve + 86400 * 1000)))" = 1 ]; }
wait_for is_there
saw $? "and a sender that comes back after years"
is "$(count too_late)" 0 "nothing is too late"
stop TERM

if [ -e "${TZDIR:-/usr/share/zoneinfo}/Europe/Berlin" ]; then
    first=1792886400  # Europe/Berlin, 2026-10-25 02:00, summer time
    clock $((first + 600))
    conf Europe/Berlin
    start
    says mx1 "Oct 25 02:09:59" "Oct 25 02:10:00" && send mx2 "Oct 25 02:09:58"
    clock $((first + 4200))
    says mx1 "Oct 25 02:09:59" "Oct 25 02:10:00" && send mx2 "Oct 25 02:09:58"
    saw $? "an hour later the same stamps"
    is "$(at $((first + 599))) $(at $((first + 600))) $(at $((first + 4199))) $(at $((first + 4200)))" \
        "2 1 2 1" "each pass of the repeated hour has its own"
    stop TERM
else
    ok 0 "the repeated hour # SKIP no zone database here"
fi

clock 1800000000
conf UTC
start
# mx1 is right, mx2 always 100 s behind, mx3 drains a queue; six minutes, or more where this
# machine is too busy to read at once
told() { grep -q 'clock of a host is wrong: mx2 is \(9\|1[0-4]\)[0-9] s behind' "$D/out"; }
now=1800000000
until told || [ $now -gt 1800001800 ]; do
    now=$((now + 61))
    clock $now
    for h in "mx1 0" "mx2 100" "mx3 $((7200 - (now - 1800000000) * 3))"; do
        stamp=$(date -u -d "@$((now - ${h#* }))" +%Y-%m-%dT%H:%M:%SZ)
        lines "${h% *}" "$stamp" "$stamp" "$stamp" "$stamp" "$stamp" "$stamp" >>"$D/log"
    done
    l_all=$((l_all + 18))
    wait_for is_read $l_all
done
told
saw $? "a clock that is behind is named"
is "$(grep -c 'clock of a host' "$D/out")" 1 "and no other"
clock 1800004000
stamp=2027-01-15T09:06:39Z
says mx2 $stamp $stamp $stamp $stamp $stamp
clock 1800004061
says mx2 2027-01-15T09:07:40Z
wait_for grep -q 'clock of a host is right again: mx2' "$D/out"
saw $? "and when it is right again"
stop TERM

# Our own clock was two hours ahead and is set right.
# soon COMMAND...: as wait_for, but within 40 seconds
soon() {
    for s_i in $(seq 400); do
        "$@" 2>/dev/null && return
        sleep 0.1
    done
    return 1
}
ahead() { # RRD_INTERVAL
    clock 1800007200
    conf UTC
    sed -i "1i rrd_interval = $1" "$D/conf"
    start
    says mx1 2027-01-15T09:50:00Z
}
ahead 1h
clock 1800000000
echo "2027-01-15T07:50:00Z mx1 postfix/smtpd[7]: NOQUEUE: reject: RCPT from unknown[192.0.2.1]: 550 5.1.1" \
    "<u@example.org>: Recipient address rejected: User unknown in local recipient table;" \
    "from=<a@example.net> to=<u@example.org> proto=ESMTP helo=<h.example.net>" >>"$D/log"
l_all=$((l_all + 1))
wait_for is_read $l_all
tables() { [ "$(sqlite3 "$D/state/state.db" "SELECT count(*) FROM top_log")" = 0 ]; }
soon tables
saw $? "set back: what lines bring to the tables does not wait until the clock is where it was"
stop TERM
ahead 1h
clock 1800000000
beats() { [ "$(sqlite3 "$D/state/state.db" "SELECT value FROM run WHERE key = 'beat_at'")" -lt 1800007200 ]; }
soon beats
saw $? "nor does the sign of life, though nothing comes"
stop TERM
# years ahead from the start of a state on
clock 2115360000
conf UTC
start
says mx1 2037-01-12T08:00:00Z
clock 1800000000
lines mx1 2027-01-15T08:00:00Z 2027-01-15T08:00:01Z >>"$D/log"
is_there() { is_count conn 2 && is_count too_late 1; }
soon is_there
saw $? "years ahead from the start on: set right, lines count, and those of then are taken back"
is "$("$mxgauge" status --state "$D/state" | grep -c 2037)" 0 "and nobody speaks of then"
stop TERM
if command -v rrdtool >/dev/null 2>&1; then
    ahead 10s
    wait_for test -s "$D/state/rrd/mx1/collector.rrd"
    clock 1800000000
    says mx1 2027-01-15T07:50:00Z
    drawn() {
        rrdtool fetch "$D/state/rrd/mx1/collector.rrd" AVERAGE -s 1799999400 -e 1799999459 |
            grep -q '^1799999460: 1.6'
    }
    soon drawn
    saw $? "nor do the RRDs"
    stop TERM
else
    ok 0 "the RRDs # SKIP there is no rrdtool"
fi
done_testing
