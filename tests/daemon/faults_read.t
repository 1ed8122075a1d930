#!/bin/sh
# faults_read.t - a log's disk or network is away for a moment: the n-th reading of the log fails under mxgauged,
# once or ten times in a row, while the log grows and is rotated. It goes on by itself where it was,
# nothing is lost and nothing counted twice.
#
# With LAB=all for each n; else for some, which begin with FIRST.
set -u
# shellcheck source=tests/daemon/daemon_test.sh
. tests/daemon/daemon_test.sh
case $BUILD in *san*) skip_all "faults: a preloaded library and the sanitizers do not go together" ;; esac
${CC:-cc} -shared -fPIC -O1 -o "$D/fail.so" tests/daemon/fail_preload.c -ldl 2>"$D/cc" ||
    { sed 's/^/# /' "$D/cc"; echo "Bail out! the library cannot be built"; exit 1; }
refusals mxa 1 400 >"$D/all"
head -n 100 "$D/all" >"$D/a"
sed -n 101,200p "$D/all" >"$D/b"
sed -n 201,300p "$D/all" >"$D/c"
sed -n 301,400p "$D/all" >"$D/d"

has() { [ "$(report_field '' read "$2")" = "$1" ]; }     # N STATE

# life N CALLS: what is wrong with it, if anything
life() {
    l=$D/l.$1
    mkdir -p "$l/log"
    printf 'state = "%s/state"\ntemplates = "%s/rrd-templates"\nsource a { files = "%s/log/mail.log" }\n' \
        "$l" "$PWD" "$l" >"$D/l.$1.conf"
    cat "$D/a" >"$l/log/mail.log"
    with="env LD_PRELOAD=$D/fail.so FAIL_UNDER=$l/log/ FAIL_AT=$1 FAIL_FOR=$2 FAIL_ERRNO=5 FAIL_READS=1 FAIL_COUNT=$l.calls"
    launch "l.$1.conf" "l.$1.out"
    wait_for grep -q started "$l.out"
    wait_for has 100 "$l/state" || echo "$1: 100 lines"
    cat "$D/b" >>"$l/log/mail.log"
    wait_for has 200 "$l/state" || echo "$1: 200 lines"
    mv "$l/log/mail.log" "$l/log/mail.log.1"
    cat "$D/c" >"$l/log/mail.log"
    wait_for has 300 "$l/state" || echo "$1: 300 lines, rotated: $(tail -n 2 "$l.out")"
    cat "$D/d" >>"$l/log/mail.log"
    wait_for has 400 "$l/state" || echo "$1: 400 lines: $(report_field '' read "$l/state")"
    stop TERM
    [ "$(count rej "$l/state")" = 400 ] || echo "$1: counted $(count rej "$l/state") of 400"
}

# Nothing fails: how often is the log read?
none "no fault" "$(life 0 0)"
calls=$(cat "$D/l.0.calls")
[ "$calls" -gt 10 ]
ok $? "the log is read $calls times"
step=5
[ "${LAB:-}" != all ] || step=1
first=${FIRST:-$(od -An -N1 -tu1 /dev/urandom | tr -d ' ')}
for long in 1 10; do
    n=$((first % step + 1))
    while [ $n -le "$calls" ]; do
        life $n $long >"$D/wrong.$n" &
        n=$((n + step))
    done
    wait
    none "reading fails $long times (FIRST=$first)" "$(cat "$D"/wrong.*)"
    rm -rf "$D"/l.* "$D"/wrong.*
done
done_testing
