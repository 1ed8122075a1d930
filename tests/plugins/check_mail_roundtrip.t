#!/bin/sh
# check_mail_roundtrip.t - messages sent and found, late, lost and junked; mailbox servers with every fault
# (tests/fake/box.py): the right state and sentence, always inside -t, and nobody else's mail is touched.
what=check_mail_roundtrip
# shellcheck source=tests/fake/fake_test.sh
. tests/fake/fake_test.sh
mail_servers box.py
ready ports
unset SSL_CERT_FILE SSL_CERT_DIR MXGAUGE_PASSWORD
check=$BUILD/plugins/check_mail_roundtrip
export NAGIOS_PLUGIN_STATE_DIRECTORY="$D/state" MXGAUGE_MAILBOX_PASSWORD=s3cret
mkdir "$D/state"
port() { sed -n "s/^$1 //p" "$D/ports"; }
now_ms() { echo $(($(date +%s%N) / 1000000)); }

# run STATUS TEXT ARGS...: TEXT is in the first line, nothing is said on stderr
run() {
    want=$1 text=$2
    shift 2
    "$check" -H 127.0.0.1 -p "$(port smtp)" "$@" >"$D/out" 2>"$D/err"
    rc=$?
    [ $rc = "$want" ] && head -n 1 "$D/out" | grep -qF -- "$text" && [ ! -s "$D/err" ]
    answered $? "$*: $want, $text"
    [ ! -s "$D/err" ] || sed 's/^/# /' "$D/err"
}
# box STATUS NAME TEXT ARGS...: the mailbox of the server NAME, by IMAP without TLS; tls and pop alike
box() {
    want=$1 name=$2 text=$3
    shift 3
    run "$want" "$text" -t 5 -r "$name@example.org" -b "imap://127.0.0.1:$(port "$name")" --cleartext "$@"
}
pop() {
    want=$1 name=$2 text=$3
    shift 3
    run "$want" "$text" -t 5 -r "$name@example.org" -b "pop3://127.0.0.1:$(port "$name")" --cleartext "$@"
}
tls() {
    want=$1 name=$2 text=$3 kind=$4
    shift 4
    run "$want" "$text" -t 5 -r "$name@example.org" -b "$kind://127.0.0.1:$(port "$name")" --ca-file "$D/ca.pem" "$@"
}
# late NAME TEXT ARGS...: CRITICAL when the time is up, and not later
late() {
    name=$1 text=$2
    shift 2
    before=$(now_ms)
    "$by" 2 "$name" "$text" -t 1 "$@"
    ms=$(($(now_ms) - before))
    [ $ms -le 1500 ] && [ $ms -ge 600 ]
    ok $? "$name: after $ms ms"
}
said() { grep -qF -- "$2" "$D/said.$1" 2>/dev/null; ok $? "the client said $2 to $1"; }
never() { ! grep -qF -- "$2" "$D/said.$1"; ok $? "the client never said $2 to $1"; }
json() {
    /usr/bin/python3 -c "import json,sys; o=json.load(open('$D/out')); sys.exit(not ($1))"
    answered $? "JSON: $1"
}

# --- found
box 0 good "delivered in "
says "to INBOX"
says "here to mx1.example.org by ESMTPA: "
says "mx1.example.org to mx2.example.org by LMTP: 0 s"
line=$(sed -n '1s/.* | //p' "$D/out" | tr ' ' '\n' | sed 's/=.*//' | tr '\n' ' ')
is "$line" "delivery send find hop skew loss junk late waiting p50 p95 max " \
    "performance data has everything, in order"
