#!/bin/sh
# holiday.t - a Friday on which there is as little mail as on Sundays since the morning rings nobody; one
# on which it falls so far at ten o'clock does, and so does one with less than a Sunday's.
set -u
# shellcheck source=tests/plugins/plugin_test.sh
. tests/plugins/plugin_test.sh

# farm MORNING LATER: the Fridays and Sundays of four weeks, and this Friday: from 6 to 14 o'clock twenty
# recipients a minute come in and are delivered here on a Friday, five on a Sunday; on the last Friday
# MORNING until 10:00 and LATER from then on.
farm() {
    perl -e '
        use strict;
        use POSIX qw(strftime);
        my ($morning, $later) = @ARGV;
        my $id = 0;
        for my $ago (28, 26, 21, 19, 14, 12, 7, 5, 0) {
            my $day = 1795132800 - $ago * 86400;   # 2026-11-20 00:00, a Friday
            for my $minute (360 .. 839) {
                my $at = strftime("%Y-%m-%dT%H:%M:%S+00:00", gmtime($day + 60 * $minute));
                my $n = $ago == 0 ? ($minute < 600 ? $morning : $later) : $ago % 7 == 0 ? 20 : 5;
                print "$at mx1 postfix/anvil[9]: statistics: max cache size 3 at x\n";
                # one more or less, by the week
                for (1 .. ($n > 0 ? $n + ($minute + $ago) % 2 : 0)) {
                    my $q = sprintf "%010X", ++$id;
                    print "$at mx1 postfix/smtpd[1]: $q: client=mail.example.net[198.51.100.9]\n",
                        "$at mx1 postfix/qmgr[2]: $q: from=<a\@example.net>, size=1000, nrcpt=1 (queue active)\n",
                        "$at mx1 postfix/lmtp[3]: $q: to=<u\@example.org>, relay=store.example.org[10.0.0.9]:24, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 2.0.0 ok)\n",
                        "$at mx1 postfix/qmgr[2]: $q: removed\n";
                }
            }
        }' -- "$1" "$2" >"$dir/log"
    rm -rf "$dir/state"
    import "$dir/log"
}

# asked WHAT TIME STATUS CHECK ARGS...
asked() {
    what=$1 at=$2 want=$3 check=$BUILD/plugins/$4
    shift 4
    run "$want" --at "2026-11-20 $at" --window 10m "$@"; ok "$what"
}
traffic() { asked "$1" "$2" "$3" check_reject_ratio -w traffic=50:; }
flow() { asked "$1" "$2" "$3" check_mail_flow -w 'fall(dlv_local)=5' -w 'fall(dlv_local,4m)=4'; }

farm 20 20; ok "an ordinary Friday"
traffic "is well" 12:10 0
flow "and so is its mail" 12:10 0
silent "Sunday"; ok "and nobody speaks of Sundays"
farm 5 5; ok "a holiday on a Friday"
traffic "is as a Sunday" 12:10 0
says "as on a Sunday"; ok "and that is said"
flow "and so is its mail" 12:10 0
says "as on a Sunday"; ok "and that is said, too"
asked "a time of its own has the rate of a Sunday" 12:10 0 check_mail_flow -w 'fall(dlv_local,4m)=4' --json
says '"usual":5.5,'; ok "as the usual one"
farm 20 5; ok "a Friday on which mail fails at ten"
traffic "is seen" 10:11 1
silent "Sunday"; ok "and is as no Sunday"
flow "as a rate, too" 10:11 1
farm 0 0; ok "a Friday without any mail"
traffic "is seen" 12:10 1
flow "as a rate, too" 12:10 1
done_testing
