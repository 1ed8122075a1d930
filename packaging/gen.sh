#!/bin/sh
# gen.sh BUILD - make what is generated and committed. A file is replaced only as a whole.
set -eu
cd "$(dirname "$0")/.."
build=$1
new=$(mktemp)
trap 'rm -rf "$new" "$new.d"' EXIT

# gen FILE COMMAND...: FILE is what the command prints
gen() {
    file=$1
    shift
    "$@" >"$new"
    cat "$new" >"$file"
}
mkdir -p docs cacti
gen docs/metrics.md sh packaging/metrics.sh
gen docs/configuration.md "$build/bin/mxgauge" setup --manual
gen docs/messages.md "$build/bin/mxgauged" --messages
gen nagios-cfg/icinga2/commands.conf perl packaging/icinga2.pl "$build"

"$build/bin/mxgauge" cacti-templates --templates rrd-templates --out "$new.d" >/dev/null
for file in "$new.d"/*.xml; do
    gen "cacti/${file##*/}" cat "$file"
done
