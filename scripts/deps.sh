#!/bin/sh
# deps.sh: installs what building needs, where apt-get is; says what to install elsewhere.
#
#   scripts/deps.sh           for the library and the program
#   scripts/deps.sh --tests   for the tests too: CMocka, a second compiler, Doxygen; with apt-get on x86 also a compiler
#                             for AArch64 and qemu
#
# Only what is missing is installed. With nothing missing it asks no package server and needs no rights.
set -eu

tests=no
for argument in "$@"; do
    case $argument in
    --tests) tests=yes ;;
    *)
        echo "usage: scripts/deps.sh [--tests]" >&2
        exit 2
        ;;
    esac
done

# What is missing, as the names of Debian's packages: looked for by use, not by package, so that a compiler or library
# that came another way counts.
missing=
need() {
    missing="$missing $1"
}
has() {
    command -v "$1" > /dev/null 2>&1
}
module() {
    has pkg-config && pkg-config --exists "$1"
}
cmake_is_new_enough() {
    has cmake || return 1
    version=$(cmake --version | sed -n '1s/[^0-9]*\([0-9][0-9.]*\).*/\1/p')
    major=${version%%.*}
    rest=${version#*.}
    [ "$major" -gt 3 ] || { [ "$major" -eq 3 ] && [ "${rest%%.*}" -ge 20 ]; }
}

has gcc || has clang || has cc || need gcc
has g++ || has clang++ || has c++ || need g++
cmake_is_new_enough || need cmake
has ninja || need ninja-build
has pkg-config || need pkg-config
has python3 || need python3
module libutf8proc || need libutf8proc-dev
module libxxhash || need libxxhash-dev
module libpcre2-8 || need libpcre2-dev
module jansson || need libjansson-dev
module zlib || need zlib1g-dev
if [ $tests = yes ]; then
    has gcc || need gcc
    has g++ || need g++
    has clang || need clang
    has doxygen || need doxygen
    has python3 && python3 -c 'import ensurepip, venv' 2> /dev/null || need python3-venv
    module cmocka || need libcmocka-dev
    # For the test of hosts that have another malloc; it is skipped where there is none.
    ! has apt-get || [ -n "$(find /usr/lib /usr/local/lib -name 'libtcmalloc_minimal.so*' 2> /dev/null | head -n 1)" ] ||
        need libtcmalloc-minimal4
    # For the run of the suite under a locale that writes numbers with a comma.
    [ "$(uname -s)" != Linux ] || has localedef || need libc-bin
    [ "$(uname -s)" != Linux ] || [ -e /usr/share/i18n/locales/de_DE ] || need locales
    # For the run of the suite on AArch64, which other systems skip.
    if has apt-get && [ "$(uname -m)" = x86_64 ]; then
        has aarch64-linux-gnu-gcc || need gcc-aarch64-linux-gnu
        has aarch64-linux-gnu-g++ || need g++-aarch64-linux-gnu
        [ -e /usr/aarch64-linux-gnu/include/stdio.h ] || need libc6-dev-arm64-cross
        has qemu-aarch64 || need qemu-user
    fi
fi
missing=$(printf '%s\n' $missing | sort -u | tr '\n' ' ')

if [ -z "${missing% }" ]; then
    exit 0
fi

if ! has apt-get; then
    cat >&2 << END
deps.sh: missing here: $missing(these are Debian's names)
Install them by hand, then run this again:
  Fedora:  dnf install gcc gcc-c++ cmake ninja-build pkgconf python3 utf8proc-devel xxhash-devel pcre2-devel
           jansson-devel zlib-devel
           for the tests also: clang doxygen libcmocka-devel
  Arch:    pacman -S gcc cmake ninja pkgconf python libutf8proc xxhash pcre2 jansson zlib
           for the tests also: clang doxygen cmocka
  macOS:   brew install cmake ninja pkg-config python utf8proc xxhash pcre2 jansson
           for the tests also: doxygen cmocka
END
    exit 1
fi

sudo=
if [ "$(id -u)" -ne 0 ]; then
    if ! has sudo; then
        echo "deps.sh: neither root nor sudo here. As root: apt-get install $missing" >&2
        exit 1
    fi
    sudo=sudo
fi

echo "deps.sh: installing $missing"
install() {
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" > "$log" 2>&1
}
log=$(mktemp "${TMPDIR:-/tmp}/textclf-deps.XXXXXX")
trap 'rm -f "$log"' EXIT
# A fresh machine has no package lists, and old lists name files that are gone: one update, then once more.
if ! install $missing; then
    $sudo apt-get update > "$log" 2>&1 || true
    if ! install $missing; then
        cat "$log" >&2
        echo "deps.sh: apt-get could not install: $missing" >&2
        exit 1
    fi
fi
if ! cmake_is_new_enough; then
    echo "deps.sh: CMake 3.20 or newer is needed and this system's packages have $(cmake --version | head -n 1)." >&2
    echo "         pip install cmake brings a newer one." >&2
    exit 1
fi
