#!/bin/sh
# check_replication_ldap.t - against directories that answer what each case says (tests/fake/ldap.py):
# copies in every state, servers that hang, lie or flood. A real pair: tests/lab/replication_ldap.t.
what=check_replication_ldap server=ldap.py
# shellcheck source=tests/fake/copies_test.sh
. tests/fake/copies_test.sh
check="$BUILD/plugins/$what -b dc=example,dc=org"
copy=127.0.0.1:$(cat "$D/port")
pair="--provider $source -H $copy"

# csn SECONDS-AGO ID: a change number; at_copy and at_source: what the servers have from now on
csn() { TZ=UTC date -d "@$(($(date +%s) - $1))" "+%Y%m%d%H%M%S.000000Z#000000#$2#000000"; }
at_copy() { cat >"$D/csn"; }
at_source() { cat >"$D/source/csn"; }

csn 5000 001 | tee "$D/csn" | at_source
# shellcheck disable=SC2086
{
run 0 "$copy is 0 s behind" $pair
says "servers=2"
csn 100 001 | at_source
run 1 "$copy is" $pair -w lag=90 -c lag=200
ago 1000
run 2 "$copy is" $pair -w lag=90 -c lag=200
says "limit 3.3 min"
csn 5000 001 | tee "$D/csn" | at_source
run 0 "0 s behind" $pair
{ csn 5000 001; csn 9000 002; } | at_source
run 2 "$copy: it never got anything from server id 002" $pair
run 2 "it never got anything from server id 002" -H "$copy" -H "$source"
{ csn 5000 001; csn 9000 002; csn 50 003; } | at_copy
run 0 "0 s behind" $pair
run 2 "$source: it never got anything from server id 003" -H "$copy" -H "$source"
csn 5000 001 | at_source
csn -600 001 | at_copy
run 1 "its newest change is of" $pair
says "a clock is wrong"
printf '' | at_copy
run 2 "$copy: it shows no change number" $pair
echo 'not|a <csn>' | at_copy
run 2 "it shows no change number" $pair
says "this is no change number: not/a (csn)"

# --- 389-DS
echo '{replica 7 ldap://ds1.example.org:389} 64000000000100070000 65000000000100070000' | tee "$D/csn" | at_source
echo 'to-ds2 ds2.example.org Error (0) Replica acquired successfully: Incremental update succeeded' |
    tee "$D/agreements" >"$D/source/agreements"
run 0 "0 s behind" --agreements -H "$copy" -H "$source"
echo 'to-ds2 ds2.example.org Error (1) Replica busy' >"$D/agreements"
run 0 "0 s behind" --agreements -H "$copy" -H "$source"
echo 'to-ds2 ds2.example.org Error (-1) Problem connecting to replica - LDAP error: Can not contact LDAP server' >"$D/agreements"
run 2 "agreement to-ds2 to ds2.example.org: Error (-1) Problem connecting to replica" --agreements -H "$copy" -H "$source"
: >"$D/agreements"
run 2 "it has no replication agreement" --agreements -H "$copy" -H "$source"

# --- the world being broken
csn 5000 001 | tee "$D/csn" | at_source
for fault in hang close garbage flood length; do
    echo "!$fault" >"$D/csn"
    in_time 2 "$copy: " $pair -t 2
done
echo '!error 50 no <access>' >"$D/csn"
run 2 "$copy: search: Insufficient access: no (access) (50)" $pair
csn 5000 001 | at_copy
for fault in hang close garbage; do
    echo "!$fault" >"$D/login"
    in_time 2 "$copy: " $pair -t 2
done
echo '!close' >"$D/login"
run 2 "$copy: login: the server closed the connection, or speaks no LDAP (-1)" $pair
echo '!error 49 who are you' >"$D/login"
run 2 "$copy: login: Invalid credentials: who are you (49)" $pair
rm "$D/login"
run 2 "STARTTLS: " --starttls $pair
run 2 "127.0.0.1:1: connection: port 1: Connection refused" --provider 127.0.0.1:1 -H "$copy"
says "servers=1"
run 2 "a..b has no address" --provider a..b -H "$copy"
adrift 2 "ldap9.invalid has no address: " "$BUILD/plugins/$what" -b dc=example,dc=org -H ldap9.invalid -H 127.0.0.1 -t 9
echo "$D/good.pem" | tee "$D/tls" >"$D/source/tls"
run 0 "0 s behind" --tls --ca-file "$D/ca.pem" $pair
echo "$D/expired.pem" >"$D/tls"
run 2 "$copy: login: Can't contact LDAP server: " --tls --ca-file "$D/ca.pem" $pair
grep -qE 'is the certificate valid for the host, not expired|certificate verify failed' "$D/out"
ok $? "the certificate is the cause"
rm "$D/tls" "$D/source/tls"
run 3 "certificates of $D/nothing: No such file" --tls --ca-file "$D/nothing" $pair

# --- options
run 3 "whom to compare?" -H "$copy"
run 3 "a password needs --starttls or --tls" $pair -u cn=x
run 2 "" $pair -u cn=x --cleartext --provider 127.0.0.1:1
run 3 "--tls and --starttls exclude each other" $pair --tls --starttls
run 3 "this is no port" --provider a:b -H "$copy"
run 3 "B.example.org is given twice" --provider a -H B.example.org:389 -H b.example.org
}
"$BUILD/plugins/check_replication_ldap" -H a -H b >"$D/out"
is $? 3 "of which directory: UNKNOWN"
says "-b SUFFIX"
is "$(cat "$D/fake.err" "$D/source.err")" "" "the servers had no trouble"
done_testing
