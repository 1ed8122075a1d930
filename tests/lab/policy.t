#!/bin/sh
# policy.t - several programs speak of a refusal, a login or a mail, and it counts once: a real
# Postfix with postgrey, policyd-spf, OpenDKIM, OpenDMARC and Dovecot. See postfix.t.
set -u
. tests/tap.sh
. tests/lab/lab_test.sh
lab_needs "policy services and mail access" postfix swaks postgrey policyd-spf opendkim opendkim-testmsg \
    opendmarc dovecot
export MTA=policy
lab_run
lab_account "these programs"
