#!/bin/sh
# metrics.t - docs/metrics.md is what `make gen` makes of the sources.
set -u
. tests/tap.sh
new=$(mktemp) || exit 1
trap 'rm -f "$new"' EXIT
sh packaging/metrics.sh >"$new"
none "docs/metrics.md is current; else: make gen" "$(diff "$new" docs/metrics.md)"
rows=$(grep -c '^| `' docs/metrics.md)
wanted=$(($(grep -c '^METRIC(' lib/metric.def) + 4 * $(grep -c '^REASON(' lib/reason.def)))
test "$rows" = "$wanted"
ok $? "it has a row for each metric ($rows of $wanted)"
none "no row lacks its meaning" "$(grep '^| `' docs/metrics.md | grep -E '\|  \|.*\|$' | grep -vE '\|  \|$')"
done_testing
