#!/bin/sh
# migrate.t - a state that an earlier release wrote is brought up to date by who may write it,
# with every figure as it was; or stays as it is. state-5/: the database as text, and the log
# that it was made of.
set -u
. tests/tap.sh
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT

# figures: what the report says; an old state does not know whose lines it read
figures() {
    "$BUILD/bin/mxgauge" report --state "$1" --json | sed 's/"copies":[0-9]*//; s/"programs":{.*},"hosts"//'
}

cp tests/collector/state-5/mail.log "$d/"
mkdir "$d/old"
sqlite3 "$d/old/state.db" <tests/collector/state-5/state.sql
"$BUILD/bin/mxgauge" report --state "$d/old" >"$d/out" 2>&1
ok $(($? == 0)) "who only reads does not touch an old state"
grep -q 'older release (version 5, .*): start mxgauged or run "mxgauge import"' "$d/out"
ok $? "but says what to do"

# a step fails: all is as before
cp -R "$d/old" "$d/broken"
sqlite3 "$d/broken/state.db" "CREATE TABLE run(x)"
"$BUILD/bin/mxgauge" import --no-rrd --state "$d/broken" --tz UTC --year 2026 "$d/mail.log" >"$d/out" 2>&1
ok $(($? == 0)) "a step that fails is an error"
is "$(sqlite3 "$d/broken/state.db" "SELECT value FROM meta WHERE key='version'; SELECT name FROM pragma_table_info('host') WHERE name='skew'")" \
    5 "and leaves the state in its old version"

"$BUILD/bin/mxgauge" import --no-rrd --state "$d/old" --tz UTC --year 2026 "$d/mail.log" >"$d/out" 2>&1
ok $? "import brings it up to date"
grep -q '^0 lines' "$d/out"
ok $? "and knows the log again: nothing is read twice"
"$BUILD/bin/mxgauge" import --no-rrd --state "$d/new" --tz UTC --year 2026 "$d/mail.log" >/dev/null
figures "$d/old" >"$d/a"
figures "$d/new" >"$d/b"
diff "$d/a" "$d/b" >"$d/diff"
ok $? "the figures are those of a new state"
sed 's/^/# /' "$d/diff"
is "$(sqlite3 "$d/old/state.db" 'SELECT sql FROM sqlite_master' | tr -d ' ' | sort)" \
    "$(sqlite3 "$d/new/state.db" 'SELECT sql FROM sqlite_master' | tr -d ' ' | sort)" "and so are its tables"
echo "Nov  5 10:02:00 mx1 postfix/smtp[73]: 4A1B2C3D4E: to=<v@example.org>, relay=mx.example.org[198.51.100.9]:25, delay=120, delays=119/0/0.5/0.5, dsn=2.0.0, status=sent (250 2.0.0 Ok)" >>"$d/mail.log"
"$BUILD/bin/mxgauge" import --no-rrd --state "$d/old" --tz UTC --year 2026 "$d/mail.log" >/dev/null
figures "$d/old" | grep -q '"dlv_ext":2,'
ok $? "an open mail goes on"

# one of version 6 lacks a column, those of 7 and 8 tables
figures "$d/new" >"$d/a"
for version in 6 7 8; do
    cp -R "$d/new" "$d/$version"
    sqlite3 "$d/$version/state.db" "DROP TABLE top_log; UPDATE meta SET value=$version WHERE key='version'"
    [ $version -gt 7 ] || sqlite3 "$d/$version/state.db" "DROP TABLE specimen; DROP TABLE waiting; DROP TABLE account; DROP TABLE account_log"
    [ $version -gt 6 ] || sqlite3 "$d/$version/state.db" "ALTER TABLE host DROP COLUMN sampled"
    "$BUILD/bin/mxgauge" report --state "$d/$version" >"$d/out" 2>&1
    ok $(($? == 0)) "a state of version $version is not read as one of ours"
    "$BUILD/bin/mxgauge" import --no-rrd --state "$d/$version" --tz UTC --year 2026 tests/collector/state-5/mail.log >"$d/out" 2>&1
    ok $? "but brought up to date"
    figures "$d/$version" >"$d/b"
    cmp -s "$d/a" "$d/b"
    ok $? "with its figures"
done
echo "Nov  5 10:03:00 mx1 postfix/submission/smtpd[74]: 4A1B2C3D5F: client=h.example.net[198.51.100.7], sasl_method=PLAIN, sasl_username=v@example.org" >>"$d/mail.log"
"$BUILD/bin/mxgauge" import --no-rrd --state "$d/7" --tz UTC --year 2026 "$d/mail.log" >"$d/out" 2>&1
ok $? "and it counts on"
figures "$d/7" | grep -q '"auth_ok":1,'
ok $? "what is new, too"
is "$(sqlite3 "$d/7/state.db" "SELECT count(*) FROM account WHERE instr(accounts, CAST('v@example.org' AS BLOB)) > 0")" 1 \
    "and learns accounts from then on"
done_testing
