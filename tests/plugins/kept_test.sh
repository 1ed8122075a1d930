# kept_test.sh - what the tests of checks share that remember something of reports and files.
# shellcheck shell=sh
#
# ". tests/plugins/kept_test.sh" at the root of the repository, in the test check_NOUN.t. $check is the check, $dir a
# fresh folder, $dir/kept what the check keeps, $dir/out what it said.
set -u
export LC_ALL=C TZ=UTC
: "${BUILD:=build}"
# shellcheck source=tests/tap.sh
. tests/tap.sh
check=$BUILD/plugins/$(basename "$0" .t)
dir=$(mktemp -d "${TMPDIR:-/tmp}/mx-kept.XXXXXX") || exit 1
trap 'rm -rf "$dir"' EXIT
export NAGIOS_PLUGIN_STATE_DIRECTORY="$dir/kept"
mkdir "$dir/kept"

# run STATUS TEXT ARGS...: TEXT is in what it says
run() {
    want=$1 text=$2
    shift 2
    "$check" "$@" >"$dir/out" 2>&1
    rc=$?
    [ $rc = "$want" ] && grep -qF -- "$text" "$dir/out"
}
# told TEXT: as the command before went; what it said, if not well
told() {
    rc=$?
    ok $rc "$1"
    [ $rc = 0 ] || sed 's/^/# /' "$dir/out"
}
# perf NAME: its value
perf() { sed -n "1s/.*[ |]$1=\\([0-9.U-]*\\).*/\\1/p" "$dir/out"; }
