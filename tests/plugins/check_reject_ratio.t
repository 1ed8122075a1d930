#!/bin/sh
# check_reject_ratio.t - each state once, what it says, and the world being broken.
#
# The states are made here: log lines of two hosts on one invented day, imported.
set -u
# shellcheck source=tests/plugins/plugin_test.sh
. tests/plugins/plugin_test.sh

# reject TIME HOST CLIENT TEXT: one refused recipient
reject() {
    echo "$1 $2 postfix/smtpd[100]: NOQUEUE: reject: RCPT from unknown[$3]: $4;" \
        "from=<joe@example.net> to=<user@example.org> proto=ESMTP helo=<pc.example.net>"
}

# 03:00 to 03:15: 70 refused by two lists, 20 to unknown users, 3 for now, 10 accepted on mx1; five
# lines that nobody understands. 02:45 to 03:00: half and half. The day before: 1 of 4.
{
    for i in 1 2 3; do
        reject "2026-11-19T03:05:0${i}+00:00" mx1 192.0.2.7 "554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using zen.example.org"
    done
    accept "2026-11-19T03:06:00+00:00" mx1 0A0000000A 9
    i=10
    while [ $i -lt 20 ]; do
        reject "2026-11-20T02:50:${i}+00:00" mx1 192.0.2.7 "554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using zen.example.org"
        i=$((i + 1))
    done
    accept "2026-11-20T02:50:30+00:00" mx1 0A0000000B 10
    i=100
    while [ $i -lt 150 ]; do
        reject "2026-11-20T03:0$((i % 10)):$((i / 10 + 10))+00:00" mx1 "192.0.2.$i" "554 5.7.1 Service unavailable; Client host [192.0.2.$i] blocked using zen.example.org"
        i=$((i + 1))
    done
    while [ $i -lt 170 ]; do
        reject "2026-11-20T03:0$((i % 10)):$((i / 10 + 10))+00:00" mx1 "203.0.113.$i" "554 5.7.1 Service unavailable; Client host [203.0.113.$i] blocked using bl.example.net"
        i=$((i + 1))
    done
    while [ $i -lt 190 ]; do
        reject "2026-11-20T03:0$((i % 10)):$((i / 10 + 10))+00:00" mx1 "203.0.113.$i" "550 5.1.1 <no$i@example.org>: Recipient address rejected: User unknown in local recipient table"
        i=$((i + 1))
    done
    for i in 1 2 3; do
        reject "2026-11-20T03:11:0${i}+00:00" mx1 203.0.113.9 "450 4.2.0 <user@example.org>: Recipient address rejected: Greylisted"
    done
    accept "2026-11-20T03:12:00+00:00" mx1 0A0000000C 10
    for i in 1 2 3 4 5; do
        echo "2026-11-20T03:13:0${i}+00:00 mx1 postfix/smtpd[100]: frobnicated the quux number $i"
    done
    # mx2 had two recipients, and is silent since
    reject "2026-11-20T02:55:01+00:00" mx2 192.0.2.7 "554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using zen.example.org"
    accept "2026-11-20T02:55:02+00:00" mx2 0B0000000A 1
} >"$dir/log"
if ! "$BUILD/bin/mxgauge" import --no-rrd --state "$dir/state" "$dir/log" >"$dir/out" 2>&1; then
    echo "1..1"
    echo "not ok 1 - mxgauge import made the state"
    sed 's/^/# /' "$dir/out"
    exit 1
fi
at="2026-11-20 03:15"

run 0 --at "$at"; ok "without thresholds it is OK"
first "REJECTS OK - 90% of 100 recipients rejected in 15 min, mostly dnsbl 70% | ratio=90% rejected=90 accepted=10 tempfailed=3 dnsbl=70% unknown_rcpt=20%"; ok "first line and performance data"
says "dnsbl 70 (70%): the client's address is on a DNS block list"; ok "the top reasons"
says "unknown_rcpt 20 (20%)"; ok "the second reason"
says "Refused for now (4xx), not in the ratio: 3"; ok "temporary refusals stand beside"
says "Block lists: zen.example.org 50, bl.example.net 20"; ok "the lists with their counts"
says "The 15 min before: 50% of 22 recipients rejected"; ok "the stretch before"
says "The same time yesterday: 25% of 12 recipients rejected"; ok "the same time yesterday"
says "203.0.113.0/24 ("; ok "the refused networks"
says "5 lines of mail programs ("; ok "lines that were not understood are told"
says "mx2 is missing: its newest line is from 2026-11-20 02:55:02"; ok "a silent host is told"

