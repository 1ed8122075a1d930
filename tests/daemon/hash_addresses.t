#!/bin/sh
# hash_addresses.t - mxgauged told to keep no addresses keeps none: from its start, after a reload
# under its seccomp filter, and where lines are repeated behind a restart.
set -u
export LC_ALL=C
. tests/daemon/daemon_test.sh

conf() {
    cat >"$D/conf" <<CONF
state = "$D/state"
templates = "$PWD/rrd-templates"
hash_addresses = $1
log_to = stderr
source "logs" { files = { "$D/mail.log" } }
CONF
}
# line SECOND NAME: somebody's mail is refused
line() {
    echo "$(date '+%b %e %H'):00:$1 mx1 postfix/smtpd[101]: NOQUEUE: reject: RCPT from unknown[192.0.2.8]:" \
        "550 5.1.1 <$2@example.org>: Recipient address rejected: User unknown; from=<x-$2@example.com>" \
        "to=<$2@example.org> proto=ESMTP helo=<x>"
}
is_there() { cat "$D"/state/state.db* 2>/dev/null | grep -aq "$1"; }

: >"$D/mail.log"
conf no
start
line 01 plain.secret >>"$D/mail.log"
counts 1 "a refusal is counted"
wait_for is_there plain.secret@example.org
saw $? "and its addresses are in the state"
conf yes
kill -HUP "$pid"
wait_for grep -q reloaded "$D/out"
saw $? "told to hash addresses, it goes on"
line 02 first.secret >>"$D/mail.log"
counts 2 "and counts"
stop TERM
is $status 0 "it ends when asked"
"$mxgauge" trace --state "$D/state" first.secret@example.org >"$D/trace" 2>&1
grep -q 'counted as rej_unknown_rcpt.*~[a-p]*@example.org' "$D/trace"
ok $? "the address is found, and is a pseudonym"
is "$(cat "$D"/state/state.db* | grep -ac 'first\.secret')" 0 "it is nowhere in the state, nor is the log's last line"
start
echo "$(date '+%b %e %H'):00:03 mx1 last message repeated 2 times" >>"$D/mail.log"
counts 4 "a repeat of the line before the restart is counted"
stop TERM
"$mxgauge" trace --state "$D/state" first.secret@example.org 2>&1 | grep -c 'counted as rej_unknown_rcpt' >"$D/n"
is "$(cat "$D/n")" 2 "as the same recipient's"
is "$(cat "$D"/state/state.db* | grep -ac 'first\.secret')" 0 "and still nothing has it"
done_testing
