#!/bin/sh
# check_mail_queue.t - queues of every MTA with known contents, thresholds, samples, growth, the
# MTA's own listing, and folders that are damaged, foreign, unreadable or hostile.
#
# The spools are laid out by bench/genqueue: of 1,000 messages 50 are not tried yet, 100 held or
# frozen, 850 deferred; tests/lab/queue.t holds the readers against real MTAs.
set -u
export LC_ALL=C TZ=UTC
: "${BUILD:=build}"
. tests/tap.sh
check=$BUILD/plugins/check_mail_queue
dir=$(mktemp -d) || exit 1
trap 'chmod -R u+rwx "$dir"; rm -rf "$dir"' EXIT
export NAGIOS_PLUGIN_STATE_DIRECTORY="$dir/kept"
mkdir "$dir/kept"

# run STATUS ARGS...: the output goes to $dir/out
run() {
    want=$1
    shift
    "$check" "$@" >"$dir/out" 2>"$dir/err"
    rc=$?
    [ $rc -eq "$want" ] && [ ! -s "$dir/err" ]
}
says() { grep -qF -- "$1" "$dir/out"; }
silent() { ! grep -qF -- "$1" "$dir/out"; }
# told TEXT: as the command before went; the output, if not well
told() {
    rc=$?
    ok $rc "$1"
    [ $rc = 0 ] || sed 's/^/# /' "$dir/out" "$dir/err"
}
# perf NAME: its value
perf() { sed -n "1s/.*[ |]$1=\\([0-9.U-]*\\).*/\\1/p" "$dir/out"; }
noon=1795176000

for mta in postfix exim sendmail qmail opensmtpd; do
    "$BUILD/bench/genqueue" $mta "$dir/$mta" 1000
    before=$(date +%s)
    run 0 --mta $mta --spool "$dir/$mta" --no-growth --sample all
    told "$mta: a queue without thresholds is OK"
    case $mta in
    postfix) want="1000 50 850 100 0" ;;
    qmail) want="1000 0 950 0 50" ;;	# it holds nothing
    *) want="1000 0 850 100 50" ;;
    esac
    is "$(perf total) $(perf active) $(perf deferred) $(perf hold) $(perf incoming)" "$want" "$mta: counts"
    # 998 is the last that is neither held nor frozen; qmail knows neither
    age=$((before - noon + 998))
    [ $mta != qmail ] || age=$((age + 1))
    got=$(perf oldest)
    [ "$got" -ge $age ] && [ "$got" -le $((age + 60)) ]
    told "$mta: the oldest came $age s ago ($got)"
    # the null sender has i % 11 = 3: 91 of 1,000; to0 one, to99 20 (genqueue.c)
    is "$(perf null_sender)" 9.1 "$mta: notifications"
    run 2 --mta $mta --spool "$dir/$mta" --no-growth -w total=2000 -c oldest=1h
    told "$mta: too old is CRITICAL"
done
run 0 --mta exim --spool "$dir/exim" --no-growth
is "$(perf frozen)" 10 "exim: share of frozen ones"
run 0 --mta sendmail --spool "$dir/sendmail" --no-growth -v && says "of those read: Connection refused"
told "sendmail: the reason without the host"
run 0 --mta postfix --spool "$dir/postfix" --no-growth --top 3 && says "of those read: Connection timed out" &&
    silent "192.0.2."
told "postfix: reasons from defer, hosts left out"

reasons() { # N: how many reasons are read
    "$check" --mta postfix --spool "$dir/postfix" --no-growth --top 50 --reasons "$1" |
        sed -n 's/^ *\([0-9,]*\) of those read.*/\1/p' | awk '{ n += $1 } END { print n + 0 }'
}
few=$(reasons 100) all=$(reasons all)
[ "$few" -gt 30 ] && [ "$few" -le 100 ] && [ "$all" -gt 600 ]
told "--reasons: at most so many, or all ($few, $all)"
run 3 --mta postfix --spool "$dir/postfix" --no-growth --reasons none && says "--reasons none is neither"
told "a wrong number of reasons"

"$BUILD/bench/genqueue" postfix "$dir/long" 1000 long
run 1 --mta postfix --spool "$dir/long" --no-growth --sample none -w oldest=1h
told "long queue ids: the age without opening a file"
is "$(perf bytes) $(perf null_sender)" "U U" "what was not read is not known"
run 3 --mta postfix --spool "$dir/postfix" --no-growth --sample none -w deferred_p95=1h && says "deferred_p95 could not be" &&
    run 3 --mta postfix --spool "$dir/postfix" --no-growth --sample none -w oldest=1h && says "oldest could not be measured"
