/* options.h: the one table of options, and their values.
 *
 * A row (key, type, range, default, class, applies-to, help) drives tc_config_set, the command line, the Python
 * keywords, the file's metadata and the options page. A new option is one member of tci_options and one row of
 * options_table.c; defaults that depend on other options are in options_resolve.c. */
#ifndef TCI_MODEL_OPTIONS_H
#define TCI_MODEL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

typedef enum tci_option_type {
    TCI_OPTION_CHOICE,  /* int32_t: index into the alternatives of `range` */
    TCI_OPTION_INTEGER, /* uint64_t */
    TCI_OPTION_NUMBER,  /* double */
    TCI_OPTION_BOOLEAN, /* bool */
    TCI_OPTION_TEXT     /* char[TCI_OPTION_TEXT_SIZE] */
} tci_option_type;

typedef enum tci_option_class { TCI_CLASS_MODEL, TCI_CLASS_TRAINING, TCI_CLASS_RUN } tci_option_class;

/* Alternatives of the choices, in the order of their ranges. */
enum { TCI_TASK_CLASSIFY, TCI_TASK_MULTILABEL, TCI_TASK_REGRESS };
enum { TCI_ARCH_LSTM, TCI_ARCH_NGRAM, TCI_ARCH_BERT, TCI_ARCH_GPT };
enum { /* from JSON on: tci_options_subword() */
    TCI_CHOICE_WORD,
    TCI_CHOICE_CHAR,
    TCI_CHOICE_SPACE,
    TCI_CHOICE_JSON,
    TCI_CHOICE_WORDPIECE,
    TCI_CHOICE_BPE
};
enum { TCI_CHOICE_NFKC, TCI_CHOICE_NFC, TCI_CHOICE_NONE };
enum { TCI_CHOICE_HEAD, TCI_CHOICE_TAIL, TCI_CHOICE_BOTH, TCI_CHOICE_WINDOWS };
enum { TCI_WEIGHTS_F32, TCI_WEIGHTS_BF16, TCI_WEIGHTS_INT8, TCI_WEIGHTS_PQ };
enum { TCI_HEAD_AUTO, TCI_HEAD_SOFTMAX, TCI_HEAD_SIGMOID, TCI_HEAD_TREE };
enum { TCI_CHARS_WITHIN, TCI_CHARS_ACROSS };
enum { TCI_POOLING_LAST, TCI_POOLING_MEAN, TCI_POOLING_MAX, TCI_POOLING_CLS };
enum { TCI_FAMILY_BERT, TCI_FAMILY_ROBERTA, TCI_FAMILY_XLM_ROBERTA, TCI_FAMILY_DISTILBERT, TCI_FAMILY_GPT2 };
enum { TCI_FUNCTION_GELU, TCI_FUNCTION_GELU_TANH, TCI_FUNCTION_RELU };
enum { TCI_POOLER_NONE, TCI_POOLER_TANH, TCI_POOLER_RELU };
enum { TCI_LOSS_AUTO, TCI_LOSS_CROSS_ENTROPY, TCI_LOSS_BCE, TCI_LOSS_MSE };
enum { TCI_OPTIMIZER_ADAM, TCI_OPTIMIZER_ADAMW, TCI_OPTIMIZER_SGD, TCI_OPTIMIZER_ADAGRAD, TCI_OPTIMIZER_DCD };
enum { TCI_CHOICE_CONSTANT, TCI_CHOICE_LINEAR, TCI_CHOICE_COSINE };
enum { TCI_ISA_AUTO, TCI_ISA_SCALAR, TCI_ISA_AVX2, TCI_ISA_AVX512, TCI_ISA_NEON };

#define TCI_OPTION_TEXT_SIZE 8192
#define TCI_OPTION_LIMIT 128 /* rows of the table, at most: one bit each in tci_options.set */

