#!/bin/sh
# roundtrip.t - check_mail_roundtrip through a real Postfix into a real Dovecot (IMAP, POP3, LMTP, Sieve):
# tests/lab/roundtrip/plot.py.
set -u
: "${BUILD:=build}"
. tests/tap.sh
. tests/lab/lab_test.sh
lab_needs "check_mail_roundtrip and real servers" postfix dovecot sievec /usr/lib/dovecot/pop3
export BUILD MTA=roundtrip
lab_told
