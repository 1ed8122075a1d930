#!/bin/sh
# hostile.t - what strangers write into a log changes no count but its own.
#
# A log in which clients, senders and other servers have their say is read once with a
# harmless word in all those places and once for each wicked one. The reports must be the
# same, but for the parts by reason: why other servers refused us their words rightly decide,
# and a HELO with ">" may hide why it was refused itself, never that it was.
set -u
# shellcheck source=tests/tap.sh
. tests/tap.sh
: "${BUILD:=build}"
T=$(mktemp -d) || exit 1
trap 'rm -rf "$T"' EXIT
trap 'exit 1' HUP INT TERM

# log WORD: in every place that is a stranger's
log() {
    perl -e '
        my $w = $ARGV[0];
        (my $quoted = $w) =~ s/(["\\])/\\$1/g;
        my $n = 0;
        my $t = sub { sprintf "2026-03-10T10:%02d:%02d+00:00 mx1 postfix", int($n / 60), $n++ % 60 };
        my $line = sub { print $t->(), "/", @_, "\n" };
        my $end = sub { "from=<$_[0]> to=<$_[1]> proto=ESMTP helo=<$_[2]>" };
        my $ip = "unknown[192.0.2.1]";
        for my $from ("a\@example.net", "\"$quoted\"\@example.net") {
            for my $to ("u\@example.org", "\"$quoted\"\@example.org") {
                for my $helo ("h.example.net", $w) {
                    $line->("smtpd[1]: NOQUEUE: reject: RCPT from $ip: 550 5.1.1 <$to>: ",
                        "Recipient address rejected: User unknown in local recipient table; ",
                        $end->($from, $to, $helo));
                    $line->("smtpd[1]: NOQUEUE: reject: RCPT from $ip: 450 4.7.1 <$helo>: Helo ",
                        "command rejected: Host not found; ", $end->($from, $to, $helo));
                    $line->("postscreen[2]: NOQUEUE: reject: RCPT from [192.0.2.1]:4711: 550 ",
                        "5.7.1 Service unavailable; client [192.0.2.1] blocked using ",
                        "bl.example.net; from=<$from>, to=<$to>, proto=ESMTP, helo=<$helo>");
                }
                $line->("smtpd[1]: A000000001: client=$ip");
                $line->("cleanup[3]: A000000001: message-id=<$w>");
                $line->("cleanup[3]: A000000001: warning: header Subject: $w from $ip; ",
                    $end->($from, $to, $w));
                $line->("qmgr[4]: A000000001: from=<$from>, size=1000, nrcpt=4 (queue active)");
                $line->("smtp[5]: A000000001: to=<$to>, relay=mx.example.com[203.0.113.9]:25, ",
                    "delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (250 2.0.0 Ok: $w)");
                $line->("smtp[5]: A000000001: to=<$to>, relay=mx.example.com[203.0.113.9]:25, ",
                    "delay=1, delays=1/0/0/0, dsn=4.0.0, status=deferred (host mx.example.com",
                    "[203.0.113.9] said: 450 4.0.0 $w (in reply to RCPT TO command))");
                $line->("smtp[5]: A000000001: to=<$to>, relay=mx.example.com[203.0.113.9]:25, ",
                    "delay=1, delays=1/0/0/0, dsn=5.0.0, status=bounced (host mx.example.com",
                    "[203.0.113.9] said: 550 5.0.0 $w (in reply to RCPT TO command))");
                $line->("pipe[6]: A000000001: to=<$to>, relay=box, delay=1, delays=1/0/0/0, ",
                    "dsn=5.1.1, status=bounced (user unknown. Command output: $w )");
                $line->("local[7]: A000000001: to=<$to>, relay=local, delay=1, delays=1/0/0/0, ",
                    "dsn=2.0.0, status=sent (delivered to command: $w)");
                $line->("qmgr[4]: A000000001: removed");
            }
        }
        $line->("smtpd[1]: warning: $ip: SASL LOGIN authentication failed: $w");
        $line->("smtpd[1]: warning: $ip: SASL LOGIN authentication failed: x, sasl_username=$w");
        $line->("smtpd[1]: warning: non-SMTP command from $ip: $w");
        $line->("smtpd[1]: improper command pipelining after HELO from $ip: $w");
        $line->("postscreen[2]: PREGREET 40 after 0.1 from [192.0.2.1]:4711: $w");
        $line->("cleanup[3]: C000000001: reject: header Subject: $w from $ip; ",
            $end->("a\@example.net", "u\@example.org", "x"), ": 5.7.1 message content rejected");
        $line->("cleanup[3]: C000000002: milter-reject: END-OF-MESSAGE from $ip: 5.7.1 rejected; ",
            $end->("a\@example.net", "u\@example.org", $w));
    ' "$1"
}

# figures FILE: the report of a log, less what other servers words decide
figures() {
    rm -rf "$T/state"
    "$BUILD/bin/mxgauge" import --no-rrd --state "$T/state" "$1" >"$T/out" 2>&1 &&
        "$BUILD/bin/mxgauge" report --state "$T/state" --json |
        perl -MJSON::PP -0777 -ne '
            my $r = decode_json($_);
            delete $r->{hosts};
            delete $r->{counts}{$_} for grep { /^(defer|bounce|tmp)_/ } keys %{$r->{counts}};
            delete $r->{tempfail};
            print JSON::PP->new->canonical->pretty->encode($r)'
}

log harmless >"$T/harmless.log"
figures "$T/harmless.log" >"$T/harmless"
grep -q '"rej" : 18' "$T/harmless" && grep -q '"dlv_ext" : 4' "$T/harmless" &&
    grep -q '"unknown" : 0' "$T/harmless"
ok $? "harmless words give the counts that they should"

while IFS= read -r word; do
    log "$word" >"$T/wicked.log"
    figures "$T/wicked.log" >"$T/wicked"
    none "$word" "$(diff "$T/harmless" "$T/wicked")"
done <<'WORDS'
 status=sent (
x status=sent (250 2.0.0 Ok: queued as A000000001)
x, status=bounced (
NOQUEUE: reject: RCPT from x[192.0.2.2]: 554 5.7.1 x
x; from=<b@example.net> to=<v@example.org> proto=ESMTP helo=<y>
>; from=<
> to=<v@example.org>, relay=none
postfix/smtpd[1]: NOQUEUE: reject: x
postfix/smtpd[1]: A000000009: client=x[192.0.2.2]
x#012Mar 10 10:00:00 mx1 postfix/smtpd[1]: NOQUEUE: reject: RCPT from x[192.0.2.2]: 554 5.7.1 x
x#0122026-03-10T10:00:00+00:00 mx2 postfix/qmgr[1]: A000000008: from=<x>, size=1, nrcpt=9 (queue active)
message repeated 999 times: [ connect from x[192.0.2.2]]
last message repeated 999 times
, sasl_method=PLAIN, sasl_username=joe
, orig_queue_id=A000000001
, orig_client=x[127.0.0.1]
blocked using other.example.net;
queued as B000000001
250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as B000000001
(queue active)
, size=9999999999, nrcpt=999999999 (queue active)
: 5.7.1 greylisted, try again
<>@[]{}|;'"\%s%n
ää öö €
#000#001#033[2J
WORDS

# Whoever may send us lines can make a filter's names follow each other as long as he likes.
perl -e '
    my $end = 60000;
    my $line = sub { print "2026-03-10T10:00:0$_[0]+00:00 mx1 $_[1]\n" };
    $line->(0, sprintf "pmg-smtp-filter[7]: AAAAAA%08X: accept mail to <b\@example.org> (AAAAAA%08X) (rule: x)",
        $_, $_ + 1) for 1 .. $end;
    $line->(1, "postfix/qmgr[4]: B000000001: from=<a\@example.net>, size=1000, nrcpt=1 (queue active)");
    $line->(1, "postfix/lmtp[5]: B000000001: to=<b\@example.org>, relay=127.0.0.1[127.0.0.1]:10024, delay=1, " .
        "delays=1/0/0/0, dsn=2.5.0, status=sent (250 2.5.0 OK (AAAAAA00000001))");
' >"$T/chain.log"
"$BUILD/bin/mxgauge" import --no-rrd --state "$T/chain" "$T/chain.log" >"$T/out" 2>&1
is "$? $(sed -n 's/,.*//p' "$T/out")" "0 60002 lines" "a chain of filters' names of any length is followed to its end"
is "$("$BUILD/bin/mxgauge" report --json --state "$T/chain" | tr ',{' '\n\n' | sed -n 's/^"\(recv_rcpt\|dlv_ext\)"://p' | head -2 | tr '\n' ' ')" \
    "1 1 " "and is one mail"

# Names that differ in what cannot be printed, or far behind, are different members of an object.
perl -e '
    my $n = 0;
    my $line = sub { printf "2026-03-10T10:00:%02d+00:00 %s\n", $n++, "@_" };
    $line->($_, "postfix/smtpd[1]: connect from a.example.net[192.0.2.1]") for "mx\xfe", "mx\xff", "mx?", "mx\\xff";
    $line->("mx1", "post\xfefix/smtpd[1]: connect from a.example.net[192.0.2.1]");
    $line->("mx1", "post\xfffix/smtpd[1]: connect from a.example.net[192.0.2.1]");
    for my $list ("bl.\xfe.example.org", "bl.\xff.example.org", "bl.?.example.org", "bl.\x01.example.org", "a" x 200 . ".b", "a" x 200 . ".c") {
        $line->("mx1", "postfix/smtpd[1]: NOQUEUE: reject: RCPT from unknown[192.0.2.7]: 554 5.7.1 Service unavailable; ",
            "Client host [192.0.2.7] blocked using $list; from=<a\@example.net> to=<b\@example.org> proto=ESMTP helo=<x>");
    }
    for my $mx ("mx\xfe", "mx\xff") {
        $line->($mx, "postfix/smtp[5]: A000000001: to=<b\@example.org>, relay=mx.example.com[203.0.113.9]:25, ",
            "delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (250 2.0.0 Ok)");
    }' >"$T/names.log"
"$BUILD/bin/mxgauge" import --no-rrd --state "$T/names" "$T/names.log" >"$T/out" 2>&1
# twice COMMAND...: names that an object of its JSON has twice, or "no JSON"
twice() {
    "$@" | /usr/bin/python3 -c '
import json, sys
def look(pairs):
    names = [n for n, _ in pairs]
    for n in sorted({n for n in names if names.count(n) > 1}):
        print(n)
    return dict(pairs)
try:
    json.load(sys.stdin, object_pairs_hook=look)
except ValueError:
    print("no JSON")'
}
none "report: no name twice" "$(twice "$BUILD/bin/mxgauge" report --json --state "$T/names")"
none "parse: no name twice" "$(twice "$BUILD/bin/mxgauge" parse --stats "$T/names.log")"
for check in check_reject_ratio check_mail_balance check_mail_delay; do
    none "$check: no name twice" "$(twice "$BUILD/plugins/$check" --json --state "$T/names" --at "2026-03-10T10:00:30Z")"
done
done_testing
