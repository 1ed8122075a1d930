#!/bin/sh
# bad_input.t - import and its readers when the world is broken.
#
# Whatever is wrong with a log, the state, an RRD, the disk or the command line: one clear
# sentence that names the thing, an exit status of 1 or 2 and no signal, and what was committed
# before is still there and still right.
set -u
# shellcheck source=tests/tap.sh
. tests/tap.sh
: "${BUILD:=build}"
mxgauge=$BUILD/bin/mxgauge
check=$BUILD/plugins/check_reject_ratio
T=$(mktemp -d) || exit 1
trap 'rm -rf "$T"' EXIT
trap 'exit 1' HUP INT TERM

rejects() { # FROM TO [HOST]: a refused recipient each minute
    for i in $(seq "$1" "$2"); do
        printf '2026-03-10T10:%02d:00+00:00 %s postfix/smtpd[1]: NOQUEUE: reject: RCPT from unknown[192.0.2.%d]: 554 5.7.1 <u@example.org>: Relay access denied; from=<a@example.net> to=<u@example.org> proto=ESMTP helo=<h>\n' \
            "$i" "${3:-mx1}" "$i"
    done
}

import() { # FILE...: into the state; its exit status and words
    timeout 60 "$mxgauge" import --state "$T/state" --tz UTC "$@" >"$T/out" 2>&1
    status=$?
}

total() { # METRIC: the sum in the state
    "$mxgauge" report --state "$T/state" --json 2>/dev/null |
        sed -n "s/.*\"counts\":{\([^}]*\)}.*/,\1,/p" | sed -n "s/.*[{,]\"$1\":\([-0-9]*\),.*/\1/p"
}

# says TEXT STATUS WORDS: the run before ended so, and said it in one line
says() {
    [ "$status" -eq "$2" ] && grep -qF -- "$3" "$T/out"
    rc=$?
    ok $rc "$1"
    [ $rc -eq 0 ] || { echo "# status $status, want $2 and: $3"; sed 's/^/# /' "$T/out" | head -5; }
}

has() { # TEXT METRIC NUMBER
    n=$(total "$2")
    [ "$n" = "$3" ]
    ok $? "$1"
    [ "$n" = "$3" ] || echo "# $2 is $n, want $3"
}

fresh() { rm -rf "$T/state"; }

# --- logs --------------------------------------------------------------------------

rejects 1 3 >"$T/good"
import "$T/good"
says "a good log" 0 "3 lines, 3 understood"

# What can be read is shown, also where a file between is missing or cut off.
gzip -c "$T/good" | head -c 100 >"$T/cut.gz"
rejects 7 8 >"$T/behind"
timeout 60 "$mxgauge" parse "$T/good" "$T/missing" "$T/cut.gz" "$T/behind" >"$T/events" 2>"$T/out"
status=$?
says "parse goes on behind a file that is missing" 1 "open $T/missing: No such file or directory"
says "and behind one that is cut off" 1 "read $T/cut.gz: the gzip file ends in the middle"
says "and says of how many" 1 "2 of 4 files were not read to the end"
is "$(grep -c '"kind":"REJECT".*"192.0.2.[123]"' "$T/events") $(grep -c '"192.0.2.[78]"' "$T/events")" "3 2" "the others are printed"
is "$("$mxgauge" parse --stats "$T/good" "$T/missing" "$T/behind" 2>/dev/null | cut -c 1-22)" '{"lines":5,"events":5,' "and counted"
"$mxgauge" parse --stats "$T/missing" >"$T/out" 2>&1
status=$?
says "of no file that can be read nothing is printed" 1 "open $T/missing: No such file or directory"
is "$(wc -l <"$T/out")" 1 "but the sentence"
for command in "import --state $T/nowhere" parse; do
    # shellcheck disable=SC2086
    "$mxgauge" $command --tz Europe/Nowhere "$T/good" "$T/behind" >"$T/out" 2>&1
    status=$?
    says "${command%% *}: a zone that is none" 2 '--tz: time zone "Europe/Nowhere": not in the zone database'
    is "$(wc -l <"$T/out")" 1 "is said once"
