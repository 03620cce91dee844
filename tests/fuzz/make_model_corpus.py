#!/usr/bin/env python3
"""Writes corpus/model/: small model files and safetensors files, good ones and one for each way to be refused, as seeds
of fuzz_model. Needs the package xxhash."""
import pathlib
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "golden"))
import native_file as native  # noqa: E402

FOLDER = HERE / "corpus" / "model"
VOCABULARY = native.VOCABULARY


def tensors(vocabulary=VOCABULARY, dtype="F32", **dimensions):
    result = {}
    for seed, (name, shape) in enumerate(native.shapes(**dimensions).items()):
        content = native.floats(shape, seed)
        if dtype != "F32":
            code = {"F16": "e", "F64": "d"}.get(dtype)
            values = struct.unpack(f"<{len(content) // 4}f", content)
            content = (struct.pack(f"<{len(values)}{code}", *values) if code
                       else b"".join(content[i + 2:i + 4] for i in range(0, len(content), 4)))
        result[name] = (dtype, shape, content)
    if vocabulary is not None:
        result["textclf.vocab"] = ("U8", [len(vocabulary)], vocabulary)
    return result


def model(vocabulary=VOCABULARY, labels=native.LABELS, extra=None, dimensions=None, **settings):
    return native.header_and_data(tensors(vocabulary, **(dimensions or {})) | (extra or {}),
                                  native.metadata(labels, **settings))


HEADER, DATA = model()
GOOD = native.assemble(HEADER, DATA)
FILES = {"good": GOOD}


def edited(name, find, replace, header=HEADER, data=DATA):
    assert find in header, (name, find)
    FILES[name] = native.assemble(header.replace(find, replace, 1), data)


def good_files():
    FILES["good_two_layers"] = native.assemble(*model(
        dimensions={"layers": 2, "directions": 2}, num_layers="2", bidirectional="true", pooling="mean", dropout="0.5"))
    FILES["good_multilabel"] = native.assemble(*model(task="multilabel", tokenizer="char", pooling="max", normalize="nfc"))
    FILES["good_regress"] = native.assemble(*model(task="regress", strict_utf8="true", truncate="both", max_length="3"))
    FILES["good_checkpoint"] = native.assemble(*model(extra={
        "optim.fc.bias": ("F64", [2], struct.pack("<2d", 1.5, -2)), "best.fc.bias": ("F32", [2], struct.pack("<2f", 1, 2)),
        "optim.none": ("F32", [0, 7], b""), "textclf.rows": ("U64", [1], bytes(8)), "textclf.state": ("U8", [3], b"abc")}))
    edited("good_kept_key", '"textclf.labels"', '"textclf.kept":"","textclf.labels"')
    edited("good_default_option", '"textclf.option.seed":"1",', "")
    edited("good_escapes", '"textclf.labels"', '"textclf.kept":"\\u00e9\\ud83d\\ude00\\/\\b\\f\\n\\r\\t","textclf.labels"')
    for dtype in ["F32", "F16", "BF16", "F64"]:
        FILES["weights_" + dtype.lower()] = native.assemble(*native.header_and_data(tensors(None, dtype), None))
    FILES["weights_two_layers"] = native.assemble(*native.header_and_data(tensors(None, layers=2), None))
    FILES["weights_hidden_3"] = native.assemble(*native.header_and_data(tensors(None, hidden=3), None))
    FILES["weights_lacking"] = native.assemble(
        *native.header_and_data({"a": ("I64", [1], bytes(8)), "b": ("U8", [], b"1")}, None))
    large = tensors(None, "F64")
    large["fc.bias"] = ("F64", [2], struct.pack("<2d", 1, 1e300))
    FILES["weights_too_large"] = native.assemble(*native.header_and_data(large, None))
    large["fc.bias"] = ("F64", [2], struct.pack("<2d", 1e-40, 1e-60))
    FILES["weights_tiny"] = native.assemble(*native.header_and_data(large, None))
    half = tensors(None, "F16")
    half["fc.bias"] = ("F16", [2], struct.pack("<2H", 0x0001, 0x8000))
    FILES["weights_subnormal"] = native.assemble(*native.header_and_data(half, None))
    half["fc.bias"] = ("F16", [2], struct.pack("<2H", 0x7C00, 0xFE00))
    FILES["weights_infinite"] = native.assemble(*native.header_and_data(half, None))
    large["fc.bias"] = ("I64", [2], bytes(16))
    FILES["weights_integers"] = native.assemble(*native.header_and_data(large, None))


