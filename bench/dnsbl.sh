#!/bin/sh
# dnsbl.sh - check_dnsbl beside check_rbl (monitoring-plugins-contrib), against the same name server on loopback
# that takes 50 ms: 20 lists, 60 lists and 16 addresses, 20 lists and a dead one.
#
#	RUNS=10 sh bench/dnsbl.sh
#
# check_rbl asks port 53 alone, so all runs in a network namespace, as root. The server is in Python: where
# there are 1,000 questions both pay for it. As markdown on stdout.
set -u
cd "$(dirname "$0")/.." || exit 1
: "${BUILD:=build}" "${RUNS:=10}"
if [ "${1:-}" != inside ]; then
    [ "$(id -u)" = 0 ] || { echo "bench/dnsbl.sh: a network namespace needs root; left out"; exit 0; }
    exec env BUILD="$BUILD" RUNS="$RUNS" unshare --net sh bench/dnsbl.sh inside
fi
ip link set lo up || exit 1
D=$(mktemp -d) || exit 1
trap 'exec 8>&-; wait; rm -rf "$D"' EXIT
trap 'exit 1' HUP INT TERM
ours="$BUILD/plugins/check_dnsbl --resolver 127.0.0.1 --no-history"
theirs=
for f in /usr/lib/nagios/plugins/check_rbl /usr/lib/monitoring-plugins/check_rbl; do
    [ ! -x $f ] || theirs="$f -n 127.0.0.1"
done
[ -z "$theirs" ] || ${theirs%% *} -V 2>/dev/null | grep -q check_rbl || theirs= # it lacks its Perl modules
i=0
while [ $i -lt 60 ]; do
    i=$((i + 1))
    printf 'l%d.example.org good\nl%d.example.org slow 0.05\n' $i $i
done >"$D/zones"
echo "dead.example.org silent" >>"$D/zones"
# lists N OPTION: the options that name them
lists() { seq "$1" | sed "s/.*/$2 l&.example.org/" | tr '\n' ' '; }
# as many as 60 in one word
sed -n 's/\(.*\) good$/list \1 ip4/p' "$D/zones" >"$D/table"
echo 192.0.2.0/28 >"$D/nets"
mkfifo "$D/end" || exit 1
/usr/bin/python3 tests/fake/dnsbl.py "$D/zones" "$D/port" 127.0.0.1:53 <"$D/end" &
exec 8>"$D/end"
tries=0
until [ -e "$D/port" ] || [ $tries -ge 200 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
cat >"$D/sixteen" <<END
for i in \$(seq 0 15); do $theirs -H 192.0.2.\$i $(lists 60 -s) >/dev/null; done
END
set -- one "$ours -H 192.0.2.1 -l l1.example.org --no-health" \
    20 "$ours -H 192.0.2.1 $(lists 20 -l) --no-health" \
    20.health "$ours -H 192.0.2.1 $(lists 20 -l)" \
    dead "$ours -H 192.0.2.1 $(lists 20 -l) -l dead.example.org" \
    960 "$ours --networks $D/nets --no-table --table $D/table --all --no-health" \
    960.health "$ours --networks $D/nets --no-table --table $D/table --all"
"$BUILD/bench/measure" -n "$RUNS" start "$ours -V" empty "$BUILD/bench/empty" "$@" >"$D/ours" || exit 1
if [ -n "$theirs" ]; then
    "$BUILD/bench/measure" -n 3 20.peer "$theirs -H 192.0.2.1 $(lists 20 -s)" \
        dead.peer "$theirs -t 60 -H 192.0.2.1 $(lists 20 -s) -s dead.example.org" \
        960.peer "sh $D/sixteen" >>"$D/ours" || exit 1
else
    echo "check_rbl is not installed, or lacks its modules (monitoring-plugins-contrib, libcapture-tiny-perl ...)."
fi
printf 'Medians of %s runs (check_rbl: of 3); each answer takes 50 ms.\n\n' "$RUNS"
echo "| what | ms | CPU ms | peak MB | goal |"
echo "|---|--:|--:|--:|---|"
awk -F '\t' '
    function row(what, n, goal) {
        if (n in wall)
            printf "| %s | %.1f | %.1f | %.1f | %s |\n", what, 1000 * wall[n], 1000 * cpu[n], rss[n] / 1024, goal
    }
    function most(n, times) {
        return sprintf("%.2f x one list, at most %s: %s", wall[n] / wall["one"], times,
            wall[n] / wall["one"] <= times ? "ok" : "**missed**")
    }
    function beside(n) {
        return (n ".peer") in wall ? sprintf("%.1f x faster than check_rbl", wall[n ".peer"] / wall[n]) : ""
    }
    { wall[$1] = $2; cpu[$1] = $3; rss[$1] = $4 }
    END {
        row("an empty program", "empty", "")
        row("check_dnsbl -V", "start", sprintf("%.2f x empty, at most 2.5", wall["start"] / wall["empty"]))
        row("one list", "one", "")
        row("20 lists", "20", most("20", 1.2) "; " beside("20"))
        row("20 lists, and are they healthy", "20.health", most("20.health", 1.2))
        row("check_rbl, 20 lists", "20.peer", "")
        row("20 lists and a dead one", "dead", "its patience is 1.5 + 3 s; " beside("dead"))
        row("check_rbl, 20 lists and a dead one", "dead.peer", "")
        row("60 lists, 16 addresses", "960", beside("960"))
        row("60 lists, 16 addresses, and are they healthy", "960.health", "")
        row("check_rbl, 60 lists, 16 runs", "960.peer", "")
    }' "$D/ours"
