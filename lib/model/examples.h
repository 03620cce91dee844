/* examples.h: encoded texts with their labels or targets: what a tc_examples holds. Ragged, never padded. */
#ifndef TCI_MODEL_EXAMPLES_H
#define TCI_MODEL_EXAMPLES_H

#include "model/classifier.h"
#include "textclf/examples.h"

struct tc_examples {
    tci_memory memory;
    atomic_size_t references; /* the host's and those of trainers that know its rows */
    tci_pipeline *pipeline;
    int32_t task;
    size_t label_count; /* of the model it was made from */
    uint64_t label_fingerprint;
    size_t threads;      /* of adding many texts at once: the model's */
    tci_encoded encoded; /* working memory of adding */
    size_t rows;
    size_t row_capacity, id_capacity, count_capacity, list_capacity, target_capacity, weight_capacity, class_capacity,
        list_end_capacity;
    size_t id_count, list_count;
    size_t *ends;      /* (rows) end of each row's ids; the begin is the end of the row before */
    uint32_t *ids;     /* (id_count) */
    uint8_t *counts;   /* (id_count) of a bag of features, else NULL */
    float *weights;    /* (rows) */
    uint32_t *classes; /* (rows) classify */
    size_t *list_ends; /* (rows) multilabel: end of each row's labels in `list` */
    uint32_t *list;    /* (list_count) */
    float *targets;    /* (rows, label_count) regress */
};

tc_status tci_examples_create(const tc_model *model, tc_examples **examples);
tc_examples *tci_examples_keep(const tc_examples *examples);
void tci_examples_release(tc_examples *examples); /* NULL is a no-op */

/* What a text is labelled with: `labels` for classify (one) and multilabel, `targets` for regress. */
typedef struct tci_truth {
    const uint32_t *labels;
    const float *targets;
    size_t count;
} tci_truth;

/* Adds a text; nothing is added when it fails. */
tc_status tci_examples_add(tc_examples *examples, const char *text, size_t length, const tci_truth *truth,
                           float weight);

/* Many texts, and what each is labelled with. */
typedef struct tci_labelled_texts {
    const char *const *texts;
    const size_t *lengths;
    size_t count;
    const uint32_t *labels;     /* of all texts, one after the other; NULL with targets */
    const size_t *label_counts; /* (count) how many of them each text has; NULL: one */
    const float *targets;       /* (count, label_count) or NULL */
    const float *weights;       /* (count); NULL: 1 */
} tci_labelled_texts;

/* Adds the texts in their order, encoded on `threads` threads: the same bits as adding one after the other. Nothing is
 * added when it fails; of several texts that cannot be added the first is named. */
tc_status tci_examples_add_batch(tc_examples *examples, const tci_labelled_texts *texts);

/* ---- parts of adding ---- */

/* TC_OK when the model's task takes it. */
tc_status tci_truth_check(const tc_examples *examples, const tci_truth *truth, float weight);

/* Room for as many rows, labels and ids as are given, those that are there included; nothing that is there changes. */
tc_status tci_examples_reserve_rows(tc_examples *examples, size_t rows, size_t list_count);
tc_status tci_examples_reserve_ids(tc_examples *examples, size_t id_count, bool with_counts);

/* Writes what row `row` is labelled with; its labels of task multilabel stand behind the first *list_count. */
void tci_examples_put_truth(tc_examples *examples, size_t row, size_t *list_count, const tci_truth *truth,
                            float weight);

/* ---- reading ---- */

/* The ids of a row, as the network takes them; position is left 0. */
tci_row tci_examples_row(const tc_examples *examples, size_t row);

/* Targets (labels) of a row as 0 and 1 or as real values; classify: one-hot, unknown labels all 0. `labels` are those
 * of the model, which may have got some since the examples were made. */
void tci_examples_targets(const tc_examples *examples, size_t row, size_t labels, float *targets);

/* True when one of the row's labels is TC_LABEL_UNKNOWN. */
bool tci_examples_unknown(const tc_examples *examples, size_t row);

/* XXH3-64 over ids, labels, targets and weights, going on from `seed`. */
uint64_t tci_examples_fingerprint(const tc_examples *examples, uint64_t seed);
/* The same of the first `rows` rows. */
uint64_t tci_examples_fingerprint_of(const tc_examples *examples, size_t rows, uint64_t seed);

/* TC_OK when the examples fit the model: same text pipeline, task and labels, behind which the model may have got more;
 * `rows` (NULL: all) all there. */
tc_status tci_examples_check(const tc_examples *examples, const tc_model *model, const size_t *rows, size_t row_count);

#endif
