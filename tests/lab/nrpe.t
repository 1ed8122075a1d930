#!/bin/sh
# nrpe.t - NRPE (versions 2 and 4, with TLS and without) and NSCA carry what our checks say: the same state, the same
# sentence, all performance data, and of the details as much as the protocol allows.
#
# What checks say of the sample farm, well and ill, and of a hostile server, is taken once and said again through
# each of them. NRPE, its shipped commands and NSCA are Debian's.
set -u
what="NRPE and NSCA"
: "${BUILD:=build}"
. tests/tap.sh
. tests/lab/lab_test.sh
. tests/lab/farm/farm_test.sh
nrpe=/usr/lib/nagios/plugins/check_nrpe
farm_inside $nrpe nsca send_nsca
farm
collector
farm_nrpe

# --- what is said: OK, WARNING, CRITICAL, UNKNOWN, and the longest that there is
say() { # NAME CHECK...: keep it, with its status
    name=$1 checked=$2
    shift 2
    "$plugins/$checked" "$@" >"$d/said.$name" 2>&1
    echo $? >"$d/status.$name"
}
ini=/etc/mxgauge/mxgauge.ini
say 0 check_mail_flow --extra-opts=check_mail_flow@$ini
say 1 check_mxgauge -w silence=1s
say 2 check_failover
say 3 check_replication_drbd
{
    printf '554 no | x=1 \033[31mred\007 <script>alert(1)</script> \377\376 `id` $(id) &amp; %s\\n ' "'\""
    head -c 20000 /dev/zero | tr '\0' z
    printf '\r\n'
} >"$d/hostile"
# shellcheck disable=SC2046
say hostile check_smtp_latency -vvv $(for i in 25 26 31 32 41 42 51 53 54 61 62 71; do echo "-H 192.0.2.$i"; done)
rm "$d/hostile"
say reasons check_reject_ratio -vvv --window 1h
# shellcheck disable=SC2046
say long check_mail_flow $(sed -nE 's/^METRIC\(([a-z_0-9]+), COUNT.*/\1/p' lib/metric.def) $(sed -nE 's/^REASON\(([a-z_0-9]+).*/rej_\1/p' lib/reason.def)
said="0 1 2 3 hostile reasons long"
test "$(head -n 1 "$d/said.long" | wc -c)" -gt 900
ok $? "one has a first line that is as long as may be"
for s in 0 1 2 3; do is "$(cat "$d/status.$s")" "$s" "a check says $s"; done
test "$(wc -c <"$d/said.hostile")" -gt 5000 -a "$(wc -c <"$d/said.hostile")" -le 8192
ok $? "and another thousands of bytes, within the 8,192 of Nagios"

# --- NRPE
printf '#!/bin/sh\ncat "%s/said.$1"\nexit "$(cat "%s/status.$1")"\n' "$d" "$d" >"$d/again"
chmod 755 "$d/again"
chmod 644 "$d"/said.* "$d"/status.*
for s in $said; do echo "command[said_$s]=$d/again $s"; done >>/etc/nagios/nrpe.cfg
sed 's/^server_port=.*/server_port=5668/; s/^pid_file=.*/pid_file=\/run\/nrpe.plain.pid/' /etc/nagios/nrpe.cfg >/etc/nagios/plain.cfg
printf 'server_port=5669\npid_file=/run/nrpe.again.pid\n' | cat /etc/nagios/nrpe.cfg - >/etc/nagios/again.cfg
nrpe -n -c /etc/nagios/plain.cfg -f 2>>"$d/nrpe.err" &
nrpe -c /etc/nagios/again.cfg -f 2>>"$d/nrpe.err" &
await $nrpe -H 192.0.2.51 -p 5668 -n >/dev/null
await $nrpe -H 192.0.2.51 -p 5669 >/dev/null
ok $? "two NRPEs run, with TLS and without"
# carried NAME VERSION OPTION...: status, and what of the text
carried() {
    name=$1 version=$2
    shift 2
    $nrpe -H 192.0.2.51 "$@" -c "said_$name" >"$d/got" 2>&1
    [ $? = "$(cat "$d/status.$name")" ] || { echo "$version, $name: the state is another"; return; }
    case $version in
    *2) # 1,024 bytes, the last of which ends it; it may end in the middle of a detail
        head -n 1 "$d/said.$name" >"$d/first"
        head -n 1 "$d/got" | cmp -s - "$d/first" || echo "$version, $name: the first line is not whole"
        head -c "$(($(wc -c <"$d/got") - 1))" "$d/got" | cmp -s -n "$(($(wc -c <"$d/got") - 1))" - "$d/said.$name" ||
            echo "$version, $name: it is no beginning of what was said"
        ;;
    *) cmp "$d/got" "$d/said.$name" 2>&1 | sed "s|^|$version, $name: |" ;;
    esac
}
for way in "TLS 4 -p 5669" "TLS 2 -2 -p 5669" "plain 4 -n -p 5668" "plain 2 -2 -n -p 5668"; do
    # shellcheck disable=SC2086
    set -- $way
    version="$1 $2"
    shift 2
    none "NRPE $version: state and text" "$(for s in $said; do carried "$s" "$version" "$@"; done)"
