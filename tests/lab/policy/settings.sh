# settings.sh - Postfix with postgrey, policyd-spf, OpenDKIM, OpenDMARC and Dovecot around it, in
# the private files of lab.sh. All their sockets are on loopback, all their data below /var/spool.
# shellcheck shell=sh disable=SC2154  # here: of lab.sh
settings() {
    install -d /etc/postfix /var/lib/postfix /var/spool/postfix /etc/dkim /etc/dovecot-lab
    cp "$here"/policy/main.cf "$here"/policy/master.cf /etc/postfix/
    cp "$here"/policy/dovecot.conf "$here"/policy/opendkim.conf "$here"/policy/opendmarc.conf /etc/dovecot-lab/
    chown postfix /var/lib/postfix
    surroundings /etc/postfix/lab.pem
    install -d -o postgrey -g postgrey /var/spool/postgrey
    install -d -o nobody -g nogroup /var/spool/mailboxes
    install -d /var/spool/dovecot /var/spool/milters
    chmod 1777 /var/spool/milters
    echo 'anna@example.org:{PLAIN}secret::::::
bert@example.org:{PLAIN}secret::::::' >/etc/dovecot-lab/users
    # one key for both domains; what the world's name server says of them
    openssl genrsa -out /etc/dkim/lab.private 1024
    chown opendkim /etc/dkim/lab.private
    key=$(openssl rsa -in /etc/dkim/lab.private -pubout | sed '/^-/d' | tr -d '\n')
    for domain in example.org example.net; do
        echo "lab._domainkey.$domain v=DKIM1; k=rsa; p=$key"
        echo "_dmarc.$domain v=DMARC1; p=reject"
        echo "$domain v=spf1 ip4:198.51.100.0/24 ip4:192.0.2.25 -all"
    done >/etc/dovecot-lab/texts
    echo '_dmarc.strict.example.net v=DMARC1; p=reject
strict.example.net v=spf1 -all' >>/etc/dovecot-lab/texts
}