said good 'SELECT "INBOX"'
said good "UID EXPUNGE "
never good "BODY.PEEK[HEADER]"
box 0 good "delivered in " --json
json "o['roundtrip']['arrived'] and o['roundtrip']['deleted'] == 1 and len(o['roundtrip']['hops']) == 3"
json "o['measurements']['loss']['value'] == 0 and o['roundtrip']['over_probes']['found'] == 2"
grep -q "UID SEARCH UID [0-9]*:\* HEADER X-Mxgauge-Token [0-9a-f]*$" "$D/said.good"
ok $? "a later search goes on where the one before ended"
box 1 good "delivered in " -w delivery=1us
box 2 good "delivered in " -c delivery=1us
box 3 good "there is no measurement" -w delivry=1
box 1 junked "found in the junk folder Unwanted"
box 2 junked "found in the junk folder Unwanted" -c junk=0
box 0 junked "delivered in " -w junk=1
box 0 good "delivered in " --folder Extra
box 2 good "find in imap://127.0.0.1:$(port good): Missing: NO [NONEXISTENT]" --folder Missing
box 0 good "delivered in " --subject "a word"
box 0 skewed "delivered in "
says "mx1.example.org to mx2.example.org by LMTP: by their clocks it came 1"
box 1 skewed "the clock of mx2.example.org is 1" -w skew=5s
tls 0 tls.good "delivered in " imaps
tls 0 starttls "delivered in " imap
said starttls "STARTTLS"
pop 0 pop.good "delivered in "
pop 0 pop.good "delivered in "
tls 0 pop.tls "delivered in " pop3s

# --- late, lost, not waited for
box 2 held "not delivered within " -t 1
says "though the server had taken it: 250 2.0.0 Ok: queued as 4ABC"
says "waiting=1"
sleep 1
: >"$D/release.held"
box 0 held "delivered in " -t 3
says "after it was sent, late"
says "waiting=0"
rm "$D/release.held"
box 2 held "not delivered within " -t 1
sleep 1
: >"$D/release.held"
box 1 held "came late, after up to " -w late=100ms
box 2 dropped "not delivered within " -t 1 --lost-after 1
sleep 1.1
box 2 dropped "messages are lost: the newest of which the fate is known did not come within 1 s" -t 1 --lost-after 1
says "lost: the message sent at "
says "loss=100%;0"
box 0 good "sent, for later runs to find" --no-wait -f a@example.org
box 0 good "delivered in " --no-wait -f a@example.org
rm -f "$D/release.held"
box 0 held "sent, for later runs to find" --no-wait -f a@example.org
sleep 1
box 2 held "a message is waited for since " --no-wait -f a@example.org -c delivery=500ms
: >"$D/release.held"
box 0 held "delivered in " --no-wait -f a@example.org -c delivery=20s
says "p50="
box 0 good "delivered in " -f a@example.org
box 0 held "delivered in " -f a@example.org

# --- killed while it waits: what it sent is known
rm -f "$D/release.held"
# shellcheck disable=SC2012  # names of ours
newest() { ls -t "$D"/state/check_mail_roundtrip-*[0-9a-f] | head -n 1; }
"$check" -H 127.0.0.1 -p "$(port smtp)" -t 20 -r held@example.org -f killed@example.org --cleartext \
    -b "imap://127.0.0.1:$(port held)" >/dev/null &
pid=$!
tries=0
until { grep -q "killed@example.org" "$D/said.smtp" && grep -q "^probe [0-9a-f]* s " "$(newest)"; } ||
    [ $tries -ge 200 ]; do
    tries=$((tries + 1))
    sleep 0.05
done
kill -KILL $pid
wait $pid 2>/dev/null
: >"$D/release.held"
box 0 held "delivered in " -f killed@example.org
says "after it was sent, late"

# --- left over: what was remembered is gone
rm -f "$D/release.held"
box 2 held "not delivered within " -t 1 -f killed@example.org
rm "$(newest)"
: >"$D/release.held"
box 0 held "delivered in " -f killed@example.org
says "deleted, too: 1 left over from runs that nobody remembers"

# --- nobody else's
box 2 foreign "not delivered within " -t 1
never foreign "UID STORE"
box 2 many "not delivered within " -t 1
never many "UID STORE"
box 2 liar "not delivered within " -t 1
never liar "UID STORE"
box 1 readonly "the server lets nobody delete"
box 1 noexpunge "the server does not expunge"
box 0 nouidplus "delivered in "
said nouidplus "EXPUNGE"
box 1 nouidplus2 "they are marked as deleted only"
grep -q " EXPUNGE" "$D/said.nouidplus2"
[ $? = 1 ]
ok $? "where others' messages are marked, nothing is expunged"

