#!/usr/bin/perl
# alarms.pl - do the sample services ring when something breaks, and are they quiet when nothing does?
#
#	alarms.pl [FAULT...|quiet]
#
# Makes logs of invented farms: quiet days of several shapes, and days with one fault that begins in the
# middle of them; each with the seven days before and the same weekday of four weeks. They are imported,
# and the sample services of nagios-cfg are asked for each minute or five of the day (--at). Printed is,
# for each fault, after how many minutes which service rang and what it said, and for each quiet day what
# rang; a service rings when as many answers in a row as its max_check_attempts are not OK. BUILD is the
# build folder, DAYS the number of quiet days (30), FARMS the shapes, SEED the days' chance, JOBS how
# many days are asked at once (2); a fault or a day is the same for its SEED whatever else is asked. With
# EACH all that rings on a quiet day counts, half an hour apart, and not what a service rings for first.
# With TRACE each answer is printed to stderr.
use strict;
use warnings;
use File::Temp qw(tempdir);
use POSIX qw(floor _exit);
use Time::Local qw(timegm);

my $build = $ENV{BUILD} || 'build';
my $days = $ENV{DAYS} // 30;
my $seed = $ENV{SEED} || 1;
my $jobs = $ENV{JOBS} || 2;
my $room = tempdir('mx-alarms.XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $dir;	# in it, of one job
my @ago;	# which days before that one are known, the oldest first
$ENV{TZ} = 'UTC';

# The services that answer from the state, as the sample farm and mxgauge.ini have them.
my (%service, %attempts, %sections, %window, $name);
open my $ini, '<', 'nagios-cfg/nrpe/mxgauge.ini' or die "mxgauge.ini: $!\n";
while (<$ini>) {
    $name = $1 if /^\[(\w+)\]/;
    next if /^hold/;	# it only makes longer what rang: a tenth of the time to ask without it
    next unless $name && /^([a-z-]+)(?:\s*=\s*(.*?))?\s*$/;
    push @{ $sections{$name} }, "--$1" . (defined $2 ? "=$2" : '');
    $window{$name} = $2 if $1 eq 'window';
}
close $ini;
my $farm = '';
for my $part (qw(templates services)) {
    open my $f, '<', "nagios-cfg/nagios/farm/$part.cfg" or die "$part.cfg: $!\n";
    $farm .= join '', grep !/^\s*#/, <$f>;
}
my ($usual) = $farm =~ /name\s+mx-from-state\s[^}]*max_check_attempts\s+(\d+)/ or die "no template mx-from-state\n";
for my $check (qw(check_reject_ratio check_mail_flow check_mail_peers check_mail_delay check_mail_balance check_mail_accounts)) {
    my ($definition) = $farm =~ /(define service \{[^}]*mx_nrpe!$check\s[^}]*\})/ or die "$check has no sample service\n";
    $service{$check} = $sections{$check} or die "$check has no section in mxgauge.ini\n";
    ($attempts{$check}) = $definition =~ /max_check_attempts\s+(\d+)/;
    $attempts{$check} //= $usual;
}
push @{ $service{check_mail_peers} }, 'mx*';

# --- the farms: per minute and node at the busiest hour --------------------------------------
my %busy = (
    office => [ map { $_ / 100 } 22, 18, 15, 14, 15, 20, 32, 55, 85, 98, 100, 97, 88, 90, 95, 96, 90, 75, 60, 52, 48, 44, 36, 28 ],
    school => [ map { $_ / 100 } 2, 1, 1, 1, 1, 2, 8, 60, 100, 100, 95, 90, 70, 80, 60, 40, 20, 10, 8, 6, 5, 4, 3, 2 ],
    flat => [ map { $_ / 100 } 80, 78, 76, 75, 76, 80, 84, 88, 94, 98, 100, 99, 97, 97, 98, 98, 96, 94, 92, 90, 88, 86, 84, 82 ],
);
my %mx = (dnsbl => 14, unknown => 3, helo => 2, grey => 2, accept => 3, spam => 1, authfail => 0.5, submit => 0.6,
    virus => 0.05, defer => 0.2, bounce => 0.05);
