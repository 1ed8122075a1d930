#!/usr/bin/perl
# syslog.pl HOW ADDRESS:PORT|PATH FROM N [ARGUMENT] - a sender of syslog; each of the lines FROM .. FROM+N-1 refuses
# one recipient, and none is like another.
#
# HOW: udp, unix (datagrams), lf, octets, mixed (TCP in the framings of RFC 6587), bytes (one
# at a time), cut (the last line without its end), relp. relp keeps what is not acknowledged,
# and begins anew as often as the connection breaks, until all is and its end was answered; it
# prints how often. Its ARGUMENT cuts it after so many answers; 300x25: 25 times.
# With MX_CERT it speaks TLS: NAME.pem and .key in MX_DIR, or - for none; MX_CA is who vouches
# for the server, MX_NAME its name, MX_TLS the version. With MX_PAUSE it makes FILE.half after
# half of the lines, and waits for FILE. MX_FROM is its own address. With FINE stamps have
# microseconds.
use strict;
use warnings;
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX qw(strftime);
use Socket qw(:DEFAULT IPPROTO_TCP TCP_NODELAY);
use Time::HiRes qw(sleep time);

my ($how, $to, $from, $n, $arg) = @ARGV;
my $t0 = $ENV{T0} || int(time - 600);
$SIG{PIPE} = 'IGNORE';

sub text {
    my ($i) = @_;
    my $text = "NOQUEUE: reject: RCPT from unknown[192.0.2.1]: 550 5.1.1 <u$i\@example.org>: " .
        "Recipient address rejected: User unknown in local recipient table; " .
        "from=<a\@example.net> to=<u$i\@example.org> proto=ESMTP helo=<h.example.net>";
    my $at = $t0 + $i % 300;
    return '<22>1 ' . strftime('%Y-%m-%dT%H:%M:%S', gmtime $at) . sprintf('.%06d', $ENV{FINE} ? $i : 0) .
        "+00:00 mx1 postfix/smtpd 7 - - $text" if $i % 3 == 0 || $ENV{FINE};
    return '<22>' . strftime('%Y-%m-%dT%H:%M:%S.000000+00:00', gmtime $at) .
        " mx1 postfix/smtpd[7]: $text" if $i % 3 == 1;
    return '<22>' . strftime('%b %e %H:%M:%S', gmtime $at) . " mx1 postfix/smtpd[7]: $text";
}

# Over TLS a refusal is final.
sub secure {
    my ($s) = @_;
    my ($dir, $cert) = @ENV{qw(MX_DIR MX_CERT)};
    require IO::Socket::SSL;
    my $version = $ENV{MX_TLS} || '';
    IO::Socket::SSL->start_SSL($s,
        SSL_ca_file => "$dir/" . ($ENV{MX_CA} || 'farm') . '.pem',
        SSL_verifycn_name => $ENV{MX_NAME}, SSL_verifycn_scheme => 'http',
        $cert eq '-' ? () : (SSL_cert_file => "$dir/$cert.pem", SSL_key_file => "$dir/$cert.key"),
        $version ? (SSL_version => $version) : (),
        $version eq 'TLSv1_1' ? (SSL_cipher_list => 'ALL:@SECLEVEL=0') : ())
        or die "TLS: ", IO::Socket::SSL::errstr(), "\n";
    return $s;
}

sub tcp {
    for (1 .. 300) {
        my $s = IO::Socket::INET->new(PeerAddr => $to, Proto => 'tcp',
            $ENV{MX_FROM} ? (LocalAddr => $ENV{MX_FROM}) : ());
        return $ENV{MX_CERT} ? secure($s) : $s if $s;
        sleep 0.1;
    }
    die "cannot reach $to\n";
}

sub give {
    my ($s, $bytes) = @_;
    while (length $bytes) {
        my $w = $s->syswrite($bytes);    # not syswrite(): it knows no TLS
        return 0 unless defined $w;
        substr($bytes, 0, $w) = '';
    }
    return 1;
}

