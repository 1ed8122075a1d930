#!/bin/sh
# cuts.t - senders of syslog over RELP and TCP whose connection is cut in the middle of a line,
# again and again: RELP by a reset that throws away what is on its way, or with answers unread;
# TCP by the end of the connection. Each line counts once.
set -u
# shellcheck source=tests/daemon/daemon_test.sh
. tests/daemon/daemon_test.sh
# an address of loopback for this test alone, so that its ports are free
here=127.$((1 + $$ / 250 % 250)).$((1 + $$ % 250)).2
cuts=25

printf 'state = "%s/state"\ntemplates = "%s/rrd-templates"\nsource "net" { listen = { "tcp:%s:5514", "relp:%s:2514" } }\n' \
    "$D" "$PWD" $here $here >"$D/conf"
start || { cat "$D/out"; echo "Bail out! mxgauged does not start"; exit 1; }
perl tests/daemon/syslog.pl relp $here:2514 0 9000 300x$cuts >"$D/sessions"
saw $? "RELP: all lines are acknowledged"
is "$(cat "$D/sessions")" $((cuts + 1)) "in the sessions of $cuts cuts"
counts 9000 "and each counts once"

# TCP: what was cut is sent again as a whole; only its end tells that a line is complete
perl -e '
    use strict;
    use IO::Socket::INET;
    use POSIX qw(strftime);
    my ($to, $cuts) = @ARGV;
    my $at = strftime("%Y-%m-%dT%H:%M:%S+00:00", gmtime(time - 600));
    my @lines = map { my $i = $_; "<22>$at mx1 postfix/smtpd[7]: NOQUEUE: reject: RCPT from " .
        "unknown[192.0.2.1]: 550 5.1.1 <t$i\@example.org>: Recipient address rejected: User unknown; " .
        "from=<a\@example.net> to=<t$i\@example.org> proto=ESMTP helo=<h>\n" } 1 .. 100 * ($cuts + 1);
    for my $cut (0 .. $cuts) {
        my $s = IO::Socket::INET->new(PeerAddr => $to) or die "cannot reach $to: $!\n";
        my $whole = join "", splice @lines, 0, 100;
        my $part = @lines ? substr $lines[0], 0, 1 + int rand(length($lines[0]) - 1) : "";
        print $s $whole, $part;
        shutdown $s, 1;
        my $end;
        sysread $s, $end, 1;
    }' $here:5514 $cuts
saw $? "TCP: cut $cuts times within a line, which is sent again"
counts $((9000 + 100 * (cuts + 1))) "each counts once"
stop TERM
is "$status" 0 "and it ends well"
done_testing
