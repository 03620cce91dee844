"""make_tokenizer_corpus.py: writes tests/fuzz/corpus/tokenizer_json: small tokenizer.json files with a text behind
each, and a vocab.txt with its config.

    python3 tests/fuzz/make_tokenizer_corpus.py
"""
import base64
import json
import struct
from pathlib import Path

FOLDER = Path(__file__).parent / "corpus" / "tokenizer_json"
TEXT = "Hello [MASK] w\u00f6rld, don't \u4e2d\u6587 e\u0301 12 alone  \n".encode() + b"\x80 end"
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "hello", "wor", "##ld", "##l", "don", "'", "t", "\u4e2d", "e",
         "12"]
VOCAB = {word: i for i, word in enumerate(WORDS)}
PIECE = {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 20,
         "vocab": VOCAB}
BERT = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None,
        "lowercase": True}


def added(token, id, **flags):
    return {"id": id, "content": token, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
            "special": True, **flags}


def template(*before_and_after):
    before, after = before_and_after
    special = [{"SpecialToken": {"id": token, "type_id": 0}} for token in (before, after)]
    return {"type": "TemplateProcessing", "single": [special[0], {"Sequence": {"id": "A", "type_id": 0}}, special[1]],
            "pair": [], "special_tokens": {token: {"id": token, "ids": [VOCAB[token]], "tokens": [token]}
                                           for token in before_and_after}}


def tokenizer(model=PIECE, normalizer=None, pre=None, post=None, tokens=()):
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": list(tokens),
            "normalizer": normalizer, "pre_tokenizer": pre, "post_processor": post, "decoder": None, "model": model}


FILES = {
    "bert": tokenizer(normalizer=BERT, pre={"type": "BertPreTokenizer"}, post=template("[CLS]", "[SEP]"),
                      tokens=[added("[MASK]", 4, lstrip=True), added("alone", 15, single_word=True, rstrip=True),
                              added("Hello", 16, normalized=True, special=False)]),
    "roberta_post": tokenizer(post={"type": "RobertaProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2],
                                    "trim_offsets": True, "add_prefix_space": True}),
    "sequences": tokenizer(normalizer={"type": "Sequence", "normalizers": [BERT, BERT]},
                           pre={"type": "Sequence", "pretokenizers": [{"type": "BertPreTokenizer"}]},
                           post={"type": "Sequence", "processors": [
                               {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True},
                               {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]}]}),
    "word_level": tokenizer(model={"type": "WordLevel", "vocab": VOCAB, "unk_token": "[UNK]"},
                            pre={"type": "BertPreTokenizer"}),
    "stages": tokenizer(normalizer={"type": "Sequence", "normalizers": [
                           {"type": "NFKC"}, {"type": "NFD"}, {"type": "StripAccents"}, {"type": "Lowercase"},
                           {"type": "Nmt"},
                           {"type": "Strip", "strip_left": True, "strip_right": False},
                           {"type": "Replace", "pattern": {"String": "''"}, "content": "\""},
                           {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
                           {"type": "Prepend", "prepend": "x"}]},
                       pre={"type": "Sequence", "pretokenizers": [
                           {"type": "Whitespace"}, {"type": "Digits", "individual_digits": True},
                           {"type": "Punctuation", "behavior": "MergedWithNext"}, {"type": "UnicodeScripts"},
                           {"type": "FixedLength", "length": 9}]}),
    "delimiters": tokenizer(normalizer={"type": "NFKD"}, pre={"type": "Sequence", "pretokenizers": [
                                {"type": "CharDelimiterSplit", "delimiter": "l"}, {"type": "WhitespaceSplit"},
                                {"type": "Punctuation"}]}),
}

BYTES = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}
LETTERS = {"<unk>": 0, "h": 1, "e": 2, "l": 3, "o": 4, "he": 5, "ll": 6, "hell": 7, "hello": 8, "\u0120": 9,
           "\u0120d": 10, "d": 11, "\u2581": 12, "<0x0A>": 13}
MERGES = [["h", "e"], ["l", "l"], ["he", "ll"], ["hell", "o"], ["\u0120", "d"]]
BPE = {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
       "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False, "vocab": LETTERS,
       "merges": MERGES}
UNIGRAM = {"type": "Unigram", "unk_id": 0, "byte_fallback": True,
           "vocab": [["<unk>", 0.0], ["\u2581", -2.5], ["\u2581he", -3.0], ["l", -2.0], ["ll", -3.5], ["o", -2.25]]}
SPACES = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": True}
CHARSMAP = base64.b64encode(struct.pack("<III", 8, 0, 0) + b"x\0").decode()
FILES.update({
    "bpe": tokenizer(model=BPE, pre=BYTES, normalizer={"type": "Sequence", "normalizers": [{"type": "NFC"},
                                                                                           {"type": "Lowercase"}]},
                     post=BYTES, tokens=[added("<unk>", 0, normalized=True)]),
    "bpe_spaces": tokenizer(model=dict(BPE, byte_fallback=True, fuse_unk=True, merges=["h e", "l l", "he ll"]),
                            normalizer={"type": "Sequence", "normalizers": [
                                {"type": "Prepend", "prepend": "\u2581"},
                                {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]}),
    "bpe_ends": tokenizer(model=dict(BPE, end_of_word_suffix="o", ignore_merges=True),
                          pre={"type": "Sequence", "pretokenizers": [
                              {"type": "Split", "pattern": {"Regex": "\\p{L}+|\\s+|."}, "behavior": "Isolated",
                               "invert": False}, {"type": "Digits", "individual_digits": True},
                              dict(BYTES, use_regex=False)]}),
    "unigram": tokenizer(model=UNIGRAM, pre=SPACES,
                         normalizer={"type": "Precompiled", "precompiled_charsmap": CHARSMAP}),
    "plain": tokenizer(model={"type": "WordLevel", "vocab": VOCAB, "unk_token": "[UNK]"},
                       normalizer={"type": "Sequence", "normalizers": [
                           {"type": "NFKD"}, {"type": "StripAccents"}, {"type": "Nmt"},
                           {"type": "Strip", "strip_left": True, "strip_right": True},
                           {"type": "Replace", "pattern": {"Regex": "[aeiou]{2}"}, "content": "\u00e9"}]},
                       pre={"type": "Sequence", "pretokenizers": [
                           {"type": "Whitespace"}, {"type": "Punctuation", "behavior": "MergedWithNext"},
                           {"type": "UnicodeScripts"}, {"type": "CharDelimiterSplit", "delimiter": "o"}]}),
})


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, content in FILES.items():
        (FOLDER / name).write_bytes(json.dumps(content, separators=(",", ":")).encode() + b"\xff" + TEXT)
    config = {"do_lower_case": False, "unk_token": {"content": "[UNK]"}, "tokenizer_class": "BertTokenizer",
              "added_tokens_decoder": {"4": {"content": "[MASK]", "special": True}},
              "additional_special_tokens": ["<x>"], "strip_accents": None}
    (FOLDER / "vocab").write_bytes("".join(word + "\n" for word in WORDS).encode() + b"\xff" +
                                   json.dumps(config).encode())


main()
