#!/bin/sh
# check_dnsbl.t - against a name server with lists of every sort (tests/fake/dnsbl.py): what is listed, what
# only seems so, which list is ill and how; hostile answers; the table; thresholds.
# shellcheck disable=SC2046,SC2086  # $check and what list() says are lists of words
what=check_dnsbl
# shellcheck source=tests/fake/fake_test.sh
. tests/fake/fake_test.sh
cat >"$D/zone" <<'ZONES'
good.example.org good
other.example.org good
slow.example.org good
slow.example.org slow 0.3
silent.example.org silent
refused.example.org refused
lame.example.org servfail
wild.example.org wild 127.0.0.2
sly.example.org wild 127.0.0.2
parked.example.org parked 192.0.2.99
blocked.example.org blocked 127.255.255.254
empty.example.org empty
gone.example.org gone
truncated.example.org truncated
many.example.org many 4000
garbage.example.org garbage
cut.example.org good
cut.example.org cut
entry 5.2.0.192.cut.example.org 127.0.0.3
mirror.example.org mirror
echo.example.org good
echo.example.org echo
entry 5.2.0.192.echo.example.org 127.0.0.3
loop.example.org loop
wrong-id.example.org wrong-id
spoofed.example.org spoofed
foreign.example.org foreign
alias.example.org alias
masked.example.org good
entry 2.0.0.127.masked.example.org 127.0.0.64
coded.example.org good
entry 5.2.0.192.coded.example.org 127.0.0.99
entry 6.2.0.192.coded.example.org 127.0.0.5
entry 7.2.0.192.coded.example.org 127.0.0.2,192.0.2.1
entry 5.2.0.192.masked.example.org 127.0.0.192
entry 6.2.0.192.masked.example.org 127.0.0.1
entry 5.2.0.192.good.example.org 127.0.0.4 listed\x1b[31m | rm <b> & https://list.example.org/?192.0.2.5
entry 6.2.0.192.other.example.org 127.0.0.2
entry 5.2.0.192.other.example.org 127.0.0.2
entry 5.2.0.192.many.example.org 127.0.0.3
entry 5.2.0.192.truncated.example.org 127.0.0.3 long\R16000
entry 5.2.0.192.alias.example.org 127.0.0.5 aliased
entry 5.2.0.192.wild.example.org 127.0.0.2
entry 5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.good.example.org 127.0.0.2
allow.example.org good
entry 5.2.0.192.allow.example.org 127.0.10.1
names.example.org good
entry bad.example.com.good.example.org 127.0.0.2
entry bad.example.com.names.example.org 127.0.0.2
nopoint.example.org empty
entry 5.2.0.192.nopoint.example.org 127.0.0.2
host mx.example.org 192.0.2.5
host mx.example.org 2001:db8::5
host clean.example.org 192.0.2.200
host bad.example.com 192.0.2.200
ZONES
cat >"$D/table" <<'TABLE'
list *.example.org ip4 ip6
	blocked 127.255.255.[0..255] error code
	listed 127.0.0.[2..255]
list coded.example.org ip4
	listed 127.0.0.2 test entry
	listed 127.0.0.5 0.5 a little
	removal https://remove.example.org/
	by Example
list other.example.org ip4
	listed 127.0.0.2 plain
	by Example
list masked.example.org ip4
	blocked bit 1 go away
	listed bit 64 abuse
	listed bit 128 cracked
list allow.example.org ip4 allow
	listed 127.0.[2..20].[0..3] good
	listed 127.0.0.2 test entry
list names.example.org domain
	listed 127.0.0.2 bad name
list sly.example.org ip4
	clean none
	listed 127.0.0.2
list dead.example.org ip4
	dead 2024-06-05 closed
TABLE
name_servers dnsbl.py
ready dns
export NAGIOS_PLUGIN_STATE_DIRECTORY="$D"
server=127.0.0.1:$(cat "$D/dns")
check="$BUILD/plugins/check_dnsbl --resolver $server --query-timeout 400ms --no-table --table $D/table"

# run STATUS TEXT ARGS...: TEXT is in the first line
run() {
    want=$1 text=$2
    shift 2
    answers "$want" "$text" "$*" $check "$@"
}
list() { echo "-l $1.example.org"; }
# health LIST HEALTH STATUS TEXT
health() {
    run "$3" "$4" -l "$1.example.org" -H 192.0.2.200
    $check -l "$1.example.org" -H 192.0.2.200 --json >"$D/json"
    want=unknown
    case $2 in ok) want=clean ;; esac
    grep -q "\"$1.example.org\":{\"verdict\":\"$want\",\"health\":\"$2\"" "$D/json"
    ok $? "in JSON $1 is $2, and its verdict $want"
}

