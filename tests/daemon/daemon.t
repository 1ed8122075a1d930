#!/bin/sh
# daemon.t - mxgauged follows logs through rotations, accidents and reloads, and the
# counts stay exact. Each line refuses one recipient, so the count of refusals is
# the number of lines; each line is written once, so none may be counted twice.
set -u
# shellcheck source=tests/daemon/daemon_test.sh
. tests/daemon/daemon_test.sh

# lines N: the next N lines, each different, of the last minutes
next=0
lines() {
    refusals mx1 "$next" "$1"
}
add() { # N FILE
    lines "$1" >>"$2"
    next=$((next + $1))
}

conf() { # SETTINGS: one source, and those
    printf 'state = "%s/state"\ntemplates = "%s/rrd-templates"\n%s\nsource "a" { files = { "%s/log" } }\n' \
        "$D" "$PWD" "$1" "$D" >"$D/conf"
}

conf ''
start || { cat "$D/out"; echo "Bail out! mxgauged does not start"; exit 1; }
ok 0 "starts when the log does not exist yet"
add 100 "$D/log"
counts 100 "a log that appears is read"
add 5 "$D/log"
counts 105 "what is appended is read"

"$BUILD/bin/mxgauged" --foreground --config "$D/conf" >"$D/second" 2>&1
saw $(($? != 1)) "a second one on the same state is refused"
grep -q "cannot start: .*$pid" "$D/second"
saw $? "and is told which process has it"

lines 1 | tr -d '\n' >>"$D/log"
add 0 "$D/log"
next=$((next + 1))
kill -USR1 "$pid"
wait_for grep -q "so far: 105 lines" "$D/out"
saw $? "an unfinished line is left alone"
echo >>"$D/log"
counts 106 "until its newline comes"

mv "$D/log" "$D/log.1"
add 10 "$D/log.1"
add 20 "$D/log"
counts 136 "rotation by rename: the old file's end and the new file"

cp "$D/log" "$D/log.2"
: >"$D/log"
add 30 "$D/log"
counts 166 "rotation by copying and truncating"

add 3000 "$D/log"
stop KILL
add 50 "$D/log"
start
counts 3216 "kill -9 in the middle: nothing lost, nothing twice"

stop TERM
saw "$status" "SIGTERM: status 0"
grep -q 'stopped: ' "$D/out"
saw $? "and it says so"
is_count rej 3216
saw $? "all is committed then"

add 7 "$D/log"
rm -f "$D/log.1" "$D/log.2"
mv "$D/log" "$D/log.1"
gzip "$D/log.1"
add 8 "$D/log"
start
counts 3231 "a rotation missed while it was down, compressed meanwhile"

conf 'commit_intervall = 2s'
kill -HUP "$pid"
wait_for grep -q "conf:3: there is no setting commit_intervall; did you mean commit_interval?" "$D/out"
saw $? "SIGHUP with a fault: it is named"
wait_for grep -q 'configuration stays as it was' "$D/out"
saw $? "and the old configuration stays"
add 4 "$D/log"
counts 3235 "and reading goes on"

