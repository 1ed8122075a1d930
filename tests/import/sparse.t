#!/bin/sh
# sparse.t - many hosts that say little, for days: an import of them is no larger than one of a busy
# day, and the lines of a host are found among those of all others.
set -u
export LC_ALL=C TZ=UTC
: "${BUILD:=build}"
. tests/tap.sh
mxgauge=$PWD/$BUILD/bin/mxgauge
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT

# A refusal each ten minutes, of 100 hosts for three days, from 2026-11-01 on; three of four are of
# a network of the host's own.
perl -e '
    for my $n (0 .. 3 * 144 - 1) {
        for my $h (0 .. 99) {
            my $t = $n * 600 + $h; my $ip = $n % 4 == 0 ? "192.0.2.$h" : "198.51.$h." . $n % 250;
            printf "Nov %2d %02d:%02d:%02d mx%02d postfix/smtpd[1]: NOQUEUE: reject: RCPT from unknown[%s]: 554 5.7.1 Service unavailable; Client host [%s] blocked using dnsbl.example.org; from=<a\@d%d.example.net> to=<b\@example.org> proto=ESMTP helo=<x>\n",
                1 + $t / 86400, $t / 3600 % 24, $t / 60 % 60, $t % 60, $h, $ip, $ip, $n % 7;
        }
    }' >"$d/log"

# report FROM TO OPTION...
report() {
    from=$1 to=$2
    shift 2
    "$mxgauge" report --state "$d/state" --from "2026-11-0$from" --to "2026-11-0$to" "$@"
}
# refused FROM TO OPTION...: how many were
refused() {
    report "$@" --json | perl -MJSON::PP -e 'local $/; print decode_json(<STDIN>)->{counts}{rej}'
}

kb=$("$BUILD/bench/measure" -n 1 it "$mxgauge import --state $d/state --tz UTC --year 2026 --no-rrd $d/log" | cut -f4,5)
limit=100000
case $BUILD in *san*) limit=1000000 ;; esac
[ "${kb%	*}" -lt $limit ] && [ "${kb#*	}" = 0 ]
ok $? "43,200 lines of 7,200 hours of hosts are imported in ${kb%	*} KB"
is "$(refused '1 00:00' '4 00:00')" 43200 "all count"
for host in 00 07 42 99; do
    is "$(refused '2 11:25' '2 12:05' --host "mx$host")" 4 "mx$host: 40 minutes"
    is "$(refused '1 00:00' '4 00:00' --host "mx$host")" 432 "mx$host: three days"
    report '1 00:00' '4 00:00' --host "mx$host" | grep -A 1 '^Refused clients by network' | grep -q "198\.51\.${host#0}\.0/24  *324\$"
    ok $? "mx$host: its most frequent client"
done
done_testing
