#!/bin/sh
# check_replication_pgsql.t - against a server that answers what each case says (tests/fake/pgsql.py):
# standbys, primaries and subscribers in every state, servers that hang, lie or flood. Real servers:
# tests/lab/replication_pgsql.t.
what=check_replication_pgsql server=pgsql.py
# shellcheck source=tests/fake/copies_test.sh
. tests/fake/copies_test.sh

# standby FIELD=VALUE...: what a healthy standby says of itself, but for these; primary likewise
standby() {
    row recovery=t end=16/B374D848 received=16/B374D848 replayed=16/B374D848 replay_age=7200 paused=f delay=0 \
        receiver_timeout=60 sender_timeout=60 sync_names= system=7000000000000000001 timeline=3 | but "$@" >"$D/q.self"
}
primary_says() {
    row recovery=f end=16/B374D848 received=NULL replayed=NULL replay_age=NULL paused=NULL delay=0 \
        receiver_timeout=60 sender_timeout=60 sync_names= system=7000000000000000001 timeline=3 | but "$@"
}
receiver() {
    row pid=10 status=streaming received_tli=3 sender_host=192.0.2.1 sender_port=5432 heard=2 | but "$@" >"$D/q.receiver"
}
copy() {
    row application_name=db2 state=streaming sync_state=async replay_lsn=16/B374D848 bytes=0 lag_s=NULL heard=1 | but "$@"
}
slot() {
    row slot_name=s1 active=t temporary=f wal_status=reserved kept=4096 invalidation_reason=NULL | but "$@" >"$D/q.slot"
}
subscription() {
    row subname=mail subenabled=t pid=77 received_lsn=0/100 latest_end_lsn=0/100 heard=3 errors=0 syncing=0 |
        but "$@" >"$D/q.subscription"
}

adrift 2 "db9.invalid: connection: db9.invalid has no address: " "$BUILD/plugins/$what" -H db9.invalid -t 9
run 2 "a..b has no address" --primary a..b

# --- a standby
standby
receiver
run 0 "$own is 0 s behind"
says "lag=0s;60;600 silent=2s bytes=0B standbys=0 slot_bytes=U subscriptions=0"
standby replayed=16/B374D800
run 2 "$own is 2 h behind"
says "bytes=72B"
standby replayed=16/B374D800 replay_age=30
run 0 "30 s behind"
row replayed=16/B374D848 >"$D/q.again"
run 0 "$own is 0 s behind"
rm "$D/q.again"
standby replayed=16/B374D800 delay=7000
run 1 "3.3 min behind"
standby received=17/00000000 replayed=16/FFFFFFFF replay_age=1
run 0 "bytes=1B"
standby paused=t
run 1 "replay is paused"
standby received=nonsense
run 3 "it does not know how far it is behind"
standby
: >"$D/q.receiver"
run 2 "it is not connected to its primary (no WAL receiver; its log says why)"
standby received=NULL replay_age=50
run 0 "50 s behind" --archive
standby
receiver status=NULL
run 3 "grant it pg_monitor"
receiver status=waiting
run 1 "the WAL receiver is waiting, not streaming"
receiver heard=46
run 1 "the primary said nothing for 46 s"
receiver
run 2 "it is a standby, not the primary" --role primary

# --- and its primary
primary_says >"$D/source/q.self"
run 0 "bytes=0B" --primary "$source"
mv "$D/q.receiver" "$D/receiver"
: >"$D/q.receiver"
run 2 "(no WAL receiver; the primary answers us, so its log says what it is refused: a wrong password" --primary "$source"
mv "$D/receiver" "$D/q.receiver"
primary_says end=16/B3760000 >"$D/source/q.self"
run 1 "bytes" --primary "$source" -w bytes=10KB
ago 1200
run 2 "20 min behind" --primary "$source"
standby replayed=16/B374D900 received=16/B374D900
run 0 "$own is 0 s behind" --primary "$source"
standby
primary_says >"$D/source/q.self"
run 0 "0 s behind" --primary "$source"
ago 1200
run 0 "$own is 0 s behind" --primary "$source"
primary_says system=7000000000000000002 >"$D/source/q.self"
run 2 "it is no copy of $source: their system identifiers differ" --primary "$source"
primary_says timeline=4 >"$D/source/q.self"
run 1 "it follows timeline 3, the primary is on 4" --primary "$source"
primary_says recovery=t >"$D/source/q.self"
run 1 "it is no primary, but a standby itself" --primary "$source"
primary_says >"$D/source/q.self"
cp "$D/source/q.self" "$D/q.self"
run 2 "are both primaries: split brain" --primary "$source"
run 2 "it is no standby: it was promoted" --role standby
standby
echo '!hang' >"$D/source/hello"
in_time 2 "$source: no answer in time while connecting" --primary "$source" -t 2
says "$own is 0 s behind"
rm "$D/source/hello"

