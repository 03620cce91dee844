/* options_resolve.c: what options mean together: defaults that depend on the architecture, and values that do not go
 * with each other. */
#include "model/options.h"

#include <string.h>

#include "base/number.h"
#include "text/pipeline.h"

/* Defaults of arch ngram that are not the table's. */
static const struct {
    const char *key, *small, *large; /* large: the training texts are more than TCI_CORPUS_SMALL bytes */
} ngram_defaults[] = {
    {"max_length", "0", "0"},     {"word_ngrams", "3", "2"},    {"skip_ngrams", "true", "false"},
    {"min_char_ngram", "3", "0"}, {"max_char_ngram", "5", "0"}, {"optimizer", "dcd", "dcd"},
    {"embedding_dim", "0", "0"},
};

typedef struct preference {
    const char *key, *value;
} preference;

/* Those with embedding_dim. */
static const preference embedding_defaults[] = {
    {"max_length", "0"},     {"vocab_size", "16777216"}, {"word_ngrams", "2"},
    {"min_char_ngram", "0"}, {"max_char_ngram", "0"},    {"optimizer", "sgd"},
    {"epochs", "5"},         {"learning_rate", "0.5"},   {"schedule", "linear"},
};

/* Those of arch bert, and of arch gpt. */
static const preference bert_defaults[] = {
    {"hidden_dim", "192"},  {"num_layers", "2"},      {"pooling", "mean"},         {"dropout", "0.1"},
    {"optimizer", "adamw"}, {"weight_decay", "0.01"}, {"learning_rate", "0.0005"},
    {"schedule", "linear"}, {"warmup_ratio", "0.1"},  {"clip_norm", "1"},
    {"truncate", "windows"},
};
static const preference gpt_defaults[] = {
    {"hidden_dim", "192"},       {"num_layers", "2"},      {"dropout", "0.1"},
    {"activation", "gelu_tanh"}, {"family", "gpt2"},       {"layer_norm_epsilon", "0.00001"},
    {"optimizer", "adamw"},      {"weight_decay", "0.01"}, {"learning_rate", "0.0005"},
    {"schedule", "linear"},      {"warmup_ratio", "0.1"},  {"clip_norm", "1"},
    {"truncate", "windows"},
};

/* Those of the linear form that depend on the optimizer. */
static const struct {
    const char *key, *dcd, *adagrad;
} ngram_training_defaults[] = {
    {"learning_rate", "0.001", "0.05"},
    {"epochs", "3", "5"},
    {"loss", "auto", "auto"},
};

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

tc_status tci_options_trained_levels(const tci_options *options, size_t *deepest)
{
    static const char layers[] = "layers=";
    const char *value = options->freeze, *digits = value + sizeof layers - 1;
    uint64_t number = 0;
    *deepest = SIZE_MAX;
    if (strcmp(value, "none") == 0)
        return TC_OK;
    *deepest = 0;
    if (strcmp(value, "encoder") == 0)
        return TC_OK;
    bool good = strncmp(value, layers, sizeof layers - 1) == 0 && tci_parse_unsigned(digits, strlen(digits), &number);
    if (!good || number > options->num_layers)
        return tci_fail(TC_ERROR_OPTION,
                        "option 'freeze': '%.64s'; accepted are none, encoder, and layers=N with N from 0 to %llu, the "
                        "model's layers",
                        value, (unsigned long long)options->num_layers);
    *deepest = (size_t)number;
    return TC_OK;
}

/* What bert and gpt ask for beyond the ranges. */
static tc_status check_transformer(const tci_options *options)
{
    bool causal = options->arch == TCI_ARCH_GPT;
    size_t deepest = 0;
    if (options->hidden_dim % options->num_heads != 0)
        return tci_fail(TC_ERROR_OPTION, "option 'num_heads' is %llu, which does not divide 'hidden_dim' (%llu)",
                        (unsigned long long)options->num_heads, (unsigned long long)options->hidden_dim);
    if (options->intermediate_dim == 0 || options->max_length == 0)
        return tci_fail(TC_ERROR_OPTION, "option '%s' is 0, where the number that 0 stands for is stored",
                        options->max_length == 0 ? "max_length" : "intermediate_dim");
    if (options->max_length > options->positions)
        return tci_fail(TC_ERROR_OPTION, "option 'max_length' is %llu, more than 'positions' (%llu)",
                        (unsigned long long)options->max_length, (unsigned long long)options->positions);
    if (options->truncate == TCI_CHOICE_WINDOWS && options->window_overlap > options->max_length / 2)
        return tci_fail(TC_ERROR_OPTION, "option 'window_overlap' is %llu, more than half of 'max_length' (%llu)",
                        (unsigned long long)options->window_overlap, (unsigned long long)options->max_length);
    if (causal != (options->family == TCI_FAMILY_GPT2))
        return tci_fail(TC_ERROR_OPTION, "option 'family': arch gpt has family gpt2, arch bert one of the others");
    if (causal && options->pooling == TCI_POOLING_CLS)
        return tci_fail(TC_ERROR_OPTION, "option 'pooling': arch gpt takes last, mean or max; its first token has seen "
                                         "no other");
    if (causal && options->pooler != TCI_POOLER_NONE)
        return tci_fail(TC_ERROR_OPTION, "option 'pooler': arch gpt has none");
    if (options->family == TCI_FAMILY_DISTILBERT && options->segments > 0)
        return tci_fail(TC_ERROR_OPTION, "option 'segments': family distilbert has none");
    if (options->weights != TCI_WEIGHTS_F32)
        return tci_fail(TC_ERROR_OPTION, "option 'weights': arch bert and gpt have f32 weights");
    return tci_options_trained_levels(options, &deepest);
}