# --- listings
run 2 "192.0.2.5 is on good.example.org (127.0.0.4)" $(list good) -H 192.0.2.5
says '"listed?[31m / rm (b)'
silent "$(printf '\033')"
run 0 "1 address on none of 2 lists; 2 of 2 lists healthy" $(list good) $(list other) -H 192.0.2.9
run 2 "2001:db8::5 is on good.example.org (127.0.0.2)" $(list good) -H 2001:db8::5
run 2 "192.0.2.5 and 1 more are on good.example.org" $(list good) -H mx.example.org
run 2 "address of nobody.example.org: no such name" $(list good) -H nobody.example.org
says "lists=U weight=U operators=U missing=U"
run 3 "-H 192.0.2.0/24 is neither an address nor a name; networks are for --networks" $(list good) -H 192.0.2.0/24
run 3 "-H anna@example.org is neither an address nor a name" $(list good) -H anna@example.org
# A list that no table knows, and there is no table.
answers 2 "192.0.2.5 is on good.example.org (127.0.0.4)" "no table" "$BUILD/plugins/check_dnsbl" --resolver "$server" \
    --no-table --no-history -H 192.0.2.5 -l good.example.org
run 2 "192.0.2.5 is on alias.example.org (127.0.0.5)" $(list alias) -H 192.0.2.5
run 2 "192.0.2.5 is on masked.example.org (127.0.0.192 abuse, 127.0.0.192 cracked)" $(list masked) -H 192.0.2.5
run 2 "192.0.2.5 is on nopoint.example.org" $(list nopoint) -H 192.0.2.5
run 1 "192.0.2.6 is on coded.example.org (127.0.0.5 a little)" $(list coded) -H 192.0.2.6
says "removal: https://remove.example.org/"
run 1 '"removal":"https://remove.example.org/"' $(list coded) -H 192.0.2.6 --json
run 1 "coded.example.org answers 127.0.0.99, a code that the table does not know for 192.0.2.5" \
    $(list coded) -H 192.0.2.5
run 1 "127.0.0.2 test entry, 192.0.2.1, outside of 127/8 for 192.0.2.7" $(list coded) -H 192.0.2.7
run 0 "1 address on none of 1 list" $(list masked) -H 192.0.2.6
says "masked.example.org: 192.0.2.6 is not known: 127.0.0.1 go away"
run 2 "bad.example.com is on names.example.org (127.0.0.2 bad name)" $(list names) -H bad.example.com
run 0 "1 address on none of 1 list" $(list names) --domain good.example.com
run 2 "bad.example.com is on good.example.org" --domain-list good.example.org --domain bad.example.com
run 0 "healthy" --allow-list allow.example.org -H 192.0.2.5
run 1 "missing on 1 allow list" --allow-list allow.example.org -H 192.0.2.9
run 0 "healthy" $(list allow) -H 192.0.2.9

# --- health
health good ok 0 healthy
health slow ok 0 "slowest "
health silent timeout 1 "silent.example.org timeout"
health refused refused 1 "refused.example.org refused"
health lame servfail 1 "lame.example.org servfail"
health wild wildcard 2 "wild.example.org lists the world: answers 127.0.0.2"
health sly wildcard 2 "answers 127.0.0.2 to a name that was never listed"
health parked parked 2 "parked.example.org answers 192.0.2.99, outside of 127/8"
health blocked blocked 1 "blocked.example.org blocked"
health empty dead 1 "empty.example.org dead"
says "does not list its test point 127.0.0.2"
health gone dead 1 "gone.example.org dead"
says " is no zone that exists"
health dead dead 1 "dead.example.org dead"
says "is dead since 2024-06-05: closed"
run 2 "lists the world" $(list wild) -H 192.0.2.5
run 0 "DNSBL OK" --domain-list empty.example.org -v
says "empty.example.org untested"
silent "192.0.2.5 is on wild"
run 0 "none of 1 list" --no-health $(list good) -H 192.0.2.9
run 1 "blocked" $(list good) $(list blocked)
run 0 "1 of 2 lists healthy" $(list good) $(list blocked) -w unhealthy=60%

