/* transformer_network.c: the transformer's parameters: declared, drawn, found and packed; and what prediction and
 * training share of the way from ids to a vector. */
#include "model/transformer_network.h"

#include <math.h>
#include <string.h>

#include "base/random.h"

static tc_status transformer_declare(tci_parameters *parameters, const tci_options *options, size_t inputs,
                                     size_t label_count)
{
    return tci_transformer_declare(parameters, options, inputs, label_count, NULL);
}

static void set_sizes(tci_transformer *network, const tci_options *options)
{
    static const tci_activation functions[] = {TCI_ACTIVATION_GELU, TCI_ACTIVATION_GELU_TANH, TCI_ACTIVATION_RELU};
    static const tci_activation poolers[] = {TCI_ACTIVATION_NONE, TCI_ACTIVATION_TANH, TCI_ACTIVATION_RELU};
    bool roberta = options->family == TCI_FAMILY_ROBERTA || options->family == TCI_FAMILY_XLM_ROBERTA;
    network->width = (size_t)options->hidden_dim;
    network->stride = TCI_PADDED(network->width);
    network->head_count = (size_t)options->num_heads;
    network->intermediate = (size_t)options->intermediate_dim;
    network->layer_count = (size_t)options->num_layers;
    network->positions = (size_t)options->positions;
    network->position_offset = (size_t)options->position_offset;
    network->max_length = (size_t)options->max_length;
    network->causal = tci_transformer_family_of(options)->pre_norm;
    network->residual_of_norm = !network->causal;
    network->attention_output_dropout = options->family != TCI_FAMILY_DISTILBERT;
    network->double_head_dropout = roberta && options->pooler != TCI_POOLER_NONE;
    network->pooling = options->pooling;
    network->activation = functions[options->activation];
    network->pooler_activation = poolers[options->pooler];
    network->dropout = options->dropout;
    network->embedding_dropout = options->embedding_dropout;
    network->attention_dropout = options->attention_dropout;
    network->head_dropout = options->head_dropout;
    network->epsilon = (float)options->layer_norm_epsilon;
}

static void transformer_free(tci_network *base)
{
    if (!base)
        return;
    tci_transformer *network = (tci_transformer *)base;
    tci_memory *memory = base->memory;
    tci_parameters_free(&base->parameters);
    tci_free(memory, network->packed);
    tci_free(memory, network->norms);
    tci_free(memory, network->layers);
    tci_free(memory, network);
}

static tc_status create(const tci_architecture *architecture, tci_memory *memory, const tci_kernels *kernels,
                        const tci_options *options, size_t inputs, size_t label_count, tci_network **result)
{
    tc_status status = TC_OK;
    tci_transformer *network = NULL;
    *result = NULL;
    TCI_RETURN_IF(tci_alloc_zero(memory, 1, sizeof *network, "network", &network));
    network->base =
        (tci_network){.architecture = architecture, .memory = memory, .kernels = kernels, .label_count = label_count};
    set_sizes(network, options);
    tci_parameters_init(&network->base.parameters, memory);
    TCI_CHECK(tci_alloc_zero(memory, network->layer_count, sizeof *network->layers, "network", &network->layers));
    TCI_CHECK(tci_alloc_zero(memory, 2 * network->layer_count + 1, sizeof *network->norms, "network", &network->norms));
    TCI_CHECK(tci_transformer_declare(&network->base.parameters, options, inputs, label_count, &network->tensors));
    tci_lora_init(&network->lora, options, &network->tensors, &network->base.parameters);
done:
    if (status != TC_OK)
        transformer_free(&network->base);
    else
        *result = &network->base;
    return status;
}

static tc_status bert_create(tci_memory *memory, const tci_kernels *kernels, const tci_options *options, size_t inputs,
                             size_t label_count, tci_network **network)
{
    return create(&tci_bert_architecture, memory, kernels, options, inputs, label_count, network);
}

static tc_status gpt_create(tci_memory *memory, const tci_kernels *kernels, const tci_options *options, size_t inputs,
                            size_t label_count, tci_network **network)
{
    return create(&tci_gpt_architecture, memory, kernels, options, inputs, label_count, network);
}

