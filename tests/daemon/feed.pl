#!/usr/bin/perl
# feed.pl SEED DAY LOG PART PARTS - append one part of a day's log (less its first line), as
# log daemons and logrotate do: in pieces of all sizes that may end within a line, with
# pauses, and with a rotation somewhere, by rename or by copy and truncate, of which older
# ones may be compressed. Nothing is ever removed. The same SEED and PART do the same.
use strict;
use warnings;
use File::Copy qw(copy);

my ($seed, $day, $log, $part, $parts) = @ARGV;
srand($seed * 1000 + $part);

# The part: lines for the first and last to begin and end with.
open my $in, '<:raw', $day or die "feed: $day: $!\n";
my $size = -s $in;
sub edge {
    my ($at) = @_;
    return $at if $at == 0 || $at >= $size;
    seek $in, $at, 0;
    readline $in;
    return tell $in;
}
my $from = $part == 0 ? edge(1) : edge(int($size * $part / $parts));
my $to = edge(int($size * ($part + 1) / $parts));
seek $in, $from, 0;
read $in, my $text, $to - $from;

# LOG.1 becomes LOG.2 and so on; of the older ones some are compressed.
sub aside {
    my $n = 0;
    $n++ while -e "$log." . ($n + 1) || -e "$log." . ($n + 1) . '.gz';
    for (reverse 1 .. $n) {
        my $end = -e "$log.$_.gz" ? '.gz' : '';
        rename "$log.$_$end", "$log." . ($_ + 1) . $end or die "feed: $log.$_: $!\n";
    }
    system('gzip', "$log.2") if -e "$log.2" && rand() < 0.5;
}

# Whole lines go before a rotation: what a daemon would do, and what a family of files means.
sub rotate {
    return if !-s $log;
    aside();
    if (rand() < 0.5) {
        rename $log, "$log.1" or die "feed: $log: $!\n";
    } else {
        copy($log, "$log.1") or die "feed: $log: $!\n";
        truncate $log, 0 or die "feed: $log: $!\n";
    }
}

sub append {
    my ($piece) = @_;
    open my $out, '>>:raw', $log or die "feed: $log: $!\n";
    (syswrite($out, $piece) // -1) == length $piece or die "feed: $log: $!\n";
    close $out;
    select undef, undef, undef, rand(0.06);
}

my $rotate_at = rand() < 0.7 ? int rand length $text : -1;
for (my $at = 0; $at < length $text; ) {
    my $n = int(2**(6 + rand 11));
    if ($rotate_at >= 0 && $at >= $rotate_at) {
        $n = index($text, "\n", $at) + 1 - $at;	# the rest of the line
        append(substr $text, $at, $n) if $at > 0 && substr($text, $at - 1, 1) ne "\n";
        $at += $n if $at > 0 && substr($text, $at - 1, 1) ne "\n";
        rotate();
        $rotate_at = -1;
        next;
    }
    append(substr $text, $at, $n);
    $at += $n;
}