done
none "each command that is shipped answers, with a state of its own" "$(
    sed -n 's/^command\[\(.*\)\]=.*/\1/p' /etc/nagios/nrpe.d/mxgauge.cfg | while read -r c; do
        case $c in check_mail_queue_counted) continue ;; esac # nobody counts queues here
        $nrpe -H 192.0.2.51 -t 20 -c "$c" >"$d/got" 2>&1
        grep -qE '^[A-Z]+ (OK|WARNING|CRITICAL|UNKNOWN) - ' "$d/got" && ! grep -qE 'extra-opts|option' "$d/got" || { echo "$c:"; cat "$d/got"; }
    done)"

# --- NSCA: into a fifo, as Nagios has one
mkfifo "$d/nagios.cmd"
chmod 666 "$d/nagios.cmd"
cat "$d/nagios.cmd" >"$d/came" &
exec 6>"$d/nagios.cmd"
printf '%s\n' server_port=5667 server_address=192.0.2.51 nsca_user=nagios nsca_group=nagios "command_file=$d/nagios.cmd" \
    alternate_dump_file=/dev/null aggregate_writes=0 append_to_file=0 max_packet_age=30 password=lab decryption_method=14 \
    pid_file=/run/nsca.pid >/etc/nsca.cfg
printf 'password=lab\nencryption_method=14\n' >/etc/send_nsca.cfg
nsca -c /etc/nsca.cfg -f >"$d/nsca.out" 2>&1 &
# A packet has room for 4,095 bytes of text, and send_nsca refuses longer input: whoever sends cuts. Lines of
# one text are kept together where ETB ends it.
for s in $said; do
    { printf 'collector\t%s\t%s\t' "$s" "$(cat "$d/status.$s")" && head -c 4000 "$d/said.$s" && printf '\027'; } >"$d/packet"
    await sh -c "send_nsca -H 192.0.2.51 -p 5667 -c /etc/send_nsca.cfg <'$d/packet' >'$d/sent' 2>&1"
done
all_came() { [ "$(grep -c PROCESS_SERVICE_CHECK_RESULT "$d/came")" -ge 7 ]; }
await all_came
ok $? "NSCA brings them all"
none "each with its state, its first line whole, and 4 KB of its text" "$(
    for s in $said; do
        grep "PROCESS_SERVICE_CHECK_RESULT;collector;$s;" "$d/came" | head -n 1 >"$d/line"
        grep -q ";collector;$s;$(cat "$d/status.$s");" "$d/line" || echo "$s: the state is another"
        sed "s/^[^;]*;[^;]*;[^;]*;[^;]*;//" "$d/line" | perl -pe 'chomp; s/\\(.)/$1 eq "n" ? "\n" : $1/ge' >"$d/got"
        head -c 4000 "$d/said.$s" >"$d/want"
        [ "$(cat "$d/got")" = "$(cat "$d/want")" ] || echo "$s: the text is another"
    done)"
exec 6>&-
done_testing
[ -z "${KEEP:-}" ] || cp -r "$d" "$KEEP"
