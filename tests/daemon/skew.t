#!/bin/sh
# skew.t - mxgauged tells which host has a wrong clock: in its messages, in mxgauge status and in
# check_mxgauge. What is old because it was never read before is nobody's clock.
set -u
export LC_ALL=C
: "${BUILD:=build}"
# shellcheck source=tests/daemon/daemon_test.sh
. tests/daemon/daemon_test.sh

# lines HOST AHEAD N: with stamps that are so many seconds ahead of now, in two shapes
lines() {
    perl -MPOSIX=strftime -e 'my ($host, $ahead, $n) = @ARGV;
        for my $i (1 .. $n) {
            my @t = gmtime(time + $ahead);
            print strftime($i % 2 ? "%Y-%m-%dT%H:%M:%S+00:00" : "%b %e %H:%M:%S", @t),
                " $host postfix/smtpd[$i]: connect from unknown[192.0.2.1]\n";
        }' "$@"
}
send() { # the lines of stdin as datagrams
    perl -MIO::Socket::UNIX -MSocket -ne 'BEGIN { $s = IO::Socket::UNIX->new(Type => SOCK_DGRAM,
        Peer => shift @ARGV) or die } chomp; $s->send("<22>$_") or die' "$D/log"
}
read_are() { "$mxgauge" status --state "$D/state" | grep -A9 '^Hosts' >"$D/hosts" &&
    [ "$(grep -c ' ago \| ahead ' "$D/hosts")" -ge "$1" ]; }
told() { grep -qE -- "$1" "$D/out"; }

lines old -259200 50 >"$D/mail.log"
lines hours -7200 50 >>"$D/mail.log"
printf 'state = "%s/state"\ntemplates = "%s/rrd-templates"\nsource "a" {\n files = { "%s/mail.log" }\n listen = { "unix:%s/log" }\n}\n' \
    "$D" "$PWD" "$D" "$D" >"$D/conf"
start
saw $? "the daemon starts"
wait_for read_are 2
ok $? "it has read an old log"
lines fast 120 4 >>"$D/mail.log"
lines good 0 50 >>"$D/mail.log"
wait_for read_are 4
ok $? "it reads on"
! told "clock of a host"
ok $? "four lines from the future, and old ones, tell nothing of clocks"
lines fast 120 10 >>"$D/mail.log"
wait_for told "the clock of a host is wrong: fast is 1(1[0-9]|20) s ahead"
ok $? "ten from the future do"
lines net 4000 10 | send
wait_for told "the clock of a host is wrong: net is (399[0-9]|4000) s ahead"
ok $? "also over the network"
lines far 864000 10 | send
wait_for told "the clock of a host is wrong: far is 86(399[0-9]|4000) s ahead"
ok $? "also where it is so wrong that no line is counted"
lines fast 120 200 >>"$D/mail.log"
lines good 0 50 >>"$D/mail.log"
shown() { "$mxgauge" status --state "$D/state" >"$D/status" &&
    [ "$(grep -c 'its clock is .* ahead' "$D/status")" = 3 ]; }
wait_for shown
ok $? "mxgauge status has the three"
is "$(grep -A1 '^  far' "$D/status" | tail -n 1)" "      its clock is 10 d ahead" "below each"
is "$(grep -c "clock of a host" "$D/out")" 3 "each was said once"
"$BUILD/plugins/check_mxgauge" --state "$D/state" -w skew=0 -c skew=1h >"$D/check"
is $? 2 "check_mxgauge is critical"
tr , '\n' <"$D/check" | sed -n 's/.*clocks wrong://; s/^ \([a-z]*\) [0-9]* s ahead.*/\1/p' >"$D/names"
is "$(tr '\n' ' ' <"$D/names")" "far fast net " "and names them"
"$BUILD/plugins/check_mxgauge" --state "$D/state" --host good -w disk=~: -c disk=~: -w disk_left=~: \
    -c disk_left=~: >"$D/check"
is $? 0 "of a good host alone it is OK"
done_testing
