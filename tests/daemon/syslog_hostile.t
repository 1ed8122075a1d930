#!/bin/sh
# syslog_hostile.t - a thousand connections that send a byte a second, messages without an end, what is no framing and
# what is no TLS: honest senders on every transport lose nothing, and memory stays under its limit.
# With LAB=all the messages without an end have 100 MB.
set -u
: "${BUILD:=build}"
# shellcheck source=tests/daemon/daemon_test.sh
. tests/daemon/daemon_test.sh
needs "hostile senders" openssl perl
perl -MIO::Socket::SSL -e 1 2>/dev/null || {
    [ -z "${CI:-}" ] || { echo "not ok 1 - IO::Socket::SSL is missing"; echo 1..1; exit 1; }
    skip_all "hostile senders: IO::Socket::SSL is missing; make deps"
}
# an address of loopback for this test alone, so that its ports are free
here=127.$((1 + $$ / 250 % 250)).$((1 + $$ % 250)).4
clients=1000 room=300
megabytes=10
[ "${LAB:-}" != all ] || megabytes=100

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$D/farm.key" -out "$D/farm.pem" \
    -subj "/CN=log.example.org" -addext "subjectAltName = DNS:log.example.org" -days 3 2>/dev/null
cat >"$D/conf" <<CONF
state = "$D/state"
templates = "$PWD/rrd-templates"
max_clients = $room
source "net" {
    listen = { "unix:$D/log", "udp:$here:5514", "tcp:$here:5514", "relp:$here:2514" }
    timezone = UTC
}
source "tls" {
    listen = { "tcp+tls:$here:6514", "relp+tls:$here:6515" }
    tls_certificate = "$D/farm.pem"
    tls_key = "$D/farm.key"
    tls_clients = anonymous
}
CONF
start || { cat "$D/out"; echo "Bail out! mxgauged does not start"; exit 1; }

# Each goes on for as long as the test; whoever is thrown out comes again.
cat >"$D/hostile.pl" <<'PERL'
use strict;
use warnings;
use IO::Socket::INET;
use Time::HiRes qw(sleep time);
$SIG{PIPE} = 'IGNORE';
my ($here, $n, $bytes, $dir) = @ARGV;
my @how = (
    [5514, '<', '2'], [5514, '9', '9'],                 # a byte a second
    [5514, "\x16\x03\x01"], [5514, '0 '], [5514, '99999999999 '],    # no framing
    [2514, '1 open 99999999 ', 'x'], [2514, "1 syslog 3 abc\n"], [2514, 'x', 'x'],
    [6514, "<22>x\n"], [6514, "\x16\x03\x01\x02\x00\x01\x00", "\x01"],    # no TLS; a part of a handshake
    [6515, "\x16\x03\x01\x00\x05AAAAA"], [6514, ''],
);
my @s;
my $flood = '<22>' . 'x' x 65532;
my $flooded = 0;
for (my $round = 0;; $round++) {
    for my $i (0 .. $n - 1) {
        my $how = $how[$i % @how];
        if (!$s[$i]) {
            $s[$i] = IO::Socket::INET->new(PeerAddr => "$here:$how->[0]", Blocking => 0) or next;
            my $until = time + 5;
            select undef, undef, undef, 0.001 until $s[$i]->connected or time > $until;
            syswrite $s[$i], $how->[1];
        } elsif (sysread $s[$i], my $end, 1000 or !$!{EAGAIN}) {
            close $s[$i];
            $s[$i] = undef;
        } elsif (defined $how->[2]) {
            syswrite $s[$i], $how->[2];
        }
        $! = 0;
    }
    if ($round == 1 || -e "$dir/again") {    # once with all of them there
        open my $f, '>', "$dir/there";
        close $f;
    }
    if ($round > 0 && $flooded < $bytes && $s[0]) {
        $s[0]->blocking(1);
        $flooded += syswrite($s[0], $flood) || 0 for 1 .. 40;
        $s[0]->blocking(0);
        if ($flooded >= $bytes) { open my $f, '>', "$dir/flooded"; close $f; }
    }
    sleep 0.2 if $flooded >= $bytes;
}
PERL
perl "$D/hostile.pl" $here $clients $((megabytes * 1000000)) "$D" 2>"$D/hostile.err" &
others=$!
wait_for test -e "$D/there"
saw $? "$clients hostile connections"

# Honest ones, from other addresses, all at once.
export MX_DIR="$D" MX_NAME=log.example.org
i=0
total=0
honest=
for way in "udp 5514" "lf 5514" "octets 5514" "relp 2514" "tls 6514" "relptls 6515" "unix log"; do
    how=${way% *} to=$here:${way#* } cert=
    case $how in
    tls) how=octets cert=- ;;
    relptls) how=relp cert=- ;;
    unix) to=$D/log ;;
    esac
    i=$((i + 1))
    MX_CERT=$cert MX_FROM=127.88.$i.1 timeout 300 perl tests/daemon/syslog.pl "$how" "$to" $((i * 10000)) 1000 \
        >"$D/honest.$i" 2>&1 &
    honest="$honest $!"
    total=$((total + 1000))
done
n=0
for p in $honest; do
    n=$((n + 1))
    wait "$p"
    r=$?
    [ $r = 0 ] || sed 's/^/# /' "$D/honest.$n"
    ok $r "honest sender $n of 7 gets through"
done
arrived() { [ $(($(count rej) + $(count syslog_lost))) -ge $total ]; }
wait_for arrived
saw $? "every line of theirs is counted: $(count rej)"
ok "$([ "$(count rej)" -ge $((total - 1000)) ]; echo $?)" "and what UDP lost has a number: $(count syslog_lost)"
wait_for test -e "$D/flooded"
saw $? "a message of $megabytes MB without an end is read on, and cut"

hwm=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status" 2>/dev/null)
limit=$((49152 + room * 80))    # a message under way has 64 KB at most
case $BUILD in *san*) limit=2000000 ;; esac
[ "${hwm:-0}" -lt $limit ]
saw $? "in ${hwm:-0} KB of memory, of $limit"
grep -q 'closed, as its messages cannot be told apart' "$D/out" && grep -q 'what it sends is no TLS' "$D/out" &&
    grep -q 'too many connections' "$D/out"
saw $? "it is said"
[ "$(wc -l <"$D/out")" -lt 200 ]
ok $? "and not too often: $(wc -l <"$D/out") lines"
kill -KILL $others
others=
stop TERM
is "$status" 0 "SIGTERM"
done_testing
