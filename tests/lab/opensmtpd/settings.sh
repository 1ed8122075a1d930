# settings.sh - OpenSMTPD in the private files of lab.sh. $ROOT is its package, unpacked.
# shellcheck shell=sh disable=SC2154  # here: of lab.sh
#
# Its paths are built in: /usr/libexec/opensmtpd, /var/spool/smtpd, /var/lib/opensmtpd/empty.
settings() {
    for d in /usr/libexec /var/lib /run; do
        mkdir -p tmp
        mount -n -t tmpfs -o mode=755 lab tmp
        mount -n --move tmp $d
    done
    rmdir tmp
    echo 'opensmtpd:x:61101:61101::/nonexistent:/bin/false
opensmtpq:x:61102:61102::/nonexistent:/bin/false' >>/etc/passwd
    echo 'opensmtpd:x:61101:
opensmtpq:x:61102:' >>/etc/group
    mkdir -p /var/lib/opensmtpd/empty /var/spool/smtpd /etc/opensmtpd
    chmod 711 /var/spool/smtpd
    cp -a "$ROOT/usr/libexec/opensmtpd" /usr/libexec/
    install -g opensmtpq -m 2755 "$ROOT/usr/sbin/smtpctl" /usr/libexec/opensmtpd/smtpctl
    ln -s smtpctl /usr/libexec/opensmtpd/sendmail
    cp "$here"/opensmtpd/smtpd.conf /etc/opensmtpd/
    surroundings /etc/opensmtpd/lab.pem
    mkdir /var/lib/home     # it warns where a user has none
    sed -i 's|/nonexistent|/var/lib/home|' /etc/passwd
    # the password is "secret"
    echo "anna $(openssl passwd -6 -salt lab secret)" >/etc/opensmtpd/passwords
    chmod 644 /etc/opensmtpd/passwords
}