told "short queue ids without a sample: UNKNOWN where an age has a threshold"

# --- thresholds and sentences ------------------------------------------------------------------
one() {
    mkdir -p "$dir/few/active" "$dir/few/deferred/A" "$dir/few/incoming" "$dir/few/hold" "$dir/few/maildrop" "$dir/few/defer/A"
}
one
n=0
now=$(date +%s)
while [ $n -lt 12 ]; do
    to=ann$n@example.net
    [ $n -ge 2 ] || to=joe@example.com
    perl -e 'my ($t, $to) = @ARGV; sub r { $_[0] . chr(length $_[1]) . $_[1] }
        print r("C", sprintf("%15d %15d %15d %15d %15d %15d", 500, 200, 1, 0, 500, 0)), r("T", "$t 1"),
            r("S", "joe\@example.org"), r("R", $to), r("D", "done\@example.com"), r("M", ""), r("E", "")' \
        $((now - 600 * n)) "$to" >"$dir/few/deferred/A/A0000$(printf %02X $n)BCD"
    echo "reason=connect to mx.example.net[192.0.2.9]:25: Connection refused" \
        >"$dir/few/defer/A/A0000$(printf %02X $n)BCD"
    n=$((n + 1))
done
run 1 --mta postfix --spool "$dir/few" --no-growth -w deferred=10 -c deferred=100
head -n 1 "$dir/out" | grep -q '^QUEUE WARNING - 12 deferred, 10 to example.net: Connection refused (limit 10)'
told "the alarm names where to and why"
says "10 example.net, oldest 110 min"
told "and since when"
silent "example.com:" && says "2 example.com"
told "who has it already (D records) is not waited for"
run 0 --mta postfix --spool "$dir/few" --no-growth -w oldest=2h -w hold=0 -c corrupt=0 -c 100
told "below all thresholds"
run 2 --mta postfix --spool "$dir/few" --no-growth -c deferred_p50=30m
told "the median age has thresholds too"
run 0 --mta postfix --spool "$dir/few" --no-growth --json
python3 -c 'import json, sys
o = json.load(open(sys.argv[1]))
assert o["measurements"]["deferred"]["value"] == 12 and o["queues"]["deferred"]["messages"] == 12
assert o["sample"] == {"of": 12, "looked": 12, "all": True}' "$dir/out"
told "JSON"

# --- several queues ------------------------------------------------------------------------------
run 0 --mta postfix --spool "$dir/few" --spool "$dir/postfix" --no-growth
is "$(perf total) $(perf deferred)" "1012 862" "two spools are one sum"
says "$dir/few: 12 messages, 12 deferred, 0 on hold" && says "$dir/postfix: 1,000 messages, 850 deferred, 100 on hold"
told "and each is named"
run 3 --mta postfix --spool "$dir/few" --spool "$dir/none" --no-growth && says "cannot list $dir/none/deferred: No such file"
told "one of two that is not there is UNKNOWN, and postqueue is not asked for another one"

# --- growth ------------------------------------------------------------------------------------
run 0 --mta maildir --spool "$dir/kept" && is "$(perf growth)" U "the first run knows no growth"
export NAGIOS_PLUGIN_STATE_DIRECTORY="$dir/nowhere"
run 3 --mta maildir --spool "$dir/kept" -w growth=5 && says "growth is not known, because nothing can be remembered: cannot open the folder $dir/nowhere"
told "a limit of growth is not silent where there is no memory"
run 0 --mta maildir --spool "$dir/kept"
told "without one nobody minds"
export NAGIOS_PLUGIN_STATE_DIRECTORY="$dir/kept"
set -- "$dir"/kept/check_mail_queue-*
[ -f "$1" ] && [ "$(wc -l <"$1")" = 1 ]
told "and keeps one line"
mkdir "$dir/grow"
for i in 1 2 3 4 5 6 7 8 9 10; do : >"$dir/grow/m$i"; done
run 0 --mta maildir --spool "$dir/grow"
for f in "$dir"/kept/check_mail_queue-*; do
    printf '%d 4\n%d 5\nrubbish\n' $((now - 7000)) $((now - 60)) >"$f"
