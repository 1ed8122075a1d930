# tap.sh - TAP for shell tests: ". tests/tap.sh" at the root of the repository.
# shellcheck shell=sh
tap_n=0

# ok STATUS TEXT: as the command before went
ok() {
    tap_n=$((tap_n + 1))
    if [ "$1" = 0 ]; then echo "ok $tap_n - $2"; else echo "not ok $tap_n - $2"; fi
}

# is GOT WANT TEXT
is() {
    [ "$1" = "$2" ]
    ok $? "$3"
    [ "$1" = "$2" ] || printf '# got  %s\n# want %s\n' "$1" "$2"
}

# none TEXT WRONG: WRONG is what is wrong, a line each, or nothing
none() {
    test -z "$2"
    ok $? "$1"
    [ -z "$2" ] || echo "$2" | sed 's/^/# /'
}

# skip_all WHY: instead of everything
skip_all() {
    echo "1..0 # SKIP $1"
    exit 0
}

done_testing() {
    echo "1..$tap_n"
}
