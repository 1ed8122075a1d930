#!/bin/sh
# postfix.t - what a real Postfix was made to do is what mxgauge counts.
#
# Runs the lab (lab.sh), imports its log, and holds every figure of the report against
# the account that was kept while driving: one file; the same lines as two sources with
# different stamps, as two paths of one syslog write them; and what mxgauged counted
# meanwhile, from a log that was rotated under it, killed and started again.
set -u
. tests/tap.sh
. tests/lab/lab_test.sh
lab_needs "real Postfix" postfix smtp-source smtp-sink swaks
lab_run

# whose mail and whose failed logins: this Postfix may say of whom, or only from where
imported accounts "$d/lab/mail.log"
newest=$(sqlite3 "$d/accounts/state.db" 'SELECT max(newest) FROM host')
for state in "$d/accounts" "$d/lab/live"; do
    "$BUILD/plugins/check_mail_accounts" --state "$state" --window 2d --json --at "@$newest" >"$d/${state##*/}.json"
    ok $? "check_mail_accounts answers from ${state##*/}"
done
/usr/bin/python3 - "$d/accounts.json" "$d/live.json" "$d/lab/account.json" >"$d/accounts.diff" 2>&1 <<'END'
import json, sys
said, live, done = (json.load(open(f)) for f in sys.argv[1:])
for kind in 'accounts', 'networks':
    assert said[kind] == live[kind], (said[kind], live[kind])
account = {a['name'].split('@')[0]: a for a in said['accounts']}
network = {n['name']: n for n in said['networks']}
done = done.get('counts', done)
assert sum(a['logins'] for a in account.values()) == done['auth_ok'], (account, done)
assert sum(n['failures'] for n in network.values()) == done['auth_fail'], (network, done)
anna = account['anna']
assert (anna['messages'], anna['recipients']) == (done['auth_ok'], done['auth_rcpt']), (anna, done)
assert [n['name'] for n in anna['used_from']] == ['198.51.100.0/24'] and 1 <= anna['domains'] < 1.1, anna
END
ok $? "and knows who sent how much from where, and where logins failed"
sed 's/^/# /' "$d/accounts.diff"
lab_account Postfix
