#!/bin/sh
# faults.t - the n-th write, sync, rename, truncation or opening of a file in the state's
# folder fails, once or for a stretch, for want of room or by a broken disk. Once that is over
# nothing is lost and nothing counted twice, by the import and by the daemon, and the daemon
# has said each fault once, and once that it is over.
#
# With LAB=all for each n; else for some, which begin with FIRST.
set -u
: "${BUILD:=build}"
# shellcheck source=tests/daemon/daemon_test.sh
. tests/daemon/daemon_test.sh
case $BUILD in *san*) skip_all "faults: a preloaded library and the sanitizers do not go together" ;; esac
ENOSPC=28 EIO=5

${CC:-cc} -shared -fPIC -O1 -o "$D/fail.so" tests/daemon/fail_preload.c -ldl 2>"$D/cc" ||
    { sed 's/^/# /' "$D/cc"; echo "Bail out! the library cannot be built"; exit 1; }
"$BUILD/bench/genday" -i -o mxa 6000 1 "$D/day" || exit 1
all=$(wc -l <"$D/day")

# failing FOLDER N CALLS ERRNO COMMAND...: with that fault
failing() {
    f_under=$1 f_at=$2 f_for=$3 f_errno=$4
    shift 4
    env LD_PRELOAD="$D/fail.so" FAIL_UNDER="$f_under/" FAIL_AT="$f_at" FAIL_FOR="$f_for" \
        FAIL_ERRNO="$f_errno" FAIL_COUNT="$f_under.calls" "$@"
}

# is_exact STATE RESULT: or RESULT tells how it differs
is_exact() {
    figures "$1" "$1/rrd" >"$1.content" 2>&1
    cmp -s "$D/content" "$1.content" && return
    diff "$D/content" "$1.content" | head -n 4 | cut -c 1-200 >>"$2"
}

# import N CALLS ERRNO: with that fault, and once more
import() {
    s=$D/i.$1.$2.$3 r=$D/wrong/import.$1.$2.$3
    failing "$s" "$1" "$2" "$3" "$mxgauge" import --state "$s" "$D/day" >"$s.out" 2>&1
    rc=$?
    case $rc in
    0) is_exact "$s" "$r" ;;    # then it is all there
    1) grep -q '^mxgauge: .' "$s.out" || echo "no word why" >>"$r" ;;
    *) echo "status $rc: $(tail -n 1 "$s.out")" >>"$r" ;;
    esac
    "$mxgauge" import --state "$s" "$D/day" >"$s.out" 2>&1 || cat "$s.out" >>"$r"
    is_exact "$s" "$r"
    rm -rf "$s" "$s".*
}

# once FILE TEXT RESULT: said at most once, and as often that it is over
once() {
    said=$(grep -c "mxgauged: $2" "$1")
    over=$(grep -c "over: \"$2" "$1")
    [ "$said" -le 1 ] && [ "$over" -le "$said" ] || echo "$2: said $said times, over $over times" >>"$3"
}

# life STATE: of the daemon, until all is read or it ends by itself
life() {
    launch "${1##*/}.conf" "${1##*/}.out"
    wait_for grep -q started "$1.out"
    wait_for is_read "$all" "$1"
    stop TERM
}

# daemon N CALLS ERRNO: with that fault until all is read, and once more
daemon() {
    s=$D/d.$1.$2.$3 r=$D/wrong/daemon.$1.$2.$3
    printf 'state = "%s"\ntemplates = "%s/rrd-templates"\nsource a { files = "%s/day" }\n' \
        "$s" "$PWD" "$D" >"$s.conf"
    with="env LD_PRELOAD=$D/fail.so FAIL_UNDER=$s/ FAIL_AT=$1 FAIL_FOR=$2 FAIL_ERRNO=$3"
    life "$s"
    rc=$status with=
    once "$s.out" "cannot store what was read" "$r"
    once "$s.out" "cannot bring the RRDs" "$r"
    case $rc in
    0) grep -q 'cannot store' "$s.out" && ! grep -q 'over: "cannot store' "$s.out" && echo "never over" >>"$r" ;;
    1) grep -q 'cannot' "$s.out" || { echo "status 1 and no word why"; cat "$s.out"; } >>"$r" ;;
    *) echo "status $rc: $(tail -n 1 "$s.out")" >>"$r" ;;
    esac
    : >"$s.out"
    life "$s"
    [ "$status" = 0 ] || echo "status $status after the fault: $(tail -n 1 "$s.out")" >>"$r"
    is_exact "$s" "$r"
    rm -rf "$s" "$s".*
}

# each PROGRAM AT_ONCE STEP CALLS ERRNO: for every STEP-th n
each() {
    n=$((first % $3 + 1)) k=0
    while [ $n -le "$calls" ]; do
        "$1" $n "$4" "$5" &
        n=$((n + $3)) k=$((k + 1))
        [ $((k % $2)) -ne 0 ] || wait
    done
    wait
    total=$k
}

mkdir "$D/wrong"
failing "$D/calm" 0 0 0 "$mxgauge" import --state "$D/calm" "$D/day" >"$D/out" 2>&1
ok $? "the day, undisturbed"
figures "$D/calm" "$D/calm/rrd" >"$D/content"
calls=$(cat "$D/calm.calls")
first=${FIRST:-$(od -An -N1 -tu1 /dev/urandom | tr -d ' ')}
few=19 fewer=29
[ "${LAB:-}" != all ] || few=1 fewer=1
[ "$calls" -gt 50 ]
ok $? "$calls calls change something (FIRST=$first)"

# run PROGRAM AT_ONCE STEP CALLS ERRNO TEXT
run() {
    each "$1" "$2" "$3" "$4" "$5"
    none "$1: $6 ($total times)" "$(cd "$D/wrong" && for f in "$1".*; do
        [ ! -s "$f" ] || sed "s/^/$f: /" "$f"; done | head -n 40)"
    rm -f "$D/wrong/"*
}
run import 3 $few 1 $EIO "one call fails"
run import 3 $few 12 $ENOSPC "twelve calls find no room"
run daemon 6 $fewer 1 $EIO "one call fails"
run daemon 6 $fewer 4 $ENOSPC "four calls find no room"
done_testing
