#!/bin/sh
# check_failover.t - what crm_mon, keepalived and cl_status say in every state: who is active, on one
# node, on two, on none; since when; what moves to and fro; and reports that are damaged.
# tests/lab/failover.t has a real crm_mon and real keepaliveds.
# shellcheck source=tests/plugins/kept_test.sh
. tests/plugins/kept_test.sh

# --- Pacemaker ---
# resource ID ROLE NODES [ATTRIBUTE=VALUE]...
resource() {
    printf '<resource id="%s" resource_agent="ocf:x:y" role="%s"' "$1" "$2"
    nodes=$3
    shift 3
    for a; do printf ' %s="%s"' "${a%%=*}" "${a#*=}"; done
    echo '>'
    for n in $nodes; do echo "<node name=\"$n\" id=\"1\" cached=\"true\"/>"; done
    echo '</resource>'
}
# cluster RESOURCES [NODE2] [SUMMARY] [MORE]: the report
cluster() {
    {
        echo '<pacemaker-result api-version="2.25" request="crm_mon -1 --output-as=xml">'
        echo "<summary>${3:-<current_dc present=\"true\" with_quorum=\"true\"/><cluster_options maintenance-mode=\"false\"/>}</summary>"
        echo '<nodes><node name="mx1" online="true" standby="false" unclean="false"/>'
        echo "<node name=\"mx2\" ${2:-online=\"true\"}/></nodes>"
        echo "<resources>$1</resources>"
        echo '<node_history><node name="mx1"><resource_history id="vip"/></node></node_history>'
        echo "${4:-}<status code=\"0\" message=\"OK\"/></pacemaker-result>"
    } >"$dir/xml"
}
cat >"$dir/crm_mon" <<END
#!/bin/sh
cat "$dir/xml"
[ ! -e "$dir/fails" ]
END
chmod +x "$dir/crm_mon"
# pace STATUS TEXT ARGS...
pace() {
    want=$1 text=$2
    shift 2
    run "$want" "$text" --crm-mon "$dir/crm_mon" "$@"
}
vip=$(resource vip Started mx1)
cluster "$vip$(resource spool Started mx1)"
pace 0 "FAILOVER OK - vip at mx1, spool at mx1 |"
told "well"
is "$(perf changes) $(perf active) $(perf nodes)" "0 2 2" "its figures"
cluster "$(resource vip Started 'mx1 mx2' nodes_running_on=2)"
pace 2 "vip is active on 2 nodes: mx1, mx2"
told "on two nodes is CRITICAL"
pace 1 "vip at mx1, mx2" --several vip || pace 1 "moved" --several vip
told "unless it may (and it moved)"
cluster "$(resource vip Stopped '')"
pace 2 "vip is active nowhere"
told "on none is CRITICAL"
cluster "$(resource vip Stopped '' target_role=Stopped)"
pace 0 "vip is stopped on purpose"
told "unless somebody stopped it"
rm -f "$dir"/kept/*
cluster "$(resource vip Started mx1 failed=true)"
pace 2 "vip has failed"
told "failed"
cluster "$(resource vip Started mx1 failed=true failure_ignored=true)"
pace 1 "vip has failed"
told "failed, and that is ignored"
cluster "$(resource vip Started mx1 blocked=true)"
pace 2 "vip is blocked"
told "blocked"
cluster "$(resource vip Started mx1 managed=false)"
pace 1 "vip is not managed"
told "not managed"
for what in 'standby="true" online="true":1:in standby' 'online="false":2:node mx2 is offline' \
    'online="false" unclean="true":2:node mx2 is unclean' 'online="true" maintenance="true":1:in maintenance'; do
    rest=${what#*:}
    cluster "$vip" "${what%%:*}"
    pace "${rest%%:*}" "${rest#*:}"
    told "a node: ${rest#*:}"
done
cluster "$vip" '' '<current_dc present="true" with_quorum="false"/>'
pace 2 "no quorum"
told "no quorum"
cluster "$vip" '' '<current_dc present="false"/>'
pace 2 "no coordinator"
told "no coordinator"
cluster "$vip" '' '<cluster_options maintenance-mode="true"/>'
pace 1 "nothing fails over"
told "maintenance of all"
cluster "$vip" '' '' '<failures><failure op_key="vip_monitor_10000" node="mx1" exitstatus="not running" exitreason="a &lt;b&gt; &amp; c"/></failures>'
pace 1 "vip_monitor_10000 on mx1: not running, a "
told "failures that the cluster remembers"
cluster "$vip" '' '' '<fence_history><fence_event action="reboot" target="mx2" status="failed"/></fence_history>'
pace 1 "fencing mx2 failed"
told "fencing that failed"
# clone INSTANCES
clone() { echo "<clone id=\"drbd-clone\" multi_state=\"${2:-true}\">$1</clone>"; }
cluster "$(clone "$(resource drbd Promoted mx1)$(resource drbd Unpromoted mx2)")"
pace 0 "drbd-clone at mx1"
told "a promoted instance is what is active"
cluster "$(clone "$(resource drbd Master mx1)$(resource drbd Slave mx2)")"
pace 0 "drbd-clone at mx1"
told "in the words of older versions"
cluster "$(clone "$(resource drbd Promoted mx1)$(resource drbd Promoted mx2)")"
pace 2 "drbd-clone is active on 2 nodes"
told "two promoted"
rm -f "$dir"/kept/*
pace 0 "drbd-clone at mx1, mx2" --several drbd-clone
told "two promoted on purpose"
cluster "$(clone "$(resource drbd Unpromoted mx1)$(resource drbd Unpromoted mx2)")"
pace 2 "drbd-clone is active nowhere"
told "none promoted"
cluster "$(clone "$(resource ping Started mx1)$(resource ping Stopped '')" false)"
pace 0 "nothing to be active"
told "a clone that is everywhere is nothing to fail over"
cluster "$(clone "$(resource ping Stopped '')" false)"
pace 2 "runs on no node"
told "but it must run somewhere"

# --- moves ---
rm -f "$dir"/kept/*
cluster "$vip"
pace 0 "vip at mx1"
cluster "$(resource vip Started mx2)"
pace 1 "vip moved 1 time within the hour"
told "a move is told"
cluster "$vip"
pace 1 "vip moved 2 times"
cluster "$(resource vip Started mx2)"
pace 1 "vip moved 3 times"
cluster "$vip"
pace 2 "vip moved 4 times"
told "to and fro is CRITICAL"
set -- "$dir"/kept/*
now=$(date +%s)
sed -i "s/^\\([0-9a-f]* [0-9a-f]*\\) .*/\\1 $((now - 90000)) $((now - 9000))/" "$1"
pace 0 "vip at mx1"
told "after an hour it is forgotten"
[ "$(perf since)" -ge 9000 ] && [ "$(perf since)" -le 9060 ]
told "since when ($(perf since))"
echo rubbish >"$1"
pace 0 "vip at mx1"
told "what was kept is damaged: it begins anew"

