#!/bin/sh
# dropped.t - times whose counts were dropped (keep_hours, keep_minutes) are unknown, not zero.
set -u
export LC_ALL=C TZ=UTC
: "${BUILD:=build}"
. tests/tap.sh
mxgauge=$BUILD/bin/mxgauge
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT

# Forty days from 2026-01-05 to 02-13: 30 clients from 10:00 to 10:29.
perl -e 'for my $day (0 .. 39) { for my $m (0 .. 29) {
    printf "2026-%02d-%02dT10:%02d:00+00:00 mx1 postfix/smtpd[1]: connect from a%d.example.net[192.0.2.1]\n",
        $day < 27 ? 1 : 2, $day < 27 ? $day + 5 : $day - 26, $m, $m } }' >"$d/log"
printf 'state = "%s/short"\nkeep_hours = 8d\nsource "a" { files = { "%s/none" } }\n' "$d" "$d" >"$d/conf"
"$mxgauge" import --config "$d/conf" --no-rrd "$d/log" >"$d/out" 2>&1 &&
    "$mxgauge" import --state "$d/long" --no-rrd "$d/log" >>"$d/out" 2>&1
ok $? "imported, with hours of eight days and of all"

# conn STATE HOST TIME: the total that Cacti gets
conn() {
    "$mxgauge" cacti-value --state "$d/$1" --at "$3" --host "$2" conn conn
}
for host in mx1 _farm; do
    is "$(conn short $host "2026-01-20 10:15")" conn:U "$host: a total of an hour that was dropped is unknown"
    is "$(conn long $host "2026-01-20 10:15")" conn:U "$host: one of minutes that were dropped, too"
    is "$(conn long $host "2026-01-20 10:59")" conn:480 "$host: at the end of the hour it is known"
    is "$(conn long $host "2026-01-02 10:00")" conn:U "$host: nothing is known before the first line"
    is "$(conn long $host "2026-02-13 10:15")" conn:376 "$host: the last day"
    is "$(conn short $host "2026-02-13 10:15")" conn:256 "$host: the month's hours that are kept"
done

begin=$(date -d "2026-02-05 10:00" +%s)
"$mxgauge" report --state "$d/short" --json --from 2026-01-10 --to 2026-01-12 | grep -q "\"begin\":$begin,\"lines\":{\"read\":0,"
ok $? "a report of dropped hours says since when anything is known"

# usual STATE: what check_mail_flow thinks usual
usual() {
    "$BUILD/plugins/check_mail_flow" --state "$d/$1" --at "2026-02-13 10:29" -w 'change(conn)=~:5'
}
usual short >"$d/said"
grep -q "What is usual is not known yet: the state goes back 8 d, two weeks are needed" "$d/said"
ok $? "weeks that were dropped are no weeks without mail"
usual long >"$d/said"
is "$? $(grep -c "not known yet" "$d/said")" "0 0" "weeks that are kept are known"
"$BUILD/plugins/check_mail_flow" --state "$d/short" --at "2026-01-20 10:15" >"$d/said"
is "$? $(grep -c "the state begins at 2026-02-05 10:00" "$d/said")" "3 1" "a check as of a dropped time: $(cat "$d/said")"
done_testing
