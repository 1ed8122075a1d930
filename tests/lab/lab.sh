#!/bin/sh
# lab.sh OUT [ROUNDS] - a real Postfix, two instances, in namespaces of its own; or the mail
# system that $MTA names, by MTA/settings.sh and MTA/plot.py; or $PLOT instead of plot.py.
#
# Leaves in OUT mail.log (RFC 3164 stamps), mail.iso (RFC 3339), account.json (what was
# done, by the names of metric.def) and lab.out (talk). Mounts, network, host name and
# processes are the namespaces': the machine's files and daemons stay as they were, and
# whatever kills this script ends all that it started. The only route is loopback.
# Needs root. ROUNDS repeats the whole plot, for the recorded day.
set -eu
if [ -z "${LAB_INSIDE:-}" ]; then
    # Some containers grant no /proc of one's own; then the plot alone ends what it started.
    pids="--pid --fork --kill-child --mount-proc"
    # shellcheck disable=SC2086
    unshare $pids true 2>/dev/null || pids=
    # shellcheck disable=SC2086
    exec env LAB_INSIDE=1 PYTHONDONTWRITEBYTECODE=1 unshare --mount --net --uts $pids sh "$0" "$@"
fi
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
cd "$1"         # from here on by relative names: what is mounted over does not matter
exec >lab.out 2>&1

private_files() {
    for d in /etc /var/spool /var/log /var/mail /var/lib/postfix /dev; do
        mkdir -p tmp
        mount -t tmpfs -o mode=755 lab tmp
        case $d in
        /etc) cp -a /etc/. tmp/ ;;
        /dev)
            for n in null zero full random urandom tty; do
                : >tmp/$n
                mount --bind /dev/$n tmp/$n
            done
            ;;
        esac
        mount --move tmp $d
    done
    chmod 1777 /var/mail
    rmdir tmp
}

# What every mail system finds: users, names, a certificate at $1.
surroundings() {
    for u in anna bert carla; do
        echo "$u:x:$((61000 + $(echo $u | wc -c))):65534::/nonexistent:/bin/false" >>/etc/passwd
    done
    echo 'nameserver 127.0.0.1
options timeout:1 attempts:1' >/etc/resolv.conf
    echo '127.0.0.1 localhost
192.0.2.25 mx1.example.org mx1' >/etc/hosts
    echo 'hosts: files dns
passwd: files
group: files' >/etc/nsswitch.conf
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=mx1.example.org \
        -keyout "$1" -out cert.tmp
    cat cert.tmp >>"$1"
    rm cert.tmp
    chmod 600 "$1"
}

postfix_settings() {
    install -d /etc/postfix /etc/postfix-out /var/lib/postfix/out /var/spool/postfix /var/spool/postfix-out
    cp "$here"/postfix/* /etc/postfix/
    cp "$here"/postfix-out/* /etc/postfix-out/
    chown postfix /var/lib/postfix /var/lib/postfix/out
    chmod 755 /etc/postfix/pipefilter
    surroundings /etc/postfix/lab.pem
}

settings() {
    postfix_settings
}

network() {
    hostname mx1
    ip link set lo up
    ip addr add 192.0.2.25/32 dev lo
    for net in 192.0.2.0/24 198.51.100.0/24 203.0.113.0/24; do
        ip route add local $net dev lo
    done
    # smtp-source can't choose its address: these are whom it comes as.
    for n in 25 26 27 28; do
        ip route add local 192.0.2.$n/32 dev lo src 198.51.100.$n 2>/dev/null ||
            ip route replace local 192.0.2.$n/32 dev lo table local src 198.51.100.$n
    done
}

plot=$here/plot.py
if [ -n "${MTA:-}" ]; then
    plot=$here/$MTA/plot.py
    # shellcheck source=/dev/null
    . "$here/$MTA/settings.sh"
fi
[ -z "${PLOT:-}" ] || plot=$here/$PLOT
private_files
settings
network
PYTHONPATH=$here /usr/bin/python3 "$plot" "${2:-1}"
