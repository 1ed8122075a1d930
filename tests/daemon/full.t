#!/bin/sh
# full.t - a file system that is really full: with the state on it, and with the RRDs alone
# on it. It is said once; with room again all figures are exact, and that is said, too.
#
# The file systems are small tmpfs in a mount namespace, for which it takes root.
set -u
: "${BUILD:=build}"
# shellcheck source=tests/tap.sh
. tests/tap.sh
if [ -z "${MX_FULL:-}" ]; then
    [ "$(id -u)" = 0 ] || skip_all "full file system: mounting needs root"
    unshare --mount true 2>/dev/null || skip_all "full file system: this system grants no namespaces"
    MX_FULL=1 BUILD=$BUILD exec unshare --mount sh "$0"
fi
D=$(mktemp -d "${TMPDIR:-/tmp}/mx-full.XXXXXX") || exit 1
pids=
trap 'for p in $pids; do kill -KILL $p 2>/dev/null; done; umount "$D/a" "$D/b" "$D/c" 2>/dev/null; rm -rf "$D"' EXIT
trap 'exit 1' INT TERM
mxgauge=$BUILD/bin/mxgauge
TZ=UTC
export TZ

# wait_for COMMAND...: for at most 40 seconds
wait_for() {
    tries=0
    until "$@" 2>/dev/null; do
        tries=$((tries + 1))
        [ $tries -lt 400 ] || return 1
        sleep 0.1
    done
}

# has STATE N: so many lines are committed
has() {
    [ "$("$mxgauge" report --state "$1" --json 2>/dev/null | sed -n 's/.*"read":\([0-9]*\).*/\1/p')" = "$2" ]
}

# content STATE RRDS
content() {
    sqlite3 "$1/state.db" "SELECT 'cell', at, hex(pairs) FROM cell ORDER BY at;
        SELECT 'hour', at, hex(pairs) FROM hour ORDER BY at;"
    "$mxgauge" report --state "$1" --json
    command -v rrdtool >/dev/null 2>&1 || return
    (cd "$2" && find . -type f | sort | while read -r rrd; do
        echo "$rrd"
        rrdtool fetch "$rrd" AVERAGE --start 1793836800 --end 1793923200
    done)
}

# start NAME: its process id is in $pid
start() {
    "$BUILD/bin/mxgauged" --foreground --config "$D/$1.conf" >>"$D/$1.out" 2>&1 &
    pid=$!
    pids="$pids $pid"
}

# fill FOLDER: to the last byte
fill() {
    dd if=/dev/zero of="$1/ballast" bs=64k 2>/dev/null
    cat /dev/zero >>"$1/ballast" 2>/dev/null
}

# said NAME TEXT: once each
said() {
    is "$(grep -c "mxgauged: $2" "$D/$1.out") $(grep -c "over: \"$2" "$D/$1.out")" "1 1" \
        "$1: \"$2\" and that it is over are said once each"
}

# exact NAME STATE RRDS
exact() {
    content "$2" "$3" >"$D/$1.content" 2>&1
    cmp -s "$D/content" "$D/$1.content"
    r=$?
    ok $r "$1: with room again every figure is exact"
    [ $r -eq 0 ] || diff "$D/content" "$D/$1.content" | cut -c 1-200 | head -n 10 | sed 's/^/# /'
    grep -v -e 'started' -e 'stopped' "$D/$1.out" | sed 's/^/# /'
}

"$BUILD/bench/genday" -i -o mxa 40000 1 "$D/day" || exit 1
all=$(wc -l <"$D/day")
"$mxgauge" import --state "$D/calm" "$D/day" >/dev/null || exit 1
content "$D/calm" "$D/calm/rrd" >"$D/content"
head -n 50 "$D/day" >"$D/log"
for f in a b c; do
    mkdir "$D/$f"
    mount -t tmpfs -o size=96m none "$D/$f" || exit 1
done
printf 'state = "%s/a/state"\ntemplates = "%s/rrd-templates"\nrrd_interval = 10s\nsource a { files = "%s/log" }\n' \
    "$D" "$PWD" "$D" >"$D/state.conf"
printf 'state = "%s/state"\nrrd_dir = "%s/b/rrd"\ntemplates = "%s/rrd-templates"\nrrd_interval = 10s\nsource a { files = "%s/log" }\n' \
    "$D" "$D" "$PWD" "$D" >"$D/rrds.conf"
start state
state_pid=$pid
start rrds
rrds_pid=$pid
wait_for has "$D/a/state" 50 && wait_for has "$D/state" 50
ok $? "both daemons read"
fill "$D/a"
fill "$D/b"
tail -n +51 "$D/day" >>"$D/log"

wait_for grep -q 'cannot store what was read' "$D/state.out"
ok $? "state: no room is said"
! has "$D/a/state" "$all"
ok $? "state: and what was read is not there yet"
fill "$D/c"
"$mxgauge" import --state "$D/c/state" "$D/day" >"$D/import.out" 2>&1
is $? 1 "import: no room: status 1"
rm "$D/c/ballast"
"$mxgauge" import --state "$D/c/state" "$D/day" >"$D/import.out" 2>&1
is $? 0 "import: and with room again 0"
exact import "$D/c/state" "$D/c/state/rrd"

wait_for has "$D/state" "$all"
ok $? "rrds: the state is complete"
wait_for grep -q 'cannot bring the RRDs up to date' "$D/rrds.out"
ok $? "rrds: no room is said"
rm "$D/a/ballast" "$D/b/ballast"
wait_for has "$D/a/state" "$all"
ok $? "state: with room again all is stored"
wait_for grep -q 'over: "cannot bring the RRDs' "$D/rrds.out"
ok $? "rrds: with room again they are drawn"
for p in $state_pid $rrds_pid; do
    kill "$p"
    wait "$p"
    ok $? "ends well"
done
pids=
said state "cannot store what was read"
said rrds "cannot bring the RRDs up to date"
exact state "$D/a/state" "$D/a/state/rrd"
exact rrds "$D/state" "$D/b/rrd"
done_testing
