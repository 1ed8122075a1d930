# daemon_test.sh - what the tests that run mxgauged share: start it, end it, wait, count.
# shellcheck shell=sh
#
# ". tests/daemon/daemon_test.sh" at the root of the repository; it brings tap.sh along. $D is
# a fresh folder; the configuration is $D/conf and what the daemon says goes to $D/out. $pid is
# the daemon, $others are processes that shall not outlive the test either.
: "${BUILD:=build}"
# shellcheck source=tests/tap.sh
. tests/tap.sh
D=$(mktemp -d "${TMPDIR:-/tmp}/mx-$(basename "$0" .t).XXXXXX") || exit 1
mxgauge=$BUILD/bin/mxgauge
pid='' others=''
trap 'stop KILL; for p in $others; do kill -KILL "$p" 2>/dev/null; done; rm -rf "$D"' EXIT
trap 'exit 1' INT TERM
export TZ=UTC

# needs WHAT COMMAND...: or it is skipped by name; with CI that is a failure
needs() {
    n_what=$1
    shift
    for p; do
        command -v "$p" >/dev/null 2>&1 && continue
        [ -z "${CI:-}" ] || { echo "not ok 1 - $p is missing"; echo 1..1; exit 1; }
        skip_all "$n_what: $p is missing; make deps LAB=1"
    done
}

# preload NAME FILE...: the library $D/NAME.so, for LD_PRELOAD
preload() {
    p_name=$1
    shift
    ${CC:-cc} -shared -fPIC -O1 -o "$D/$p_name.so" "$@" -ldl 2>"$D/cc" && return
    sed 's/^/# /' "$D/cc"
    echo "Bail out! the library $p_name cannot be built"
    exit 1
}

# saw STATUS TEXT: as ok, and what the daemon said when it was not
saw() {
    ok "$1" "$2"
    [ "$1" = 0 ] || sed 's/^/# /' "$D/out" 2>/dev/null | tail -n 15
}

# stop SIGNAL: end the daemon; its status is in $status
stop() {
    status=0
    [ -n "$pid" ] || return 0
    kill "-$1" "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    status=$?
    pid=
}

# launch [CONF OUT]: the daemon, and what it says behind what earlier ones said; by the
# command of $with, where there is one
launch() {
    ${with:-} "$BUILD/bin/mxgauged" --foreground --config "$D/${1:-conf}" >>"$D/${2:-out}" 2>&1 &
    pid=$!
}

# start: launch, and wait until it reads; what earlier ones said is gone
start() {
    : >"$D/out"
    launch
    wait_for grep -q started "$D/out"
}

# wait_for COMMAND...: try it until it succeeds: for at most 60 seconds, and no longer than
# the daemon lives
wait_for() {
    tries=0
    until "$@" 2>/dev/null; do
        tries=$((tries + 1))
        [ $tries -lt 600 ] || return 1
        [ -z "$pid" ] || kill -0 "$pid" 2>/dev/null || { "$@" 2>/dev/null; return; }
        sleep 0.1
    done
}

# report_field NAME PATTERN [STATE]: the number behind it in the report
report_field() {
    "$mxgauge" report --state "${3:-$D/state}" --json 2>/dev/null | sed -n "s/.*$1\"$2\":\([0-9]*\).*/\1/p"
}
count() { report_field '"counts":{[^}]*' "$1" "${2:-}"; }    # METRIC [STATE]
lines_read() { report_field '' read "${1:-}"; }              # [STATE]
is_count() { [ "$(count "$1")" = "$2" ]; }                   # METRIC N
is_read() { [ "$(lines_read "${2:-}")" = "$1" ]; }           # N [STATE]

# counts N TEXT: the refused recipients become N
counts() {
    wait_for is_count rej "$1"
    r=$?
    [ $r -eq 0 ] || echo "# refused: $(count rej), want $1"
    saw $r "$2"
}

# refusals HOST FROM N: N lines of the last minutes, each different and each refusing one
# recipient
refusals() {
    perl -e '
        use POSIX;
        my ($host, $from, $n) = @ARGV;
        for my $i ($from .. $from + $n - 1) {
            my $t = strftime("%Y-%m-%dT%H:%M:%S.000000+00:00", gmtime(time - 600 + $i % 300));
            print "$t $host postfix/smtpd[7]: NOQUEUE: reject: RCPT from unknown[192.0.2.1]: ",
                "550 5.1.1 <u$i\@example.org>: Recipient address rejected: User unknown in local ",
                "recipient table; from=<a\@example.net> to=<u$i\@example.org> proto=ESMTP ",
                "helo=<h.example.net>\n";
        }' "$1" "$2" "$3"
}

# rows STATE: hosts, names, minutes and hours
rows() {
    sqlite3 "$1/state.db" "SELECT 'host', id, name, first, newest FROM host ORDER BY id;
        SELECT 'word', id, text FROM word ORDER BY id;
        SELECT 'cell', at, hex(pairs) FROM cell ORDER BY at;
        SELECT 'hour', at, hex(pairs) FROM hour ORDER BY at;"
}

# each_rrd RRDS COMMAND [NAMES]: all files there, and what one rrdtool says to COMMAND, in which "&" is
# each of them
each_rrd() {
    (
        cd "$1" || exit
        find . -type f -name "${3:-*}" | sort
        find . -type f -name "${3:-*}" | sort | sed "s|.*|$2|" | rrdtool - | sed '/^OK u:/d'
    )
}

# dumps STATE: all RRDs, less the time they were written and librrd's own start row
dumps() {
    each_rrd "$1/rrd" 'dump "&"' '*.rrd' | sed '/cur_row/d'
}

# figures STATE RRDS: rows, report, and the minutes of the RRDs on the day of bench/genday
figures() {
    rows "$1"
    "$mxgauge" report --state "$1" --json
    command -v rrdtool >/dev/null 2>&1 || return
    each_rrd "$2" 'fetch "&" AVERAGE --start 1793836800 --end 1793923200'
}
