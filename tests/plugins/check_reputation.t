#!/bin/sh
# check_reputation.t - the formula by hand, each state, what is known only within bounds, one attacker and many,
# systems, contacts, lists for review, strangers' words, and the world being broken.
set -u
# shellcheck source=tests/plugins/plugin_test.sh
. tests/plugins/plugin_test.sh
# shellcheck source=tests/plugins/networks_test.sh
. tests/plugins/networks_test.sh
at="2026-11-20 12:00"

# json CODE: perl, with the answer in $j and networks by name in %n
json() {
    perl -MJSON::PP -e 'local $/; our $j = decode_json(<STDIN>); our %n = map { $_->{network} => $_ } @{$j->{networks}};
        sub near { abs($_[0] - $_[1]) < 0.051 or die "$_[0], want $_[1]\n" }
        '"$1" <"$dir/out" 2>"$dir/why" || { cat "$dir/why" >>"$dir/out"; return 1; }
}

example >"$dir/log"
import "$dir/log"; ok "a state is made"

# --- the formula ------------------------------------------------------------------------------
run 0 --at "$at" --json; ok "without thresholds it is OK"
json '
    # 192.0.2.0/24: 200 in the newest hour, 100 six hours before (a half-life: half), 1 accepted
    my ($bad, $good) = (200 + 100 * 0.5, 1);
    near($n{"192.0.2.0/24"}{score}, 100 * $bad / ($bad + 10 * $good + 20));
    near($n{"192.0.2.0/24"}{score}, 89.3);
    # one hour before the newest, three mails of 100 recipients against 500 refusals
    my $w = 2 ** (-1 / 6);
    near($n{"198.51.100.0/24"}{score}, 100 * 500 * $w / (500 * $w + 10 * 300 * $w + 20));
    near($n{"203.0.113.0/24"}{score}, 100 * 150 / 170);
    near($n{"203.0.112.0/24"}{score}, 100 * 100 / 120);
    $w = 2 ** (-9 / 6);
    near($n{"2001:db8:1:2::/64"}{score}, 100 * 400 * $w / (400 * $w + 20));
    # two hours before the end (--rise, and the hour it began in) each hour weighed more
    near($n{"192.0.2.0/24"}{before}, 100 * 100 * 2 ** (-4 / 6) / (100 * 2 ** (-4 / 6) + 20));
'; ok "scores are what the formula gives by hand"
json '
    my $p = $n{"192.0.2.0/24"};
    "$p->{refused} $p->{condemned} $p->{accepted} $p->{accepted_most} $p->{recent}" eq "300 0 1 1 200" or die;
    "$p->{sample}{host} $p->{sample}{n} $p->{sample}{hour}" eq "mx1 200 " . (1795132800 + 11 * 3600) or die;
    $n{"203.0.112.0/24"}{condemned} == 100 && $n{"203.0.112.0/24"}{refused} == 0 or die "condemned\n";
    $n{"198.51.100.0/24"}{accepted} == 300 or die "accepted\n";
    near($p->{bad}, 250); near($p->{good}, 1);
'; ok "with the counts behind them"
json 'die join " ", keys %n if grep { /^198\.51\.10[123]|^10\./ } keys %n;
    keys %n == 5 or die'; ok "who was greylisted, met our own trouble, or is of a private network is not blamed"
docs=docs/reputation.md
grep -q "100 \* 250 / (250 + 10 \* 1 + 20) = 89.3" $docs && grep -q "200 \* 1 + 100 \* 0.5 = 250" $docs
ok "the example of $docs is this one"

