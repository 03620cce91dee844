/* options.c: the option table and what reads it.
 *
 * A value goes through text both ways, and what is printed reads back as the same value. Unknown keys are answered with
 * the nearest known one by edit distance. Nothing here knows what an option does. */
#include "model/options.h"

#include <stddef.h>
#include <string.h>

#include "base/number.h"
#include "tensor/index_set.h"
#include "text/pipeline.h"

#define AT(member) offsetof(tci_options, member)
#define LARGE 9007199254740992.0 /* 2^53: every integer up to here is a double */
#define MODEL TCI_CLASS_MODEL
#define TRAINING TCI_CLASS_TRAINING
#define RUN TCI_CLASS_RUN

static const tci_option_row rows[] = {
    /* key, type, class, member, range, minimum, maximum, default, applies to, help */
    {"task", TCI_OPTION_CHOICE, MODEL, AT(task), "classify|multilabel|regress", 0, 0, "classify", "all",
     "one label per text, any number of labels, or real values"},
    {"arch", TCI_OPTION_CHOICE, MODEL, AT(arch), "lstm|ngram", 0, 0, "lstm", "all",
     "lstm: words in their order; ngram: a linear model of word and character n-grams, trained in seconds"},
    {"tokenizer", TCI_OPTION_CHOICE, MODEL, AT(tokenizer), "word|char|space", 0, 0, "word", "all",
     "what a token is: a word (one character each in Chinese and Japanese), a character, or what spaces part"},
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
     "lstm,ngram:embedding",
     "most frequent words kept, the unknown word of lstm included (arch ngram: default 16777216)"},
    {"min_count", TCI_OPTION_INTEGER, MODEL, AT(min_count), "at least 1", 1, LARGE, "1", "lstm,ngram:embedding",
     "words seen less often are unknown"},
    {"max_length", TCI_OPTION_INTEGER, MODEL, AT(max_length), "0 to 2147483647", 0, 2147483647, "512", "all",
     "tokens of a text that are read; 0 reads the whole text (arch ngram: default 0)"},
    {"truncate", TCI_OPTION_CHOICE, MODEL, AT(truncate), "head|tail|both", 0, 0, "head", "all",
     "which part of a longer text is read: its begin, its end, or half of each"},
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
    {"hidden_dim", TCI_OPTION_INTEGER, MODEL, AT(hidden_dim), "1 to 16384", 1, 16384, "256", "lstm",
     "units of each LSTM layer and direction"},
    {"num_layers", TCI_OPTION_INTEGER, MODEL, AT(num_layers), "1 to 16", 1, 16, "1", "lstm", "LSTM layers"},
    {"bidirectional", TCI_OPTION_BOOLEAN, MODEL, AT(bidirectional), "true|false", 0, 0, "false", "lstm",
     "read the text in both directions"},
    {"pooling", TCI_OPTION_CHOICE, MODEL, AT(pooling), "last|mean|max", 0, 0, "last", "lstm",
     "what stands for the text: the last state, or mean or maximum over its tokens"},
    {"dropout", TCI_OPTION_NUMBER, MODEL, AT(dropout), "0 to 0.999999", 0, 0.999999, "0", "lstm",
     "share of values dropped in training, between layers and on the pooled vector"},
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
     "lstm,ngram:embedding", "leave the rows of the embedding as they are, those of pretrained_vectors, say"},
    {"schedule", TCI_OPTION_CHOICE, TRAINING, AT(schedule), "constant|linear|cosine", 0, 0, "constant", "all",
     "how the learning rate goes on after the warm-up"},
    {"warmup_steps", TCI_OPTION_INTEGER, TRAINING, AT(warmup_steps), "0 or more", 0, LARGE, "0", "all",
     "steps over which the learning rate rises"},
    {"total_steps", TCI_OPTION_INTEGER, TRAINING, AT(total_steps), "0 or more", 0, LARGE, "0", "all",
     "linear, cosine: the step at which the learning rate reaches 0"},
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
     "passes over the training texts (arch ngram: default 3, with adagrad 5)"},
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
     "lstm,ngram:embedding",
     "word vectors that a new model begins with, as fastText (.vec), word2vec and GloVe write them in text"},
};

