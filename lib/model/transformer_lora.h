/* transformer_lora.h: LoRA (Hu et al. 2021): a weight W of a layer stands still, and a product of two thin matrices
 * beside it is trained:
 *
 *     y = x (W + alpha/rank · B A)ᵀ + bias      A (rank, in), B (out, rank)
 *
 * with the names and shapes of the PEFT package: A begins as nn.Linear's weights do, B as zeros. The sum is made where
 * weights are packed (layer/dense.h), so that the way forward is the same with and without. Which weights have one is
 * chosen by the names of their modules (option lora_targets), as PEFT does. */
#ifndef TCI_MODEL_TRANSFORMER_LORA_H
#define TCI_MODEL_TRANSFORMER_LORA_H

#include "layer/dense.h"
#include "model/transformer_names.h"

/* The numbers of one weight's matrices. */
typedef struct tci_lora_shape {
    size_t inputs, outputs;
} tci_lora_shape;

typedef struct tci_lora {
    size_t rank;                  /* 0: none, and nothing else counts */
    float scale;                  /* alpha/rank */
    size_t first;                 /* number of the first layer's first A; its B is the next */
    size_t roles;                 /* of a layer that have one */
    size_t place[TCI_ROLE_COUNT]; /* of a role among them, or SIZE_MAX */
    tci_lora_shape shape[TCI_ROLE_COUNT];
} tci_lora;

struct tci_transformer;

/* From the options, and from what was declared. */
void tci_lora_init(tci_lora *lora, const tci_options *options, const tci_transformer_tensors *tensors,
                   const tci_parameters *parameters);

static inline bool tci_lora_has(const tci_lora *lora, tci_transformer_role role)
{
    return lora->rank > 0 && lora->place[role] != SIZE_MAX;
}

/* The number of a role's A, where it has one. */
static inline size_t tci_lora_tensor(const tci_lora *lora, tci_transformer_role role, size_t layer)
{
    return lora->first + 2 * (layer * lora->roles + lora->place[role]);
}

/* One adapter's matrix, tensor `index` of a model: random for A (`down`), zero for B. */
void tci_lora_draw(const tci_tensor_info *tensor, bool down, uint64_t seed, size_t index, float *values);
/* All of them. */
void tci_lora_initialize(const tci_lora *lora, tci_parameters *parameters, uint64_t seed);
/* What stands beside a weight; of rank 0 where nothing does. */
tci_dense_adapter tci_lora_adapter(const tci_lora *lora, const tci_parameters *parameters, tci_transformer_role role,
                                   size_t layer);

/* A and B as dense layers; B's columns come in `parts` equal parts. */
tci_dense tci_lora_down(const tci_lora *lora, const tci_parameters *parameters, tci_transformer_role role,
                        size_t layer);
tci_dense tci_lora_up(const tci_lora *lora, const tci_parameters *parameters, tci_transformer_role role, size_t layer,
                      size_t parts);

/* Floats of scratch that each thread brings to them. */
size_t tci_lora_scratch(const tci_lora *lora, const tci_parameters *parameters, size_t parts);

#endif
