#!/bin/sh
# snmp.sh - check_snmp_mta beside monitoring-plugins' check_snmp, which starts snmpget, against the same
# snmpd on loopback: one number, the tables of an MTA; and 20 hosts at once.
#
#	RUNS=100 sh bench/snmp.sh
#
# As markdown on stdout.
set -u
cd "$(dirname "$0")/.." || exit 1
: "${BUILD:=build}" "${RUNS:=100}"
PATH=$PATH:/usr/sbin:/sbin
command -v snmpd >/dev/null 2>&1 || { echo "snmpd is not installed."; exit 0; }
D=$(mktemp -d) || exit 1
pid=
trap '[ -z "$pid" ] || kill "$pid"; wait; rm -rf "$D"' EXIT
trap 'exit 1' HUP INT TERM
export SNMP_PERSISTENT_DIR="$D" MIBS="" NAGIOS_PLUGIN_STATE_DIRECTORY="$D"
port=$(/usr/bin/python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])') || exit 1
cp tests/lab/snmp/pass.py tests/lab/snmp/tables "$D/"
secret=$(head -c 12 /dev/urandom | od -An -tx1 | tr -d ' \n')
echo "$secret" >"$D/secret"
cat >"$D/snmpd.conf" <<END
agentAddress udp:127.0.0.1:$port
rocommunity public 127.0.0.1
createUser ann SHA-256 $secret AES $secret
rouser ann priv
extend number /bin/echo 17
pass_persist .1.3.6.1.2.1.27 /usr/bin/python3 $D/pass.py $D/tables
pass_persist .1.3.6.1.2.1.28 /usr/bin/python3 $D/pass.py $D/tables
END
snmpd -f -C -c "$D/snmpd.conf" -Lf "$D/log" -I -smux,mta_sendmail >/dev/null 2>&1 &
pid=$!
ours="$BUILD/plugins/check_snmp_mta -H 127.0.0.1:$port"
tries=0
until $ours >/dev/null || [ $tries -ge 20 ]; do tries=$((tries + 1)); done
theirs=
for f in /usr/lib/nagios/plugins/check_snmp /usr/lib/monitoring-plugins/check_snmp; do
    [ ! -x $f ] || theirs=$f
done
number=.1.3.6.1.4.1.8072.1.3.2.3.1.1.6.110.117.109.98.101.114
v3="-l ann --auth SHA-256 --auth-file $D/secret --priv-file $D/secret"
many=
for _ in $(seq 20); do many="$many -H 127.0.0.1:$port"; done
set -- empty "$BUILD/bench/empty" start "$BUILD/plugins/check_snmp_mta -V" \
    one "$ours --extend number --no-growth" three "$ours --extend number --no-growth $v3" \
    tables "$ours" many "$ours $many"
if [ -n "$theirs" ]; then
    set -- "$@" one.peer "$theirs -H 127.0.0.1 -p $port -P 2c -C public -o $number" \
        three.peer "$theirs -H 127.0.0.1 -p $port -P 3 -U ann -L authPriv -a SHA-256 -A $secret -x AES -X $secret -o $number"
else
    echo "monitoring-plugins' check_snmp is not installed (monitoring-plugins-standard)."
fi
"$BUILD/bench/measure" -n "$RUNS" "$@" >"$D/table" || exit 1
printf 'Medians of %s runs against one snmpd.\n\n' "$RUNS"
echo "| what | ms | CPU ms | peak MB | exit | goal |"
echo "|---|--:|--:|--:|--:|---|"
awk -F '\t' '
    { wall[$1] = $2; line[$1] = sprintf("%.2f | %.2f | %.1f | %s", 1000 * $2, 1000 * $3, $4 / 1024, $5) }
    END {
        n = split("empty:an empty program|start:check_snmp_mta -V|one:one number, version 2c|one.peer:check_snmp|" \
            "three:one number, version 3, encrypted|three.peer:check_snmp|tables:the tables of an MTA, from a script in Python|" \
            "many:of 20 hosts at once (one snmpd is all of them)", rows, "|")
        for (i = 1; i <= n; i++) {
            split(rows[i], row, ":")
            if (!(row[1] in line))
                continue
            to = row[1] == "start" ? "empty" : row[1] ".peer"
            most = row[1] == "start" ? 3 : 1
            goal = to in wall ? sprintf("%.2f x %s, at most %d: %s", wall[row[1]] / wall[to],
                to == "empty" ? to : "check_snmp", most, wall[row[1]] <= most * wall[to] ? "ok" : "**missed**") : ""
            printf "| %s | %s | %s |\n", row[2], line[row[1]], goal
        }
    }' "$D/table"
