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

# until_so SECONDS COMMAND...: tried five times a second until it goes well, quietly; not one within another
until_so() {
    tap_tries=$(($1 * 5))
    shift
    until "$@" >/dev/null 2>&1; do
        tap_tries=$((tap_tries - 1))
        [ $tap_tries -gt 0 ] || return 1
        sleep 0.2
    done
}

# skip_all WHY: instead of everything
skip_all() {
    echo "1..0 # SKIP $1"
    exit 0
}

done_testing() {
    echo "1..$tap_n"
}
