#!/bin/sh
# check_replication_mysql.t - against a server that answers what each case says (tests/fake/mysql.py):
# replicas in every state, servers that hang, lie or flood. Real pairs: tests/lab/replication_mysql.t.
# shellcheck disable=SC2086,SC2016  # $check is a list of words; backquotes of SQL
what=check_replication_mysql server=mysql.py
# shellcheck source=tests/fake/copies_test.sh
. tests/fake/copies_test.sh

# maria FIELD=VALUE...: a healthy channel of MariaDB, but for these
maria() {
    row Connection_name= Master_Host=192.0.2.1 Master_Port=3306 Slave_IO_Running=Yes Slave_SQL_Running=Yes \
        Master_Log_File=bin.000007 Read_Master_Log_Pos=5000 Relay_Master_Log_File=bin.000007 \
        Exec_Master_Log_Pos=5000 Seconds_Behind_Master=0 Last_IO_Errno=0 Last_IO_Error= Last_SQL_Errno=0 \
        Last_SQL_Error= Skip_Counter=0 SQL_Delay=0 Master_Server_Id=1 Using_Gtid=Slave_Pos Gtid_IO_Pos=0-1-100 \
        Slave_received_heartbeats=5 Gtid_Slave_Pos=0-1-100 | but "$@"
}
# mysql8 FIELD=VALUE...: the same of MySQL 8.4
mysql8() {
    maria "$@" | sed 's/Master_/Source_/; s/Slave_IO_/Replica_IO_/; s/Slave_SQL_/Replica_SQL_/
        s/_Behind_Master/_Behind_Source/; s/^Connection_name/Channel_Name/; /^Using_Gtid/d; /^Gtid_/d
        /^Slave_received/d'
}
# now_is FIELD=VALUE...: MariaDB's channel from now on
now_is() { maria "$@" >"$D/q.replica"; }
variables() {
    for one; do row "Variable_name=${one%%=*}" "Value=${one#*=}"; done >"$D/q.variable"
}

variables server_id=2 read_only=ON gtid_slave_pos=0-1-100
now_is
run 0 "$own is 0 s behind"
says "lag=0s;60;600"
says "gap=0 bytes=0B channels=1"

# --- threads
now_is Slave_IO_Running=No Seconds_Behind_Master=NULL
run 2 "the receiver (IO thread) is stopped"
says "lag=U"
now_is Slave_IO_Running=No Seconds_Behind_Master=NULL Last_IO_Errno=1236 "Last_IO_Error=Could not find first log file"
run 2 "the receiver (IO thread) broke: 1236 Could not find first log file"
now_is Slave_IO_Running=Connecting Seconds_Behind_Master=NULL Last_IO_Errno=1045 "Last_IO_Error=Access denied"
run 2 "no connection to the source 192.0.2.1:3306: 1045 Access denied"
now_is Slave_IO_Running=Preparing Seconds_Behind_Master=NULL
run 2 "no connection to the source 192.0.2.1:3306"
now_is Slave_SQL_Running=No Seconds_Behind_Master=NULL
run 2 "the applier (SQL thread) is stopped"
now_is Slave_SQL_Running=No Seconds_Behind_Master=NULL Last_SQL_Errno=1062 "Last_SQL_Error=Duplicate entry '5|<b>'"
run 2 "the applier (SQL thread) broke: 1062 Duplicate entry '5/(b)'"
now_is Seconds_Behind_Master=NULL
run 3 "both threads run, but it does not know how far it is behind"
now_is Last_SQL_Errno=1205 "Last_SQL_Error=Lock wait timeout"
run 1 "the applier has trouble and tries again: 1205 Lock wait timeout"
now_is Skip_Counter=3
run 1 "the next 3 events will be skipped"
maria | grep -v Slave_IO_Running >"$D/q.replica"
run 3 "its answer does not tell whether the receiver runs"