# --- hostile answers
health garbage servfail 1 "garbage.example.org servfail"
run 1 "cut.example.org servfail" $(list cut) -H 192.0.2.5
health mirror timeout 1 "mirror.example.org timeout"
run 2 "192.0.2.5 is on echo.example.org (127.0.0.3)" $(list echo) -H 192.0.2.5
run 1 "cut.example.org" --no-health $(list cut) -H 192.0.2.5
health loop dead 1 "loop.example.org dead"
health foreign dead 1 "foreign.example.org dead"
run 0 "1 of 1 list healthy" $(list wrong-id) -H 192.0.2.5
run 0 "1 of 1 list healthy" $(list spoofed) -H 192.0.2.5
run 2 "192.0.2.5 is on many.example.org (127.0.0.3)" $(list many) -H 192.0.2.5
run 2 "192.0.2.5 is on truncated.example.org (127.0.0.3)" $(list truncated) -H 192.0.2.5
says '"longlonglong'
[ "$(wc -c <"$D/out")" -lt 2000 ]
ok $? "of 64,000 bytes of text a line is shown"

# --- thresholds
both="$(list good) $(list other) -H 192.0.2.5"
run 1 "192.0.2.6 is on other.example.org" $(list coded) $(list other) -H 192.0.2.6 -w other.example.org
run 2 "192.0.2.5 is on other.example.org" $both -c other.example.org
says "DNSBL CRITICAL"
run 1 "192.0.2.5 is on good.example.org" $(list good) -H 192.0.2.5 -w good.example.org
run 1 "2001:db8::5 is on good.example.org" $(list good) $(list other) -H 2001:db8::5 -c other.example.org
run 0 "on 2 of 2 lists" $both -w 5 -c 10
run 1 "on 2 of 2 lists: good.example.org, other.example.org" $both -w 1 -c 10
run 2 "on 2 of 2 lists" $both -w 0 -c 1
run 1 "weight 0.5" $(list coded) -H 192.0.2.6 -w weight=0.2
run 0 "on 2 of 2 lists" $(list coded) $(list other) -H 192.0.2.6 -c operators=1
run 2 "operators 2" $both -c operators=1
run 1 "latency of slow.example.org is " $(list slow) -w latency=200ms
run 3 "that list is not asked" $(list good) -w other.example.org
run 3 'there is no measurement "lsits"' $(list good) -w lsits=3

# --- lists of the mail server
mkdir "$D/pf" "$D/sa"
cat >"$D/pf/main.cf" <<'CF'
compatibility_level = 3.6
good = good.example.org
smtpd_client_restrictions = permit_mynetworks, reject_rbl_client $good=127.0.0.[2..11],
    warn_if_reject reject_rbl_client wild.example.org
smtpd_recipient_restrictions = reject_rhsbl_sender names.example.org
CF
printf 'smtp inet n - n - 1 smtpd\n  -o smtpd_helo_restrictions=reject_rbl_client,dead.example.org\n' >"$D/pf/master.cf"
if [ -x /usr/sbin/postconf ]; then
    run 1 "Postfix takes that for a listing of everybody: reject_rbl_client wild.example.org" --from-postfix="$D/pf" -v
    says "Postfix still asks dead.example.org"
    says "good.example.org ok"
    says "names.example.org ok"
    says "Postfix: reject_rhsbl_sender"
    echo "smtpd_client_restrictions = reject_rbl_client blocked.example.org" >>"$D/pf/main.cf"
    run 2 "Postfix refuses all mail: reject_rbl_client blocked.example.org takes that" --from-postfix="$D/pf"
    echo "smtpd_client_restrictions = reject_rbl_client blocked.example.org=127.0.0.[2..11]" >>"$D/pf/main.cf"
    run 1 "blocked.example.org blocked" --from-postfix="$D/pf"
    echo "smtpd_client_restrictions = permit_dnswl_client blocked.example.org" >>"$D/pf/main.cf"
    run 2 "Postfix trusts everybody: permit_dnswl_client blocked.example.org" --from-postfix="$D/pf"
    run 3 "Postfix: /usr/sbin/postconf says: " --from-postfix="$D/nowhere"
else
    echo "ok $((tap_n += 1)) - the lists of a real Postfix # skip postfix is not installed"
