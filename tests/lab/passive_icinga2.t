#!/bin/sh
# passive_icinga2.t - a real Icinga 2 that was down for three changes of state hears of all of them by its API, with their
# times; a password, a client's certificate, a service that it does not know, a certificate of another name.
set -u
what="passive results in Icinga 2"
: "${BUILD:=build}"
. tests/tap.sh
. tests/lab/lab_test.sh
lab_needs "$what" icinga2 sqlite3 openssl
# shellcheck source=tests/lab/passive_test.sh
. tests/lab/passive_test.sh
i=$d/icinga
mkdir -p "$i/log" "$i/lib/certs" "$i/lib/api" "$i/lib/ca" "$i/cache" "$i/spool/perfdata" "$i/spool/tmp" "$i/run" "$i/etc"

# --- an authority, its server, a client
cd "$i/lib/certs" || exit 1
{
    key='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
    # shellcheck disable=SC2086
    openssl req -x509 $key -days 30 -subj /CN=authority -keyout "$d/ca.key" -out ca.crt
    for n in testbed:subjectAltName=DNS:localhost mxclient:extendedKeyUsage=clientAuth; do
        # shellcheck disable=SC2086
        openssl req $key -subj "/CN=${n%%:*}" -keyout "${n%%:*}.key" -out "$d/csr"
        echo "${n#*:}" >"$d/ext"
        openssl x509 -req -in "$d/csr" -CA ca.crt -CAkey "$d/ca.key" -CAcreateserial -days 20 -extfile "$d/ext" -out "${n%%:*}.crt"
    done
} >"$d/certs" 2>&1
mv mxclient.* "$d"
cp ca.crt "$d"
cd - >/dev/null || exit 1
echo s3cret >"$d/password"
echo wrong >"$d/wrong"
chmod 600 "$d/password" "$d/wrong"

cat >"$i/etc/icinga2.conf" <<EOF
include <itl>
object Endpoint NodeName { }
object Zone "master" { endpoints = [ NodeName ] }
object ApiListener "api" { bind_host = "127.0.0.1" }
object ApiUser "mxgauge" { password = "s3cret", permissions = [ "actions/process-check-result" ] }
object ApiUser "client" { client_cn = "mxclient", permissions = [ "actions/process-check-result" ] }
object CheckerComponent "checker" { }
object PerfdataWriter "perfdata" {
  service_perfdata_path = "$i/spool/perfdata/service"
  service_temp_path = "$i/spool/tmp/service"
  host_perfdata_path = "$i/spool/perfdata/host"
  host_temp_path = "$i/spool/tmp/host"
  rotation_interval = 1s
  service_format_template = "\$service.name\$|\$service.state_id\$|\$service.last_check_result.execution_end\$|\$service.perfdata\$|\$service.output\$"
  host_format_template = "\$host.name\$|\$host.state_id\$"
}
object Host "mx1" { check_command = "passive", enable_active_checks = false, max_check_attempts = 1 }
object Service "svc" { host_name = "mx1", check_command = "passive", enable_active_checks = false, max_check_attempts = 1 }
object Service "by certificate" { host_name = "mx1", check_command = "passive", enable_active_checks = false }
object Service "text" { host_name = "mx1", check_command = "passive", enable_active_checks = false }
object Service "mxgauge" { host_name = "mx1", check_command = "dummy", check_interval = 10s, max_check_attempts = 1
  vars.dummy_state = 2, vars.dummy_text = "nothing came" }
EOF
chown -R nagios "$i"
chmod 755 "$d"
icinga() {
    set -- "$@" -c "$i/etc/icinga2.conf" -D Configuration.LogDir="$i/log" -D Configuration.DataDir="$i/lib" \
        -D Configuration.CacheDir="$i/cache" -D Configuration.SpoolDir="$i/spool" -D Configuration.InitRunDir="$i/run" \
        -D Configuration.ConfigDir="$i/etc" -D Configuration.StatePath="$i/lib/state" -D Configuration.ObjectsPath="$i/cache/objects" \
        -D Configuration.VarsPath="$i/cache/vars" -D Configuration.PidPath="$i/run/icinga2.pid" \
        -D Configuration.ModAttrPath="$i/lib/modattr.conf" -D Configuration.RunAsUser=nagios -D Configuration.RunAsGroup=nagios \
        -D NodeName=testbed
    icinga2 daemon "$@"
}
icinga -C >"$d/verify" 2>&1
ok $? "Icinga 2 takes the configuration"
grep -q 'Finished validating' "$d/verify" || sed 's/^/# /' "$d/verify"

