/* lstm_training.c: the LSTM network forward with kept activations, and backward.
 *
 * A batch is one window over all its steps. Every member of the pool runs the same function; each layer splits its own
 * work. The workspace is laid out for the batch at hand and grows only. */
#include "model/lstm_network.h"

#include <string.h>

#include "layer/dropout.h"
#include "layer/embedding.h"

typedef struct layer_buffers {
    float *gates[2], *c[2], *h[2]; /* (tokens, ...) per direction */
    float *x[2];                   /* this layer's input: h of the layer below, or a dropped-out copy of it */
    float *state_h[2];             /* (rows, hidden_width) */
} layer_buffers;

struct tci_training {
    tci_lstm_network *network;
    tci_memory *memory;
    tci_pool *pool;
    float *packed; /* what training adds to the network's packed weights */
    tci_lstm lstm[TCI_LSTM_LAYERS][2];
    tci_linear head;
    tci_workspace window_space, space;
    tci_window window;
    /* the batch of the last forward */
    tci_step_context context;
    const tci_row *rows;
    size_t row_count;
    float *embedded; /* (distinct, padded embedding_dim) */
    float *table;    /* of the distinct ids; the backward pass keeps its sums here */
    layer_buffers layers[TCI_LSTM_LAYERS];
    float *pooled[2]; /* (rows, hidden_width) after dropout */
    uint32_t *argmax[2];
    float *logits; /* (rows, output_width) */
    /* backward */
    float *dlogits, *dpooled[2], *dh, *dc, *grouped, *member_scratch, *head_scratch, *dembedded;
    float *dh_tokens[2], *dx[2];
    tci_gradients *gradients;
};

/* The network's packed weights, and beside them those that only the backward pass reads. */
static tc_status place_packed(tci_training *training)
{
    const tci_lstm_network *network = training->network;
    size_t floats = tci_linear_back_floats(&network->head.shape);
    for (size_t layer = 0; layer < network->layers; layer++)
        floats += network->directions * tci_lstm_back_floats(&network->lstm[layer][0].shape);
    TCI_RETURN_IF(tci_alloc(training->memory, floats, sizeof(float), "packed training weights", &training->packed));
    float *block = training->packed;
    for (size_t layer = 0; layer < network->layers; layer++) {
        for (size_t d = 0; d < network->directions; d++) {
            tci_lstm *lstm = &training->lstm[layer][d];
            *lstm = network->lstm[layer][d];
            tci_lstm_place_back(lstm, block);
            block += tci_lstm_back_floats(&lstm->shape);
        }
    }
    training->head = network->head;
    tci_linear_place_back(&training->head, block);
    return TC_OK;
}

tc_status tci_lstm_training_create(tci_network *base, const tci_options *options, tci_memory *memory, tci_pool *pool,
                                   tci_training **result)
{
    (void)options; /* those of the network say all */
    tc_status status = TC_OK;
    tci_training *training = NULL;
    tci_lstm_network *network = (tci_lstm_network *)base;
    *result = NULL;
    TCI_RETURN_IF(tci_alloc_zero(memory, 1, sizeof *training, "training state", &training));
    training->network = network;
    training->memory = memory;
    training->pool = pool;
    training->space.memory = memory;
    training->window_space.memory = memory;
    TCI_CHECK(place_packed(training));
done:
    if (status != TC_OK) {
        tci_lstm_training_free(training);
        training = NULL;
    }
    *result = training;
    return status;
}

void tci_lstm_training_free(tci_training *training)
{
    if (!training)
        return;
    tci_workspace_free(&training->space);
    tci_workspace_free(&training->window_space);
    tci_free(training->memory, training->packed);
    tci_free(training->memory, training);
}

static void refresh_member(void *context, const tci_team *team)
{
    tci_training *training = context;
    tci_lstm_network_pack(training->network, training->lstm, &training->head, team);
}

void tci_lstm_training_refresh(tci_training *training)
{
    tci_pool_run(training->pool, refresh_member, training);
}

static size_t largest(size_t a, size_t b)
{
    return a > b ? a : b;
}

static float *floats(tci_layout *layout, size_t rows, size_t columns)
{
    return tci_carve(layout, rows, columns, sizeof(float));
}

