/* transformer_backward.c: the transformer's gradients, from those of the logits down to the embeddings.
 *
 * dstream is the gradient of the stream at the place that has been reached. A block's gradient takes two ways back: the
 * residual's, which dstream already is, and that through the block, which is added to it; where the residual is the
 * normed stream (bert) both go through the norm together. What lies below the lowest trained tensor is left out. Sums
 * over tokens run in their order for each element: no bit depends on the members. */
#include "model/transformer_training_internal.h"

#include <string.h>

#include "layer/embedding.h"

static void share_tokens(const tci_training *training, const tci_team *team, size_t *begin, size_t *end)
{
    tci_team_share(team, training->token_count, 1, begin, end);
}

/* A member's columns [begin, end) of the width. */
static void share_columns(const tci_training *training, const tci_team *team, size_t *begin, size_t *end)
{
    size_t width = training->network->width;
    tci_team_share(team, training->network->stride, TCI_PANEL, begin, end);
    *end = *end < width ? *end : width;
    *begin = *begin < *end ? *begin : *end;
}

/* A dense layer at work: what it read and the gradient of what it gave. */
typedef struct dense_step {
    const tci_dense *dense;
    size_t weight[TCI_DENSE_PARTS]; /* tensors, the bias behind each */
    bool bias;
    size_t rows;
    const float *x, *dy;
    size_t x_stride, dy_stride;
} dense_step;

static void dense_weights(const tci_training *training, const dense_step *step, const tci_team *team)
{
    float *dweight[TCI_DENSE_PARTS] = {NULL}, *dbias[TCI_DENSE_PARTS] = {NULL};
    size_t begin = 0, end = 0, width = step->dense->output_dim;
    bool wanted = false;
    for (size_t part = 0; part < step->dense->parts; part++) {
        size_t tensor = step->weight[part], column = 0;
        if (part > 0 && tensor == step->weight[0]) /* gpt: side by side in one */
            column = part * width;
        dweight[part] = tci_gradients_of(training->gradients, tensor);
        dbias[part] = step->bias ? tci_gradients_of(training->gradients, tensor + 1) : NULL;
        wanted = wanted || dweight[part] || dbias[part];
        dweight[part] = dweight[part] ? dweight[part] + column : NULL;
        dbias[part] = dbias[part] ? dbias[part] + column : NULL;
    }
    if (!wanted)
        return;
    tci_team_share(team, tci_dense_panels(step->dense), 1, &begin, &end);
    if (begin < end)
        tci_dense_backward_weight(step->dense, training->network->base.kernels, begin, end - begin, step->rows, step->x,
                                  step->x_stride, step->dy, step->dy_stride, dweight, dbias,
                                  !training->gradients->fresh, tci_training_scratch(training, team));
}

static void scale_rows(size_t rows, size_t width, size_t stride, float factor, float *x)
{
    for (size_t r = 0; r < rows; r++) {
        for (size_t k = 0; k < width; k++)
            x[r * stride + k] *= factor;
    }
}

/* The gradients of the matrices beside a weight whose outputs are parts [part, part + parts) of the step:
 * dB = dyᵀ (s x Aᵀ), dA = (s dy B)ᵀ x. */
