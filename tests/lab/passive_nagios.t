#!/bin/sh
# passive_nagios.t - a real Nagios that was down for three changes of state hears of all of them from mxgauge passive,
# by its command file, by NSCA and by NSCA-ng, in order; texts arrive whole; the heartbeat goes stale.
#
# Nagios, nsca and nsca-ng are Debian's; nsca-ng is unpacked, as it cannot be installed beside nsca.
set -u
what="passive results in Nagios"
: "${BUILD:=build}"
. tests/tap.sh
. tests/lab/lab_test.sh
lab_needs "$what" nagios4 nsca send_nsca apt-get dpkg sqlite3
lab_unpack nsca-ng-server nsca-ng-client libev4
# shellcheck source=tests/lab/passive_test.sh
. tests/lab/passive_test.sh
mkdir "$d/etc" "$d/var" "$d/var/spool" "$d/var/rw" "$d/out"

# --- Nagios
{
    for f in log_file=nagios.log object_cache_file=objects.cache precached_object_file=objects.pre status_file=status.dat \
        temp_file=nagios.tmp state_retention_file=retention.dat lock_file=nagios.lock query_socket=nagios.qh \
        check_result_path=spool command_file=rw/nagios.cmd; do
        echo "${f%%=*}=$d/var/${f#*=}"
    done
    echo "cfg_file=$d/etc/objects.cfg"
    echo "temp_path=$d/var"
    for s in status_update_interval=1 nagios_user=root nagios_group=root log_rotation_method=n use_syslog=0 \
        check_external_commands=1 log_passive_checks=1 accept_passive_service_checks=1 accept_passive_host_checks=1 \
        execute_service_checks=1 check_service_freshness=1 service_freshness_check_interval=2 interval_length=1 \
        check_for_updates=0 enable_notifications=0 additional_freshness_latency=0; do echo $s; done
    printf 'illegal_macro_output_chars=`~$&|\047"<>\n'
} >"$d/etc/nagios.cfg"
# service NAME FRESHNESS
service() {
    printf 'define service {\n host_name mx1\n service_description %s\n check_command stale\n max_check_attempts 1\n' "$1"
    printf ' check_interval 600\n retry_interval 600\n check_period always\n notification_period always\n contacts nobody\n'
    printf ' active_checks_enabled 0\n passive_checks_enabled 1\n check_freshness %d\n freshness_threshold %d\n}\n' $(($2 > 0)) "$2"
}
{
    printf 'define timeperiod {\n timeperiod_name always\n alias always\n'
    for day in sunday monday tuesday wednesday thursday friday saturday; do printf ' %s 00:00-24:00\n' $day; done
    printf '}\ndefine contact {\n contact_name nobody\n host_notifications_enabled 0\n service_notifications_enabled 0\n'
    printf ' service_notification_period always\n host_notification_period always\n service_notification_options n\n'
    printf ' host_notification_options n\n service_notification_commands stale\n host_notification_commands stale\n}\n'
    printf 'define command {\n command_name stale\n command_line %s\n}\n' "$d/stale"
    printf 'define host {\n host_name mx1\n address 127.0.0.1\n max_check_attempts 1\n contacts nobody\n check_period always\n'
    printf ' notification_period always\n passive_checks_enabled 1\n}\n'
    for s in fifo nsca ng text textnsca textng; do service $s 0; done
    service mxgauge 10
} >"$d/etc/objects.cfg"
nagios4 -v "$d/etc/nagios.cfg" >"$d/verify" 2>&1
ok $? "Nagios takes the configuration"

