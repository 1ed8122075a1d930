#!/bin/sh
# layering.t - who may include whom, and one home for each foreign library.
#
# lib knows lib alone; plugins know lib; in the collector each room knows lib and the
# rooms above it (input dialect flow store view); a dialect knows dialect/ alone, with the
# slices and reasons that dialect.h speaks in.
# TREE is the tree looked at, so that this test can be tested.
set -u
. tests/tap.sh
cd "${TREE:-.}" || exit 1

# quoted FOLDER: "FILE HEADER" for each #include "HEADER" of its files
quoted() {
    for f in "$1"/*.[ch]; do
        [ -f "$f" ] && sed -n 's|^#include "\([^"]*\)".*|'"$f"' \1|p' "$f"
    done
}

# strangers FOLDER WHERE...: its includes that are found in none of the folders
strangers() {
    folder=$1
    shift
    quoted "$folder" | while read -r f h; do
        for w in "$@"; do
            [ -f "$w/$h" ] && continue 2
        done
        echo "$f includes $h"
    done
}

# rising ROOM ROOMS...: its includes of rooms that are not among these
rising() {
    room=$1
    shift
    quoted "collector/$room" | while read -r f h; do
        case $h in
        */*) case " $* " in *" ${h%%/*} "*) ;; *) echo "$f includes $h" ;; esac ;;
        esac
    done
}

none "lib includes lib alone" "$(strangers lib lib)"
none "plugins include lib alone" "$(strangers plugins plugins lib)"
above=
for room in input dialect flow store view; do
    above="$above $room"
    # shellcheck disable=SC2086
    none "collector/$room includes lib and the rooms above it" \
        "$(rising $room $above; strangers collector/$room collector/$room collector lib |
            grep -v ' .*/'; for h in collector/*.h; do
                grep -lF "#include \"${h#collector/}\"" collector/$room/*.[ch] 2>/dev/null |
                    sed "s|\$| includes ${h#collector/}|"
            done)"
done
none "a dialect includes the headers of dialect/ alone" \
    "$(quoted collector/dialect | grep -v '^collector/dialect/dialect\.' |
        grep -vE ' (dialect/.*|.*\.def|slice\.h|reason\.h|poison\.h)$')"

none "a dialect has no memory of its own" \
    "$(grep -nE '\<(x?malloc|x?calloc|x?realloc(array)?|free|arena_[a-z]+|buf_new) ?\(' collector/dialect/*.c)"

# strays HEADER FILES...: who includes <HEADER> and is none of these (patterns)
strays() {
    header=$1
    shift
    grep -rlE "^#include <$header" lib plugins collector 2>/dev/null | while read -r f; do
        for home in "$@"; do
            # shellcheck disable=SC2254
            case $f in $home) continue 2 ;; esac
        done
        echo "$f includes <$header>"
    done
}
while read -r header homes; do
    set -f
    # shellcheck disable=SC2086
    none "<$header> is included in $homes alone" "$(strays "$header" $homes)"
    set +f
done <<'HOMES'
sqlite3\.h lib/stateread*.[ch] collector/store/state*.[ch]
rrd(_client)?\.h collector/store/rrd*.[ch] plugins/check_rrd.c
event collector/*.[ch]
confuse\.h collector/store/config.c collector/store/template.c
(z(lib|std)|bzlib|lzma)\.h collector/input/*.c
pcre2\.h collector/flow/siteword.c
systemd/ collector/input/*.c
openssl/ lib/ossl.h
curl/ lib/curlload.h
ares\.h lib/dns.c
net-snmp/ plugins/check_*snmp*.c collector/mxagentx.c
pcap collector/mxsniff.c
(mysql|mariadb/) plugins/check_replication_mysql.c
(libpq-fe|postgresql/) plugins/check_replication_pgsql.c
(ldap|lber) plugins/check_replication_ldap.c
HOMES
for h in seccomp maxminddb jansson; do
    none "<$h.h> has one home" "$(grep -rlE "^#include <$h" lib plugins collector 2>/dev/null | sed 1d)"
done
done_testing
