/* parameters.h: all parameters of a model in one block, all gradients in another, each tensor addressable by name.
 *
 * Tensors have the names, shapes and row-major layout of the PyTorch module that computes the same. Each starts at a
 * multiple of 16 floats; the floats between are zero. One tensor at most has sparse rows (the embedding): its gradient
 * touches few rows, which are listed, so that nothing untouched is cleared or read.
 *
 * A trainer may leave tensors out (tci_parameters_set_trained): blocks that hold trained tensors alone, those of
 * gradients, moments and best weights, have no place for them. With all trained such a block has the layout of the
 * parameters.
 *
 * Matrices of a model that was converted (model/conversion.h) may be narrow: bfloat16, or int8 in -127 to 127 with a
 * scale for each row, or for each column, which stand in a further tensor. Such parameters are not trained. */
#ifndef TCI_TENSOR_PARAMETERS_H
#define TCI_TENSOR_PARAMETERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"

#define TCI_TENSOR_NAME 96
#define TCI_TENSOR_RANK 2
#define TCI_SCALE_NAMES "textclf.scale." /* before the name of an int8 tensor: that of its scales, F32 */

typedef enum tci_element {
    TCI_ELEMENT_F32,
    TCI_ELEMENT_BF16,
    TCI_ELEMENT_INT8,
    TCI_ELEMENT_U8, /* codes and counts: no weights, never converted */
    TCI_ELEMENT_U64
} tci_element;

typedef struct tci_tensor_info {
    char name[TCI_TENSOR_NAME];
    size_t rank;
    size_t shape[TCI_TENSOR_RANK]; /* (rows, columns), or (elements) with rank 1 */
    size_t offset;                 /* of the first element in the block, in floats */
    size_t count;                  /* elements */
    tci_element element;
    size_t scales;                 /* number of the tensor with the scales of an int8 one */
    bool sparse_rows;
    bool column_scales;            /* of an int8 one: scales (1, columns), else (rows) */
    bool undecayed;                /* weight decay passes it over, as is done with biases and norms of transformers */
    bool frozen;                   /* not trained */
    bool adapter;                  /* a matrix of an adapter: what is trained in place of the layers' own weights */
    size_t level;                  /* of the network, from the top: 0 the head, 1 the last layer, 2 the one below... */
    size_t skipped;                /* floats before it of tensors that are not trained */
    const void *mapped;            /* where the values were read, while there is no block */
} tci_tensor_info;

typedef struct tci_parameters {
    tci_memory *memory;
    tci_tensor_info *tensors;
    size_t tensor_count;
    size_t tensor_capacity;
    size_t size;    /* floats in the block */
    size_t skipped; /* floats of it that are not trained */
    float *values;  /* NULL until tci_parameters_allocate */
} tci_parameters;

/* The elements of a tensor, of whatever type, in the block or mapped. */
static inline const void *tci_parameters_data(const tci_parameters *parameters, size_t index)
{
    const tci_tensor_info *tensor = &parameters->tensors[index];
    return parameters->values ? parameters->values + tensor->offset : tensor->mapped;
}

/* The same for a tensor that is known to be F32. */
static inline const float *tci_parameters_read(const tci_parameters *parameters, size_t index)
{
    return tci_parameters_data(parameters, index);
}

/* The place of a trained tensor's values, which are in the block, or stand in memory of the model's own where they were
 * read. */
static inline float *tci_parameters_write(const tci_parameters *parameters, size_t index)
{
    return (float *)tci_parameters_data(parameters, index);
}

size_t tci_element_bytes(tci_element element);

void tci_parameters_init(tci_parameters *parameters, tci_memory *memory);
void tci_parameters_free(tci_parameters *parameters);

/* Declares a tensor; *index (may be NULL) is its number. shape[1] is ignored with rank 1. */
tc_status tci_parameters_declare(tci_parameters *parameters, const char *name, size_t rank, size_t rows, size_t columns,
                                 bool sparse_rows, size_t *index);
/* A matrix of any element type. */
tc_status tci_parameters_declare_matrix(tci_parameters *parameters, tci_element element, const char *name, size_t rows,
                                        size_t columns, bool sparse_rows, size_t *index);
/* The scales of all int8 tensors, after everything else; column_scales of those that have them so are set before. */
tc_status tci_parameters_declare_scales(tci_parameters *parameters);

/* One zeroed block for everything declared; values that were mapped are copied into it. */
tc_status tci_parameters_allocate(tci_parameters *parameters);

/* NULL when there is none of that name. */
const tci_tensor_info *tci_parameters_find(const tci_parameters *parameters, const char *name);

/* Freezes the tensors that `frozen` answers true for, and trains all others; NULL: trains all. Blocks of trained
 * tensors that were made before do not fit any more. */
void tci_parameters_set_trained(tci_parameters *parameters, bool (*frozen)(const void *context, size_t index),
                                const void *context);

/* Floats of a block of the trained tensors, and the place of one that is trained in it. */
static inline size_t tci_trained_floats(const tci_parameters *parameters)
{
    return parameters->size - parameters->skipped;
}

static inline size_t tci_trained_offset(const tci_tensor_info *tensor)
{
    return tensor->offset - tensor->skipped;
}

/* The trained tensors' values into a block of theirs; or exchanged with it. */
void tci_trained_copy(const tci_parameters *parameters, float *block);
void tci_trained_swap(tci_parameters *parameters, float *block);

/* Gradients: a block of the trained tensors. Of the one with sparse rows everything is zero outside the touched rows.
 * The others count as zeros while `fresh`, whatever stands there: the first backward stores all of them, later ones
 * add. */
typedef struct tci_gradients {
    tci_memory *memory;
    const tci_parameters *parameters;
    float *values;
    size_t sparse_tensor;   /* index of the trained tensor with sparse rows, or SIZE_MAX */
    uint32_t *touched;      /* rows of it that were added to, in order of first touch */
    size_t touched_count;
    uint8_t *is_touched;    /* one flag a row */
    bool fresh;
} tci_gradients;

/* Where the gradient of a tensor stands; NULL of one that is not trained. */
static inline float *tci_gradients_of(const tci_gradients *gradients, size_t index)
{
    const tci_tensor_info *tensor = &gradients->parameters->tensors[index];
    return tensor->frozen ? NULL : gradients->values + tci_trained_offset(tensor);
}

tc_status tci_gradients_create(tci_memory *memory, const tci_parameters *parameters, tci_gradients *gradients);
void tci_gradients_free(tci_gradients *gradients);

/* Notes a row of the sparse tensor as touched; its values are then added to by the caller. */
void tci_gradients_touch(tci_gradients *gradients, uint32_t row);

/* Back to zero: clears the touched rows, makes the rest fresh. */
void tci_gradients_clear(tci_gradients *gradients);

#endif
