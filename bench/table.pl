#!/usr/bin/perl
# table.pl DIR BYTES RUNS - what bench/run.sh measured, as markdown tables.
#
# DIR holds: speed, small (measure's lines), truth, report, judged, the tools' outputs,
# absent, sizes. Goals are those of the design: a ratio to the plainest program that has to
# read the same bytes, measured in the same run, because seconds are the machine's.
use strict;
use warnings;
use JSON::PP;

my ($dir, $bytes, $runs) = @ARGV;
die "usage: table.pl DIR BYTES RUNS\n" unless defined $runs;

sub slurp {
    my ($name) = @_;
    open my $f, '<', "$dir/$name" or return '';
    local $/;
    my $text = <$f>;
    return defined $text ? $text : '';
}

# NAME => { wall, cpu, rss, status }, and the names in order
sub measured {
    my ($name) = @_;
    my (%m, @order);
    for (split /\n/, slurp($name)) {
        my ($n, $wall, $cpu, $rss, $status) = split /\t/;
        $m{$n} = { wall => $wall, cpu => $cpu, rss => $rss / 1024, status => $status };
        push @order, $n;
    }
    return (\%m, @order);
}

sub json {
    my ($text) = @_;
    my $j = eval { decode_json($text) };
    return ref $j eq 'HASH' ? $j : {};
}

sub thousands {
    my $n = reverse sprintf '%.0f', $_[0];
    $n =~ s/(\d{3})(?=\d)/$1,/g;
    return scalar reverse $n;
}

sub verdict {
    my ($value, $goal) = @_;
    return $value <= $goal ? "at most $goal: ok" : "at most $goal: **missed**";
}

my $truth = json(slurp('truth'));
my $lines = $truth->{lines};

# --- speed
my %what = (
    wc => 'wc -l', import => 'mxgauge import, whole', mailgraph => 'mailgraph --cat',
    pflogsumm => 'pflogsumm', mtail => 'mtail, its postfix.mtail',
);
my ($speed, @order) = measured('speed');
printf "A generated day of %s lines, %.0f MB, page cache warm, one core, median of %d runs.\n\n",
    thousands($lines), $bytes / 1e6, $runs;
print "| what | seconds | CPU | lines/s | times wc -l | peak MB | goal |\n",
    "|---|--:|--:|--:|--:|--:|---|\n";

# Import says itself how long it took to the commit and for the RRDs; what follows is
# moving the database's log into its file.
sub median {
    my @v = sort { $a <=> $b } @_;
    return $v[@v / 2];
}
sub phase_row {
    my ($what, $goal, @seconds) = @_;
    return if !@seconds;
    my $wall = median(@seconds);
    my $ratio = $wall / $speed->{wc}{wall};
    printf "| %s | %.3f | | %s | %.1f | | %s |\n", $what, $wall, thousands($lines / $wall),
        $ratio, verdict($ratio, $goal);
}
my (@commit, @drawn);
my $phases = slurp('phases');
while ($phases =~ /commit ([\d.]+) s, rrd ([\d.]+) s/g) {
    push @commit, $1;
    push @drawn, $1 + $2;
}
for my $n (@order) {
    my $m = $speed->{$n};
    my $ratio = $m->{wall} / $speed->{wc}{wall};
    if ($m->{status} != 0) {
        print "| $what{$n} | failed: exit status $m->{status} | | | | | |\n";
        next;
    }
    my $goal = $n ne 'import' ? '' : $m->{rss} <= 64 ? '64 MB: ok' : '64 MB: **missed**';
    if ($n eq 'import') {
        phase_row('mxgauge import, to the commit', 12, @commit);
        phase_row('mxgauge import, and the RRDs', 16, @drawn);
    }
    printf "| %s | %.3f | %.3f | %s | %.1f | %.1f | %s |\n", $what{$n}, $m->{wall}, $m->{cpu},
        thousands($lines / $m->{wall}), $ratio, $m->{rss}, $goal;
}

# --- how right
my $c = $truth->{counts};
my @figures = (
    [ received => $c->{recv_msg} + $c->{recv_local} ],
    [ delivered => $c->{dlv_ext} + $c->{dlv_local} ],
    [ deferred => $c->{defer} ],
    [ bounced => $c->{bounce} ],
    [ refused => $c->{rej} + $c->{tmp} ],
);

sub ours {
    my $g = json(slurp('report'))->{counts} or return {};
    my $sum = sub { my $n = 0; $n += $g->{$_} || 0 for @_; $n };
    return { received => $sum->('recv_msg', 'recv_local'),
        delivered => $sum->('dlv_ext', 'dlv_local'), deferred => $sum->('defer'),
        bounced => $sum->('bounce'), refused => $sum->('rej', 'tmp') };
}

