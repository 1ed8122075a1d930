#!/bin/sh
# postfix.t - what a real Postfix was made to do is what mxgauge counts.
#
# Runs the lab (lab.sh), imports its log, and holds every figure of the report against
# the account that was kept while driving: one file; the same lines as two sources with
# different stamps, as two paths of one syslog write them; and what mxgauged counted
# meanwhile, from a log that was rotated under it, killed and started again.
set -u
. tests/tap.sh
here=tests/lab
[ -n "${LAB:-}" ] || skip_all "lab: real Postfix: LAB is not set"
[ "$(id -u)" = 0 ] || ! sudo -n true 2>/dev/null ||
    exec sudo -n env PATH="$PATH:/usr/sbin:/sbin" BUILD="$BUILD" LAB="$LAB" CI="${CI:-}" sh "$0"
[ "$(id -u)" = 0 ] || skip_all "lab: real Postfix: namespaces need root"
for p in unshare ip postfix smtp-source smtp-sink swaks rsyslogd openssl /usr/bin/python3; do
    command -v $p >/dev/null 2>&1 && continue
    [ -z "${CI:-}" ] || { echo "not ok 1 - $p is missing"; echo 1..1; exit 1; }
    skip_all "lab: real Postfix: $p is missing; make deps LAB=1"
done
unshare --mount --net true 2>/dev/null || skip_all "lab: real Postfix: this system grants no namespaces"

d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT

case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
MXGAUGE=$BUILD/bin sh $here/lab.sh "$d/lab"
rc=$?
ok $rc "every scene of the lab went as planned"
if [ $rc -ne 0 ]; then
    tail -n 20 "$d/lab/lab.out" | sed 's/^/# /'
    done_testing
    exit 1
fi

# equal NAME STATE: the report of a state is the account
equal() {
    "$BUILD/bin/mxgauge" report --state "$2" --json >"$d/$1.json"
    ok $? "$1: reported"
    /usr/bin/python3 $here/compare.py "$d/lab/account.json" "$d/$1.json" >"$d/$1.diff"
    ok $? "$1: every figure is what was done"
    sed 's/^/# /' "$d/$1.diff"
}
# imported NAME FILE...
imported() {
    name=$1
    shift
    "$BUILD/bin/mxgauge" import --state "$d/$name" --tz UTC "$@" >"$d/$name.out" 2>&1
    ok $? "$name: imported"
    sed 's/^/# /' "$d/$name.out"
    equal "$name" "$d/$name"
}
imported one-file "$d/lab/mail.log"
imported two-paths "$d/lab/mail.log" "$d/lab/mail.iso"
equal followed-live "$d/lab/live"
none "no line of Postfix is unknown" "$("$BUILD/bin/mxgauge" parse --unknown "$d/lab/mail.log")"
done_testing
