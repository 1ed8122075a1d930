#!/bin/sh
# check_replication_data.t - ages and versions of files that filters work with, on one machine and across several; lists
# and files that are cut, damaged, hostile; what real programs say of the files made here.
set -u
export LC_ALL=C TZ=UTC
: "${BUILD:=build}"
. tests/tap.sh
. tests/plugins/answers_test.sh
case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
check=$BUILD/plugins/check_replication_data
D=$(mktemp -d "${TMPDIR:-/tmp}/mx-data.XXXXXX") || exit 1
trap 'rm -rf "$D"' EXIT
export NAGIOS_PLUGIN_STATE_DIRECTORY="$D"
now=$(date +%s)

in_folder() { (cd "$D" && "$check" "$@"); }
# run STATUS TEXT ARGS...
run() {
    want=$1 text=$2
    shift 2
    answers "$want" "$text" "$*" in_folder "$@"
}
# clam FILE VERSION AGE: 512 bytes and something behind
clam() {
    printf '%-512s' "ClamAV-VDB:07 Nov 2026 03-30 -0500:$2:2067890:90:0123456789abcdef0123456789abcdef:SIG/+a:raynman:$((now - $3))" >"$D/$1"
    echo 'and a tar' >>"$D/$1"
}
rules() { printf '# UPDATE version %s\n# Please do not change\nscore X 1\n' "$2" >"$D/$1"; }
geo() { /usr/bin/python3 tests/fake/datafiles.py mmdb "$D/$1" $((now - $2)); }
zone() { printf '%s\n127.0.0.2\n' "$2" >"$D/$1"; }

mkdir "$D/1" "$D/2"
clam 1/daily.cvd 27502 7200
clam 1/main.cvd 62 40000000
clam 1/bytecode.cld 339 30000000
rules 1/updates_example_org.cf 1900123
touch -d "@$((now - 10800))" "$D/1/updates_example_org.cf"
geo 1/City.mmdb 259200
zone 1/bl "\$SOA 1w ns1.example.org admin.example.org 2026112101 2h 2h 1w 1h"
zone 1/stamped "#\$TIMESTAMP $(date -u -d "@$((now - 18000))" +%Y:%m:%d:%H:%M:%S) +1w"
echo 192.0.2.1 >"$D/1/plain"
touch -d "@$((now - 86400))" "$D/1/bl" "$D/1/plain"
: >"$D/1/bayes_toks"
touch -d "@$((now - 600))" "$D/1/bayes_toks"

# --- one machine
run 0 "City is 3 d old" --file '1/*'
for v in "daily=72" "main=4000000" "bytecode=3000000" "updates_example_org=108" "City=2592" "bl=864" "stamped=180" "plain=864" \
    "bayes=60" "files=9"; do says "$v"; done
run 0 "" --file '1/*' -v
says "daily: clamav, version 27502, 2 h old, 2067890 entries, level 90"
says "updates_example_org: spamassassin, version 1900123"
says "City: geoip, version 0, 3 d old, 1 entries"
says "bl: rbldnsd, version 2026112101"
says "stamped: rbldnsd, version 0, 5 h old"
says "plain: plain"
says "bayes: bayes"
run 1 "City is 3 d old (limit 2 d)" --file '1/*' -w 2d
run 1 "daily is 2 h old (limit 60 min)" --file '1/*' -w daily=1h -w age=7d
run 0 "is 24 h old" --file '1/*' -w 2d -w City=40d
run 2 "main is 463 d old (limit 400 d)" --file '1/*' -c main=400d
run 3 "-w dayly: not measured" --file '1/*' -w dayly=1h

