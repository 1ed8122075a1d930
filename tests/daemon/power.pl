#!/usr/bin/perl
# power.pl - the files that a loss of power may leave, from what power_preload.c wrote down.
#
#	power.pl RECORD BEFORE AFTER SEED
#
# BEFORE is a folder as it was, on the disk; AFTER becomes one as it may be after a moment of the record that SEED
# chooses. What was written to a file since it was synced last is on the disk or is not, block by block, in any of
# the versions that it had since; so is its size. What was done to names came to the disk up to some moment.
use strict;
use warnings;
use File::Basename qw(dirname);
use File::Find qw(find);
use File::Path qw(make_path);

my ($record, $before, $after, $seed) = @ARGV;
my $BLOCK = 4096;
srand $seed;
rand for 1 .. 9;	# of seeds that are alike the first throws are, too

# A file: now, on the disk, versions of each block and of the size since then.
sub file { { now => $_[0], disk => $_[0], blocks => {}, sizes => [] } }
my (%now, %disk);	# files by name
my @names;		# what was done to names since: pairs of a name and its file, or undef

sub get { open my $f, '<:raw', $_[0] or die "$_[0]: $!\n"; local $/; my $all = <$f>; $all }
sub block { my ($text, $i) = @_; my $b = $i * $BLOCK < length $text ? substr $text, $i * $BLOCK, $BLOCK : ''; $b . "\0" x ($BLOCK - length $b) }
sub keep_blocks { my ($f, $from, $to) = @_; push @{$f->{blocks}{$_}}, block($f->{now}, $_) for int($from / $BLOCK) .. int($to / $BLOCK) }

# AFTER has all but SQLite's -shm, which is no part of the truth: it is made anew
find({ no_chdir => 1, wanted => sub { $disk{substr $_, 1 + length $before} = file(get($_)) if -f $_ && !/-shm$/ } }, $before);
%now = %disk;

# how many calls there are, and are made
open my $r, '<:raw', $record or die "$record: $!\n";
my ($all, $head, $name, $tail, $bytes) = (0);
while (read $r, $head, 9) {
    seek $r, (unpack 'a Q', $head)[1], 1;
    read $r, $tail, 16;
    seek $r, (unpack 'q Q', $tail)[1], 1;
    $all++;
}
my $calls = int rand($all + 1);
print "after $calls of $all calls\n";

# of names: they are done, in this order
sub named { my ($names, @pairs) = @_; while (my ($n, $f) = splice @pairs, 0, 2) { $f ? ($names->{$n} = $f) : delete $names->{$n} } }
sub does { named(\%now, @_); push @names, [@_] }

seek $r, 0, 0;
for (1 .. $calls) {
    read $r, $head, 9;
    my ($what, $length) = unpack 'a Q', $head;
    read $r, $name, $length;
    read $r, $tail, 16;
    my ($offset, $n) = unpack 'q Q', $tail;
    read $r, $bytes, $n;
    next if $name =~ /-shm$/;
    if ($what eq 'u') {
        does($name => undef);
        next;
    }
    if (!$now{$name}) {
        does($name => file(''));
    }
    my $f = $now{$name};
    my $had = length $f->{now};
    if ($what eq 's') {
        @$f{qw(disk blocks sizes)} = ($f->{now}, {}, []);
        my @its = grep { my %of = @$_; exists $of{$name} } @names;
        named(\%disk, @$_) for @its;
        @names = grep { my %of = @$_; !exists $of{$name} } @names;
    } elsif ($what eq 'r') {
        does($name => undef, $bytes => $f);
    } elsif ($what eq 't') {
        $f->{now} = $offset < $had ? substr $f->{now}, 0, $offset : $f->{now} . "\0" x ($offset - $had);
        push @{$f->{sizes}}, $offset;
        keep_blocks($f, $offset < $had ? ($offset, $had) : ($had, $offset));
    } else {
        $f->{now} .= "\0" x ($offset - $had) if $offset > $had;
        substr($f->{now}, $offset, $n) = $bytes;
        push @{$f->{sizes}}, length $f->{now} if $had != length $f->{now};
        keep_blocks($f, $offset, $offset + $n - 1);
    }
}

# In half of the cases nearly all or nearly nothing came to the disk: not only what is torn everywhere.
my $luck = (0.02, 0.98, 0.5, rand)[int rand 4];
sub fate { my ($old, @new) = @_; @new && rand() < $luck ? $new[rand() < 0.7 ? -1 : int rand @new] : $old }

# a file system may be late with names, but not out of turn
my $done = $luck == 0.98 ? @names : $luck == 0.02 ? 0 : int rand(@names + 1);
named(\%disk, @$_) for @names[0 .. $done - 1];
for my $at (sort keys %disk) {
    my $f = $disk{$at};
    my $size = fate(length $f->{disk}, @{$f->{sizes}});
    my $text = $f->{disk};
    $text .= "\0" x ($size - length $text) if $size > length $text;
    for my $i (sort { $a <=> $b } keys %{$f->{blocks}}) {
        next if $i * $BLOCK >= $size;
        my $b = fate(block($f->{disk}, $i), @{$f->{blocks}{$i}});
        $text .= "\0" x (($i + 1) * $BLOCK - length $text) if length $text < ($i + 1) * $BLOCK;
        substr($text, $i * $BLOCK, $BLOCK) = $b;
    }
    make_path(dirname("$after/$at"));
    open my $out, '>:raw', "$after/$at" or die "$after/$at: $!\n";
    print $out substr $text, 0, $size;
    close $out or die "$after/$at: $!\n";
}
