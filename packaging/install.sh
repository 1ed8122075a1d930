#!/bin/sh
# install.sh DESTDIR PREFIX BUILD - for "make install": programs, checks, templates,
# manual pages, samples, the unit.
#
# Nothing is started, no account is made, /etc is left alone: that is the package's or
# the administrator's work (README.md, section "Installing"). What the umask says does
# not matter.
set -eu
umask 022
prefix=$2 to=$1$2 build=$3
share=$to/share/mxgauge doc=$to/share/doc/mxgauge
new=$(mktemp)
trap 'rm -f "$new"' EXIT

# put MODE FOLDER FILE...: those of the files that are there
put() {
    mode=$1 folder=$2
    shift 2
    install -d "$folder"
    for f in "$@"; do
        [ ! -f "$f" ] || install -m "$mode" "$f" "$folder/"
    done
}

# put_with_prefix FOLDER FILE...: files that name our programs
put_with_prefix() {
    folder=$1
    shift
    install -d "$folder"
    for f in "$@"; do
        sed "s|/usr/local/|$prefix/|g" "$f" >"$new"
        install -m 644 "$new" "$folder/${f##*/}"
    done
}

# manual PROGRAM: programs write their own page, and its first line has the section
manual() {
    "$1" --man >"$new" || :     # a check that prints no state ends with 3
    section=$(sed -n '1s/^\.TH "[^"]*" \([1-8]\) .*/\1/p' "$new")
    if [ -z "$section" ]; then
        echo "$1 --man gives no manual page" >&2
        exit 1
    fi
    install -d "$to/share/man/man$section"
    install -m 644 "$new" "$to/share/man/man$section/${1##*/}.$section"
}

put 755 "$to/bin" "$build"/bin/mxgauge
put 755 "$to/sbin" "$build"/bin/mxgauged
put 755 "$to/lib/nagios/plugins" "$build"/plugins/check_*
put 644 "$share/rrd-templates" rrd-templates/*.conf
put 644 "$share" plugins/*.conf
put 644 "$share/nagios" nagios-cfg/nagios/commands/*.cfg
put 644 "$share/icinga2" nagios-cfg/icinga2/*
put 644 "$share/cacti" cacti/*.xml
put 644 "$doc" README.md CHANGELOG.md LICENSE
put 644 "$doc/docs" docs/*.md
put 644 "$doc/docs/img" docs/img/*.png
put_with_prefix "$share/nrpe" nagios-cfg/nrpe/*.cfg
put_with_prefix "$share/passive" packaging/passive/*.conf
put_with_prefix "$to/lib/systemd/system" packaging/*.service
for program in "$build"/bin/mxgauge "$build"/bin/mxgauged "$build"/plugins/check_*; do
    manual "$program"
done
