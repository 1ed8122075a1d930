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
"$mxgauge" status --state "$D/state" >"$D/status"
is "$(grep -c 'lines so far$' "$D/status") $(grep -c 'read to byte' "$D/status")" "4 0" "status has the lines of each listener, and no byte of a file"
is "$(count rej)" $((total)) "and was committed before that"
send relp $here:2514 3000 700 >"$D/sessions"
is "$(cat "$D/sessions")" 2 "RELP, cut by the sender, which sends again what it knows no answer to"
is "$(count rej)" $total "nothing is counted twice"

T0=$(($(date +%s) - 600))
export FINE=1 T0
send relp $here:2514 3000 >"$D/sessions"
unset FINE
send relp $here:2514 1500 >"$D/sessions"
again=$((next - 4500))
FINE=1 perl tests/daemon/syslog.pl relp $here:2514 $again 2000 >"$D/sessions"
FINE=1 perl tests/daemon/syslog.pl octets $here:5514 $((again + 2990)) 10
FINE=1 perl tests/daemon/syslog.pl octets $here:5514 $((again + 2989)) 11
wait_for is_count copies 2021
r=$?
unset T0
saw $r "with microseconds, what comes again is a copy, however late and mixed"
is "$(count rej)" $total "and nothing is counted twice"

stop KILL
start
saw $? "starts after SIGKILL, its socket's file being there"
# two at once, of one address: each repeats what it has no answer to, and no other one's
perl tests/daemon/syslog.pl relp $here:2514 $next 30000 >"$D/sessions" &
sender=$!
perl tests/daemon/syslog.pl relp $here:2514 $((next + 30000)) 30000 >"$D/sessions2" &
other=$!
others="$sender $other"
kills=0
while kill -0 $sender 2>/dev/null && kill -0 $other 2>/dev/null && [ $kills -lt 8 ]; do
    sleep 0.15    # a moment to be killed at, no condition
    stop KILL
    kills=$((kills + 1))
    start || break
done
wait $sender && wait $other
saw $? "RELP: two senders of an address go on through $kills times SIGKILL"
next=$((next + 60000)) total=$((total + 60000))
[ "$(cat "$D/sessions")" -gt 1 ] && [ "$(cat "$D/sessions2")" -gt 1 ]
saw $? "in $(cat "$D/sessions") and $(cat "$D/sessions2") sessions"
counts $total "exact"

# A program that connects anew for each line, and means two that are equal; and one that was
# cut, and repeats a line of which nothing tells whether it is another one.
perl -e '
    use strict;
    use IO::Socket::INET;
    use POSIX qw(strftime);
    use Socket qw(SOL_SOCKET SO_LINGER);
    my $text = "NOQUEUE: reject: RCPT from unknown[192.0.2.1]: 550 5.1.1 <u\@example.org>: " .
        "Recipient address rejected: User unknown in local recipient table; " .
        "from=<a\@example.net> to=<u\@example.org> proto=ESMTP helo=<h.example.net>";
    my $line = "<22>" . strftime("%b %e %H:%M:%S", gmtime) . " mx1 postfix/smtpd[7]: $text\n";
    sub session {
        my ($times, $cut) = @_;
        my $s = IO::Socket::INET->new(PeerAddr => $ARGV[0], LocalAddr => "127.77.7.7") or die;
        syswrite $s, $line x $times;
        setsockopt $s, SOL_SOCKET, SO_LINGER, pack "ii", 1, 0 if $cut;
        $cut ? select undef, undef, undef, 1.5 : shutdown $s, 1;   # it is read before it is cut
        sysread $s, my $end, 1 unless $cut;
        close $s;
    }
    session(1) for 1 .. 3;
    session(2, 1);
    session(2);' $here:5514
total=$((total + 5))
counts $total "equal lines are others after a connection that ended, and the same after one that broke"

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
# A port that only root may have: who is not root is told what to do.
lowest=$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start 2>/dev/null || echo 0)
if [ "$lowest" -gt 514 ]; then
    printf 'state = "%s/low"\nuser = "%s"\nsource "net" { listen = { "tcp:%s:514" } }\n' \
        "$D" "$([ "$(id -u)" = 0 ] && echo nobody)" $here >"$D/conf"
    chmod 755 "$D"
    "$BUILD/bin/mxgauged" --foreground --config "$D/conf" >"$D/low.out" 2>&1
    is "$? $(grep -c 'Permission denied; take a port above 1023' "$D/low.out")" "1 1" "a port below 1024 is refused, with what to do"
else
    ok 0 "a port below 1024 # SKIP here anybody may have it"
fi
done_testing