# --- states ------------------------------------------------------------------------------------
run 0 --at "$at"; ok "OK"
grep -q "^REPUTATION OK - score 89.3 for 192.0.2.0/24: 300 refused, 1 accepted in 24 h | score=89.28[0-9]* networks=4 new=3 share=[0-9.]*% rise=[0-9.]* spread=[0-9]* refused=1400$" "$dir/out"; ok "first line and performance data"
says " 89.3  192.0.2.0/24: 300 refused, 1 accepted, new; most on mx1 in the hour from 2026-11-20 11:00:00: 200"; ok "the worst, with why"
says " 87.6  2001:db8:1:2::/64: 400 refused, 0 accepted; most on mx1 in the hour from 2026-11-20 02:00:00: 400"; ok "one that was bad before is not new"
run 1 --at "$at" -w 85; ok "WARNING above a bare range"
says "score 89.3 for 192.0.2.0/24: 300 refused, 1 accepted in 24 h (limit 85)"; ok "and it says so"
run 0 --at "$at" --ours 192.0.2.0/24 --ours 2001:db8:1::/48 --ours 203.0.113.0/24 --ours 198.51.100.0/24
says "OK - score 83.3 for 203.0.112.0/24: 0 refused, 100 condemned, "; ok "what a filter condemned is in the first line, too"
run 2 --at "$at" -c networks=3; ok "CRITICAL for the number of bad networks"
says "4 networks with a score of 80 or more (limit 3)"; ok "with the number"
run 1 --at "$at" -w new=2; ok "WARNING for new ones"
says "3 networks became bad within 60 min (limit 2)"; ok "told apart from the old"
run 1 --at "$at" -w share=50; ok "WARNING for the share of the worst"
run 0 --at "$at" --worst 1 -w share=50 -w networks=4; ok "of so many as are asked for"
run 0 --at "$at" --min-refused 2000 -c networks=0 -c 1; ok "too little traffic judges nothing"
says "Only 1,400 refused recipients in the window"; ok "and it says so"
run 2 --at "$at" --min-refused 2000 -c refused=1000; ok "but how much it is"
run 0 --at "$at" --bad-score 99 -c networks=0; ok "another score for bad"
run 0 --at "$at" -H mx2 --json; ok "one host"
json 'keys %n == 2 && $n{"192.0.2.0/24"}{refused} == 100 && $n{"203.0.113.0/24"} or die join " ", keys %n'; ok "has its own networks"
run 0 --at "$at" --half-life 12h --good-weight 1 --doubt 1 --json
json 'near($n{"192.0.2.0/24"}{score}, 100 * (200 + 100 * 2 ** -0.5) / (200 + 100 * 2 ** -0.5 + 1 + 1))'; ok "other weights"
run 0 --at "$at" --window 6h --json
json 'near($n{"192.0.2.0/24"}{score}, 100 * 200 / 230); !$n{"2001:db8:1:2::/64"} or die'; ok "a shorter window"
run 0 --at "$at" --window 15m; ok "one that is shorter than --rise usually is"
run 0 --at "$at" --prefix6 48 --json
json '$n{"2001:db8:1::/48"}{refused} == 400 && !$n{"2001:db8:1:2::/64"} or die'; ok "IPv6 by /48"
run 0 --at "2026-11-20 11:30" --json; ok "in the middle of an hour of the past"
json '$n{"203.0.113.0/24"} and die "the future\n"; $n{"192.0.2.0/24"}{refused} == 100 or die'; ok "what came later is not in the answer"
run 0 --at "2026-11-20 11:30"
says "Networks are known by whole hours: those that were over at 2026-11-20 11:30:00"; ok "and it is told"

# --- what the collector keeps ready ---------------------------------------------------------------
db="$dir/state/state.db"
for how in "" "-v --worst 3 -w new=2" "--bad-score 85 --rise 30m"; do
    # shellcheck disable=SC2086
    "$BUILD/plugins/check_reputation" --state "$dir/state" --at "$at" --json $how >>"$dir/want"
done
[ "$(sqlite3 "$db" "SELECT count(*) FROM top WHERE kind = 100")" = 1 ]; ok "an answer is kept"
sqlite3 "$db" "CREATE TABLE kept AS SELECT * FROM top WHERE kind = 100; DELETE FROM top WHERE kind = 100"
for how in "" "-v --worst 3 -w new=2" "--bad-score 85 --rise 30m"; do
    # shellcheck disable=SC2086
    "$BUILD/plugins/check_reputation" --state "$dir/state" --at "$at" --json $how >>"$dir/got"