done
! [ -e "$T/nowhere" ]
ok $? "and no state is made for it"

perl -e 'srand 1; print pack("C*", map { int rand 256 } 1 .. 300000)' >"$T/binary"
import "$T/binary"
says "binary rubbish is read" 0 " 0 understood"
has "and counts nothing" rej 3
import "$T/binary"
says "and not read again" 0 "0 lines"

{ rejects 4 4; perl -e 'print "x" x 1000000, "\n", "2026-03-10T10:04:00+00:00 mx1 postfix/smtpd[1]: connect from ", "y" x 1000000, "[192.0.2.1]\n"'; rejects 5 5; } >"$T/long"
import "$T/long"
says "lines of a megabyte are cut" 0 "4 lines, 2 understood"
has "those beside them count" rej 5
has "and are counted as cut" cut 1

{ rejects 6 6; printf '2026-03-10T10:06:00+00:00 mx1 postfix/smtpd[1]: NOQ\0UEUE: reject: \0\0\n\0\0\0\n\n'; rejects 7 7; } >"$T/nul"
import "$T/nul"
says "NUL bytes, empty lines" 0 "5 lines, 2 understood"
has "those beside them count" rej 7

: >"$T/empty"
import "$T/empty"
says "an empty file" 0 "0 lines"

rejects 8 30 | gzip -9 >"$T/whole.gz"
head -c $(($(wc -c <"$T/whole.gz") - 20)) "$T/whole.gz" >"$T/cut.gz"
import "$T/cut.gz"
says "a truncated .gz" 1 "read $T/cut.gz: the gzip file ends in the middle"
before=$(total rej)
[ "$before" -ge 7 ] && [ "$before" -lt 30 ]
ok $? "what could be read of it counts"
import "$T/whole.gz"
has "and once, when the whole file comes" rej 30

printf '\037\213\010\000rubbish that is no deflate stream' >"$T/bad.gz"
import "$T/bad.gz"
says "a damaged .gz" 1 "$T/bad.gz: "

mkdir "$T/folder"
import "$T/folder"
says "a directory" 1 "$T/folder: it is a directory"
ln -s loop "$T/loop"
import "$T/loop"
says "a loop of links" 1 "$T/loop: Too many levels of symbolic links"
import "$T/nothing"
says "no such file" 1 "$T/nothing: No such file or directory"
import "$T/good/x"
says "a file as a folder" 1 "$T/good/x: Not a directory"
import "$T/nothing" "$T/good" "$T/folder"
says "others beside a bad one are read" 1 "0 lines"
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
    rejects 1 1 >"$T/secret"
    chmod 600 "$T/secret"
    chmod 711 "$T"
    mkdir "$T/nobody"
    chown 65534 "$T/nobody"
    timeout 20 setpriv --reuid 65534 --clear-groups "$mxgauge" import --state "$T/nobody/s" "$T/secret" >"$T/out" 2>&1
    status=$?
    says "a file that may not be read" 1 "$T/secret: Permission denied"
    timeout 20 setpriv --reuid 65534 --clear-groups "$mxgauge" import --state "$T/forbidden/s" "$T/good" >"$T/out" 2>&1
    status=$?
    says "a state that may not be made" 1 "make directory $T/forbidden: Permission denied"
    mkdir "$T/unread"
    : >"$T/unread/state.db"
    chmod 600 "$T/unread/state.db"
    timeout 20 setpriv --reuid 65534 --clear-groups "$mxgauge" status --state "$T/unread" >"$T/out" 2>&1
    status=$?
    says "a state that may not be read" 1 "$T/unread/state.db may not be read by this user (uid 65534); put that user into the group"
    chmod 644 "$T/good"
    timeout 20 setpriv --reuid 65534 --clear-groups "$mxgauge" import --state "$T/state" "$T/good" >"$T/out" 2>&1
    status=$?
    says "a state that may not be written" 1 "$T/state"
else
    echo "# not root: permissions are left out"
fi

