#!/bin/sh
# filters.t - spam, viruses and forbidden files count once, although several real filters speak
# of each, and a filter that is dead is seen: see postfix.t.
set -u
. tests/tap.sh
. tests/lab/lab_test.sh
lab_needs "real filters" postfix swaks smtp-sink amavisd clamd spamd clamav-milter rspamd mimedefang
export MTA=filters
lab_run
lab_account "Postfix or a filter"
