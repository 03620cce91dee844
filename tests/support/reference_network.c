/* reference_network.c: per text: h of every token, layer by layer, direction by direction; pooling; the head.
 *
 *     i, f, o = sigmoid, g = tanh of   W_ih x + b_ih + W_hh h + b_hh        c = f c + i g        h = o tanh(c) */
#include "support/reference_network.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "layer/dropout.h"

static size_t directions_of(const tc_model *model)
{
    return model->options.bidirectional ? 2 : 1;
}

void reference_open(reference_network *network, const tc_model *model)
{
    const tci_parameters *parameters = &model->network->parameters;
    *network = (reference_network){.model = model, .values = calloc(parameters->size, sizeof(double))};
    if (!network->values)
        abort();
    for (size_t i = 0; i < parameters->size; i++)
        network->values[i] = (double)parameters->values[i];
}

void reference_close(reference_network *network)
{
    free(network->values);
    network->values = NULL;
}

static const double *tensor(const reference_network *network, size_t index)
{
    return network->values + network->model->network->parameters.tensors[index].offset;
}

/* x (width) of one token or row, as the library drops its units. */
static void drop(const reference_network *network, size_t layer, size_t direction, uint32_t position, size_t token,
                 bool whole_row, double *x)
{
    size_t hidden = (size_t)network->model->options.hidden_dim, width = (hidden + 15) / 16 * 16;
    if (!network->training || network->model->options.dropout <= 0)
        return;
    float *mask = calloc(width, sizeof *mask);
    if (!mask)
        abort();
    for (size_t k = 0; k < width; k++)
        mask[k] = 1.0f;
    tci_dropout dropout = {network->model->options.dropout, network->seed, network->step, (uint32_t)layer,
                           (uint32_t)(direction * width),   width, NULL};
    tci_row row = {.position = position, .length = token + 1};
    uint32_t starts[2] = {0, 1};
    tci_window window = {.first_step = token, .step_count = 1, .token_count = 1, .step_start = starts};
    if (whole_row)
        tci_dropout_rows(&dropout, &row, 1, mask);
    else
        tci_dropout_tokens(&dropout, &row, &window, mask, &tci_team_alone);
    for (size_t k = 0; k < hidden; k++)
        x[k] *= (double)mask[k];
    free(mask);
}

static double sigmoid(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

/* One direction of one layer: x (length, inputs) to columns `direction` of h (length, directions·hidden). */
static void run_direction(const reference_network *network, size_t layer, size_t direction, const double *x,
                          size_t inputs, size_t length, double *h)
{
    size_t hidden = (size_t)network->model->options.hidden_dim, directions = directions_of(network->model);
    size_t first = 1 + 4 * (layer * directions + direction), stride = directions * hidden;
    const double *ih = tensor(network, first), *hh = tensor(network, first + 1);
    const double *bias_ih = tensor(network, first + 2), *bias_hh = tensor(network, first + 3);
    double *state = calloc(2 * hidden, sizeof *state), *gates = calloc(4 * hidden, sizeof *gates);
    if (!state || !gates)
        abort();
    double *c = state + hidden;
    for (size_t i = 0; i < length; i++) {
        size_t t = direction == 1 ? length - 1 - i : i;
        for (size_t row = 0; row < 4 * hidden; row++) {
            double sum = bias_ih[row] + bias_hh[row];
            for (size_t k = 0; k < inputs; k++)
                sum += ih[row * inputs + k] * x[t * inputs + k];
            for (size_t k = 0; k < hidden; k++)
                sum += hh[row * hidden + k] * state[k];
            gates[row] = row / hidden == 2 ? tanh(sum) : sigmoid(sum);
        }
        for (size_t k = 0; k < hidden; k++) {
            c[k] = gates[hidden + k] * c[k] + gates[k] * gates[2 * hidden + k];
            state[k] = gates[3 * hidden + k] * tanh(c[k]);
            h[t * stride + direction * hidden + k] = state[k];
        }
    }
    free(state);
    free(gates);
}

/* pooled (directions·hidden) from h (length, directions·hidden) */
static void pool(const reference_network *network, const double *h, size_t length, double *pooled)
{
    size_t hidden = (size_t)network->model->options.hidden_dim, directions = directions_of(network->model);
    size_t width = directions * hidden;
    int32_t kind = network->model->options.pooling;
    for (size_t k = 0; k < width; k++) {
        pooled[k] = 0.0;
        if (length == 0)
            continue;
        if (kind == TCI_POOLING_LAST) {
            pooled[k] = h[(k < hidden ? length - 1 : 0) * width + k];
            continue;
        }
        double sum = 0.0, greatest = -INFINITY;
        for (size_t t = 0; t < length; t++) {
            sum += h[t * width + k];
            greatest = fmax(greatest, h[t * width + k]);
        }
        pooled[k] = kind == TCI_POOLING_MEAN ? sum / (double)length : greatest;
    }
}

void reference_logits(const reference_network *network, const uint32_t *ids, size_t length, uint32_t position,
                      double *logits)
{
    const tci_options *options = &network->model->options;
    size_t embedding = (size_t)options->embedding_dim, hidden = (size_t)options->hidden_dim;
    size_t directions = directions_of(network->model), width = directions * hidden, inputs = embedding;
    size_t widest = embedding > width ? embedding : width, tensors = network->model->network->parameters.tensor_count;
    double *x = calloc((length + 1) * widest, sizeof *x), *h = calloc((length + 1) * widest, sizeof *h);
    double *pooled = calloc(width, sizeof *pooled);
    if (!x || !h || !pooled)
        abort();
    for (size_t t = 0; t < length; t++)
        memcpy(x + t * embedding, tensor(network, 0) + ids[t] * embedding, embedding * sizeof *x);
    for (size_t layer = 0; layer < options->num_layers; layer++) {
        for (size_t d = 0; d < directions; d++)
            run_direction(network, layer, d, x, inputs, length, h);
        inputs = width;
        memcpy(x, h, length * width * sizeof *x);
        for (size_t t = 0; layer + 1 < options->num_layers && t < length; t++) {
            for (size_t d = 0; d < directions; d++)
                drop(network, layer + 1, d, position, t, false, x + t * width + d * hidden);
        }
    }
    pool(network, h, length, pooled);
    for (size_t d = 0; d < directions; d++)
        drop(network, (size_t)options->num_layers, d, position, 0, true, pooled + d * hidden);
    const double *weight = tensor(network, tensors - 2), *bias = tensor(network, tensors - 1);
    for (size_t label = 0; label < network->model->label_count; label++) {
        logits[label] = bias[label];
        for (size_t k = 0; k < width; k++)
            logits[label] += weight[label * width + k] * pooled[k];
    }
    free(x);
    free(h);
    free(pooled);
}