# --- lag
now_is Seconds_Behind_Master=59
run 0 "59 s behind"
now_is Seconds_Behind_Master=61
run 1 "61 s behind (limit 60 s)"
now_is Seconds_Behind_Master=601
run 2 "behind (limit 10 min"
run 0 "10 min behind" -w 1h -c 1d
now_is Seconds_Behind_Master=3606 SQL_Delay=3600
run 0 "6 s behind" -v
says "delayed on purpose by 60 min"
now_is Seconds_Behind_Master=3000 SQL_Delay=3600
run 0 "0 s behind"
now_is Gtid_IO_Pos=0-1-150,5-3-20 Gtid_Slave_Pos=0-1-100,5-9-15
run 1 "gap 55 (limit 50)" -w gap=50
now_is Read_Master_Log_Pos=9000
run 1 "bytes 4 KB" -w bytes=1KB
now_is Gtid_IO_Pos=nonsense
run 0 "gap=U"

# --- channels
{ maria; maria Connection_name=archive Slave_IO_Running=No Slave_SQL_Running=No Seconds_Behind_Master=NULL; } >"$D/q.replica"
run 2 "$own channel archive: the receiver (IO thread) is stopped"
{ maria Seconds_Behind_Master=7; maria Connection_name=archive Seconds_Behind_Master=90; } >"$D/q.replica"
run 1 "$own channel archive is 90 s behind"
run 2 "there is no channel backup" --channel archive --channel backup
: >"$D/q.replica"
run 2 "it is no replica: no source is configured"
now_is
variables server_id=2 read_only=OFF
run 1 "read_only is off"
run 0 "" --writable
variables server_id=2 read_only=ON rpl_semi_sync_slave_enabled=ON
run 1 "semi-synchronous replication is enabled and does not work"
row Variable_name=Rpl_semi_sync_slave_status Value=ON >"$D/q.status"
run 0 ""
: >"$D/q.status"

# --- the source is asked
variables server_id=2 read_only=ON gtid_slave_pos=0-1-100
echo 10.11.1-MariaDB >"$D/source/version"
row Variable_name=server_id Value=1 >"$D/source/q.variable"
row File=bin.000007 Position=5000 >"$D/source/q.position"
row Gtid=0-1-100 >"$D/source/q.gtid"
run 0 "gap=0" --source "$source"
row Gtid=0-1-140 >"$D/source/q.gtid"
row File=bin.000007 Position=7500 >"$D/source/q.position"
run 1 "gap 40" --source "$source" -w gap=10
says "bytes=2500B"
row Variable_name=server_id Value=4 >"$D/source/q.variable"
run 1 "it follows server 1, but $source is server 4" --source "$source"
row Variable_name=server_id Value=1 >"$D/source/q.variable"
echo '!error 1227 Access denied; you need (at least one of) the BINLOG MONITOR privilege(s)' >"$D/source/q.position"
run 2 "position: Access denied; you need (at least one of) the BINLOG MONITOR privilege(s) (1227)" --source "$source"
echo '!hang' >"$D/source/hello"
run 2 "$source: no answer in time while connecting" --source "$source" -t 2
says "$own is 0 s behind"
now_is "Master_Host=127.0.0.1" "Master_Port=${source#*:}"
run 2 "no answer in time while connecting" --source auto -t 2
rm "$D/source/hello" "$D/source/q.position"
run 0 "gap=40" --source auto
run 2 "127.0.0.1:1: connection: port 1: Connection refused" --source 127.0.0.1:1
run 2 "a..b has no address" --source a..b
adrift 2 "db9.invalid: connection: db9.invalid has no address: " "$BUILD/plugins/$what" -H db9.invalid -u monitor -t 9
run 3 "certificates of /dev/zero: this is no file" --tls --ca-file /dev/zero
run 3 "certificates of $D/nothing: No such file" --tls --ca-file "$D/nothing"

