#!/bin/sh
# docs.t - the documents speak of what there is: links lead somewhere, the tour has each file,
# commands that are shown exist, pictures are small. TREE is the tree looked at.
set -u
: "${BUILD:=build}"
case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
. tests/tap.sh
cd "${TREE:-.}" || exit 1

none "links in the documents lead to files" "$(
    for f in README.md CHANGELOG.md docs/*.md; do
        grep -oE '\]\([^)]*\)' "$f" | sed 's/^](//; s/)$//; s/#.*//' | while read -r to; do
            case $to in '' | http://* | https://*) continue ;; esac
            [ -e "$(dirname "$f")/$to" ] || echo "$f: $to"
        done
    done)"

# The room of a row of the tour is the heading it stands under.
tour() {
    sed -n 's/^## \([a-z/-]*\/\).*/room \1/p; /^| `/p' docs/tour.md | while read -r first second rest; do
        if [ "$first" = room ]; then
            room=$second
        else
            echo "$second $rest" | sed 's/ | .*//' | grep -oE '`[a-z0-9_./-]+`' | tr -d '`' |
                sed "s|^|$room|"
        fi
    done
}
list=$(mktemp) || exit 1
trap 'rm -f "$list"' EXIT
tour | grep -E '\.(c|h|def)$' | sort >"$list"
none "the tour has each source file" "$(
    find lib collector plugins -name '*.[ch]' -o -name '*.def' | sort | comm -13 "$list" -)"
none "and no other" "$(
    find lib collector plugins -name '*.[ch]' -o -name '*.def' | sort | comm -23 "$list" -)"

commands=$("$BUILD/bin/mxgauge" --help | sed -n '/^Commands/,/^$/s/^  \([a-z-]*\) .*/\1/p')
none "each command of mxgauge that is shown exists" "$(
    grep -ohE '(`|^    (\$ )?)mxgauge [a-z][a-z-]+' README.md docs/*.md | sed 's/.*mxgauge //' | sort -u |
        while read -r c; do
            case " $(echo $commands) help " in *" $c "*) ;; *) echo "mxgauge $c" ;; esac
        done)"
none "each command of mxgauge is in the README" "$(
    for c in $commands; do
        grep -q "mxgauge $c" README.md || echo "$c"
    done)"
none "help fits into 80 columns" "$({
    "$BUILD/bin/mxgauged" --help
    for c in $commands; do "$BUILD/bin/mxgauge" help "$c"; done
    for p in "$BUILD"/plugins/check_*; do "$p" --help; done
} | grep -E '.{81}')"
none "each target of make that is shown exists" "$(
    grep -ohE '`(sudo )?make [a-z]+' README.md docs/*.md | sed 's/.*make //' | sort -u | while read -r t; do
        grep -q "^$t:" Makefile || echo "make $t"
    done)"
none "pictures are smaller than 60 KB, and shown" "$(
    for f in docs/img/*; do
        [ "$(wc -c <"$f")" -le 61440 ] || echo "$f is too large"
        grep -rqF "${f#docs/}" README.md docs/*.md || echo "$f is shown nowhere"
    done)"
done_testing
