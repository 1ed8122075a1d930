# weeks_test.sh - five weeks of a mail server's log, whose last day has faults.
# shellcheck shell=sh
#
# ". tests/plugins/weeks_test.sh" behind plugin_test.sh.

# weeks FIRST LAST: those days, a week apart, of 8 to 16 o'clock: some 300 recipients an hour, nine
# of ten refused by a list, a little different each hour; night has three recipients. On the last
# day (week 0) from 11:00 the list knows nobody and all is accepted, from 12:00 unknown recipients come on top, from 13:00
# nobody does.
weeks() {
    perl -e '
        use strict;
        use POSIX qw(mktime strftime);
        my ($first, $last) = @ARGV;
        my $id = 0;
        srand 1;
        sub stamp { strftime("%Y-%m-%dT%H:%M:%S+00:00", gmtime $_[0]) }
        sub refused {
            my ($t, $n, $why) = @_;
            printf "%s mx1 postfix/smtpd[1]: NOQUEUE: reject: RCPT from unknown[192.0.2.7]: %s; from=<a\@example.net> to=<u%d\@example.org> proto=ESMTP helo=<h.example.net>\n",
                stamp($t + $_ * 3600 / $n), $why, ++$id for 0 .. $n - 1;
        }
        sub accepted {
            my ($t, $n) = @_;
            for (0 .. $n - 1) {
                my $at = stamp($t + $_ * 3600 / $n);
                my $q = sprintf "%010X", ++$id;
                print "$at mx1 postfix/smtpd[1]: $q: client=mail.example.net[198.51.100.9]\n",
                    "$at mx1 postfix/qmgr[2]: $q: from=<a\@example.net>, size=1000, nrcpt=1 (queue active)\n";
            }
        }
        my $list = "554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using zen.example.org";
        my $who = "550 5.1.1 <u\@example.org>: Recipient address rejected: User unknown in local recipient table";
        for my $week (reverse $last .. $first) {
            my $day = 1795132800 - $week * 7 * 86400;   # 2026-11-20 00:00
            for my $h (2 .. 4, 8 .. 16) {
                my $t = $day + $h * 3600;
                my $busy = $h < 8 ? 1 : 250 + int rand 40;
                next if $week == 0 && $h >= 13;
                refused($t, $busy, $list) unless $week == 0 && $h == 11;
                accepted($t, $h < 8 ? 1 : $week == 0 && $h == 11 ? 290 : 27 + int rand 6);
                refused($t, 400, $who) if $week == 0 && $h == 12;
            }
            # the log goes on when the mail does not
            printf "%s mx1 postfix/anvil[9]: statistics: max cache size 3 at x\n", stamp($day + 60 * $_) for 0 .. 1439;
        }' "$1" "$2"
}
