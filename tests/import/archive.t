#!/bin/sh
# archive.t - a log of more days than minutes are kept is drawn whole, and a copy of the
# state made by "mxgauge backup" says what the state says.
set -u
. tests/tap.sh
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
mx=$BUILD/bin/mxgauge

# twenty days, one session each ten minutes
perl -e '
    use POSIX qw(strftime);
    for my $i (0 .. 20 * 144 - 1) {
        print strftime("%Y-%m-%dT%H:%M:%S+00:00", gmtime(1759276800 + 600 * $i)),
            " mx1 postfix/smtpd[7]: connect from a.example.net[192.0.2.1]\n";
    }' >"$d/mail.log"
TZ=UTC "$mx" import --state "$d/state" "$d/mail.log" >/dev/null
ok $? "an archive of twenty days is imported"

# rate of the 30 minute rows of the second day, times 1800
seen=$(rrdtool fetch "$d/state/rrd/mx1/conn.rrd" AVERAGE -r 1800 -s 1759363200 -e 1759447800 |
    awk '/^[0-9]+:/ && $2 + 0 == $2 { n += $2 * 1800 } END { printf "%.0f", n }')
is "$seen" 144 "its second day is in the RRD: 144 sessions"
kept=$(sqlite3 "$d/state/state.db" "SELECT count(*) FROM cell" 2>/dev/null)
is "$kept" 1153 "eight days of minutes are kept in the state"

# with a host that came to the farm when the first days were no longer to be kept
sed -n '/2025-10-15/s/mx1/mx2/p' "$d/mail.log" >"$d/mx2.log"
TZ=UTC "$mx" import --state "$d/farm" "$d/mail.log" "$d/mx2.log" >/dev/null
# farm DAY: how many sessions the rows of half an hour of that day have
farm() {
    rrdtool fetch "$d/farm/rrd/_farm/conn.rrd" AVERAGE -r 1800 -s "$1" -e "$(($1 + 84600))" |
        awk '/^[0-9]+:/ && $2 + 0 == $2 { n += $2 * 1800 } END { printf "%.0f", n }'
}
is "$(farm 1759363200) $(farm 1760486400)" "144 288" "the farm's RRD has the days before a host came, too"

# whoever imports each ten days: between the last line of one log and the first of the next nobody was silent for long
sed '/2025-10-02/q' "$d/mail.log" >"$d/part1.log"
sed '1,/2025-10-02/d' "$d/mail.log" | sed '1,5d' >"$d/part2.log"
for part in 1 2; do
    TZ=UTC "$mx" import --state "$d/parts" "$d/part$part.log" >/dev/null
done
seen=$(rrdtool fetch "$d/parts/rrd/mx1/conn.rrd" AVERAGE -r 1800 -s 1759363200 -e 1759366800 |
    awk '/^[0-9]+:/ { printf "%.0f ", $2 == $2 + 0 ? $2 * 1800 : -1 }')
is "$seen" "1 0 3 " "the minutes between two imports are zero, not unknown, however old"

# a line that came late and was not drawn before there was nothing more for eight days
echo "2025-10-01T05:05:00+00:00 mx1 postfix/smtpd[7]: connect from late.example.net[192.0.2.2]" >"$d/late.log"
sed -n '/2025-10-1/p' "$d/mail.log" >"$d/after.log"
TZ=UTC "$mx" import --state "$d/undrawn" "$d/part1.log" >/dev/null
TZ=UTC "$mx" import --state "$d/undrawn" --no-rrd "$d/late.log" >/dev/null
TZ=UTC "$mx" import --state "$d/undrawn" "$d/after.log" >/dev/null
seen=$(rrdtool fetch "$d/undrawn/rrd/mx1/conn.rrd" AVERAGE -r 1800 -s 1759291200 -e 1759296600 |
    awk '/^[0-9]+:/ { printf "%.0f ", $2 == $2 + 0 ? $2 * 1800 : -1 }')
is "$seen" "3 3 4 3 " "a late line is in the RRD, also where its minutes there are gone by then"