fi
# shellcheck disable=SC2016  # a variable of Exim's
printf 'begin acl\nr:\n  deny dnslists = good.example.org : $x : parked.example.org\n' >"$D/exim.conf"
run 2 "Exim refuses all mail: dnslists parked.example.org" --from-exim="$D/exim.conf"
says "1 list is put together at run time and not asked, as \$x"
# shellcheck disable=SC2016  # Sendmail's own words
echo 'R$-.$-.$-.$-  $: <?> $(dnsbl $4.$3.$2.$1.wild.example.org. $: OK $)' >"$D/sendmail.cf"
run 2 "Sendmail refuses all mail: dnsbl wild.example.org" --from-sendmail="$D/sendmail.cf"
run 3 "Sendmail: $D/none.cf: No such file" --from-sendmail="$D/none.cf"
run 3 "Exim: /dev/zero is too long" --from-exim=/dev/zero -t 3
run 3 "/dev/zero is too long" $(list other) --networks /dev/zero -t 3
mkfifo "$D/stuck"
run 2 "timed out after 500 ms while reading $D/stuck" $(list good) --networks "$D/stuck" -t 0.5
run 2 "timed out after 500 ms while reading $D/stuck" $(list good) --table "$D/stuck" -t 0.5
echo "# none yet" >"$D/nets"
run 3 "$D/nets has no address" $(list good) --networks "$D/nets"
echo "header R eval:check_rbl('x', 'dead.example.org.')" >"$D/sa/a.cf"
run 1 "SpamAssassin still asks dead.example.org" --from-spamassassin="$D/sa" -w unhealthy=100%
rm "$D/sa/a.cf"
run 3 "no rules (*.cf) are there" --from-spamassassin="$D/sa"
echo 'score X 1' >"$D/sa/a.cf"
run 0 "no list is asked on this machine" --from-spamassassin="$D/sa"

# --- hits by the logs: a week of 40 and 30 an hour beside 10 mails, then an hour without the second
perl -e '
    use POSIX "strftime";
    my ($end, $n) = (1795143600, 0);	# 2026-11-20 03:00
    for my $hour (-168 .. 0) {
        for my $list (["zen.example.org", $hour ? 40 : 42], ["bl.example.net", $hour ? 30 : 1], ["rare.example.com", 1],
            ["new.example.com", $hour ? 0 : 25], ["mad.example.com", $hour == 0 ? 60 : $hour % 4 == 0]) {
            for my $i (1 .. $list->[1]) {
                $n++;
                printf "%s mx1 postfix/smtpd[100]: NOQUEUE: reject: RCPT from unknown[192.0.2.%d]: 554 5.7.1 Service unavailable; " .
                    "Client host [192.0.2.%d] blocked using %s; from=<a\@example.net> to=<b\@example.org> proto=ESMTP helo=<x%d>\n",
                    strftime("%Y-%m-%dT%H:%M:%S+00:00", gmtime($end + $hour * 3600 + $i * 59)), $i, $i, $list->[0], $n;
            }
        }
    }' >"$D/log"
"$BUILD/bin/mxgauge" import --no-rrd --state "$D/state" "$D/log" >"$D/out" 2>&1
ok $? "a week of logs is imported"
check="$BUILD/plugins/check_dnsbl --at 2026-11-20T04:00Z --state $D/state"
run 1 "bl.example.net: 1 hit where its week lets expect" --from-state
says "rare.example.com: 1 hit, 1.8 expected; not judged"
silent "new.example.com"
says "mad.example.com: 60 hits where its week lets expect"
run 0 "of no list 500 hits were to be expected" --from-state --least-hits 500
run 2 "bl.example.net: 1 hit" --from-state -c hits_least=10:
run 2 "mad.example.com: 60 hits" --from-state -c hits_least=0: -w hits_least=0: -c hits_most=1000
run 0 "bl.example.net: 1 hit" --from-state -w hits_least=0: -w hits_most=1000000
run 3 "for the hits of one mail server: --of HOST" --from-state -H mx1
run 1 "bl.example.net: 1 hit" --from-state --of mx1
run 1 "1 of 1 list unhealthy" --from-state -w hits_least=0: -w hits_most=1000000 -l gone.example.org --resolver "$server"
run 3 "no state" --from-state --state "$D/nowhere"
run 3 "--of needs --from-state" $(list good) --of mx1
run 3 "--at needs --from-state" $(list good) --at -2h
run 3 "nosuch: No such file" --from-state --table "$D/nosuch"
cp -r "$D/state" "$D/later"
echo "2026-12-01T00:00:00+00:00 mx1 postfix/anvil[9]: statistics: max cache size 3 at x" >"$D/log"
"$BUILD/bin/mxgauge" import --no-rrd --state "$D/later" "$D/log" >"$D/out" 2>&1
ok $? "minutes go, hours stay"
run 1 "bl.example.net: 1 hit where its week lets expect" --from-state --state "$D/later"

