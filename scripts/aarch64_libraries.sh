#!/bin/sh
# aarch64_libraries.sh: fetches the libraries that building for AArch64 on another machine needs: Debian's arm64 packages,
# unpacked in a folder.
#
#   scripts/aarch64_libraries.sh FOLDER
#
# apt-get works on lists of its own in FOLDER: the system's packages and architectures stay as they are, and no rights
# are needed. What is there already is not fetched again. Exit 1 where it cannot be had.
set -eu

if [ $# -ne 1 ]; then
    echo "usage: scripts/aarch64_libraries.sh FOLDER" >&2
    exit 2
fi
mkdir -p "$1"
folder=$(cd "$1" && pwd)
libraries="libutf8proc libxxhash libpcre2-8 jansson zlib cmocka" # pkg-config's names
packages="libutf8proc-dev libxxhash-dev libpcre2-dev libjansson-dev zlib1g-dev libcmocka-dev"

all_there() {
    for library in $libraries; do
        [ -e "$folder/usr/lib/aarch64-linux-gnu/pkgconfig/$library.pc" ] || return 1
    done
}
! all_there || exit 0

for tool in apt-get apt-cache dpkg-deb; do
    if ! command -v "$tool" > /dev/null 2>&1; then
        echo "aarch64_libraries.sh: no $tool here" >&2
        exit 1
    fi
done

apt=$(mktemp -d "$folder/fetch.XXXXXX")
trap 'rm -rf "$apt"' EXIT
mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$apt/packages"
: > "$apt/status"
cat > "$apt/apt.conf" << EOF
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
Dir::State "$apt";
Dir::State::lists "$apt/lists";
Dir::State::status "$apt/status";
Dir::Cache "$apt";
Acquire::Languages "none";
Acquire::Retries "1";
Acquire::http::Timeout "20";
EOF
[ "$(id -u)" -ne 0 ] || echo 'APT::Sandbox::User "root";' >> "$apt/apt.conf"
APT_CONFIG=$apt/apt.conf
export APT_CONFIG

apt-get update || exit 1
# What they depend on, but for the C library, which the cross compiler brings.
all=$(apt-cache depends --no-recommends --no-suggests $packages | sed -n 's/^ .*Depends: \([a-z0-9.+-]*\)$/\1/p' |
    grep -v '^libc6' | sort -u) || exit 1
(cd "$apt/packages" && apt-get download $packages $all) || exit 1
for package in "$apt"/packages/*.deb; do
    dpkg-deb -x "$package" "$folder" || exit 1
done
# Links to the root folder point nowhere here; the archive beside them is taken.
for link in "$folder"/usr/lib/aarch64-linux-gnu/*.so; do
    [ -e "$link" ] || rm "$link"
done
all_there
