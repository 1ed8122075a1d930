#!/bin/sh
# install.sh DESTDIR PREFIX BUILD - for "make install": programs, checks, templates,
# manual pages, samples.
#
# Nothing is started, no account is made, /etc is left alone: that is the package's or
# the administrator's work (docs, section "Installing").
set -eu
to=$1$2 build=$3
share=$to/share/mxgauge doc=$to/share/doc/mxgauge man=$to/share/man

# put MODE FOLDER FILE...: those of the files that are there
put() {
    mode=$1 folder=$2
    shift 2
    install -d "$folder"
    for f in "$@"; do
        [ ! -f "$f" ] || install -m "$mode" "$f" "$folder/"
    done
}

# manual SECTION PROGRAM: programs write their own page
manual() {
    install -d "$man/man$1"
    "$2" --man >"$man/man$1/new" 2>/dev/null || :       # a check that prints no state ends with 3
    if grep -q '^\.TH' "$man/man$1/new"; then
        mv "$man/man$1/new" "$man/man$1/$(basename "$2").$1"
    else
        rm -f "$man/man$1/new"
    fi
}

put 755 "$to/bin" "$build"/bin/mxgauge
put 755 "$to/sbin" "$build"/bin/mxgauged
put 755 "$to/lib/nagios/plugins" "$build"/plugins/check_*
put 644 "$share/rrd-templates" rrd-templates/*.conf
put 644 "$share/nagios" nagios-cfg/nagios/commands/*.cfg
put 644 "$share/nrpe" nagios-cfg/nrpe/*
put 644 "$share/icinga2" nagios-cfg/icinga2/*
put 644 "$share/cacti" cacti/*.xml
put 644 "$doc" README.md CHANGELOG.md LICENSE docs/*.md
put 644 "$to/lib/systemd/system" packaging/*.service
manual 1 "$build/bin/mxgauge"
manual 8 "$build/bin/mxgauged"
for c in "$build"/plugins/check_*; do
    manual 1 "$c"
done
