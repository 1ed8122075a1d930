# deps.mk - the Debian packages, one list.
PACKAGES := gcc libc6-dev pkg-config perl python3 gzip bzip2 xz-utils zstd openssl sqlite3 rrdtool \
            fonts-dejavu-core libio-socket-ssl-perl \
            librrd-dev libsqlite3-dev libevent-dev libconfuse-dev libpcre2-dev libssl-dev \
            zlib1g-dev libzstd-dev libbz2-dev liblzma-dev libsystemd-dev libseccomp-dev \
            libc-ares-dev libcurl4-openssl-dev libsnmp-dev libmariadb-dev libpq-dev libjansson-dev libldap-dev \
            libmaxminddb-dev
LAB_PACKAGES := postfix rrdcached rsyslog rsyslog-relp rsyslog-openssl rsyslog-gnutls swaks \
                libnet-ssleay-perl iproute2 util-linux \
                man-db tcpdump amavisd-new clamav clamav-daemon clamav-milter spamassassin spamd rspamd mimedefang \
                postgrey postfix-policyd-spf-python opendkim opendkim-tools opendmarc \
                dovecot-core dovecot-imapd dovecot-lmtpd dovecot-pop3d dovecot-sieve \
                systemd systemd-journal-remote logrotate zstd snmpd snmp nsd bind9 unbound rbldnsd \
                mariadb-server-core mariadb-client-core postgresql slapd ldap-utils \
                pacemaker-cli-utils keepalived \
                nagios4-core nagios-nrpe-server nagios-nrpe-plugin nsca nsca-client icinga2-bin icinga2-common \
                monitoring-plugins-basic iputils-ping \
                php-cli php-mysql php-xml php-mbstring php-gd php-gmp php-intl php-ldap php-snmp
