#!/bin/sh
# passive.t - "mxgauge passive": what checks may do, and each fault that a monitor may have; one that was down for
# three changes of state hears of all of them, in order; a runner that is killed loses none.
what="passive results"
: "${BUILD:=build}"
# shellcheck source=tests/daemon/passive_test.sh
. tests/daemon/passive_test.sh

# once CONF: in $D/said what it said, in $status how it ended
once() {
    timeout 60 "$mxgauge" passive --once --config "$1" >"$D/said" 2>&1
    status=$?
}
# --- what checks do -----------------------------------------------------------------------------
fake nagios fifo
cat >"$D/check" <<'EOF'
#!/bin/sh
case $1 in
good) echo "OK - all is well | a=1;2;3 b=2"; printf '%s\n' 'more\n'; printf 'a "<b>" ; \033[2J\303\n\n' ;;
silent) exit 1 ;;
odd) echo "what is this"; exit 42 ;;
killed) kill -KILL $$ ;;
slow) echo begun; sleep 100 & echo $! >"$2"; wait ;;
orphan) (sleep 50; echo late) & echo "OK - $NOTIFY_SOCKET $MINE"; echo $! >"$2" ;;
long) echo "OK - long | v=1"; yes 'line \ of text' | dd bs=1000 count=200 2>/dev/null ;;
esac
EOF
chmod +x "$D/check"
{
    head
    echo "monitor m { type = nagios command_file = \"$D/nagios/fifo\" }"
    for c in good silent odd killed long; do echo "passive \"the $c one\" { command = { \"$D/check\", $c } }"; done
    echo "passive slow { command = { \"$D/check\", slow, \"$D/slow\" } timeout = 1s }"
    echo "passive orphan { command = { \"$D/check\", orphan, \"$D/orphan\" } }"
    echo "passive none { command = { \"$D/no such\" } }"
    echo "passive up { command = /bin/true kind = host }"
    echo "passive down { command = /bin/false kind = host host = mx2 }"
} >"$D/conf"
NOTIFY_SOCKET=/nowhere MINE=mine once "$D/conf"
is $status 0 "each check runs once, and the monitor is told"
kill "$(cat "$D/orphan")" 2>/dev/null
lives() { grep -q '^State:.*[RSDT] (' "/proc/$1/status" 2>/dev/null; }    # a zombie does not
! lives "$(cat "$D/slow")"
ok $? "a check that takes too long is killed with what it started"
# got MONITOR SERVICE: state and text of the last result
got() { grep -F " $2 " "$D/$1/got" | tail -n 1 | sed "s/^[^ ]* $2 \([0-9]\) [^ ]* /\1 /"; }
is "$(got nagios 'the good one')" '0 OK - all is well | a=1;2;3 b=2\nmore\\n\na "<b>" ; ?[2J?' "a text, clean, in one line"
is "$(got nagios 'the silent one')" "1 $D/check said nothing" "a check that says nothing"
is "$(got nagios 'the odd one')" "3 $D/check ended with status 42, which is none of a check\\nwhat is this" "an odd status"
is "$(got nagios 'the killed one')" "3 $D/check was ended by signal 9" "a check that dies"
is "$(got nagios slow)" "3 $D/check took longer than 1 s and was killed\\nbegun" "a slow one"
is "$(got nagios orphan)" "0 OK -  mine" "one that leaves a process behind, and its environment"
is "$(got nagios none)" "3 cannot run $D/no such: No such file or directory" "one that is not there"
is "$(grep -c ' - ' "$D/nagios/got")" "$(grep -cE '^mx1 - 0|^mx2 - 1| - all| - long|OK - ' "$D/nagios/got")" "hosts"
grep -q '^mx2 - 1 ' "$D/nagios/got" && grep -q '^mx1 - 0 ' "$D/nagios/got"
ok $? "a host that is up, and one that is down"
awk 'length($0) > 4095 { bad = 1 } /the long one/ && length($0) > 4070 { long = 1 } END { exit bad || !long }' "$D/nagios/raw"
ok $? "a long text is cut where a fifo takes lines whole"
tail -c 7 "$D/nagios/raw" >/dev/null
got nagios 'the long one' | grep -q '^0 OK - long | v=1\\nline .*\\n\[...\]$'
ok $? "its first line is there, and that something is missing"

