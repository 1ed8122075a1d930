#!/bin/sh
# reputation.t - the lists that check_reputation writes for review, as Postfix and rbldnsd read them: who is on
# them is refused, and nobody else. No root, no namespaces: a free port of loopback.
set -u
: "${BUILD:=build}"
export LC_ALL=C TZ=UTC
. tests/tap.sh
# shellcheck source=tests/plugins/networks_test.sh
. tests/plugins/networks_test.sh
[ -n "${LAB:-}" ] || skip_all "lab: lists through Postfix and rbldnsd: LAB is not set"
PATH=$PATH:/usr/sbin:/sbin
for p in postmap rbldnsd /usr/bin/python3; do
    command -v "$p" >/dev/null 2>&1 && continue
    [ -z "${CI:-}" ] || { echo "not ok 1 - $p is missing"; echo 1..1; exit 1; }
    skip_all "lab: lists through Postfix and rbldnsd: $p is missing; make deps LAB=1"
done
d=$(mktemp -d "${TMPDIR:-/tmp}/mx-lists.XXXXXX") || exit 1
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$d"' EXIT
trap 'exit 1' INT TERM
chmod 755 "$d"

example >"$d/log"
"$BUILD/bin/mxgauge" import --no-rrd --state "$d/state" "$d/log" >"$d/out" 2>&1
ok $? "a state is made"
list() {
    "$BUILD/plugins/check_reputation" --state "$d/state" --at "2026-11-20 12:00" "$@"
}

# --- Postfix ---------------------------------------------------------------------------------
list --export cidr --out "$d/bad.cidr" >"$d/out"
ok $? "a map is written"
mkdir "$d/conf" && echo "compatibility_level = 3.6" >"$d/conf/main.cf"
asked() { postmap -c "$d/conf" -q "$1" "cidr:$d/bad.cidr" 2>>"$d/err"; }
: >"$d/err"
none "bad networks are refused, to their edges" "$(for a in 192.0.2.0 192.0.2.255 203.0.112.1 203.0.113.255 2001:db8:1:2::1 \
    2001:db8:1:2:ffff:ffff:ffff:ffff; do
    case $(asked $a) in REJECT\ *) ;; *) echo "$a" ;; esac
done)"
none "and nobody else" "$(for a in 192.0.1.255 192.0.3.0 203.0.111.255 203.0.114.0 198.51.100.1 198.51.101.1 10.1.2.3 \
    2001:db8:1:1:ffff:: 2001:db8:1:3:: 127.0.0.1 ::1; do
    asked $a | sed "s/^/$a: /"
done)"
none "Postfix has nothing to say of the file" "$(cat "$d/err")"
list --export cidr --bad-score 99 >"$d/bad.cidr"
none "a list of nobody refuses nobody" "$(asked 192.0.2.1)$(cat "$d/err")"

# --- rbldnsd ------------------------------------------------------------------------------------
list --export rbldnsd --out "$d/zone" >"$d/out"
ok $? "a zone is written"
cat >"$d/ask.py" <<'EOP'
import ipaddress, random, socket, struct, sys
port, kind, address = int(sys.argv[1]), int(sys.argv[2]), ipaddress.ip_address(sys.argv[3])
name = '.'.join(address.reverse_pointer.split('.')[:-2]) + '.bl.example.org'
q = struct.pack('>6H', random.randrange(65536), 0, 1, 0, 0, 0) + b''.join(
    bytes([len(x)]) + x.encode() for x in name.split('.')) + struct.pack('>BHH', 0, kind, 1)
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(2)
s.sendto(q, ('127.0.0.1', port))
a = s.recv(4096)
if struct.unpack('>H', a[6:8])[0] == 0:
    print('none')
else:
    data = a[len(q) + 12:]
    print('.'.join(str(x) for x in data[:4]) if kind == 1 else data[1:].decode())
EOP
port=$(/usr/bin/python3 -c 'import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
[ "$(id -u)" = 0 ] && user="-u nobody" || user=
# shellcheck disable=SC2086
rbldnsd -n -q $user -w "$d" -b "127.0.0.1/$port" "bl.example.org:combined:zone" >"$d/rbldnsd" 2>&1 &
pid=$!
dns() { /usr/bin/python3 "$d/ask.py" "$port" "$1" "$2" 2>/dev/null; }
tries=0
until [ "$(dns 1 127.0.0.2)" = 127.0.0.2 ] || [ $tries -ge 100 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
[ $tries -lt 100 ]
ok $? "rbldnsd serves it, and its test entry"
is "$(dns 1 ::ffff:127.0.0.2)" 127.0.0.2 "that of IPv6, too"
none "bad networks are listed, to their edges" "$(for a in 192.0.2.0 192.0.2.255 203.0.112.1 203.0.113.255 2001:db8:1:2::1 \
    2001:db8:1:2:ffff:ffff:ffff:ffff; do
    [ "$(dns 1 $a)" = 127.0.0.2 ] || echo "$a"
done)"
none "and nobody else" "$(for a in 192.0.1.255 192.0.3.0 203.0.111.255 203.0.114.0 198.51.100.1 127.0.0.1 \
    2001:db8:1:1:ffff:: 2001:db8:1:3:: ::1; do
    [ "$(dns 1 $a)" = none ] || echo "$a"
done)"
is "$(dns 16 192.0.2.7)" "refused mail by far outweighs accepted mail of this network, score 89.3" "with a reason"
none "rbldnsd has nothing to say of the file" "$(grep -iE 'error|warn|invalid|bad' "$d/rbldnsd")"
done_testing
