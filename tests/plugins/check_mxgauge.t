#!/bin/sh
# check_mxgauge.t - each state once: a daemon that runs, one that is gone, and what it says of
# itself changed by hand in a state that nobody writes.
set -u
export LC_ALL=C TZ=UTC
: "${BUILD:=build}"
# shellcheck source=tests/tap.sh
. tests/tap.sh
D=$(mktemp -d "${TMPDIR:-/tmp}/mx-watch.XXXXXX") || exit 1
pid=
trap '[ -z "$pid" ] || kill "$pid"; rm -rf "$D"' EXIT
command -v sqlite3 >/dev/null 2>&1 || skip_all "there is no sqlite3"

# run STATUS TEXT ARGS...: disk is the machine's own and not judged here
run() {
    want=$1 text=$2
    shift 2
    "$BUILD/plugins/check_mxgauge" --state "$D/state" -w disk=~: -c disk=~: -w disk_left=~: \
        -c disk_left=~: "$@" >"$D/out" 2>&1
    rc=$?
    [ $rc = "$want" ]
    ok $? "$text"
    [ $rc = "$want" ] || sed "s/^/# $rc: /" "$D/out"
}
says() {
    grep -qF -- "$1" "$D/out"
    rc=$?
    ok $rc "${2:-says: $1}"
    [ $rc = 0 ] || sed 's/^/# /' "$D/out"
}
change() { sqlite3 "$D/state/state.db" "$1"; }
beaten() { [ "$(change "SELECT lines FROM source WHERE lines = 1")" = 1 ]; }

run 3 "no state is UNKNOWN"
says "there is no state in $D/state"
stamp=$(date -u +%Y-%m-%dT%H:%M:%S+00:00)
echo "$stamp mx1 postfix/smtpd[1]: connect from unknown[192.0.2.1]" >"$D/log"
printf 'state = "%s/state"\ntemplates = "%s/rrd-templates"\nsource "a" { files = { "%s/log" } }\n' \
    "$D" "$PWD" "$D" >"$D/conf"
"$BUILD/bin/mxgauged" --foreground --config "$D/conf" >"$D/said" 2>&1 &
pid=$!
tries=0
until beaten 2>/dev/null || [ $tries -ge 200 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
run 0 "a daemon that runs and reads is OK"
says "MXGAUGE OK - last sign of life"
says "Process $pid, version"
run 0 "one host by its full name" --host mx1.example.org
run 3 "a host that is not there is UNKNOWN" --host mx9
says 'it knows: mx1'
run 3 "a wrong name of a measurement is UNKNOWN" -w alvie=5

echo "$stamp mx1 postfix/smtpd[1]: frobnicated the quux" >>"$D/log"
tries=0
until [ "$(change "SELECT lines FROM source")" = 2 ] || [ $tries -ge 200 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
kill "$pid"
wait "$pid"
pid=
run 2 "one that was stopped is CRITICAL"
says "MXGAUGE CRITICAL - mxgauged is not running"
says "unknown 50% (limit 1%)"
says "Not understood of postfix/smtpd: 1 lines"

change "UPDATE run SET value = value - 200 WHERE key='beat_at'"
run 2 "a beat that is too old"
says "last sign of life"
change "UPDATE source SET behind_since = (SELECT value FROM run WHERE key='beat_at') - 900"
run 2 "a log that waits to be read"
says "$D/log waits to be read for 15 min (limit 10 min)"
change "UPDATE run SET value = strftime('%s') - 7200 WHERE key='rrd_written_at'; INSERT OR REPLACE INTO run VALUES('rrd_written_at', strftime('%s') - 7200), ('rrd_failed_since', strftime('%s') - 7000)"
run 2 "RRDs that are not written"
says "rrd_behind 2 h (limit 60 min)"
says "Bringing the RRDs up to date has failed since"
change "UPDATE capacity SET hits = 3, hit_at = strftime('%s') - 60 WHERE name = 'hosts'"
run 2 "a limit that bit"
says "limits reached: hosts"
says "Limit hosts: bit 3 times in all"
change "UPDATE capacity SET hit_at = strftime('%s') - 6000"
run 2 "outside the window"
! grep -q "limits reached" "$D/out"
ok $? "it is not told"
change "UPDATE host SET newest = newest - 7200"
run 2 "a silent host"
says "newest line of mx1"
change "UPDATE host SET newest = newest + 7200, skew = -3600"
run 2 "a clock that is an hour behind"
says "clocks wrong: mx1 3600 s behind"
says "whole quarters of an hour: see the timezone"
change "UPDATE host SET skew = 4"
run 2 "a clock that is 4 s ahead"
says "clocks wrong: mx1 4 s ahead"
"$BUILD/bin/mxgauge" status --state "$D/state" >"$D/out"
says "its clock is 4 s ahead" "mxgauge status says so, too"
change "UPDATE host SET newest = newest - 20 * 86400"
run 2 "one that was not heard for weeks"
! grep -q "clocks wrong" "$D/out"
ok $? "is not told"
change "UPDATE host SET newest = newest + 20 * 86400 - 7200"
"$BUILD/plugins/check_mxgauge" --state "$D/state" --json -c disk=101%: >"$D/out"
perl -MJSON::PP -e 'local $/; my $j = decode_json(<STDIN>); my $m = $j->{measurements};
    exit !($j->{state} eq "CRITICAL" && $m->{disk}{state} eq "CRITICAL" && $m->{lag}{value} == 900)' <"$D/out"
ok $? "JSON has the same, and the disk"
head -c 20000 /dev/urandom >"$D/state/state.db"
rm -f "$D/state/state.db-wal" "$D/state/state.db-shm"
run 3 "a damaged state is UNKNOWN"
done_testing
