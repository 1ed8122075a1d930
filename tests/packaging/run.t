#!/bin/sh
# run.t - what "make run" reads: the log and its rotations, however old; else the
# journal; else the recorded day. With an empty environment, as cron has it.
set -u
. tests/tap.sh
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
mkdir "$d/bin" "$d/log"
# a machine whose journal knows no mail, unless journal.txt is there
cat >"$d/bin/journalctl" <<JOURNAL
#!/bin/sh
case "\$*" in
*"-F SYSLOG_IDENTIFIER"*) [ ! -f "$d/journal.txt" ] || echo postfix/smtpd ;;
*-F*) ;;
*) cat "$d/journal.txt" ;;
esac
JOURNAL
chmod +x "$d/bin/journalctl"

# run_once NAME: into $d/NAME
run_once() {
    env -i ${LSAN_OPTIONS:+LSAN_OPTIONS="$LSAN_OPTIONS"} PATH="$d/bin:/usr/bin:/bin:/usr/sbin:/sbin" LOG_DIR="$d/log" RUN_DIR="$d/$1" \
        sh packaging/run.sh "$BUILD" once >"$d/$1.out" 2>&1
    rc=$?
    [ $rc = 0 ] || sed 's/^/# /' "$d/$1.out"
    return $rc
}
# line STAMP ID: one received mail
lines() {
    echo "$1 mx1 postfix/smtpd[7]: $2: client=a.example.net[192.0.2.1]"
    echo "$1 mx1 postfix/qmgr[8]: $2: from=<a@example.net>, size=900, nrcpt=1 (queue active)"
    echo "$1 mx1 postfix/smtp[9]: $2: to=<b@example.org>, relay=b.example.org[192.0.2.2]:25, delay=0.1, delays=0.1/0/0/0, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 1)"
    echo "$1 mx1 postfix/qmgr[8]: $2: removed"
}
received() {
    "$BUILD/bin/mxgauge" report --state "$d/$1/state" --json |
        grep -qE "\"recv_msg\": *$2\\b"
}

run_once day
ok $? "no log, no journal: a picture of the recorded day"
grep -q 'recorded day' "$d/day.out"
ok $? "and it says so"
[ -s "$d/day/web/index.html" ]
ok $? "there is a page"
grep -q '^REJECTS\? ' "$d/day.out"
ok $? "and the answer of the check"

{ lines 2025-03-11T10:00:00.000001+00:00 0123456789; } >"$d/journal.txt"
run_once journal && received journal 1
ok $? "no log, but a journal with mail: that one"

lines "Mar 11 10:00:00" 0123456789 | gzip >"$d/log/mail.log.2.gz"
lines "Mar 12 10:00:00" 0123456ABC >"$d/log/mail.log.1"
lines "Mar 13 10:00:00" 0123456DEF >"$d/log/mail.log"
echo "Mar 13 10:00:00 mx1 cron[1]: nothing to do with mail" >"$d/log/mail.log.3"
touch -d '2025-03-11 23:00' "$d/log/mail.log.2.gz" "$d/log/mail.log.3"
touch -d '2025-03-12 23:00' "$d/log/mail.log.1"
touch -d '2025-03-13 23:00' "$d/log/mail.log"
run_once log && received log 3
ok $? "a log of long ago and its rotations: all three, before any journal"
grep -q 'mail.log.3' "$d/log.out"
[ $? = 1 ]
ok $? "a file without a line of an MTA is left out"
run_once log && received log 3
ok $? "a second time counts nothing twice"
done_testing
