#!/bin/sh
# corpus.t - lines that other people recorded, where the corpus is at hand: each agree_NAME.py holds
# a family against what its collectors expect, and against the numbers in NAME.frozen.
corpus=../shared/corpus
mxgauge=${MXGAUGE:-${BUILD:-build}/bin/mxgauge}
if [ ! -d "$corpus/postfix" ]; then
    echo "1..0 # SKIP no corpus in $corpus"
    exit 0
fi
T=$(mktemp -d) || exit 1
trap 'rm -rf "$T"' EXIT
n=0 failed=0
for script in tests/corpus/agree_*.py; do
    PYTHONDONTWRITEBYTECODE=1 python3 "$script" "$mxgauge" "$corpus" >"$T/out" 2>&1 || {
        echo "not ok - $script ends badly" >>"$T/out"
        failed=1
    }
    grep -v '^1\.\.' "$T/out" | sed -E 's/^((not )?ok) [0-9]+/\1/'
    n=$((n + $(grep -cE '^(not )?ok' "$T/out")))
    ! grep -q '^not ok' "$T/out" || failed=1
done
echo "1..$n"
exit $failed