/* As transformers has it: weights N(0, 0.02), of gpt's projections into the stream less by √(2·layers), biases 0,
 * gains 1; and the row of id 0, the unknown or the padding token, 0. */
static void transformer_initialize(tci_network *base, uint64_t seed)
{
    const tci_transformer *network = (const tci_transformer *)base;
    tci_parameters *parameters = &base->parameters;
    for (size_t i = 0; i < parameters->tensor_count; i++) {
        const tci_tensor_info *tensor = &parameters->tensors[i];
        float *values = parameters->values + tensor->offset;
        tci_random random;
        tci_random_init(&random, seed, TCI_RANDOM_INITIALIZE, i);
        memset(values, 0, tensor->count * sizeof *values);
        for (size_t k = i == 0 ? tensor->shape[1] : 0; tensor->rank == 2 && k < tensor->count; k++)
            values[k] = 0.02f * tci_random_normal(&random);
    }
    for (size_t norm = 0; norm <= 2 * network->layer_count; norm++) {
        float *gain = parameters->values + parameters->tensors[tci_transformer_norm_tensor(network, norm)].offset;
        for (size_t k = 0; k < network->width; k++)
            gain[k] = 1.0f;
    }
    tci_lora_initialize(&network->lora, parameters, seed);
    float less = (float)(1.0 / sqrt(2.0 * (double)network->layer_count));
    for (size_t layer = 0; network->causal && layer < network->layer_count; layer++) {
        const tci_transformer_role roles[] = {TCI_ROLE_ATTENTION_OUTPUT, TCI_ROLE_DOWN};
        for (size_t r = 0; r < 2; r++) {
            const tci_tensor_info *tensor =
                &parameters->tensors[tci_transformer_weight(&network->tensors, roles[r], layer)];
            for (size_t k = 0; k < tensor->count; k++)
                parameters->values[tensor->offset + k] *= less;
        }
    }
}

size_t tci_transformer_norm_tensor(const tci_transformer *network, size_t norm)
{
    const tci_transformer_tensors *tensors = &network->tensors;
    if (network->residual_of_norm && norm == 0)
        return tci_transformer_weight(tensors, TCI_ROLE_EMBEDDING_NORM, 0);
    if (!network->residual_of_norm && norm == 2 * network->layer_count)
        return tci_transformer_weight(tensors, TCI_ROLE_FINAL_NORM, 0);
    size_t block = network->residual_of_norm ? norm - 1 : norm; /* behind it, or before it */
    return tci_transformer_weight(tensors, block % 2 == 0 ? TCI_ROLE_ATTENTION_NORM : TCI_ROLE_FEED_NORM, block / 2);
}

/* The dense layer of a weight and the bias behind it. */
static tci_dense dense_of(const tci_transformer *network, tci_transformer_role role, size_t layer, size_t inputs,
                          size_t outputs, bool bias)
{
    const tci_parameters *parameters = &network->base.parameters;
    size_t weight = tci_transformer_weight(&network->tensors, role, layer);
    bool input_major = network->causal && tci_transformer_role_of_layer(role);
    return (tci_dense){.input_dim = inputs,
                       .output_dim = outputs,
                       .parts = 1,
                       .input_major = input_major,
                       .weight_stride = input_major ? outputs : inputs,
                       .weight = {tci_parameters_read(parameters, weight)},
                       .bias = {bias ? tci_parameters_read(parameters, weight + 1) : NULL},
                       .adapter = {tci_lora_adapter(&network->lora, parameters, role, layer)}};
}

/* Query, key and value side by side; of gpt they are columns of one weight. */
static tci_dense query_key_value_of(const tci_transformer *network, size_t layer)
{
    static const tci_transformer_role roles[] = {TCI_ROLE_QUERY, TCI_ROLE_KEY, TCI_ROLE_VALUE};
    size_t width = network->width;
    tci_dense dense =
        dense_of(network, network->causal ? TCI_ROLE_QUERY_KEY_VALUE : TCI_ROLE_QUERY, layer, width, width, true);
    dense.parts = 3;
    if (network->causal)
        dense.weight_stride = 3 * width;
    for (size_t part = 1; part < 3; part++) {
        tci_dense other = network->causal ? dense : dense_of(network, roles[part], layer, width, width, true);
        dense.weight[part] = other.weight[0] + (network->causal ? part * width : 0);
        dense.bias[part] = other.bias[0] + (network->causal ? part * width : 0);
        dense.adapter[part] = other.adapter[0];
        if (network->causal && dense.adapter[part].rank > 0)
            dense.adapter[part].up += part * width * dense.adapter[part].rank;
    }
    return dense;
}

