/* transformer_training.c: the transformer forward with kept activations.
 *
 * All tokens of the batch go through a layer together; every member of the pool runs the same function, dense layers
 * dealt out by rows, or of few tokens by panels, norms and dropout by tokens, attention by heads. Weights are read
 * where they stand, since they change with each step: the network gives up its packed copy while it is trained. */
#include "model/transformer_training_internal.h"

#include <string.h>

#define ROWS_AT_ONCE 256 /* that are predicted from kept vectors */

static size_t lowest_trained(const tci_parameters *parameters)
{
    size_t deepest = 0;
    for (size_t i = 0; i < parameters->tensor_count; i++) {
        const tci_tensor_info *tensor = &parameters->tensors[i];
        if (!tensor->frozen && tensor->level > deepest)
            deepest = tensor->level;
    }
    return deepest;
}

tc_status tci_transformer_training_create(tci_network *base, const tci_options *options, tci_memory *memory,
                                          tci_pool *pool, tci_training **result)
{
    tc_status status = TC_OK;
    tci_training *training = NULL;
    tci_transformer *network = (tci_transformer *)base;
    size_t layers = network->layer_count;
    *result = NULL;
    TCI_RETURN_IF(tci_alloc_zero(memory, 1, sizeof *training, "training state", &training));
    training->network = network;
    training->memory = memory;
    training->pool = pool;
    training->checkpointing = options->gradient_checkpointing;
    training->space.memory = memory;
    training->batch_space.memory = memory;
    TCI_CHECK(tci_alloc_zero(memory, layers, sizeof *training->kept, "training state", &training->kept));
    TCI_CHECK(tci_alloc_zero(memory, layers + 1, sizeof *training->stream, "training state", &training->stream));
    TCI_CHECK(
        tci_alloc_zero(memory, layers + 1, sizeof *training->stream_stats, "training state", &training->stream_stats));
    training->deepest = lowest_trained(&base->parameters);
    training->head_only = training->deepest == 0;
    if (!training->head_only)
        tci_transformer_drop_packed(network);
    else
        TCI_CHECK(tci_features_init(&training->features, network, memory));
done:
    if (status != TC_OK) {
        tci_transformer_training_free(training);
        training = NULL;
    }
    *result = training;
    return status;
}

void tci_transformer_training_free(tci_training *training)
{
    if (!training)
        return;
    tci_network *network = &training->network->base;
    bool whole = training->stream_stats;
    tci_workspace_free(&training->space);
    tci_workspace_free(&training->batch_space);
    tci_features_free(&training->features);
    tci_free(training->memory, training->stream);
    tci_free(training->memory, training->stream_stats);
    tci_free(training->memory, training->kept);
    tci_free(training->memory, training);
    if (whole) /* the weights stand still again */
        network->architecture->refresh(network);
}

void tci_transformer_training_refresh(tci_training *training)
{
    if (training->head_only)
        tci_transformer_unpack_head(training->network);
    else
        tci_transformer_bind(training->network);
}

