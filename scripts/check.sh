#!/bin/sh
# check.sh: everything that must hold before a change goes in; continuous integration runs the same.
#
#   scripts/check.sh --quick   one build and the quick tests (label quick): well under a minute after the build
#   scripts/check.sh           all of it, about 20 minutes on two cores:
#                                gcc, Release: every test, the installation among them; documentation; German locale
#                                clang, ASan + UBSan, TSan; libFuzzer for a moment; the Python package
#                                AArch64: cross-compiled, under qemu
#
# Builds stand in build/check/ and are used again. Each step's output is in build/check/STEP.log; what failed is shown.
# The last line is ctest's own, of the gcc build, or the name of what failed.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
out=$root/build/check
mkdir -p "$out"

quick=no
for argument in "$@"; do
    case $argument in
    --quick) quick=yes ;;
    *)
        echo "usage: scripts/check.sh [--quick]" >&2
        exit 2
        ;;
    esac
done

cores=$(getconf _NPROCESSORS_ONLN)
CTEST_OUTPUT_ON_FAILURE=1
export CTEST_OUTPUT_ON_FAILURE
export ASAN_OPTIONS="detect_stack_use_after_return=1:strict_string_checks=1${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
export UBSAN_OPTIONS="print_stacktrace=1${UBSAN_OPTIONS:+:$UBSAN_OPTIONS}"
failed=

# step NAME COMMAND...: runs the command into NAME.log, says how it went, goes on.
step() {
    name=$1
    shift
    printf '%-14s ' "$name"
    began=$(date +%s)
    if ("$@") > "$out/$name.log" 2>&1; then
        # A step may say in its last line why it had nothing to do.
        skipped=$(sed -n '$s/^skipped: //p' "$out/$name.log")
        echo "ok   $(($(date +%s) - began)) s${skipped:+   (skipped: $skipped)}"
    else
        echo "FAILED after $(($(date +%s) - began)) s: build/check/$name.log ends"
        echo
        tail -n 60 "$out/$name.log"
        echo
        failed="$failed $name"
    fi
}

# build NAME COMPILER OPTIONS...: configures and builds build/check/NAME; our own warnings are errors here, never for
# users. The compiler goes in by the environment: given as an option, another one than last time would make CMake drop
# the other options.
build() {
    folder=$out/$1
    case $2 in
    *clang*) cxx=clang++ ;;
    *) cxx=$(command -v g++ || command -v c++) ;;
    esac
    compiler=$2
    shift 2
    CC=$compiler CXX=$cxx cmake -S "$root" -B "$folder" -G Ninja -DTEXTCLF_TESTS=ON -DTEXTCLF_EXAMPLES=ON \
        -DCMAKE_C_FLAGS=-Werror -DCMAKE_CXX_FLAGS=-Werror "$@" &&
        cmake --build "$folder" -j "$cores"
}

# suite NAME CTEST-OPTIONS...
suite() {
    folder=$out/$1
    shift
    (cd "$folder" && ctest -j "$cores" --no-tests=error "$@")
}

release() {
    build release "$gcc" -DCMAKE_BUILD_TYPE=Release ${python:+-DTEXTCLF_PYTHON="$python"}
}

quick_tests() {
    suite release -L quick
}

all_tests() {
    suite release
}

documentation() {
    cmake -S "$root" -B "$out/release" -DTEXTCLF_DOCS=ON && cmake --build "$out/release" --target docs
}

# The suite once more where 1.5 is written 1,5: the locale is made if it is not there, and every program of the suite
# takes it on, as a host may have done.
german() {
    if ! LC_ALL=de_DE.UTF-8 locale charmap 2> /dev/null | grep -q '^UTF-8$' ||
        ! locale -a | grep -qix 'de_DE\.utf-\{0,1\}8'; then
        LOCPATH=$out/locales
        mkdir -p "$LOCPATH"
        [ -d "$LOCPATH/de_DE.UTF-8" ] || localedef -i de_DE -f UTF-8 "$LOCPATH/de_DE.UTF-8" || return 1
        export LOCPATH
    fi
    cat > "$out/german.c" << 'END'
/* german.c: takes the locale of the environment, before main, in every program that it is preloaded into. */
#include <locale.h>
#include <stdlib.h>

__attribute__((constructor)) static void take_locale(void)
{
    if (!setlocale(LC_ALL, "") || localeconv()->decimal_point[0] != ',')
        abort();
}
END
    "$gcc" -shared -fPIC -o "$out/german.so" "$out/german.c" || return 1
    # The program sets no locale, so its own tests would only show what it never does.
    LC_ALL=de_DE.UTF-8 LD_PRELOAD=$out/german.so suite release -L quick -LE lint -E '^program_'
}

