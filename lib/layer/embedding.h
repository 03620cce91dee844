/* embedding.h: rows of a weight matrix by id, and the gradient back into those rows. */
#ifndef TCI_LAYER_EMBEDDING_H
#define TCI_LAYER_EMBEDDING_H

#include <stddef.h>
#include <stdint.h>

#include "base/team.h"
#include "kernel/kernel.h"
#include "tensor/parameters.h"

/* x (count, padded dim) = weight[ids]; weight (vocabulary, dim). Padding columns become zero. */
void tci_embedding_forward(const float *weight, size_t dim, const uint32_t *ids, size_t count, float *x,
                           const tci_team *team);

/* The same for a tensor of any element type, as the LSTM reads it (layer/lstm.h): bfloat16 widened, int8 as rows of
 * numbers that begin where the rows of floats would. */
void tci_embedding_rows(const tci_kernels *kernels, const tci_parameters *parameters, size_t tensor,
                        const uint32_t *ids, size_t count, float *x, const tci_team *team);

/* gradient rows of `ids` (all different) += dx (count, padded dim); touches them. `tensor` is the sparse one. Member 0
 * touches, all add: call from every member. */
void tci_embedding_backward(const tci_kernels *kernels, const tci_tensor_info *tensor, const uint32_t *ids,
                            size_t count, const float *dx, tci_gradients *gradients, const tci_team *team);

#endif
