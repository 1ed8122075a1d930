#!/usr/bin/perl
# central.pl FARMS - of a day of bench/genday (stdin) what a central log of FARMS such farms has: each line once of
# each farm, by turns, with hosts and Message-IDs of its own, and stamps of RFC 3339 as rsyslog writes them.
use strict;
use warnings;

my ($farms) = @ARGV;
die "usage: central.pl FARMS\n" unless defined $farms && $farms =~ /^[1-9]\d?$/;
my %month;
@month{qw(Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec)} = 1 .. 12;
my $n = 0;
while (my $line = <STDIN>) {
    my ($month, $day, $time, $rest) = $line =~ /^(\w{3}) ([ \d]\d) (\S{8}) (.*\n)\z/s or die "no line of genday: $line";
    for my $farm (1 .. $farms) {
        my $own = $rest;
        if ($farms > 1) {
            $own =~ s/^(\S+)/$1-$farm/;
            $own =~ s/(message-id=|Message-ID: )</$1<$farm./g;
        }
        printf "2026-%02d-%02dT%s.%06d+00:00 %s", $month{$month}, $day, $time, $n++ % 1_000_000, $own;
    }
}
