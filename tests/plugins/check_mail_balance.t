#!/bin/sh
# check_mail_balance.t - each state once, samples, a late line that settles, divided mails,
# strangers' ids and host names, and the world being broken.
#
# The states are made here: log lines of two hosts on one invented day, imported.
set -u
# shellcheck source=tests/plugins/plugin_test.sh
. tests/plugins/plugin_test.sh

# sent TIME HOST ID NAME [PATH]; gone TIME HOST ID
delivery() {
    echo "$1 $2 postfix/smtp[103]: $3: to=<$4@example.com>, relay=mx.example.com[203.0.113.5]:25, delay=1.2, delays=0.1/0/0.1/1, dsn=$5, status=$6"
}
sent() { delivery "$1" "$2" "$3" "$4" 2.0.0 "sent (250 2.0.0 Ok)"; }
gone() { echo "$1 $2 postfix/qmgr[102]: $3: removed"; }
d=2026-11-20T

# mx1: 4 recipients well (one bounced), 3 of which one vanished at 01:00, 2 held. mx2: 6 of which
# five vanished, the last at 02:30, and one in the queue.
{
    accept ${d}00:10:00+00:00 mx1 0A0000000A 4
    for i in 1 2 3; do sent ${d}00:10:01+00:00 mx1 0A0000000A u$i; done
    delivery ${d}00:10:01+00:00 mx1 0A0000000A u4 5.1.1 "bounced (550 5.1.1 unknown user)"
    gone ${d}00:10:02+00:00 mx1 0A0000000A
    accept ${d}00:59:00+00:00 mx1 0A0000000B 3
    sent ${d}00:59:01+00:00 mx1 0A0000000B u1
    sent ${d}00:59:02+00:00 mx1 0A0000000B u2
    gone ${d}01:00:00+00:00 mx1 0A0000000B
    for i in 1 2 3; do
        accept ${d}01:0$i:00+00:00 mx2 0B0000000$i 1
        gone ${d}01:0$i:01+00:00 mx2 0B0000000$i
    done
    accept ${d}02:29:00+00:00 mx2 0B00000004 2
    gone ${d}02:30:00+00:00 mx2 0B00000004
    accept ${d}02:40:00+00:00 mx2 0B00000005 1
    accept ${d}03:00:00+00:00 mx1 0A0000000D 1
    sent ${d}03:00:00+00:00 mx1 0A0000000D u1
    gone ${d}03:00:01+00:00 mx1 0A0000000D
} >"$dir/log"
import "$dir/log"
ok "a state is made"
at="2026-11-20 03:00:30"

run 0 --at "$at"; ok "without thresholds it is OK"
first "BALANCE OK - 4 unaccounted of 14 recipients accepted in 24 h | unaccounted=4 open=1 accepted=14 delivered=6 bounced=1 expired=0 discarded=0 held=0"; ok "first line and performance data"
run 2 --at "$at" -c 0; ok "CRITICAL above a bare range"
first "BALANCE CRITICAL - 4 unaccounted of 14 recipients accepted in 24 h (limit 0) | unaccounted=4;;0 open=1 accepted=14 delivered=6 bounced=1 expired=0 discarded=0 held=0"; ok "its first line"
says "0B00000003 on mx2: 1 recipient, gone at 2026-11-20 01:03:01"; ok "a sample with host and time"
says "0A0000000B on mx1: 1 recipient, gone at 2026-11-20 01:00:00"; ok "the oldest sample"
[ "$(grep -c ', gone at ' "$dir/out")" -eq 4 ]; ok "four samples"
grep -n "mx2: 3 unaccounted of 6 accepted" "$dir/out" | cut -d: -f1 >"$dir/a"
grep -n "mx1: 1 unaccounted of 8 accepted" "$dir/out" | cut -d: -f1 >"$dir/b"
[ -s "$dir/a" ] && [ -s "$dir/b" ] && [ "$(cat "$dir/a")" -lt "$(cat "$dir/b")" ]; ok "the hosts, the worst first"
says "= unaccounted             6" && says "2 of them ended less than 60 min ago (--older)"; ok "the young ones are told, and not judged"
silent "0B00000004 on mx2"; ok "and no sample"
silent "0A0000000A on"; ok "what is settled is no sample"
run 2 --at "$at" --older 15m -c 5; ok "a shorter --older judges them"
says "0B00000004 on mx2: 2 recipients, gone at 2026-11-20 02:30:00"; ok "and has the sample"
says "BALANCE CRITICAL - 6 unaccounted"; ok "and the number"
run 1 --at "$at" -w unaccounted=3; ok "WARNING by name"
run 1 --at "$at" -w open=0; ok "WARNING for what is open"
run 0 --at "$at" -H mx2 --stale 1h --window 31m -w open=0 -c open=5; ok "more that left than came in is well"
says " open=-1;~:0;~:5 "; ok "and shown as it is"
run 1 --at "$at" -w bounced=0; ok "WARNING for what bounced"
run 2 --at "$at" -H mx1 -c 0; ok "one host"
first "BALANCE CRITICAL - 1 unaccounted of 8 recipients accepted in 24 h on mx1 (limit 0) | unaccounted=1;;0 open=0 accepted=8 delivered=6 bounced=1 expired=0 discarded=0 held=0"; ok "has its own numbers"
silent "on mx2"; ok "and its own samples"
run 0 --at "$at" --window 90m -c 0; ok "a window that begins behind them"
says "mx2 is missing" ; ok "a silent host is told"
run 2 --at "$at" --window 125m --older 15m -c 0; ok "a window of minutes and hours"
says "6 unaccounted of 10 recipients accepted in 2.1 h"; ok "counts what ended in it"
run 2 --at "2026-11-20 02:40:30" --window 15m -c 0; ok "a window shorter than --older usually is"
says "2 unaccounted" && says "0B00000004 on mx2: 2 recipients"; ok "judges what ended in its first half"
run 0 --at "2026-11-20 00:15" --older 60s -c 0; ok "before anything was lost"
first "BALANCE OK - 4 recipients accepted in 24 h, none unaccounted | unaccounted=0;;0 open=0 accepted=4 delivered=3 bounced=1 expired=0 discarded=0 held=0"; ok "says so"

