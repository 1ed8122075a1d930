#!/bin/sh
# rrdcached.t - mxgauged draws through a real rrdcached over TCP, which is cut off before it
# confirms, killed, and away for days of lines: in the end each RRD is, row by row, what an
# import of the same log that wrote by itself has. Needs no root.
set -u
: "${BUILD:=build}"
# shellcheck source=tests/tap.sh
. tests/tap.sh
[ -n "${LAB:-}" ] || skip_all "lab: rrdcached: LAB is not set"
for p in rrdcached rrdtool python3; do
    command -v $p >/dev/null 2>&1 && continue
    [ -z "${CI:-}" ] || { echo "not ok 1 - $p is missing"; echo 1..1; exit 1; }
    skip_all "lab: rrdcached: $p is missing; make deps LAB=1"
done
d=$(mktemp -d "${TMPDIR:-/tmp}/mx-rrdcached.XXXXXX") || exit 1
mxgauged=
cached=
proxy=
trap 'for p in $mxgauged $cached $proxy; do kill -KILL "$p"; done 2>/dev/null; rm -rf "$d"' EXIT
trap 'exit 1' INT TERM

# as ok, and what mxgauged and rrdcached said when it was not
saw() {
    ok "$1" "$2"
    [ "$1" = 0 ] || sed 's/^/# /' "$d/out" "$d/cached.out" | tail -n 20
}

wait_for() { until_so 30 "$@"; }    # COMMAND...

start_cached() {
    rm -f "$d/pid"
    rrdcached -g -l "unix:$d/sock" -b "$d/state/rrd" -B -j "$d" -w 3000 -f 7200 -p "$d/pid" >>"$d/cached.out" 2>&1 &
    cached=$!
    wait_for rrdtool flushcached --daemon "unix:$d/sock" "$d/state/rrd/mx1/flow.rrd"
}

kill_cached() {
    kill -KILL "$cached"
    wait "$cached" 2>/dev/null
    cached=
}

start() {
    "$BUILD/bin/mxgauged" --foreground --config "$d/conf" >>"$d/out" 2>&1 &
    mxgauged=$!
    wait_for grep -q started "$d/out"
}

stop() {    # it commits and draws
    kill -TERM "$mxgauged"
    wait "$mxgauged"
    status=$?
    mxgauged=
    return $status
}

# FROM TO: a refused recipient each minute of these hours ago, some with two
lines() {
    python3 - "$now" "$1" "$2" <<'END'
import sys, time
now = int(sys.argv[1]) // 60 * 60
for t in range(now - 3600 * int(sys.argv[2]), now - 3600 * int(sys.argv[3]), 60):
    for i in range(1 + (t // 60 % 7 == 0)):
        print(time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(t + i)) +
              " mx1 postfix/smtpd[9]: NOQUEUE: reject: RCPT from unknown[192.0.2.7]: 550 5.1.1 "
              "<u@example.org>: Recipient address rejected: User unknown; from=<s@example.net> "
              "to=<u@example.org> proto=ESMTP helo=<x>")
END
}

# FOLDER: all RRDs in words, less two scratch values of librrd's
dump() {
    (cd "$1" && for f in */*.rrd; do
        echo "$f"
        rrdtool dump "$f" | grep -v '<primary_value>\|<secondary_value>'
    done)
}

undisturbed() {
    rm -rf "$d/calm"
    "$BUILD/bin/mxgauge" import --state "$d/calm" "$d/log" >"$d/import" 2>&1
    dump "$d/state/rrd" >"$d/is"
    dump "$d/calm/rrd" >"$d/want"
    [ "$(grep -c '<v>' "$d/want")" -gt 10000 ] && cmp "$d/is" "$d/want" >"$d/differ" 2>&1
    saw $? "$1"
    sed 's/^/# /' "$d/differ"
}

says() { grep -c "$1" "$d/out"; }

# HOURS: the RRDs end that many hours ago
drawn() {
    want=$((now / 60 * 60 - 3600 * $1))
    for f in "$d"/state/rrd/mx1/*.rrd "$d"/state/rrd/_farm/*.rrd; do
        [ "$(rrdtool last "$f")" = "$want" ] || return 1
    done
}

now=$(date +%s)
python3 tests/lab/cut.py "$d/sock" "$d/cut" >"$d/port" &
proxy=$!
wait_for test -s "$d/port"
printf 'state = "%s/state"\nrrdcached = "127.0.0.1:%s"\nrrd_interval = 10s\nsource "log" { files = { "%s/log" } }\n' \
    "$d" "$(cat "$d/port")" "$d" >"$d/conf"
: >"$d/cached.out"
: >"$d/out"

lines 150 120 >"$d/log"
start
wait_for sh -c "\"$BUILD/bin/mxgauge\" report --state \"$d/state\" --json | grep -q '\"rej\":2[0-9][0-9][0-9]'"
stop
drawn 120
saw $? "files that are new need no rrdcached"
lines 120 100 >>"$d/log"
start_cached
start
wait_for drawn 100
saw $? "what came then goes through it"
undisturbed "in step with it, each row is there"

: >"$d/cut"
lines 100 90 >>"$d/log"
wait_for grep -q "cannot bring the RRDs up to date" "$d/out"
saw $? "cut off before it confirms: $(grep 'cannot bring' "$d/out")"
kill_cached
rm "$d/cut"
lines 90 24 >>"$d/log"
start_cached
wait_for drawn 24
saw $? "killed, and days later there again: all is caught up"
is "$(says 'will try again: ')" 1 "the fault was said once"
wait_for grep -q 'over: "cannot bring' "$d/out"
saw $? "and that it is over"
undisturbed "each row is there, and nothing twice"

truncate -s 20000 "$d/state/rrd/mx1/flow.rrd"
head -c 30000 /dev/zero >"$d/state/rrd/_farm/flow.rrd"
lines 24 20 >>"$d/log"
wait_for drawn 20
saw $? "two files were damaged: it goes on"
is "$(says 'flow.rrd.bad-')" 2 "each is said once"
[ "$(find "$d/state/rrd" -name 'flow.rrd.bad-????-??-??' | wc -l)" = 2 ]
saw $? "the damaged ones are kept"
kill_cached
stop
saw $? "it ends well although rrdcached is away"
undisturbed "each row of the new ones is there"
done_testing
