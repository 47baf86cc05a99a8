#!/bin/sh
# The three libraries that docassist needs, for arm64, unpacked below DIR with a state of apt of its own: no
# architecture is added to the system, nothing is installed, root is not needed. For Debian and
# Ubuntu; elsewhere it fails, and says so. A finished DIR is left alone.
#
#   sysroot.sh DIR
set -eu

dir=$1
[ ! -e "$dir/done" ] || exit 0
command -v apt-get >/dev/null && command -v dpkg >/dev/null ||
    { echo "sysroot: needs apt-get and dpkg" >&2; exit 1; }

rm -rf "$dir"
mkdir -p "$dir/apt/lists/partial" "$dir/apt/cache/archives/partial" "$dir/debs"
dir=$(cd "$dir" && pwd)
: >"$dir/apt/status"
set -- -q -o APT::Architecture=arm64 -o APT::Architectures::=arm64 \
    -o Dir::State::Lists="$dir/apt/lists" -o Dir::State::status="$dir/apt/status" \
    -o Dir::Cache="$dir/apt/cache" -o APT::Sandbox::User="$(id -un)" \
    -o Acquire::Languages=none -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false

# A source that has no arm64 does not matter: whether the update worked shows in what follows.
apt-get "$@" update >"$dir/log" 2>&1 || true
for package in libcjson libutf8proc libsqlite3; do
    (
        cd "$dir/debs"
        apt-get "$@" download "$package-dev"
        # and the shared library that it links to: NAME followed by digits
        for lib in $(dpkg-deb -f "$package"-dev_*.deb Depends | tr ',|' '\n\n' |
            sed -n "s/^ *\($package[0-9-]*\) .*/\1/p; s/^ *\($package[0-9-]*\)$/\1/p"); do
            apt-get "$@" download "$lib"
        done
    ) >>"$dir/log" 2>&1 || { tail -n 5 "$dir/log" >&2; exit 1; }
done
for deb in "$dir"/debs/*.deb; do
    dpkg -x "$deb" "$dir/root"
done
rm -rf "$dir/apt" "$dir/debs"
touch "$dir/done"