rejects 31 40 >"$T/shrinks"
import "$T/shrinks"
rejects 31 33 >"$T/shrinks"
import "$T/shrinks"
says "a log that shrinks is begun anew" 0 "3 lines"
rejects 31 45 >"$T/shrinks"
import "$T/shrinks"
has "and nothing counts twice" rej 45

# its last line has no end yet, so the import waits for it, with the whole log read
{
    rejects 46 48
    printf '2026-03-10T10:49:00+00:00 mx1 postfix/smtpd[1]: conn'
} >"$T/melts"
size=$(wc -c <"$T/melts")
"$mxgauge" import --state "$T/state" --tz UTC "$T/melts" >"$T/out" 2>&1 &
pid=$!
n=0
until grep -qs "^pos:[[:space:]]*$size\$" /proc/$pid/fdinfo/* || ! kill -0 $pid 2>/dev/null || [ $((n += 1)) -gt 1000 ]; do
    sleep 0.01
done
: >"$T/melts"
wait $pid
status=$?
says "a log that shrinks while it is read" 1 "$T/melts shrank while it was read"
has "what was read of it is counted" rej 48
rejects 50 50 >>"$T/melts"
import "$T/melts"
says "what it holds then is read by the next import" 0 "1 line,"
has "and counted" rej 49

# of refusals some are kept as samples
for words in report "report --json" status "trace $(seq -s " " -f "192.0.2.%g" 31 45)"; do
    # shellcheck disable=SC2086
    "$mxgauge" $words --state "$T/state" >/dev/full 2>"$T/out"
    status=$?
    says "no room for what ${words%% 1*} prints" 1 "No space left on device"
done

# --- stamps -------------------------------------------------------------------------

fresh
{ rejects 1 2
  rejects 3 3 | sed 's/2026-03/2099-01/'
  rejects 4 4 | sed 's/2026-03/1970-01/'
  rejects 5 5 | sed 's/2026-03/9999-12/'
  rejects 6 6 | sed 's/2026-03-10/2026-02-30/'
  rejects 7 7 | sed 's/+00:00/+99:99/'
  rejects 8 9; } >"$T/stamps"
import "$T/stamps"
says "wrong stamps" 0 "too old or in the future"
has "lines of 2099 and 1970 do not age the others" rej 4
"$mxgauge" report --state "$T/state" --json | grep -q '"period":{"from":1773136860,"to":1773137400}'
ok $? "nor stretch the period"
import "$T/stamps"
has "read again they add nothing" rej 4
{ rejects 10 10 | sed 's/2026-03/2099-01/'; rejects 11 11; } >"$T/ahead"
import "$T/ahead"
has "a file that begins in 2099" rej 5
rejects 1 9 mx2 | sed 's/2026-03/2025-03/' >"$T/archive"
import "$T/archive"
has "the archive of another host beside today's log" rej 14

# --- the state -----------------------------------------------------------------------

fresh
import "$T/good"
cp -r "$T/state" "$T/kept"
again() { fresh; cp -r "$T/kept" "$T/state"; }
reader() { # COMMAND...: with the state
    timeout 20 "$@" --state "$T/state" >"$T/out" 2>&1
    status=$?
}

if command -v sqlite3 >/dev/null; then
    sqlite3 "$T/state/state.db" "UPDATE meta SET value=99 WHERE key='version'"
    import "$T/good"
    says "a state of another version" 1 "$T/state/state.db has version 99, this program writes version"
    reader "$mxgauge" report
    says "to report" 1 "$T/state/state.db has version 99"
    reader "$check"
    says "to a check" 3 "UNKNOWN - $T/state/state.db has version 99"
    again
    rm "$T/state/state.db"*
    sqlite3 "$T/state/state.db" "CREATE TABLE x(y)"
    import "$T/good"
    says "somebody else's database" 1 "$T/state/state.db is no state of mxgauge"
fi
again
rm "$T/state/state.db"*
seq 1 1000 >"$T/state/state.db"
import "$T/good"
says "no database at all" 1 "$T/state/state.db is damaged"
[ "$(tail -n 1 "$T/state/state.db")" = 1000 ]
ok $? "and it is left as it is"
reader "$mxgauge" report
says "to report" 1 "$T/state/state.db is damaged"
reader "$check"
says "to a check" 3 "UNKNOWN - $T/state/state.db is damaged"
again
head -c 9000 "$T/kept/state.db" >"$T/state/state.db"
import "$T/good"
says "a state that was cut off" 1 "$T/state/state.db is damaged"
reader "$mxgauge" status
says "to status" 1 "$T/state/state.db is damaged"
again
rm "$T/state/state.db"*
mkdir "$T/state/state.db"
import "$T/good"
says "a folder in its place" 1 "$T/state/state.db"
timeout 20 "$mxgauge" import --state "$T/good" "$T/good" >"$T/out" 2>&1
status=$?
says "a file as the state's folder" 1 "$T/good is not a directory"

# Of a copy that lacks the files beside it, which only who may write there could make again.
again
cp "$T/kept/state.db" "$T/state/state.db"
rm -f "$T/state/state.db-"*
as=
if [ "$(id -u)" = 0 ]; then
    as='setpriv --reuid=65534 --regid=65534 --clear-groups'
    cp "$mxgauge" "$T/mxgauge"
    chmod 755 "$T" "$T/mxgauge" "$T/state"
    chmod 644 "$T/state/state.db"
fi
chmod a-w "$T/state"
# shellcheck disable=SC2086
$as "$([ -n "$as" ] && echo "$T/mxgauge" || echo "$mxgauge")" report --state "$T/state" >"$T/out" 2>&1
status=$?
chmod u+w "$T/state"
says "a copy of the file alone" 1 "copies are made with \"mxgauge backup\""

# A table whose first page is empty: nobody takes it for one without rows.
if command -v sqlite3 >/dev/null; then
    again
    wrong=
    page=$(sqlite3 "$T/kept/state.db" 'PRAGMA page_size')
    # damaged TABLE COMMAND...: that says so, with what to do
    damaged() {
        cp "$T/kept/state.db" "$T/state/state.db"
        root=$(sqlite3 "$T/state/state.db" "SELECT rootpage FROM sqlite_master WHERE name='$1'")
        dd if=/dev/zero of="$T/state/state.db" bs="$page" seek=$((root - 1)) count=1 conv=notrunc 2>/dev/null
        shift
        reader "$@"
        [ "$status" != 0 ] && grep -q "$T/state/state.db is damaged (.*; put a backup in its place" "$T/out"
    }
    for table in meta host source cell run mail_log; do
        for command in report status "trace u@example.org" "backup $T/copy" "cacti-value --host mx1 flow" import; do
            case $table:$command in
            meta:* | host:* | source:status | source:import | run:status | mail_log:trace* | *:backup*) ;;
            *) continue ;;
            esac
            file=
            [ "$command" != import ] || file=$T/good
            # shellcheck disable=SC2086
            damaged $table "$mxgauge" $command $file || wrong="$wrong $table: $command says $status, $(head -n 1 "$T/out")
"
        done
        case $table in
        meta | host) damaged $table "$check" --at "2026-03-10 10:20" || wrong="$wrong $table: the check says $(cat "$T/out")
" ;;
        esac
    done
    none "a table of the state without its first page is damaged, and no empty one" "$wrong"
fi

# Bytes flipped anywhere: refused with a sentence, or read; never a signal.
rejects 50 52 >"$T/more"
wrong=
for seed in $(seq 1 "${FLIPS:-24}"); do
    again
    perl -e '
        my ($file, $seed) = @ARGV;
        srand $seed;
        open my $f, "+<", $file or die;
        my $size = -s $f;
        for (1 .. 1 + $seed % 20) {
            # half of them in the pages at the front, where the lists are
            seek $f, int(rand($seed % 2 ? $size : 16384)), 0;
            print $f chr int rand 256;
        }' "$T/state/state.db" "$seed"
    import --no-rrd "$T/more"
    [ "$status" -le 1 ] && [ -s "$T/out" ] || wrong="$wrong import $seed: $status;"
    for command in report status "trace u@example.org"; do
        # shellcheck disable=SC2086
        reader "$mxgauge" $command
        [ "$status" -le 1 ] && [ -s "$T/out" ] || wrong="$wrong $command $seed: $status;"
    done
    reader "$check"
    [ "$status" -le 3 ] && [ -s "$T/out" ] || wrong="$wrong check $seed: $status;"
done
none "bytes flipped in the state" "$wrong"

again
mkfifo "$T/go"
perl -MFcntl -e '
    $| = 1;
    open my $f, "+<", $ARGV[0] or die;
    my $lock = pack("s s l! l! i", F_WRLCK, 0, 0, 0, 0);
    fcntl($f, F_SETLK, $lock) or die;
    print "locked\n";
    <STDIN>' "$T/state/lock" <"$T/go" >"$T/locked" &
holder=$!
exec 3>"$T/go"
perl -e 'for (1 .. 500) { exit 0 if -s $ARGV[0]; select undef, undef, undef, 0.02 } exit 1' "$T/locked"
ok $? "a process that has the lock"
import "$T/more"
says "the state is in use" 1 "$T/state is in use by process $holder"
reader "$mxgauge" report
says "which does not stop a reader" 0 "Mail report"
exec 3>&-
wait "$holder"

# --- RRDs ---------------------------------------------------------------------------

again
flow=$T/state/rrd/mx1/flow.rrd
echo rubbish >"$flow"
import "$T/more"
says "a damaged RRD is made anew" 0 "$flow: "
ls "$flow".bad-* >/dev/null 2>&1
ok $? "and the old one kept"
if command -v rrdtool >/dev/null; then
    sums() { rrdtool fetch "$1" AVERAGE -r 60 -s 1773136800 -e 1773140400 | grep -v nan | cksum; }
    fresh
    import "$T/good" "$T/more"
    sums "$flow" >"$T/want"
    again
    rrdtool create "$flow" --start 1700000000 --step 300 DS:a:GAUGE:600:U:U RRA:AVERAGE:0.5:1:10
    import "$T/more"
    says "an RRD of another shape is made anew" 0 "its step is 300 s"
    sums "$flow" | cmp -s - "$T/want"
    ok $? "with all that the state has"
fi
again
rm -r "$T/state/rrd"
echo x >"$T/state/rrd"
import "$T/more"
says "a file as the folder of RRDs" 1 "$T/state/rrd"
rm "$T/state/rrd"
import "$T/more"
says "the counts were kept" 0 "0 lines"
has "each once" rej 6

# --- no space -----------------------------------------------------------------------

fresh
for h in mx1 mx2 mx3 mx4; do rejects 0 59 $h; done >"$T/day"
import "$T/day"
"$mxgauge" report --state "$T/state" --json >"$T/want"
for blocks in 1 40 300; do # of 512 bytes
    fresh
    rc=$(
        ulimit -f $blocks
        timeout 60 "$mxgauge" import --state "$T/state" --tz UTC "$T/day" >/dev/null 2>&1
        echo $?
    )
    [ "$rc" -eq 1 ]
    ok $? "no space beyond $blocks blocks: no signal"
    import "$T/day"
    "$mxgauge" report --state "$T/state" --json | cmp -s - "$T/want"
    ok $? "with space again the figures are the same"
done
mkdir "$T/disk"
if [ "$(id -u)" -eq 0 ] && unshare -m mount -t tmpfs none "$T/disk" 2>/dev/null; then
    for size in 64k 200k 1m; do
        # shellcheck disable=SC2016
        unshare -m sh -c '
            mount -t tmpfs -o size=$4 none "$1" || exit 9
            timeout 60 "$2" import --state "$1/s" --tz UTC "$3" 2>&1
            echo "status $?"
            mount -o remount,size=100m "$1"
            timeout 60 "$2" import --state "$1/s" --tz UTC "$3" >/dev/null 2>&1
            "$2" report --state "$1/s" --json >"$5"' sh "$T/disk" "$mxgauge" "$T/day" $size \
            "$T/got" >"$T/out"
        status=$(sed -n 's/^status //p' "$T/out")
        says "a disk of $size is too small" 1 "the disk"
        cmp -s "$T/got" "$T/want"
        ok $? "with space again the figures are the same"
    done
else
    echo "# not root: the full disk is left out"
fi

# --- words --------------------------------------------------------------------------

words() { # STATUS WORDS COMMAND...
    want=$1 text=$2
    shift 2
    timeout 20 "$@" >"$T/out" 2>&1
    status=$?
    says "$(echo "$*" | sed "s|$T/||g; s|$BUILD/[a-z]*/||")" "$want" "$text"
}
words 2 'unknown command "bogus"' "$mxgauge" bogus
words 2 'no command' "$mxgauge"
words 2 'unknown option --bogus' "$mxgauge" import --bogus
words 2 '--year wants a whole number, not "20x6"' "$mxgauge" import --year 20x6 "$T/good"
words 2 'FILE' "$mxgauge" import --state "$T/state"
words 2 '--tz: time zone "Mars/Base"' "$mxgauge" import --state "$T/state" --tz Mars/Base "$T/day"
words 1 "there is no state in $T/none" "$mxgauge" report --state "$T/none"
words 2 '"yesteryear" is no time' "$mxgauge" report --state "$T/state" --from yesteryear
words 1 '--to is not later than --from' "$mxgauge" report --state "$T/state" \
    --from 2026-03-11 --to 2026-03-10