# --- NSCA and NSCA-ng, not started yet
cat >"$d/nsca.cfg" <<EOF
server_port=5667
server_address=127.0.0.1
nsca_user=root
nsca_group=root
pid_file=$d/nsca.pid
command_file=$d/var/rw/nagios.cmd
alternate_dump_file=$d/var/nsca.dump
aggregate_writes=0
append_to_file=0
max_packet_age=30
password=only a test
decryption_method=14
EOF
printf 'password=only a test\nencryption_method=14\n' >"$d/send.cfg"
cat >"$d/ng.cfg" <<EOF
command_file = "$d/var/rw/nagios.cmd"
listen = "127.0.0.1:5668"
pid_file = "$d/ng.pid"
temp_directory = "$d"
authorize "mx1" {
  password = "only a test"
  hosts = "mx1"
  services = ".*"
}
EOF
printf 'identity = "mx1"\npassword = "only a test"\nserver = "127.0.0.1"\nport = 5668\n' >"$d/ngsend.cfg"
chmod 600 "$d"/*.cfg

# --- what is checked
cat >"$d/text" <<'EOF'
#!/bin/sh
printf 'said: a\\nb; `id` $HOME <b>\033[1m | v=1;2;3 w=4\nC:\\new \303\244 \303\n'
i=0
while [ $i -lt 400 ]; do
    echo "line $i of a text that is longer than anybody carries it"
    i=$((i + 1))
done
EOF
chmod +x "$d/text"
printf '#!/bin/sh\necho nothing came\nexit 2\n' >"$d/stale"
ng=$d/send_nsca
printf '#!/bin/sh\nLD_LIBRARY_PATH=%s exec %s/usr/sbin/send_nsca "$@"\n' "$(echo "$ROOT"/usr/lib/*-linux-gnu*)" "$ROOT" >"$ng"
chmod +x "$d/stale" "$ng"
cat >"$d/conf" <<EOF
state = $d/state
passive_host = mx1
source a { files = { $d/log } }
monitor fifo { type = nagios command_file = $d/var/rw/nagios.cmd }
monitor nsca { type = nsca command = { "/usr/sbin/send_nsca", "-H", "127.0.0.1", "-c", "$d/send.cfg" } }
monitor ng { type = nsca command = { "$ng", "-c", "$d/ngsend.cfg" } }
EOF
for m in fifo nsca ng; do
    echo "passive $m { command = { \"$d/check\", \"$d/now\" } interval = 1s monitors = { $m } }" >>"$d/conf"
done
echo "passive text { command = $d/text interval = 5s monitors = { fifo } }
passive textnsca { command = $d/text interval = 5s monitors = { nsca } }
passive textng { command = $d/text interval = 5s monitors = { ng } }" >>"$d/conf"
"$BUILD/bin/mxgauge" import --no-rrd --state "$d/state" tests/logs/day/postfix.log >"$d/out/import" 2>&1
"$BUILD/bin/mxgauge" passive --config "$d/conf" >"$d/out/passive" 2>&1 &
passive=$!
pids=$passive
changes 3
ok $? "Nagios is down for three changes of state"
for m in 'fifo": .*nobody|No such file' 'nsca": .*Could not connect' 'ng": .*TLS I/O error'; do
    await grep -E "cannot be told.*(${m})" "$d/out/passive"
    ok $? "it is told of ${m%%\"*}"
done

nagios4 "$d/etc/nagios.cfg" >"$d/out/nagios" 2>&1 &
pids="$pids $!"
await test -p "$d/var/rw/nagios.cmd"
nsca -c "$d/nsca.cfg" -f >"$d/out/nsca" 2>&1 &
pids="$pids $!"
env LD_LIBRARY_PATH="$(echo "$ROOT"/usr/lib/*-linux-gnu*)" "$ROOT/usr/sbin/nsca-ng" -F -c "$d/ng.cfg" >"$d/out/ng" 2>&1 &
pids="$pids $!"
# what SERVICE: states and texts as its log has them, without what repeats
log() {
    sed -n "s/.*EXTERNAL COMMAND: PROCESS_SERVICE_CHECK_RESULT;mx1;$1;\([0-9]\);it is \([a-z]*\)|.*/\1 \2/p" "$d/var/nagios.log" | uniq | tr '\n' ' '
}
# field SERVICE NAME: of status.dat
field() {
    awk -v s="$1" -v f="$2=" '/^servicestatus/ { on = 0 } $0 == "\tservice_description=" s { on = 1 }
        on && index($0, "\t" f) == 1 { print substr($0, length(f) + 2); exit }' "$d/var/status.dat"
}
for m in fifo nsca ng; do
    heard() { log $m | grep -q fourth && field $m plugin_output | grep -q fourth; }
    await heard
    is "$(log $m)" '0 first 2 second 1 third 0 fourth ' "$m: Nagios hears of each change, in order"
    is "$(sed -n "s/.*SERVICE ALERT: mx1;$m;\([A-Z]*\);HARD;1;it is \([a-z]*\)/\1 \2/p" "$d/var/nagios.log" | tr '\n' ' ')" \
        'CRITICAL second WARNING third OK fourth ' "$m: and alerts"
    is "$(field $m current_state) $(field $m plugin_output) $(field $m performance_data)" "0 it is fourth x=0 'a b'=1s;2;3" "$m: now"
done
for m in text textnsca textng; do
    shown() { field $m long_plugin_output | grep -q 'line 50'; }
    await shown
    # Nagios makes ":" of ";", and writes long texts with its own escapes
    is "$(field $m plugin_output)" 'said: a\nb: `id` $HOME <b>?[1m' "$m: the first line"
    is "$(field $m performance_data)" 'v=1;2;3 w=4' "$m: its values"
    is "$(field $m long_plugin_output | sed 's/\\nline 0 .*//')" 'C:\\new ä ?' "$m: the second line"
    field $m long_plugin_output | grep -qE '\\nline [5-9][0-9] of a text that is longer than anybody carries it\\n\[\.\.\.\](\\n)?$'
    ok $? "$m: as much as is carried, and that something is missing"
done
await sh -c "grep -q 'PASSIVE SERVICE CHECK: mx1;mxgauge;2' '$d/var/nagios.log'"
ok $? "the heartbeat says that mxgauged never ran here"
# whoever dies without a word is noticed
kill -KILL $passive
await grep -E "results of service 'mxgauge' on host 'mx1' are stale" "$d/var/nagios.log"
ok $? "a dead machine is stale"
stale() { [ "$(field mxgauge plugin_output)" = 'nothing came' ]; }
await stale
ok $? "and CRITICAL"
done_testing | tee "$d/plan"
[ -z "${DEBUG:-}" ] || { cat "$d"/out/*; cp -r "$d" "$DEBUG"; }