# --- faults of the mail server
run 2 "send to 127.0.0.1:$(port smtp): rcpt: 550 5.1.1 unknown user" -t 5 -r nobody@example.org \
    -b "imap://127.0.0.1:$(port good)" --cleartext --mailbox-user good@example.org
run 2 "connect: Connection refused" -t 5 -p 1 -r good@example.org -b "imap://127.0.0.1:$(port good)" --cleartext
run 2 "starttls: STARTTLS is not offered" -S -t 5 -r good@example.org -b "imap://127.0.0.1:$(port good)" --cleartext

# --- faults of the mailbox
MXGAUGE_MAILBOX_PASSWORD=wrong box 2 good "login: A00"
says "NO [AUTHENTICATIONFAILED] Authentication failed. / ?[31m(b)"
says "the message was taken, later runs look for it"
box 0 good "delivered in "
MXGAUGE_MAILBOX_PASSWORD=wrong pop 2 pop.good "login: -ERR [AUTH] Authentication failed."
pop 0 pop.good "delivered in "
pop 2 pop.busy "login: -ERR [IN-USE]"
run 2 "find in imap://127.0.0.1:1: connect: " -t 5 -r dropped@example.org -b imap://127.0.0.1:1 --cleartext
tls 2 tls.other "certificate subject name" imaps
tls 2 tls.expired "certificate has expired" imaps
tls 2 tls.self "self-signed certificate" imaps
tls 2 starttls.other "certificate subject name" imap
tls 2 pop.other "certificate subject name" pop3s
tls 0 tls.other "delivered in " imaps --no-verify
tls 2 silent "connect: no end of the TLS handshake in time" imaps -t 1
tls 2 http "connect: the server speaks no TLS there" imaps
tls 2 hangup "connect: the server closed the connection in the TLS handshake" imaps
tls 2 nostarttls "STARTTLS is not offered" imap
never nostarttls "s3cret"
box 2 bye "too many connections"
box 2 http "connect and login: "
box 2 loginno "login: A002 NO [UNAVAILABLE] the directory is away" -t 3
box 0 logout "delivered in "
box 2 noselect "INBOX: NO [INUSE] mailbox is locked"
box 2 closes "SELECT: the server closed the connection"
box 2 byebye "SEARCH: the server said BYE / ?[31mshutting down (b)"
box 2 badsearch "SEARCH: BAD no such key"
box 2 nonsense 'this is no answer of IMAP: "220 mx1.example.org ESMTP"'
box 2 huge "the server announces 4294967296 bytes at once"
box 2 longline "the server sends a line of more than 64 KiB"
box 2 flood "the server answers more than 4 MiB"
by=box
late busy "no connection in time"
late silent "no whole answer in time"
late drip "no whole answer in time"
late tls.silent "no whole answer in time"
late loginsilent "no whole answer in time"
late selectsilent "SELECT: no whole answer in time"
late hungry "SEARCH: no whole answer in time"
by=pop
late pop.silent "no whole answer in time"
pop 2 pop.closes "the server closed the connection"
pop 2 pop.nonsense 'this is no answer of POP3 to STAT: "250 ok"'
pop 2 pop.nonumber 'STAT: there is no number in "many"'
pop 2 pop.notop "TOP: -ERR unknown"
pop 2 pop.endless "more than 4 MiB"
pop 2 pop.many "not delivered within " -t 1
never pop.many "DELE"
n=$(grep -c "^TOP" "$D/said.pop.many")
[ "$n" -le 1500 ]
ok $? "of 100,000 messages the newest are looked at: $n"

