#!/bin/sh
# copies.sh - check_replication_* beside the usual plugins, against real pairs on this machine, trees and files.
#
#	sudo RUNS=50 sh bench/copies.sh
#
# Needs root, for namespaces, and the daemons of the lab. As markdown on stdout; a plugin that is not
# installed is left out, a daemon that is missing takes its part along. FILES: how many the trees have. check_clamav
# of Debian is left out, as it asks a name server of the Internet for the newest version.
# shellcheck disable=SC2154,SC1090  # of pair_test.sh
set -u
cd "$(dirname "$0")/.." || exit 1
: "${BUILD:=build}" "${RUNS:=50}" "${FILES:=5000}"
export RUNS FILES
if [ -z "${KIND:-}" ]; then
    echo "| what | ms | CPU ms | peak MB | exit |"
    echo "|---|--:|--:|--:|--:|"
    for KIND in mysql pgsql ldap imap files data; do
        KIND=$KIND sh "bench/copies.sh" || echo "| check_replication_$KIND: not measured | | | | |"
    done
    exit 0
fi
for dir in /usr/lib/postgresql/*/bin; do PATH=$PATH:$dir; done
export PATH KIND
case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
d=$(mktemp -d) || exit 1
pair_check=check_replication_$KIND
# shellcheck source=tests/tap.sh
. tests/tap.sh
case $KIND in
files | data)
    check=$BUILD/plugins/$pair_check
    export NAGIOS_PLUGIN_STATE_DIRECTORY="$d"
    trap 'rm -rf "$d"' EXIT
    trap 'exit 1' HUP INT TERM
    cd "$d" || exit 1
    ;;
*)
    replicates=yes	# of Dovecot
    # shellcheck source=tests/lab/pair_test.sh
    . tests/lab/pair_test.sh
    . "tests/lab/pair_$KIND.sh"
    ;;
esac
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
    printf '#!/bin/sh\nexec /usr/bin/doveadm -c %s/2.conf "$@"\n' "$d" >"$d/doveadm"
    chmod +x "$d/doveadm"
    compare "check_replication_imap --replicator" "$check --replicator --doveadm $d/doveadm"
    compare "doveadm replicator status, one of the three that it asks" "$d/doveadm replicator status"
    ;;
files) # two trees on one disk, of files of 4 KB
    mkdir tree
    i=0
    while [ $i -lt "$FILES" ]; do
        [ $((i % 100)) != 0 ] || mkdir "tree/$((i / 100))"
        head -c 4096 /dev/urandom >"tree/$((i / 100))/$i"
        i=$((i + 1))
    done
    cp -a tree copy
    (cd copy && "$check" --print --tree .) >"$d/manifest"
    (cd tree && find . -type f -exec sha256sum {} +) >"$d/sums"
    cd tree || exit 1
    always="--tree . --manifest $d/manifest"
    compare "check_replication_files, $FILES files with a manifest" "$check $always"
    compare "check_replication_files --print" "$check --print --tree ."
    compare "check_replication_files, two manifests" "$check --manifest $d/manifest --manifest $d/manifest"
    compare "sha256sum -c (no files that are too many)" "/usr/bin/sha256sum --quiet -c $d/sums"
    compare "rsync -n -a --checksum --delete, both trees here" "/usr/bin/rsync -n -a --checksum --delete ./ ../copy/"
    compare "diff -rq, both trees here" "/usr/bin/diff -rq . ../copy"
    ;;
data)
    printf '%-512s' "ClamAV-VDB:07 Nov 2026 03-30 -0500:27502:2067890:90:0123456789abcdef0123456789abcdef:SIG/+a:x:$(date +%s)" >daily.cvd
    printf '# UPDATE version 1900123\nscore X 1\n' >updates_example_org.cf
    seq -f '127.0.0.2:%.0f' 20000 >list
    "$check" --print --file "$d/[dlu]*" >mx1
    cp mx1 mx2
    always="--file $d/daily.cvd"
    compare "check_replication_data, one database" "$check $always"
    compare "check_replication_data, three files, SHA-256 of one" "$check --file $d/[dlu]*"
    compare "check_replication_data, two machines" "$check mx1=$d/mx1 mx2=$d/mx2"
    compare "check_file_age, one file" "$plugins/check_file_age -w 604800 -c 2592000 -f $d/daily.cvd"
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
