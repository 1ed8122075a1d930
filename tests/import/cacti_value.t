#!/bin/sh
# cacti_value.t - mxgauge cacti-value: totals that only grow, gauges and delays of the last minutes, U for the rest.
set -u
: "${BUILD:=build}"
. tests/tap.sh
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
mxgauge=$BUILD/bin/mxgauge
export TZ=UTC
log=tests/logs/day/postfix.log
sed 's/ mx1 / mx2 /' $log >"$d/mx2.log"
"$mxgauge" import --state "$d/state" --no-rrd $log "$d/mx2.log" >"$d/out" 2>&1
ok $? "a day of two hosts is imported"

# asked AT ARGS...: the answer; the sentence in $d/err, the status in $d/rc
asked() {
    at=$1
    shift
    "$mxgauge" cacti-value --state "$d/state" --at "$at" "$@" 2>"$d/err"
    echo $? >"$d/rc"
}
rc() { cat "$d/rc"; }
# reported TO NAME HOST: what the report has of a count
reported() {
    "$mxgauge" report --state "$d/state" --json --to "$1" --host "$3" | tr ',{' '\n\n' | sed -n "s/^\"$2\":\([0-9]*\).*/\1/p" | head -n 1
}
for host in mx1 _farm; do
    none "$host: a total is what was counted up to then" "$(
        for hour in 01 07 13 23; do
            for name in recv_msg rej dlv_local conn; do
                t=flow
                [ $name != conn ] || t=conn
                got=$(asked "2025-03-11 $hour:29" --host $host $t $name)
                want=$name:$(reported "2025-03-11 $hour:30" $name $host)
                [ "$got" = "$want" ] || echo "$hour $got, not $want"
            done
        done)"
done
is "$(asked "2025-03-11 12:00" --host MX1.example.org flow rej)" "$(asked "2025-03-11 12:00" --host mx1 flow rej)" \
    "the host with its domain, in capitals"
is "$(asked "2025-03-31 23:59" --host mx1 flow rej)" "$(asked "2025-03-12 00:00" --host mx1 flow rej)" "a total stays until the month ends"
is "$(asked "2025-04-01 00:00" --host mx1 flow rej)" rej:0 "then it begins anew"
is "$(asked "2025-03-01 00:00" --host mx1 flow rej)" rej:U "before the first line nothing is known"
is "$(asked "2025-03-11 12:00" --host mx1 conn lost,conn | tr ' ' '\n' | cut -d: -f1 | tr '\n' ' ')" "lost conn " "names come as they are asked for"
is "$(asked "2025-03-11 12:00" --host mx1 reject | tr ' ' '\n' | wc -l)" "$(asked "2025-03-11 12:00" --host nobody reject | tr ' ' '\n' | grep -c ':U$')" \
    "of a host that is not known all is U"
is "$(rc)" 1 "with status 1"
grep -q "there is no host nobody" "$d/err"
ok $? "and a sentence"
is "$(asked "2025-03-12 00:00" --host mx1 --list bl.example.org dnsbl hits)" "hits:$(
    "$mxgauge" report --state "$d/state" --json --host mx1 | sed 's/.*"bl\.example\.org":\([0-9]*\).*/\1/')" "a block list's hits"
is "$(asked "2025-03-12 00:00" --host mx1 --list none.example dnsbl hits)" hits:U "of one that never refused U"
is "$(asked "2025-03-12 00:00" --host mx1 --list '' dnsbl hits)" hits:U "of none U"
is "$(asked "2025-03-12 00:00" --host mx1 dnsbl hits)" hits:U "and where none is said"
asked "2025-03-12 00:00" --host mx1 flow rej,nothing >"$d/out"
is "$(rc) $(cat "$d/out")" "1 " "a name that there is not: nothing"
is "$(cat "$d/err")" "mxgauge: nothing is no data source of flow" "but a sentence"
is "$(asked "2025-03-12 00:00" --host mx1 queue q_active)" q_active:U "queues that nobody counts are U"

# One delivery a minute, of 1, 2, ... 8 seconds.
for m in 1 2 3 4 5 6 7 8; do
    echo "2025-03-11T10:0$m:01+00:00 mx9 postfix/smtp[1]: 4F1A2B3C$m: to=<a@example.org>, relay=r.example.org[192.0.2.1]:25, delay=$m, delays=0/0/0/$m, dsn=2.0.0, status=sent (250 ok)"
done >"$d/delay.log"
"$mxgauge" import --state "$d/slow" --no-rrd "$d/delay.log" >"$d/out" 2>&1
delays() {
    "$mxgauge" cacti-value --state "$d/slow" --at "2025-03-11 10:$1" --host mx9 delay delay_p50,delay_max
}
delays 06:30 | awk -F '[: ]' '{ exit !($2 > 2.8 && $2 < 3.2 && $4 > 4.8 && $4 < 5.2) }'
ok $? "delays are those of the five minutes before: $(delays 06:30)"
is "$(delays 20:00)" "delay_p50:U delay_max:U" "U when nothing was delivered"

# By the clock: a collector that stands still knows nothing.
"$mxgauge" cacti-value --state "$d/state" --host mx1 flow rej >"$d/out" 2>&1
is "$(cat "$d/out")" rej:0 "now: the month has nothing of last year"
touch "$d/clock"
sqlite3 "$d/state/state.db" "update run set value = strftime('%s', 'now') - 1000 where key in ('committed_at', 'beat_at')"
"$mxgauge" cacti-value --state "$d/state" --host mx1 flow rej >"$d/out" 2>"$d/err"
is "$? $(cat "$d/out")" "1 rej:U" "U, when nothing was committed for long"
grep -q "has counted nothing for 16 minutes" "$d/err"
ok $? "and why: $(cat "$d/err")"
done_testing
