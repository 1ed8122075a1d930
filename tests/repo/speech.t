#!/bin/sh
# speech.t - what the files of the repository say, and how they end.
#
# They speak of the project alone: no path of the machine somebody wrote them on, no
# promise left for later, no tool they were written with; text is UTF-8 with newlines.
set -u
. tests/tap.sh
cd "${TREE:-.}" || exit 1

# Text files; recorded logs may hold what they like.
texts() {
    if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
        git ls-files
    else
        find . -type f ! -path './build/*' ! -path './run/*' ! -path './.git/*' | sed 's|^\./||'
    fi | grep -vE '\.(png|svg|gz|zst|rrd)$'
}
says() {
    texts | tr '\n' '\0' | xargs -0 grep -nIE "$@" 2>/dev/null | cut -c1-160
}

none "no path of somebody's own machine" "$(says '(^|[^A-Za-z0-9_.-])/(work|root)/[A-Za-z.]')"
none "no promise left in the code" "$(says '\b(T[O]DO|FI[X]ME|HA[C]K|not imple[m]ented)\b' |
    grep -vE '^tests/logs/|^LICENSE')"
none "no talk of the tools it was written with" "$(
    says -i 'langu[a]ge model|\bLL[M]s?\b|\bA[I]\b|assistan[t]\b|worktre[e]' | grep -v '^LICENSE')"
none "each file ends with a newline" "$(
    texts | while read -r f; do
        [ ! -s "$f" ] || [ "$(tail -c 1 "$f" | od -An -c | tr -d ' ')" = '\n' ] || echo "$f"
    done)"
none "no line ends with blanks or a carriage return" "$(
    texts | grep -vE '^tests/(logs|fuzz)/|\.(want|log)$' | tr '\n' '\0' |
        xargs -0 grep -nIE '[[:blank:]]$|'"$(printf '\r')"'$' 2>/dev/null | cut -c1-100)"
none "all text is UTF-8" "$(
    texts | grep -vE '^tests/(logs|fuzz)/|\.(want|log)$' | while read -r f; do
        iconv -f UTF-8 -t UTF-8 "$f" >/dev/null 2>&1 || echo "$f"
    done)"
none "scripts and their tests are executable, and nothing else is" "$(
    texts | while read -r f; do
        head -c 2 "$f" | grep -q '^#!' && what=script || what=text
        case $what:$f in
        script:*.t | script:.ci/run) [ -x "$f" ] || echo "$f: not executable" ;;
        text:*) [ ! -x "$f" ] || echo "$f: executable, but no script" ;;
        esac
    done)"
done_testing
