"""make_tokenizer_corpus.py: writes tests/fuzz/corpus/tokenizer_json: small tokenizer.json files with a text behind each,
and a vocab.txt with its config.

    python3 tests/fuzz/make_tokenizer_corpus.py
"""
import json
from pathlib import Path

FOLDER = Path(__file__).parent / "corpus" / "tokenizer_json"
TEXT = "Hello [MASK] w\u00f6rld, don't \u4e2d\u6587 e\u0301 12 alone  \n".encode() + b"\x80 end"
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "hello", "wor", "##ld", "##l", "don", "'", "t", "\u4e2d", "e", "12"]
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
}


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
