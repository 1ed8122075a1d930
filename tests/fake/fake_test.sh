# fake_test.sh - what the tests against scripted servers share: a folder, certificates, the servers.
# shellcheck shell=sh
#
# ". tests/fake/fake_test.sh" at the root of the repository, behind what=NAME. $D is a fresh folder
# with the certificates of certs.sh. The servers end when the test does.
set -u
export LC_ALL=C TZ=UTC
: "${BUILD:=build}"
# shellcheck source=tests/tap.sh
. tests/tap.sh
# shellcheck source=tests/plugins/answers_test.sh
. tests/plugins/answers_test.sh
# shellcheck disable=SC2154  # what: of the test
[ -x /usr/bin/python3 ] || skip_all "$what: there is no python3"
D=$(mktemp -d "${TMPDIR:-/tmp}/mx-fake.XXXXXX") || exit 1
trap 'exec 8>&- 9>&-; wait; rm -rf "$D"' EXIT
sh tests/fake/certs.sh "$D" || { cat "$D/certs.log"; exit 1; }

# mail_servers SCRIPT, name_servers [SCRIPT]: begin to serve; ready FILE: until it is there
mail_servers() {
    mkfifo "$D/end"
    /usr/bin/python3 "tests/fake/$1" "$D" <"$D/end" 2>"$D/fake.err" &
    exec 8>"$D/end"
}
# SCRIPT is dns.py unless another one is named
name_servers() {
    mkfifo "$D/end2"
    /usr/bin/python3 "tests/fake/${1:-dns.py}" "$D/zone" "$D/dns" <"$D/end2" 2>"$D/dns.err" &
    exec 9>"$D/end2"
}
# adrift STATUS TEXT COMMAND...: so it answers where there is no network at all, nor a name server
adrift() {
    if ! unshare --user --net true 2>/dev/null; then
        ok 0 "adrift: $2 # SKIP this system grants no namespaces"
        return
    fi
    a_status=$1 a_says=$2
    shift 2
    answers "$a_status" "$a_says" "adrift: $*" unshare --user --net "$@"
}
ready() { until_so 20 [ -e "$D/$1" ]; }
