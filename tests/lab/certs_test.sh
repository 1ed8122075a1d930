# certs_test.sh - authorities, and certificates that they give, in $D.
# shellcheck shell=sh
ec='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
ca() { # NAME
    # shellcheck disable=SC2086
    openssl req -x509 $ec -keyout "$D/$1-ca.key" -out "$D/$1-ca.pem" -subj "/CN=$1 CA" -days 3 2>/dev/null
}
certificate() { # FILE CA DNS-NAME DAYS
    # shellcheck disable=SC2086
    openssl req -new $ec -keyout "$D/$1.key" -out "$D/csr" -subj "/CN=$3" 2>/dev/null
    echo "basicConstraints = CA:FALSE
subjectAltName = DNS:$3" >"$D/ext"
    openssl x509 -req -in "$D/csr" -CA "$D/$2-ca.pem" -CAkey "$D/$2-ca.key" -days "$4" -extfile "$D/ext" \
        -out "$D/$1.pem" 2>/dev/null
}
