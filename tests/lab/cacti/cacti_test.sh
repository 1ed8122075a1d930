# cacti_test.sh - a Cacti of Debian in a folder, with a MariaDB of its own: for cacti.t.
# shellcheck shell=sh disable=SC2154  # d, ROOT: of lab_test.sh
site=$d/cacti/site

# cacti_database: an empty one, on loopback of this network namespace; its pid is in $db
cacti_database() {
    mkdir "$d/db"
    chown nobody "$d/db"
    mariadb-install-db --no-defaults --user=nobody --datadir="$d/db/d" --auth-root-authentication-method=normal \
        --skip-test-db >"$d/db.out" 2>&1 || { sed 's/^/# /' "$d/db.out"; exit 1; }
    mariadbd --no-defaults --user=nobody --datadir="$d/db/d" --socket="$d/db/s" --port=3306 --bind-address=127.0.0.1 \
        --pid-file="$d/db/pid" --log-error="$d/db/err" --innodb-buffer-pool-size=64M --innodb-log-file-size=16M \
        --innodb-flush-log-at-trx-commit=0 --skip-name-resolve 2>/dev/null &
    db=$!
    tries=0
    until mariadb-admin --no-defaults -u root -S "$d/db/s" ping >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ $tries -lt 300 ] || { tail -n 5 "$d/db/err"; exit 1; }
        sleep 0.1
    done
}

# sql STATEMENTS: columns by tabs, no heading
sql() {
    mariadb --no-defaults -u root -S "$d/db/s" -N cacti -e "$1"
}

# cacti_unpack: the tree of the packages below $ROOT, with folders of its own for what it writes
cacti_unpack() {
    cp -r "$ROOT/usr/share/cacti" "$d/cacti"
    # what the package links to, and where there is something to link to
    find "$d/cacti" -type l | while read -r link; do
        to=$(readlink "$ROOT/usr/share/cacti/${link#"$d/cacti/"}")
        case $to in /*) at=$ROOT$to ;; *) at=$(dirname "$ROOT/usr/share/cacti/${link#"$d/cacti/"}")/$to ;; esac
        rm "$link"
        if [ -e "$at" ]; then ln -s "$(readlink -f "$at")" "$link"; fi
    done
    rm -rf "$site/log" "$site/rra" "$site/cache"
    mkdir -p "$site/log" "$site/rra" "$site/cache/boost" "$site/cache/mibcache" "$site/cache/realtime" "$site/cache/spikekill"
    cat >"$site/include/config.php" <<PHP
<?php
\$database_type = 'mysql'; \$database_default = 'cacti'; \$database_hostname = '127.0.0.1'; \$database_port = '3306';
\$database_username = 'cacti'; \$database_password = 'cacti'; \$database_retries = 1; \$database_ssl = false;
\$database_ssl_key = \$database_ssl_cert = \$database_ssl_ca = ''; \$database_persist = false; \$poller_id = 1;
\$url_path = '/'; \$cacti_session_name = 'Cacti'; \$cacti_db_session = false; \$disable_log_rotation = true;
\$path_csrf_secret = '$d/csrf.php'; \$proxy_headers = null;
PHP
}

# cacti_tables: as they come with it
cacti_tables() {
    mariadb --no-defaults -u root -S "$d/db/s" -e "set global sql_mode=''; create database cacti default charset utf8mb4
        collate utf8mb4_unicode_ci; create user cacti@'127.0.0.1' identified by 'cacti'; grant all on cacti.* to
        cacti@'127.0.0.1'; grant select on mysql.time_zone_name to cacti@'127.0.0.1'"
    mariadb --no-defaults -u root -S "$d/db/s" cacti <"$d/cacti/conf_templates/cacti.sql" || exit 1
}

# cacti_set_up [INSTALLER]: ready for use. Its own installer takes half a minute; what it does besides is not
# needed here. In a real network the discovery of new devices would begin at once.
cacti_set_up() {
    sql "replace into settings values ('path_cactilog', '$site/log/cacti.log'), ('path_rrdtool', '/usr/bin/rrdtool'),
        ('path_php_binary', '$(command -v php)'), ('rrdtool_version', '1.7.2')"
    if [ -n "${1:-}" ]; then
        php "$d/cacti/cli/install_cacti.php" --accept-eula --install --force >"$d/install.out" 2>&1
        sql "replace into settings values ('path_cactilog', '$site/log/cacti.log')"
    else
        sql "update version set cacti = '$(cat "$site/include/cacti_version")'"
    fi
    sql "update automation_networks set enabled = ''"
}