words 1 'there is no host mx9 in the state' "$mxgauge" report --state "$T/state" --host mx9
words 0 'mx1' "$mxgauge" report --state "$T/state" --host mx1.example.org
words 2 '--span may be day|week|month|year, not "age"' "$mxgauge" graph --state "$T/state" \
    --out "$T/g" --span age
words 1 "$T/good/x: Not a directory" "$mxgauge" graph --state "$T/state" --out "$T/good/x"
words 3 'UNKNOWN' "$check" --state "$T/state" -w nonsense=5
words 3 'UNKNOWN' "$check" --state "$T/state" -w 10:5
words 3 'UNKNOWN' "$check" --state "$T/none"
words 2 "$T/none: No such file" "$mxgauge" check-config "$T/none"
words 2 '"mxgauge setup" proposes' "$mxgauge" check-config "$T/none"
words 1 "look at $T/none: No such file or directory" "$mxgauge" setup --root "$T/none"
words 1 "look at $T/good: this is no folder" "$mxgauge" setup --root "$T/good"
words 2 "a command's options stand behind the command" "$mxgauge" --state "$T/state" report
words 2 'graph: --out DIR is missing' "$mxgauge" graph --state "$T/state"
words 2 'cacti-templates: --out DIR is missing' "$mxgauge" cacti-templates
words 2 'cacti-value: --host HOST is missing' "$mxgauge" cacti-value --state "$T/state" flow
words 2 '--state is empty' "$mxgauge" import --state "" "$T/good"
words 2 '--templates is empty' "$mxgauge" graph --state "$T/state" -o "$T/g" --templates ""
words 2 '--config is empty' "$mxgauge" import --config= "$T/good"
words 0 'Configuration of mxgauged' "$mxgauge" setup --root ""
words 2 '-o is empty' "$mxgauge" graph --state "$T/state" -o ""
words 3 '--state is empty' "$check" --state=
words 2 'trace: a name is empty' "$mxgauge" trace --state "$T/state" mx1 ""
words 1 "write $T/none/copy.db: No such file or directory" "$mxgauge" backup --state "$T/state" "$T/none/copy.db"
words 2 'NUL' "$mxgauge" check-config "$T/binary"
words 2 'check-config: the file is named twice' "$mxgauge" check-config -f "$T/binary" "$T/none"
words 2 'parse: --unknown and --stats exclude each other' "$mxgauge" parse --unknown --stats "$T/good"
printf 'state = "/x"\nsource "a" { files = { "/y" }\n' >"$T/conf"
words 2 "$T/conf:" "$mxgauge" check-config "$T/conf"
printf 'state = "/x"\nhorizon = 8parsecs\nsource "a" { files = { "/y" } }\n' >"$T/conf"
words 2 "$T/conf:2: horizon" "$mxgauge" check-config "$T/conf"
done_testing
