#!/bin/sh
# passive_down.t - monitors of each kind that were down for three changes of state hear of all of them, in order and
# with their times; the configuration changes meanwhile; a runner that is killed again and again loses nothing.
what="monitors that were down"
: "${BUILD:=build}"
# shellcheck source=tests/daemon/passive_test.sh
. tests/daemon/passive_test.sh

# The service's state is what stands in $D/now; a line of $D/truth for each that was stored.
echo '0 first' >"$D/now"
cat >"$D/check" <<'EOF'
#!/bin/sh
read -r state words <"$1"
echo "it is $words|x=$state"
exit "$state"
EOF
chmod +x "$D/check"
# a send_nsca that reaches nobody while there is no file up
mkdir "$D/nsca"
cat >"$D/send_nsca" <<'EOF'
#!/bin/sh
[ ! -e "$1/hangup" ] || kill -PIPE $$
[ -e "$1/up" ] || { echo "Connection refused by host" >&2; exit 2; }
tr '\n\027' '~\n' | while IFS='	' read -r host service state text; do
    printf '%s %s %s now %s\n' "$host" "$service" "$state" "$text" >>"$1/got"
done
echo "n data packet(s) sent to host successfully."
EOF
chmod +x "$D/send_nsca"
fake nrdp nrdp
fake icinga2 icinga2
for k in nrdp icinga2; do echo hangup >"$D/$k/mode"; done
mkdir "$D/nagios"
mkfifo "$D/nagios/fifo"
{
    head
    echo "monitor a { type = nagios command_file = \"$D/nagios/fifo\" }"
    echo "monitor b { type = nsca command = { \"$D/send_nsca\", \"$D/nsca\" } }"
    echo "monitor c { type = nrdp url = \"http://127.0.0.1:$(port nrdp)/nrdp/\" token_file = $D/token }"
    echo "monitor d { type = icinga2 url = \"http://127.0.0.1:$(port icinga2)\" user = mxgauge password_file = $D/password }"
    echo "passive svc { command = { \"$D/check\", \"$D/now\" } interval = 1s }"
} >"$D/conf"
"$mxgauge" check-config "$D/conf" >"$D/said" 2>&1
ok $? "the configuration is good"
start
# stored WORDS: it is in the spool, for all four monitors
stored() { [ "$(spool "SELECT count(*) FROM result WHERE text LIKE '%is $1|%'")" -ge 4 ]; }
for s in '0 first' '2 second' '0 third' '1 fourth'; do
    echo "$s" >"$D/now.new"
    mv "$D/now.new" "$D/now"
    wait_for stored "${s#* }"
done
is "$(spool 'SELECT count(*) FROM result WHERE change')" 16 "each change is kept"
repeats() { [ "$(spool 'SELECT count(*) FROM result WHERE NOT change')" = 4 ]; }
wait_for repeats
ok $? "and of repeats the last"
for w in 'nobody reads it' 'send_nsca says: Connection refused by host' '(Empty reply|reset|Recv)'; do
    told "a monitor cannot be told.*$w" "it is told: $w"
done
wait_for grep -q '^monitor	a	nagios	0	[1-9][0-9]*	[45]	' "$S/state/passive/status"
ok $? "the status says what waits since when"

"$mxgauge" import --state "$S/state" --no-rrd tests/logs/postfix/daemons.log >/dev/null 2>&1
"$mxgauge" status --state "$S/state" >"$D/status"
grep -A3 '^  b (nsca)' "$D/status" | tr '\n' ' ' | grep -qE 'last told never, 0 results so far; [45] waiting, the first from .* ago +cannot be told, first .* ago: .*/send_nsca says: Connection refused by host '
ok $? "mxgauge status shows each monitor" || sed 's/^/# /' "$D/status"
"$BUILD/plugins/check_mxgauge" --state "$S/state" -w monitor_lag=0 -w monitor_waiting=3 >"$D/status"
grep -qE ' monitor_lag=[1-9][0-9]*s;0;3600 monitor_waiting=[45];3 ' "$D/status" && grep -qE ' passive=[0-9]+s;60;300 ' "$D/status" &&
    grep -qE '^Monitor b cannot be told since .*: .*Connection refused' "$D/status"
ok $? "check_mxgauge measures how long results wait"

# killed while all of it waits, and another time while it is sent
stop KILL
touch "$D/nsca/up"
: >"$D/nrdp/mode"
: >"$D/icinga2/mode"
fake nagios fifo
before=$(date +%s)
start
for k in nagios nsca nrdp icinga2; do
    wait_for grep -q 'is fourth' "$D/$k/got"
    is "$(awk '{ for (i = 1; i <= NF; i++) if ($i == "is") { sub(/\|.*/, "", $(i + 1)); print $3, $(i + 1) } }' "$D/$k/got" | uniq |
        tr '\n' ' ')" '0 first 2 second 0 third 1 fourth ' "$k: what it missed, in order, nothing twice but what lasts"
done
# where all is slow two may be of one second
for k in nagios icinga2; do
    awk -v now="$before" '/first|second|third/ && $4 >= now { exit 1 } /first/ { f = $4 } /second/ { s = $4 } /third/ { t = $4 } END { exit !(f > 0 && f <= s && s <= t && f < t) }' \
        "$D/$k/got"
    ok $? "$k: with the times when it was so"
done
is "$(awk '/first|second|third/ { print $4 ~ /^[0-9]+$/ } /fourth/ { last = $4 } END { print last }' "$D/nrdp/got" | tr '\n' ' ')" \
    '1 1 1 now ' "nrdp: the time of what is over, and none of what is"
wait_for grep -q '^monitor	a	nagios	[1-9][0-9]*	0	' "$S/state/passive/status"
ok $? "the status says that all is well"

# a reload: another service, one monitor less
sed -e '/^monitor c/d' -e 's/^passive svc/passive other/' "$D/conf" >"$D/conf.new"
mv "$D/conf.new" "$D/conf"
kill -HUP $pid
wait_for grep -q 'other' "$D/icinga2/got"
ok $? "after a reload there is another service"
wait_for grep -q reloaded "$D/out"
is "$(spool 'SELECT group_concat(name) FROM (SELECT name FROM monitor ORDER BY name)')" a,b,d "and a monitor less"
echo 'monitor x {' >>"$D/conf"
kill -HUP $pid
wait_for grep -q 'stays as it was' "$D/out"
ok $? "a bad configuration is not taken"

# nsca answers a wrong password by a connection that ends
touch "$D/nsca/hangup"
wait_for grep -q 'monitor "b": the server hung up on .*/send_nsca: is its password' "$D/out"
ok $? "a server that hangs up may have another password"
rm "$D/nsca/hangup"
wait_for grep -q 'over: "a monitor cannot be told, .*: monitor "b"$' "$D/out"
ok $? "and which monitor is told again is said"
stop TERM
is $status 0 "it ends when it is told to"
grep -q '^run	0	' "$S/state/passive/status"
ok $? "and says so"
done_testing
