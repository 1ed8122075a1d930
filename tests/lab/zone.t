#!/bin/sh
# zone.t - check_replication_dns against a real NSD as primary, an NSD and a BIND that copy from it:
# equal; transfers that hang while the old serial is served; frozen; away; refused; expired; set back.
# No root, no namespaces: loopback and a free port.
set -u
export LC_ALL=C TZ=UTC
. tests/tap.sh
[ -n "${LAB:-}" ] || skip_all "lab: real name servers: LAB is not set"
PATH=$PATH:/usr/sbin:/sbin
for p in nsd named /usr/bin/python3; do
    command -v "$p" >/dev/null 2>&1 && continue
    [ -z "${CI:-}" ] || { echo "not ok 1 - $p is missing"; echo 1..1; exit 1; }
    skip_all "lab: real name servers: $p is missing; make deps LAB=1"
done
check=$BUILD/plugins/check_replication_dns
d=$(mktemp -d "${TMPDIR:-/tmp}/mx-zone.XXXXXX") || exit 1
# shellcheck disable=SC2154,SC2086  # p1 p2 p3: of start
trap 'kill -CONT ${p2:-} ${p1:-} 2>/dev/null; kill ${p3:-} ${p2:-} ${p1:-} 2>/dev/null; wait; rm -rf "$d"' EXIT
trap 'exit 1' INT TERM
export NAGIOS_PLUGIN_STATE_DIRECTORY="$d/kept"
mkdir "$d/kept" "$d/1" "$d/2" "$d/3"
# below those that connections take for themselves
port=$(/usr/bin/python3 -c 'import random, socket
while True:
    try:
        s, port = [], random.randrange(20000, 32000)
        for i in (1, 2, 3):
            for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                s.append(socket.socket(socket.AF_INET, kind))
                s[-1].bind(("127.0.0.%d" % i, port))
        print(port)
        break
    except OSError:
        pass')

# zone SERIAL [EXPIRE]: the primary has it
zone() {
    cat >"$d/3/example.org" <<END
\$ORIGIN example.org.
\$TTL 60
@ SOA ns1 hostmaster $1 2 2 ${2:-86400} 60
@ NS ns1
@ NS ns2
@ NS ns3
ns1 A 127.0.0.1
ns2 A 127.0.0.2
ns3 A 127.0.0.3
END
    [ -z "${p3:-}" ] || nsd-control -c "$d/3/conf" reload example.org >/dev/null 2>&1
}
# nsd_conf N LINES...: server N, and its part of the zone
nsd_conf() {
    i=$1
    shift
    cat >"$d/$i/conf" <<END
server:
    ip-address: 127.0.0.$i@$port
    port: $port
    server-count: 1
    username: ""
    zonesdir: "$d/$i"
    zonelistfile: "$d/$i/zones"
    xfrdfile: ""
    xfrdir: "$d/$i"
    pidfile: "$d/$i/pid"
    database: ""
    refuse-any: yes
remote-control:
    control-enable: yes
    control-interface: $d/$i/ctl
zone:
    name: example.org
    zonefile: "$d/$i/example.org"
END
    printf '    %s\n' "$@" >>"$d/$i/conf"
}
start() {
    case $1 in
    1) named -g -n 1 -c "$d/1/conf" >"$d/1/log" 2>&1 & ;;
    *) nsd -d -c "$d/$1/conf" >"$d/$1/log" 2>&1 & ;;
    esac
    eval "p$1=$!"
}
zone 2026010101
nsd_conf 3 "notify: 127.0.0.2@$port NOKEY" "notify: 127.0.0.1@$port NOKEY" "provide-xfr: 127.0.0.0/8 NOKEY" \
    "outgoing-interface: 127.0.0.3"
nsd_conf 2 "request-xfr: AXFR 127.0.0.3@$port NOKEY" "allow-notify: 127.0.0.0/8 NOKEY" "min-refresh-time: 1" "max-refresh-time: 2" \
    "min-retry-time: 1" "max-retry-time: 2"
