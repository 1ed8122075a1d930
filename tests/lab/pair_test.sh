# pair_test.sh - what the tests of check_replication_* with real pairs share: two networks that can be
# cut, daemons that are stopped by pid, and what the check says.
# shellcheck shell=sh
#
# ". tests/lab/pair_test.sh" at the root of the repository, behind tap.sh and lab_test.sh, when
# lab_needs has passed. The test is run again in namespaces of its own: the copy and the check
# live at 10.99.0.2, what pair_far starts at 10.99.0.1, and pair_cut pulls the cable between them.
export LC_ALL=C TZ=UTC
if [ -z "${PAIR_INSIDE:-}" ]; then
    rm -rf "$d"
    exec env PAIR_INSIDE=1 BUILD="$BUILD" unshare --mount --net sh "$0"
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
    "$check" $always "$@" >"$d/out" 2>&1
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
# in_time MS: the answer before took no longer, though something hung
in_time() {
    [ "$ms" -le "$1" ]
    ok $? "and that took $ms ms, at most $1"
}
