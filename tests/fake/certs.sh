#!/bin/sh
# certs.sh DIR - an authority (ca.pem), and servers' certificates with their keys: good, with RSA,
# self-signed, expired, of another name, for an old TLS, ending soon, not yet valid.
set -eu
cd "$1"
key="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
names=subjectAltName=DNS:localhost,DNS:mx1.example.org,DNS:mta-sts.example.org,IP:127.0.0.1
{
    # shellcheck disable=SC2086
    openssl req -x509 $key -days 3000 -subj "/CN=test authority" -keyout ca.key -out ca.pem
    sign() { # NAME EXTENSION openssl-x509-arguments...
        name=$1 ext=$2
        shift 2
        # shellcheck disable=SC2086
        openssl req $key -subj "/CN=$name.example.org" -keyout $name.key -out $name.csr
        echo "$ext" >$name.ext
        openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile $name.ext \
            -out $name.crt "$@"
        cat $name.key $name.crt >$name.pem
    }
    sign good $names -days 90
    cat ca.pem >>good.pem
    sign old $names -days 90
    sign soon $names -days 5
    ec=$key key="-newkey rsa:2048 -nodes"
    sign rsa $names -days 90
    key=$ec
    sign other subjectAltName=DNS:www.example.net -days 90
    mkdir -p ca
    : >ca/index
    echo 01 >ca/serial
    printf '[ca]\ndefault_ca=c\n[c]\ndir=ca\ndatabase=ca/index\nserial=ca/serial\nnew_certs_dir=ca\ndefault_md=sha256\nunique_subject=no\npolicy=p\n[p]\ncommonName=supplied\n' >ca.cnf
    # shellcheck disable=SC2086
    openssl req $key -subj "/CN=expired.example.org" -keyout expired.key -out expired.csr
    echo $names >expired.ext
    between() { # NAME FROM UNTIL
        openssl ca -batch -config ca.cnf -cert ca.pem -keyfile ca.key -in expired.csr -extfile expired.ext \
            -startdate "$2" -enddate "$3" -notext -out "$1.crt"
        cat expired.key "$1.crt" >"$1.pem"
    }
    between expired 20240101000000Z 20240401000000Z
    between later 21001201000000Z 21010401000000Z
    # shellcheck disable=SC2086
    openssl req -x509 $key -days 90 -subj /CN=self.example.org -addext $names -keyout self.key -out self.crt
    cat self.key self.crt >self.pem
} >certs.log 2>&1
