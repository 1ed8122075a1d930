#!/bin/sh
# exim.t - what a real Exim was made to do is what mxgauge counts: see postfix.t.
#
# And the account of eximstats, Exim's own, of the same log, as far as it counts the same things.
set -u
. tests/tap.sh
. tests/lab/lab_test.sh
lab_needs "real Exim" apt-get dpkg perl
lab_unpack exim4-daemon-light exim4-base libidn12
export MTA=exim
lab_run
imported own-file "$d/lab/mainlog"
imported own-files "$d/lab/mainlog" "$d/lab/rejectlog"
perl "$ROOT/usr/sbin/eximstats" -nt -ne -nr "$d/lab/mainlog" >"$d/eximstats" 2>&1
"$BUILD/bin/mxgauge" parse "$d/lab/mainlog" >"$d/events"
/usr/bin/python3 $here/exim/eximstats.py "$d/eximstats" "$d/events" "$d/lab/mainlog" >"$d/diff"
ok $? "eximstats says the same, but for what it counts otherwise"
sed 's/^/# /' "$d/diff"
lab_account Exim
