#!/bin/sh
# syslogng_tls.t - a real syslog-ng sends to mxgauged over TLS, as docs/inputs.md says, while mxgauged is
# stopped and killed. One whose certificate is not good is turned away, by a sentence that says why; once it
# has a good one, all that waited arrives. And it does not speak to a server that the CA does not vouch for.
set -u
what="syslog-ng with TLS"
# shellcheck source=tests/lab/sender_test.sh
. tests/lab/sender_test.sh
# shellcheck source=tests/lab/syslogng_test.sh
. tests/lab/syslogng_test.sh
# shellcheck source=tests/lab/certs_test.sh
. tests/lab/certs_test.sh
sample='mxgauge-tls'

ca farm
ca other
certificate log farm log.example.org 60
certificate wronglog other log.example.org 60
certificate mx1 farm ng.mx.example.org 3
certificate mx8 farm mx8.example.net 3
certificate old farm b.mx.example.org -1
certificate forged other c.mx.example.org 3

# listens CERTIFICATE
listens() {
    printf 'state = "%s/state"\ntemplates = "%s/rrd-templates"\nsource farm {\n listen = "tcp+tls:192.0.2.10:6514"\n allow = { "192.0.2.0/24" }\n tls_certificate = "%s/%s.pem"\n tls_key = "%s/%s.key"\n tls_ca = "%s/farm-ca.pem"\n tls_peers = { "*.mx.example.org" }\n}\n' \
        "$D" "$PWD" "$D" "$1" "$D" "$1" "$D" >"$D/conf"
}
listens log
start
syslogng
log_to 100 ng
flows ng
saw $? "lines arrive"
stop TERM
sleep 2     # how long it is away
start
flows ng
saw $? "away for 2 seconds: lines arrive again"
stop KILL
start
flows ng
saw $? "killed: lines arrive again"
log_ends
sync_file ng
settled ng
[ "$got" -le "$logged" ] && [ "$got" -gt $((logged / 4)) ]
saw $? "$((logged - got)) of $logged lines were lost on the way, none came twice"
end ng TERM

grew() { [ "$(lines_of ng)" -gt $((lines + 100)) ]; }
# logs: 100 lines at least
logs() {
    lines=$(lines_of ng)
    log_to 200 ng
    wait_for grew
}

# turned_away CERTIFICATE SENTENCE
turned_away() {
    settled ng
    had_before=$got
    syslogng "s/mx1\\./$1./g"
    logs
    wait_for grep -q "turned away.*$2" "$D/out"
    saw $? "turned away: $2"
    log_ends
    is "$(had ng)" "$had_before" "and none of its lines counts"
    end ng TERM
    stop TERM    # so that the next one is named at once
    start
    syslogng
    counts_of ng $((had_before + logged)) "with a good certificate all $logged that waited arrive"
    end ng TERM
}
turned_away mx8 'mx8.example.net): not in tls_peers'
turned_away old 'b.mx.example.org): certificate has expired'
turned_away forged 'c.mx.example.org): unable to get local issuer'

stop TERM
listens wronglog
start
had_before=$(had ng)
syslogng
logs
wait_for grep -q 'it turned us down, see there (.*unknown ca)' "$D/out"
saw $? "a server whose certificate the CA did not give is not spoken to"
log_ends
is "$(had ng)" "$had_before" "it gets no line"
stop TERM
listens log
start
counts_of ng $((had_before + logged)) "and when it has a good one, all that waited arrive"
end ng TERM
done_testing
