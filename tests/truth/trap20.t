#!/bin/sh
# trap20.t - trap 20: an RRD refuses what is older than its last update, and a restart must make
# no spike. Lines of hours ago come last, and the collector is started anew for each file: every
# minute of the RRD reads back as the state's count.
set -u
: "${BUILD:=build}"
mxgauge=$BUILD/bin/mxgauge
log=tests/truth/traps/07-deferred-sent-expired.log
T=$(mktemp -d) || exit 1
trap 'rm -rf "$T"' EXIT
trap 'exit 1' HUP INT TERM
tests=0 bad=0

result() {
    tests=$((tests + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $tests - $2"
    else
        bad=$((bad + 1))
        echo "not ok $tests - $2"
        sed 's/^/# /' "$3"
    fi
}

# the day from its end to its beginning, a start for each piece
split -l 4 "$log" "$T/piece." || exit 1
for f in $(find "$T" -name 'piece.*' | sort -r); do
    "$mxgauge" import --state "$T/state" --tz UTC --year 2026 "$f" >"$T/out" 2>&1 || cat "$T/out"
done

# sums DS: "ROWS SUM LARGEST" of the minutes of 5 November
sums() {
    rrdtool fetch "$T/state/rrd/mx1/flow.rrd" AVERAGE -r 60 -s 1793836800 -e 1793923200 |
        awk -v ds="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == ds) c = i + 1 }
            NR > 2 && tolower($c) !~ /nan/ { v = $c * 60; n++; s += v; if (v > m) m = v }
            END { printf "%d %.3f %.3f\n", n, s, m }'
}
while read -r ds sum largest; do
    sums "$ds" >"$T/sums"
    read -r n s m <"$T/sums"
    [ "$n" -gt 60 ] && [ "$s" = "$sum" ] && [ "$m" = "$largest" ]
    result $? "trap 20-late-lines-and-restarts: $ds reads back as it was counted" "$T/sums"
done <<'END'
recv_msg 1.000 1.000
defer 3.000 2.000
dlv_ext 2.000 1.000
END
echo "1..$tests"
[ $bad -eq 0 ]