/* Defaults of arch ngram that are not the table's. */
static const struct {
    const char *key, *small, *large; /* large: the training texts are more than TCI_CORPUS_SMALL bytes */
} ngram_defaults[] = {
    {"max_length", "0", "0"},     {"word_ngrams", "3", "2"},    {"skip_ngrams", "true", "false"},
    {"min_char_ngram", "3", "0"}, {"max_char_ngram", "5", "0"}, {"optimizer", "dcd", "dcd"},
    {"embedding_dim", "0", "0"},
};

/* Those with embedding_dim. */
static const struct {
    const char *key, *value;
} embedding_defaults[] = {
    {"max_length", "0"},     {"vocab_size", "16777216"}, {"word_ngrams", "2"}, {"min_char_ngram", "0"},
    {"max_char_ngram", "0"}, {"optimizer", "sgd"},       {"epochs", "5"},      {"learning_rate", "0.5"},
    {"schedule", "linear"},
};

/* Those of the linear form that depend on the optimizer. */
static const struct {
    const char *key, *dcd, *adagrad;
} ngram_training_defaults[] = {
    {"learning_rate", "0.001", "0.05"},
    {"epochs", "3", "5"},
    {"loss", "auto", "auto"},
};

#define ROW_COUNT (sizeof rows / sizeof rows[0])
_Static_assert(ROW_COUNT <= 64, "tci_options.set has one bit per row");

size_t tci_option_count(void)
{
    return ROW_COUNT;
}

const tci_option_row *tci_option_row_at(size_t index)
{
    return &rows[index];
}

const tci_option_row *tci_option_find(const char *key)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (strcmp(rows[i].key, key) == 0)
            return &rows[i];
    }
    return NULL;
}

