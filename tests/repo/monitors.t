#!/bin/sh
# monitors.t - the sample configurations agree: Icinga's commands are what `make gen` makes of the checks' help,
# Icinga's farm has the services of Nagios' farm, and what they name exists. TREE is the tree looked at.
set -u
: "${BUILD:=build}"
case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
. tests/tap.sh
cd "${TREE:-.}" || exit 1
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
nagios=nagios-cfg/nagios/farm icinga=nagios-cfg/icinga2/farm ini=nagios-cfg/nrpe/mxgauge.ini

missing=$(sed -n '/^main(/F' plugins/check_*.c | sed 's|.*/||; s|\.c$||' | while read -r c; do
    [ -x "$BUILD/plugins/$c" ] || echo "$c"
done)
if [ -z "$missing" ]; then
    perl packaging/icinga2.pl "$BUILD" >"$d/commands.conf"
    none "nagios-cfg/icinga2/commands.conf is current; else: make gen" "$(diff "$d/commands.conf" nagios-cfg/icinga2/commands.conf)"
else
    echo "ok $((tap_n += 1)) - nagios-cfg/icinga2/commands.conf is current # skip not built:" $missing
fi
none "each option of a check is an argument there" "$(
    for p in "$BUILD"/plugins/check_*; do
        sed -n "/^object CheckCommand \"${p##*/}\"/,/^}/s/^\t\t\"--\([a-z0-9-]*\)\" = {/\1/p" nagios-cfg/icinga2/commands.conf |
            sort -u >"$d/have"
        "$p" --help | sed -nE 's/^  (-[A-Za-z], |    )--([a-z0-9-]+).*/\2/p' | sort -u |
            grep -vxE 'help|version|man|completion' | comm -23 - "$d/have" | sed "s|^|${p##*/}: --|"
    done)"

# one list of services: what a passive result is called, too
sed -n '/^#/d; s/^ *service_description  *//p' $nagios/*.cfg | sed 's/^Disk: spool of .*/Disk: spool of /' |
    grep -vx NRPE | sort -u >"$d/nagios"
sed -nE 's/^\t?apply Service "([^"]*)".*/\1/p; s/^for \(said in \[ (.*) \]\).*/\1/p' $icinga/*.conf |
    awk '/^"/ { n = split($0, a, "\", \""); for (i = 1; i <= n; i++) { gsub("\"", "", a[i]); print a[i] } next } { print }' |
    grep -vx Agent | sort -u >"$d/icinga"
none "the farms of Nagios and Icinga have the same services" "$(diff "$d/nagios" "$d/icinga")"
sed -nE 's/^passive "(.*)" \{$/\1/p; s/^heartbeat = "(.*)"$/\1/p' packaging/passive/farm.conf | sort -u >"$d/sent"
sed -n '/^#/d; s/^ *service_description  *//p' $nagios/passive.cfg | grep -v , | sort -u >"$d/awaited"
none "what a collector behind NAT sends is what Nagios' farm awaits" "$(diff "$d/sent" "$d/awaited")"
{
    cat packaging/passive/farm.conf packaging/passive/monitor-nagios.conf
    echo 'source "mail" { files = { /var/log/mail.log } }'
} >"$d/conf"
none "as mxgauge takes it" "$("$BUILD/bin/mxgauge" check-config "$d/conf" 2>&1 | grep -E ':[0-9]+:|there is|there are')"
none "with limits of mxgauge.ini" "$(
    sed -nE 's/.*--extra-opts=([a-z_]*)@.*/\1/p' packaging/passive/farm.conf | while read -r s; do
        grep -qx "\[$s\]" $ini || echo "$s"
    done)"
none "each section that Icinga's farm names exists" "$(
    sed -nE 's/.*_extra_opts = "([a-z_]+)" \+ MxIni.*/\1/p' $icinga/*.conf | sort -u | while read -r s; do
        grep -qx "\[$s\]" $ini || echo "$s"
    done)"
none "each custom variable that Icinga's farm sets is one of a command" "$(
    awk '/^apply|^}/ { command = "" } /check_command = "check_/ { gsub(/"/, ""); command = $3 }
        /^\tvars\.[a-z_0-9]+ =/ && command != "" { sub(/^\tvars\./, ""); print $1 }' $icinga/*.conf | sort -u | while read -r v; do
        case $v in mx_class | mx_needs_state) continue ;; esac
        grep -q "\"\\\$$v\\\$\"" nagios-cfg/icinga2/commands.conf || echo "$v"
    done)"
none "each section is somebody's" "$(
    sed -n 's/^\[\(.*\)\]$/\1/p' $ini | while read -r s; do
        cat $nagios/*.cfg nagios-cfg/nrpe/mxgauge.cfg nagios-cfg/nagios/commands/*.cfg | grep -qE "[!=]$s(@|!|$)" ||
            [ "$s" = check_reject_ratio_host ] || echo "$s"
    done)"
# A check reads all options before it says that it knows no such measurement; so nobody is asked anything.
none "each section is understood by its check" "$(
    for p in "$BUILD"/plugins/check_*; do echo "${p##*/}"; done >"$d/checks"
    sed -n 's/^\[\(.*\)\]$/\1/p' $ini | while read -r s; do
        c=$(awk -v s="$s" 'index(s, $0) == 1 && length($0) > n { c = $0; n = length($0) } END { print c }' "$d/checks")
        case $s in check_smtp_* | check_lmtp) c=check_smtp_latency ;; esac
        "$BUILD/plugins/$c" --extra-opts="$s@$ini" -c nonsense=1 >"$d/out" 2>&1
        grep -vF nonsense "$d/out" | grep -E 'unknown option|, not "|wants a|is no option|there is no' | sed "s|^|$s: |"
    done)"
done_testing
