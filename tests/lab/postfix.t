#!/bin/sh
# postfix.t - what a real Postfix was made to do is what mxgauge counts.
#
# Runs the lab (lab.sh), imports its log, and holds every figure of the report against
# the account that was kept while driving: one file, then the same lines as two sources
# with different stamps, as two paths of one syslog write them.
set -u
. tests/tap.sh
here=tests/lab
[ -n "${LAB:-}" ] || skip_all "lab: real Postfix: LAB is not set"
[ "$(id -u)" = 0 ] || skip_all "lab: real Postfix: namespaces need root"
for p in unshare ip postfix smtp-source smtp-sink swaks rsyslogd openssl /usr/bin/python3; do
    command -v $p >/dev/null 2>&1 && continue
    [ -z "${CI:-}" ] || { echo "not ok 1 - $p is missing"; echo 1..1; exit 1; }
    skip_all "lab: real Postfix: $p is missing; make deps LAB=1"
done
unshare --mount --net true 2>/dev/null || skip_all "lab: real Postfix: this system grants no namespaces"

d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT

sh $here/lab.sh "$d/lab"
rc=$?
ok $rc "every scene of the lab went as planned"
if [ $rc -ne 0 ]; then
    tail -n 20 "$d/lab/lab.out" | sed 's/^/# /'
    done_testing
    exit 1
fi

# counted NAME FILE...: import and compare
counted() {
    name=$1
    shift
    "$BUILD/bin/mxgauge" import --state "$d/$name" --tz UTC "$@" >"$d/$name.out" 2>&1
    ok $? "$name: imported"
    sed 's/^/# /' "$d/$name.out"
    "$BUILD/bin/mxgauge" report --state "$d/$name" --json >"$d/$name.json"
    ok $? "$name: reported"
    /usr/bin/python3 $here/compare.py "$d/lab/account.json" "$d/$name.json" >"$d/$name.diff"
    ok $? "$name: every figure is what was done"
    sed 's/^/# /' "$d/$name.diff"
    "$BUILD/bin/mxgauge" parse --unknown "$d/lab/mail.log" >"$d/unknown"
    [ ! -s "$d/unknown" ]
    ok $? "$name: no line of Postfix is unknown"
    sed 's/^/# /' "$d/unknown"
}
counted bsd-stamps "$d/lab/mail.log"
counted two-paths "$d/lab/mail.log" "$d/lab/mail.iso"
done_testing
