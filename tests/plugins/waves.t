#!/bin/sh
# waves.t - a wave as there was one on two of the last seven days rings nobody; one that is larger does,
# and so does one as there was on a single day, which may have been the same fault.
set -u
# shellcheck source=tests/plugins/plugin_test.sh
. tests/plugins/plugin_test.sh

# farm TODAY "AGO:N ...": hours 8 to 14 of the last eight days and of this weekday in four weeks, some
# thirteen recipients a minute of which all but one are refused by a list; from 12:00 ten minutes with
# TODAY unknown recipients a minute more (-1: without those of the list, -2: with nothing), and so from
# 11:20 so many days AGO with N.
farm() {
    perl -e '
        use strict;
        use POSIX qw(strftime);
        my ($today, $waves) = @ARGV;
        my %wave = map { split /:/ } split / /, $waves;
        my $id = 0;
        for my $ago (28, 21, 14, reverse 0 .. 7) {
            my $day = 1795132800 - $ago * 86400;   # 2026-11-20 00:00
            my ($begins, $n) = $ago == 0 ? (720, $today) : (680, $wave{$ago} // 0);
            for my $minute (480 .. 899) {
                my $at = strftime("%Y-%m-%dT%H:%M:%S+00:00", gmtime($day + 60 * $minute));
                my $more = $minute >= $begins && $minute < $begins + 10 ? $n : 0;
                my $client = "unknown[192.0.2.7]";
                my $end = "from=<a\@example.net> to=<u\@example.org> proto=ESMTP helo=<h.example.net>\n";
                print "$at mx1 postfix/anvil[9]: statistics: max cache size 3 at x\n";
                next if $more < -1;
                # one more or less, by the day: weeks differ a little
                for (1 .. ($more < 0 ? 0 : 12 + ($minute + $ago) % 2)) { $id++; print "$at mx1 postfix/smtpd[$id]: NOQUEUE: reject: RCPT from $client: 554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using zen.example.org; from=<a$id\@example.net> to=<u\@example.org> proto=ESMTP helo=<h.example.net>\n" }
                for (1 .. $more) { $id++; print "$at mx1 postfix/smtpd[$id]: NOQUEUE: reject: RCPT from $client: 550 5.1.1 <u$id\@example.org>: Recipient address rejected: User unknown in local recipient table; $end" }
                my $q = sprintf "%010X", ++$id;
                print "$at mx1 postfix/smtpd[1]: $q: client=mail.example.net[198.51.100.9]\n",
                    "$at mx1 postfix/qmgr[2]: $q: from=<a\@example.net>, size=1000, nrcpt=1 (queue active)\n";
            }
        }' -- "$1" "$2" >"$dir/log"
    rm -rf "$dir/state"
    import "$dir/log"
}

# asked WHAT STATUS CHECK ARGS...: at the end of the ten minutes
asked() {
    what=$1 want=$2 check=$BUILD/plugins/$3
    shift 3
    run "$want" --at "2026-11-20 12:10" --window 10m "$@"; ok "$what"
}
ratio() { asked "$1" "$2" check_reject_ratio -w change=5; }
flow() { asked "$1" "$2" check_mail_flow -w 'rise(rej_unknown_rcpt)=5'; }

farm 12 ""; ok "a farm without waves"
ratio "one is seen" 1
says "unknown_rcpt 4"; ok "and named"
flow "as a rate, too" 1
farm 12 "2:12 5:12"; ok "a farm with two as large in a week"
ratio "a third one is none" 0
flow "as a rate, too" 0
farm 12 "2:4 5:4"; ok "a farm with two of a third of the rate"
flow "a larger one is seen" 1
farm 12 "2:12"; ok "a farm with a single one"
ratio "the second is seen" 1
flow "as a rate, too" 1
farm 0 "2:12 5:12"; ok "a farm with two"
ratio "no wave is no alarm" 0

traffic() { asked "$1" "$2" check_reject_ratio -w traffic=50: -c traffic=10:; }
farm -1 ""; ok "a farm with a thirteenth of its mail for ten minutes"
traffic "that is seen" 2
farm -1 "1:-1 3:-1"; ok "a farm that has that now and then"
traffic "it is not seen" 0
farm -2 "1:-2 3:-2"; ok "a farm that is silent for ten minutes now and then"
traffic "silence is seen, however often it was" 2
done_testing
