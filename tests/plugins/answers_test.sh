# answers_test.sh - is the answer of a check the one that is wanted?
# shellcheck shell=sh
#
# Sourced after tap.sh by tests whose fresh folder is $D. All that the check said last is in $D/out, its
# status in $rc.

# answers STATUS TEXT NAME COMMAND...: it ends so, with TEXT in its first line
answers() {
    a_want=$1 a_text=$2 a_name=$3
    shift 3
    "$@" >"$D/out" 2>&1
    rc=$?
    [ $rc = "$a_want" ] && head -n 1 "$D/out" | grep -qF -- "$a_text"
    answered $? "$a_name: $a_want, $a_text"
}
# answered STATUS TEXT: as ok, and what the check said when it was not
answered() {
    ok "$1" "$2"
    [ "$1" = 0 ] || sed "s/^/# $rc: /" "$D/out"
}
says() { grep -qF -- "$1" "$D/out"; answered $? "it says: $1"; }
silent() { ! grep -qF -- "$1" "$D/out"; answered $? "it does not say: $1"; }
