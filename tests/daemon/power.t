#!/bin/sh
# power.t - the power fails: at some moment of some imports, what was not synced is on the disk or is not, block by block,
# and so is what the RRDs had. After the next import all is there, once.
#
# With LAB=all many more moments; they begin with FIRST.
set -u
# shellcheck source=tests/daemon/daemon_test.sh
. tests/daemon/daemon_test.sh
case $BUILD in *san*) skip_all "power: a preloaded library and the sanitizers do not go together" ;; esac

preload power tests/daemon/power_preload.c
"$BUILD/bench/genday" -i -o mxa 30000 1 "$D/day" || exit 1
lines=$(wc -l <"$D/day")

# of a value that is not known rrdtool prints the sign, too
told() { figures "$1" "$1/rrd" | sed 's/-nan/nan/g'; }
# import STATE PERCENT: so much of the day
import() {
    head -n $((lines * $2 / 100)) "$D/day" >"$D/log"
    "$mxgauge" import --state "$1" "$D/log" >"$D/out" 2>&1
}

import "$D/whole" 100
saw $? "the day, undisturbed"
told "$D/whole" >"$D/figures"
import "$D/state" 33
cp -r "$D/state" "$D/before"
export POWER_UNDER="$D/state/state.db" POWER_RECORD="$D/record"
for percent in 40 41 42 43 70 71 90 92 100; do
    LD_PRELOAD=$D/power.so import "$D/state" $percent || break
done
[ "$percent" = 100 ] && told "$D/state" | cmp -s "$D/figures" -
ok $? "in pieces, and written down"

# one SEED: what is wrong after such a loss
one() {
    s=$D/after.$1
    perl tests/daemon/power.pl "$D/record" "$D/before" "$D/state" "$s" "$1" >"$s.when" || { echo "no image"; return; }
    if ! "$mxgauge" import --state "$s" "$D/log" >"$s.out" 2>&1; then
        echo "FIRST=$1, $(cat "$s.when"): $(tail -n 1 "$s.out")"
    elif ! told "$s" | cmp -s "$D/figures" -; then
        echo "FIRST=$1, $(cat "$s.when"): $(told "$s" | diff "$D/figures" - | head -n 2 | tail -n 1 | cut -c 1-150)"
    fi
    rm -rf "$s" "$s".*
}
first=${FIRST:-$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')} times=40
[ "${LAB:-}" != all ] || times=800
i=0
while [ $i -lt $times ]; do
    one $((first + i)) >"$D/wrong.$i" &
    one $((first + i + 1)) >"$D/wrong.$((i + 1))"
    wait
    i=$((i + 2))
done
none "the power fails $times times" "$(cat "$D"/wrong.*)"
done_testing