run 1 --at "$at" -w 89%; ok "WARNING above a bare range"
first "REJECTS WARNING - 90% of 100 recipients rejected in 15 min (limit 89%), mostly dnsbl 70% | ratio=90%;89 rejected=90 accepted=10 tempfailed=3 dnsbl=70% unknown_rcpt=20%"; ok "its first line"
run 0 --at "$at" -w ratio=90% -c ratio=90%; ok "the end of a range is inside"
run 2 --at "$at" -w ratio=80% -c dnsbl=50% -w unknown_rcpt=10%; ok "CRITICAL for one class"
first "REJECTS CRITICAL - dnsbl 70% (limit 50%); 90% of 100 recipients rejected in 15 min (limit 80%); unknown_rcpt 20% (limit 10%) | ratio=90%;80 rejected=90 accepted=10 tempfailed=3 dnsbl=70%;;50 unknown_rcpt=20%;10"; ok "the worst first"
run 1 --at "$at" -w virus=1: ; ok "a class that did not occur has a limit all the same"
says " virus=0%;1:"; ok "and stands in the performance data"
run 1 --at "$at" -w tempfailed=2 --graph-url "https://www.example.org/g?id=1&host=mx1"; ok "WARNING for a count"
says "Graph: https://www.example.org/g?id=1&host=mx1"; ok "the link to the graph"

run 0 --at "2026-11-20 03:00" -H mx2 -w 10% -c dnsbl=10%; ok "below the floor nothing is judged"
first "REJECTS OK - 50% of 2 recipients rejected in 15 min on mx2, mostly dnsbl 50%; fewer than 20 (--min-rcpt), so shares are not judged | ratio=50%;10 rejected=1 accepted=1 tempfailed=0 dnsbl=50%;;10"; ok "and it says so"
run 2 --at "2026-11-20 03:00" -H mx2 -c accepted=5: ; ok "but limits on counts are"
run 1 --at "2026-11-20 03:00" -H MX2.example.org --min-rcpt 2 -w 10%; ok "a lower floor; a host by its full name"
run 0 --at "2026-11-20 03:15" --window 1m --stale 5m -w 10% ; ok "no recipients at all"
first "REJECTS OK - no recipients in 60 s; fewer than 20 (--min-rcpt), so shares are not judged | ratio=U;10 rejected=0 accepted=0 tempfailed=0"; ok "has no ratio"
run 0 --at "2026-11-20 03:15" --window 1h; ok "a longer window"
says "82.8% of 122 recipients rejected in 60 min"; ok "counts more"

# what can't be answered
run 3; ok "UNKNOWN when the newest line is old"
says "the newest line of the farm is" && says "mxgauge status --state"; ok "with the places to look at"
run 3 --at "2026-11-20 05:00"; ok "UNKNOWN after the end of the state"
says "2026-11-20 03:13:05, 107 min before 2026-11-20 05:00:00"; ok "with the age"
run 3 --at "2026-11-18 05:00"; ok "UNKNOWN before its beginning"
says "the state begins at 2026-11-19 03:05:01"; ok "with the beginning"
run 3 --at "2026-11-19 12:00"; ok "UNKNOWN in a hole"
says "the state has no line of the farm from 2026-11-19 11:45:00 to 2026-11-19 12:00:00"; ok "with the hole"
run 3 --at "$at" -H mx2; ok "UNKNOWN for a host that is silent"
run 3 --at "$at" -H mx7; ok "UNKNOWN for a host that is not there"
first "REJECTS UNKNOWN - the state knows no host \"mx7\"; it knows: mx1, mx2"; ok "with those that are"
run 3 --at "$at" -w 95:90; ok "a bad range"
first "REJECTS UNKNOWN - -w: bad range \"95:90\": the start is above the end"; ok "says what is wrong"
run 3 --at "$at" -c dnbsl=5%; ok "a name that is not measured"
says "did you mean dnsbl? There are: ratio, rejected, accepted, tempfailed, change, sudden, traffic, dnsbl, rhsbl,"; ok "and the names that are"
run 3 --at "$at" --windwo 5m; ok "a wrong option"
run 3 --at teatime; ok "a wrong time"
run 3 --at "$at" --state "$dir/none"; ok "no state"
says "there is no state in $dir/none"; ok "is said so"
mkdir "$dir/bad" && head -c 20000 /dev/urandom >"$dir/bad/state.db"
run 3 --at "$at" --state "$dir/bad"; ok "a damaged state"
says "REJECTS UNKNOWN - "; ok "is UNKNOWN"
mkdir "$dir/empty" && : >"$dir/empty/state.db"
run 3 --at "$at" --state "$dir/empty"; ok "an empty file as state"
run 3 -h; ok "help"
says "  unknown_rcpt            share refused: the recipient does not exist [%]"; ok "names the measurements"
run 3 -V; ok "version"

