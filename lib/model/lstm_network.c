/* lstm_network.c: building the network, PyTorch's initialization, packing.
 *
 * Initialization: embedding N(0, 1) with a row of zeros for the unknown word, LSTM and linear U(-b, b) with
 * b = 1/sqrt(hidden_dim) and 1/sqrt(inputs). Packing copies weights into the panels that the kernels read. */
#include "model/lstm_network.h"

#include <math.h>
#include <string.h>

#include "base/random.h"

#define TENSORS_PER_DIRECTION 4

tci_lstm_shape tci_lstm_network_shape(const tci_lstm_network *network, size_t layer, size_t direction)
{
    return (tci_lstm_shape){.inputs = layer == 0 ? 1 : network->directions,
                            .input_dim = layer == 0 ? network->embedding_dim : network->hidden_dim,
                            .hidden_dim = network->hidden_dim,
                            .reverse = direction == 1,
                            .element = network->element};
}

/* Number of the first tensor of a layer and direction. */
static size_t first_tensor(const tci_lstm_network *network, size_t layer, size_t direction)
{
    return 1 + (layer * network->directions + direction) * TENSORS_PER_DIRECTION;
}

tci_lstm_tensors tci_lstm_network_tensors(const tci_lstm_network *network, float *block, size_t layer, size_t direction)
{
    const tci_tensor_info *first = network->base.parameters.tensors + first_tensor(network, layer, direction);
    return (tci_lstm_tensors){block + tci_trained_offset(&first[0]), block + tci_trained_offset(&first[1]),
                              block + tci_trained_offset(&first[2]), block + tci_trained_offset(&first[3])};
}

const tci_tensor_info *tci_lstm_network_head(const tci_lstm_network *network)
{
    return network->base.parameters.tensors + first_tensor(network, network->layers, 0);
}

static tc_status declare_direction(tci_lstm_network *network, size_t layer, size_t direction)
{
    tci_parameters *parameters = &network->base.parameters;
    tci_lstm_shape shape = tci_lstm_network_shape(network, layer, direction);
    size_t gates = 4 * network->hidden_dim, input = shape.inputs * shape.input_dim;
    static const char *const kinds[TENSORS_PER_DIRECTION] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
    for (size_t i = 0; i < TENSORS_PER_DIRECTION; i++) {
        char name[TCI_TENSOR_NAME], number[3] = {(char)('0' + layer % 10)};
        if (layer >= 10) {
            number[0] = (char)('0' + layer / 10);
            number[1] = (char)('0' + layer % 10);
        }
        const char *const parts[] = {"lstm.", kinds[i], "_l", number, direction ? "_reverse" : ""};
        size_t length = 0;
        for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++) {
            memcpy(name + length, parts[p], strlen(parts[p]));
            length += strlen(parts[p]);
        }
        name[length] = '\0';
        if (i < 2)
            TCI_RETURN_IF(tci_parameters_declare_matrix(parameters, network->element, name, gates,
                                                        i == 0 ? input : network->hidden_dim, false, NULL));
        else
            TCI_RETURN_IF(tci_parameters_declare(parameters, name, 1, gates, 1, false, NULL));
    }
    return TC_OK;
}

static tc_status declare(tci_lstm_network *network, size_t vocabulary_size)
{
    tci_parameters *parameters = &network->base.parameters;
    TCI_RETURN_IF(tci_parameters_declare_matrix(parameters, network->element, "embedding.weight", vocabulary_size,
                                                network->embedding_dim, true, NULL));
    for (size_t layer = 0; layer < network->layers; layer++) {
        for (size_t direction = 0; direction < network->directions; direction++)
            TCI_RETURN_IF(declare_direction(network, layer, direction));
    }
    TCI_RETURN_IF(tci_parameters_declare(parameters, "fc.weight", 2, network->base.label_count,
                                         network->directions * network->hidden_dim, false, NULL));
    TCI_RETURN_IF(tci_parameters_declare(parameters, "fc.bias", 1, network->base.label_count, 1, false, NULL));
    return tci_parameters_declare_scales(parameters);
}

