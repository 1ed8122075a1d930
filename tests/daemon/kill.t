#!/bin/sh
# kill.t - mxgauged is killed with SIGKILL at random moments while a day arrives in a log that
# grows and rotates. At the end cells, hours, mails, reports and RRDs are those of a run that
# nobody disturbed.
#
# The day is generated, or the log DAY. KILLS says how often (20; 200 with LAB=all), SEED which way. Every third time it was asked
# to end first, so that the last commit and the RRDs are hit as well.
set -u
# shellcheck source=tests/daemon/daemon_test.sh
. tests/daemon/daemon_test.sh
kills=${KILLS:-20}
[ "${LAB:-}" != all ] || kills=${KILLS:-200}
seed=${SEED:-$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')}
lines=$((kills * 3000))
echo "# SEED=$seed KILLS=$kills"

# reports STATE: of the day, and of each hour and host
reports() {
    "$mxgauge" report --state "$1" --json
    for h in $(sqlite3 "$1/state.db" "SELECT name FROM host"); do
        for hour in $(seq -w 0 23); do
            "$mxgauge" report --state "$1" --json --host "$h" \
                --from "$date $hour:00" --to "$date $hour:59"
        done
    done
}

# mails STATE: all that is known of each
mails() { "$BUILD/bench/mails" "$1" | sort; }

# accounts STATE: what those that did most in an hour did; which visitors are kept of very many is chance
accounts() {
    for hour in $(seq -w 0 23); do
        "$BUILD/plugins/check_mail_accounts" --state "$1" --window 1m --at "$date $hour:59:30" --json
    done | perl -MJSON::PP -ne '
        my $said = decode_json($_);
        for my $who (@{ $said->{accounts} }) {
            my @places = map "$_->{name}=$_->{n},$_->{other}\@$_->{at}", @{ $who->{used_from} }, @{ $who->{failed_from} };
            print join(" ", map($_ // "-", @$who{qw(name messages recipients bounced deferred logins mailbox_logins)}),
                @places < 32 ? ($who->{failures}, sort @places) : ()), "\n";
        }
        print "$_->{name} $_->{failures} $_->{logins}\n" for @{ $said->{networks} }'
}

# tops STATE: the entries of all top tables that lost none (lib/toplist.c); what is lost of the others depends on the
# moments of the commits
tops() {
    sqlite3 -separator ' ' "$1/state.db" "SELECT kind, hour, host, hex(list) FROM top WHERE kind < 100 ORDER BY 1, 2, 3" |
        perl -ne '
            my ($kind, $hour, $host, $hex) = split;
            my @b = unpack "C*", pack "H*", $hex;
            sub number { my ($n, $shift, $c) = (0, 0); do { $c = shift @b; $n |= ($c & 127) << $shift; $shift += 7 } while $c > 127; $n }
            my ($floor, $entries, @list) = (number(), number());
            while ($entries-- > 0) {
                my ($n, $error) = (number(), number());
                push @list, pack("C*", splice @b, 0, number()) . "=$n";
            }
            print join("\t", $kind, $hour, $host, sort @list), "\n" if $floor == 0 && @list < 128'
}

# same NAME TEXT COMMAND: gives the same for both states
same() {
    "$3" "$D/calm" >"$D/$1.want" 2>&1
    "$3" "$D/state" >"$D/$1.got" 2>&1
    [ -s "$D/$1.want" ] && cmp -s "$D/$1.want" "$D/$1.got"
    r=$?
    ok $r "$2"
    [ $r -eq 0 ] || diff "$D/$1.want" "$D/$1.got" | cut -c 1-300 | head -n 20 | sed 's/^/# /'
}

if [ -n "${DAY:-}" ]; then
    cp "$DAY" "$D/day"
else
    "$BUILD/bench/genday" -i $lines "$seed" "$D/day" "$D/truth"
fi || exit 1
date=$(head -n 1 "$D/day" | cut -c 1-10)
for f in calm state; do mkdir "$D/$f"; done
"$mxgauge" import --state "$D/calm" --tz UTC "$D/day" >"$D/import" 2>&1
ok $? "the day, undisturbed"
printf 'state = "%s/state"\ntemplates = "%s/rrd-templates"\nsource a { files = "%s/log" timezone = UTC }\n' \
    "$D" "$PWD" "$D" >"$D/conf"

# MOMENT ASKED: of each life, after how many ms it ends, and after how many more when it was
# asked to end before
perl -e 'srand($ARGV[0]); for (1 .. $ARGV[1]) {
        printf "%.3f %s\n", rand(1.8), $_ % 3 == 0 ? sprintf("%.3f", rand(0.4)) : "-";
    }' "$seed" "$kills" >"$D/plan"

head -n 1 "$D/day" >"$D/log"
launch
wait_for grep -q started "$D/out"
ok $? "it starts"

part=0 killed=0
while read -r moment asked; do
    perl tests/daemon/feed.pl "$seed" "$D/day" "$D/log" $part "$kills" &
    feeder=$!
    [ -n "$pid" ] || launch
    sleep "$moment"
    [ "$asked" = - ] || { kill -TERM "$pid"; sleep "$asked"; }
    stop KILL
    [ $status -ne 137 ] || killed=$((killed + 1))
    wait $feeder || { echo "Bail out! the feeder failed"; exit 1; }
    part=$((part + 1))
done <"$D/plan"
[ $((killed * 2)) -ge "$kills" ]
ok $? "killed $killed times of $kills"
mv "$D/out" "$D/said"
start
wait_for is_read "$(wc -l <"$D/day")"
r=$?
ok $r "all lines were read, once"
[ $r -eq 0 ] || echo "# read $(lines_read) of $(wc -l <"$D/day")"
stop TERM
is $status 0 "and it ends well"
none "nothing went wrong meanwhile" "$(grep -v -e ': started: ' -e ': stopped: ' -e ': runs as root: ' -e ': runs without its seccomp filter: ' -e 'truncated or rewritten' -e ': not there yet' "$D/said" "$D/out")"

same rows "cells and hours are the same" rows
same reports "the reports are the same, of each host and hour" reports
same mails "the mails are the same" mails
echo "# $(cut -d" " -f1,2 <"$D/mails.want" | sort -u | wc -l) mails"
same tops "and so are top tables" tops
echo "# $(wc -l <"$D/tops.want") of them"
same accounts "accounts and networks did the same" accounts
echo "# $(wc -l <"$D/accounts.want") lines of them"
if command -v rrdtool >/dev/null 2>&1; then
    same dumps "the RRDs are the same" dumps
else
    ok 0 "the RRDs # SKIP rrdtool is missing"
fi
done_testing
