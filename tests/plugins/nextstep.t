#!/bin/sh
# nextstep.t - what an alert of each check of the state shows besides numbers: lines of that sort,
# a command that finds them when it is pasted, and the graph. Hostile names stay out of the command.
set -u
# shellcheck source=tests/plugins/plugin_test.sh
. tests/plugins/plugin_test.sh
plugins=$BUILD/plugins
PATH=$(cd "$BUILD/bin" && pwd):$PATH

day=2026-11-20T
for i in $(seq 100 219); do
    h=mx1; [ $((i % 2)) -eq 0 ] || h=mx0
    t="${day}03:0$((i % 10)):$((i / 10 + 10))+00:00"
    echo "$t $h postfix/smtpd[100]: NOQUEUE: reject: RCPT from unknown[192.0.2.$i]: 554 5.7.1 Service unavailable;" \
        "Client host [192.0.2.$i] blocked using zen.example.org; from=<joe@example.net> to=<u$i@example.org> proto=ESMTP helo=<pc.example.net>"
done >"$dir/log"
# names that a shell would take for more than a word
for i in 10 11 12; do
    echo "${day}03:05:$i+00:00 mx1 postfix/smtpd[100]: warning: unknown[203.0.113.$i]: SASL LOGIN authentication failed:" \
        "authentication failure, sasl_username=\$(reboot)$i"
    echo "${day}03:05:$i+00:00 mx1 postfix/smtpd[100]: NOQUEUE: reject: RCPT from unknown[unknown]: 550 5.1.1" \
        "<no\`reboot\`@example.org>: Recipient address rejected: User unknown in local recipient table;" \
        "from=<;reboot@example.net> to=<no\`reboot\`@example.org> proto=ESMTP helo=<pc.example.net>"
done >>"$dir/log"
for i in $(seq 10 49); do
    accept "${day}03:0$((i % 10)):$i+00:00" mx2 "0A000000$i" 1
    d=$((i == 33 ? 700 : 1))
    echo "${day}03:1$((d > 9 ? 4 : 0)):$i+00:00 mx2 postfix/lmtp[9]: 0A000000$i: to=<u@example.org>, relay=store.example.org[10.0.0.9]:24, delay=$d, delays=0.1/0/0/0.9, dsn=2.0.0, status=sent (250 2.0.0 ok)"
    echo "${day}03:1$((d > 9 ? 4 : 0)):$i+00:00 mx2 postfix/qmgr[7]: 0A000000$i: removed"
done >>"$dir/log"
for i in $(seq 50 69); do
    accept "${day}03:0$((i % 10)):$((i - 20))+00:00" mx2 "0A000000$i" 1
    echo "${day}03:0$((i % 10)):$((i - 15))+00:00 mx2 postfix/smtp[9]: 0A000000$i: to=<x@far.example.net>, relay=none, delay=5, delays=0.1/0/5/0, dsn=4.4.1, status=deferred (connect to mx.far.example.net[203.0.113.25]:25: Connection timed out)"
done >>"$dir/log"
echo "${day}03:05:30+00:00 mx1 postfix/smtpd[100]: NOQUEUE: reject: MAIL from unknown[198.51.100.9]: 552 5.3.4 Message size exceeds" \
    "fixed limit of this server, see https://mail.example.org/limits; from=<big@example.net> proto=ESMTP helo=<big>" >>"$dir/log"
import "$dir/log"; ok "the log is read"
# as mxgauged writes it
sqlite3 "$dir/state/state.db" "INSERT INTO run VALUES('graph_url', 'https://mon.example.org/%h/%t-%g-day.png?a=1&b=100%%')"

# next STATUS CHECK ARGS: run another check; the command that it shows is in $dir/command
next() {
    want=$1 check=$plugins/$2
    shift 2
    run "$want" --at "${day%T} 03:15" --window 15m "$@" || return 1
    grep '^mxgauge trace ' "$dir/out" >"$dir/command" || return 1
    [ "$(wc -l <"$dir/command")" -eq 1 ]
}
# traced PATTERN: the command, as it stands, finds lines that say so
traced() {
    sh "$dir/command" >"$dir/out" 2>&1 && grep -q -- "$1" "$dir/out"
}

