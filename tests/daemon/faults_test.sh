# faults_test.sh - what the tests share that let the n-th call of a program fail.
# shellcheck shell=sh
#
# Sourced after daemon_test.sh. $D/day is a log of $all lines, $D/figures what it gives, and
# $D/wrong the folder for what went wrong.
case $BUILD in *san*) skip_all "faults: a preloaded library and the sanitizers do not go together" ;; esac
export ENOSPC=28 EIO=5

preload fail tests/daemon/fail_preload.c
"$BUILD/bench/genday" -i -o mxa 6000 1 "$D/day" || exit 1
all=$(wc -l <"$D/day")
mkdir "$D/wrong"
"$mxgauge" import --state "$D/calm" "$D/day" >"$D/out" 2>&1 || { echo "Bail out! cannot import"; exit 1; }
figures "$D/calm" "$D/calm/rrd" >"$D/figures"
# which n, where not all are tried
first=${FIRST:-$(od -An -N1 -tu1 /dev/urandom | tr -d ' ')}

# failing FOLDER N CALLS ERRNO [SHORT]: the words before a command with that fault
failing() {
    echo "env LD_PRELOAD=$D/fail.so FAIL_UNDER=$1/ FAIL_AT=$2 FAIL_FOR=$3 FAIL_ERRNO=$4" \
        "FAIL_SHORT=${5:-0} FAIL_COUNT=$1.calls"
}

# is_exact STATE RESULT: or RESULT tells how it differs
is_exact() {
    figures "$1" "$1/rrd" >"$1.figures" 2>&1
    cmp -s "$D/figures" "$1.figures" && return
    diff "$D/figures" "$1.figures" | head -n 4 | cut -c 1-200 >>"$2"
}

# run PROGRAM CALLS AT_ONCE STEP TEXT ARGUMENTS...: PROGRAM N ARGUMENTS for every STEP-th n of
# CALLS; each writes what is wrong into $D/wrong/PROGRAM.N
run() {
    r_program=$1 r_calls=$2 r_once=$3 r_step=$4 r_text=$5
    shift 5
    n=$((first % r_step + 1)) k=0
    while [ $n -le "$r_calls" ]; do
        "$r_program" $n "$@" &
        n=$((n + r_step)) k=$((k + 1))
        [ $((k % r_once)) -ne 0 ] || wait
    done
    wait
    none "$r_program: $r_text ($k times, FIRST=$first)" "$(cd "$D/wrong" && for f in "$r_program".*; do
        [ ! -s "$f" ] || sed "s/^/$f: /" "$f"; done | head -n 40)"
    rm -f "$D/wrong/"*
}
