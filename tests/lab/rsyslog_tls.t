#!/bin/sh
# rsyslog_tls.t - real rsyslogds send over TLS, as docs/inputs.md says: RELP with OpenSSL and with GnuTLS, TCP
# with the drivers ossl and gtls. Those whose certificate is not good are turned away, by a
# sentence that says why; once they have a good one, all that waited arrives.
set -u
# shellcheck source=tests/lab/sender_test.sh
. tests/lab/sender_test.sh
sender_needs "rsyslog with TLS" rsyslogd openssl

# shellcheck source=tests/lab/certs_test.sh
. tests/lab/certs_test.sh
ca farm
ca other
certificate log farm log.example.org 60
certificate mx1 farm a.mx.example.org 3
certificate mx8 farm mx8.example.net 3
certificate old farm b.mx.example.org -1
certificate forged other c.mx.example.org 3

printf 'state = "%s/state"\ntemplates = "%s/rrd-templates"\nsource farm {\n listen = { "relp+tls:192.0.2.10:2514", "tcp+tls:192.0.2.10:6514" }\n allow = { "192.0.2.0/24" }\n tls_certificate = "%s/log.pem"\n tls_key = "%s/log.key"\n tls_ca = "%s/farm-ca.pem"\n tls_peers = { "*.mx.example.org" }\n}\n' \
    "$D" "$PWD" "$D" "$D" "$D" >"$D/conf"
start
sample=relp-tls
rsyslog relp
rsyslog relpgnutls 's/openssl/gnutls/'
sample=tcp-tls
rsyslog tcp
rsyslog tcpgtls 's/"ossl"/"gtls"/'
log_to 100 relp relpgnutls tcp tcpgtls
for h in relp relpgnutls tcp tcpgtls; do
    flows $h
    saw $? "$h: lines arrive"
done
stop KILL
start
for h in relp relpgnutls; do
    flows $h
    saw $? "$h: and after mxgauged was killed"
done
log_ends
for h in relp relpgnutls; do
    counts_of $h "$logged" "$h: each of $logged lines is counted once"
done
for h in tcp tcpgtls; do
    settled $h
    [ "$got" -le "$logged" ] && [ "$got" -gt $((logged / 4)) ]
    saw $? "$h: $((logged - got)) of $logged lines were lost, none came twice"
    end $h TERM
done

# turned_away HOST SENTENCE SED-EXPRESSION
turned_away() {
    rsyslog "$1" "$3"
    log_to 50 "$1"
    wait_for grep -q "turned away.*$2" "$D/out"
    saw $? "$sample, $1: turned away: $2"
    log_ends
    is "$(had "$1")" 0 "and none of its lines counts"
    end "$1" TERM
    stop TERM    # so that the next one is named at once
    start
    rsyslog "$1"
    [ "$sample" = tcp-tls ] || counts_of "$1" "$logged" "with a good certificate all that waited arrives"
    end "$1" TERM
}
for sample in relp-tls tcp-tls; do
    s=${sample%-tls}
    turned_away "wrong$s" 'mx8.example.net): not in tls_peers' 's/mx1\./mx8./g'
    turned_away "old$s" 'b.mx.example.org): certificate has expired' 's/mx1\./old./g'
    turned_away "forged$s" 'c.mx.example.org): unable to get local issuer' 's/mx1\./forged./g'
done
sample=tcp-tls
turned_away none 'it shows no certificate' '/CertFile\|KeyFile/d; s/\(farm-ca.pem"\)/\1)/'
done_testing
