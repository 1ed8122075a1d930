# pair_test.sh - what the tests of check_replication_* with real pairs share: two networks that can be
# cut, daemons that are stopped by pid, and what the check says.
# shellcheck shell=sh
#
# Whoever asks a daemon asks it with timeout(1): one that is stopped, or holds a lock, must not hold up the test.
#
# ". tests/lab/pair_test.sh" at the root of the repository, behind tap.sh and lab_test.sh, when
# lab_needs has passed. The test is run again in namespaces of its own: the copy and the check
# live at 10.99.0.2, what pair_far starts at 10.99.0.1, and pair_cut pulls the cable between them.
export LC_ALL=C TZ=UTC
if [ -z "${PAIR_INSIDE:-}" ]; then
    rm -rf "$d"
    # whatever is stopped or hangs dies with the test
    exec env PAIR_INSIDE=1 BUILD="$BUILD" unshare --mount --net --pid --fork --kill-child --mount-proc sh "$0"
fi
check=$BUILD/plugins/$pair_check
export NAGIOS_PLUGIN_STATE_DIRECTORY="$d"
chmod 755 "$d"
pids=
# pair_ends: stopped ones are woken to die
pair_ends() {
    for pid in $pids; do
        kill -KILL "$pid" 2>/dev/null
    done
    wait
    rm -rf "$d"
}
trap pair_ends EXIT
trap 'exit 1' HUP INT TERM
# pair_stop PID: it is told to end, and has 20 s
pair_stop() {
    kill "$1"
    until_so 20 pair_ended "$1" || kill -KILL "$1"
    wait "$1"
}
pair_ended() { [ ! -e "/proc/$1" ] || grep -q ') Z ' "/proc/$1/stat"; }

ip link set lo up
unshare --net sleep 1000 &
far=$!
pids=$far
elsewhere() { [ "$(readlink /proc/$far/ns/net)" != "$(readlink /proc/self/ns/net)" ]; }
until_so 20 elsewhere
ip link add near type veth peer name far netns "$far"
ip addr add 10.99.0.2/24 dev near
ip link set near up
pair_far() { nsenter --target "$far" --net "$@"; }
pair_far ip link set lo up
pair_far ip addr add 10.99.0.1/24 dev far
pair_far ip link set far up
pair_cut() { pair_far ip link set far down; }
pair_mend() { pair_far ip link set far up; }

# asked STATUS TEXT ARGS...: does the check answer so, with TEXT in the first line?
asked() {
    want=$1 text=$2
    shift 2
    before=$(date +%s%N)
    # shellcheck disable=SC2086
    timeout -k 1 30 "$check" $always "$@" >"$d/out" 2>&1
    rc=$?
    ms=$((($(date +%s%N) - before) / 1000000))
    [ $rc = "$want" ] && head -n 1 "$d/out" | grep -qF -- "$text"
}
# says WHEN STATUS TEXT ARGS...: within half a minute
says() {
    when=$1
    shift
    until_so 30 asked "$@"
    good=$?
    ok $good "$when: $1, $2 (after $ms ms)"
    [ $good = 0 ] || sed "s/^/# $rc: /" "$d/out"
}
# in_time MS: the answer before took no longer, though something hung; a machine with much else to do has twice that
in_time() {
    most=$1
    [ "$(cut -d . -f 1 /proc/loadavg)" -lt 4 ] || most=$((2 * most))
    [ "$ms" -le $most ]
    ok $? "and that took $ms ms, at most $most"
}
