#!/bin/sh
# check_mxgauge.t - each state once: a daemon that runs, one that is gone, and what it says of
# itself changed by hand in a state that nobody writes; and the past.
set -u
# shellcheck source=tests/plugins/plugin_test.sh
. tests/plugins/plugin_test.sh
command -v sqlite3 >/dev/null 2>&1 || { echo "1..0 # SKIP there is no sqlite3"; exit 0; }
# the disk is the machine's own and not judged here
always="-w disk=~: -c disk=~: -w disk_left=~: -c disk_left=~:"
change() { sqlite3 "$dir/state/state.db" "$1"; }
stands() { [ "$(change "$1")" = "$2" ]; }

run 3
ok "no state is UNKNOWN"
says "there is no state in $dir/state"
ok "it is told"
stamp=$(perl -MPOSIX -e 'print strftime("%Y-%m-%dT%H:%M:%S+00:00", gmtime(time - 400))')
echo "$stamp mx1 postfix/smtpd[1]: connect from unknown[192.0.2.1]" >"$dir/log"
printf 'graph_url = "https://mon.example.org/%%h/%%t"\nstate = "%s/state"\ntemplates = "%s/rrd-templates"\nsource "a" { files = { "%s/log" } }\n' \
    "$dir" "$PWD" "$dir" >"$dir/conf"
"$BUILD/bin/mxgauged" --foreground --config "$dir/conf" >"$dir/said" 2>&1 &
pid=$!
until_so 60 stands "SELECT lines FROM source WHERE lines = 1" 1
ok "a daemon starts"
run 0
ok "a daemon that runs and reads is OK"
says "MXGAUGE OK - last sign of life"
ok "the first line says when it lived"
says "Process $pid, version"
ok "and another which process it is"
run 0 --host mx1.example.org
ok "one host by its full name"
# passive SECONDS WAIT DROPPED: mxgauge passive lived so long ago, a result waits so long, one was dropped so long ago
passive() {
    now=$(date +%s)
    mkdir -p "$dir/state/passive"
    printf 'mxgauge passive 1\nrun\t1\t5\t%d\t1\t0\nmonitor\tm<b>|\tnagios\t0\t%d\t3\t%d\t7\t0\t2\t%d\tit is down\n' \
        $((now - $1)) $((now - $2)) $((now - $2)) $((now - $3)) >"$dir/state/passive/status"
}
passive 5 200 5000
run 0
ok "a monitor that waits for some minutes is no alarm"
says "Monitor m(b)/ cannot be told since"
ok "but told"
passive 5 4000 5000
run 2
ok "one that waits for an hour is CRITICAL"
says "results wait for monitor m(b)/ for 67 min (limit 60 min)"
ok "it is named"
passive 5 20 100
run 1
ok "results that were dropped are a limit that bit"
says "limits reached: results for monitor m(b)/"
ok "it is named"
passive 301 20 5000
run 2
ok "no sign of life of mxgauge passive is CRITICAL"
says "mxgauge passive gave its last sign of life 5 min"
ok "it is told"
echo rubbish >"$dir/state/passive/status"
run 3
ok "a file that is no status is UNKNOWN"
rm "$dir/state/passive/status"
run 3 --host mx9
ok "a host that is not there is UNKNOWN"
says 'it knows: mx1'
ok "and told those that are"
run 3 -w alvie=5
ok "a wrong name of a measurement is UNKNOWN"

echo "$stamp mx1 postfix/smtpd[1]: frobnicated the quux for 10 s" >>"$dir/log"
until_so 60 stands "SELECT lines FROM source" 2
ok "it reads on"
run 0
ok "one odd line of two is no alarm"
for i in 1 2 3 4 5 6; do
    echo "$stamp mx1 postfix/smtpd[1]: frobnicated the quux for 1$i s" >>"$dir/log"
    echo "$stamp mx1 postfix/qmgr[1]: 4F1A2B3C4D: removed" >>"$dir/log"
done
until_so 60 stands "SELECT lines FROM source" 14
run 1
ok "seven are, whatever the other programs say"
says "87.5% of the lines of postfix/smtpd not understood (limit 1%)"
ok "it names the program"
says "Graph: https://mon.example.org/_farm/collector"
ok "and where the graph is, as the daemon's configuration has it"
kill "$pid"
wait "$pid"
pid=
run 2
ok "one that was stopped is CRITICAL"
says "MXGAUGE CRITICAL - mxgauged is not running"
ok "the first line says so"
says "87.5% of the lines of postfix/smtpd not understood (limit 1%)"
ok "and which share is not understood"
says "postfix/smtpd: 7 of 8 lines in the hour"
ok "of how many"
says "not understood, as \"frobnicated the quux for ...\""
ok "and how such a line begins"