static size_t smallest(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edit distance (Wagner and Fischer), for the suggestion after an unknown key; keys are short. */
static size_t edit_distance(const char *a, const char *b)
{
    enum { LONGEST = 40 };
    size_t previous[LONGEST + 1], n = strlen(b);
    if (n > LONGEST || strlen(a) > LONGEST)
        return SIZE_MAX;
    for (size_t j = 0; j <= n; j++)
        previous[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = previous[0];
        previous[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t above = previous[j];
            size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
            previous[j] = smallest(replaced, smallest(above, previous[j - 1]) + 1);
            diagonal = above;
        }
    }
    return previous[n];
}

static tc_status unknown_key(const char *key)
{
    size_t best = SIZE_MAX, nearest = 0;
    for (size_t i = 0; i < ROW_COUNT; i++) {
        size_t distance = edit_distance(key, rows[i].key);
        if (distance < best) {
            best = distance;
            nearest = i;
        }
    }
    if (best <= 4 && best < strlen(key))
        return tci_fail(TC_ERROR_OPTION, "option '%.64s' is not known; did you mean '%s'?", key, rows[nearest].key);
    return tci_fail(TC_ERROR_OPTION, "option '%.64s' is not known; tc_option_at() and `textclf options` list all", key);
}

static tc_status bad_value(const tci_option_row *row, const char *value)
{
    return tci_fail(TC_ERROR_OPTION, "option '%s': '%.64s' is not accepted; it takes %s", row->key, value, row->range);
}

static bool parse_choice(const char *range, const char *value, int32_t *choice)
{
    size_t length = strlen(value);
    for (int32_t index = 0;; index++) {
        size_t alternative = strcspn(range, "|");
        if (alternative == length && memcmp(range, value, length) == 0) {
            *choice = index;
            return true;
        }
        if (range[alternative] == '\0')
            return false;
        range += alternative + 1;
    }
}

static bool store(tci_options *options, const tci_option_row *row, const char *value)
{
    char *member = (char *)options + row->offset;
    size_t length = strlen(value);
    int32_t choice = 0;
    uint64_t integer = 0;
    double number = 0;
    switch (row->type) {
    case TCI_OPTION_CHOICE:
        if (!parse_choice(row->range, value, &choice))
            return false;
        memcpy(member, &choice, sizeof choice);
        return true;
    case TCI_OPTION_BOOLEAN:
        if (!parse_choice(row->range, value, &choice))
            return false;
        *(bool *)(void *)member = choice == 0;
        return true;
    case TCI_OPTION_INTEGER:
        if (!tci_parse_unsigned(value, length, &integer) || integer < (uint64_t)row->minimum ||
            integer > (uint64_t)row->maximum)
            return false;
        memcpy(member, &integer, sizeof integer);
        return true;
    case TCI_OPTION_NUMBER:
        if (!tci_parse_double(value, length, &number) || number < row->minimum || number > row->maximum)
            return false;
        memcpy(member, &number, sizeof number);
        return true;
    case TCI_OPTION_TEXT:
        if (length >= TCI_OPTION_TEXT_SIZE)
            return false;
        memcpy(member, value, length + 1);
        return true;
    }
    return false;
}

void tci_options_default(tci_options *options)
{
    memset(options, 0, sizeof *options);
    for (size_t i = 0; i < ROW_COUNT; i++)
        (void)store(options, &rows[i], rows[i].default_value);
}

tc_status tci_options_set(tci_options *options, const char *key, const char *value)
{
    const tci_option_row *row = tci_option_find(key);
    if (!row)
        return unknown_key(key);
    if (!store(options, row, value))
        return bad_value(row, value);
    options->set |= UINT64_C(1) << (row - rows);
    return TC_OK;
}

bool tci_options_embed(const tci_options *options)
{
    return options->arch == TCI_ARCH_NGRAM && options->embedding_dim > 0 &&
           tci_options_is_set(options, "embedding_dim");
}

bool tci_option_applies(const tci_options *options, const tci_option_row *row)
{
    char name[TCI_CHOICE_NAME];
    const char *found = row->applies_to, *form = tci_options_embed(options) ? ":embedding" : ":linear";
    if (strcmp(found, "all") == 0)
        return true;
    tci_choice_name("arch", options->arch, name);
    for (; *found; found += strcspn(found, ",") + (found[strcspn(found, ",")] == ',')) {
        size_t end = strcspn(found, ","), length = strcspn(found, ":,");
        if (length == strlen(name) && memcmp(found, name, length) == 0 &&
            (length == end || (end - length == strlen(form) && memcmp(found + length, form, end - length) == 0)))
            return true;
    }
    return false;
}

/* What the embedding form asks for beyond its ranges. */
static tc_status check_embedding(const tci_options *options)
{
    static const int32_t heads[] = {TCI_HEAD_SOFTMAX, TCI_HEAD_SIGMOID, TCI_HEAD_AUTO};
    bool hashes = options->word_ngrams > 1 || options->max_char_ngram > 0;
    if (options->weights != TCI_WEIGHTS_F32 && options->weights != TCI_WEIGHTS_PQ)
        return tci_fail(TC_ERROR_OPTION, "option 'weights': arch ngram has f32 weights, or pq from a fastText file");
    if (options->head != TCI_HEAD_AUTO && options->head != heads[options->task] && options->task != TCI_TASK_CLASSIFY)
        return tci_fail(TC_ERROR_OPTION,
                        "option 'head': task multilabel takes sigmoid, task regress none; leave it out");
    if (hashes && options->buckets == 0)
        return tci_fail(TC_ERROR_OPTION, "option 'buckets' is 0, but n-grams are to be hashed into them");
    return TC_OK;
}

tc_status tci_options_check(const tci_options *options)
{
    bool embed = tci_options_embed(options);
    if (options->arch != TCI_ARCH_NGRAM && options->embedding_dim == 0)
        return tci_fail(TC_ERROR_OPTION, "option 'embedding_dim' is 0, which arch ngram alone takes");
    if (options->arch != TCI_ARCH_NGRAM && options->weights == TCI_WEIGHTS_PQ)
        return tci_fail(TC_ERROR_OPTION, "option 'weights': pq is of fastText files, which have arch ngram");
    if (options->arch != TCI_ARCH_NGRAM)
        return TC_OK;
    if (embed)
        TCI_RETURN_IF(check_embedding(options));
    if (!embed && options->weights == TCI_WEIGHTS_PQ)
        return tci_fail(TC_ERROR_OPTION, "option 'weights': pq is of fastText files, which have embedding_dim");
    if (!embed && options->buckets == 0)
        return tci_fail(TC_ERROR_OPTION, "option 'buckets' is 0, which only embeddings of words alone take");
    if (!embed && (options->word_ngrams > TCI_NGRAM_WORDS || options->max_char_ngram > TCI_NGRAM_CHARACTERS))
        return tci_fail(
            TC_ERROR_OPTION,
            "option '%s': with embedding_dim 0 arch ngram reads runs of at most %d tokens and %d characters",
            options->word_ngrams > TCI_NGRAM_WORDS ? "word_ngrams" : "max_char_ngram", TCI_NGRAM_WORDS,
            TCI_NGRAM_CHARACTERS);
    if (options->min_char_ngram > options->max_char_ngram)
        return tci_fail(TC_ERROR_OPTION, "option 'min_char_ngram' is %llu, more than 'max_char_ngram' (%llu)",
                        (unsigned long long)options->min_char_ngram, (unsigned long long)options->max_char_ngram);
    if (options->min_char_ngram == 0 && options->max_char_ngram > 0)
        return tci_fail(TC_ERROR_OPTION, "option 'min_char_ngram' is 0 (no runs of characters), 'max_char_ngram' is "
                                         "not; set both or neither to 0");
    if (options->max_length > 0 && options->truncate != TCI_CHOICE_HEAD)
        return tci_fail(TC_ERROR_OPTION, "option 'truncate': arch ngram reads the begin of a longer text (head)");
    return TC_OK;
}

static void resolve_embedding(tci_options *options)
{
    static const int32_t heads[] = {TCI_HEAD_SOFTMAX, TCI_HEAD_SIGMOID, TCI_HEAD_AUTO};
    for (size_t i = 0; i < sizeof embedding_defaults / sizeof embedding_defaults[0]; i++) {
        if (!tci_options_is_set(options, embedding_defaults[i].key))
            (void)store(options, tci_option_find(embedding_defaults[i].key), embedding_defaults[i].value);
    }
    if (!tci_options_is_set(options, "buckets"))
        options->buckets = options->word_ngrams > 1 || options->max_char_ngram > 0 ? 2000000 : 0;
    if (options->head == TCI_HEAD_AUTO)
        options->head = heads[options->task];
}

void tci_options_follow_optimizer(tci_options *options, const tci_options *given)
{
    if (options->arch != TCI_ARCH_NGRAM || tci_options_embed(options))
        return;
    for (size_t i = 0; i < sizeof ngram_training_defaults / sizeof ngram_training_defaults[0]; i++) {
        bool dual = options->optimizer == TCI_OPTIMIZER_DCD;
        if (!tci_options_is_set(given, ngram_training_defaults[i].key))
            (void)store(options, tci_option_find(ngram_training_defaults[i].key),
                        dual ? ngram_training_defaults[i].dcd : ngram_training_defaults[i].adagrad);
    }
}

tc_status tci_options_resolve(tci_options *options, uint64_t corpus_bytes)
{
    char name[TCI_CHOICE_NAME];
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if ((options->set >> i & 1) != 0 && !tci_option_applies(options, &rows[i]))
            return tci_fail(TC_ERROR_OPTION, "option '%s' is of arch %s; this model is of arch %s", rows[i].key,
                            rows[i].applies_to, tci_choice_name("arch", options->arch, name));
    }
    if (options->arch != TCI_ARCH_NGRAM)
        return tci_options_check(options);
    if (tci_options_embed(options)) {
        resolve_embedding(options);
        return tci_options_check(options);
    }
    for (size_t i = 0; i < sizeof ngram_defaults / sizeof ngram_defaults[0]; i++) {
        const char *value = corpus_bytes > TCI_CORPUS_SMALL ? ngram_defaults[i].large : ngram_defaults[i].small;
        if (!tci_options_is_set(options, ngram_defaults[i].key))
            (void)store(options, tci_option_find(ngram_defaults[i].key), value);
    }
    tci_options_follow_optimizer(options, options);
    return tci_options_check(options);
}

