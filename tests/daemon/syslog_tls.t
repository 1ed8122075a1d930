#!/bin/sh
# syslog_tls.t - syslog over TLS and RELP over TLS: who may send, who may not and is named, certificates that
# are renewed while connections stand, and what only looks like TLS.
set -u
# shellcheck source=tests/daemon/daemon_test.sh
. tests/daemon/daemon_test.sh
needs "TLS" openssl perl
perl -MIO::Socket::SSL -e 1 2>/dev/null || {
    [ -z "${CI:-}" ] || { echo "not ok 1 - IO::Socket::SSL is missing"; echo 1..1; exit 1; }
    skip_all "TLS: IO::Socket::SSL is missing; make deps"
}
# an address of loopback for this test alone, so that its ports are free
here=127.$((1 + $$ / 250 % 250)).$((1 + $$ % 250)).2

said() { grep -q "$1" "$D/out"; }

# --- certificates ---------------------------------------------------------------------

ec='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'

ca() { # NAME
    # shellcheck disable=SC2086
    openssl req -x509 $ec -keyout "$D/$1.key" -out "$D/$1.pem" -subj "/CN=$1 CA" -days 3 2>/dev/null
}

# certificate NAME CA SUBJECT DAYS [SUBJECTALTNAME]: CA - is itself
certificate() {
    if [ "$2" = - ]; then
        # shellcheck disable=SC2086
        openssl req -x509 $ec -keyout "$D/$1.key" -out "$D/$1.pem" -subj "$3" -days "$4" 2>/dev/null
        return
    fi
    # shellcheck disable=SC2086
    openssl req -new $ec -keyout "$D/$1.key" -out "$D/csr" -subj "$3" 2>/dev/null
    echo "basicConstraints = CA:FALSE${5:+
subjectAltName = $5}" >"$D/ext"
    openssl x509 -req -in "$D/csr" -CA "$D/$2.pem" -CAkey "$D/$2.key" -days "$4" -extfile "$D/ext" \
        -out "$D/$1.pem" 2>/dev/null
}

ca farm
ca other
certificate server farm "/CN=log.example.org" 60 DNS:log.example.org
certificate mx1 farm "/CN=mx1" 3 "DNS:MX1.example.org"
certificate cn farm "/O=example/CN=deep.example.net" 3
certificate sub farm "/CN=x" 3 "DNS:a.b.example.org"
certificate mx9 farm "/CN=mx1.example.org" 3 "DNS:mx9.example.net"
certificate old farm "/CN=mx2.example.org" -1 "DNS:mx2.example.org"
certificate forged other "/CN=mx1.example.org" 3 "DNS:mx1.example.org"
certificate own - "/CN=lonely.example.com" 3
print() { openssl x509 -in "$D/$1.pem" -noout -fingerprint -sha256 | sed 's/.*=//'; }

conf() { # SETTINGS of the source
    printf 'state = "%s/state"\ntemplates = "%s/rrd-templates"\ntls_handshake = 2s\nsource "net" {\n listen = { "tcp+tls:%s:6514", "relp+tls:%s:2514" }\n%s\n}\n' \
        "$D" "$PWD" $here $here "$1" >"$D/conf"
}
files="tls_certificate = $D/server.pem
tls_key = $D/server.key
tls_ca = $D/farm.pem"
peers="tls_peers = { '*.example.org', 'deep.example.net', 'SHA256:$(print own)' }"

next=0
total=0
# send CERTIFICATE HOW N [ARGUMENT]: the next N lines, without a certificate if it is -
send() {
    port=6514
    [ "$2" != relp ] || port=2514
    MX_CERT=$1 MX_DIR=$D MX_NAME=${name:-log.example.org} \
        perl tests/daemon/syslog.pl "$2" $here:$port $next "$3" ${4:+"$4"} >"$D/sent" 2>"$D/send.err"
    sent=$?
    next=$((next + $3))
    return $sent
}
works() { # CERTIFICATE HOW N TEXT
    send "$1" "$2" "$3"
    r=$?
    [ $r = 0 ] || sed 's/^/# /' "$D/send.err"
    saw $r "$4"
    total=$((total + $3))
}
fails() { # CERTIFICATE WHAT-IS-SAID TEXT: then a new process, which says the next one at once
    send "$1" octets 5
    stop TERM
    said "turned away: tcp+tls/6514 127.0.0.1: $2"
    saw $? "$3"
    start
}

# --- who may send -------------------------------------------------------------------------

conf "$files
$peers"
start || { cat "$D/out"; echo "Bail out! mxgauged does not start"; exit 1; }
works mx1 octets 1000 "a name in subjectAltName, by *.example.org"
works cn lf 1000 "a CN, where there is no subjectAltName"
works own octets 500 "a fingerprint, of a certificate that nobody vouches for"
works mx1 relp 5000 "RELP over TLS"
is "$(cat "$D/sent")" 1 "in one session"
is_count rej $total
saw $? "and was committed before it was acknowledged"
MX_TLS=TLSv1_2 works mx1 octets 100 "TLS 1.2"
MX_TLS=TLSv1_2 works mx1 relp 100 "and RELP over it"
counts $total "every line is counted"
send mx1 relp 3000 700
saw $? "RELP over TLS, cut by the sender"
total=$((total + 3000))
is "$(cat "$D/sent")" 2 "which sends again what was not acknowledged"
counts $total "and nothing is counted twice"

