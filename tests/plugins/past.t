#!/bin/sh
# past.t - check_reject_ratio against the weeks before: a state of five weeks whose last day has
# a good hour, one in which a list answers nothing, one with another reason, and a silent one.
set -u
# shellcheck source=tests/plugins/plugin_test.sh
. tests/plugins/plugin_test.sh
# shellcheck source=tests/plugins/weeks_test.sh
. tests/plugins/weeks_test.sh
check=$BUILD/plugins/check_reject_ratio

at() { shift_at=$1; shift; run "$@" --at "2026-11-20 $shift_at" -w change=5 -c change=10 -w traffic=50: -c traffic=10:; }

weeks 4 0 >"$dir/log"
import "$dir/log"; ok "a state of five weeks"
at 10:45 0; ok "an ordinary hour is well"
says "shares as usual" || says "change=0"; ok "and its shares are as usual"
at 11:45 2 -v; ok "a list that answers nothing is CRITICAL, though nothing is refused"
says "where 9" && says "is usual at this time"; ok "with what is usual"
at 12:45 2; ok "so is a flood of unknown recipients, though the ratio is about the same"
says "unknown_rcpt "; ok "which is named"
# five recipients a minute
run 1 --at "2026-11-20 11:05" -c change=5 -w sudden=5 --min-rcpt 15; ok "four minutes of it are seen before the window is full of it"
says "ratio 0% in 4 min where 90" && says "with dnsbl 0% where 90"; ok "with the reason that the ratio moved with"
run 0 --at "2026-11-20 11:05" -w sudden=5 --min-rcpt 21; ok "not where so few recipients are not judged"
run 0 --at "2026-11-20 10:59" -w sudden=5 --min-rcpt 15; ok "nor before it began"
run 0 --at "2026-11-20 11:04" -w sudden=5 --sudden 10m; ok "nor at once in ten minutes"
at 13:45 2; ok "silence is CRITICAL"
says "no recipients in 15 min" && says "0 recipients where "; ok "and says how many there should be"
at 03:45 0; ok "at night nobody is missed"
run 0 --at "2026-11-20 11:45"; ok "without a limit nothing is compared"
silent "usual"; ok "and nothing is said"
rm -rf "$dir/state"
weeks 1 0 >"$dir/log"
import "$dir/log"; ok "a state of one week"
at 11:45 0; ok "knows nothing of what is usual, and is quiet"
says "What is usual is not known yet: the state goes back 7.5 d"; ok "but says so"
run 2 --json --state "$dir/state" --at "2026-11-20 11:45" -c change=10 -c ratio=50: ; ok "other limits hold"
done_testing
