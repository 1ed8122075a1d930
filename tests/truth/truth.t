#!/bin/sh
# truth.t - a generated day of each MTA, in seven forms, must give the figures that it was made of.
# DAYS="exim:7" takes another one.
#
# bench/genday writes the day and its truth; none of its code is the collector's. The forms: as
# it is, with ISO stamps and full host names, shuffled within ten minutes, shuffled as a whole,
# with a copy (known as the same file) and one in another order (another source), one host by
# two paths of which the second lacks a fifth, and read with kill -9 in the middle.
set -u
: "${BUILD:=build}"
genday=$BUILD/bench/genday
mxgauge=$BUILD/bin/mxgauge
lines=60000
# MTA:SEED of each day; Postfix, whose paths are the most, has two seeds
days="postfix:1 postfix:2 opensmtpd:1 exim:1 sendmail:1 qmail:1"
tests=0 bad=0
T=$(mktemp -d) || exit 1
trap 'rm -rf "$T"' EXIT
trap 'exit 1' HUP INT TERM

# result STATUS TEXT FILE: a TAP line; on failure FILE tells why.
result() {
    tests=$((tests + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $tests - $2"
    else
        bad=$((bad + 1))
        echo "not ok $tests - $2"
        sed 's/^/# /' "$3" | head -n 60
    fi
}

import() {
    "$mxgauge" import --state "$T/state" --tz UTC --year 2026 "$@" >"$T/out" 2>&1
}

# compare NAME [--copies]: is the report of the state the truth?
compare() {
    "$mxgauge" report --state "$T/state" --json >"$T/report" 2>"$T/err" &&
        perl bench/judge.pl ${2:+"$2"} "$T/truth" "$T/report" >"$T/diff" 2>>"$T/err"
    rc=$?
    cat "$T/err" >>"$T/diff"
    result $rc "$1" "$T/diff"
    rm -rf "$T/state"
}

# form NAME FLAG FILE...
form() {
    name=$1 flag=$2
    shift 2
    rm -rf "$T/state"
    if import "$@"; then
        compare "$name" "$flag"
    else
        result 1 "$name" "$T/out"
    fi
}

# Killed ever later, then left alone: what was committed counts, and is not read again.
killed() {
    name=$1
    rm -rf "$T/state"
    for ms in 005 010 015 020 030 045 070 110; do
        timeout --foreground -s KILL "0.$ms" "$mxgauge" import --state "$T/state" --tz UTC --year 2026 \
            "$T/a.log" "$T/b.log" >/dev/null 2>&1
    done
    if import "$T/a.log" "$T/b.log"; then
        compare "$name"
    else
        result 1 "$name" "$T/out"
    fi
}

# Two halves of the day, as two sources. Not between two lines that are equal (Exim's main and
# reject log in one): in another source the second would be a copy.
cut_in_two() {
    half=$(($(wc -l <"$T/day.log") / 2))
    while :; do
        head -n $half "$T/day.log" >"$T/a.log"
        tail -n +$((half + 1)) "$T/day.log" >"$T/b.log"
        tail -n 2000 "$T/a.log" | sort -u >"$T/a.end"
        head -n 2000 "$T/b.log" | sort -u >"$T/b.begin"
        [ -n "$(comm -12 "$T/a.end" "$T/b.begin")" ] || break
        half=$((half + 1))
    done
}

# make FLAG... LOG [TRUTH]
make() {
    "$genday" -M "$mta" "$@"
}

for day in ${DAYS:-$days}; do
    mta=${day%%:*} seed=${day#*:}
    n="$mta, seed $seed:"
    make $lines "$seed" "$T/day.log" "$T/truth" &&
        make -i $lines "$seed" "$T/iso.log" &&
        make -m 10 $lines "$seed" "$T/ten.log" &&
        make -m 1440 $lines "$seed" "$T/all.log" &&
        make -i -o mxa $lines "$seed" "$T/mxa.log" &&
        make -l mxa=20 $lines "$seed" "$T/central.log" || exit 1
    cp "$T/day.log" "$T/copy.log"
    cut_in_two

    for f in day ten all; do sort "$T/$f.log" | cksum; done | uniq | wc -l >"$T/n"
    [ "$(cat "$T/n")" -eq 1 ] && [ "$(wc -l <"$T/iso.log")" -eq "$(wc -l <"$T/day.log")" ] &&
        ! cmp -s "$T/day.log" "$T/ten.log" && ! cmp -s "$T/ten.log" "$T/all.log"
    result $? "$n the forms hold the same lines in another order" "$T/n"
    form "$n as it is" '' "$T/day.log"
    form "$n ISO stamps and full host names" '' "$T/iso.log"
    form "$n shuffled within ten minutes" '' "$T/ten.log"
    form "$n shuffled as a whole" '' "$T/all.log"
    form "$n two more copies, one in another order" --copies "$T/day.log" "$T/copy.log" \
        "$T/ten.log"
    form "$n one host by two paths" --copies "$T/mxa.log" "$T/central.log"
    killed "$n killed in the middle"
done

# The other generator, where it lies beside the repository.
if [ -r ../shared/tools/truth.py ] && command -v python3 >/dev/null; then
    python3 ../shared/tools/truth.py "$mxgauge" $lines 1 >"$T/diff" 2>&1
    result $? "the shared generator's day in its seven forms" "$T/diff"
else
    tests=$((tests + 1))
    echo "ok $tests - the shared generator's day # skip ../shared/tools/truth.py is not there"
fi
echo "1..$tests"
[ $bad -eq 0 ]
