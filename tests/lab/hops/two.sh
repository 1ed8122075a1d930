#!/bin/sh
# two.sh OUT - a relay and a store, two real Postfix in namespaces of their own, and what is
# sent through them. Leaves relay1.log, store1.log, and the state of an mxgauged that followed
# both in OUT/live. Needs root.
set -eu
if [ -z "${LAB_INSIDE:-}" ]; then
    pids="--pid --fork --kill-child --mount-proc"
    # shellcheck disable=SC2086
    unshare $pids true 2>/dev/null || pids=
    # shellcheck disable=SC2086
    exec env LAB_INSIDE=1 PYTHONDONTWRITEBYTECODE=1 unshare --mount --net --uts $pids sh "$0" "$@"
fi
here=$(cd "$(dirname "$0")" && pwd)
out=$1
mkdir -p "$out"
chmod 755 "$out/.." "$out"

ip link set lo up
for a in 192.0.2.1 198.51.100.3 198.51.100.7 203.0.113.9; do
    ip addr add $a/32 dev lo
done
hostname mx1
cp -a /etc/postfix "$out/etc"
mount -t tmpfs -o mode=755 lab /etc/postfix
cp "$out/etc/postfix-files" /etc/postfix/
printf 'compatibility_level = 3.6\nalternate_config_directories = %s %s\n' \
    "$out/relay1" "$out/store1" >/etc/postfix/main.cf
: >/etc/postfix/master.cf

# settings HOST ADDRESS: the rest comes from standard input
settings() {
    mkdir -p "$out/$1" "$out/$1.queue" "$out/$1.data"
    chown postfix "$out/$1.data"
    cat - >"$out/$1/main.cf" <<END
compatibility_level = 3.6
queue_directory = $out/$1.queue
data_directory = $out/$1.data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file_prefixes = $out
maillog_file = $out/$1.log
myhostname = $1.example.org
mydomain = example.org
myorigin = example.org
mydestination =
alias_maps =
alias_database =
inet_interfaces = $2
inet_protocols = ipv4
smtp_bind_address = $2
smtp_host_lookup = native
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_error_sleep_time = 0
smtp_tls_security_level = none
END
    cat >>"$out/$1/main.cf"
    sed "s/^smtp      inet/$2:25 inet/" "$here/master.cf" >"$out/$1/master.cf"
}

settings relay1 198.51.100.3 <<'END'
mynetworks = 192.0.2.1/32, 198.51.100.7/32
relay_domains = example.org
relay_recipient_maps =
transport_maps = inline:{ { example.org = smtp:[198.51.100.7]:25 } { example.com = smtp:[203.0.113.9]:25 } }
END
settings store1 198.51.100.7 <<END
mynetworks = 192.0.2.1/32
virtual_mailbox_domains = example.org
virtual_mailbox_base = $out/mail
virtual_mailbox_maps = inline:{ { anna@example.org = anna/ } { bert@example.org = bert/ } { carla@example.org = carla/ } }
virtual_alias_maps = inline:{ { team@example.org = anna@example.org, bert@example.org } }
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
transport_maps = inline:{ { example.com = smtp:[198.51.100.3]:25 } { example.net = smtp:[198.51.100.3]:25 } }
END
sed -i 's/{ example.com = smtp:\[203/{ example.net = smtp:[203.0.113.9]:25 } &/' "$out/relay1/main.cf"
mkdir "$out/mail"
chown 65534:65534 "$out/mail"

/usr/bin/python3 "$here/two.py" "$out"
