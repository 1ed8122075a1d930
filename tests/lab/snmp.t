#!/bin/sh
# snmp.t - check_snmp_mta against a real snmpd: tables by pass_persist, its own module for Sendmail,
# "extend" with check_mail_queue, versions 2c and 3 with every sort of wrong secret, IPv6, an agent
# that is frozen, or whose script is. No root, no namespaces: loopback and free ports.
set -u
export LC_ALL=C TZ=UTC
. tests/tap.sh
[ -n "${LAB:-}" ] || skip_all "lab: a real snmpd: LAB is not set"
PATH=$PATH:/usr/sbin:/sbin
for p in snmpd /usr/bin/python3; do
    command -v "$p" >/dev/null 2>&1 && continue
    [ -z "${CI:-}" ] || { echo "not ok 1 - $p is missing"; echo 1..1; exit 1; }
    skip_all "lab: a real snmpd: $p is missing; make deps LAB=1"
done
case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
check=$BUILD/plugins/check_snmp_mta
d=$(mktemp -d "${TMPDIR:-/tmp}/mx-snmp.XXXXXX") || exit 1
pid=
trap '[ -z "$pid" ] || { kill -CONT $pid; kill -KILL $pid; } 2>/dev/null; wait; rm -rf "$d"' EXIT
trap 'exit 1' INT TERM
export NAGIOS_PLUGIN_STATE_DIRECTORY="$d/kept" SNMP_PERSISTENT_DIR="$d/snmp" MIBS=
mkdir "$d/kept" "$d/snmp"
cp tests/lab/snmp/pass.py tests/lab/snmp/tables "$d/"
"$BUILD/bench/genqueue" exim "$d/exim" 1000
mkdir "$d/mqueue"
for i in 1 2 3; do : >"$d/mqueue/qf$i"; done
port=$(/usr/bin/python3 -c 'import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind(("", 0))
print(s.getsockname()[1])') || port=$(/usr/bin/python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 0))
print(s.getsockname()[1])')
six=
/usr/bin/python3 -c 'import socket; socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).bind(("::1", 0))' \
    2>/dev/null && six=",udp6:[::1]:$port"

answers() { "$check" -H "127.0.0.1:$port" -t 1 --no-growth | grep -qv "no answer"; }
# agent MODULES LINES...: an snmpd with these lines in its configuration
agent() {
    [ -z "$pid" ] || { kill "$pid"; wait "$pid"; } 2>/dev/null
    modules=$1
    shift
    {
        echo "agentAddress udp:127.0.0.1:$port$six"
        echo "rocommunity public 127.0.0.1"
        [ -z "$six" ] || echo "rocommunity6 public ::1"
        printf '%s\n' "$@"
    } >"$d/snmpd.conf"
    snmpd -f -C -c "$d/snmpd.conf" -Lo -I "$modules" >>"$d/snmpd.log" 2>&1 &
    pid=$!
    until_so 60 answers
}
# run STATUS TEXT ARGS...: TEXT is in the first line, and the answer is there within 4 s
run() {
    want=$1 text=$2
    shift 2
    before=$(date +%s)
    "$check" -H "127.0.0.1:$port" -t 3 "$@" >"$d/out" 2>&1
    rc=$?
    [ $rc = "$want" ] && head -n 1 "$d/out" | grep -qF -- "$text" && [ $(($(date +%s) - before)) -le 4 ]
}
told() {
    rc=$?
    ok $rc "$1"
    [ $rc = 0 ] || sed 's/^/# /' "$d/out"
}
perf() { sed -n "1s/.*[ |]$1=\\([0-9.U-]*\\).*/\\1/p" "$d/out"; }
secret() { head -c 12 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$d/$1"; }
for s in sha256 sha512 md5 aes256 wrong; do secret $s; done

pass="/usr/bin/python3 $d/pass.py $d/tables"
# shellcheck disable=SC2016
agent -smux,mta_sendmail "pass_persist .1.3.6.1.2.1.27 $pass" "pass_persist .1.3.6.1.2.1.28 $pass" \
    "extend mailq $BUILD/plugins/check_mail_queue --mta exim --spool $d/exim --no-growth" \
    "extend mailr /bin/false" "extend number /bin/echo 17" "extend words /bin/echo no number" \
    "createUser ann SHA-256 $(cat "$d/sha256") AES $(cat "$d/aes256")" "rouser ann priv" \
    "createUser eve SHA-512 $(cat "$d/sha512") AES-256 $(cat "$d/aes256")" "rouser eve priv" \
    "createUser bob MD5 $(cat "$d/md5") DES $(cat "$d/aes256")" "rouser bob auth" \
    "createUser joe SHA-256 $(cat "$d/sha256")" "rouser joe auth .1.3.6.1.2.1.1"

run 0 "1,204 messages queued"
told "version 2c: the tables that a script serves"
is "$(perf total) $(perf oldest) $(perf bytes) $(perf down)" "1204 11520 2097152 0" "their figures"
grep -qF "  1,130 example.net, oldest 3.2 h: connect to mx.example.net" "$d/out"
told "the largest group with its reason"
if [ -n "$six" ]; then
    "$check" -H "[::1]:$port" -6 >"$d/out" 2>&1
    told "over IPv6"
else
    echo "# skipped: this system has no IPv6"
fi
run 0 "1,000 messages queued" --extend mailq
told "extend: what check_mail_queue says there"
is "$(perf total) $(perf deferred)" "1000 850" "its figures"
run 0 "17 messages" --extend number
told "extend: a number alone"
run 3 "has no MTA-MIB" --extend mailp
told "extend: no such name, though there is a neighbour"
run 3 "does not say" --extend words
told "extend: words are no queue"

v3="--user ann --auth SHA-256 --auth-file $d/sha256"
# shellcheck disable=SC2086
{
    run 0 "1,204" $v3 --priv-file "$d/aes256"
    told "version 3, SHA-256 and AES"
    run 3 "refuses the passphrase of --auth-file" --user ann --auth SHA-256 --auth-file "$d/wrong" --priv-file "$d/aes256"
    told "a wrong passphrase is UNKNOWN"
    run 3 "refuses the passphrase" --user ann --auth SHA --auth-file "$d/sha256" --priv-file "$d/aes256"
    told "another algorithm is UNKNOWN"
    run 2 "as agents do for a wrong passphrase in --priv-file" $v3 --priv-file "$d/wrong"
    told "a wrong passphrase for encryption is silence"
    run 3 "another view or security level" $v3
    told "not encrypted, where that is wanted"
    run 3 "does not know this --user" --user nobody --auth SHA-256 --auth-file "$d/sha256"
    told "an unknown user"
    run 3 "has no MTA-MIB" --user joe --auth SHA-256 --auth-file "$d/sha256"
    told "a user who may not see the tables"
    run 0 "1,204" --user bob --auth MD5 --auth-file "$d/md5"
    told "MD5, not encrypted"
    MXGAUGE_SNMP_AUTH=$(cat "$d/sha512") MXGAUGE_SNMP_PRIV=$(cat "$d/aes256") \
        run 0 "1,204" --user eve --auth SHA-512 --priv AES-256
    told "SHA-512 and AES-256, secrets from the environment"
}
echo private >"$d/community"
run 2 "no answer, as agents do for a wrong community" --community-file "$d/community"
told "a wrong community is silence"

kill -STOP "$pid"
run 2 "no answer"
told "a frozen agent, version 2c"
# shellcheck disable=SC2086
run 2 "no answer" $v3 --priv-file "$d/aes256"
told "a frozen agent, version 3"
kill -CONT "$pid"
run 0 "1,204"
told "it goes on"
touch "$d/hang"
run 2 "no answer"
told "an agent whose script hangs"
rm "$d/hang"

# snmpd's own module: without a Sendmail its zeros are not believed
agent -smux
run 3 "mta_sendmail"
told "zeros of snmpd's own module are no empty queue"
agent -smux "sendmail_queue $d/mqueue" "sendmail_config /nonexistent"
run 0 "3 messages queued"
told "with a queue's folder it counts"
done_testing
