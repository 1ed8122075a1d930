#!/bin/sh
# run.sh - `make bench`: import of a generated day beside `wc -l` and beside the usual tools.
#
# Everything runs on one core, in turn, RUNS times; medians count. What a tool says is held
# against the day's truth, so that a fast wrong answer is seen to be wrong. Tools that are not
# installed are named and left out: they are no part of building or testing.
#
#	LINES=2000000 SEED=1 RUNS=3	the day, and how often
#	PEERS=0				leave the other tools out (mtail alone takes a minute a run)
#
# The table goes to the terminal and, as markdown, to bench/last.md.
set -u
cd "$(dirname "$0")/.." || exit 1
: "${BUILD:=build}" "${LINES:=2000000}" "${SEED:=1}" "${RUNS:=3}" "${PEERS:=1}"
unset COLUMNS
TZ=UTC LC_ALL=C
export TZ LC_ALL
root=$PWD
case $BUILD in /*) ;; *) BUILD=$root/$BUILD ;; esac
mxgauge=$BUILD/bin/mxgauge
measure=$BUILD/bench/measure
T=$(mktemp -d) || exit 1
. bench/daemon.sh
trap 'stop; rm -rf "$T"' EXIT
trap 'exit 1' HUP INT TERM
core=$(($(nproc) - 1))

say() {
    [ ! -t 2 ] || echo "$@" >&2
}

say "making a day of $LINES lines ..."
"$BUILD/bench/genday" "$LINES" "$SEED" "$T/day.log" "$T/truth" || exit 1
cat "$T/day.log" >/dev/null # into the page cache

# --- speed --------------------------------------------------------------------------
import="$mxgauge import --state $T/state --tz UTC --year 2026"
set -- wc "wc -l $T/day.log" \
    import "$import --phases $T/day.log >>$T/phases"
: >"$T/absent"
peer() { # NAME: is it there, and wanted?
    [ "$PEERS" != 0 ] || return 1
    command -v "$1" >/dev/null 2>&1 && return 0
    echo "$1" >>"$T/absent"
    return 1
}
if peer mailgraph; then
    set -- "$@" mailgraph "mailgraph -v -c -y 2026 --daemon-rrd=$T/mailgraph \
        -l $T/day.log >$T/mailgraph.out"
fi
if peer pflogsumm; then
    # It has to be told that mxc has two instances; a pattern is taken.
    set -- "$@" pflogsumm "pflogsumm --detail 0 --syslog-name=postfix(?:-in|-out)? \
        $T/day.log >$T/pflogsumm.out"
fi
program=/usr/share/doc/mtail/examples/postfix.mtail
if peer mtail; then
    if [ -r "$program" ]; then
        set -- "$@" mtail "mtail --one_shot --log_dir $T --logs $T/day.log --progs $program \
            --override_timezone UTC >$T/mtail.out"
    else
        echo "mtail's $program" >>"$T/absent"
    fi
fi
say "measuring, $RUNS runs ..."
"$measure" -n "$RUNS" -c "$core" -p "rm -rf $T/state $T/mailgraph && mkdir $T/mailgraph" "$@" \
    >"$T/speed" || exit 1

# --- what mxgauge says, and how long asking takes -------------------------------------
rm -rf "$T/state"
if $import "$T/day.log" >"$T/import.out" 2>&1; then
    "$mxgauge" report --state "$T/state" --json >"$T/report" 2>>"$T/import.out"
fi
perl bench/judge.pl "$T/truth" "$T/report" >"$T/judged" 2>&1

# As they are used: beside the daemon, which has the state open. Without it each check would first make the
# index of the database's log, which costs an eighth of an empty program.
start "$T" ''

say "measuring checks ..."
# As "make install" leaves them: what is written in one go lies in the page cache in large pieces, what the linker
# wrote does not, and then each program takes a tenth of an empty one longer to start.
mkdir "$T/installed"
cp "$BUILD/bench/empty" "$BUILD"/plugins/check_* "$T/installed/"
newest=$(tail -n 1 "$T/day.log" | cut -c 8-15)
at="--state $T/state --at 2026-11-05T${newest}Z"
set -- empty "$T/installed/empty"
for check in "$T"/installed/check_*; do
    [ -x "$check" ] && set -- "$@" "${check##*/}" "$check -V"
done
for name in check_reject_ratio check_mail_delay check_mail_flow check_mail_balance check_mail_accounts \
    check_reputation check_mxgauge check_mail_peers; do
    set -- "$@" "$name+state" "$T/installed/$name $at"
done
for name in check_dnsbl check_mail_queue; do
    set -- "$@" "$name+state" "$T/installed/$name --from-state $at"
done
# Large programs leave the caches to the next one cold: they come last, and then one that is not shown.
for name in check_reject_ratio check_mail_delay check_mail_flow check_mail_balance check_mail_accounts \
    check_reputation check_mxgauge check_mail_peers; do
    # as the samples run them each minute: with the weeks before, and the minutes before (hold)
    nodes=
    [ "$name" != check_mail_peers ] || nodes='mx*'
    set -- "$@" "$name+ini" "$T/installed/$name --extra-opts=$name@nagios-cfg/nrpe/mxgauge.ini $at $nodes"
done
[ ! -x "$T/installed/check_rrd" ] ||
    set -- "$@" check_rrd+rrd "$T/installed/check_rrd --at 2026-11-05T${newest}Z $T/state/rrd/_farm/flow.rrd"
set -- "$@" report "$mxgauge report --state $T/state --json" warm "$T/installed/empty"
"$measure" -n 200 -c "$core" "$@" >"$T/small" || exit 1
stop
for check in "$BUILD"/plugins/check_*; do
    [ -x "$check" ] || continue
    printf '%s\t%s\t%s\n' "${check##*/}" "$(wc -c <"$check")" \
        "$(ldd "$check" | grep -c libssl)" >>"$T/sizes"
done

perl bench/table.pl "$T" "$(wc -c <"$T/day.log")" "$RUNS" >bench/last.md || exit 1
# part TITLE COMMAND...: a bench of its own, at the end of the page
part() {
    title=$1
    shift
    say "$title ..."
    {
        printf '\n## %s\n\n' "$title"
        "$@"
    } >>bench/last.md || exit 1
}
part "A central log" env RUNS="$RUNS" sh bench/central.sh "$T/day.log"
part "Following a log that grows" sh bench/follow.sh "$T/day.log"
part "Asking an SNMP agent" sh bench/snmp.sh
part "Asking a mail server" sh bench/smtp.sh
part "Large queues" env N="${QUEUED:-200000}" RUNS="$RUNS" PEERS="$PEERS" sh bench/queue.sh
[ "$(id -u)" != 0 ] || part "Asking how far a copy is behind" sh bench/copies.sh
part "Asking nodes" sh bench/nodes.sh
part "Asking block lists" sh bench/dnsbl.sh
cat bench/last.md
