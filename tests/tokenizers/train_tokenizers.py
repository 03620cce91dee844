"""train_tokenizers.py: tokenizers of every kind that a tokenizer.json describes, trained on the texts of TEXTCLF_DATA.

    python3 train_tokenizers.py FOLDER [KIND ...]        writes FOLDER/KIND.json

Needs the packages tokenizers and, for the kinds with a Precompiled charsmap, sentencepiece and protobuf. Each kind has
the normalizers, pre-tokenizers, post-processors and added tokens of the model family that it is named for.
"""
import io
import json
import sys
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

import tokenizer_texts

CL100K = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")
QWEN2 = CL100K.replace(r"\p{N}{1,3}", r"\p{N}")
O200K = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
CLIP = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
BERT_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
SIZE = 8000


def template(tokenizer, begin, end, pair=True):
    """`begin` text `end`, as TemplateProcessing"""
    single = [part for part in (begin, "$A", end) if part]
    double = single + [part for part in (begin if not pair else None, "$B:1", f"{end}:1" if end else None) if part]
    special = [(token, tokenizer.token_to_id(token)) for token in dict.fromkeys((begin, end)) if token]
    return processors.TemplateProcessing(single=" ".join(single), pair=" ".join(double), special_tokens=special)


def wordpiece(texts, lowercase, special=BERT_SPECIAL, size=SIZE):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.train_from_iterator(texts, trainers.WordPieceTrainer(
        vocab_size=size, special_tokens=special, limit_alphabet=1000 if size > 4000 else 60, show_progress=False))
    tokenizer.post_processor = template(tokenizer, "[CLS]", "[SEP]")
    return tokenizer


def bert_processing(texts):
    """The older post-processor, and no CJK characters apart."""
    tokenizer = wordpiece(texts, True)
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True, handle_chinese_chars=False, strip_accents=False)
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", tokenizer.token_to_id("[SEP]")),
                                                         ("[CLS]", tokenizer.token_to_id("[CLS]")))
    return tokenizer


def added_tokens(texts):
    """Every property that an added token may have."""
    tokenizer = wordpiece(texts, True)
    tokenizer.add_tokens([
        AddedToken("joined word", normalized=True), AddedToken("ﬁrst Token", normalized=True),
        AddedToken("alone", single_word=True), AddedToken("tight", lstrip=True, rstrip=True, normalized=False),
        AddedToken("Ing", normalized=False), AddedToken("don't", single_word=True, normalized=True),
        AddedToken("中文", lstrip=True), AddedToken("é", normalized=True), AddedToken("  ", normalized=False)])
    tokenizer.add_special_tokens([AddedToken("[mask]", lstrip=True, normalized=False, special=True)])
    return tokenizer


def byte_level(texts, special, prefix_space=False, pre=None, size=SIZE, **model):
    tokenizer = Tokenizer(models.BPE(**model))
    tokenizer.pre_tokenizer = pre or pre_tokenizers.ByteLevel(add_prefix_space=prefix_space)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=size, special_tokens=special, show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    return tokenizer


def gpt2(texts, size=SIZE):
    tokenizer = byte_level(texts, ["<|endoftext|>"], size=size)
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


def roberta(texts, size=SIZE):
    tokenizer = byte_level(texts, ["<s>", "<pad>", "</s>", "<unk>", AddedToken("<mask>", lstrip=True)], size=size)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", tokenizer.token_to_id("</s>")),
                                                            ("<s>", tokenizer.token_to_id("<s>")),
                                                            add_prefix_space=False)
    return tokenizer


def roberta_prefix(texts):
    """A space before the first word; offsets not trimmed."""
    tokenizer = byte_level(texts, ["<s>", "</s>", AddedToken("<mask>", lstrip=True, rstrip=True)], prefix_space=True)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 1), ("<s>", 0), trim_offsets=False)
    return tokenizer


def split_by(pattern, *after):
    """A pattern that finds the words, then bytes."""
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"), *after,
                                    pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def llama3(texts, size=SIZE):
    tokenizer = byte_level(texts, ["<|begin_of_text|>", "<|end_of_text|>"], pre=split_by(CL100K), size=size,
                           ignore_merges=True)
    tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False),
                                                    template(tokenizer, "<|begin_of_text|>", None)])
    return tokenizer


def gpt4o(texts):
    """Words end before a capital letter."""
    tokenizer = byte_level(texts, ["<|endoftext|>"], pre=split_by(O200K), ignore_merges=True)
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


def qwen2(texts):
    tokenizer = byte_level(texts, ["<|endoftext|>"], pre=split_by(QWEN2))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


def smollm(texts):
    """Single digits, then the GPT-2 pattern."""
    return byte_level(texts, ["<|endoftext|>"], pre=pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]))


