# settings.sh - the Postfix of the lab, and the filters around it: see plot.py.
# shellcheck shell=sh disable=SC2154  # here: of lab.sh
settings() {
    postfix_settings
    cp -r "$here"/filters /etc/filters
    echo '192.0.2.33:25 inet n - n - - smtpd
    -o smtpd_milters=inet:127.0.0.1:8892' >>/etc/postfix/master.cf
}