# --- one name in several folders
mkdir -p "$D/a/lists/now" "$D/b/lists/now" "$D/b/3.004006" "$D/b/4.000000"
zone a/lists/bl "\$SOA 1w ns1.example.org admin.example.org 2026112101 2h 2h 1w 1h"
zone b/lists/bl "\$SOA 1w ns1.example.org admin.example.org 2020010101 2h 2h 1w 1h"
cp "$D/a/lists/bl" "$D/a/lists/now/bl"
touch -d "@$((now - 864000))" "$D/b/lists/bl"
rules b/3.004006/updates_example_org.cf 1800000
touch -d "@$((now - 864000))" "$D/b/3.004006/updates_example_org.cf"
rules b/4.000000/updates_example_org.cf 1900123
clam b/daily.cvd 27502 7200
clam b/daily.cld 27503 3600
run 1 "b_lists_bl is 10 d old (limit 7 d)" --file 'a/lists/*l' --file 'a/lists/now/*' --file 'b/lists/*l' --file 'b/*/*.cf' --file 'b/daily.*'
for v in "a_lists_bl=" "now_bl=" "daily=36" "files=5"; do says "$v"; done
silent " bl="
silent "updates_example_org=864"
run 0 "bl=" --file 'a/lists/bl' --file 'a/lists/bl'

# --- several machines
cp -a "$D/1/." "$D/2"
list() { (cd "$D/$1" && "$check" --print --file '*') >"$D/mx$1"; }
list 1
ok $? "a list"
grep -qx "clamav daily 27502 $((now - 7200)) 0 2067890 90 -" "$D/mx1"
ok $? "it has ClamAV's version"
grep -qx "plain plain 0 $((now - 86400)) 0 0 0 $(sha256sum <"$D/1/plain" | cut -d ' ' -f 1)" "$D/mx1"
ok $? "and the hash of a file that says nothing of itself"
list 2
run 0 "mx1: City is 0 s behind" mx1=mx1 mx2=mx2
for v in "lag=0s" "missing=0" "versions=0" "told=" "files=9"; do says "$v"; done
mv "$D/2/daily.cvd" "$D/2/daily.cld"
list 2
run 0 "missing=0" mx1=mx1 mx2=mx2
clam 1/daily.cvd 27504 600
list 1
run 0 "versions=2" mx1=mx1 mx2=mx2
says "mx2: daily: version 27502 of"
says "; mx1 has version 27504 of"
run 1 "versions 2 (limit 1)" mx1=mx1 mx2=mx2 -w versions=1
run 0 "versions=2" --file '1/*' mx2=mx2
/usr/bin/python3 tests/fake/ago.py "$D" 86400
run 0 "mx2: daily is 2 h behind" mx1=mx1 mx2=mx2 -v -w age=9d
grep -q 'lag=7[2-9][0-9][0-9]s' "$D/out"
ok $? "who has what is two hours old is no day behind"
rules 1/updates_example_org.cf 1900200
echo 192.0.2.2 >>"$D/1/plain"
list 1
run 0 "" mx1=mx1 mx2=mx2 -v
says "mx2: updates_example_org: version 1900123"
says "mx2: plain: "
/usr/bin/python3 tests/fake/ago.py "$D" 300000
run 2 "is 3.5 d behind (limit 2 d)" mx1=mx1 mx2=mx2
cp -a "$D/1/." "$D/2"
rm "$D/2/daily.cld"
touch "$D/2/plain"
list 2
run 0 "lag=0s" mx1=mx1 mx2=mx2
touch -d "@$((now - 90000))" "$D/2/bayes_toks"
list 2
run 1 "mx2: bayes is 25 h behind (limit 6 h)" mx1=mx1 mx2=mx2
cp -a "$D/1/bayes_toks" "$D/2/bayes_toks"
rm "$D/2/bl"
list 2
run 2 "missing 1 (limit 0)" mx1=mx1 mx2=mx2
says "mx2: bl: missing; mx1 has it"
run 0 "" mx1=mx1 mx2=mx2 -c missing=1
# serials go round
zone 1/bl "\$SOA 0 ns1.example.org admin.example.org 5 2h 2h 1w 1h"
zone 2/bl "\$SOA 0 ns1.example.org admin.example.org 4294967290 2h 2h 1w 1h"
list 1
list 2
run 0 "" mx1=mx1 mx2=mx2
says "mx2: bl: version 4294967290 of"

