#!/bin/sh
# queue.sh - check_mail_queue on large queues, beside the least that counting and reading can take, and
# beside the tools that administrators use, as far as they are installed.
#
#	RUNS=5 N=200000 sh bench/queue.sh
#
# postqueue, qshape and check_mailq need root, for a Postfix whose queue is ours; Exim is that of
# the machine, or what the lab unpacked. PEERS=0 leaves them all out. The queues lie in TMPDIR (2 GB of small files), warm in the page cache. As markdown on stdout.
set -u
cd "$(dirname "$0")/.." || exit 1
: "${BUILD:=build}" "${RUNS:=5}" "${N:=200000}" "${PEERS:=1}"
D=$(mktemp -d) || exit 1
trap 'rm -rf "$D"' EXIT
trap 'exit 1' HUP INT TERM
export LC_ALL=C
check=$BUILD/plugins/check_mail_queue
"$BUILD/bench/genqueue" postfix "$D/postfix" "$N" && "$BUILD/bench/genqueue" exim "$D/exim" $((N / 2)) || exit 1
folders="$D/postfix/deferred $D/postfix/active $D/postfix/hold"
on="--mta postfix --spool $D/postfix --no-growth"
set -- empty "$BUILD/bench/empty" start "$check -V" \
    count.least "$BUILD/bench/barequeue count $folders" count "$check $on --sample none" \
    read.least "$BUILD/bench/barequeue read $folders" \
    read "$check $on --sample all --sample-time 10m -t 11m" sample "$check $on" \
    exim.least "$BUILD/bench/barequeue count $D/exim/input" \
    exim "$check --mta exim --spool $D/exim --no-growth --sample none"
# postfix_lists: does postqueue see our queue? Its showq is another account's.
postfix_lists() {
    chmod 711 "$D" && chmod 755 "$D/postfix" && mkdir "$D/etc" || return
    printf 'queue_directory = %s\ncompatibility_level = 3.6\n' "$D/postfix" >"$D/etc/main.cf"
    : >"$D/etc/master.cf"
    chown -R postfix "$D"/postfix/*
    postqueue -c "$D/etc" -p 2>/dev/null | tail -n 1 | grep -q " $N Requests"
}
if [ "$PEERS" = 1 ] && [ "$(id -u)" = 0 ] && command -v postqueue >/dev/null && postfix_lists; then
    set -- "$@" postqueue "postqueue -c $D/etc -p"
    ! command -v qshape >/dev/null || set -- "$@" qshape "qshape -c $D/etc deferred"
    mailq=/usr/lib/nagios/plugins/check_mailq
    [ ! -x $mailq ] ||
        set -- "$@" check_mailq "env MAIL_CONFIG=$D/etc $mailq -M postfix -w 999999 -c 9999999 -t 600"
fi
# exim_is PROGRAM: as the account that it was made for, which is there in a namespace alone
exim_is() {
    chmod 711 "$D"
    printf 'spool_directory = %s\nsplit_spool_directory = true\nnever_users =\nkeep_environment =\n' \
        "$D/exim" >"$D/exim.conf"
    for db in passwd group; do
        cp /etc/$db "$D/$db"
    done
    echo 'Debian-exim:x:61101:61101::/:/bin/false' >>"$D/passwd"
    echo 'Debian-exim:x:61101:' >>"$D/group"
    chown -R 61101:61101 "$D/exim"
    for how in bpc bp; do
        printf 'mount --bind %s /etc/passwd; mount --bind %s /etc/group; exec %s -C %s -%s\n' \
            "$D/passwd" "$D/group" "$1" "$D/exim.conf" $how >"$D/exim.$how"
    done
    [ "$(unshare -m sh "$D/exim.bpc")" = $((N / 2)) ]
}
for exim in "$(command -v exim4)" "$BUILD/lab/exim4-daemon-light/usr/sbin/exim4"; do
    if [ "$PEERS" = 1 ] && [ "$(id -u)" = 0 ] && [ -x "$exim" ] && exim_is "$exim"; then
        set -- "$@" exim.bpc "unshare -m sh $D/exim.bpc" exim.bp "unshare -m sh $D/exim.bp"
        break
    fi
done
"$BUILD/bench/measure" -n "$RUNS" -c $(($(nproc) - 1)) "$@" >"$D/speed" || exit 1
printf 'Postfix with %s messages, short ids; Exim with %s; medians of %s runs.\n\n' "$N" $((N / 2)) "$RUNS"
echo "| what | ms | CPU ms | peak MB | goal |"
echo "|---|--:|--:|--:|---|"
awk -F '\t' '
    function row(what, n, goal) {
        if (n in wall)
            printf "| %s | %.1f | %.1f | %.1f | %s |\n", what, 1000 * wall[n], 1000 * cpu[n], rss[n] / 1024, goal
    }
    function ratio(n, least, most,    r) {
        r = wall[n] / wall[least]
        return sprintf("%.2f x, at most %s: %s", r, most, r <= most ? "ok" : "**missed**")
    }
    { wall[$1] = $2; cpu[$1] = $3; rss[$1] = $4 }
    END {
        row("an empty program", "empty", "")
        row("check_mail_queue -V", "start", ratio("start", "empty", 2.5))	# it can read the state
        row("bare getdents64", "count.least", "")
        row("check_mail_queue, counting", "count", ratio("count", "count.least", 2))
        row("bare open, read, first recipient", "read.least", "")
        row("check_mail_queue, ages and domains of all", "read", ratio("read", "read.least", 1.5) \
            sprintf("; under 20 MB: %s", rss["read"] < 20480 ? "ok" : "**missed**"))
        row("check_mail_queue as it comes (5,000 read)", "sample", "")
        row("bare getdents64, Exim", "exim.least", "")
        row("check_mail_queue, Exim, counts and ages", "exim", ratio("exim", "exim.least", 2))
        row("exim -bpc", "exim.bpc", "")
        row("exim -bp", "exim.bp", "")
        row("postqueue -p", "postqueue", "")
        row("qshape deferred", "qshape", "")
        row("monitoring-plugins\047 check_mailq", "check_mailq", "")
    }' "$D/speed"
