#!/bin/sh
# replicator.t - check_replication_imap --replicator beside a real pair of Dovecots that copy to each other: idle,
# with new mail, frozen at the other end, cut off, gone, with another password, stopped itself.
set -u
. tests/tap.sh
. tests/lab/lab_test.sh
lab_needs "Dovecot's replicator" dovecot doveadm nsenter
case $(dovecot --version) in
2.2.* | 2.3.*) ;;
*) skip_all "lab: Dovecot's replicator: Dovecot $(dovecot --version) has none any more" ;;
esac
pair_check=check_replication_imap
replicates=yes
# shellcheck source=tests/lab/pair_test.sh
. tests/lab/pair_test.sh
# shellcheck source=tests/lab/pair_imap.sh
. tests/lab/pair_imap.sh
printf '#!/bin/sh\nexec doveadm -c %s/2.conf "$@"\n' "$d" >"$d/doveadm"
chmod +x "$d/doveadm"
always="--replicator --doveadm $d/doveadm"
with_mailboxes="-u probe -p 10143 --cleartext -H 10.99.0.1 -H 10.99.0.2"
export MXGAUGE_PASSWORD=guess
# once TEXT: is it in what the check said last?
once() { grep -qF -- "$1" "$d/out"; ok $? "it says: $1"; }
copied() { # USER: as many mails at both ends
    [ "$(timeout 5 doveadm -c "$d/1.conf" mailbox status -u "$1" messages INBOX)" = \
        "$(timeout 5 doveadm -c "$d/2.conf" mailbox status -u "$1" messages INBOX)" ]
}

says "idle" 0 "replicator is 0 s behind" -c users=2
put 2 first
put 2 second anna
until_so 20 copied probe && until_so 20 copied anna
ok $? "mail is copied"
says "new mail came and was copied" 0 "replicator is 0 s behind"
# shellcheck disable=SC2086
says "and the mailboxes are alike" 0 "0 s behind" $with_mailboxes -c messages=0

all_of() { echo "$1 $(ps -o pid= --ppid "$1")"; }
# shellcheck disable=SC2046
kill -STOP $(all_of "$first")
put 2 third
says "frozen at the other end: no counter moves, a copying does not end" 2 "replicator probe is" -c lag=3s -w failed=9
once "replicator probe: is being copied for"
grep -q ' failed=0;.* waiting=0 ' "$d/out"
ok $? "nothing failed"
# shellcheck disable=SC2086
says "and by the mailboxes" 2 "10.99.0.1:10143: IMAP: no answer in time" $with_mailboxes -t 3
# shellcheck disable=SC2046
kill -CONT $(all_of "$first")
says "thawed" 0 "replicator is 0 s behind" -c lag=3s

pair_cut
put 2 fourth
says "network cut" 1 "copying failed for 1 of 2 users" -c lag=1h
once "replicator probe: copying failed"
pair_mend
timeout 20 doveadm -c "$d/2.conf" replicator replicate '*' >/dev/null 2>&1
says "cable back, tried again" 0 "replicator is 0 s behind"

pair_stop "$first"
put 2 fifth
put 2 sixth anna
says "gone: nobody can be copied" 2 "copying failed for all users (2)"
secret=other
begin 1
first=$pid
says "with another password" 2 "is the other server away, or its doveadm_password another?"
put 2 seventh
until_so 20 grep -q "authentication failed" "$d/2/log"
ok $? "it is refused"
pair_stop "$first"
secret=
begin 1
first=$pid
until_so 20 timeout 5 doveadm -c "$d/1.conf" mailbox status -u probe messages INBOX
timeout 20 doveadm -c "$d/2.conf" replicator replicate '*' >/dev/null 2>&1
says "mended" 0 "replicator is 0 s behind"
copied probe && copied anna
ok $? "all is copied"

# a replicator of ours that hangs
replicator=$(ps -o pid=,comm= --ppid "$second" | awk '$2 == "replicator" { print $1 }')
kill -STOP "$replicator"
says "our own replicator hangs" 2 "replicator: no answer in time while waiting for doveadm replicator status" -t 3
in_time 3600
kill -CONT "$replicator"
says "thawed" 0 "replicator is 0 s behind"
pair_stop "$second"
says "our own does not run" 2 "replicator: it does not run: "
pair_stop "$first"
done_testing