void tci_transformer_bind(tci_transformer *network)
{
    const tci_parameters *parameters = &network->base.parameters;
    const tci_transformer_tensors *tensors = &network->tensors;
    size_t width = network->width, segments = tensors->first[TCI_ROLE_SEGMENTS];
    network->words = tci_parameters_read(parameters, tensors->first[TCI_ROLE_WORDS]);
    network->position_table = tci_parameters_read(parameters, tensors->first[TCI_ROLE_POSITIONS]);
    network->segment_table = segments != SIZE_MAX ? tci_parameters_read(parameters, segments) : NULL;
    for (size_t norm = 0; norm <= 2 * network->layer_count; norm++) {
        size_t tensor = tci_transformer_norm_tensor(network, norm);
        network->norms[norm] = (tci_layer_norm){width, network->epsilon, tci_parameters_read(parameters, tensor),
                                                tci_parameters_read(parameters, tensor + 1)};
    }
    for (size_t i = 0; i < network->layer_count; i++) {
        tci_transformer_layer *layer = &network->layers[i];
        layer->query_key_value = query_key_value_of(network, i);
        layer->attention_output = dense_of(network, TCI_ROLE_ATTENTION_OUTPUT, i, width, width, true);
        layer->up = dense_of(network, TCI_ROLE_UP, i, width, network->intermediate, true);
        layer->down = dense_of(network, TCI_ROLE_DOWN, i, network->intermediate, width, true);
    }
    if (network->pooler_activation != TCI_ACTIVATION_NONE)
        network->pooler = dense_of(network, TCI_ROLE_POOLER, 0, width, width, true);
    network->output = dense_of(network, TCI_ROLE_OUTPUT, 0, width, network->base.label_count, !network->causal);
}

/* All dense layers one after the other; NULL behind the last. */
static tci_dense *dense_at(tci_transformer *network, size_t index)
{
    size_t inside = 4 * network->layer_count;
    if (index < inside) {
        tci_transformer_layer *layer = &network->layers[index / 4];
        tci_dense *const all[] = {&layer->query_key_value, &layer->attention_output, &layer->up, &layer->down};
        return all[index % 4];
    }
    if (index == inside)
        return &network->output;
    return index == inside + 1 && network->pooler_activation != TCI_ACTIVATION_NONE ? &network->pooler : NULL;
}

size_t tci_transformer_dense_scratch(const tci_transformer *network)
{
    const tci_transformer_layer *layer = &network->layers[0]; /* the others have the same shapes */
    const tci_dense *const all[] = {&layer->query_key_value, &layer->attention_output, &layer->up, &layer->down,
                                    &network->output,        &network->pooler};
    size_t most = 0, count = sizeof all / sizeof all[0] - (network->pooler_activation == TCI_ACTIVATION_NONE);
    for (size_t i = 0; i < count; i++) {
        size_t one = tci_dense_scratch(all[i]);
        most = one > most ? one : most;
    }
    return most;
}

/* A packed copy takes memory once more: it is made where the parameters are the process's own, and where there is
 * none the same numbers come out, later. */
static void transformer_refresh(tci_network *base)
{
    tci_transformer *network = (tci_transformer *)base;
    size_t floats = 0;
    float *scratch = NULL;
    tci_transformer_bind(network);
    if (base->shared)
        return;
    for (size_t i = 0; dense_at(network, i); i++)
        floats += tci_dense_packed_floats(dense_at(network, i));
    if (!network->packed)
        (void)tci_alloc(base->memory, floats, sizeof(float), "packed weights", &network->packed);
    (void)tci_alloc(base->memory, tci_transformer_dense_scratch(network), sizeof(float), "packed weights", &scratch);
    float *block = scratch ? network->packed : NULL;
    if (!block) {
        tci_transformer_drop_packed(network);
    } else {
        tci_ask_for_large_pages(base->memory, block, floats * sizeof *block);
        for (size_t i = 0; dense_at(network, i); i++) {
            tci_dense *dense = dense_at(network, i);
            tci_dense_pack(dense, base->kernels, block, scratch);
            dense->packed = block;
            block += tci_dense_packed_floats(dense);
        }
    }
    tci_free(base->memory, scratch);
}

