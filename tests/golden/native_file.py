"""A writer of the model file of its own, made from docs/file-format.md and the option table's source, so that the tests'
files do not come from the writer that they check. Needs the package xxhash."""
import json
import pathlib
import re
import struct

import xxhash

SOURCE = pathlib.Path(__file__).resolve().parent / "../../lib/model/options_table.c"
VOCABULARY = "<unk>\nthe\ngood\nbad\n好\nfilm\n".encode()
LABELS = ["no", 'yes "好"']
ZEROS = "0" * 32
PREFIX = '{"__metadata__":{"textclf.checksum":"xxh3-128:'


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def stored_options(arch):
    """Keys and defaults of the options that a file of this architecture holds."""
    rows = re.findall(r'\{"(\w+)",\s*TCI_OPTION_\w+,\s*(MODEL|TRAINING|RUN),\s*AT\(\w+\),\s*"[^"]*",\s*[^,]+,\s*[^,]+,'
                      r'\s*"([^"]*)",\s*"([^"]*)"', SOURCE.read_text())
    return {key: default for key, kind, default, of in rows if kind != "RUN" and (of == "all" or arch in of.split(","))}


def metadata(labels=LABELS, arch="lstm", **settings):
    """All pairs but the checksum's."""
    small = {"embedding_dim": "3", "hidden_dim": "2", "vocab_size": "16"} if arch == "lstm" else {}
    options = {**stored_options(arch), "arch": arch, **small, **settings}
    pairs = {"textclf.option." + key: value for key, value in options.items()}
    pairs["textclf.format_version"] = "1"
    pairs["textclf.labels"] = compact(labels)
    pairs["textclf.unicode_version"] = "15.0.0"
    return pairs


def shapes(embedding=3, hidden=2, layers=1, directions=1, words=6, labels=2):
    """Names and shapes of the LSTM's tensors."""
    result = {"embedding.weight": [words, embedding]}
    for layer in range(layers):
        for suffix in ["", "_reverse"][:directions]:
            inputs = embedding if layer == 0 else directions * hidden
            end = f"_l{layer}{suffix}"
            result |= {"lstm.weight_ih" + end: [4 * hidden, inputs], "lstm.weight_hh" + end: [4 * hidden, hidden],
                       "lstm.bias_ih" + end: [4 * hidden], "lstm.bias_hh" + end: [4 * hidden]}
    return result | {"fc.weight": [labels, directions * hidden], "fc.bias": [labels]}


def elements(shape):
    count = 1
    for dimension in shape:
        count *= dimension
    return count


def floats(shape, seed=0):
    """Some numbers, little-endian float32."""
    return b"".join(struct.pack("<f", ((i * 37 + seed * 11) % 64 - 32) / 64) for i in range(elements(shape)))


SIZES = {"U8": 1, "I8": 1, "F16": 2, "BF16": 2, "F32": 4, "F64": 8, "I64": 8, "U64": 8}


def header_and_data(tensors, pairs):
    """tensors: name -> (dtype, shape, bytes). The header's text, unpadded, with the checksum as zeros if there are pairs."""
    header, data = {}, b""
    if pairs is not None:
        header["__metadata__"] = {"textclf.checksum": "xxh3-128:" + ZEROS}
        for key in sorted(pairs, key=str.encode):
            header["__metadata__"][key] = pairs[key]
    for name in sorted(tensors, key=lambda name: (-SIZES[tensors[name][0]], name.encode())):
        dtype, shape, content = tensors[name]
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    return compact(header), data


def assemble(header, data, length=None):
    """The file of a header's text: padded, its length in front (or another one), the checksum computed."""
    text = header if isinstance(header, bytes) else header.encode()
    text += b" " * (-(8 + len(text)) % 64)
    return seal((len(text) if length is None else length).to_bytes(8, "little") + text + data)


def seal(content):
    """The right checksum in the bytes of a model file; others are as they were."""
    if content[8:54] != PREFIX.encode():
        return content
    content = content[:54] + ZEROS.encode() + content[86:]
    return content[:54] + xxhash.xxh3_128_hexdigest(content).encode() + content[86:]
