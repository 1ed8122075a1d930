#!/bin/sh
# check_mail_accounts.t - accounts that send unlike themselves, and passwords that are guessed:
# each state once, from eleven days of a mail server's log.
set -u
. tests/plugins/plugin_test.sh

# days FIRST LAST: so many days before 2026-11-20. Each day anna sends a few mails, news sends a
# letter to 400, carol reads mail at home. On the last day, in an hour each:
#   10  anna's password is used from twelve providers to send 300 mails to domains of their own
#   11  news sends its letter an hour late
#   12  192.0.2.66 tries thirty accounts, by SMTP and IMAP
#   13  forty networks try carol, one of them with luck
#   14  carol's telephone at home has an old password; dora has two networks and a machine that bounces
days() {
    perl -e '
        use strict;
        use POSIX qw(strftime);
        my ($first, $last) = @ARGV;
        my $id = 0;
        sub line { printf "%s mx1 %s\n", strftime("%Y-%m-%dT%H:%M:%S+00:00", gmtime $_[0]), $_[1] }
        sub mail {
            my ($t, $user, $ip, $end, @to) = @_;
            my $q = sprintf "4%09X", ++$id;
            line($t, "postfix/submission/smtpd[1]: $q: client=unknown[$ip], sasl_method=PLAIN, sasl_username=$user");
            line($t, "postfix/qmgr[2]: $q: from=<$user>, size=1000, nrcpt=" . @to . " (queue active)");
            line($t, "postfix/smtp[3]: $q: to=<$_>, relay=mx.example.net[203.0.113.9]:25, delay=1, delays=0/0/0.5/0.5, "
                . ($end ? "dsn=5.1.1, status=bounced (host mx.example.net[203.0.113.9] said: 550 5.1.1 no such user)"
                    : "dsn=2.0.0, status=sent (250 2.0.0 Ok)")) for @to;
            line($t, "postfix/qmgr[2]: $q: removed");
        }
        sub fails { my ($t, $user, $ip) = @_;
            line($t, "postfix/submission/smtpd[1]: warning: unknown[$ip]: SASL LOGIN authentication failed: UGFzc3dvcmQ6, sasl_username=$user") }
        sub imap { my ($t, $user, $ip, $good) = @_;
            line($t, $good ? "dovecot: imap-login: Login: user=<$user>, method=PLAIN, rip=$ip, lip=198.51.100.1, mpid=9, TLS, session=<s$t>"
                : "dovecot: imap-login: Disconnected: Connection closed (auth failed, 1 attempts in 2 secs): user=<$user>, method=PLAIN, rip=$ip, lip=198.51.100.1, TLS, session=<f$t>") }
        for my $ago (reverse $last .. $first) {
            my $day = 1795132800 - $ago * 86400;
            line($day + 60 * $_, "postfix/anvil[9]: statistics: max cache size 3 at x") for 0 .. 1439;
            for my $h (8 .. 16) {
                mail($day + $h * 3600 + 60 * $_, "anna\@example.org", "198.51.100.20", 0, "a\@example.com", "b\@example.org") for 1 .. 2;
                imap($day + $h * 3600 + 30, "carol\@example.org", "198.51.100.30", 1);
            }
            mail($day + ($ago ? 10 : 11) * 3600 + 5, "news\@example.org", "198.51.100.40", 0,
                map { "r$_\@d" . $_ % 90 . ".example.net" } 1 .. 400);
        }
        exit if $last;
        my $day = 1795132800;
        mail($day + 36000 + 300 + 10 * $_, "Anna\@example.org", sprintf("3fff:%x::25", $_ % 12), $_ % 2, "x\@n$_.example.com") for 1 .. 300;
        ($_ % 3 ? \&fails : \&imap)->($day + 43200 + 300 + $_ % 600, "u" . $_ % 30 . "\@example.org", "192.0.2.66", 0) for 1 .. 90;
        fails($day + 46800 + 300 + $_, "carol\@example.org", sprintf("3fff:%x::7", $_ % 40)) for 1 .. 120;
        mail($day + 46800 + 900, "carol\@example.org", "3fff:99::7", 0, "y\@example.com");
        imap($day + 50400 + 60 + $_, "carol\@example.org", "198.51.100.30", $_ % 10 == 0) for 1 .. 60;
    ' "$1" "$2"
}

