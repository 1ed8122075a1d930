#!/bin/sh
# install.t - "make install" puts everything where it is looked for, and nothing elsewhere.
set -u
: "${BUILD:=build}"
. tests/tap.sh
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT

(umask 077 && sh packaging/install.sh "$d/root" /usr "$BUILD") >"$d/out" 2>&1
ok $? "installs below DESTDIR, whatever the umask"
sed 's/^/# /' "$d/out"
r=$d/root/usr
is "$(cd "$d/root" && find . -type f -o -type l | grep -v '^\./usr/' | sort | tr '\n' ' ')" \
    "./etc/icinga2/conf.d/mxgauge-commands.conf ./etc/mxgauge/mxgauge.ini ./etc/nagios-plugins/config/mxgauge ./etc/nagios/nrpe.d/mxgauge.cfg " \
    "outside of PREFIX lies what Nagios, NRPE and Icinga look for in /etc, and no more"
none "and what is a link there leads somewhere" "$(
    for l in nagios-plugins/config/mxgauge icinga2/conf.d/mxgauge-commands.conf; do
        [ -e "$d/root$(readlink "$d/root/etc/$l")" ] || echo "$l"
    done)"
none "everybody may read all of it, and nobody but root may write" \
    "$(find "$d/root" ! -type l \( ! -perm -444 -o -perm /022 -o -type d ! -perm -111 \) | sed "s|$d||")"
none "each program and check is there" "$(
    for p in "$BUILD"/bin/* "$BUILD"/plugins/check_*; do
        [ -f "$p" ] || continue
        for to in bin sbin lib/nagios/plugins; do
            [ -x "$r/$to/${p##*/}" ] && continue 2
        done
        echo "${p##*/}"
    done)"
none "each template is there" "$(
    for t in rrd-templates/*.conf; do
        cmp "$t" "$r/share/mxgauge/$t" 2>&1
    done)"

none "and each sample for those who send logs" "$(
    for f in packaging/rsyslog/*.conf packaging/syslog-ng/*.conf; do
        cmp "$f" "$r/share/mxgauge/${f#packaging/}" 2>&1
    done)"

none "templates for Cacti name the installed mxgauge, and are the committed ones but for that" "$(
    "$r/bin/mxgauge" cacti-templates --templates rrd-templates --program /usr/local/bin/mxgauge --out "$d/cacti" >"$d/out"
    diff -r -q "$d/cacti" cacti | grep -v ': mxgauge-cacti$'
    "$r/bin/mxgauge" cacti-templates --templates rrd-templates --program /usr/bin/mxgauge --out "$d/cacti" >"$d/out"
    diff -r -q "$d/cacti" "$r/share/mxgauge/cacti" | grep -v ': mxgauge-cacti$')"
[ -x "$r/share/mxgauge/cacti/mxgauge-cacti" ]
ok $? "and the script that registers hosts is there"

# page PROGRAM: its manual, in the folder of the section that the page itself names
page() {
    ls "$r"/share/man/man[1-8]/"$1".[1-8] 2>/dev/null
}
none "each program has its manual page, in its section" "$(
    for p in "$r"/bin/* "$r"/sbin/* "$r"/lib/nagios/plugins/*; do
        n=${p##*/} m=$(page "${p##*/}")
        s=${m##*.}
        [ -f "$m" ] && [ "${m#"$r/share/man/man$s/"}" = "$n.$s" ] &&
            head -n 1 "$m" | grep -q "^\.TH \"$n\" $s " || echo "$n: ${m:-no page}"
    done)"
none "a page has each option of the help" "$(
    for p in "$r"/sbin/* "$r"/lib/nagios/plugins/*; do
        sed 's/\\-/-/g; s/\\f[A-Z]//g' "$(page "${p##*/}")" >"$d/page"
        "$p" --help | grep -oE '^ +(-[A-Za-z], +)?--[a-z-]+' | grep -oE -- '--[a-z-]+' |
            while read -r o; do
                grep -q -- "$o" "$d/page" || echo "${p##*/}: $o"
            done
    done)"
