#!/bin/sh
# readable.t - what people look at is not cut off: report, status and pictures of hosts whose long names
# begin alike, and of very little mail.
set -u
# shellcheck source=tests/tap.sh
. tests/tap.sh
: "${BUILD:=build}"
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
export TZ=UTC
mx=$BUILD/bin/mxgauge
name=mail-exchanger-of-the-second-computer-centre-rack-17-number
blocked() {
    echo "postfix/smtpd[1]: NOQUEUE: reject: RCPT from a.example.net[192.0.2.$1]: 554 5.7.1 Service unavailable; $2;" \
        "from=<a@example.net> to=<b@example.org> proto=ESMTP helo=<a.example.net>"
}
for h in "$name-1" "$name-2"; do
    {
        echo "postfix/smtpd[1]: connect from a.example.net[192.0.2.1]"
        blocked 1 "Client host [192.0.2.1] blocked using zen.example.org"
        blocked 2 "Sender address [a@example.net] blocked using dbl.example.org"
        blocked 3 "Sender address [a@example.net] blocked using dbl.example.org"
        echo "postfix/smtpd[1]: warning: problem talking to server private/policy: Connection timed out"
    } | sed "s/^/2026-03-10T10:00:00+00:00 $h /"
    echo "2026-03-10T12:00:00+00:00 $h postfix/smtpd[1]: connect from a.example.net[192.0.2.1]"
done >"$d/mail.log"
"$mx" import --state "$d/state" "$d/mail.log" >"$d/said" || cat "$d/said"
"$mx" report --state "$d/state" >"$d/report"
"$mx" status --state "$d/state" >"$d/status"
for f in report status; do
    for h in "$name-1" "$name-2"; do
        is "$(grep -c "^  $h\$" "$d/$f")" 1 "the $f tells the hosts apart: ${h##*-}"
    done
    none "and no line of it is longer than 78" "$(grep -v '/' "$d/$f" | awk 'length > 78')"
done
is "$(sed -n "/^Hosts/,/^\$/s/^ *\([0-9]\) .*/\1/p" "$d/report" | tr '\n' ' ')" "2 2 " "their figures are below the names"
is "$(sed -n '/^  filter failures/,/^$/p' "$d/report" | tr -s ' \n' ' ')" " filter failures 2 filter, milter or policy service " \
    "remarks are there to the end"
is "$(sed -n '/^Block lists that refused/,/^$/p' "$d/report" | sed '1d' | tr -s ' \n' ' ')" \
    " dbl.example.org 4 66.7% zen.example.org 2 33.3% " "block lists of addresses and of names are parts of one sum"

"$mx" report --state "$d/state" --from 2026-03-01 --to 2026-03-02 >"$d/before"
is "$(sed -n 4p "$d/before")" "No log line of this time was read: the zeros below mean nothing." "a time that nobody watched is none without mail"
"$mx" report --state "$d/state" --from "2026-03-10 12:00" --to "2026-03-10 12:01" >"$d/quiet"
is "$(sed -n 4p "$d/quiet")" "No mail came in from outside." "one that was watched may be"
: >"$d/empty.log"
"$mx" import --state "$d/none" "$d/empty.log" >/dev/null
is "$("$mx" report --state "$d/none")" "The state is empty: no line was read yet." "a report of nothing has no period"
is "$("$mx" status --state "$d/none" | awk '$1 == "hosts" { print $2 }')" 0 "and counts no host"
grep "smtpd" "$d/mail.log" | head -n 1 >>"$d/empty.log"
"$mx" import --state "$d/none" "$d/empty.log" >/dev/null
is "$("$mx" status --state "$d/none" | grep "so far")" "      read to byte $(wc -c <"$d/empty.log"); 1 line so far" \
    "a file that was empty before is one file"

echo "Mar 10 12:00:00 mx1 postfix/smtpd[7]: NOQUEUE: reject: RCPT from a.example.net[192.0.2.9]: 550 5.1.1" \
    "<x@example.org>: Recipient address rejected: User unknown; from=<a@example.net> to=<x@example.org> proto=SMTP helo=<a>" >"$d/one.log"
"$mx" import --state "$d/one" --year 2026 "$d/one.log" >/dev/null
"$mx" report --state "$d/one" >"$d/report"
is "$(grep '^Of 1' "$d/report")" "Of 1 recipient that clients asked for, 100.0% were refused" "one recipient is one"
is "$(grep 'SMTP sessions' "$d/report" | sed 's/   */ /g')" " SMTP sessions 0" "of no session there is no share"

# an accepted mail with a recipient of which nothing becomes known
for say in 'submission/smtpd[1]: A1B2C3D: client=a.example.net[192.0.2.1], sasl_method=PLAIN, sasl_username=a' \
    'qmgr[2]: A1B2C3D: from=<a@example.org>, size=9, nrcpt=1 (queue active)' 'qmgr[2]: A1B2C3D: removed'; do
    echo "2026-03-10T10:00:00+00:00 mx1 postfix/$say"
done >"$d/lost.log"
"$mx" import --state "$d/lost" --no-rrd "$d/lost.log" >/dev/null
"$mx" report --state "$d/lost" >"$d/report"
is "$(sed -n '4,6p' "$d/report")" "Of 1 recipient that clients asked for, 0.0% were refused,
0.0% put off and 100.0% accepted.
ATTENTION: 1 recipient is unaccounted for (see The books)." "nothing refused, and one unaccounted for"
grep -q '1   to 1 recipient$' "$d/report"
ok $? "one recipient of a user who logged in is one"
"$mx" report --state "$d/lost" --host _farm >"$d/farm" && cmp -s "$d/report" "$d/farm"
ok $? "_farm is the farm, as for the checks"

none "no legend of the templates is longer than a picture has room for" \
    "$(grep -ho 'draw "[^"]*"' rrd-templates/*.conf | awk 'length > 28 + 7')"

# Where each letter is: an SVG has them one by one.
"$mx" graph --state "$d/state" --host "$name-1" --span week --format svg --out "$d/web" --templates rrd-templates >"$d/said" ||
    cat "$d/said"
letters() {
    sed -n 's/.*<use xlink:href="#\([^"]*\)" x="\([-0-9.]*\)" y="\([-0-9.]*\)".*/\3 \2 \1/p' "$1"
}
for f in "$d/web/$name-1"/*.svg; do
    width=$(sed -n 's/.* viewBox="0 0 \([0-9]*\).*/\1/p' "$f")
    letters "$f" | awk -v w="$width" -v f="${f##*/}" '
        $1 < 35 { n++; if ($2 < 0 || $2 > w - 9) bad = 1 } END { if (bad || n < 20) print f }'
done >"$d/cut"
none "no letter of the titles of $(find "$d/web" -name '*.svg' | wc -l) pictures is beyond their edges" "$(cat "$d/cut")"

# The scale of a few recipients, 0 to 0.1 a minute, has one value at its left and its right, and each once.
letters "$d/web/$name-1/reject-reject-week.svg" >"$d/letters"
scale() {
    awk -v from="$1" -v to="$2" '$1 > 35 && $1 < 250 && $2 > from && $2 < to { s[$1] = s[$1] " " $3 }
        END { for (y in s) print y ":" s[y] }' "$d/letters" | sort -n | sed 's/^[^:]*://'
}
left=$(scale 20 60)
right=$(scale 780 840)
is "$left" "$right" "the scale says the same at both sides"
none "and each value once" "$(echo "$left" | sort | uniq -d)"
done_testing
