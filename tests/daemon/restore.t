#!/bin/sh
# restore.t - a backup that is put in place of state.db is the state from then on, and what came after
# it is read again: after mxgauged ended, after it was killed, and while it runs. What the state before
# left beside it (state.db-wal) is played into nothing.
set -u
# shellcheck source=tests/daemon/daemon_test.sh
. tests/daemon/daemon_test.sh
lines=6000
"$BUILD/bench/genday" -i -d 2026-11-05 $lines 5 "$D/day" >/dev/null || { echo "Bail out! no day"; exit 1; }
lines=$(wc -l <"$D/day")
part=$((lines / 5))
mkdir "$D/calm"
printf 'state = "%s/state"\ntemplates = "%s/rrd-templates"\nsource a { files = "%s/log" }\n' \
    "$D" "$PWD" "$D" >"$D/conf"

report() { "$mxgauge" report --json --state "$1" --from 2026-11-05 --to 2026-11-06; }

# calm N: the report of the first N lines, read by nobody who was disturbed, in $D/want
calm() {
    rm -r "$D/calm"
    head -n "$1" "$D/day" >"$D/part"
    "$mxgauge" import --state "$D/calm" --no-rrd "$D/part" >"$D/import" 2>&1 && report "$D/calm" >"$D/want"
}

# more: the next lines of the day
more() {
    head -n $(($(wc -l <"$D/log") + part)) "$D/day" | tail -n $part >>"$D/log"
}

# exact TEXT: all of the log, once
exact() {
    wait_for is_read "$(wc -l <"$D/log")"
    calm "$(wc -l <"$D/log")"
    report "$D/state" >"$D/got"
    cmp -s "$D/want" "$D/got"
    saw $? "$1: what came after the backup is read again, once"
    none "$1: the database is whole" "$(python3 -c '
import sqlite3, sys
for row in sqlite3.connect(sys.argv[1]).execute("PRAGMA integrity_check"):
    if row[0] != "ok": print(row[0])' "$D/state/state.db" 2>&1)"
}

# lost TEXT: it ends, and says why
lost() {
    wait_for sh -c "! kill -0 $pid"
    wait "$pid"
    is "$?" 1 "$1 while mxgauged runs: it ends with status 1"
    pid=
    grep -q "the state cannot be read: $D/state/state.db was taken away or replaced while it was open" "$D/out"
    saw $? "$1: and says why"
}

head -n $part "$D/day" >"$D/log"
start
wait_for is_read $part
saw $? "a fifth is read"
"$mxgauge" backup --state "$D/state" "$D/backup" >"$D/check" 2>&1
saw $? "backup: $(cat "$D/check")"
calm $part
cp "$D/want" "$D/then"
more
wait_for is_read $((part * 2))
saw $? "and another fifth after it"

stop KILL
[ -s "$D/state/state.db-wal" ]
saw $? "who is killed leaves a log of the database"
cp "$D/backup" "$D/state/state.db"
"$mxgauge" report --state "$D/state" >"$D/check" 2>&1
is "$(cat "$D/check")" "mxgauge: $D/state/state.db is a backup, and the file state.db-wal beside it is of the state before: start mxgauged, or remove state.db-wal and state.db-shm" \
    "nobody reads a backup and the log of another state as one"
start
exact "killed"

stop TERM
is "$(stat -c %s "$D/state/state.db-wal")" 0 "who is asked to end leaves that log empty"
mkdir "$D/alone"
cp "$D/state/state.db" "$D/alone/state.db"
report "$D/alone" >"$D/got"
cmp -s "$D/want" "$D/got"
saw $? "so that a copy of state.db alone is all of it"
cp "$D/backup" "$D/state/state.db"
report "$D/state" >"$D/got"
cmp -s "$D/then" "$D/got"
saw $? "a backup in its place is the state of then"
start
exact "ended"

cp "$D/backup" "$D/other"
mv "$D/other" "$D/state/state.db"
more
lost "moved into its place"
start
exact "moved into its place"

cp "$D/backup" "$D/state/state.db"
more
lost "written over it"
start
exact "written over it"

rm "$D/state/state.db"
more
lost "taken away"
start
exact "taken away"
stop TERM
saw "$status" "and ends well"
done_testing
