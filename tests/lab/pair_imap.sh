# pair_imap.sh - two Dovecots, at the far end (1) and here (2), with a mailbox each of the users probe and anna.
# shellcheck shell=sh disable=SC2154  # of pair_test.sh
#
# replicates=yes before: server 2 copies what it gets to the other, by replicator and dsync.
sh tests/fake/certs.sh "$d" >/dev/null 2>&1
# replicate N: what makes server 1 a replica, that asks for the password $secret, and server 2 copy. One
# way: two that begin at once may make a mailbox twice.
replicate() {
    echo "doveadm_password = ${secret:-secret}"
    if [ "$1" = 1 ]; then
        printf 'service doveadm {\n  inet_listener {\n    address = 10.99.0.1\n    port = 12345\n  }\n}\n'
        return
    fi
    cat <<CONF
mail_plugins = notify replication
plugin {
  mail_replica = tcp:10.99.0.1:12345
}
service aggregator {
  fifo_listener replication-notify-fifo {
    user = nobody
  }
  unix_listener replication-notify {
    user = nobody
  }
}
service replicator {
  process_min_avail = 1
  unix_listener replicator-doveadm {
    user = nobody
    mode = 0600
  }
}
CONF
}
# begin N: the server runs, and its pid is in $pid
begin() {
    mkdir -p "$d/$1/run" "$d/$1/state" "$d/$1/home"
    for who in probe anna; do
        echo "$who:::::$d/$1/$([ $who = probe ] || echo $who-)home::"
    done >"$d/$1/users"
    mkdir -p "$d/$1/anna-home"
    chown -R nobody:nogroup "$d/$1/home" "$d/$1/anna-home" "$d/$1/state"
    cat >"$d/$1.conf" <<CONF
base_dir = $d/$1/run
state_dir = $d/$1/state
protocols = imap
listen = 10.99.0.$1
log_path = $d/$1/log
default_internal_user = nobody
default_internal_group = nogroup
default_login_user = nobody
disable_plaintext_auth = no
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:~/Maildir
ssl = yes
ssl_cert = <$d/good.crt
ssl_key = <$d/good.key
passdb {
  driver = static
  args = password=guess
}
userdb {
  driver = passwd-file
  args = $d/$1/users
  override_fields = uid=nobody gid=nogroup
}
service imap-login {
  chroot =
  inet_listener imap {
    port = 10143
  }
  inet_listener imaps {
    port = 10993
  }
}
service anvil {
  chroot =
}
service stats {
  chroot =
}
CONF
    [ -z "${replicates:-}" ] || replicate "$1" >>"$d/$1.conf"
    wrap=
    [ "$1" != 1 ] || wrap="nsenter --target $far --net"
    # shellcheck disable=SC2086
    $wrap dovecot -F -c "$d/$1.conf" &
    pid=$!
    pids="$pids $pid"
}
put() { # N TEXT [USER]: a mail into server N's INBOX
    printf 'Subject: %s\n\n%s\n' "$2" "$2" | timeout 30 doveadm -c "$d/$1.conf" save -u "${3:-probe}" -m INBOX
}
copy() { timeout 30 doveadm -c "$d/1.conf" backup -u probe "maildir:$d/2/home/Maildir"; }
begin 1
first=$pid
until_so 20 timeout 5 doveadm -c "$d/1.conf" mailbox status -u probe messages INBOX
begin 2
second=$pid
