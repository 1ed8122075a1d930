#!/usr/bin/perl
# run.pl TEST... - run TAP tests; name what failed and what was skipped, show tables (comments
# that begin with "#|"), and end with "N passed, N failed, N skipped".
#
# A test is a program or a .t script, run from the root of the repository. JOBS run
# at once; unless it is said, three for two cores, as half of the time they wait, and 16 at most.
# A test that dies, or breaks its plan, or takes longer than TEST_SECONDS, has failed once more
# than its lines say.
use strict;
use warnings;
use Cwd qw(getcwd);
use File::Basename qw(dirname);
use List::Util qw(max min);
use TAP::Harness;

chdir dirname($0) . '/..' or die "run.pl: $!\n";
$ENV{BUILD} ||= 'build';
# Sanitizers: a report is a failure, and leaks count.
$ENV{ASAN_OPTIONS} ||= 'detect_leaks=1:abort_on_error=0';
$ENV{LSAN_OPTIONS} ||= 'suppressions=' . getcwd() . '/tests/lsan.supp:print_suppressions=0';
$ENV{UBSAN_OPTIONS} ||= 'print_stacktrace=1';

my $seconds = $ENV{TEST_SECONDS} || 600;
chomp(my $cores = `getconf _NPROCESSORS_ONLN` || 1);
my $harness = TAP::Harness->new({
    jobs => $ENV{JOBS} || max(2, min(16, int($cores * 1.5))),
    merge => 1,
    exec => sub { ['timeout', '-k', '10', $seconds, $_[1] =~ m{/} ? $_[1] : "./$_[1]"] },
});
my %said;
$harness->callback(made_parser => sub {
    my ($parser, $job) = @_;
    my $lines = $said{$job->[0]} = [];
    $parser->callback(ALL => sub { push @$lines, $_[0]->raw });
});

my $all = $harness->runtests(@ARGV);
my ($passed, $failed, $skipped) = (0, 0, 0);
for my $name ($all->descriptions) {
    my ($test) = $all->parsers($name);
    my @skips = grep { /^ok\b.*#\s*skip/i } @{$said{$name}};
    my $bad = $test->failed + 0;
    my $broken = $test->wait && !$bad || $test->parse_errors ? 1 : 0;
    $passed += $test->passed - @skips;
    $skipped += @skips + ($test->skip_all ? 1 : 0);
    $failed += $bad + $broken;
    print "skipped: $name: ", $test->skip_all, "\n" if $test->skip_all;
    print "skipped: $name: ", s/^ok\s*\d*\s*-?\s*//r, "\n" for @skips;
    print map { "$_\n" } map { /^#\| (.*)/ ? $1 : () } @{$said{$name}};	# a table
    next unless $bad || $broken;
    my @last = grep { !/^ok\b/ } @{$said{$name}};
    splice @last, 0, -400;
    my $died = $test->wait & 127;
    print "--- $name failed", $died ? ", killed by signal $died" : $test->exit == 124
        ? ", took longer than $seconds s" : '', "\n", map { "$_\n" } @last;
}
my %took = map { my ($test) = $all->parsers($_); ($_ => $test->end_time - $test->start_time) } $all->descriptions;
my @longest = grep { defined } (sort { $took{$b} <=> $took{$a} } keys %took)[0 .. 9];
print 'longest: ', join(', ', map { sprintf '%s %.0f s', $_, $took{$_} } @longest), "\n";
print "$passed passed, $failed failed, $skipped skipped\n";
exit($failed > 0);
