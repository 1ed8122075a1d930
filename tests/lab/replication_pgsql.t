#!/bin/sh
# replication_pgsql.t - check_replication_pgsql asks real servers: a primary, its standby and a subscriber,
# healthy, idle, behind on purpose, broken, without right or password, frozen, cut off, promoted, gone.
set -u
. tests/tap.sh
. tests/lab/lab_test.sh
for bin in /usr/lib/postgresql/*/bin; do PATH=$PATH:$bin; done
export PATH
lab_needs "PostgreSQL" initdb pg_ctl pg_basebackup psql setpriv nsenter
pair_check=check_replication_pgsql
# shellcheck source=tests/lab/pair_test.sh
. tests/lab/pair_test.sh
# shellcheck source=tests/lab/pair_pgsql.sh
. tests/lab/pair_pgsql.sh
ok $? "three servers run"
export MXGAUGE_PASSWORD=guess
always="-H 10.99.0.2 -p 15432 -u monitor"
one="10.99.0.1:15431"

says "standby healthy" 0 "10.99.0.2:15432 is 0 s behind" --role standby
says "and its primary asked" 0 "10.99.0.2:15432 is 0 s behind" --primary $one -w bytes=0
says "the primary, its standby and its subscriber" 0 "standbys=2" -H $one --role primary --standby db2 --standby s
says "another standby is wanted" 2 "db9: this standby is not connected to 10.99.0.1:15431" -H $one --standby db9
says "a standby is no primary" 2 "it is a standby, not the primary" --role primary
says "a primary is no standby" 2 "it is no standby" -H $one --role standby
says "the subscriber" 0 "subscription s is 0 s behind" -p 15433 --role subscriber
says "who has no subscription" 2 "it has no subscription in this database" --role subscriber

echo '10.99.0.2 mx1.example.org' >"$d/hosts"
mount --bind "$d/hosts" /etc/hosts
says "with TLS" 0 "0 s behind" -H mx1.example.org --tls --ca-file "$d/ca.pem"
says "with TLS, and a certificate of another name" 2 "does not match host name" --tls --ca-file "$d/ca.pem"
says "with TLS and another authority" 2 "certificate verify failed" -H mx1.example.org --tls --ca-file "$d/self.crt"
MXGAUGE_PASSWORD=wrong
says "wrong password" 2 'password authentication failed for user "monitor"'
MXGAUGE_PASSWORD=guess
says "without rights" 3 "grant it pg_monitor" -u nobody

# nothing comes for a while: the age of the last transaction grows, and nothing is missing
sql 1 "insert into t values (1, 1)"
until_so 20 sh -c "[ \"\$(timeout 5 psql -X -A -t -h $d -p 15432 -U postgres -c 'select now() - pg_last_xact_replay_timestamp() > interval \$\$3s\$\$')\" = t ]"
says "idle is not behind" 0 "10.99.0.2:15432 is 0 s behind" -c lag=2s

sql 2 "select pg_wal_replay_pause()" >/dev/null
sql 1 "update t set n = n + 1"
until_so 20 asked 2 "behind (limit 2 s)" -c lag=2s
ok $? "paused: it falls behind"
grep -q "replay is paused" "$d/out"
ok $? "and says why"
says "and the primary has more" 1 "bytes" --primary $one -w bytes=0 -c lag=1d
says "the primary sees it too" 1 "bytes" -H $one -w bytes=0 -c lag=1d
sql 2 "select pg_wal_replay_resume()" >/dev/null
says "resumed" 0 "10.99.0.2:15432 is 0 s behind" --primary $one

sql 2 "alter system set recovery_min_apply_delay = '300s'"
sql 2 "select pg_reload_conf()" >/dev/null
sql 1 "update t set n = n + 1"
says "delayed on purpose" 0 "10.99.0.2:15432 is 0 s behind" -c lag=1s --primary $one
grep -q "delayed on purpose by 5 min" "$d/out"
ok $? "and says so"
until_so 20 asked 1 "bytes" -w bytes=0
ok $? "the bytes show it"
sql 2 "alter system reset recovery_min_apply_delay"
sql 2 "select pg_reload_conf()" >/dev/null
says "in time again" 0 "0 s behind" -w bytes=0

sql 2 "alter system set primary_conninfo = 'host=10.99.0.1 port=9 user=repl'"
sql 2 "select pg_reload_conf()" >/dev/null
says "its way to the primary is wrong" 2 "it is not connected to its primary (no WAL receiver; its log says why)"
says "the primary misses it" 2 "db2: this standby is not connected" -H $one --standby db2
says "and keeps WAL for it" 1 "nobody reads slot standby1, which keeps" -H $one
says "unless that is known" 0 "" -H $one --ignore-slot standby1
sql 2 "alter system set primary_conninfo = 'host=10.99.0.1 port=15431 user=repl application_name=db2'"
sql 2 "select pg_reload_conf()" >/dev/null
says "mended" 0 "10.99.0.2:15432 is 0 s behind"

# connects PASSWORD: the standby, as an account that needs one
connects() {
    sql 2 "alter system set primary_conninfo = 'host=10.99.0.1 port=15431 user=copier password=$1 application_name=db2'"
    sql 2 "select pg_reload_conf()" >/dev/null
}
sql 1 "create role copier replication login password 'right'"
connects wrong
says "the primary refuses the standby's own password" 2 "it is not connected to its primary (no WAL receiver; its log says why)"
says "and answers us" 2 "so its log says what it is refused: a wrong password, " --primary $one
until_so 20 grep -q 'password authentication failed for user "copier"' "$d/log.2"
ok $? "the standby's log does say it"
says "the primary misses it" 2 "db2: this standby is not connected" -H $one --standby db2
connects right
says "with the right one" 0 "10.99.0.2:15432 is 0 s behind" --primary $one

sql 1 "alter system set synchronous_standby_names = 'db7'"
sql 1 "select pg_reload_conf()" >/dev/null
says "nobody to wait for" 2 "no synchronous standby is connected: commits wait" -H $one
sql 1 "alter system set synchronous_standby_names = 'db2'"
sql 1 "select pg_reload_conf()" >/dev/null
says "synchronous" 0 "" -H $one
sql 1 "alter system reset synchronous_standby_names"
sql 1 "select pg_reload_conf()" >/dev/null

sql 3 "insert into t values (7, 0)"
sql 1 "insert into t values (7, 1)"
says "a conflicting write" 2 "subscription s: its worker does not run; applying failed" -p 15433
sql 3 "delete from t where id = 7"
says "mended" 0 "subscription s is 0 s behind" -p 15433
sql 3 "alter subscription s disable"
says "disabled" 1 "subscription s: it is disabled" -p 15433
sql 3 "alter subscription s enable"
says "enabled" 0 "subscription s is 0 s behind" -p 15433

# shellcheck disable=SC2046
kill -STOP $(family "$primary")
asked 0 "0 s behind"
ok $? "primary frozen: the standby alone says that all is well"
says "primary frozen, and asked" 2 "10.99.0.1:15431: no answer in time while connecting" --primary $one -t 3
in_time 3600
# shellcheck disable=SC2046
kill -CONT $(family "$primary")
says "thawed" 0 "0 s behind" --primary $one
# shellcheck disable=SC2046
kill -STOP $(family "$standby")
says "standby frozen" 2 "10.99.0.2:15432: no answer in time while connecting" -t 3
in_time 3600
# shellcheck disable=SC2046
kill -CONT $(family "$standby")
pair_cut
says "network cut, primary asked" 2 "10.99.0.1:15431: " --primary $one -t 3
in_time 3600
pair_mend
says "cable back" 0 "0 s behind" --primary $one -w bytes=0

sql 1 "select pg_create_physical_replication_slot('gone', true)" >/dev/null
sql 1 "alter system set max_slot_wal_keep_size = '1MB'"
sql 1 "select pg_reload_conf()" >/dev/null
for i in 1 2 3; do
    sql 1 "update t set n = n + 1"
    sql 1 "select pg_switch_wal()" >/dev/null
done
sql 1 "checkpoint"
says "a slot that is lost" 2 "slot gone is lost" -H $one
sql 1 "select pg_drop_replication_slot('gone')" >/dev/null
sql 1 "alter system reset max_slot_wal_keep_size"
sql 1 "select pg_reload_conf()" >/dev/null
says "all is well again" 0 "" -H $one --ignore-slot s

timeout 60 $user pg_ctl -D "$d/2" -w promote >/dev/null
says "promoted" 2 "it is no standby: it was promoted, or never was one" --role standby
says "two primaries" 2 "it and 10.99.0.1:15431 are both primaries: split brain" --primary $one
kill -INT "$primary"
says "primary gone" 2 "10.99.0.1:15431: connection: " --primary $one
says "the subscriber misses it" 2 "its worker does not run" -p 15433
kill -INT "$standby"
says "standby gone" 2 "Connection refused"
done_testing
