#!/bin/sh
# check_mail_delay.t - percentiles of delays and of their parts, deferred mail left out, what is
# unusual, and too few deliveries.
set -u
# shellcheck source=tests/plugins/plugin_test.sh
. tests/plugins/plugin_test.sh
at() {
    delay_at=$1
    shift
    run "$@" --at "2026-11-20 $delay_at"
}

# deliveries DAY HOUR N FACTOR [SLOW]: N deliveries in the hour; the i-th took i/10 s, times the factor: of that
# 10 % before the queue, 20 % in it, 30 % connecting, 40 % transmitting; or the twelfth took SLOW s, others up to 10
deliveries() {
    perl -e '
        my ($day, $hour, $n, $factor, $slow) = @ARGV;
        for my $i (1 .. $n) {
            my $d = $slow ? ($i % 12 ? $i % 100 / 10 : $slow) : $i / 10 * $factor;
            my $at = sprintf "%sT%s:%02d:%02d+00:00 mx1", $day, $hour, ($i - 1) * 60 / $n, $i % 60;
            my $q = sprintf "%s%s%05X", $day =~ s/-//gr, $hour, $i;
            $q =~ tr/0-9A-F//cd;
            printf "%s postfix/qmgr[2]: %s: from=<a\@example.net>, size=1000, nrcpt=1 (queue active)\n", $at, $q;
            printf "%s postfix/smtp[3]: %s: to=<u%d\@example.org>, relay=in.example.org[192.0.2.9]:25, delay=%.4g, delays=%.4g/%.4g/%.4g/%.4g, dsn=2.0.0, status=sent (250 ok)\n",
                $at, $q, $i, $d, $d * 0.1, $d * 0.2, $d * 0.3, $d * 0.4;
            printf "%s postfix/qmgr[2]: %s: removed\n", $at, $q;
        }' "$@"
}
{
    for week in 2026-10-23 2026-10-30 2026-11-06 2026-11-13; do
        for h in 08 09 10 11 12 13 14; do deliveries $week $h 100 1; done
    done
    deliveries 2026-11-20 09 400 1
    deliveries 2026-11-20 10 400 8
    deliveries 2026-11-20 11 12 1
    # one of twelve takes four times what the slowest take
    deliveries 2026-11-20 13 400 1 40
    # one that was deferred before says nothing of the way
    echo "2026-11-20T11:30:00+00:00 mx1 postfix/smtp[3]: F0000000001: to=<b@example.org>, relay=none, delay=3, delays=1/1/1/0, dsn=4.4.1, status=deferred (connect to in.example.org[192.0.2.9]:25: Connection refused)"
    echo "2026-11-20T11:40:00+00:00 mx1 postfix/smtp[3]: F0000000001: to=<b@example.org>, relay=in.example.org[192.0.2.9]:25, delay=9000, delays=8999/0/0/1, dsn=2.0.0, status=sent (250 ok)"
} >"$dir/log"
import "$dir/log"; ok "a state of five weeks"

at 10:00 0 --window 1h; ok "without thresholds it is OK"
says "DELAY OK - 95% of 400 deliveries within 38 s in 60 min, mostly transmitting | p95=37.8875s"; ok "the 95th of 100, within 3 %"
says "before the queue       2 s    3.9 s    3.9 s"; ok "with the parts"
# 20, 38, 39.6 s; parts within 10 %
perl -e '
    my %want = (p50 => 20, p95 => 38, p99 => 39.6, max => 40, before => 3.8, queue => 7.6, connect => 11.4, transmit => 15.2, deliveries => 400);
    my ($perf) = grep { /\|/ } <STDIN>;
    for my $k (sort keys %want) {
        my ($v) = $perf =~ /\b$k=([\d.]+)/ or die "$k is missing\n";
        my $near = $k =~ /^(before|queue|connect|transmit)$/ ? 0.1 : $k eq "deliveries" ? 0 : 0.033;
        die "$k: $v for $want{$k}\n" if abs($v - $want{$k}) > $want{$k} * $near;
    }' <"$dir/out" 2>"$dir/err"; ok "all figures are right $(cat "$dir/err")"
