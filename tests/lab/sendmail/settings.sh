# settings.sh - Sendmail in the private files of lab.sh. $ROOT is its package, unpacked.
# shellcheck shell=sh disable=SC2154  # here: of lab.sh
#
# Two of them, as Debian and FreeBSD have it: the daemon, and the submission program with a
# queue of its own that hands over to the daemon. LOGLEVEL is the daemon's.
LD_LIBRARY_PATH=$(echo "$ROOT"/lib/*-linux-gnu):$(echo "$ROOT"/usr/lib/*-linux-gnu)
SENDMAIL=/etc/mail/sendmail
export LD_LIBRARY_PATH SENDMAIL

# made NAME: a .cf from its .mc
made() {
    (echo "define(\`confLOG_LEVEL', \`${LOGLEVEL:-9}')dnl"; cat "$here/sendmail/$1.mc") |
        "$ROOT/usr/bin/m4" -D_CF_DIR_="$ROOT/usr/share/sendmail/cf/" "$ROOT/usr/share/sendmail/cf/m4/cf.m4" - \
        >"/etc/mail/$1.cf"
}

settings() {
    surroundings /etc/lab.pem
    echo 'smmsp:x:61101:61101::/nonexistent:/bin/false
smmta:x:61102:61102::/nonexistent:/bin/false' >>/etc/passwd
    echo 'smmsp:x:61101:
smmta:x:61102:' >>/etc/group
    rm -rf /etc/mail
    mkdir -p /etc/mail /etc/sasl2 /var/spool/mqueue /var/spool/mqueue-client /var/mail
    chmod 700 /var/spool/mqueue
    chown smmsp:smmsp /var/spool/mqueue-client
    chmod 770 /var/spool/mqueue-client
    for f in access aliases mailertable deliver; do
        cp "$here/sendmail/$f" /etc/mail/
    done
    chmod 755 /etc/mail/deliver
    # a program that changes its group is not given LD_LIBRARY_PATH
    install -m 755 "$ROOT/usr/libexec/sendmail/sendmail" $SENDMAIL
    # plot.py answers there; see class SaslAuthd
    printf 'pwcheck_method: saslauthd\nmech_list: PLAIN LOGIN\nsaslauthd_path: /dev/saslauthd\n' \
        >/etc/sasl2/Sendmail.conf
    made sendmail
    made submit
    for map in access mailertable; do
        "$ROOT/usr/libexec/sendmail/makemap" -C /etc/mail/sendmail.cf hash /etc/mail/$map </etc/mail/$map
    done
    "$SENDMAIL" -C /etc/mail/sendmail.cf -bi
}