none "the page of mxgauge has each of its commands" "$(
    "$r/bin/mxgauge" --help | sed -n '/^Commands/,/^$/s/^  \([a-z-]*\) .*/\1/p' | while read -r c; do
        sed 's/\\-/-/g' "$(page mxgauge)" | grep -qx "\.SS $c\( .*\)*" || echo "$c"
    done)"
none "and what completes its options" "$(
    for p in "$r"/bin/* "$r"/sbin/* "$r"/lib/nagios/plugins/*; do
        n=${p##*/}
        grep -q "^complete -F _mxgauge_$n $n\$" "$r/share/bash-completion/completions/$n" || echo "$n"
    done)"
if command -v man >/dev/null 2>&1; then
    none "the pages are good troff" "$(
        for m in "$r"/share/man/man?/*; do
            man --warnings -E UTF-8 -l -Tutf8 -Z "$m" 2>&1 >/dev/null | sed "s|^|${m##*/}: |"
        done)"
    none "no line of them is cut off at 80 columns" "$(
        for m in "$r"/share/man/man?/*; do
            MANWIDTH=80 man -E UTF-8 -P cat -l "$m" 2>/dev/null | sed 's/.\x08//g; s/\x1b\[[0-9;]*m//g' | grep -E '^.{81}' | sed "s|^|${m##*/}: |"
        done)"
else
    echo "ok $((tap_n += 1)) - the pages are good troff # skip man is not installed"
