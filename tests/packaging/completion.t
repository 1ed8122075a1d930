#!/bin/bash
# completion.t - what bash offers behind the names of our programs, from what they print themselves.
# bash is essential in Debian; elsewhere the test is skipped where it is missing (its first line).
set -u
: "${BUILD:=build}"
. tests/tap.sh
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
mkdir "$d/folder"
: >"$d/file"

# offered WORD...: what is offered when TAB is pressed behind these words, the last of which is being typed
offered() {
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
    "_mxgauge_$1"
    printf '%s\n' "${COMPREPLY[@]}" | tr '\n' ' '
}

none "every program prints what bash can read" "$(
    for p in "$BUILD"/bin/* "$BUILD"/plugins/check_*; do
        [ -f "$p" ] && [ -x "$p" ] || continue
        "$p" --completion >"$d/one"
        bash -n "$d/one" 2>&1 && grep -q "^complete -F _mxgauge_${p##*/} ${p##*/}\$" "$d/one" || echo "${p##*/}"
    done)"
none "and offers each option of its help" "$(
    for p in "$BUILD"/bin/mxgauged "$BUILD"/plugins/check_*; do
        [ -f "$p" ] && [ -x "$p" ] || continue
        n=${p##*/}
        "$p" --completion >"$d/one"
        . "$d/one"
        all=" $(offered "$n" --)"
        "$p" --help | grep -oE '^ +(-[A-Za-z0-9], +)?--[a-z0-9-]+' | grep -oE -- '--[a-z0-9-]+' | while read -r o; do
            case $all in *" $o "* | *" $o= "*) ;; *) echo "$n: $o" ;; esac
        done
    done)"

for p in bin/mxgauge plugins/check_mail_delay plugins/check_smtp_latency; do
    "$BUILD/$p" --completion >"$d/one"
    . "$d/one"
done
is "$(offered check_smtp_latency --star)" "--starttls " "an option"
is "$(offered check_smtp_latency --tls-min 1.)" "1.0 1.1 1.2 1.3 " "a choice"
is "$(offered check_smtp_latency --tls-min = 1.2)" "1.2 " "and behind an equals sign, which parts words"
is "$(offered check_mail_delay -w p)" "p95= p50= p99= " "what is measured"
is "$(offered check_mail_delay --warning tra)" "transmit= " "also behind the long name"
is "$(offered check_mail_delay --state "$d/f")" "$d/folder " "folders for a folder"
is "$(offered check_smtp_latency --ca-file "$d/f" | tr ' ' '\n' | sort | tr '\n' ' ')" "$d/file $d/folder " \
    "files and folders for a file"
is "$(offered check_mail_delay --window 1)" " " "nothing where a number has to be typed"
is "$(offered mxgauge imp)" "import " "a command"
is "$(offered mxgauge help imp)" "import " "the command that help is wanted of"
is "$(offered mxgauge graph --form)" "--format " "an option of the command"
is "$(offered mxgauge graph --format s)" "svg " "and its choices"
is "$(offered mxgauge report --form)" " " "not another command's"
is "$(offered mxgauge import "$d/fi")" "$d/file " "files to import"
done_testing
