#!/bin/sh
# run.sh BUILD [once] - the main job on this machine's mail log, below ./run/.
#
# Reads the log (rotated files too), else the journal, else the recorded day of
# tests/logs/day; draws the graphs, shows a report and what the check says, and goes on
# as the daemon until Ctrl-C. Nothing outside of ./run/ is written. A second run reads
# only what is new. LOGS="FILE..." names other files, LOG_DIR another /var/log, RUN_DIR
# another ./run.
set -u
cd "$(dirname "$0")/.." || exit 1
build=$1 once=${2:-}
export PATH="${PATH:-/usr/sbin:/usr/bin:/sbin:/bin}"
logs=${LOG_DIR:-/var/log}
run=${RUN_DIR:-$PWD/run}
export XDG_CACHE_HOME="$run/cache"      # for the fonts of the graphs
mxgauge=$build/bin/mxgauge
state=$run/state
follower=
trap '[ -z "$follower" ] || kill "$follower"' EXIT
trap 'exit 130' INT TERM

# The tag of a line that an MTA wrote.
tag='[ /](postfix[A-Za-z0-9_.-]*(/[A-Za-z0-9_.-]+)*/[a-z]+|sendmail|sm-mta|exim4?|qmail-send|opensmtpd)\[[0-9]+\]: '

# One of a file that Exim or qmail writes itself.
own='^[0-9-]{10} [0-9:.]{8,12}( [+-][0-9]{4})? (\[[0-9]+\] )?[0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4} |^@[0-9a-f]{24} (new msg|info msg|status|delivery|tcpserver)'

is_mail_log() {
    case $1 in
    *.gz) gzip -dc "$1" ;;
    *.zst) zstd -dcq "$1" ;;
    *.bz2) bzip2 -dc "$1" ;;
    *.xz) xz -dc "$1" ;;
    *) cat "$1" ;;
    esac 2>/dev/null | LC_ALL=C grep -aEqm1 "$tag|$own"
}

# Those of the files that hold lines of an MTA, the oldest first.
mail_logs() {
    # names of logs do not hold blanks
    # shellcheck disable=SC2012
    ls -1dtr "$@" 2>/dev/null |
        while read -r f; do
            if [ ! -f "$f" ]; then
                continue
            elif [ ! -r "$f" ]; then
                echo "$f can't be read by $(id -un); root can, or who is in group adm" >&2
            elif is_mail_log "$f"; then
                echo "$f"
            fi
        done
}

# All that the journal has of mail, appended to journal.log since the last time.
journal() {
    command -v journalctl >/dev/null 2>&1 &&
        journalctl -q -F SYSLOG_IDENTIFIER 2>/dev/null | grep -Eq '^(postfix.*/|sendmail|sm-mta|exim|opensmtpd)' &&
        read_journal
}
read_journal() {
    journalctl -q --no-pager -o short-iso-precise SYSLOG_FACILITY=2 \
        --cursor-file="$run/journal.cursor" "$@" >>"$run/journal.log"
}

mkdir -p "$run" || exit
files=${LOGS:-$(mail_logs "$logs"/mail "$logs"/mail.log* "$logs"/maillog* "$logs"/mail/*.log* \
    "$logs"/exim4/mainlog* "$logs"/exim/main*log* "$logs"/exim_mainlog* "$logs"/qmail/current \
    "$logs"/qmail/*/current)}
# A machine whose syslog does not sort by facility has it all in one file.
[ -n "$files" ] || files=$(mail_logs "$logs"/syslog* "$logs"/messages*)
if [ -n "${LOGS:-}" ]; then
    what="the log that LOGS names"
elif [ -n "$files" ]; then
    what="this machine's mail log"
elif journal; then
    what="this machine's journal"
    files=$run/journal.log
else
    what="the recorded day, because this machine has no log of a mail server"
    files=tests/logs/day/postfix.log
fi
echo "Reading $what:" $files
if [ "$(cat "$run/what" 2>/dev/null)" != "$what${LOGS:+: $LOGS}" ]; then
    rm -rf "$state" "$run/web"         # what was shown before is another log's
    echo "$what${LOGS:+: $LOGS}" >"$run/what"
fi

# shellcheck disable=SC2086
"$mxgauge" import --state "$state" $files || exit
"$mxgauge" report --state "$state" || exit
"$mxgauge" graph --state "$state" --out "$run/web" || exit
newest=$("$mxgauge" report --state "$state" --json | sed -n 's/.*"to": *\([0-9]*\).*/\1/p' | head -n 1)
echo
echo "What Nagios would have been told at the newest line:"
"$build/plugins/check_reject_ratio" --state "$state" --at "@$newest"
echo
echo "The graphs: file://$run/web/index.html"
[ -z "$once" ] || exit 0

{
    echo "# made by make run"
    echo "state = \"$state\""
    echo "source \"mail\" {"
    echo "	files = {"
    for f in $files; do
        case $f in
        *.gz | *.zst | *.bz2 | *.xz | *.[0-9] | *-[0-9]*) ;;       # rotated: only what is written to
        /*) echo "		\"$f\"," ;;
        *) echo "		\"$PWD/$f\"," ;;
        esac
    done | sed '$s/,$//'
    echo "	}"
    echo "}"
} >"$run/mxgauged.conf"
echo "Going on as mxgauged until Ctrl-C; \"$mxgauge graph --state $state --out $run/web\" draws again."
if [ "$files" = "$run/journal.log" ]; then
    read_journal -f &
    follower=$!
    "$build/bin/mxgauged" --foreground --config "$run/mxgauged.conf"
else
    exec "$build/bin/mxgauged" --foreground --config "$run/mxgauged.conf"
fi