static void adapter_back(const tci_training *training, const dense_step *step, tci_transformer_role role, size_t layer,
                         size_t part, size_t parts, const tci_team *team)
{
    const tci_transformer *network = training->network;
    const tci_lora *lora = &network->lora;
    const tci_kernels *kernels = network->base.kernels;
    if (!tci_lora_has(lora, role))
        return;
    const tci_dense down = tci_lora_down(lora, &network->base.parameters, role, layer);
    const tci_dense up = tci_lora_up(lora, &network->base.parameters, role, layer, parts);
    size_t begin = 0, end = 0, padded = TCI_PADDED(lora->rank), stride = 2 * padded;
    size_t tensor = tci_lora_tensor(lora, role, layer);
    const float *dy = step->dy + part * TCI_PADDED(step->dense->output_dim);
    float *given = training->low, *dgiven = training->low + padded, *scratch = tci_training_scratch(training, team);
    bool add = !training->gradients->fresh;
    share_tokens(training, team, &begin, &end);
    if (begin < end) {
        tci_dense_output output = {.y = given + begin * stride, .stride = stride};
        tci_dense_forward(&down, kernels, 0, tci_dense_panels(&down), end - begin, step->x + begin * step->x_stride,
                          step->x_stride, &output, scratch);
        tci_dense_backward_input(&up, kernels, 0, padded / TCI_PANEL, end - begin, dy + begin * step->dy_stride,
                                 step->dy_stride, dgiven + begin * stride, stride, false, scratch);
        scale_rows(end - begin, 2 * padded, stride, lora->scale, given + begin * stride);
    }
    tci_team_wait(team);
    tci_team_share(team, tci_dense_panels(&up), 1, &begin, &end);
    float *dup[TCI_DENSE_PARTS] = {NULL}, *ddown[TCI_DENSE_PARTS] = {NULL}, *no_bias[TCI_DENSE_PARTS] = {NULL};
    for (size_t i = 0; i < parts; i++)
        dup[i] = tci_gradients_of(training->gradients, tensor + 1) + i * up.output_dim * lora->rank;
    ddown[0] = tci_gradients_of(training->gradients, tensor);
    if (begin < end)
        tci_dense_backward_weight(&up, kernels, begin, end - begin, step->rows, given, stride, dy, step->dy_stride, dup,
                                  no_bias, add, scratch);
    tci_team_share(team, tci_dense_panels(&down), 1, &begin, &end);
    if (begin < end)
        tci_dense_backward_weight(&down, kernels, begin, end - begin, step->rows, step->x, step->x_stride, dgiven,
                                  stride, ddown, no_bias, add, scratch);
    tci_team_wait(team);
}

static void dense_inputs(const tci_training *training, const dense_step *step, float *dx, size_t dx_stride, bool add,
                         const tci_team *team)
{
    size_t row = 0, row_end = step->rows, panel = 0, panel_end = TCI_PADDED(step->dense->input_dim) / TCI_PANEL;
    if (tci_training_deals_rows(step->rows, team))
        tci_team_share(team, step->rows, 1, &row, &row_end);
    else
        tci_team_share(team, panel_end, 1, &panel, &panel_end);
    if (row < row_end && panel < panel_end)
        tci_dense_backward_input(step->dense, training->network->base.kernels, panel, panel_end - panel, row_end - row,
                                 step->dy + row * step->dy_stride, step->dy_stride, dx + row * dx_stride, dx_stride,
                                 add, tci_training_scratch(training, team));
    tci_team_wait(team);
}

/* Through norm number `norm`, from dy to dx, stored or added to; dx may be dy where it is stored. */
static void norm_back(const tci_training *training, size_t norm, const float *x, const float *stats, const float *dy,
                      float *dx, bool add, const tci_team *team)
{
    const tci_transformer *network = training->network;
    const tci_layer_norm *layer = &network->norms[norm];
    size_t begin = 0, end = 0, stride = network->stride, tensor = tci_transformer_norm_tensor(network, norm);
    float *dgain = tci_gradients_of(training->gradients, tensor);
    float *dbias = tci_gradients_of(training->gradients, tensor + 1);
    if (dgain && dbias) {
        share_columns(training, team, &begin, &end);
        tci_layer_norm_gradients(layer, network->base.kernels, begin, end, training->token_count, x, stats, dy, dgain,
                                 dbias, !training->gradients->fresh);
    }
    tci_team_wait(team);
    share_tokens(training, team, &begin, &end);
    tci_layer_norm_backward(layer, network->base.kernels, end - begin, x + begin * stride, stats + 2 * begin,
                            dy + begin * stride, dx + begin * stride, add);
    tci_team_wait(team);
}

/* The gradient of what a block gave before dropout: a masked copy of dstream, or dstream itself. */
static const float *undropped(const tci_training *training, double rate, uint32_t number, const tci_team *team)
{
    if (rate <= 0)
        return training->dstream;
    tci_training_drop(training, rate, number, training->dstream, training->dropped, team);
    return training->dropped;
}

