#!/bin/sh
# follow.sh LOG - what it costs to follow a log, from 1,000 lines a second to as many as can be
# written: the share of a core that mxgauged takes, and its memory.
#
# Reading alone (no commit meanwhile), and all: a commit each second, and the RRDs brought up to
# date each 10 s, which is six times as often as they are by default. Of each the RRDs are made
# and the caches are warm before the clock starts. The table goes to stdout, as markdown.
#
#	RATES="1000 5000 20000 50000" SECONDS_EACH=15
set -u
: "${BUILD:=build}" "${RATES:=1000 5000 20000 50000}" "${SECONDS_EACH:=15}"
log=$1
D=$(mktemp -d) || exit 1
. bench/daemon.sh
trap 'stop; rm -rf "$D"' EXIT
trap 'exit 1' HUP INT TERM

fresh() { # COMMIT RRD
    rm -rf "$D/state"
    start "$D" "commit_interval = $1
rrd_interval = $2"
}

# cpu: nanoseconds that the daemon has computed
cpu() {
    cut -d ' ' -f 1 "/proc/$pid/schedstat"
}

# is_read LINES: has it read so many?
is_read() {
    kill -USR1 "$pid"
    grep -q "so far: $1 lines" "$D/out"
}

# measured RATE COMMIT RRD WARM: the share of a core in %, in $share
measured() {
    fresh "$2" "$3"
    last=0
    if [ "$4" -gt 0 ]; then
        "$BUILD/bench/feed" "$log" "$D/log" "$1" "$4" >"$D/fed"
        read -r last _ <"$D/fed"
    fi
    before=$(cpu)
    "$BUILD/bench/feed" "$log" "$D/log" "$1" "$SECONDS_EACH" "$last" >"$D/fed"
    after=$(cpu)
    read -r last seconds <"$D/fed"
    share=$(awk -v ns=$((after - before)) -v s="$seconds" 'BEGIN { printf "%.1f", ns / s / 1e7 }')
    peak=$(awk '/^VmHWM/ { printf "%.1f", $2 / 1024 }' "/proc/$pid/status")
    tries=0
    until is_read "$last"; do
        tries=$((tries + 1))
        [ $tries -lt 300 ] || { echo "bench/follow.sh: not all of $last lines were read" >&2; exit 1; }
        sleep 0.1
    done
    stop
}

echo "| lines/s | reading, % of a core | with commits and RRDs | memory, MB |"
echo "|---:|---:|---:|---:|"
for rate in $RATES; do
    measured "$rate" 1m 1h 0
    reading=$share
    measured "$rate" 1s 10s 12
    echo "| $rate | $reading | $share | $peak |"
done

# as fast as it goes: from the first line to the last one's commit
fresh 1s 10s
lines=$(wc -l <"$log")
begin=$(date +%s%N)
"$BUILD/bench/feed" "$log" "$D/log" 0 1 >/dev/null
until is_read "$lines"; do
    kill -0 "$pid" || exit 1
    sleep 0.05
done
end=$(date +%s%N)
peak=$(awk '/^VmHWM/ { printf "%.1f", $2 / 1024 }' "/proc/$pid/status")
echo "| $(awk -v n="$lines" -v ns=$((end - begin)) 'BEGIN { printf "%.0f", n / ns * 1e9 }') (the most) | | 100 | $peak |"