done
cmp -s "$dir/want" "$dir/got"; ok "it is what the tables say"
grep "T11:5[0-6]" "$dir/log" >"$dir/end"
"$BUILD/bin/mxgauge" import --state "$dir/other" --tz UTC "$dir/end" >"$dir/out" 2>&1; ok "an answer of another state"
sqlite3 "$db" "ATTACH '$dir/other/state.db' AS other; INSERT INTO top SELECT * FROM other.top WHERE kind = 100;
    CREATE TABLE newest AS SELECT id, newest FROM host"
run 0 --at "$at"; says " refused=1400"; ok "is not given when newer lines are there"
sqlite3 "$db" "ATTACH '$dir/other/state.db' AS other; UPDATE host SET newest = (SELECT max(newest) FROM other.host)"
run 0 --at "$at"; says " refused=47"; ok "else it is"
run 0 --at "$at" --bad-score 10; says " refused=47"; ok "a lower score asks for no more than there is"
run 0 --at "$at" --doubt 21; says " refused=1400"; ok "but not by another rule"
run 0 --at "$at" --half-life 7h; says " refused=1400"; ok "nor with another half-life"
run 0 --at "$at" --window 23h; says " refused=1400"; ok "nor of another window"
run 0 --at "$at" --ours 198.18.0.0/15; says " refused=1400"; ok "nor when others are ours"
sqlite3 "$db" "UPDATE top SET list = substr(list, 1, 30) WHERE kind = 100"
run 0 --at "$at"; says " refused=1400"; ok "nor when it is damaged"
sqlite3 "$db" "UPDATE host SET newest = (SELECT newest FROM newest WHERE newest.id = host.id); DROP TABLE newest"
sqlite3 "$db" "DELETE FROM top WHERE kind = 100; INSERT INTO top SELECT * FROM kept; DROP TABLE kept"
rm -f "$dir/want" "$dir/got"

# --- ours -----------------------------------------------------------------------------------------
printf '# partners\n203.0.113.128/25\tOK\n[2001:db8::]/32\n\n192.0.2.0/25 OK\n' >"$dir/ours"
run 0 --at "$at" --ours 203.0.112.0/20 --json
json '!grep { /^203/ } keys %n or die; keys %n == 3 or die'; ok "a network of ours is left out"
run 0 --at "$at" --ours "$dir/ours" --json
json 'join(" ", sort keys %n) eq "198.51.100.0/24 203.0.112.0/24" or die join " ", keys %n'; ok "and those of a file, where a part of one is ours too"
run 3 --at "$at" --ours 203.0.113; ok "what is no network"
says "--ours 203.0.113: neither a network nor a file"; ok "is refused"
echo "203.0.113.0/33 OK" >>"$dir/ours"
run 3 --at "$at" --ours "$dir/ours"; ok "a broken file"
says "$dir/ours:6: \"203.0.113.0/33\" is no network"; ok "says where"
run 3 --at "$at" --ours "$dir/none"; ok "no such file"

# --- the same in any order, and what is taken back ---------------------------------------------------
perl -MList::Util=shuffle -e 'srand 3; print shuffle <STDIN>' <"$dir/log" >"$dir/shuffled"
run 0 --at "$at" --json; cp "$dir/out" "$dir/want"
mv "$dir/state" "$dir/state.1"
split -n l/3 "$dir/shuffled" "$dir/part."
for f in "$dir"/part.*; do import --year 2026 "$f"; done
run 0 --at "$at" --json && cmp -s "$dir/out" "$dir/want"; ok "shuffled, in three runs: the same to the last figure"
rm -rf "$dir/state"; cp -R "$dir/state.1" "$dir/state"