clang_build() {
    build clang clang -DCMAKE_BUILD_TYPE=Release -DTEXTCLF_FUZZ=ON
}

clang_tests() {
    suite clang -L quick -LE lint
}

# The seed is fixed, so that a run tells of the change at hand; longer runs by hand take other seeds.
fuzz() {
    found=0
    for target in "$out"/clang/tests/fuzz/fuzz_*; do
        [ -f "$target" ] || continue
        found=$((found + 1))
        name=$(basename "$target")
        corpus=$root/tests/fuzz/corpus/${name#fuzz_}
        mkdir -p "$out/corpus/$name"
        [ -d "$corpus" ] || corpus=
        (cd "$out/corpus" && "$target" -seed=1 -max_total_time=20 -timeout=10 -rss_limit_mb=2048 "$name" ${corpus:+"$corpus"}) ||
            return 1
    done
    [ $found -gt 0 ] || echo "skipped: no fuzz target"
}

asan() {
    build asan "$gcc" -DCMAKE_BUILD_TYPE=RelWithDebInfo "-DTEXTCLF_SANITIZE=address;undefined" &&
        suite asan -LE 'lint|install'
}

# TSan wants the address space laid out as it knows it, which newer kernels do not do by themselves.
tsan() {
    build tsan clang -DCMAKE_BUILD_TYPE=RelWithDebInfo -DTEXTCLF_SANITIZE=thread || return 1
    plain=
    if command -v setarch > /dev/null 2>&1 && setarch "$(uname -m)" -R true 2> /dev/null; then
        plain="setarch $(uname -m) -R"
    fi
    (cd "$out/tsan" && $plain ctest -j "$cores" --no-tests=error -L 'quick|threads' -LE 'lint|install')
}

# The library is made to be embedded: 776 KB, stripped, and no more (docs/decisions.md has what each part takes).
size() {
    strip -o "$out/stripped.so" "$out/release/lib/libtextclf.so" || return 1
    bytes=$(wc -c < "$out/stripped.so")
    echo "$bytes bytes"
    [ "$bytes" -le 776000 ]
}

# One shared file that needs nothing but the C library.
static_deps() {
    build static-deps "$gcc" -DCMAKE_BUILD_TYPE=Release -DTEXTCLF_STATIC_DEPS=ON \
        -DTEXTCLF_TESTS=OFF -DTEXTCLF_EXAMPLES=OFF || return 1
    if readelf -d "$out/static-deps/lib/libtextclf.so" | grep NEEDED | grep -v 'libc\.so\|ld-linux'; then
        echo "the shared library still needs the above"
        return 1
    fi
    if nm -D --defined-only "$out/static-deps/lib/libtextclf.so" | grep -v ' tc_\| TEXTCLF_'; then
        echo "the shared library shows the above"
        return 1
    fi
}

# AArch64 on another machine: cross-compiled by gcc, the quick tests under qemu, and those about bits. Then a few models
# are trained there and here, with what the processor of this machine is best at: on AVX2 the files are the same. clang's
# library for AArch64 trains them once more.
neon() {
    case $(uname -m) in
    aarch64 | arm64)
        echo "skipped: this machine is of that kind itself"
        return 0
        ;;
    esac
    for tool in aarch64-linux-gnu-gcc aarch64-linux-gnu-g++ qemu-aarch64; do
        if ! command -v $tool > /dev/null 2>&1; then
            echo "skipped: no $tool"
            return 0
        fi
    done
    if ! scripts/aarch64_libraries.sh "$out/aarch64"; then
        echo "skipped: the arm64 packages of the libraries could not be fetched"
        return 0
    fi
    for compiler in gcc clang; do
        CC=$compiler cmake -S "$root" -B "$out/neon-$compiler" -G Ninja -DCMAKE_BUILD_TYPE=Release \
            -DCMAKE_TOOLCHAIN_FILE="$root/cmake/aarch64.cmake" -DTEXTCLF_AARCH64_LIBRARIES="$out/aarch64" \
            -DCMAKE_C_FLAGS=-Werror -DCMAKE_CXX_FLAGS=-Werror || return 1
    done
    cmake --build "$out/neon-gcc" -j "$cores" &&
        cmake --build "$out/neon-clang" -j "$cores" --target torture_host &&
        suite neon-gcc -L quick &&
        suite neon-gcc -R '^(test_api_training_bits|test_api_prediction_bits)$' || return 1
    grep -q ' avx2 ' /proc/cpuinfo || return 0
    deep="num_layers=2 bidirectional=true dropout=0.2 validation_split=0.15 epochs=2 class_weights=balanced clip_norm=1"
    for settings in "$deep threads=2" "$deep max_isa=scalar" \
        "hidden_dim=70 embedding_dim=33 pooling=mean optimizer=adamw weight_decay=0.01 schedule=cosine epochs=2"; do
        "$out/release/tests/torture/torture_host" train "$settings" 130 "$out/neon.here" > "$out/neon.here.scores" ||
            return 1
        for compiler in gcc clang; do
            qemu-aarch64 -L /usr/aarch64-linux-gnu "$out/neon-$compiler/tests/torture/torture_host" \
                train "$settings" 130 "$out/neon.there" > "$out/neon.there.scores" &&
                cmp "$out/neon.here" "$out/neon.there" && cmp "$out/neon.here.scores" "$out/neon.there.scores" || return 1
            echo "$compiler, AArch64: the same file and scores: $settings"
        done
    done
}

