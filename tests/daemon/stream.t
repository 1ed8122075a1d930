#!/bin/sh
# stream.t - `mxgauge import -` of a pipe that stays open: what it brought is in the report while
# it waits for more; a signal ends it with everything counted; killed, and given the same again,
# it counts nothing twice; and it works behind "tail -F".
set -u
# shellcheck source=tests/daemon/daemon_test.sh
. tests/daemon/daemon_test.sh
# a shell lets background processes ignore SIGINT
import="env --default-signal=INT $mxgauge import --state $D/state -"

# reads [FROM]: import from the pipe $D/pipe (or that file) in the background; the writing end
# is descriptor 7
reads() {
    rm -f "$D/pipe"
    mkfifo "$D/pipe"
    # opened both ways: neither end waits for the other
    exec 7<>"$D/pipe"
    $import <"$D/pipe" >"$D/out" 2>&1 7>&- &
    pid=$!
}

# ends SIGNAL STATUS WORD: by it, with that status and word
ends() {
    stop "$1"
    is "$status" "$2" "SIG$1 ends it with status $2"
    grep -q "$3" "$D/out"
    saw $? "and it says: $3"
    exec 7>&-
}

refusals mxa 1 100 >"$D/a"
refusals mxa 101 50 >"$D/b"
refusals mxa 151 30 >"$D/c"

reads
cat "$D/a" >&7
counts 100 "100 lines are counted while the pipe is open and idle"
cat "$D/b" >&7
printf '%s' "$(head -n 1 "$D/c" | cut -c 1-60)" >&7
counts 150 "the writer goes on, and 50 more are"
ends TERM 143 SIGTERM
grep -q '^150 lines' "$D/out"
saw $? "the half of a line that was there is not counted"

# flowing all the time: no end of the input, no pause
reads
(exec 7>&-; refusals mxb 1 100000000 >"$D/pipe") &
others=$!
more_than_before() { [ "$(count rej)" -gt 150 ]; }
wait_for more_than_before
saw $? "an input that never pauses is committed, too"
ends INT 130 interrupted
wait "$others" 2>/dev/null
others=

rm -rf "$D/state"
reads
cat "$D/a" "$D/b" >&7
counts 150 "what was read before is the same in another run"
ends TERM 143 SIGTERM
reads
cat "$D/c" >&7
counts 180 "30 lines of a third run"
ends HUP 129 SIGHUP

rm -rf "$D/state"
reads
cat "$D/a" "$D/b" >&7
counts 150 "a fresh state: 150"
cat "$D/c" >&7
stop KILL
exec 7>&-
cat "$D/a" "$D/b" "$D/c" | $import >"$D/out" 2>&1
is "$(count rej)" 180 "killed, and given all of it again: nothing is lost, nothing counted twice"
find "$D/state/rrd" -name '*.rrd' 2>/dev/null | grep -q mxa
saw $? "and its RRDs are there"

# compressed: waits inside of the decoder
rm -rf "$D/state"
reads
gzip -c "$D/a" >&7
counts 100 "a compressed stream that stays open"
ends TERM 143 SIGTERM

rm -rf "$D/state"
reads
wait_for test -s "$D/state/state.db"
ends TERM 143 SIGTERM
cat "$D/a" >"$D/log"
tail -n +1 -F "$D/log" 2>/dev/null >"$D/pipe" &
others=$!
$import <"$D/pipe" >"$D/out" 2>&1 &
pid=$!
counts 100 "behind tail -F"
mv "$D/log" "$D/log.1"
cat "$D/b" >"$D/log"
counts 150 "and over a rotation"
ends TERM 143 SIGTERM
done_testing