def narrow_tensors(kind, **dimensions):
    """The tensors of a model with weights bf16 or int8: matrices of embedding and LSTM, and the scales of int8."""
    result = {}
    for name, (dtype, shape, content) in tensors(**dimensions).items():
        if dtype != "F32" or len(shape) != 2 or name.startswith("fc."):
            result[name] = (dtype, shape, content)
        elif kind == "bf16":
            result[name] = ("BF16", shape, b"".join(content[i + 2:i + 4] for i in range(0, len(content), 4)))
        else:
            numbers = [(i * 37) % 255 - 127 for i in range(len(content) // 4)]
            result[name] = ("I8", shape, struct.pack(f"{len(numbers)}b", *numbers))
            scales = [(i % 7 + 1) / 512 for i in range(shape[0])]
            result["textclf.scale." + name] = ("F32", [shape[0]], struct.pack(f"<{shape[0]}f", *scales))
    return result


def narrow_files():
    for kind in ["bf16", "int8"]:
        FILES["narrow_" + kind] = native.assemble(*native.header_and_data(
            narrow_tensors(kind), native.metadata(weights=kind)))
        FILES[f"narrow_{kind}_deep"] = native.assemble(*native.header_and_data(
            narrow_tensors(kind, layers=2, directions=2),
            native.metadata(weights=kind, num_layers="2", bidirectional="true", pooling="mean")))
        FILES[f"narrow_{kind}_as_f32"] = native.assemble(*native.header_and_data(
            narrow_tensors(kind), native.metadata()))
    FILES["narrow_f32_as_int8"] = native.assemble(*model(weights="int8"))
    FILES["narrow_unknown"] = native.assemble(*model(weights="int4"))
    for name, tensor, content in [
            ("least", "lstm.weight_hh_l0", b"\x80" * 16),
            ("scale_zero", "textclf.scale.lstm.weight_hh_l0", bytes(32)),
            ("scale_negative", "textclf.scale.embedding.weight", struct.pack("<6f", 1, 1, -1, 1, 1, 1)),
            ("scale_nan", "textclf.scale.embedding.weight", struct.pack("<5fI", 1, 1, 1, 1, 1, 0x7FC00000)),
            ("scale_huge", "textclf.scale.embedding.weight", struct.pack("<6f", 1, 1, 1, 1, 1, 3e38)),
            ("scale_tiny", "textclf.scale.embedding.weight", struct.pack("<6I", 1, 1, 1, 1, 1, 1)),
            ("scale_large", "textclf.scale.lstm.weight_ih_l0", struct.pack("<8f", *[2.6e36] * 8))]:
        changed = narrow_tensors("int8")
        changed[tensor] = (*changed[tensor][:2], content)
        FILES["narrow_" + name] = native.assemble(*native.header_and_data(changed, native.metadata(weights="int8")))
    lacking = narrow_tensors("int8")
    del lacking["textclf.scale.lstm.weight_ih_l0"]
    FILES["narrow_lacking"] = native.assemble(*native.header_and_data(lacking, native.metadata(weights="int8")))


def ngram_tensors(rows=4, columns=1, bits=b"\x09\x00\x81"):
    """Of a model of n-grams with 24 buckets, of which 0, 3, 16 and 23 have weights."""
    return {"embedding.weight": ("F32", [rows, columns], native.floats([rows, columns])),
            "bias": ("F32", [columns], native.floats([columns], 1)),
            "calibration": ("F32", [2], struct.pack("<2f", 2, -1)),
            "textclf.features": ("U8", [len(bits)], bits), "textclf.vocab": ("U8", [6], b"<unk>\n")}


def ngram_files():
    def put(name, changed=None, labels=native.LABELS, without=None, settings=None, **shape):
        content = ngram_tensors(**shape) | (changed or {})
        content.pop(without, None)
        pairs = native.metadata(labels, arch="ngram", **{"buckets": "24", "optimizer": "dcd"} | (settings or {}))
        FILES["ngram_" + name] = native.assemble(*native.header_and_data(content, pairs))
    put("good")
    put("good_three", labels=["a", "b", "c"], columns=3, settings={"char_ngrams": "across"})
    put("good_multilabel", columns=2, settings={"task": "multilabel", "min_char_ngram": "0", "max_char_ngram": "0"})
    put("good_empty", rows=0, bits=bytes(3))
    put("bits_above", settings={"buckets": "23"}, bits=b"\x09\x00\x81")
    put("bits_fewer", bits=b"\x09\x81")
    put("bits_missing", without="textclf.features")
    put("bits_signed", {"textclf.features": ("I8", [3], b"\x09\x00\x81")})
    put("rows_fewer", rows=3)
    put("columns_two", columns=2)
    put("buckets_huge", settings={"buckets": "1073741824"})
    put("lacks_calibration", without="calibration")
    put("nan", {"bias": ("F32", [1], struct.pack("<I", 0x7FC00000))})
    put("large", {"calibration": ("F32", [2], struct.pack("<2f", 3e38, 3e38)), "bias": ("F32", [1], struct.pack("<f", 3e38))})
    put("f32_as_bf16", settings={"weights": "bf16"})
    half = b"".join(native.floats([4, 1])[i + 2:i + 4] for i in range(0, 16, 4))
    put("bf16", {"embedding.weight": ("BF16", [4, 1], half)}, settings={"weights": "bf16"})
    numbers, scale = ("I8", [4, 2], struct.pack("8b", -127, 3, 0, 127, 5, -6, 7, -8)), struct.pack("<2f", 0.5, 0.25)
    for name, weights, shape, scales, settings in [
            ("", numbers[2], [1, 2], scale, {"max_features": "4"}),
            ("_most_3", numbers[2], [1, 2], scale, {"max_features": "3"}),
            ("_least", b"\x80" + bytes(7), [1, 2], scale, {}), ("_scale_rows", numbers[2], [4], scale + scale, {}),
            ("_scale_zero", numbers[2], [1, 2], scale[:4] + bytes(4), {}),
            ("_scale_nan", numbers[2], [1, 2], scale[:4] + b"\0\0\xc0\x7f", {}),
            ("_scale_huge", numbers[2], [1, 2], scale[:4] + struct.pack("<f", 3e38), {})]:
        put("int8" + name, {"embedding.weight": (*numbers[:2], weights),
                            "textclf.scale.embedding.weight": ("F32", shape, scales)},
            settings={"weights": "int8", "task": "multilabel"} | settings, columns=2)
    put("int8_lacking", {"embedding.weight": numbers}, settings={"weights": "int8", "task": "multilabel"}, columns=2)
    put("most_3", settings={"max_features": "3"})
    put("runs_turned", settings={"min_char_ngram": "6"})
    put("runs_half", settings={"min_char_ngram": "0"})
    put("tail", settings={"truncate": "tail", "max_length": "5"})


TOKENIZER = native.compact({
    "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": {"type": "BertNormalizer",
        "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
    "pre_tokenizer": {"type": "BertPreTokenizer"},
    "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]}, "decoder": None,
    "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
              "max_input_chars_per_word": 100,
              "vocab": {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "good": 4, "##s": 5}}})


def tokenizer_model(text=TOKENIZER, dtype="U8", with_words=None, **settings):
    extra = {} if text is None else {"textclf.tokenizer": (dtype, [len(text)], text.encode())}
    return native.assemble(*model(with_words, extra=extra,
                                  **({"tokenizer": "json", "vocab_size": "6"} | settings)))


def tokenizer_files():
    for name, content in {
            "good": tokenizer_model(),
            "good_tail": tokenizer_model(max_length="4", truncate="tail"),
            "missing": tokenizer_model(None),
            "not_asked_for": tokenizer_model(tokenizer="word"),
            "and_words": tokenizer_model(with_words=VOCABULARY),
            "words_only": tokenizer_model(None, with_words=VOCABULARY),
            "signed": tokenizer_model(dtype="I8"),
            "cut": tokenizer_model(TOKENIZER[:-9]),
            "none": tokenizer_model(""),
            "of_a_kind": tokenizer_model(TOKENIZER.replace("BertPreTokenizer", "BertPretokeniser")),
            "more_ids": tokenizer_model(TOKENIZER.replace('"##s":5', '"##s":5,"##t":6')),
            "more_rows": tokenizer_model(vocab_size="7"),
            "no_room": tokenizer_model(max_length="2")}.items():
        FILES["tokenizer_" + name] = content


def damaged_bytes():
    for cut in [0, 7, 8, 60, 86, 87, 200, len(GOOD) - 1]:
        FILES[f"cut_{cut}"] = GOOD[:cut]
    FILES["wrong_mark"] = GOOD[:20] + b"T" + GOOD[21:]
    FILES["longer"] = native.seal(GOOD + b"\0")
    FILES["empty_object"] = native.assemble("{}", b"")
    FILES["space_first"] = native.assemble(" {}", b"")
    for name, length in [("none", 0), ("huge", 2**64 - 1), ("limit", 100000001), ("past_end", len(GOOD))]:
        FILES["length_" + name] = native.assemble(HEADER, DATA, length)


def metadata_rules():
    edited("version_2", 'format_version":"1"', 'format_version":"2"')
    edited("version_word", 'format_version":"1"', 'format_version":"one"')
    edited("version_missing", '"textclf.format_version":"1",', "")
    edited("option_unknown", "option.seed", "option.sead")
    edited("option_of_a_run", "option.threshold", "option.threads")
    edited("option_range", 'num_layers":"1"', 'num_layers":"17"')
    edited("option_choice", 'arch":"lstm"', 'arch":"cnn"')
    edited("unsorted", "textclf.labels", "textclf.zabels")
    edited("foreign_key", '"textclf.labels"', '"format":"pt","textclf.labels"')
    edited("repeated_key", '"textclf.labels"', '"textclf.format_version":"1","textclf.labels"')
    edited("nul_in_key", "textclf.labels", "textclf.l\\u0000bels")
    edited("nul_in_value", 'seed":"1"', 'seed":"1\\u0000"')
    edited("value_number", 'seed":"1"', 'seed":1')
    edited("metadata_list", '{"textclf.checksum"', '["textclf.checksum"')
    edited("checksum_long", '","textclf.format', '0","textclf.format')
    edited("unicode_word", '"15.0.0"', '"new"')
    edited("unicode_missing", "textclf.unicode_version", "textclf.unicode_x")
    edited("long_key", "textclf.labels", "textclf." + "l" * 505)
    for name, labels in [("none", []), ("one", ["no"]), ("three", ["a", "b", "c"]), ("twice", ["no", "no"]),
                         ("empty", ["no", ""]), ("tab", ["no", "a\tb"]), ("nul", ["no", "a\0"]), ("number", ["no", 1]),
                         ("object", {}), ("nested", [["no"]])]:
        FILES["labels_" + name] = native.assemble(*model(labels=labels))
    FILES["labels_comma"] = native.assemble(*model(labels=["a", "b,c"], task="multilabel"))


def threshold_rules():
    for name, text, task in [
            ("good", "[0,1e-1]", "multilabel"), ("few", "[0.5]", "multilabel"), ("many", "[0.5,1,0]", "multilabel"),
            ("none", "[]", "multilabel"), ("above", "[0.5,1.0000001]", "multilabel"), ("below", "[-0.1,1]", "multilabel"),
            ("huge", "[1e999,1]", "multilabel"), ("nan", "[NaN,1]", "multilabel"), ("text", '["0.5","1"]', "multilabel"),
            ("nested", "[[0.5],1]", "multilabel"), ("object", "{}", "multilabel"), ("tail", "[0,1]0", "multilabel"),
            ("classify", "[0.5,0.5]", "classify")]:
        pairs = native.metadata(task=task) | {"textclf.thresholds": text}
        FILES["thresholds_" + name] = native.assemble(*native.header_and_data(tensors(), pairs))
    pairs = native.metadata(task="multilabel") | {"textclf.thresholds": "[0.5]"}
    del pairs["textclf.labels"]
    FILES["thresholds_alone"] = native.assemble(*native.header_and_data(tensors(), pairs))


def tensor_rules():
    bias = '"fc.bias":{"dtype":"F32","shape":[2],"data_offsets":[72,80]}'
    edited("tensor_missing", "fc.bias", "fc.bios")
    edited("tensor_unknown", bias, bias + ',"x":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}')
    edited("tensor_repeated", bias, bias + "," + bias)
    edited("tensor_number", bias, '"fc.bias":1')
    for name, text in [
            ("dtype", '"dtype":"F33","shape":[2],"data_offsets":[72,80]'),
            ("dtype_other", '"dtype":"I32","shape":[2],"data_offsets":[72,80]'),
            ("dtype_number", '"dtype":32,"shape":[2],"data_offsets":[72,80]'),
            ("shape", '"dtype":"F32","shape":[3],"data_offsets":[72,80]'),
            ("shape_rank", '"dtype":"F32","shape":[2,1],"data_offsets":[72,80]'),
            ("shape_deep", '"dtype":"F32","shape":[2,1,1,1,1,1,1,1,1],"data_offsets":[72,80]'),
            ("shape_text", '"dtype":"F32","shape":["2"],"data_offsets":[72,80]'),
            ("shape_overflow", '"dtype":"F32","shape":[4611686018427387906],"data_offsets":[72,80]'),
            ("shape_overflow_2", '"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[72,80]'),
            ("shape_negative", '"dtype":"F32","shape":[-2],"data_offsets":[72,80]'),
            ("shape_fraction", '"dtype":"F32","shape":[2.5e1],"data_offsets":[72,80]'),
            ("bits", '"dtype":"F4","shape":[16],"data_offsets":[72,80]'),
            ("bits_odd", '"dtype":"F4","shape":[15],"data_offsets":[72,80]'),
            ("overlap", '"dtype":"F32","shape":[2],"data_offsets":[68,76]'),
            ("hole", '"dtype":"F32","shape":[1],"data_offsets":[76,80]'),
            ("offsets_turned", '"dtype":"F32","shape":[2],"data_offsets":[80,72]'),
            ("offsets_outside", '"dtype":"F32","shape":[2],"data_offsets":[9000,9008]'),
            ("offsets_three", '"dtype":"F32","shape":[2],"data_offsets":[72,80,88]'),
            ("lacks_dtype", '"shape":[2],"data_offsets":[72,80]'),
            ("lacks_shape", '"dtype":"F32","data_offsets":[72,80]'),
            ("lacks_offsets", '"dtype":"F32","shape":[2]'),
            ("member", '"dtype":"F32","shape":[2],"data_offsets":[72,80],"stride":1'),
            ("member_twice", '"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[72,80]')]:
        edited("tensor_" + name, bias, '"fc.bias":{' + text + "}")
    edited("options_huge", 'hidden_dim":"2"', 'hidden_dim":"16384"')
    edited("options_deep", 'num_layers":"1"', 'num_layers":"16"')
    edited("tail", bias, bias + ",")
    edited("depth", bias, '"fc.bias":' + "[" * 40)
    edited("more_metadata", bias, bias + ',"__metadata__":{}')
    FILES["nan"] = native.seal(GOOD[:-len(DATA)] + struct.pack("<I", 0x7FC00000) + GOOD[-len(DATA) + 4:])
    FILES["infinite"] = native.seal(GOOD[:-len(DATA)] + struct.pack("<I", 0xFF800000) + GOOD[-len(DATA) + 4:])
    FILES["infinite_moment"] = native.assemble(*model(extra={"optim.m": ("F64", [1], struct.pack("<Q", 0x7FF << 52))}))
    FILES["large_weights"] = native.seal(GOOD[:-len(DATA)] + b"\xff\xff\x7f\x7f" * 80 + GOOD[-len(VOCABULARY):])


def vocabulary_rules():
    for name, words in [("unk", b"unk\nthe\ngood\nbad\na\nfilm\n"), ("twice", b"<unk>\nthe\ngood\nthe\na\nfilm\n"),
                        ("empty_word", b"<unk>\nthe\n\nbad\na\nfilm\n"), ("utf8", b"<unk>\nthe\n\xff\nbad\na\nfilm\n"),
                        ("end", b"<unk>\nthe\ngood\nbad\na\nfilm\nx"), ("fewer", b"<unk>\nthe\n"), ("none", b""),
                        ("long_word", b"<unk>\n" + b"w" * 1025 + b"\ngood\nbad\na\nfilm\n")]:
        FILES["vocabulary_" + name] = native.assemble(*model(words))
    edited("vocabulary_missing", "textclf.vocab\"", "textclf.words\"")
    edited("vocabulary_signed", '"U8"', '"I8"')


good_files()
narrow_files()
ngram_files()
damaged_bytes()
metadata_rules()
threshold_rules()
tensor_rules()
vocabulary_rules()
tokenizer_files()
FOLDER.mkdir(parents=True, exist_ok=True)
for old in FOLDER.iterdir():
    old.unlink()
for file_name, content in FILES.items():
    (FOLDER / file_name).write_bytes(content)
print(len(FILES), "files,", sum(map(len, FILES.values())), "bytes, the largest", max(map(len, FILES.values())))
