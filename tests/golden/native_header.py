#!/usr/bin/env python3
"""Writes native.header: the header of the tests' tiny model with all weights 0, made from docs/file-format.md and the
option table's source alone, so that it does not come from the writer that it checks. Needs the package xxhash.

usage: native_header.py [FILE.safetensors]     also writes the whole model file there
Run it again when the option table changes."""
import json
import pathlib
import re
import sys

import xxhash

here = pathlib.Path(__file__).resolve().parent
source = (here / "../../lib/model/options.c").resolve().read_text()
rows = re.findall(r'\{"(\w+)",\s*TCI_OPTION_\w+,\s*(MODEL|TRAINING|RUN),\s*AT\(\w+\),\s*"[^"]*",\s*[^,]+,\s*[^,]+,'
                  r'\s*"([^"]*)"', source)
metadata = {"textclf.option." + key: default for key, kind, default in rows if kind != "RUN"}
metadata.update({
    "textclf.option.embedding_dim": "3",
    "textclf.option.hidden_dim": "2",
    "textclf.option.vocab_size": "16",
    "textclf.format_version": "1",
    "textclf.labels": json.dumps(["no", 'yes "好"'], ensure_ascii=False, separators=(",", ":")),
    "textclf.unicode_version": "15.0.0",
})
shapes = {"embedding.weight": [6, 3], "lstm.weight_ih_l0": [8, 3], "lstm.weight_hh_l0": [8, 2], "lstm.bias_ih_l0": [8],
          "lstm.bias_hh_l0": [8], "fc.weight": [2, 2], "fc.bias": [2]}
vocabulary = "<unk>\nthe\ngood\nbad\n好\nfilm\n".encode()

zeros = "0" * 32
header = {"__metadata__": {"textclf.checksum": "xxh3-128:" + zeros}}
for key in sorted(metadata, key=str.encode):
    header["__metadata__"][key] = metadata[key]
offset = 0
for name in sorted(shapes):
    size = 4
    for dimension in shapes[name]:
        size *= dimension
    header[name] = {"dtype": "F32", "shape": shapes[name], "data_offsets": [offset, offset + size]}
    offset += size
header["textclf.vocab"] = {"dtype": "U8", "shape": [len(vocabulary)], "data_offsets": [offset, offset + len(vocabulary)]}

text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
padding = -(8 + len(text)) % 64
length = (len(text) + padding).to_bytes(8, "little")
data = bytes(offset) + vocabulary
digest = xxhash.xxh3_128_hexdigest(length + text + b" " * padding + data)
text = text.replace(zeros.encode(), digest.encode(), 1)
(here / "native.header").write_bytes(text + b"\n")
if len(sys.argv) > 1:
    pathlib.Path(sys.argv[1]).write_bytes(length + text + b" " * padding + data)