my @lines = map { text($_) } $from .. $from + $n - 1;
if ($how eq 'udp') {
    my $s = IO::Socket::INET->new(PeerAddr => $to, Proto => 'udp',
        $ENV{MX_FROM} ? (LocalAddr => $ENV{MX_FROM}) : ()) or die;
    for my $i (0 .. $#lines) {
        $s->send($lines[$i] . ($i % 2 ? "\n" : ''));
        sleep 0.01 if $i % 50 == 49;
    }
} elsif ($how eq 'unix') {
    my $s = IO::Socket::UNIX->new(Peer => $to, Type => SOCK_DGRAM) or die;
    $s->send($_) for @lines;
} elsif ($how eq 'relp') {
    my ($sessions, $window) = (0, 128);
    my ($stop, $cuts) = split /x/, defined $arg ? $arg : -1;
    my $closed = 0;
    SESSION: until ($closed) {
        my ($s, $next, $in) = (tcp(), 0, '');
        my $frame = sub { ++$next; "$next $_[0] " . length($_[1]) . (length $_[1] ? " $_[1]" : '') . "\n" };
        $sessions++;
        give($s, $frame->('open', "relp_version=0\nrelp_software=test\ncommands=syslog"));
        my ($given, $safe) = (0, 0);    # of @lines, in this session
        while ($safe < @lines) {
            my $out = '';
            for (; $given < @lines && $given - $safe < $window; $given++) {
                $out .= $frame->('syslog', $lines[$given]);
            }
            unless (give($s, $out)) { splice @lines, 0, $safe; next SESSION; }
            my $r = $s->sysread($in, 65536, length $in);
            unless ($r) { splice @lines, 0, $safe; next SESSION; }
            while ($in =~ /^(\d+) rsp (\d+)/ && $in =~ s/^(\d+) rsp (\d+)(?: (.{\Q$2\E}))?\n//s) {
                my ($txnr, $said) = ($1, $3);
                die "refused: $said\n" unless $said =~ /^200/;
                next if $txnr == 1;
                die "answer to $txnr, not ", $safe + 2, "\n" unless $txnr == $safe + 2;
                $safe++;
            }
            if ($stop >= 0 && $safe >= $stop) {    # cut by ourselves, answers unread
                $stop = $cuts && --$cuts > 0 ? int rand 250 : -1;
                # by a reset, which throws away what is on its way
                setsockopt $s, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0) if $cuts && $cuts % 2;
                splice @lines, 0, $safe;
                next SESSION;
            }
        }
        give($s, $frame->('close', ''));
        my $end = '';
        1 while $s->sysread($end, 1000, length $end);
        @lines = ();
        $closed = $end =~ /(^|\n)$next rsp 0\n0 serverclose 0\n$/;
    }
    print "$sessions\n";
} else {
    my $s = tcp();
    my $out = '';
    for my $i (0 .. $#lines) {
        my $octets = $how eq 'octets' || ($how eq 'mixed' && $i % 2);
        $out .= $octets ? length($lines[$i]) . " $lines[$i]" : "$lines[$i]\n";
    }
    chop $out if $how eq 'cut';
    if ($how eq 'bytes') {
        setsockopt $s, IPPROTO_TCP, TCP_NODELAY, 1;
        give($s, $_) for split //, $out;
    } elsif (my $flag = $ENV{MX_PAUSE}) {
        give($s, substr $out, 0, length($out) / 2, '') or die "cut: $!\n";
        open my $half, '>', "$flag.half";
        close $half;
        for (1 .. 600) { last if -e $flag; sleep 0.1; }
        give($s, $out) or die "cut: $!\n";
    } else {
        give($s, $out) or die "cut: $!\n";
    }
    $ENV{MX_CERT} ? $s->stop_SSL() : shutdown $s, 1;
    my $end;
    sysread $s, $end, 1;    # until it has read all
}
