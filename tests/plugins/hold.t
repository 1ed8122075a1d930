#!/bin/sh
# hold.t - --hold: an alarm that stood ends when it was quiet for a while, a wave of a minute is not made
# longer, and nothing is remembered between runs.
set -u
# shellcheck source=tests/plugins/plugin_test.sh
. tests/plugins/plugin_test.sh
check=$BUILD/plugins/check_reject_ratio

perl -e '
    for my $m (0 .. 59) {
        for my $s (10 .. 39) {
            my $at = sprintf "2026-11-20T03:%02d:%02d+00:00 mx1 postfix/", $m, $s;
            my $q = sprintf "0A%04d%04d", $m, $s;
            if (($m >= 20 && $m < 25) || $m == 45 || $m == 50 || $m == 51) {
                print $at, "smtpd[1]: NOQUEUE: reject: RCPT from unknown[192.0.2.1]: 554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.example.org; from=<a\@example.net> to=<u\@example.org> proto=ESMTP helo=<pc>\n";
            } else {
                print $at, "smtpd[1]: $q: client=mail.example.net[198.51.100.9]\n";
                print $at, "qmgr[2]: $q: from=<a\@example.net>, size=1000, nrcpt=1 (queue active)\n";
                print $at, "qmgr[2]: $q: removed\n";
            }
        }
    }' >"$dir/log"
import "$dir/log"; ok "an hour of log"
at() { want=$1 minute=$2; shift 2; run "$want" --at "2026-11-20 03:$minute" "$@"; }

always="--window 1m -w 50%"
at 1 24 --hold 10m; ok "while it lasts it rings"
silent "is held"; ok "for itself"
at 0 30; ok "without --hold it ends"
at 1 30 --hold 10m; ok "with it, it is held"
says "it was so at 2026-11-20 03:25:00, and is held until it was well for 10 min (--hold)"; ok "and says why"
says "0% of 30 recipients rejected in 60 s"; ok "and how it is now"
at 1 35 --hold 10m; ok "for ten minutes"
at 0 36 --hold 10m; ok "no longer"
at 1 46 --hold 10m; ok "a wave of a minute rings while it is there"
at 0 47 --hold 10m; ok "and is not held"
# every second minute is asked first: two in a row are found by either
for minute in 53 54 59; do
    at 1 $minute --hold 10m; ok "two minutes are held, asked at 03:$minute"
    says "it was so at 2026-11-20 03:52:00"; ok "and of the second of them"
done
always="--window 1m -w 50% -c 80%"
at 2 30 --hold 10m; ok "CRITICAL stays CRITICAL"
at 2 30 --hold 8m --json; ok "and so it is in JSON"
perl -MJSON::PP -e 'local $/; my $j = decode_json(<STDIN>); exit($j->{state} ne "CRITICAL")' <"$dir/out"; ok "says so too"
at 0 06 --hold 30m; ok "before the state begins nothing is held"
done_testing
