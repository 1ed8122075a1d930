#!/bin/sh
# process.t - mxgauged as a process: what it may do, what it tells the service manager, who may
# write a state, and that reloads under traffic lose no line.
set -u
# shellcheck source=tests/daemon/daemon_test.sh
. tests/daemon/daemon_test.sh
# an address of loopback for this test alone, so that its ports are free
here=127.$((1 + $$ / 250 % 250)).$((1 + $$ % 250)).2

conf() { # SETTINGS
    printf 'state = "%s/state"\ntemplates = "%s/rrd-templates"\n%s\n' "$D" "$PWD" "$1" >"$D/conf"
}
kernel_says() { sed -n "s/^$1:[[:space:]]*//p" "/proc/$pid/status"; }

# --- what it may do ---------------------------------------------------------------------
conf "source \"a\" { files = { \"$D/log\" } }"
start || { cat "$D/out"; echo "Bail out! mxgauged does not start"; exit 1; }
if grep -q 'without its seccomp filter: this is a build with sanitizers' "$D/out"; then
    ok 0 "seccomp # SKIP a build with sanitizers runs without"
elif [ -r "/proc/$pid/status" ] && [ -n "$(kernel_says Seccomp)" ]; then
    is "$(kernel_says Seccomp)" 2 "a seccomp filter holds it"
    is "$(kernel_says NoNewPrivs)" 1 "and it can gain no rights"
    is "$(grep -c 'without its seccomp' "$D/out")" 0 "nothing is said of that"
else
    ok 0 "seccomp # SKIP the kernel does not say"
fi
[ "$(id -u)" != 0 ] || grep -q 'runs as root: user is not set' "$D/out"
saw $? "it says that it runs as root"

# --- one writer ------------------------------------------------------------------------
"$BUILD/bin/mxgauged" --foreground --config "$D/conf" >"$D/second" 2>&1
is $? 1 "a second one on the same state is refused"
grep -qE "cannot start: .*is in use by process $pid, since 2[0-9-]+ [0-9:]+" "$D/second"
r=$?
ok $r "it is told who has the state, and since when"
[ $r = 0 ] || sed 's/^/# /' "$D/second"
"$mxgauge" import --state "$D/state" /dev/null >"$D/second" 2>&1
saw $(($? == 0)) "an import into it is refused, too"
stop KILL
[ -s "$D/state/lock" ]
saw $? "SIGKILL leaves the file of the lock"
start
saw $? "and that does not hold up the next one"
refusals mx1 0 100 >>"$D/log"
counts 100 "which reads"
conf "confine = no
log_to = syslog
user = $(id -un)
source \"a\" { files = { \"$D/log\" } }"
kill -HUP "$pid"
wait_for grep -q 'reload: this setting needs a restart: confine = no' "$D/out"
saw $? "a reload does not take the filter off, and says so"
grep -q 'reload: this setting needs a restart: log_to = syslog' "$D/out"
saw $? "nor does it send messages elsewhere"
stop TERM
sed -i /^log_to/d "$D/conf"
start
grep -q 'without its seccomp filter: confine = no' "$D/out"
saw $? "a restart does, with a warning"
[ ! -r "/proc/$pid/status" ] || [ "$(kernel_says Seccomp)" != 2 ] || grep -q '^Seccomp:.*2' /proc/self/status
saw $? "and there is none then"
[ "$(grep -c 'runs as root' "$D/out")" = 0 ]
saw $? "an account that is named is meant so, root too"
stop TERM