my %shape = (
    mx => { nodes => [qw(mx1 mx2 mx3)], busy => 'flat', weekend => 0.6, %mx },
    office => { nodes => [qw(mx1 mx2)], busy => 'office', weekend => 0.3, %mx, accept => 5, submit => 2 },
    spam98 => { nodes => [qw(mx1 mx2 mx3)], busy => 'flat', weekend => 0.95, %mx, dnsbl => 28, unknown => 6, accept => 0.6,
        spam => 0.3, submit => 0.2 },
    tiny => { nodes => [qw(mx1)], busy => 'office', weekend => 0.4, map { $_ => $mx{$_} / 20 } keys %mx },
    school => { nodes => [qw(mx1)], busy => 'school', weekend => 0.05, %mx, dnsbl => 5, unknown => 1 },
    newsletter => { nodes => [qw(mx1 mx2 mx3)], busy => 'office', weekend => 0.4, %mx, newsletters => 2 },
    bursty => { nodes => [qw(mx1 mx2)], busy => 'flat', weekend => 0.8, %mx, bursts => 1 },
    bursty_small => { nodes => [qw(mx1)], busy => 'office', weekend => 0.4, bursts => 1,
        map { $_ => $mx{$_} / 4 } keys %mx },
);
# What comes in bursts, how often a day, for how many minutes and how many times as much at most.
my %bursts = (dnsbl => [ 8, 20, 5 ], unknown => [ 5, 12, 8 ], authfail => [ 4, 40, 8 ], helo => [ 3, 15, 6 ],
    grey => [ 3, 15, 4 ], defer => [ 2, 20, 5 ], bounce => [ 2, 10, 6 ], seconds => [ 2, 15, 20 ]);
my $unrest = 0.35;	# of all of them each minute besides, as a standard deviation of the logarithm

