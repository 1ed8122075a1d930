# syslogng_test.sh - what the tests with a real syslog-ng share: its files, and how it is started.
# shellcheck shell=sh
#
# Sourced after sender_test.sh. $what is what the test needs, $sample says which of packaging/syslog-ng it sends as.
sample=mxgauge
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
sender_needs "${what:-syslog-ng}"
[ -e "$ROOT/libwrap0.done" ] || skip_all "lab: syslog-ng: its packages cannot be had"
version=$(basename "$ROOT"/usr/lib/syslog-ng/[0-9]*)

# syslogng [SED-EXPRESSION]: start it, as packaging/syslog-ng/$sample.conf says, but for folders
syslogng() {
    mkdir -p "$D/ng/spool"
    {
        printf '@version: %s\noptions { keep-hostname(yes); use-dns(no); time-reopen(1); };\n' "$version"
        printf 'source s_src { unix-dgram("%s/socket"); internal(); };\n' "$D/ng"
        printf 'rewrite r { set("ng", value("HOST")); };\n'
        printf 'log { source(s_src); rewrite(r); destination { file("%s/file" template("$ISODATE $HOST $MSGHDR$MSG\\n")); }; };\n' "$D/ng"
        sed -e "s|/var/lib/syslog-ng|$D/ng/spool|; s|/etc/syslog-ng/|$D/|g; s/source(s_src);/& rewrite(r);/; ${1:-}" \
            "packaging/syslog-ng/$sample.conf"
    } >"$D/ng/conf"
    run ng env LD_LIBRARY_PATH="$ROOT/usr/lib/x86_64-linux-gnu:$ROOT/lib/x86_64-linux-gnu:$ROOT/usr/lib/syslog-ng" "$ROOT/usr/sbin/syslog-ng" -F --no-caps \
        --module-path="$ROOT/usr/lib/syslog-ng/$version" -f "$D/ng/conf" -R "$D/ng/persist" \
        -p "$D/ng/its.pid" -c "$D/ng/ctl"
}
