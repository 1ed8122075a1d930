#!/bin/sh
# import.t - a log that was imported under a short name is the one that mxgauged follows; of one that
# grows no half of a line is taken.
set -u
: "${BUILD:=build}"
case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
. tests/tap.sh
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
echo "2025-03-11T10:00:00+00:00 mx1 postfix/smtpd[7]: connect from a.example.net[192.0.2.1]" >"$d/mail.log"

# name DIRECTORY FILE: as what the state knows the file
name() {
    rm -rf "$d/state"
    (cd "$1" && "$BUILD/bin/mxgauge" import --no-rrd --state "$d/state" "$2") >"$d/out" 2>&1
    "$BUILD/bin/mxgauge" status --state "$d/state" | sed -n '/^Sources/{n;s/^ *//p;}'
}
for f in mail.log ./mail.log "$d/mail.log"; do
    got=$(name "$d" "$f")
    test "$got" = "$d/mail.log"
    ok $? "${f#"$d/"} is known by its whole name"
    echo "# $got"
done
got=$(name / - <"$d/mail.log")
test "$got" = -
ok $? "standard input has none"

# lines OF WHICH NAME WHAT: what an import of mail.log says
lines() {
    is "$("$BUILD/bin/mxgauge" import --no-rrd --state "$d/state" "$d/mail.log" | sed 's/, [0-9]* lines.s//')" "$1" "$2"
}
rm -r "$d/state"
whole=$(cat "$d/mail.log")
printf '%s\n%.60s' "$whole" "$whole" >"$d/mail.log"
{ sleep 0.3; printf '%s\n' "$whole" | cut -c 61- >>"$d/mail.log"; } &	# a slow writer
lines "2 lines, 2 understood (2 gave events), 0 of other programs, 0 unknown" "a line that is being written is waited for"
wait
printf '%s' "$whole" >>"$d/mail.log"
touch -d '2025-03-11 11:00' "$d/mail.log"
lines "1 line, 1 understood (1 gave events), 0 of other programs, 0 unknown" \
    "the last line needs no end, where nobody writes any more"
lines "0 lines, 0 understood (0 gave events), 0 of other programs, 0 unknown" "and comes once"
done_testing
