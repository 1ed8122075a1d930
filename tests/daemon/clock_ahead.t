#!/bin/sh
# clock_ahead.t - our own clock is days or years ahead for a while, and lines come stamped so. When it is set right, all
# that was counted before is there, true lines count, and state and RRDs are those of a run whose clock was right
# all the time, but for too_late; also over restarts and kill -9. A host whose clock is ahead harms no other, and a
# jump that is true (the machine was off) is believed after three days.
set -u
: "${BUILD:=build}"
# shellcheck source=tests/daemon/daemon_test.sh
. tests/daemon/daemon_test.sh
case $BUILD in *san*) skip_all "clock_ahead: a preloaded library and the sanitizers do not go together" ;; esac
needs clock_ahead sqlite3 perl
preload clock tests/daemon/clock_preload.c
with="env LD_PRELOAD=$D/clock.so CLOCK_FILE=$D/ahead"

T=1800003600 # 2027-01-15 09:00 UTC
DAY=86400
# clock TIME: it is that now
clock() {
    perl -e 'open my $f, -e $ARGV[1] ? "+<" : ">", $ARGV[1] or die; print $f pack("q", $ARGV[0] - time)' \
        "$1" "$D/ahead"
}
sql() { sqlite3 "$D/state/state.db" "$1"; }

# line HOST TIME TEXT; connect HOST TIME...
line() { echo "$(date -u -d "@$2" +%Y-%m-%dT%H:%M:%S+00:00) $1 $3"; }
connect() {
    c_host=$1
    shift
    for c_time; do
        line "$c_host" "$c_time" "postfix/smtpd[$((c_time % 30000))]: connect from unknown[192.0.2.1]"
    done
}
comes() { # HOST ID TIME: a mail to one recipient
    line "$1" "$3" "postfix/smtpd[7]: $2: client=unknown[192.0.2.7]"
    line "$1" "$3" "postfix/qmgr[8]: $2: from=<a@example.net>, size=900, nrcpt=1 (queue active)"
}
goes() { # HOST ID TIME
    line "$1" "$3" "postfix/smtp[9]: $2: to=<u@example.org>, relay=mx.example.org[198.51.100.9]:25, delay=5, delays=1/0/1/3, dsn=2.0.0, status=sent (250 2.0.0 Ok)"
    line "$1" "$3" "postfix/qmgr[8]: $2: removed"
}
# says: the lines of stdin, into the log; until they are committed
says() {
    cat >>"$D/log"
    wait_for is_committed
}
is_committed() { [ "$(sql "SELECT max(offset) FROM source")" = "$(wc -c <"$D/log")" ]; }
# is_tidied TIME: the commit that comes once a minute is behind all that was read, and nothing is of a day after that
is_tidied() { [ "$(sql "SELECT (SELECT count(*) FROM top_log) + (SELECT count(*) FROM cell WHERE at / 65536 * 60 > $1 + 86400 + 3600)")" = 0 ]; }

printf 'state = "%s/state"\ntemplates = "%s/rrd-templates"\nrrd_interval = 10s\nsource "a" {\n files = { "%s/log" }\n timezone = "UTC"\n}\n' \
    "$D" "$PWD" "$D" >"$D/conf"
reject() { # HOST TIME
    line "$1" "$2" "postfix/smtpd[3]: NOQUEUE: reject: RCPT from unknown[192.0.2.1]: 550 5.1.1 <u@example.org>: Recipient address rejected: User unknown in local recipient table; from=<a@example.net> to=<u@example.org> proto=ESMTP helo=<h.example.net>"
}

# --- what all begin with: twelve days, so that the oldest are in the RRDs' long rows alone -------------------
: >"$D/log"
day=$((T - 12 * DAY))
clock $day
start
saw $? "the daemon starts"
while [ $day -lt $T ]; do
    clock $day
    { connect mx1 $day; reject mx1 $((day + 1)); reject mx2 $((day + 2)); } | says
    day=$((day + DAY))
done
clock $T
{ comes mx1 4A1B2C3D01 $((T - 60)); comes mx1 4A1B2C3D02 $((T - 50)); goes mx1 4A1B2C3D02 $((T - 40)); reject mx2 $T; } | says
saw $? "twelve days of lines"
stop TERM
is "$(sql "SELECT value FROM run WHERE key='clock_jumped'")" 0 "a clock that goes its way is sure"
cp -R "$D/state" "$D/base"
cp "$D/log" "$D/base.log"