/* Adds a block's way to the residual's and goes through the norm before the block; `step` is its first dense layer. */
static void join(const tci_training *training, const dense_step *step, size_t norm, const float *x, const float *stats,
                 const tci_team *team)
{
    bool residual_of_norm = training->network->residual_of_norm;
    float *dnormed = residual_of_norm ? training->dstream : training->dattended;
    dense_inputs(training, step, dnormed, training->network->stride, residual_of_norm, team);
    if (norm == 0 && residual_of_norm)
        tci_training_drop(training, training->network->embedding_dropout, 0, dnormed, dnormed, team);
    norm_back(training, norm, x, stats, dnormed, training->dstream, !residual_of_norm, team);
}

static size_t weight_of(const tci_training *training, tci_transformer_role role, size_t layer)
{
    return tci_transformer_weight(&training->network->tensors, role, layer);
}

/* With `again` what its last dense layer reads has just been computed again. */
static void feed_back(const tci_training *training, size_t index, bool again, const tci_team *team)
{
    const tci_transformer *network = training->network;
    const tci_transformer_layer *layer = &network->layers[index];
    const tci_kept_layer *kept = &training->kept[index];
    size_t begin = 0, end = 0, stride = network->stride, up = tci_dense_width(&layer->up);
    const float *dy = undropped(training, network->dropout, (uint32_t)(3 * index) + TCI_DROP_FEED, team);
    dense_step down = {.dense = &layer->down,
                       .weight = {weight_of(training, TCI_ROLE_DOWN, index)},
                       .bias = true,
                       .rows = training->token_count,
                       .x = training->wide,
                       .dy = dy,
                       .x_stride = up,
                       .dy_stride = stride};
    share_tokens(training, team, &begin, &end);
    if (!again) {
        tci_activation_forward(network->activation, network->base.kernels, (end - begin) * up, kept->up + begin * up,
                               training->wide + begin * up);
        tci_training_norm(training, 2 * index + 1, kept->middle, NULL, team);
    }
    dense_weights(training, &down, team);
    adapter_back(training, &down, TCI_ROLE_DOWN, index, 0, 1, team);
    tci_team_wait(team);
    dense_inputs(training, &down, training->wide, up, false, team);
    tci_activation_backward(network->activation, network->base.kernels, (end - begin) * up, kept->up + begin * up,
                            training->wide + begin * up, training->wide + begin * up);
    tci_team_wait(team);
    dense_step first = {.dense = &layer->up,
                        .weight = {weight_of(training, TCI_ROLE_UP, index)},
                        .bias = true,
                        .rows = training->token_count,
                        .x = training->normed,
                        .dy = training->wide,
                        .x_stride = stride,
                        .dy_stride = up};
    dense_weights(training, &first, team);
    adapter_back(training, &first, TCI_ROLE_UP, index, 0, 1, team);
    join(training, &first, 2 * index + 1, kept->middle, kept->middle_stats, team);
}

static void attend_back(const tci_training *training, size_t index, const tci_team *team)
{
    size_t stride = training->network->stride;
    tci_attention attention = tci_training_attention(training, index);
    for (size_t i = 0; i < training->sequence_count; i++) {
        tci_attention_text text = tci_training_attention_text(training, index, i);
        size_t start = training->sequences[i].start;
        float *dqkv = training->wide + start * 3 * stride;
        tci_attention_gradients gradients = {.dout = training->dattended + start * stride,
                                             .dq = dqkv,
                                             .dk = dqkv + stride,
                                             .dv = dqkv + 2 * stride,
                                             .stride = 3 * stride};
        for (size_t head = (team->index + i) % team->size; head < attention.heads; head += team->size)
            tci_attention_backward(&attention, training->network->base.kernels, &text, &gradients, head, 1,
                                   tci_training_scratch(training, team));
    }
    tci_team_wait(team);
}

