#!/bin/sh
# hash_addresses.t - a state that keeps no addresses has the same counts, says nothing of who wrote
# to whom, and is asked for an address as before by who has the key.
set -u
export LC_ALL=C TZ=UTC
: "${BUILD:=build}"
. tests/tap.sh
mxgauge=$PWD/$BUILD/bin/mxgauge
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT

# import STATE FILE OPTION...
import() {
    state=$d/$1 log=$2
    shift 2
    "$mxgauge" import --state "$state" --tz UTC --year 2026 --no-rrd "$@" "$log" >"$d/out" 2>&1
}
trace() {
    "$mxgauge" trace --state "$d/$1" "$2" 2>&1
}

cat >"$d/log" <<'LOG'
Nov  5 08:00:00 mx1 postfix/smtpd[101]: connect from mail.example.net[192.0.2.7]
Nov  5 08:00:00 mx1 postfix/smtpd[101]: A000000001: client=mail.example.net[192.0.2.7], sasl_method=PLAIN, sasl_username=sabine.secret
Nov  5 08:00:00 mx1 postfix/cleanup[102]: A000000001: message-id=<anna.secret.1@secret-laptop>
Nov  5 08:00:00 mx1 postfix/qmgr[103]: A000000001: from=<anna.secret@example.net>, size=1000, nrcpt=2 (queue active)
Nov  5 08:00:01 mx1 postfix/smtp[104]: A000000001: to=<Bert.Secret@example.org>, orig_to=<carl-secret>, relay=mx.example.org[192.0.2.9]:25, delay=1, delays=0.1/0/0.4/0.5, dsn=2.0.0, status=sent (250 2.0.0 <bert.secret@example.org> ok: queued as B000000001)
Nov  5 08:00:01 mx1 postfix/smtp[104]: A000000001: to=<dora.secret@example.org>, relay=mx.example.org[192.0.2.9]:25, delay=1, delays=0.1/0/0.4/0.5, dsn=4.2.2, status=deferred (host mx.example.org[192.0.2.9] said: 452 4.2.2 "emil secret"@example.org and <fritz.secret> are over quota (in reply to RCPT TO command))
Nov  5 08:05:01 mx1 postfix/smtp[104]: A000000001: to=<DORA.secret@example.org>, relay=mx.example.org[192.0.2.9]:25, delay=301, delays=300/0/0.4/0.5, dsn=4.2.2, status=deferred (host mx.example.org[192.0.2.9] said: 452 4.2.2 over quota)
Nov  5 08:10:01 mx1 postfix/smtp[104]: A000000001: to=<dora.secret@example.org>, relay=mx.example.org[192.0.2.9]:25, delay=601, delays=600/0/0.4/0.5, dsn=2.0.0, status=sent (250 2.0.0 ok)
Nov  5 08:10:01 mx1 postfix/qmgr[103]: A000000001: removed
Nov  5 08:11:00 mx1 postfix/smtpd[101]: NOQUEUE: reject: RCPT from unknown[192.0.2.8]: 550 5.1.1 <gerd.secret@example.org>: Recipient address rejected: User unknown; from=<hans.secret@example.com> to=<gerd.secret@example.org> proto=ESMTP helo=<ida.secret@example.com>
Nov  5 08:11:01 mx1 postfix/smtpd[101]: warning: unknown[192.0.2.8]: SASL PLAIN authentication failed: authentication failure, sasl_username=jan.secret@example.org
Nov  5 08:11:02 mx1 postfix/smtpd[101]: a line that nobody knows about karl.secret@example.org and <lars.secret>
Nov  5 08:11:03 mx1 postfix/qmgr[103]: C000000001: from=<double-bounce@mx1.example.org>, size=300, nrcpt=1 (queue active)
Nov  5 08:11:04 mx1 postfix/smtpd[101]: NOQUEUE: reject: RCPT from unknown[192.0.2.8]: 550 5.1.1 <maria.secret@example.org>: Recipient address rejected: User unknown; from=<hans.secret@example.com> to=<maria.secret@example.org> proto=ESMTP helo=<x>
LOG

