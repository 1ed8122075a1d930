# passive_test.sh - what the tests of "mxgauge passive" share: fake monitors, a runner.
# shellcheck shell=sh
#
# ". tests/daemon/passive_test.sh" at the root of the repository, behind what=NAME. $D is a fresh folder, with secrets
# for the fake monitors, $S/state the state; the configuration is $D/conf, and $D/out what the runner $pid says.
# shellcheck source=tests/fake/fake_test.sh
. tests/fake/fake_test.sh
mxgauge=$BUILD/bin/mxgauge
pid='' fakes=''
# each result is synced, and a disk that others keep busy takes seconds for that
S=$D
[ ! -w /dev/shm ] || S=$(mktemp -d /dev/shm/mx-passive.XXXXXX) || exit 1
trap 'for p in $pid $fakes; do kill -KILL "$p" 2>/dev/null; done; rm -rf "$D" "$S"' EXIT
trap 'exit 1' INT TERM

wait_for() { until_so 60 "$@"; }    # COMMAND...
# fake NAME KIND [CERTIFICATE]: a monitor, whose folder is $D/NAME; $p is it
fake() {
    mkdir -p "$D/$1"
    /usr/bin/python3 tests/fake/monitor.py "$D/$1" "$2" ${3:+"$3"} <"$D/end" 2>>"$D/$1/err" &
    p=$!
    fakes="$fakes $p"
    if [ "$2" = fifo ]; then wait_for test -s "$D/$1/ready"; else wait_for test -s "$D/$1/port"; fi
}
port() { cat "$D/$1/port"; }
mkfifo "$D/end"
sleep 1000 >"$D/end" &
fakes=$!

head() {
    printf 'state = "%s/state"\npassive_host = mx1\nheartbeat = ""\nsource a { files = { "%s/log" } }\n' "$S" "$D"
}
echo 's3cret & more' >"$D/token"
echo s3cret >"$D/password"
chmod 600 "$D/token" "$D/password"
# told PATTERN TEXT: it was said
told() {
    cat "$D/out" "$D/said" 2>/dev/null | grep -qE "$1"
    ok $? "$2"
    cat "$D/out" "$D/said" 2>/dev/null | grep -qE "$1" || cat "$D/out" "$D/said" 2>/dev/null | sed 's/^/# /'
}
fresh() { rm -rf "$S/state"; }
# start: the runner, until it runs
start() {
    "$mxgauge" passive --config "$D/conf" >>"$D/out" 2>&1 &
    pid=$!
    wait_for grep -q started "$D/out"
}
# stop SIGNAL: end it; its status is in $status
stop() {
    kill "-$1" "$pid"
    wait "$pid" 2>/dev/null
    # shellcheck disable=SC2034  # for the test
    status=$?
    pid=
}
spool() { sqlite3 -readonly "$S/state/passive/spool.db" "$1" 2>/dev/null; }
