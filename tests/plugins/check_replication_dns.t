#!/bin/sh
# check_replication_dns.t - against name servers with every serial and fault (tests/fake/zone.py):
# who has which, who is behind and since when, who is lame. tests/lab/zone.t has real ones.
# shellcheck disable=SC2086  # $check is a list of words
what=check_replication_dns
# shellcheck source=tests/fake/fake_test.sh
. tests/fake/fake_test.sh
: >"$D/zone"
name_servers zone.py
ready dns
port=$(cat "$D/dns")
check="$BUILD/plugins/check_replication_dns --resolver 127.0.0.1:$port -p $port -t 5"
export NAGIOS_PLUGIN_STATE_DIRECTORY="$D/kept"
mkdir "$D/kept"

# zone LINES...: three servers, and what they say
zone() {
    rm -f "$D"/kept/*
    {
        printf 'ns example.org ns%s.example.org\n' 2 3 4
        printf 'host ns%s.example.org 127.0.0.%s\n' 2 2 3 3 4 4
        for line; do echo "127.0.0.$line"; done
    } >"$D/zone.new"
    mv "$D/zone.new" "$D/zone"
}
# run STATUS TEXT ARGS...: TEXT is in the first line
run() {
    want=$1 text=$2
    shift 2
    $check -H example.org "$@" >"$D/out" 2>&1
    rc=$?
    [ $rc = "$want" ] && head -n 1 "$D/out" | grep -qF -- "$text"
}
told() {
    rc=$?
    ok $rc "$1"
    [ $rc = 0 ] || sed 's/^/# /' "$D/out" "$D/dns.err"
}
says() { grep -qF -- "$1" "$D/out"; }
perf() { sed -n "1s/.*[ |]$1=\\([0-9.U-]*\\).*/\\1/p" "$D/out"; }

zone "2 example.org serial 2026010102" "3 example.org serial 2026010102" "4 example.org serial 2026010102"
run 0 "3 servers have serial 2026010102"
told "all have the same: OK"
is "$(perf lag) $(perf behind) $(perf differ) $(perf lame) $(perf servers)" "0 0 0 0 3" "its figures"
run 2 "servers" -c servers=4
told "too few servers"
run 0 "6 servers of 2 zones have" -H EXAMPLE.ORG.
told "a name is a name in capitals and with a dot at its end"

zone "2 example.org serial 2026010102" "3 example.org serial 2026010101" "4 example.org serial 2026010102"
run 0 "1 of 3 servers does not have the newest serial yet"
told "a difference is seen the first time"
is "$(perf behind) $(perf differ)" "1 1" "by one serial"
NAGIOS_PLUGIN_STATE_DIRECTORY=$D/nowhere run 3 "since when servers differ is not known, because nothing can be remembered: cannot open the folder"
told "a server that is behind, and no memory for how long: UNKNOWN"
run 0 "1 of 3 servers does not have the newest serial yet"
says "ns3.example.org (127.0.0.3) port $port has serial 2026010101, 1 behind 2026010102"
told "and by whom"
run 1 "1" -w behind=0
told "serials have a limit of their own"
now=$(date +%s)
set -- "$D"/kept/*
printf '2026010100 %s\n2026010101 %s\n2026010102 %s\n' $((now - 9000)) $((now - 6000)) $((now - 1200)) >"$1"
run 1 "ns3.example.org (127.0.0.3) port $port is 20 min behind (limit 15 min)"
told "behind since the newer one was seen first"
zone "2 example.org serial 2026010102" "3 example.org serial 2026010100" "4 example.org serial 2026010102"
run 0 "not have the newest"
set -- "$D"/kept/*
printf '2026010100 %s\n2026010101 %s\n2026010102 %s\n' $((now - 9000)) $((now - 8000)) $((now - 1200)) >"$1"
run 2 "is 2.2 h behind (limit 2 h)"
told "behind since the first that it lacks"
printf 'rubbish\n' >"$1"
run 0 "not have the newest"
told "what was kept is damaged: it begins anew"
zone "2 example.org serial 4294967295" "3 example.org serial 1" "4 example.org serial 4294967290"
run 0 "2 of 3" && is "$(perf behind) $(perf differ)" "7 2" "serials go round (RFC 1982)"

# --- the primary ---
zone "2 example.org serial 5" "3 example.org serial 5" "4 example.org serial 5" "5 example.org serial 7"
run 0 "3 of 4" --primary 127.0.0.5 && is "$(perf behind) $(perf servers)" "2 4" "a hidden primary is ahead of all"
zone "2 example.org serial 5" "3 example.org serial 9" "4 example.org serial 5"
run 2 "ns3.example.org (127.0.0.3) port $port: serial 9 is newer than 5 of the primary, which was set back" --primary 127.0.0.2
told "a serial that was set back at the primary is CRITICAL"
zone "2 example.org serial 0" "3 example.org serial 2147483648" "4 example.org serial 0"
run 2 "nobody can say which"
told "serials half the way round apart"
zone "2 example.org silent" "3 example.org serial 9" "4 example.org serial 9"
run 2 "gives no answer" --primary 127.0.0.2 && is "$(perf lame) $(perf servers)" "1 2" "a primary that is silent hides nothing"

# --- who does not answer well ---
for fault in "silent:gives no answer" "refused:refuses to answer for the zone" "servfail:fails (SERVFAIL)" \
    "unknown:does not know the zone" "empty:does not know the zone" "notauth 7:not with authority" \
    "foreign 7:gives no SOA" "alias 7:gives no SOA" "cut 7:gives no SOA" "garbage:answers what cannot be read" "mirror:gives no answer"; do
    zone "2 example.org serial 7" "3 example.org ${fault%%:*}" "4 example.org serial 7"
    run 2 "ns3.example.org (127.0.0.3) port $port: " -t 2 && says "${fault#*:}"
    told "${fault%%:*}: CRITICAL, by name"
done
zone "2 example.org late 7" "3 example.org serial 7" "4 example.org serial 7"
run 0 "3 servers"
told "a late answer is one"
echo 'ns example.org ns9.example.org' >>"$D/zone"
run 2 "ns9.example.org has no address"
told "a server without an address is CRITICAL"
: >"$D/zone"
run 2 "its name servers are not known"
told "a zone without name servers"
"$BUILD/plugins/check_replication_dns" -H example.org --resolver 127.0.0.1:1 -t 3 >"$D/out" 2>&1
is $? 2 "a resolver that is away is CRITICAL, as one that is silent"
echo 'ns example.org !servfail' >"$D/zone"
run 2 "example.org: its name servers are not known: the resolver failed (SERVFAIL) (asked: 127.0.0.1:"
told "so is one that fails: the servers of the zone may be dead"
is "$(perf behind) $(perf differ) $(perf lame) $(perf servers)" "U U U 0" "and nobody knows who is behind or lame"
/usr/bin/python3 -c 'import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
sys.stdin.read()' <"$D/end2" >"$D/mute" 9>&- &
until_so 20 [ -s "$D/mute" ]
"$BUILD/plugins/check_replication_dns" -H example.org --resolver "127.0.0.1:$(cat "$D/mute")" -t 1 >"$D/out" 2>&1
[ $? = 2 ] && says "127.0.0.1:$(cat "$D/mute"): it gave no answer in time, so not all servers are known" && ! says "0 of 0"
told "a resolver that is silent is named"
zone "2 example.org silent" "3 example.org silent" "4 example.org silent"
before=$(date +%s)
run 2 "gives no answer" -t 2 && [ $(($(date +%s) - before)) -le 3 ]
told "all are silent: inside -t"
is "$(perf behind) $(perf differ) $(perf lame) $(perf servers)" "U U 3 0" "and what they lack is not known"

# --- more ---
zone "2 example.org serial 7" "3 example.org serial 7" "2 example.com serial 8" "3 example.com serial 6"
run 0 "1 of 4" -H example.com --server 127.0.0.2 --server 127.0.0.3:$port --json
python3 -c 'import json, sys
o = json.load(open(sys.argv[1]))
s = o["servers"]
assert [x["serial"] for x in s] == [7, 7, 8, 6] and s[3]["zone"] == "example.com", s
assert len(o["copies"]) == 4 and o["measurements"]["behind"]["value"] == 2' "$D/out" 2>"$D/err"
told "two zones, servers given, JSON"
zone "2 example.org serial 7" "3 example.org serial 7"
printf 'ns example.org ns|<b>.example.org\nhost ns|<b>.example.org 127.0.0.2\n' >"$D/zone.new"
grep 127 "$D/zone" >>"$D/zone.new" && mv "$D/zone.new" "$D/zone"
$check -H example.org >"$D/out" 2>&1
! grep -q '<b>' "$D/out" && [ "$(tail -n +2 "$D/out" | grep -c '|')" = 0 ]
told "names of strangers are clean text"
run 3 "this is no port" --server 127.0.0.1:x
run 3 "127.0.0.1 is an IPv4 address, and -6 asks for IPv6 alone" -6 --server 127.0.0.1:53
run 3 "::1 is an IPv6 address" -4 --primary "[::1]:53"
told "a wrong port"
$check >"$D/out" 2>&1
is $? 3 "no zone is a wrong command line"
done_testing
