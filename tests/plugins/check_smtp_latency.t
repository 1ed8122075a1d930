#!/bin/sh
# check_smtp_latency.t - against servers with every fault (tests/fake/smtp.py): the right state, phase
# and sentence, always inside -t, whatever is said.
# shellcheck disable=SC2086  # options are lists of words
what=check_smtp_latency
# shellcheck source=tests/fake/fake_test.sh
. tests/fake/fake_test.sh
mail_servers smtp.py
ready ports
unset SSL_CERT_FILE SSL_CERT_DIR MXGAUGE_PASSWORD
check=$BUILD/plugins/check_smtp_latency
port() { sed -n "s/^$1 //p" "$D/ports"; }

# run STATUS SERVER TEXT ARGS...: TEXT is in the first line
run() {
    want=$1 server=$2 text=$3
    shift 3
    answers "$want" "$text" "$server $*" "$check" -H 127.0.0.1 -p "$(port "$server")" -t 5 "$@"
}
# late SERVER TEXT ARGS...: CRITICAL, when the time is up and not later
late() {
    server=$1 text=$2
    shift 2
    before=$(date +%s%N)
    run 2 "$server" "$text" -t 1 "$@"
    ms=$((($(date +%s%N) - before) / 1000000))
    [ $ms -le 1500 ] && [ $ms -ge 850 ]
    ok $? "$server: after $ms ms"
}
said() { grep -qF -- "$2" "$D/said.$1" 2>/dev/null; ok $? "the client said $2 to $1"; }
never() { ! grep -qF -- "$2" "$D/said.$1"; ok $? "the client never said $2 to $1"; }
a="-r anna@example.org -f probe@example.org"

# --- plain dialogues
run 0 good "SMTP OK - 127.0.0.1:"
line=$(sed -n '1s/.* | //p' "$D/out" | tr ' ' '\n' | sed 's/=.*//' | tr '\n' ' ')
is "$line" "dns connect banner ehlo starttls auth mail rcpt data accept quit total " \
    "performance data has each phase, in order"
said good "QUIT"
case $(uname -n) in
*.*) said good "EHLO $(uname -n)" ;;
*) said good "EHLO [127.0.0.1]" ;;
esac
run 0 good "OK" --helo probe.example.org
said good "EHLO probe.example.org"
run 0 teaser "OK"
run 0 slowbanner "slowest phase banner 5"
run 1 slowbanner "banner 5" -w banner=200ms
run 2 slowbanner "(limit 300 ms)" -c banner=300ms
run 3 good "accept was not measured" -w accept=5s
run 3 good "there is no measurement" -w acept=5s
run 0 good "OK" --banner
run 0 pipe "OK" $a
said pipe "MAIL FROM:<probe@example.org>"
said pipe "RCPT TO:<anna@example.org>"
said pipe "RSET"
never pipe "DATA"
run 0 good "OK" -r anna@example.org
said good "MAIL FROM:<>"
run 0 pipe "OK" $a -r bert@example.org -m
says "the message: 250 2.0.0 queued as 4ABC"
said pipe "X-Mxgauge-Token: "
said pipe "Auto-Submitted: auto-generated"
run 0 chunk "OK" $a -m
says "(by BDAT)"
run 0 chunk "OK" $a -m --no-chunking
said chunk "DATA"
run 0 chunk "OK" $a -m --size 300000
run 0 pipe "OK" $a -m --pipelining
run 0 slowfilter "slowest phase accept 6" $a -m
run 1 slowfilter "accept 6" $a -m -w accept=0.5
run 0 slowrcpt "slowest phase rcpt 4" $a

