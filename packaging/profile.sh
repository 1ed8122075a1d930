#!/bin/sh
# profile.sh BUILD - let the programs of `make PGO=count` import a generated day of each mail
# system, Postfix' longest: they leave their counts in BUILD/profile.
set -eu
b=$1
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
trap 'exit 1' HUP INT TERM

import() { # LINES NAME [OPTION...]
    lines=$1 name=$2
    shift 2
    "$b/bench/genday" "$@" "$lines" 1 "$T/$name" "$T/truth"
    "$b/bin/mxgauge" import --state "$T/state-$name" --tz UTC --year 2026 "$T/$name" >/dev/null
}

import 300000 postfix
for mta in exim sendmail opensmtpd qmail; do
    import 20000 $mta -M $mta
done
