#!/bin/sh
# hops.t - a relay hands mails on to a store: the farm has each once, in reports, RRDs and
# checks; each host has its own; also when a host's log comes a day later, or first.
#
# The lines are those of tests/truth/cases/hop-relay-and-store.log, where the counts are judged.
# shellcheck disable=SC2016   # those in single quotes are of Perl
set -u
export LC_ALL=C TZ=UTC
: "${BUILD:=build}"
. tests/tap.sh
mxgauge=$PWD/$BUILD/bin/mxgauge
check=$BUILD/plugins/check_mail_balance
case=tests/truth/cases/hop-relay-and-store.log
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT

import() {
    "$mxgauge" import --state "$d/$1" --tz UTC --year 2026 "$d/$2" >"$d/out" 2>&1
}
report() {
    "$mxgauge" report --state "$d/$1" --json
}
# count STATE EXPRESSION: a number of the report
count() {
    report "$1" | perl -MJSON::PP -e 'local $/; my $r = decode_json(<STDIN>); print eval $ARGV[0]' "$2"
}
# drawn STATE HOST FILE DS: the sum of all minutes in the RRD
drawn() {
    rrdtool fetch "$d/$1/rrd/$2/$3.rrd" AVERAGE --start 1793872800 --end 1793872920 |
        awk -v ds="$4" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == ds) k = i + 1 }
            /^[0-9]+:/ && $k ~ /^[0-9]/ { n += $k * 60 } END { printf "%.0f", n }'
}

grep ' relay1 ' $case >"$d/relay"
grep ' store1 ' $case >"$d/store"
cat "$d/relay" "$d/store" >"$d/both"

import late store && import late relay
ok $? "the store's log, then the relay's"
is "$(count late '$r->{counts}{recv_msg}')" 1 "one message came in"
is "$(count late '"$r->{counts}{dlv_local} $r->{counts}{dlv_ext}"')" "2 1" "two recipients are in mailboxes, one is elsewhere"
is "$(count late '$r->{hops}')" 2 "two were handed on"
is "$(count late '"$r->{hosts}{relay1}{dlv_ext} $r->{hosts}{store1}{recv_rcpt}"')" "3 2" "the hosts have their own"
report late >"$d/want"

import first relay && import first store
ok $? "the relay's log, then the store's"
report first >"$d/got"
cmp -s "$d/want" "$d/got"
ok $? "the report is the same"
import once both
report once >"$d/got"
cmp -s "$d/want" "$d/got"
ok $? "and so of one log with both"

"$mxgauge" report --state "$d/late" | grep -q '^  2 recipients went from one to another: the farm has them once'
ok $? "the report in words says so"
"$mxgauge" trace --state "$d/late" A000000001 >"$d/out"
grep -q 'went on as B000000001 of store1' "$d/out" && grep -q '^store1 B000000001' "$d/out" &&
    grep -q 'queued there as 4ZZZZZ0001' "$d/out" && grep -q 'continues A000000002 of relay1' "$d/out"
ok $? "a mail is traced to the other host"
"$mxgauge" trace --state "$d/late" --host RELAY1.example.org A000000001 | grep -q 'queued there as'
ok $? "whose host is named as in reports: with its domain, in capitals"
"$mxgauge" trace --state "$d/late" --host store1 A000000001 >"$d/out" 2>&1
is $? 1 "the other host has none of that queue id"

"$check" --state "$d/late" --at '2026-11-05 10:00:30' >"$d/out"
grep -q '^BALANCE OK - 3 recipients accepted .* accepted=3 delivered=3 ' "$d/out"
ok $? "check_mail_balance has the farm's books"
"$check" --state "$d/late" --at '2026-11-05 10:00:30' --host store1 >"$d/out"
grep -q ' accepted=2 delivered=2 ' "$d/out"
ok $? "and a host's own"

if command -v rrdtool >/dev/null 2>&1; then
    for state in late first once; do
        is "$(drawn $state _farm flow recv_msg) $(drawn $state _farm flow dlv_ext) $(drawn $state _farm flow dlv_local)" "1 1 2" "the farm's RRDs, $state"
        is "$(drawn $state store1 flow recv_msg) $(drawn $state relay1 flow dlv_ext)" "1 3" "the hosts' RRDs, $state"
    done
else
    ok 0 "the RRDs # SKIP rrdtool is missing"
fi
done_testing
