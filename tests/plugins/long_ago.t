#!/bin/sh
# long_ago.t - a time of which the state keeps hours alone, and no minutes: checks that need those say so,
# in place of numbers that lack them; whole hours are answered.
set -u
# shellcheck source=tests/plugins/plugin_test.sh
. tests/plugins/plugin_test.sh

# Twelve days, of which minutes are kept of the last eight: each hour a refusal and a mail.
perl -MPOSIX=strftime -e '
    for my $n (0 .. 12 * 24 - 1) {
        my $id = sprintf("%010X", 0xA00000000 + $n);
        my $at = sub { strftime("%Y-%m-%dT%H:%M:%S+00:00", gmtime(1793491200 + 3600 * $n + $_[0])) . " mx1 postfix/" };
        print map { "$_\n" }
            $at->(600) . "smtpd[1]: NOQUEUE: reject: RCPT from a.example.net[192.0.2.1]: 554 5.7.1 <b\@example.org>: " .
                "Relay access denied; from=<a\@example.net> to=<b\@example.org> proto=ESMTP helo=<x>",
            $at->(1200) . "smtpd[1]: $id: client=a.example.net[192.0.2.1]",
            $at->(1200) . "qmgr[2]: $id: from=<a\@example.net>, size=300, nrcpt=1 (queue active)",
            $at->(1201) . "local[3]: $id: to=<c\@example.org>, relay=local, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (delivered)",
            $at->(1201) . "qmgr[2]: $id: removed";
    }' >"$dir/log"	# from 2026-11-01 on
import "$dir/log" || cat "$dir/import"

# ask STATUS NOUN ARGS...
ask() {
    noun=$2
    want=$1
    shift 2
    check=$BUILD/plugins/check_$noun
    run "$want" --stale 1h "$@"
}
for noun in reject_ratio mail_balance mail_flow mail_delay; do
    ask 3 $noun --at "2026-11-02 03:30"
    says "the state keeps minutes of the farm from 2026-11-04 " &&
        says "\"mxgauge report --state $dir/state --from @"; ok "$noun: minutes that are gone are no zeros"
    ask 0 $noun --at "2026-11-12 03:30" --window 1h
    ok "$noun: minutes that are kept"
done
ask 0 reject_ratio --at "2026-11-02 03:00" --window 1h
says "50% of 2 recipients rejected"; ok "whole hours of then are counted: refusals"
for window in 1h 24h; do
    ask 0 mail_balance --at "2026-11-04 00:00" --window $window
    says " accepted=${window%h} delivered=${window%h} "; ok "the books of $window"
done
ask 0 mail_delay --at "2026-11-02 03:00" --window 2h
says " deliveries=2 "; ok "and deliveries"
ask 3 mail_balance --at "2026-11-05 03:30"
says "from 2026-11-04 "; ok "nor is a window of which the first hours are gone taken for whole"
done_testing
