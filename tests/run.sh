#!/bin/sh
# run.sh TEST... - run TAP tests under prove and end with "N passed, N failed".
#
# A test is a program or a .t script. Skipped parts are named by the test itself.
set -u
cd "$(dirname "$0")/.." || exit 1
: "${BUILD:=build}"
export BUILD LAB SAN
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
# Sanitizers: a report is a failure, and leaks count.
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1
prove --nocolor -j "${JOBS:-2}" --timer -v --exec '' "$@" >"$out" 2>&1
rc=$?
awk '
    /^[^ ]+ \.+ *$/ || /^\[[0-9:]+\] [^ ]+ \.+/ { name = $0 }
    /^ok .*# [Ss][Kk][Ii][Pp]/ || /^1\.\.0 # [Ss][Kk][Ii][Pp]/ { skipped++; print "skipped: " $0; next }
    /^not ok/ { failed++; print; next }
    /^ok / { passed++ }
    END { exit 0 }
' "$out"
if [ $rc -ne 0 ]; then
    echo "--- output of what failed"
    grep -vE '^ok [0-9]+|^# ?$' "$out" | tail -n 400
fi
passed=$(grep -E '^ok [0-9]+' "$out" | grep -cviE '# skip')
failed=$(grep -cE '^not ok [0-9]+' "$out")
skipped=$(grep -cE '^ok [0-9]+.*# [Ss][Kk][Ii][Pp]|^1\.\.0 # [Ss][Kk][Ii][Pp]' "$out")
[ $rc -eq 0 ] || [ "$failed" -gt 0 ] || failed=1    # a test that died or has no plan
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