import plain "$d/log"
import hashed "$d/log" --hash-addresses
ok $? "a log is read, addresses hashed"
grep -ac 'secret' "$d/plain/state.db" >"$d/n"
ok $? "the usual state has the addresses"
cat "$d"/hashed/* >"$d/all"
grep -aio '[a-z.-]*secret[a-z.@-]*' "$d/all" | sort | uniq -c >"$d/left"
is "$(cat "$d/left")" "" "the other one has none, nor has its log"
for s in plain hashed; do
    "$mxgauge" report --state "$d/$s" --json |
        perl -MJSON::PP -e 'local $/; my $r = decode_json(<STDIN>); delete $r->{top};
            print JSON::PP->new->canonical->pretty->encode($r)' >"$d/report.$s"
done
is "$(diff "$d/report.plain" "$d/report.hashed" | grep -i '[0-9]' | head -5)" "" "the reports' figures are the same"
grep -q '"recv_rcpt" *: *2' "$d/report.hashed" && grep -q '"unaccounted" *: *0' "$d/report.hashed"
ok $? "and not empty"
for s in plain hashed; do
    option=
    [ $s = plain ] || option=--hash-addresses
    # shellcheck disable=SC2086  # none, or one
    import "hops-$s" tests/truth/cases/hop-relay-and-store.log $option
    "$mxgauge" report --state "$d/hops-$s" --json | perl -MJSON::PP -e 'local $/; my $r = decode_json(<STDIN>);
        print JSON::PP->new->canonical->pretty->encode($r->{counts})' >"$d/hops.$s"
done
is "$(diff "$d/hops.plain" "$d/hops.hashed")" "" "a mail that goes on at another host is one mail by a hashed Message-ID, too"

# --- asking -----------------------------------------------------------------------------
trace hashed bert.secret@example.org >"$d/bert"
grep -q '^mx1 A000000001' "$d/bert"
ok $? "who has the key finds an address, however it is spelt"
grep -q 'from <~[a-p]\{14\}@example.net>' "$d/bert" && grep -q 'delivered to ~[a-p]\{14\}@example.org for ~[a-p]\{14\} by' "$d/bert"
ok $? "the mail's addresses are pseudonyms, their domains stay"
trace hashed sabine.secret | grep -q '^mx1 A000000001'
ok $? "and so is a login found"
trace hashed hans.secret@example.com | grep -q 'counted as rej_unknown_rcpt'
ok $? "and samples of refusals"
trace hashed 'anna.secret.1@secret-laptop' | grep -q '^mx1 A000000001'
ok $? "and a Message-ID"
trace hashed A000000001 | grep -q '<~[a-p]\{14\}>'
ok $? "of which no domain stays"
trace hashed @example.net | grep -q '^mx1 A000000001'
ok $? "a domain is asked for as ever"
trace hashed C000000001 | grep -q 'from <double-bounce@mx1.example.org>'
ok $? "what stands for no person is not hashed"
trace hashed nobody@example.org | grep -q 'nothing is known of nobody@example.org'
ok $? "another address is not found"
dora=$(trace hashed dora.secret@example.org | sed -n 's/.*deferred: \(~[a-p]*\)@.*/\1/p' | sort -u)
is "$(echo "$dora" | wc -l)" 2 "what is spelt in two ways is two recipients, as without hashing"
is "$(echo "$dora" | cut -c 1-11 | sort -u | wc -l)" 1 "which differ in their last letters alone"

# --- the key ----------------------------------------------------------------------------
key=$d/hashed/addresses.key
is "$(stat -c %a "$key")" 600 "the key is for the account alone"
# SipHash of OpenSSL, with the key derived as lib/pseudonym.c says
if command -v openssl >/dev/null && printf x | openssl mac -macopt hexkey:00112233445566778899aabbccddeeff -macopt size:8 SIPHASH >/dev/null 2>&1; then
    # words are kept as numbers, and OpenSSL takes bytes
    little() { echo "$1" | sed 's/\(..\)\(..\)\(..\)\(..\)\(..\)\(..\)\(..\)\(..\)/\8\7\6\5\4\3\2\1/'; }
    sip() { openssl mac -macopt "hexkey:$1" -macopt size:8 SIPHASH | tr 'A-F' 'a-f'; }
    read -r hex <"$key"
    k=$(little "${hex%????????????????}")$(little "${hex#????????????????}")
    loose=$(printf l0 | sip "$k")$(printf l1 | sip "$k")
    exact=$(printf e0 | sip "$k")$(printf e1 | sip "$k")
    # four bits a letter, the lowest first
    letters() { little "$1" | rev | cut -c "1-$2" | tr '0-9a-f' 'a-p'; }
    is "$(grep -o '~[a-p]*@example.net' "$d/bert" | head -1)" \
        "~$(letters "$(printf anna.secret@example.net | sip "$loose")" 10)$(letters "$(printf anna.secret@example.net | sip "$exact")" 4)@example.net" \
        "a pseudonym is what OpenSSL's SipHash makes of the address"
else
    ok 0 "a pseudonym is what OpenSSL's SipHash makes of the address # SKIP no openssl mac"
fi
tail -n 1 "$d/log" | sed 's/08:11:04/08:12:04/; s/maria/nora/g' >"$d/more"
import hashed "$d/more"
! cat "$d"/hashed/* | grep -aqi nora.secret
ok $? "where no configuration says otherwise, a state with a key goes on to hash"
trace hashed nora.secret@example.org | grep -q 'counted as rej_unknown_rcpt'
ok $? "with the same key"
"$mxgauge" backup --state "$d/hashed" "$d/copy.db" && ! grep -aqf "$key" "$d/copy.db"
ok $? "a backup has no key"
mv "$key" "$d/key"
trace hashed bert.secret@example.org | grep -q 'nothing is known of'
ok $? "without the key nobody is found"
chmod 644 "$d/key" && cp -p "$d/key" "$key"
trace hashed A000000001 >"$d/out"
grep -q 'cannot be asked for: .*addresses.key: everybody can get at it' "$d/out" && grep -q '^mx1 A000000001' "$d/out"
ok $? "a key that everybody may read is not taken; an id can still be asked for"
echo rubbish >"$key" && chmod 600 "$key"
import hashed "$d/more"
is $? 1 "a damaged key stops the import"
grep -q 'addresses.key is no key: it has to be 32 hexadecimal digits' "$d/out"
ok $? "and is named"
done_testing