next 1 check_reject_ratio -w dnsbl=10%; ok "refusals ring"
says "Graph: https://mon.example.org/_farm/reject-reject-day.png?a=1&b=100%"; ok "with the graph"
says "rej_dnsbl, from 192.0.2."; ok "and lines"
[ "$(tr ' ' '\n' <"$dir/command" | grep -c '^192')" -eq 5 ]; ok "five different ones"
traced "counted as rej_dnsbl, client 192.0.2.*zen.example.org"; ok "that trace finds"
[ "$(grep -c "counted as" "$dir/out")" -ge 5 ]; ok "all of them"
run 1 --at "${day%T} 03:15" -H mx1 -w dnsbl=10% --graph-url "http://x/%h.%t"; ok "one host"
says "Graph: http://x/mx1.reject"; ok "and the graph of the command line"
run 0 --at "${day%T} 03:15" -w dnsbl=99.9%; ok "when all is well"
silent Samples && silent Graph; ok "neither is shown"

check=$plugins/check_reject_ratio
run 1 --at "${day%T} 03:15" -w unknown_rcpt=1% --window 15m; ok "recipients with odd names"
says "Samples:" || ! grep -q '^mxgauge trace' "$dir/out"; ok "are shown"
! grep '^mxgauge trace' "$dir/out" | grep -q 'reboot'; ok "and not handed to a shell"
run 1 --at "${day%T} 03:15" -w size=0.1% --window 15m
grep -q ', from 198.51.100.9, .*: Message size exceeds .* ~$' "$dir/out"; ok "what is longer than what is kept of it is marked"
next 1 check_mail_flow -w auth_fail=0; ok "failed logins"
says "user \$(reboot)1"; ok "with their names"
! grep -q reboot "$dir/command"; ok "which are not in the command"
traced "counted as auth_fail, client 203.0.113"; ok "that finds them by their address"
next 1 check_mail_flow -w defer=0; ok "deferred mail"
says "Graph: https://mon.example.org/_farm/remote-defer-day"; ok "has another graph"
traced "deferred: x@far.example.net"; ok "its mails are found by queue id"
next 1 check_mail_delay -w max=60s; ok "a slow delivery"
says "12 min, 0A00000033"; ok "is the first"
grep -q " 0A00000033" "$dir/command" && traced "700.00 s after arrival"; ok "and found"
check=$plugins/check_mail_peers
run 1 --at "${day%T} 03:15" --window 15m -w ~:-1 --min 1 --metric "defer/(defer+dlv_local+rej)"; ok "nodes"
says "Graph: https://mon.example.org/mx"; ok "have the graph of the node"

# the same samples from lines in any order, read in any pieces, and twice
"$plugins/check_mail_flow" --state "$dir/state" --at "${day%T} 03:15" -w rej=0 --json >"$dir/a"
sort -k 3 "$dir/log" >"$dir/sorted"
key=$(sqlite3 "$dir/state/state.db" "SELECT hex(value) FROM meta WHERE key='key'")
head -1 "$dir/log" >"$dir/first"
"$BUILD/bin/mxgauge" import --no-rrd --state "$dir/other" "$dir/first" >/dev/null
sqlite3 "$dir/other/state.db" "UPDATE meta SET value=x'$key' WHERE key='key'; DELETE FROM specimen; DELETE FROM seen; DELETE FROM source; DELETE FROM cell; DELETE FROM hour; DELETE FROM top"
split -n l/3 "$dir/sorted" "$dir/part."
for f in "$dir"/part.ac "$dir"/part.aa "$dir"/part.ab "$dir"/log; do
    "$BUILD/bin/mxgauge" import --no-rrd --state "$dir/other" "$f" >/dev/null
done
"$plugins/check_mail_flow" --state "$dir/other" --at "${day%T} 03:15" -w rej=0 --json >"$dir/b"
samples() { grep -o '"samples":.*}\]' "$1"; }
samples "$dir/a" >"$dir/out"; [ -s "$dir/out" ]; ok "JSON has them"
[ "$(samples "$dir/a")" = "$(samples "$dir/b")" ]; ok "in whatever order the lines came"
done_testing
