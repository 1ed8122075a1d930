# pair_ldap.sh - slapd: a provider (1) at the far end, and a consumer (2) that follows it.
# shellcheck shell=sh disable=SC2154  # of pair_test.sh
sh tests/fake/certs.sh "$d" >/dev/null 2>&1
chown nobody "$d/good.pem" "$d/good.key"
schema=/etc/ldap/schema
modules=
for modules in /usr/lib/ldap /usr/lib/openldap; do [ ! -d $modules ] || break; done
# configure N PROVIDER-PORT [PASSWORD]: server N, that follows the far end's port unless that is 0
configure() {
    mkdir -p "$d/$1"
    cat >"$d/$1.conf" <<CONF
include $schema/core.schema
modulepath $modules
moduleload back_mdb.la
moduleload syncprov.la
pidfile $d/$1/pid
TLSCertificateFile $d/good.crt
TLSCertificateKeyFile $d/good.key
serverID $1
database mdb
maxsize 16777216
suffix dc=example,dc=org
rootdn cn=admin,dc=example,dc=org
rootpw secret
directory $d/$1
index entryCSN,entryUUID eq
access to attrs=userPassword by anonymous auth
access to dn.subtree="dc=hidden,dc=example,dc=org" by * none
access to * by * read
CONF
    if [ "$2" = 0 ]; then
        printf 'overlay syncprov\nsyncprov-checkpoint 10 1\n' >>"$d/$1.conf"
    else
        echo "syncrepl rid=001 provider=ldap://10.99.0.1:$2 type=refreshAndPersist retry=\"1 +\"
 searchbase=\"dc=example,dc=org\" bindmethod=simple binddn=\"cn=admin,dc=example,dc=org\" credentials=${3:-secret}
 network-timeout=2 timeout=2" >>"$d/$1.conf"
    fi
    chown -R nobody "$d/$1" "$d/$1.conf"
}
# begin N: the server runs, and its pid is in $pid
begin() {
    wrap=
    [ "$1" != 1 ] || wrap="nsenter --target $far --net"
    # shellcheck disable=SC2086
    $wrap slapd -f "$d/$1.conf" -u nobody -h "ldap://10.99.0.$1:13389/ ldaps://10.99.0.$1:13636/" -d 0 2>"$d/err.$1" &
    pid=$!
    pids="$pids $pid"
    until_so 30 timeout 5 ldapsearch -LLL -x -H "ldap://10.99.0.$1:13389" -b '' -s base ||
        { sed 's/^/# /' "$d/err.$1"; exit 1; }
}
change() { # LDIF at the provider
    echo "$1" | timeout 30 ldapmodify -x -H ldap://10.99.0.1:13389 -D cn=admin,dc=example,dc=org -w secret >/dev/null
}
describe() { change "dn: dc=example,dc=org
changetype: modify
replace: description
description: $1"; }
configure 1 0
configure 2 13389
begin 1
provider=$pid
change 'dn: dc=example,dc=org
changetype: add
objectClass: dcObject
objectClass: organization
o: example
dc: example'
[ $? = 0 ] || exit 1
begin 2
consumer=$pid
