# copies_test.sh - what the tests of check_replication_* against scripted servers share.
# shellcheck shell=sh disable=SC2154,SC2086  # of the test; $check is a list of words
#
# ". tests/fake/copies_test.sh" at the root of the repository, behind what=NAME and server=SCRIPT. The
# server to look at answers what the files of $D say, its source what those of $D/source say; $source is
# where that listens, and $own where the former does: by that checks tell them.
# shellcheck source=tests/fake/fake_test.sh
. tests/fake/fake_test.sh
export NAGIOS_PLUGIN_STATE_DIRECTORY="$D" MXGAUGE_PASSWORD=guess
mail_servers "$server"
mkdir "$D/source"
mkfifo "$D/source/end"
/usr/bin/python3 "tests/fake/$server" "$D/source" <"$D/source/end" 2>"$D/source.err" &
exec 7>"$D/source/end"
trap 'exec 7>&- 8>&-; wait; rm -rf "$D"' EXIT
ready port
ready source/port
source=127.0.0.1:$(cat "$D/source/port")
own=127.0.0.1:$(cat "$D/port")
check="$BUILD/plugins/$what -H 127.0.0.1 -p $(cat "$D/port") -u monitor"

# run STATUS TEXT ARGS...: TEXT is in the first line
run() {
    want=$1 text=$2
    shift 2
    answers "$want" "$text" "$*" $check -t 9 "$@"
}
in_time() {
    before=$(date +%s%N)
    run "$@"
    ms=$((($(date +%s%N) - before) / 1000000))
    [ $ms -le 4000 ]
    ok $? "it ends after $ms ms"
}
# row FIELD=VALUE...: one row as a client shows it
row() {
    echo "*************************** row"
    for f; do echo "$f" | sed 's/=/: /'; done
}
# but FIELD=VALUE...: the row on stdin, with these in place of its own; one behind another row
but() {
    for f; do echo "$f" | sed 's/=/: /'; done >"$D/over"
    echo - >>"$D/over"
    awk -F ': ' 'NR == FNR { over[$1] = $0; next } $1 in over { print over[$1]; next } 1' "$D/over" -
}
# ago SECONDS: what the check remembers was so long ago
ago() { /usr/bin/python3 tests/fake/ago.py "$D" "$1"; }
