#!/bin/sh
# cacti.t - a real Cacti draws the collector's RRDs: what it draws is compared, minute by minute, with them.
#
# Cacti is Debian's, unpacked and not installed, with a MariaDB of its own; network and mounts are the test's.
# LAB=all: set up by its own installer, and its web page seen by a real browser, CACTI_SHOT names where to.
what="Cacti"
: "${BUILD:=build}"
. tests/tap.sh
. tests/lab/lab_test.sh
all=
[ "${LAB:-}" != all ] || all=snmpget   # its installer looks for it
# shellcheck disable=SC2086
lab_needs "$what" php mariadbd mariadb-install-db rrdtool apt-get dpkg $all
for m in mysqli pdo_mysql xml mbstring gd gmp intl; do
    php -m | grep -qix "$m" && continue
    [ -z "${CI:-}" ] || { echo "not ok 1 - PHP has no $m"; echo 1..1; exit 1; }
    skip_all "lab: $what: PHP has no $m; make deps LAB=1"
done
lab_unpack cacti
[ "$LAB" != all ] || lab_unpack cacti php-phpseclib php-twig php-phpmyadmin-motranslator libphp-phpmailer \
    fonts-fork-awesome libjs-chart.js libjs-jquery libjs-jquery-cookie libjs-jquery-hotkeys libjs-jquery-metadata \
    libjs-jquery-tablesorter libjs-jquery-timepicker libjs-jquery-ui libjs-jquery-ui-touch-punch libjs-jquery-colorpicker \
    libjs-jquery-jstree libjs-jquery-ui-theme-smoothness libjs-jquery-ui-theme-south-street \
    libjs-jquery-ui-theme-ui-darkness node-d3 node-dompurify node-ua-parser-js
if [ -z "${CACTI_INSIDE:-}" ]; then
    rm -rf "$d"
    exec env CACTI_INSIDE=1 BUILD="$BUILD" LAB="$LAB" CI="${CI:-}" unshare --mount --net sh "$0"
fi
ip link set lo up
export TZ=UTC LC_ALL=C.UTF-8
# A Cacti without its tables fills all memory. The sanitizers reserve more than that.
# shellcheck disable=SC3045
case $BUILD in *san*) ;; *) ulimit -S -v 4000000 ;; esac
db='' web=''
ends() {
    for pid in $db $web; do
        kill -KILL "$pid" 2>/dev/null
    done
    wait
    rm -rf "$d"
}
trap ends EXIT
trap 'exit 1' HUP INT TERM
chmod 755 "$d"
# shellcheck source=tests/lab/cacti/cacti_test.sh
. tests/lab/cacti/cacti_test.sh
[ "$LAB" = all ] && installer=1 || installer=

# A day of two hosts. Of mx2 there are more block lists than a graph has places, and a host comes later.
sed 's/ mx1 / mx2 /' tests/logs/day/postfix.log >"$d/mx2.log"
"$BUILD/bin/mxgauge" import --state "$d/state" tests/logs/day/postfix.log "$d/mx2.log" >"$d/out" 2>&1
ok $? "a day of two hosts is imported"
chmod -R a+rX "$d/state"
rrd=$d/state/rrd
cp -r "$rrd/mx2" "$d/later"
mkdir "$rrd/%3Ci%3Emx"
for i in 1 2 3 4 5 6 7 8 9; do
    cp "$rrd/mx2/dnsbl-bl.example.org.rrd" "$rrd/%3Ci%3Emx/dnsbl-list$i.example.org.rrd"
done
from=$(date -d 2025-03-11 +%s) to=$(date -d 2025-03-12 +%s)

# registered ARGS...: the script, its status in $rc
registered() {
    cacti/mxgauge-cacti --cacti "$site" --rrd "$rrd" --user nobody "$@" >"$d/out" 2>"$d/err"
    rc=$?
}
# said STATUS TEXT WHAT
said() {
    [ $rc = "$1" ] && cat "$d/out" "$d/err" | grep -qF -- "$2"
    good=$?
    ok $good "$3"
    [ $good = 0 ] || { echo "# status $rc"; tail -n 5 "$d/out" "$d/err" | sed 's/^/# /'; }
}
sums() { find "$rrd" -type f | sort | xargs sha256sum; }
drawn() { sql "select count(*) from graph_local"; }
sources() { sql "select count(*) from data_local"; }

cacti/mxgauge-cacti --cacti "$d/none" --rrd "$rrd" >"$d/out" 2>"$d/err"
rc=$?
said 1 "$d/none is no folder of Cacti" "without a Cacti it says what is missing"
cacti_unpack
registered
said 1 "the database cacti of Cacti at 127.0.0.1: " "without a database too"
cacti_database
cacti_tables
registered
said 1 "was not installed to the end" "and of a Cacti that was not installed to the end"
cacti_set_up $installer
registered
said 1 "the templates are not in Cacti yet" "and without the templates"
printf '<cacti><hash_00' >"$d/half.xml"
registered --templates "$d/half.xml"
said 1 "Cacti imported nothing from" "half a file is not taken for success"

