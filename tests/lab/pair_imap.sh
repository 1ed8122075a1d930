# pair_imap.sh - two Dovecots, at the far end (1) and here (2), with a mailbox each of the user probe.
# shellcheck shell=sh disable=SC2154  # of pair_test.sh
sh tests/fake/certs.sh "$d" >/dev/null 2>&1
# begin N: the server runs, and its pid is in $pid
begin() {
    mkdir -p "$d/$1/run" "$d/$1/state" "$d/$1/home"
    chown -R nobody:nogroup "$d/$1/home"
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
  driver = static
  args = uid=nobody gid=nogroup home=$d/$1/home
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
    wrap=
    [ "$1" != 1 ] || wrap="nsenter --target $far --net"
    # shellcheck disable=SC2086
    $wrap dovecot -F -c "$d/$1.conf" &
    pid=$!
    pids="$pids $pid"
}
put() { # N TEXT: a mail into server N's INBOX
    printf 'Subject: %s\n\n%s\n' "$2" "$2" | doveadm -c "$d/$1.conf" save -u probe -m INBOX
}
copy() { doveadm -c "$d/1.conf" backup -u probe "maildir:$d/2/home/Maildir"; }
begin 1
first=$pid
begin 2
second=$pid