# begin: from there
begin() {
    rm -rf "$D/state"
    cp -R "$D/base" "$D/state"
    cp "$D/base.log" "$D/log"
    clock $T
    start
}
# true_lines TIME: of all hosts, of around then
true_lines() { connect mx1 $(($1 + 1)); reject mx1 $(($1 + 2)); reject mx2 $(($1 + 3)); connect mx1 $(($1 + 60)); }
# ends: what comes when all is well, with the clock right since T + 2 h. A line of another host has that commit
# to itself, in which the lines that are taken back are counted.
back=$((T + 7200))
ends() {
    clock $back
    connect mx9 $back | says
    clock $((T + 4 * 3600))
    { true_lines $((T + 4 * 3600 - 100)); goes mx1 4A1B2C3D01 $((T + 4 * 3600)); } | says
    clock $((T + 4 * 3600 + 300))
    connect mx1 $((T + 4 * 3600 + 300)) | says
    [ -z "${wait_drawn:-}" ] || wait_for drawn $((T + 4 * 3600))
    stop TERM
}
# figures: cells, hours, tables and mails, but for those of the commit above
figures() { # [MINUTE: nor that one, and its hour]
    sql "SELECT 'host', name, newest FROM host ORDER BY name;
        SELECT 'cell', at, hex(pairs) FROM cell WHERE at / 65536 NOT IN ($back / 60, ${1:-0}) ORDER BY at;
        SELECT 'hour', at, hex(pairs) FROM hour WHERE at / 65536 NOT IN ($back / 3600, ${1:-0} / 60) ORDER BY at;
        SELECT 'top', host, hour, kind, hex(list) FROM top WHERE host >= 0 ORDER BY 2, 3, 4;
        SELECT 'account', at, hex(accounts), hex(networks) FROM account ORDER BY 2;
        SELECT 'unaccounted', * FROM unaccounted ORDER BY 2, 3; SELECT 'waiting', * FROM waiting ORDER BY 2, 3;
        SELECT 'source', newest FROM source;"
    "$BUILD/bench/mails" "$D/state" | sort
}
pictures() {
    (cd "$D/state/rrd" && find . -name '*.rrd*' ! -name collector.rrd | sort | while read -r f; do
        echo "$f"
        rrdtool dump "$f" | sed '/cur_row/d'
    done)
}
# same NAME [MINUTE]: as the run that nobody disturbed
same() {
    figures "${2:-}" >"$D/is"
    diff "$D/want${2:+.but}" "$D/is" >"$D/diff"
    ok $? "$1: all figures are those of an undisturbed run"
    sed 's/^/# /' "$D/diff" | cut -c 1-150 | head -n 12
    if command -v rrdtool >/dev/null 2>&1; then
        pictures >"$D/is"
        diff "$D/want.rrd" "$D/is" >"$D/diff"
        ok $? "$1: and so are the RRDs"
        sed 's/^/# /' "$D/diff" | head -n 12
    else
        ok 0 "$1: the RRDs # SKIP there is no rrdtool"
    fi
}
check() {
    LD_PRELOAD=$D/clock.so CLOCK_FILE=$D/ahead "$BUILD/plugins/check_mxgauge" --state "$D/state" "$@" >"$D/check"
}

begin
clock $((T + 600))
true_lines $((T + 600)) | grep mx2 | says
ends
figures >"$D/want"
said=$(((T - 40) / 60)) # of the newest line of mx1 before
figures $said >"$D/want.but"
command -v rrdtool >/dev/null 2>&1 && pictures >"$D/want.rrd"
is "$(count too_late)" 0 "nobody disturbs: nothing is too late"

# ahead SECONDS: our clock and that of mx1 are, for some minutes; of a mail of before comes the end, another begins
ahead() {
    a=$((T + $1))
    clock $a
    { connect mx1 $a; goes mx1 4A1B2C3D01 $((a + 1)); } | says
    for m in 61 122; do
        clock $((a + m))
        { reject mx1 $((a + m)); comes mx1 4A1B2C3E$m $((a + m)); true_lines $((T + 600)) | grep mx2 | head -n 1; } |
            if [ $m = 61 ]; then cat; else grep -v mx2; fi | says
    done
}
# drawn TIME: the RRDs have rows of then, and before a day later
drawn() {
    command -v rrdtool >/dev/null 2>&1 || return 0
    d_last=$(rrdtool last "$D/state/rrd/mx1/collector.rrd")
    [ "$d_last" -ge "$1" ] && [ "$d_last" -lt $(($1 + DAY)) ]
}
old() { sql "SELECT min(at / 65536) * 60 FROM cell WHERE (at & 65535) = (SELECT id FROM host WHERE name = 'mx1')"; }