bool tci_options_is_set(const tci_options *options, const char *key)
{
    const tci_option_row *row = tci_option_find(key);
    return row && (options->set >> (row - rows) & 1) != 0;
}

/* The alternative numbered `choice`, and its length. */
static const char *alternative(const char *range, int32_t choice, size_t *length)
{
    while (choice-- > 0)
        range += strcspn(range, "|") + 1;
    *length = strcspn(range, "|");
    return range;
}

const char *tci_choice_name(const char *key, int32_t choice, char name[TCI_CHOICE_NAME])
{
    size_t length = 0;
    const char *text = alternative(tci_option_find(key)->range, choice, &length);
    length = smallest(length, TCI_CHOICE_NAME - 1);
    memcpy(name, text, length);
    name[length] = '\0';
    return name;
}

tc_status tci_options_print(const tci_options *options, const tci_option_row *row, tci_buffer *out)
{
    const char *member = (const char *)options + row->offset;
    int32_t choice = 0;
    uint64_t integer = 0;
    double number = 0;
    char text[TCI_DOUBLE_TEXT];
    const char *word = NULL;
    size_t length = 0;
    switch (row->type) {
    case TCI_OPTION_CHOICE:
        memcpy(&choice, member, sizeof choice);
        word = alternative(row->range, choice, &length);
        return tci_buffer_append(out, word, length);
    case TCI_OPTION_BOOLEAN:
        return tci_buffer_text(out, *(const bool *)(const void *)member ? "true" : "false");
    case TCI_OPTION_INTEGER:
        memcpy(&integer, member, sizeof integer);
        return tci_buffer_unsigned(out, integer);
    case TCI_OPTION_NUMBER:
        memcpy(&number, member, sizeof number);
        return tci_buffer_append(out, text, tci_print_double(number, text));
    case TCI_OPTION_TEXT:
        return tci_buffer_text(out, member);
    }
    return tci_fail(TC_ERROR_INTERNAL, "option '%s' has no type", row->key);
}

static size_t member_size(tci_option_type type)
{
    static const size_t sizes[] = {sizeof(int32_t), sizeof(uint64_t), sizeof(double), sizeof(bool),
                                   TCI_OPTION_TEXT_SIZE};
    return sizes[type];
}

bool tci_options_equal(const tci_options *a, const tci_options *b, const tci_option_row *row)
{
    const char *left = (const char *)a + row->offset, *right = (const char *)b + row->offset;
    if (row->type == TCI_OPTION_TEXT)
        return strcmp(left, right) == 0;
    return memcmp(left, right, member_size(row->type)) == 0;
}

static void copy_row(tci_options *to, const tci_options *from, size_t index)
{
    uint64_t bit = UINT64_C(1) << index;
    memcpy((char *)to + rows[index].offset, (const char *)from + rows[index].offset, member_size(rows[index].type));
    to->set = (to->set & ~bit) | (from->set & bit);
}

void tci_options_copy_class(tci_options *to, const tci_options *from, tci_option_class option_class)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].option_class == option_class)
            copy_row(to, from, i);
    }
}

void tci_options_copy_set(tci_options *to, const tci_options *from, tci_option_class option_class)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].option_class == option_class && (from->set >> i & 1) != 0)
            copy_row(to, from, i);
    }
}
