#!/bin/sh
# check_mail_peers.t - four nodes, one of them always different: who leaves the others, and who is
# only what it always was.
set -u
# shellcheck source=tests/plugins/plugin_test.sh
. tests/plugins/plugin_test.sh

# group WEEKS: Fridays of so many weeks before 2026-11-20, and that day, from 8 to 16 o'clock: mx1 to
# mx3 refuse two of five by a list, backup nine of ten. On the last day from 10:00 mx2's list is
# silent, from 12:00 mx1 gets no connections, from 14:00 mx3 logs nothing at all.
group() {
    perl -e '
        use strict;
        use POSIX qw(strftime);
        my $id = 0;
        srand 1;
        for my $week (reverse 0 .. $ARGV[0]) {
            my $day = 1795132800 - $week * 7 * 86400;   # 2026-11-20 00:00
            for (my $t = $day + 8 * 3600; $t < $day + 16 * 3600; $t += 20) {
                my $at = strftime("%Y-%m-%dT%H:%M:%S+00:00", gmtime $t);
                my $h = ($t - $day) / 3600;
                for my $n (qw(mx1 mx2 mx3 backup)) {
                    my $listed = $n eq "backup" ? 90 : $n eq "mx2" && !$week && $h >= 10 && $h < 12 ? 0 : 40;
                    next if $n eq "mx3" && !$week && $h >= 14;
                    # a newsletter through one of them
                    for (1 .. ($n eq "mx1" && !$week && $h < 9 ? 10 : 0)) {
                        my $q = sprintf "%010X", ++$id;
                        print "$at $n postfix/smtpd[2]: $q: client=mail.example.org[192.0.2.30], sasl_method=PLAIN, sasl_username=news\@example.org\n",
                            "$at $n postfix/qmgr[2]: $q: from=<news\@example.org>, size=1000, nrcpt=1 (queue active)\n";
                    }
                    print "$at $n postfix/anvil[9]: statistics: max cache size 3 at x\n";
                    next if $n eq "mx1" && !$week && $h >= 12 && $h < 14;
                    print "$at $n postfix/smtpd[1]: connect from mail.example.net[198.51.100.9]\n";
                    ++$id;
                    if (rand 100 < $listed) {
                        print "$at $n postfix/smtpd[1]: NOQUEUE: reject: RCPT from unknown[192.0.2.7]: 554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using zen.example.org; from=<a\@example.net> to=<u$id\@example.org> proto=ESMTP helo=<h.example.net>\n";
                    } else {
                        my $q = sprintf "%010X", $id;
                        print "$at $n postfix/smtpd[1]: $q: client=mail.example.net[198.51.100.9]\n",
                            "$at $n postfix/qmgr[2]: $q: from=<a\@example.net>, size=1000, nrcpt=1 (queue active)\n";
                    }
                }
            }
        }' "$1"
}
at() {
    peers_at=$1
    shift
    run "$@" --at "2026-11-20 $peers_at" -w 5 -c 10 -w missing=0
}

group 3 >"$dir/log"
import "$dir/log"; ok "a state of four weeks"
at 09:45 0; ok "an ordinary quarter of an hour is well"
says "missing=0;0 nodes=4"; ok "of four nodes"
at 09:00 0 --window 50m; ok "a newsletter through one node makes it no other"
at 09:45 0 -v 'mx*' backup; ok "also for the node that is always different"
at 10:50 1 --window 50m; ok "a list that one node does not get rings"
says "mx2: rej_dnsbl/(rej+recv_rcpt-auth_rcpt) 0% where its peers have "; ok "and names the node and the share"
says " times what is ordinary"; ok "with how far"
silent "mx1: "; ok "and nobody else"
at 12:45 1 --window 30m; ok "a node that gets nothing rings"
says "mx1: conn 0/min where its peers have 3/min"; ok "by its connections"
at 14:45 1; ok "a node whose log stands still rings"
says "missing 1 (limit 0)"; ok "as missing"
says "mx3 has no line in 15 min: its newest is from 2026-11-20 13:59:40"; ok "with its newest line"
at 12:45 0 mx2 mx3 backup; ok "who is not in the group is not looked at"
at 12:45 0 --metric 'rej_dnsbl/(rej+recv_rcpt)' 'mx[23]' backup; ok "one measure of the caller's own"
at 12:45 1 --window 30m --json; ok "as JSON"
perl -MJSON::PP -e '
    local $/; my $j = decode_json(<STDIN>); my $a = $j->{apart}[0];
    exit !($j->{check} eq "check_mail_peers" && $a->{node} eq "mx1" && $a->{distance} >= 6 && $a->{metric} eq "conn");
' <"$dir/out"; ok "with the nodes that stand apart"

at 12:45 3 mx7; ok "a node that is not there"
says "the state knows no host \"mx7\""; ok "is named"
at 12:45 3 mx2; ok "one node alone"
says "there is only one host to compare: name at least two"; ok "is no group"
at 12:45 3 -H mx2; ok "-H is refused"
at 12:45 3 --metric 'rejj/2'; ok "so is an unknown metric"

rm -rf "$dir/state"
group 0 >"$dir/log"
import "$dir/log"; ok "a state of one day"
at 10:00 1 --window 2h; ok "a node that differs rings where nothing is known of before"
says "backup: rej_dnsbl" && says "How the nodes usually differ is not known yet"; ok "and it is said"
at 10:00 0 --window 2h mx1 mx2 mx3; ok "nodes that are alike do not"
at 10:50 1 --window 50m mx1 mx2; ok "two that differ"
says "where its peer has "; ok "are compared with each other"
done_testing
