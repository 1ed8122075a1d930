#!/bin/sh
# trace_many.t - of many mails of one name mxgauge trace shows the newest, whatever lies where; a name
# as it stands in the log is understood, and one that is everybody's refused.
set -u
. tests/tap.sh
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
mx=$BUILD/bin/mxgauge

# 300 mails, one each 500 s, newer ones in the front of the log; each through a filter, on which the address is
# another one: the second half is found by its bond alone. And 300 refusals.
perl -e '
    use POSIX qw(strftime);
    for my $i (reverse 0 .. 299) {
        my ($a, $b) = (sprintf("A%09X", $i), sprintf("B%09X", $i));
        my $at = sub { strftime("%Y-%m-%dT%H:%M:%S+00:00", gmtime(1794268800 + 500 * $i + $_[0])) . " mx1 postfix/" };
        print map { "$_\n" }
            $at->(0) . "smtpd[7]: $a: client=mx.far.example[192.0.2.9]",
            $at->(1) . "qmgr[9]: $a: from=<anna\@far.example>, size=900, nrcpt=1 (queue active)",
            $at->(2) . "smtp[8]: $a: to=<bert\@example.org>, relay=127.0.0.1[127.0.0.1]:10024, delay=2, delays=1/0/0/1, " .
                "dsn=2.0.0, status=sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as $b)",
            $at->(2) . "qmgr[9]: $a: removed",
            $at->(2) . "smtpd[11]: $b: client=localhost[127.0.0.1]",
            $at->(2) . "qmgr[9]: $b: from=<other\@far.example>, size=990, nrcpt=1 (queue active)",
            $at->(3) . "lmtp[12]: $b: to=<box\@store.example.org>, relay=store[192.0.2.5]:24, delay=1, delays=0/0/0/1, dsn=2.0.0, " .
                "status=sent (250 2.0.0 Ok)",
            $at->(3) . "qmgr[9]: $b: removed",
            $at->(4) . "smtpd[7]: NOQUEUE: reject: RCPT from unknown[192.0.2.66]: 550 5.1.1 <nobody\@example.org>: Recipient " .
                "address rejected: User unknown; from=<mad\@far.example> to=<nobody\@example.org> proto=ESMTP helo=<x$i>";
    }' >"$d/log"
"$mx" import --no-rrd --state "$d/state" "$d/log" >"$d/out" 2>&1
ok $? "300 mails"
"$mx" trace --state "$d/state" bert@example.org >"$d/out"
is "$(grep -c '^mx1 A' "$d/out") $(grep -c '^mx1 B' "$d/out")" "100 100" "200 are shown, and what they became is with them"
is "$(sed -n 's/^mx1 \(A.*\)/\1/p' "$d/out" | sed -n '1p;$p' | tr '\n' ' ')" "A0000000C8 A00000012B " "they are the newest"
grep -q '^more mails match: the newest 200 are shown' "$d/out"
ok $? "and it says so"
"$mx" trace --state "$d/state" mad@far.example >"$d/out"
is "$(grep -c 'counted as' "$d/out") $(tail -1 "$d/out" | cut -c1-21)" "200   2026-11-11 17:31:44" "of samples the newest, too"
"$mx" trace --state "$d/state" A0000000C8: | grep -q '^mx1 A0000000C8'
ok $? "a queue id with the colon behind it, as in the log"
"$mx" trace --state "$d/state" '<>' >"$d/out" 2>"$d/err"
test $? -eq 1 && test ! -s "$d/out" && grep -q '<> is the sender of all notifications' "$d/err"
ok $? "<> alone is refused: it had found every refusal"
"$mx" trace --state "$d/state" far.example 2>"$d/err"
grep -q 'nothing is known of far.example; .*; a domain is written @far.example$' "$d/err"
ok $? "how a domain is written is told"
"$mx" trace --state "$d/state" 192.0.2.99 2>"$d/err"
! grep -q 'a domain' "$d/err"
ok $? "an address is none"

# replies that are longer than what is kept of them, and one that is not
long=$(printf 'word %.0s' $(seq 60))
for say in "smtp[8]: C000000001: to=<a@b.example>, relay=mx.b.example[192.0.2.7]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 2.0.0 $long)" \
    "smtp[8]: C000000001: to=<b@b.example>, relay=mx.b.example[192.0.2.7]:25, delay=1, delays=0/0/0/1, dsn=5.0.0, status=bounced (host mx.b.example[192.0.2.7] said: 550 5.0.0 $long)" \
    "smtp[8]: C000000001: to=<c@b.example>, relay=mx.b.example[192.0.2.7]:25, delay=1, delays=0/0/0/1, dsn=5.0.0, status=bounced (host mx.b.example[192.0.2.7] said: 550 5.0.0 no)" \
    "smtpd[7]: NOQUEUE: reject: RCPT from unknown[192.0.2.66]: 554 5.7.1 <d@b.example>: Recipient address rejected: $long; from=<d@far.example> to=<d@b.example> proto=ESMTP helo=<d>"; do
    echo "2026-11-11T18:00:00+00:00 mx1 postfix/$say"
done >"$d/long.log"
"$mx" import --no-rrd --state "$d/long" "$d/long.log" >"$d/out" 2>&1
"$mx" trace --state "$d/long" @b.example >"$d/out"
is "$(sed -n 's/.*\([abcd]@b.example\).* \([^ ]* [^ ]*\)$/\1: \2/p' "$d/out" | sort | tr '\n' ' ')" \
    "a@b.example: wor ~ b@b.example:  ~ c@b.example: 5.0.0 no d@b.example: wo ~ " "what is cut of a reply is marked"
done_testing