done
run 2 --mta maildir --spool "$dir/grow" -c growth=3/min && says "growth"
told "5 more than a minute ago is too much"
g=$(perf growth)
[ "${g%%.*}" -ge 3 ] && [ "${g%%.*}" -le 5 ]
told "about five a minute ($g)"
for f in "$dir"/kept/check_mail_queue-*; do
    printf '%d 400\n' $((now - 60)) >"$f"
done
run 0 --mta maildir --spool "$dir/grow" -w growth=100/min -c growth=200/min
told "a queue that drains is well"
case $(head -1 "$dir/out") in *" growth=-"*";~:100;~:200 "*) true ;; *) false ;; esac
told "and its limits are those of more alone"
for f in "$dir"/kept/check_mail_queue-*; do
    printf '%d 400\n' $((now - 60)) >"$f"
done
run 1 --mta maildir --spool "$dir/grow" -w growth=0:100
told "whoever names both ends has both"

# --- samples -------------------------------------------------------------------------------------
run 0 --mta postfix --spool "$dir/postfix" --no-growth --sample 200 --top 1
says "sampled 200 of 1,000 messages" && says "(+/- "
told "a sample says that it is one, and how far off it may be"
is "$(perf deferred) $(perf total)" "850 1000" "counts stay exact"
head -n 1 "$dir/out" | grep -q "oldest at least"
told "the oldest of a sample is at least as old"
run 0 --mta exim --spool "$dir/exim" --no-growth --sample 500
d=$(perf deferred)
[ "$d" -ge 800 ] && [ "$d" -le 900 ]
told "exim: what only files tell is estimated ($d of 850)"

# --- the MTA's own listing ----------------------------------------------------------------------
cat >"$dir/postqueue" <<'END'
#!/bin/sh
[ "$1" = -j ] || exit 1
cat <<'LIST'
{"queue_name": "deferred", "queue_id": "9C897AB6038", "arrival_time": 1795170000, "message_size": 509, "forced_expire": false, "sender": "joe@example.org", "recipients": [{"address": "ann@example.net", "delay_reason": "connect to mx[192.0.2.1]:25: Connection refused"}, {"address": "bob@example.net"}]}
{"queue_name": "hold", "queue_id": "3ED47AB606A", "arrival_time": 1795170500, "message_size": 401, "forced_expire": false, "sender": "\"queue_name\": \"active\"@example.org", "recipients": [{"address": "ann@example.com"}]}
{"queue_name": "active", "queue_id": "3ED47AB606B", "arrival_time": 1795170900, "message_size": 90, "forced_expire": false, "sender": "MAILER-DAEMON", "recipients": [{"address": "ann@example.com"}]}
LIST
END
cat >"$dir/eximq" <<'END'
#!/bin/sh
cat <<'LIST'
18m   437 1xUVMa-0005zh-27 <joe@example.org>
          ann@example.net
        D bob@example.com

 3d  1.8K 1xUVMb-0005zx-0f <> *** frozen ***
          joe@example.org

LIST
END
cat >"$dir/mailq" <<'END'
#!/bin/sh
printf '\t\t/var/spool/mqueue (2 requests)\n'
cat <<'LIST'
-----Q-ID----- --Size-- -----Q-Time----- ------------Sender/Recipient-----------
6AKKl6Rb016923*      25 Fri Nov 20 20:47 <joe@example.org>
                 (Deferred: Connection refused by [192.0.2.9])
					 <ann@example.net>
6AKKl6Rb016924      250 Fri Nov 20 20:47 <>
					 <joe@example.org>
		Total requests: 2
