/* native_checkpoint.h: a checkpoint is a model file with a trainer's state as further tensors: textclf.progress (U64
 * words, whose meaning is the trainer's), and blocks of the parameters' layout, tensor by tensor:
 * optim.<state>.<parameter> and best.<parameter>. Knows nothing of training. */
#ifndef TCI_SERIALIZATION_NATIVE_CHECKPOINT_H
#define TCI_SERIALIZATION_NATIVE_CHECKPOINT_H

#include "serialization/native.h"

/* One block: `prefix` is what stands before the parameters' names, "optim.exp_avg" for example. */
typedef struct tci_state_block {
    const char *prefix;
    float *values; /* in the layout of the model's parameters */
    bool square;   /* a root is taken of it, or it is a scale: negative values are refused when read */
} tci_state_block;

/* A tensor beside those: optim.<name>. */
typedef struct tci_state_array {
    const char *name;
    tci_dtype dtype;
    size_t rank;
    size_t shape[2];
    void *values;
} tci_state_array;

/* All that a checkpoint has beside its model. */
typedef struct tci_state {
    const tci_state_block *blocks;
    size_t block_count;
    const tci_state_array *arrays;
    size_t array_count;
    const uint64_t *words;
    size_t word_count;
} tci_state;

/* Writes model and state to `path`, crash-safe. */
tc_status tci_checkpoint_save(const tc_model *model, const tci_state *state, const char *path);

/* The progress words of a file that was read; TC_ERROR_FORMAT when it is a plain model. */
tc_status tci_checkpoint_words(const tci_native_contents *contents, uint64_t *words, size_t word_count);

/* Whether the file has any tensor of this block. */
bool tci_checkpoint_has(const tci_native_contents *contents, const tci_parameters *parameters, const char *prefix);

/* Fills a block; TC_ERROR_FORMAT for a missing tensor, another shape or type or a negative square, TC_ERROR_NUMERIC for
 * what is not finite. The block may be partly filled then. */
tc_status tci_checkpoint_block(const tci_native_contents *contents, const tci_parameters *parameters,
                               const tci_state_block *block);

/* Fills an array; TC_ERROR_FORMAT for a missing tensor, another shape or type. Its floats are finite. */
tc_status tci_checkpoint_array(const tci_native_contents *contents, const tci_state_array *array);

#endif
