#!/bin/sh
# power.t - the power fails: at some moment of some imports, or of a daemon that follows a log, what was not synced is on
# the disk or is not, block by block, in the state and in the RRDs. After the next import, or the daemon's next life, all
# is there, once.
#
# With LAB=all many more moments; they begin with FIRST.
set -u
# shellcheck source=tests/daemon/daemon_test.sh
. tests/daemon/daemon_test.sh
case $BUILD in *san*) skip_all "power: a preloaded library and the sanitizers do not go together" ;; esac

preload power tests/daemon/power_preload.c
"$BUILD/bench/genday" -i -o mxa 30000 1 "$D/day" || exit 1
lines=$(wc -l <"$D/day")
# less past than ours have: these are copied a hundred times
mkdir "$D/templates"
for t in flow delay; do
    sed 's/1m 8d/1m 2d/; s/400d/30d/; s/10y/1y/' "rrd-templates/$t.conf" >"$D/templates/$t.conf"
done

# of a value that is not known rrdtool prints the sign, too
told() {
    rows "$1"
    "$mxgauge" report --state "$1" --json
    ! command -v rrdtool >/dev/null 2>&1 || dumps "$1" | sed 's/-nan/nan/g'
}
# grow PERCENT: the log has so much of the day; import STATE
grow() { tail -c "+$(($(wc -c <"$D/log") + 1))" "$D/day" | head -n $((lines * $1 / 100 - $(wc -l <"$D/log"))) >>"$D/log"; }
import() { "$mxgauge" import --templates "$D/templates" --state "$1" "$D/log" >"$1.out" 2>&1; }

: >"$D/log"
grow 33
import "$D/before"
grow 100
import "$D/whole"
saw $? "the day, undisturbed"
told "$D/whole" >"$D/figures"

# daemon STATE: follows the log
daemon() {
    printf 'state = "%s"\ntemplates = "%s/templates"\nsource a { files = "%s/log" timezone = UTC }\n' "$1" "$D" "$D" >"$1.conf"
    "$BUILD/bin/mxgauged" --foreground --config "$1.conf" >>"$1.out" 2>&1 &
    pid=$!
}
# is_here STATE PERCENT
is_here() { is_read $((lines * $2 / 100)) "$1"; }

# of imports and lives of the daemon, each with its record
export POWER_UNDER="$D/state" POWER_RECORD="$D/record.import"
cp -r "$D/before" "$D/state"
head -n $((lines * 33 / 100)) "$D/day" >"$D/log"
for percent in 40 41 42 43 70 71 90 92 100; do
    grow $percent
    LD_PRELOAD=$D/power.so import "$D/state" || break
done
[ "$percent" = 100 ] && told "$D/state" | cmp -s "$D/figures" -
ok $? "imports in pieces, written down"

rm -rf "$D/state"
cp -r "$D/before" "$D/state"
export POWER_RECORD="$D/record.daemon"
head -n $((lines * 33 / 100)) "$D/day" >"$D/log"
for life in "36 37 50 TERM" "52 60 70 KILL" "75 90 100 TERM"; do
    LD_PRELOAD=$D/power.so daemon "$D/state"
    for what in $life; do
        case $what in
        [A-Z]*) stop "$what" ;;
        *) grow "$what" && wait_for is_here "$D/state" "$what" ;;
        esac
    done
done
told "$D/state" | cmp -s "$D/figures" -
saw $? "lives of the daemon, written down"

# again STATE: the next run after the loss, of what there was; its last words if it fails
again() {
    if [ "$kind" = import ]; then
        LD_PRELOAD=$D/power.so import "$1" || tail -n 1 "$1.out"
    else
        LD_PRELOAD=$D/power.so daemon "$1"
        wait_for grep -q started "$1.out" && wait_for is_here "$1" 100
        stop TERM
        [ $status -eq 0 ] || tail -n 1 "$1.out"
    fi
}
# one SEED: what is wrong after such a loss
one() {
    s=$D/after.$1
    perl tests/daemon/power.pl "$D/record.$kind" "$D/before" "$s" "$1" >"$s.when" || { echo "no image"; return; }
    again "$s" >"$s.said"
    told "$s" >"$s.told"
    if [ -s "$s.said" ] || ! cmp -s "$s.told" "$D/figures"; then
        echo "FIRST=$1, $(cat "$s.when" "$s.said"): $(diff "$D/figures" "$s.told" | head -n 2 | tail -n 1 | cut -c 1-150)"
    fi
    [ -n "${KEEP:-}" ] || rm -rf "$s" "$s".*
}
first=${FIRST:-$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')}
# losses KIND N
losses() {
    kind=$1 times=$2
    [ "${LAB:-}" != all ] || times=$((times * 20))
    i=0
    while [ $i -lt $times ]; do
        one $((first + i)) >"$D/wrong.$i" &
        one $((first + i + 1)) >"$D/wrong.$((i + 1))"
        wait
        i=$((i + 2))
    done
    none "the power fails $times times, $kind" "$(cat "$D"/wrong.*)"
    rm -f "$D"/wrong.*
}
unset POWER_UNDER POWER_RECORD
export POWER_LOST=1
losses import 20
losses daemon 12
done_testing
