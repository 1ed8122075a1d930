#!/bin/sh
# syslogng.t - a real syslog-ng sends to mxgauged over TCP, as docs/inputs.md says (packaging/syslog-ng), with
# its reliable disk buffer, while mxgauged is stopped, killed and cut off, and syslog-ng is killed.
# LAB=all: away for two minutes.
set -u
# shellcheck source=tests/lab/sender_test.sh
. tests/lab/sender_test.sh
# shellcheck source=tests/lab/syslogng_test.sh
. tests/lab/syslogng_test.sh
away=4
[ "${LAB:-}" != all ] || away=120

printf 'state = "%s/state"\ntemplates = "%s/rrd-templates"\nsource farm {\n listen = { "tcp:192.0.2.10:5514" }\n allow = { "192.0.2.0/24" }\n}\n' \
    "$D" "$PWD" >"$D/conf"
start
mkdir -p "$D/ng"
syslogng
log_to 200 ng
flows ng
saw $? "lines arrive"
stop TERM
sleep $away     # how long it is away
start
flows ng
saw $? "away for $away seconds: lines arrive again"
for round in 1 2 3; do
    stop KILL
    start
    flows ng || break
done
saw $? "killed $round times: lines arrive again"
log_ends
wait_for is_lines ng "$logged"
is "$(lines_of ng)" "$logged" "the local file has every line"
[ "${longest%.*}" -lt 2 ]
saw $? "no program waited longer than $longest s for its log"
settled ng
[ "$got" -le "$logged" ] && [ "$got" -gt $((logged / 2)) ]
saw $? "$((logged - got)) of $logged lines were lost on the way, none came twice"

before=$(lines_of ng) had_before=$(had ng)
log_to 200 ng
flows ng
end ng KILL
syslogng
flows ng
saw $? "syslog-ng was killed: lines arrive again"
log_ends
sync_file ng
settled ng
lost=$(($(lines_of ng) - before - (got - had_before)))
[ $lost -ge 0 ]
saw $? "$lost lines were lost, none came twice"
done_testing