# --- a primary
primary_says >"$D/q.self"
: >"$D/q.receiver"
run 2 "nothing is replicated here"
copy >"$D/q.standby"
run 0 "db2 is 0 s behind"
run 2 "db3: this standby is not connected" --standby db2 --standby db3
{ copy; copy application_name=db3 lag_s=90 bytes=100; } >"$D/q.standby"
run 1 "db3 is 90 s behind"
says "bytes=100B standbys=2"
copy state=catchup >"$D/q.standby"
run 1 "db2: it is not streaming, but in catchup"
copy heard=50 >"$D/q.standby"
run 1 "db2: this standby said nothing for 50 s"
copy state=NULL >"$D/q.standby"
run 3 "grant it pg_monitor"
copy state=backup >"$D/q.standby"
run 2 "nothing is replicated here"
primary_says sync_names=db2 >"$D/q.self"
copy >"$D/q.standby"
run 2 "no synchronous standby is connected: commits wait"
copy sync_state=quorum >"$D/q.standby"
run 0 "db2 is 0 s behind"
primary_says >"$D/q.self"
# what PostgreSQL calls replay_lag stands still while replay is paused
copy bytes=5000 lag_s=0.009 >"$D/q.standby"
run 0 "db2 is"
ago 1200
run 2 "db2 is 20 min behind"
copy >"$D/q.standby"
slot
run 0 "slot_bytes=4096B"
slot active=f kept=5000000000
run 1 "nobody reads slot s1, which keeps 5 GB of WAL"
run 0 "slot_bytes=U" --ignore-slot s1
slot wal_status=unreserved
run 1 "slot s1 is about to be lost"
slot wal_status=lost active=f kept=NULL
run 2 "slot s1 is lost"
slot invalidation_reason=idle_timeout
run 2 "slot s1 is lost: its reader has to be made anew, idle_timeout"
slot temporary=t active=f
run 0 ""
slot active=f
standby
receiver
: >"$D/q.standby"
run 0 "0 s behind"      # a slot that is synchronised to a standby rests there
primary_says >"$D/q.self"
: >"$D/q.slot"

# --- subscriptions
subscription
run 0 "subscription mail is 0 s behind"
says "subscriptions=1"
subscription pid=NULL errors=17
run 2 "its worker does not run; applying failed 17 times"
subscription subenabled=f
run 1 "it is disabled"
subscription syncing=3
run 1 "3 of its tables are not copied yet"
subscription heard=100
run 1 "its publisher said nothing for 100 s"
subscription received_lsn=0/200
run 0 "subscription mail is 0 s behind"
ago 700
run 2 "subscription mail is 12 min behind"
: >"$D/q.subscription"
run 2 "it has no subscription in this database" --role subscriber

# --- the world being broken
standby
receiver
echo '!error 42501 permission denied for <view> pg_stat_wal_receiver|x' >"$D/q.receiver"
run 2 "receiver: permission denied for (view) pg_stat_wal_receiver/x (42501)"
receiver
for fault in hang close garbage flood; do
    echo "!$fault" >"$D/q.self"
    in_time 2 "$own: " -t 2
done
: >"$D/q.self"
run 2 "nothing is replicated here"
standby
echo "!error 53300 sorry, too many clients already" >"$D/hello"
run 2 "too many clients already"
for fault in hang dribble garbage close; do
    echo "!$fault" >"$D/hello"
    in_time 2 "$own: " -t 2
done
rm "$D/hello"
run 2 "server does not support SSL" --tls
echo 9.6.24 >"$D/version"
run 2 "it is older than PostgreSQL 10"
rm "$D/version"

# --- options
run 3 "--primary is for a standby" --role primary --primary "$source"
run 3 "this is no port" --primary db1:x
run 3 "password in $D/nothing" --password-file "$D/nothing"
"$BUILD/plugins/check_replication_pgsql" >"$D/out"
is $? 3 "nobody to ask: UNKNOWN"
says "whom to ask?"
$check --json >"$D/json"
/usr/bin/python3 -c "
import json
a = json.load(open('$D/json'))
assert a['state'] == 'OK' and a['copies'] == [{'copy': '$own', 'lag': 0, 'silent': 2}], a"
ok $? "--json has the copies"
is "$(cat "$D/fake.err" "$D/source.err")" "" "the servers had no trouble"
done_testing
