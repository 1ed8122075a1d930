#!/bin/sh
# writes.t - when a commit is made: few lines wait for it (commit_wait), but not the first after a
# pause, not many, and none that a RELP sender wants to know of.
set -u
# shellcheck source=tests/daemon/daemon_test.sh
. tests/daemon/daemon_test.sh

# conf WAIT: how long few lines wait
conf() {
    port=$(perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1,
        LocalAddr => "127.0.0.1")->sockport')
    printf 'state = "%s/state"\ntemplates = "%s/rrd-templates"\nlog_level = debug\ncommit_wait = %s\nsource a {\n files = { "%s/log" }\n listen = { "relp:127.0.0.1:%s" }\n}\n' \
        "$D" "$PWD" "$1" "$D" "$port" >"$D/conf"
}
commits() { grep -c committed "$D/out"; }
seconds() { perl -MTime::HiRes=time -e 'printf "%d", time'; }

: >"$D/log"
conf 5s
start
begin=$(seconds)
before=$(commits)
i=0
while [ $(($(seconds) - begin)) -lt 12 ]; do
    refusals mx1 $i 1 >>"$D/log"
    i=$((i + 1))
    perl -e 'select undef, undef, undef, 0.3'   # a line now and then is what is tested
done
wait_for is_count rej $i
saw $? "a line now and then is counted"
n=$(($(commits) - before)) most=$((($(seconds) - begin) / 5 + 2))
[ "$n" -le "$most" ]
saw $? "$i of them are $n commits, at most $most"
stop TERM

conf 1m
start
begin=$(seconds)
before=$(commits)
refusals mx1 5000 600 >>"$D/log"
wait_for is_count rej $((i + 600))
saw $? "many lines are counted"
perl tests/daemon/syslog.pl relp "127.0.0.1:$port" 6000 1 >"$D/sessions"
ok $? "a RELP sender has its answer"
refusals mx1 7000 600 >>"$D/log"
wait_for is_count rej $((i + 1201))
saw $? "many lines again"
took=$(($(seconds) - begin))
[ $took -lt 25 ]
saw $? "none of that waits for commit_wait or a beat (took $took s)"
stop TERM
is "$status" 0 "it ends well"
done_testing
