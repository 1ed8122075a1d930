#!/bin/sh
# replicator.t - what Dovecot's replicator says in every state, as doveadm's table and with "-f tab", and what
# check_replication_imap makes of it; a doveadm that fails or hangs. A real pair: tests/lab/replicator.t.
# shellcheck source=tests/plugins/kept_test.sh
. tests/plugins/kept_test.sh
check=$BUILD/plugins/check_replication_imap
says() { grep -qF -- "$1" "$dir/out"; }
ago() { /usr/bin/python3 tests/fake/ago.py "$dir/kept" "$1"; }

# counts SYNC HIGH LOW FAILED FULL WAITING USERS: doveadm replicator status
counts() {
    for what in "Queued 'sync' requests" "Queued 'high' requests" "Queued 'low' requests" "Queued 'failed' requests" \
        "Queued 'full resync' requests" "Waiting 'failed' requests" "Total number of known users"; do
        printf '%-29s %-27s\n' "$what" "$1"
        shift
    done
}
users() { # NAME PRIORITY FAST FULL SUCCESS FAILED...: status '*'
    echo "username            priority fast sync full sync success sync failed"
    while [ $# -gt 0 ]; do
        printf '%-19s %-8s %-9s %-9s %-12s %-6s\n' "$1" "$2" "$3" "$4" "$5" "  $6"
        shift 6
    done
}
syncs() { # NAME TYPE STATUS...: dsync-status
    echo "username                 type        status                     "
    while [ $# -gt 0 ]; do
        printf '%-24s %-11s %-27s\n' "$1" "$2" "$3"
        shift 3
    done
}
free() { syncs "" - "Not connected" "" - "Not connected"; }
# fresh STATUS TEXT ARGS...: with what stdin says, and nothing remembered
fresh() {
    rm -f "$dir"/kept/*
    again "$@"
}
again() {
    want=$1 text=$2
    shift 2
    cat >"$dir/status"
    run "$want" "$text" --replicator-file "$dir/status" "$@"
}
well="anna@example.org none 00:00:03 05:00:06 00:00:03 - probe none 20:00:04 23:00:11 20:00:05 -"

# shellcheck disable=SC2086  # lists of words
{ counts 0 0 0 0 0 0 2; users $well; free; } | fresh 0 "replicator is 0 s behind"
told "idle: nobody is behind, though a success is hours ago"
is "$(perf lag) $(perf failed) $(perf success) $(perf running) $(perf waiting) $(perf users)" "0 0 72005 0 0 2" "its figures"
[ "$(perf age)" -lt 60 ]
ok $? "of a file that was just written"
# shellcheck disable=SC2086
{ free; users $well; counts 0 0 0 0 0 0 2; } | fresh 1 "probe was last copied 20 h ago (limit 10 h)" -w success=10h
told "in another order; a limit of the last success"
# shellcheck disable=SC2086
{ counts 1 2 3 4 5 6 7; users $well; free; } | fresh 1 "queue_high 2 (limit 1)" -w queue_high=1
told "the queue"
is "$(perf queue_sync) $(perf queue_high) $(perf queue_low) $(perf queue_failed) $(perf queue_full) $(perf waiting) $(perf users)" \
    "1 2 3 4 5 6 7" "by priority"
printf "field\tvalue\nQueued 'sync' requests\t0\nQueued 'high' requests\t0\nQueued 'low' requests\t0
Queued 'failed' requests\t0\nQueued 'full resync' requests\t0\nWaiting 'failed' requests\t0\nTotal number of known users\t2
username\tpriority\tfast sync\tfull sync\tsuccess sync\tfailed\nwith  blank\tnone\t00:00:09\t00:00:09\t00:00:20\t-
x\tnone\t00:00:03\t00:00:05\t00:00:03\t-\nusername\ttype\tstatus\nwith  blank\tfull\tWaiting for dsync to finish\n\t-\tNot connected\n" |
    fresh 0 "replicator with  blank is 9 s behind"
told "with tabs, and a name with blanks"
says "replicator with  blank: is being copied for 9 s (full: Waiting for dsync to finish); the last success was 20 s ago"
ok $? "who is being copied"
is "$(perf running)" 9 "for how long"

# --- the other server is away
{ counts 0 0 0 0 0 1 2; users a none 00:00:04 05:00:00 00:00:16 y b none 01:00:00 02:00:00 01:00:00 -; free; } |
    fresh 1 "copying failed for 1 of 2 users (limit 0)"
told "one failed"
says "replicator a: copying failed 4 s ago; the last success was 16 s ago"
ok $? "who, and since when"
is "$(perf lag) $(perf failed)" "4 1" "behind since that attempt at least"
ago 400
{ counts 0 0 0 0 0 1 2; users a none 00:01:04 05:06:00 00:06:16 y b none 01:00:00 02:00:00 01:00:00 -; free; } |
    again 1 "replicator a is 6.3 min behind (limit 5 min)" -w failed=9
told "later: behind since a run saw it first, but no longer than since the last success"
ago 4000
{ counts 0 0 0 0 0 1 2; users a none 00:01:04 05:06:00 03:00:00 y b none 01:00:00 02:00:00 01:00:00 -; free; } |
    again 2 "replicator a is 73 min behind (limit 30 min)"
told "and longer"
# shellcheck disable=SC2086
{ counts 0 0 0 0 0 0 2; users $well; free; } | again 0 "replicator is 0 s behind"
told "it is there again"
{ counts 0 0 0 0 0 2 2; users a none 00:00:04 00:00:18 00:00:16 y b none 00:00:05 00:00:18 - y; free; } |
    fresh 2 "copying failed for all users (2): is the other server away, or its doveadm_password another?"
told "all failed"
says "replicator b: copying failed 5 s ago; it never was before"
ok $? "never copied yet"

# --- it hangs: nothing fails, no queue grows
{ counts 0 0 0 0 0 0 2; users a none 00:07:00 00:18:00 00:07:30 - b none 00:08:00 00:10:00 00:08:00 -
    syncs a incremental "Waiting for dsync to finish" "" - "Not connected"; } | fresh 1 "replicator a is 7 min behind (limit 5 min)"
told "frozen at the other end"
says "users that are being copied: 1, one for 7 min already, and nobody's copying ended since: does the other server hang?"
ok $? "and that is said"
{ counts 0 0 0 0 0 0 2; users a none 00:07:00 00:18:00 00:07:30 - b none 00:00:08 00:10:00 00:00:07 -
    syncs a incremental "Waiting for dsync to finish" "" - "Not connected"; } | fresh 1 "7 min behind"
told "one user alone takes long"
! says "does the other server hang?"
ok $? "as others were copied meanwhile, it does not hang"
{ counts 0 0 0 0 0 0 1; users a none 00:00:47 00:10:00 00:00:48 -; syncs a incremental "Waiting for dsync to finish"; } |
    fresh 2 "replicator a is 47 s behind" -c lag=30s
told "begun a second after the last success"
{ counts 0 2 0 0 0 0 2; users a high 00:07:00 00:18:00 00:07:00 - b high 00:08:00 00:10:00 00:08:00 -; free; } >"$dir/queued"
fresh 0 "is 0 s behind" <"$dir/queued"
told "who waits in the queue waits since the first run that sees it"
ago 330
again 1 "replicator a is 5.5 min behind (limit 5 min)" <"$dir/queued"
told "and is behind"
says "replicator a: waits to be copied (priority high); the last success was 7 min ago"
ok $? "and that is said"

# --- the world being broken
{ counts 0 0 0 0 0 0 0; users; } | fresh 2 "users 0 (at least 1)"
told "it knows nobody"
{ users a none 00:00:01 00:00:01 00:00:01 -; free; } | fresh 3 "it lacks \"Queued 'sync' requests\""
told "not all of it: the queue"
{ counts 0 0 0 0 0 0 3; free; } | fresh 3 "it lacks the table of users"
told "not all of it: the users"
{ counts 0 0 0 0 0 0 1; users a none soon 00:00:01 00:00:01 -; free; } | fresh 3 "this is no line of doveadm replicator: a "
told "another form"
{ counts 0 0 0 0 0 x 1; users a none 00:00:01 00:00:01 00:00:01 -; free; } | fresh 3 "this is no line of doveadm replicator: Waiting"
told "no number"
: | fresh 3 "it lacks"
told "an empty file"
head -c 60000 /dev/urandom | fresh 3 "replicator"
told "rubbish"
{ counts 0 0 0 0 0 1 2; users '<b>|x' none 00:00:04 05:00:00 00:00:16 y b none 01:00:00 02:00:00 01:00:00 -; free; } |
    fresh 1 "copying failed for 1 of 2" && ! says "<b>" && [ "$(grep -o '|' "$dir/out" | wc -l)" = 1 ]
told "names are clean text"
/usr/bin/python3 - >"$dir/many" <<'PY'
print("username            priority fast sync full sync success sync failed")
for i in range(150000):
    print("user%06d@example.org none     00:00:03  00:00:06  00:00:09     y     " % i)
PY
{ counts 0 0 0 0 0 150000 150000; cat "$dir/many"; free; } | fresh 2 "copying failed for all users (150000)" -t 9
told "150,000 users, all of them failed"
ago 400
{ counts 0 0 0 0 0 150000 150000; sed 's/00:00:09/00:09:00/' "$dir/many"; free; } | again 1 "behind (limit 5 min)" -w failed=999999
[ $? = 1 ] && says "is 6.7 min behind"
told "and since when is remembered of them, too"
touch -d '-20 minutes' "$dir/status"
run 2 "age 20 min" --replicator-file "$dir/status" -w age=10m
told "a file that nobody renews"
run 3 "nothing-there: No such file" --replicator-file "$dir/nothing-there"
told "no file"
mkfifo "$dir/stuck"
run 2 "replicator: no answer in time while reading $dir/stuck" --replicator-file "$dir/stuck" -t 1
told "one that cannot be read to its end is named"

# doveadm STATUS TEXT SCRIPT ARGS...: what it does in its place
doveadm() {
    want=$1 text=$2
    printf '#!/bin/sh\n%s\n' "$3" >"$dir/doveadm"
    chmod +x "$dir/doveadm"
    shift 3
    rm -f "$dir"/kept/*
    run "$want" "$text" --replicator --doveadm "$dir/doveadm" "$@"
}
# shellcheck disable=SC2086
counts 0 0 0 0 0 0 2 >"$dir/1"
# shellcheck disable=SC2086
users $well >"$dir/2"
free >"$dir/3"
doveadm 0 "replicator is 0 s behind" "echo \"\$*\" >>$dir/asked
case \"\$*\" in
'-f tab replicator status') cat $dir/1 ;;
'-f tab replicator status *') cat $dir/2 ;;
'-f tab replicator dsync-status') cat $dir/3 ;;
*) exit 64 ;;
esac"
told "doveadm is asked"
is "$(wc -l <"$dir/asked")" 3 "three times"
doveadm 2 "replicator: it does not run: $dir/doveadm says: Fatal: net_connect_unix(/run/x/replicator-doveadm) failed: Connection refused" \
    'echo "Fatal: net_connect_unix(/run/x/replicator-doveadm) failed: Connection refused" >&2; exit 75'
told "the replicator does not run"
doveadm 3 "failed: Permission denied" \
    'echo "Fatal: net_connect_unix(/run/x/replicator-doveadm) failed: Permission denied" >&2; exit 75'
told "no right to ask: trouble of our own"
doveadm 3 "this doveadm has no replicator: only Dovecot 2.2 and 2.3 have" \
    'echo "usage: doveadm [-Dv] [-f formatter] command [args]" >&2; exit 64'
told "Dovecot 2.4"
doveadm 2 "replicator: no answer in time while waiting for doveadm replicator status" "echo \$\$ >$dir/pid; sleep 60; exit 1" -t 2
told "it hangs: inside -t"
is_gone() { ! kill -0 "$(cat "$dir/pid")"; }
until_so 5 is_gone
ok $? "and nothing of it stays behind"
rm "$dir/pid"
"$check" --replicator --doveadm "$dir/doveadm" -t 2 >"$dir/out" 2>&1 &
until_so 20 [ -s "$dir/pid" ]
kill -KILL $!
wait $! 2>/dev/null
until_so 20 is_gone
ok $? "nor where the check itself is killed"
doveadm 2 "no answer in time" "yes | tr -d '\n'" -t 2
told "without end: inside -t"
run 3 "whom to compare?" -H a --replicator
told "one server is too few, still"
done_testing
