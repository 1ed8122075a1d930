#!/bin/sh
# pieces.t - lines that Exim, Sendmail and amavis cut are counted as the lines they were, from
# one log, from two relays that each lost some, and over imports.
set -u
: "${BUILD:=build}"
case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
. tests/tap.sh
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT

at=2026-11-18T12:30:0
exim="mx1 exim[7]: "
mail="mx2 sm-mta[8]: 6AKKl8aa000001"
{
    echo "${at}0+00:00 ${exim}[1/2] 1vLabc-000000012Xy-0aBc => anna@example.org R=dnslookup"
    echo "${at}0+00:00 ${exim}[2/2]  T=remote_smtp H=mx.example.org [192.0.2.9]"
    echo "${at}1+00:00 ${mail}[1]: to=<a@example.org>, delay=00:00:01, mailer=esmtp, dsn=2.0.0, stat=Sent (o ..."
    echo "${at}1+00:00 ${mail}[2]: k)"
} >"$d/all"
sed -n '1p;4p' "$d/all" >"$d/a"
sed -n '2p;3p' "$d/all" >"$d/b"

# counts FILE...: what a new state makes of them, one import each
counts() {
    rm -rf "$d/state"
    for f in "$@"; do
        "$BUILD/bin/mxgauge" import --no-rrd --tz UTC --state "$d/state" "$f" >"$d/out" 2>&1
    done
    "$BUILD/bin/mxgauge" report --state "$d/state" --json >"$d/report"
    for m in lines known foreign unknown dlv_ext; do
        printf '%s ' "$m=$(sed "s/.*\"counts\":{\([^}]*\)}.*/,\1,/;s/.*,\"$m\":\([0-9]*\),.*/\1/" "$d/report")"
    done
}
want=$(counts "$d/all")
echo "# $want"
case $want in "lines=4 known=0 foreign=0 unknown=0 dlv_ext=2 ") true ;; *) false ;; esac
ok $? "two lines in two pieces each are two deliveries"
for order in "a b" "b a"; do
    # shellcheck disable=SC2086
    got=$(cd "$d" && counts $order)
    test "$got" = "$want"
    ok $? "from two relays that each lost something, $order"
    echo "# $got"
done
"$BUILD/bin/mxgauge" parse --stats --tz UTC "$d/all" >"$d/stats"
grep -q '"lines":4,"events":4,"known":0,"foreign":0,"unknown":0' "$d/stats"
ok $? "parse says the same"
test "$("$BUILD/bin/mxgauge" parse --tz UTC "$d/all" | grep -c DELIVERED)" = 2
ok $? "and has each event once"
"$BUILD/bin/mxgauge" parse --stats --tz UTC "$d/a" "$d/b" | cmp -s - "$d/stats"
ok $? "from two files too"
"$BUILD/bin/mxgauge" parse --unknown --tz UTC "$d/a" | cmp -s - "$d/a"
ok $? "what lacks a piece is unknown"

# amavis does not number its pieces; two hosts, the clock of one is two hours ahead
rcpts=$(i=0; while [ $i -lt 20 ]; do printf '<recipient%02d@example.org>,' $i; i=$((i + 1)); done)
# passed HOST HOUR: a verdict in three pieces each second
passed() {
    for s in 10 11 12 13 14; do
        t="2026-11-18T$2:30:$s+00:00 $1 amavis[88]: (00088-$s)"
        echo "$t Passed CLEAN {RelayedInbound}, [203.0.113.9]:4711 [203.0.113.9] <a@example.net> -> $rcpts..."
        echo "$t ...$rcpts..."
        echo "$t ...<last@example.org>, Queue-ID: 3XkQ$s, Message-ID: <m$s@example.net>, mail_id: AbCdEfGhIj$s, Hits: -1.9, size: 2345, queued_as: 4XkQ$s, 420 ms"
    done
}
passed mx3 10 >"$d/slow"
passed mx4 12 >"$d/fast"
paste -d '\n' "$d/slow" "$d/fast" >"$d/turns"
cat "$d/slow" "$d/fast" >"$d/slow-first"
cat "$d/fast" "$d/slow" >"$d/fast-first"
want=$(counts "$d/slow" "$d/fast")
echo "# $want"
case $want in "lines=30 known=0 foreign=0 unknown=0 dlv_ext=0 ") true ;; *) false ;; esac
ok $? "pieces without numbers"
cp "$d/report" "$d/want"
for log in turns slow-first fast-first; do
    counts "$d/$log" >/dev/null
    cmp -s "$d/report" "$d/want"
    ok $? "two hosts, the clock of one is ahead: the same whatever their order, $log"
done
"$BUILD/bin/mxgauge" parse --stats --tz UTC "$d/turns" | tee "$d/stats" | grep -q "\"lines\":30,\"events\":30,"
ok $? "parse says so too"
done_testing
