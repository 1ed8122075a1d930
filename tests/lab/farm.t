#!/bin/sh
# farm.t - a real Nagios verifies and runs the sample farm as it is shipped: every service leaves PENDING with the
# state that is to be expected; passive results, stale ones, acknowledgements; one fault is one alarm.
#
# Nagios, NRPE and check_ping are Debian's. In the namespaces of farm_test.sh every machine of the farm is this one;
# a minute of the configuration is $minute seconds.
set -u
what="the sample farm in Nagios"
minute=3
: "${BUILD:=build}"
. tests/tap.sh
. tests/lab/lab_test.sh
. tests/lab/farm/farm_test.sh
farm_inside nagios4 /usr/lib/nagios/plugins/check_nrpe /usr/lib/nagios/plugins/check_ping ping
farm
collector
ok $? "mxgauged reads the farm's log"
farm_nrpe
farm_nagios
# a heartbeat that is missed sooner
sed -i 's/freshness_threshold     180/freshness_threshold     9/' /etc/nagios4/conf.d/mxgauge/passive.cfg
nagios4 -v /etc/nagios4/nagios.cfg >"$d/verify" 2>&1
ok $? "Nagios takes the configuration"
grep -q 'Total Warnings: 0' "$d/verify" && grep -q 'Total Errors: *0' "$d/verify"
ok $? "without a warning"
grep -q 'Total Errors: *0' "$d/verify.debian"
ok $? "so it does beside what Debian's own configuration has"

