#!/bin/sh
# places.t - whoever adds a dialect, a check or a metric has several places to touch;
# this names the forgotten one. TREE is the tree looked at.
set -u
. tests/tap.sh
cd "${TREE:-.}" || exit 1

dialects=$(sed -n 's/^DIALECT(\([a-z0-9_]*\)).*/\1/p' collector/dialect/list.def)
none "each dialect has its file, a golden log with what is wanted, a fuzz target, and a row in docs/dialects.md" "$(
    for d in $dialects; do
        [ -f collector/dialect/$d.c ] || echo "$d: no collector/dialect/$d.c"
        [ -f tests/fuzz/fuzz_$d.c ] || echo "$d: no tests/fuzz/fuzz_$d.c"
        ls tests/logs/$d/*.log >/dev/null 2>&1 || echo "$d: no tests/logs/$d/*.log"
        for log in tests/logs/$d/*.log; do
            [ ! -f "$log" ] || [ -f "${log%.log}.want" ] || echo "$d: no ${log%.log}.want"
        done
        grep -qiE "^\| *\[?\`?$d" docs/dialects.md 2>/dev/null || echo "$d: no row in docs/dialects.md"
    done)"
none "each dialect that exists is in list.def" "$(
    sed -n 's/^const struct dialect dialect_\([a-z0-9_]*\) .*/\1/p' collector/dialect/*.c | sort |
        while read -r d; do
            echo "$dialects" | grep -qx "$d" || echo "$d: no DIALECT($d) in collector/dialect/list.def"
        done)"

none "each check has a test, a command, a section with its limits and a sample service" "$(
    for f in plugins/check_*.c; do
        [ -f "$f" ] && grep -q '^main(' "$f" || continue
        c=$(basename "$f" .c)
        [ -f tests/plugins/$c.t ] || echo "$c: no tests/plugins/$c.t"
        cfg=nagios-cfg/nagios/commands/$c.cfg
        grep -q 'define command' $cfg 2>/dev/null || echo "$c: no command in $cfg"
        [ -f nagios-cfg/nrpe/mxgauge.ini ] || continue
        grep -qE "^\[$c(_[a-z]+)?\]" nagios-cfg/nrpe/mxgauge.ini || echo "$c: no section of it in nagios-cfg/nrpe/mxgauge.ini"
        sed '/^[[:space:]]*#/d' nagios-cfg/nagios/farm/*.cfg | grep -qE "check_command.*[ !]$c(_[a-z]+)?(!|$)" ||
            echo "$c: no sample service of it in nagios-cfg/nagios/farm"
    done)"
none "commands are defined with the commands, and services in the farm" "$(
    grep -l 'define service' nagios-cfg/nagios/commands/*.cfg 2>/dev/null | sed 's|$|: its sample service belongs to nagios-cfg/nagios/farm|'
    grep -l 'define command' nagios-cfg/nagios/farm/*.cfg 2>/dev/null | sed 's|$|: commands belong to nagios-cfg/nagios/commands|')"
# what the farm and NRPE name: sections of the ini file, commands of NRPE
sections=$(sed -n 's/^\[\(.*\)\]$/\1/p' nagios-cfg/nrpe/mxgauge.ini 2>/dev/null)
none "each section that a service names exists, and NRPE has a command for those that it runs" "$(
    sed -nE '/^[[:space:]]*#/d; s/.*check_command[[:space:]]+([a-z_]+)!([a-z_]+).*/\1 \2/p' nagios-cfg/nagios/farm/*.cfg 2>/dev/null |
        while read -r command section; do
            echo "$sections" | grep -qx "$section" || echo "$section: no section of mxgauge.ini"
            [ "$command" != mx_nrpe ] || grep -q "^command\[$section\]=.* --extra-opts=$section@" nagios-cfg/nrpe/mxgauge.cfg ||
                echo "$section: no command of nrpe/mxgauge.cfg"
        done)"
none "each section with limits says why" "$(
    awk '/^\[/ { if (!said) print $0 ": no comment before it says why"; said = 0 }
        /^# / { said = 1 }' nagios-cfg/nrpe/mxgauge.ini 2>/dev/null)"
none "each command is of a check that exists" "$(
    for f in nagios-cfg/nagios/commands/check_*.cfg; do
        [ ! -f "$f" ] || [ -f "plugins/$(basename "$f" .cfg).c" ] || echo "$f: no such check"
    done)"

# Gauges come from sensors; the parts by reason are counted and tested by their table.
counts=$(sed -n 's/^METRIC(\([a-z0-9_]*\), COUNT.*/\1/p' lib/metric.def)
none "each metric that is counted is counted somewhere" "$(
    for m in $counts; do
        grep -rw "M_$m" collector | grep -qv '^collector/view/' || echo "$m: nothing in collector/ counts M_$m"
    done)"
none "each metric that is counted has its number in a golden or a test" "$(
    for m in $counts; do
        case $m in b_*) continue ;; esac        # the books: tests hold the balance
        grep -rqwE "$m|M_$m" tests --include='*.json' --include='*.want' --include='*.c' \
            --include='*.t' --include='*.py' || echo "$m: in no test"
    done)"
none "names of metrics fit into an RRD" "$(
    sed -nE 's/^(METRIC|REASON)\(([a-z0-9_]*), *([a-z0-9_]*),.*/\1 \2 \3/p' lib/metric.def lib/reason.def |
        while read -r kind name short; do
            [ "$kind" = METRIC ] && longest=$name || longest=bounce_$short
            [ ${#longest} -le 19 ] || echo "$longest: longer than 19 characters"
        done)"
parts=$(sed -nE 's/^REASON\(([a-z0-9_]*), *([a-z0-9_]*),.*/rej_\1 tmp_\1 defer_\2 bounce_\2/p' lib/reason.def)
none "each metric of a template exists" "$(
    for f in rrd-templates/*.conf; do
        [ -f "$f" ] || continue
        sed 's/^[[:space:]]*#.*//' "$f" | tr '\n\t' '  ' | grep -oE '\b(ds|of) *= *\{[^}]*\}' |
            sed 's/^[^{]*{//' | tr -c 'a-z0-9_' '\n' | sort -u | while read -r m; do
                case " $(echo $parts) " in *" $m "*) continue ;; esac
                grep -q '^each = "dnsbl"' "$f" && case $m in hits | latency | unhealthy | unanswered) continue ;; esac
                case $m in '' | delay_p[0-9]* | delay_max | delay_total_*) continue ;; esac
                grep -qE "^METRIC\($m," lib/metric.def || echo "$f: $m is no row of lib/metric.def"
            done
    done)"
done_testing
