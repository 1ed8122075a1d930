#!/bin/sh
# queues.t - the queues of the machine as mxgauged's sensor counts them: exact figures, each minute
# once, unknown and never empty where they cannot be read, by a process that alone has the right.
set -u
: "${BUILD:=build}"
# shellcheck source=tests/daemon/daemon_test.sh
. tests/daemon/daemon_test.sh
case $BUILD in *san*) skip_all "queues: a preloaded library and the sanitizers do not go together" ;; esac
needs queues perl sqlite3 rrdtool
cat tests/daemon/clock_preload.c - >"$D/preload.c" <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <dirent.h>
#include <sys/stat.h>
/* A folder that makes its reader crash, once CRASH_FILE is there. */
DIR *
fdopendir(int fd)
{
	DIR *(*real)(int) = (DIR *(*)(int))dlsym(RTLD_NEXT, "fdopendir");
	struct stat st;

	if (stat(getenv("CRASH_FILE"), &st) == 0)
		abort();
	return real(fd);
}
END
sed -i '1i #define _GNU_SOURCE' "$D/preload.c"
preload preload -w "$D/preload.c"
# clock TIME: it is that now
clock() {
    perl -e 'open my $f, -e $ARGV[1] ? "+<" : ">", $ARGV[1] or die; print $f pack("q", $ARGV[0] - time)' \
        "$1" "$D/ahead"
}
with="env LD_PRELOAD=$D/preload.so CLOCK_FILE=$D/ahead CRASH_FILE=$D/crash"
host=$(uname -n | cut -d . -f 1)

# of ARGS...: what check_mail_queue says; its status in $rc
of() {
    $with "$BUILD/plugins/check_mail_queue" "$@" >"$D/check" 2>&1
    rc=$?
}
perf() { sed -n "1s/.*[ |]$1=\\([0-9.U-]*\\).*/\\1/p" "$D/check"; }
sampled() { [ "$(sqlite3 "$D/state/state.db" "SELECT count(*) FROM cell")" = "$1" ]; }
said() { grep -q "$1" "$D/out"; }
status_says() { $with "$mxgauge" status --state "$D/state" >"$D/status" 2>&1; grep -q "$1" "$D/status"; }
judge() { # CHECK WANT PATTERN TEXT
    $with "$BUILD/plugins/check_mxgauge" --state "$D/state" -w silence=~: -w unknown=~: -w disk=0: -c disk=0: \
        -w disk_left=0: -c disk_left=0: >"$D/check" 2>&1
    [ $? = "$1" ] && grep -q "$2" "$D/check"
    r=$?
    ok $r "$3"
    [ $r = 0 ] || sed 's/^/# /' "$D/check"
}

# 1,000 messages: 50 active, 100 held, 850 deferred; the oldest that is not held came at noon - 998
noon=1795176000
"$BUILD/bench/genqueue" postfix "$D/spool" 1000
"$BUILD/bench/genqueue" exim "$D/exim" 300
line() { # TIME HOST: a line of a log
    echo "$(date -u -d "@$1" +%Y-%m-%dT%H:%M:%S)Z $2 postfix/smtpd[1]: connect from unknown[192.0.2.1]" >>"$D/log"
}
conf() { # QUEUES
    printf 'state = "%s/state"\ntemplates = "%s/rrd-templates"\nrrd_interval = 10s\nqueues = { %s }\nqueue_ask = no\n%s\nsource "a" {\n files = { "%s/log" }\n}\n' \
        "$D" "$PWD" "$1" "${2:-}" "$D" >"$D/conf"
}
conf "\"postfix:$D/spool\", \"exim:$D/exim\""

t=$((noon + 4000 - (noon + 4000) % 60 + 10))
clock $t
: >"$D/log"
start
line $t "$host"
wait_for is_count q_samples 1
saw $? "the first sample comes at once"
of --from-state --state "$D/state"
# of Exim's 300: 15 new, 30 frozen, 255 deferred
is "$rc $(perf total) $(perf active) $(perf deferred) $(perf hold) $(perf incoming)" \
    "0 1300 50 1105 130 15" "both queues' figures, by the check that reads neither"