# --- what the source wrote stays away, from run to run
row Gtid=0-1-140 >"$D/source/q.gtid"
now_is Slave_received_heartbeats=8
run 0 "0 s behind" --source "$source"
ago 1200
run 2 "20 min behind (limit 10 min)" --source "$source"
run 1 "nothing from its source for 20 min" --source "$source" -c lag=1d -w lag=1d -w silent=2m
now_is Slave_received_heartbeats=9 Gtid_Slave_Pos=0-1-120
run 0 "0 s behind" --source "$source" -w silent=2m
row Gtid=0-1-120 >"$D/source/q.gtid"
run 0 "0 s behind" --source "$source"
ago 1200
run 0 "0 s behind" --source "$source"

# --- no memory: UNKNOWN is what rests on it, and nothing else
kept=$NAGIOS_PLUGIN_STATE_DIRECTORY
export NAGIOS_PLUGIN_STATE_DIRECTORY="$D/nowhere"
run 0 "0 s behind"
says "nothing can be remembered: cannot open the folder $D/nowhere"
run 0 "0 s behind" --source "$source"
run 3 "since when something is so is not known, because nothing can be remembered: " -w silent=2m
row Gtid=0-1-140 >"$D/source/q.gtid"
run 3 "since when something is so is not known" --source "$source"
now_is Slave_received_heartbeats=9 Gtid_Slave_Pos=0-1-120 SQL_Delay=3600
run 0 "0 s behind" --source "$source"
now_is Slave_received_heartbeats=9 Gtid_Slave_Pos=0-1-120
row server_id=1 age=3.25 >"$D/q.heartbeat"
run 0 "3.2 s behind" --source "$source" --heartbeat percona.heartbeat
run 2 "3.2 s behind" --source "$source" --heartbeat percona.heartbeat -c lag=2s
export NAGIOS_PLUGIN_STATE_DIRECTORY="$kept"

# --- heartbeat
now_is
row server_id=1 ts=2026-11-20T20:31:27 age=3.25 >"$D/q.heartbeat"
row server_id=9 ts=2025-11-20T20:31:27 age=31536000 >>"$D/q.heartbeat"
run 0 "3.2 s behind" --heartbeat percona.heartbeat
grep -qF 'FROM `percona`.`heartbeat` AS t' "$D/asked"
ok $? "names are quoted"
run 2 "365 d behind" --heartbeat percona.heartbeat --heartbeat-id 1 --heartbeat-id 9
run 2 "the heartbeat of 5 is missing" --heartbeat percona.heartbeat --heartbeat-id 5
row server_id=1 age=-3600 >"$D/q.heartbeat"
run 1 "ahead: a clock is wrong" --heartbeat percona.heartbeat
: >"$D/q.heartbeat"
run 2 "the heartbeat table has no row" --heartbeat percona.heartbeat
echo "!error 1146 Table 'a.b' doesn't exist" >"$D/q.heartbeat"
run 2 "heartbeat: Table 'a.b' doesn't exist (1146)" --heartbeat 'a.b`; DROP'
grep -qF '`a`.`b``; DROP`' "$D/asked"
ok $? "and quotes in them too"
rm "$D/q.heartbeat"

# --- a source
: >"$D/q.replica"
row receivers=2 >"$D/q.counts"
run 0 "replicas=2" --is-source
run 2 "replicas 2 (at least 3)" --is-source -c replicas=3
variables server_id=1 rpl_semi_sync_master_enabled=ON
run 1 "semi-synchronous replication is enabled and does not work" --is-source
now_is
run 1 "it is to be a source, but is a replica too" --is-source