# mailgraph -v prints what it puts into its RRDs, minute by minute.
sub mailgraph {
    my @sum = (0) x 8;
    for (split /\n/, slurp('mailgraph.out')) {
        next unless /^update \d+:([\d:]+)/;
        my @n = split /:/, $1;
        $sum[$_] += $n[$_] for 0 .. $#n;
    }
    return { delivered => $sum[0], received => $sum[1], bounced => $sum[2],
        refused => $sum[3] + $sum[6] };
}

sub pflogsumm {
    my $text = slurp('pflogsumm.out');
    my %unit = ('' => 1, k => 1024, m => 1024 * 1024);
    my %g;
    while ($text =~ /^\s*(\d+)([kKmM]?)\s+(received|delivered|bounced|rejected)\b/mg) {
        $g{ $3 eq 'rejected' ? 'refused' : $3 } //= $1 * $unit{ lc $2 };
    }
    $g{deferred} = $1 * $unit{ lc $2 } if $text =~ /\((\d+)([kKmM]?)\s+deferrals\)/;
    return \%g;
}

sub mtail {
    my ($text) = slurp('mtail.out') =~ /^(\{.*^\})/ms;
    my $j = json($text // '');
    my $total = sub {
        my ($name) = @_;
        my $n = 0;
        for my $metric (@{ $j->{$name} || [] }) {
            for my $v (@{ $metric->{LabelValues} || [] }) {
                my $x = $v->{Value};
                $n += exists $x->{Count} ? $x->{Count} : $x->{Value} || 0;
            }
        }
        return $n;
    };
    return { received => $total->('postfix_qmgr_messages_inserted_recipients'),
        refused => $total->('postfix_smtpd_messages_rejected_total') +
            $total->('postfix_cleanup_messages_rejected_total') };
}

my @tools = ([ mxgauge => ours() ]);
push @tools, [ mailgraph => mailgraph() ] if $speed->{mailgraph};
push @tools, [ pflogsumm => pflogsumm() ] if $speed->{pflogsumm};
push @tools, [ mtail => mtail() ] if $speed->{mtail};
print "\nThe same day's figures, and how wrong they are:\n\n";
print '| figure | truth | ', join(' | ', map { $_->[0] } @tools), " |\n|---|--:|", '--:|' x @tools,
    "\n";
for my $f (@figures) {
    my ($name, $want) = @$f;
    my @cells = map {
        my $got = $_->[1]{$name};
        !defined $got ? '-' : $got == $want ? 'exact' :
            sprintf '%s (%+.1f %%)', thousands($got), 100 * ($got - $want) / ($want || 1);
    } @tools;
    print "| $name | ", thousands($want), ' | ', join(' | ', @cells), " |\n";
}
my ($summary) = slurp('judged') =~ /^(\d+ figures compared, \d+ differ)$/m;
print "\nmxgauge, all metrics, hosts, classes and the books: ", $summary || 'no report', ".\n";
my @absent = split /\n/, slurp('absent');
print "Not installed and left out: ", join(', ', @absent), ".\n" if @absent;

# --- small programs
my ($small, @small) = measured('small');
my %size = map { my ($n, $s, $ssl) = split /\t/; $n => { size => $s, ssl => $ssl } }
    split /\n/, slurp('sizes');
print "\nStart to exit, against an empty dynamic C program (median of 200): +state answers from the day, +ini with the\n",
    "options of nagios-cfg/nrpe/mxgauge.ini (a process for every second minute of --hold).\n\n";
print "| program | ms | times empty | peak MB | size KB | goal |\n|---|--:|--:|--:|--:|---|\n";
for my $n (sort grep { $_ ne 'warm' } @small) {
    my $m = $small->{$n};
    my $ratio = $m->{wall} / $small->{empty}{wall};
    my ($base) = split /\+/, $n;
    my $goal = '';
    # -V is one way to end, an alarm another: failed is what did not start, or got a signal
    if ($m->{status} > 3) {
        print "| $n | failed: exit status $m->{status} | | | | |\n";
        next;
    }
    if ($n =~ /^check_/ && $n !~ /\+ini$/) {
        my $limit = $n =~ /\+state$/ ? 2.5 : $size{$base}{ssl} ? 3 : 1.5;
        $goal = verdict($ratio, $limit);
        $goal .= $m->{rss} < 4 ? '; 4 MB: ok' : '; 4 MB: **missed**';
    }
    printf "| %s | %.2f | %.1f | %.1f | %s | %s |\n", $n eq 'report' ? 'mxgauge report --json' : $n,
        $m->{wall} * 1000, $ratio, $m->{rss},
        $size{$base} ? sprintf('%.0f', $size{$base}{size} / 1024) : '', $goal;
}
