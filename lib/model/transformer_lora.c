/* transformer_lora.c: see transformer_lora.h. Must not know of gradients: they are made where those of the weights are.
 */
#include "model/transformer_lora.h"

#include "model/transformer_network.h"

#include <math.h>
#include <string.h>

#include "base/random.h"

void tci_lora_init(tci_lora *lora, const tci_options *options, const tci_transformer_tensors *tensors,
                   const tci_parameters *parameters)
{
    *lora = (tci_lora){.rank = (size_t)options->lora_rank};
    if (lora->rank == 0)
        return;
    lora->scale = (float)(options->lora_alpha / (double)options->lora_rank);
    lora->first = tensors->first_adapter;
    for (size_t role = 0; role < TCI_ROLE_COUNT; role++) {
        lora->place[role] = SIZE_MAX;
        if (!tensors->adapted[role])
            continue;
        const tci_tensor_info *tensor = &parameters->tensors[lora->first + 2 * lora->roles];
        lora->place[role] = lora->roles++;
        lora->shape[role] = (tci_lora_shape){tensor[0].shape[1], tensor[1].shape[0]};
    }
}

void tci_lora_draw(const tci_tensor_info *tensor, bool down, uint64_t seed, size_t index, float *values)
{
    float bound = down ? 1.0f / (float)sqrt((double)tensor->shape[1]) : 0.0f;
    tci_random random;
    tci_random_init(&random, seed, TCI_RANDOM_INITIALIZE, index);
    for (size_t k = 0; k < tensor->count; k++)
        values[k] = down ? (2.0f * tci_random_uniform(&random) - 1.0f) * bound : 0.0f;
}

void tci_lora_initialize(const tci_lora *lora, tci_parameters *parameters, uint64_t seed)
{
    for (size_t i = lora->first; lora->rank > 0 && i < parameters->tensor_count; i++) {
        const tci_tensor_info *tensor = &parameters->tensors[i];
        tci_lora_draw(tensor, (i - lora->first) % 2 == 0, seed, i, parameters->values + tensor->offset);
    }
}

tci_dense_adapter tci_lora_adapter(const tci_lora *lora, const tci_parameters *parameters, tci_transformer_role role,
                                   size_t layer)
{
    if (!tci_lora_has(lora, role))
        return (tci_dense_adapter){0};
    size_t down = tci_lora_tensor(lora, role, layer);
    return (tci_dense_adapter){lora->rank, lora->scale, tci_parameters_read(parameters, down),
                               tci_parameters_read(parameters, down + 1)};
}

/* Adds the adapter of a weight to `weight`, which stands as that one does in `memory`. */
static tc_status merge(const tci_transformer *source, tci_transformer_role role, size_t layer, tci_memory *memory,
                       float *weight)
{
    const tci_lora_shape shape = source->lora.shape[role];
    const tci_dense dense = {.input_dim = shape.inputs,
                             .output_dim = shape.outputs,
                             .parts = 1,
                             .input_major = source->causal,
                             .weight_stride = source->causal ? shape.outputs : shape.inputs,
                             .adapter = {tci_lora_adapter(&source->lora, &source->base.parameters, role, layer)}};
    float *scratch = NULL;
    TCI_RETURN_IF(
        tci_alloc(memory, tci_dense_merge_scratch(&dense), sizeof *scratch, "working memory of merging", &scratch));
    tci_dense_merge(&dense, source->base.kernels, weight, scratch);
    tci_free(memory, scratch);
    return TC_OK;
}

tci_dense tci_lora_down(const tci_lora *lora, const tci_parameters *parameters, tci_transformer_role role, size_t layer)
{
    size_t inputs = lora->shape[role].inputs;
    return (tci_dense){.input_dim = inputs,
                       .output_dim = lora->rank,
                       .parts = 1,
                       .weight_stride = inputs,
                       .weight = {tci_parameters_read(parameters, tci_lora_tensor(lora, role, layer))}};
}

tci_dense tci_lora_up(const tci_lora *lora, const tci_parameters *parameters, tci_transformer_role role, size_t layer,
                      size_t parts)
{
    size_t outputs = lora->shape[role].outputs / parts;
    const float *up = tci_parameters_read(parameters, tci_lora_tensor(lora, role, layer) + 1);
    tci_dense dense = {.input_dim = lora->rank, .output_dim = outputs, .parts = parts, .weight_stride = lora->rank};
    for (size_t part = 0; part < parts; part++)
        dense.weight[part] = up + part * outputs * lora->rank;
    return dense;
}

size_t tci_lora_scratch(const tci_lora *lora, const tci_parameters *parameters, size_t parts)
{
    size_t most = 0;
    for (size_t i = 0; i < TCI_ROLE_COUNT; i++) {
        tci_transformer_role role = (tci_transformer_role)i;
        if (!tci_lora_has(lora, role))
            continue;
        tci_dense down = tci_lora_down(lora, parameters, role, 0);
        tci_dense up = tci_lora_up(lora, parameters, role, 0, role == TCI_ROLE_QUERY_KEY_VALUE ? parts : 1);
        size_t one = tci_dense_scratch(&down), other = tci_dense_scratch(&up);
        most = one > most ? one : most;
        most = other > most ? other : most;
    }
    return most;
}

tc_status tci_transformer_readapt(const tci_network *from, tci_network *to, uint64_t seed)
{
    const tci_transformer *source = (const tci_transformer *)from, *target = (const tci_transformer *)to;
    for (size_t i = 0; i < target->tensors.first_adapter; i++) {
        const tci_tensor_info *tensor = &to->parameters.tensors[i];
        memcpy(to->parameters.values + tensor->offset, tci_parameters_read(&from->parameters, i),
               tensor->count * sizeof(float));
    }
    if (target->lora.rank > 0)
        tci_lora_initialize(&target->lora, &to->parameters, seed);
    for (size_t i = 0; i < TCI_ROLE_COUNT * source->layer_count; i++) {
        tci_transformer_role role = (tci_transformer_role)(i % TCI_ROLE_COUNT);
        size_t layer = i / TCI_ROLE_COUNT;
        if (!tci_lora_has(&source->lora, role))
            continue;
        const tci_tensor_info *tensor = &to->parameters.tensors[tci_transformer_weight(&target->tensors, role, layer)];
        TCI_RETURN_IF(merge(source, role, layer, to->memory, to->parameters.values + tensor->offset));
    }
    return TC_OK;
}