# the report names samples too
"$BUILD/bin/mxgauge" report --state "$dir/state" >"$dir/out" 2>&1
says "0B00000004 on mx2"; ok "mxgauge report names samples"

# the number is the report's
"$BUILD/bin/mxgauge" report --state "$dir/state" --json >"$dir/json"
run 0 --at "$at" --json --older 0
perl -MJSON::PP -e '
    sub slurp { local $/; open my $f, "<", $_[0] or die; decode_json(<$f>) }
    my ($c, $r) = (slurp($ARGV[0]), slurp($ARGV[1]));
    for my $k (qw(accepted delivered bounced expired discarded held open unaccounted)) {
        my ($x, $y) = ($c->{measurements}{$k}{value}, $r->{balance}{$k});
        $x == $y or die "$k: check $x, report $y\n";
    }
    @{$c->{samples}} == 5 or die "samples\n";
    $c->{samples}[0]{id} eq "0B00000004" && $c->{samples}[0]{host} eq "mx2" &&
        $c->{samples}[0]{rcpts} == 2 or die "first sample\n";
    $c->{hosts}{mx2}{unaccounted} == 5 && $c->{hosts}{mx1}{accepted} == 8 or die "hosts\n";
' "$dir/out" "$dir/json" 2>"$dir/err"; ok "--json has the books of the report $(cat "$dir/err")"

# lines that come late settle the books, and the samples go
{
    sent ${d}00:59:05+00:00 mx1 0A0000000B u3
    sent ${d}01:03:00+00:00 mx2 0B00000003 u1
} >"$dir/late"
import "$dir/late"; ok "late lines"
run 2 --at "$at" -c 0; ok "settle what they speak of"
first "BALANCE CRITICAL - 2 unaccounted of 14 recipients accepted in 24 h (limit 0) | unaccounted=2;;0 open=1 accepted=14 delivered=8 bounced=1 expired=0 discarded=0 held=0"; ok "the numbers follow"
silent "0A0000000B on" && silent "0B00000003 on" && says "0B00000002 on mx2"; ok "and the samples"
for i in 1 2; do sent ${d}01:0$i:00+00:00 mx2 0B0000000$i u1; done >"$dir/late2"
for i in 1 2; do sent ${d}02:29:30+00:00 mx2 0B00000004 u$i; done >>"$dir/late2"
import "$dir/late2"
run 0 --at "$at" --older 0 -c 0; ok "all is settled"
silent "Samples"; ok "no sample is left"

