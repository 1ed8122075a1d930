#!/bin/sh
# deps.sh PACKAGE... - install those that are missing, with apt as root or by sudo.
# Without either, say exactly which command an administrator has to give.
set -u
missing=
for p in "$@"; do
    s=$(dpkg-query -W -f '${db:Status-Abbrev}' "$p" 2>/dev/null) || s=
    case $s in ii*) ;; *) missing="$missing $p" ;; esac
done
[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null 2>&1; then
    echo "This is no Debian or Ubuntu, so nothing is installed by itself. README.md, section" \
        "\"Other systems\", has the names of the packages; then: make NODEPS=1" >&2
    exit 1
fi
if [ "$(id -u)" = 0 ]; then
    as=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as=sudo
else
    echo "Packages are missing. As root, or by an administrator:" >&2
    echo "    apt-get install --no-install-recommends$missing" >&2
    exit 1
fi
echo "installing:$missing" >&2
# Services that packages would start are not wanted: only what the tests start runs.
policy=
if [ ! -e /usr/sbin/policy-rc.d ]; then
    policy=/usr/sbin/policy-rc.d
    printf '#!/bin/sh\nexit 101\n' | $as tee $policy >/dev/null && $as chmod 755 $policy
fi
trap '[ -z "$policy" ] || $as rm -f "$policy"' EXIT
# The package lists may be old or absent: fetch them when the first try fails.
install() {
    # shellcheck disable=SC2086
    $as env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
        -o Dpkg::Options::=--force-confold $missing >"$log" 2>&1
}
log=$(mktemp) || exit 1
if ! install && ! { $as apt-get update -qq >"$log" 2>&1 && install; }; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    echo "apt could not install:$missing" >&2
    exit 1
fi
rm -f "$log"
