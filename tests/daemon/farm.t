#!/bin/sh
# farm.t - a farm's day by two paths at once, each with accidents: each host's own log, and a
# central one that lacks a part of the lines and has the others late and in another order. All of
# them grow and rotate while mxgauged is killed, asked to end and told to read its configuration
# again. At the end the figures are the truth's, and each hour's those of an import of the same
# logs that nobody disturbed.
#
# MTA says whose day (all in turn with LAB=all), KILLS how often it is ended (5; 40 with
# LAB=all), SEED which way.
set -u
# shellcheck source=tests/daemon/daemon_test.sh
. tests/daemon/daemon_test.sh
seed=${SEED:-$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')}
kills=${KILLS:-5}
mtas='postfix exim sendmail qmail opensmtpd'
if [ "${LAB:-}" = all ]; then
    kills=${KILLS:-40}
else
    # one of them, by the seed
    # shellcheck disable=SC2086 # words are wanted
    set -- $mtas
    shift $((seed % 5))
    mtas=$1
fi
lines=$((kills * 4000))
date=$(perl -MPOSIX -e 'print strftime "%Y-%m-%d", gmtime(time - 86400)')	# old stamps have no year
logs='mxa mxb mxc central'
echo "# SEED=$seed KILLS=$kills"

# day MTA DAY OPTION...: its lines with these options
day() {
    d_mta=$1 d_to=$2
    shift 2
    "$BUILD/bench/genday" -M "$d_mta" -d "$date" "$@" $lines "$seed" "$D/$d_to" "$D/truth.$d_to" || exit 1
}

# reports STATE: of the day, and of each hour and host
reports() {
    "$mxgauge" report --state "$1" --json
    for h in mxa mxb mxc; do
        for hour in $(seq -w 0 23); do
            "$mxgauge" report --state "$1" --json --host $h --from "$date $hour:00" --to "$date $hour:59"
        done
    done
}

# play MTA: one day of it
play() {
    rm -rf "$D/state" "$D/calm" "$D"/log.* "$D"/day.*
    stamps=
    [ $((seed / 5 % 2)) = 0 ] || stamps=-i
    day "$1" day ${stamps:+"$stamps"}
    for host in mxa mxb mxc; do
        day "$1" "day.$host" ${stamps:+"$stamps"} -o $host
    done
    day "$1" day.central ${stamps:+"$stamps"} -m 20 -l mxa=30 -l mxc=10
    mkdir "$D/calm" "$D/state"
    "$mxgauge" import --state "$D/calm" --tz UTC --no-rrd "$D/day.mxa" "$D/day.mxb" \
        "$D/day.mxc" "$D/day.central" >"$D/import" 2>&1
    ok $? "$1: the day, undisturbed"
    "$mxgauge" report --state "$D/calm" --json >"$D/report" 2>&1
    perl bench/judge.pl --copies "$D/truth.day" "$D/report" >"$D/judged" 2>&1
    ok $? "$1: and what it says is true"
    printf 'state = "%s/state"\ntemplates = "%s/rrd-templates"\n' "$D" "$PWD" >"$D/conf"
    for log in $logs; do
        printf 'source %s { files = "%s/log.%s" timezone = UTC }\n' "$log" "$D" "$log" >>"$D/conf"
        head -n 1 "$D/day.$log" >"$D/log.$log"
    done
    : >"$D/said"
    start
    saw $? "$1: it starts"
    # MOMENT HOW: of each life, after how many seconds it ends, and by which signal
    perl -e 'srand($ARGV[0]); printf "%.3f %s\n", rand(1.5), (qw(KILL KILL KILL TERM HUP))[rand 5] for 1 .. $ARGV[1]' \
        "$seed" "$kills" >"$D/plan"
    part=0
    while read -r moment how; do
        feeders=
        for log in $logs; do
            perl tests/daemon/feed.pl "$seed" "$D/day.$log" "$D/log.$log" $part "$kills" &
            feeders="$feeders $!"
        done
        [ -n "$pid" ] || launch
        sleep "$moment"
        if [ "$how" = HUP ]; then
            kill -HUP "$pid"
        else
            stop "$how"
        fi
        for f in $feeders; do
            wait "$f" || { echo "Bail out! a feeder failed"; exit 1; }
        done
        part=$((part + 1))
    done <"$D/plan"
    stop TERM
    cat "$D/out" >>"$D/said"
    start
    wait_for is_read "$(lines_read "$D/calm")"
    saw $? "$1: all lines were read"
    stop TERM
    is $status 0 "$1: and it ends well"
    none "$1: nothing went wrong meanwhile" "$(grep -v -e ': started: ' -e ': stopped: ' -e ': runs as root: ' \
        -e ': runs without its seccomp filter: ' -e 'truncated or rewritten' -e ': reloaded: ' "$D/said" "$D/out")"
    "$mxgauge" report --state "$D/state" --json >"$D/report" 2>&1
    perl bench/judge.pl --copies "$D/truth.day" "$D/report" >"$D/judged" 2>&1
    r=$?
    ok $r "$1: what it says is true"
    [ $r = 0 ] || sed 's/^/# /' "$D/judged" | head -n 30
    reports "$D/calm" >"$D/want"
    reports "$D/state" >"$D/got"
    cmp -s "$D/want" "$D/got"
    r=$?
    ok $r "$1: each hour of each host is as if nobody had disturbed it"
    [ $r = 0 ] || diff "$D/want" "$D/got" | cut -c 1-300 | head -n 20 | sed 's/^/# /'
}

for mta in $mtas; do
    play "$mta"
done
done_testing