static void set_sizes(tci_lstm_network *network, const tci_options *options, size_t label_count)
{
    network->base.label_count = label_count;
    network->embedding_dim = (size_t)options->embedding_dim;
    network->hidden_dim = (size_t)options->hidden_dim;
    network->hidden_width = TCI_PADDED(network->hidden_dim);
    network->layers = (size_t)options->num_layers;
    network->directions = options->bidirectional ? 2 : 1;
    network->element = options->weights == TCI_WEIGHTS_BF16   ? TCI_ELEMENT_BF16
                       : options->weights == TCI_WEIGHTS_INT8 ? TCI_ELEMENT_INT8
                                                              : TCI_ELEMENT_F32;
}

static tc_status lstm_declare(tci_parameters *parameters, const tci_options *options, size_t vocabulary_size,
                              size_t label_count)
{
    tci_lstm_network sizes = {.base = {.parameters = *parameters}};
    set_sizes(&sizes, options, label_count);
    tc_status status = declare(&sizes, vocabulary_size);
    *parameters = sizes.base.parameters;
    return status;
}

static tci_linear_shape head_shape(const tci_lstm_network *network)
{
    return (tci_linear_shape){network->directions, network->hidden_dim, network->base.label_count};
}

static size_t packed_floats(const tci_lstm_network *network)
{
    tci_linear_shape head = head_shape(network);
    size_t floats = tci_linear_packed_floats(&head);
    for (size_t layer = 0; layer < network->layers; layer++) {
        for (size_t direction = 0; direction < network->directions; direction++) {
            tci_lstm_shape shape = tci_lstm_network_shape(network, layer, direction);
            floats += tci_lstm_packed_floats(&shape);
        }
    }
    return floats;
}

static void place(tci_lstm_network *network)
{
    float *block = network->packed;
    tci_linear_shape head = head_shape(network);
    for (size_t layer = 0; layer < network->layers; layer++) {
        for (size_t direction = 0; direction < network->directions; direction++) {
            tci_lstm_shape shape = tci_lstm_network_shape(network, layer, direction);
            tci_lstm_place(&network->lstm[layer][direction], &shape, block);
            block += tci_lstm_packed_floats(&shape);
        }
    }
    tci_linear_place(&network->head, &head, block);
}

static void lstm_free(tci_network *base)
{
    if (!base)
        return;
    tci_lstm_network *network = (tci_lstm_network *)base;
    tci_memory *memory = base->memory;
    tci_parameters_free(&base->parameters);
    tci_free(memory, network->packed);
    tci_free(memory, network);
}

static tc_status lstm_create(tci_memory *memory, const tci_kernels *kernels, const tci_options *options,
                             size_t vocabulary_size, size_t label_count, tci_network **result)
{
    tc_status status = TC_OK;
    tci_lstm_network *network = NULL;
    TCI_RETURN_IF(tci_alloc_zero(memory, 1, sizeof *network, "network", &network));
    network->base = (tci_network){&tci_lstm_architecture, memory, kernels, {0}, label_count, false};
    set_sizes(network, options, label_count);
    network->pooling = options->pooling == TCI_POOLING_LAST   ? TCI_POOL_LAST
                       : options->pooling == TCI_POOLING_MEAN ? TCI_POOL_MEAN
                                                              : TCI_POOL_MAX;
    network->dropout = options->dropout;
    tci_parameters_init(&network->base.parameters, memory);
    TCI_CHECK(declare(network, vocabulary_size));
    TCI_CHECK(tci_alloc(memory, packed_floats(network), sizeof(float), "packed weights", &network->packed));
    place(network);
done:
    if (status != TC_OK) {
        lstm_free(&network->base);
        network = NULL;
    }
    *result = network ? &network->base : NULL;
    return status;
}

