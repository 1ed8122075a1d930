#!/bin/sh
# check_replication_imap.t - against mail servers that say what each case says (tests/fake/imap.py): mailboxes that
# are alike and not, servers that hang, lie or flood. Real ones: tests/lab/replication_imap.t.
what=check_replication_imap server=imap.py
# shellcheck source=tests/fake/copies_test.sh
. tests/fake/copies_test.sh
copy=127.0.0.1:$(cat "$D/port")
check="$BUILD/plugins/$what -u probe --cleartext -H $source -H $copy"

box() { echo "$1 MESSAGES $2 UIDNEXT $3 UIDVALIDITY $4 HIGHESTMODSEQ $5"; }
at_copy() { box "$@" >"$D/boxes"; }

box INBOX 7 9 1700000000 55 | tee "$D/boxes" >"$D/source/boxes"
run 0 "$copy INBOX is 0 s behind"
says "messages=0 servers=2"
at_copy INBOX 6 8 1700000000 54
run 0 "$copy INBOX is"
says "$copy INBOX: 6 messages, $source has 7"
says "messages=1"
ago 400
run 1 "$copy INBOX is 6.7 min behind (limit 5 min)"
run 2 "messages 1 (limit 0)" -c messages=0
export NAGIOS_PLUGIN_STATE_DIRECTORY="$D/nowhere"
run 3 "since when something is so is not known, because nothing can be remembered: cannot open the folder $D/nowhere"
box INBOX 7 9 1700000000 55 >"$D/boxes"
run 0 "0 s behind"
says "cannot open the folder $D/nowhere"
export NAGIOS_PLUGIN_STATE_DIRECTORY="$D"
at_copy INBOX 7 10 1700000000 55
run 1 "behind"
says "the next UID is 10, at $source 9"
at_copy INBOX 7 9 1700000000 56
run 1 "behind"
says "flags differ from $source"
run 0 "0 s behind" --loose
at_copy INBOX 7 9 1700000000 55
run 0 "0 s behind"
ago 4000
run 0 "0 s behind"
at_copy INBOX 7 9 1700000001 55
run 2 "$copy INBOX: another UIDVALIDITY than at $source: clients take all messages for new"
run 0 "" --loose
echo "INBOX MESSAGES 7 UIDNEXT 9 UIDVALIDITY 1700000000" >"$D/boxes"
run 0 "0 s behind"
echo "INBOX UIDNEXT 9" >"$D/boxes"
run 2 "the server does not tell how many messages there are"
echo "INBOX MESSAGES x UIDNEXT 9" >"$D/boxes"
run 2 "the server does not tell how many messages there are"
at_copy Other 7 9 1700000000 55
run 2 "$copy: IMAP: the server refuses STATUS"
says ": NO there is none"
{ box INBOX 7 9 1700000000 55; box Archive.2026 100 101 1700000000 900; } >"$D/source/boxes"
{ box INBOX 7 9 1700000000 55; box Archive.2026 90 91 1700000000 800; } >"$D/boxes"
run 0 "behind" -m INBOX -m Archive.2026
says "$copy Archive.2026: 90 messages, $source has 100"
grep -qF 'STATUS "a\"b" (' "$D/asked"
ok $((1 - $?)) "not asked yet"
run 2 "refuses" -m 'a"b'
grep -qF 'STATUS "a\"b" (' "$D/asked"
ok $? "quotes in names are quoted"
grep -ciE 'SELECT|EXAMINE|FETCH|STORE' "$D/asked" >"$D/count"
is "$(cat "$D/count")" 0 "no mailbox was opened"

# --- the world being broken
box INBOX 7 9 1700000000 55 | tee "$D/boxes" >"$D/source/boxes"
for when in hello login status; do
    for fault in hang close garbage flood; do
        echo "$when $fault" >"$D/fault"
        in_time 2 "$copy: " -t 2
    done
done
echo "login no [AUTHENTICATIONFAILED] <b>" >"$D/fault"
run 2 "$copy: IMAP: login: NO [AUTHENTICATIONFAILED] (b)"
rm "$D/fault"
run 2 "127.0.0.1:1: IMAP: Connection refused" -H 127.0.0.1:1
says "servers=2"
export ALL_PROXY=http://127.0.0.1:1
run 0 "0 s behind"
unset ALL_PROXY
echo "hello close" >"$D/fault"
run 2 "$copy: IMAP: the server closed the connection"
echo "hello hang" >"$D/fault"
run 2 "$copy: IMAP: no answer in time" -t 2
echo "login hang" >"$D/fault"
run 2 "$copy: IMAP: no whole answer in time, the last words were \"" -t 2
echo "hello bye too many connections" >"$D/fault"
run 2 "it said: BYE too many connections"
rm "$D/fault"

mkdir "$D/lib"
echo "this is none" >"$D/lib/libcurl.so.4"
export LD_LIBRARY_PATH="$D/lib"
run 3 "$copy: library: "
says "(in Debian the package libcurl4): $D/lib/libcurl.so.4: file too short"
unset LD_LIBRARY_PATH

# --- options
check="$BUILD/plugins/$what"
run 3 "whom to compare?" -H a -u probe
run 3 "whose mailboxes?" -H a -H b
run 3 "a is given twice: it is like itself" -H a -H A:143 -u probe
run 3 "exclude each other" -H a -H b -u probe --tls --cleartext
run 3 "not as IMAP writes it" -H a -H b -u probe -m 'a
b'
run 3 "password in $D/nothing" -H a -H b -u probe --password-file "$D/nothing"
: >"$D/asked"
run 2 "IMAP: STARTTLS is not offered, or was refused" -H "$source" -H "$copy" -u probe
run 2 "IMAP: the server speaks no TLS there" -H "$source" -H "$copy" -u probe --tls
for cert in expired other; do
    echo "$D/$cert.pem" >"$D/tls"
    run 2 "" -H "$source" -H "$copy" -u probe --tls --ca-file "$D/ca.pem"
    [ $cert = other ] || says "$copy: IMAP: SSL certificate problem: certificate has expired"
done
says "subject name"
rm "$D/tls"
run 3 "certificates of $D/nothing: No such file" -H "$source" -H "$copy" -u probe --tls --ca-file "$D/nothing"
! grep -qE 'LOGIN|AUTHENTICATE' "$D/asked"
ok $? "who offers no TLS gets no password"
is "$(cat "$D/fake.err" "$D/source.err")" "" "the servers had no trouble"
done_testing