typedef struct tci_options {
    /* class model */
    int32_t task, arch, tokenizer, normalize;
    bool lowercase, strict_utf8, clean_controls, collapse_spaces;
    uint64_t vocab_size, min_count, max_length;
    int32_t truncate;
    uint64_t window_overlap;
    uint64_t word_ngrams;
    bool skip_ngrams;
    uint64_t min_char_ngram, max_char_ngram;
    int32_t char_ngrams;
    uint64_t buckets, max_features;
    uint64_t embedding_dim, hidden_dim, num_layers;
    bool bidirectional;
    int32_t pooling;
    double dropout, embedding_dropout, attention_dropout, head_dropout, threshold;
    uint64_t num_heads, intermediate_dim, positions, position_offset, segments;
    int32_t activation, family, pooler;
    double layer_norm_epsilon;
    uint64_t lora_rank;
    double lora_alpha;
    char lora_targets[TCI_OPTION_TEXT_SIZE];
    int32_t weights;
    int32_t head;
    bool fasttext_scores;
    uint64_t pq_width, pq_output_width;
    bool pq_norms, pq_output_norms;
    /* class training */
    int32_t loss, optimizer;
    double learning_rate, layer_decay, beta1, beta2, epsilon, momentum, weight_decay;
    bool sparse_embedding, freeze_embedding, gradient_checkpointing;
    char freeze[TCI_OPTION_TEXT_SIZE];
    int32_t schedule;
    uint64_t warmup_steps, total_steps;
    double warmup_ratio, clip_norm, label_smoothing;
    char class_weights[TCI_OPTION_TEXT_SIZE];
    uint64_t batch_size, accumulate_steps, epochs;
    double validation_split;
    uint64_t patience, seed;
    bool tune_thresholds;
    /* class run */
    uint64_t threads;
    int32_t max_isa;
    uint64_t max_file_bytes, max_memory, max_tensors, max_vocab;
    char pretrained_vectors[TCI_OPTION_TEXT_SIZE], adapter[TCI_OPTION_TEXT_SIZE];
    /* bit i: row i of the table was set by the host */
    uint64_t set[TCI_OPTION_LIMIT / 64];
} tci_options;

typedef struct tci_option_row {
    const char *key;
    tci_option_type type;
    tci_option_class option_class;
    size_t offset;             /* of the member in tci_options */
    const char *range;         /* alternatives "a|b|c" of a choice; for people otherwise */
    double minimum, maximum;   /* of integers and numbers */
    const char *default_value; /* as text */
    const char *applies_to;    /* "all", or architectures with commas between; "ngram:linear" and "ngram:embedding" are
                                * the forms of ngram with and without embedding_dim 0 */
    const char *help;
} tci_option_row;

/* Up to here characters and skips are worth their time; above there are words enough. */
#define TCI_CORPUS_SMALL (8u << 20)

size_t tci_option_count(void);
const tci_option_row *tci_option_row_at(size_t index);
/* NULL for an unknown key. */
const tci_option_row *tci_option_find(const char *key);

void tci_options_default(tci_options *options);

/* TC_ERROR_OPTION, naming key, value, range and for an unknown key the nearest known one; the options are then as
 * before. */
tc_status tci_options_set(tci_options *options, const char *key, const char *value);
bool tci_options_is_set(const tci_options *options, const char *key);
/* A value of the library's own, for an option that is not set in `given`; it does not count as set. */
void tci_options_prefer(tci_options *options, const tci_options *given, const char *key, const char *value);

/* Whether texts are read by a tci_subword, which the model brings or which is trained for it, rather than by one of our
 * own tokenizers. */
static inline bool tci_options_subword(const tci_options *options)
{
    return options->tokenizer >= TCI_CHOICE_JSON;
}

/* Whether this is the form of arch ngram with embeddings. */
bool tci_options_embed(const tci_options *options);

/* Whether the option is one of architecture options->arch, and of its form. */
bool tci_option_applies(const tci_options *options, const tci_option_row *row);

/* What option `freeze` leaves to be trained: tensors of this level (tci_tensor_info.level) or above, all with SIZE_MAX.
 * TC_ERROR_OPTION for another value than it takes. */
tc_status tci_options_trained_levels(const tci_options *options, size_t *deepest);

/* TC_ERROR_OPTION for values that do not go together. */
tc_status tci_options_check(const tci_options *options);

/* Gives options that were not set the default of their architecture, for training texts of `corpus_bytes`.
 * TC_ERROR_OPTION for one that was set and is of another architecture, and for values that do not go together. */
tc_status tci_options_resolve(tci_options *options, uint64_t corpus_bytes);

/* Gives options that depend on the optimizer, and are not set in `given`, the default of options->optimizer: after that
 * became another one. */
void tci_options_follow_optimizer(tci_options *options, const tci_options *given);

/* Gives training options that were not set in `given` the defaults of what is trained of a pretrained model: all of it,
 * adapters, or, with freeze encoder, the head alone. */
void tci_options_follow_pretrained(tci_options *options, const tci_options *given);

/* The value as text, appended to `out`. */
tc_status tci_options_print(const tci_options *options, const tci_option_row *row, tci_buffer *out);
/* The word of alternative `choice` of a choice option, into `name`; returns it. */
#define TCI_CHOICE_NAME 16
const char *tci_choice_name(const char *key, int32_t choice, char name[TCI_CHOICE_NAME]);

/* True when both hold the same value in this row. */
bool tci_options_equal(const tci_options *a, const tci_options *b, const tci_option_row *row);

/* Copies the value of one row. */
void tci_options_copy_row(tci_options *to, const tci_options *from, const tci_option_row *row);

/* Copies the values of one class from `from`, and which of them were set; or only those that were set there. */
void tci_options_copy_class(tci_options *to, const tci_options *from, tci_option_class option_class);
void tci_options_copy_set(tci_options *to, const tci_options *from, tci_option_class option_class);

#endif
