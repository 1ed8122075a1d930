#!/bin/sh
# central.sh LOG - what a central log costs to import: as many lines of the day of bench/genday as they are, with
# stamps of RFC 3339, and of 33 such farms, 99 hosts by turns. Without RRDs, which cost by hosts and not
# by lines. The table goes to stdout, as markdown.
set -u
: "${BUILD:=build}" "${RUNS:=3}" "${FARMS:=33}"
log=$1
D=$(mktemp -d) || exit 1
trap 'rm -rf "$D"' EXIT
trap 'exit 1' HUP INT TERM
core=$(($(nproc) - 1))
lines=$(wc -l <"$log")

cp "$log" "$D/day"
perl bench/central.pl 1 <"$log" >"$D/iso" || exit 1
head -n $((lines / FARMS)) "$log" | perl bench/central.pl "$FARMS" >"$D/central" || exit 1
set --
for what in day iso central; do
    set -- "$@" "wc-$what" "wc -l $D/$what" "$what" \
        "$BUILD/bin/mxgauge import --no-rrd --state $D/state --tz UTC --year 2026 --phases $D/$what >>$D/phases-$what"
done
"$BUILD/bench/measure" -n "$RUNS" -c "$core" -p "rm -rf $D/state" "$@" >"$D/speed" || exit 1

echo "| $(wc -l <"$D/central") lines | MB | s to the commit | us a line | times wc -l | peak MB |"
echo "|---|--:|--:|--:|--:|--:|"
row() { # WHAT TITLE
    sed 's/^phases: commit \([0-9.]*\) s.*/\1/; t; d' "$D/phases-$1" | sort -n >"$D/commits"
    commit=$(sed -n "$((($(wc -l <"$D/commits") + 1) / 2))p" "$D/commits")
    awk -F '\t' -v name="$1" -v title="$2" -v commit="$commit" -v bytes="$(wc -c <"$D/$1")" -v lines="$(wc -l <"$D/$1")" '
        $1 == "wc-" name { wc = $2 }
        $1 == name { peak = $4 }
        END { printf "| %s | %.0f | %.3f | %.2f | %.1f | %.0f |\n", title, bytes / 1e6, commit, commit / lines * 1e6,
            commit / wc, peak / 1024 }' "$D/speed"
}
row day "three hosts, \`Nov  5 00:00:00\`"
row iso 'three hosts, stamps of RFC 3339'
row central "$((FARMS * 3)) hosts by turns, stamps of RFC 3339"
