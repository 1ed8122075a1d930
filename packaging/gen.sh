#!/bin/sh
# gen.sh BUILD - make what is generated and committed.
set -eu
cd "$(dirname "$0")/.."
mkdir -p docs
sh packaging/metrics.sh >docs/metrics.md.new
mv docs/metrics.md.new docs/metrics.md
