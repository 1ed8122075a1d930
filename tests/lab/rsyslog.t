#!/bin/sh
# rsyslog.t - real rsyslogds send to mxgauged, as docs/inputs.md says (packaging/rsyslog): over RELP, over
# TCP, and to its local socket. While lines flow mxgauged is stopped, killed and cut off, and
# so are the rsyslogds. Over RELP each line counts once, whatever happens. LAB=all: away for
# two minutes.
set -u
# shellcheck source=tests/lab/sender_test.sh
. tests/lab/sender_test.sh
sender_needs rsyslog rsyslogd
away=4 rate=200
[ "${LAB:-}" != all ] || away=120

printf 'state = "%s/state"\ntemplates = "%s/rrd-templates"\nsource farm {\n listen = { "relp:192.0.2.10:2514", "tcp:192.0.2.10:5514", "unix:/run/mxgauge/log" }\n allow = { "192.0.2.0/24" }\n}\n' \
    "$D" "$PWD" >"$D/conf"
start
for sample in relp tcp local; do
    rsyslog $sample
done
sample=relp
log_to $rate relp tcp local
for h in relp tcp local; do
    flows $h
    saw $? "$h: lines arrive"
done


stop TERM
is "$status" 0 "stopped"
sleep $away     # how long it is away
start
flows relp
saw $? "away for $away seconds: lines arrive again"
for round in 1 2 3 4; do
    stop KILL
    [ $round != 2 ] || sleep 2    # so that a queue fills
    start
    flows relp || break
done
saw $? "killed $round times: lines arrive again"
ip addr del 192.0.2.10/32 dev lo
stop KILL
sleep 2     # its peers do not hear of its end
ip addr add 192.0.2.10/32 dev lo
start
flows relp
saw $? "cut off, and killed meanwhile: lines arrive again"
log_ends
for h in relp tcp local; do
    wait_for is_lines $h "$logged"
    is "$(lines_of $h)" "$logged" "$h: the local file has every line"
done
[ "${longest%.*}" -lt 2 ]
saw $? "no program waited longer than $longest s for its log"
counts_of relp "$logged" "RELP: each of $logged lines is counted once"
settled tcp
[ "$got" -le "$logged" ] && [ "$got" -gt $((logged / 2)) ]
saw $? "TCP: $((logged - got)) of $logged lines were lost on the way, none came twice"
settled local
[ "$got" -le "$logged" ] && [ "$got" -gt 0 ]
saw $? "local socket: $((logged - got)) of $logged lines were lost"

# The account is the file: what was in the socket of a daemon that ended is in neither.
log_to $rate relp
for round in 1 2 3; do
    flows relp
    end relp TERM
    rsyslog relp
done
flows relp
saw $? "rsyslog was stopped $round times: lines arrive again"
log_ends
sync_file relp
counts_of relp "$(lines_of relp)" "what it has when it is stopped is safe"
log_to $rate relp
for round in 1 2 3; do
    flows relp
    end relp KILL
    rsyslog relp
done
flows relp
saw $? "rsyslog was killed $round times: lines arrive again"
log_ends
sync_file relp
settled relp
lost=$(($(lines_of relp) - got))
[ $lost -ge 0 ] && [ $lost -le $((3 * 256)) ]
saw $? "$lost lines were in its memory, none came twice"
done_testing