days 10 1 >"$dir/before"
days 0 0 >"$dir/day"
import "$dir/before"
import "$dir/day"
at() { echo "2026-11-20 $1:59"; }

run 0 --at "$(at 09)" -w rise=5 -w recipients=100 -w networks=2 -w failures=10 -w attempts=10 -w targets=5 -c guessed=0
ok "an hour like others is well"
first 'ACCOUNTS OK - no account sent to 50 recipients in an hour | rise=0;5 recipients=4;100 messages=2 domains=0 networks=0;2 bounced=U deferred=U failures=0;10 sources=0 attempts=0;10 targets=0;5 guessed=0;;0'
ok "and its figures are told"
says 'anna@example.org sent 2 messages to 4 recipients in the hour from 2026-11-20 08:00:00; 2 domains; from 198.51.100.0/24 (4)'
ok "whoever sent is named"

run 2 --at "$(at 10)" -w rise=10 -c rise=30
ok "an account that sends many times its past is CRITICAL"
says 'ACCOUNTS CRITICAL - anna@example.org sent to 304 recipients in the hour from 2026-11-20 10:00:00, 30.4 times the 10 that are usual of anybody, from 3fff:' &&
    says '(limit 30)'
ok "named with number, hour and network, however it was spelt"
grep -q 'anna@example.org sent 302 messages to 304 recipients .*; usual are 4; [23][0-9][0-9] domains, [23][0-9][0-9] new; 4.*% bounced; from ' "$dir/out"
ok "and what is usual of it"
run 1 --at "$(at 10)" -w rise=10 -c rise=50
ok "or WARNING"
run 2 --at "$(at 10)" -c networks=8
says 'was used from 12 providers that it had not been used from before, in all from '
ok "one that is used from many new providers"
run 1 --at "$(at 10)" -w domains=100
says 'where it had sent nothing before'
ok "one that sends to many new domains"
run 1 --at "$(at 10)" -w bounced=30%
says 'of the recipients of anna@example.org bounced'
ok "one whose mails bounce"
run 1 --at "$(at 10)" -w messages=200 -w recipients=1000
says 'anna@example.org sent 302 messages in the hour'
ok "limits that are absolute"
run 0 --at "$(at 10)" --except x@example.net,ANNA@example.org -w rise=10 -w networks=2 -w domains=20
ok "an account that is left out"
says '(not judged: --except)'
ok "is told all the same"
printf '# shared\n@example.org  # all of them\n' >"$dir/except"
run 0 --at "$(at 10)" --except-file "$dir/except" -w rise=10
ok "a domain in a file"
run 3 --at "$(at 10)" --except-file "$dir/none" -w rise=10
ok "a file that is not there is UNKNOWN"
run 0 --at "$(at 10)" --min-rcpt 1000 -w rise=10 -w domains=10 -w bounced=10%
ok "fewer recipients than --min-rcpt are not judged"

run 0 --at "2026-11-20 11:59" --window 1m -w rise=10 -w domains=50
ok "a newsletter like each day's is usual, also an hour later"

run 1 --at "$(at 12)" --window 1m -w targets=20 -w attempts=1000
says '192.0.2.0/24 failed to log in as 30 accounts: u'
ok "one network that tries many accounts, by SMTP and IMAP together"
run 2 --at "$(at 12)" --window 1m -c attempts=80 -w targets=1000
says '90 failed logins from 192.0.2.0/24 (limit 80)'
ok "or often"
run 0 --at "$(at 12)" --window 1m -w attempts=80 -w targets=20 --except 192.0.2.0/24
ok "a network that is left out"

run 2 --at "$(at 13)" --window 1m -c guessed=0 -w sources=20
says 'ACCOUNTS CRITICAL - carol@example.org was logged into from 3fff:99::/64, where it had not been used, at 2026-11-20 13:15:00 after many failed logins' && grep -q '; [345][0-9] networks failed to log in as carol@example.org' "$dir/out"
ok "many networks that try one account, and a password that was found"
run 1 --at "$(at 13)" --window 1m -w failures=100
says '120 failed logins as carol@example.org, from 3fff:'
ok "failed logins of an account"
run 0 --at "$(at 14)" --window 1m -w guessed=0 -w sources=5
ok "its own telephone with an old password is no guesser"
says '54 failed logins as carol@example.org, from 198.51.100.0/24 (54)'
ok "but is told"

