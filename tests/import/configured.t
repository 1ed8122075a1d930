#!/bin/sh
# mxgauge import goes by the configuration: names of hosts, how long things are kept, where the
# RRDs are. What mxgauged finds then is as if it had read the files itself.
set -u
. tests/tap.sh
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
tool=$BUILD/bin/mxgauge

# A mail of the 1st and one of the 21st of November, more than keep_mails' default apart.
mail() { # ID DAY HOST
    printf '2026-11-%sT10:00:0%s+00:00 %s postfix/%s\n' \
        "$2" 0 "$3" "smtpd[7]: $1: client=mx.far.example[192.0.2.9]" \
        "$2" 1 "$3" "cleanup[8]: $1: message-id=<$1@far.example>" \
        "$2" 1 "$3" "qmgr[9]: $1: from=<anna@far.example>, size=900, nrcpt=1 (queue active)" \
        "$2" 2 "$3" "smtp[10]: $1: to=<bert@example.org>, relay=store.example.org[192.0.2.5]:25, delay=2, delays=1/0/0/1, dsn=2.0.0, status=sent (250 2.0.0 Ok)" \
        "$2" 2 "$3" "qmgr[9]: $1: removed"
}
mail 3AAAAAAAAA 01 old-mx1.example.org >"$d/one"
mail 3BBBBBBBBB 21 mx1 >"$d/two"
touch -d 2026-11-01T10:00:02Z "$d/one"
touch -d 2026-11-21T10:00:02Z "$d/two"
cat >"$d/conf" <<EOF
state = $d/state
rrd_dir = $d/rrd
keep_mails = 60d
host_alias = { "old-mx1=mx1" }
source a { files = { $d/none } }
EOF

"$tool" import --config "$d/conf" "$d/one" >"$d/out" 2>&1 && test -f "$d/state/state.db"
ok $? "--config names the state, too"
"$tool" import --config "$d/conf" --state "$d/state" "$d/two" >>"$d/out" 2>&1
ok $? "a later file"
sed 's/^/# /' "$d/out"
"$tool" report --state "$d/state" --json | grep -q '"hosts":{"mx1":{[^{]*}}}'
ok $? "host_alias: both are one host"
"$tool" trace --state "$d/state" 3AAAAAAAAA 2>&1 | grep -q 'delivered to bert@example.org'
ok $? "keep_mails: the old mail can be traced still"
test -f "$d/rrd/mx1/flow.rrd" && test ! -e "$d/state/rrd"
ok $? "rrd_dir: the RRDs are where mxgauged writes them"

"$tool" import --config "$d/conf" --state "$d/other" "$d/one" >"$d/out" 2>&1 &&
    test -f "$d/other/rrd/mx1/flow.rrd"
ok $? "of another state the RRDs are beside it"
"$tool" import --config "$d/conf" --state "$d/other" "$d/two" >"$d/out" 2>&1 &&
    "$tool" trace --state "$d/other" 3AAAAAAAAA 2>&1 | grep -q 'delivered to bert@example.org'
ok $? "keep_mails holds there, too"
sed 's/^state.*/state = new/; s/^rrd_dir.*/rrd_dir = newrrd/' "$d/conf" | sed "s| = new| = $d/new|" >"$d/conf4"
"$tool" import --config "$d/conf4" --state "$d/new/" "$d/one" >"$d/out" 2>&1 && test -f "$d/newrrd/mx1/flow.rrd"
ok $? "another name of the configured state means that, though it was not there before"

if [ "$(id -u)" -eq 0 ]; then
    user=$(id -nu 65534)
    chmod 755 "$d" && mkdir "$d/theirs" "$d/roots" && chown 65534 "$d/theirs"
    printf 'state = %s\nrrd_dir = %s\nuser = %s\nsource a { files = { %s } }\n' "$d/theirs" "$d/roots/rrd" "$user" \
        "$d/none" >"$d/conf3"
    # the leak sanitizer cannot look at a process that gave up its rights
    ASAN_OPTIONS=detect_leaks=0 "$tool" import --config "$d/conf3" "$d/one" >"$d/out" 2>&1 &&
        test "$(stat -c %U "$d/roots/rrd")" = "$user"
    ok $? "root makes rrd_dir for the account, as mxgauged does"
    mkdir "$d/empty" && sed "s|^state.*|state = $d/empty/state|; s|^rrd_dir.*|rrd_dir = $d/empty/rrd|" "$d/conf3" >"$d/conf5"
    chmod 755 "$d/empty"
    "$tool" import --config "$d/conf5" "$d/one" >"$d/out" 2>&1
    got=$(stat -c %U "$d/empty/state/state.db" "$d/empty/rrd/mx1/flow.rrd" "$d/empty/rrd/old-mx1/flow.rrd" 2>/dev/null | uniq)
    is "$got" "$user" "and the state, where mxgauged never ran: it can go on with it"
fi

# Two machines of one short name: a whole name means that machine alone, and is that of its short name, too.
host() { # HOST
    printf '2026-11-21T10:00:00+00:00 %s postfix/smtpd[7]: connect from a.far.example[192.0.2.9]\n' "$1"
}
for h in mx1.dc1.example.org mx1.dc2.example.org MX1.DC2.example.org. filter.dc2.example.org filter 192.0.2.7; do
    host "$h"
done >"$d/three"
sed 's/^host_alias.*/host_alias = { "mx1.dc2.example.org=mx1-dc2", "filter.dc2.example.org=f2", "192.0.2.7=mx7" }/' \
    "$d/conf" >"$d/conf2"
"$tool" import --no-rrd --config "$d/conf2" --state "$d/twins" "$d/three" >"$d/out" 2>&1
got=$("$tool" status --state "$d/twins" | sed -n '/^Hosts/,/^$/s/^  \([^ ]*\) .*ago *\([0-9]*\) .*/\1=\2/p' | tr '\n' ' ')
is "$got" "f2=2 mx1=1 mx1-dc2=2 mx7=1 " "host_alias: a name with its domain is of one machine"
done_testing