fi
none "checks are in section 1, as all that people call, and the others in section 8" "$(
    (cd "$r/share/man" && ls -d man*/*) | grep -vE '^man1/check_|^man8/mxgauge')"

u=$r/lib/systemd/system/mxgauged.service
start=$(sed -n 's/^ExecStart=\([^ ]*\) .*/\1/p' "$u")
test -n "$start" && test -x "$d/root$start"
ok $? "the unit starts what was installed: $start"

sed 's/ mx1 / mx2 /' tests/logs/day/postfix.log >"$d/mx2.log"
"$r/bin/mxgauge" import --state "$d/state" tests/logs/day/postfix.log "$d/mx2.log" >"$d/out" 2>&1
ok $? "the installed mxgauge imports"
sed 's/^/# /' "$d/out"
test -f "$d/state/rrd/mx1/flow.rrd"
ok $? "and finds the installed templates"

t=$(date +%s)
rrdtool create "$d/disk.rrd" --start $((t - 600)) --step 300 DS:used:GAUGE:600:U:U DS:free:GAUGE:600:U:U RRA:AVERAGE:0.5:1:9
rrdtool update "$d/disk.rrd" $((t - 300)):1:9 $t:1:9
printf '%-512s' "ClamAV-VDB:07 Nov 2026 03-30 -0500:27504:2067890:90:0123456789abcdef0123456789abcdef:x:x:$t" >"$d/daily.cvd"
# NRPE hands it to a shell. What the sections of mxgauge.ini say of other machines is replaced.
sed "s|^socket = .*|socket = $d/lmtp|; s|^mailbox = /.*|mailbox = $d|" "$r/share/mxgauge/nrpe/mxgauge.ini" >"$d/mxgauge.ini"
printf '%s\n' 'version: 8.4.11 (api:1/proto:86-101)' ' 0: cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----' >"$d/drbd"
none "each command for NRPE runs as it stands" "$(
    sed -n 's/^command\[[a-z_]*\]=//p' "$r/share/mxgauge/nrpe/mxgauge.cfg" | sed "s|@/etc/mxgauge/|@$d/|" |
        while read -r line; do
            case $line in
            *check_mail_queue_counted*) continue ;; # nobody counts queues here
            *check_failover*) continue ;; # nor is this a cluster
            *replicator*) continue ;; # nor is there a Dovecot
            *check_mxgauge*) set -- --state "$d/state" ;;
            *check_mail_queue*) set -- --mta maildir --spool tests/logs ;;
            *check_smtp_latency* | *check_mail_roundtrip*) set -- -t 2 ;; # nobody listens: CRITICAL
            *check_dnsbl_listed* | *check_dnsbl_healthy*) set -- -t 2 --resolver 127.0.0.1:9 ;; # nobody answers: CRITICAL
            *check_replication_data_all*) set -- "mx3=$d/mx3.data" ;;
            *check_replication_data*) set -- --file "$d/daily.cvd" ;;
            *check_replication_files*) set -- --manifest "$d/mx3.manifest" ;;
            *check_replication_drbd*) set -- --drbd-proc "$d/drbd" ;;
            *check_rrd*) set -- ; line=${line%/var/*}$d/disk.rrd ;;
            *) set -- --state "$d/state" --at "2025-03-11 12:00" ;;
            esac
            said=$(sh -c "$d/root$line \"\$@\"" nrpe "$@") || [ $? -lt 3 ] || echo "$line: $said"
        done)"

sh packaging/install.sh "$d/root" /usr "$BUILD" >"$d/out" 2>&1
ok $? "installs over itself"
none "and says nothing of it" "$(cat "$d/out")"

# --- what an administrator changed. $new: as if the next release had other samples
ini=$d/root/etc/mxgauge/mxgauge.ini cmd=$d/root/etc/nagios/nrpe.d/mxgauge.cfg
next() {
    for f in packaging plugins rrd-templates nagios-cfg cacti docs README.md CHANGELOG.md LICENSE; do
        [ ! -e $f ] || cp -R $f "$d/next/"
    done
    echo "# $1" >>"$d/next/nagios-cfg/nrpe/mxgauge.ini"
    echo "# $1" >>"$d/next/nagios-cfg/nrpe/mxgauge.cfg"
    (b=$(cd "$BUILD" && pwd) && cd "$d/next" && sh packaging/install.sh "$d/root" /usr "$b") >"$d/out" 2>&1
}
mkdir "$d/next"
echo "; ours" >>"$ini"
next "of the next release"
ok $? "a new release over it"
tail -n 1 "$ini" | grep -qx '; ours'
ok $? "leaves a file that was changed as it is"
tail -n 1 "$ini.new" | grep -qx '# of the next release'
ok $? "lays its own beside it"
grep -q "^$ini was changed and stays as it is" "$d/out"
ok $? "and says so"
tail -n 1 "$cmd" | grep -qx '# of the next release'
ok $? "what was not changed is the new one"
next "of the next release"
none "the same once more says nothing" "$(cat "$d/out")"
rm "$cmd" "$ini.new"
next "of the one after"
[ ! -e "$cmd" ]
ok $? "what was deleted stays away"
tail -n 1 "$ini" | grep -qx '; ours' && tail -n 1 "$ini.new" | grep -qx '# of the one after'
ok $? "what was changed stays, again"
rm "$d/root/etc/nagios-plugins/config/mxgauge" && mkdir "$d/root/etc/nagios-plugins/config/mxgauge"
next "of another"
[ -d "$d/root/etc/nagios-plugins/config/mxgauge" ] && grep -q 'config/mxgauge is none of ours' "$d/out"
ok $? "a folder of theirs under the name of a link stays"
mkdir -p "$d/bare/etc/nagios/nrpe.d"
sh packaging/install.sh "" "$d/bare" "$BUILD" "$d/bare/etc" >"$d/out" 2>&1
is "$(cd "$d/bare/etc" && find . -type f -o -type l | sort | tr '\n' ' ')" "./mxgauge/mxgauge.ini ./nagios/nrpe.d/mxgauge.cfg " \
    "on a machine itself, only for programs that are there"
grep -q "@$d/bare/etc/mxgauge/mxgauge.ini" "$d/bare/etc/nagios/nrpe.d/mxgauge.cfg"
ok $? "which find each other also elsewhere"

printf '#!/bin/sh\necho nothing\n' >"$d/mxgauge"
chmod 755 "$d/mxgauge"
mkdir "$d/bin" && mv "$d/mxgauge" "$d/bin/" && cp "$BUILD/bin/mxgauged" "$d/bin/"
! sh packaging/install.sh "$d/other" /usr "$d" >"$d/out" 2>&1
ok $? "a program without a page is a fault"
grep -q 'mxgauge --man gives no manual page' "$d/out"
ok $? "that is named"
done_testing
