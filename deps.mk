# deps.mk - the Debian packages, one list.
PACKAGES := gcc libc6-dev pkg-config librrd-dev libsqlite3-dev libevent-dev libconfuse-dev \
            zlib1g-dev libzstd-dev libbz2-dev liblzma-dev libpcre2-dev zstd gzip bzip2 xz-utils rrdtool fonts-dejavu-core perl python3 \
            sqlite3 libsystemd-dev libseccomp-dev libssl-dev openssl libio-socket-ssl-perl \
            libc-ares-dev libcurl4-openssl-dev libsnmp-dev libmariadb-dev libjansson-dev
LAB_PACKAGES := postfix rrdcached rsyslog rsyslog-relp rsyslog-openssl rsyslog-gnutls swaks \
                libnet-ssleay-perl iproute2 util-linux \
                man-db tcpdump amavisd-new clamav-daemon clamav-milter spamassassin spamd rspamd mimedefang \
                postgrey postfix-policyd-spf-python opendkim opendkim-tools opendmarc \
                dovecot-core dovecot-imapd dovecot-lmtpd systemd-journal-remote logrotate zstd \
                snmpd mariadb-server-core mariadb-client-core nsd bind9
