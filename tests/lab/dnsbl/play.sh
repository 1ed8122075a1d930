#!/bin/sh
# play.sh FOLDER - what check_dnsbl says of each list of servers.sh; "ok - ..." and "not ok - ..." lines.
set -u
d=$1
check=$BUILD/plugins/check_dnsbl

said() { # STATUS TEXT
    if [ "$1" = 0 ]; then echo "ok - $2"; else
        echo "not ok - $2"
        sed 's/^/# /' "$d/said"
    fi
}
# run STATUS TEXT OPTION...: by the resolver of the system
run() {
    want=$1 text=$2
    shift 2
    "$check" "$@" >"$d/said" 2>&1
    rc=$?
    [ $rc = "$want" ] && head -n 1 "$d/said" | grep -qF -- "$text"
    said $? "$*: $want, $text"
}
has() {
    grep -qF -- "$1" "$d/said"
    said $? "it says: $1"
}
# is ZONE VERDICT HEALTH [ADDRESS]: in JSON
is() {
    "$check" --json -l "$1.example" -H "${4:-192.0.2.66}" --query-timeout 700ms >"$d/said"
    grep -qF "\"$1.example\":{\"verdict\":\"$2\",\"health\":\"$3\"" "$d/said"
    said $? "$1 ${4:-192.0.2.66}: $2, $3"
}