# --- files that are not what they seem
cp -a "$D/1/." "$D/2"
: >"$D/2/daily.cvd"
run 2 "daily: it is not what its name promises" --file '2/*'
list 2
run 2 "mx2: daily: it is not what its name promises" mx1=mx1 mx2=mx2
printf 'ClamAV-VDB:a:b:c' >"$D/2/daily.cvd"
run 2 "daily: it is not what its name promises" --file '2/*'
clam 2/daily.cvd 99999999999 600
run 2 "daily: it is not what its name promises" --file '2/*'
clam 2/daily.cvd 27504 -200000
run 1 "daily: it is from 2.3 d in the future" --file '2/*'
clam 2/daily.cvd 27504 600
head -c 60 "$D/1/City.mmdb" >"$D/2/City.mmdb"
run 2 "City: it is not what its name promises" --file '2/*'
geo 2/City.mmdb 100
zone 2/stamped "\$TIMESTAMP 2026:01:01 +2d"
run 2 "stamped: it expired" --file '2/*' -w stamped=9999d
zone 2/stamped "\$TIMESTAMP 2026:13:99 +2d"
run 0 "" --file '2/*'
head -c 300000 /dev/urandom >"$D/2/a name|<b>
of two lines"
run 0 "a_name__b__of_two_lines=" --file '2/*'
echo x >"$D/2/lag"
run 0 "" --file '2/*'
rm "$D/2/lag"
mkfifo "$D/2/pipe"
run 3 "2/pipe: this is no file" --file '2/*'
rm "$D/2/pipe"
ln -s /dev/zero "$D/2/zero"
run 3 "2/zero: this is no file" --file '2/*'
rm "$D/2/zero"

# --- lists that are none
head -n 3 "$D/mx1" >"$D/cut"
run 2 "mx2: its end is missing" mx1=mx1 mx2=cut
sed '2s/.*/clamav dai|ly<b> 1 2 3 4 5 -/' "$D/mx1" >"$D/cut"
run 2 "mx2: a line of it is none: clamav dai/ly(b) 1" mx1=mx1 mx2=cut
head -c 100000 /dev/urandom >"$D/cut"
run 2 "mx2: this is no list" mx1=mx1 mx2=cut
head -c 1000000 /dev/zero >"$D/cut"
run 2 "cut is too long" mx1=mx1 mx2=cut
run 2 "nowhere: No such file" mx1=mx1 mx2=nowhere
sed "1s/1 [0-9]* /1 $((now - 100000)) /" "$D/mx1" >"$D/old"
run 1 "told 28 h (limit 24 h)" mx1=mx1 mx2=old
run 3 "nothing/here: there is no such file" --file nothing/here
run 3 "compared with what?" mx1=mx1
run 3 "of this machine alone" --print mx1=mx1

# --- what real programs think of the files made here
/usr/bin/python3 tests/fake/datafiles.py ask "$D/1/City.mmdb" >"$D/out" 2>&1
rc=$?
if [ $rc = 77 ]; then ok 0 "# SKIP libmaxminddb0 is not installed"; else
    ok $rc "libmaxminddb opens the GeoIP database"
fi
if command -v sigtool >/dev/null; then
    sigtool --info "$D/1/daily.cvd" >"$D/out" 2>&1
    says "Version: 27504"
else
    ok 0 "# SKIP sigtool is not installed"
fi
mkfifo "$D/stuck"
run 2 "timed out after 500 ms while reading $D/stuck" "mx1=$D/stuck" mx2=x -t 0.5
if command -v rbldnsd >/dev/null; then
    zone expired "\$TIMESTAMP 2026:01:01:00:00:00 +2d"
    rbldnsd -d bl.example.org:ip4set:"$D/expired" >"$D/out" 2>&1
    says "zone data expired"
    run 2 "expired: it expired" --file expired -w 9999d -c 9999d
else
    ok 0 "# SKIP rbldnsd is not installed"
fi
real=$(ls /var/lib/clamav/*.c[vl]d /var/lib/spamassassin/*/*.cf /usr/share/GeoIP/*.mmdb /usr/share/spamassassin/20_advance_fee.cf 2>/dev/null | head -n 1)
if [ -n "$real" ]; then
    run 0 "" --file "$real" -w 99999d -c 99999d
    silent "is not what"
else
    ok 0 "# SKIP no database of ClamAV, SpamAssassin or GeoIP is installed"
fi
done_testing