# By Cacti's own command line: its status says nothing.
imported() {
    php "$d/cacti/cli/import_template.php" --filename="$1" >"$d/import" 2>&1
    grep -c '^\[success\]' "$d/import"
}
things=$(grep -cE '^<hash_(00|01|02|03|05|06)' cacti/mxgauge.xml)
is "$(imported cacti/mxgauge.xml)" "$things" "Cacti's command line imports all $things parts of mxgauge.xml"
none "none fails, and PHP has nothing to say" "$(grep -E '^\[|PHP' "$d/import" | grep -v '^\[success\]' | head -n 5)"
is "$(imported cacti/mxgauge.xml)" "$things" "a second time too"
none "which changes nothing" "$(grep '^\[' "$d/import" | grep -v 'unchanged\]$')"
polled=$(grep -cE '^<hash_(00|01|02|03|05|06)' cacti/mxgauge-polled.xml)
is "$(imported cacti/mxgauge-polled.xml)" "$polled" "those of mxgauge-polled.xml are imported"
lists=$(grep -cE '^<hash_(00|01|02|03|05|06)' cacti/mxgauge-polled-lists.xml)
is "$(imported cacti/mxgauge-polled-lists.xml)" "$lists" "and of mxgauge-polled-lists.xml"

registered --dry-run
said 0 "would: new device mx1" "a dry run says what it would do"
is "$(drawn)" 0 "and does nothing"
registered
said 0 "4 hosts" "hosts are registered"
none "without a word of trouble" "$(cat "$d/err")"
is "$(sql "select count(*) from data_local where data_template_id > 0")" "$(find "$rrd" -name '*.rrd' | wc -l)" \
    "each RRD is one data source"
first=$(drawn)
registered
said 0 "$first graphs: nothing to change" "a second run has nothing to change"
is "$(sql "select count(*) from graph_local gl join host h on h.id = gl.host_id where h.description = '<i>mx'")" 4 \
    "nine block lists take two graphs, and two of their latency"
is "$(sql "select group_concat(text_format order by sequence) from graph_templates_item gti join graph_templates_graph g using (local_graph_id)
    where g.title_cache = '<i>mx: Block lists (2)' and color_id > 0 and graph_type_id <> 30")" list9.example.org "the second has the ninth"

devices="Mail farm,mx2"
[ "$LAB" != all ] || devices="Mail farm,mx1,mx2"
php tests/lab/cacti/export.php "$site" "$from" "$to" "$d/export" "$devices" >"$d/out" 2>&1
none "Cacti draws all graphs of $devices" "$(cat "$d/out")"
/usr/bin/python3 tests/lab/cacti/compare.py "$d/export" "$rrd" rrd-templates "$d/state" "$BUILD/bin/mxgauge" "$devices" \
    >"$d/diff" 2>"$d/sizes"
ok $? "what it draws was compared: $(cat "$d/sizes")"
none "it is what mxgauge graph draws: titles, units, colours, legends, minutes, maxima; and what the state counts" "$(head -n 20 "$d/diff")"

before=$(sums)
for run in first second; do
    php "$site/poller.php" --force >"$d/poller" 2>&1
    grep -q "SYSTEM STATS.*DataSources:0 " "$d/poller"
    ok $? "its poller runs, the $run time, and asks for nothing of the collector's"
done
is "$(sums)" "$before" "it has not touched the collector's RRDs"
none "nor made any of its own" "$(find "$site/rra" -type f)"

# What changes.
cp -r "$d/later" "$rrd/mx3"
cp "$rrd/mx1/dnsbl-bl.example.org.rrd" "$rrd/%3Ci%3Emx/dnsbl-list91.example.org.rrd"
registered
said 0 "new device mx3" "a host that came later is registered"
none "no other device is touched, but for the new block list" \
    "$(grep -E '^(new|attach|complete)' "$d/out" | grep -v mx3 | grep -v list91 | grep -v '^complete <i>mx: .*Block lists')"
sql "update graph_templates_item set text_format = 'a block list' where color_id > 0 and text_format like '%example.org'"
registered
said 0 "complete mx1: " "legends that a template was pushed over are set again"
sed 's/>delivered to mailboxes</>delivered here</; s/>D55E00</>D55E01</' cacti/mxgauge.xml >"$d/new.xml"
registered --templates "$d/new.xml"
said 0 "bring graphs up to date: mxgauge - Mail flow - What became of accepted mail" "an upgrade of the templates reaches graphs that exist"
is "$(sql "select count(*) from graph_templates_item where local_graph_id > 0 and text_format = 'delivered here'")" 4 "in all of them"
registered --templates cacti/mxgauge.xml
said 0 "updated" "and back"
registered
said 0 "nothing to change" "then there is nothing to change"
devices=$(sql "select count(*) from host")
sql "update host set description = 'relay of the north' where description = 'mx3'"
registered
said 0 "nothing to change" "a device that was renamed is known by its host name"
rm -r "$rrd/mx3"
registered
said 0 "gone: $rrd/mx3/flow.rrd of the device relay of the north; nothing was deleted" "a host that is gone is named"
is "$(sql "select count(*) from host")" "$devices" "and its device stays"
chmod 700 "$d/state"
registered
said 1 "nobody may not read $rrd/" "RRDs that the web server may not read are named"
said 1 "the folder $d/state is 0700 of the group" "and what is in its way"
chmod 755 "$d/state"
touch "$rrd/mx1/other.rrd"
registered
said 1 "mx1/other.rrd: there is no template of it in Cacti" "so is an RRD without a template"
rm "$rrd/mx1/other.rrd"

