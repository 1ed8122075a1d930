#!/bin/sh
# check_mx.t - against name servers and MX with every fault (tests/fake/dns.py, mx.py): what resolves
# badly, who does not answer, and who refuses less than the others; no message is ever begun.
# shellcheck disable=SC2086  # $check is a list of words
what=check_mx
# shellcheck source=tests/fake/fake_test.sh
. tests/fake/fake_test.sh
: >"$D/rules"
cat >"$D/zone" <<'ZONE'
example.org MX 20 mx2.example.org
example.org MX 10 mx1.example.org
example.org !ttl 7200
mx1.example.org A 127.0.0.1
mx1.example.org !ttl 300
mx2.example.org A 127.0.0.2
mx2.example.org !ttl 600
two.example.org MX 10 both.example.org
both.example.org A 127.0.0.1
both.example.org A 127.0.0.2
half.example.org MX 10 mx1.example.org
half.example.org MX 20 dead.example.org
dead.example.org A 127.0.0.9
null.example.org MX 0 .
odd.example.org MX 0 .
odd.example.org MX 10 mx1.example.org
bare.example.org A 127.0.0.1
dangling.example.org MX 10 nowhere.example.org
dangling.example.org MX 20 mx1.example.org
empty.example.org MX 10 text.example.org
text.example.org TXT nothing
literal.example.org MX 10 127.0.0.1
alias.example.org MX 10 www.example.org
www.example.org CNAME mx1.example.org
twins.example.org MX 10 mx1.example.org
twins.example.org MX 20 mx8.example.org
mx8.example.org A 127.0.0.1
fail.example.org MX !servfail
silent.example.org MX !silent
garbage.example.org MX !garbage
lame.example.org MX 10 mx5.example.org
mx5.example.org A !servfail
mute.example.org MX 10 mx6.example.org
mx6.example.org A !silent
mapped.example.org MX 10 mx7.example.org
mx7.example.org AAAA ::ffff:127.0.0.1
odder.example.org MX 10 mx|<b>.example.org
ZONE
mail_servers mx.py
name_servers
ready port
ready dns
check="$BUILD/plugins/check_mx --resolver 127.0.0.1:$(cat "$D/dns") -p $(cat "$D/port") --helo probe.example.com"
tls="--ca-file $D/ca.pem"

# run STATUS TEXT ARGS...: TEXT is in the first line
run() {
    want=$1 text=$2
    shift 2
    answers "$want" "$text" "$*" $check -t 9 --ignore private "$@"
}
said() { grep -qxF -- "$2" "$D/said.$1" 2>/dev/null; ok $? "$1 was told $2"; }
# rules LINE...: of all servers, from now on. "both PROBE REPLY" is both's that example.org has.
rules() {
    for line in "$@"; do
        case $line in
        both\ *) printf '1 %s\n2 %s\n' "${line#both }" "${line#both }" ;;
        *) echo "$line" ;;
        esac
    done >"$D/rules.new"
    mv "$D/rules.new" "$D/rules"
}
strict() {
    rules "both helo-word 504 5.5.2 need a full name" "both helo-own 550 5.7.1 you are not me" \
        "both sender-word 504 5.5.2 need a full address" "both sender-own 550 5.7.1 forged" \
        "both sender-nodomain 550 5.1.8 domain not found" "both unknown-rcpt 550 5.1.1 user unknown" \
        "both relay 554 5.7.1 relay access denied" "$@"
}

# --- all is well
strict
run 0 "MX OK - example.org: 2 MX, 2 addresses, no difference" -H example.org
says "an unknown recipient: refused at mx1.example.org, mx2.example.org (rcpt: 550 5.1.1 user unknown)"
says "an ordinary mail: accepted at mx1.example.org, mx2.example.org"
says "10 mx1.example.org[127.0.0.1]: 220 mx1.example.org"
is "$(sed -n '1s/.* | //p' "$D/out")" "differences=0;0 mx=2 addresses=2 reached=2 mx_ttl=7200s address_ttl=600s" \
    "performance data has all of it, in order"
for command in "EHLO probe.example.com" "EHLO mxgauge" "EHLO mx1.example.org" "MAIL FROM:<>" \
    "MAIL FROM:<mxgauge@probe>" "MAIL FROM:<mxgauge@example.org>" "MAIL FROM:<mxgauge@no-such-domain.invalid>" \
    "RCPT TO:<postmaster@example.org>" "RCPT TO:<mxgauge-no-such-user@example.org>" \
    "RCPT TO:<mxgauge@example.net>" RSET QUIT; do
    said 1 "$command"
done
said 2 "EHLO mx2.example.org"
run 0 OK -H example.org -r anna@example.org --unknown nobody-no-such@example.org --elsewhere b@example.com \
    -f c@example.com --must-refuse unknown-rcpt --must-refuse relay
for command in "RCPT TO:<anna@example.org>" "RCPT TO:<nobody-no-such@example.org>" \
    "RCPT TO:<b@example.com>" "MAIL FROM:<c@example.com>"; do
    said 1 "$command"