# --- bounds -------------------------------------------------------------------------------------------
# A state of an older release has no tables of accepted mail: it may all have come from anyone.
sqlite3 "$dir/state/state.db" "DELETE FROM top WHERE kind IN (10, 11, 100)"
run 0 --at "$at" --json
json '$n{"192.0.2.0/24"}{accepted_most} >= 304 or die $n{"192.0.2.0/24"}{accepted_most};
    $_->{score} < 80 or die for values %n'; ok "where nothing says who sent accepted mail nobody looks bad"
run 0 --at "$at"
says "nothing says where accepted mail came from"; ok "and it is told"
rm -rf "$dir/state"
# 300 networks with 40 accepted recipients each: more than a table keeps. 192.0.2.0/24 had 3, and they are lost.
{
    i=0
    while [ $i -lt 300 ]; do
        echo "11 mx1 accept 198.18.$((i / 250)).1 40" | sed "s/198\.18\.[01]/198.$((18 + i / 250)).$((i % 250))/"
        i=$((i + 1))
    done
    echo "11 mx1 accept 192.0.2.9 3"
    echo "11 mx1 refuse 192.0.2.1 300"
    echo "11 mx1 refuse 198.18.7.1 300"
} | traffic >"$dir/log"
import "$dir/log"
run 0 --at "$at" --json
json '
    my $p = $n{"192.0.2.0/24"};
    $p->{accepted} == 0 && $p->{accepted_most} == 40 or die "$p->{accepted} $p->{accepted_most}\n";
    near($p->{score}, 100 * 300 / (300 + 10 * 40 + 20));
    $n{"198.18.7.0/24"}{accepted_most} >= 40 && $n{"198.18.7.0/24"}{score} < 45 or die "listed\n";
'; ok "good mail that fell out of its table counts as the most that it may have been"
run 0 --at "$at"
says "192.0.2.0/24: 300 refused, at most 40 accepted"; ok "and is called so"
printf '%s\t{"autonomous_system_number": 64500}\n' 192.0.2.0/24 >"$dir/as"
/usr/bin/python3 tests/fake/mmdb.py "$dir/as.mmdb" GeoLite2-ASN <"$dir/as"
run 0 --at "$at" --mmdb "$dir/as.mmdb" --by as --json
json '$n{AS64500}{accepted_most} == 3 + 40 * (300 - 128) or die $n{AS64500}{accepted_most}'; ok "of a whole system all that fell out may be its own"
rm -rf "$dir/state"

# --- who attacks ------------------------------------------------------------------------------------------
# quiet: 60 an hour of six networks, and a rise in the last
quiet() {
    for h in 0 1 2 3 4 5 6 7 8 9 10 11; do
        for i in 1 2 3 4 5 6; do echo "$h mx1 refuse 198.51.100.$i 10" | sed "s/100\.$i/10$i.$i/"; done
        echo "$h mx1 accept 198.18.0.1 5"
    done
}
{ quiet; echo "11 mx1 refuse 203.0.113.5 1200"; } | traffic >"$dir/log"
import "$dir/log"
run 2 --at "$at" -w rise=3 -c rise=10; ok "one network attacks"
says "refusals rose to 21.0 times (1,260 in 60 min), one network attacks: 203.0.113.0/24 sent 91% (limit 10)"; ok "and it is named"
run 1 --at "$at" -w new=0; ok "it is new"
says "1 network became bad within 60 min"; ok "and alone"
rm -rf "$dir/state"
{
    quiet
    for i in $(seq 1 120); do echo "11 mx1 refuse 203.0.$i.5 10"; done
} | traffic >"$dir/log"
import "$dir/log"
run 2 --at "$at" -c rise=10 -w new=0; ok "a botnet"
says "refusals rose to 21.0 times (1,260 in 60 min), a botnet wave: " && says "networks sent half, none more than 2%"; ok "is told apart, though none of its networks is bad"
silent "became bad within 60 min (limit"; ok "by itself"
run 0 --at "$at" --json
json '$j->{measurements}{spread}{value} > 50 or die $j->{measurements}{spread}{value}'; ok "it takes many networks to make half"
run 0 --at "2026-11-20 10:59:59" -w rise=1.5 -w new=0; ok "an hour before all was quiet"
run 0 --at "2026-11-20 01:30" -c rise=1; ok "what has no past is not judged"
rm -rf "$dir/state"