change "UPDATE run SET value = value - 200 WHERE key='beat_at'"
run 2
ok "a beat that is too old"
says "last sign of life"
ok "is told"
change "UPDATE source SET behind_since = (SELECT value FROM run WHERE key='beat_at') - 900"
run 2
ok "a log that waits to be read"
says "$dir/log waits to be read for 15 min (limit 10 min)"
ok "is named"
change "UPDATE run SET value = strftime('%s') - 7200 WHERE key='rrd_written_at'; INSERT OR REPLACE INTO run VALUES('rrd_written_at', strftime('%s') - 7200), ('rrd_failed_since', strftime('%s') - 7000)"
run 2
ok "RRDs that are not written"
says "rrd_behind 2 h (limit 60 min)"
ok "how old they are"
says "Bringing the RRDs up to date has failed since"
ok "and since when it fails"
change "UPDATE capacity SET hits = 3, hit_at = strftime('%s') - 60 WHERE name = 'hosts'"
run 2
ok "a limit that bit"
says "limits reached: hosts"
ok "is named"
says "Limit hosts: bit 3 times in all"
ok "with how often"
run 1 --at -30s
ok "as of then: only what the state has of the past is judged"
says "alive, lag, rrd_behind, disk, disk_left and skew are known of now alone, not of "
ok "and it says so"
says "limits reached: hosts"
ok "a limit that had bitten by then"
says "87.5% of the lines of postfix/smtpd not understood"
ok "lines that were not understood by then"
run 1 --at -200s
ok "before it bit"
says "Limit hosts bit later"
ok "it is not known whether it did before"
change "UPDATE capacity SET hit_at = strftime('%s') - 6000"
run 2
ok "outside the window"
silent "limits reached"
ok "a limit is not told"
change "UPDATE host SET newest = newest - 7200"
run 2
ok "a silent host"
says "newest line of mx1"
ok "is named"
change "UPDATE host SET newest = newest + 7200, skew = -3600"
run 2
ok "a clock that is an hour behind"
says "clocks wrong: mx1 3600 s behind"
ok "is named"
says "whole quarters of an hour: see the timezone"
ok "with what it looks like"
change "UPDATE host SET skew = 4"
run 2
ok "a clock that is 4 s ahead"
says "clocks wrong: mx1 4 s ahead"
ok "is named"
"$BUILD/bin/mxgauge" status --state "$dir/state" >"$dir/out"
says "its clock is 4 s ahead"
ok "mxgauge status says so, too"
change "UPDATE host SET skew = 0, newest = newest + 400 * 86400"
run 2
ok "a newest line that is a year ahead, so that what comes is refused"
says "clocks wrong: mx1 345"
ok "is a wrong clock"
says "move the state away, and import the logs anew"
ok "and it says what to do"
change "UPDATE host SET skew = 4, newest = newest - 400 * 86400"
change "UPDATE host SET newest = newest - 20 * 86400"
run 2
ok "one that was not heard for weeks"
silent "clocks wrong"
ok "is not told"
change "UPDATE host SET newest = newest + 20 * 86400 - 7200"
always=
run 2 --json -c disk=101%:
perl -MJSON::PP -e 'local $/; my $j = decode_json(<STDIN>); my $m = $j->{measurements};
    exit !($j->{state} eq "CRITICAL" && $m->{disk}{state} eq "CRITICAL" && $m->{lag}{value} == 900 &&
        $j->{window}{to} - $j->{window}{from} == 900)' <"$dir/out"
ok "JSON has the same, the disk and the window"
head -c 20000 /dev/urandom >"$dir/state/state.db"
rm -f "$dir/state/state.db-wal" "$dir/state/state.db-shm"
run 3
ok "a damaged state is UNKNOWN"

# three hosts, of which one fell silent, asked about some time ago
rm -rf "$dir/state"
for h in mx1 mx2 mx3; do
    for t in 08:00 09:00 10:00 11:00; do
        [ $h$t = mx209:00 ] || [ $h$t = mx210:00 ] ||
            echo "2026-11-20T$t:00+00:00 $h postfix/smtpd[1]: connect from unknown[192.0.2.1]"
    done
done >"$dir/log"
import "$dir/log"
run 1 --at "2026-11-20 10:10"
ok "the silence of then"
says "MXGAUGE WARNING - newest line of mx2 2.2 h old (limit 60 min)"
ok "names the host that was silent"
run 0 --at "2026-11-20 11:10"
ok "and not when it is back"
run 3 --at "2026-11-01 11:10"
ok "before the first line is UNKNOWN"
says "no host has a line"
ok "and told"
done_testing
