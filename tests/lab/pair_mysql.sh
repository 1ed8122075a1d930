# pair_mysql.sh - a pair of MariaDB: $source at the far end, and $replica, which is none yet (follow).
# shellcheck shell=sh disable=SC2154,SC2034  # of pair_test.sh; of the test
sh tests/fake/certs.sh "$d" >/dev/null 2>&1
mkdir "$d/1"
chown nobody "$d/1" "$d/good.pem" "$d/good.key"
timeout 120 mariadb-install-db --no-defaults --user=nobody --datadir="$d/1/d" --auth-root-authentication-method=normal \
    --skip-test-db >"$d/install" 2>&1 || { sed 's/^/# /' "$d/install"; exit 1; }
cp -a "$d/1" "$d/2"

# daemon N OPTIONS...: start it; its pid is in $pid
daemon() {
    i=$1
    shift
    far_or_here=
    [ "$i" != 1 ] || far_or_here="nsenter --target $far --net"
    # shellcheck disable=SC2086
    $far_or_here mariadbd --no-defaults --user=nobody --datadir="$d/$i/d" --socket="$d/$i/s" --port=13306 \
        --bind-address="10.99.0.$i" --pid-file="$d/$i/pid" --server-id="$i" --log-bin="$d/$i/d/bin" \
        --relay-log="$d/$i/d/relay" --log-error="$d/$i/err" --innodb-buffer-pool-size=32M \
        --innodb-log-file-size=8M --innodb-flush-log-at-trx-commit=0 --skip-name-resolve --log-slave-updates \
        --ssl-cert="$d/good.pem" --ssl-key="$d/good.key" --event-scheduler=on "$@" 2>/dev/null &
    pid=$!
    pids="$pids $pid"
}
sql() { # N STATEMENTS
    timeout -k 1 60 mariadb --no-defaults --skip-ssl -u root -S "$d/$1/s" -N -e "$2"
}
daemon 1
source=$pid
daemon 2 --read-only=1
replica=$pid
until_so 60 sql 1 'select 1' && until_so 60 sql 2 'select 1' || { tail -n 5 "$d"/[12]/err; exit 1; }

for i in 1 2; do
    sql $i "set sql_log_bin=0;
        create user monitor@'10.99.0.%' identified by 'guess';
        grant slave monitor, binlog monitor, process on *.* to monitor@'10.99.0.%';
        create user nobody@'10.99.0.%' identified by 'guess';
        create user repl@'10.99.0.%' identified by 'repl';
        grant replication slave on *.* to repl@'10.99.0.%';"
done
sql 1 "create database mail; create table mail.t (id int primary key, n int);
    create table mail.heartbeat (server_id int unsigned primary key, ts datetime(6) not null);
    grant select on mail.heartbeat to monitor@'10.99.0.%';
    create event mail.beat on schedule every 1 second do replace into mail.heartbeat values (@@server_id, utc_timestamp(6));"
follow() { sql 2 "stop slave; change master to master_host='10.99.0.1', master_port=13306, master_user='repl',
    master_password='repl', master_use_gtid=slave_pos, master_connect_retry=1, $1; start slave;"; }
