#!/bin/sh
# run.sh SECONDS PROGRAM... - each fuzz target for so long, seeded by the golden logs.
#
# What was found new stays in build/fuzz/NAME.corpus for the next time; an input that breaks
# something is left as build/fuzz/NAME.crash-... and is worth a test. Ends with the number of
# targets that failed.
set -u
seconds=$1
shift
failed=0
for program in "$@"; do
    corpus=$program.corpus
    mkdir -p "$corpus"
    for log in tests/logs/*/*.log; do
        head -c 20000 "$log" >"$corpus/seed-$(echo "$log" | tr '/' '-')"
    done
    echo "${program##*/}: $seconds s"
    if ! "$program" -max_total_time="$seconds" -max_len=20000 -timeout=10 -print_final_stats=1 \
        -artifact_prefix="$program.crash-" "$corpus" >"$program.out" 2>&1; then
        failed=$((failed + 1))
        tail -n 30 "$program.out"
    fi
    sed -n 's/^stat::number_of_executed_units: */  inputs: /p' "$program.out"
done
echo "$# targets, $failed failed"
[ "$failed" -eq 0 ]
