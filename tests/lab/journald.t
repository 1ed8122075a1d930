#!/bin/sh
# journald.t - a real systemd-journald, in namespaces of its own, and mxgauged behind it: entries of programs'
# output and of syslog(3) as they come, over rotation, vacuuming, kills of either, and while the
# journal moves from /run to /var. Each entry refuses one recipient, and no two are the same.
set -u
: "${BUILD:=build}"
# shellcheck source=tests/tap.sh
. tests/tap.sh
# shellcheck source=tests/lab/lab_test.sh
. tests/lab/lab_test.sh
journald=/lib/systemd/systemd-journald
if [ -z "${INSIDE:-}" ]; then
    lab_needs journald $journald journalctl systemd-cat logger
    INSIDE=1 exec unshare --mount --net sh "$0"
fi
# shellcheck source=tests/daemon/daemon_test.sh
. tests/daemon/daemon_test.sh
mount -t tmpfs -o mode=755 run /run
mkdir -p /run/systemd/journal /run/systemd/journald.conf.d /run/etc
if [ ! -s /etc/machine-id ]; then
    mount -t tmpfs -o mode=755 upper /run/etc
    mkdir /run/etc/up /run/etc/work
    mount -t overlay -o lowerdir=/etc,upperdir=/run/etc/up,workdir=/run/etc/work etc /etc
    echo 0123456789abcdef0123456789abcdef >/etc/machine-id
fi
mount -t tmpfs -o mode=755 log /var/log
printf '[Journal]\nRateLimitIntervalSec=0\nReadKMsg=no\nAudit=no\nSyncIntervalSec=1s\n' \
    >/run/systemd/journald.conf.d/test.conf

# begins: journald, once its sockets are there
begins() {
    rm -f /run/systemd/journal/dev-log
    $journald >"$D/journald.out" 2>&1 &
    jpid=$!
    others=$jpid
    wait_for journalctl --sync
}

# entries N: by standard output, as a service's
next=0
entries() {
    refusals mxa "$next" "$1" | sed 's/.*\]: NOQUEUE/NOQUEUE/' | systemd-cat -t postfix/smtpd
    next=$((next + $1))
}

# flows N: entries in the background, 100 each moment
flows() {
    (k=0
    while [ $k -lt "$1" ]; do
        entries 100
        k=$((k + 100))
        echo $next >"$D/written"
        sleep 0.05
    done) &
    writer=$!
    others="$jpid $writer"
    next=$((next + $1))
}
written() {
    wait "$writer"
    others=$jpid
}
more_than() { [ "$(count rej)" -gt "$1" ]; }

printf 'state = "%s/state"\ntemplates = "%s/rrd-templates"\nsource "journal" { journal = "system" }\n' \
    "$D" "$PWD" >"$D/conf"
begins
entries 100
start
counts 100 "entries of before"
entries 20
counts 120 "entries as they come"
for i in 1 2 3; do
    logger -u /run/systemd/journal/dev-log -p mail.info -t 'postfix/smtpd[7]' "NOQUEUE: reject: RCPT from unknown[192.0.2.1]: 550 5.1.1 <s$i@example.org>: Recipient address rejected: User unknown in local recipient table; from=<a@example.net> to=<s$i@example.org> proto=ESMTP helo=<h.example.net>"
done
next=$((next + 3))
counts 123 "by syslog(3)"

before=$next
flows 1500
for n in 200 500 900; do
    wait_for more_than $((before + n))
    journalctl --rotate
done
written
counts $next "rotated three times while entries came"
flows 1500
for n in 1 2; do
    journalctl --rotate
    in_old=$(($(cat "$D/written") + 100))
    wait_for more_than $in_old
    journalctl --vacuum-files=1 >/dev/null 2>&1
done
written
counts $next "what was read vacuumed away while entries came"

stop TERM
entries 200
journalctl --rotate
entries 300
start
counts $next "what came while mxgauged was away, rotated meanwhile"
flows 1500
for n in 1 2 3; do
    wait_for more_than $((next - 1500 + n * 350))
    stop KILL
    start
done
written
counts $next "mxgauged killed three times while entries came"

before=$next
entries 500
counts $next "500 entries"
kill -KILL $jpid
wait $jpid 2>/dev/null
begins
entries 500
counts $next "journald was killed and started again"

# from /run to /var: the entries are copied, into a folder that was not there before
mkdir /var/log/journal
flows 1000
wait_for more_than $((next - 700))
journalctl --flush
written
counts $next "the journal moved to /var/log/journal while entries came"
find /var/log/journal -name 'system.journal' | grep -q .
ok $? "it is there"
entries 50
counts $next "and goes on there"

# the place where mxgauged was is vacuumed away, with what came behind it
stop TERM
entries 400
journalctl --rotate
entries 10
journalctl --rotate
entries 10
journalctl --sync
journalctl --vacuum-files=1 >/dev/null 2>&1
left=$(journalctl --no-pager -o cat -t postfix/smtpd | grep -c NOQUEUE)
gone=$((420 - left))
start
entries 5
counts $((next - gone)) "$gone entries were vacuumed before they were read, the rest counts"
grep -q 'the entry that was read last is gone' "$D/out"
saw $? "and that is said"
stop TERM
kill $jpid
done_testing