# --- Galera
: >"$D/q.replica"
variables server_id=1 wsrep_on=ON
galera() {
    for one in wsrep_cluster_status=Primary wsrep_ready=ON wsrep_connected=ON wsrep_local_state=4 \
        wsrep_local_state_comment=Synced wsrep_cluster_size=3 wsrep_local_recv_queue=0 \
        wsrep_flow_control_paused=0.02 "$@"; do echo "$one"; done |
        awk -F = '{ v[$1] = $2 } END { for (n in v) printf "**** row\nVariable_name: %s\nValue: %s\n", n, v[n] }' \
            >"$D/q.status"
}
galera
run 0 "members=3 queue=0 flow_control=2%"
run 2 "members 3 (at least 5)" -c members=5
galera wsrep_cluster_status=non-Primary
run 2 "it is not in the primary component of its cluster: non-Primary"
galera wsrep_ready=OFF
run 2 "the cluster's member takes no queries"
galera wsrep_local_state=2 wsrep_local_state_comment=Donor/Desynced
run 1 "the cluster's member is not synced: Donor/Desynced"
galera wsrep_local_state=1 wsrep_local_state_comment=Joining
run 2 "the cluster's member is not synced: Joining"
galera wsrep_flow_control_paused=0.4
run 1 "flow_control 40% (limit 10%)"
: >"$D/q.status"

# --- MySQL
u=3e11fa47-71ca-11e1-9e33-c80aa9429562 v=3e11fa47-71ca-11e1-9e33-c80aa9429563
echo 8.4.3 >"$D/version"
variables server_id=2 server_uuid=$v read_only=ON
mysql8 >"$D/q.newreplica"
run 0 "0 s behind"
mysql8 Slave_IO_Running=Connecting Seconds_Behind_Master=NULL >"$D/q.newreplica"
run 2 "no connection to the source 192.0.2.1:3306"
{ mysql8; echo "Retrieved_Gtid_Set: $u:1-500"; echo "Executed_Gtid_Set: $u:1-480:485,$v:1-3"; } >"$D/q.newreplica"
run 0 "gap=19"
row CHANNEL_NAME= COUNT_RECEIVED_HEARTBEATS=17 >"$D/q.connection"
run 0 "silent=0s"
echo 8.0.30 >"$D/source/version"
echo '!error 1064 You have an error in your SQL syntax' >"$D/source/q.newposition"
row File=bin.000007 Position=5000 "Executed_Gtid_Set=$u:1-510" >"$D/source/q.position"
run 1 "it has 3 transactions that $source has not: somebody wrote to it" --source "$source"
says "gap=29"
echo 5.7.44-log >"$D/version"
echo '!error 1064 You have an error in your SQL syntax' >"$D/q.newreplica"
maria Seconds_Behind_Master=3 | sed 's/^Connection_name/Channel_Name/' >"$D/q.oldreplica"
run 0 "3 s behind"
: >"$D/q.oldreplica"
member() { row "MEMBER_ID=$1" "MEMBER_HOST=$2" "MEMBER_STATE=$3" "queue=$4"; }
{ member $v db2 ONLINE 4; member $u db1 ONLINE NULL; member x db3 ONLINE NULL; } >"$D/q.member"
run 0 "members=3 queue=4"
{ member $v db2 ONLINE 4; member $u db1 UNREACHABLE NULL; member x db3 ONLINE NULL; } >"$D/q.member"
run 1 "the group's member db1 is UNREACHABLE"
{ member $v db2 ONLINE 4; member $u db1 UNREACHABLE NULL; } >"$D/q.member"
run 2 "the group has no majority: 1 of 2 members are online"
{ member $v db2 ERROR 0; member $u db1 ONLINE NULL; member x db3 ONLINE NULL; } >"$D/q.member"
run 2 "the group's member db2 is ERROR"
rm "$D/q.member" "$D/version"

# --- the world being broken
now_is
variables server_id=2 read_only=ON gtid_slave_pos=0-1-100
echo '!error 1227 Access denied; you need (at least one of) the SUPER, SLAVE MONITOR privilege(s)' >"$D/q.replica"
run 2 "replica status: Access denied; you need (at least one of) the SUPER, SLAVE MONITOR privilege(s) (1227)"
echo '!error 1047 WSREP has not yet prepared node for application use' >"$D/q.variable"
run 2 "WSREP has not yet prepared node for application use (1047)"
variables server_id=2 read_only=ON
for fault in hang close garbage flood; do
    echo "!$fault" >"$D/q.replica"
    in_time 2 "$own: " -t 2
