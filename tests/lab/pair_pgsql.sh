# pair_pgsql.sh - PostgreSQL: a primary (1) at the far end, its standby (2), a subscriber (3) of its own.
# shellcheck shell=sh disable=SC2154  # of pair_test.sh
sh tests/fake/certs.sh "$d" >/dev/null 2>&1
chown nobody "$d" "$d/good.pem" "$d/good.key"
user="setpriv --reuid nobody --regid nogroup --clear-groups env HOME=$d"
timeout 120 $user initdb -D "$d/1" -A trust -U postgres --no-sync >"$d/initdb" 2>&1 || { sed 's/^/# /' "$d/initdb"; exit 1; }
cat >>"$d/1/postgresql.conf" <<CONF
unix_socket_directories = '$d'
wal_level = logical
max_wal_senders = 5
fsync = off
shared_buffers = 16MB
wal_retrieve_retry_interval = 1s
listen_addresses = '*'
ssl = on
ssl_cert_file = '$d/good.pem'
ssl_key_file = '$d/good.key'
CONF
cat >"$d/1/pg_hba.conf" <<HBA
local all all trust
host replication copier 10.99.0.0/24 scram-sha-256
host replication all 10.99.0.0/24 trust
host all repl 10.99.0.0/24 trust
host all all 10.99.0.0/24 scram-sha-256
HBA
cp -a "$d/1" "$d/3"
for i in 1 2 3; do echo "port = 1543$i"; done >"$d/ports"
# begin N: the server runs, and its pid is in $pid
begin() {
    wrap=
    [ "$1" != 1 ] || wrap="nsenter --target $far --net"
    # shellcheck disable=SC2086
    $wrap $user pg_ctl -D "$d/$1" -l "$d/log.$1" -w -t 60 -o "-p 1543$1" start >"$d/ctl.$1" 2>&1 ||
        { sed 's/^/# /' "$d/ctl.$1" "$d/log.$1"; exit 1; }
    pid=$(head -n 1 "$d/$1/postmaster.pid")
    pids="$pids $pid"
}
sql() { # N STATEMENTS
    timeout -k 1 60 psql -X -q -A -t -h "$d" -p "1543$1" -U postgres -d postgres -c "$2"
}
begin 1
primary=$pid
sql 1 "create role repl superuser login; create table t (id int primary key, n int); create publication p for table t;
    create role monitor login password 'guess'; grant pg_monitor to monitor; create role nobody login password 'guess'"
timeout 120 $user pg_basebackup -h 10.99.0.1 -p 15431 -U repl -D "$d/2" -X stream -c fast -R -C -S standby1 >"$d/copy" 2>&1 ||
    { sed 's/^/# /' "$d/copy"; exit 1; }
echo "primary_conninfo = 'host=10.99.0.1 port=15431 user=repl application_name=db2'" >>"$d/2/postgresql.auto.conf"
begin 2
standby=$pid
begin 3
sql 3 "create table t (id int primary key, n int);
    create role monitor login password 'guess'; grant pg_monitor to monitor;"
sql 3 "create subscription s connection 'host=10.99.0.1 port=15431 user=repl dbname=postgres' publication p" 2>/dev/null
# family PID: it and its children
family() { echo "$1 $(ps -o pid= --ppid "$1")"; }
