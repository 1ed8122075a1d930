# networks_test.sh - logs of who sent how much that was refused or accepted.
# shellcheck shell=sh
#
# ". tests/plugins/networks_test.sh". traffic reads lines "HOUR HOST WHAT ADDRESS N" of 2026-11-20 and prints the log lines of
# it, spread over the hour: refuse (N recipients), grey, ours (451, our own trouble), accept and condemn (a mail with
# N recipients; by a filter).
traffic() {
    perl -e '
        my (@out, $id);
        sub stamp { sprintf "2026-11-20T%02d:%02d:%02d+00:00", $_[0], $_[1] / 60, $_[1] % 60 }
        my %text = (refuse => "554 5.7.1 Service unavailable; Client host [CLIENT] blocked using zen.example.org",
            grey => "450 4.2.0 <u\@example.org>: Recipient address rejected: Greylisted",
            ours => "452 4.3.1 Insufficient system storage");
        while (<STDIN>) {
            my ($hour, $host, $what, $ip, $n) = split;
            if (my $text = $text{$what}) {
                $text =~ s/CLIENT/$ip/;
                for my $i (0 .. $n - 1) {
                    my $at = stamp($hour, int(3599 * ($i + 0.5) / $n));
                    push @out, "$at $host postfix/smtpd[1]: NOQUEUE: reject: RCPT from unknown[$ip]: $text; from=<a\@example.net> to=<u" . ++$id . "\@example.org> proto=ESMTP helo=<h.example.net>\n";
                }
                next;
            }
            my $q = sprintf "%010X", ++$id;
            my $at = stamp($hour, $id % 3500);
            push @out, "$at $host postfix/smtpd[1]: $q: client=mail.example.net[$ip]\n",
                "$at $host postfix/qmgr[2]: $q: from=<a\@example.net>, size=1000, nrcpt=$n (queue active)\n";
            push @out, "$at $host amavis[3]: (00003-01) Passed SPAMMY {RelayedTaggedInbound}, [$ip]:4711 [$ip] <a\@example.net> -> <u\@example.org>, Queue-ID: $q, Message-ID: <$q\@example.net>, mail_id: A$q, Hits: 9.1, size: 1000, 300 ms\n"
                if $what eq "condemn";
        }
        print sort @out'
}

# The networks of the example in docs/reputation.md: 192.0.2.0/24 ends as there, a provider sends much of both,
# 203.0.113.0/24 came today, 2001:db8:1:2::/64 stopped in the night, 203.0.112.0/24 is condemned by filters alone; and
# refusals of which nobody is to blame.
example() {
    traffic <<'END'
11 mx1 refuse 192.0.2.7 200
5 mx2 refuse 192.0.2.8 100
11 mx1 accept 192.0.2.9 1
10 mx1 refuse 198.51.100.1 500
10 mx2 accept 198.51.100.2 100
10 mx2 accept 198.51.100.3 100
10 mx1 accept 198.51.100.4 100
11 mx2 refuse 203.0.113.5 150
2 mx1 refuse 2001:db8:1:2::25 300
2 mx1 refuse 2001:db8:1:2::26 100
11 mx1 condemn 203.0.112.1 60
11 mx1 condemn 203.0.112.2 40
11 mx1 grey 198.51.101.1 300
11 mx2 ours 198.51.102.1 300
11 mx1 refuse 10.1.2.3 50
0 mx1 accept 198.51.103.1 2
0 mx2 accept 198.51.103.1 2
END
}
