#!/bin/sh
# syslog.t - mxgauged hears syslog over datagrams, TCP and RELP, and the counts are exact:
# each line refuses one recipient. What hostile senders do costs honest ones nothing.
set -u
: "${BUILD:=build}"
# shellcheck source=tests/tap.sh
. tests/tap.sh
D=$(mktemp -d "${TMPDIR:-/tmp}/mx-syslog.XXXXXX") || exit 1
pid= others=
trap 'stop KILL; for p in $others; do kill -9 "$p" 2>/dev/null; done; rm -rf "$D"' EXIT
trap 'exit 1' INT TERM
# an address of loopback for this test alone, so that its ports are free
here=127.$((1 + $$ / 250 % 250)).$((1 + $$ % 250)).1
export TZ=UTC

saw() { # as ok, and what the daemon said when it was not
    ok "$1" "$2"
    [ "$1" = 0 ] || sed 's/^/# /' "$D/out" 2>/dev/null | tail -n 15
}

stop() { # SIGNAL: end the daemon; its status is in $status
    status=0
    [ -n "$pid" ] || return 0
    kill "-$1" "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    status=$?
    pid=
}

start() {
    : >"$D/out"
    "$BUILD/bin/mxgauged" --foreground --config "$D/conf" >"$D/out" 2>&1 &
    pid=$!
    wait_for grep -q started "$D/out"
}

# Try a command until it succeeds: for at most 20 seconds, and no longer than the daemon lives.
wait_for() {
    tries=0
    until "$@" 2>/dev/null; do
        tries=$((tries + 1))
        [ $tries -lt 200 ] || return 1
        [ -z "$pid" ] || kill -0 "$pid" 2>/dev/null || { "$@" 2>/dev/null; return; }
        sleep 0.1
    done
}

refused() {
    "$BUILD/bin/mxgauge" report --state "$D/state" --json 2>/dev/null |
        sed -n 's/.*"counts":{[^}]*"rej":\([0-9]*\).*/\1/p'
}

is_refused() { [ "$(refused)" = "$1" ]; }

counts() { # N TEXT: the count becomes N
    wait_for is_refused "$1"
    r=$?
    [ $r -eq 0 ] || echo "# refused: $(refused), want $1"
    saw $r "$2"
}

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
is "$(refused)" $((total)) "and was committed before that"
send relp $here:2514 3000 700 >"$D/sessions"
is "$(cat "$D/sessions")" 2 "RELP, cut by the sender, which sends again what it knows no answer to"
is "$(refused)" $total "nothing is counted twice"

stop KILL
start
saw $? "starts after SIGKILL, its socket's file being there"
send relp $here:2514 20000 >"$D/sessions" &
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
next=$((next + 20000)) total=$((total + 20000))
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
    wait_for test "$(grep -c reloaded "$D/out")" -gt "$i"
done
wait $sender
saw $? "connections outlive reloads"
next=$((next + 3000)) total=$((total + 3000))
counts $total "and lose nothing"

stop TERM
is "$status" 0 "SIGTERM"
[ ! -e "$D/log" ]
ok $? "the socket's file is gone"
done_testing
