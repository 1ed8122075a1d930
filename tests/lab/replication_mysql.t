#!/bin/sh
# replication_mysql.t - check_replication_mysql asks a real pair of MariaDB: healthy, behind on purpose,
# stopped, broken by a conflicting write, without right or password, frozen, cut off, gone.
set -u
. tests/tap.sh
. tests/lab/lab_test.sh
lab_needs "a pair of MariaDB" mariadbd mariadb mariadb-install-db nsenter
pair_check=check_replication_mysql
# shellcheck source=tests/lab/pair_test.sh
. tests/lab/pair_test.sh

# shellcheck source=tests/lab/pair_mysql.sh
. tests/lab/pair_mysql.sh
ok $? "two servers run"
export MXGAUGE_PASSWORD=guess
always="-H 10.99.0.2 -p 13306 -u monitor"

says "before it was made a replica" 2 "it is no replica: no source is configured"
follow master_delay=0
says "healthy" 0 "10.99.0.2:13306 is 0 s behind"
says "healthy, the source asked, nothing is missing" 0 "0 s behind" --source auto -w gap=0
says "healthy, by the heartbeat" 0 "behind" --heartbeat mail.heartbeat -c lag=10s
echo '10.99.0.2 mx1.example.org' >"$d/hosts"
mount --bind "$d/hosts" /etc/hosts
says "with TLS" 0 "0 s behind" -H mx1.example.org --tls --ca-file "$d/ca.pem"
says "with TLS, and a certificate of another name" 2 "connection: TLS/SSL error" --tls --ca-file "$d/ca.pem"
says "with TLS and another authority" 2 "connection: TLS/SSL error" -H mx1.example.org --tls \
    --ca-file "$d/self.crt" --ca-dir "$d/1"
says "the source, and who copies it" 0 "replicas=1" -H 10.99.0.1 --is-source
says "a replica more is wanted" 2 "replicas 1 (at least 2)" -H 10.99.0.1 --is-source -c replicas=2
MXGAUGE_PASSWORD=wrong
says "wrong password" 2 "Access denied for user 'monitor'@'10.99.0.2' (using password: YES) (1045)"
MXGAUGE_PASSWORD=guess
says "without rights" 2 "SLAVE MONITOR privilege(s) for this operation (1227)" -u nobody

sql 2 "set global read_only=0"
says "writable" 1 "read_only is off"
sql 2 "set global read_only=1"
sql 2 "stop slave sql_thread"
says "applier stopped" 2 "the applier (SQL thread) is stopped"
sql 2 "start slave; stop slave io_thread"
says "receiver stopped" 2 "the receiver (IO thread) is stopped"

follow master_delay=30
sql 1 "insert into mail.t values (1, 1)"
says "delayed on purpose, something waits" 0 "0 s behind" -v
until_so 20 asked 1 "gap" --source auto -w gap=0
ok $? "the gap shows it"
follow master_delay=0
until_so 30 asked 0 "0 s behind" -w gap=0

timeout 100 mariadb --no-defaults --skip-ssl -u root -S "$d/2/s" -e "lock tables mail.t write; select sleep(100)" >/dev/null 2>&1 &
holder=$!
pids="$pids $holder"
is_locked() { sql 2 "show processlist" | grep -q "sleep(100)"; }
until_so 60 is_locked
sql 1 "update mail.t set n = 2"
says "a lock on the replica: it falls behind" 2 "behind (limit 2 s)" -c lag=2s
says "and the source has more" 1 "gap" --source 10.99.0.1 -w gap=0 -c lag=1d
# a client that is killed leaves its statement behind, and the lock, until the server's sleep ends
kill "$holder"
is_free() {
    sql 2 "select concat('kill ', id, ';') from information_schema.processlist where info like '%sleep(100)%' and info not like '%concat%'" >"$d/kill"
    sql 2 "$(cat "$d/kill") select 1" && ! is_locked
}
until_so 60 is_free
says "and recovers" 0 "0 s behind" --source auto -c lag=2s

sql 2 "set sql_log_bin=0; insert into mail.t values (5, 0)"
sql 1 "insert into mail.t values (5, 1)"
says "a conflicting write" 2 "the applier (SQL thread) broke: 1062"
head -n 1 "$d/out" | grep -q "Duplicate entry '5'"
ok $? "with the database's words"
sql 2 "set sql_log_bin=0; delete from mail.t where id = 5; start slave"
says "mended" 0 "0 s behind"

follow "master_password='wrong'"
says "the replica's own password is wrong" 2 "no connection to the source 10.99.0.1:13306: 1045"
follow master_delay=0
says "mended" 0 "0 s behind"

# the trap: for a minute the replica sees nothing
kill -STOP "$source"
asked 0 "0 s behind" && [ "$ms" -le 3000 ]
ok $? "source frozen: the replica alone says that all is well"
says "source frozen, and asked" 2 "10.99.0.1:13306: no answer in time while connecting" --source auto -t 3
in_time 3600
says "source frozen, by the heartbeat" 2 "behind (limit 3 s)" --heartbeat mail.heartbeat -c lag=3s
kill -CONT "$source"
says "thawed" 0 "" --heartbeat mail.heartbeat -c lag=3s --source auto
kill -STOP "$replica"
says "replica frozen" 2 "10.99.0.2:13306: no answer in time while connecting" --source 10.99.0.1 -t 3
in_time 3600
kill -CONT "$replica"
says "thawed" 0 "0 s behind" --source auto

pair_cut
says "network cut, source asked" 2 "10.99.0.1:13306: " --source auto -t 3
in_time 3600
says "network cut, by the heartbeat" 2 "behind (limit 3 s)" --heartbeat mail.heartbeat -c lag=3s
pair_mend
sql 2 "stop slave; start slave"
says "cable back" 0 "behind" --source auto --heartbeat mail.heartbeat -c lag=5s

kill -KILL "$source"
says "source gone" 2 "no connection to the source 10.99.0.1:13306: 2003"
kill -KILL "$replica"
says "replica gone" 2 "10.99.0.2:13306: connection: port 13306: Connection refused"
done_testing
