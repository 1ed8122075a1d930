#!/bin/sh
# nodes.sh - check_replication_dns beside check_dig, check_replication_drbd beside check_drbd, and
# check_failover beside the crm_mon that it asks.
#
#	RUNS=50 sh bench/nodes.sh
#
# check_dig asks one server of a zone and starts dig; ours looks up three and asks all. As markdown on stdout; who
# is not installed is left out.
set -u
cd "$(dirname "$0")/.." || exit 1
: "${BUILD:=build}" "${RUNS:=50}"
PATH=$PATH:/usr/sbin:/sbin
D=$(mktemp -d) || exit 1
pid=
trap '[ -z "$pid" ] || kill "$pid"; wait; rm -rf "$D"' EXIT
trap 'exit 1' HUP INT TERM
export NAGIOS_PLUGIN_STATE_DIRECTORY="$D"
plugins=/usr/lib/nagios/plugins
[ -d $plugins ] || plugins=/usr/lib/monitoring-plugins
words=
# compare NAME COMMAND: unless its first word is no program
compare() { [ -x "${2%% *}" ] && words="$words|$1|$2"; }
compare "an empty program" "$BUILD/bench/empty"

if command -v nsd >/dev/null 2>&1; then
    port=$(/usr/bin/python3 -c 'import random; print(random.randrange(20000, 32000))')
    cat >"$D/zone" <<END
\$ORIGIN example.org.
\$TTL 60
@ SOA ns1 hostmaster 2026010101 3600 600 86400 60
@ NS ns1
@ NS ns2
@ NS ns3
ns1 A 127.0.0.1
ns2 A 127.0.0.2
ns3 A 127.0.0.3
END
    cat >"$D/nsd.conf" <<END
server:
    ip-address: 127.0.0.1@$port
    ip-address: 127.0.0.2@$port
    ip-address: 127.0.0.3@$port
    server-count: 1
    username: ""
    zonesdir: "$D"
    zonelistfile: "$D/zones"
    xfrdfile: ""
    xfrdir: "$D"
    pidfile: "$D/pid"
    database: ""
remote-control:
    control-enable: no
zone:
    name: example.org
    zonefile: "$D/zone"
END
    nsd -d -c "$D/nsd.conf" >"$D/nsd.log" 2>&1 &
    pid=$!
    dns="$BUILD/plugins/check_replication_dns -H example.org --resolver 127.0.0.1:$port -p $port"
    tries=0
    until $dns -t 1 >/dev/null || [ $tries -ge 30 ]; do tries=$((tries + 1)); done
    compare "check_replication_dns, 3 servers" "$dns"
    compare "check_dig, 1 server" "$plugins/check_dig -H 127.0.0.1 -p $port -T SOA -l example.org"
fi
cat >"$D/drbd" <<'END'
version: 8.4.10 (api:1/proto:86-101)
srcversion: 473968AD625BA317874A57E
 0: cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----
    ns:2956160 nr:0 dw:0 dr:2956160 al:8 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:0
END
compare "check_replication_drbd" "$BUILD/plugins/check_replication_drbd --drbd-proc $D/drbd"
compare "check_drbd" "$plugins/check_drbd -p $D/drbd -d All"
if command -v crm_mon >/dev/null 2>&1; then
    cat >"$D/cib.xml" <<'END'
<cib crm_feature_set="3.16.2" validate-with="pacemaker-3.9" epoch="5" num_updates="1" admin_epoch="0" have-quorum="1" dc-uuid="1">
<configuration><crm_config/><nodes><node id="1" uname="mx1"/></nodes><resources/><constraints/></configuration>
<status><node_state id="1" uname="mx1" in_ccm="true" crmd="online" join="member" expected="member"/></status></cib>
END
    crm_mon="/usr/bin/env CIB_file=$D/cib.xml crm_mon -1 --output-as=xml"
    printf '#!/bin/sh\nexec %s\n' "$crm_mon" >"$D/crm_mon"
    chmod +x "$D/crm_mon"
    compare "check_failover" "$BUILD/plugins/check_failover --crm-mon $D/crm_mon"
    compare "its crm_mon alone" "$D/crm_mon"
fi
IFS='|'
# shellcheck disable=SC2086
set -- ${words#|}
unset IFS
echo "| what | ms | CPU ms | peak MB | exit |"
echo "|---|--:|--:|--:|--:|"
"$BUILD/bench/measure" -n "$RUNS" "$@" |
    awk -F '\t' '{ printf "| %s | %.1f | %.1f | %.1f | %s |\n", $1, 1000 * $2, 1000 * $3, $4 / 1024, $5 }'