# --- lines -----------------------------------------------------------------------------------
my ($out, $id) = (undef, 0);
sub chance { my ($mean) = @_;	# Poisson
    return 0 if !$mean;
    if ($mean > 30) {
        my $n = floor($mean + sqrt($mean) * sqrt(-2 * log(1 - rand)) * cos(6.2831853 * rand) + 0.5);
        return $n < 0 ? 0 : $n;
    }
    my ($l, $k, $p) = (exp(-$mean), 0, 1);
    do { $k++; $p *= rand } while $p > $l;
    return $k - 1;
}
sub stamp { my @t = gmtime $_[0];
    return sprintf '%04d-%02d-%02dT%02d:%02d:%02d+00:00', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0];
}
sub say_line { my ($t, $host, $tag, $text) = @_; push @$out, [ $t, "$host $tag: $text\n" ] }
sub client { my $n = int rand 250; return "unknown[198.51.100.$n]" }
sub reject { my ($t, $host, $text, $rcpt) = @_;
    $rcpt //= 'u' . int(rand 400) . '@example.org';
    my $c = client();
    $text =~ s/CLIENT/($c =~ m{\[(.*)\]})[0]/e;
    $text =~ s/RCPT/$rcpt/;
    say_line($t, $host, 'postfix/smtpd[101]', "connect from $c");
    say_line($t, $host, 'postfix/smtpd[101]', "NOQUEUE: reject: RCPT from $c: $text; from=<s" . int(rand 1000) .
        "\@example.net> to=<$rcpt> proto=ESMTP helo=<pc.example.net>");
}
my $zen = '554 5.7.1 Service unavailable; Client host [CLIENT] blocked using zen.example.com';
my $who = '550 5.1.1 <RCPT>: Recipient address rejected: User unknown in local recipient table';
my $bad_helo = '504 5.5.2 <pc>: Helo command rejected: need fully-qualified hostname';
my $grey = '450 4.2.0 <RCPT>: Recipient address rejected: Greylisted';
sub mail { my ($t, $host, %o) = @_;
    my $q = sprintf '%010X', ++$id;
    my $seconds = ($o{seconds} // 1) * exp(0.6 * (rand() + rand() + rand() - 1.5));
    my $user = $o{user} ? ", sasl_method=PLAIN, sasl_username=$o{user}" : '';
    my $from = $o{null} ? '' : 's' . int(rand 1000) . '@example.net';
    my $c = $o{client} // client();
    say_line($t, $host, 'postfix/smtpd[101]', "connect from $c") unless $o{user};
    say_line($t, $host, 'postfix/smtpd[101]', "$q: client=$c$user");
    say_line($t, $host, 'postfix/qmgr[7]', "$q: from=<$from>, size=" . int(2000 + rand 20000) . ', nrcpt=1 (queue active)');
    my $d = sprintf '%.2f', $seconds;
    my $parts = sprintf '0.1/0.01/0.05/%.2f', $seconds > 0.2 ? $seconds - 0.16 : 0.05;
    my $relay = $o{out} ? "mx.$o{out}\[203.0.113.25]:25" : 'store.example.org[10.0.0.9]:24';
    my ($agent, $rcpt) = $o{out} ? ('smtp', "x\@$o{out}") : ('lmtp', 'u' . int(rand 400) . '@example.org');
    my $end = $t + 1 + int $seconds;
    if ($o{defer}) {
        say_line($end, $host, "postfix/$agent\[9]", "$q: to=<$rcpt>, relay=none, delay=$d, delays=$parts, dsn=4.4.1, status=deferred (connect to mx.$o{out}\[203.0.113.25]:25: Connection timed out)");
        return;
    }
    if ($o{bounce}) {
        my $n = sprintf '%010X', ++$id;
        say_line($end, $host, "postfix/$agent\[9]", "$q: to=<$rcpt>, relay=$relay, delay=$d, delays=$parts, dsn=5.1.1, status=bounced (host said: 550 5.1.1 no such user (in reply to RCPT TO command))");
        say_line($end, $host, 'postfix/bounce[8]', "$q: sender non-delivery notification: $n");
        say_line($end, $host, 'postfix/qmgr[7]', "$q: removed");
        say_line($end, $host, 'postfix/qmgr[7]', "$n: from=<>, size=3000, nrcpt=1 (queue active)");
        say_line($end + 1, $host, 'postfix/smtp[9]', "$n: to=<$from>, relay=mx.example.net[203.0.113.9]:25, delay=1, delays=0/0/0.5/0.5, dsn=2.0.0, status=sent (250 ok)");
        say_line($end + 1, $host, 'postfix/qmgr[7]', "$n: removed");
        return;
    }
    say_line($end, $host, "postfix/$agent\[9]", "$q: to=<$rcpt>, relay=$relay, delay=$d, delays=$parts, dsn=2.0.0, status=sent (250 2.0.0 ok)");
    say_line($end, $host, 'postfix/qmgr[7]', "$q: removed");
}
sub content { my ($t, $host, $text) = @_;
    my $q = sprintf '%010X', ++$id;
    my $c = client();
    say_line($t, $host, 'postfix/smtpd[101]', "connect from $c");
    say_line($t, $host, 'postfix/smtpd[101]', "$q: client=$c");
    say_line($t, $host, 'postfix/cleanup[102]', "$q: milter-reject: END-OF-MESSAGE from $c: $text; from=<a\@example.net> to=<u1\@example.org> proto=ESMTP helo=<pc.example.net>");
}
sub auth_fail { my ($t, $host) = @_;
    say_line($t, $host, 'postfix/smtpd[101]', 'warning: ' . anywhere() . ': SASL LOGIN authentication failed: authentication failure, sasl_username=u' . int(rand 50));
}
sub anywhere { return 'unknown[3fff:' . sprintf('%x:%x::9', rand 4000, rand 65000) . ']' }
# A stolen password, used by a botnet; and one machine that tries a few passwords with all accounts.
sub stolen { my ($t, $host) = @_; mail($t, $host, user => 'u7', client => anywhere(), out => 'd' . int(rand 5000) . '.example.com') }
sub spray { my ($t, $host) = @_;
    say_line($t, $host, 'postfix/smtpd[101]', 'warning: unknown[203.0.113.66]: SASL LOGIN authentication failed: authentication failure, sasl_username=u' . int(rand 400));
}

# --- faults: what a minute of a node is, once it has begun ------------------------------------
# Each changes the rates (r) of one node at one minute, or says lines itself.
my %fault = (
    'list answers nobody' => { within => 5, cause => qr/dnsbl/, do => sub { my ($r) = @_; $r->{accept} += $r->{dnsbl}; $r->{dnsbl} = 0 } },
    'list lists the world' => { within => 5, cause => qr/dnsbl/, do => sub { my ($r) = @_; $r->{dnsbl} += $r->{$_}, $r->{$_} = 0 for qw(unknown helo grey accept spam) } },
    'backscatter flood' => { within => 5, cause => qr/dsn|bounce/, do => sub { my ($r) = @_; $r->{bounce} += 6 } },
    'filter of one node dead' => { within => 15, cause => qr/filter_fail|tmp_|mx2/, node => 'mx2', do => sub { my ($r) = @_; $r->{broken} = $r->{accept} + $r->{spam}; $r->{accept} = $r->{spam} = 0 } },
    'lists of one node silent' => { within => 15, cause => qr/mx2.*dnsbl/, node => 'mx2', do => sub { my ($r) = @_; $r->{accept} += $r->{dnsbl}; $r->{dnsbl} = 0 } },
    'remote site down' => { within => 5, cause => qr/defer/, do => sub { my ($r) = @_; $r->{defer} += 4 } },
    'dictionary attack' => { within => 5, cause => qr/unknown_rcpt/, do => sub { my ($r) = @_; $r->{unknown} += 40 } },
    'user map empty' => { within => 5, cause => qr/unknown_rcpt|fall|traffic/, do => sub { my ($r) = @_; $r->{unknown} += $r->{accept}; $r->{accept} = 0 } },
    'slow content filter' => { within => 5, cause => qr/within|p50|p95/, do => sub { my ($r) = @_; $r->{seconds} = 90 } },
    'log flow stopped' => { within => 15, cause => qr/newest line|no line|missing/, do => sub { my ($r) = @_; %$r = () } },
    'silence' => { within => 15, cause => qr/usual at this time|conn|recipients/, do => sub { my ($r) = @_; %$r = (anvil => 1) } },
    'botnet wave' => { within => 5, cause => qr/dnsbl|rej|conn/, do => sub { my ($r) = @_; $r->{dnsbl} *= 6; $r->{authfail} *= 3 } },
    'passwords tried' => { within => 5, cause => qr/auth_fail/, do => sub { my ($r) = @_; $r->{authfail} += 20 } },
    'stolen password' => { within => 5, grows => 1, cause => qr/\bu7 /, do => sub { my ($r) = @_; $r->{stolen} = 5 } },
    'passwords sprayed' => { within => 5, grows => 1, cause => qr/203\.0\.113\.0\/24/, do => sub { my ($r) = @_; $r->{spray} = 5 } },
    'virus wave' => { within => 5, cause => qr/virus/, do => sub { my ($r) = @_; $r->{virus} += 4 } },
    'store down' => { within => 5, cause => qr/dlv_local|defer|fall/, do => sub { my ($r) = @_; $r->{undelivered} = 1 } },
    'node left by the balancer' => { within => 15, cause => qr/mx3.*conn/, node => 'mx3', do => sub { my ($r) = @_; %$r = (anvil => 1) } },
    'own disk full' => { within => 5, cause => qr/resource/, do => sub { my ($r) = @_; $r->{full} = $r->{accept}; $r->{accept} = 0 } },
    # within the hour in which deliveries there come to take a minute; the next hop stands in the details, by
    # lists of the hour, which --at cannot look at in part
    'remote site slowly slower' => { within => 60, long => 1, cause => qr/slowest next hop: mx\.example\.com/, do => sub { my ($r, $minutes) = @_; $r->{far} = $minutes < 80 ? 2 ** ($minutes / 10) : 256 } },
    'mail lost in the queue' => { within => 90, cause => qr/unaccounted/, do => sub { my ($r) = @_; $r->{lost} = 0.2 } },
);

# How many times as much as usual of each kind comes to each node in each minute of a day of a farm.
sub bursts_of { my ($farm) = @_;
    my @nodes = @{ $farm->{nodes} };
    my %burst;
    return {} if !$farm->{bursts};
    for my $kind (sort keys %bursts) {
        my ($often, $long, $high) = @{ $bursts{$kind} };
        my ($x, @factor) = 0;
        for (0 .. 1439) {	# forgets within ten minutes
            $x = 0.9 * $x + $unrest * sqrt(1 - 0.81) * 2 * (rand() + rand() + rand() - 1.5);
            push @factor, exp($x);
        }
        $burst{$_}{$kind} = [ @factor ] for @nodes;
        for (1 .. chance($often)) {
            my ($from, $minutes, $times) = (int rand 1440, 2 + int rand $long - 1, 1 + rand $high - 1);
            # half of them come to one node: whoever it is stays with the address that it found
            for my $node (rand() < 0.5 ? @nodes : $nodes[rand @nodes]) {
                for my $m ($from .. $from + $minutes - 1) { $burst{$node}{$kind}[$m] *= $times if $m < 1440 }
            }
        }
    }
    return \%burst;
}

# One day of a farm, from midnight $day, into $file. What $fault does begins at $from.
sub make_day { my ($file, $farm, $day, $fault, $from) = @_;
    my (@wave, @news);
    $out = [];
    push @wave, exp(0.15 * (rand() + rand() + rand() - 1.5)) for 0 .. 24;
    for (1 .. chance($farm->{newsletters} // 0)) {
        my $at = 480 + int rand 600;
        push @news, [ $at, $at + 3 + int rand 10, 15 + rand 40 ];
    }
    my $weekday = (gmtime $day)[6];
    my $burst = bursts_of($farm);
    for my $minute (0 .. 1439) {
        my $t = $day + 60 * $minute;
        my $h = $minute / 60;
        my ($a, $b) = (int $h, (int($h) + 1) % 24);
        my $f = $busy{$farm->{busy}}[$a] * (1 - $h + int $h) + $busy{$farm->{busy}}[$b] * ($h - int $h);
        $f *= $farm->{weekend} if $weekday == 0 || $weekday == 6;
        $f *= $wave[$a] * (1 - $h + int $h) + $wave[$a + 1] * ($h - int $h);
        for my $node (@{ $farm->{nodes} }) {
            my %r = (anvil => 1, seconds => 1, map { $_ => $farm->{$_} * $f } keys %mx);
            $r{$_} *= $burst->{$node}{$_}[$minute] for keys %{ $burst->{$node} };
            $fault->{do}->(\%r, ($t - $from) / 60) if $fault && $t >= $from && (!$fault->{node} || $fault->{node} eq $node);
            my $at = sub { $t + int rand 60 };
            say_line($t, $node, 'postfix/anvil[5]', 'statistics: max cache size 3 at x') if $r{anvil};
            reject($at->(), $node, $zen) for 1 .. chance($r{dnsbl});
            # dictionaries come in bunches
            for (1 .. chance(($r{unknown} // 0) / 4)) { my $s = $at->(); reject($s, $node, $who, 'nobody' . int(rand 9999) . '@example.org') for 1 .. 4 }
            reject($at->(), $node, $bad_helo) for 1 .. chance($r{helo});
            reject($at->(), $node, $grey) for 1 .. chance($r{grey});
            for (1 .. chance($r{accept})) {
                if ($r{undelivered}) { mail($at->(), $node, out => 'store.example.org', defer => 1); next }
                mail($at->(), $node, seconds => $r{seconds});
            }
            content($at->(), $node, '5.7.1 Spam message rejected') for 1 .. chance($r{spam});
            content($at->(), $node, '5.7.1 virus Eicar-Test-Signature detected by ClamAV - http://www.clamav.net') for 1 .. chance($r{virus});
            auth_fail($at->(), $node) for 1 .. chance($r{authfail});
            stolen($at->(), $node) for 1 .. chance($r{stolen});
            spray($at->(), $node) for 1 .. chance($r{spray});
            mail($at->(), $node, user => 'u' . int(rand 50), out => 'example.com', seconds => $r{far} // $r{seconds}) for 1 .. chance($r{submit});
            mail($at->(), $node, out => 'far.example.net', defer => 1) for 1 .. chance($r{defer});
            mail($at->(), $node, out => 'example.com', bounce => 1, seconds => $r{seconds}) for 1 .. chance($r{bounce});
            for (1 .. chance($r{broken})) {
                my $s = $at->();
                say_line($s, $node, 'postfix/smtpd[101]', 'warning: connect to Milter service inet:127.0.0.1:11332: Connection refused');
                reject($s, $node, '451 4.7.1 Service unavailable - try again later');
            }
            reject($at->(), $node, '452 4.3.1 Insufficient system storage') for 1 .. chance($r{full});
            for (1 .. chance($r{lost})) {
                my ($s, $q) = ($at->(), sprintf '%010X', ++$id);
                say_line($s, $node, 'postfix/smtpd[101]', "$q: client=" . client());
                say_line($s, $node, 'postfix/qmgr[7]', "$q: from=<a\@example.net>, size=900, nrcpt=1 (queue active)");
                say_line($s + 2, $node, 'postfix/qmgr[7]', "$q: removed");
            }
            for my $n (@news) {
                next unless $minute >= $n->[0] && $minute < $n->[1] && $node eq $farm->{nodes}[0];
                mail($at->(), $node, user => 'news@lists.example.org', out => 'example.com') for 1 .. chance($n->[2]);
            }
        }
    }
    open my $f, '>', $file or die "$file: $!\n";
    my $last = -1;
    my $stamp;
    for (sort { $a->[0] <=> $b->[0] } @$out) {
        $stamp = stamp($last = $_->[0]) if $_->[0] != $last;
        print $f "$stamp $_->[1]";
    }
    close $f or die "$file: $!\n";
}

# --- asking ----------------------------------------------------------------------------------
my $base = timegm(0, 0, 0, 16, 9, 2026 - 1900);	# a Friday, long past: what is ahead of the clock is refused
# In a process of its own: one that has held a day's lines is slow to start others.
sub apart { my ($do) = @_;
    my $pid = fork // die "fork: $!\n";
    if (!$pid) { _exit(eval { $do->(); 1 } ? 0 : (print(STDERR $@), 1)) }
    waitpid $pid, 0;
    die "a day could not be made\n" if $?;
}
sub build_state { my ($name, $farm, $weekday, $fault, $from) = @_;
    my $state = "$dir/state";
    my $day = $base + 86400 * $weekday;
    system('rm', '-rf', $state);
    @ago = reverse 0 .. 7, 14, 21, 28;
    my @files = map "$dir/day$_.log", @ago;
    apart(sub { make_day("$dir/day$_.log", $farm, $day - $_ * 86400, $_ ? () : ($fault, $from)) for @ago });
    # the collector runs on when a log stops
    system("$build/bin/mxgauge import --no-rrd --state $state --tz UTC @files >$dir/import 2>&1") == 0 or die "import of $name failed\n";
    return ($state, $day);
}
sub run { my (@command) = @_;
    open my $pipe, '-|', @command or die "$command[0]: $!\n";
    my $words = do { local $/; <$pipe> } // '';
    close $pipe;
    my $status = $? >> 8;
    return ($status, (split /\n/, $words)[0] // '', $words);
}
sub ask { my ($state, $check, $t) = @_;
    my @answer = run("$build/plugins/$check", '--state', $state, '--at', "\@$t", @{ $service{$check} });
    print STDERR clock($t), " $answer[1]\n" if $ENV{TRACE};
    return @answer;
}
# Accounts are counted by the hour, and --at cannot look at half of one: the day's log as it is then.
sub grow { my ($t) = @_;
    my $until = stamp($t);
    open my $in, '<', "$dir/day0.log" or die "day0.log: $!\n";
    open my $f, '>', "$dir/grown.log" or die "grown.log: $!\n";
    while (my $line = <$in>) { last if $line ge $until; print $f $line }
    close $f or die "grown.log: $!\n";
    my @files = -e "$dir/grown" ? () : map "$dir/day$_.log", grep $_, @ago;
    system("$build/bin/mxgauge import --no-rrd --state $dir/grown --tz UTC @files $dir/grown.log >$dir/import 2>&1") == 0 or die "import failed\n";
    return "$dir/grown";
}
sub clock { my ($t) = @_; return sprintf '%02d:%02d', (gmtime $t)[2, 1] }

# A disk's RRD as Cacti has it, for three weeks: a tide of the day, and what comes on top each day. Returns
# when it will have a week to go until it reaches 90 % for the first time.
sub make_disk { my ($file, $from, $start, $per_day) = @_;
    my $rows = 30 * 288;
    system('rrdtool', 'create', $file, '--step', 300, '--start', $from - 300, 'DS:used:GAUGE:600:0:U', 'DS:free:GAUGE:600:0:U',
        "RRA:AVERAGE:0.5:1:$rows") == 0 or die "rrdtool failed\n";
    open my $pipe, '|-', 'rrdtool - >/dev/null' or die "rrdtool: $!\n";
    for my $i (0 .. 21 * 288) {
        my $used = $start + $per_day * $i / 288 + 2 * sin(6.2831853 * $i / 288) + 0.3 * (rand() + rand() - 1);
        printf $pipe "update %s %d:%.4f:%.4f\n", $file, $from + 300 * $i, $used * 1e9, (100 - $used) * 1e9;
    }
    close $pipe or die "rrdtool failed\n";
    return 0 if $per_day <= 0;
    my $days = 0;
    $days += 1 / 288 while $start + $per_day * $days + 2 * sin(6.2831853 * $days) < 90;
    return $from + 86400 * ($days - 7);
}
sub ask_disk { my ($file, $t) = @_;
    return run("$build/plugins/check_rrd", '--at', '@' . int $t, @{ $sections{check_rrd_disk} }, '-e', 'used/(used+free)*100', $file);
}
# When does it ring, from two days before a week is left? Printed is how much later than that.
sub disk_fault { my ($per_day) = @_;
    my $file = "$dir/disk.rrd";
    my $week_left = make_disk($file, $base, 89 - $per_day * 20, $per_day);
    for (my $t = $week_left - 2 * 86400; $t <= $week_left + 86400; $t += 600) {
        my ($status, $words) = ask_disk($file, $t);
        return (($t - $week_left) / 60, $words) if $status == 1 || $status == 2;
    }
    return (undef, '-');
}

# --- jobs: each prints a row and its numbers -----------------------------------------------------
sub disk_growing { my ($name, $per_day) = @_;
    my ($after, $said) = disk_fault($per_day);
    $said =~ s/ \|.*//;
    my $row = sprintf "| %s | %s %% a day | %s a week is left (of 60 min) | check_rrd | %s |\n", $name, $per_day, !defined $after ? 'never when' :
        $after > 0 ? "$after min after" : sprintf('%.0f h before', -$after / 60), substr($said, 0, 150);
    return ($row, found => defined $after && $after <= 60, late => defined $after && $after > 60);
}
# When it rang first, by which check, what that said, and whether it named the cause.
sub first_ring { my ($fault, $shape, $state, $from) = @_;
    my ($after, $by, $said, %before, %row);
    my @checks = grep { ($_ ne 'check_mail_accounts' || $fault->{grows}) &&
        ($_ ne 'check_mail_peers' || @{ $shape{$shape}{nodes} } > 1) } sort keys %service;
    ($before{$_}) = ask($_ eq 'check_mail_accounts' ? grow($from) : $state, $_, $from) for @checks;
    for my $m (1 .. 90) {
        for my $check (grep { !$before{$_} } @checks) {
            my $t = $from + 60 * $m;
            my ($status, $words, $all) = ask($check eq 'check_mail_accounts' ? grow($t) : $state, $check, $t);
            $row{$check} = $status ? ($row{$check} // 0) + 1 : 0;
            next unless $row{$check} >= ($attempts{$check} // 1);
            $all = $fault->{long} ? (ask(grow($t), $check, $t))[2] : $words;
            # the one that names the cause counts, if it comes in time
            return ($m, $check, $words, 1) if $all =~ $fault->{cause};
            ($after, $by, $said) = ($m, $check, $words) if !defined $after;
        }
        last if defined $after && $m > $after + 10;
    }
    return ($after, $by, $said, 0);
}
sub breaking { my ($name, $shape) = @_;
    my $fault = $fault{$name};
    my $from = $base + 10 * 3600 + 17 * 60;
    my ($state) = build_state($name, $shape{$shape}, 0, $fault, $from);
    my ($after, $by, $said, $named) = first_ring($fault, $shape, $state, $from);
    ($said //= '-') =~ s/ \|.*//;
    my $row = sprintf "| %s | %s | %s (of %d min) | %s | %s%s |\n", $name, $shape, defined $after ? "$after min" : 'never', $fault->{within},
        $by // '-', substr($said, 0, 150), $named ? '' : ' (cause not named)';
    my $in_time = defined $after && $after <= $fault->{within};
    return ($row, found => $in_time && $named, late => defined $after && !$in_time, unnamed => defined $after && !$named);
}
sub quiet_day { my ($i, $shape) = @_;
    my ($state, $day) = build_state("quiet day $i", $shape{$shape}, -($i % 7));
    my %rang;
    for my $check (sort keys %service) {
        next if $check eq 'check_mail_peers' && @{ $shape{$shape}{nodes} } < 2;
        # what looks back for an hour does not change within five minutes
        my $step = ($window{$check} // '') =~ /^(\d|10)m$/ ? 60 : 300;
        for (my $t = $day + 3600; $t <= $day + 86400; $t += $step) {
            my ($status, $words) = ask($state, $check, $t);
            for my $more (1 .. ($attempts{$check} // 1) - 1) {
                ($status, $words) = ask($state, $check, $t + 60 * $more) if $status;
            }
            next unless $status;
            $rang{$check}{clock($t) . " $words" =~ s/ \|.*//r} = 1;
            last unless $ENV{EACH};
            $t += 1800;
        }
    }
    my $row = sprintf "| %s | %s | %s |\n", (qw(Sun Mon Tue Wed Thu Fri Sat))[(gmtime $day)[6]], $shape,
        %rang ? join('<br>', map { substr $_, 0, 160 } map { sort keys %{ $rang{$_} } } sort keys %rang) : '-';
    return ($row, false => scalar map keys %$_, values %rang);
}
sub quiet_disk { my ($i) = @_;
    make_disk("$dir/quiet.rrd", $base, 40 + 8 * $i, 0);
    my $rang = '';
    for (my $t = $base + 15 * 86400; $t <= $base + 20 * 86400 && !$rang; $t += 3600) {
        my ($status, $words) = ask_disk("$dir/quiet.rrd", $t);
        $rang = clock($t) . " $words" =~ s/ \|.*//r if $status;
    }
    return (sprintf("| five days | disk, %d %% full | %s |\n", 40 + 8 * $i, $rang ? substr($rang, 0, 160) : '-'), false => $rang ne '');
}

# Run them, $jobs at once; rows are printed in order. Returns the sums of their numbers.
sub work { my @job = @_;
    my (%pid, %ended, %sum);
    my ($next, $shown) = (0, 0);
    $| = 1;
    while ($shown < @job) {
        if ($next < @job && keys %pid < $jobs) {
            my $n = $next++;
            my $pid = fork // die "fork: $!\n";
            if (!$pid) {
                $dir = "$room/$n";
                mkdir $dir or die "$dir: $!\n";
                my ($chance, $do, @of) = @{ $job[$n] };
                srand($chance);
                my ($row, %number) = eval { $do->(@of) } or print STDERR $@;
                system('rm', '-rf', $dir);
                open my $f, '>', "$room/$n.row" or die "$room/$n.row: $!\n";
                print $f $row // "| a job failed |\n", map "$_=" . ($number{$_} || 0) . "\n", keys %number;
                close $f or die "$room/$n.row: $!\n";
                _exit(defined $row ? 0 : 1);
            }
            $pid{$pid} = $n;
            next;
        }
        my $n = delete $pid{ my $pid = wait } // die "a job got lost\n";
        $ended{$n} = 1;
        $sum{failed} += $? != 0;
        for (; $ended{$shown}; $shown++) {
            open my $f, '<', "$room/$shown.row" or die "$room/$shown.row: $!\n";
            print scalar <$f>;
            while (<$f>) { $sum{$1} += $2 if /^(\w+)=(\d+)$/ }
        }
    }
    die "$sum{failed} jobs failed\n" if $sum{failed};
    return map $_ // 0, @sum{qw(found late unnamed false)};
}

my $only_quiet = "@ARGV" eq 'quiet';
my @all = sort(keys %fault, 'disk growing day by day');
my @names = $only_quiet ? () : @ARGV ? @ARGV : @all;
for my $name (@names) { die "there is no fault \"$name\"\n" unless grep { $_ eq $name } @all }
my @jobs;
for my $n (0 .. $#all) {
    my $name = $all[$n];
    next unless grep { $_ eq $name } @names;
    my @farms = !$fault{$name} ? (0.8, 2) : $fault{$name}{node} ? qw(mx) : split / /, $ENV{FARMS} || 'mx office';
    push @jobs, map [ 1000 * $seed + 10 * $n + $_, $fault{$name} ? \&breaking : \&disk_growing, $name, $farms[$_] ], 0 .. $#farms;
}
if (@jobs) {
    print "| fault | farm | rings after | by | says |\n|---|---|---|---|---|\n";
    my ($found, $late, $unnamed) = work(@jobs);
    print "\n$found of ", scalar @jobs, " faults were named in time; $late rang late, $unnamed without the cause\n";
}

exit if (@ARGV && !$only_quiet) || $days == 0;
my @shapes = $ENV{FARMS} ? split / /, $ENV{FARMS} : sort keys %shape;
print "\n| quiet day | farm | rang |\n|---|---|---|\n";
my $false = (work((map [ 1e6 + 1000 * $seed + $_, \&quiet_day, $_, $shapes[$_ % @shapes] ], 0 .. $days - 1),
    map [ 2e6 + 1000 * $seed + $_, \&quiet_disk, $_ ], 0 .. ($days + 5) / 6 - 1))[3];
print "\n$false false alarms in $days quiet days\n";