done
run 0 OK -H EXAMPLE.org.
run 0 "1 MX, 2 addresses" -H two.example.org --ignore sender-own --ignore helo-own --ignore relay -r a@example.org \
    --unknown no-such@example.org
says "refused at both.example.org[127.0.0.1], both.example.org[127.0.0.2]"
run 0 OK -H example.org -w mx_ttl=1d -w address_ttl=10m -c reached=2
run 1 "mx_ttl" -H example.org -w mx_ttl=1h
run 2 "address_ttl" -H example.org -c address_ttl=5m
run 2 "reached" -H example.org -c reached=3

# --- the backup refuses less
for row in "helo-word EHLO with one word" "helo-own EHLO with the server's own name" \
    "sender-word a sender whose domain has no dot" "sender-own a sender of the domain itself" \
    "sender-nodomain a sender of a domain that does not exist" "unknown-rcpt an unknown recipient"; do
    probe=${row%% *}
    strict
    sed -i "/^2 $probe /d" "$D/rules"
    run 1 "1 difference: ${row#* }: refused at mx1.example.org (" -H example.org
    says "DIFFERENT: ${row#* }"
    says "accepted at mx2.example.org"
    run 0 OK -H example.org --ignore $probe
done
run 2 "1 difference" -H example.org -c differences=0
run 0 OK -H example.org -w differences=1
run 1 "mx2.example.org accepts an unknown recipient" -H example.org --must-refuse unknown-rcpt
strict
sed -i "/ unknown-rcpt /d" "$D/rules"
run 0 OK -H example.org
run 1 "mx1.example.org accepts an unknown recipient" -H example.org --must-refuse unknown-rcpt
strict
sed -i "/^2 relay /d" "$D/rules"
run 2 "mx2.example.org relays to mxgauge@example.net" -H example.org
says "1 difference: relaying to another domain"
run 0 OK -H example.org --ignore relay
strict "2 unknown-rcpt 450 4.1.1 unverified"
run 1 "refused at mx1.example.org (rcpt: 550 5.1.1 user unknown), deferred at mx2.example.org (rcpt: 450 4.1.1" \
    -H example.org
strict "2 ordinary 451 4.7.1 Greylisted, come back"
run 1 "an ordinary mail: accepted at mx1.example.org, greylisted at mx2.example.org" -H example.org
run 0 OK -H example.org --greylist-ok
strict "both ordinary 450 4.2.0 Greylisted"
run 0 OK -H example.org --greylist-ok
run 1 "an ordinary mail to postmaster@example.org is accepted nowhere" -H example.org
run 1 "an ordinary mail to anna@example.org is accepted nowhere" -H example.org -r anna@example.org
strict "both ordinary 452 4.3.1 Insufficient system storage"
run 1 "an ordinary mail to postmaster@example.org is accepted nowhere" -H example.org
run 2 "an ordinary mail to anna@example.org is accepted nowhere" -H example.org -r anna@example.org
strict "2 helo-word !close"
run 1 "hung up at mx2.example.org (ehlo: the server closed the connection" -H example.org
strict "2 quit 500 what"
run 0 OK -H example.org
strict "2 helo-own 550 | x=1 <b> $(printf '\033')[31m $(printf '%0300d' 1)" "1 helo-own 550 no" "2 banner 220 a|b<i>"
run 0 OK -H example.org
! grep -q "$(printf '[\033<>]')" "$D/out" && [ "$(head -n 1 "$D/out" | tr -cd '|' | wc -c)" = 1 ]
ok $? "what servers say is clean"
strict "2 banner 554 5.3.2 go away"
run 2 "mx2.example.org: banner: 554 5.3.2 go away" -H example.org
strict "2 burst 0"
run 2 "mx2.example.org: banner: 421 4.7.0 too many" -H example.org

# --- extensions and TLS
strict "2 ext PIPELINING,SIZE 52428800"
run 1 "1 difference: SIZE: 10240000 at mx1.example.org, 52428800 at mx2.example.org" -H example.org
run 0 OK -H example.org --ignore size
strict "2 ext SIZE 10240000,AUTH PLAIN"
run 1 "2 differences: PIPELINING: offered at mx1.example.org, not offered at mx2.example.org; AUTH: not offered at mx1" \
    -H example.org
run 0 OK -H example.org --ignore PIPELINING --ignore auth
strict "2 ext $(seq -s , -f 'X%g' 500)"
run 1 "differences: PIPELINING" -H example.org
strict "1 tls good" "2 ext PIPELINING,SIZE 10240000"
run 1 "1 difference: STARTTLS: offered at mx1.example.org, not offered at mx2.example.org" -H example.org $tls
run 0 OK -H example.org --ignore tls $tls
run 1 "STARTTLS: offered at mx1" -H example.org --no-tls
strict "1 tls good" "2 tls other"
run 1 "1 difference: certificate: trusted at mx1.example.org, not trusted at mx2.example.org (hostname mismatch" \
    -H example.org $tls
