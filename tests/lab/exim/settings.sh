# settings.sh - Exim in the private files of lab.sh. $ROOT is its package, unpacked.
# shellcheck shell=sh disable=SC2154  # here: of lab.sh
#
# Its configuration must lie where it was built to look. It runs itself again with the
# rights of root: the environment does not lead it to its library, so ldconfig does.
settings() {
    for d in /var/cache/ldconfig /var/lib /run; do
        [ -d $d ] || continue
        mkdir -p tmp
        mount -n -t tmpfs -o mode=755 lab tmp
        mount -n --move tmp $d
    done
    rm -rf tmp
    echo "$ROOT/usr/lib/x86_64-linux-gnu" >/etc/ld.so.conf.d/lab.conf
    /sbin/ldconfig -i
    echo 'Debian-exim:x:61101:61101::/nonexistent:/bin/false' >>/etc/passwd
    echo 'Debian-exim:x:61101:' >>/etc/group
    install -d -o Debian-exim -g Debian-exim /var/spool/exim4 /var/log/exim4
    mkdir -p /etc/exim4
    sed "s|@ROOT@|$ROOT|" "$here"/exim/exim4.conf >/etc/exim4/exim4.conf
    surroundings /etc/exim4/lab.pem
    chmod 644 /etc/exim4/lab.pem
}
