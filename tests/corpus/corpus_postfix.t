#!/bin/sh
# corpus_postfix.t - Postfix lines that other people recorded, where the corpus is at hand.
corpus=../shared/corpus
mxgauge=${MXGAUGE:-${BUILD:-build}/bin/mxgauge}
if [ ! -d "$corpus/postfix" ]; then
    echo "1..0 # SKIP no corpus in $corpus"
    exit 0
fi
exec python3 tests/corpus/agree_postfix.py "$mxgauge" "$corpus"
