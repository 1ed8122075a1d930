#!/bin/sh
# years.t - logs of more than a year whose stamps name none: each line counts in its own year, or it
# is said that it does not.
set -u
export LC_ALL=C TZ=UTC
: "${BUILD:=build}"
. tests/tap.sh
mxgauge=$PWD/$BUILD/bin/mxgauge
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT

# lines FROM DAYS HOURS [SKIP_FROM SKIP_TO]: a mail each so many hours
lines() {
    perl -MPOSIX=strftime -MTime::Local -e '
        my ($y, $m, $d) = split /-/, $ARGV[0];
        my $t = timegm(0, 0, 12, $d, $m - 1, $y);
        for (my $n = 0; $n < $ARGV[1] * 24 / $ARGV[2]; $n++, $t += $ARGV[2] * 3600) {
            my $s = strftime("%b %e %H:%M:%S", gmtime($t)); my $id = sprintf("%010X", $n + 0xA00000000);
            print "$s mx1 postfix/pickup[1]: $id: uid=0 from=<root>\n",
                "$s mx1 postfix/qmgr[2]: $id: from=<root\@example.org>, size=300, nrcpt=1 (queue active)\n",
                "$s mx1 postfix/local[3]: $id: to=<a\@example.org>, relay=local, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (delivered)\n",
                "$s mx1 postfix/qmgr[2]: $id: removed\n";
        }' "$@"
}
# year STATE YEAR: how many recipients were accepted in that year
year() {
    "$mxgauge" report --state "$d/state-$1" --from "$2-01-01 00:00" --to "$(($2 + 1))-01-01 00:00" --json |
        perl -MJSON::PP -e 'local $/; print decode_json(<STDIN>)->{counts}{local_rcpt}'
}
# import STATE FILE OPTION...
import() {
    state=$d/state-$1 log=$2
    shift 2
    "$mxgauge" import --state "$state" --tz UTC --no-rrd "$@" "$log" >"$d/out" 2>&1
}
# years STATE: of 2025 and 2026; what is older than hours are kept is not there
years() {
    echo "$(year "$1" 2025) $(year "$1" 2026)"
}

lines 2024-10-01 780 6 >"$d/log"	# to 2026-11-20
touch -d '2026-11-20 12:00' "$d/log"
import whole "$d/log"
ok $? "a log of two years is imported"
# 400 days before the newest line are kept
is "$(years whole)" "307 1294" "each line is of its year"
import whole "$d/log"
is "$(sed 's/ lines.*//' "$d/out") $(years whole)" "0 307 1294" "nothing comes twice"
is "$("$mxgauge" report --state "$d/state-whole" | sed -n '2s/ UTC.*//p')" "Thu 2025-10-16 06:00 to Fri 2026-11-20 06:01" \
    "a report of everything begins with what is kept, not with the first line that ever came"
is "$("$mxgauge" report --state "$d/state-whole" --from 2025-01-01 --to 2025-12-01 | sed -n 3p)" \
    "Of the time before Thu 2025-10-16 06:00 UTC nothing is counted here." "one of a longer time says what it lacks"
is "$("$mxgauge" report --state "$d/state-whole" --from 2025-12-01 | sed -n 3p)" "" "and others do not"

{
    head -n 4000 "$d/log"
    echo 'Jan  1 00:00:07 mx1 postfix/qmgr[2]: D000000001: removed'
    tail -n +4001 "$d/log"
} >"$d/wild"
touch -d '2026-11-20 12:00' "$d/wild"
import wild "$d/wild"
is "$(years wild)" "307 1294" "one line of a clock gone wild begins no year"

lines 2025-11-21 364 6 >"$d/almost"
touch -d '2026-11-20 12:00' "$d/almost"
import almost "$d/almost"
is "$(years almost)" "162 1294" "a log of a year less a day begins a year before"
tail -n 1000 "$d/log" >"$d/tail"
touch -d '2026-11-20 12:00' "$d/tail"
import tail "$d/tail"
is "$(years tail)" "0 250" "and one of some months does not"

lines 2025-10-01 415 120 >"$d/quiet"	# to 2026-11-15
touch -d '2026-11-20 12:00' "$d/quiet"
import quiet "$d/quiet"
is "$(years quiet)" "17 64" "nor does a small log of a host that is quiet hide a year"

gzip -kn "$d/log"
touch -d '2026-11-20 12:00' "$d/log.gz"
import packed "$d/log.gz"
is $? 1 "of a packed one nobody knows before"
grep -q 'log.gz: goes through more than a year, and its stamps name none' "$d/out" && grep -q -- '--year' "$d/out"
ok $? "which is said, with what to do"
import told "$d/log.gz" --year 2024
is "$? $(years told)" "0 307 1294" "with --year each line is of its year"
done_testing
