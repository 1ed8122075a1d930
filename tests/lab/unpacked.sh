#!/bin/sh
# unpacked.sh DIR PACKAGE... - Debian packages laid out in DIR, without installing them.
#
# Mail systems conflict with each other; unpacked they do not. Fails where they cannot be
# downloaded. What is there already is kept.
set -eu
dir=$1
shift
[ ! -e "$dir/.complete" ] || exit 0
rm -rf "$dir"
mkdir -p "$dir/deb"
(cd "$dir/deb" && apt-get download "$@") >"$dir/download" 2>&1
for deb in "$dir"/deb/*.deb; do
    dpkg -x "$deb" "$dir"
done
# programs that change their group are not given LD_LIBRARY_PATH
find "$dir" -type f -perm /6000 -exec chmod a-s {} +
touch "$dir/.complete"