# --- the service manager ------------------------------------------------------------------
# listen FOLDER: what it is told, behind how many folders of RRDs there were then
cat >"$D/listen.pl" <<'EOP'
use strict;
use Socket;
my ($path, $rrds) = @ARGV;
socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die $!;
bind($s, pack_sockaddr_un($path)) or die "$path: $!";
$| = 1;
print "listening\n";
while (defined recv($s, my $words, 4096, 0)) {
    my @there = glob("$rrds/*");
    print scalar(@there), " ", join(" ", split /\n/, $words), "\n";
}
EOP
perl "$D/listen.pl" "$D/notify" "$D/state/rrd" >"$D/told" &
others=$!
wait_for grep -q listening "$D/told"
rm -rf "$D/state"
for h in $(seq 24); do refusals mx$h 1000 12; done >"$D/log"
conf "rrd_interval = 10s
source \"a\" { files = { \"$D/log\" } }"
export NOTIFY_SOCKET="$D/notify" WATCHDOG_USEC=150000
start
wait_for grep -q 'READY=1' "$D/told"
saw $? "it tells the manager that it is ready"
wait_for grep -q 'WATCHDOG=1 STATUS=288 lines read since the start' "$D/told"
saw $? "and how far it is"
all=$((25 * $(find rrd-templates -name '*.conf' ! -name queue.conf ! -name dnsbl.conf | wc -l))) # those are for hosts with a sensor, or lists
drawn() { [ "$(find "$D/state/rrd" -name '*.rrd' | wc -l)" -ge "$all" ]; }
wait_for drawn
saw $? "the first RRDs are made"
n=$(grep -cE '^(1?[1-9]|10|2[0-4]) WATCHDOG=1' "$D/told")
[ "$n" -ge 3 ]
ok $? "and meanwhile it says that it lives"
echo "# $n times while 1 to 24 of 25 folders were there"
kill -HUP "$pid"
wait_for grep -qE 'RELOADING=1 MONOTONIC_USEC=[0-9]+$' "$D/told"
saw $? "a reload is told, with the time"
wait_for sh -c "sed '1,/RELOADING/d' '$D/told' | grep -q READY=1"
saw $? "and its end"
stop TERM
is "$status" 0 "it ends well"
wait_for grep -q STOPPING=1 "$D/told"
saw $? "and says before that it will"
if command -v sqlite3 >/dev/null 2>&1; then
    n=$(sqlite3 "$D/state/state.db" "SELECT (SELECT value FROM run WHERE key = 'rrd_written_at') -
        (SELECT value FROM run WHERE key = 'beat_at')")
    [ "$n" -ge -1 ] && [ "$n" -le 1 ]
    ok $? "that the last round was drawn is stored"
else
    ok 0 "the last round # SKIP there is no sqlite3"
fi
WATCHDOG_PID=1
export WATCHDOG_PID
: >"$D/told"
start
wait_for grep -q STATUS "$D/told"
! grep -q WATCHDOG "$D/told"
saw $? "a watchdog that waits for another process is not answered"
stop TERM
unset NOTIFY_SOCKET WATCHDOG_USEC WATCHDOG_PID

# --- reloads under traffic -----------------------------------------------------------------
# Each line refuses one recipient and is written once; logs and listeners come and go.
rm -rf "$D/state" "$D/log"*
first="source \"a\" { files = { \"$D/log\" } }
source \"n\" { listen = { \"relp:$here:2514\", \"tcp:$here:5514\" } }"
second="source \"a\" { files = { \"$D/log\", \"$D/log.other\" } }
source \"n\" { listen = { \"relp:$here:2514\", \"tcp:$here:5514\", \"udp:$here:5514\" } }
source \"p\" { listen = { \"tcp:$here:5515\" } }"
conf "$first"
start
perl tests/daemon/syslog.pl relp $here:2514 0 60000 &
relp=$!
perl tests/daemon/syslog.pl lf $here:5514 60000 40000 &
tcp=$!
(i=0
while [ $i -lt 40 ]; do
    refusals mx7 $((100000 + i * 50)) 50 >>"$D/log"
    refusals mx8 $((200000 + i * 50)) 50 >>"$D/log.other"
    i=$((i + 1))
done) &
files=$!
others="$others $relp $tcp $files"
reloads=0 goal=8000
reached() { [ "$(count rej)" -ge $goal ]; }
while [ $goal -lt 104000 ] && wait_for reached; do
    if [ $((reloads % 2)) = 0 ]; then conf "$second"; else conf "$first"; fi
    kill -HUP "$pid"
    reloads=$((reloads + 1)) goal=$((goal + 8000))
    wait_for sh -c "[ \$(grep -c 'reloaded: ' '$D/out') -ge $reloads ]" || break
done
wait $relp
saw $? "RELP: every line was acknowledged through $reloads reloads"
wait $tcp
saw $? "TCP: the sender was never cut off"
wait $files
conf "$second"
kill -HUP "$pid"
wait_for sh -c "[ \$(grep -c 'reloaded: ' '$D/out') -gt $reloads ]"
[ "$reloads" -ge 3 ]
saw $? "there were several reloads"
counts $((60000 + 40000 + 2000 + 2000)) "no line is lost, and none counted twice"
perl tests/daemon/syslog.pl lf $here:5515 300000 100
counts 104100 "a listener that a reload brought is there"
conf "$first
source \"bad\" { listen = { \"tcp:192.0.2.1:5599\" } }"
kill -HUP "$pid"
wait_for grep -q 'configuration stays as it was: .*192.0.2.1' "$D/out"
saw $? "a listener that cannot be had: the old configuration stays"
perl tests/daemon/syslog.pl lf $here:5515 300100 100
counts 104200 "with its listeners"
conf "horizon = 3 bananas
$first"
kill -HUP "$pid"
wait_for grep -q "configuration: $D/conf:3: .*bananas" "$D/out"
saw $? "a fault is named by file and line"
refusals mx7 400000 10 >>"$D/log"
counts 104210 "and reading goes on"
stop TERM
is "$status" 0 "it ends well"
done_testing
