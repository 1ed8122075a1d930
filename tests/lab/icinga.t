#!/bin/sh
# icinga.t - a real Icinga 2 validates and runs the sample farm as it is shipped: each service has the state that is
# to be expected, read from its perfdata files; a passive result; a stale state rings once.
#
# Without agents (MxAgents = false): every machine of the farm is this one (farm_test.sh). Checks are asked for by the
# command pipe, so that nobody has to wait for the minutes of the configuration.
set -u
what="the sample farm in Icinga 2"
: "${BUILD:=build}"
. tests/tap.sh
. tests/lab/lab_test.sh
. tests/lab/farm/farm_test.sh
farm_inside icinga2 /usr/lib/nagios/plugins/check_ping ping setpriv
farm
collector
ok $? "mxgauged reads the farm's log"
cp -r $share/icinga2/farm /etc/icinga2/conf.d/mxgauge
i=$d/icinga
mkdir -p "$i/log" "$i/lib" "$i/cache" "$i/spool" "$i/run/cmd" "$i/etc" "$i/perf" /var/lib/nagios
cat >"$i/icinga2.conf" <<END
include <itl>
include <plugins>
const PluginDir = "/usr/lib/nagios/plugins"
const ZoneName = NodeName
object Endpoint NodeName { }
object Zone ZoneName { endpoints = [ NodeName ] }
AGENTS
object CheckerComponent "checker" { }
object NotificationComponent "notification" { }
object ExternalCommandListener "command" { command_path = "$i/run/cmd/icinga2.cmd" }
object FileLogger "main" { severity = "information", path = "$i/log/main" }
object PerfdataWriter "perfdata" {
	host_perfdata_path = "$i/perf/host", service_perfdata_path = "$i/perf/service"
	host_temp_path = "$i/spool/host", service_temp_path = "$i/spool/service"
	rotation_interval = 1s
}
include "/etc/icinga2/conf.d/mxgauge-commands.conf"
include "/etc/icinga2/conf.d/mxgauge/*.conf"
END
sed 's/^AGENTS$//' "$i/icinga2.conf" >"$i/agents.conf"
sed -i 's/^AGENTS$/const MxAgents = false/' "$i/icinga2.conf"
touch "$d/woken" "$d/mailed"
chown -R nagios "$i" /var/lib/nagios "$d/woken" "$d/mailed"
chmod -R a+rX /var/lib/mxgauge
set -- -D NodeName=monitor -D Configuration.RunAsUser=nagios -D Configuration.RunAsGroup=nagios
for c in LogDir=log DataDir=lib CacheDir=cache SpoolDir=spool InitRunDir=run ConfigDir=etc StatePath=lib/state \
    PidPath=run/pid ModAttrPath=lib/modattr.conf; do
    set -- "$@" -D "Configuration.${c%=*}=$i/${c#*=}"
done
icinga2 daemon -C -c "$i/agents.conf" "$@" >"$d/validate" 2>&1
ok $? "Icinga takes the configuration with agents"
is "$(grep -E 'warning/|critical/' "$d/validate")" "" "and warns of nothing"
icinga2 daemon -C -c "$i/icinga2.conf" "$@" >"$d/validate" 2>&1
ok $? "and without"
icinga2 daemon -C -c /etc/icinga2/icinga2.conf "$@" >"$d/validate" 2>&1
ok $? "and beside what Debian's own configuration has"
grep 'critical/' "$d/validate" | sed 's/^/# /'
export NAGIOS_PLUGIN_STATE_DIRECTORY=/var/lib/nagios
icinga2 daemon -c "$i/icinga2.conf" "$@" >"$d/icinga.out" 2>&1 &
await test -p "$i/run/cmd/icinga2.cmd"
ok $? "it runs"

tell() {
    printf '[%s] %s\n' "$(date +%s)" "$1" >"$i/run/cmd/icinga2.cmd"
}
# all services: HOST;SERVICE
icinga2 object list --type Service -D "Configuration.CacheDir=$i/cache" 2>/dev/null |
    sed -n "s/^Object '\(.*\)!\(.*\)' of type 'Service'.*/\1;\2/p" | sort >"$d/services"
