#!/bin/sh
# import.t - a log that was imported under a short name is the one that mxgauged follows.
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
done_testing
