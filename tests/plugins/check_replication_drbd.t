#!/bin/sh
# check_replication_drbd.t - what DRBD 8.3, 8.4 and 9 say in every state, in their own form; since when;
# and what is damaged. No machine with DRBD is needed.
# shellcheck source=tests/plugins/kept_test.sh
. tests/plugins/kept_test.sh
says() { grep -qF -- "$1" "$dir/out"; }

# eight STATUS TEXT CS RO DS FLAGS MORE: /proc/drbd of 8.4 with that volume
eight() {
    {
        echo "version: 8.4.10 (api:1/proto:86-101)"
        echo "srcversion: 473968AD625BA317874A57E "
        echo " 0: cs:$3 ro:$4 ds:$5 C $6"
        printf '    ns:2956160 nr:0 dw:0 dr:2956160 al:8 bm:0 lo:0 pe:13 ua:0 ap:0 ep:1 wo:f %b\n' "$7"
    } >"$dir/proc"
    rm -f "$dir"/kept/*
    want=$1 text=$2
    shift 7
    run "$want" "$text" --drbd-proc "$dir/proc" "$@"
}
eight 0 "1 volume is complete on both sides" Connected Primary/Secondary UpToDate/UpToDate r----- oos:0
told "8.4: well"
is "$(perf lag) $(perf out_of_sync) $(perf volumes)" "0 0 1" "its figures"
eight 1 "is being copied (SyncSource), 28.3% done, 3.7 min left" SyncSource Primary/Secondary UpToDate/Inconsistent r----- \
    "oos:7530908\n\t[====>...............] sync'ed: 28.3% (7352/10236)M\n\tfinish: 0:03:42 speed: 33,904 (33,956) K/sec"
told "8.4: is being copied"
is "$(perf out_of_sync) $(perf "done") $(perf left) $(perf volumes)" "7711649792 28.3 222 0" "how far, and how long"
eight 1 "its own data are Inconsistent" SyncTarget Secondary/Primary Inconsistent/UpToDate r----- oos:5
told "8.4: we are behind"
eight 1 "copying is halted (PausedSyncT)" PausedSyncT Secondary/Primary Inconsistent/UpToDate r----- oos:5
told "8.4: halted"
eight 2 "its peer is away" WFConnection Primary/Unknown UpToDate/DUnknown r----- oos:2056
told "8.4: the peer is away"
eight 2 "split brain" StandAlone Primary/Unknown UpToDate/Outdated r----- oos:2056
told "8.4: alone"
eight 2 "both nodes are Primary" Connected Primary/Primary UpToDate/UpToDate r----- oos:0
told "8.4: two Primaries"
eight 0 "complete" Connected Primary/Primary UpToDate/UpToDate r----- oos:0 --two-primaries
told "8.4: two Primaries on purpose"
eight 2 "its own data are Failed" Connected Primary/Secondary Failed/UpToDate r----- oos:0
told "8.4: a disk that failed"
eight 2 "the peer's data are Diskless" Connected Primary/Secondary UpToDate/Diskless r----- oos:0
told "8.4: the peer lost its disk"
eight 2 "its I/O is suspended" Connected Primary/Secondary UpToDate/UpToDate s----- oos:0
told "8.4: suspended"
eight 1 "8.2 KB differ (limit 0 B)" Connected Primary/Secondary UpToDate/UpToDate r----- oos:8
told "8.4: connected, and blocks differ all the same"
eight 0 "complete" VerifyS Primary/Secondary UpToDate/UpToDate r----- "oos:0\n\t[>....] verified:  0.6% (8148/8188)M"
told "8.4: a verification is well"
eight 2 "not connected: NetworkFailure" NetworkFailure Primary/Unknown UpToDate/DUnknown r----- oos:0
told "8.4: any other trouble of the connection"
NAGIOS_PLUGIN_STATE_DIRECTORY=$dir/nowhere
eight 0 "cannot open the folder $dir/nowhere" Connected Primary/Secondary UpToDate/UpToDate r----- oos:0
told "8.4: well, and no memory: a detail"
eight 1 "since when something is so is not known, because nothing can be remembered: cannot open" SyncSource Primary/Secondary UpToDate/Inconsistent \
    r----- oos:8
told "8.4: not well, and no memory for how long: it is said"
NAGIOS_PLUGIN_STATE_DIRECTORY=$dir/kept
cat >"$dir/proc" <<'END'
version: 8.3.8 (api:88/proto:86-94)
 0: cs:Unconfigured
 1: cs:Connected st:Primary/Secondary ds:UpToDate/UpToDate C r----
    ns:0 nr:210272 dw:210272 dr:0 al:0 bm:12 lo:1 pe:2682 ua:0 ap:0 ep:1 wo:b oos:0

2: cs:WFConnection ro:Secondary/Unknown ds:UpToDate/DUnknown   r----
END
run 2 "drbd2: its peer is away" --drbd-proc "$dir/proc" && [ "$(perf volumes)" = 1 ]
told "8.3, older words, no indentation, one that is not in use"
run 0 "1 volume is" --drbd-proc "$dir/proc" -r drbd1
told "one resource alone"
run 3 "no such resource" --drbd-proc "$dir/proc" -r drbd7
told "no such resource"

# --- since when ---
rm -f "$dir"/kept/*
run 2 "away" --drbd-proc "$dir/proc" && is "$(perf lag)" 0 "seen for the first time: since now"
goes_by() { run 2 "drbd2 is" --drbd-proc "$dir/proc" -c lag=1 && [ "$(perf lag)" -ge 2 ]; }
until_so 20 goes_by
told "time goes by: lag"

# --- version 9 ---
# nine STATUS TEXT JSON ARGS...
nine() {
    echo "version: 9.2.4 (api:2/proto:86-121)" >"$dir/proc"
    printf '%s\n' "$3" >"$dir/json"
    printf '#!/bin/sh\n[ "$*" = "status --json" ] && exec cat "%s"\n' "$dir/json" >"$dir/drbdsetup"
    chmod +x "$dir/drbdsetup"
    want=$1 text=$2
    shift 3
    rm -f "$dir"/kept/*
    run "$want" "$text" --drbd-proc "$dir/proc" --drbdsetup "$dir/drbdsetup" "$@"
}
# peer NAME CONNECTION ROLE REPLICATION DISK MORE
peer() {
    printf '{"peer-node-id":1,"name":"%s","connection-state":"%s","peer-role":"%s","peer_devices":[{"volume":0,
        "replication-state":"%s","peer-disk-state":"%s"%s}]}' "$@"
}
r0() { printf '[{"name":"r0","role":"%s","suspended":%s,"devices":[{"volume":0,"minor":1,"disk-state":"%s"%s}],"connections":[%s]}]' "$@"; }
ok=$(peer mx2 Connected Secondary Established UpToDate ',"out-of-sync":0,"percent-in-sync":100.0')
nine 0 "1 volume is complete" "$(r0 Primary false UpToDate ',"quorum":true' "$ok")"
told "9: well"
nine 2 "r0 with mx3: its peer is away (Connecting)" "$(r0 Primary false UpToDate '' \
    "$ok,{\"name\":\"mx3\",\"connection-state\":\"Connecting\",\"peer-role\":\"Unknown\",\"peer_devices\":[]}")"
told "9: one of two peers is away"
is "$(perf volumes)" 1 "and the other is well"
nine 1 "is being copied (SyncTarget), 42.7% done, 5 min left" "$(r0 Secondary false Inconsistent '' "$(peer mx2 Connected Primary \
    SyncTarget UpToDate ',"out-of-sync":6010880,"percent-in-sync":42.70,"estimated-seconds-to-finish":300')")"
told "9: is being copied"
nine 2 "it has no quorum" "$(r0 Primary false UpToDate ',"quorum":false' "$ok")"
told "9: no quorum"
nine 2 "I/O is suspended" "$(r0 Primary true UpToDate '' "$ok")"
told "9: suspended"
nine 0 "complete" "$(r0 Primary false Diskless ',"client":true' "$ok")"
told "9: a client has no disk on purpose"
nine 2 "its own data are Diskless" "$(r0 Primary false Diskless ',"client":false' "$ok")"
told "9: else it has lost it"
nine 1 "left behind (Ahead)" "$(r0 Primary false UpToDate '' "$(peer mx2 Connected Secondary Ahead UpToDate '')")"
told "9: the network is too slow"
nine 2 "it has no peer" "$(r0 Primary false UpToDate '' '')"
told "9: no peer"
nine 0 "2 volumes are" '[{"name":"r0","devices":[{"volume":0,"disk-state":"UpToDate"},{"volume":1,"disk-state":"UpToDate"}],
    "connections":[{"name":"mx2","connection-state":"Connected","peer_devices":[{"volume":1,"peer-disk-state":"UpToDate"},
    {"volume":0,"peer-disk-state":"UpToDate"}]}]}]' --json
python3 -c 'import json, sys
o = json.load(open(sys.argv[1]))
assert [c["copy"] for c in o["copies"]] == ["r0/0 with mx2", "r0/1 with mx2"], o["copies"]' "$dir/out" 2>"$dir/err"
told "9: volumes by their numbers; JSON"
nine 3 "DRBD has no volume" '[]'
told "9: nothing is configured"

# --- what is damaged ---
nine 3 "no JSON" '[{"name":'
told "half a JSON"
nine 3 "no JSON" ''
told "no JSON at all"
nine 3 "DRBD has no volume" '{"name":[1,2,{"devices":"x"}]}'
told "another JSON"
nine 2 "" '[{"name":"a|<b>\u001b","devices":[{"volume":1e300}],"connections":[{"name":7,"connection-state":"\u0007|x"}]}]' &&
    ! grep -q '<b>' "$dir/out" && [ "$(tail -n +2 "$dir/out" | grep -c '|')" = 0 ]
told "hostile words are clean text"
printf '#!/bin/sh\necho "Could not connect to '"'drbd'"' generic netlink family" >&2\nexit 20\n' >"$dir/drbdsetup"
run 3 "/dev/zero is too long" --drbd-proc /dev/zero
told "a file that never ends is named"
run 3 "Could not connect to" --drbd-proc "$dir/none" --drbdsetup "$dir/drbdsetup"
told "no module: UNKNOWN with its own words"
run 3 "is not there, and" --drbd-proc "$dir/none" --drbdsetup "$dir/nothing"
told "no program"
printf '#!/bin/sh\nexec sleep 60\n' >"$dir/drbdsetup"
run 2 "timed out" --drbd-proc "$dir/none" --drbdsetup "$dir/drbdsetup" -t 1
told "a program that hangs: inside -t"
head -c 100000 /dev/urandom >"$dir/proc"
run 3 "does not begin with" --drbd-proc "$dir/proc"
told "rubbish"
printf 'version: 8.4.1\n 0: cs:' >"$dir/proc"
run 2 "" --drbd-proc "$dir/proc"
told "a line that ends too early is no volume that is well"

# recorded outputs of others, where they are at hand
corpus=../shared/corpus/replication
if [ -d $corpus ]; then
    for f in "$corpus"/drbd-8*; do
        "$check" --drbd-proc "$f" >"$dir/out"
        [ $? -le 2 ]
        told "recorded: ${f##*/}"
    done
else
    echo "# skipped: recorded outputs of DRBD: they are not at hand"
fi
done_testing