fails - 'it shows no certificate' "no certificate: turned away"
fails mx9 "its certificate (mx9.example.net): not in tls_peers; SHA256:$(print mx9)" "another name: turned away, with its fingerprint"
fails sub 'its certificate (a.b.example.org): not in tls_peers' "the star is one label"
fails old 'its certificate (mx2.example.org): certificate has expired' "an expired certificate: turned away"
fails forged 'its certificate (mx1.example.org): unable to get local issuer' "another CA's: turned away"
MX_TLS=TLSv1_1 fails mx1 'it speaks nothing newer than TLS 1.1' "TLS 1.1: turned away"
name=www.example.com fails mx1 'it turned us down' "a sender that expects another name of us"

perl -MIO::Socket::INET -e '
    my $s = IO::Socket::INET->new(PeerAddr => $ARGV[0]) or exit 1;
    syswrite $s, "<22>Mar  1 00:00:00 mx1 postfix/smtpd[1]: connect from x\n";
    sysread $s, $_, 100' "$here:6514"
wait_for said 'what it sends is no TLS'
saw $? "plain syslog where TLS is spoken: said"
stop TERM
start
perl -MIO::Socket::INET -e '
    my @s = map { IO::Socket::INET->new(PeerAddr => $ARGV[0]) } 1 .. 50;
    syswrite $_, "\x16\x03\x01\x02\x00\x01\x00" for @s;      # a seventh of a handshake
    for (@s) { sysread $_, my $end, 100; }' "$here:6514" &
half=$!
others=$half
works mx1 octets 500 "others send while handshakes are left half done"
wait $half
saw $? "which are cut off"
wait_for said 'TLS did not stand after 2 s'
saw $? "and that is said"
others=
counts $total "every line of those who may is counted, and none of those who may not"

# --- renewal -------------------------------------------------------------------------------

MX_PAUSE=$D/go send mx1 octets 400 &
sender=$!
others=$sender
next=$((next + 400)) total=$((total + 400))
wait_for test -e "$D/go.half"
saw $? "a sender has sent the half of its lines"
certificate server other "/CN=log.example.org" 60 DNS:log.example.org
kill -HUP $pid
wait_for said ': reloaded'
saw $? "reload, with another certificate"
MX_CA=other works mx1 octets 100 "who comes now is shown the new one"
: >"$D/go"
wait $sender
saw $? "the sender's connection stands"
counts $total "and nothing is lost"
others=

cp "$D/server.key" "$D/server.right"
cp "$D/mx1.key" "$D/server.key"
kill -HUP $pid
wait_for said "stay those before: tcp+tls/6514: tls_key = $D/server.key: does not belong to the certificate in $D/server.pem"
saw $? "a reload with a key that is another's says so"
MX_CA=other works mx1 octets 100 "and keeps what it had"
conf "$files
tls_peers = { 'other.example.org' }"
kill -HUP $pid
wait_for said 'stays as it was.*does not belong'
saw $? "with other rules it is refused"
MX_CA=other works mx1 octets 100 "and nothing changes"
cp "$D/server.right" "$D/server.key"
kill -HUP $pid
reloads_are() { [ "$(grep -c ': reloaded' "$D/out")" -ge "$1" ]; }
wait_for reloads_are 3
MX_CA=other send mx1 octets 100
wait_for said '(MX1.example.org): not in tls_peers'
saw $? "other rules hold for those who come"
counts $total "exact"

# --- without certificates, and what cannot be ---------------------------------------------------

stop TERM
conf "tls_certificate = $D/server.pem
tls_key = $D/server.key
tls_clients = anonymous"
start
MX_CA=other works - octets 100 "anonymous, where that is allowed"
MX_CA=other works - relp 100 "and RELP"
counts $total "counted"
stop TERM

starts_not() { # SENTENCE
    : >"$D/out"
    timeout 60 "$BUILD/bin/mxgauged" --foreground --config "$D/conf" >"$D/out" 2>&1
    r=$?
    [ $r = 1 ] && grep -qF "$1" "$D/out"
    saw $? "does not start: $1"
    "$mxgauge" check-config "$D/conf" >"$D/check" 2>&1
    grep -qF "$1" "$D/check"
    ok $? "check-config says it too"
}
certify() { # CERTIFICATE KEY
    conf "tls_certificate = $1
tls_key = $2
tls_ca = $D/farm.pem
$peers"
}
certify "$D/none.pem" "$D/server.key"
starts_not "tls_certificate = $D/none.pem: No such file or directory"
certify "$D/server.pem" "$D/mx1.key"
starts_not "tls_key = $D/mx1.key: does not belong to the certificate in $D/server.pem"
certify "$D/mx1.key" "$D/server.key"
starts_not "tls_certificate = $D/mx1.key: no certificate in PEM form"
openssl ec -in "$D/server.key" -aes128 -passout pass:x -out "$D/secret.key" 2>/dev/null
certify "$D/server.pem" "$D/secret.key"
starts_not "tls_key = $D/secret.key: it has a passphrase, for which mxgauged cannot ask"
if [ "$(id -u)" -ne 0 ]; then
    chmod 0 "$D/secret.key"
    starts_not "tls_key = $D/secret.key: Permission denied"
else
    echo "# not tested: a key that cannot be read; root can"
fi
certificate server farm "/CN=log.example.org" -1
certify "$D/server.pem" "$D/server.key"
"$mxgauge" check-config "$D/conf" 2>&1 | grep -q "server.pem expired"
ok $? "check-config tells of a certificate that has expired"
start
wait_for said "the certificate of a listener expires: .*server.pem expired"
saw $? "and so does the daemon"
stop TERM
is "$status" 0 "SIGTERM"
done_testing