# The collector was away from 3 to 9: the day was no quieter for it.
for h in 0 1 2 10 11; do echo "$h mx1 refuse 198.51.100.1 60"; done | traffic >"$dir/log"
import "$dir/log"
run 0 --at "$at" --min-refused 10 -w rise=1.2 --json; ok "hours without a line are no quiet ones"
json 'near($j->{measurements}{rise}{value}, 1)'; ok "the rise is of those that have lines"
rm -rf "$dir/state"

# Mondays are so: three weeks with the same burst at 11, and one without.
for week in 06 13 20; do
    { quiet; echo "11 mx1 refuse 203.0.113.5 1200"; } | traffic | sed "s/2026-11-20/2026-11-$week/"
done >"$dir/log"
quiet | traffic | sed "s/2026-11-20/2026-11-19/" >>"$dir/log"
import "$dir/log"
run 0 --at "$at" -w rise=1.1 --json; ok "what the weeks before had at this time is no rise"
json 'near($j->{measurements}{rise}{value}, 1)'; ok "it is as much as is usual"
rm -rf "$dir/state"

# --- systems -----------------------------------------------------------------------------------------------
example >"$dir/log"
import "$dir/log"
{
    printf '%s\t{"autonomous_system_number": 64500, "autonomous_system_organization": "Example <b>|Net"}\n' 192.0.2.0/24 203.0.113.0/24
    printf '%s\t{"autonomous_system_number": 64501, "autonomous_system_organization": "Provider"}\n' 198.51.0.0/16
    printf '%s\t{"asn": "AS64502", "as_name": "Six"}\n' 2001:db8::/32
} >"$dir/as"
/usr/bin/python3 tests/fake/mmdb.py "$dir/as.mmdb" GeoLite2-ASN <"$dir/as"; ok "a database is made"
run 0 --at "$at" --mmdb "$dir/as.mmdb" --json; ok "networks with their systems"
json '$n{"192.0.2.0/24"}{as} == 64500 && $n{"2001:db8:1:2::/64"}{as} == 64502 && !defined $n{"203.0.112.0/24"}{as} or die'; ok "by number"
json '$n{"2001:db8:1:2::/64"}{as_name} eq "Six" && $n{"192.0.2.0/24"}{as_name} eq "Example (b)/Net" or die'; ok "and by name, made harmless"
run 0 --at "$at" --mmdb "$dir/as.mmdb" --by as --json; ok "whole systems"
json '
    my $p = $n{AS64500};
    $p->{refused} == 450 && $p->{accepted} == 1 && $p->{accepted_most} == 1 or die;
    near($p->{score}, 100 * 400 / (400 + 10 + 20));
    $n{"203.0.112.0/24"}{score} or die "one that is in none\n";
'; ok "are scored as one, and what is in none as before"
printf '192.0.2.0/24\t{"country": "NL"}\n' | /usr/bin/python3 tests/fake/mmdb.py "$dir/land.mmdb" GeoLite2-Country
run 3 --at "$at" --mmdb "$dir/land.mmdb"; ok "a database of another sort"
says "no autonomous system of theirs: it is a database of another sort (GeoLite2-Country)"; ok "is called so"
head -c 5000 /dev/urandom >"$dir/bad.mmdb"
run 3 --at "$at" --mmdb "$dir/bad.mmdb"; ok "something else"
says "cannot use $dir/bad.mmdb as a database of networks in MaxMind's format"; ok "is refused"
run 3 --at "$at" --mmdb "$dir"; ok "a folder"
run 3 --at "$at" --mmdb "$dir/none"; ok "no such database"
# damaged anywhere: an answer or a sentence, never a crash
size=$(wc -c <"$dir/as.mmdb")
good=1 i=0
while [ $i -lt 60 ]; do
    cp "$dir/as.mmdb" "$dir/hurt.mmdb"
    printf '\377' | dd of="$dir/hurt.mmdb" bs=1 seek=$((size * i / 60)) conv=notrunc 2>/dev/null
    "$check" --state "$dir/state" --at "$at" --mmdb "$dir/hurt.mmdb" >"$dir/out" 2>&1
    case $? in 0 | 3) ;; *) good=0 ;; esac
    head -c $((size * i / 60)) "$dir/as.mmdb" >"$dir/hurt.mmdb"
    "$check" --state "$dir/state" --at "$at" --mmdb "$dir/hurt.mmdb" >"$dir/out" 2>&1
    case $? in 0 | 3) ;; *) good=0 ;; esac
    i=$((i + 1))