# --- faults
run 2 b421 "banner: 421 4.7.0 mx1.example.org too many connections"
run 2 b421multi "banner: 421 4.7.0 too many"
run 2 b554 "banner: 554 5.3.2 no service here"
said b554 "QUIT"
run 2 fake220 "banner: 450 4.7.1 220 fake"
run 2 b250 "banner: 250 hello"
run 2 ehlo550 "ehlo: 550 5.7.1 go away"
run 2 ehlo502 "ehlo: 502"
run 2 mail530 "mail: 530 5.7.0 must issue" $a
run 2 rcpt550 "rcpt: 550 5.1.1 user unknown" $a
run 2 rcpt550 "rcpt: 550 5.1.1 user unknown" $a -m --pipelining
run 2 rcpt421 "rcpt: 421 4.3.2 system going down" $a
run 2 rcpt451 "rcpt: 451 4.3.5" $a --greylist-ok
run 2 milteraway "mail: 451 4.7.1 Service unavailable" $a --greylist-ok
run 2 rcptgrey "rcpt: greylisted: 450 4.2.0" $a
run 0 rcptgrey "greylisted" $a --greylist-ok
run 2 data451 "data: 451 4.3.0 try later" $a -m
run 2 virus "accept: 554 5.7.1 virus found" $a -m
run 2 body452 "accept: 452 4.3.1 disk full" $a -m
run 2 quit500 "quit: 500"
run 0 noquit "OK"
run 2 closes "banner: the server closed the connection"
run 2 half 'banner: the server closed the connection, after 12 bytes of a reply that ends in "220 mx1.exam"'
run 2 nonsense 'banner: this is no reply of SMTP: "SSH-2.0-OpenSSH_9.2"'
run 2 codes "banner: the lines of one reply have different codes"
run 2 flood "banner: a reply of more than 64 KiB"
run 2 longline "banner: a reply of more than 64 KiB"
run 2 unasked 'banner: more than was asked for: "250 before you ask"'
run 2 late421 "banner: 421 4.4.2 idle"
run 0 barelf "OK"
run 0 nul "OK"
late silent "banner: no whole reply within "
says "  it took the connection and says nothing: all its processes are busy"
late busy "banner: no whole reply within"
late halfwait ', after 27 bytes of a reply 220 that ends in "220 ha"'
silent "says nothing"
late drip "banner: no whole reply within "
late tlssilent "starttls: no end of the TLS handshake within" -S
run 2 good "connect: Connection refused" -p 1
run 3 good "connect: Cannot assign requested address" --source 192.0.2.1

# --- expectations and test messages
run 0 rcpt550 "rcpt: 550 5.1.1 user unknown, as expected" $a -e "rcpt=5xx Unknown"
run 2 rcpt550 "(expected: 5xx relay)" $a -e "rcpt=5xx relay"
run 2 good "rcpt: 250 2.1.5 ok (expected: 550)" $a -e rcpt=550
run 0 b554 "as expected" -e banner=554
run 0 virus "accept: 554 5.7.1 virus found, as expected" $a --eicar
said virus "EICAR-STANDARD-"
run 0 pipe "OK" $a --gtube
said pipe "GTUBE-STANDARD-"
run 2 virus "(expected: 250)" $a --eicar -e accept=250
run 3 good "--expect accpt=5" -e accpt=5xx
run 3 good "PHASE=CODE" -e accept=hello