for days in 3 1095; do
    begin
    oldest=$(old)
    ahead $((days * DAY))
    is "$(old)" "$oldest" "$days days ahead: nothing is dropped"
    grep -q 'our own clock jumped ahead: from 2027-01-15 09:' "$D/out"
    saw $? "$days days ahead: it is told"
    check -w silence=~: -c silence=~:
    is "$? $(grep -c "clocks wrong: this machine's jumped [0-9]* s ahead" "$D/check")" "2 1" "$days days ahead: and rings"
    "$mxgauge" status --state "$D/state" | grep -q '^  own clock     jumped from 2027-01-15 '
    ok $? "$days days ahead: the status has it"
    wait_for drawn $((T + days * DAY))
    saw $? "$days days ahead: the RRDs are drawn"
    wait_drawn=yes
    ends
    wait_drawn=
    grep -q 'our own clock was ahead and is set back' "$D/out"
    saw $? "$days days ahead: set back is told, too"
    is "$(count too_late)" 9 "$days days ahead: what came is too late"
    same "$days days ahead"
    clock $((T + 4 * 3600 + 310))
    check --window 8h
    is "$(grep -c 'clocks wrong' "$D/check") $(grep -c 'too_late is 9\|too_late=9' "$D/check")" "0 1" \
        "$days days ahead: the check has no word of clocks any more, but of these lines"
done

# Over restarts: the RRDs are drawn at each end.
begin
ahead $((1095 * DAY))
stop TERM
clock $((T + 1095 * DAY + 600))
launch
connect mx1 $((T + 1095 * DAY + 600)) | says
stop TERM
clock $back
launch
ends
same "restarts, ahead and after"

begin
ahead $((1095 * DAY))
stop KILL
launch
connect mx1 $((T + 1095 * DAY + 600)) | says
stop KILL
clock $back
launch
wait_for is_tidied "$T"
stop KILL
launch
ends
same "kill -9, ahead and after"

# One host is ahead, ours is right: none of its lines counts, and no other feels it.
begin
clock $((T + 600))
true_lines $((T + 600)) | grep mx2 | says
connect mx1 $((T + 1095 * DAY)) $((T + 1095 * DAY + 61)) | says
ends
is "$(count too_late)" 2 "a host that is ahead: its lines do not count"
grep -q 'jumped ahead' "$D/out"
is $? 1 "and our clock is none the wiser"
same "a host that is ahead" $said

# A clock that says less than it did is the one that is wrong: an empty battery.
begin
clock $((T + 600))
true_lines $((T + 600)) | grep mx2 | says
clock 946684800
connect mx1 946684800 | says
stop TERM
launch
connect mx1 946684801 | says
ends
is "$(count too_late)" 2 "a clock of the year 2000: its lines do not count"
same "a clock of the year 2000" $said

# It was a day ahead, for a day: of lines, all that are later than now are taken back, but none that come then.
begin
for hour in 27 40 54; do
    clock $((T + hour * 3600))
    connect mx1 $((T + hour * 3600)) | says
done
clock $((T + 26 * 3600 + 1800))
connect mx2 $((T + 27 * 3600 + 60)) | says # its clock is half an hour ahead
wait_for is_tidied $((T + DAY))
stop TERM
is "$(sql "SELECT group_concat(at / 65536 * 60 - $T) FROM cell WHERE at / 65536 > ($T + 26 * 3600 + 1800) / 60")" \
    $((27 * 3600 + 60)) "a line that comes when the clock was just set back counts, though it is later"

# A clock that was wrong for longer than three days: lines of now are refused, and it rings.
begin
for day in 0 1 2 3; do
    clock $((T + 1095 * DAY + day * (DAY + 60)))
    connect mx1 $((T + 1095 * DAY + day * (DAY + 60))) | says
done
clock $back
connect mx1 $back | says
is_refused() { is_count too_late 1; }
wait_for is_refused
saw $? "wrong for longer than three days: lines are refused"
check -w silence=~: -c silence=~:
is "$? $(grep -c 'clocks wrong: mx1 948[0-9]* s ahead' "$D/check") $(grep -c 'that of this machine was, for days' "$D/check")" \
    "2 1 1" "and the check says what to do"
stop TERM

# The machine was off for a month.
begin
stop TERM
oldest=$(old)
month=$((T + 30 * DAY))
clock $month
launch
connect mx1 $month | says
clock $((month + 61))
connect mx1 $((month + 61)) | says
wait_for is_tidied "$month"
is "$(old) $(sql "SELECT count(*) FROM cell WHERE at / 65536 = $month / 60")" "$oldest 1" \
    "a month later: lines count, and what is old is there yet"
check -w silence=~: -c silence=~:
is "$(grep -c 'clocks wrong' "$D/check")" 0 "and nothing rings for it"
for day in 1 2 3 4; do
    clock $((month + day * DAY))
    connect mx1 $((month + day * DAY)) | says
done
clock $((month + 4 * DAY + 61))
connect mx1 $((month + 4 * DAY + 61)) | says
is_dropped() { [ "$(old)" -ge $((month - 8 * DAY)) ]; }
wait_for is_dropped
saw $? "three days later what is old is dropped"
stop TERM
is "$(find "$D/state/rrd" -name '*.before' | wc -l | tr -d ' ')" 0 "and no copies of RRDs are left"
done_testing
