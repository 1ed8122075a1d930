#!/bin/sh
# opensmtpd.t - what a real OpenSMTPD was made to do is what mxgauge counts: see postfix.t.
set -u
. tests/tap.sh
. tests/lab/lab_test.sh
lab_needs "real OpenSMTPD" apt-get dpkg
lab_unpack opensmtpd
export MTA=opensmtpd
lab_run
lab_account OpenSMTPD
