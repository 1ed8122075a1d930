#!/bin/sh
# postfix.t - what a real Postfix was made to do is what mxgauge counts.
#
# Runs the lab (lab.sh), imports its log, and holds every figure of the report against
# the account that was kept while driving: one file; the same lines as two sources with
# different stamps, as two paths of one syslog write them; and what mxgauged counted
# meanwhile, from a log that was rotated under it, killed and started again.
set -u
. tests/tap.sh
. tests/lab/lab_test.sh
lab_needs "real Postfix" postfix smtp-source smtp-sink swaks
lab_run
lab_account Postfix