static void lay_out_backward(tci_training *training, tci_layout *layout)
{
    const tci_lstm_network *network = training->network;
    size_t tokens = training->window.token_count, rows = training->row_count, width = network->hidden_width;
    size_t embedding_width = TCI_PADDED(network->embedding_dim), grouped = 0, member = 0;
    for (size_t layer = 0; layer < network->layers; layer++) {
        grouped = largest(grouped, tci_lstm_grouped_floats(&training->lstm[layer][0]));
        member = largest(member, tci_lstm_member_scratch(&training->lstm[layer][0]));
    }
    training->dlogits = floats(layout, rows, training->head.output_width);
    training->dh = floats(layout, rows, width);
    training->dc = floats(layout, rows, width);
    training->grouped = floats(layout, grouped, 1);
    training->member_scratch = floats(layout, member, tci_pool_size(training->pool));
    training->head_scratch = floats(layout, tci_linear_backward_scratch(&training->head), 1);
    training->dembedded = floats(layout, training->window.distinct_count, embedding_width);
    bool token_gradients = network->layers > 1 || network->pooling != TCI_POOL_LAST;
    for (size_t d = 0; d < network->directions; d++) {
        training->dpooled[d] = floats(layout, rows, width);
        if (token_gradients)
            training->dh_tokens[d] = floats(layout, tokens, width);
        if (network->layers > 1)
            training->dx[d] = floats(layout, tokens, width);
    }
}

/* Places everything for the batch in `base`; returns the bytes it takes. */
static size_t lay_out(tci_training *training, void *base)
{
    tci_layout layout = {base, 0};
    const tci_lstm_network *network = training->network;
    size_t tokens = training->window.token_count, distinct = training->window.distinct_count,
           rows = training->row_count;
    size_t width = network->hidden_width;
    training->embedded = floats(&layout, distinct, TCI_PADDED(network->embedding_dim));
    training->table = floats(&layout, tci_lstm_table_floats(&training->lstm[0][0], distinct), 1);
    for (size_t layer = 0; layer < network->layers; layer++) {
        layer_buffers *buffers = &training->layers[layer];
        for (size_t d = 0; d < network->directions; d++) {
            buffers->gates[d] = floats(&layout, tci_lstm_gate_floats(&training->lstm[layer][d], tokens), 1);
            buffers->c[d] = floats(&layout, tokens, width);
            buffers->h[d] = floats(&layout, tokens, width);
            buffers->state_h[d] = floats(&layout, rows, width);
            if (layer > 0)
                buffers->x[d] =
                    network->dropout > 0 ? floats(&layout, tokens, width) : training->layers[layer - 1].h[d];
        }
    }
    for (size_t d = 0; d < network->directions; d++) {
        training->pooled[d] = floats(&layout, rows, width);
        if (network->pooling == TCI_POOL_MAX)
            training->argmax[d] = tci_carve(&layout, rows, width, sizeof(uint32_t));
    }
    training->logits = floats(&layout, rows, training->head.output_width);
    lay_out_backward(training, &layout);
    return layout.size;
}

static tci_dropout dropout_of(const tci_training *training, size_t layer, size_t direction)
{
    size_t width = training->network->hidden_width;
    return (tci_dropout){.rate = training->network->dropout,
                         .seed = training->context.seed,
                         .step = training->context.step,
                         .layer = (uint32_t)layer,
                         .first_unit = (uint32_t)(direction * width),
                         .width = width,
                         .kernels = training->network->base.kernels};
}

static tci_lstm_run run_of(const tci_training *training, size_t layer, size_t direction)
{
    const layer_buffers *buffers = &training->layers[layer];
    return (tci_lstm_run){.kernels = training->network->base.kernels,
                          .lstm = &training->lstm[layer][direction],
                          .rows = training->rows,
                          .row_count = training->row_count,
                          .window = &training->window,
                          .x = {layer == 0 ? training->embedded : buffers->x[0], layer == 0 ? NULL : buffers->x[1]},
                          .x_rows = layer == 0 ? training->window.distinct_count : training->window.token_count,
                          .x_by_id = layer == 0,
                          .table = training->table,
                          .save = true,
                          .gates = buffers->gates[direction],
                          .gate_rows = training->window.token_count,
                          .c = buffers->c[direction],
                          .h = buffers->h[direction],
                          .state_h = buffers->state_h[direction]};
}

