#!/bin/sh
# copies.sh - check_replication_* beside the usual plugins, against real pairs on this machine.
#
#	sudo RUNS=50 sh bench/copies.sh
#
# Needs root, for namespaces, and the daemons of the lab. As markdown on stdout; a plugin that is not
# installed is left out, a daemon that is missing takes its part along.
# shellcheck disable=SC2154,SC1090  # of pair_test.sh
set -u
cd "$(dirname "$0")/.." || exit 1
: "${BUILD:=build}" "${RUNS:=50}"
export RUNS
if [ -z "${KIND:-}" ]; then
    echo "| what | ms | CPU ms | peak MB | exit |"
    echo "|---|--:|--:|--:|--:|"
    for KIND in mysql pgsql ldap imap; do
        KIND=$KIND sh "bench/copies.sh" || echo "| check_replication_$KIND: not measured | | | | |"
    done
    exit 0
fi
for dir in /usr/lib/postgresql/*/bin; do PATH=$PATH:$dir; done
export PATH KIND
case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
d=$(mktemp -d) || exit 1
pair_check=check_replication_$KIND
# shellcheck source=tests/lab/pair_test.sh
. tests/lab/pair_test.sh
. "tests/lab/pair_$KIND.sh"
for plugins in /usr/lib/nagios/plugins /usr/lib/monitoring-plugins; do
    [ ! -d "$plugins" ] || break
done
export MXGAUGE_PASSWORD=guess PGPASSWORD=guess
set --
# compare NAME COMMAND: unless it is missing
compare() { [ -x "${2%% *}" ] && words="$words|$1|$2"; }
words=
always="-H 10.99.0.2 -u monitor"
case $KIND in
mysql)
    follow master_delay=0
    always="$always -p 13306"
    printf '[client]\nuser=monitor\npassword=guess\nhost=10.99.0.2\nport=13306\n' >"$d/my.cnf"
    compare "check_replication_mysql" "$check $always"
    compare "check_replication_mysql --source" "$check $always --source 10.99.0.1"
    compare "check_mysql -S" "$plugins/check_mysql -S -H 10.99.0.2 -P 13306 -u monitor -p guess"
    compare "check_mysql_health" "$plugins/check_mysql_health --hostname 10.99.0.2 --port 13306 --username monitor --password guess --mode slave-lag"
    compare "pmp-check-mysql-replication-delay" "$plugins/pmp-check-mysql-replication-delay -H 10.99.0.2 -P 13306 -l monitor -p guess"
    ;;
pgsql)
    always="$always -p 15432"
    compare "check_replication_pgsql" "$check $always"
    compare "check_replication_pgsql --primary" "$check $always --primary 10.99.0.1:15431"
    compare "check_pgsql (connects only)" "$plugins/check_pgsql -H 10.99.0.2 -P 15432 -l monitor -d postgres"
    compare "check_postgres" "/usr/bin/check_postgres --action=hot_standby_delay --host=10.99.0.1,10.99.0.2 --port=15431,15432 --dbuser=monitor --dbname=postgres --critical=100000000"
    ;;
ldap)
    always="-b dc=example,dc=org -p 13389 -H 10.99.0.1 -H 10.99.0.2"
    compare "check_replication_ldap, two servers" "$check $always"
    compare "check_ldap (one search, no lag)" "$plugins/check_ldap -H 10.99.0.2 -p 13389 -b dc=example,dc=org -3"
    ;;
imap)
    until_so 20 put 1 first && copy
    always="-u probe -p 10143 --cleartext -H 10.99.0.1 -H 10.99.0.2"
    compare "check_replication_imap, two servers" "$check $always"
    compare "check_imap (banner only)" "$plugins/check_imap -H 10.99.0.2 -p 10143"
    ;;
esac
# shellcheck disable=SC2086
until_so 60 "$check" $always || { "$check" $always | sed 's/^/# /'; exit 1; }
IFS='|'
# shellcheck disable=SC2086
set -- ${words#|}
unset IFS
"$BUILD/bench/measure" -n "$RUNS" "$@" |
    awk -F '\t' '{ printf "| %s | %.1f | %.1f | %.1f | %s |\n", $1, 1000 * $2, 1000 * $3, $4 / 1024, $5 }'