"$mx" backup --state "$d/state" "$d/copy.db"
ok $? "a copy is made"
mkdir "$d/restored" && cp "$d/copy.db" "$d/restored/state.db"
"$mx" report --state "$d/state" --json >"$d/a.json"
"$mx" report --state "$d/restored" --json >"$d/b.json"
cmp -s "$d/a.json" "$d/b.json"
ok $? "and says the same"
said=$("$mx" backup --state "$d/state" "$d/copy.db" 2>&1)
is "$?" 1 "a file that is there is not written over"
is "$said" "mxgauge: $d/copy.db is there already; name another file" "and the sentence names it"
said=$("$mx" backup --state "$d/none" "$d/copy2.db" 2>&1)
[ $? -eq 1 ] && [ ! -e "$d/copy2.db" ]
ok $? "no state: no copy"

# minutes kept for longer than hours, of which reports take whole ones
printf 'state = "%s/long"\nkeep_minutes = 12d\nkeep_hours = 8d\nsource "a" { files = { "%s/none" } }\n' "$d" "$d" >"$d/conf"
"$mx" import --config "$d/conf" --no-rrd "$d/mail.log" >/dev/null
"$mx" report --state "$d/long" --json --from "@$((1759276800 + 9 * 86400))" | grep -q '"conn":1584,'
ok $? "what is kept by the minute is in reports"

# a host whose clock stood at the last century once
for t in 1999-01-01T10:00:00 2026-03-10T10:00:00 2026-03-12T10:00:00; do
    echo "$t+00:00 mx1 postfix/smtpd[1]: connect from a.example.net[192.0.2.1]"
done >"$d/stray.log"
timeout 100 "$mx" import --state "$d/stray" "$d/stray.log" >/dev/null
ok $? "a line of 1999 does not make years of zeros"
# minutes of 2026-03-11, a day without a line, and of the 10th
day() {
    rrdtool fetch "$d/stray/rrd/mx1/conn.rrd" AVERAGE -r 60 -s "$1" -e "$(($1 + 86340))" |
        awk '/^[0-9]+:/ { print ($2 + 0 == $2 && $2 !~ /nan/) ? "known" : "unknown" }' |
        sort | uniq -c | awk '{ printf "%s %s ", $1, $2 }'
}
is "$(day 1773187200)" "1440 unknown " "a day without a line is unknown"
is "$(day 1773100800)" "1440 known " "on a day with one the other minutes are zero"

# two mails that nobody ends, one of each host, put away as others come; and lines when they are too old to be kept
for h in mx1 mx2; do
    echo "2026-03-01T10:00:00+00:00 $h postfix/qmgr[7]: 4A1B2C3D: from=<a@example.net>, size=900, nrcpt=1 (queue active)"
    seq 2500 | sed "s/.*/2026-03-01T11:00:00+00:00 $h postfix\/smtpd[&]: connect from a.example.net[192.0.2.1]/"
done >"$d/open1.log"
sed '/2500/!d; s/2026-03-01T11/2026-03-20T10/' "$d/open1.log" >"$d/open2.log"
for log in open1 open2; do
    "$mx" import --state "$d/open" "$d/$log.log" >/dev/null
done
said=$("$mx" report --state "$d/open" --json | grep -o '"evicted":[0-9]*' | sed -n '1s/.*://p')
drawn=$(for h in _farm mx1 mx2; do
    rrdtool fetch "$d/open/rrd/$h/collector.rrd" AVERAGE -r 60 -s 1774000740 -e 1774000800 |
        awk 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "evicted") c = i + 1 }
            /^[0-9]+:/ && $c + 0 == $c { n += $c * 60 } END { printf "%.0f ", n }'
done)
is "$said: $drawn" "2: 2 1 1 " "mails that are too old are forgotten: the state and the RRDs say how many"
"$mx" report --state "$d/open" | grep -q "open mails forgotten                         2   older than keep_mails, or\$"
ok $? "and the report says why"
done_testing
