# faults_daemon_test.sh - the n-th write, sync, rename, truncation or opening of a file in the
# state's folder fails under mxgauged, once or for a stretch, for want of room, by a broken
# disk, or after half of a write. Once that is over nothing is lost and nothing counted twice;
# each fault was said once, and once that it is over, however many seconds it took.
#
# With LAB=all for each n; else for some, which begin with FIRST. Sourced by a test for each kind
# of fault, as all n of one take minutes.
# shellcheck shell=sh
# shellcheck source=tests/daemon/daemon_test.sh
. tests/daemon/daemon_test.sh
# shellcheck source=tests/daemon/faults_test.sh
. tests/daemon/faults_test.sh

# life STATE: of the daemon, until all is read or it ends by itself
life() {
    launch "${1##*/}.conf" "${1##*/}.out"
    wait_for grep -q started "$1.out"
    wait_for is_read "$all" "$1"
    stop TERM
}

# once FILE RESULT: nothing was said twice, and no fault is over that was not said
once() {
    sed -n 's/^mxgauged: \([^:]*\)$/\1/p; s/^mxgauged: \([^:]*\): .*/\1/p' "$1" | grep -v '^over$' |
        sort | uniq -d | sed 's/^/said twice: /' >>"$2"
    sed -n 's/^mxgauged: over: "\(.*\)" after.*/\1/p' "$1" | while read -r fault; do
        [ "$(grep -c "over: \"$fault" "$1")" = 1 ] && grep -q "^mxgauged: $fault" "$1" ||
            echo "over, not once: $fault" >>"$2"
    done
}

# is_over FILE: what could not be stored was stored later; or that was the beat of its end
is_over() {
    ! grep -q 'mxgauged: cannot store' "$1" || grep -q 'over: "cannot store' "$1" ||
        tail -n 2 "$1" | head -n 1 | grep -q 'cannot store'
}

daemon_conf() { # STATE
    printf 'state = "%s"\ntemplates = "%s/rrd-templates"\nsource a { files = "%s/day" }\n' \
        "$1" "$PWD" "$D" >"$1.conf"
}

# daemon N CALLS ERRNO SHORT: with that fault until all is read, and once more
daemon() {
    s=$D/d.$1 r=$D/wrong/daemon.$1
    daemon_conf "$s"
    with=$(failing "$s" "$@")
    life "$s"
    rc=$status with=
    once "$s.out" "$r"
    case $rc in
    0) is_over "$s.out" || echo "never over" >>"$r" ;;
    1) grep -q 'cannot' "$s.out" || { echo "status 1 and no word why"; cat "$s.out"; } >>"$r" ;;
    *) echo "status $rc: $(tail -n 1 "$s.out")" >>"$r" ;;
    esac
    : >"$s.out"
    life "$s"
    [ "$status" = 0 ] || echo "status $status after the fault: $(tail -n 1 "$s.out")" >>"$r"
    is_exact "$s" "$r"
    rm -rf "$s" "$s".*
}


# faulty TEXT N_CALLS ERRNO SHORT [STEP STEP_ALL]: for every STEP-th n, or STEP_ALL-th with LAB=all
faulty() {
    daemon_conf "$D/count"
    with=$(failing "$D/count" 0 0 0)
    life "$D/count"
    with=
    calls=$(cat "$D/count.calls")
    [ "$calls" -gt 50 ]
    ok $? "$calls calls change something"
    step=${5:-57} at_once=8
    [ "${LAB:-}" != all ] || step=${6:-1} at_once=16
    run daemon "$calls" $at_once "$step" "$1" "$2" "$3" "$4"
}