# What others depend on is sure of itself before they are: else one fault rings twenty times. Not the passive ones:
# nobody asks for them.
sed "s|^object_cache_file=|precached_object_file=$v/pre\n&|" /etc/nagios4/nagios.cfg >"$d/pre.cfg"
nagios4 -vp "$d/pre.cfg" >/dev/null 2>&1
cat >"$d/sooner.pl" <<'EOF'
local $/ = "\t}\n";
while (<>) {
    my %o = /^\t([a-z_]+)\t(.*)$/mg;
    $s{"$o{host_name}/$o{service_description}"} = {%o} if /^define service \{/m;
    push @d, [ "$o{host_name}/$o{service_description}", "$o{dependent_host_name}/$o{dependent_service_description}" ] if /^define servicedependency/m;
}
for (@d) {
    my ($m, $x) = map { $s{$_} } @$_;
    $needs{$_->[1]}{$m->{service_description}} = 1;
    next if !$x->{active_checks_enabled};
    my ($sure, $earliest) = ($m->{check_interval} + ($m->{max_check_attempts} - 1) * $m->{retry_interval},
        ($x->{max_check_attempts} - 1) * $x->{retry_interval});
    print "$_->[1] may be sure of itself after $earliest min, $_->[0] only after $sure\n" if $sure >= $earliest;
}
for (sort keys %s) {
    print "$_ needs NRPE, and does not depend on it\n" if $s{$_}{check_command} =~ /^mx_nrpe!/ && !$needs{$_}{NRPE};
}
print "no dependencies\n" if !@d;
EOF
none "what depends on something waits for it" "$(perl "$d/sooner.pl" "$v/pre")"

# what is to be expected of each service: no database, directory, appliance or cluster is there,
# and check_mx knows that the addresses are documentation's. Where all begins at once, a list may be slow to answer.
services=$(sed -n 's/.*Checked \([0-9]*\) services.*/\1/p' "$d/verify")
cat >"$d/expected" <<EOF
mx1/DNSBL: healthy [01]
mx2/DNSBL: healthy [01]
db1/MySQL: replicas 2
db1/PostgreSQL: standbys 2
db2/MySQL: replication 2
db2/PostgreSQL: replication 2
mail-farm/LDAP: copies 2
mail-farm/IMAP: copies 2
appliance1/Mail: queue by SNMP 2
store1/DRBD 3
store2/DRBD 3
store1/Failover [23]
store2/Failover [23]
store1/IMAP: replicator [23]
store2/IMAP: replicator [23]
mail-farm/MX: alike 1
mail-farm/MX: reachable 1
EOF
NAGIOS_PLUGIN_STATE_DIRECTORY=/var/lib/nagios setpriv --reuid nagios --regid nagios --init-groups \
    nagios4 /etc/nagios4/nagios.cfg >"$d/nagios.out" 2>&1 &

await test -s "$v/status.dat"
await all_checked
ok $? "every service that is asked has left PENDING"
is "$(shown | wc -l)" "$services" "status.dat has them all"
shown | grep -v '^branch1/' | awk -F '\t' 'NR == FNR { n = split($0, word, " "); want[substr($0, 1, length($0) - length(word[n]) - 1)] = word[n]; next }
    { w = $1 in want ? want[$1] : "0" }
    $2 !~ "^" w "$" { print $1 ": " $2 " and not " w ": " $5 }' "$d/expected" - >"$d/wrong" 2>&1
none "each with the state that is to be expected" "$(cat "$d/wrong")"

# --- passive results: of a site behind NAT
tell "PROCESS_SERVICE_CHECK_RESULT;branch1;Mail: the collector of the counts;0;MXGAUGE OK - all well|lag=1s;60;600"
tell "PROCESS_SERVICE_CHECK_RESULT;branch1;Mail: flow;1;FLOW WARNING - rise(dsn) is 7|rise=7;5\n3 times what is usual"
await state_is branch1 "Mail: flow" 1
ok $? "a passive result is seen"
is "$(field branch1 "Mail: flow" check_type)" 1 "as a passive one"
is "$(field branch1 "Mail: flow" performance_data)" "rise=7;5" "with its performance data"
is "$(field branch1 "Mail: flow" long_plugin_output)" '3 times what is usual' "and its details"
await state_is branch1 "Mail: the collector of the counts" 3
ok $? "a result that is not renewed becomes UNKNOWN"
is "$(field branch1 "Mail: the collector of the counts" plugin_output)" "UNKNOWN: no result came in time: look at the machine that sends it" \
    "which says why"

# the same by "mxgauge passive", with the sample for such a site
{
    cat /etc/mxgauge/mxgauge.conf $share/passive/farm.conf
    sed "s|command_file = .*|command_file = $v/rw/nagios.cmd|" $share/passive/monitor-nagios.conf
} >/etc/mxgauge/branch1.conf
mxgauge passive --config /etc/mxgauge/branch1.conf --once >"$d/passive" 2>&1
ok $? "mxgauge passive sends the results of a site behind NAT"
sed 's/^/# /' "$d/passive"
await state_is branch1 "Mail: the collector of the counts" 0
ok $? "its heartbeat is back"
arrived() { [ "$(shown | grep '^branch1/' | cut -f 1-3 | grep -cE '	0	1$|queue	3	1$')" = 7 ]; }
await arrived
ok $? "and each service that Nagios awaits of it has a result"
shown | grep '^branch1/' | grep -vE '	[03]	1	' | sed 's/^/# /'

# --- what a hostile server says, 20 KB of it, through a check and the command file
{
    printf '554 no | x=1 \033[31mred\007 <script>alert(1)</script> \377\376 `id` $(id) &amp; %s\\n ' "'\""
    head -c 20000 /dev/zero | tr '\0' z
    printf '\r\n'
} >"$d/hostile"
$plugins/check_smtp_latency -vvv -H 192.0.2.25 -H 192.0.2.26 -H 192.0.2.41 >"$d/said"
rm "$d/hostile"
tell "PROCESS_SERVICE_CHECK_RESULT;branch1;Mail: books;2;$(sed 's/\\/\\\\/g' "$d/said" | awk 'NR > 1 { printf "\\n" } { printf "%s", $0 }')"
await state_is branch1 "Mail: books" 2
ok $? "a hostile server's words arrive"
sed '1s/ | .*//' "$d/said" >"$d/said.text"
sed -n '1s/ | .*//p' "$d/said" | tr ';' ':' >"$d/want"
is "$(field branch1 "Mail: books" plugin_output)" "$(cat "$d/want")" "the first line is whole"
is "$(field branch1 "Mail: books" performance_data)" "$(sed -n '1s/.* | //p' "$d/said")" "so are the performance data"
is "$(field branch1 "Mail: books" long_plugin_output | perl -pe 's/\\(.)/$1 eq "n" ? "\n" : $1/ge' | tr ';' ':')" "$(sed 1d "$d/said" | tr ';' ':')" "and all further lines"
LC_ALL=C grep -qE '[<>&|]|[^[:print:]]' "$d/said.text"
is $? 1 "nothing in it is more than text"

# --- an acknowledgement
tell "ACKNOWLEDGE_SVC_PROBLEM;db1;MySQL: replicas;2;1;0;admin;the disk is ordered"
acknowledged() { [ "$(field db1 "MySQL: replicas" problem_has_been_acknowledged)" = 1 ]; }
await acknowledged
ok $? "an acknowledgement through the command file is seen"

# --- the state is stale: one alarm
kill "$daemon"
wait "$daemon"
hard() { [ "$(field "$1" "$2" current_state)" = "$3" ] && [ "$(field "$1" "$2" state_type)" = 1 ]; }
wc -l <"$v/nagios.log" >"$d/before"
age 400
await hard collector "Mail: the collector of the counts" 2
ok $? "five minutes without a sign of life: the collector's service is CRITICAL"
age 3600
blind="Mail: refused recipients,Mail: flow,Mail: delay,Mail: nodes alike,Mail: books,DNSBL: hits"
echo "$blind" | tr , '\n' | grep -vE 'books|hits' | while read -r s; do
    await hard collector "$s" 3 || echo "$s: $(field collector "$s" plugin_output)"
done >"$d/wrong"
none "the others, which know nothing now, are UNKNOWN" "$(cat "$d/wrong")"
sed "1,$(cat "$d/before")d" "$v/nagios.log" | sed -n 's/.*SERVICE NOTIFICATION: \([^;]*\);collector;\([^;]*\);.*/\2/p' | sort -u >"$d/rang"
is "$(cat "$d/rang")" "Mail: the collector of the counts" "and one alarm rang, not $(echo "$blind" | tr , '\n' | wc -l)"
grep -q '+15550100 PROBLEM: collector/Mail: the collector of the counts is CRITICAL' "$d/woken"
ok $? "which woke who has duty"
! grep -qE 'nodes alike|DNSBL: hits|LDAP' "$d/woken"
ok $? "while what is only mailed woke nobody"
done_testing
[ -z "${KEEP:-}" ] || cp -r "$d" "$KEEP"
