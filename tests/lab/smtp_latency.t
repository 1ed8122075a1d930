#!/bin/sh
# smtp_latency.t - check_smtp_latency against a real Postfix, Exim, OpenSMTPD and Dovecot, and its
# phases against a capture of the same session: tests/lab/smtp/plot.py.
set -u
: "${BUILD:=build}"
. tests/tap.sh
. tests/lab/lab_test.sh
lab_needs "check_smtp_latency and real servers" apt-get dpkg postfix dovecot tcpdump
lab_unpack exim4-daemon-light exim4-base libidn12
EXIM=$ROOT
lab_unpack opensmtpd
OPENSMTPD=$ROOT
export EXIM OPENSMTPD BUILD MTA=smtp
lab_told