# --- TLS
T="-S --ca-file $D/ca.pem"
run 0 tls.good "OK" $T
says "TLSv1.3"
head -n 1 "$D/out" | grep -q ' cert=77[0-9]*s cert_left=99.9%'
ok $? "the certificate's time is measured"
run 2 tls.soon "unable to get local issuer certificate" -S
run 0 tls.soon "OK" -S --no-verify
says "not trusted: unable to get local issuer certificate"
run 2 tls.self "the certificate is not trusted for 127.0.0.1: self-signed certificate" $T
run 2 tls.expired "certificate has expired" $T
says ", ended 2024-04-01 ("
run 2 tls.later "certificate is not yet valid" $T
says ", begins 2100-12-01 (in "
says " cert_left=100%"
run 2 tls.expired "certificate ended " $T --no-verify -c cert=1d
run 2 tls.other "IP address mismatch" $T
run 2 tls.good "hostname mismatch" $T --tls-name mx9.example.org
run 0 tls.good "OK" $T --tls-name mx1.example.org
run 1 tls.soon "certificate ends in 5 d (at least 21 d)" $T -w cert=21d -c cert=2d
run 3 tls.soon "-w cert=21: a number without a unit would be seconds; write cert=21d for days" $T -w cert=21
run 3 tls.soon "-c cert=@1d:7: a number without a unit" $T -c cert=@1d:7
run 2 tls.expired " d ago" $T --no-verify -c cert=0
run 1 tls.soon "of the certificate's lifetime left" --no-verify -S -w cert_left=100%
run 3 good "127.0.0.1 is an IPv4 address, and -6 asks for IPv6 alone" -6
run 0 good OK -4
run 3 good "[::1] is an IPv6 address, and -4 asks for IPv4 alone" -4 -H "[::1]"
run 3 good "::1 is an IPv6 address" -4 --source ::1
run 3 good "anna@example.org is neither a name nor an address" -H anna@example.org
run 3 good "127.0.0.1:25 is neither a name nor an address; a port is no part of it" -H 127.0.0.1:25
run 3 tls.good "certificates of $D/none: No such file or directory" -S --ca-file "$D/none"
run 3 tls.good "starttls: certificates of $D/ports: no certificate or crl found" -S --ca-file "$D/ports"
run 3 tls.good "certificates of $D/ports: no certificate or crl found" -S --ca-file "$D/ports" --count 2
run 1 tls.old "it speaks TLSv1 only" $T
run 0 tls.old "OK" $T --tls-min 1.0
run 2 nostarttls "starttls: STARTTLS is not offered" $T
run 2 tls454 "starttls: 454 4.7.0 TLS not available" $T
run 2 inject 'an injection: "250 injected' $T
run 2 garbage "starttls: TLS handshake: wrong version number: what it says is no TLS" $T
run 0 smtps.good "OK" --tls --ca-file "$D/ca.pem"
# Port 465, in a network of its own where that is free: up with the loopback, and nobody speaks.
if unshare --user --map-root-user --net true 2>/dev/null; then
    answers 2 ": this port speaks TLS from the start (--tls)" "port 465 without --tls" \
        unshare --user --map-root-user --net /usr/bin/python3 -c 'import fcntl, socket, struct, subprocess, sys
s = socket.socket()
fcntl.ioctl(s, 0x8914, struct.pack("16sh14x", b"lo", 1))
s.bind(("127.0.0.1", 465))
s.listen(9)
sys.exit(subprocess.run(sys.argv[1:]).returncode)' "$check" -H 127.0.0.1 -p 465 -t 1
else
    ok 0 "port 465 without --tls # SKIP this system grants no namespaces"
fi
late silent "banner: no whole reply within "
silent "this port speaks TLS"
# A handshake that is over before anybody waits for it; on a busy machine most are.
wrong=$(for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    "$check" -H 127.0.0.1 -p "$(port smtps.good)" --tls --ca-file "$D/ca.pem" | grep -E '=-|starttls=0s'
done)
none "no phase of TLS from the start takes less than no time" "$wrong"
run 2 smtps.self "self-signed certificate" --tls
run 2 good "starttls: TLS handshake" --tls

# --- logins
password="--password-file $D/password"
echo s3cret >"$D/password"
run 0 auth "OK" -u probe $password
says "login by SCRAM-SHA-256"
for m in CRAM-MD5 PLAIN LOGIN; do
    run 0 auth "OK" -u probe $password --auth $m --cleartext
    says "login by $m"
done
run 2 auth "auth: 535 5.7.8 wrong password" -u other $password
run 2 auth "auth: 535 5.7.8 wrong password" -u other $password --auth PLAIN --cleartext
run 3 auth "auth: PLAIN without TLS would show the password" -u probe $password --auth PLAIN
run 0 tls.good "OK" $T -u probe $password
run 2 authplain "auth: CRAM-MD5 is not offered, but PLAIN" -u probe $password --auth CRAM-MD5
run 2 good "auth: no login is offered (without TLS)" -u probe $password
run 2 tls.good "auth: no login is offered without TLS; STARTTLS is (-S)" -u probe $password
run 2 scramliar "the server does not know the password" -u probe $password
run 2 scramgreedy "auth: challenge of SCRAM-SHA-256: this is no first message of SCRAM" -u probe $password
run 2 authodd "auth: challenge of CRAM-MD5: this is no base64" -u probe $password
run 3 auth "there is no password" -u probe
MXGAUGE_PASSWORD=s3cret run 0 auth "OK" -u probe -v -v
! grep -qF "$(printf '\0probe\0s3cret' | base64)" "$D/out"
ok $? "the transcript does not have the password"