# --- a Maildir
m=$D/maildir
mkdir -p "$m/new" "$m/cur" "$m/tmp" "$m/.Junk/new" "$m/.Junk/cur"
deliver() { # FOLDER: what the mailbox of "dropped" was sent last, as a file there
    token=$(sed -n 's/^X-Mxgauge-Token: //p' "$D/mail" | tail -n 1)
    printf 'Received: by mx1.example.org; %s\nX-Mxgauge-Token: %s\n\nbody\n' "$(date -R)" "$token" >"$m/tmp/x"
    mv "$m/tmp/x" "$1"
}
md() {
    want=$1 text=$2
    shift 2
    run "$want" "$text" -t 1 -r dropped@example.org -b "$m" "$@"
}
printf 'X-Mxgauge-Token: %032d\n\n' 0 >"$m/new/foreign"
ln -s /dev/zero "$m/new/link"
mkfifo "$m/new/fifo"
head -c 3000000 /dev/zero >"$m/new/big"
cp "$m/new/foreign" "$m/cur/$(printf 'odd\033[31m|\001:2,S')"
md 2 "not delivered within "
token=$(sed -n 's/^probe \([0-9a-f]*\) s .*/\1/p' "$(newest)" | tail -n 1)
echo "X-Mxgauge-Token: $token" >"$D/mail"
deliver "$m/.Junk/new/1.mx1"
md 2 "found in the junk folder .Junk" -c late=0
says "came late"
[ ! -e "$m/.Junk/new/1.mx1" ]
ok $? "it is deleted"
is "$(ls "$m/new" | tr '\n' ' ')$(ls "$m/cur" | wc -l)" "big fifo foreign link 1" "nothing else is"
md 0 "sent, for later runs" --no-wait -f back@example.org
kept=$(newest)
perl -pi -e 's/^(probe \S+ \S+ )(\d+)/$1 . ($2 + 3600)/e' "$kept" # our clock was set back
sed -n 's/^probe \([0-9a-f]*\) .*/X-Mxgauge-Token: \1/p' "$kept" >"$D/mail"
deliver "$m/new/2.mx1"
md 0 "delivered in 0 s" --no-wait -f back@example.org -w delivery=5m
says "delivery=0s;300 "
chmod 0 "$m/cur"
[ "$(id -u)" = 0 ] || md 2 "cur: Permission denied"
chmod 755 "$m/cur"
run 2 "No such file or directory" -t 5 -r dropped@example.org -b "$D/nowhere"

# --- options, and two at once
run 3 "to whom? -r" -b "$m"
run 3 "where to find it? -b" -r a@example.org
run 3 "no name and no password in the URL" -r a@example.org -b imaps://a:b@imap.example.org
run 3 "-b: there are imap://, imaps://" -r a@example.org -b smtp://mail.example.org
run 3 "mx1.example.org:587 is neither a name nor an address" -H mx1.example.org:587 -r a@example.org -b "$m"
run 3 "modified UTF-7" -r a@example.org -b "$m" --folder "$(printf 'a\001')"
run 3 "127.0.0.1 is an IPv4 address, and -6 asks for IPv6 alone" -r a@example.org -b "$m" -6
run 3 "::1 is an IPv6 address, and -4 asks" -r a@example.org -b "imap://[::1]:143/" -4
run 3 "POP3 has one folder only" -r a@example.org -b pop3://x --junk Spam
MXGAUGE_MAILBOX_PASSWORD='' box 3 good "there is no password: --mailbox-password-file, or"
NAGIOS_PLUGIN_STATE_DIRECTORY=$D/nowhere box 3 good "cannot open the folder"
rm -f "$D/release.held"
"$check" -H 127.0.0.1 -p "$(port smtp)" -t 4 -r held@example.org -f two@example.org --cleartext \
    -b "imap://127.0.0.1:$(port held)" >/dev/null &
tries=0
until grep -q "two@example.org" "$D/said.smtp" || [ $tries -ge 100 ]; do
    tries=$((tries + 1))
    sleep 0.05
done
box 3 held "another run of the same check is still at it" -t 1 -f two@example.org
wait $!

exec 8>&-
tries=0
until [ -e "$D/left" ] || [ $tries -ge 100 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
none "no probe was left behind where it could be deleted" "$(grep -E '^(good|junked|tls.good|starttls|skewed|logout) .* probe|^pop.(good|tls) .* probe|^nouidplus .* probe' "$D/left")"
is "$(grep -c ' other$' "$D/left")" 5 "all mail of others is still there"
grep -qsE "TROUBLE [A-Z][a-z]*Error.*(index|literal|unpack|NoneType)" "$D"/said.*
[ $? = 1 ]
ok $? "the servers understood everything"
done_testing