# A filter divides a mail: it names one id for both recipients. The second part's line comes
# last, so for a while one recipient is missing, and then none.
{
    accept ${d}03:10:00+00:00 mx1 0C0000000A 2
    echo "${d}03:10:01+00:00 mx1 postfix/smtpd[110]: 0C0000000B: client=localhost[127.0.0.1], orig_queue_id=0C0000000A, orig_client=mail.example.net[198.51.100.9]"
    echo "${d}03:10:01+00:00 mx1 postfix/qmgr[102]: 0C0000000B: from=<joe@example.net>, size=1000, nrcpt=1 (queue active)"
    for i in 1 2; do
        echo "${d}03:10:02+00:00 mx1 postfix/smtp[103]: 0C0000000A: to=<u$i@example.com>, relay=127.0.0.1[127.0.0.1]:10024, delay=1.2, delays=0.1/0/0.1/1, dsn=2.0.0, status=sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 0C0000000B)"
    done
    gone ${d}03:10:02+00:00 mx1 0C0000000A
    sent ${d}03:10:03+00:00 mx1 0C0000000B u1
    gone ${d}03:10:03+00:00 mx1 0C0000000B
} >"$dir/divided"
import "$dir/divided"
at="2026-11-20 03:11"
run 2 --at "$at" --older 0 -c 0; ok "one part of a divided mail is missing"
says "0C0000000B on mx1: 1 recipient"; ok "the sample is the part that is short"
{
    echo "${d}03:10:01+00:00 mx1 postfix/smtpd[111]: 0C0000000C: client=localhost[127.0.0.1], orig_queue_id=0C0000000A, orig_client=mail.example.net[198.51.100.9]"
    echo "${d}03:10:01+00:00 mx1 postfix/qmgr[102]: 0C0000000C: from=<joe@example.net>, size=1000, nrcpt=1 (queue active)"
    sent ${d}03:10:03+00:00 mx1 0C0000000C u2
    gone ${d}03:10:03+00:00 mx1 0C0000000C
} >"$dir/other"
import "$dir/other"
run 0 --at "$at" --older 0 -c 0; ok "the other part settles it"
silent "Samples"; ok "and takes the sample away"

# Many: the table of samples is bounded, the number is exact.
i=1000
while [ $i -lt 1300 ]; do
    accept ${d}03:20:$((i % 50 + 10))+00:00 mx1 0D000$i 1
    gone ${d}03:20:59+00:00 mx1 0D000$i
    i=$((i + 1))
done >"$dir/many"
import "$dir/many"
at="2026-11-20 03:21:30"
run 2 --at "$at" --older 0 -c 0; ok "300 mails vanish"
says "BALANCE CRITICAL - 300 unaccounted"; ok "the number is exact"
i=1000
while [ $i -lt 1300 ]; do
    sent ${d}03:20:58+00:00 mx1 0D000$i u
    i=$((i + 1))
done >"$dir/found"
import "$dir/found"
run 0 --at "$at" --older 0 -c 0; ok "they are found, also those that were no sample"
silent "Samples"; ok "and no sample stays"

# what can't be answered
run 3; ok "UNKNOWN when the newest line is old"
run 3 --at "2026-11-21 05:00"; ok "UNKNOWN after the end of the state"
run 3 --at "2026-11-18 05:00"; ok "UNKNOWN before its beginning"
run 3 --at "$at" -H mx7; ok "UNKNOWN for a host that is not there"
says "the state knows no host \"mx7\"; it knows: mx1, mx2"; ok "with those that are"
run 3 --at "$at" --window 30m --older 30m; ok "--older must fit into --window"
says "--older is not shorter than --window"; ok "and it says so"
run 3 --at "$at" -c lost=0; ok "a name that is not measured"
run 3 --at "$at" --state "$dir/none"; ok "no state"
mkdir "$dir/bad" && head -c 20000 /dev/urandom >"$dir/bad/state.db"
run 3 --at "$at" --state "$dir/bad"; ok "a damaged state"
run 3 -h; ok "help"

# Strangers' words: ids and host names with bars, quotes and markup.
{
    for h in 'mx|x=1' 'mx<script>' "mx\$(id)\`id\`&;"; do
        accept ${d}03:30:00+00:00 "$h" 0E0000000A 1
        gone ${d}03:30:01+00:00 "$h" 0E0000000A
        for id in '-rf|a' '$(id)' '<b>&' '0E";x'; do
            echo "${d}03:30:00+00:00 $h sendmail[9]: $id: from=<a@example.net>, size=10, nrcpts=1"
            echo "${d}03:30:00+00:00 $h postfix/qmgr[9]: $id: from=<a@example.net>, size=10, nrcpt=1 (queue active)"
            echo "${d}03:30:01+00:00 $h postfix/qmgr[9]: $id: removed"
        done
        printf '%s\n' "${d}03:30:02+00:00 $h postfix/qmgr[9]: warning: end"
    done
} >"$dir/evil"
import "$dir/evil"
run 2 --at "2026-11-20 03:31" --older 0 -c 0 -vvv; ok "hostile names are answered"
says "0E0000000A on "; ok "with samples"
[ "$(tr -dc '|' <"$dir/out" | wc -c)" -eq 1 ]; ok "there is one bar, ours"
! grep -q '[<>&]' "$dir/out"; ok "there is nothing for a browser"
! sed -n 's/ on .* recipients*, gone at .*//p' "$dir/out" | grep -q '[^A-Za-z0-9_.?-]'; ok "there is nothing for a shell in an id"
run 2 --at "2026-11-20 03:31" --older 0 -c 0 --json; ok "and as JSON"
perl -MJSON::PP -e 'local $/; my $j = decode_json(<STDIN>); exit(@{$j->{samples}} < 1)' <"$dir/out"; ok "that can be read"
done_testing
