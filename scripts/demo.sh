#!/bin/sh
# demo.sh: from a fresh clone to a trained classifier, in about two minutes.
#
# Builds the library and the program into build/demo, trains on the bundled corpus (sentences about start-ups, half
# English, half Chinese, labelled by how the company's story goes on), measures the model on sentences it has not seen,
# and classifies new ones. Nothing is installed but what building needs; remove build/demo to undo all of it.
set -eu
cd "$(dirname "$0")/.."

demo=build/demo
data=examples/data
model=$demo/exits.safetensors
textclf=$demo/src/textclf

say() {
    printf '\n== %s\n' "$1"
}

say "1. Build (into $demo)"
scripts/deps.sh
mkdir -p "$demo"
if ! {
    cmake -S . -B "$demo" -G Ninja -DCMAKE_BUILD_TYPE=Release -DTEXTCLF_TESTS=OFF -DTEXTCLF_EXAMPLES=OFF &&
        cmake --build "$demo"
} > "$demo/build.log" 2>&1; then
    tail -n 30 "$demo/build.log"
    echo "demo.sh: the build failed; the whole output is in $demo/build.log" >&2
    exit 1
fi
echo "   library: $demo/lib/libtextclf.so"
echo "   program: $textclf"

say "2. Train on $data/exits.train.tsv"
cat << 'END'
   Each line of that file is a label, a tab, and a sentence. Four labels: the company goes public (ipo), is bought
   (acquisition), changes its business (pivot), or none of these. The model reads each sentence forwards and backwards
   (bidirectional) and keeps what stood out anywhere (pooling max); it must do without half of what it saw while it
   learns (dropout), so that it does not learn these few sentences by heart. One tenth of the lines is held out: the
   model of the epoch (one pass over the sentences) that does best on them is kept.
END
set -- train --input "$data/exits.train.tsv" --output "$model" --hidden-dim 128 --bidirectional true --pooling max \
    --dropout 0.5 --min-count 2 --epochs 20 --validation-split 0.1 --seed 1
printf '   $ %s' "$textclf"
printf ' %s' "$@"
printf '\n\n'
"$textclf" "$@"

say "3. Measure on $data/exits.test.tsv, sentences that it has not seen"
cat << 'END'
   accuracy: the share of sentences with the right label. F1: one figure per label for how many it finds and how many
   of its finds are right; macro F1 is their mean. Guessing gives 0.25. The sentences are hard on purpose: many that
   speak of a listing or a takeover say that it did not happen.
END
echo "   \$ $textclf eval --model $model --input $data/exits.test.tsv"
echo
"$textclf" eval --model "$model" --input "$data/exits.test.tsv"

say "4. Classify new sentences (the two best labels, each with its probability)"
cat > "$demo/new.txt" << 'END'
The payments firm has filed to list its shares in New York next spring.
A rival has agreed to buy the robotics start-up for 340 million dollars in cash.
After two slow years the food delivery app now sells software to restaurants instead.
The board denied reports that it was in talks to sell the company.
这家芯片公司今天在科创板挂牌上市，开盘大涨。
该团队已被一家互联网巨头以三亿元全资收购。
创始人宣布关闭外卖业务，转型做企业软件。
公司完成新一轮融资，将用于扩建研发中心。
END
"$textclf" predict --model "$model" --input "$demo/new.txt" --top 2 | paste "$demo/new.txt" - | awk -F '\t' '
    {printf "   %s\n      %s %.2f   %s %.2f\n", $1, $2, $3, $4, $5}'

say "The model is one file: $PWD/$model"
cat << END
   Try a sentence of your own:   $textclf predict --model $model "Your sentence here"
   What is in the file:          $textclf info $model
   From your own C program:      examples/ and docs/tour.md
END
