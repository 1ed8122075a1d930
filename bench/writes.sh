#!/bin/sh
# writes.sh - what following logs costs a machine: bytes a day to the disk, and the share of a core, from
# quiet to busy, of a daemon as it is configured by default. Beside it how large the log itself is.
#
# Counted are the bytes that the kernel has to bring to a disk (write_bytes less
# cancelled_write_bytes of /proc/PID/io: 0 where the folder is in memory), once the RRDs are
# made, and taken for a day. All run at once. Without RRDs what remains are the commits. The
# table goes to stdout, as markdown. TMPDIR should be on a disk, not in memory.
#
#	RATES="0.1 10 200" HOSTS=3 SECONDS_EACH=900 CONF="commit_interval = 1s"
set -u
: "${BUILD:=build}" "${RATES:=0.1 10 200}" "${HOSTS:=3}" "${SECONDS_EACH:=900}" "${CONF:=}"
D=$(mktemp -d) || exit 1
pids=
trap 'for p in $pids; do kill "$p" 2>/dev/null; done; wait; rm -rf "$D"' EXIT
trap 'exit 1' HUP INT TERM

# traffic RATE HOSTS: log lines of so many hosts with the present time: half of them refusals, the
# others of mails that are delivered, some seconds or minutes after they came
cat >"$D/traffic.pl" <<'PERL'
use strict;
use warnings;
use POSIX qw(strftime);
use Time::HiRes qw(time sleep);

my ($rate, $hosts) = @ARGV;
my ($begin, $lines, $mails, @later) = (time, 0, 0);
$| = 1;
srand 1;
sub say_at {
    my ($host, $tag, $text) = @_;
    print strftime("%Y-%m-%dT%H:%M:%S+00:00", gmtime), " $host postfix/$tag\[7]: $text\n";
    $lines++;
}
say_at("mx$_.example.org", 'anvil', 'statistics: max cache size 1 at Nov  5 10:00:00') for 0 .. $hosts - 1;
while (1) {
    my $due = $hosts + (time - $begin) * $rate;
    while ($lines < $due) {
        my $host = 'mx' . int(rand $hosts) . '.example.org';
        my ($n, $sender) = (++$mails, 'd' . int(rand 300) . '.example.net');
        my $id = sprintf '%X', 0x4A000000 + $n * 7919;
        if (@later && $later[0][0] <= time) {
            my $l = shift @later;
            say_at(@$l[1 .. 3]);
        } elsif (rand() < 0.7) {
            my $client = '192.0.2.' . int rand 256;
            say_at($host, 'smtpd', "NOQUEUE: reject: RCPT from unknown[$client]: 550 5.1.1 " .
                "<u$n\@example.org>: Recipient address rejected: User unknown in local " .
                "recipient table; from=<a\@$sender> to=<u$n\@example.org> proto=ESMTP " .
                "helo=<$sender>");
        } else {
            say_at($host, 'smtpd', "$id: client=mail.$sender\[198.51.100." . int(rand 256) . ']');
            say_at($host, 'cleanup', "$id: message-id=<$n\@$sender>");
            say_at($host, 'qmgr', "$id: from=<a\@$sender>, size=4000, nrcpt=1 (queue active)");
            my $delay = int 1 + rand() ** 8 * 300;
            push @later, [ time + $delay, $host, 'smtp', "$id: to=<u$n\@example.com>, " .
                "relay=mx.example.com[203.0.113.9]:25, delay=$delay, delays=0.1/0/0/$delay, " .
                "dsn=2.0.0, status=sent (250 2.0.0 Ok)" ],
                [ time + $delay, $host, 'qmgr', "$id: removed" ];
            @later = sort { $a->[0] <=> $b->[0] } @later;
        }
    }
    sleep($rate < 1 ? 1 : 0.2);
}
PERL

# run NAME RATE RRD_INTERVAL: its process id into $D/NAME/pid
run() {
    mkdir "$D/$1"
    perl "$D/traffic.pl" "$2" "$HOSTS" >"$D/$1/log" &
    pids="$pids $!"
    {
        printf 'state = "%s/state"\ntemplates = "%s/rrd-templates"\n' "$D/$1" "$PWD"
        [ -z "$3" ] || printf 'rrd_interval = %s\n' "$3"
        printf '%s\nsource a { files = { "%s/log" } timezone = UTC }\n' "$CONF" "$D/$1"
    } >"$D/$1/conf"
    "$BUILD/bin/mxgauged" --foreground --config "$D/$1/conf" >"$D/$1/out" 2>&1 &
    pids="$pids $!"
    echo $! >"$D/$1/pid"
}

# written NAME: bytes so far
written() {
    awk '/^write_bytes/ { n += $2 } /^cancelled_write_bytes/ { n -= $2 } END { printf "%.0f\n", n }' \
        "/proc/$(cat "$D/$1/pid")/io"
}

# cpu NAME: nanoseconds computed so far
cpu() {
    cut -d ' ' -f 1 "/proc/$(cat "$D/$1/pid")/schedstat"
}

# snapshot NAME AS: what was written, computed and logged so far
snapshot() {
    { written "$1" && cpu "$1" && wc -c <"$D/$1/log"; } >"$D/$1/$2"
}

# grown NAME LINE FACTOR: the difference of the snapshots' lines, for a second and times the factor
grown() {
    paste "$D/$1/before" "$D/$1/after" |
        awk -v l="$2" -v f="$3" -v s="$SECONDS_EACH" 'NR == l { printf "%.2f", ($2 - $1) / s * f }'
}

for rate in $RATES; do
    run "all$rate" "$rate" ""
    run "commits$rate" "$rate" 1h
done
sleep 150   # the first rounds of drawing make the RRDs, and the kernel writes them
for which in before after; do
    for rate in $RATES; do
        snapshot "all$rate" $which && snapshot "commits$rate" $which || exit 1
    done
    [ $which = after ] || sleep "$SECONDS_EACH"
done
day=86400e-9
echo "| lines/s | the log, GB a day | written, GB a day | of it commits | % of a core |"
echo "|---:|---:|---:|---:|---:|"
for rate in $RATES; do
    echo "| $rate | $(grown "all$rate" 3 $day) | $(grown "all$rate" 1 $day) | $(grown "commits$rate" 1 $day) |" \
        "$(grown "all$rate" 2 1e-7) |"
done
