#!/bin/sh
# check_snmp_mta.t - against agents with every fault (tests/fake/snmp.py): whose queue is how long,
# who is silent, and who says what cannot be. tests/lab/snmp.t holds it against a real snmpd.
# shellcheck disable=SC2086  # $all is a list of words
what=check_snmp_mta
# shellcheck source=tests/fake/fake_test.sh
. tests/fake/fake_test.sh
mail_servers snmp.py
ready agents
check=$BUILD/plugins/check_snmp_mta
export NAGIOS_PLUGIN_STATE_DIRECTORY="$D/kept"
mkdir "$D/kept"
unset MXGAUGE_SNMP_COMMUNITY MXGAUGE_SNMP_AUTH MXGAUGE_SNMP_PRIV

# run STATUS TEXT AGENT ARGS...: TEXT is in the first line
run() {
    want=$1 text=$2 agent=127.0.0.1:$(sed -n "s/^$3 //p" "$D/agents")
    shift 3
    "$check" -H "$agent" -t 20 "$@" >"$D/out" 2>&1
    rc=$?
    [ $rc = "$want" ] && head -n 1 "$D/out" | grep -qF -- "$text"
}
told() {
    rc=$?
    ok $rc "$1"
    [ $rc = 0 ] || sed 's/^/# /' "$D/out"
}
says() { grep -qF -- "$1" "$D/out"; }
perf() { sed -n "1s/.*[ |]$1=\\([0-9.U-]*\\).*/\\1/p" "$D/out"; }

# --- what is said ---
run 0 "1,204 messages queued at 127.0.0.1" good
told "MTA-MIB"
is "$(perf total) $(perf oldest) $(perf bytes) $(perf recipients) $(perf down) $(perf growth)" \
    "1204 11520 2097152 1300 0 U" "its figures; the first run knows no growth"
says "  1,130 example.net, oldest 3.2 h: Connection refused"
told "the largest group with its age and reason"
run 2 "1,204 messages queued" good -w 500 -c 1000
told "a bare range means the total"
run 1 "oldest 3.2 h, in example.net" good -w oldest=2h -c oldest=1d
told "an age has a limit, and the group is named"
run 3 "deferred could not be measured" good -w deferred=10
told "a limit on what the agent does not say is UNKNOWN"
run 2 "Postfix is down" down
told "an application that is down is CRITICAL"
run 1 "congested (Postfix)" congested
told "a congested one is WARNING"
run 0 "0 messages queued" empty
told "an empty queue is empty"
run 3 "mta_sendmail" zero
told "nothing but a zero is no empty queue"
run 3 "has no MTA-MIB" none
told "an agent without the tables is UNKNOWN"
run 1 "short of space" asyncos -w used=90
told "AsyncOS: little space"
is "$(perf total) $(perf oldest) $(perf used)" "520 7200 83" "AsyncOS: its figures"
run 2 "is full" full
told "AsyncOS: no space"
adrift 2 "192.0.2.9 cannot be asked: Network is unreachable" "$check" -H 192.0.2.9 -t 5
run 0 "40 messages" barracuda && is "$(perf total) $(perf deferred)" "40 17" "Barracuda: its figures"
run 0 "331 messages queued" fortimail
is "$(perf total) $(perf bytes)" "331 9762816" "FortiMail: its figures"
says "  300 default slow queue"
told "FortiMail: its queues"
run 0 "60,000 messages" many && says "more applications or groups than 64 and 512"
told "more groups than there is room for: said, the whole stays right"
run 0 "1,204 messages" toobig
told "an agent for which it was too much is asked for less"