age=$(($(perf oldest) - (t - noon + 998)))
[ $age -ge 0 ] && [ $age -le 60 ]
ok $? "and the age of the oldest ($age s after the clock was set)"
is "$(count q_age_samples) $(count q_size_samples)" "1 1" "ages and sizes are known"
both=$(perf bytes)
of --mta postfix --spool "$D/spool" --no-growth
one=$(perf bytes)
of --mta exim --spool "$D/exim" --no-growth
[ "$both" -gt 0 ] && [ $((both - one - $(perf bytes))) -le 2 ]
ok $? "and so are their sizes"
of --from-state --state "$D/state" -w deferred=1000 -c oldest=4h
is "$rc" 1 "thresholds hold"
of --from-state --state "$D/state" -w frozen=10
is "$rc" 3 "what the sensor does not tell is UNKNOWN where it is to be judged"
of --from-state --state "$D/state" -H nobody
is "$rc" 3 "and so is a host without a sensor"

find "$D/spool/deferred" -type f | sort | head -n 60 | xargs rm
clock $((t + 60))
wait_for is_count q_samples 2
saw $? "a minute later once more"
of --from-state --state "$D/state"
is "$(perf total) $(perf growth)" "1240 -60" "60 fewer"
of --from-state --state "$D/state" --at @$((t + 5))
is "$(perf total)" 1300 "and what there was before"
status_says "queues .*counted .* ago: Postfix in $D/spool, Exim in $D/exim"
saw $? "status names them"
judge 0 " queues=" "check_mxgauge knows it"

"$mxgauge" report --state "$D/state" --json >"$D/report"
grep -q '"queues":{"'"$host"'":{"q_active":{"mean":50.000,"most":50},"q_deferred":{"mean":1075.000,"most":1105},' "$D/report"
ok $? "the report has their mean and the most"
mv "$D/spool" "$D/away"
clock $((t + 120))
wait_for said "cannot be counted, and are unknown: cannot list $D/spool/deferred: No such file"
saw $? "a queue that cannot be read is told, with its reason"
clock $((t + 300))
failing() { status_says "queues .*not counted since .* ago: cannot list"; }
wait_for failing
saw $? "status says since when, and why"
of --from-state --state "$D/state" --stale 1m
is "$rc $(grep -c "last counted [345][.0-9]* min ago, at .*cannot list" "$D/check")" "3 1" "stale figures are UNKNOWN, with their age and why"
clock $((t + 700))
judge 2 "queues not counted for 1[01] min: cannot list" "and check_mxgauge tells of it"
silence=$(perf silence)
[ "${silence%s}" -ge 700 ]
ok $? "what is counted of queues does not hide that the log stands still (${silence}s)"
mv "$D/away" "$D/spool"
clock $((t + 760))
wait_for is_count q_samples 3 && said "over: .the mail queues"
saw $? "it is there again, and the minutes between have no sample"
elder=$(pgrep -P "$pid" | head -n 1)
keeper=$(pgrep -P "$elder")
kill -KILL "$keeper"
recovered() { [ "$(grep -c "over: .the mail queues" "$D/out")" = 2 ]; }
status_is() { status_says "queues .*counted .* ago"; }
wait_for recovered && wait_for status_is
saw $? "a sensor that was killed is started again"
is "$(grep -c 'the process that counts them was ended by signal 9' "$D/out")" 1 "which is said once"
next=$(pgrep -P "$elder")
[ -n "$next" ] && [ "$next" != "$keeper" ]
ok $? "it is another"
kill -KILL "$elder"
heir() { pgrep -P "$next" >/dev/null; }
wait_for heir
saw $? "who started it is killed, too: it takes that place"
clock $((t + 820))
wait_for is_count q_samples 4
saw $? "and the queues are counted as ever"
: >"$D/crash"
clock $((t + 880))
wait_for said "their reader was ended by signal 6"
saw $? "a reader that crashes is unknown, too"
is "$(count q_samples)" 4 "it left no sample"
kill -STOP "$next"
kill -KILL "$(pgrep -P "$next")" "$next"
wait_for said "the process that counts the mail queues has ended"
saw $? "where both end at once, that is an error"
line $((t + 880)) mx1
wait_for is_read 2
saw $? "and all else goes on"
conf "\"exim:$D/exim\""
kill -HUP "$pid"
wait_for said "this setting needs a restart: queues"
saw $? "other queues need a restart"
stop TERM
is $status 0 "it ends as ever"
minute() { # TIME COLUMN
    rrdtool fetch "$D/state/rrd/$host/queue.rrd" AVERAGE --start $(($1 - $1 % 60)) --end $(($1 - $1 % 60)) |
        awk -v at=$(($1 - $1 % 60 + 60)) -v c="$2" '$1 == at ":" { v = $c; print v ~ /nan/ ? "unknown" : v + 0 }'
}
is "$(minute $t 3) $(minute $((t + 60)) 3) $(minute $((t + 120)) 3) $(minute $((t + 300)) 3)" \
    "1105 1045 unknown unknown" "the RRD has each minute, and unknown where nothing was known"