done
[ $good -eq 1 ]; ok "damaged databases: an answer or a sentence"
run 3 --at "$at" --by as; ok "systems need a database"
says "--by as needs --mmdb"; ok "and it says so"

# --- contacts -------------------------------------------------------------------------------------------------
printf 'inetnum:        192.0.2.0 - 192.0.2.255\nabuse-c:        AB1-RIPE\ncountry:        NL\nsource:         RIPE\n\n' >"$dir/inetnum"
printf 'role:           Abuse\nnic-hdl:        AB1-RIPE\nabuse-mailbox:  abuse@example.net\nsource: RIPE\n' >"$dir/role"
printf '2|apnic|20261101|1|19830101|20261101|+1000\napnic|JP|ipv4|203.0.113.0|256|20110101|allocated|A1\n' >"$dir/delegated"
run 0 --at "$at" --rir "$dir/role" --rir "$dir/inetnum" --rir "$dir/delegated"; ok "contacts by files of registries"
says "192.0.2.0/24: 300 refused, 1 accepted, new, abuse@example.net (RIPE NL); most on mx1"; ok "the one who is to be told"
says "203.0.113.0/24: 150 refused, 0 accepted, new (apnic JP); most on mx2"; ok "where it is registered"
gzip -k "$dir/inetnum"
run 3 --at "$at" --rir "$dir/inetnum.gz"; ok "a compressed file"
says "$dir/inetnum.gz is compressed: unpack it first"; ok "is to be unpacked"
run 3 --at "$at" --rir "$dir/bad.mmdb"; ok "another file"
says "has neither objects of a whois dump nor lines of a registry's delegated-extended file"; ok "is called so"
run 3 --at "$at" --rir "$dir/none"; ok "no such file"

