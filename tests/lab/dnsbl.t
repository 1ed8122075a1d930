#!/bin/sh
# dnsbl.t - check_dnsbl through a real unbound, with lists of rbldnsd, NSD and a scripted server that are well, ill in
# every way, slow and silent: the right verdict for each, and never past -t. See dnsbl/servers.sh.
set -u
: "${BUILD:=build}"
. tests/tap.sh
. tests/lab/lab_test.sh
lab_needs "check_dnsbl and real name servers" unbound nsd rbldnsd postconf apt-get dpkg
lab_unpack exim4-daemon-light exim4-base libidn12
EXIM=$ROOT
lab_unpack sendmail-bin sendmail-cf libwrap0 liblockfile1 m4 libsigsegv2
SENDMAIL=$ROOT
export EXIM SENDMAIL BUILD NAGIOS_PLUGIN_STATE_DIRECTORY="$d"
unshare --mount --mount-proc --net --pid --fork --kill-child sh $here/dnsbl/servers.sh "$d" sh $here/dnsbl/play.sh "$d" >"$d/tap" 2>"$d/err"
rc=$?
lab_scenes $rc "$d/tap"
[ $rc = 0 ] || cat "$d/err" "$d"/*.out | tail -n 60 | sed 's/^/# /'
done_testing