# JSON, by somebody else's parser
run 2 --at "$at" --json -w ratio=80% -c dnsbl=50%; ok "--json has the same status"
perl -MJSON::PP -e '
    local $/; my $j = decode_json(<STDIN>); my $m = $j->{measurements};
    sub want { $_[0] eq $_[1] or die "$_[2]: got $_[0], want $_[1]\n" }
    want($j->{check}, "check_reject_ratio", "check");
    want($j->{state}, "CRITICAL", "state");
    want($m->{ratio}{value}, 90, "ratio"); want($m->{ratio}{unit}, "%", "unit");
    want($m->{ratio}{warn}, "80", "warn"); want($m->{ratio}{state}, "WARNING", "its state");
    want($m->{dnsbl}{crit}, "50", "crit"); want($m->{dnsbl}{state}, "CRITICAL", "its state");
    want(defined $m->{dnsbl}{warn} ? 1 : 0, 0, "no warn");
    want(ref $j->{details}, "ARRAY", "details");
    want($j->{dnsbl}{"zen.example.org"}, 50, "list"); want($j->{reject}{unknown_rcpt}, 20, "class");
    want($j->{window}{to} - $j->{window}{from}, 900, "window");
    want($j->{before}{rejected}, 11, "before"); want($j->{yesterday}{accepted}, 9, "yesterday");
    want($j->{top}{clients}[0]{n} > 0 ? 1 : 0, 1, "top");
' <"$dir/out" 2>"$dir/err"; ok "and the numbers $(cat "$dir/err")"
run 3 --at "$at" --json -H mx7; ok "UNKNOWN as JSON"
perl -MJSON::PP -e 'local $/; exit(decode_json(<STDIN>)->{state} ne "UNKNOWN")' <"$dir/out"; ok "can be read"

# Strangers' words: in names of lists, senders and texts, and in host names.
{
    i=10
    while [ $i -lt 40 ]; do
        echo "2026-11-20T04:00:${i}+00:00 mx1 postfix/smtpd[100]: NOQUEUE: reject: RCPT from unknown[192.0.2.7]: 554 5.7.1 <a|b<script>alert(1)</script>&$(printf '\033[31m\377')>: Helo command rejected: | x=1;; from=<a|b=9@<script>.example.net> to=<user@example.org> proto=ESMTP helo=<pc|ratio=0%>"
        i=$((i + 1))
    done
} >"$dir/evil"
"$BUILD/bin/mxgauge" import --no-rrd --state "$dir/state" "$dir/evil" >/dev/null 2>&1; ok "hostile lines are imported"
run 0 --at "2026-11-20 04:01" -vvv; ok "and answered"
says "Texts of refusals: " && says "script"; ok "with their words"
[ "$(tr -dc '|' <"$dir/out" | wc -c)" -eq 1 ]; ok "there is one bar, ours"
! grep -q '[<>&]' "$dir/out"; ok "there is nothing for a browser"
! LC_ALL=C grep -q "$(printf '[\001-\010\013-\037\177-\377]')" "$dir/out"; ok "there is nothing for a terminal"
[ "$(wc -c <"$dir/out")" -le 8192 ] && [ "$(head -n 1 "$dir/out" | wc -c)" -le 1000 ]; ok "it is short"

# The same numbers just now: the clock is asked, a fresh state is judged.
now=$(date +%s)
day=$(date -u -d "@$((now - 30))" +%Y-%m-%dT%H:%M:%S 2>/dev/null || date -u -r $((now - 30)) +%Y-%m-%dT%H:%M:%S)
{
    i=0
    while [ $i -lt 30 ]; do
        reject "$day+00:00" "mx1" "192.0.2.$i" "554 5.7.1 Service unavailable; Client host [192.0.2.$i] blocked using zen.example.org"
        i=$((i + 1))
    done
} >"$dir/fresh"
"$BUILD/bin/mxgauge" import --no-rrd --state "$dir/live" "$dir/fresh" >/dev/null 2>&1; ok "a log of just now"
run 2 --state "$dir/live" -c 95%; ok "is judged without --at"
says "REJECTS CRITICAL - 100% of 30 recipients rejected in 15 min (limit 95%), mostly dnsbl 100% |"; ok "in the same words"
done_testing
