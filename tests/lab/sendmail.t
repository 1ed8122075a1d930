#!/bin/sh
# sendmail.t - what a real Sendmail was made to do is what mxgauge counts.
#
# Runs the lab twice: with the usual LogLevel, which tells neither of sessions nor of the end of a
# mail, and with one that tells of both. Every figure is held against the account that was
# kept while driving.
set -u
. tests/tap.sh
here=tests/lab
[ -n "${LAB:-}" ] || skip_all "lab: real Sendmail: LAB is not set"
[ "$(id -u)" = 0 ] || ! sudo -n true 2>/dev/null ||
    exec sudo -n env PATH="$PATH:/usr/sbin:/sbin" BUILD="$BUILD" LAB="$LAB" CI="${CI:-}" sh "$0"
[ "$(id -u)" = 0 ] || skip_all "lab: real Sendmail: namespaces need root"
for p in unshare ip smtp-sink rsyslogd openssl dpkg /usr/bin/python3; do
    command -v $p >/dev/null 2>&1 && continue
    [ -z "${CI:-}" ] || { echo "not ok 1 - $p is missing"; echo 1..1; exit 1; }
    skip_all "lab: real Sendmail: $p is missing; make deps LAB=1"
done
unshare --mount --net true 2>/dev/null || skip_all "lab: real Sendmail: this system grants no namespaces"

case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
sh $here/unpacked.sh "$BUILD/lab/sendmail" sendmail-bin sendmail-cf libwrap0 liblockfile1 m4 libsigsegv2 ||
    skip_all "lab: real Sendmail: its package cannot be downloaded"

d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT

for level in 9 14; do
    MTA=sendmail ROOT=$BUILD/lab/sendmail LOGLEVEL=$level sh $here/lab.sh "$d/$level"
    rc=$?
    ok $rc "LogLevel $level: every scene of the lab went as planned"
    if [ $rc -ne 0 ]; then
        tail -n 20 "$d/$level/lab.out" | sed 's/^/# /'
        continue
    fi
    "$BUILD/bin/mxgauge" import --state "$d/state$level" --tz UTC "$d/$level/mail.log" >"$d/out" 2>&1
    ok $? "LogLevel $level: imported"
    sed 's/^/# /' "$d/out"
    "$BUILD/bin/mxgauge" report --state "$d/state$level" --json >"$d/$level.json"
    /usr/bin/python3 $here/compare.py "$d/$level/account.json" "$d/$level.json" >"$d/diff"
    ok $? "LogLevel $level: every figure is what was done"
    sed 's/^/# /' "$d/diff"
    none "LogLevel $level: no line is unknown" "$("$BUILD/bin/mxgauge" parse --unknown "$d/$level/mail.log")"
done
done_testing
