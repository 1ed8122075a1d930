#!/bin/sh
# check_replication_files.t - trees that are alike and not: contents, modes, links, missing and new files, odd names;
# manifests that are old, cut or none.
set -u
export LC_ALL=C TZ=UTC
: "${BUILD:=build}"
. tests/tap.sh
. tests/plugins/answers_test.sh
case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
check=$BUILD/plugins/check_replication_files
D=$(mktemp -d "${TMPDIR:-/tmp}/mx-files.XXXXXX") || exit 1
trap 'chmod -R u+rwx "$D"; rm -rf "$D"' EXIT
export NAGIOS_PLUGIN_STATE_DIRECTORY="$D"

at_second() { (cd "$D/2" && "$check" "$@"); }
# run STATUS TEXT ARGS...: at the second machine, which has the manifest of the first
run() {
    want=$1 text=$2
    shift 2
    answers "$want" "$text" "$*" at_second "$@"
}
print() { (cd "$D/1" && "$check" --print --tree etc "$@") >"$D/mx1"; }

mkdir -p "$D/1/etc/maps"
echo 'myorigin = example.org' >"$D/1/etc/main.cf"
echo secret >"$D/1/etc/maps/aliases"
echo x >"$D/1/etc/maps/a name
of two lines|<%>"
ln -s main.cf "$D/1/etc/link"
: >"$D/1/etc/empty"
cp -a "$D/1" "$D/2"
touch -d 2001-01-01 "$D/2/etc/main.cf"
print
ok $? "a manifest"
grep -qx "f 0644 23 $(sha256sum <"$D/1/etc/main.cf" | cut -d ' ' -f 1) etc/main.cf" "$D/mx1"
ok $? "it has the hash of a file"
sed "1s/ 1 [0-9]* / 1 $(($(date +%s) + 600)) /" "$D/mx1" >"$D/ahead"
run 0 "../ahead is 0 s behind" --tree etc --manifest ../ahead -w age=1d
says " age=0s;86400 "
sed "1s/ 1 [0-9]* / 1 $(($(date +%s) + 200000)) /" "$D/mx1" >"$D/ahead"
run 1 "../ahead: it is from 2.3 d in the future" --tree etc --manifest ../ahead
grep -q 'etc/maps/a%20name%0aof%20two%20lines|<%25>$' "$D/mx1"
ok $? "odd names are one line"
! grep -q secret "$D/mx1"
ok $? "and no contents"
run 0 "$D/mx1 is 0 s behind" --tree etc --manifest "$D/mx1"
says "differences=0"
says "files=7"

echo 'myorigin = example.net' >"$D/2/etc/main.cf"
chmod 600 "$D/2/etc/maps/aliases"
rm "$D/2/etc/empty"
: >"$D/2/etc/new"
ln -sf elsewhere "$D/2/etc/link"
run 2 "differences 5 (limit 0)" --tree etc --manifest "$D/mx1" -c differences=0
says "$D/mx1: differs: etc/main.cf (f 0644 23"
says "$D/mx1: differs: etc/maps/aliases (f 0644 7"
says "$D/mx1: differs: etc/link"
says "$D/mx1: only there: etc/empty"
says "$D/mx1: missing: etc/new"
run 0 "$D/mx1 is" --tree etc --manifest "$D/mx1"
/usr/bin/python3 tests/fake/ago.py "$D" 7200
run 1 "$D/mx1 is 2 h behind (limit 60 min)" --tree etc --manifest "$D/mx1"
rm -rf "$D/2/etc"
cp -a "$D/1/etc" "$D/2/etc"
run 0 "$D/mx1 is 0 s behind" --tree etc --manifest "$D/mx1"

# --- what is left out
: >"$D/2/etc/maps/aliases.db"
run 1 "differences 1" --tree etc --manifest "$D/mx1" -w differences=0
run 0 "" --tree etc --manifest "$D/mx1" -w differences=0 --exclude '*.db'
print --exclude etc/maps
run 0 "files=4" --tree etc --manifest "$D/mx1" -w differences=0 --exclude etc/maps
mkfifo "$D/2/etc/pipe"
run 0 "" --tree etc --manifest "$D/mx1" -w differences=0 --exclude maps
print
rm -rf "$D/2/etc"
cp -a "$D/1/etc" "$D/2/etc"

