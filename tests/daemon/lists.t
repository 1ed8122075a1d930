#!/bin/sh
# lists.t - RRDs of block lists while mxgauged runs: of a list that hits for the first time, of
# one that a late line brings, of one that stopped hitting, also after a restart.
set -u
# shellcheck source=tests/daemon/daemon_test.sh
. tests/daemon/daemon_test.sh
needs "RRDs of block lists" rrdtool

refused_by() { # TIME ZONE...
    at=$1
    shift
    for z; do
        printf '2026-11-19T%s+00:00 mx1 postfix/smtpd[9]: NOQUEUE: reject: RCPT from unknown[192.0.2.7]: 554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using %s; from=<s@example.net> to=<u@example.org> proto=ESMTP helo=<x>\n' \
            "$at" "$z"
    done
}
# hits HH:MM ZONE [HOST]: of that minute, as rrdtool reads them
hits() {
    t=$(date -u -d "2026-11-19 $1" +%s)
    rrdtool fetch "$D/state/rrd/${3:-mx1}/dnsbl-$2.example.org.rrd" AVERAGE -r 60 -s "$t" -e "$t" 2>/dev/null |
        awk -v t=$((t + 60)) '$1 == t ":" { v = $2 == "-nan" || $2 == "nan" ? "unknown" : $2 * 60 } END { print v }'
}
# the farm is drawn last: what it has the host has, too
has() { [ "$(hits "$2" "$3" _farm)" = "$1" ] && [ "$(hits "$2" "$3")" = "$1" ]; }

printf 'state = "%s/state"\ntemplates = "%s/rrd-templates"\nrrd_interval = 10s\nsource a { files = "%s/log" }\n' \
    "$D" "$PWD" "$D" >"$D/conf"
for m in 00 10 20 30; do refused_by "10:$m:01" a.example.org a.example.org; done >"$D/log"
start || { cat "$D/out"; echo "Bail out! mxgauged does not start"; exit 1; }
wait_for has 2 10:30 a
saw $? "a list that hits is drawn"

{
    refused_by 10:40:01 b.example.org
    refused_by 09:00:01 c.example.org ../evil
    refused_by 10:50:01 b.example.org
} >>"$D/log"
wait_for has 1 10:50 b
saw $? "so is one that hits for the first time"
is "$(hits 10:40 b) $(hits 10:41 b) $(hits 10:30 b)" "1 0 0" "each minute of it"
wait_for has 1 09:00 c
saw $? "one that a late line brings has its past"
is "$(hits 10:40 a) $(hits 10:50 c)" "0 0" "who stopped hitting goes on as zeros"
is "$(find "$D" -name '*evil*')" "" "a hostile name makes no file"

refused_by 09:30:01 a.example.org >>"$D/log"
counts 13 "another late line"
stop TERM
is $status 0 "it ends"
start
wait_for has 1 09:30 a
saw $? "after a restart the past is rewritten"
is "$(hits 10:30 a) $(hits 10:50 b)" "2 1" "and the rest is as it was"
stop TERM
none "nothing went wrong meanwhile" "$(grep -v -e ': started: ' -e ': stopped: ' -e ': runs as root: ' -e ': runs without its seccomp filter: ' "$D/out")"
done_testing