# --- LMTP, XCLIENT, PROXY, addresses
run 0 lmtp "OK" --lmtp $a -r bert@example.org -m
run 2 lmtp "ehlo: 500" $a
"$check" --socket "$D/lmtp.sock" --lmtp $a -m >"$D/out"
ok $? "LMTP on a socket"
says "$D/lmtp.sock: "
"$check" --socket "$D/none.sock" --lmtp >"$D/out"
is $? 2 "a socket that is not there is CRITICAL"
run 0 xclient "OK" --xclient ADDR=192.0.2.1 --xclient "NAME=a b+c"
said xclient "XCLIENT ADDR=192.0.2.1 NAME=a+20b+2Bc"
run 2 good "XCLIENT is not offered" --xclient ADDR=192.0.2.1
run 0 proxy "OK" --proxy 1 --proxy-client 192.0.2.9
said proxy "PROXY TCP4 192.0.2.9 127.0.0.1 0 $(port proxy)"
run 0 proxy "OK" --proxy 2 --proxy-client 192.0.2.9
said proxy "PROXY2 21 11 c00002097f0000010000"
run 0 utf8 "OK" -r "$(printf 'anna@ex\303\244mple.org')"
run 2 good "SMTPUTF8" -r "$(printf 'anna@ex\303\244mple.org')"
run 3 good "has no place in it" -f "$(printf 'a@example.org\r\nRSET')"
run 3 good "has no place in it" --helo "$(printf 'a\nQUIT')"
run 3 good "exclude each other" -S --tls
run 3 good "--rcpt" -m

six=$(port six)
if [ -n "$six" ]; then
    for name in ::1 "[::1]"; do
        "$check" -H "$name" -p "$six" $a >"$D/out"
        ok $? "IPv6: $name"
        says "OK - [::1]:$six: "
    done
else
    echo "# IPv6 is left out: this machine has none"
fi

# --- many at once
n=
for s in slowbanner slowbanner b554 good; do n="$n -H 127.0.0.1"; done
before=$(date +%s%N)
"$check" $n $n $n $n $n -p "$(port slowbanner)" >"$D/out"
ok $? "20 slow servers at once"
ms=$((($(date +%s%N) - before) / 1000000))
[ $ms -lt 2000 ]
ok $? "they take as long as one: $ms ms"
says "20 servers, the slowest 127.0.0.1:"
"$check" -H 127.0.0.1 -H 127.0.0.2 -H no-such-host.invalid -p "$(port good)" -t 3 >"$D/out"
is $? 2 "one of three is ill"
says "SMTP CRITICAL - 2 of 3 servers; "
says "127.0.0.1:$(port good): total"
run 0 good "OK" --count 20 -w p95=2s -c max=4s
says "total over 20 runs: p50"
run 1 good "p95" -w p95=1us

# --- hostile text is clean in Nagios and on a terminal
hostile=0
for s in hostile hostile554; do
    for json in "" --json; do
        "$check" -H 127.0.0.1 -p "$(port $s)" -v -v -v $json >"$D/out" 2>&1
        LC_ALL=C grep -qE '[^[:print:]]|[<>&]' "$D/out" && hostile=1
        [ "$(head -n 1 "$D/out" | tr -cd '|' | wc -c)" -le 1 ] || hostile=1
        [ "$(sed 1d "$D/out" | grep -c '|')" = 0 ] || hostile=1
        [ -n "$json" ] || [ "$(wc -c <"$D/out")" -le 8192 ] || hostile=1
        [ -z "$json" ] || perl -MJSON::PP -e 'local $/; decode_json(<STDIN>)' <"$D/out" || hostile=1
    done
done
is $hostile 0 "hostile banners are clean"
"$check" -H 127.0.0.1 -p "$(port tls.good)" $T --json >"$D/out"
perl -MJSON::PP -e 'local $/; my $t = decode_json(<STDIN>)->{targets}[0];
    exit !($t->{state} eq "OK" && $t->{tls}{version} eq "TLSv1.3" && $t->{phases}{starttls} > 0 &&
    !defined $t->{phases}{accept} && grep { /^AUTH/ } @{$t->{extensions}})' <"$D/out"
ok $? "JSON has the target with phases, extensions and TLS"

none "no command is sent ahead, no line ends with LF alone, every message ends as it has to" "$(
    grep -aE '^(TALKS AHEAD|BARE LINE)' "$D"/said.*)"
done_testing
