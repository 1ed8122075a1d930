#!/bin/sh
# servers.sh FOLDER COMMAND... - in namespaces of its own: rbldnsd, NSD and a scripted server with block lists, and
# unbound as the resolver that /etc/resolv.conf names; then COMMAND, and all of them end.
#
#	rbldnsd  127.0.1.1	good, names (of domains), ip6, world (has 0.0.0.0/1)
#	NSD      127.0.1.2	wild, parked, blocked, empty, plain, alias, odd, long; not lame, which is delegated to it
#	script   127.0.1.3	silent, refused, slow (1 s), truncated; and the root, without anything
#	nobody   127.0.1.4	nobody
#	unbound  127.0.0.1	unwelcome (REFUSED to us), dropped (no answer to us), nowhere (no such name)
#
# all below .example.
set -u
d=$1
shift
chmod 755 "$d"
mkdir -p "$d/rbl" "$d/nsd"
ip link set lo up || exit 1
echo "nameserver 127.0.0.1" >"$d/resolv.conf"
mount --bind "$d/resolv.conf" /etc/resolv.conf || exit 1

# rbl FILE LINE...: a zone of rbldnsd, where $ is the address asked for
rbl() {
    file=$1
    shift
    # shellcheck disable=SC2016  # rbldnsd's own words
    { printf '$SOA 300 ns.example h.example 1 600 300 86400 60\n$NS 300 ns.example\n' && printf '%s\n' "$@"; } >"$d/rbl/$file"
}
# shellcheck disable=SC2016
rbl ip4 ':127.0.0.2:Listed, see https://list.example/?ip=$' 127.0.0.2 '!127.0.0.1' 192.0.2.66 '192.0.2.67 :127.0.0.4:a proxy'
rbl world ':127.0.0.2:all of you' 0.0.0.0/1 128.0.0.0/1
rbl names ':127.0.1.2:bad name' test .bad.example.org
rbl ip6 ':127.0.0.2:six' ::ffff:7f00:2 2001:db8::66

# zone NAME LINE...: one of NSD's
zone() {
    name=$1
    shift
    # shellcheck disable=SC2016
    { printf '$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 127.0.1.2\n' && printf '%s\n' "$@"; } >"$d/nsd/z.$name"
    printf 'zone:\n name: %s\n zonefile: %s/nsd/z.%s\n' "$name" "$d" "$name" >>"$d/nsd.conf"
}
cat >"$d/nsd.conf" <<END
server:
 ip-address: 127.0.1.2
 server-count: 1
 username: ""
 zonesdir: ""
 zonelistfile: "$d/nsd/list"
 xfrdfile: ""
 xfrdir: "$d/nsd"
 pidfile: "$d/nsd/pid"
 database: ""
remote-control:
 control-enable: no
END
zone wild.example '* A 127.0.0.2'
zone parked.example '@ A 192.0.2.99' '* A 192.0.2.99'
zone blocked.example '* A 127.255.255.254' '* TXT "Error: open resolver"'
zone empty.example
zone plain.example '2.0.0.127 A 127.0.0.2' '66.2.0.192 A 127.0.0.10' '66.2.0.192 TXT "many words"'
zone alias.example '2.0.0.127 CNAME entry' 'entry A 127.0.0.2' '66.2.0.192 CNAME loop' 'loop CNAME 66.2.0.192'
zone odd.example '2.0.0.127 A 127.0.0.2' '66.2.0.192 A 127.0.0.2' '66.2.0.192 A 192.0.2.1'
# 199 codes are 3 KB: they come by TCP, in any order; 127.0.0.1 would be an error of the list
# shellcheck disable=SC2046  # a line each
zone long.example '2.0.0.127 A 127.0.0.2' $(seq 2 200 | sed 's/.*/66.2.0.192=A=127.0.0.&/')
sed -i 's/=/ /g' "$d/nsd/z.long.example"

cat >"$d/zones" <<END
silent.example silent
refused.example refused
slow.example good
slow.example slow 1
truncated.example truncated
entry 66.2.0.192.truncated.example 127.0.0.2 word\\R8000
END
cat >"$d/unbound.conf" <<END
server:
 interface: 127.0.0.1
 directory: ""
 chroot: ""
 username: ""
 pidfile: "$d/unbound.pid"
 use-syslog: no
 do-daemonize: no
 do-not-query-localhost: no
 module-config: "iterator"
 local-zone: "unwelcome.example." refuse
 local-zone: "dropped.example." deny
 local-zone: "nowhere.example." always_nxdomain
stub-zone:
 name: "."
 stub-addr: 127.0.1.3
END
stub() { # ADDRESS NAME...
    address=$1
    shift
    printf "stub-zone:\n name: \"%s.example\"\n stub-addr: $address\n" "$@" >>"$d/unbound.conf"
}
stub 127.0.1.1 good world names ip6
stub 127.0.1.2 wild parked blocked empty plain alias odd long lame
stub 127.0.1.3 silent refused slow truncated
stub 127.0.1.4 nobody

rbldnsd -n -r "$d/rbl" -w / -b 127.0.1.1/53 -u rbldns good.example:ip4set:ip4 world.example:ip4set:world \
    names.example:dnset:names ip6.example:ip6trie:ip6 >"$d/rbldnsd.out" 2>&1 &
pids=$!
nsd -d -c "$d/nsd.conf" >"$d/nsd.out" 2>&1 &
pids="$pids $!"
unbound -d -c "$d/unbound.conf" >"$d/unbound.out" 2>&1 &
pids="$pids $!"
mkfifo "$d/end"
/usr/bin/python3 tests/fake/dnsbl.py "$d/zones" "$d/port" 127.0.1.3:53 <"$d/end" >"$d/script.out" 2>&1 &
exec 8>"$d/end"
"$@"
rc=$?
exec 8>&-
# shellcheck disable=SC2086
kill $pids
wait
exit $rc