# --- each fault of a monitor ----------------------------------------------------------------------
fake nrdp nrdp
fake icinga2 icinga2
fake tls nrdp "$D/good.pem"
fake other icinga2 "$D/other.pem"
# monitor NAME KIND SCHEME [MORE]
web() {
    secret=token_file=$D/token url=$3://127.0.0.1:$(port "$1")/nrdp/
    [ "$2" = nrdp ] || { secret="user = mxgauge password_file=$D/password"; url=$3://127.0.0.1:$(port "$1"); }
    head
    printf 'monitor m { type = %s url = "%s" %s timeout = 1s %s }\n' "$2" "$url" "$secret" "${4:-}"
    printf 'passive svc { command = { /bin/echo, "OK - x | y=1" } }\n'
}
for k in nrdp icinga2; do
    web $k $k http >"$D/conf.$k"
    : >"$D/$k/mode"
    fresh
    once "$D/conf.$k"
    is "$status $(got $k svc | tr -d ' ')" "0 0OK-x|y=1" "$k takes a result"
    for fault in 'hangup|(Empty reply|Connection reset|Recv failure)' 'slow|(timed out|took longer)' '500|status 500' \
        'redirect|status 302' 'garbage|(no JSON|status 200)' 'empty|(not|nothing|status 200)' 'half|(transfer closed|bytes remaining)' \
        'notfound|status 404' 'flood|too long'; do
        echo "${fault%%|*}" >"$D/$k/mode"
        : >"$D/$k/got"
        fresh
        once "$D/conf.$k"
        is "$status" 1 "$k, ${fault%%|*}: its result waits"
        told "a monitor cannot be told, its results wait: monitor \"m\": .*${fault#*|}" "$k, ${fault%%|*}: and it is told why"
    done
    : >"$D/$k/mode"
    : >"$D/$k/got"
    once "$D/conf.$k"
    is "$status" 0 "$k: well again"
    [ "$(wc -l <"$D/$k/got")" -ge 1 ]
    ok $? "$k: and it has what waited"
done
for f in 'nrdp token BAD TOKEN' 'nrdp xml-token BAD TOKEN' 'icinga2 password 401: Unauthorized'; do
    k=${f%% *} f=${f#* }
    echo "${f%% *}" >"$D/$k/mode"
    fresh
    once "$D/conf.$k"
    told "${f#* }" "$k does not know us"
done
echo xml >"$D/nrdp/mode"
fresh
once "$D/conf.nrdp"
is $status 0 "an answer in XML"
echo newer >"$D/icinga2/mode"
fresh
once "$D/conf.icinga2"
is $status 0 "a monitor that has a newer result needs ours no more"
: >"$D/icinga2/mode"
echo 'passive strange { command = { /bin/echo, OK } }' >>"$D/conf.icinga2"
fresh
once "$D/conf.icinga2"
is $status 0 "a service that a monitor does not know holds nothing up"
told 'does not take a result, which is dropped: monitor "m": mx1, strange: 404: No objects found' "it is told which one"
# a monitor that is far away: not all results get there in the time of one delivery
web icinga2 icinga2 http >"$D/conf.far"
for n in 1 2 3 4 5; do echo "passive far$n { command = { /bin/echo, OK } }" >>"$D/conf.far"; done
echo far >"$D/icinga2/mode"
: >"$D/icinga2/got"
fresh
once "$D/conf.far"
is "$status $(sort -u "$D/icinga2/got" | wc -l) $(grep -c 'cannot be told' "$D/said")" '0 6 0' "a monitor that is far away gets all, some by some"
: >"$D/icinga2/mode"
chmod 644 "$D/token"
once "$D/conf.nrdp"
is $status 1 "a token that everybody can read is not used"
told 'everybody can get at it' "that is told"
chmod 600 "$D/token"
web tls nrdp https "ca_file = $D/ca.pem" >"$D/conf.tls"
fresh
once "$D/conf.tls"
is $status 0 "TLS, and a certificate of our authority"
for f in 'tls nrdp tls' 'other icinga2 other'; do
    # shellcheck disable=SC2086
    set -- $f
    if [ "$1" = tls ]; then ca=''; else ca="ca_file = $D/ca.pem"; fi
    web "$1" "$2" https "$ca" >"$D/conf.bad"
    fresh
    once "$D/conf.bad"
    is $status 1 "$1: a certificate that is not trusted"
    told '(SSL|certificate)' "$1: is told"
done
rm -f "$D/gone"
{ head; echo "monitor m { type = nagios command_file = $D/gone }"; echo 'passive a { command = /bin/true }'; } >"$D/conf.gone"
fresh
once "$D/conf.gone"
told 'gone: No such file' "no command file"
: >"$D/gone"
once "$D/conf.gone"
told 'is no fifo' "a file in its place"
is "$(wc -c <"$D/gone")" 0 "is not written"
done_testing
