#!/bin/sh
# smtp_names.t - check_smtp_latency by names: MX and all their addresses, name servers with faults
# (tests/fake/dns.py), DANE, MTA-STS.
# shellcheck disable=SC2086  # $check is a list of words
what=smtp_names
# shellcheck source=tests/fake/fake_test.sh
. tests/fake/fake_test.sh
: >"$D/zone"
mail_servers smtp.py
name_servers
ready ports
ready dns
farm=$(sed -n 's/^farm //p' "$D/ports")
# The key of the farm's certificate, as TLSA has it.
pin=$(openssl x509 -in "$D/good.crt" -noout -pubkey | openssl pkey -pubin -outform DER |
    openssl dgst -sha256 -r | cut -d ' ' -f 1)
ca=$(openssl x509 -in "$D/ca.pem" -outform DER | openssl dgst -sha256 -r | cut -d ' ' -f 1)
wrong=$(echo "$pin" | tr 0-9a-f 1-9a-f0)
cat >"$D/zone" <<ZONE
example.org MX 10 mx1.example.org
example.org MX 20 mx2.example.org
mx1.example.org A 127.0.0.1
mx1.example.org A 127.0.0.2
mx2.example.org A 127.0.0.3
four.example.org MX 10 mx4.example.org
four.example.org MX 10 mx1.example.org
mx4.example.org A 127.0.0.4
null.example.org MX 0 .
odd.example.org MX 0 .
odd.example.org MX 10 mx1.example.org
bare.example.org A 127.0.0.1
dangling.example.org MX 10 nowhere.example.org
dangling.example.org MX 20 mx1.example.org
fail.example.org MX !servfail
refused.example.org MX !refused
silent.example.org MX !silent
silent.example.org A !silent
silent.example.org AAAA !silent
garbage.example.org MX !garbage
echo.example.org A !echo
echo.example.org AAAA !echo
echo.example.org A 127.0.0.1
slow.example.org A !slow 0.4
slow.example.org A 127.0.0.1
alias.example.org CNAME bare.example.org
two.example.org A 127.0.0.9
dead.example.org A 127.0.0.8
dead.example.org A 127.0.0.9
two.example.org A 127.0.0.1
_$farm._tcp.mx1.example.org TLSA 3 1 1 $pin
_$farm._tcp.mx1.example.org !secure
mx5.example.org A 127.0.0.1
_$farm._tcp.mx5.example.org TLSA 3 1 1 $pin
mx6.example.org A 127.0.0.1
_$farm._tcp.mx6.example.org TLSA 3 1 1 $wrong
_$farm._tcp.mx6.example.org !secure
mx7.example.org A 127.0.0.1
_$farm._tcp.mx7.example.org TLSA 2 0 1 $ca
_$farm._tcp.mx7.example.org !secure
mx8.example.org A 127.0.0.1
_$farm._tcp.mx8.example.org TLSA 1 1 1 $pin
_$farm._tcp.mx8.example.org !secure
mx9.example.org A 127.0.0.1
_$farm._tcp.mx9.example.org TLSA !servfail
signed.example.org MX 10 mx1.example.org
signed.example.org !secure
_mta-sts.two-records.example.org TXT v=STSv1; id=1;
_mta-sts.two-records.example.org TXT v=STSv1; id=2;
example.com MX 10 mx1.example.org
_mta-sts.example.com TXT v=STSv1; id=1;
mta-sts.example.com A 127.0.0.9
_mta-sts.bad.example.org TXT v=STSv1; id=not-good;
two-records.example.org MX 10 mx1.example.org
homeless.example.org MX 10 mx1.example.org
_mta-sts.homeless.example.org TXT v=STSv1; id=1;
bad.example.org MX 10 mx1.example.org
ZONE
check="$BUILD/plugins/check_smtp_latency --resolver 127.0.0.1:$(cat "$D/dns") -p $farm"

# run STATUS TEXT ARGS...: TEXT is in the first line
run() {
    want=$1 text=$2
    shift 2
    answers "$want" "$text" "$*" $check -4 -t 5 "$@"
}

