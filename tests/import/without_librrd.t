#!/bin/sh
# without_librrd.t - librrd is loaded when something is drawn: without it all is counted, reported and traced; only
# who draws says what is missing, and where it is there again all is drawn.
set -u
export LC_ALL=C TZ=UTC
: "${BUILD:=build}"
. tests/tap.sh
mxgauge=$PWD/$BUILD/bin/mxgauge
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT

mkdir "$d/lib"
${CC:-cc} -shared -o "$d/lib/librrd.so.8" -x c /dev/null || exit 1
without="env LD_LIBRARY_PATH=$d/lib"
for i in 1 2 3; do
    echo "Nov 18 10:0$i:00 mx1 postfix/smtpd[1]: NOQUEUE: reject: RCPT from unknown[192.0.2.1]: 550 5.1.1 <u@example.org>: Recipient address rejected: User unknown in local recipient table; from=<a@example.net> to=<u@example.org> proto=ESMTP helo=<x>"
done >"$d/log"

$without "$mxgauge" import --state "$d/state" --tz UTC --year 2026 "$d/log" >"$d/out" 2>"$d/err"
is $? 1 "import says that it could not draw"
grep -q 'librrd\.so\.8 .*package librrd8' "$d/err"
ok $? "and which package is missing"
$without "$mxgauge" report --state "$d/state" --from 2026-11-18 --to 2026-11-19 | grep -q 'recipients refused  *3 '
ok $? "a report needs no librrd"
$without "$mxgauge" trace --state "$d/state" 192.0.2.1 | grep -q 'User unknown'
ok $? "nor does trace"

"$mxgauge" import --state "$d/state" --tz UTC --year 2026 "$d/log" >"$d/out" 2>&1
is $? 0 "with librrd the next import draws"
sum=$(rrdtool fetch "$d/state/rrd/mx1/reject.rrd" AVERAGE -s 1794996000 -e 1794996300 |
    perl -ne '@n = split " " if !@n; @v = split /[ :]+/; $i //= (grep { $n[$_] eq "rej_unknown_rcpt" } 0 .. $#n)[0]; $s += 60 * $v[$i + 1] if /^\d/ && $v[$i + 1] !~ /nan/; END { printf "%.0f", $s }')
is "$sum" 3 "what was counted before"
$without "$mxgauge" graph --state "$d/state" --out "$d/graphs" >"$d/out" 2>"$d/err"
is $? 1 "graph needs it"
grep -q 'package librrd8' "$d/err"
ok $? "and says so"
done_testing
