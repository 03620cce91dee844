/* embedding.c: gather forward, scatter backward; each member of the team takes a range of the ids. */
#include "layer/embedding.h"

#include <string.h>

#include "tensor/narrow.h"

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

void tci_embedding_rows(const tci_kernels *kernels, const tci_parameters *parameters, size_t tensor,
                        const uint32_t *ids, size_t count, float *x, const tci_team *team)
{
    const tci_tensor_info *info = &parameters->tensors[tensor];
    size_t dim = info->shape[1], width = TCI_PADDED(dim), begin = 0, end = 0;
    if (info->element == TCI_ELEMENT_F32) {
        tci_embedding_forward(tci_parameters_read(parameters, tensor), dim, ids, count, x, team);
        return;
    }
    tci_team_share(team, count, 1, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        const char *row = (const char *)tci_parameters_data(parameters, tensor) +
                          ids[i] * dim * tci_element_bytes(info->element);
        if (info->element == TCI_ELEMENT_INT8) {
            kernels->int8_row(dim, (const int8_t *)row, tci_parameters_read(parameters, info->scales)[ids[i]],
                              (tci_int8_row *)(void *)(x + i * width));
        } else {
            tci_widen_bf16(dim, (const uint16_t *)(const void *)row, x + i * width);
            memset(x + i * width + dim, 0, (width - dim) * sizeof *x);
        }
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
        kernels->add(dim, dx + i * width, gradients->values + tci_trained_offset(tensor) + (size_t)ids[i] * dim);
}
