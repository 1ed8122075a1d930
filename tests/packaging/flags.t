#!/bin/sh
# flags.t - where there is no PATH (cron, "env -i") make builds with the same flags.
set -u
. tests/tap.sh
# how VAR=VALUE...: how make would compile a file
how() { env -i "$@" make -n NODEPS=1 -W lib/buf.c build/obj/lib/buf.o | grep -o 'cc .*-c -o build/obj/lib/buf.o.*'; }
a=$(how PATH="${PATH:-/usr/bin:/bin}") b=$(how)
[ -n "$a" ]
ok $? "make says how it compiles"
is "$b" "$a" "and it is the same without a PATH"
done_testing