tc_status tci_options_check(const tci_options *options)
{
    bool embed = tci_options_embed(options);
    if (options->arch != TCI_ARCH_NGRAM && options->embedding_dim == 0)
        return tci_fail(TC_ERROR_OPTION, "option 'embedding_dim' is 0, which arch ngram alone takes");
    if (options->arch != TCI_ARCH_NGRAM && options->weights == TCI_WEIGHTS_PQ)
        return tci_fail(TC_ERROR_OPTION, "option 'weights': pq is of fastText files, which have arch ngram");
    if (options->arch == TCI_ARCH_LSTM && options->num_layers > 16)
        return tci_fail(TC_ERROR_OPTION, "option 'num_layers': arch lstm takes at most 16");
    if (options->arch == TCI_ARCH_LSTM && options->pooling == TCI_POOLING_CLS)
        return tci_fail(TC_ERROR_OPTION, "option 'pooling': arch lstm takes last, mean or max");
    if (options->arch == TCI_ARCH_BERT || options->arch == TCI_ARCH_GPT)
        return check_transformer(options);
    if (tci_options_subword(options) && options->arch == TCI_ARCH_NGRAM)
        return tci_fail(TC_ERROR_OPTION, "option 'tokenizer': arch ngram takes word, char or space");
    if (options->truncate == TCI_CHOICE_WINDOWS)
        return tci_fail(TC_ERROR_OPTION, "option 'truncate': windows are of arch bert and gpt; arch lstm takes head, "
                                         "tail or both, arch ngram head");
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

static void prefer_all(tci_options *options, const preference *preferences, size_t count)
{
    for (size_t i = 0; i < count; i++)
        tci_options_prefer(options, options, preferences[i].key, preferences[i].value);
}

static void resolve_transformer(tci_options *options)
{
    if (options->arch == TCI_ARCH_BERT)
        prefer_all(options, bert_defaults, sizeof bert_defaults / sizeof bert_defaults[0]);
    else
        prefer_all(options, gpt_defaults, sizeof gpt_defaults / sizeof gpt_defaults[0]);
    if (options->family == TCI_FAMILY_DISTILBERT)
        tci_options_prefer(options, options, "segments", "0");
    if (options->family == TCI_FAMILY_ROBERTA || options->family == TCI_FAMILY_XLM_ROBERTA) {
        tci_options_prefer(options, options, "segments", "1");
        tci_options_prefer(options, options, "position_offset", "2");
    }
    if (!tci_options_is_set(options, "embedding_dropout"))
        options->embedding_dropout = options->dropout;
    if (options->intermediate_dim == 0)
        options->intermediate_dim = 4 * options->hidden_dim;
    if (!tci_options_is_set(options, "max_length") || options->max_length == 0)
        options->max_length = options->positions;
    if (!tci_options_is_set(options, "window_overlap") && options->window_overlap > options->max_length / 4)
        options->window_overlap = options->max_length / 4;
}

void tci_options_follow_pretrained(tci_options *options, const tci_options *given)
{
    bool head_only = strcmp(options->freeze, "encoder") == 0 || strcmp(options->freeze, "layers=0") == 0;
    tci_options_prefer(options, given, "learning_rate",
                       head_only                ? "0.002"
                       : options->lora_rank > 0 ? "0.001"
                                                : "0.00005");
    tci_options_prefer(options, given, "epochs", head_only ? "20" : "3");
    tci_options_prefer(options, given, "weight_decay", head_only ? "0" : "0.01");
}

static void resolve_embedding(tci_options *options)
{
    static const int32_t heads[] = {TCI_HEAD_SOFTMAX, TCI_HEAD_SIGMOID, TCI_HEAD_AUTO};
    prefer_all(options, embedding_defaults, sizeof embedding_defaults / sizeof embedding_defaults[0]);
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
        tci_options_prefer(options, given, ngram_training_defaults[i].key,
                           dual ? ngram_training_defaults[i].dcd : ngram_training_defaults[i].adagrad);
    }
}

tc_status tci_options_resolve(tci_options *options, uint64_t corpus_bytes)
{
    char name[TCI_CHOICE_NAME];
    for (size_t i = 0; i < tci_option_count(); i++) {
        const tci_option_row *row = tci_option_row_at(i);
        if (tci_options_is_set(options, row->key) && !tci_option_applies(options, row))
            return tci_fail(TC_ERROR_OPTION, "option '%s' is of arch %s; this model is of arch %s", row->key,
                            row->applies_to, tci_choice_name("arch", options->arch, name));
    }
    if (options->arch == TCI_ARCH_BERT || options->arch == TCI_ARCH_GPT)
        resolve_transformer(options);
    if (options->arch != TCI_ARCH_NGRAM)
        return tci_options_check(options);
    if (tci_options_embed(options)) {
        resolve_embedding(options);
        return tci_options_check(options);
    }
    for (size_t i = 0; i < sizeof ngram_defaults / sizeof ngram_defaults[0]; i++) {
        const char *value = corpus_bytes > TCI_CORPUS_SMALL ? ngram_defaults[i].large : ngram_defaults[i].small;
        tci_options_prefer(options, options, ngram_defaults[i].key, value);
    }
    tci_options_follow_optimizer(options, options);
    return tci_options_check(options);
}
