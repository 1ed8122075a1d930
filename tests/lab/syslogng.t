#!/bin/sh
# syslogng.t - a real syslog-ng sends to mxgauged over TCP, as docs/inputs.md says (packaging/syslog-ng), with
# its reliable disk buffer, while mxgauged is stopped, killed and cut off, and syslog-ng is killed.
# LAB=all: away for two minutes.
set -u
# shellcheck source=tests/lab/sender_test.sh
. tests/lab/sender_test.sh
# Its package cannot be installed beside rsyslog: its files are enough. The namespace has no network.
ROOT=$PWD/${BUILD:=build}/lab/syslog-ng
case $BUILD in /*) ROOT=$BUILD/lab/syslog-ng ;; esac
if [ -n "${LAB:-}" ] && [ -z "${INSIDE:-}" ]; then
    for p in syslog-ng-core libivykis0 libnet1 libwrap0; do
        [ -e "$ROOT/$p.done" ] && continue
        mkdir -p "$ROOT"
        (cd "$ROOT" && apt-get download "$p" && dpkg -x "$p"_*.deb . && : >"$p.done") >/dev/null 2>&1
    done
fi
sender_needs syslog-ng
[ -e "$ROOT/libwrap0.done" ] || skip_all "lab: syslog-ng: its packages cannot be had"
away=4
[ "${LAB:-}" != all ] || away=120

version=$(basename "$ROOT"/usr/lib/syslog-ng/[0-9]*)

# syslogng: start it
syslogng() {
    mkdir -p "$D/ng/spool"
    {
        printf '@version: %s\noptions { keep-hostname(yes); use-dns(no); time-reopen(1); };\n' "$version"
        printf 'source s_src { unix-dgram("%s/socket"); internal(); };\n' "$D/ng"
        printf 'rewrite r { set("ng", value("HOST")); };\n'
        printf 'log { source(s_src); rewrite(r); destination { file("%s/file" template("$ISODATE $HOST $MSGHDR$MSG\\n")); }; };\n' "$D/ng"
        sed -e "s|/var/lib/syslog-ng|$D/ng/spool|; s/source(s_src);/& rewrite(r);/" packaging/syslog-ng/mxgauge.conf
    } >"$D/ng/conf"
    run ng env LD_LIBRARY_PATH="$ROOT/usr/lib/x86_64-linux-gnu:$ROOT/lib/x86_64-linux-gnu:$ROOT/usr/lib/syslog-ng" "$ROOT/usr/sbin/syslog-ng" -F --no-caps \
        --module-path="$ROOT/usr/lib/syslog-ng/$version" -f "$D/ng/conf" -R "$D/ng/persist" \
        -p "$D/ng/its.pid" -c "$D/ng/ctl"
}

printf 'state = "%s/state"\ntemplates = "%s/rrd-templates"\nsource farm {\n listen = { "tcp:192.0.2.10:5514" }\n allow = { "192.0.2.0/24" }\n}\n' \
    "$D" "$PWD" >"$D/conf"
start
mkdir -p "$D/ng"
syslogng
log_to 200 ng
flows ng
saw $? "lines arrive"
stop TERM
sleep $away     # how long it is away
start
flows ng
saw $? "away for $away seconds: lines arrive again"
for round in 1 2 3; do
    stop KILL
    start
    flows ng || break
done
saw $? "killed $round times: lines arrive again"
log_ends
wait_for is_lines ng "$logged"
is "$(lines_of ng)" "$logged" "the local file has every line"
[ "${longest%.*}" -lt 2 ]
saw $? "no program waited longer than $longest s for its log"
settled ng
[ "$got" -le "$logged" ] && [ "$got" -gt $((logged / 2)) ]
saw $? "$((logged - got)) of $logged lines were lost on the way, none came twice"

before=$(lines_of ng) had_before=$(had ng)
log_to 200 ng
flows ng
end ng KILL
syslogng
flows ng
saw $? "syslog-ng was killed: lines arrive again"
log_ends
sync_file ng
settled ng
lost=$(($(lines_of ng) - before - (got - had_before)))
[ $lost -ge 0 ]
saw $? "$lost lines were lost, none came twice"
done_testing
