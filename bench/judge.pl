#!/usr/bin/perl
# judge.pl [--copies] TRUTH REPORT - does `mxgauge report --json` say what really happened?
#
# Every figure of the truth has to be in the report, equal to the unit: the farm's, each
# host's, each class of reason, each block list, the books. A class that the truth does not
# have must not be in the report. Delays may differ by a tenth. --copies: lines were read more
# than once or are missing from one of two paths, so that their number is not compared.
# Prints the differences and "N figures compared, M differ"; exit status 1 if any differ.
use strict;
use warnings;
use JSON::PP;

my $copies = @ARGV && $ARGV[0] eq '--copies' ? shift : '';
die "usage: judge.pl [--copies] TRUTH REPORT\n" unless @ARGV == 2;
my ($truth, $report) = map { read_json($_) } @ARGV;
my ($compared, $differ) = (0, 0);

sub read_json {
    my ($path) = @_;
    open my $f, '<', $path or die "$path: $!\n";
    local $/;
    my $text = <$f>;
    my $json = eval { decode_json($text) };
    die "$path is no JSON: " . substr($text, 0, 200) . "\n" unless ref $json eq 'HASH';
    return $json;
}

sub figure {
    my ($name, $got, $want, $slack) = @_;
    $compared++;
    $got = 0 unless defined $got;
    return if abs($got - $want) <= ($slack || 0);
    $differ++;
    print "$name: got $got, want $want\n";
}

# want: the truth's section; both: what it does not name must be zero in the report
sub section {
    my ($name, $got, $want, $both) = @_;
    $got = {} unless ref $got eq 'HASH';
    for my $k (sort keys %$want) {
        next if $copies && $k eq 'lines';
        figure("$name.$k", $got->{$k}, $want->{$k});
    }
    for my $k (sort keys %$got) {
        figure("$name.$k", $got->{$k}, 0) if !exists $want->{$k} && $k =~ $both;
    }
}

my $parts = qr/^(?:rej|tmp|defer|bounce)_/;
section('counts', $report->{counts}, $truth->{counts}, $parts);
section('reject', $report->{reject}, $truth->{reject}, qr/./);
section('tempfail', $report->{tempfail}, $truth->{tempfail}, qr/./);
section('dnsbl', $report->{dnsbl}, $truth->{dnsbl}, qr/^$/);
section('balance', $report->{balance}, $truth->{balance}, qr/^$/);
section("hosts.$_", $report->{hosts}{$_}, $truth->{hosts}{$_}, qr/^$/)
    for sort keys %{ $truth->{hosts} };
figure("delay.$_", $report->{delay}{$_}, $truth->{delay}{$_}, .1 * $truth->{delay}{$_} + .01)
    for qw(p50 p95 p99 max);
print "$compared figures compared, $differ differ\n";
exit($differ ? 1 : 0);
