/* transformer_lora.c: see transformer_lora.h. A sum is W plus one multiple of a row after the other, in the order of
 * the rank: the same bits wherever it is made. Must not know of gradients: they are made where those of the weights
 * are. */
#include "model/transformer_lora.h"

#include "model/transformer_network.h"

#include <math.h>
#include <string.h>

#include "base/random.h"

tc_status tci_lora_init(tci_lora *lora, const tci_options *options, const tci_transformer_tensors *tensors,
                        const tci_parameters *parameters, tci_memory *memory)
{
    size_t layers = (size_t)options->num_layers, widest = 0;
    *lora = (tci_lora){.rank = (size_t)options->lora_rank};
    if (lora->rank == 0)
        return TC_OK;
    lora->scale = (float)(options->lora_alpha / (double)options->lora_rank);
    lora->input_major = tci_transformer_family_of(options)->pre_norm;
    lora->first = tensors->first_adapter;
    for (size_t role = 0; role < TCI_ROLE_COUNT; role++) {
        lora->place[role] = SIZE_MAX;
        if (!tensors->adapted[role])
            continue;
        const tci_tensor_info *tensor = &parameters->tensors[lora->first + 2 * lora->roles];
        tci_lora_shape shape = {tensor[0].shape[1], tensor[1].shape[0]};
        lora->place[role] = lora->roles++;
        lora->shape[role] = shape;
        lora->offset[role] = lora->layer_floats;
        lora->layer_floats += TCI_PADDED(shape.inputs * shape.outputs); /* as large as W, which there is */
        widest = shape.outputs > widest ? shape.outputs : widest;
    }
    TCI_RETURN_IF(
        tci_alloc(memory, layers, lora->layer_floats * sizeof(float), "weights with adapters", &lora->merged));
    return lora->input_major
               ? tci_alloc(memory, lora->rank, widest * sizeof(float), "weights with adapters", &lora->turned)
               : TC_OK;
}

void tci_lora_free(tci_lora *lora, tci_memory *memory)
{
    tci_free(memory, lora->merged);
    tci_free(memory, lora->turned);
    lora->merged = lora->turned = NULL;
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

/* to (rows, columns) = from + scale · left · right, left (rows, rank) and right (rank, columns). */
static void add_product(size_t rows, size_t columns, size_t rank, float scale, const float *left, size_t left_row,
                        size_t left_column, const float *right, const float *from, float *to)
{
    for (size_t r = 0; r < rows; r++) {
        float *sum = to + r * columns;
        memcpy(sum, from + r * columns, columns * sizeof *sum);
        for (size_t k = 0; k < rank; k++) {
            float factor = scale * left[r * left_row + k * left_column];
            const float *row = right + k * columns;
            for (size_t c = 0; c < columns; c++)
                sum[c] += factor * row[c];
        }
    }
}

static void merge(const tci_lora *lora, const tci_transformer_tensors *tensors, const tci_parameters *parameters,
                  tci_transformer_role role, size_t layer)
{
    tci_lora_shape shape = lora->shape[role];
    size_t adapter = tci_lora_tensor(lora, role, layer), rank = lora->rank;
    const float *weight = tci_parameters_read(parameters, tci_transformer_weight(tensors, role, layer));
    const float *down = tci_parameters_read(parameters, adapter), *up = tci_parameters_read(parameters, adapter + 1);
    float *sum = tci_lora_sum(lora, role, layer);
    if (!lora->input_major) {
        add_product(shape.outputs, shape.inputs, rank, lora->scale, up, rank, 1, down, weight, sum);
        return;
    }
    for (size_t k = 0; k < rank; k++) {
        for (size_t o = 0; o < shape.outputs; o++)
            lora->turned[k * shape.outputs + o] = up[o * rank + k];
    }
    add_product(shape.inputs, shape.outputs, rank, lora->scale, down, 1, shape.inputs, lora->turned, weight, sum);
}

void tci_lora_merge(const tci_lora *lora, const tci_transformer_tensors *tensors, const tci_parameters *parameters)
{
    size_t layers = lora->rank == 0 ? 0 : (parameters->tensor_count - lora->first) / (2 * lora->roles);
    for (size_t layer = 0; layer < layers; layer++) {
        for (size_t role = 0; role < TCI_ROLE_COUNT; role++) {
            if (tci_lora_has(lora, (tci_transformer_role)role))
                merge(lora, tensors, parameters, (tci_transformer_role)role, layer);
        }
    }
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

void tci_transformer_readapt(const tci_network *from, tci_network *to, uint64_t seed)
{
    const tci_transformer *source = (const tci_transformer *)from, *target = (const tci_transformer *)to;
    const tci_lora *lora = &source->lora;
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
        if (!tci_lora_has(lora, role))
            continue;
        const tci_tensor_info *tensor = &to->parameters.tensors[tci_transformer_weight(&target->tensors, role, layer)];
        memcpy(to->parameters.values + tensor->offset, tci_lora_sum(lora, role, layer), tensor->count * sizeof(float));
    }
}
