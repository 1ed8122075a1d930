#!/bin/sh
# replication_imap.t - check_replication_imap asks two real Dovecots: alike, one message behind, other flags, made
# anew, with a wrong password, frozen, cut off, gone.
set -u
. tests/tap.sh
. tests/lab/lab_test.sh
lab_needs "two Dovecots" dovecot doveadm nsenter
pair_check=check_replication_imap
# shellcheck source=tests/lab/pair_test.sh
. tests/lab/pair_test.sh
# shellcheck source=tests/lab/pair_imap.sh
. tests/lab/pair_imap.sh
echo '10.99.0.1 mta-sts.example.org
10.99.0.2 mx1.example.org' >"$d/hosts"
mount --bind "$d/hosts" /etc/hosts
export MXGAUGE_PASSWORD=guess
hosts="-H mta-sts.example.org -H mx1.example.org"
always="-u probe -p 10143 --ca-file $d/ca.pem $hosts"
until_so 20 put 1 first && copy
ok $? "a mail, and its copy"

says "alike, with STARTTLS" 0 "mx1.example.org:10143 INBOX is 0 s behind"
says "alike, with TLS from the start" 0 "0 s behind" --tls -p 10993
says "another authority" 2 "IMAP: SSL certificate problem: " --ca-file "$d/self.crt"
put 1 second
says "a message behind" 1 "messages 1 (limit 0)" -w messages=0
until_so 20 asked 2 "mx1.example.org:10143 INBOX is" -c lag=2s
ok $? "and it grows"
copy
says "copied" 0 "0 s behind" -c messages=0
doveadm -c "$d/1.conf" flags add -u probe '\Flagged' mailbox INBOX 1
says "other flags" 0 "" -v
grep -q "flags differ" "$d/out"
ok $? "are seen"
copy
put 2 alien
says "a message that the first has not" 1 "messages 1 (limit 0)" -w messages=0
rm -rf "$d/2/home/Maildir"
put 2 again
says "made anew" 2 "another UIDVALIDITY"
rm -rf "$d/2/home/Maildir"
copy
says "copied" 0 "0 s behind" -c messages=0
MXGAUGE_PASSWORD=wrong
says "wrong password" 2 "IMAP: login: NO [AUTHENTICATIONFAILED]"
MXGAUGE_PASSWORD=guess

all_of() { echo "$1 $(ps -o pid= --ppid "$1")"; }
# shellcheck disable=SC2046
kill -STOP $(all_of "$second")
says "frozen" 2 "mx1.example.org:10143: IMAP: no answer in time" -t 3
in_time 3600
# shellcheck disable=SC2046
kill -CONT $(all_of "$second")
says "thawed" 0 "0 s behind"
pair_cut
says "network cut" 2 "mta-sts.example.org:10143: " -t 3
in_time 3600
pair_mend
says "cable back" 0 "0 s behind"
pair_stop "$second"
says "gone" 2 "mx1.example.org:10143: IMAP: Connection refused"
pair_stop "$first"
done_testing