# An interpreter with what the tests of the Python package use. Where no package index answers, those tests say that they
# are skipped.
python_tools() {
    [ -x "$out/venv/bin/python" ] || python3 -m venv "$out/venv" || return 1
    if ! "$out/venv/bin/python" -c 'import pytest, scikit_build_core, numpy, pandas, sklearn' 2> /dev/null &&
        ! "$out/venv/bin/python" -m pip install --quiet --disable-pip-version-check --retries 1 --timeout 20 \
            pytest 'scikit-build-core>=0.10' numpy pandas scikit-learn; then
        echo "skipped: pip could not install pytest and scikit-learn"
    fi
}

# The package as users get it: built by pip into a wheel, and tested from where pip put it.
python_package() {
    if ! "$out/venv/bin/python" -c 'import pytest, scikit_build_core' 2> /dev/null; then
        echo "skipped: no pytest and scikit-build-core"
        return 0
    fi
    "$out/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps \
        --force-reinstall "$root" &&
        (cd "$out" && "$out/venv/bin/pytest" -q -p no:cacheprovider "$root/python/tests")
}

scripts/deps.sh --tests
gcc=$(command -v gcc || command -v cc)
python=
if [ $quick = yes ]; then
    step build release
    [ -n "$failed" ] || step quick quick_tests
    log=$out/quick.log
else
    step python-tools python_tools
    if "$out/venv/bin/python" -c 'import pytest' 2> /dev/null; then
        python=$out/venv/bin/python
    fi
    step build release
    if [ -z "$failed" ]; then
        step tests all_tests
        step german german
        step docs documentation
        step size size
    fi
    step clang-build clang_build
    case $failed in *clang-build*) ;; *)
        step clang clang_tests
        step fuzz fuzz
        ;;
    esac
    step asan asan
    step tsan tsan
    step neon neon
    step static-deps static_deps
    [ ! -f pyproject.toml ] || step python python_package
    log=$out/tests.log
fi

if [ -n "$failed" ]; then
    echo "check.sh: failed:$failed"
    exit 1
fi
grep 'tests passed' "$log" | tail -n 1