run 0 OK -H example.org --ignore certificate $tls
strict "1 tls good" "2 tls good" "2 tls-most 1.2"
run 1 "version of TLS: TLSv1.3 at mx1.example.org, TLSv1.2 at mx2.example.org" -H example.org --ignore certificate
strict "1 tls good" "2 tls good" "2 starttls 454 4.7.0 not available"
run 2 "mx2.example.org: starttls: 454 4.7.0 not available" -H example.org
strict
rm -f "$D/said.1"
run 0 OK -H example.org --no-probes
! grep -q '^MAIL' "$D/said.1"
ok $? "--no-probes goes no further than EHLO"

# --- names
run 2 "dead.example.org: connect: Connection refused" -H half.example.org
run 2 "null.example.org takes no mail (null MX)" -H null.example.org
run 0 "takes no mail (null MX), as it should" -H null.example.org --null-mx
run 2 "example.org has no null MX" -H example.org --null-mx
run 2 "has a null MX and others beside it" -H odd.example.org --null-mx
run 1 "bare.example.org has no MX: mail goes to its own address" -H bare.example.org --no-probes
run 0 OK -H bare.example.org --no-probes --ignore implicit
run 2 "address of nowhere.example.org: no such name" -H dangling.example.org --no-probes
run 2 "text.example.org has no address" -H empty.example.org
run 2 "an MX is the address 127.0.0.1: it has to be a name" -H literal.example.org
run 1 "www.example.org is an alias (CNAME), which an MX must not be" -H alias.example.org --no-probes
run 0 OK -H alias.example.org --no-probes --ignore alias
run 1 "mx1.example.org and mx8.example.org have the same address" -H twins.example.org --no-probes
run 0 OK -H twins.example.org --no-probes --ignore twins
run 2 "MX of nothing.example.net: no such name" -H nothing.example.net
run 2 "MX of fail.example.org: the resolver failed (SERVFAIL) (asked: 127.0.0.1:" -H fail.example.org
is "$(sed -n '1s/.* | //p' "$D/out")" "differences=U;0 mx=U addresses=U reached=U mx_ttl=U address_ttl=U" \
    "where the name server fails nothing is known, no TTL either"
run 2 "MX of garbage.example.org: the answer is damaged" -H garbage.example.org
run 2 "address of mx5.example.org: the resolver failed" -H lame.example.org
run 2 "MX of silent.example.org: no answer of the name server in time (asked: 127.0.0.1:" -H silent.example.org -t 1
is "$(sed -n '1s/.* | //p' "$D/out")" "differences=U;0 mx=U addresses=U reached=U mx_ttl=U address_ttl=U" \
    "performance data has all of it where nothing is known"
run 2 "address of mx6.example.org: no answer of the name server in time" -H mute.example.org -t 1
run 2 "example.org: this is no name of a host" -H odder.example.org
$check -H example.org >"$D/out"
is $? 1 "addresses of loopback are WARNING"
says "mx1.example.org has an address that the world cannot reach: 127.0.0.1, loopback"
$check -H mapped.example.org --no-probes >"$D/out"
says "IPv4 in an IPv6 address"

# --- time
strict "2 slow 0.3"
before=$(date +%s%N)
run 1 "mx2.example.org: " -H example.org -t 2
ms=$((($(date +%s%N) - before) / 1000000))
says "without a verdict, the first is"
[ $ms -le 2500 ]
ok $? "it ends after $ms ms"
strict "2 helo-word !silent"
run 1 "mx2.example.org: 1 probe without a verdict, the first is helo-word: ehlo: no whole reply within" -H example.org -t 3
strict "2 banner !silent"
run 2 "mx2.example.org: banner: no whole reply within" -H example.org -t 1

# --- options
strict
run 3 "whose MX?"
run 3 "--must-refuse relais: there is no such probe" -H example.org --must-refuse relais
run 3 "control character" -H example.org -r "a> b"
run 3 "-H is empty" -H ''
run 3 "-H takes a domain, and 127.0.0.1 is an address" -H 127.0.0.1
run 3 "anna@example.org is neither a name nor an address" -H anna@example.org
run 3 "http://example.org is neither a name nor an address" -H http://example.org
run 3 "example.org:25 is neither a name nor an address; a port is no part of it" -H example.org:25
run 3 "resolver ns: this is no address" -H example.org --resolver ns
run 3 "-4 and -6 exclude each other" -H example.org -4 -6
run 3 "127.0.0.1 is an IPv4 address, and -6 asks for IPv6 alone" -H example.org -6 --source 127.0.0.1
run 0 OK -H example.org -4 -v -v
says "EHLO probe.example.com"
$check --ignore private -H example.org --json >"$D/json"
/usr/bin/python3 - "$D/json" <<'PY'
import json, sys
a = json.load(open(sys.argv[1]))['servers']
assert [s['host'] for s in a] == ['mx1.example.org', 'mx2.example.org']
assert a[1]['probes']['unknown-rcpt'] == {'verdict': 'refused', 'text': 'rcpt: 550 5.1.1 user unknown'}
assert a[0]['reached'] and a[0]['preference'] == 10 and a[0]['ttl'] == 300
PY
ok $? "--json has servers and verdicts"
! grep -qiE '^(DATA|BDAT)' "$D"/said.*
ok $? "no message was ever begun"
is "$(cat "$D/fake.err" "$D/dns.err")" "" "the servers had no trouble"
done_testing