static void attention_back(const tci_training *training, size_t index, const tci_team *team)
{
    const tci_transformer *network = training->network;
    const tci_transformer_layer *layer = &network->layers[index];
    const tci_kept_layer *kept = &training->kept[index];
    size_t stride = network->stride;
    const float *dy = undropped(training, network->attention_output_dropout ? network->dropout : 0,
                                (uint32_t)(3 * index) + TCI_DROP_ATTENTION_OUTPUT, team);
    dense_step output = {.dense = &layer->attention_output,
                         .weight = {weight_of(training, TCI_ROLE_ATTENTION_OUTPUT, index)},
                         .bias = true,
                         .rows = training->token_count,
                         .x = kept->attended,
                         .dy = dy,
                         .x_stride = stride,
                         .dy_stride = stride};
    dense_weights(training, &output, team);
    adapter_back(training, &output, TCI_ROLE_ATTENTION_OUTPUT, index, 0, 1, team);
    dense_inputs(training, &output, training->dattended, stride, false, team);
    attend_back(training, index, team);
    tci_training_norm(training, 2 * index, training->stream[index], NULL, team);
    size_t joined = network->causal ? weight_of(training, TCI_ROLE_QUERY_KEY_VALUE, index) : 0;
    dense_step first = {.dense = &layer->query_key_value,
                        .weight = {joined, joined, joined},
                        .bias = true,
                        .rows = training->token_count,
                        .x = training->normed,
                        .dy = training->wide,
                        .x_stride = stride,
                        .dy_stride = 3 * stride};
    for (size_t part = 0; !network->causal && part < 3; part++)
        first.weight[part] = weight_of(training, (tci_transformer_role)(TCI_ROLE_QUERY + part), index);
    dense_weights(training, &first, team);
    if (network->causal)
        adapter_back(training, &first, TCI_ROLE_QUERY_KEY_VALUE, index, 0, 3, team);
    for (size_t part = 0; !network->causal && part < 3; part++)
        adapter_back(training, &first, (tci_transformer_role)(TCI_ROLE_QUERY + part), index, part, 1, team);
    join(training, &first, 2 * index, training->stream[index], training->stream_stats[index], team);
}

/* From the logits to dpooled. */
static void head_back(const tci_training *training, const tci_team *team)
{
    const tci_transformer *network = training->network;
    size_t begin = 0, end = 0, stride = network->stride;
    dense_step output = {.dense = &network->output,
                         .weight = {weight_of(training, TCI_ROLE_OUTPUT, 0)},
                         .bias = !network->causal,
                         .rows = training->sequence_count,
                         .x = training->hidden ? training->hidden : training->pooled,
                         .dy = training->dlogits,
                         .x_stride = stride,
                         .dy_stride = TCI_PADDED(network->base.label_count)};
    dense_weights(training, &output, team);
    dense_inputs(training, &output, training->dpooled, stride, false, team);
    tci_training_drop_vectors(training, tci_head_dropout_number(network, false), training->dpooled, team);
    if (!training->hidden)
        return;
    tci_team_share(team, training->sequence_count, 1, &begin, &end);
    tci_activation_backward(network->pooler_activation, network->base.kernels, (end - begin) * stride,
                            training->before + begin * stride, training->dpooled + begin * stride,
                            training->before + begin * stride);
    tci_team_wait(team);
    dense_step pooler = {.dense = &network->pooler,
                         .weight = {weight_of(training, TCI_ROLE_POOLER, 0)},
                         .bias = true,
                         .rows = training->sequence_count,
                         .x = training->pooled,
                         .dy = training->before,
                         .x_stride = stride,
                         .dy_stride = stride};
    dense_weights(training, &pooler, team);
    dense_inputs(training, &pooler, training->dpooled, stride, false, team);
    if (network->double_head_dropout)
        tci_training_drop_vectors(training, tci_head_dropout_number(network, true), training->dpooled, team);
}

/* dstream of one sequence, as the gradient of what is pooled, from its dpooled. */
static void pool_back(const tci_training *training, size_t index)
{
    size_t stride = training->network->stride, length = training->sequences[index].length;
    float *to = training->dstream + training->sequences[index].start * stride;
    const float *from = training->dpooled + index * stride;
    const uint32_t *argmax = training->argmax ? training->argmax + index * stride : NULL;
    memset(to, 0, length * stride * sizeof *to);
    if (length == 0)
        return;
    switch (training->network->pooling) {
    case TCI_POOLING_MEAN:
        for (size_t k = 0; k < stride; k++)
            to[k] = from[k] / (float)length;
        for (size_t t = 1; t < length; t++)
            memcpy(to + t * stride, to, stride * sizeof *to);
        break;
    case TCI_POOLING_MAX:
        for (size_t k = 0; k < stride; k++)
            to[argmax[k] * stride + k] = from[k];
        break;
    case TCI_POOLING_LAST:
        to += (length - 1) * stride;
        /* fall through */
    default:
        memcpy(to, from, stride * sizeof *to);
    }
}

