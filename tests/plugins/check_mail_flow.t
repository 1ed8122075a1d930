#!/bin/sh
# check_mail_flow.t - metrics, shares and changes: each state, what it says, bad expressions.
set -u
# shellcheck source=tests/plugins/plugin_test.sh
. tests/plugins/plugin_test.sh
# shellcheck source=tests/plugins/weeks_test.sh
. tests/plugins/weeks_test.sh
at() {
    flow_at=$1
    shift
    run "$@" --at "2026-11-20 $flow_at"
}

weeks 4 0 >"$dir/log"
# ten deliveries that are put off, four of them by the network; 30 failed logins
perl -e '
    for (0 .. 9) {
        my $why = $_ < 4 ? "connect to mx.example.com[192.0.2.9]:25: Connection refused"
            : "host mx.example.com[192.0.2.9] said: 451 4.7.1 try later (in reply to RCPT TO command)";
        my $relay = $_ < 4 ? "none" : "mx.example.com[192.0.2.9]:25";
        printf "2026-11-20T10:3%d:30+00:00 mx1 postfix/smtp[9]: F%09d: to=<b\@example.com>, relay=%s, delay=1, delays=0/0/0/1, dsn=4.4.1, status=deferred (%s)\n", $_, $_, $relay, $why;
    }
    printf "2026-11-20T10:3%d:%02d+00:00 mx1 postfix/smtpd[9]: warning: unknown[203.0.113.5]: SASL LOGIN authentication failed: authentication failure, sasl_username=joe\n", $_ / 6, $_ % 6 * 10 for 0 .. 29;
' >>"$dir/log"
import "$dir/log"; ok "a state of five weeks"

at 10:45 0; ok "without names it shows the usual flow"
first "FLOW OK - 1.2/min received, 0/min delivered, 4.3/min rejected in 15 min | recv_msg=1.2 recv_local=0 dlv_ext=0 dlv_local=0 rej=4.26667 tmp=0 defer=0.666667 bounce=0 expire=0 dsn=0 spam=0 virus=0 auth_ok=0 auth_fail=2"; ok "as rates per minute"
at 10:45 1 -w auth_fail=1; ok "a limit on a metric"
first "FLOW WARNING - auth_fail 2/min in 15 min (limit 1/min) | auth_fail=2;1"; ok "names it"
says "auth_fail, failed logins by SMTP: 30 in 15 min"; ok "says what that is, and how many"
at 10:45 0 -w auth_fail=1/s; ok "a limit in another unit"
at 10:45 2 -c 'defer_remote_conn/defer=30%' --min 10; ok "a share"
first "FLOW CRITICAL - defer_remote_conn/defer 40% in 15 min (limit 30%) | defer_remote_conn/defer=40%;;30"; ok "in percent"
says "defer by reason: greylist 6, remote_conn 4"; ok "with the reasons"
says "Next hops that deferred or bounced: "; ok "and the next hops"
at 10:45 0 -c 'defer_remote_conn/defer=30%'; ok "a share of few is not judged"
says "40%" ; ok "but shown"
at 10:45 0 'bounce/expire'; ok "a share of nothing"
says "bounce/expire unknown in 15 min | bounce/expire=U"; ok "is unknown and no alarm"
at 10:45 0 'recv_bytes / recv_msg' 'max(rej, tmp) - 1'; ok "operands are shown"
says "recv_bytes / recv_msg 444 B in 15 min"; ok "bytes by messages are bytes"
at 10:45 0 recv_bytes -v; ok "bytes alone are a rate"
says "FLOW OK - recv_bytes 533 B/min in 15 min | recv_bytes=533.333B" && says "recv_bytes: 533 B/min now, "; ok "and said to be one"

