/* options_table.c: the rows of the option table. A new option is one row here and one member of tci_options; what
 * depends on the architecture is in options_resolve.c. */
#include "model/options.h"

#include <stddef.h>

#include "tensor/index_set.h"

#define AT(member) offsetof(tci_options, member)
#define LARGE 9007199254740992.0 /* 2^53: every integer up to here is a double */
#define MODEL TCI_CLASS_MODEL
#define TRAINING TCI_CLASS_TRAINING
#define RUN TCI_CLASS_RUN

static const tci_option_row rows[] = {
    /* key, type, class, member, range, minimum, maximum, default, applies to, help */
    {"task", TCI_OPTION_CHOICE, MODEL, AT(task), "classify|multilabel|regress", 0, 0, "classify", "all",
     "one label per text, any number of labels, or real values"},
    {"arch", TCI_OPTION_CHOICE, MODEL, AT(arch), "lstm|ngram|bert|gpt", 0, 0, "lstm", "all",
     "lstm: words in their order; ngram: a linear model of word and character n-grams, trained in seconds; bert, gpt: "
     "transformers that look both ways, or back"},
    {"tokenizer", TCI_OPTION_CHOICE, MODEL, AT(tokenizer), "word|char|space|json|wordpiece|bpe", 0, 0, "word", "all",
     "what a token is: a word (one character each in Chinese and Japanese), a character, or what spaces part; json: as "
     "the tokenizer.json says that a pretrained model came with; wordpiece, bpe: pieces of words that are learned from "
     "the training texts, of characters or of bytes (not arch ngram)"},
    {"normalize", TCI_OPTION_CHOICE, MODEL, AT(normalize), "nfkc|nfc|none", 0, 0, "nfkc", "all",
     "Unicode normalization form of the text"},
    {"lowercase", TCI_OPTION_BOOLEAN, MODEL, AT(lowercase), "true|false", 0, 0, "true", "all",
     "fold upper and lower case"},
    {"strict_utf8", TCI_OPTION_BOOLEAN, MODEL, AT(strict_utf8), "true|false", 0, 0, "false", "all",
     "refuse text that is not valid UTF-8 instead of replacing the bad parts"},
    {"clean_controls", TCI_OPTION_BOOLEAN, MODEL, AT(clean_controls), "true|false", 0, 0, "true", "all",
     "drop control characters"},
    {"collapse_spaces", TCI_OPTION_BOOLEAN, MODEL, AT(collapse_spaces), "true|false", 0, 0, "true", "all",
     "treat a run of white space as one space (the tokenizers word and char drop spaces either way)"},
    {"vocab_size", TCI_OPTION_INTEGER, MODEL, AT(vocab_size), "2 to 16777216", 2, 16777216, "10000",
     "lstm,ngram:embedding,bert,gpt",
     "most frequent words kept, the unknown word included (arch ngram: default 16777216); with tokenizer json: rows of "
     "the table of words; wordpiece, bpe: pieces learned at most, special tokens included; what is stored is their "
     "number"},
    {"min_count", TCI_OPTION_INTEGER, MODEL, AT(min_count), "at least 1", 1, LARGE, "1",
     "lstm,ngram:embedding,bert,gpt",
     "words seen less often are unknown; wordpiece, bpe: pairs seen less often are not joined"},
    {"max_length", TCI_OPTION_INTEGER, MODEL, AT(max_length), "0 to 2147483647", 0, 2147483647, "512", "all",
     "tokens of a text that are read; 0 reads the whole text (arch ngram: default 0), or with bert and gpt as many as "
     "`positions`, which is their default"},
    {"truncate", TCI_OPTION_CHOICE, MODEL, AT(truncate), "head|tail|both|windows", 0, 0, "head", "all",
     "which part of a longer text is read: its begin, its end, or half of each; or, with bert and gpt, whose default "
     "it is, all of it, in windows of max_length tokens whose logits are averaged"},
    {"window_overlap", TCI_OPTION_INTEGER, MODEL, AT(window_overlap), "0 to 1048576", 0, 1048576, "64", "bert,gpt",
     "with truncate windows: tokens that a window has of the one before (max_length below 256: default a quarter of "
     "it)"},
    {"word_ngrams", TCI_OPTION_INTEGER, MODEL, AT(word_ngrams), "1 to 255", 1, 255, "3", "ngram",
     "longest run of tokens that is a feature (default 2 above 8 MB of training texts and with embedding_dim); above 8"
     " with embedding_dim only"},
    {"skip_ngrams", TCI_OPTION_BOOLEAN, MODEL, AT(skip_ngrams), "true|false", 0, 0, "true", "ngram:linear",
     "pairs of tokens with one between them are features (default false above 8 MB)"},
    {"min_char_ngram", TCI_OPTION_INTEGER, MODEL, AT(min_char_ngram), "0 (none) to 255", 0, 255, "3", "ngram",
     "shortest run of characters that is a feature (default 0 above 8 MB and with embedding_dim); above 16 with"
     " embedding_dim only"},
    {"max_char_ngram", TCI_OPTION_INTEGER, MODEL, AT(max_char_ngram), "0 (none) to 255", 0, 255, "5", "ngram",
     "longest run of characters that is a feature (default 0 above 8 MB and with embedding_dim)"},
    {"char_ngrams", TCI_OPTION_CHOICE, MODEL, AT(char_ngrams), "within|across", 0, 0, "within", "ngram:linear",
     "runs of characters end where the word ends, or go across words"},
    {"buckets", TCI_OPTION_INTEGER, MODEL, AT(buckets), "0 to 1073741824", 0, TCI_INDEX_SET_BOUND, "4194304", "ngram",
     "numbers that features are hashed to (with embedding_dim 2000000, or 0 where all features are words)"},
    {"max_features", TCI_OPTION_INTEGER, MODEL, AT(max_features), "0 (all) to 1073741824", 0, TCI_INDEX_SET_BOUND, "0",
     "ngram:linear", "features that a trained model is cut down to: those that matter most (as `weights`)"},
    {"embedding_dim", TCI_OPTION_INTEGER, MODEL, AT(embedding_dim), "0 to 65536", 0, 65536, "128", "lstm,ngram",
     "numbers per word; arch ngram: 0, its default, for a linear model, more for averaged embeddings as fastText has "
     "them"},
    {"hidden_dim", TCI_OPTION_INTEGER, MODEL, AT(hidden_dim), "1 to 16384", 1, 16384, "256", "lstm,bert,gpt",
     "units of each LSTM layer and direction; bert, gpt: numbers per token (default 192)"},
    {"num_layers", TCI_OPTION_INTEGER, MODEL, AT(num_layers), "1 to 64", 1, 64, "1", "lstm,bert,gpt",
     "layers; lstm: at most 16 (bert, gpt: default 2)"},
    {"num_heads", TCI_OPTION_INTEGER, MODEL, AT(num_heads), "1 to 256", 1, 256, "12", "bert,gpt",
     "attention heads of a layer, which share hidden_dim evenly"},
    {"intermediate_dim", TCI_OPTION_INTEGER, MODEL, AT(intermediate_dim), "0 (4 times hidden_dim) to 65536", 0, 65536,
     "0", "bert,gpt", "units between the two halves of each feed-forward block"},
    {"positions", TCI_OPTION_INTEGER, MODEL, AT(positions), "1 to 1048576", 1, 1048576, "512", "bert,gpt",
     "tokens of the longest sequence, special ones included: each place has a learned vector"},
    {"position_offset", TCI_OPTION_INTEGER, MODEL, AT(position_offset), "0 to 65536", 0, 65536, "0", "bert,gpt",
     "rows of the position table before that of the first token (family roberta and xlm_roberta: "
     "default 2)"},
    {"segments", TCI_OPTION_INTEGER, MODEL, AT(segments), "0 (none) to 16", 0, 16, "2", "bert",
     "rows of the table of token types, the first of which is added to every token (family roberta and xlm_roberta: "
     "default 1, distilbert: 0)"},
    {"activation", TCI_OPTION_CHOICE, MODEL, AT(activation), "gelu|gelu_tanh|relu", 0, 0, "gelu", "bert,gpt",
     "function between the halves of the feed-forward blocks (arch gpt: default gelu_tanh)"},
    {"layer_norm_epsilon", TCI_OPTION_NUMBER, MODEL, AT(layer_norm_epsilon), "more than 0, up to 1", 1e-30, 1,
     "0.000000000001", "bert,gpt", "added to the variance in layer normalization (arch gpt: default 0.00001)"},
    {"family", TCI_OPTION_CHOICE, MODEL, AT(family), "bert|roberta|xlm_roberta|distilbert|gpt2", 0, 0, "bert",
     "bert,gpt", "whose names the tensors have, and whose head (arch gpt: gpt2)"},
    {"lora_rank", TCI_OPTION_INTEGER, MODEL, AT(lora_rank), "0 (none) to 256", 0, 256, "0", "bert,gpt",
     "rank of the adapters (LoRA) that are trained, beside the head, in place of the layers' weights"},
    {"lora_alpha", TCI_OPTION_NUMBER, MODEL, AT(lora_alpha), "more than 0, up to 1000000", 1e-6, 1e6, "16", "bert,gpt",
     "what an adapter adds is multiplied by lora_alpha/lora_rank"},
    {"lora_targets", TCI_OPTION_TEXT, MODEL, AT(lora_targets), "names of modules with commas between, or nothing", 0, 0,
     "", "bert,gpt",
     "weights of the layers that have adapters, by the ends of their names, as in query,value (default all)"},
    {"bidirectional", TCI_OPTION_BOOLEAN, MODEL, AT(bidirectional), "true|false", 0, 0, "false", "lstm",
     "read the text in both directions"},
    {"pooling", TCI_OPTION_CHOICE, MODEL, AT(pooling), "last|mean|max|cls", 0, 0, "last", "lstm,bert,gpt",
     "what stands for the text: the last state, mean or maximum over its tokens (bert: default mean), or with bert the "
     "first token's state"},
    {"pooler", TCI_OPTION_CHOICE, MODEL, AT(pooler), "none|tanh|relu", 0, 0, "none", "bert",
     "a dense layer between the pooled vector and the output layer, and the function behind it"},
    {"dropout", TCI_OPTION_NUMBER, MODEL, AT(dropout), "0 to 0.999999", 0, 0.999999, "0", "lstm,bert,gpt",
     "share of values dropped in training: between layers and on the pooled vector, or, with bert and gpt (default "
     "0.1), of what each block adds"},
    {"embedding_dropout", TCI_OPTION_NUMBER, MODEL, AT(embedding_dropout), "0 to 0.999999", 0, 0.999999, "0.1",
     "bert,gpt", "share of the values of embeddings dropped in training (default: that of `dropout`)"},
    {"attention_dropout", TCI_OPTION_NUMBER, MODEL, AT(attention_dropout), "0 to 0.999999", 0, 0.999999, "0.1",
     "bert,gpt", "share of attention weights dropped in training"},
    {"head_dropout", TCI_OPTION_NUMBER, MODEL, AT(head_dropout), "0 to 0.999999", 0, 0.999999, "0.1", "bert,gpt",
     "share of values dropped in training before the output layer"},
    {"threshold", TCI_OPTION_NUMBER, MODEL, AT(threshold), "0 to 1", 0, 1, "0.5", "all",
     "multilabel: a label is given at this score or above"},
    {"weights", TCI_OPTION_CHOICE, MODEL, AT(weights), "f32|bf16|int8|pq", 0, 0, "f32", "all",
     "how weights are kept and computed with; bf16 and int8 are made from a trained model (`textclf convert`), pq is a"
     " fastText file's product quantization"},
    {"head", TCI_OPTION_CHOICE, MODEL, AT(head), "auto|softmax|sigmoid|tree", 0, 0, "auto", "ngram:embedding",
     "what makes scores: softmax, a sigmoid for each label, or a path in a tree of labels (hierarchical softmax); auto"
     " takes the one of the task"},
    {"fasttext_scores", TCI_OPTION_BOOLEAN, MODEL, AT(fasttext_scores), "true|false", 0, 0, "false", "ngram:embedding",
     "scores as fastText rounds them, as in models from its files: 0.00001 is added, sigmoids come from a table"},
    {"pq_width", TCI_OPTION_INTEGER, MODEL, AT(pq_width), "1 to 65536", 1, 65536, "2", "ngram:embedding",
     "weights pq: numbers of a row that share a code"},
    {"pq_norms", TCI_OPTION_BOOLEAN, MODEL, AT(pq_norms), "true|false", 0, 0, "false", "ngram:embedding",
     "weights pq: the length of a row has a code of its own"},
    {"pq_output_width", TCI_OPTION_INTEGER, MODEL, AT(pq_output_width), "0 (not quantized) to 65536", 0, 65536, "0",
     "ngram:embedding", "weights pq: numbers of a label's row that share a code"},
    {"pq_output_norms", TCI_OPTION_BOOLEAN, MODEL, AT(pq_output_norms), "true|false", 0, 0, "false", "ngram:embedding",
     "weights pq: the length of a label's row has a code of its own"},

    {"loss", TCI_OPTION_CHOICE, TRAINING, AT(loss), "auto|cross_entropy|bce|mse", 0, 0, "auto", "all",
     "auto takes the one of the task; arch ngram with adagrad and more than two labels: bce of each, or cross_entropy"},
    {"optimizer", TCI_OPTION_CHOICE, TRAINING, AT(optimizer), "adam|adamw|sgd|adagrad|dcd", 0, 0, "adam", "all",
     "the rule of the parameter updates, as in torch.optim; arch ngram is trained by dcd, dual coordinate descent, or"
     " adagrad, and with embedding_dim by sgd, text by text"},
    {"learning_rate", TCI_OPTION_NUMBER, TRAINING, AT(learning_rate), "more than 0, up to 1000", 1e-30, 1000, "0.001",
     "all", "step size"},
    {"layer_decay", TCI_OPTION_NUMBER, TRAINING, AT(layer_decay), "more than 0, up to 1", 1e-6, 1, "1", "bert,gpt",
     "factor of the learning rate from each layer to the one below; the head has the full rate"},
    {"beta1", TCI_OPTION_NUMBER, TRAINING, AT(beta1), "0 to 0.9999999", 0, 0.9999999, "0.9", "all",
     "adam, adamw: decay of the first moment"},
    {"beta2", TCI_OPTION_NUMBER, TRAINING, AT(beta2), "0 to 0.9999999", 0, 0.9999999, "0.999", "all",
     "adam, adamw: decay of the second moment"},
    {"epsilon", TCI_OPTION_NUMBER, TRAINING, AT(epsilon), "more than 0, up to 1", 1e-30, 1, "0.00000001", "all",
     "adam, adamw, adagrad: added to the denominator"},
    {"momentum", TCI_OPTION_NUMBER, TRAINING, AT(momentum), "0 to 0.9999999", 0, 0.9999999, "0", "all",
     "sgd: momentum"},
    {"weight_decay", TCI_OPTION_NUMBER, TRAINING, AT(weight_decay), "0 to 1000", 0, 1000, "0", "all",
     "L2 penalty; decoupled with adamw"},
    {"sparse_embedding", TCI_OPTION_BOOLEAN, TRAINING, AT(sparse_embedding), "true|false", 0, 0, "false", "all",
     "update only the embedding rows of the words in the batch"},
    {"freeze_embedding", TCI_OPTION_BOOLEAN, TRAINING, AT(freeze_embedding), "true|false", 0, 0, "false",
     "lstm,ngram:embedding,bert,gpt", "leave the rows of the embedding as they are, those of pretrained_vectors, say"},
    {"freeze", TCI_OPTION_TEXT, TRAINING, AT(freeze), "none, encoder, or layers=N", 0, 0, "none", "bert,gpt",
     "what stands still: all but the head (its vectors are then computed once for each text), or all but the head and "
     "the last N layers"},
    {"gradient_checkpointing", TCI_OPTION_BOOLEAN, TRAINING, AT(gradient_checkpointing), "true|false", 0, 0, "false",
     "bert,gpt", "keep each layer's input alone and compute the layer again on the way back: less memory, more time"},
    {"schedule", TCI_OPTION_CHOICE, TRAINING, AT(schedule), "constant|linear|cosine", 0, 0, "constant", "all",
     "how the learning rate goes on after the warm-up"},
    {"warmup_steps", TCI_OPTION_INTEGER, TRAINING, AT(warmup_steps), "0 or more", 0, LARGE, "0", "all",
     "steps over which the learning rate rises"},
    {"warmup_ratio", TCI_OPTION_NUMBER, TRAINING, AT(warmup_ratio), "0 to 1", 0, 1, "0", "bert,gpt",
     "with warmup_steps 0: share of total_steps over which the learning rate rises"},
    {"total_steps", TCI_OPTION_INTEGER, TRAINING, AT(total_steps), "0 or more", 0, LARGE, "0", "all",
     "linear, cosine: the step at which the learning rate reaches 0 (0: the last step of the epochs)"},
    {"clip_norm", TCI_OPTION_NUMBER, TRAINING, AT(clip_norm), "0 (none) or more", 0, 1e30, "0", "all",
     "largest norm of the gradient over all parameters"},
    {"label_smoothing", TCI_OPTION_NUMBER, TRAINING, AT(label_smoothing), "0 to 1", 0, 1, "0", "all",
     "classify: share of the target spread over all labels"},
    {"class_weights", TCI_OPTION_TEXT, TRAINING, AT(class_weights), "none, balanced, or label=weight,...", 0, 0, "none",
     "all", "weights of the labels in the loss; \\, and \\= stand for the characters"},
    {"batch_size", TCI_OPTION_INTEGER, TRAINING, AT(batch_size), "1 to 1048576", 1, 1048576, "32", "all",
     "texts per step of the batcher"},
    {"accumulate_steps", TCI_OPTION_INTEGER, TRAINING, AT(accumulate_steps), "1 to 1048576", 1, 1048576, "1", "all",
     "backward passes per optimizer step"},
    {"epochs", TCI_OPTION_INTEGER, TRAINING, AT(epochs), "1 to 1000000", 1, 1000000, "10", "all",
     "passes over the training texts (arch ngram: default 3, with adagrad 5; pretrained models: 3, of the head alone "
     "20)"},
    {"validation_split", TCI_OPTION_NUMBER, TRAINING, AT(validation_split), "0 to 0.999999", 0, 0.999999, "0", "all",
     "share of the texts held out to choose the best epoch"},
    {"patience", TCI_OPTION_INTEGER, TRAINING, AT(patience), "0 (never stop) or more", 0, 1000000, "0", "all",
     "epochs without improvement after which training stops"},
    {"seed", TCI_OPTION_INTEGER, TRAINING, AT(seed), "0 to 9007199254740992", 0, LARGE, "1", "all",
     "start of all random numbers"},
    {"tune_thresholds", TCI_OPTION_BOOLEAN, TRAINING, AT(tune_thresholds), "true|false", 0, 0, "false", "all",
     "multilabel: each label gets the threshold of its best F1 on the validation texts"},

    {"threads", TCI_OPTION_INTEGER, RUN, AT(threads), "1 to 256", 1, 256, "1", "all",
     "threads of training, batch prediction and evaluation"},
    {"max_isa", TCI_OPTION_CHOICE, RUN, AT(max_isa), "auto|scalar|avx2|avx512|neon", 0, 0, "auto", "all",
     "best instruction set to use; auto is the best of this processor"},
    {"max_file_bytes", TCI_OPTION_INTEGER, RUN, AT(max_file_bytes), "1 or more", 1, LARGE, "8589934592", "all",
     "largest file that is read"},
    {"max_memory", TCI_OPTION_INTEGER, RUN, AT(max_memory), "0 (no limit) or more", 0, LARGE, "0", "all",
     "bytes that one object may hold"},
    {"max_tensors", TCI_OPTION_INTEGER, RUN, AT(max_tensors), "1 to 65536", 1, 65536, "65536", "all",
     "most tensors of a file"},
    {"max_vocab", TCI_OPTION_INTEGER, RUN, AT(max_vocab), "2 to 16777216", 2, 16777216, "16777216", "all",
     "most words of a file or of a vocabulary being gathered"},
    {"pretrained_vectors", TCI_OPTION_TEXT, RUN, AT(pretrained_vectors), "the path of a file, or nothing", 0, 0, "",
     "lstm,ngram:embedding,bert,gpt",
     "word vectors that a new model begins with, as fastText (.vec), word2vec and GloVe write them in text"},
    {"adapter", TCI_OPTION_TEXT, RUN, AT(adapter), "the path of a folder, or nothing", 0, 0, "", "bert,gpt",
     "adapters that a pretrained folder is read with: adapter_config.json and adapter_model.safetensors of PEFT's"},
};

#define ROW_COUNT (sizeof rows / sizeof rows[0])
_Static_assert(ROW_COUNT <= TCI_OPTION_LIMIT, "tci_options.set has one bit per row");

size_t tci_option_count(void)
{
    return ROW_COUNT;
}

const tci_option_row *tci_option_row_at(size_t index)
{
    return &rows[index];
}
