#!/usr/bin/perl
# power.pl - the files that a loss of power may leave, from what power_preload.c wrote down.
#
#	power.pl RECORD BEFORE NOW AFTER SEED
#
# BEFORE is a state as it was, on the disk; AFTER becomes one as it may be after a moment of the record that SEED
# chooses. What was written to a file since it was synced last is on the disk or is not, block by block,
# in any of the versions that it had since; so is its size, and whether its name is there that was given or taken
# away since then. RRDs are written through mappings, which nobody sees: each of their blocks is as BEFORE or as NOW.
use strict;
use warnings;

my ($record, $before, $now, $after, $seed) = @ARGV;
my $BLOCK = 4096;
srand $seed;
rand for 1 .. 9;	# of seeds that are alike the first throws are, too
my (%now, %disk, %blocks, %sizes);	# by name; undef: there is no such file

sub get { open my $f, '<:raw', $_[0] or die "$_[0]: $!\n"; local $/; my $all = <$f>; $all }
sub block { my ($text, $i) = @_; my $b = $i * $BLOCK < length $text ? substr $text, $i * $BLOCK, $BLOCK : ''; $b . "\0" x ($BLOCK - length $b) }

for my $path (glob "$before/*") {
    next if -d $path;
    my ($name) = $path =~ m{([^/]+)$};
    $now{$name} = $disk{$name} = get($path);
}

# how many calls there are, and are made
open my $r, '<:raw', $record or die "$record: $!\n";
my ($all, $head, $path, $tail, $bytes) = (0);
while (read $r, $head, 9) {
    seek $r, (unpack 'a Q', $head)[1], 1;
    read $r, $tail, 16;
    seek $r, (unpack 'q Q', $tail)[1], 1;
    $all++;
}
my $calls = int rand($all + 1);
print "after $calls of $all calls\n";

seek $r, 0, 0;
for (1 .. $calls) {
    read $r, $head, 9;
    my ($what, $length) = unpack 'a Q', $head;
    read $r, $path, $length;
    read $r, $tail, 16;
    my ($offset, $n) = unpack 'q Q', $tail;
    read $r, $bytes, $n;
    my ($name) = $path =~ m{([^/]+)$};
    $now{$name} //= '' if $what ne 'u';
    if ($what eq 's') {
        $disk{$name} = $now{$name};
        delete $blocks{$name};
        delete $sizes{$name};
    } elsif ($what eq 'u') {
        $now{$name} = undef;
        push @{$sizes{$name}}, undef;
    } elsif ($what eq 't') {
        my $had = length $now{$name};
        $now{$name} = $offset < $had ? substr $now{$name}, 0, $offset : $now{$name} . "\0" x ($offset - $had);
        push @{$sizes{$name}}, $offset;
        push @{$blocks{$name}{$_}}, block($now{$name}, $_) for int($offset / $BLOCK) .. int($had / $BLOCK);
    } else {
        my $had = length $now{$name};
        $now{$name} .= "\0" x ($offset - $had) if $offset > $had;
        substr($now{$name}, $offset, $n) = $bytes;
        push @{$sizes{$name}}, length $now{$name} if $had != length $now{$name};
        push @{$blocks{$name}{$_}}, block($now{$name}, $_) for int($offset / $BLOCK) .. int(($offset + $n - 1) / $BLOCK);
    }
}

# In half of the cases nearly all or nearly nothing came to the disk: not only what is torn everywhere.
my $luck = (0.02, 0.98, 0.5, rand)[int rand 4];
sub fate { my ($old, @new) = @_; @new && rand() < $luck ? $new[rand() < 0.7 ? -1 : int rand @new] : $old }

sub put { my ($path, $text) = @_; open my $f, '>:raw', $path or die "$path: $!\n"; print $f $text; close $f or die "$path: $!\n" }

mkdir $after;
for my $name (keys %now) {
    next if $name =~ /-shm$/;	# no part of the truth: SQLite makes it anew
    my $size = fate(defined $disk{$name} ? length $disk{$name} : undef, @{$sizes{$name} // []});
    next unless defined $size;
    my $text = $disk{$name} // '';
    $text .= "\0" x ($size - length $text) if $size > length $text;
    for my $i (keys %{$blocks{$name} // {}}) {
        next if $i * $BLOCK >= $size;
        my $b = fate(block($disk{$name} // '', $i), @{$blocks{$name}{$i}});
        $text .= "\0" x (($i + 1) * $BLOCK - length $text) if length $text < ($i + 1) * $BLOCK;
        substr($text, $i * $BLOCK, $BLOCK) = $b;
    }
    put("$after/$name", substr $text, 0, $size);
}
mkdir "$after/rrd";
for my $path (glob "$now/rrd/*/*.rrd") {
    my ($host, $name) = $path =~ m{([^/]+)/([^/]+)$};
    my ($old, $new) = (-e "$before/rrd/$host/$name" ? get("$before/rrd/$host/$name") : undef, get($path));
    next if !defined $old && rand() > $luck;
    my $text = $new;
    for my $i (0 .. (defined $old ? (length($new) - 1) / $BLOCK : -1)) {
        my $b = substr fate(block($old, $i), block($new, $i)), 0, length($new) - $i * $BLOCK;
        substr($text, $i * $BLOCK, length $b) = $b;
    }
    mkdir "$after/rrd/$host";
    put("$after/rrd/$host/$name", $text);
}