/* A dense table, of the positions or of the only segment in use (all row 0); columns [begin, end) of it. */
static void table_back(const tci_training *training, size_t tensor, bool positions, size_t begin, size_t end)
{
    const tci_transformer *network = training->network;
    const tci_tensor_info *table = &network->base.parameters.tensors[tensor];
    float *gradient = tci_gradients_of(training->gradients, tensor);
    size_t width = network->width;
    if (!gradient || begin >= end)
        return;
    for (size_t row = 0; training->gradients->fresh && row < table->shape[0]; row++)
        memset(gradient + row * width + begin, 0, (end - begin) * sizeof *gradient);
    for (size_t i = 0; i < training->sequence_count; i++) {
        const float *from = training->dstream + training->sequences[i].start * network->stride + begin;
        size_t next = network->position_offset;
        for (size_t t = 0; t < training->sequences[i].length; t++) {
            size_t row = positions ? tci_transformer_position(network, training->sequences[i].ids[t], &next) : 0;
            network->base.kernels->add(end - begin, from + t * network->stride, gradient + row * width + begin);
        }
    }
}

static void embeddings_back(const tci_training *training, const tci_team *team)
{
    const tci_transformer *network = training->network;
    const tci_window *window = &training->window;
    const size_t *first = network->tensors.first;
    size_t begin = 0, end = 0, stride = network->stride;
    float *sums = training->dattended; /* (distinct, stride) */
    share_columns(training, team, &begin, &end);
    table_back(training, first[TCI_ROLE_POSITIONS], true, begin, end);
    if (first[TCI_ROLE_SEGMENTS] != SIZE_MAX)
        table_back(training, first[TCI_ROLE_SEGMENTS], false, begin, end);
    if (network->base.parameters.tensors[first[TCI_ROLE_WORDS]].frozen)
        return;
    for (size_t i = 0; begin < end && i < window->distinct_count; i++)
        memset(sums + i * stride + begin, 0, (end - begin) * sizeof *sums);
    for (size_t t = 0; begin < end && t < training->token_count; t++)
        network->base.kernels->add(end - begin, training->dstream + t * stride + begin,
                                   sums + window->index[t] * stride + begin);
    tci_team_wait(team);
    tci_embedding_backward(network->base.kernels, &network->base.parameters.tensors[first[TCI_ROLE_WORDS]],
                           window->distinct, window->distinct_count, sums, training->gradients, team);
}

static void backward_member(void *context, const tci_team *team)
{
    tci_training *training = context;
    const tci_transformer *network = training->network;
    size_t begin = 0, end = 0, layers = network->layer_count;
    head_back(training, team);
    if (training->deepest == 0)
        return;
    tci_team_share(team, training->sequence_count, 1, &begin, &end);
    for (size_t i = begin; i < end; i++)
        pool_back(training, i);
    tci_team_wait(team);
    norm_back(training, 2 * layers, training->stream[layers], training->stream_stats[layers], training->dstream,
              training->dstream, false, team);
    for (size_t layer = layers; layer-- > 0 && layers - layer <= training->deepest;) {
        bool again = training->checkpointing || (training->feeds_again && layer + 1 < layers);
        if (again)
            tci_training_run_layer(training, layer, training->feeds_again, team);
        feed_back(training, layer, again, team);
        attention_back(training, layer, team);
    }
    if (training->deepest <= layers)
        return;
    if (!network->residual_of_norm)
        tci_training_drop(training, network->embedding_dropout, 0, training->dstream, training->dstream, team);
    embeddings_back(training, team);
}

void tci_transformer_training_backward(tci_training *training, const float *dlogits, tci_gradients *gradients)
{
    const tci_transformer *network = training->network;
    size_t labels = network->base.label_count, stride = TCI_PADDED(labels);
    training->gradients = gradients;
    for (size_t i = 0; i < training->sequence_count; i++) {
        size_t row = training->sequences[i].row;
        size_t count = tci_transformer_sequences(network, training->rows[row].length);
        float *to = training->dlogits + i * stride;
        for (size_t k = 0; k < labels; k++)
            to[k] = dlogits[row * labels + k] / (float)count;
        memset(to + labels, 0, (stride - labels) * sizeof *to);
    }
    tci_pool_run(training->pool, backward_member, training);
    gradients->fresh = false;
}
