# passive_test.sh - what the tests of "mxgauge passive" with real monitors share.
# shellcheck shell=sh disable=SC2154  # of lab_test.sh
#
# ". tests/lab/passive_test.sh" at the root of the repository, behind tap.sh and lab_test.sh, when lab_needs has
# passed. The test is run again in namespaces of its own. $pids are processes that shall not outlive it;
# $d/check FILE is a check that says what is in the file, as $d/now has it.
if [ -z "${INSIDE:-}" ]; then
    rm -rf "$d"
    INSIDE=1 exec unshare --mount --net sh "$0"
fi
ip link set lo up
pids=''
trap 'for p in $pids; do kill "$p" 2>/dev/null; done; wait 2>/dev/null; rm -rf "$d"' EXIT
await() { until_so 60 "$@"; }    # COMMAND...

cat >"$d/check" <<'EOF'
#!/bin/sh
read -r state words <"$1"
echo "it is $words|x=$state 'a b'=1s;2;3"
exit "$state"
EOF
chmod +x "$d/check"
echo '0 first' >"$d/now"

# changes N: three changes of state, each of which is in N results before the next
stored() {
    [ "$(sqlite3 -readonly "$d/state/passive/spool.db" "SELECT count(*) FROM result WHERE text LIKE '%is $1|%'")" -ge "$2" ]
}
changes() {
    for s in '0 first' '2 second' '1 third' '0 fourth'; do
        echo "$s" >"$d/now.new"
        mv "$d/now.new" "$d/now"
        await stored "${s#* }" "$1"
    done
}
