# plugin_test.sh - what the tests of checks that answer from the state share.
# shellcheck shell=sh
#
# ". tests/plugins/plugin_test.sh" at the root of the repository, in the test check_NOUN.t. $dir is
# a fresh folder, $check the check, $dir/state the state that it is asked about, $dir/out what it
# said. $always are arguments of every run; $pid is a process that shall not outlive the test.
# shellcheck source=tests/tap.sh
. tests/tap.sh
export LC_ALL=C TZ=UTC
: "${BUILD:=build}"
check=$BUILD/plugins/$(basename "$0" .t)
dir=$(mktemp -d "${TMPDIR:-/tmp}/mx-check.XXXXXX") || exit 1
pid='' always=''
trap '[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null; rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM

# ok NAME: passes if the last command did; instead of that of tap.sh
ok() {
    # shellcheck disable=SC2319 # what comes before is a condition as often as not
    rc=$?
    tap_n=$((tap_n + 1))
    if [ $rc -eq 0 ]; then echo "ok $tap_n - $1"; else
        echo "not ok $tap_n - $1"
        sed 's/^/# /' "$dir/out"
    fi
}

# run STATUS ARGS...: the check ends so, and says nothing on stderr
run() {
    want=$1
    shift
    # shellcheck disable=SC2086
    "$check" --state "$dir/state" $always "$@" >"$dir/out" 2>"$dir/err"
    rc=$?
    [ $rc -eq "$want" ] && [ ! -s "$dir/err" ]
}
says() { grep -qF -- "$1" "$dir/out"; }
silent() { ! grep -qF -- "$1" "$dir/out"; }
first() { head -n 1 "$dir/out" | grep -qxF -- "$1"; }
import() { "$BUILD/bin/mxgauge" import --no-rrd --state "$dir/state" "$@" >"$dir/import" 2>&1; }

# accept TIME HOST ID RECIPIENTS: one mail comes in
accept() {
    echo "$1 $2 postfix/smtpd[100]: $3: client=mail.example.net[198.51.100.9]"
    echo "$1 $2 postfix/cleanup[101]: $3: message-id=<$3@example.net>"
    echo "$1 $2 postfix/qmgr[102]: $3: from=<joe@example.net>, size=1000, nrcpt=$4 (queue active)"
}