LIST
END
cat >"$dir/smtpctl" <<'END'
#!/bin/sh
[ "$1 $2" = "show queue" ] || exit 1
cat <<'LIST'
20715eadc2231301|inet4|mta||joe@example.org|ann@example.net|ann@example.net|1795170000|1795515600|0|2|pending|1032|450 4.3.0 Error: command failed
66372533c93c9f26|local|mta|suspend|@|ann@example.net|ann@example.net|1795170000|1795515600|0|0|pending|1032|
LIST
END
printf '#!/bin/sh\necho "postqueue: fatal: Queue report unavailable - mail system is down" >&2\nexit 69\n' >"$dir/down"
printf '#!/bin/sh\nexit 0\n' >"$dir/empty"
printf '#!/bin/sh\necho "0 mails; you may not see them" >&2\n' >"$dir/mute"
chmod +x "$dir/postqueue" "$dir/eximq" "$dir/mailq" "$dir/smtpctl" "$dir/down" "$dir/empty" "$dir/mute"
run 0 --mta postfix --ask always --command "$dir/postqueue" --no-growth --spool "$dir/postfix"
told "postqueue -j"
is "$(perf total) $(perf active) $(perf deferred) $(perf hold) $(perf bytes)" "3 1 1 1 1000" "its figures; a sender forges no queue"
says "1 of those read: Connection refused"
told "its reasons"
run 0 --mta exim --ask always --command "$dir/eximq" --no-growth --spool "$dir/exim"
is "$(perf total) $(perf deferred) $(perf hold) $(perf frozen) $(perf null_sender)" "2 1 1 50 50" "exim -bp"
silent "example.com"
told "who has it already is not waited for"
run 0 --mta sendmail --ask always --command "$dir/mailq" --no-growth --spool "$dir/sendmail"
is "$(perf total) $(perf bytes) $(perf null_sender)" "2 275 50" "mailq"
run 0 --mta opensmtpd --ask always --command "$dir/smtpctl" --no-growth --spool "$dir/opensmtpd"
is "$(perf total) $(perf deferred) $(perf hold)" "2 1 1" "smtpctl show queue"
run 3 --mta postfix --ask always --no-growth --spool "$dir/postfix" &&
    says "QUEUE UNKNOWN - /usr/sbin/postqueue is not asked, because it knows nothing of $dir/postfix"
told "it is not asked for a queue that is not its own"
run 3 --mta postfix --ask always --command "$dir/down" --no-growth && says "mail system is down"
told "an MTA that is down is UNKNOWN with its own words, not an empty queue"
run 0 --mta postfix --ask always --command "$dir/empty" --no-growth && is "$(perf total)" 0 "an empty listing is an empty queue"
run 3 --mta postfix --ask always --command "$dir/mute" --no-growth
told "nothing listed and something said is no empty queue"
run 3 --mta postfix --ask always --command "$dir/nothing" --no-growth && says "cannot run"
told "no such command"

# --- a queue that changes while it is read ------------------------------------------------------
# 1,000 messages come, are tried, wait and go, as a queue manager moves them; 1,000 others stay
"$BUILD/bench/genqueue" postfix "$dir/busy" 1000
perl -e '
    my ($spool, $n) = ($ARGV[0], 0);
    mkdir "$spool/deferred/$_" for 0 .. 9, "A" .. "F";
    my @there;
    while (1) {
        my $id = sprintf "F%09X", $n++ % 1000;
        my @way = ("incoming/$id", "active/$id", "deferred/" . substr($id, -1) . "/$id");
        open my $f, ">", "$spool/$way[0]" or die; print $f "T\x0c1795176000 1"; close $f;
        rename "$spool/$way[$_]", "$spool/$way[$_ + 1]" for 0, 1;
        push @there, $way[2];
        unlink "$spool/" . shift @there if @there > 500;
    }' "$dir/busy" &
mover=$!
bad=0 least=9999 most=0 i=0
while [ $i -lt 30 ]; do
    run 0 --mta postfix --spool "$dir/busy" --no-growth --sample all || { bad=$((bad + 1)); sed 's/^/# /;1q' "$dir/out" "$dir/err"; }
    got=$(perf total)
    [ "${got:-0}" -ge "$least" ] || least=${got:-0}
    [ "${got:-0}" -le "$most" ] || most=${got:-0}
    i=$((i + 1))
done
kill $mover
is $bad 0 "30 times well while files come, move and vanish"
# each of the 501 that move may be met in two folders, or be gone before it is
[ "$least" -ge 1000 ] && [ "$most" -gt 1000 ] && [ "$most" -le 2100 ]
told "what stays is always counted ($least to $most of 1,000 to 1,501)"