# --- what is checked
cat >"$d/text" <<'EOF'
#!/bin/sh
printf 'said: a\\nb; `id` $HOME <b>\033[1m "x" | v=1;2;3 w=4\nC:\\new \303\244 \303\n'
seq 1 400 | sed 's/.*/line & of a text that is longer than Nagios would have it/'
EOF
chmod +x "$d/text"
cat >"$d/conf" <<EOF
state = $d/state
passive_host = mx1
source a { files = { $d/log } }
monitor main { type = icinga2 url = "https://localhost:5665/" user = mxgauge password_file = $d/password ca_file = $d/ca.crt }
monitor cert { type = icinga2 url = "https://localhost:5665" certificate = $d/mxclient.crt key = $d/mxclient.key ca_file = $d/ca.crt }
monitor wrong { type = icinga2 url = "https://localhost:5665" user = mxgauge password_file = $d/wrong ca_file = $d/ca.crt }
monitor name { type = icinga2 url = "https://127.0.0.1:5665" user = mxgauge password_file = $d/password ca_file = $d/ca.crt }
monitor ca { type = icinga2 url = "https://localhost:5665" user = mxgauge password_file = $d/password }
passive svc { command = { "$d/check", "$d/now" } interval = 1s monitors = { main } }
passive "by certificate" { command = { "$d/check", "$d/now" } interval = 1s monitors = { cert } }
passive text { command = $d/text interval = 5s monitors = { main } }
passive strange { command = /bin/true interval = 5s monitors = { main } }
passive other { command = /bin/true interval = 5s monitors = { wrong, name, ca } }
passive up { kind = host command = /bin/true interval = 5s monitors = { main } }
EOF
"$BUILD/bin/mxgauge" passive --config "$d/conf" >"$d/passive" 2>&1 &
passive=$!
pids=$passive
changes 2
await grep -E 'cannot be told.*"main": .*(refused|Could.*connect|Failed to connect)' "$d/passive"
ok $? "Icinga 2 is down for three changes of state"
started=$(date +%s)
icinga >"$d/icinga.out" 2>&1 &
pids="$pids $!"
all() { cat "$i"/spool/perfdata/* "$i"/spool/tmp/* 2>/dev/null; }
# heard SERVICE: its states and texts in the order of their times, without what repeats
heard() { all | grep "^$1|" | sort -s -t'|' -k3n | sed -n "s/^$1|\([0-9]\)|[^|]*|[^|]*|it is \([a-z]*\).*/\1 \2/p" | uniq | tr '\n' ' '; }
for s in svc 'by certificate'; do
    full() { heard "$s" | grep -q fourth; }
    await full
    is "$(heard "$s")" '0 first 2 second 1 third 0 fourth ' "$s: Icinga 2 hears of each change, in order"
    all | grep "^$s|" | awk -F'|' -v t="$started" '/second|third/ && $3 < t { n++ } END { exit n < 2 }'
    ok $? "$s: with the times when it was so"
    all | grep "^$s|0" | grep -qF "x=0 'a b'=1s;2;3"
    ok $? "$s: and its values"
done
shown() { all | grep -q '^text|'; }
await shown
is "$(all | sed -n 's/^text|\([0-9]\)|[^|]*|\([^|]*\)|\(.*\)/\1 \2 \3/p' | head -n 1)" \
    '0 v=1;2;3 w=4 said: a\nb; `id` $HOME <b>?[1m "x"' "a text, clean and whole"
await grep -E 'does not take a result.*"main": mx1, strange: 404: No objects found' "$d/passive"
ok $? "a service that it does not know is told"
await grep -E 'cannot be told.*"wrong": Icinga 2 answers with status 401' "$d/passive"
ok $? "a wrong password is told"
await grep -E 'cannot be told.*"name": .*(SSL|certificate)' "$d/passive"
ok $? "so is a certificate of another name"
await grep -E 'cannot be told.*"ca": .*(SSL|certificate)' "$d/passive"
ok $? "and one of an authority that is not known here"
up() { all | grep -q '^mx1|0'; }
await up
ok $? "the host is up"
beat() { all | grep '^mxgauge|' | grep -q 'MXGAUGE'; }
await beat
ok $? "the heartbeat comes"
kill -KILL $passive
stale() { all | grep -q '^mxgauge|2.*nothing came'; }
await stale
ok $? "and when it does not, that is CRITICAL"
done_testing
[ -z "${DEBUG:-}" ] || { cat "$d/passive" "$d/icinga.out"; cp -r "$d" "$DEBUG"; }
