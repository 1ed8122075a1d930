#!/bin/sh
# full.t - a file system that is really full: with the state on it, and with the RRDs alone
# on it. It is said once; meanwhile nothing more is read and memory stays as it is, although
# lines come and logs rotate; with room again all figures are exact, and that is said, too.
# With LAB=all five times as many lines.
#
# The file systems are small tmpfs in a mount namespace, for which it takes root.
set -u
: "${BUILD:=build}"
if [ -z "${MX_FULL:-}" ]; then
    # shellcheck source=tests/tap.sh
    . tests/tap.sh
    [ "$(id -u)" = 0 ] || skip_all "full file system: mounting needs root"
    unshare --mount true 2>/dev/null || skip_all "full file system: this system grants no namespaces"
    MX_FULL=1 BUILD=$BUILD exec unshare --mount sh "$0"
fi
# shellcheck source=tests/daemon/daemon_test.sh
. tests/daemon/daemon_test.sh
trap 'stop KILL; kill -KILL $others 2>/dev/null; umount "$D/a" "$D/b" "$D/c" 2>/dev/null; rm -rf "$D"' EXIT

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
    figures "$2" "$3" >"$D/$1.content" 2>&1
    cmp -s "$D/content" "$D/$1.content"
    r=$?
    ok $r "$1: with room again every figure is exact"
    [ $r -eq 0 ] || diff "$D/content" "$D/$1.content" | cut -c 1-200 | head -n 10 | sed 's/^/# /'
    grep -v -e 'started' -e 'stopped' "$D/$1.out" | tail -n 4 | sed 's/^/# /'
}

# told: what SIGUSR1 makes the daemon say last
told() {
    before=$(grep -c 'so far' "$D/state.out")
    kill -USR1 "$pid"
    wait_for told_more
    grep 'so far' "$D/state.out" | tail -n 1 | sed 's/ in [0-9]* s//'
}
told_more() { [ "$(grep -c 'so far' "$D/state.out")" -gt "$before" ]; }
peak() { sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status"; }

lines=60000
[ "${LAB:-}" != all ] || lines=300000
"$BUILD/bench/genday" -i -o mxa $lines 1 "$D/day" || exit 1
all=$(wc -l <"$D/day")
"$mxgauge" import --state "$D/calm" "$D/day" >/dev/null || exit 1
figures "$D/calm" "$D/calm/rrd" >"$D/content"
head -n 50 "$D/day" >"$D/log"
for f in a b c; do
    mkdir "$D/$f"
    mount -t tmpfs -o size=96m none "$D/$f" || exit 1
done
printf 'state = "%s/a/state"\ntemplates = "%s/rrd-templates"\nrrd_interval = 10s\nsource a { files = "%s/log" }\n' \
    "$D" "$PWD" "$D" >"$D/state.conf"
printf 'state = "%s/state"\nrrd_dir = "%s/b/rrd"\ntemplates = "%s/rrd-templates"\nrrd_interval = 10s\nsource a { files = "%s/log" }\n' \
    "$D" "$D" "$PWD" "$D" >"$D/rrds.conf"
launch rrds.conf rrds.out
others=$pid
launch state.conf state.out
wait_for is_read 50 "$D/a/state" && wait_for is_read 50
ok $? "both daemons read"
fill "$D/a"
fill "$D/b"
third=$((all / 3))
sed -n "51,${third}p" "$D/day" >>"$D/log"
wait_for grep -q 'cannot store what was read' "$D/state.out"
ok $? "state: no room is said"
! is_read "$third" "$D/a/state"
ok $? "state: and what was read is not there yet"
paused=$(told)
memory=$(peak)
mv "$D/log" "$D/log.1"
sed -n "$((third + 1)),$((third * 2))p" "$D/day" >"$D/log"
wait_for is_read $((third * 2))    # by the other daemon
gzip "$D/log.1"
mv "$D/log.1.gz" "$D/log.2.gz"
mv "$D/log" "$D/log.1"
tail -n +$((third * 2 + 1)) "$D/day" >"$D/log"
fill "$D/c"
"$mxgauge" import --state "$D/c/state" "$D/day" >"$D/import.out" 2>&1
is $? 1 "import: no room: status 1"
rm "$D/c/ballast"
"$mxgauge" import --state "$D/c/state" "$D/day" >"$D/import.out" 2>&1
is $? 0 "import: and with room again 0"
exact import "$D/c/state" "$D/c/state/rrd"

wait_for is_read "$all"
ok $? "rrds: the state is complete"
wait_for grep -q 'cannot bring the RRDs up to date' "$D/rrds.out"
ok $? "rrds: no room is said"
is "$(told)" "$paused" "state: nothing more was read meanwhile: $paused"
# what was freed the sanitizers keep for a while
[ -n "${SAN:-}" ] || [ "$(peak)" -le $((memory + 1024)) ]
ok $? "state: memory stayed at $memory KB: $(peak) KB"
rm "$D/a/ballast" "$D/b/ballast"
wait_for is_read "$all" "$D/a/state"
ok $? "state: with room again all is stored"
wait_for grep -q 'over: "cannot bring the RRDs' "$D/rrds.out"
ok $? "rrds: with room again they are drawn"
[ "$(peak)" -lt ${SAN:+10}65536 ]
ok $? "state: and needed $(peak) KB for all of it"
for p in $pid $others; do
    kill "$p"
    wait "$p"
    ok $? "ends well"
done
pid='' others=''
said state "cannot store what was read"
said rrds "cannot bring the RRDs up to date"
exact state "$D/a/state" "$D/a/state/rrd"
exact rrds "$D/state" "$D/b/rrd"
done_testing
