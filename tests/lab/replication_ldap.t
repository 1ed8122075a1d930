#!/bin/sh
# replication_ldap.t - check_replication_ldap asks a real pair of slapd: healthy, quiet, behind, of another
# suffix, with a wrong password, frozen, cut off, gone.
set -u
. tests/tap.sh
. tests/lab/lab_test.sh
lab_needs "a pair of slapd" slapd ldapsearch ldapmodify nsenter
pair_check=check_replication_ldap
# shellcheck source=tests/lab/pair_test.sh
. tests/lab/pair_test.sh
# shellcheck source=tests/lab/pair_ldap.sh
. tests/lab/pair_ldap.sh
ok $? "two servers run"
always="-b dc=example,dc=org -p 13389 --provider 10.99.0.1 -H 10.99.0.2"

says "healthy" 0 "10.99.0.2:13389 is 0 s behind"
describe one
says "after a change" 0 "10.99.0.2:13389 is 0 s behind"
says "among equals" 0 "0 s behind" --json
check_plain="$check"
"$check_plain" -b dc=example,dc=org -p 13389 -H 10.99.0.1 -H 10.99.0.2 >"$d/out"
is $? 0 "compared without a provider"
echo '10.99.0.2 mx1.example.org' >"$d/hosts"
echo '10.99.0.1 mta-sts.example.org' >>"$d/hosts"
mount --bind "$d/hosts" /etc/hosts
tls() { "$check" -b dc=example,dc=org "$@" >"$d/out" 2>&1; }
tls -p 13389 --starttls --ca-file "$d/ca.pem" -H mx1.example.org -H mta-sts.example.org
is $? 0 "with STARTTLS"
tls --tls -p 13636 --ca-file "$d/ca.pem" -H mx1.example.org -H mta-sts.example.org
is $? 0 "with TLS from the start"
export MXGAUGE_PASSWORD=secret
tls --tls -p 13636 --ca-file "$d/ca.pem" -H mx1.example.org -H mta-sts.example.org -u cn=admin,dc=example,dc=org
is $? 0 "with a password"
MXGAUGE_PASSWORD=wrong
tls --tls -p 13636 --ca-file "$d/ca.pem" -H mx1.example.org -H mta-sts.example.org -u cn=admin,dc=example,dc=org
is $? 2 "with a wrong one"
grep -q "mx1.example.org:13636: login: Invalid credentials (49)" "$d/out"
ok $? "which is said"
tls --starttls -p 13389 --ca-file "$d/self.crt" -H mx1.example.org -H mta-sts.example.org
is $? 2 "another authority"
grep -q "STARTTLS: " "$d/out"
ok $? "which is said"
tls --starttls -p 13389 --ca-file "$d/ca.pem" -H 10.99.0.1 -H 10.99.0.2
is $? 2 "another name"
tls -p 13389 -H mx1.example.org -H mta-sts.example.org -u cn=admin,dc=example,dc=org
is $? 3 "no password goes over the wire as it is"
says "no such suffix" 2 "search: No such object" -b dc=example,dc=net

# the consumer loses its way: the provider's port is closed
pair_stop "$consumer"
configure 2 9
begin 2
consumer=$pid
says "still equal" 0 "10.99.0.2:13389 is 0 s behind"

describe two
until_so 20 asked 1 "10.99.0.2:13389 is" -w lag=1s
ok $? "a change that does not come"
[ "$(sed -n '1s/.*lag=\([0-9]*\).*/\1/p' "$d/out")" -lt 9 ]
ok $? "counts from when all was well at most, not from the change before"
until_so 20 asked 2 "10.99.0.2:13389 is" -c lag=3s
ok $? "and it grows"
pair_stop "$consumer"
configure 2 13389
begin 2
consumer=$pid
says "mended" 0 "10.99.0.2:13389 is 0 s behind" -c lag=3s

pair_stop "$consumer"
configure 2 13389 guess
begin 2
consumer=$pid
describe four
says "the consumer's own password is wrong" 2 "10.99.0.2:13389 is" -c lag=2s
pair_stop "$consumer"
configure 2 13389
begin 2
consumer=$pid
says "mended" 0 "10.99.0.2:13389 is 0 s behind" -c lag=3s

kill -STOP "$consumer"
says "consumer frozen" 2 "10.99.0.2:13389: no answer in time while connecting" -t 3
in_time 3600
kill -CONT "$consumer"
says "thawed" 0 "0 s behind"
kill -STOP "$provider"
says "provider frozen" 2 "10.99.0.1:13389: no answer in time while connecting" -t 3
in_time 3600
kill -CONT "$provider"
says "thawed" 0 "0 s behind"
pair_cut
says "network cut" 2 "10.99.0.1:13389: " -t 3
in_time 3600
pair_mend
until_so 20 describe three
says "cable back, after the consumer has tried again" 0 "0 s behind" -c lag=3s
kill -KILL "$consumer"
says "consumer gone" 2 "10.99.0.2:13389: connection: port 13389: Connection refused"
says "and counted" 2 "servers 1 (at least 2)" -c servers=2
done_testing
