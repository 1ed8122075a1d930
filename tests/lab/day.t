#!/bin/sh
# day.t - the recorded day counts as what was done on it: tests/logs/day/README.md.
set -u
. tests/tap.sh
day=tests/logs/day
command -v python3 >/dev/null 2>&1 || skip_all "recorded day: python3 is missing"
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT

"$BUILD/bin/mxgauge" import --state "$d/state" $day/postfix.log >"$d/out" 2>&1
ok $? "imported"
sed 's/^/# /' "$d/out"
"$BUILD/bin/mxgauge" report --state "$d/state" --json >"$d/report.json"
ok $? "reported"
python3 tests/lab/compare.py $day/day.want.json "$d/report.json" >"$d/diff"
ok $? "every figure is what was done"
sed 's/^/# /' "$d/diff"
unknown=$("$BUILD/bin/mxgauge" parse --unknown $day/postfix.log)
none "no line is unknown" "$unknown"
done_testing
