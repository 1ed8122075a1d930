#!/bin/sh
# needs.t - what a check asks for when nothing is given ("whose MX? -H DOMAIN") stands in the first line of
# its help and in the synopsis of its manual.
export LC_ALL=C
: "${BUILD:=build}"
# shellcheck source=tests/tap.sh
. tests/tap.sh

asked=0 wrong='' wide=''
for check in "$BUILD"/plugins/check_*; do
    wide=$wide$("$check" --help | grep -E '^.{81}')
    option=$(env -i "$check" </dev/null | sed -n '1s/^[A-Z]* UNKNOWN - [A-Za-z ]*? \(--*[A-Za-z]*\).*/\1/p')
    [ -n "$option" ] || continue
    asked=$((asked + 1))
    "$check" --help | grep -q "^Usage: ${check##*/} .*$option .*\[OPTION\]" || wrong="$wrong ${check##*/}: usage lacks $option"
    # shellcheck disable=SC1003  # a backslash
    "$check" --man | tr -d '\\' | grep -A1 '^.SH SYNOPSIS' | grep -q -- "$option .*OPTION" ||
        wrong="$wrong ${check##*/}: synopsis lacks $option"
done
none "what a check needs stands in its usage line" "$wrong"
none "no help is wider than a terminal" "$wide"
[ $asked -ge 8 ]
ok $? "$asked checks need something"
for command in graph cacti-templates; do
    "$BUILD/bin/mxgauge" $command --help | grep -q "^Usage: mxgauge $command --out DIR \[OPTION\]"
    ok $? "so with mxgauge $command"
done
done_testing