# --- the world being broken ---------------------------------------------------------------------
run 3 --mta postfix --spool "$dir/none" --ask never --no-growth && says "cannot list $dir/none/deferred: No such file"
told "no such folder"
run 3 --mta nothing && says "auto"
told "no such MTA"
run 3 --spool "$dir/postfix" && says "--mta"
told "whose folder is it"
run 3 --mta postfix --spool "$dir/few" --sample 0 && says "--sample 0 is neither"
told "a sample of none has another name"
printf '[check_mail_queue]\nfrob = 1\njson =\n' >"$dir/json.ini"
run 3 --extra-opts="@$dir/json.ini" && [ "$(cat "$dir/out")" = '{"check":"check_mail_queue","state":"UNKNOWN","text":"--extra-opts: unknown option --frob; --help lists the options","measurements":{},"details":[]}' ]
told "who wants JSON by an ini file has it also for what is wrong in that file"
run 3 --mta postfix --spool "$dir/few" --no-growth -H mx1 && says "-H needs --from-state"
told "of another machine only the state tells"
run 3 --mta postfix --spool "$dir/few" --no-growth --at -2h && says "--at needs --from-state"
told "and of another time"
run 3 --mta postfix --spool "$dir/few" --no-growth -w growth=3/day && says "/s, /min or /h"
told "a wrong unit"
f="$dir/few/deferred/A/A0000FFFFF"
head -c 100000 /dev/urandom >"$f"
: >"${f}1"
printf 'T\200\200\200\200\200\200\200\200\200\200' >"${f}2"
printf 'C\377\377\377\377\017x' >"${f}3"
ln -s /etc/passwd "${f}4"
mkfifo "${f}5"
perl -e 'print "p\x0f", sprintf("%15d", 0), "p\x0f", sprintf("%15d", 17) x 1' >"${f}6"
mkdir "$dir/few/deferred/A/deeper" "$dir/few/deferred/lost+found"
: >"$dir/few/deferred/A/new
line"
: >"$dir/few/deferred/A/|<b>&"
run 0 --mta postfix --spool "$dir/few" --no-growth -v
told "rubbish, empty files, a link, a fifo and strange names"
is "$(perf deferred)" 19 "are counted where their name is a queue id"
says "4 other things" && silent root:
told "and foreign where not; links are not followed"
# a file of a terabyte is read at its head only; folders that are links are not gone into
mkdir "$dir/else" && : >"$dir/else/ABCDEF12345" && ln -s "$dir/else" "$dir/few/deferred/B"
perl -e 'truncate "$ARGV[0]", 1 << 40 or truncate "$ARGV[0]", 1 << 33' "${f}6"
run 0 --mta postfix --spool "$dir/few" --no-growth && is "$(perf deferred)" 19 "a huge file, and a link to a folder elsewhere"
mv "$dir/few/hold" "$dir/few/held" && ln -s held "$dir/few/hold"
run 3 --mta postfix --spool "$dir/few" --ask never --no-growth && says "cannot list $dir/few/hold: "
told "a queue that is a link is not followed, and not empty"
rm "$dir/few/hold" && mv "$dir/few/held" "$dir/few/hold"
perl -e 'my $r = sub { $_[0] . chr(length $_[1]) . $_[1] }; print $r->("T", "1795176000 1"), $r->("S", "a\@\e[31m|<script>"),
    $r->("R", "x\@\xff\xfe\n|<b>"), $r->("M", "")' >"$dir/few/active/ABCDEF12345"
run 0 --mta postfix --spool "$dir/few" --no-growth && ! grep -q '[|<>].*script\|<b>' "$dir/out" &&
    [ "$(tail -n +2 "$dir/out" | grep -c '|')" = 0 ] && ! grep -q "$(printf '\033')" "$dir/out"
told "hostile domains are clean text"
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    chmod 755 "$dir"
    chmod 700 "$dir/few/hold"
    setpriv --reuid 65534 --regid 65534 --clear-groups "$PWD/$check" --mta postfix --spool "$dir/few" \
        --ask never --no-growth >"$dir/out" 2>"$dir/err"
    [ $? = 3 ] && says "Permission denied; its folders are 0700: give the program"
    told "without the right it is UNKNOWN, and says how to give it"
    setpriv --reuid 65534 --regid 65534 --clear-groups "$PWD/$check" --mta postfix --spool "$dir/few" \
        --no-growth >"$dir/out" 2>"$dir/err"
    [ $? = 3 ] && says "/usr/sbin/postqueue is not asked, because it knows nothing of $dir/few; its folders are 0700"
    told "and the queue of another Postfix is not told in its place"
    chmod 755 "$dir/few/hold" && chmod 700 "$dir/few/deferred/A"
    setpriv --reuid 65534 --regid 65534 --clear-groups "$PWD/$check" --mta postfix --spool "$dir/few" \
        --ask never --no-growth >"$dir/out" 2>"$dir/err"
    [ $? = 3 ] && says "cannot list $dir/few/deferred/A: Permission denied; its folders"
    told "and so it is where one folder of many is closed"
else
    echo "# skipped: without root nobody else can be tried"
fi
done_testing
