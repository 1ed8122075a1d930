#!/usr/bin/perl
# traffic.pl RATE STOP REPORT SOCKET... - programs that log, as Postfix does: so many lines a second to
# each of the sockets, no two alike, each refusing one recipient, until the file STOP is
# there. logger(1) is called twice a second, too. REPORT gets, a word a line: how many lines
# each socket got, and the longest that a program waited for its log, in seconds.
use strict;
use warnings;
use IO::Socket::UNIX;
use Time::HiRes qw(sleep time);

my ($rate, $stop, $report, @paths) = @ARGV;
my ($n, $longest, $logger_at, $start) = (0, 0, time, time);
my %socket;

sub text {
    return "NOQUEUE: reject: RCPT from unknown[192.0.2.1]: 550 5.1.1 <u$_[0]\@example.org>: " .
        "Recipient address rejected: User unknown in local recipient table; from=<a\@example.net> " .
        "to=<u$_[0]\@example.org> proto=ESMTP helo=<h.example.net>";
}

# as syslog(3): a daemon that was started anew has another socket; while it is down there is none
sub give {
    my ($path, $bytes) = @_;
    for (1 .. 1200) {
        $socket{$path} ||= IO::Socket::UNIX->new(Peer => $path, Type => SOCK_DGRAM);
        return if $socket{$path} && defined $socket{$path}->send($bytes);
        delete $socket{$path};
        sleep 0.05;
    }
    die "nobody reads $path\n";
}

sub waited {
    my $t = time - $_[0];
    $longest = $t if $t > $longest;
}

until (-e $stop) {
    for my $path (@paths) {
        my $t = time;
        give($path, '<22>postfix/smtpd[7]: ' . text($n));
        waited($t);
    }
    if ($n % $rate == 0 || $n % $rate == int($rate / 2)) {
        $n++;
        for my $path (@paths) {
            my $t = time;
            system('logger', '-u', $path, '--id=7', '-p', 'mail.info', '-t', 'postfix/smtpd', text($n)) == 0 or
                die "logger: $?\n";
            waited($t);
        }
    }
    $n++;
    my $ahead = $start + $n / $rate - time;
    sleep $ahead if $ahead > 0;
}
open my $f, '>', "$report.new" or die;
printf $f "%d\n%.2f\n", $n, $longest;
close $f;
rename "$report.new", $report;
