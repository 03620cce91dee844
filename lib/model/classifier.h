/* classifier.h: what a tc_model holds: text pipeline, network and labels, under one reference count.
 *
 * Knows nothing of files or training. Read-only while predicting, except for the small array of scratch slots. */
#ifndef TCI_MODEL_CLASSIFIER_H
#define TCI_MODEL_CLASSIFIER_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/file.h"
#include "layer/loss.h"
#include "model/network.h"
#include "model/options.h"
#include "text/long_text.h"
#include "text/pipeline.h"
#include "textclf/model.h"

#define TCI_SCRATCH_SLOTS 64
#define TCI_SCRATCH_KEEP (16u << 20) /* larger scratch is given back after use */

typedef struct tci_scratch tci_scratch;

/* Bytes that parameters point into: a block of the model's memory or a map, the other NULL. */
typedef struct tci_model_file {
    uint8_t *block;
    const uint8_t *map;
    size_t size;
} tci_model_file;

struct tc_model {
    tci_memory memory;
    atomic_size_t references; /* the host's and its trainer's */
    atomic_bool trained;      /* a trainer holds it */
    const tci_file_operations *files;
    tci_options options; /* resolved */
    tci_pipeline *pipeline;
    char *label_text; /* all labels, each NUL-terminated */
    const char **labels;
    size_t label_count;
    uint64_t label_fingerprint; /* XXH3-64 over label_text: names and order */
    double *thresholds; /* (labels) each label's own, or NULL: option `threshold` for all */
    tci_network *network;
    /* What the parameters are read from; none: they have a block of their own. */
    tci_model_file *kept;
    size_t kept_count, kept_capacity;
    bool pretrained; /* word vectors were read into the embedding, for so many of its words; not stored */
    size_t pretrained_words;
    bool untrained_head;      /* made for a folder that had none, and no step has trained it since */
    char *base; /* path of the folder that its weights came from, or NULL: then what is trained decides defaults of
                 * the training; not stored */
    const char *format;       /* of the file it came from, or NULL */
    char checksum[33];        /* of that file, or empty */
    char unicode_version[16]; /* Unicode version its vocabulary was made with */
    _Atomic(tci_scratch *) slots[TCI_SCRATCH_SLOTS];
};

/* Label rules of the contract: non-empty UTF-8 without NUL, TAB, CR, LF (and comma with multilabel), all different; and
 * of a length that a reader can bound. */
#define TCI_LABEL_BYTES 65535
tc_status tci_labels_check(tci_memory *memory, const char *const *labels, size_t count, int32_t task);

/* A copy of labels in one block of text and one array of pointers into it, and the text's fingerprint. */
tc_status tci_labels_copy(tci_memory *memory, const char *const *labels, size_t count, char **text,
                          const char ***pointers, uint64_t *fingerprint);

/* A model whose parameters are declared, but have neither block nor values. Takes `pipeline` over, also when it fails.
 * `host` NULL: the default allocator. `features` are those that have weights, of a bag of features; NULL: none yet. */
tc_status tci_model_declare(const tc_allocator *host, const tci_file_operations *files, const tci_options *options,
                            tci_pipeline *pipeline, const tci_index_set *features, const char *const *labels,
                            size_t label_count, tc_model **model);

/* The same with a block of zero parameters. */
tc_status tci_model_build(const tc_allocator *host, const tci_file_operations *files, const tci_options *options,
                          tci_pipeline *pipeline, const tci_index_set *features, const char *const *labels,
                          size_t label_count, tc_model **model);

/* The features that have weights, or NULL where ids are words. */
const tci_index_set *tci_model_features(const tc_model *model);

/* Before the model's parameters are written or copied: brings them into the order of tci_model_features(). Changes
 * something under a trainer alone, whose thread is the only one then. */
void tci_model_settle(const tc_model *model);

/* The text options within the options. */
tci_text_options tci_model_text_options(const tci_options *options);

