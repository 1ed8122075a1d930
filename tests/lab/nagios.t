#!/bin/sh
# nagios.t - what hostile mail servers say, as a real Nagios takes it from our checks and as its pages show it.
#
# Servers of tests/fake say "|", control bytes, escapes of terminals, HTML, broken UTF-8, 60 KB. The Nagios and its CGIs
# are Debian's, unpacked and not installed; it opens no port.
what="Nagios and hostile servers"
: "${BUILD:=build}"
. tests/tap.sh
. tests/lab/lab_test.sh
lab_needs "$what" apt-get dpkg
lab_unpack nagios4-core nagios4-cgi
# shellcheck source=tests/fake/fake_test.sh
. tests/fake/fake_test.sh
trap 'exec 8>&- 9>&-; wait; rm -rf "$D" "$d"' EXIT
mkdir "$D/mail" "$D/box" "$D/keep" "$D/etc" "$D/var" "$D/var/spool" "$D/var/rw"
mkfifo "$D/end" "$D/end2"
/usr/bin/python3 tests/fake/smtp.py "$D/mail" <"$D/end" 2>"$D/fake.err" &
exec 8>"$D/end"
/usr/bin/python3 tests/fake/box.py "$D/box" <"$D/end2" 2>"$D/box.err" &
exec 9>"$D/end2"
ready mail/ports
ready box/ports
mail() { sed -n "s/^$1 //p" "$D/mail/ports"; }
box() { sed -n "s/^$1 //p" "$D/box/ports"; }

cat >"$D/etc/nagios.cfg" <<EOF
log_file=$D/var/nagios.log
cfg_file=$D/etc/objects.cfg
object_cache_file=$D/var/objects.cache
precached_object_file=$D/var/objects.precache
status_file=$D/var/status.dat
status_update_interval=1
temp_file=$D/var/nagios.tmp
temp_path=$D/var
check_result_path=$D/var/spool
state_retention_file=$D/var/retention.dat
lock_file=$D/var/nagios.lock
query_socket=$D/var/nagios.qh
command_file=$D/var/rw/nagios.cmd
nagios_user=root
nagios_group=root
log_rotation_method=n
use_syslog=0
execute_service_checks=1
interval_length=1
check_for_updates=0
enable_notifications=0
service_inter_check_delay_method=n
max_service_check_spread=1
illegal_macro_output_chars=\`~\$&|'"<>
EOF
cat >"$D/etc/cgi.cfg" <<EOF
main_config_file=$D/etc/nagios.cfg
physical_html_path=$D
url_html_path=/nagios4
use_authentication=0
escape_html_tags=0
refresh_rate=90
EOF
{
    printf 'define timeperiod {\n timeperiod_name always\n alias always\n'
    for day in sunday monday tuesday wednesday thursday friday saturday; do printf ' %s 00:00-24:00\n' $day; done
    printf '}\ndefine contact {\n contact_name nobody\n host_notifications_enabled 0\n service_notifications_enabled 0\n'
    printf ' service_notification_period always\n host_notification_period always\n service_notification_options n\n'
    printf ' host_notification_options n\n service_notification_commands none\n host_notification_commands none\n}\n'
    printf 'define command {\n command_name none\n command_line /bin/true\n}\n'
    printf 'define host {\n host_name mx1\n address 127.0.0.1\n max_check_attempts 1\n contacts nobody\n check_period always\n'
    printf ' notification_period always\n}\n'
} >"$D/etc/objects.cfg"
# service NAME COMMAND
service() {
    printf 'define command {\n command_name %s\n command_line /usr/bin/env NAGIOS_PLUGIN_STATE_DIRECTORY=%s %s\n}\n' \
        "$1" "$D/keep MXGAUGE_MAILBOX_PASSWORD=s3cret" "$2"
    printf 'define service {\n host_name mx1\n service_description %s\n check_command %s\n max_check_attempts 1\n' "$1" "$1"
    printf ' check_interval 600\n retry_interval 600\n check_period always\n notification_period always\n contacts nobody\n}\n'
}
latency=$BUILD/plugins/check_smtp_latency
trip="$BUILD/plugins/check_mail_roundtrip -H 127.0.0.1 -p $(box smtp) --cleartext -t 5"
{
    service good "$latency -H 127.0.0.1 -p $(mail good)"
    service banner "$latency -v -H 127.0.0.1 -p $(mail hostile)"
    service refused "$latency -v -H 127.0.0.1 -p $(mail hostile554)"
    service flood "$latency -v -H 127.0.0.1 -p $(mail flood)"
    service trip "$trip -r good@example.org -b imap://127.0.0.1:$(box good)"
    service bye "$trip -r byebye@example.org -b imap://127.0.0.1:$(box byebye)"
} >>"$D/etc/objects.cfg"

"$ROOT/usr/sbin/nagios4" -v "$D/etc/nagios.cfg" >"$D/verify" 2>&1
ok $? "Nagios takes the configuration"
"$ROOT/usr/sbin/nagios4" "$D/etc/nagios.cfg" >"$D/nagios.out" 2>&1 &
nagios=$!
trap 'kill $nagios 2>/dev/null; exec 8>&- 9>&-; wait; rm -rf "$D" "$d"' EXIT
checked() { [ "$(grep -c has_been_checked=1 "$D/var/status.dat" 2>/dev/null)" = 6 ]; }
tries=0
until checked || [ $tries -ge 300 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
# field SERVICE NAME: of status.dat
field() {
    awk -v s="$1" -v f="$2=" '/^servicestatus/ { on = 0 } $0 == "\tservice_description=" s { on = 1 }
        on && index($0, "\t" f) == 1 { print substr($0, length(f) + 2); exit }' "$D/var/status.dat"
}
for s in "good 0" "banner 0" "refused 2" "flood 2" "trip 0" "bye 2"; do
    is "$(field "${s% *}" current_state)" "${s#* }" "${s% *}: the state"
done
for s in good banner refused flood trip bye; do
    none "$s: all performance data are values" "$(field $s performance_data | tr ' ' '\n' |
        grep -vE '^[a-z0-9_]+=(U|-?[0-9.]+(s|%|))(;[0-9.:~@-]*){0,2}$')"
    field $s performance_data | grep -qE "(^dns=| total=|^delivery=)"
    ok $? "$s: and they are there"
    { field $s plugin_output && field $s long_plugin_output; } | LC_ALL=C grep -qE '[^[:print:]]|[<>&|]'
    is $? 1 "$s: the text is clean"
done
field banner long_plugin_output | grep -qF '(script)alert(1)(/script)'
ok $? "what the banner said is told, harmless"
field refused plugin_output | grep -qF 'banner: 554 / x=1 ?[31mred (script)'
ok $? "and what the refusal said"
# a page of its own for each service, escaping switched off: as the worst administrator has it
for s in banner refused bye; do
    NAGIOS_CGI_CONFIG=$D/etc/cgi.cfg REQUEST_METHOD=GET QUERY_STRING="type=2&host=mx1&service=$s" REMOTE_USER=x \
        "$ROOT/usr/lib/cgi-bin/nagios4/extinfo.cgi" >"$D/page" 2>&1
    grep -q "31m" "$D/page"
    ok $? "$s: the page has the text"
    grep -qE '<script>alert|<script> |<b>$' "$D/page"
    is $? 1 "$s: and no tag of the server's"
    LC_ALL=C grep -qP '[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\xff]' "$D/page"
    is $? 1 "$s: nor control bytes"
done
[ $tries -lt 300 ] || sed 's/^/# /' "$D/verify" "$D/nagios.out" "$D/var/nagios.log"
done_testing
