#!/bin/sh
# hops.t - two real Postfix, a relay and a store, each with a log of its own: the farm has each
# mail once, whichever log is read first, and when mxgauged follows both.
#
# What is done: single.  five mails to one mailbox each, by the relay to the store
#               several. one mail to three mailboxes and one recipient elsewhere
#               team.    one mail to an address that the store expands to two
#               refused. one mail that the store refuses: the relay bounces it
#               inside.  one mail from the store's own sender to elsewhere, by the relay
set -u
: "${BUILD:=build}"
# shellcheck source=tests/tap.sh
. tests/tap.sh
# shellcheck source=tests/lab/lab_test.sh
. tests/lab/lab_test.sh
PATH=$PATH:/usr/sbin:/sbin
lab_needs "two Postfix of one farm" postfix smtp-sink

MXGAUGE=$BUILD/bin sh $here/hops/two.sh "$d/lab" >"$d/out" 2>&1
ok $? "every mail went its way"
[ -s "$d/lab/store1.log" ] || { sed 's/^/# /' "$d/out"; done_testing; exit 1; }

# figures STATE: what matters of the report, a line
figures() {
    "$BUILD/bin/mxgauge" report --state "$1" --json | perl -MJSON::PP -e '
        my $r = decode_json(do { local $/; <STDIN> });
        my ($c, $b) = @$r{qw(counts balance)};
        print join " ", (map { "$_=" . ($c->{$_} // 0) }
                qw(recv_msg recv_rcpt own_rcpt dlv_local dlv_ext bounce)),
            (map { "$_=$b->{$_}" } qw(accepted delivered bounced open unaccounted)), "hops=$r->{hops}"'
}
# 9 messages of 12 recipients came in, team is one more, the bounce is our own; 5 + 3 + 2 in
# mailboxes, 3 elsewhere. 10 recipients went by both hosts
want="recv_msg=9 recv_rcpt=12 own_rcpt=1 dlv_local=10 dlv_ext=3 bounce=1 accepted=14 delivered=13 bounced=1 open=0 unaccounted=0 hops=10"
for order in "relay1 store1" "store1 relay1"; do
    for host in $order; do
        "$BUILD/bin/mxgauge" import --no-rrd --state "$d/$order" --tz UTC "$d/lab/$host.log" >"$d/out" 2>&1
    done
    is "$(figures "$d/$order")" "$want" "the logs of $order"
done
is "$(figures "$d/lab/live")" "$want" "followed live"
understood "the relay's log" "$d/lab/relay1.log"
understood "the store's log" "$d/lab/store1.log"
done_testing
