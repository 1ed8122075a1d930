#!/bin/sh
# install.sh DESTDIR PREFIX BUILD [SYSCONFDIR] - for "make install": programs, checks, templates,
# manual pages, samples, the unit; and in SYSCONFDIR what Nagios, NRPE and Icinga 2 look for there.
#
# Nothing is started and no account is made: that is the package's or the administrator's work
# (README.md, section "Installing"). A file in SYSCONFDIR that was changed stays: the new one is laid
# beside it as FILE.new, and that is said. Of programs that are not installed nothing is made there,
# but with a DESTDIR everything: for packages. What the umask says does not matter.
set -eu
umask 022
destdir=$1 prefix=$2 build=$3 sysconfdir=${4:-/etc}
to=$1$2 etc=$1$sysconfdir
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
        [ -f "$f" ] || continue
        sed "s|/usr/local/|$prefix/|g; s|/etc/mxgauge|$sysconfdir/mxgauge|g" "$f" >"$new"
        install -m 644 "$new" "$folder/${f##*/}"
    done
}

# wanted FOLDER: is there a program that reads it?
wanted() {
    [ -d "$1" ] || { [ -n "$destdir" ] && install -d "$1"; }
}

# settle SAMPLE FILE: the sample as a file of the administrator's. What was installed there is remembered
# in share/mxgauge/installed: who changed it since keeps his, and who deleted it does without.
settle() {
    last=$share/installed/${1##*/}
    install -d "$share/installed"
    if [ ! -f "$2" ] && [ ! -f "$last" ] || { [ -f "$2" ] && cmp -s "$2" "$last"; }; then
        install -m 644 "$1" "$2"
        rm -f "$2.new"
    elif [ -f "$2" ] && ! cmp -s "$1" "$2" && ! cmp -s "$1" "$last"; then
        install -m 644 "$1" "$2.new"
        echo "$2 was changed and stays as it is; what is new: diff $2 $2.new"
    fi
    install -m 644 "$1" "$last"
}

# point FOLDER NAME TARGET: a link, so that upgrades come along
point() {
    if [ -L "$1/$2" ] || [ ! -e "$1/$2" ]; then
        rm -f "$1/$2"
        ln -s "$3" "$1/$2"
    else
        echo "$1/$2 is none of ours and stays; ours is $3"
    fi
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

# completion PROGRAM: what bash reads to complete its options, written by itself too
completion() {
    "$1" --completion >"$new" || :
    install -d "$to/share/bash-completion/completions"
    install -m 644 "$new" "$to/share/bash-completion/completions/${1##*/}"
}

put 755 "$to/bin" "$build"/bin/mxgauge
put 755 "$to/sbin" "$build"/bin/mxgauged
put 755 "$to/lib/nagios/plugins" "$build"/plugins/check_*
put 644 "$share/rrd-templates" rrd-templates/*.conf
put 644 "$share" plugins/*.conf
"$build"/bin/mxgauge cacti-templates --templates rrd-templates --program "$prefix/bin/mxgauge" --out "$share/cacti" >"$new"
put 755 "$share/cacti" cacti/mxgauge-cacti
put 644 "$doc" README.md CHANGELOG.md LICENSE
put 644 "$doc/docs" docs/*.md
put 644 "$doc/docs/img" docs/img/*.png
for folder in nagios/commands nagios/farm nagios/one nrpe icinga2 icinga2/farm; do
    put_with_prefix "$share/$folder" nagios-cfg/$folder/*.*
done
put_with_prefix "$share/passive" packaging/passive/*.conf
put 644 "$share/rsyslog" packaging/rsyslog/*.conf
put 644 "$share/syslog-ng" packaging/syslog-ng/*.conf
put_with_prefix "$to/lib/systemd/system" packaging/*.service
for program in "$build"/bin/mxgauge "$build"/bin/mxgauged "$build"/plugins/check_*; do
    manual "$program"
    completion "$program"
done
install -d "$etc/mxgauge"
settle "$share/nrpe/mxgauge.ini" "$etc/mxgauge/mxgauge.ini"
! wanted "$etc/nagios/nrpe.d" || settle "$share/nrpe/mxgauge.cfg" "$etc/nagios/nrpe.d/mxgauge.cfg"
! wanted "$etc/nagios-plugins/config" ||
    point "$etc/nagios-plugins/config" mxgauge "$prefix/share/mxgauge/nagios/commands"
! wanted "$to/share/cacti" || point "$to/share/cacti" mxgauge "$prefix/share/mxgauge/cacti"
! wanted "$etc/icinga2/conf.d" ||
    point "$etc/icinga2/conf.d" mxgauge-commands.conf "$prefix/share/mxgauge/icinga2/commands.conf"