run 0 "3 servers, the slowest mx2.example.org[127.0.0.3]:$farm: 4" --mx example.org
says "mx1.example.org[127.0.0.1]:$farm (MX 10 of example.org): total"
says "mx1.example.org[127.0.0.2]:$farm (MX 10 of example.org): total"
run 2 "mx4.example.org[127.0.0.4]:$farm: banner: 554 5.3.2 the fourth" --mx four.example.org
run 0 "bare.example.org[127.0.0.1]" --mx bare.example.org
run 2 "null.example.org: dns: null.example.org takes no mail (null MX)" --mx null.example.org
run 2 "and has others beside it" --mx odd.example.org
run 2 "nowhere.example.org: dns: address of nowhere.example.org: no such name" --mx dangling.example.org
run 2 "dns: MX of nothing.example.net: no such name" --mx nothing.example.net
run 2 "dns: MX of fail.example.org: the resolver failed (SERVFAIL) (asked: 127.0.0.1:$(cat "$D/dns"))" --mx fail.example.org
run 2 "dns: MX of refused.example.org: the resolver refused" --mx refused.example.org
run 2 "dns: MX of garbage.example.org: the answer is damaged" --mx garbage.example.org
run 2 "dns: no answer of the name server within" --mx silent.example.org -t 1
says "s (asked: 127.0.0.1:$(cat "$D/dns")) | "
run 2 "silent.example.org: dns: no answer of the name server within" -H silent.example.org -t 1
run 2 "dns: address of nothing.example.net: no such name" -H nothing.example.net
run 0 OK -H echo.example.org
run 0 OK -H echo.example.org -4
run 0 "slowest phase dns 4" -H slow.example.org
run 1 "dns 4" -H slow.example.org -w dns=200ms
run 0 "alias.example.org[127.0.0.1]" -H alias.example.org
run 2 "this is no name" -H "$(printf '%070d' 1).example.org"
run 0 "two.example.org[127.0.0.1]" -H two.example.org
run 2 "two.example.org[127.0.0.9]:$farm: connect: Connection refused" -H two.example.org --each-address
run 2 "connect: Connection refused (127.0.0.8: Connection refused)" -H dead.example.org
run 0 "2 servers" -H mx1.example.org -H mx2.example.org
run 0 "3 servers" --mx example.org -S --ca-file "$D/ca.pem" --tls-name mx1.example.org
run 2 "not trusted for mx2.example.org: hostname mismatch" --mx example.org -S --ca-file "$D/ca.pem"
run 2 "no whole reply within" -H mx1.example.org -H mx2.example.org -t 0.4
says "mx1.example.org[127.0.0.1]:$farm: total"

# --- DANE: no authority is asked
run 0 "OK" -H mx1.example.org -S --dane
says "as TLSA says"
run 0 "2 servers" --mx signed.example.org -S --dane
run 2 "DNSSEC does not prove it" --mx example.org -S --dane
run 2 "TLSA of mx5.example.org: DNSSEC does not prove it" -H mx5.example.org -S --dane
run 2 "no TLSA record matches it" -H mx6.example.org -S --dane
run 2 "hostname mismatch" -H mx7.example.org -S --dane
run 0 "OK" -H mx7.example.org -S --dane --tls-name mx1.example.org
run 2 "the TLSA record cannot be used" -H mx8.example.org -S --dane
run 2 "TLSA of mx9.example.org: the resolver failed" -H mx9.example.org -S --dane
run 2 "mx2.example.org has no TLSA records" -H mx2.example.org -S --dane
run 2 "DANE needs a name" -H 127.0.0.1 -S --dane

# --- MTA-STS: what goes wrong before HTTPS; the rest is in tests/lib/test_mtasts.c and the lab
run 2 "MTA-STS of example.org: _mta-sts.example.org: TXT: no such name" --mx example.org -S --no-verify --mta-sts
run 2 "has 2 records of STSv1" --mx two-records.example.org -S --no-verify --mta-sts
mkdir "$D/lib"
echo "this is none" >"$D/lib/libcurl.so.4"
export LD_LIBRARY_PATH="$D/lib"
run 3 "MTA-STS of example.com: this needs a library (in Debian the package libcurl4): $D/lib/libcurl.so.4: " \
    --mx example.com -S --no-verify --mta-sts
unset LD_LIBRARY_PATH
run 2 "MTA-STS of example.com: https://mta-sts.example.com/.well-known/mta-sts.txt: Connection refused" \
    --mx example.com -S --no-verify --mta-sts
run 2 "MTA-STS of homeless.example.org: mta-sts.homeless.example.org: no such name" \
    --mx homeless.example.org -S --no-verify --mta-sts
run 2 "the record has no id" --mx bad.example.org -S --no-verify --mta-sts
done_testing
