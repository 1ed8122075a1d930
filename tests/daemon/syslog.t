#!/bin/sh
# syslog.t - mxgauged hears syslog over datagrams, TCP and RELP, and the counts are exact:
# each line refuses one recipient. What hostile senders do costs honest ones nothing.
set -u
# shellcheck source=tests/daemon/daemon_test.sh
. tests/daemon/daemon_test.sh
# an address of loopback for this test alone, so that its ports are free
here=127.$((1 + $$ / 250 % 250)).$((1 + $$ % 250)).1

reloads_are() { [ "$(grep -c reloaded "$D/out")" -ge "$1" ]; }

# send HOW WHERE N [ARGUMENT]: the next N lines
next=0
total=0
send() {
    perl tests/daemon/syslog.pl "$1" "$2" $next "$3" ${4:+"$4"}
    sent=$?
    next=$((next + $3))
    total=$((total + $3))
    return $sent
}

conf() { # SETTINGS
    printf 'state = "%s/state"\ntemplates = "%s/rrd-templates"\n%s\nsource "net" {\n listen = { "unix:%s/log", "udp:%s:5514", "tcp:%s:5514", "relp:%s:2514" }\n}\n' \
        "$D" "$PWD" "$1" "$D" $here $here $here >"$D/conf"
}

conf ''
start || { cat "$D/out"; echo "Bail out! mxgauged does not start"; exit 1; }
ok 0 "starts and listens"
send udp $here:5514 1000
counts $total "UDP: every datagram is counted"
send unix "$D/log" 1000
counts $total "datagrams of a local socket"
send lf $here:5514 2000
counts $total "TCP, lines"
send octets $here:5514 2000
counts $total "TCP, counted"
send mixed $here:5514 2000
counts $total "TCP, both ways in one connection"
send bytes $here:5514 20
counts $total "TCP, a byte at a time"
send cut $here:5514 11
total=$((total - 1))
counts $total "a line that the end of the connection cut is not taken"
send relp $here:2514 5000 >"$D/sessions"
saw $? "RELP: every line is acknowledged, and the session closed"
is "$(cat "$D/sessions")" 1 "in one session"
is "$(count rej)" $((total)) "and was committed before that"
send relp $here:2514 3000 700 >"$D/sessions"
is "$(cat "$D/sessions")" 2 "RELP, cut by the sender, which sends again what it knows no answer to"
is "$(count rej)" $total "nothing is counted twice"

stop KILL
start
saw $? "starts after SIGKILL, its socket's file being there"
send relp $here:2514 60000 >"$D/sessions" &
sender=$!
others=$sender
kills=0
while kill -0 $sender 2>/dev/null && [ $kills -lt 8 ]; do
    sleep 0.15    # a moment to be killed at, no condition
    stop KILL
    kills=$((kills + 1))
    start || break
done
wait $sender
saw $? "RELP: a sender goes on through $kills times SIGKILL"
next=$((next + 60000)) total=$((total + 60000))
[ "$(cat "$D/sessions")" -gt 1 ]
saw $? "in $(cat "$D/sessions") sessions"
counts $total "exact"

kill -HUP "$pid"
wait_for grep -q reloaded "$D/out"
saw $? "reload"
send lf $here:5514 3000 &
sender=$!
others=$sender
for i in 1 2 3 4 5; do
    kill -HUP "$pid"
    wait_for reloads_are $((i + 1))
done
wait $sender
saw $? "connections outlive reloads"
next=$((next + 3000)) total=$((total + 3000))
counts $total "and lose nothing"

# Hostile: all of max_clients taken, by bytes one at a time, messages without an end, and
# what is no framing; an honest sender comes after them.
megabytes=10
[ "${LAB:-}" != all ] || megabytes=100
perl -e '
    use strict;
    use IO::Socket::INET;
    $SIG{PIPE} = "IGNORE";
    my ($addr, $flag, $bytes) = @ARGV;
    my @s = map { IO::Socket::INET->new(PeerAddr => $_ % 4 ? "$addr:5514" : "$addr:2514") } 1 .. 200;
    my @flood = grep { defined } @s[0 .. 2];
    for my $i (0 .. $#s) {
        syswrite $s[$i], ("<", "9", "\x16\x03\x01", "1 open 99999999 ")[$i % 4] if $s[$i];
    }
    my $part = "<22>" . "x" x 65536;
    for (1 .. $bytes / length($part)) { syswrite $_, $part for @flood; }
    open my $f, ">", $flag;
    close $f;
    for (;;) {
        select undef, undef, undef, 0.05;
        for (@s) { syswrite $_, "<" if $_; }
    }' $here "$D/flooded" $((megabytes * 1000000)) &
hostile=$!
others=$hostile
wait_for test -e "$D/flooded"
saw $? "messages of $megabytes MB without an end are read on"
send lf $here:5514 1000
saw $? "an honest sender finds room over TCP"
send relp $here:2514 1000 >"$D/sessions"
saw $? "and over RELP"
counts $total "and loses nothing"
hwm=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status" 2>/dev/null)
limit=65536
[ -z "${SAN:-}" ] || limit=1000000
[ "${hwm:-0}" -lt $limit ]
saw $? "in ${hwm:-0} KB of memory"
grep -q 'closed, as its messages cannot be told apart' "$D/out"
saw $? "bad framing is said"
is "$(grep -c 'cannot be told apart' "$D/out")" 1 "once"
kill $hostile
wait $hostile 2>/dev/null
others=

printf 'state = "%s/state"\nsource "net" {\n listen = { "tcp:%s:5514" }\n allow = { "192.0.2.0/24" }\n}\n' \
    "$D" $here >"$D/conf"
kill -HUP "$pid"
wait_for reloads_are 7
perl tests/daemon/syslog.pl lf $here:5514 $next 10
wait_for grep -q 'turned away: tcp/5514' "$D/out"
saw $? "who is not in allow is turned away"

stop TERM
is "$status" 0 "SIGTERM"
[ ! -e "$D/log" ]
ok $? "the socket's file is gone"
done_testing