cat >"$d/1/conf" <<END
options {
    directory "$d/1"; pid-file "$d/1/pid"; session-keyfile "$d/1/session";
    listen-on port $port { 127.0.0.1; }; listen-on-v6 { none; };
    recursion no; dnssec-validation no; notify no; empty-zones-enable no;
    min-refresh-time 1; max-refresh-time 2; min-retry-time 1; max-retry-time 2;
};
controls { };
zone "example.org" { type secondary; primaries port $port { 127.0.0.3; }; file "copy"; allow-notify { 127.0.0.0/8; }; };
END

# run STATUS TEXT ARGS...: TEXT is in the first line, and the answer is there within 4 s
run() {
    want=$1 text=$2
    shift 2
    before=$(date +%s)
    "$check" -H example.org --resolver "127.0.0.3:$port" -p "$port" -t 3 "$@" >"$d/out" 2>&1
    rc=$?
    [ $rc = "$want" ] && head -n 1 "$d/out" | grep -qF -- "$text" && [ $(($(date +%s) - before)) -le 4 ]
}
# in_time ARGS OF run...: for at most 40 s
in_time() {
    until_so 40 run "$@"
}
told() {
    rc=$?
    ok $rc "$1"
    [ $rc = 0 ] || sed 's/^/# /' "$d/out"
}
says() { grep -qF -- "$1" "$d/out"; }

start 1
start 2
start 3
in_time 0 "3 servers have serial 2026010101"
rc=$?
(exit $rc)
told "NSD, its copy and BIND's: equal"
if [ $rc != 0 ]; then
    tail -n 20 "$d"/?/log | sed 's/^/# /'
    done_testing
    exit 1
fi
zone 2026010102
in_time 0 "3 servers have serial 2026010102"
told "a change reaches all"

kill -STOP "$p2"
zone 2026010103
in_time 1 "ns2.example.org (127.0.0.2) port $port is" -w lag=0 -c behind=5
told "transfers hang: the old serial is served on, and time tells"
says "ns2.example.org (127.0.0.2) port $port has serial 2026010102, 1 behind 2026010103"
told "by how much"
kill -CONT "$p2"
in_time 0 "3 servers have serial 2026010103" -w lag=0
told "it goes on"

kill -STOP "$p1"
run 2 "ns1.example.org (127.0.0.1) port $port: gives no answer"
told "BIND is frozen: no answer, inside -t"
kill -CONT "$p1"
in_time 0 "3 servers"
told "it goes on"
kill "$p2" && wait "$p2"
p2=
run 2 "ns2.example.org (127.0.0.2) port $port: cannot be reached" || run 2 "ns2.example.org (127.0.0.2) port $port: gives no answer"
told "an NSD that is away"
start 2
in_time 0 "3 servers"
told "it is there again"
"$check" -H example.com --server 127.0.0.1 --server 127.0.0.3 -p "$port" -t 3 >"$d/out" 2>&1
[ $? = 2 ] && says "127.0.0.1 port $port: refuses to answer for the zone" && says "127.0.0.3 port $port: refuses"
told "a zone that they do not serve: lame"

zone 2026010001
in_time 2 "is newer than 2026010001 of the primary, which was set back" --primary "127.0.0.3:$port"
told "a serial that was set back"
zone 2026010104 4
in_time 0 "3 servers have serial 2026010104"
told "and again ahead"
kill "$p3" && wait "$p3"
p3=
both_fail() {
    "$check" -H example.org --server 127.0.0.2 --server 127.0.0.1 -p "$port" -t 3 >"$d/out" 2>&1
    [ "$(grep -o 'fails (SERVFAIL)' "$d/out" | wc -l)" = 2 ]
}
until_so 40 both_fail
says "127.0.0.2 port $port: fails (SERVFAIL)" && says "127.0.0.1 port $port: fails (SERVFAIL)"
told "the primary is gone for longer than EXPIRE: both copies have the zone no more"
done_testing
