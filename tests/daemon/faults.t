#!/bin/sh
# faults.t - the n-th write, sync, rename, truncation or opening of a file in the state's
# folder fails during an import, once or for a stretch, for want of room, by a broken disk, or
# after half of a write. It says why, or all is there; once more, and nothing is lost and
# nothing counted twice.
#
# With LAB=all for each n; else for some, which begin with FIRST.
set -u
# shellcheck source=tests/daemon/daemon_test.sh
. tests/daemon/daemon_test.sh
# shellcheck source=tests/daemon/faults_test.sh
. tests/daemon/faults_test.sh

# import N CALLS ERRNO SHORT: with that fault, and once more
import() {
    s=$D/i.$1 r=$D/wrong/import.$1
    $(failing "$s" "$@") "$mxgauge" import --state "$s" "$D/day" >"$s.out" 2>&1
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

$(failing "$D/count" 0 0 0) "$mxgauge" import --state "$D/count" "$D/day" >"$D/out" 2>&1
ok $? "the day, undisturbed"
calls=$(cat "$D/count.calls")
[ "$calls" -gt 50 ]
ok $? "$calls calls change something"
step=29
[ "${LAB:-}" != all ] || step=1
run import "$calls" 3 $step "one call fails" 1 $EIO 0
run import "$calls" 3 $step "twelve calls find no room" 12 $ENOSPC 0
run import "$calls" 3 $step "a write is cut short, and three calls after it fail" 4 $ENOSPC 1
done_testing
