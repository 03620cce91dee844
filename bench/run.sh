#!/bin/sh
# run.sh: everything about speed, from nothing to a table: peers, builds, measuring.
#
#   bench/run.sh [--quick] [--around COMMAND] [PART ...]     PART: kernels training prediction memory busy growth
#   ngram transformer; all
#
# Makes a virtual environment with the peers (bench/setup.sh) and builds the library with gcc and, where there is one,
# with clang, in build/speed-gcc and build/speed-clang. Figures go to build/bench/PART.json; results.json and results.md
# there have all of them. TEXTCLF_DATA names the folder of the data sets; kernels need none.
# --around puts a command before each piece of at most two minutes or so, for machines that others use too.
set -eu
usage="usage: bench/run.sh [--quick] [--around COMMAND] [kernels training prediction memory busy growth ngram transformer]"
cd "$(dirname "$0")/.."
quick='' around='' parts=''
while [ $# -gt 0 ]; do
    case $1 in
        --quick) quick=--quick ;;
        --around) shift && around=${1?$usage} ;;
        kernels | training | prediction | memory | busy | growth | ngram | transformer) parts="$parts $1" ;;
        *) echo "$usage" >&2 && exit 2 ;;
    esac
    shift
done
parts=${parts:-kernels training prediction memory busy growth ngram transformer}
if [ "$parts" != ' kernels' ]; then
    python3 -B -c 'import sys; sys.path.insert(0, "bench"); import common; common.data_folder()'
fi
python=$(bench/setup.sh)

build() { # compiler
    cmake -S . -B "build/speed-$1" -DCMAKE_C_COMPILER="$1" -DCMAKE_BUILD_TYPE=Release -DTEXTCLF_BENCH=ON \
        -DTEXTCLF_TESTS=OFF -DTEXTCLF_EXAMPLES=OFF > /dev/null
    cmake --build "build/speed-$1" -j 2 > /dev/null
}
build gcc
clang=''
if command -v clang > /dev/null; then
    build clang
    clang="--clang build/speed-clang"
fi

folder=build/bench
mkdir -p "$folder"
piece() { # part, then arguments
    part=$1
    shift
    echo "$part $*" >&2
    # shellcheck disable=SC2086
    $around "$python" -B "bench/speed_$part.py" --build build/speed-gcc $quick --json "$folder/$part.json" "$@"
}
weights=f32
if build/speed-gcc/src/textclf options | grep -q '^weights '; then
    weights='f32 bf16 int8'
fi

for part in $parts; do
    rm -f "$folder/$part.json"
    case $part in
        kernels)
            # shellcheck disable=SC2086
            piece kernels $clang
            ;;
        memory)
            unquiet=$around around=
            piece memory
            around=$unquiet
            ;;
        ngram)
            for threads in 1 2; do
                piece ngram --threads $threads
            done
            ;;
        transformer)
            for threads in 1 2; do
                for case in one batch real.banking77 real.mr real.imdb train.equal train.mr gpt2 start; do
                    piece transformer --threads $threads --only $case
                done
            done
            ;;
        busy)
            for case in training prediction; do
                piece busy --only $case
            done
            ;;
        training)
            for threads in 1 2; do
                for case in equal imdb.buckets imdb.file trec thucnews; do
                    piece training --threads $threads --only $case
                done
            done
            ;;
        prediction)
            for kind in $weights; do
                for threads in 1 2; do
                    for case in one many.sorted many.file_order; do
                        piece prediction --threads $threads --only $case --weights "$kind"
                    done
                done
            done
            ;;
        growth)
            for threads in 1 2; do
                for axis in rows hidden length; do
                    piece growth --threads $threads --only $axis
                done
            done
            "$python" -B bench/speed_growth.py --draw --json "$folder/growth.json" --plot "$folder/growth.svg"
            ;;
    esac
done
"$python" -B bench/report.py > /dev/null
echo "$folder/results.md and $folder/results.json"
