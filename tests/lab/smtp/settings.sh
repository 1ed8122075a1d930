# settings.sh - Postfix, Exim, OpenSMTPD and Dovecot side by side in the private files of lab.sh, for
# check_smtp_latency. $EXIM and $OPENSMTPD are their packages, unpacked.
# shellcheck shell=sh disable=SC2154  # here: of lab.sh
settings() {
    for part in exim opensmtpd; do
        # shellcheck source=/dev/null
        (. "$here/$part/settings.sh" && case $part in
            exim) ROOT=$EXIM ;;
            *) ROOT=$OPENSMTPD ;;
            esac && settings)
    done
    mkdir -p /var/cache/ldconfig /run/dovecot /var/lib/dovecot /var/lib/postfix /var/spool/postfix /etc/lab
    echo "$EXIM/usr/lib/x86_64-linux-gnu" >/etc/ld.so.conf.d/lab.conf
    /sbin/ldconfig
    chown postfix /var/lib/postfix
    sh "$here/../fake/certs.sh" /etc/lab
    chmod 644 /etc/lab/*.pem
    install -m 600 /etc/lab/rsa.key /etc/lab/opensmtpd.key
    sed "s|@ROOT@|$EXIM|" "$here/smtp/exim4.conf" >/etc/exim4/exim4.conf
    cp "$here/smtp/smtpd.conf" /etc/opensmtpd/smtpd.conf
    cp "$here/smtp/main.cf" "$here/smtp/master.cf" /etc/postfix/
    cp "$here/smtp/dovecot.conf" /etc/dovecot/lab.conf
    echo 'anna:{PLAIN}secret:61006:65534::/var/mail/anna::' >/etc/dovecot/lab.users
    sed -i 's/^192.0.2.25 mx1/192.0.2.31 mx1/' /etc/hosts
    for n in 31 32 33 34; do
        echo "192.0.2.$n mx$n.example.org" >>/etc/hosts
    done
}
