#!/bin/sh
# lint.sh FILE.c... - what gcc's analyser, clang, shellcheck and clang-format say.
#
# FLAGS holds the Makefile's warnings and include paths. Warnings of gcc and clang and
# findings of shellcheck count; clang-format only reports, because tables aligned by
# hand read better than what it makes of them. A tool that is not there is named.
set -u
found=0
version='-DMX_VERSION="lint"'
# tool COMMAND...: run it, show what it says
tool() {
    out=$("$@" 2>&1)
    [ -z "$out" ] && return
    echo "$out"
    found=$((found + $(echo "$out" | grep -cE '(warning|error):|SC[0-9]{4}')))
}
have() {
    command -v "$1" >/dev/null 2>&1 && return 0
    echo "lint: $1 is not installed, left out"
    return 1
}

for f in "$@"; do
    # shellcheck disable=SC2086
    have gcc && tool gcc $FLAGS "$version" -O2 -fanalyzer -c -o /dev/null "$f"
    # shellcheck disable=SC2086
    command -v clang >/dev/null 2>&1 && tool clang $FLAGS "$version" -Wno-unknown-warning-option -fsyntax-only "$f"
done
have clang || :
scripts=$(git ls-files '*.sh' '*.t' .ci/run 2>/dev/null || find tests packaging bench -name '*.sh' -o -name '*.t')
# What a sourced piece sets, reads or takes as an argument is set, used or given by another file.
# shellcheck disable=SC2086
have shellcheck && tool shellcheck -S warning -e SC2034,SC2154,SC2120 -x -f gcc $scripts
if have clang-format; then
    differ=0
    for f in "$@"; do
        clang-format "$f" | cmp -s - "$f" || differ=$((differ + 1))
    done
    echo "lint: clang-format would lay out $differ of $# files in another way (a report, no fault)"
fi
echo "lint: $found found"
[ "$found" -eq 0 ]
