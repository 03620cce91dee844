/* embedding.c: gather forward, scatter backward; each member of the team takes a range of the ids. */
#include "layer/embedding.h"

#include <string.h>

void tci_embedding_forward(const float *weight, size_t dim, const uint32_t *ids, size_t count, float *x,
                           const tci_team *team)
{
    size_t width = TCI_PADDED(dim), begin = 0, end = 0;
    tci_team_share(team, count, 1, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        memcpy(x + i * width, weight + (size_t)ids[i] * dim, dim * sizeof *x);
        memset(x + i * width + dim, 0, (width - dim) * sizeof *x);
    }
}

void tci_embedding_backward(const tci_kernels *kernels, const tci_tensor_info *tensor, const uint32_t *ids,
                            size_t count, const float *dx, tci_gradients *gradients, const tci_team *team)
{
    size_t dim = tensor->shape[1], width = TCI_PADDED(dim), begin = 0, end = 0;
    for (size_t i = 0; team->index == 0 && i < count; i++)
        tci_gradients_touch(gradients, ids[i]);
    tci_team_share(team, count, 1, &begin, &end);
    for (size_t i = begin; i < end; i++)
        kernels->add(dim, dx + i * width, gradients->values + tensor->offset + (size_t)ids[i] * dim);
}
