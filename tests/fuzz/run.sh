#!/bin/sh
# run.sh SECONDS PROGRAM... - each fuzz target for so long, seeded by the golden logs; FUZZ_JOBS
# of them at once.
#
# What was found new stays in build/fuzz/NAME.corpus for the next time; an input that breaks
# something is left as build/fuzz/NAME.crash-... and is worth a test. Ends with the number of
# inputs of all, and of targets that failed.
set -u
if [ "${1:-}" = one ]; then
    seconds=$2 program=$3
    corpus=$program.corpus
    mkdir -p "$corpus"
    for log in tests/logs/*/*.log; do
        head -c 20000 "$log" >"$corpus/seed-$(echo "$log" | tr '/' '-')"
    done
    rm -f "$program.failed"
    "$program" -max_total_time="$seconds" -max_len=20000 -timeout=10 -print_final_stats=1 \
        -artifact_prefix="$program.crash-" "$corpus" >"$program.out" 2>&1 || {
        touch "$program.failed"
        tail -n 30 "$program.out"
    }
    echo "${program##*/}: $seconds s, $(sed -n 's/^stat::number_of_executed_units: *//p' "$program.out") inputs"
    exit 0
fi
seconds=$1
shift
printf '%s\n' "$@" | xargs -P "${FUZZ_JOBS:-1}" -I '{}' sh "$0" one "$seconds" '{}'
failed=0 inputs=0
for program in "$@"; do
    [ ! -e "$program.failed" ] || failed=$((failed + 1))
    n=$(sed -n 's/^stat::number_of_executed_units: *//p' "$program.out")
    inputs=$((inputs + ${n:-0}))
done
echo "$# targets, $inputs inputs, $failed failed"
[ "$failed" -eq 0 ]
