#!/bin/sh
# passive_kill.t - mxgauge passive is killed again and again, also while a monitor is being told: each change of state
# gets there, for the first time in order, and hardly any of them twice.
what="a runner that is killed"
: "${BUILD:=build}"
# shellcheck source=tests/daemon/passive_test.sh
. tests/daemon/passive_test.sh
KILLS=${KILLS:-6}

# each run is a change: the state alternates
echo 0 >"$D/n"
cat >"$D/check" <<'EOF'
#!/bin/sh
read -r n <"$1/n"
n=$((n + 1))
echo $n >"$1/n"
echo "run $n"
exit $((n % 2))
EOF
# slow enough to be killed in its midst
cat >"$D/send_nsca" <<'EOF'
#!/bin/sh
tr '\027' '\n' | cut -f 4 | while read -r line; do
    sleep 0.1
    echo "$line" >>"$1/got"
done
EOF
chmod +x "$D/check" "$D/send_nsca"
{
    head
    echo "monitor m { type = nsca command = { \"$D/send_nsca\", \"$D\" } timeout = 10s }"
    echo "passive svc { command = { \"$D/check\", \"$D\" } interval = 1s }"
} >"$D/conf"
: >"$D/got"
k=0
while [ $k -lt "$KILLS" ]; do
    k=$((k + 1))
    : >"$D/out"
    start
    # shellcheck disable=SC2046
    sleep $(od -An -N2 -tu2 /dev/urandom | awk '{ print 1 + $1 / 30000 }')
    stop KILL
done
start
last=$(cat "$D/n")
wait_for grep -qx "run $((last + 2))" "$D/got"
ok $? "it goes on after $KILLS kills"
stop TERM
is $status 0 "and ends when it is told to"
awk '{ n[$2]++; if (n[$2] == 1) { if ($2 < max) { print "# " $2 " comes after " max; bad = 1 } max = $2 } } END { exit bad }' "$D/got"
ok $? "each gets there in order"
missing=$(awk -v last="$last" '{ n[$2] = 1 } END { for (i = 1; i <= last; i++) missing += !n[i]; print missing + 0 }' "$D/got")
[ "$missing" -le "$KILLS" ]
ok $? "none is missing but what was killed as it ran: $missing of $last"
awk -v k="$KILLS" '{ n[$2]++ } END { for (i in n) if (n[i] > 1 + k) { print "# " i, n[i] " times"; exit 1 } }' "$D/got"
ok $? "none comes more often than it was killed: $(wc -l <"$D/got") for $(sort -u "$D/got" | wc -l)"
done_testing
