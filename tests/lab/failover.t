#!/bin/sh
# failover.t - check_failover against a real crm_mon, which reads a cluster's state from a file, and two
# real keepaliveds in network namespaces: taken over, cut off from each other (two masters), frozen.
set -u
. tests/tap.sh
. tests/lab/lab_test.sh
lab_needs "failover" crm_mon keepalived nsenter
rm -rf "$d"
# shellcheck source=tests/plugins/kept_test.sh
. tests/plugins/kept_test.sh
d=$dir
check=$BUILD/plugins/check_failover

# --- crm_mon ---
# op RESOURCE OPERATION RC INTERVAL [MORE]: it was done so
op() {
    cat <<END
<lrm_resource id="$1" class="ocf" provider="heartbeat" type="Dummy">
<lrm_rsc_op id="$1_$2_$4" operation_key="$1_$2_$4" operation="$2" crm_feature_set="3.16.2" transition-key="1:1:0:a"
transition-magic="0:$3;1:1:0:a" call-id="5" rc-code="$3" op-status="0" interval="$4" last-rc-change="1700000000" ${5:-}/>
</lrm_resource>
END
}
# cib ON_MX1 ON_MX2 [QUORUM] [MX2]
cib() {
    cat >"$d/cib.xml" <<END
<cib crm_feature_set="3.16.2" validate-with="pacemaker-3.9" epoch="5" num_updates="1" admin_epoch="0" have-quorum="${3:-1}" dc-uuid="1">
<configuration><crm_config/><nodes><node id="1" uname="mx1"/><node id="2" uname="mx2"/></nodes>
<resources><primitive id="vip" class="ocf" provider="heartbeat" type="Dummy"/>
<primitive id="spool" class="ocf" provider="heartbeat" type="Dummy"/>
<master id="drbd-clone"><primitive id="drbd" class="ocf" provider="heartbeat" type="Dummy"/></master></resources><constraints/></configuration>
<status><node_state id="1" uname="mx1" in_ccm="true" crmd="online" join="member" expected="member">
<lrm id="1"><lrm_resources>$1</lrm_resources></lrm></node_state>
<node_state id="2" uname="mx2" ${4:-in_ccm=\"true\" crmd=\"online\" join=\"member\"} expected="member">
<lrm id="2"><lrm_resources>$2</lrm_resources></lrm></node_state></status></cib>
END
}
# pace STATUS TEXT ARGS...
pace() {
    want=$1 text=$2
    shift 2
    run "$want" "$text" --crm-mon "/usr/bin/env CIB_file=$d/cib.xml crm_mon -1 --output-as=xml" "$@"
}
all="$(op vip start 0 0)$(op spool start 0 0)$(op drbd promote 0 0)"
cib "$all" "$(op drbd start 0 0)"
pace 0 "FAILOVER OK - vip at mx1, spool at mx1, drbd-clone at mx1"
told "crm_mon: well"
cib "$all" "$(op vip start 0 0)"
pace 2 "vip is active on 2 nodes"
told "crm_mon: on two nodes"
cib "$(op vip start 0 0)$(op spool monitor 7 10000 'exit-reason="not mounted"')$(op drbd promote 0 0)" ""
pace 2 "spool has failed" && grep -q "spool_monitor_10000 on mx1: not running, not mounted" "$d/out"
told "crm_mon: failed, and why"
cib "" "$(op vip start 0 0)"
rm -f "$d"/kept/*
pace 2 "spool is active nowhere"
told "crm_mon: on no node"
cib "$all" "" 0
pace 2 "no quorum"
told "crm_mon: no quorum"
cib "$all" "" 1 'in_ccm="false" crmd="offline" join="down"'
pace 2 "node mx2 is"
told "crm_mon: a node is away"
run 2 "Pacemaker does not run here"
told "crm_mon: no cluster"

# --- keepalived ---
# Two namespaces with a cable between them.
cat >"$d/play" <<'END'
set -u
. tests/tap.sh
d=$1
conf() {
    mkdir "$d/$1"
    echo "vrrp_instance MAIL { state BACKUP
 interface v$1
 virtual_router_id 51
 priority $2
 advert_int 1
 virtual_ipaddress { 192.0.2.10/32 dev v$1 }
}" >"$d/$1/conf"
}
stop() { kill -CONT $(cat "$d"/?/vrrp); kill "$a" "$b" "$n"; wait "$a" "$b"; } 2>/dev/null
trap stop EXIT
ip link set lo up
unshare -n sleep 300 &
n=$!
elsewhere() { [ "$(readlink /proc/$n/ns/net)" != "$(readlink /proc/self/ns/net)" ]; }
until_so 20 elsewhere
ip link add v1 type veth peer name v2
ip link set v2 netns $n
ip addr add 192.0.2.1/24 dev v1
ip link set v1 up
nsenter -t $n -n sh -c 'ip link set lo up; ip addr add 192.0.2.2/24 dev v2; ip link set v2 up'
conf 1 150
conf 2 100
run="keepalived -n -l -D -P"
TMPDIR=$d/1 $run -f "$d/1/conf" -p "$d/1/pid" -r "$d/1/vrrp" >"$d/1/log" 2>&1 &
a=$!
TMPDIR=$d/2 nsenter -t $n -n $run -f "$d/2/conf" -p "$d/2/pid" -r "$d/2/vrrp" >"$d/2/log" 2>&1 &
b=$!
# state NODE: as keepalived writes it on its signal
state() {
    rm -f "$d/$1/keepalived.json"
    kill -s "$(keepalived --signum=JSON)" "$(cat "$d/$1/pid" 2>/dev/null)" 2>/dev/null
    i=0
    until [ -s "$d/$1/keepalived.json" ] || [ $i -ge 10 ]; do i=$((i + 1)); sleep 0.05; done
    [ -s "$d/$1/keepalived.json" ] && cp "$d/$1/keepalived.json" "$d/json$1"
}
# is_so STATUS TEXT
is_so() {
    state 1
    state 2
    rm -f "$d"/kept/*
    "$CHECK" -k "mx1=$d/json1" -k "mx2=$d/json2" --alone >"$d/said" 2>&1
    rc=$?
    [ $rc = "$1" ] && grep -qF "$2" "$d/said"
}
# scene NAME STATUS TEXT: until it is so, a frozen one takes a second to be asked each time
scene() {
    if until_so 20 is_so "$2" "$3"; then echo "yes $1"; else echo "no $1: $rc $(cat "$d/said")"; fi
}
scene "one master" 0 "MAIL at mx1"
ip link set v1 down
scene "the master's link is down: the other took over" 2 "MAIL is in state FAULT on mx1"
ip link set v1 up
ip addr replace 192.0.2.1/24 dev v1
scene "it is there again" 0 "MAIL at mx1"
kill -STOP "$(cat "$d/1/vrrp")"
scene "the master is frozen: its last word and the other's are two masters" 2 "MAIL is active on 2 nodes: mx1, mx2"
kill -CONT "$(cat "$d/1/vrrp")"
scene "it goes on" 0 "MAIL at mx1"
END
CHECK=$check unshare -mn sh "$d/play" "$d" >"$d/scenes" 2>"$d/err"
while read -r word scene; do
    [ "$word" = yes ]
    ok $? "keepalived: $scene"
done <"$d/scenes"
is "$(grep -c . "$d/scenes")" 5 "keepalived: all scenes were played"
sed 's/^/# /' "$d/err"
done_testing
