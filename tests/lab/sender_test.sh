# sender_test.sh - what the tests with real syslog daemons share: a network of their own, mxgauged
# that listens in it, programs that log, and counts held against what was logged.
# shellcheck shell=sh
#
# Sourced after tap.sh. Everything runs in a mount and network namespace: /run and /var/spool
# are private, 192.0.2.10 is where mxgauged listens. "host" is the name under which a
# daemon's lines are counted, and that of its folder $D/HOST.
export TZ=UTC
here=tests/lab
daemons="" # pids, to be ended whatever happens
pid="" traffic=""

# sender_needs WHAT COMMAND...: skipped by name without them, then again in namespaces
sender_needs() {
    what=$1
    shift
    PATH=$PATH:/usr/sbin:/sbin
    if [ -z "${INSIDE:-}" ]; then
        [ -n "${LAB:-}" ] || skip_all "lab: $what: LAB is not set"
        [ "$(id -u)" = 0 ] || ! sudo -n true 2>/dev/null ||
            exec sudo -n env PATH="$PATH" BUILD="$BUILD" LAB="$LAB" CI="${CI:-}" SAN="${SAN:-}" sh "$0"
        [ "$(id -u)" = 0 ] || skip_all "lab: $what: namespaces need root"
        for p in unshare ip logger "$@"; do
            command -v "$p" >/dev/null 2>&1 && continue
            [ -z "${CI:-}" ] || { echo "not ok 1 - $p is missing"; echo 1..1; exit 1; }
            skip_all "lab: $what: $p is missing; make deps LAB=1"
        done
        unshare --mount --net true 2>/dev/null || skip_all "lab: $what: this system grants no namespaces"
        INSIDE=1 exec unshare --mount --net sh "$0"
    fi
    case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
    D=$(mktemp -d "${TMPDIR:-/tmp}/mx-sender.XXXXXX") || exit 1
    trap 'for p in $pid $traffic $daemons; do kill -9 "$p" 2>/dev/null; done; umount "$D/log" 2>/dev/null; rm -rf "$D"' EXIT
    trap 'exit 1' INT TERM
    mount -t tmpfs -o mode=755 run /run
    mount -t tmpfs -o mode=755 spool /var/spool
    ip link set lo up mtu 1500 # as a network's: what librelp sends comes in segments, not in windows
    ip addr add 192.0.2.10/32 dev lo
    mkdir /run/mxgauge
}

# as ok, and what mxgauged said when it was not
saw() {
    ok "$1" "$2"
    [ "$1" = 0 ] || sed 's/^/# /' "$D/out" 2>/dev/null | tail -n 15
}

# COMMAND...: until it succeeds, for at most $limit seconds
limit=60
wait_for() {
    tries=0
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ $tries -lt $((limit * 10)) ] || return 1
        sleep 0.1
    done
}

start() {
    : >>"$D/out"
    was=$(grep -c started "$D/out")
    "$BUILD/bin/mxgauged" --foreground --config "$D/conf" >>"$D/out" 2>&1 &
    pid=$!
    wait_for started_again
}
started_again() { [ "$(grep -c started "$D/out")" -gt "$was" ]; }

stop() { # SIGNAL
    kill "-$1" "$pid"
    wait "$pid" 2>/dev/null
    status=$?
    pid=
}

# log_to RATE HOST...: programs begin to log to the sockets of these
log_to() {
    rate=$1
    shift
    sockets=
    for h; do
        sockets="$sockets $D/$h/socket"
    done
    rm -f "$D/stop" "$D/logged"
    # shellcheck disable=SC2086
    perl $here/traffic.pl "$rate" "$D/stop" "$D/logged" $sockets 2>"$D/traffic.err" &
    traffic=$!
}

# They end: $logged is how many lines each got, $longest how long a program waited.
log_ends() {
    : >"$D/stop"
    wait $traffic
    saw $? "the programs could log: $(cat "$D/traffic.err")"
    traffic=
    logged=$(sed -n 1p "$D/logged")
    longest=$(sed -n 2p "$D/logged")
}

count() { # HOST
    "$BUILD/bin/mxgauge" report --state "$D/state" --json 2>/dev/null | python3 -c '
import json, sys
print(json.load(sys.stdin)["hosts"].get(sys.argv[1], {}).get("rej", 0))' "$1" 2>/dev/null
}
is_count() { [ "$(count "$1")" = "$2" ]; }
is_more() { n=$(count "$1") && [ -n "$n" ] && [ "$n" -gt "$2" ]; }
# On it goes: more of HOST arrives than there is.
flows() { wait_for is_more "$1" "$(count "$1")"; }

# counts HOST N TEXT: the count of its lines becomes N
counts() {
    wait_for is_count "$1" "$2"
    r=$?
    [ $r -eq 0 ] || echo "# counted of $1: $(count "$1"), want $2"
    saw $r "$3"
}

# The count of what may lose lines: once nothing comes any more. $got
settled() { # HOST
    got=-1
    for quiet in 1 2 3; do
        while n=$(count "$1") && [ "$n" != "$got" ]; do
            got=$n
            sleep 1
        done
    done
}

# the lines of a host's own file, each of which counts
lines_of() { grep -c 'NOQUEUE: reject: ' "$D/$1/file"; }
is_lines() { [ "$(lines_of "$1")" = "$2" ]; }