run 0 --at "$(at 10)" --json
python3 - "$dir/out" <<'END'
import json, sys
d = json.load(open(sys.argv[1]))
a = {x['name']: x for x in d['accounts']}
n = {x['name']: x for x in d['networks']}
anna = a['anna@example.org']
assert (anna['messages'], anna['recipients'], anna['usual']) == (304, 308, 4), anna
assert anna['busiest'] == {'from': 1795132800 + 36000, 'recipients': 304}, anna
assert 220 < anna['domains'] < 390 and 220 < anna['new_domains'] < 390 and anna['new_providers'] == 12, anna
assert anna['logins'] == 304 and len(anna['used_from']) == 13, anna
END
ok "--json has the accounts"
run 0 --at "$(at 12)" --json
python3 - "$dir/out" <<'END'
import json, sys
n = {x['name']: x for x in json.load(open(sys.argv[1]))['networks']}['192.0.2.0/24']
assert (n['failures'], n['accounts'], n['logins']) == (90, 30, 0) and len(n['tried']) == 30, n
END
ok "and the networks"
run 0 -H mx1 --at "$(at 10)" -w rise=100
ok "one host"
run 3 -H mx9 --at "$(at 10)"
ok "a host that is not known is UNKNOWN"
run 3 --at "$(at 10)" --window 3d
ok "and so is a window of days"

# too little is known; the log of one day alone, shuffled, and read twice from two places
mv "$dir/state" "$dir/whole"
import "$dir/day"
run 0 --at "$(at 13)" -w rise=2 -w networks=1 -w guessed=0 && says 'What is usual of accounts is not known yet: 3 days are needed'
ok "without a past nothing is compared with it"
run 2 --at "$(at 10)" -c recipients=300
ok "but limits hold"
"$check" --state "$dir/state" --at "$(at 13)" --window 12h --json >"$dir/a"
rm -rf "$dir/state"
perl -e 'use List::Util "shuffle"; srand 5; print shuffle <STDIN>' <"$dir/day" >"$dir/mixed"
head -n 2000 "$dir/mixed" >"$dir/part"
import "$dir/part"
import "$dir/mixed" "$dir/part"
"$check" --state "$dir/state" --at "$(at 13)" --window 12h --json >"$dir/b"
# which of the networks beyond the sample are kept, and how many domains share a counter, is chance
python3 - "$dir/a" "$dir/b" >"$dir/out" 2>&1 <<'END'
import json, sys
def load(f):
    d = json.load(open(f))
    for a in d['accounts']:
        for k in ('domains', 'new_domains', 'sources', 'failed_from'):
            if a['failures'] > 32 or 'domains' in k:
                a[k] = None
    for x in d['networks']:
        x['tried'] = sorted(t['name'] for t in x['tried'])
    for a in d['accounts']:
        a['used_from'] = sorted(t['name'] + str(t['n']) for t in a['used_from'])
        a['failed_from'] = sorted(t['name'] + str(t['n']) for t in a['failed_from'] or [])
    return d['accounts'], d['networks']
a, b = load(sys.argv[1]), load(sys.argv[2])
for x, y in zip(a[0] + a[1], b[0] + b[1]):
    if x != y:
        print(x, y)
assert a == b and len(a[0]) > 30
END
ok "the same lines in another order, and twice, say the same"

# more names than are kept, in an hour: whoever sends or logs in stays
rm -rf "$dir/state"
{
    grep 'T10:' "$dir/day" | head -n 400
    perl -e 'printf "2026-11-20T10:30:%02d+00:00 mx1 postfix/smtpd[1]: warning: unknown[3fff:1::%x]: SASL LOGIN authentication failed: UGFzc3dvcmQ6, sasl_username=guess%d\n",
        $_ % 60, $_, $_ for 1 .. 9000'
} >"$dir/flood"
import "$dir/flood"
stored() { sqlite3 "$dir/state/state.db" "$1"; }
[ "$(stored "SELECT hits FROM capacity WHERE name='accounts'")" -ge 4000 ]
ok "names that do not fit are counted"
run 1 --at "$(at 10)" -w attempts=8999 -w recipients=1000 && says '9,000 failed logins from 3fff:1::/64 (limit 8,999)' && says 'anna@example.org sent '
ok "and whoever sent stays, and who guessed"
[ "$(stored "SELECT length(accounts) < 500000 FROM account")" = 1 ]
ok "in bounded space"