def clip(texts):
    """Ends of words are marked, white space is dropped."""
    tokenizer = Tokenizer(models.BPE(unk_token="<|endoftext|>", end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "),
                                                 normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(CLIP), "removed", invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=SIZE, special_tokens=["<|startoftext|>", "<|endoftext|>"], end_of_word_suffix="</w>",
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    tokenizer.post_processor = processors.RobertaProcessing(("<|endoftext|>", 1), ("<|startoftext|>", 0),
                                                            add_prefix_space=False, trim_offsets=False)
    return tokenizer


def llama(texts, size=SIZE):
    """Spaces become signs in the text itself, unknown characters become bytes."""
    special = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    trained = Tokenizer(models.BPE(unk_token="<unk>"))
    trained.pre_tokenizer = pre_tokenizers.Metaspace()
    trained.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=size, special_tokens=special, limit_alphabet=1500 if size > 4000 else 60, show_progress=False))
    form = json.loads(trained.to_str())
    tokenizer = Tokenizer(models.BPE({token: number for token, number in form["model"]["vocab"].items()},
                                     [tuple(merge) for merge in form["model"]["merges"]],
                                     unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
                                           decoders.Strip(" ", 1, 0)])
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in special[:3]])
    tokenizer.post_processor = template(tokenizer, "<s>", None, pair=False)
    return tokenizer


def sentences(texts, **options):
    """A trained sentencepiece model in its own form"""
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2
    out = io.BytesIO()
    lines = [text[:2000].replace("\n", " ") for text in texts]
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(lines), model_writer=out, model_type="unigram",
                                             minloglevel=2, num_threads=2, **options)
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(out.getvalue())
    return proto


def unigram(proto, first=("<s>", "<pad>", "</s>", "<unk>"), last=(), byte_fallback=False):
    pieces = [(piece.piece, piece.score) for piece in proto.pieces][3:]  # without sentencepiece's own special ones
    vocab = [(token, 0.0) for token in first] + pieces + [(token, 0.0) for token in last]
    return Tokenizer(models.Unigram(vocab, unk_id=[token for token, _ in vocab].index("<unk>"),
                                    byte_fallback=byte_fallback))


def xlm_roberta(texts, size=SIZE, spaces=True, **options):
    proto = sentences(texts, vocab_size=size, **{"normalization_rule_name": "nmt_nfkc", **options})
    tokenizer = unigram(proto, last=("<mask>",))
    charsmap = normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap)
    # before 4.0 the words were split at spaces first; since then runs of spaces become one
    tokenizer.normalizer = charsmap if spaces else normalizers.Sequence([charsmap,
                                                                        normalizers.Replace(Regex(" {2,}"), " ")])
    metaspace = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), metaspace]) if spaces \
        else metaspace
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", AddedToken("<mask>", lstrip=True)])
    tokenizer.post_processor = template(tokenizer, "<s>", "</s>")
    return tokenizer


def xlm_roberta_new(texts):
    return xlm_roberta(texts, spaces=False)


def albert(texts):
    """A sequence of normalizers before the charsmap."""
    proto = sentences([text.lower() for text in texts], vocab_size=SIZE, normalization_rule_name="nmt_nfkc_cf")
    tokenizer = unigram(proto, first=("<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"))
    tokenizer.normalizer = normalizers.Sequence([
        normalizers.Replace("``", '"'), normalizers.Replace("''", '"'), normalizers.NFKD(), normalizers.StripAccents(),
        normalizers.Lowercase(), normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap)])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens(["<pad>", "<unk>", "[CLS]", "[SEP]", AddedToken("[MASK]", lstrip=True)])
    tokenizer.post_processor = template(tokenizer, "[CLS]", "[SEP]")
    return tokenizer


def unigram_bytes(texts):
    """Unigram whose unknown characters become bytes; a sign before the first word only."""
    proto = sentences(texts, vocab_size=SIZE, normalization_rule_name="identity", byte_fallback=True,
                      character_coverage=0.99)
    tokenizer = unigram(proto, byte_fallback=True)
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>"])
    tokenizer.post_processor = template(tokenizer, None, "</s>")
    return tokenizer


def word_level(texts, size=SIZE):
    tokenizer = Tokenizer(models.WordLevel(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.Lowercase(), normalizers.StripAccents(),
                                                 normalizers.Strip()])
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.train_from_iterator(texts, trainers.WordLevelTrainer(
        vocab_size=size, special_tokens=["<unk>", "<s>"], show_progress=False))
    tokenizer.post_processor = template(tokenizer, "<s>", None)
    return tokenizer


def word_level_split(texts):
    tokenizer = word_level(texts)
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("contiguous"), pre_tokenizers.Digits(False)])
    return tokenizer


KINDS = {
    "bert_uncased": lambda texts: wordpiece(texts, True), "bert_cased": lambda texts: wordpiece(texts, False),
    "bert_processing": bert_processing, "added_tokens": added_tokens, "gpt2": gpt2, "roberta": roberta,
    "roberta_prefix": roberta_prefix, "llama3": llama3, "gpt4o": gpt4o, "qwen2": qwen2, "smollm": smollm, "clip": clip,
    "llama": llama, "xlm_roberta": xlm_roberta, "xlm_roberta_new": xlm_roberta_new, "albert": albert,
    "unigram_bytes": unigram_bytes, "word_level": word_level, "word_level_split": word_level_split}


def train(folder, kinds):
    """Writes folder/KIND.json of each."""
    texts = tokenizer_texts.sample(tokenizer_texts.complete(tokenizer_texts.data_folder()), 4_000_000)
    for kind in kinds:
        tokenizer = KINDS[kind](texts)
        tokenizer.save(str(folder / f"{kind}.json"))
        print(f"{kind}: {tokenizer.get_vocab_size()} tokens", flush=True)


def main():
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    if not tokenizer_texts.data_folder():
        raise SystemExit("TEXTCLF_DATA is not set to the folder of the data sets")
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    train(folder, sys.argv[2:] or KINDS)


if __name__ == "__main__":
    main()
