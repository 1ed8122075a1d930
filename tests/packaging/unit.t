#!/bin/sh
# unit.t - what systemd itself says of the unit: it can be read, and little is left open.
set -u
: "${BUILD:=build}"
# shellcheck source=tests/tap.sh
. tests/tap.sh
D=$(mktemp -d "${TMPDIR:-/tmp}/mx-unit.XXXXXX") || exit 1
trap 'rm -rf "$D"' EXIT
command -v systemd-analyze >/dev/null 2>&1 || skip_all "systemd-analyze is not installed"

u=$D/mxgauged.service
sed "s|^ExecStart=[^ ]*|ExecStart=$(realpath "$BUILD")/bin/mxgauged|" packaging/mxgauged.service >"$u"
systemd-analyze verify --man=no "$u" >"$D/said" 2>&1
ok $? "the unit is good"
# it looks at what the machine has, too
none "and nothing is said of it" "$(grep mxgauged "$D/said")"

if systemd-analyze security --offline=true --no-pager "$u" >"$D/said" 2>&1; then
    level=$(sed -n 's/.*exposure level for mxgauged.service: \([0-9.]*\).*/\1/p' "$D/said")
    awk -v l="${level:-10}" 'BEGIN { exit !(l <= 1.8) }'
    ok $? "what it leaves open is at most 1.8 of 10, the right to count queues included: $level"
    [ -n "$level" ] || sed 's/^/# /' "$D/said"
else
    ok 0 "what it leaves open # SKIP this systemd-analyze has no --offline"
fi

p=$D/mxgauge-passive.service
sed "s|^ExecStart=[^ ]*|ExecStart=$(realpath "$BUILD")/bin/mxgauge|" packaging/mxgauge-passive.service >"$p"
systemd-analyze verify --man=no "$p" >"$D/said" 2>&1
none "the unit of mxgauge passive is good" "$(grep mxgauge-passive "$D/said")"

# Each page that a unit names is in the section that the program gives it.
none "the units name manual pages that there are" "$(
    sed -n 's/^Documentation=man:\([a-z]*\)(\([0-9]\))$/\1 \2/p' packaging/*.service | while read -r page section; do
        "$BUILD/bin/$page" --man | head -n 1 | grep -q "^.TH \"$page\" $section " || echo "$page($section)"
    done)"

# what the daemon does for its unit
for line in Type=notify WatchdogSec= 'ExecReload=/bin/kill -HUP' SupplementaryGroups=adm User=; do
    grep -q "^$line" "$u"
    ok $? "the unit has $line"
done
done_testing