conf "host_alias = { \"old.example.org=mx1.example.org\" }
source b { files = { \"$D/other*.log\" } }"
add 6 "$D/new"
sed 's/ mx1 / old.example.org /' "$D/new" >"$D/other1.log"
kill -HUP "$pid"
wait_for grep -q 'reloaded' "$D/out"
saw $? "SIGHUP with a good configuration"
counts 3241 "and its new source is read, the old one not again"
"$BUILD/bin/mxgauge" report --state "$D/state" --json | grep -q '"hosts":{"mx1":{[^{]*}}}'
saw $? "host_alias: it is the same host"
add 5 "$D/other2.log"
add 5 "$D/log"
counts 3251 "a file that fits a pattern later, too"
stop INT
saw "$status" "SIGINT: status 0"

# A full disk: here a file size limit, which needs no rights; the same to a writer.
if command -v prlimit >/dev/null 2>&1; then
    start
    prlimit --pid "$pid" --fsize=4096:unlimited
    add 500 "$D/log"
    wait_for grep -q 'cannot store what was read' "$D/out"
    saw $? "no space: it is said"
    is_count rej 3251
    saw $? "and nothing half is stored"
    prlimit --pid "$pid" --fsize=unlimited:unlimited
    counts 3751 "with space again the figures are exact"
    wait_for grep -q 'over: "cannot store' "$D/out"
    saw $? "and that is said, too"
    [ "$(grep -c 'cannot store' "$D/out")" -eq 2 ]
    saw $? "once each"
    stop TERM
else
    ok 0 "full disk # SKIP there is no prlimit"
fi

# A log rotates, and the new file begins with the repeat of what the old one ended with.
repeats() { # N: lines after the last
    echo "$(date -u '+%b %e %H:%M:%S') mx1 last message repeated $1 times"
}
mkdir "$D/repeat"
printf 'state = "%s/repeat/state"\ntemplates = "%s/rrd-templates"\nsource "a" {\n files = { "%s/repeat/log" }\n timezone = "UTC"\n}\n' \
    "$D" "$PWD" "$D" >"$D/repeat.conf"
repeat_is() { [ "$(count rej "$D/repeat/state")" = "$1" ]; }
add 1 "$D/repeat/log"
launch repeat.conf
wait_for repeat_is 1
mv "$D/repeat/log" "$D/repeat/log.1"
repeats 5 >"$D/repeat/log"
wait_for repeat_is 6
saw $? "a rotation before a repeat: $(count rej "$D/repeat/state") of 6"
cp "$D/repeat/log" "$D/repeat/log.2"
repeats 3 >"$D/repeat/log"
wait_for repeat_is 9
saw $? "copytruncate before a repeat: $(count rej "$D/repeat/state") of 9"
stop TERM
mv "$D/repeat/log" "$D/repeat/log.3"
repeats 2 >"$D/repeat/log"
launch repeat.conf
wait_for repeat_is 11
saw $? "and a rotation while it was down: $(count rej "$D/repeat/state") of 11"
stop TERM

# Rotations that were missed, by the names that logrotate's dateformat gives.
want=11
for mark in -20261109-1795208012 -20261110101112 _20261111 -20261112-10; do
    add 5 "$D/repeat/log"
    mv "$D/repeat/log" "$D/repeat/log$mark"
    add 1 "$D/repeat/log"
    want=$((want + 6))
done
gzip "$D/repeat/log-20261110101112"
launch repeat.conf
wait_for repeat_is $want
saw $? "dateformat: $(count rej "$D/repeat/state") of $want"
stop TERM

# Killed before the first commit of its life, and the log rotates before the next.
mkdir "$D/early"
printf 'state = "%s/early/state"\ntemplates = "%s/rrd-templates"\ncommit_interval = 60s\nsource "a" { files = { "%s/early/log" } }\n' \
    "$D" "$PWD" "$D" >"$D/early.conf"
add 50 "$D/early/log"
: >"$D/out"
launch early.conf
wait_for grep -q started "$D/out"
stop KILL
gzip "$D/early/log" && mv "$D/early/log.gz" "$D/early/log.1.gz"
add 20 "$D/early/log"
sed -i '/^commit/d' "$D/early.conf"
launch early.conf
early_is() { [ "$(count rej "$D/early/state")" = "$1" ]; }
wait_for early_is 70
saw $? "what rotated away before the first commit is read: $(count rej "$D/early/state") of 70 lines"
stop TERM
is "$("$mxgauge" status --state "$D/early/state" | grep -A 2 "^  $D" | grep -o '7.*files')" \
    "70 lines so far from 2 files" "and each file is known once"

# More logs than are followed: whoever watches the watcher is told, not only who reads messages.
mkdir "$D/many"
refusals mx1 0 1030 | awk -v d="$D/many" '{ f = d "/" NR ".log"; print >f; close(f) }'
printf 'state = "%s/many/state"\ntemplates = "%s/rrd-templates"\nsource "a" { files = { "%s/many/*.log" } }\n' \
    "$D" "$PWD" "$D" >"$D/many.conf"
launch many.conf
wait_for is_read 1024 "$D/many/state"
saw $? "1,030 logs, and 1,024 are read"
limits() { "$BUILD/plugins/check_mxgauge" --state "$D/many/state" >"$D/check"; grep -q 'limits reached: logs' "$D/check"; }
wait_for limits
saw $? "check_mxgauge says that some are not: $(head -n 1 "$D/check")"
stop TERM

# A log that is there and cannot be read (here not even by root): the watcher's watcher rings, with the cause.
mkdir -p "$D/unread/mail.log"
printf 'state = "%s/unread/state"\ntemplates = "%s/rrd-templates"\nsource "a" { files = { "%s/unread/mail.log", "%s/unread/none.log", "%s/unread/other.log" } }\n' \
    "$D" "$PWD" "$D" "$D" "$D" >"$D/unread.conf"
refusals mx1 0 3 >"$D/unread/other.log"
unread() { "$BUILD/plugins/check_mxgauge" -w lag=0 -c lag=1h --state "$D/unread/state" >"$D/check"; grep -q "^MXGAUGE WARNING - a log is not read for .*$D/unread/mail.log: not a file (limit" "$D/check"; }
unread_or_line() { unread || { refusals mx1 $((u_n += 3)) 3 >>"$D/unread/other.log"; false; }; }
u_n=0
launch unread.conf
wait_for unread_or_line
saw $? "a log that cannot be read: $(cut -d "|" -f 1 "$D/check" | head -n 1)"
"$mxgauge" status --state "$D/unread/state" >"$D/check"
grep -q "^  not read  .*: $D/unread/mail.log: not a file\$" "$D/check"
saw $? "mxgauge status says so, too"
rmdir "$D/unread/mail.log"
refusals mx1 3000 3 >"$D/unread/mail.log"
is_well() { "$BUILD/plugins/check_mxgauge" -w lag=0 -c lag=1h --state "$D/unread/state" >"$D/check"; ! grep -qi "not read" "$D/check"; }
wait_for is_well
saw $? "and when it is over"
stop TERM

# Whoever wants the RRDs made anew may take the folder away; the daemon makes it again.
mkdir "$D/gone"
refusals mx1 0 50 >"$D/gone/log"
printf 'state = "%s/gone/state"\ntemplates = "%s/rrd-templates"\nsource "a" { files = { "%s/gone/log" } }\n' \
    "$D" "$PWD" "$D" >"$D/gone.conf"
launch gone.conf
drawn() { [ -f "$D/gone/state/rrd/mx1/flow.rrd" ] && is_read 50 "$D/gone/state"; }
wait_for drawn
saw $? "RRDs are drawn"
rm -r "$D/gone/state/rrd"
refusals mx1 50 5 >>"$D/gone/log"
wait_for is_read 55 "$D/gone/state"
stop TERM
drawn_again() { for f in conn flow reject; do [ -s "$D/gone/state/rrd/$1/$f.rrd" ] || return 1; done; }
drawn_again mx1 && drawn_again _farm
saw $? "and again, after the folder of all RRDs was taken away"

# In the background: the command returns when it runs, and who asks then finds it alive, though
# there is nothing yet that it could read.
mkdir "$D/idle"
printf 'state = "%s/idle/state"\ntemplates = "%s/rrd-templates"\nsource "a" { files = { "%s/idle/log" } }\n' \
    "$D" "$PWD" "$D" >"$D/conf"
"$mxgauge" check-config "$D/conf" >"$D/check"
grep -q ': good; 1 source; 1 file or pattern$' "$D/check"
ok $? "check-config counts what is read: $(head -n 1 "$D/check")"
"$BUILD/bin/mxgauged" --config "$D/conf" >"$D/out" 2>&1
saw $? "goes to the background"
"$BUILD/plugins/check_mxgauge" -w silence=~: --state "$D/idle/state" >"$D/check"
! grep -q 'never ran' "$D/check"
saw $? "a check finds it alive at once: $(cut -d '|' -f 1 "$D/check" | head -n 1)"
pid=$("$BUILD/bin/mxgauge" status --state "$D/idle/state" | sed -n 's/.*written by *process //p')
[ -n "$pid" ] && kill -0 "$pid"
saw $? "and runs there"
[ -n "$pid" ] && kill "$pid" && wait_for sh -c "! kill -0 $pid"
saw $? "until SIGTERM"
pid=

# Started by root it becomes the account that is named, for good.
if [ "$(id -u)" = 0 ] && id nobody >/dev/null 2>&1; then
    chmod 755 "$D" && chmod 644 "$D/log" && cp -R rrd-templates "$D/templates"
    printf 'state = "%s/own"\ntemplates = "%s/templates"\nuser = nobody\nsource a { files = "%s/log" }\n' \
        "$D" "$D" "$D" >"$D/conf"
    start
    [ "$(stat -c %U "/proc/$pid" "$D/own/state.db" 2>/dev/null | sort -u)" = nobody ]
    saw $? "becomes the account of the configuration"
    stop TERM
    saw "$status" "and ends well as that"
    refusals mx9 0 50 >"$D/secret"
    chmod 600 "$D/secret"
    rm -r "$D/own/rrd"
    # the leak sanitizer cannot look at a process that gave up its rights
    ASAN_OPTIONS=detect_leaks=0 "$mxgauge" import --state "$D/own" --templates "$D/templates" \
        "$D/secret" >"$D/check"
    saw $? "root imports what nobody else may read: $(cat "$D/check")"
    [ -f "$D/own/rrd/mx9/flow.rrd" ]
    saw $? "into the account's state, with RRDs"
    none "and all that is made there is the account's" "$(find "$D/own" ! -user nobody)"
    mkdir -m 700 "$D/shut"
    install -d -o nobody "$D/shut/state"
    "$mxgauge" import --state "$D/shut/state" --no-rrd "$D/log" >"$D/check" 2>&1
    saw $? "and as root where the owner cannot come: $(cat "$D/check")"
else
    ok 0 "account # SKIP not root"
fi

echo 'state = x' >"$D/conf"
"$BUILD/bin/mxgauged" --config "$D/conf" >"$D/out" 2>&1
saw $(($? != 2)) "a faulty configuration: status 2"
"$BUILD/bin/mxgauge" check-config "$D/conf" 2>&1 | grep -q 'conf:1: state = x: must be a path'
saw $? "check-config says the same"
done_testing