is "$(find "$D/state/rrd" -name flow.rrd | wc -l) $(find "$D/state/rrd/$host" "$D/state/rrd/_farm" -name queue.rrd | wc -l) $(find "$D/state/rrd" -name queue.rrd | wc -l)" "3 2 2" \
    "hosts without a sensor have no RRD of queues"

# --- rights ----------------------------------------------------------------------------------
if [ "$(id -u)" != 0 ] || ! command -v setpriv >/dev/null; then
    echo "ok $((tap_n += 1)) # SKIP rights: needs root and setpriv"
    done_testing
    exit
fi
rm -rf "$D/state" "$D/crash"
chmod 755 "$D"
caps() { sed -n 's/^Cap\(Prm\|Eff\|Amb\):.0*\([0-9a-f]*\)$/\1=\2/p' "/proc/$1/status" | tr '\n' ' '; }
chmod 700 "$D/spool"/*
conf "\"postfix:$D/spool\"" "user = nobody"
start
wait_for is_count q_samples 1
saw $? "started by root with user set: the sensor reads what the account may not"
is "$(caps "$pid") / $(caps "$(pgrep -P "$pid")")" "Prm= Eff= Amb=  / Prm=4 Eff=4 Amb= " "and it alone has the right"
is "$(ps -o user= -p "$(pgrep -P "$pid")")" nobody "as the same account"
sensor=$(pgrep -P "$pid")
stop KILL
ended() { ! kill -0 "$sensor" 2>/dev/null; }
wait_for ended
saw $? "and it ends with the daemon, however that did"
rm -rf "$D/state"
mkdir "$D/state" && chown nobody "$D/state"
conf "\"postfix:$D/spool\""
plain=$with
with="$plain setpriv --reuid=nobody --regid=nogroup --clear-groups --inh-caps=+dac_read_search --ambient-caps=+dac_read_search"
start
wait_for is_count q_samples 1
saw $? "as the unit starts it, with the capability"
is "$(caps "$pid") / $(caps "$(pgrep -P "$pid")")" "Prm= Eff= Amb=  / Prm=4 Eff=4 Amb= " "which the daemon gave up"
stop TERM
rm -rf "$D/state"
mkdir "$D/state" && chown nobody "$D/state"
with="$plain setpriv --reuid=nobody --regid=nogroup --clear-groups --inh-caps=-all --ambient-caps=-all --bounding-set=-all"
start
wait_for said "Permission denied; its folders are 0700: give"
saw $? "without it the right is named that is missing"
stop TERM
done_testing