# --- what is no report ---
: >"$dir/fails"
echo '<pacemaker-result><status code="102" message="Not connected"><errors><error>no</error></errors></status></pacemaker-result>' >"$dir/xml"
pace 2 "Pacemaker does not run here, or does not answer: Not connected"
told "no cluster is CRITICAL"
rm "$dir/fails"
cluster "$vip"
head -c 400 "$dir/xml" >"$dir/cut" && mv "$dir/cut" "$dir/xml"
pace 3 "no whole report"
told "half a report is UNKNOWN"
: >"$dir/xml"
pace 3 "no whole report"
told "no report"
cluster "<resource id='a&#10;b|&lt;script&gt;&#300;' role='Started'><node name='mx\"1'/></resource><!-- <resource id=\"no\"/> --><![CDATA[<resource id=\"no\"/>]]>"
rm -f "$dir"/kept/*
pace 0 "a?b" && ! grep -q '<script' "$dir/out" && [ "$(perf active)" = 1 ] &&
    [ "$(tail -n +2 "$dir/out" | grep -c '|')" = 0 ]
told "hostile names are clean text; comments are none"
run 3 "cannot run" --crm-mon "$dir/nothing"
told "no crm_mon"
printf '#!/bin/sh\necho $$ >"%s"\nexec sleep 60\n' "$dir/hanging" >"$dir/hangs"
chmod +x "$dir/hangs"
run 2 "timed out" --crm-mon "$dir/hangs" -t 1
told "one that hangs: inside -t"
has_ended() { case $(ps -o stat= -p "$(cat "$dir/hanging")") in '' | Z*) ;; *) return 1 ;; esac }
tries=0
until has_ended || [ $tries -ge 50 ]; do
    sleep 0.1
    tries=$((tries + 1))
done
has_ended
told "and it does not hang on when the check has ended"

# --- keepalived ---
mkfifo "$dir/stuck"
run 2 "timed out after 500 ms while reading $dir/stuck" --keepalived "mx1=$dir/stuck" -t 0.5
told "a file that cannot be read to its end, as of a file server that hangs, is named"
# vrrp FILE STATE [MORE]
vrrp() { echo "[{\"data\":{\"iname\":\"VI_1\",\"state\":$2,\"last_transition\":$(($(date +%s) - 500)).5${3:-}},\"stats\":{}}]" >"$dir/$1"; }
rm -f "$dir"/kept/*
vrrp a 2
vrrp b 1
run 0 "VI_1 at this node" -k "$dir/a" && [ "$(perf since)" -ge 499 ] && [ "$(perf since)" -le 560 ]
told "keepalived: MASTER, and since when"
run 0 "nothing is active here" -k "$dir/b"
told "keepalived: BACKUP is well"
run 0 "VI_1 at mx1" -k "mx1=$dir/a" -k "mx2=$dir/b" --alone
told "keepalived: both nodes"
run 2 "VI_1 is active on 2 nodes: mx1, mx2" -k "mx1=$dir/a" -k "mx2=$dir/a"
told "keepalived: two masters"
run 2 "VI_1 is active nowhere" -k "mx1=$dir/b" -k "mx2=$dir/b" --alone
told "keepalived: no master"
run 3 "/dev/zero is too long" -k /dev/zero
told "a file that never ends is named"
NAGIOS_PLUGIN_STATE_DIRECTORY=$dir/nowhere run 3 "what moves is not seen, because nothing can be remembered: cannot open" -k "$dir/a" &&
    [ "$(perf changes)" = U ]
told "without a memory no move is ever seen: UNKNOWN"
NAGIOS_PLUGIN_STATE_DIRECTORY=/proc run 3 "because nothing can be remembered: cannot keep /proc/check_failover-" -k "$dir/a"
told "nor where it cannot be kept"
vrrp c 3
run 2 "state FAULT" -k "$dir/c"
told "keepalived: FAULT"
vrrp c 0
run 1 "does not know yet" -k "$dir/c"
told "keepalived: INIT"
vrrp c 2 ',"vipset":false'
run 2 "its addresses are not set" -k "$dir/c"
told "keepalived: MASTER without its addresses"
touch -d '10 minutes ago' "$dir/a"
run 1 "age" -k "$dir/a"
told "keepalived: an old file"
echo '{"vrrp":[{"data":{"iname":"VI_2","state":2}}]}' >"$dir/c"
run 0 "VI_2 at this node" -k "$dir/c"
told "keepalived: an object"
for bad in '[' '{}' '[{"data":{"iname":7,"state":"2"}}]' ''; do
    printf '%s' "$bad" >"$dir/c"
    run 3 "UNKNOWN" -k "$dir/c"
    told "keepalived: damaged: $bad"
done
run 3 "$dir/none: No such file" -k "$dir/none"
told "keepalived: no file"

# --- Heartbeat ---
cat >"$dir/cl_status" <<END
#!/bin/sh
case \$1 in
rscstatus) cat "$dir/rsc" && [ ! -e "$dir/fails" ] ;;
listnodes) printf 'mx1\nmx2\n' ;;
nodestatus) [ "\$2" = mx1 ] && echo active || cat "$dir/mx2" ;;
esac
END
chmod +x "$dir/cl_status"
rm -f "$dir"/kept/*
echo all >"$dir/rsc"
echo active >"$dir/mx2"
run 0 "resources at this node" --heartbeat --cl-status "$dir/cl_status" && [ "$(perf nodes)" = 2 ]
told "Heartbeat: all is here"
echo none >"$dir/rsc"
rm -f "$dir"/kept/*
run 0 "nothing is active here" --heartbeat --cl-status "$dir/cl_status"
told "Heartbeat: nothing is here, which is well"
echo dead >"$dir/mx2"
run 2 "node mx2 is dead" --heartbeat --cl-status "$dir/cl_status"
told "Heartbeat: a node is dead"
: >"$dir/fails"
echo 'Heartbeat is stopped on this machine.' >"$dir/rsc"
run 2 "Heartbeat does not run here" --heartbeat --cl-status "$dir/cl_status"
told "Heartbeat: stopped"
done_testing