# Cacti's own poller asks mxgauge. Today's lines, up to now.
now=$(date +%s)
today=$(date +%F)
sed "s/^2025-03-11/$today/" tests/logs/day/postfix.log | awk -v until="$(date -d "@$now" +%FT%T)" '$1 < until' >"$d/today.log"
mkdir "$d/run"
"$BUILD/bin/mxgauge" import --state "$d/run/state" "$d/today.log" >"$d/out" 2>&1
printf '#!/bin/sh\ncommand=$1\nshift\nexec %s "$command" --state %s "$@"\n' "$BUILD/bin/mxgauge" "$d/run/state" >"$d/run/mxgauge"
chmod 755 "$d/run/mxgauge"
"$BUILD/bin/mxgauge" cacti-templates --out "$d/run/xml" --program "$d/run/mxgauge" >"$d/out"
is "$(imported "$d/run/xml/mxgauge-polled.xml")" "$polled" "templates that name another program are imported"
template=$(sql "select id from host_template where name = 'mxgauge, polled - Mail server'")
php "$d/cacti/cli/add_device.php" --description="mx1 polled" --ip=mx1.example.org --template="$template" --version=0 --avail=none >"$d/out" 2>&1
grep -q Success "$d/out"
ok $? "a device of the polled template"
polled_graphs() {
    sql "select count(*) from graph_local gl join host h on h.id = gl.host_id where h.description = 'mx1 polled'"
}
if [ "$(polled_graphs)" = 0 ]; then
    host=$(sql "select id from host where description = 'mx1 polled'")
    for id in $(sql "select graph_template_id from host_template_graph where host_template_id = $template"); do
        php "$d/cacti/cli/add_graphs.php" --graph-type=cg --graph-template-id="$id" --host-id="$host" >>"$d/out" 2>&1
    done
fi
is "$(polled_graphs)" "$(sql "select count(*) from host_template_graph where host_template_id = $template")" \
    "its graphs are made by Cacti's own command line"
php "$site/poller.php" --force >"$d/poller" 2>&1
php "$site/poller.php" --force >"$d/poller" 2>&1
wrote=$(find "$site/rra" -name '*.rrd' | wc -l)
is "$wrote" "$(sql "select count(*) from data_local dl join host h on h.id = dl.host_id where h.description = 'mx1 polled'")" \
    "its poller asks mxgauge and writes RRDs of its own"
none "in which each count is what mxgauge says" "$(
    for t in flow conn reject tempfail remote collector; do
        "$d/run/mxgauge" cacti-value --host mx1 $t
    done | tr ' :' '\n ' | sort -u >"$d/want"
    find "$site/rra" -name '*.rrd' | while read -r f; do
        rrdtool info "$f" | awk -F '[][" ]+' '/^ds\[.*\.last_ds/ { print $2, $5 }'
    done | grep -vE '^(delay|q)_' | sort -u >"$d/got"
    comm -23 "$d/got" "$d/want")"
[ "$(wc -l <"$d/got")" -gt 100 ]
ok $? "all $(wc -l <"$d/got") that are drawn"
[ "$(awk '$1 == "lines" { print $2 }' "$d/want")" = "$(wc -l <"$d/today.log")" ]
ok $? "which is what happened this month"

if [ "$LAB" = all ] && ! command -v chromium >/dev/null 2>&1; then
    ok 0 "a browser sees the graphs # SKIP chromium is missing"
elif [ "$LAB" = all ]; then
    sql "replace into settings values ('auth_method', '1'), ('guest_user', '3'); update user_auth set enabled = 'on',
        must_change_password = '' where id in (1, 3); replace into user_auth_realm (realm_id, user_id) values (7, 3)"
    php -d display_errors=0 -S 127.0.0.1:8080 -t "$site" >"$d/web" 2>&1 &
    web=$!
    tries=0
    until grep -q started "$d/web" || [ $tries -gt 100 ]; do
        tries=$((tries + 1))
        sleep 0.1
    done
    shot=${CACTI_SHOT:-$d/shot.png}
    # shellcheck disable=SC3045
    ulimit -S -v unlimited
    chromium --headless=new --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update \
        --disable-sync --disable-default-apps --host-resolver-rules="MAP * ~NOTFOUND, EXCLUDE 127.0.0.1" \
        --user-data-dir="$d/profile" --window-size=1900,1600 --virtual-time-budget=15000 --screenshot="$shot" \
        "http://127.0.0.1:8080/graph_view.php?action=preview&reset=1" >"$d/chromium" 2>&1
    [ "$(head -c 4 "$shot" | tail -c 3)" = PNG ] && [ "$(wc -c <"$shot")" -gt 60000 ]
    ok $? "a browser sees the graphs"
fi
done_testing
