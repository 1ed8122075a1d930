#!/bin/sh
# faults_read.t - a log's disk or network is away for a moment: the n-th reading of the log fails under mxgauged,
# once or ten times in a row, while the log grows and is rotated, or just when it is recognised by a
# daemon that starts. It goes on by itself where it was, nothing is lost and nothing counted twice;
# a file that cannot be read is no new source.
#
# With LAB=all for each n; else for some, which begin with FIRST.
set -u
# shellcheck source=tests/daemon/daemon_test.sh
. tests/daemon/daemon_test.sh
case $BUILD in *san*) skip_all "faults: a preloaded library and the sanitizers do not go together" ;; esac
preload fail tests/daemon/fail_preload.c
refusals mxa 1 400 >"$D/all"
head -n 100 "$D/all" >"$D/a"
sed -n 101,200p "$D/all" >"$D/b"
sed -n 201,300p "$D/all" >"$D/c"
sed -n 301,400p "$D/all" >"$D/d"

has() { [ "$(report_field '' read "$2")" = "$1" ]; }     # N STATE

# fault FOLDER N CALLS: the words before a daemon that has it
fault() {
    echo "env LD_PRELOAD=$D/fail.so FAIL_UNDER=$1/log/ FAIL_AT=$2 FAIL_FOR=$3 FAIL_ERRNO=5 FAIL_READS=1 FAIL_COUNT=$1.calls"
}

# begin FOLDER: a log of 100 lines, and what is to be said of it
begin() {
    mkdir -p "$1/log"
    printf 'state = "%s/state"\ntemplates = "%s/rrd-templates"\nsource a { files = "%s/log/mail.log" }\n' \
        "$1" "$PWD" "$1" >"$1.conf"
    cat "$D/a" >"$1/log/mail.log"
}

# life N CALLS: what is wrong with it, if anything
life() {
    l=$D/l.$1
    begin "$l"
    with=$(fault "$l" "$1" "$2")
    launch "l.$1.conf" "l.$1.out"
    wait_for grep -q started "$l.out"
    wait_for has 100 "$l/state" || echo "$1: 100 lines"
    cat "$D/b" >>"$l/log/mail.log"
    wait_for has 200 "$l/state" || echo "$1: 200 lines"
    mv "$l/log/mail.log" "$l/log/mail.log.1"
    cat "$D/c" >"$l/log/mail.log"
    wait_for has 300 "$l/state" || echo "$1: 300 lines, rotated: $(tail -n 2 "$l.out")"
    cat "$D/d" >>"$l/log/mail.log"
    wait_for has 400 "$l/state" || echo "$1: 400 lines: $(report_field '' read "$l/state")"
    stop TERM
    [ "$(count rej "$l/state")" = 400 ] || echo "$1: counted $(count rej "$l/state") of 400"
}

# again KIND N CALLS: a daemon ends, the log goes on, and the next one has the fault while it looks
# which files it knows
again() {
    l=$D/$1.$2
    begin "$l"
    with=
    launch "$1.$2.conf" "$1.$2.out"
    wait_for has 100 "$l/state" || echo "$1 $2: 100 lines"
    stop TERM
    cat "$D/b" >>"$l/log/mail.log"
    case $1 in
    grown) cat "$D/c" >>"$l/log/mail.log" ;;
    *)  mv "$l/log/mail.log" "$l/log/mail.log.1"
        cat "$D/c" >"$l/log/mail.log" ;;
    esac
    [ "$1" != packed ] || gzip "$l/log/mail.log.1"
    with=$(fault "$l" "$2" "$3")
    launch "$1.$2.conf" "$1.$2.out"
    wait_for has 300 "$l/state" || echo "$1 $2: 300 lines: $(lines_read "$l/state"): $(tail -n 2 "$l.out")"
    cat "$D/d" >>"$l/log/mail.log"
    wait_for has 400 "$l/state" || echo "$1 $2: 400 lines: $(lines_read "$l/state")"
    stop TERM
    [ "$(count rej "$l/state")" = 400 ] || echo "$1 $2: counted $(count rej "$l/state") of 400"
    n=$(sqlite3 "$l/state/state.db" 'SELECT count(*) FROM source')
    [ "$n" = "$(case $1 in grown) echo 1 ;; *) echo 2 ;; esac)" ] || echo "$1 $2: $n sources"
}

# Nothing fails: how often is read?
life 0 0 >"$D/wrong.l" &
for kind in grown rotated packed; do
    again $kind 0 0 >"$D/wrong.$kind" &
done
wait
for kind in l grown rotated packed; do
    none "no fault ($kind)" "$(cat "$D/wrong.$kind")"
done
calls=$(cat "$D/l.0.calls")
[ "$calls" -gt 10 ]
ok $? "the log is read $calls times"
step=5 half=2
[ "${LAB:-}" != all ] || step=1 half=1
first=${FIRST:-$(od -An -N1 -tu1 /dev/urandom | tr -d ' ')}
for long in 1 10; do
    n=$((first % step + 1))
    while [ $n -le "$calls" ]; do
        life $n $long >"$D/wrong.l.$n" &
        n=$((n + step))
    done
    n=$((first % half + 1))
    while [ $n -le 8 ]; do      # those with which it begins
        for kind in grown rotated packed; do
            again $kind $n $long >"$D/wrong.$kind.$n" &
        done
        n=$((n + half))
    done
    wait
    none "reading fails $long times (FIRST=$first)" "$(cat "$D"/wrong.l.*)"
    none "reading fails $long times at the start" "$(cat "$D"/wrong.[grp]*.*)"
    rm -rf "$D"/l.* "$D"/grown.* "$D"/rotated.* "$D"/packed.* "$D"/wrong.*
done
done_testing
