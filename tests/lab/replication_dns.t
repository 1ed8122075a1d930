#!/bin/sh
# replication_dns.t - check_replication_dns asks a real BIND here and its copies, an NSD and a BIND, at the far end: alike,
# not told of a change, with another key, changed by hand, frozen, cut off, gone. More faults on loopback: zone.t.
set -u
. tests/tap.sh
. tests/lab/lab_test.sh
lab_needs "name servers in two networks" named nsd nsenter
pair_check=check_replication_dns
# shellcheck source=tests/lab/pair_test.sh
. tests/lab/pair_test.sh
pair_far ip addr add 10.99.0.3/24 dev far
mkdir "$d/1" "$d/2" "$d/3"
secret=$(head -c 32 /dev/urandom | base64)
other=$(head -c 32 /dev/urandom | base64)
always="-H example.org --resolver 10.99.0.2:10053 -p 10053"
for i in 2 1 3; do always="$always --server 10.99.0.$i"; done

# zone SERIAL: the primary's file
zone() {
    printf '$ORIGIN example.org.\n$TTL 60\n@ SOA ns1 hostmaster %s 2 2 86400 60\n@ NS ns1\nns1 A 10.99.0.2\n' "$1" >"$d/2/new"
    mv "$d/2/new" "$d/2/example.org"
}
# bind_conf N SECRET LINES: BIND number N
bind_conf() {
    cat >"$d/$1/new" <<END
options {
    directory "$d/$1"; pid-file "$d/$1/pid"; session-keyfile "$d/$1/session";
    listen-on port 10053 { 10.99.0.$1; }; listen-on-v6 { none; };
    recursion no; dnssec-validation no; empty-zones-enable no; notify explicit;
    also-notify { $([ "$1" != 2 ] || echo '10.99.0.1 port 10053; 10.99.0.3 port 10053;') };
    min-refresh-time 1; max-refresh-time 2; min-retry-time 1; max-retry-time 2;
};
controls { };
key mx { algorithm hmac-sha256; secret "$2"; };
zone "example.org" { $3 };
END
    mv "$d/$1/new" "$d/$1/conf"
}
primary_conf() { bind_conf 2 "$1" 'type primary; file "example.org"; allow-transfer { key mx; };'; }
# start N COMMAND...: number N runs, and its pid is in $pid
start() {
    i=$1
    shift
    "$@" >"$d/$i/log" 2>&1 &
    pid=$!
    pids="$pids $pid"
}
start_nsd() { start 1 nsenter --target $far --net nsd -d -c "$d/1/conf"; }
start_bind() { start 3 nsenter --target $far --net named -g -n 1 -c "$d/3/conf"; }
# change SERIAL: the primary has it from now on
change() {
    zone "$1"
    kill -HUP "$primary"
}

primary_conf "$secret"
bind_conf 3 "$secret" 'type secondary; primaries port 10053 { 10.99.0.2 key mx; }; file "copy"; allow-notify { 10.99.0.2; };'
cat >"$d/1/conf" <<END
server:
    ip-address: 10.99.0.1@10053
    port: 10053
    server-count: 1
    username: ""
    zonesdir: "$d/1"
    zonelistfile: "$d/1/zones"
    xfrdfile: ""
    xfrdir: "$d/1"
    pidfile: "$d/1/pid"
    database: ""
remote-control:
    control-enable: no
key:
    name: mx
    algorithm: hmac-sha256
    secret: "$secret"
zone:
    name: example.org
    zonefile: "$d/1/copy"
    request-xfr: AXFR 10.99.0.2@10053 mx
    allow-notify: 10.99.0.2 NOKEY
    min-refresh-time: 1
    max-refresh-time: 2
    min-retry-time: 1
    max-retry-time: 2
END
zone 2026010101
start 2 named -g -n 1 -c "$d/2/conf"
primary=$pid
start_nsd
nsd=$pid
start_bind
bind=$pid
in_primary="--primary 10.99.0.2:10053"
# shellcheck disable=SC2086
says "alike" 0 "3 servers have serial 2026010101" $in_primary
change 2026010102
says "a change reaches both" 0 "3 servers have serial 2026010102"

primary_conf "$other"
change 2026010103
says "the primary has another key: both fall behind" 2 "behind (limit 1 s)" -c lag=1s
is "$(sed -n '1s/.* behind=\([0-9]*\).* differ=\([0-9]*\).*/\1 \2/p' "$d/out")" "1 2" "by one serial, both"
primary_conf "$secret"
kill -HUP "$primary"
says "the key is right again" 0 "3 servers have serial 2026010103" -w lag=0

pair_stop "$bind"
bind_conf 3 "$secret" 'type primary; file "own";'
sed 's/2026010103/2026010199/' "$d/2/example.org" >"$d/3/own"
start_bind
bind=$pid
# shellcheck disable=SC2086
says "a copy that was changed by hand" 2 "10.99.0.3 port 10053: serial 2026010199 is newer than 2026010103 of the primary" $in_primary
pair_stop "$bind"
says "the BIND copy is gone" 2 "10.99.0.3 port 10053: "
rm -f "$d/3/copy"
bind_conf 3 "$secret" 'type secondary; primaries port 10053 { 10.99.0.2 key mx; }; file "copy"; allow-notify { 10.99.0.2; };'
start_bind
bind=$pid
says "and is there again" 0 "3 servers have serial 2026010103"

kill -STOP "$primary"
says "the primary is frozen" 2 "10.99.0.2 port 10053: gives no answer" -t 3
in_time 3600
kill -CONT "$primary"
says "thawed" 0 "3 servers"
kill -STOP "$bind"
says "a copy is frozen" 2 "10.99.0.3 port 10053: gives no answer" -t 3
in_time 3600
kill -CONT "$bind"
says "thawed" 0 "3 servers"

pair_cut
change 2026010104
says "network cut: neither copy answers" 2 "10.99.0.1 port 10053: " -t 3
grep -q "10.99.0.3 port 10053: " "$d/out"
ok $? "both are named"
in_time 3600
pair_mend
# shellcheck disable=SC2086
says "cable back: both catch up" 0 "3 servers have serial 2026010104" $in_primary
pair_stop "$nsd"
says "the NSD copy is gone" 2 "10.99.0.1 port 10053: "
done_testing