# --- several machines
cp "$D/mx1" "$D/mx2"
sed 's/^f 0644 23/f 0644 24/' "$D/mx1" >"$D/mx3"
run 1 "differences 1 (limit 0)" --manifest "$D/mx1" --manifest "$D/mx2" --manifest "$D/mx3" -w differences=0
says "$D/mx3: differs: etc/main.cf"
run 2 "CRITICAL - manifest: $D/mx9: No such file" --manifest "$D/mx9" --manifest "$D/mx2"
run 2 "$D/mx9: No such file" --tree etc --manifest "$D/mx9" --manifest "$D/mx2"

# --- manifests that are none
sed "1s/1 [0-9]* /1 $(($(date +%s) - 100000)) /" "$D/mx1" >"$D/old"
run 1 "(limit 24 h)" --tree etc --manifest "$D/old"
says "age"
head -n 3 "$D/mx1" >"$D/cut"
run 2 "$D/cut: its end is missing" --tree etc --manifest "$D/cut"
: >"$D/cut"
run 2 "$D/cut: this is no manifest" --tree etc --manifest "$D/cut"
sed '2{h;d};3G' "$D/mx1" >"$D/cut"
run 2 "$D/cut: it is not sorted" --tree etc --manifest "$D/cut"
sed '2s/.*/nonsense|<b>/' "$D/mx1" >"$D/cut"
run 2 "$D/cut: a line of it is none: nonsense/(b)" --tree etc --manifest "$D/cut"
head -c 100000 /dev/urandom >"$D/cut"
run 2 "$D/cut: this is no manifest" --tree etc --manifest "$D/cut"
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13; do : >"$D/2/etc/n$i"; done
run 0 "" --tree etc --manifest "$D/mx1"
says "$D/mx1: and 3 more"

# --- what csync2 has not copied yet
: >"$D/dirty"
run 0 "csync2 is 0 s behind" --csync2 "$D/dirty"
says "dirty=0"
{ echo 'Connecting to host mx2 ...'; printf 'chary\tmx2\tmx1\t/etc/aliases|<x>\nforce\tmx3\tmx1\t/etc/b\n'; } >"$D/dirty"
run 1 "dirty 2 (limit 1)" --csync2 "$D/dirty" -w dirty=1
says "csync2: /etc/aliases/(x) waits for mx2"
/usr/bin/python3 tests/fake/ago.py "$D" 7200
run 1 "csync2 is 2 h behind" --csync2 "$D/dirty"
: >"$D/dirty"
run 0 "csync2 is 0 s behind" --csync2 "$D/dirty"
run 3 "nothing: No such file" --csync2 "$D/nothing"

# --- trouble of our own
run 3 "look at nowhere: No such file" --tree nowhere --manifest "$D/mx1"
if [ "$(id -u)" != 0 ]; then
    chmod 0 "$D/2/etc/main.cf"
    run 3 "read etc/main.cf: Permission denied" --tree etc --manifest "$D/mx1"
    chmod 644 "$D/2/etc/main.cf"
fi
deep=$D/2/deep
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22; do deep=$deep/x/y; done
mkdir -p "$deep"
run 3 "too many files, or too deep" --tree deep --manifest "$D/mx1"
mkfifo "$D/stuck"
run 2 "timed out after 500 ms while reading $D/stuck" --manifest "$D/mx1" --manifest "$D/stuck" -t 0.5
run 2 "timed out after 500 ms while reading $D/stuck" --csync2 "$D/stuck" -t 0.5
run 3 "which files?" --manifest "$D/mx1"
run 3 "$D/mx1 is given twice: it is like itself" --manifest "$D/mx1" --manifest "$D/mx1"
run 3 "compared with what?" --tree etc
done_testing
