#!/bin/sh
# tops.t - who and what is most frequent, killed within the minute: what was committed is there, once.
set -u
# shellcheck source=tests/daemon/daemon_test.sh
. tests/daemon/daemon_test.sh
# shellcheck source=tests/plugins/networks_test.sh
. tests/plugins/networks_test.sh
needs "top tables" sqlite3

# three hours, and in each of them some that are refused and some that are not
traffic >"$D/day" <<'END'
9 mx1 refuse 192.0.2.1 30
9 mx1 accept 198.51.100.1 40
9 mx2 condemn 198.51.100.9 7
10 mx1 refuse 203.0.113.1 25
10 mx2 refuse 2001:db8::1 14
10 mx2 accept 192.0.2.9 3
11 mx1 refuse 192.0.2.77 9
11 mx2 accept 203.0.113.5 11
END
lines=$(wc -l <"$D/day")
"$mxgauge" import --no-rrd --state "$D/calm" --tz UTC "$D/day" >"$D/import" 2>&1
ok $? "the day, undisturbed"
printf 'state = "%s/state"\ntemplates = "%s/rrd-templates"\nsource a { files = "%s/log" timezone = UTC }\n' \
    "$D" "$PWD" "$D" >"$D/conf"

# tables STATE: all of them
tables() { sqlite3 "$1/state.db" "SELECT host, hour, kind, hex(list) FROM top WHERE kind < 100 ORDER BY hour, host, kind"; }
logged() { sqlite3 "$D/state/state.db" "SELECT count(*) FROM top_log"; }
some_logged() { [ "$(logged)" -gt 0 ]; }

# feed TO: the lines up to that one arrive
at=1
feed() {
    sed -n "$at,$1p" "$D/day" >>"$D/log"
    at=$(($1 + 1))
    wait_for is_read "$1"
    saw $? "read to line $1"
}

: >"$D/log"
for life in 1 2 3; do
    start
    saw $? "it starts"
    feed $((lines * (life * 2 - 1) / 6))	# the first commit writes the tables
    feed $((lines * life * 2 / 6))
    wait_for some_logged
    saw $? "what comes next is in the log"
    stop KILL
done
start
stop TERM
is $status 0 "and it ends well"
is "$(logged)" 0 "then the log is empty"
tables "$D/calm" >"$D/want"
tables "$D/state" >"$D/got"
cmp -s "$D/want" "$D/got" && [ "$(wc -l <"$D/want")" -gt 8 ]
r=$?
ok $r "all tables are those of the undisturbed run"
[ $r = 0 ] || diff "$D/want" "$D/got" | cut -c 1-200 | sed 's/^/# /'
done_testing
