#!/bin/sh
# queue.t - check_mail_queue says of real queues of Postfix, Exim, Sendmail and OpenSMTPD what
# postqueue, exim -bp, mailq and smtpctl say: see queues.py.
set -u
. tests/tap.sh
. tests/lab/lab_test.sh
lab_needs "real queues" apt-get dpkg postfix setpriv
export PLOT=queues.py CHECK="$BUILD/plugins/check_mail_queue" DAEMON="$BUILD/bin" TEMPLATES="$PWD/rrd-templates"
# holds MTA: the lab with its queue
holds() {
    sh $here/lab.sh "$d/$1"
    ok $? "$1: the check says of its queue what it says itself"
    tail -n 5 "$d/$1/lab.out" | sed 's/^/# /'
}
holds postfix
export MTA
for MTA in exim sendmail opensmtpd; do
    case $MTA in
    exim) lab_unpack exim4-daemon-light exim4-base libidn12 ;;
    sendmail) lab_unpack sendmail-bin sendmail-cf libwrap0 liblockfile1 m4 libsigsegv2 ;;
    opensmtpd) lab_unpack opensmtpd ;;
    esac
    holds $MTA
done
done_testing