test "$(wc -l <"$d/services")" -gt 50
ok $? "$(wc -l <"$d/services") services"
# ask [PATTERN]: for a result of those services now
ask() {
    grep -E "${1:-.}" "$d/services" | grep -v '^branch1;' | while read -r s; do
        echo "[$(date +%s)] SCHEDULE_FORCED_SVC_CHECK;$s;$(date +%s)"
    done >"$d/asks"
    cat "$d/asks" >"$i/run/cmd/icinga2.cmd"
}
# shown: the last word on each: HOST;SERVICE, state, type
shown() {
    cat "$i"/perf/service* "$i/spool/service" 2>/dev/null | awk -F '\t' '{
        split("", v)
        for (n = 1; n <= NF; n++) { k = index($n, "::"); v[substr($n, 1, k - 1)] = substr($n, k + 2) }
        key = v["HOSTNAME"] ";" v["SERVICEDESC"]
        if (v["TIMET"] >= t[key]) { t[key] = v["TIMET"]; s[key] = v["SERVICESTATE"] "\t" v["SERVICESTATETYPE"] }
    } END { for (k in s) print k "\t" s[k] }'
}
state_is() { shown | grep -qE "^$1	$2	${3:-.*}"; }
all_shown() { [ "$(shown | grep -vc '^branch1;')" = "$(grep -vc '^branch1;' "$d/services")" ]; }
ask
await all_shown
ok $? "every service has a result"
cat >"$d/expected" <<END
mx1;DNSBL: healthy OK|WARNING
mx2;DNSBL: healthy OK|WARNING
db1;MySQL: replicas CRITICAL
db1;PostgreSQL: standbys CRITICAL
db2;MySQL: replication CRITICAL
db2;PostgreSQL: replication CRITICAL
mail-farm;LDAP: copies CRITICAL
mail-farm;IMAP: copies CRITICAL
appliance1;Mail: queue by SNMP CRITICAL
store1;DRBD UNKNOWN
store1;Failover CRITICAL|UNKNOWN
store1;IMAP: replicator CRITICAL|UNKNOWN
mail-farm;MX: alike WARNING
mail-farm;MX: reachable WARNING
END
shown | grep -v '^branch1;' | awk -F '\t' 'NR == FNR { n = split($0, word, " "); want[substr($0, 1, length($0) - length(word[n]) - 1)] = word[n]; next }
    { w = $1 in want ? want[$1] : "OK" }
    $2 !~ "^(" w ")$" { print $1 ": " $2 " and not " w }' "$d/expected" - >"$d/wrong" 2>&1
none "the one that is to be expected" "$(cat "$d/wrong")"
cat "$i"/perf/service* "$i/spool/service" | grep -q 'HOSTNAME::collector	SERVICEDESC::Mail: flow	SERVICEPERFDATA::.*dlv_local'
ok $? "with performance data"

tell "PROCESS_SERVICE_CHECK_RESULT;branch1;Mail: flow;1;FLOW WARNING - rise(dsn) is 7|rise=7;5"
await state_is "branch1;Mail: flow" WARNING
ok $? "a passive result is seen"

# --- the state is stale: one alarm
kill "$daemon"
wait "$daemon"
cp "$i/log/main" "$d/log.before"
watcher="collector;Mail: the collector of the counts"
age 400
for _ in 1 2; do
    ask "^$watcher\$"
    await state_is "$watcher" CRITICAL
done
await state_is "$watcher" CRITICAL HARD
ok $? "five minutes without a sign of life: the collector's service is CRITICAL"
age 3600
blind="Mail: refused recipients|Mail: flow|Mail: delay|Mail: nodes alike"
for try in SOFT HARD; do
    ask "^collector;($blind)\$"
    for s in "Mail: refused recipients" "Mail: flow" "Mail: delay" "Mail: nodes alike"; do
        await state_is "collector;$s" UNKNOWN $try || echo "$s is not UNKNOWN ($try)"
    done
done >"$d/wrong"
none "the others, which know nothing now, are UNKNOWN" "$(cat "$d/wrong")"
rang() {
    tail -c "+$(($(wc -c <"$d/log.before") + 1))" "$i/log/main" |
        sed -nE "s/.*Sending .*[Nn]otification '?([^!]*)!([^!]*)!.*/\1;\2/p" | grep '^collector;' | sort -u
}
has_rung() { [ -n "$(rang)" ]; }
await has_rung
is "$(rang)" "$watcher" "and one alarm rang, not 5"
grep -q '+15550100 PROBLEM: collector/Mail: the collector of the counts is CRITICAL' "$d/woken"
ok $? "which woke who has duty"
done_testing
[ -z "${KEEP:-}" ] || cp -r "$d" "$KEEP"
