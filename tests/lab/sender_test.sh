# sender_test.sh - what the tests with real syslog daemons share: a network of their own, mxgauged
# that listens in it, programs that log, and counts held against what was logged.
# shellcheck shell=sh
#
# Everything runs in a mount and network namespace: /run, /var/spool and /etc/hosts are private,
# 192.0.2.10 is log.example.org, where mxgauged listens. A daemon has the name under which its
# lines are counted, HOST, and a folder, $D/HOST: its socket, the file into which it logs too.

# sender_needs WHAT COMMAND...: skipped by name without them, then again in namespaces
sender_needs() {
    what=$1
    shift
    PATH=$PATH:/usr/sbin:/sbin
    if [ -z "${INSIDE:-}" ]; then
        # shellcheck source=tests/tap.sh
        . tests/tap.sh
        [ -n "${LAB:-}" ] || skip_all "lab: $what: LAB is not set"
        [ "$(id -u)" = 0 ] || ! sudo -n true 2>/dev/null ||
            exec sudo -n env PATH="$PATH" BUILD="${BUILD:-build}" LAB="$LAB" CI="${CI:-}" SAN="${SAN:-}" sh "$0"
        [ "$(id -u)" = 0 ] || skip_all "lab: $what: namespaces need root"
        for p in unshare ip logger "$@"; do
            command -v "$p" >/dev/null 2>&1 && continue
            [ -z "${CI:-}" ] || { echo "not ok 1 - $p is missing"; echo 1..1; exit 1; }
            skip_all "lab: $what: $p is missing; make deps LAB=1"
        done
        unshare --mount --net true 2>/dev/null || skip_all "lab: $what: this system grants no namespaces"
        INSIDE=1 exec unshare --mount --net sh "$0"
    fi
    # shellcheck source=tests/daemon/daemon_test.sh
    . tests/daemon/daemon_test.sh
    mount -t tmpfs -o mode=755 run /run
    mount -t tmpfs -o mode=755 spool /var/spool
    printf '127.0.0.1 localhost\n192.0.2.10 log.example.org\n' >"$D/hosts"
    mount --bind "$D/hosts" /etc/hosts
    ip link set lo up mtu 1500 # as a network's: what librelp sends comes in segments, not in windows
    ip addr add 192.0.2.10/32 dev lo
    mkdir /run/mxgauge
}

# run HOST COMMAND...: a daemon, in the background; its process id is in $D/HOST/pid
run() {
    r_host=$1
    shift
    rm -f "$D/$r_host/socket"
    "$@" >>"$D/$r_host/out" 2>&1 &
    echo $! >"$D/$r_host/pid"
    others="$others $!"
    wait_for test -S "$D/$r_host/socket"
}

# end HOST SIGNAL
end() {
    kill "-$2" "$(cat "$D/$1/pid")"
    wait "$(cat "$D/$1/pid")" 2>/dev/null
}

# rsyslog HOST [SED-EXPRESSION]: a rsyslogd that logs into a file of its own, and sends as
# packaging/rsyslog/mxgauge-$sample.conf says, but for folders
rsyslog() {
    mkdir -p "$D/$1/spool"
    {
        printf 'global(localHostname="%s")\nmodule(load="imuxsock" SysSock.Use="off")\n' "$1"
        printf 'input(type="imuxsock" Socket="%s/socket" RateLimit.Interval="0")\n' "$D/$1"
        printf 'mail.* action(type="omfile" file="%s/file" template="RSYSLOG_FileFormat")\n' "$D/$1"
        sed -e "s|/var/spool/rsyslog|$D/$1/spool|; s|/etc/rsyslog.d/|$D/|g; s/resumeInterval=\"5\"/resumeInterval=\"1\"/; ${2:-}" \
            "packaging/rsyslog/mxgauge-$sample.conf"
    } >"$D/$1/conf"
    run "$1" rsyslogd -n -f "$D/$1/conf" -i "$D/$1/rsyslogd.pid"
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
    perl tests/lab/traffic.pl "$rate" "$D/stop" "$D/logged" $sockets 2>"$D/traffic.err" &
    traffic=$!
    others="$others $traffic"
}

# They end: $logged is how many lines each got, $longest how long a program waited.
log_ends() {
    : >"$D/stop"
    wait $traffic
    saw $? "the programs could log: $(cat "$D/traffic.err")"
    logged=$(sed -n 1p "$D/logged")
    longest=$(sed -n 2p "$D/logged")
}

# had HOST: so many of its lines are counted
had() {
    n=$("$mxgauge" report --state "$D/state" --json 2>/dev/null |
        sed -n 's/.*"hosts":{\(.*\)/\1/p' | sed -n "s/.*\"$1\":{[^}]*\"rej\":\([0-9]*\).*/\1/p")
    echo "${n:-0}"
}
has_had() { [ "$(had "$1")" = "$2" ]; }
has_more() { [ "$(had "$1")" -gt "$2" ]; }
flows() { wait_for has_more "$1" "$(had "$1")"; }    # HOST: more arrives than there is

# counts_of HOST N TEXT: the count of its lines becomes N
counts_of() {
    wait_for has_had "$1" "$2"
    r=$?
    [ $r -eq 0 ] || echo "# counted of $1: $(had "$1"), want $2"
    saw $r "$3"
}

# settled HOST: the count of what may have lost lines, once no more come, in $got
settled() {
    got=-1
    until n=$(had "$1") && [ "$n" = "$got" ]; do
        got=$n
        sleep 2
    done
}

# the lines of a host's own file, each of which counts
lines_of() { grep -c 'NOQUEUE: reject: ' "$D/$1/file"; }
is_lines() { [ "$(lines_of "$1")" = "$2" ]; }

# All that HOST was given is in its file: lines do not overtake each other.
synced=0
sync_file() {
    synced=$((synced + 1))
    logger -u "$D/$1/socket" -p mail.info -t sync "end $synced"
    wait_for grep -q "sync.*: end $synced\$" "$D/$1/file"
}
