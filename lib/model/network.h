/* network.h: what an architecture is: a table row of functions over ids, parameters and logits. Text, labels and files
 * are the classifier's business.
 *
 * A network keeps its parameters (in PyTorch's names, shapes and layout) and a packed form of them that kernels read;
 * the packed form is made by refresh(), never at first use. Predicting reads only; each predicting thread brings its
 * own workspace. Training keeps activations in a workspace of the trainer's. */
#ifndef TCI_MODEL_NETWORK_H
#define TCI_MODEL_NETWORK_H

#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"
#include "base/team.h"
#include "kernel/kernel.h"
#include "model/options.h"
#include "tensor/index_set.h"
#include "tensor/parameters.h"
#include "tensor/ragged.h"

typedef struct tci_architecture tci_architecture;

/* The common head of every architecture's own struct. */
typedef struct tci_network {
    const tci_architecture *architecture;
    tci_memory *memory; /* the model's */
    const tci_kernels *kernels;
    tci_parameters parameters;
    size_t label_count;
    bool shared; /* the parameters are mapped from a file: copies of them would be each process's own */
} tci_network;

/* Growing working memory of one predicting thread or one trainer; zero-initialize, set memory. */
typedef struct tci_workspace {
    tci_memory *memory;
    float *block;
    size_t size; /* bytes */
} tci_workspace;

/* At least `bytes`; the old content is lost. `what` names it in the error, with the bytes needed. */
tc_status tci_workspace_reserve(tci_workspace *workspace, size_t bytes, const char *what);
void tci_workspace_free(tci_workspace *workspace);

/* Lays arrays out in a workspace, in two rounds over the same code: with `base` NULL only `size` is counted, then the
 * places are handed out. A size that does not fit the address space sticks at SIZE_MAX, which reserve refuses. */
typedef struct tci_layout {
    char *base;
    size_t size;
} tci_layout;

/* rows × columns × bytes, 64-byte aligned; NULL in the counting round. */
void *tci_carve(tci_layout *layout, size_t rows, size_t columns, size_t bytes);

/* The ids of one text that is too long to hold them: read a range at a time. */
typedef struct tci_id_source {
    void *context;
    size_t length;
    /* Writes ids [first, first + count), of those below `length`. Called by the predicting thread only. */
    tc_status (*read)(void *context, size_t first, size_t count, uint32_t *ids);
} tci_id_source;

/* Where a training step stands: keys of its random numbers. */
typedef struct tci_step_context {
    uint64_t seed;
    uint64_t step;
} tci_step_context;

typedef struct tci_training tci_training; /* an architecture's workspace and packed weights for training */

struct tci_architecture {
    const char *name; /* as in the range of option `arch` */

    /* How many different ids have weights; NULL: the words of the vocabulary, or the features that were seen.
     * `features` NULL: none yet, or, where they are optional, all. */
    size_t (*inputs)(const tci_options *options, size_t words, const tci_index_set *features);
    /* Declares the parameters, which a reader compares with a file's before it makes a network. */
    tc_status (*declare)(tci_parameters *parameters, const tci_options *options, size_t inputs, size_t label_count);
    /* Makes the network and declares its parameters; whoever asked for it allocates or maps them. */
    tc_status (*create)(tci_memory *memory, const tci_kernels *kernels, const tci_options *options, size_t inputs,
                        size_t label_count, tci_network **network);
    void (*free)(tci_network *network);
    /* Random parameters, PyTorch's distributions. */
    void (*initialize)(tci_network *network, uint64_t seed);
    /* Packs the parameters for prediction. */
    void (*refresh)(tci_network *network);

    /* The tensor with a row for each word of the vocabulary, which word vectors can be put into; the member is NULL, or
     * answers NULL, where there is none. */
    const tci_tensor_info *(*words)(const tci_network *network);

    /* The features that have weights, of a bag of features; the member is NULL where ids are words. */
    tci_index_set *(*features)(tci_network *network);
    /* There may be no set: then every feature has weights, and the set has no bits. */
    bool features_optional;
    /* Brings rows that a trainer added into the order of their features, in which alone they are written and copied;
     * NULL where none are added. */
    void (*settle)(tci_network *network);

    /* logits (row_count, label_count) of rows sorted by falling length, in the sorted order, computed by the members of
     * `pool` (NULL: the caller alone). */
    tc_status (*predict)(const tci_network *network, tci_pool *pool, tci_workspace *workspace, const tci_row *rows,
                         size_t row_count, float *logits);
    /* The same bits for one row that is read from a source, forwards or backwards, a few times over; where ids are
     * words. */
    tc_status (*predict_long)(const tci_network *network, tci_pool *pool, tci_workspace *workspace,
                              const tci_id_source *source, float *logits);

    /* What predict gave for one text (label_count) to logits in place; NULL: it gave logits. */
    void (*logits)(const tci_network *network, float *values);
    /* What predict gave for one text to scores in place; NULL: as the loss of the task has it. TC_ERROR_NUMERIC when
     * one is not finite. */
    tc_status (*scores)(const tci_network *network, float *values);

    /* Floats of what the head reads of a text, and that vector of one row, or, with `source`, of one that is read from
     * there; NULL where there is no such vector. */
    size_t (*embed_dim)(const tci_network *network);
    tc_status (*embed)(const tci_network *network, tci_workspace *workspace, const tci_row *row,
                       const tci_id_source *source, float *vector);

    bool trains_in_place; /* weights of a file are changed where they were read: there is no block of them all */
    /* Training by gradients; NULL where there is none. */
    tc_status (*training_create)(tci_network *network, const tci_options *options, tci_memory *memory, tci_pool *pool,
                                 tci_training **training);
    void (*training_free)(tci_training *training);
    /* Packs the parameters for training, after they changed. */
    void (*training_refresh)(tci_training *training);
    /* Keeps the activations of these sorted rows; row.position keys the dropout. */
    tc_status (*forward)(tci_training *training, const tci_step_context *context, const tci_row *rows, size_t row_count,
                         float *logits);
    /* What predict gives for rows in any order, where it comes from what training keeps of texts below which nothing is
     * trained, for less work; else *kept is false, and logits are not touched. The member is NULL where there is never
     * such. The forward before is lost to backward(). */
    tc_status (*predict_kept)(tci_training *training, const tci_row *rows, size_t row_count, float *logits, bool *kept);
    /* Adds the gradients for dlogits (row_count, label_count) of the last forward. Allocates nothing, cannot fail. */
    void (*backward)(tci_training *training, const float *dlogits, tci_gradients *gradients);
};

/* That of the options `arch` and, of arch ngram, `embedding_dim`. */
const tci_architecture *tci_architecture_find(const tci_options *options);

/* How many ids have weights, by the architecture's rule. */
size_t tci_architecture_inputs(const tci_architecture *architecture, const tci_options *options, size_t words,
                               const tci_index_set *features);

#endif