tries=0
until "$check" -l good.example -l plain.example -l slow.example --no-history >/dev/null 2>&1 || [ $tries -ge 100 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
is good listed ok
is good clean ok 192.0.2.1
is plain listed ok
is world unknown wildcard
is wild unknown wildcard
is parked unknown parked
is blocked unknown blocked
is empty unknown dead
is nowhere unknown dead
is lame unknown servfail
is nobody unknown timeout # unbound tries on
is silent unknown timeout
is dropped unknown timeout
is unwelcome unknown refused
is refused unknown servfail # refused to unbound, which says SERVFAIL to us
is slow clean ok
is alias unknown ok # the entry is a loop
is odd unknown ok
is long listed ok
is truncated listed ok
is ip6 listed ok 2001:db8::66
is ip6 clean ok 2001:db8::1
run 2 "192.0.2.66 is on good.example (127.0.0.2)" -l good.example -H 192.0.2.66
has '"Listed, see https://list.example/?ip=192.0.2.66"'
run 2 "192.0.2.67 is on good.example (127.0.0.4)" -l good.example -H 192.0.2.67
run 2 "www.bad.example.org is on names.example (127.0.1.2)" --domain-list names.example --domain www.bad.example.org
run 0 "on none of 1 list; 1 of 1 list healthy" --domain-list names.example --domain good.example.org
run 2 "world.example lists the world" -l world.example
has "answers 127.0.0.2 to what must not be listed (127.0.0.1)"
run 1 "unwelcome.example refused" -l unwelcome.example
has "refuses to answer (REFUSED)"
all=
for n in good plain world wild parked blocked empty nowhere lame nobody silent dropped unwelcome refused slow alias odd long truncated ip6; do
    all="$all -l $n.example"
done
for t in 1 3 9; do
    begun=$(date +%s%N)
    # shellcheck disable=SC2086
    run 2 "" $all -H 192.0.2.66 -t $t
    took=$((($(date +%s%N) - begun) / 1000000))
    [ $took -le $((t * 1000 + 300)) ]
    said $? "all of them with -t $t take no longer ($took ms)"
done
grep -q "good.example: 192.0.2.66 listed" "$d/said"
said $? "and the good one is believed"
ip addr add 8.8.4.4/32 dev lo && ip route add default dev lo src 8.8.4.4
run 0 "1 address on none of 1 list" -l good.example --own --json
has '"addresses":{"8.8.4.4":"clean"}'
mkdir "$d/pf"
: >"$d/pf/master.cf"
echo "smtpd_recipient_restrictions = reject_rbl_client blocked.example, reject_rbl_client world.example=127.0.0.[2..11]" >"$d/pf/main.cf"
run 2 "Postfix refuses all mail: reject_rbl_client blocked.example" --from-postfix="$d/pf"
has "Postfix refuses all mail: reject_rbl_client world.example"

# what Exim itself says of its configuration: macros are put in, lines put together
{ cat /etc/passwd && echo "Debian-exim:x:9999:9999::/:/bin/false"; } >"$d/passwd"
{ cat /etc/group && echo "Debian-exim:x:9999:"; } >"$d/group"
mount --bind "$d/passwd" /etc/passwd
mount --bind "$d/group" /etc/group
mount -t tmpfs none /var/log
mkdir -m 777 /var/log/exim4
cat >"$d/exim.conf" <<'END'
keep_environment =
OURS = good.example=127.0.0.2 : blocked.example
acl_smtp_rcpt = r
begin acl
r:
  deny message = no
       dnslists = OURS : \
           names.example/$sender_address_domain
  accept
END
libs=usr/lib/$(uname -m)-linux-gnu
LD_LIBRARY_PATH=$EXIM/$libs "$EXIM/usr/sbin/exim4" -C "$d/exim.conf" -bP config >"$d/exim.out" 2>&1
run 2 "Exim refuses all mail: dnslists blocked.example" --from-exim="$d/exim.out" -v
has "good.example ok"
has "names.example ok"
LD_LIBRARY_PATH=$SENDMAIL/$libs "$SENDMAIL/usr/bin/m4" "-D_CF_DIR_=$SENDMAIL/usr/share/sendmail/cf/" "$SENDMAIL/usr/share/sendmail/cf/m4/cf.m4" - \
    >"$d/sendmail.cf" 2>"$d/m4.out" <<'END'
OSTYPE(`linux')dnl
FEATURE(`dnsbl', `world.example')dnl
FEATURE(`enhdnsbl', `good.example', `"550 no"', `t', `127.0.0.2.')dnl
MAILER(smtp)dnl
END
run 2 "Sendmail refuses all mail: dnsbl world.example" --from-sendmail="$d/sendmail.cf" -v
has "good.example ok"
run 2 "the resolver 127.0.0.1:54 gives no answer" -l good.example --resolver 127.0.0.1:54

# --- --log: by a real rsyslogd into the collector
mkdir "$d/dev"
mount -t tmpfs -o mode=755 none "$d/dev"
for n in null zero full random urandom; do
    : >"$d/dev/$n"
    mount --bind /dev/$n "$d/dev/$n"
done
mount --move "$d/dev" /dev
run 0 "1 of 1 list healthy" -l good.example --log --no-history
has "--log: /dev/log: No such file or directory"
cat >"$d/rsyslog.conf" <<END
global(localHostname="mx1")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="/dev/log" RateLimit.Interval="0")
mail.* action(type="omfile" file="$d/mail.log" template="RSYSLOG_FileFormat")
END
rsyslogd -n -f "$d/rsyslog.conf" -i "$d/rsyslog.pid" >"$d/rsyslogd.out" 2>&1 &
syslog=$!
tries=0
until [ -S /dev/log ] || [ $tries -ge 100 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
for n in 1 2 3; do
    # shellcheck disable=SC2086
    "$check" $all -H 192.0.2.66 --query-timeout 700ms --log --json >"$d/run$n.json"
done
"$check" -l good.example --resolver 127.0.0.1:54 --log >"$d/said"
lists=$(echo "$all" | wc -w)
lists=$((lists / 2))
tries=0
until [ "$(grep -c . "$d/mail.log" 2>/dev/null)" = $((3 * lists + 1)) ] || [ $tries -ge 100 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
[ $tries -lt 100 ]
said $? "a line for each list and run, and one for the mute resolver"
kill $syslog
wait $syslog
"$BUILD/bin/mxgauge" import --state "$d/state" "$d/mail.log" >"$d/said" 2>&1
said $? "imported"
has "$((3 * lists + 1)) lines, $((3 * lists + 1)) understood"
"$BUILD/bin/mxgauge" import --state "$d/state" "$d/mail.log" >"$d/said" 2>&1
said $? "and once more, which adds nothing"
"$BUILD/bin/mxgauge" report --state "$d/state" --json >"$d/report.json"
/usr/bin/python3 - "$d" >"$d/said" <<'END'
import json, sys
d = sys.argv[1]
report = json.load(open(d + '/report.json'))
runs = [json.load(open('%s/run%d.json' % (d, n)))['lists'] for n in (1, 2, 3)]
bad = report['counts']['qwarn'] != 1
print('warnings', report['counts']['qwarn'])
for zone in runs[0]:
    ill = sum(r[zone]['health'] not in ('ok', 'untested') for r in runs)
    timed = [r[zone]['latency'] for r in runs if r[zone]['latency'] is not None]
    got = report['dnsbl_health'].get(zone)
    same = got is not None and got['ill'] == ill and (got['latency'] is None) == (not timed) and \
        (not timed or abs(got['latency'] - sum(timed) / len(timed)) < 0.0001)
    bad = bad or not same
    print(zone, 'as it was' if same else 'WRONG', got, ill, timed)
for zone, asked, unanswered in (('good', 21, 0), ('silent', 21, 21), ('blocked', 21, 0)):
    got = report['dnsbl_health'][zone + '.example']
    if (got['runs'], got['asked'], got['unanswered']) != (3, asked, unanswered):
        bad = True
        print(zone, 'WRONG', got)
sys.exit(bad)
END
said $? "health, latency and questions of each list are what three runs of check_dnsbl said"
"$check" --from-state --state "$d/state" >"$d/said"
grep -q "of $lists lists ill by the log: " "$d/said" && grep -q "^silent.example: ill in 3 of 3 logged runs" "$d/said"
said $? "--from-state names those that were ill"
"$BUILD/bin/mxgauge" report --state "$d/state" | grep -q "^  silent.example  *3   100.0%  *-  *100.0%$"
said $? "mxgauge report has them too"
# of a minute that is over
sed "s/^[^T]*/$(date -d yesterday +%F)/" "$d/mail.log" >"$d/old.log"
"$BUILD/bin/mxgauge" import --state "$d/old" "$d/old.log" >"$d/said" 2>&1
find "$d/old/rrd/mx1" -name 'dnsbl-*' | sed 's|.*/dnsbl-||' | sort >>"$d/said"
[ "$(grep -c 'example.rrd$' "$d/said")" = "$lists" ] && grep -qx silent.example.rrd "$d/said"
said $? "each has an RRD"