# --- growth and rates ---
export NAGIOS_PLUGIN_STATE_DIRECTORY="$D/nowhere"
run 3 "are not known, because nothing can be remembered: cannot open the folder $D/nowhere" good -w growth=40/min
told "a limit of growth is not silent where there is no memory"
run 0 "" good
told "without one nobody minds"
export NAGIOS_PLUGIN_STATE_DIRECTORY="$D/kept"
near() { v=$(perf "$1") && v=${v%.*} && [ "$v" -ge "$2" ] && [ "$v" -le "$3" ]; }
rm -f "$D"/kept/*
run 0 "1,204" good
set -- "$D"/kept/check_snmp_mta-*
now=$(date +%s)
printf '%s 80000 1104 4294967290 47000 - 2\nrubbish\n' $((now - 120)) >"$1"
run 1 "growth 50/min" good -w growth=40/min || run 1 "growth 4" good -w growth=40/min
told "growth since the run before"
near growth 45 50 && near transmitted 450 500 && near received 22500 25003
told "rates; a counter of 32 bits runs over"
is "$(perf rejected) $(perf loops)" "U 0" "what was not said before has none"
printf '%s 99999999 1104 10 10 10 2\n' $((now - 120)) >"$1"
run 0 "1,204" good && is "$(perf received) $(perf loops)" "U U" "an agent that began anew has no rates yet"

# --- several hosts ---
all=
for a in good down many silent none; do all="$all -H 127.0.0.1:$(sed -n "s/^$a //p" "$D/agents")"; done
"$check" $all -t 6 --json >"$D/out" 2>&1
is $? 2 "hosts together: the worst counts"
python3 -c 'import json, sys
o = json.load(open(sys.argv[1]))
assert o["measurements"]["total"]["value"] == 61207 and o["measurements"]["worst"]["value"] == 60000
h = o["hosts"]
assert len(h) == 5 and h[0]["messages"] == 1204 and h[3]["messages"] is None, h
assert "no answer" in h[3]["trouble"] and "no MTA-MIB" in h[4]["trouble"], h
assert o["queues"][0]["messages"] == 1130 and o["queues"][0]["reason"] == "Connection refused"' "$D/out" 2>"$D/err"
told "one that is silent hides none of the others"

# --- what cannot be ---
run 3 "values of a wrong type" types
told "wrong types are no figures"
run 2 "in a circle" circle
told "rows in a circle end"
run 3 "does not show its tables" refused
told "no right to see"
run 2 "genError" error
told "an error of the agent"
run 2 "fewer values" few
told "an answer without values"
run 0 "1,204 messages" more
told "more values than were asked for"
run 2 "no answer, as agents do for a wrong community" silent -t 1
told "silence"
is "$(perf total) $(perf down)" "U U" "what is down is not known then"
run 2 "fell silent in the middle of its tables" halfway -t 1
told "silence half-way"
for a in garbage cut stranger; do
    run 2 "no answer" $a -t 2
    told "$a is no answer"
done
before=$(date +%s)
run 0 "messages queued" endless && [ $(($(date +%s) - before)) -lt 10 ]
told "endless tables end"
run 0 "7 messages" hostile -v && ! grep -q '[<>|].*script\|<script' "$D/out" &&
    [ "$(tail -n +2 "$D/out" | grep -c '|')" = 0 ] && ! grep -q "$(printf '\033')" "$D/out" &&
    is "$(perf total)" 7 "a group's name forges no figure"
told "hostile names are clean text"

# --- options ---
good=127.0.0.1:$(sed -n 's/^good //p' "$D/agents")
echo private >"$D/community"
run 2 "no answer" good -t 1 --community-file "$D/community"
told "a wrong community is silence"
echo public >"$D/community"
run 0 "1,204" good --community-file "$D/community"
told "the community from a file"
MXGAUGE_SNMP_COMMUNITY='' run 3 "there is no password: --community-file, or" good
told "an empty community is none"
MXGAUGE_SNMP_COMMUNITY=private run 2 "no answer" good -t 1
told "the community from the environment"
run 3 "No such file" good --community-file "$D/none"
told "no such file"
echo short >"$D/short"
run 3 "fewer than 8 characters" good --user ann --auth-file "$D/short"
told "a passphrase that is too short"
run 3 "127.0.0.1 is an IPv4 address, and -6 asks for IPv6 alone" good -6
run 3 "$good is given twice" good -H "$good"
told "a host twice"
run 3 "need --user" good --auth-file "$D/community"
told "a passphrase without a user"
"$check" >"$D/out" 2>&1
is $? 3 "no host is a wrong command line"
"$check" -H no-such-host.invalid -t 5 >"$D/out" 2>&1
is $? 2 "a name without an address is CRITICAL"
"$check" --snmp "$good" >"$D/out" 2>&1
is $? 0 "--snmp HOST is -H HOST"
done_testing