static tci_pooling pooling_of(const tci_training *training, size_t direction)
{
    return (tci_pooling){.kind = training->network->pooling,
                         .reverse = direction == 1,
                         .width = training->network->hidden_width,
                         .rows = training->rows,
                         .row_count = training->row_count,
                         .pooled = training->pooled[direction],
                         .argmax = training->argmax[direction]};
}

/* Input of a layer above another: its outputs, with dropout between. */
static void drop_inputs(tci_training *training, size_t layer, const tci_team *team)
{
    const tci_lstm_network *network = training->network;
    if (layer == 0 || network->dropout <= 0)
        return;
    size_t begin = 0, end = 0, width = network->hidden_width;
    tci_team_share(team, training->window.token_count, 1, &begin, &end);
    for (size_t d = 0; d < network->directions; d++)
        memcpy(training->layers[layer].x[d] + begin * width, training->layers[layer - 1].h[d] + begin * width,
               (end - begin) * width * sizeof(float));
    tci_team_wait(team);
    for (size_t d = 0; d < network->directions; d++) {
        tci_dropout dropout = dropout_of(training, layer, d);
        tci_dropout_tokens(&dropout, training->rows, &training->window, training->layers[layer].x[d], team);
    }
    tci_team_wait(team);
}

static void pool(tci_training *training, size_t direction, const tci_team *team)
{
    const tci_lstm_network *network = training->network;
    const layer_buffers *top = &training->layers[network->layers - 1];
    tci_pooling pooling = pooling_of(training, direction);
    if (pooling.kind == TCI_POOL_LAST && team->index == 0)
        memcpy(pooling.pooled, top->state_h[direction], training->row_count * pooling.width * sizeof(float));
    if (pooling.kind == TCI_POOL_LAST)
        tci_team_wait(team);
    tci_pooling_begin(&pooling, team);
    tci_pooling_window(&pooling, &training->window, top->h[direction], team);
    tci_pooling_end(&pooling, team);
    tci_team_wait(team);
    if (network->dropout > 0 && team->index == 0) {
        tci_dropout dropout = dropout_of(training, network->layers, direction);
        tci_dropout_rows(&dropout, training->rows, training->row_count, pooling.pooled);
    }
    tci_team_wait(team);
}

static void forward_member(void *context, const tci_team *team)
{
    tci_training *training = context;
    const tci_lstm_network *network = training->network;
    tci_embedding_forward(network->base.parameters.values + network->base.parameters.tensors[0].offset,
                          network->embedding_dim, training->window.distinct, training->window.distinct_count,
                          training->embedded, team);
    tci_team_wait(team);
    for (size_t layer = 0; layer < network->layers; layer++) {
        drop_inputs(training, layer, team);
        for (size_t d = 0; d < network->directions; d++) {
            tci_lstm_run run = run_of(training, layer, d);
            tci_lstm_forward(&run, team);
        }
    }
    for (size_t d = 0; d < network->directions; d++)
        pool(training, d, team);
    if (team->index == 0)
        tci_linear_forward(&training->head, network->base.kernels, training->row_count,
                           (const float *const *)training->pooled, training->logits);
}

tc_status tci_lstm_training_forward(tci_training *training, const tci_step_context *context, const tci_row *rows,
                                    size_t row_count, float *logits)
{
    size_t tokens = 0, steps = row_count > 0 ? rows[0].length : 0;
    for (size_t r = 0; r < row_count; r++)
        tokens += rows[r].length;
    if (tokens > UINT32_MAX / 2)
        return tci_fail(TC_ERROR_LIMIT, "a training batch of %zu tokens; the limit is %u", tokens, UINT32_MAX / 2);
    TCI_RETURN_IF(tci_workspace_reserve(&training->window_space, tci_window_bytes(tokens, steps),
                                        "the order of the training batch"));
    tci_window_place(&training->window, training->window_space.block, tokens, steps);
    tci_window_fill(&training->window, rows, row_count, 0, steps);
    training->rows = rows;
    training->row_count = row_count;
    training->context = *context;
    TCI_RETURN_IF(
        tci_workspace_reserve(&training->space, lay_out(training, NULL), "working memory of the training batch"));
    (void)lay_out(training, training->space.block);
    tci_pool_run(training->pool, forward_member, training);
    size_t labels = training->network->base.label_count, stride = training->head.output_width;
    for (size_t r = 0; r < row_count; r++)
        memcpy(logits + r * labels, training->logits + r * stride, labels * sizeof *logits);
    return TC_OK;
}