done
says "the answer is too long, while asking for the replica"
echo "!wide" >"$D/q.replica"
in_time 3 "its answer does not tell whether" -t 2
now_is
echo "!close" >"$D/hello"
run 2 "$own: connection: the server hung up before it greeted, or speaks no MySQL (2013)"
says " gap=U bytes=U channels=U "
echo "!error 1040 Too many connections" >"$D/hello"
run 2 "connection: Too many connections (1040)"
echo "!error 1045 Access denied for user 'monitor'@'192.0.2.9' (using password: YES)" >"$D/hello"
run 2 "Access denied for user 'monitor'@'192.0.2.9'"
for fault in hang dribble garbage close; do
    echo "!$fault" >"$D/hello"
    in_time 2 "$own: " -t 2
done
echo '!clear' >"$D/hello"
run 2 "$own: connection: "
[ ! -e "$D/leaked" ]
ok $? "a server that asks for the password as it is does not get it"
rm "$D/hello"
run 2 "connection: " --tls
says "TLS"

# --- options
run 3 "--heartbeat x: it is DB.TABLE" --heartbeat x
run 3 "which heartbeat?" --heartbeat-local
run 3 "exclude each other" --is-source --source auto
run 3 "need --tls" --ca-file "$D/ca.pem"
run 3 "this is no port" --source db1:x
run 3 "password in $D/nothing" --password-file "$D/nothing"
"$BUILD/plugins/check_replication_mysql" >"$D/out"
is $? 3 "nobody to ask: UNKNOWN"
says "whom to ask?"
now_is
$check --json >"$D/json"
/usr/bin/python3 -c "
import json, sys
a = json.load(open('$D/json'))
assert a['state'] == 'OK' and a['copies'] == [{'copy': '$own', 'lag': 0, 'silent': 0}], a
assert a['measurements']['gap']['value'] == 0"
ok $? "--json has the copies"

# --- what real servers said, where it was recorded
corpus=../shared/corpus/replication
recorded() {
    if [ ! -e "$corpus/$1" ]; then
        ok 0 "$1 # SKIP not at hand"
        return
    fi
    cp "$corpus/$1" "$D/q.replica"
    run "$2" "$3"
}
variables server_id=2 read_only=ON
recorded mariadb-10.11-all-slaves-ok.txt 0 "0 s behind"
recorded mariadb-10.11-all-slaves-two-connections.txt 2 "the receiver (IO thread) broke: 1236"
recorded mariadb-10.11-both-stopped.txt 2 "the applier (SQL thread) is stopped"
recorded mariadb-10.11-delayed.txt 0 "0 s behind"
recorded mariadb-10.11-io-connecting-1045.txt 2 "no connection to the source 127.0.0.1:13306: 1045"
recorded mariadb-10.11-io-connecting-2003.txt 2 "2003"
recorded mariadb-10.11-io-error-1236.txt 2 "1236"
recorded mariadb-10.11-io-thread-stopped.txt 2 "the receiver (IO thread) is stopped"
recorded mariadb-10.11-lagging.txt 0 "5 s behind"
recorded mariadb-10.11-not-configured.txt 2 "it is no replica"
recorded mariadb-10.11-slave-ok.txt 0 "0 s behind"
recorded mariadb-10.11-sql-error-1062.txt 2 "the applier (SQL thread) broke: 1062"
recorded mariadb-10.11-sql-thread-stopped.txt 2 "the applier (SQL thread) is stopped"
if [ -e $corpus/mysql-8.0-show-replica-status-ok.txt ]; then
    echo 8.0.36 >"$D/version"
    cp $corpus/mysql-8.0-show-replica-status-ok.txt "$D/q.newreplica"
    run 0 "gap=0"
fi
is "$(cat "$D/fake.err" "$D/source.err")" "" "the servers had no trouble"
done_testing