# --- what the collector keeps ready ------------------------------------------------------------
rm -rf "$dir/state"
# answers HOUR FILE: of the limits that are asked for
answers() {
    for how in "-w rise=10 -w networks=2 -c guessed=0" "-w failures=10 -w attempts=30 -w targets=5 -v" \
        "-w recipients=4 -w bounced=1% -w domains=2 -w sources=2 -w deferred=1%:" "-w messages=1: -w failures=1:"; do
        # shellcheck disable=SC2086
        "$check" --state "$dir/state" --at "$(at "$1")" $how
    done >"$2" 2>&1
}
import "$dir/before"
same='' kept=''
# at 15 seven passwords are guessed
perl -e 'for my $u (1 .. 7) { my $t = "2026-11-20T15:%02d:%02d+00:00 mx1 postfix/submission/smtpd[1]:";
    printf "$t warning: unknown[3fff:%x::1]: SASL LOGIN authentication failed: x, sasl_username=g$u\@example.org\n", $_, $u, 32 + $u for 1 .. 25;
    printf "$t 4A%07X: client=unknown[3fff:%x::7], sasl_method=PLAIN, sasl_username=g$u\@example.org\n", 30, $u, $u, 64 + $u }
    print "2026-11-20T15:59:00+00:00 mx1 postfix/anvil[9]: statistics: max cache size 3 at x\n"' >>"$dir/day"
for hour in 08 09 10 11 12 13 14 15; do
    grep "T$hour:" "$dir/day" | sort -s -k 1,1 >"$dir/part"
    import "$dir/part"
    kept=$kept$(stored "SELECT length(list) BETWEEN 100 AND 20000 FROM top WHERE kind = 101")
    answers "$hour" "$dir/a"
    stored "CREATE TABLE was AS SELECT * FROM top WHERE kind = 101; DELETE FROM top WHERE kind = 101"
    answers "$hour" "$dir/b"
    stored "INSERT INTO top SELECT * FROM was; DROP TABLE was"
    cmp -s "$dir/a" "$dir/b" && grep -q 'ACCOUNTS' "$dir/a" && same=$same$hour
    [ "$hour" != 10 ] || cp -r "$dir/state" "$dir/ten"
done
[ "$kept" = 11111111 ]
ok "with each import those who matter are kept"
[ "$same" = 0809101112131415 ] && grep -q 'guessed=7' "$dir/a"
ok "what is kept says what all accounts say"
rm -rf "$dir/state"
mv "$dir/ten" "$dir/state"
stored "CREATE TABLE was AS SELECT * FROM account; DELETE FROM account"
run 0 --at "$(at 10)" && says 'anna@example.org sent 302 messages to 304 recipients'
ok "it is asked instead of them"
run 0 --at "$(at 10)" --tries 21 && silent 'anna'
ok "not by another rule"
run 0 --at "$(at 10)" --except x@example.org && silent 'anna'
ok "nor with exceptions"
run 0 --at "$(at 10)" --window 2h && silent 'anna'
ok "nor of other hours"
run 0 --at "$(at 10)" --json && silent 'anna'
ok "nor for all accounts"
run 0 --at "$(at 10)" -H mx1 && silent 'anna'
ok "nor of one host"
stored "UPDATE host SET newest = newest + 21"
run 0 --at "$(at 10)" && silent 'anna'
ok "nor when it is old"
stored "UPDATE host SET newest = newest - 21; INSERT INTO account SELECT * FROM was; DROP TABLE was"
answers 10 "$dir/a"
stored "CREATE TABLE was AS SELECT * FROM top WHERE kind = 101"
size=$(stored "SELECT length(list) FROM was")
good='' n=0
while [ "$n" -lt "$size" ]; do
    stored "UPDATE top SET list = (SELECT substr(list, 1, $n) FROM was) WHERE kind = 101"
    answers 10 "$dir/b"
    cmp -s "$dir/a" "$dir/b" || good=$good$n,
    stored "UPDATE top SET list = (SELECT CAST(substr(list, 1, $n) || X'ff' || substr(list, $n + 2) AS BLOB) FROM was) WHERE kind = 101"
    run 0 --at "$(at 10)" || [ $rc -eq 3 ] || good=$good$n
    n=$((n + 1 + size / 60))
done
[ "$good" = '' ]
ok "one that is damaged is not used"

rm -rf "$dir/state"
run 3
ok "no state is UNKNOWN"
done_testing