/* From dlogits to the gradients of the pooled vectors and of the head's parameters. */
static void backward_head(tci_training *training)
{
    const tci_lstm_network *network = training->network;
    const tci_tensor_info *tensor = tci_lstm_network_head(network);
    float *values = training->gradients->values;
    tci_linear_backward(&training->head, network->base.kernels, training->row_count,
                        (const float *const *)training->pooled, training->dlogits, training->dpooled,
                        values + tci_trained_offset(&tensor[0]), values + tci_trained_offset(&tensor[1]),
                        !training->gradients->fresh, training->head_scratch);
    for (size_t d = 0; network->dropout > 0 && d < network->directions; d++) {
        tci_dropout dropout = dropout_of(training, network->layers, d);
        tci_dropout_rows(&dropout, training->rows, training->row_count, training->dpooled[d]);
    }
}

/* One layer, both directions: gradients of its parameters, and of its input into dx (or the embedding's rows). */
static void backward_layer(tci_training *training, size_t layer, float *const dh_tokens[2], float *const dx[2],
                           const tci_team *team)
{
    const tci_lstm_network *network = training->network;
    float *dembedded = network->base.parameters.tensors[0].frozen ? NULL : training->dembedded;
    bool last = layer + 1 == network->layers && network->pooling == TCI_POOL_LAST;
    for (size_t d = 0; d < network->directions; d++) {
        tci_lstm_run run = run_of(training, layer, d);
        tci_lstm_back back = {.run = &run,
                              .dh_tokens = last ? NULL : dh_tokens[d],
                              .dh_last = last ? training->dpooled[d] : NULL,
                              .dh = training->dh,
                              .dc = training->dc,
                              .sums = training->table,
                              .grouped = training->grouped,
                              .dx = {layer == 0 ? dembedded : dx[0], layer == 0 ? NULL : dx[1]},
                              .add_dx = d == 1,
                              .member_scratch = training->member_scratch,
                              .gradients = tci_lstm_network_tensors(network, training->gradients->values, layer, d),
                              .add = !training->gradients->fresh};
        tci_lstm_backward(&back, team);
    }
}

static void backward_member(void *context, const tci_team *team)
{
    tci_training *training = context;
    const tci_lstm_network *network = training->network;
    if (team->index == 0)
        backward_head(training);
    tci_team_wait(team);
    float *dh_tokens[2] = {training->dh_tokens[0], training->dh_tokens[1]};
    float *dx[2] = {training->dx[0], training->dx[1]};
    for (size_t d = 0; network->pooling != TCI_POOL_LAST && d < network->directions; d++) {
        tci_pooling pooling = pooling_of(training, d);
        tci_pooling_backward(&pooling, &training->window, training->dpooled[d], dh_tokens[d], team);
    }
    tci_team_wait(team);
    for (size_t layer = network->layers; layer-- > 0;) {
        backward_layer(training, layer, dh_tokens, dx, team);
        for (size_t d = 0; layer > 0 && d < network->directions; d++) {
            tci_dropout dropout = dropout_of(training, layer, d);
            if (network->dropout > 0)
                tci_dropout_tokens(&dropout, training->rows, &training->window, dx[d], team);
            float *swapped = dh_tokens[d];
            dh_tokens[d] = dx[d];
            dx[d] = swapped;
        }
        tci_team_wait(team);
    }
    if (network->base.parameters.tensors[0].frozen)
        return;
    tci_embedding_backward(network->base.kernels, &network->base.parameters.tensors[0], training->window.distinct,
                           training->window.distinct_count, training->dembedded, training->gradients, team);
}

void tci_lstm_training_backward(tci_training *training, const float *dlogits, tci_gradients *gradients)
{
    size_t labels = training->network->base.label_count, stride = training->head.output_width;
    training->gradients = gradients;
    for (size_t r = 0; r < training->row_count; r++) {
        memcpy(training->dlogits + r * stride, dlogits + r * labels, labels * sizeof *dlogits);
        memset(training->dlogits + r * stride + labels, 0, (stride - labels) * sizeof *dlogits);
    }
    tci_pool_run(training->pool, backward_member, training);
    gradients->fresh = false;
}