void tci_transformer_drop_packed(tci_transformer *network)
{
    tci_free(network->base.memory, network->packed);
    network->packed = NULL;
    tci_transformer_bind(network);
}

void tci_transformer_unpack_head(tci_transformer *network)
{
    network->pooler.packed = network->output.packed = NULL;
}

void tci_transformer_embed(const tci_transformer *network, const uint32_t *ids, size_t begin, size_t end, float *s)
{
    size_t width = network->width, next = network->position_offset;
    for (size_t t = 0; t < begin; t++)
        (void)tci_transformer_position(network, ids[t], &next);
    for (size_t t = begin; t < end; t++, s += network->stride) {
        const float *word = network->words + ids[t] * width;
        const float *position = network->position_table + tci_transformer_position(network, ids[t], &next) * width;
        if (network->segment_table) {
            for (size_t k = 0; k < width; k++)
                s[k] = (word[k] + network->segment_table[k]) + position[k];
        } else {
            for (size_t k = 0; k < width; k++)
                s[k] = word[k] + position[k];
        }
        memset(s + width, 0, (network->stride - width) * sizeof *s);
    }
}

/* With equal values the first token wins. */
static void pool_maximum(const float *out, size_t length, size_t stride, float *vector, uint32_t *argmax)
{
    memcpy(vector, out, stride * sizeof *vector);
    if (argmax)
        memset(argmax, 0, stride * sizeof *argmax);
    for (size_t t = 1; t < length; t++) {
        for (size_t k = 0; k < stride; k++) {
            if (out[t * stride + k] <= vector[k])
                continue;
            vector[k] = out[t * stride + k];
            if (argmax)
                argmax[k] = (uint32_t)t;
        }
    }
}

void tci_transformer_pool(const tci_transformer *network, const float *out, size_t length, float *vector,
                          uint32_t *argmax)
{
    size_t stride = network->stride;
    const float *token = out;
    if (length > 0 && network->pooling == TCI_POOLING_LAST)
        token += (length - 1) * stride;
    if (length > 0 && network->pooling == TCI_POOLING_MAX) {
        pool_maximum(out, length, stride, vector, argmax);
        return;
    }
    memset(vector, 0, stride * sizeof *vector);
    if (length == 0)
        return;
    if (network->pooling != TCI_POOLING_MEAN) {
        memcpy(vector, token, stride * sizeof *vector);
        return;
    }
    network->base.kernels->add_rows(length, stride, out, stride, vector);
    for (size_t k = 0; k < stride; k++)
        vector[k] /= (float)length;
}

static const tci_tensor_info *transformer_words(const tci_network *base)
{
    const tci_transformer *network = (const tci_transformer *)base;
    return &base->parameters.tensors[network->tensors.first[TCI_ROLE_WORDS]];
}

#define TRANSFORMER                                                                                                    \
    .declare = transformer_declare, .free = transformer_free, .initialize = transformer_initialize,                    \
    .refresh = transformer_refresh, .words = transformer_words, .predict = tci_transformer_predict,                    \
    .predict_long = tci_transformer_predict_long, .embed_dim = tci_transformer_vector_dim,                             \
    .embed = tci_transformer_vector, .trains_in_place = true, .training_create = tci_transformer_training_create,      \
    .training_free = tci_transformer_training_free, .training_refresh = tci_transformer_training_refresh,              \
    .forward = tci_transformer_training_forward, .predict_kept = tci_transformer_predict_kept,                         \
    .backward = tci_transformer_training_backward

const tci_architecture tci_bert_architecture = {.name = "bert", .create = bert_create, TRANSFORMER};
const tci_architecture tci_gpt_architecture = {.name = "gpt", .create = gpt_create, TRANSFORMER};
