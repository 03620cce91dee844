"""make_tiny_folders.py: tiny_bert/ and tiny_gpt2/, folders as Hugging Face's transformers writes them, and what it computes.

    python3 -B tests/golden/make_tiny_folders.py    # needs torch, transformers, tokenizers

Two layers of 16 numbers with random weights, three labels. Beside each folder a .json holds texts and what transformers
makes of them: ids, logits, of the last hidden states the mean and the one that the head looks at. The texts are of the words that the tests of the program
train with. Another version of transformers may spell the files otherwise; the numbers stay.
"""
import json
import pathlib
import shutil
import string

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = pathlib.Path(__file__).resolve().parent
LABELS = ("ham", "spam", "zoo")
WORDS = ("meeting report lunch project thanks tuesday notes prize winner free cash click offer money lion tiger zebra cage "
         "monkey parrot keeper the a you").split()
TEXTS = ["you win a prize", "the lion and the Tiger", "Meeting notes: lunch on tuesday!", "free cash",
         "thanks, the monkey is in the cage of the parrot keeper; you click the offer", "x", "",
         "the zebra " * 30]
POSITIONS = 48
NAMES = {"id2label": dict(enumerate(LABELS)), "label2id": {label: number for number, label in enumerate(LABELS)}}


def bert_tokenizer():
    names = dict.fromkeys(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *string.ascii_lowercase,
                           *("##" + letter for letter in string.ascii_lowercase), *".,:;!?"])
    tokenizer = Tokenizer(models.WordPiece({name: number for number, name in enumerate(names)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]",
        mask_token="[MASK]", model_max_length=POSITIONS)


def gpt2_tokenizer():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.train_from_iterator([" ".join(WORDS)] * 3, trainers.BpeTrainer(
        vocab_size=320, special_tokens=["<|endoftext|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False))
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<|endoftext|>", eos_token="<|endoftext|>", unk_token="<|endoftext|>",
        model_max_length=POSITIONS)


def bert_model(vocab_size):
    return transformers.BertForSequenceClassification(transformers.BertConfig(
        vocab_size=vocab_size, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=POSITIONS, initializer_range=0.25, **NAMES))


def gpt2_model(vocab_size):
    return transformers.GPT2ForSequenceClassification(transformers.GPT2Config(
        vocab_size=vocab_size, n_embd=16, n_layer=2, n_head=2, n_inner=32, n_positions=POSITIONS, bos_token_id=0,
        eos_token_id=0, pad_token_id=0, initializer_range=0.25, **NAMES))


def answers(model, tokenizer):
    """Of texts that fit, and have tokens, numbers; of the others ids alone."""
    place = 0 if model.config.model_type == "bert" else -1
    rows = []
    for text in TEXTS:
        ids = tokenizer(text)["input_ids"]
        row = {"text": text, "ids": ids}
        if 0 < len(ids) <= POSITIONS:
            with torch.no_grad():
                result = model(torch.tensor([ids]), output_hidden_states=True)
            states = result.hidden_states[-1][0]
            for key, vector in (("logits", result.logits[0]), ("mean", states.mean(0)), ("pooled", states[place])):
                row[key] = [float(f"{value:.7g}") for value in vector.tolist()]
        rows.append(row)
    return rows


def main():
    for name, make_tokenizer, make_model in (("tiny_bert", bert_tokenizer, bert_model),
                                             ("tiny_gpt2", gpt2_tokenizer, gpt2_model)):
        torch.manual_seed(6)
        tokenizer = make_tokenizer()
        model = make_model(len(tokenizer)).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.dim() == 1:  # biases and scales that are neither 0 nor 1
                    parameter.add_(torch.randn_like(parameter) * 0.1)
        folder = HERE / name
        shutil.rmtree(folder, ignore_errors=True)
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        for path in folder.iterdir():
            path.chmod(0o644)
        (HERE / f"{name}.json").write_text("[\n" + ",\n".join(map(json.dumps, answers(model, tokenizer))) + "\n]\n")
        print(name, sum(path.stat().st_size for path in folder.iterdir()), "bytes, vocabulary", len(tokenizer))


if __name__ == "__main__":
    main()
