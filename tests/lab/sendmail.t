#!/bin/sh
# sendmail.t - what a real Sendmail was made to do is what mxgauge counts: see postfix.t. Twice: with
# a LogLevel that tells of sessions and of the end of a mail, and with the usual one.
set -u
. tests/tap.sh
. tests/lab/lab_test.sh
lab_needs "real Sendmail" apt-get dpkg smtp-sink
lab_unpack sendmail-bin sendmail-cf libwrap0 liblockfile1 m4 libsigsegv2
export MTA=sendmail LOGLEVEL=14
lab_run
imported loglevel-14 "$d/lab/mail.log"
understood "Sendmail, loglevel 14" "$d/lab/mail.log"
rm -r "$d/lab"
LOGLEVEL=9
lab_run
lab_account Sendmail