# --- health by what --log logged: each half hour of the week, in the last hour one is ill and two are slow
perl -e '
    use POSIX "strftime";
    my $end = 1795143600;	# 2026-11-20 03:00
    for my $run (-336 .. 4) {
        my $now = $run >= 0;
        for my $list (["zen.example.org", "ok", 20], ["ill.example.net", $now && $run < 4 ? "refused" : "ok", 20],
            ["slow.example.com", "ok", $now ? 900.5 : 100], ["fast.example.com", "ok", $now ? 90 : 2]) {
            printf "%s mx1 check_dnsbl[%d]: list=%s health=%s latency_ms=%s slowest_ms=- asked=6 answered=6 listed=0 of=0\n",
                strftime("%Y-%m-%dT%H:%M:%S+00:00", gmtime($end + ($now ? $run * 840 : $run * 1800))), 5000 + $run, @$list;
        }
    }' >"$D/log"
"$BUILD/bin/mxgauge" import --no-rrd --state "$D/logged" "$D/log" >"$D/out" 2>&1
ok $? "what was logged in a week is imported"
grep -q ' 0 unknown' "$D/out"
ok $? "and understood"
check="$BUILD/plugins/check_dnsbl --at 2026-11-20T04:00Z --state $D/logged"
run 1 "1 of 4 lists ill by the log: ill.example.net (limit 0)" --from-state
says "slow.example.com answers in 900 ms, in its week in 100 ms (limit 300%)"
says "ill.example.net: ill in 4 of 5 logged runs"
says "logged_ill=1;0 slowed=900.5%;300"
run 2 "1 of 4 lists ill" --from-state -c logged_ill=0 -w slowed=1000
run 0 "1 of 4 lists ill by the log" --from-state -w logged_ill=1 -w slowed=1000
check="$BUILD/plugins/check_dnsbl --at 2026-11-19T04:00Z --state $D/logged"
run 0 "0 of 4 lists ill by the log" --from-state
check="$BUILD/plugins/check_dnsbl --resolver $server --query-timeout 400ms --no-table --table $D/table"

# --- the run as a whole
begun=$(date +%s)
run 2 "lists the world" $(list silent) $(list good) $(list wild) $(list slow) -H 192.0.2.5 -t 0.5
[ $(($(date +%s) - begun)) -le 3 ]
ok $? "it ends within -t"
says "1 address on 1 of 4 lists"
printf '192.0.2.0/29\n# remark\n\n2001:db8::5 # ours\n' >"$D/nets"
run 2 "192.0.2.5 and 1 more are on other.example.org (127.0.0.2 plain)" $(list other) $(list good) \
    --networks "$D/nets" -c other.example.org --no-history
says "9 addresses on 2 of 2 lists"
echo 192.0.2.0/40 >"$D/nets"
run 3 "nets:1: 192.0.2.0/40: this is no network" $(list other) --networks "$D/nets"
run 3 "which lists?" -H 192.0.2.5
run 3 "this is no name of a zone" -l 'a b' -H 192.0.2.5
echo "list a.example ip4 ip9" >"$D/bad"
run 3 "bad:1: a list has a zone" --table "$D/bad" $(list good)
rm -f "$D"/check_dnsbl-*
for _ in 1 2 3; do $check $(list good) $(list silent) -v >"$D/out"; done
says "good.example.org ok"
says "of 3 runs half within"
says "0 without an answer"
echo "control 192.0.2.77" >>"$D/zone"
run 2 "answers for names that do not exist" $(list good) -H 192.0.2.9
check="$BUILD/plugins/check_dnsbl --resolver 127.0.0.1:9 --query-timeout 300ms"
run 2 "the resolver 127.0.0.1:9 gives no answer" -l zen.spamhaus.org -l bl.spamcop.net -l dnsbl.sorbs.net
silent "sorbs"
run 2 "what is on the lists is not known | lists=U;;0 weight=U operators=U missing=U" -H 192.0.2.1 -l zen.spamhaus.org -c lists=0
run 3 "unknown option --lists" --lists x
check="$BUILD/plugins/check_dnsbl --resolver $server --query-timeout 300ms"
run 2 "dnsbl.sorbs.net dead" -l dnsbl.sorbs.net
says "is dead since 2024-06-05"
done_testing
