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
done_testing
