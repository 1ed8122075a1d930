#!/bin/sh
# smtp.sh - check_smtp_latency beside monitoring-plugins' check_smtp, against the same servers on
# loopback: a plain dialogue to EHLO, STARTTLS (ours verifies, theirs can't), many servers. And
# check_mail_roundtrip beside check_email_delivery (monitoring-plugins-contrib, libmail-imapclient-perl).
#
#	RUNS=100 sh bench/smtp.sh
#
# Both pay for the server's answers (smtp-sink where there is one, else a server in Python).
# As markdown on stdout.
set -u
cd "$(dirname "$0")/.." || exit 1
: "${BUILD:=build}" "${RUNS:=100}"
D=$(mktemp -d) || exit 1
sink=
trap 'exec 7>&- 8>&-; [ -z "$sink" ] || kill "$sink"; wait; rm -rf "$D"' EXIT
trap 'exit 1' HUP INT TERM
sh tests/fake/certs.sh "$D" && mkfifo "$D/end" || exit 1
/usr/bin/python3 tests/fake/smtp.py "$D" <"$D/end" 2>/dev/null &
exec 8>"$D/end"
tries=0
until [ -e "$D/ports" ] || [ $tries -ge 200 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
mkdir "$D/box" "$D/keep" && ln -s ../good.pem ../ca.pem "$D/box/" && mkfifo "$D/end.box" || exit 1
/usr/bin/python3 tests/fake/box.py "$D/box" <"$D/end.box" 2>/dev/null &
exec 7>"$D/end.box"
until [ -e "$D/box/ports" ] || [ $tries -ge 200 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
port() { sed -n "s/^$1 //p" "$D/ports"; }
ours=$BUILD/plugins/check_smtp_latency
theirs=
for f in /usr/lib/nagios/plugins/check_smtp /usr/lib/monitoring-plugins/check_smtp; do
    [ ! -x $f ] || theirs=$f
done
plain=$(port pipe) server="a server in Python"
if command -v smtp-sink >/dev/null 2>&1; then
    smtp-sink -u nobody 127.0.0.1:20025 100 2>/dev/null &
    sink=$!
    tries=0
    until "$ours" -H 127.0.0.1 -p 20025 >/dev/null || [ $tries -ge 50 ]; do
        tries=$((tries + 1))
        sleep 0.1
    done
    [ $tries -ge 50 ] || { plain=20025 server=smtp-sink; }
fi
many=
for _ in $(seq 20); do many="$many -H 127.0.0.1"; done
slow=$(port slowbanner)
set -- empty "$BUILD/bench/empty" start "$ours -V" \
    plain "$ours -H 127.0.0.1 -p $plain"
[ -z "$theirs" ] || set -- "$@" plain.peer "$theirs -H 127.0.0.1 -p $plain"
"$BUILD/bench/measure" -n "$RUNS" "$@" >"$D/small" || exit 1
# Apart: whoever comes after a small program finds a server that sleeps more deeply.
set -- tls "$ours -H 127.0.0.1 -p $(port tls.good) --starttls --ca-file $D/ca.pem"
[ -z "$theirs" ] || set -- "$@" tls.peer "$theirs -H 127.0.0.1 -p $(port tls.good) -S"
"$BUILD/bench/measure" -n "$RUNS" "$@" >>"$D/small" || exit 1
"$BUILD/bench/measure" -n 5 one "$ours -H 127.0.0.1 -p $slow" many "$ours $many -p $slow" >"$D/many" || exit 1

# A message sent, found by IMAP and deleted. Theirs in a script, because its options have blanks.
box() { sed -n "s/^$1 //p" "$D/box/ports"; }
export NAGIOS_PLUGIN_STATE_DIRECTORY="$D/keep" MXGAUGE_MAILBOX_PASSWORD=s3cret
set -- trip "$BUILD/plugins/check_mail_roundtrip -H 127.0.0.1 -p $(box smtp) -r good@example.org --cleartext -b imap://127.0.0.1:$(box good)"
folder=/usr/lib/nagios/plugins
if [ -x $folder/check_email_delivery ] && perl -MMail::IMAPClient -MText::Template -e 1 2>/dev/null; then
    cat >"$D/delivery" <<EOF
exec $folder/check_email_delivery --wait 0.01 \
    --plugin "$folder/check_smtp_send -H 127.0.0.1 -p $(box smtp) --mailfrom a@example.org --mailto good@example.org --header 'Subject: bench %TOKEN1%'" \
    --plugin "$folder/check_imap_receive -H 127.0.0.1 -p $(box good) -U good@example.org -P s3cret --imap-check-interval 1 --imap-retries 3 -s SUBJECT -s 'bench %TOKEN1%'"
EOF
    set -- "$@" trip.peer "sh $D/delivery"
else
    echo "check_email_delivery is not installed (monitoring-plugins-contrib, libmail-imapclient-perl)."
fi
"$BUILD/bench/measure" -n $((RUNS < 20 ? RUNS : 20)) "$@" >"$D/trips" || exit 1
[ -n "$theirs" ] || echo "monitoring-plugins' check_smtp is not installed (monitoring-plugins-basic)."
printf 'Medians of %s runs; the plain server is %s.\n\n' "$RUNS" "$server"
echo "| what | ms | CPU ms | peak MB | exit | goal |"
echo "|---|--:|--:|--:|--:|---|"
awk -F '\t' -v ours=check_smtp_latency '
    function row(what, n, goal) {
        if (n in wall)
            printf "| %s | %.2f | %.2f | %.1f | %s | %s |\n", what, 1000 * wall[n], 1000 * cpu[n],
                rss[n] / 1024, status[n], goal
    }
    function beside(n, whom) {
        if (!((n ".peer") in wall)) return ""
        return sprintf("%.2f x the time, %.2f x the memory of %s: %s", wall[n] / wall[n ".peer"],
            rss[n] / rss[n ".peer"], whom, wall[n] < wall[n ".peer"] && rss[n] <= rss[n ".peer"] ? "ok" : "**missed**")
    }
    { wall[$1] = $2; cpu[$1] = $3; rss[$1] = $4; status[$1] = $5 }
    END {
        row("an empty program", "empty", "")
        ratio = wall["start"] / wall["empty"]
        row(ours " -V", "start", sprintf("%.2f x empty, at most 3: %s", ratio, ratio <= 3 ? "ok" : "**missed**"))
        row(ours ", to EHLO", "plain", beside("plain", "check_smtp"))
        row("check_smtp", "plain.peer", "")
        row(ours " --starttls, verified", "tls", beside("tls", "check_smtp"))
        row("check_smtp -S", "tls.peer", "")
        row(ours ", a server that waits 500 ms", "one", "")
        ratio = wall["many"] / wall["one"]
        row("20 of them at once", "many", sprintf("%.2f x one, at most 1.2: %s", ratio,
            ratio <= 1.2 ? "ok" : "**missed**"))
        row("check_mail_roundtrip, IMAP", "trip", beside("trip", "check_email_delivery"))
        row("check_email_delivery", "trip.peer", "")
    }' "$D/small" "$D/many" "$D/trips"