at 10:00 1 --window 1h -w p95=30s; ok "a limit on a percentile"
at 10:00 2 --window 1h -c queue=5s -w connect=20s; ok "a limit on a part"
says "queue 7.8 s (limit 5 s)"; ok "is named"
at 11:00 2 --window 1h -c change=5; ok "eight times what is usual is a change"
says "where 9." && says "is usual at this time"; ok "with what is usual"
at 10:00 0 --window 1h -c change=9; ok "an ordinary hour is none"
at 14:00 2 --window 1h -c change=5; ok "so is what hardly a delivery took in those weeks, when a twelfth takes it"
at 14:00 0 --window 3m --min 5 -c change=5; ok "of few it may be chance"
at 12:00 0 --window 1h -w p95=10ms -c change=1; ok "few deliveries are not judged"
says "of 12 deliveries within 1.2 s" && says "fewer than 20 (--min), so they are not judged"; ok "and the deferred one is not among them"
at 12:00 1 --window 1h --min 10 -w p95=1s; ok "unless it is asked for"
at 12:20 0 --window 10m --stale 1h; ok "no deliveries"
says "no deliveries in 10 min"; ok "is said so"
says " max=U before=U queue=U connect=U transmit=U deliveries=0"; ok "with all labels of performance data"
at 10:00 0 --window 1h --whole-way; ok "the whole way"
at 10:00 0 --window 1h --json -H mx1; ok "as JSON"
perl -MJSON::PP -e 'local $/; my $j = decode_json(<STDIN>); exit !($j->{check} eq "check_mail_delay" && $j->{measurements}{deliveries}{value} == 400)' <"$dir/out"; ok "with the numbers"
at 10:00 3 -w nix=1; ok "a measurement that is none"
run 3; ok "a state that is old is UNKNOWN"
# What waits: of each time, whatever came later; on hold is not waiting.
mail() { # TIME ID
    echo "2026-11-21T$1+00:00 mx1 postfix/smtpd[1]: $2: client=mail.example.net[198.51.100.9]"
    echo "2026-11-21T$1+00:00 mx1 postfix/qmgr[2]: $2: from=<a@example.net>, size=1000, nrcpt=1 (queue active)"
}
tried() { # TIME ID
    echo "2026-11-21T$1+00:00 mx1 postfix/smtp[3]: $2: to=<b@far.example.net>, relay=none, delay=9, delays=1/1/7/0, dsn=4.4.1, status=deferred (connect to far.example.net[192.0.2.9]:25: Connection refused)"
}
sent() { # TIME ID RELAY SECONDS
    echo "2026-11-21T$1+00:00 mx1 postfix/smtp[3]: $2: to=<b@${3#mx.}>, relay=$3[192.0.2.9]:25, delay=$4, delays=$4/0/0/0, dsn=2.0.0, status=sent (250 ok)"
    echo "2026-11-21T$1+00:00 mx1 postfix/qmgr[2]: $2: removed"
}
{
    mail 08:00:00 0A00000001; tried 08:00:05 0A00000001; tried 09:00:05 0A00000001; tried 11:59:00 0A00000001
    mail 09:00:00 0A00000002; tried 09:00:05 0A00000002
    mail 09:10:00 0A00000003; tried 09:10:05 0A00000003
    echo "2026-11-21T09:11:00+00:00 mx1 postfix/postsuper[4]: 0A00000003: placed on hold"
    for m in $(seq 10 59); do
        mail "10:$m:00" "0B000000$m"; sent "10:$m:01" "0B000000$m" mx.quick.example.net 0.5
        mail "10:$m:10" "0C000000$m"; sent "10:$m:50" "0C000000$m" mx.slow.example.net 40
    done
} >"$dir/early"
{
    mail 12:10:00 0D00000001; sent 12:10:01 0D00000001 mx.quick.example.net 1
    sent 12:30:00 0A00000001 mx.far.example.net 16200
    mail 13:00:00 0D00000002; sent 13:00:01 0D00000002 mx.quick.example.net 1
} >"$dir/late"
waits() { # TIME N OLDEST
    run 0 --at "2026-11-21 $1" --window 1h --older 1h --stale 8d && grep -q "waiting=$2 oldest=$3" "$dir/out"
}
import "$dir/early"; import "$dir/late"; ok "a day with mail that waits"
for state in state backwards; do
    waits 09:30 1 5400s; ok "$state: one waits for an hour and a half"
    waits 11:00 2 10800s; ok "$state: two at noon"
    waits 12:31 1 12660s; ok "$state: one was delivered meanwhile"
    waits 08:30 0 0s; ok "$state: none did at first"
    mv "$dir/state" "$dir/done"
    tac "$dir/late" >"$dir/backwards"
    tac "$dir/early" >>"$dir/backwards"
    import "$dir/log" "$dir/backwards"
done
rm -rf "$dir/state"; mv "$dir/done" "$dir/state"
run 1 --at "2026-11-21 11:00" --window 1h -w waiting=1; ok "what waits has a limit"
says "2 mails have waited for more than 60 min (limit 1)" && says "0A00000001 on mx1 since 2026-11-21 08:00:00"; ok "with the oldest"
says "mxgauge trace --state $dir/state 0A00000001 0A00000002"; ok "and a command for them"
run 1 --at "2026-11-21 11:00" --window 1h -w relay_p95=20s -w domain_p95=20s; ok "next hops have one"
says "95% to the next hop mx.slow.example.net within 6" && says "95% to the domain slow.example.net within"; ok "the slowest is named"
run 1 --at "2026-11-21 11:00" --window 1h -w deliveries=1; ok "something else that rings"
says "The slowest next hop: mx.slow.example.net, 95% within about 6"; ok "shows it too"
run 0 --at "2026-11-21 10:30" --window 20m -w relay_p95=20s; ok "with --at nothing of later is judged"
run 0 --at "2026-11-21 11:00" --window 1h -v
says "mx.quick.example.net 499 ms of 50"; ok "-v shows the others"
done_testing
