#!/bin/sh
# many_mails.t - more mails are open than max_open_mails lets be in memory: the rest wait in
# the state, none is forgotten and reading goes on without waiting for the next clean-up.
set -u
# shellcheck source=tests/daemon/daemon_test.sh
. tests/daemon/daemon_test.sh

# queued FROM N: so many mails enter the queue
queued() {
    perl -e 'printf "2025-03-20T10:00:00+00:00 mx1 postfix/qmgr[8]: ABCDE%05d: from=<a\@example.net>, " .
        "size=900, nrcpt=1 (queue active)\n", $_ for $ARGV[0] .. $ARGV[0] + $ARGV[1] - 1' "$1" "$2"
}
# gone FROM N: and are delivered
gone() {
    perl -e 'printf "2025-03-20T10:00:01+00:00 mx1 postfix/smtp[9]: ABCDE%05d: to=<b\@example.org>, " .
        "relay=in.example.org[192.0.2.9]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 ok)\n" .
        "2025-03-20T10:00:01+00:00 mx1 postfix/qmgr[8]: ABCDE%05d: removed\n", $_, $_
        for $ARGV[0] .. $ARGV[0] + $ARGV[1] - 1' "$1" "$2"
}

cat >"$D/conf" <<CONF
state = "$D/state"
max_open_mails = 1000
source "mail" { files = { "$D/mail.log" } }
CONF
queued 0 5000 >"$D/mail.log"
start
wait_for is_read 5000
saw $? "five times as many mails as may be open are read"
queued 5000 3000 >>"$D/mail.log"
wait_for is_read 8000
saw $? "and those that come later"
gone 0 8000 >>"$D/mail.log"
wait_for is_read 24000
saw $? "and their ends"
stop TERM
saw $status "mxgauged ends well"
[ "$(count recv_msg)" = 8000 ] && [ "$(count dlv_ext)" = 8000 ] && [ "$(count evicted)" = 0 ]
saw $? "each is delivered, none was forgotten"
done_testing