static size_t largest(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Of one member. */
static size_t scratch_floats(const tci_training *training)
{
    const tci_transformer *network = training->network;
    tci_attention attention = tci_training_attention(training, 0);
    size_t most = largest(tci_attention_scratch(&attention, training->longest),
                          tci_attention_backward_scratch(&attention, training->longest));
    most = largest(most, tci_transformer_dense_scratch(network));
    most = largest(most, tci_lora_scratch(&network->lora, &network->base.parameters, TCI_DENSE_PARTS));
    return TCI_PADDED(most);
}

static float *floats(tci_layout *layout, size_t rows, size_t columns)
{
    return tci_carve(layout, rows, columns, sizeof(float));
}

static void lay_out_kept(tci_training *training, tci_layout *layout)
{
    const tci_transformer *network = training->network;
    size_t tokens = training->token_count, stride = network->stride;
    if (training->head_only)
        return;
    for (size_t i = 0; i <= network->layer_count; i++) {
        training->stream[i] = floats(layout, tokens, stride);
        training->stream_stats[i] = floats(layout, tokens, 2);
    }
    for (size_t i = 0; i < network->layer_count; i++) {
        tci_kept_layer *kept = &training->kept[i];
        bool unseen = network->layer_count - i > training->deepest; /* the way back ends above it */
        if (i > 0 && (training->checkpointing || unseen)) {
            *kept = training->kept[0];
            continue;
        }
        kept->qkv = floats(layout, tokens, 3 * stride);
        kept->attended = floats(layout, tokens, stride);
        kept->attention_stats = floats(layout, tokens, 2 * network->head_count);
        if (i > 0 && training->feeds_again) {
            kept->middle = training->kept[0].middle;
            kept->middle_stats = training->kept[0].middle_stats;
            kept->up = training->kept[0].up;
            continue;
        }
        kept->middle = floats(layout, tokens, stride);
        kept->middle_stats = floats(layout, tokens, 2);
        kept->up = floats(layout, tokens, TCI_PADDED(network->intermediate));
    }
}

/* Places everything for the batch in `base`; returns the bytes it takes. */
static size_t lay_out(tci_training *training, void *base)
{
    tci_layout layout = {base, 0};
    const tci_transformer *network = training->network;
    size_t tokens = training->head_only ? 0 : training->token_count, sequences = training->sequence_count;
    size_t stride = network->stride;
    bool pooler = network->pooler_activation != TCI_ACTIVATION_NONE;
    lay_out_kept(training, &layout);
    training->kept_bytes = layout.size;
    training->pooled = floats(&layout, sequences, stride);
    training->before = pooler ? floats(&layout, sequences, stride) : NULL;
    training->hidden = pooler ? floats(&layout, sequences, stride) : NULL;
    training->logits = floats(&layout, sequences, TCI_PADDED(network->base.label_count));
    training->argmax =
        network->pooling == TCI_POOLING_MAX ? tci_carve(&layout, sequences, stride, sizeof *training->argmax) : NULL;
    training->normed = floats(&layout, tokens, stride);
    training->wide = floats(&layout, tokens, largest(TCI_PADDED(network->intermediate), 3 * stride));
    training->dstream = floats(&layout, tokens, stride);
    training->dattended = floats(&layout, tokens, stride);
    training->dropped = network->dropout > 0 ? floats(&layout, tokens, stride) : NULL;
    training->low = network->lora.rank > 0 ? floats(&layout, tokens, 2 * TCI_PADDED(network->lora.rank)) : NULL;
    training->dlogits = floats(&layout, sequences, TCI_PADDED(network->base.label_count));
    training->dpooled = floats(&layout, sequences, stride);
    training->scratch_floats = scratch_floats(training);
    training->scratch = floats(&layout, tci_pool_size(training->pool), training->scratch_floats);
    return layout.size;
}

/* Places what says which token is what in `base`; returns the bytes it takes. */
static size_t lay_out_batch(tci_training *training, void *base)
{
    tci_layout layout = {base, 0};
    size_t tokens = training->token_count;
    training->sequences = tci_carve(&layout, training->sequence_count, sizeof *training->sequences, 1);
    training->ids = tci_carve(&layout, tokens, 1, sizeof *training->ids);
    training->row_positions = tci_carve(&layout, tokens, 1, sizeof *training->row_positions);
    training->row_tokens = tci_carve(&layout, tokens, 1, sizeof *training->row_tokens);
    void *window = tci_carve(&layout, tci_window_bytes(tokens, tokens), 1, 1);
    if (window)
        tci_window_place(&training->window, window, tokens, tokens);
    return layout.size;
}

static void fill_batch(tci_training *training)
{
    size_t sequence = 0, start = 0, max_length = training->network->max_length;
    for (size_t r = 0; r < training->row_count; r++) {
        const tci_row *row = &training->rows[r];
        if (row->length > 0)
            memcpy(training->ids + start, row->ids, row->length * sizeof *row->ids);
        for (size_t t = 0; t < row->length; t++) {
            training->row_positions[start + t] = row->position;
            training->row_tokens[start + t] = (uint32_t)t;
        }
        for (size_t first = 0; first == 0 || first < row->length; first += max_length) {
            size_t left = row->length - first, length = left < max_length ? left : max_length;
            training->sequences[sequence++] =
                (tci_sequence){training->ids + start, length, start, r, first, length == left};
            start += length;
        }
    }
    tci_row all = {.ids = training->ids, .length = start};
    training->window.distinct_count = 0;
    if (start > 0)
        tci_window_fill(&training->window, &all, 1, 0, start);
}

/* Counts the batch and makes room for it. */
static tc_status begin_batch(tci_training *training, const tci_row *rows, size_t row_count)
{
    size_t max_length = training->network->max_length;
    training->rows = rows;
    training->row_count = row_count;
    training->sequence_count = training->token_count = training->longest = 0;
    for (size_t r = 0; r < row_count; r++) {
        training->sequence_count += tci_transformer_sequences(training->network, rows[r].length);
        training->token_count += rows[r].length;
        training->longest = largest(training->longest, rows[r].length < max_length ? rows[r].length : max_length);
    }
    if (training->token_count > UINT32_MAX / 2)
        return tci_fail(TC_ERROR_LIMIT, "a training batch of %zu tokens; the limit is %u", training->token_count,
                        UINT32_MAX / 2);
    TCI_RETURN_IF(tci_workspace_reserve(&training->batch_space, lay_out_batch(training, NULL),
                                        "the order of the training batch"));
    (void)lay_out_batch(training, training->batch_space.block);
    fill_batch(training);
    training->feeds_again = false;
    size_t bytes = lay_out(training, NULL), weights = training->network->base.parameters.size * sizeof(float);
    if (training->network->lora.rank > 0 && !training->checkpointing && training->kept_bytes > weights) {
        training->feeds_again = true;
        bytes = lay_out(training, NULL);
    }
    TCI_RETURN_IF(tci_workspace_reserve(&training->space, bytes, "working memory of the training batch"));
    (void)lay_out(training, training->space.block);
    return TC_OK;
}

static tci_dropout dropout_of(const tci_training *training, double rate, uint32_t number)
{
    return (tci_dropout){.rate = rate,
                         .seed = training->context.seed,
                         .step = training->context.step,
                         .layer = number,
                         .width = training->network->stride,
                         .kernels = training->network->base.kernels};
}

void tci_training_drop(const tci_training *training, double rate, uint32_t number, const float *src, float *x,
                       const tci_team *team)
{
    size_t begin = 0, end = 0;
    tci_dropout dropout = dropout_of(training, rate, number);
    if (rate <= 0)
        return;
    tci_team_share(team, training->token_count, 1, &begin, &end);
    for (size_t t = begin; t < end; t++) {
        if (src != x)
            memcpy(x + t * dropout.width, src + t * dropout.width, dropout.width * sizeof *x);
        tci_dropout_vector(&dropout, training->row_positions[t], training->row_tokens[t], x + t * dropout.width);
    }
    tci_team_wait(team);
}

void tci_training_drop_vectors(const tci_training *training, uint32_t number, float *x, const tci_team *team)
{
    size_t begin = 0, end = 0;
    const tci_transformer *network = training->network;
    tci_dropout dropout = dropout_of(training, network->head_dropout, number);
    if (network->head_dropout <= 0 || !training->dropping)
        return;
    tci_team_share(team, training->sequence_count, 1, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        const tci_sequence *sequence = &training->sequences[i];
        uint32_t number_in_row = (uint32_t)(sequence->first / network->max_length);
        tci_dropout_vector(&dropout, training->rows[sequence->row].position, TCI_DROPOUT_ROW - number_in_row,
                           x + i * dropout.width);
    }
    tci_team_wait(team);
}

void tci_training_norm(const tci_training *training, size_t norm, const float *x, float *stats, const tci_team *team)
{
    const tci_transformer *network = training->network;
    size_t begin = 0, end = 0, stride = network->stride;
    tci_team_share(team, training->token_count, 1, &begin, &end);
    tci_layer_norm_forward(&network->norms[norm], network->base.kernels, end - begin, x + begin * stride,
                           training->normed + begin * stride, stats ? stats + 2 * begin : NULL);
    tci_team_wait(team);
    if (norm == 0 && network->residual_of_norm)
        tci_training_drop(training, network->embedding_dropout, 0, training->normed, training->normed, team);
}

static void run_dense(const tci_training *training, const tci_dense *dense, size_t rows, const float *x,
                      size_t x_stride, tci_dense_output output, const tci_team *team)
{
    size_t row = 0, row_end = rows, panel = 0, panel_end = tci_dense_panels(dense);
    if (tci_training_deals_rows(rows, team))
        tci_team_share(team, rows, 1, &row, &row_end);
    else
        tci_team_share(team, panel_end, 1, &panel, &panel_end);
    output.y += row * output.stride;
    output.before = output.before ? output.before + row * output.stride : NULL;
    output.residual = output.residual ? output.residual + row * output.residual_stride : NULL;
    if (row < row_end && panel < panel_end)
        tci_dense_forward(dense, training->network->base.kernels, panel, panel_end - panel, row_end - row,
                          x + row * x_stride, x_stride, &output, tci_training_scratch(training, team));
    tci_team_wait(team);
}

tci_attention tci_training_attention(const tci_training *training, size_t layer)
{
    const tci_transformer *network = training->network;
    return (tci_attention){.heads = network->head_count,
                           .head_dim = network->width / network->head_count,
                           .causal = network->causal,
                           .dropout = network->attention_dropout,
                           .seed = training->context.seed,
                           .step = training->context.step,
                           .layer = (uint32_t)(3 * layer) + TCI_DROP_ATTENTION};
}

tci_attention_text tci_training_attention_text(const tci_training *training, size_t layer, size_t index)
{
    const tci_transformer *network = training->network;
    const tci_sequence *sequence = &training->sequences[index];
    const tci_kept_layer *kept = &training->kept[layer];
    size_t start = sequence->start, stride = network->stride;
    return (tci_attention_text){.length = sequence->length,
                                .q = kept->qkv + start * 3 * stride,
                                .k = kept->qkv + start * 3 * stride + stride,
                                .v = kept->qkv + start * 3 * stride + 2 * stride,
                                .stride = 3 * stride,
                                .out = kept->attended + start * stride,
                                .out_stride = stride,
                                .stats = kept->attention_stats + start * 2 * network->head_count,
                                .position = training->rows[sequence->row].position,
                                .first_token = (uint32_t)sequence->first};
}

static void attend(const tci_training *training, size_t layer, const tci_team *team)
{
    tci_attention attention = tci_training_attention(training, layer);
    for (size_t i = 0; i < training->sequence_count; i++) {
        tci_attention_text text = tci_training_attention_text(training, layer, i);
        for (size_t head = (team->index + i) % team->size; head < attention.heads; head += team->size)
            tci_attention_forward(&attention, training->network->base.kernels, &text, head, 1,
                                  tci_training_scratch(training, team));
    }
    tci_team_wait(team);
}

/* to (tokens, stride) = residual + dropout(dense(x)) */
static void run_block_end(const tci_training *training, const tci_dense *dense, const float *x, size_t x_stride,
                          const float *residual, double rate, uint32_t number, float *to, const tci_team *team)
{
    const tci_transformer *network = training->network;
    size_t begin = 0, end = 0, stride = network->stride;
    tci_dense_output output = {
        .y = to, .stride = stride, .residual = rate > 0 ? NULL : residual, .residual_stride = stride};
    run_dense(training, dense, training->token_count, x, x_stride, output, team);
    if (rate <= 0)
        return;
    tci_dropout dropout = dropout_of(training, rate, number);
    tci_team_share(team, training->token_count, 1, &begin, &end);
    for (size_t t = begin; t < end; t++) {
        tci_dropout_vector(&dropout, training->row_positions[t], training->row_tokens[t], to + t * stride);
        network->base.kernels->add(stride, residual + t * stride, to + t * stride);
    }
    tci_team_wait(team);
}

void tci_training_run_layer(const tci_training *training, size_t index, bool attended, const tci_team *team)
{
    const tci_transformer *network = training->network;
    const tci_transformer_layer *layer = &network->layers[index];
    const tci_kept_layer *kept = &training->kept[index];
    size_t stride = network->stride, up = tci_dense_width(&layer->up), tokens = training->token_count;
    tci_training_norm(training, 2 * index, training->stream[index], training->stream_stats[index], team);
    if (!attended) {
        run_dense(training, &layer->query_key_value, tokens, training->normed, stride,
                  (tci_dense_output){.y = kept->qkv, .stride = 3 * stride}, team);
        attend(training, index, team);
    }
    run_block_end(training, &layer->attention_output, kept->attended, stride,
                  network->residual_of_norm ? training->normed : training->stream[index],
                  network->attention_output_dropout ? network->dropout : 0,
                  (uint32_t)(3 * index) + TCI_DROP_ATTENTION_OUTPUT, kept->middle, team);
    tci_training_norm(training, 2 * index + 1, kept->middle, kept->middle_stats, team);
    run_dense(
        training, &layer->up, tokens, training->normed, stride,
        (tci_dense_output){.y = training->wide, .stride = up, .activation = network->activation, .before = kept->up},
        team);
}

static void pool_sequences(const tci_training *training, const tci_team *team)
{
    size_t begin = 0, end = 0, stride = training->network->stride;
    tci_team_share(team, training->sequence_count, 1, &begin, &end);
    for (size_t i = begin; i < end; i++)
        tci_transformer_pool(training->network, training->normed + training->sequences[i].start * stride,
                             training->sequences[i].length, training->pooled + i * stride,
                             training->argmax ? training->argmax + i * stride : NULL);
    tci_team_wait(team);
}

static void run_head(const tci_training *training, const tci_team *team)
{
    const tci_transformer *network = training->network;
    size_t stride = network->stride, count = training->sequence_count;
    const float *hidden = training->pooled;
    if (training->hidden) {
        if (network->double_head_dropout)
            tci_training_drop_vectors(training, tci_head_dropout_number(network, true), training->pooled, team);
        run_dense(training, &network->pooler, count, training->pooled, stride,
                  (tci_dense_output){.y = training->hidden,
                                     .stride = stride,
                                     .activation = network->pooler_activation,
                                     .before = training->before},
                  team);
        hidden = training->hidden;
    }
    tci_training_drop_vectors(training, tci_head_dropout_number(network, false),
                              training->hidden ? training->hidden : training->pooled, team);
    run_dense(training, &network->output, count, hidden, stride,
              (tci_dense_output){.y = training->logits, .stride = TCI_PADDED(network->base.label_count)}, team);
}

static void forward_member(void *context, const tci_team *team)
{
    tci_training *training = context;
    const tci_transformer *network = training->network;
    size_t begin = 0, end = 0, stride = network->stride;
    if (training->head_only) {
        run_head(training, team);
        return;
    }
    tci_team_share(team, training->sequence_count, 1, &begin, &end);
    for (size_t i = begin; i < end; i++)
        tci_transformer_embed(network, training->sequences[i].ids, 0, training->sequences[i].length,
                              training->stream[0] + training->sequences[i].start * stride);
    tci_team_wait(team);
    if (!network->residual_of_norm)
        tci_training_drop(training, network->embedding_dropout, 0, training->stream[0], training->stream[0], team);
    for (size_t i = 0; i < network->layer_count; i++) {
        const tci_kept_layer *kept = &training->kept[i];
        tci_training_run_layer(training, i, false, team);
        run_block_end(training, &network->layers[i].down, training->wide, tci_dense_width(&network->layers[i].up),
                      network->residual_of_norm ? training->normed : kept->middle, network->dropout,
                      (uint32_t)(3 * i) + TCI_DROP_FEED, training->stream[i + 1], team);
    }
    tci_training_norm(training, 2 * network->layer_count, training->stream[network->layer_count],
                      training->stream_stats[network->layer_count], team);
    pool_sequences(training, team);
    run_head(training, team);
}

/* logits (row_count, label_count) of rows in any order. */
static tc_status run_batch(tci_training *training, const tci_row *rows, size_t row_count, float *logits)
{
    size_t labels = training->network->base.label_count;
    TCI_RETURN_IF(begin_batch(training, rows, row_count));
    if (training->head_only)
        TCI_RETURN_IF(tci_features_fill(&training->features, training->pool, training->sequences,
                                        training->sequence_count, training->pooled));
    tci_pool_run(training->pool, forward_member, training);
    for (size_t i = 0; i < training->sequence_count; i++) {
        const tci_sequence *sequence = &training->sequences[i];
        const float *values = training->logits + i * TCI_PADDED(labels);
        float *sum = logits + sequence->row * labels;
        size_t count = tci_transformer_sequences(training->network, rows[sequence->row].length);
        for (size_t k = 0; k < labels; k++)
            sum[k] = sequence->first == 0 ? values[k] : sum[k] + values[k];
        for (size_t k = 0; sequence->last && count > 1 && k < labels; k++)
            sum[k] /= (float)count;
    }
    return TC_OK;
}

tc_status tci_transformer_training_forward(tci_training *training, const tci_step_context *context, const tci_row *rows,
                                           size_t row_count, float *logits)
{
    training->context = *context;
    training->dropping = true;
    return run_batch(training, rows, row_count, logits);
}

tc_status tci_transformer_predict_kept(tci_training *training, const tci_row *rows, size_t row_count, float *logits,
                                       bool *kept)
{
    *kept = training->head_only;
    training->dropping = false;
    for (size_t row = 0, some; *kept && row < row_count; row += some) {
        some = row_count - row < ROWS_AT_ONCE ? row_count - row : ROWS_AT_ONCE;
        TCI_RETURN_IF(run_batch(training, rows + row, some, logits + row * training->network->base.label_count));
    }
    return TC_OK;
}
