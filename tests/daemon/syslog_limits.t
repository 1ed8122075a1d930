#!/bin/sh
# syslog_limits.t - what the syslog server does at its limits: nothing is lost without a number, and nobody
# who logs to a local socket waits for us.
set -u
: "${BUILD:=build}"
# shellcheck source=tests/daemon/daemon_test.sh
. tests/daemon/daemon_test.sh
# an address of loopback for this test alone, so that its ports are free
here=127.$((1 + $$ / 250 % 250)).$((1 + $$ % 250)).3

conf() { # SETTINGS
    printf 'state = "%s/state"\ntemplates = "%s/rrd-templates"\n%s\nsource "net" {\n listen = { "unix:%s/log", "udp:%s:5514", "tcp:%s:5514", "relp:%s:2514" }\n}\n' \
        "$D" "$PWD" "$1" "$D" $here $here $here >"$D/conf"
}
said() { grep -q "$1" "$D/out"; }
next=0
total=0
send() { # HOW WHERE N: the next N lines
    timeout 60 perl tests/daemon/syslog.pl "$1" "$2" $next "$3"
    sent=$?
    next=$((next + $3))
    total=$((total + $3))
    return $sent
}
limit() { # NAME: how often it bit
    sqlite3 "$D/state/state.db" "SELECT hits FROM capacity WHERE name = '$1'"
}
failures_are() { [ "$(grep -c 'mxgauged: cannot store' "$D/out")" -ge "$1" ]; }
stands() { # NAME: status has it, and that it bit
    "$mxgauge" status --state "$D/state" | grep -qE "^  $1 .*(once|times), "
}

# --- nothing can be stored --------------------------------------------------------------------

if command -v prlimit >/dev/null 2>&1; then
    conf 'datagram_bytes = 2000000'
    start || { cat "$D/out"; echo "Bail out! mxgauged does not start"; exit 1; }
    send unix "$D/log" 100
    counts $total "datagrams are counted"
    prlimit --pid "$pid" --fsize=4096:unlimited
    send unix "$D/log" 10
    wait_for said 'cannot store'
    saw $? "nothing can be stored"
    send unix "$D/log" 3000
    saw $? "a program that logs to a local socket does not wait"
    send udp $here:5514 1000
    prlimit --pid "$pid" --fsize=unlimited:unlimited
    counts $total "and once something can be stored, all of it is"
    is "$(count syslog_lost)" 0 "nothing was lost"
    prlimit --pid "$pid" --fsize=4096:unlimited
    send unix "$D/log" 10
    wait_for failures_are 2
    saw $? "nothing can be stored again"
    send unix "$D/log" 15000
    saw $? "still nobody waits"
    wait_for said 'datagrams were dropped, as nothing could be stored'
    saw $? "what does not fit into datagram_bytes is dropped, and said"
    prlimit --pid "$pid" --fsize=unlimited:unlimited
    adds_up() { [ $(($(count rej) + $(count syslog_lost))) -eq $total ]; }
    wait_for adds_up
    saw $? "what was dropped is counted: $(count rej) + $(count syslog_lost) of $total"
    [ "$(count syslog_lost)" -gt 0 ] && [ "$(limit datagrams)" = "$(count syslog_lost)" ] && stands datagrams
    ok $? "and stands in the status"
    hwm=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status" 2>/dev/null)
    limit=65536
    case $BUILD in *san*) limit=1000000 ;; esac
    [ "${hwm:-0}" -lt $limit ]
    ok $? "in ${hwm:-0} KB of memory"
    prlimit --pid "$pid" --fsize=4096:unlimited
    send unix "$D/log" 10
    wait_for failures_are 3
    send unix "$D/log" 500
    prlimit --pid "$pid" --fsize=unlimited:unlimited
    stop TERM
    adds_up
    saw $? "held datagrams are stored when mxgauged stops"
    rm -rf "$D/state"
    total=0
else
    ok 0 "a full disk # SKIP there is no prlimit"
fi

# --- the kernel has no room -----------------------------------------------------------------------

conf 'max_clients = 4'
start
send udp $here:5514 10
counts $total "datagrams over UDP"
kill -STOP "$pid"
perl -e '
    use IO::Socket::INET;
    my $s = IO::Socket::INET->new(PeerAddr => $ARGV[0], Proto => "udp") or die;
    use POSIX;
    my $at = strftime("%Y-%m-%dT%H:%M:%SZ", gmtime);
    for (1 .. 12000) { $s->send("<22>1 $at mx1 cron 1 - - $_" . "x" x 2000); }' $here:5514
kill -CONT "$pid"
dropped() { [ "${kernel:=0}" -gt 0 ] || { send udp $here:5514 1; kernel=$(limit udp_dropped); [ "${kernel:-0}" -gt 0 ]; }; }
wait_for dropped
saw $? "datagrams that the kernel dropped are counted: $kernel"
is_sum() { [ $(($(count syslog_lost) + $(lines_read))) -eq $((total + 12000)) ]; }
wait_for is_sum
saw $? "to the last one"
said 'the kernel dropped datagrams' && stands udp_dropped
saw $? "and said"

# --- connections -------------------------------------------------------------------------------------

perl -e '
    use IO::Socket::INET;
    my @s = map { IO::Socket::INET->new(PeerAddr => $ARGV[0]) or die } 1 .. 4;
    open my $f, ">", $ARGV[1];
    close $f;
    my $bits = "";
    sleep 100;' $here:5514 "$D/there" &
others=$!
wait_for test -e "$D/there"
send lf $here:5514 100
saw $? "max_clients are idle: one of them makes room"
counts $total "for an honest sender"
is_full() { [ "$(count syslog_full)" = "$1" ]; }
wait_for is_full 1
saw $? "which is counted"
wait_for stands clients
saw $? "and stands in the status"
kill $others
others=

perl -e '
    use IO::Socket::INET;
    my @s = map { IO::Socket::INET->new(PeerAddr => $ARGV[0]) or die } 1 .. 4;
    syswrite $_, "<22>1 2000-01-01T00:00:00Z mx1 cron 1 - - x\n" for @s;
    open my $f, ">", $ARGV[1];
    close $f;
    sleep 100;' $here:5514 "$D/here" &
others=$!
wait_for test -e "$D/here"
MX_FROM=127.88.1.1 send lf $here:5514 100
saw $? "and where all of them are one address's, and busy, one of those"
counts $total "for an honest sender from elsewhere"
MX_FROM=127.88.1.1 send lf $here:5514 100
counts $total "and another one"
kill $others
others=
stop TERM
is "$status" 0 "SIGTERM"
done_testing
