# settings.sh - a Postfix of two hops before a Dovecot, in the private files of lab.sh.
# shellcheck shell=sh disable=SC2154  # here: of lab.sh
settings() {
    surroundings /etc/lab.pem
    for d in /run /var/lib; do
        mkdir -p tmp
        mount -n -t tmpfs -o mode=755 lab tmp
        mount -n --move tmp $d
    done
    rm -rf tmp
    mkdir -p /run/dovecot /var/lib/dovecot /var/lib/postfix /var/spool/postfix /etc/lab /etc/dovecot/lab
    chown postfix /var/lib/postfix
    sh "$here/../fake/certs.sh" /etc/lab
    cp "$here/roundtrip/main.cf" "$here/roundtrip/master.cf" /etc/postfix/
    cp "$here/roundtrip/dovecot.conf" /etc/dovecot/lab.conf
    for u in anna junk drop held grey slow other; do
        echo "$u:{PLAIN}secret:61006:65534::/var/mail/$u::"
        mkdir /var/mail/$u
    done >/etc/dovecot/lab/users
    chown -R 61006:65534 /var/mail/*
    echo 'require "fileinto"; fileinto "Junk";' >/etc/dovecot/lab/junk.sieve
    echo 'discard;' >/etc/dovecot/lab/drop.sieve
    for s in junk drop; do
        sievec -c /etc/dovecot/lab.conf /etc/dovecot/lab/$s.sieve
    done
    sed -i 's/^192.0.2.25 mx1/192.0.2.31 mx1/' /etc/hosts
    echo '192.0.2.31 imap.example.org' >>/etc/hosts
}