# --- lists for review ----------------------------------------------------------------------------------------------
run 0 --at "$at" --export cidr; ok "a map for Postfix"
head -n 1 "$dir/out" | grep -q "^# FOR REVIEW: nothing uses this list"; ok "says first what it is"
says "# score = 100 * bad / (bad + 10 * good + 20); half-life 6 h."; ok "and how it was made"
grep -v '^#' "$dir/out" | cut -f 1 | tr '\n' ' ' >"$dir/nets"
[ "$(cat "$dir/nets")" = "192.0.2.0/24 203.0.112.0/23 2001:db8:1:2::/64 " ]; ok "two halves that are both bad are one line, and nothing else is"
says "# 203.0.112.0/24: score 83.3; 0 refused, 100 condemned by filters, at most 0 accepted" && says "# 203.0.113.0/24: score 88.2; 150 refused"; ok "each has its reasons"
says "# 192.0.2.0/24: score 89.3; 300 refused, at most 1 accepted; most at once: 200 on mx1 in the hour from 2026-11-20 11:00:00"; ok "with a sample"
run 0 --at "$at" --export cidr --ours 203.0.112.128/25 --ours 2001:db8::/32
grep -v '^#' "$dir/out" | cut -f 1 | tr '\n' ' ' >"$dir/nets"
[ "$(cat "$dir/nets")" = "192.0.2.0/24 203.0.113.0/24 " ]; ok "what has a part of ours is on no list, and joins nothing"
run 1 --at "$at" --export cidr --out "$dir/list" -w 85; ok "into a file, with an answer as ever"
says "$dir/list has 4 networks for review; nothing uses it by itself"; ok "which says so"
grep -q '^192.0.2.0/24	REJECT ' "$dir/list" && [ "$(ls "$dir"/list* | wc -l)" -eq 1 ]; ok "the file is whole"
run 0 --at "$at" --export cidr --out "$dir/list" --action "WARN reputation"
grep -q '^192.0.2.0/24	WARN reputation$' "$dir/list"; ok "another action"
run 3 --at "$at" --export cidr --action "REJECT
0.0.0.0/0 OK"; ok "but no second line"
run 3 --at "$at" --export cidr --out "$dir/none/list"; ok "a folder that is not there"
says "write $dir/none/list: No such file or directory"; ok "is named"
run 3 --at "$at" --out "$dir/list"; ok "--out alone"
run 3 --at "$at" --export cidr --hold 5m; ok "a list is of one time"
run 3 --at "$at" --export cidr --by as --mmdb "$dir/as.mmdb"; ok "systems are no networks of a list"
run 0 --at "$at" --export rbldnsd --rir "$dir/role" --rir "$dir/inetnum" --mmdb "$dir/as.mmdb"; ok "a zone for rbldnsd"
grep -q '^203.0.112.0/23 :127.0.0.2:' "$dir/out" && grep -q '^2001:db8:1:2::/64 :127.0.0.2:' "$dir/out"; ok "has both families"
says "AS64500 Example (b)/Net; abuse contact abuse@example.net; RIPE NL"; ok "its reasons name system and contact"

# --- what can't be answered -------------------------------------------------------------------------------------------
run 3; ok "UNKNOWN when the newest line is old"
run 3 --at "2026-11-21 12:00"; ok "UNKNOWN after the end of the state"
run 3 --at "$at" -H mx7; ok "UNKNOWN for a host that is not there"
run 3 --at "$at" --rise 3h --window 2h; ok "--rise must fit into --window"
run 3 --at "$at" -w scores=3; ok "a name that is not measured"
run 3 --at "$at" --state "$dir/nostate"; ok "no state"
sqlite3 "$dir/state/state.db" "UPDATE top SET list = substr(list, 1, 7) WHERE kind IN (0, 10)"
run 0 --at "$at"; ok "tables that are cut off are an answer all the same"
sqlite3 "$dir/state/state.db" "UPDATE top SET list = randomblob(300)"
run 0 --at "$at" -vvv --json; ok "and so are damaged ones"
run 3 -h; ok "help"
rm -rf "$dir/state"

# Strangers' words: host names; addresses that are none.
{
    for h in 'mx|x=1' 'mx<script>' "mx\$(id);"; do
        traffic <<END | sed "s/ mx1 / $h /"
11 mx1 refuse 192.0.2.1 200
END
        for ip in '192.0.2' '::1]x' '1.2.3.4|5' '999.0.0.1' '<b>' "$(printf '%0200d' 1)"; do
            echo "2026-11-20T11:10:00+00:00 $h postfix/smtpd[1]: NOQUEUE: reject: RCPT from unknown[$ip]: 554 5.7.1 no; from=<a@example.net> to=<u@example.org> proto=ESMTP helo=<h>"
        done
    done
} >"$dir/log"
import "$dir/log"
run 0 --at "$at" -vvv; ok "hostile names are answered"
[ "$(tr -dc '|' <"$dir/out" | wc -c)" -eq 1 ]; ok "there is one bar, ours"
! grep -q '[<>&]' "$dir/out"; ok "there is nothing for a browser"
run 0 --at "$at" --export cidr; ok "and exported"
[ "$(grep -vc '^#' "$dir/out")" -eq 1 ]; ok "nothing of it becomes a line of a list"
done_testing
