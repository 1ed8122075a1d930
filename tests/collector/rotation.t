#!/bin/sh
# rotation.t - a file and its rotations are one source: the same line on both sides of a
# rotation, within one second, is two events and not a copy. Another file's is a copy.
set -u
. tests/tap.sh
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
line="2025-03-11T10:00:00+00:00 mx1 postfix/smtpd[7]: connect from a.example.net[192.0.2.1]"
mkdir "$d/other"
echo "$line" >"$d/mail.log.1"
echo "$line" >"$d/mail.log"
cp "$d/mail.log" "$d/other/mail.log"

# sessions FILE...
sessions() {
    rm -rf "$d/state"
    "$BUILD/bin/mxgauge" import --no-rrd --state "$d/state" "$@" >/dev/null &&
        "$BUILD/bin/mxgauge" report --state "$d/state" --json | sed -n 's/.*"conn": *\([0-9]*\).*/\1/p' | head -n 1
}
[ "$(sessions "$d/mail.log.1" "$d/mail.log")" = 2 ]
ok $? "the end of the rotated file and the begin of the new one"
gzip "$d/mail.log.1"
[ "$(sessions "$d/mail.log.1.gz" "$d/mail.log")" = 2 ]
ok $? "the rotated file compressed"
[ "$(sessions "$d/mail.log" "$d/other/mail.log")" = 1 ]
ok $? "another source's line is a copy"
done_testing