at 11:45 2 -c 'change(rej_dnsbl/(rej+recv_rcpt))=10'; ok "a list that answers nothing is a change"
says "0% where 90% give or take"; ok "with what is usual"
at 11:45 0 -c 'rise(rej_dnsbl/(rej+recv_rcpt))=10'; ok "but no rise"
at 10:45 0 -c 'change(rej)=5' -c 'change(rej_dnsbl/(rej+recv_rcpt))=5'; ok "an ordinary hour is no change"
run 2 --at "2026-11-20 14:00" --window 1h -c 'fall(rej)=4'; ok "silence is a fall"
says "0/min where 4.4/min"; ok "with what is missing"
at 03:45 0 -c 'change(rej)=4'; ok "silence at night is none"
at 11:04:59 1 -c 'fall(rej)=4' -w 'fall(rej,4m)=4' --min 10; ok "a fall of the last four minutes"
says "fall(rej,4m) is 4.1" && says ": 0/min where 4.4/min"; ok "has a name and numbers of its own"
says "fall(rej,4m): 0/min now, 4.2/min in the 4 min before"; ok "and those of the four before"
at 11:02:30 0 -w 'fall(rej,4m)=3' --min 10; ok "the running minute is not in it"
at 10:45 0 -w 'rise(max(rej, tmp))=9'; ok "a comma in an expression is none before a time"
at 10:45 3 -w 'fall(rej,4s)=9'; ok "a time that is too short"
says "out of its limits, 1m to 1d"; ok "is named"
# shellcheck disable=SC2046
at 10:45 3 $(seq -f 'rise(rej,%gm)' 2 9); ok "more times than can be"
at 12:45 2 -c 'rise(rej_unknown_rcpt/rej)=10'; ok "a reason that there never was is a rise"

at 10:45 3 -w 'rejj=5'; ok "an unknown metric"
says "there is no such name: \"rejj\"; did you mean rej?"; ok "is named, with what was meant"
at 10:45 3 -w 'rej/=5'; ok "a bad expression"
says "a name or a number is missing at the end"; ok "says what is wrong with it"
at 10:45 3 "change(rej,4m"; ok "so does one that is not closed"
says "\"change(rej,4m\": change( ... ) must stand around the whole expression, once"; ok "and says what is wrong with it"
at 10:45 3 "fall(rej)/2"; ok "so does one that goes on"
says "fall( ... ) must stand around the whole expression"; ok "with the same words"
at 10:45 3 "peak(rej)"; ok "a function that there is not"
says "there is no such function: \"peak\"; there are min(a, b), max(a, b) and abs(a)"; ok "is named, with those that there are"
at 10:45 3 'q_active'; ok "a level is no flow"
says "check_mail_queue"; ok "and its check is named"
at 10:45 1 -w 1; ok "a bare range without an operand is for what came in"
at 10:45 1 -w 1 auth_fail; ok "a bare range is the first operand's"
# shellcheck disable=SC2046
at 10:45 3 $(seq -f 'rej+%g' 101); ok "more expressions than can be"
run 3 -w rej=1; ok "a state that is old"
says "the newest line of the farm is"; ok "is UNKNOWN"
rm -rf "$dir/state"
weeks 1 0 >"$dir/log"
import "$dir/log"; ok "a state of one week"
at 11:45 0 -c 'change(rej)=5'; ok "knows no change"
says "What is usual is not known yet"; ok "and says so"
at 11:45 0 --json 'change(rej)' rej; ok "as JSON"
perl -MJSON::PP -e '
    local $/; my $j = decode_json(<STDIN>); my $f = $j->{flow};
    exit !($j->{check} eq "check_mail_flow" && defined $f->{rej}{now} && !defined $f->{"change(rej)"}{usual});
' <"$dir/out"; ok "with the numbers"
grep '^2026-11-20' "$dir/log" >"$dir/day"
"$BUILD/bin/mxgauge" import --no-rrd --state "$dir/young" "$dir/day" >"$dir/import" 2>&1; ok "a state of a day"
at 10:45 0 -c 'rise(rej)=10' -c rej=1000 --state "$dir/young"; ok "before two weeks are known"
head -n 1 "$dir/out" | grep -q "^FLOW OK - rej [0-9]"; ok "what is not known yet stands behind what is"
says "What is usual is not known yet"; ok "and why is said"
done_testing
