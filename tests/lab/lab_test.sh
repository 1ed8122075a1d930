# lab_test.sh - what the lab's tests share: may it run, run it, hold reports against the account.
# shellcheck shell=sh
#
# Sourced after tap.sh by MTA.t, which says first: lab_needs "a real MTA" COMMAND...
here=tests/lab

# lab_needs WHAT COMMAND...: as root, in namespaces, with these commands; or skipped by name
lab_needs() {
    lab_what=$1
    shift
    [ -n "${LAB:-}" ] || skip_all "lab: $lab_what: LAB is not set"
    [ "$(id -u)" = 0 ] || ! sudo -n true 2>/dev/null ||
        exec sudo -n env PATH="$PATH:/usr/sbin:/sbin" BUILD="$BUILD" LAB="$LAB" CI="${CI:-}" sh "$0"
    [ "$(id -u)" = 0 ] || skip_all "lab: $lab_what: namespaces need root"
    for p in unshare ip rsyslogd openssl /usr/bin/python3 "$@"; do
        command -v "$p" >/dev/null 2>&1 && continue
        [ -z "${CI:-}" ] || { echo "not ok 1 - $p is missing"; echo 1..1; exit 1; }
        skip_all "lab: $lab_what: $p is missing; make deps LAB=1"
    done
    unshare --mount --net true 2>/dev/null || skip_all "lab: $lab_what: this system grants no namespaces"
    case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac
    d=$(mktemp -d) || exit 1
    trap 'rm -rf "$d"' EXIT
}

# lab_unpack PACKAGE...: the files of packages that cannot be installed beside Postfix, in $ROOT
lab_unpack() {
    ROOT=$BUILD/lab/$1
    export ROOT
    mkdir -p "$ROOT/deb"
    for p; do
        (
            flock 9 # another test may want the same
            cd "$ROOT/deb" || exit
            [ -e "../$p.done" ] || { apt-get download "$p" && dpkg -x "$p"_*.deb .. && : >"../$p.done"; }
        ) >"$d/apt" 2>&1 9>"$ROOT/lock" ||
            skip_all "lab: $lab_what: the package $p cannot be had: $(grep -m 1 '^E:' "$d/apt")"
    done
}

# lab_run: every scene, in $d/lab
lab_run() {
    MXGAUGE=$BUILD/bin sh $here/lab.sh "$d/lab"
    rc=$?
    ok $rc "every scene of the lab went as planned"
    if [ $rc -ne 0 ]; then
        tail -n 20 "$d/lab/lab.out" | sed 's/^/# /'
        done_testing
        exit 1
    fi
}

# equal NAME STATE: the report of a state is the account
equal() {
    "$BUILD/bin/mxgauge" report --state "$2" --json >"$d/$1.json"
    ok $? "$1: reported"
    /usr/bin/python3 $here/compare.py "$d/lab/account.json" "$d/$1.json" >"$d/$1.diff"
    ok $? "$1: every figure is what was done"
    sed 's/^/# /' "$d/$1.diff"
}
# understood WHOSE FILE: no line of it is unknown
understood() {
    none "no line of $1 is unknown" "$("$BUILD/bin/mxgauge" parse --unknown "$2")"
}

# imported NAME FILE...
imported() {
    name=$1
    shift
    "$BUILD/bin/mxgauge" import --state "$d/$name" --tz UTC "$@" >"$d/$name.out" 2>&1
    ok $? "$name: imported"
    sed 's/^/# /' "$d/$name.out"
    equal "$name" "$d/$name"
}

# lab_account WHOSE: in one file; in the two that two paths of one syslog write; and followed
# live, from a log that was rotated under mxgauged, killed and started again
lab_account() {
    imported one-file "$d/lab/mail.log"
    imported two-paths "$d/lab/mail.log" "$d/lab/mail.iso"
    equal followed-live "$d/lab/live"
    understood "$1" "$d/lab/mail.log"
    done_testing
}

# lab_scenes STATUS FILE: a play that ended so has tested by itself, a line each in FILE
lab_scenes() {
    while read -r line; do
        case $line in
        "ok - "*) ok 0 "${line#ok - }" ;;
        "not ok - "*) ok 1 "${line#not ok - }" ;;
        *) echo "$line" ;;
        esac
    done <"$2"
    ok "$1" "every scene was played"
}

# lab_told: the plot of $MTA tests by itself
lab_told() {
    sh $here/lab.sh "$d/lab"
    rc=$?
    lab_scenes $rc "$d/lab/tap"
    [ $rc = 0 ] || tail -n 60 "$d/lab/lab.out" | sed 's/^/# /'
    done_testing
}