/* The model keeps bytes into which its parameters point, of one file or of several, one after the other. After a
 * failure they are still the caller's. */
tc_status tci_model_keep_file(tc_model *model, tci_model_file file);

/* A block of its own for parameters that are read from a file, before they are changed. TC_ERROR_STATE for a map, whose
 * model is read-only. */
tc_status tci_model_own_parameters(tc_model *model);
/* Whether tensor `index` may be changed where it stands. TC_ERROR_STATE likewise. */
tc_status tci_model_check_writable(const tc_model *model, size_t index);

/* The folder that it came from; NULL: none. */
tc_status tci_model_note_base(tc_model *model, const char *folder);

/* TC_ERROR_UNSUPPORTED for a task that gives no labels by their thresholds. */
tc_status tci_model_has_thresholds(const tc_model *model);

/* Thresholds of its own for each label (label_count), 0 to 1; NULL: that of the option for all. On failure nothing has
 * changed. */
tc_status tci_model_set_thresholds(tc_model *model, const double *thresholds);

/* Score of a label at which it is given. */
static inline double tci_model_threshold(const tc_model *model, size_t label)
{
    return model->thresholds ? model->thresholds[label] : model->options.threshold;
}

/* The loss of a task. */
const tci_loss *tci_task_loss(int32_t task);

/* Packs what prediction reads; after the parameters changed. */
void tci_model_refresh(tc_model *model);

/* Whether a training with these options changes tensor `index`; `deepest` as in tci_options_trained_levels(). */
bool tci_model_trains(const tc_model *model, const tci_options *options, size_t deepest, size_t index);

tc_model *tci_model_keep(tc_model *model);
void tci_model_release(tc_model *model);

/* Working memory of one predicting thread. */
struct tci_scratch {
    tci_memory *memory; /* the model's */
    tci_encoded encoded;
    tci_long_text *long_text; /* NULL until there was one */
    tci_workspace workspace;
    tci_pool *pool; /* NULL: the predicting thread computes alone */
    size_t tokens, tokens_used; /* of the text that was predicted last, before and after truncation */
};

/* With `threads` above 1 the scratch has a pool of its own. */
tc_status tci_scratch_create(const tc_model *model, size_t threads, tci_scratch **scratch);
void tci_scratch_free(tci_scratch *scratch);
/* From the model's slots, or made; put back with tci_scratch_return. */
tc_status tci_scratch_borrow(const tc_model *model, tci_scratch **scratch);
void tci_scratch_return(const tc_model *model, tci_scratch *scratch);

/* Whether a text of `length` bytes is read piece by piece, in memory that does not grow with it: a long one, by an
 * architecture that can do so. */
bool tci_model_reads_long(const tc_model *model, size_t length);

/* A text that tci_model_reads_long() as a source of its ids, good until the next one. */
tc_status tci_scratch_long_text(const tc_model *model, tci_scratch *scratch, const char *text, size_t length,
                                tci_id_source *source);

/* Logits (row_count, label_count) of encoded rows, row_count at most TCI_PREDICT_ROWS, in the order given. The caller
 * is between tci_float_enter() and tci_float_leave(). */
#define TCI_PREDICT_ROWS 64
tc_status tci_model_logits(const tc_model *model, tci_scratch *scratch, const tci_row *rows, size_t row_count,
                           float *logits);

/* One text, likewise: encoded into scratch->encoded and then as above with one row; or, where tci_model_reads_long(),
 * read piece by piece, in memory that does not grow with it (but for a deep bidirectional network). The same bits
 * either way. */
tc_status tci_model_predict_text(const tc_model *model, tci_scratch *scratch, const char *text, size_t length,
                                 float *logits);

/* logits to scores in place: softmax, sigmoid or nothing, by the model's task. TC_ERROR_NUMERIC when one is not
 * finite. */
tc_status tci_model_scores(const tc_model *model, size_t row_count, float *values);

#endif