/* U(-bound, bound), drawn as PyTorch's uniform_ would map a unit random number. */
static void fill_uniform(float *values, size_t count, double bound, tci_random *random)
{
    for (size_t i = 0; i < count; i++)
        values[i] = (float)((2.0 * (double)tci_random_uniform(random) - 1.0) * bound);
}

/* nn.Embedding: N(0, 1), but <unk> (row 0) starts at zero; nn.LSTM: U(±1/sqrt(hidden)); nn.Linear:
 * U(±1/sqrt(inputs)). */
static void lstm_initialize(tci_network *base, uint64_t seed)
{
    const tci_lstm_network *network = (const tci_lstm_network *)base;
    const tci_parameters *parameters = &base->parameters;
    for (size_t i = 0; i < parameters->tensor_count; i++) {
        const tci_tensor_info *tensor = &parameters->tensors[i];
        float *values = parameters->values + tensor->offset;
        tci_random random;
        tci_random_init(&random, seed, TCI_RANDOM_INITIALIZE, i);
        if (i == 0) {
            memset(values, 0, tensor->shape[1] * sizeof *values);
            for (size_t k = tensor->shape[1]; k < tensor->count; k++)
                values[k] = tci_random_normal(&random);
        } else {
            bool head = i + 2 >= parameters->tensor_count;
            double inputs = (double)(head ? network->directions * network->hidden_dim : network->hidden_dim);
            fill_uniform(values, tensor->count, 1.0 / sqrt(inputs), &random);
        }
    }
}

/* Scales of an int8 tensor, else NULL. */
static const float *scales_of(const tci_parameters *parameters, size_t index)
{
    const tci_tensor_info *tensor = &parameters->tensors[index];
    return tensor->element == TCI_ELEMENT_INT8 ? tci_parameters_read(parameters, tensor->scales) : NULL;
}

void tci_lstm_network_pack(const tci_lstm_network *network, tci_lstm lstm[TCI_LSTM_LAYERS][2], const tci_linear *head,
                           const tci_team *team)
{
    const tci_parameters *parameters = &network->base.parameters;
    const tci_kernels *kernels = network->base.kernels;
    for (size_t layer = 0; layer < network->layers; layer++) {
        for (size_t direction = 0; direction < network->directions; direction++) {
            size_t first = first_tensor(network, layer, direction);
            tci_lstm_weights weights = {
                .weight_ih = tci_parameters_data(parameters, first),
                .weight_hh = tci_parameters_data(parameters, first + 1),
                .bias_ih = tci_parameters_read(parameters, first + 2),
                .bias_hh = tci_parameters_read(parameters, first + 3),
                .scale_ih = scales_of(parameters, first),
                .scale_hh = scales_of(parameters, first + 1),
            };
            tci_lstm_pack(&lstm[layer][direction], kernels, &weights, team);
        }
    }
    size_t weight = first_tensor(network, network->layers, 0);
    if (team->index == 0)
        tci_linear_pack(head, kernels, tci_parameters_read(parameters, weight),
                        tci_parameters_read(parameters, weight + 1));
    tci_team_wait(team);
}

static void lstm_refresh(tci_network *base)
{
    tci_lstm_network *network = (tci_lstm_network *)base;
    tci_lstm_network_pack(network, network->lstm, &network->head, &tci_team_alone);
}

static const tci_tensor_info *lstm_words(const tci_network *base)
{
    return &base->parameters.tensors[0];
}

const tci_architecture tci_lstm_architecture = {
    .name = "lstm",
    .declare = lstm_declare,
    .create = lstm_create,
    .free = lstm_free,
    .initialize = lstm_initialize,
    .refresh = lstm_refresh,
    .words = lstm_words,
    .predict = tci_lstm_network_predict,
    .predict_long = tci_lstm_network_predict_long,
    .embed_dim = tci_lstm_network_embed_dim,
    .embed = tci_lstm_network_embed,
    .training_create = tci_lstm_training_create,
    .training_free = tci_lstm_training_free,
    .training_refresh = tci_lstm_training_refresh,
    .forward = tci_lstm_training_forward,
    .backward = tci_lstm_training_backward,
};
