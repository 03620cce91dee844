/* transformer_predict.c: logits and vectors of rows of any length, in bounded memory.
 *
 * Sequences go through the network in groups of a bounded number of tokens, one text alone if it is longer. Within a
 * group dense layers are dealt out to the members of the team by panels, norms by tokens, attention by heads of
 * sequences: no bit depends on members or groups. A row's vectors and logits are added up sequence by sequence. */
#include "model/transformer_network.h"

#include <string.h>

#define GROUP_TOKENS 512 /* activations of so many stay in the second-level cache */
#define GROUP_SEQUENCES 64

typedef struct prediction {
    const tci_transformer *network;
    const tci_row *rows;
    size_t row_count;
    const tci_id_source *source; /* of the one row's ids; NULL: rows hold theirs */
    bool heads;                  /* logits are wanted, else vectors */
    size_t members;              /* of the team, at most */
    /* the group at hand */
    tci_sequence sequences[GROUP_SEQUENCES];
    size_t sequence_count, token_count, longest;
    size_t text_count;           /* sequences that have tokens */
    size_t next_row, next_first; /* where the next group begins */
    tc_status status;            /* of reading its ids */
    /* working memory */
    size_t group_tokens, scratch_floats, sum_width;
    uint32_t *ids;                                /* (max_length), with a source */
    float *stream, *normed, *qkv, *attended, *up; /* (group_tokens, ..) */
    float *pooled, *hidden, *logits;              /* (GROUP_SEQUENCES, ..) */
    float *sums;                                  /* (row_count, sum_width): what is wanted, added up */
    float *scratch;
} prediction;

static size_t largest(size_t a, size_t b)
{
    return a > b ? a : b;
}

static tci_attention attention_of(const tci_transformer *network)
{
    return (tci_attention){
        .heads = network->head_count, .head_dim = network->width / network->head_count, .causal = network->causal};
}

/* Of one member. */
static size_t scratch_floats(const tci_transformer *network, size_t longest)
{
    tci_attention attention = attention_of(network);
    return TCI_PADDED(largest(tci_attention_scratch(&attention, longest), tci_transformer_dense_scratch(network)));
}

static float *floats(tci_layout *layout, size_t rows, size_t columns)
{
    return tci_carve(layout, rows, columns, sizeof(float));
}

/* Places everything in `base` and returns the bytes it takes; called once with NULL to learn them. */
static size_t lay_out(prediction *p, void *base)
{
    const tci_transformer *network = p->network;
    const tci_transformer_layer *layer = &network->layers[0];
    tci_layout layout = {base, 0};
    size_t stride = network->stride;
    if (p->source)
        p->ids = tci_carve(&layout, p->group_tokens, 1, sizeof *p->ids);
    p->stream = floats(&layout, p->group_tokens, stride);
    p->normed = floats(&layout, p->group_tokens, stride);
    p->qkv = floats(&layout, p->group_tokens, tci_dense_width(&layer->query_key_value));
    p->attended = floats(&layout, p->group_tokens, stride);
    p->up = floats(&layout, p->group_tokens, tci_dense_width(&layer->up));
    p->pooled = floats(&layout, GROUP_SEQUENCES, stride);
    if (p->heads) {
        p->hidden = floats(&layout, GROUP_SEQUENCES, stride);
        p->logits = floats(&layout, GROUP_SEQUENCES, p->sum_width);
    }
    p->sums = floats(&layout, p->row_count, p->sum_width);
    p->scratch = floats(&layout, p->members, p->scratch_floats);
    return layout.size;
}

/* The next sequences that fit: at least one; false when there are none. */
static bool next_group(prediction *p)
{
    size_t max_length = p->network->max_length;
    p->sequence_count = p->token_count = p->longest = p->text_count = 0;
    while (p->next_row < p->row_count && p->sequence_count < GROUP_SEQUENCES) {
        const tci_row *row = &p->rows[p->next_row];
        size_t left = row->length - p->next_first, length = left < max_length ? left : max_length;
        if (p->sequence_count > 0 && (p->source || p->token_count + length > p->group_tokens))
            break;
        p->sequences[p->sequence_count++] = (tci_sequence){.ids = p->source    ? p->ids
                                                                  : length > 0 ? row->ids + p->next_first
                                                                               : NULL,
                                                           .length = length,
                                                           .start = p->token_count,
                                                           .row = p->next_row,
                                                           .first = p->next_first,
                                                           .last = length == left};
        p->token_count += length;
        p->text_count += length > 0;
        p->longest = largest(p->longest, length);
        p->next_first = length == left ? 0 : p->next_first + length;
        p->next_row += length == left;
    }
    return p->sequence_count > 0;
}

/* Member 0, the calling thread, makes the next group; false when there is none. */
static bool begin_group(prediction *p, const tci_team *team)
{
    tci_team_wait(team); /* nobody reads the last one any more */
    if (team->index == 0 && next_group(p) && p->source)
        p->status = p->source->read(p->source->context, p->sequences[0].first, p->sequences[0].length, p->ids);
    tci_team_wait(team);
    return p->sequence_count > 0 && p->status == TC_OK;
}

static float *scratch_of(const prediction *p, const tci_team *team)
{
    return p->scratch + team->index * p->scratch_floats;
}

static void run_dense(const prediction *p, const tci_dense *dense, size_t rows, const float *x, size_t x_stride,
                      tci_dense_output output, const tci_team *team)
{
    size_t begin = 0, end = 0;
    tci_team_share(team, tci_dense_panels(dense), 1, &begin, &end);
    if (begin < end)
        tci_dense_forward(dense, p->network->base.kernels, begin, end - begin, rows, x, x_stride, &output,
                          scratch_of(p, team));
    tci_team_wait(team);
}

static void run_norm(const prediction *p, size_t norm, size_t rows, const float *x, float *y, const tci_team *team)
{
    size_t begin = 0, end = 0, stride = p->network->stride;
    tci_team_share(team, rows, 1, &begin, &end);
    tci_layer_norm_forward(&p->network->norms[norm], p->network->base.kernels, end - begin, x + begin * stride,
                           y + begin * stride, NULL);
    tci_team_wait(team);
}

static void embed_tokens(const prediction *p, const tci_team *team)
{
    size_t first = 0, last = 0;
    tci_team_share(team, p->token_count, 1, &first, &last);
    for (size_t i = 0; i < p->sequence_count; i++) {
        const tci_sequence *sequence = &p->sequences[i];
        size_t begin = largest(first, sequence->start) - sequence->start;
        size_t end = last < sequence->start ? 0 : last - sequence->start;
        end = end < sequence->length ? end : sequence->length;
        if (begin < end)
            tci_transformer_embed(p->network, sequence->ids, begin, end,
                                  p->stream + (sequence->start + begin) * p->network->stride);
    }
    tci_team_wait(team);
}

/* Each member has the heads h with (h + sequence) mod size = index of every sequence. */
static void attend(const prediction *p, const tci_team *team)
{
    const tci_transformer *network = p->network;
    tci_attention attention = attention_of(network);
    size_t stride = 3 * network->stride;
    for (size_t i = 0; i < p->sequence_count; i++) {
        const tci_sequence *sequence = &p->sequences[i];
        const float *q = p->qkv + sequence->start * stride;
        tci_attention_text text = {.length = sequence->length,
                                   .q = q,
                                   .k = q + network->stride,
                                   .v = q + 2 * network->stride,
                                   .stride = stride,
                                   .out = p->attended + sequence->start * network->stride,
                                   .out_stride = network->stride};
        for (size_t head = (team->index + i) % team->size; head < network->head_count; head += team->size)
            tci_attention_forward(&attention, network->base.kernels, &text, head, 1, scratch_of(p, team));
    }
    tci_team_wait(team);
}

/* stream = residual + block(normed), the residual being `normed` (bert) or the stream itself (gpt). */
static tci_dense_output into_stream(const prediction *p)
{
    const tci_transformer *network = p->network;
    return (tci_dense_output){.y = p->stream,
                              .stride = network->stride,
                              .residual = network->residual_of_norm ? p->normed : p->stream,
                              .residual_stride = network->stride};
}

/* Whether one token of each sequence is pooled: behind the last attention nobody asks for the others. */
static bool pools_one(const tci_transformer *network)
{
    return network->pooling == TCI_POOLING_CLS || network->pooling == TCI_POOLING_LAST;
}

/* Moves the pooled tokens' vectors to the front, in place, one behind the other: none goes further back. Sequences of
 * no tokens have none. */
static void keep_pooled(const prediction *p, float *x)
{
    size_t stride = p->network->stride;
    for (size_t i = 0, row = 0; i < p->sequence_count; i++) {
        const tci_sequence *sequence = &p->sequences[i];
        if (sequence->length == 0)
            continue;
        size_t token = sequence->start + (p->network->pooling == TCI_POOLING_LAST ? sequence->length - 1 : 0);
        memmove(x + row++ * stride, x + token * stride, stride * sizeof *x);
    }
}

/* Rows that come out: all tokens', or of the last layer the pooled ones'. */
static size_t run_layer(const prediction *p, size_t index, const tci_team *team)
{
    const tci_transformer *network = p->network;
    const tci_transformer_layer *layer = &network->layers[index];
    size_t stride = network->stride, rows = p->token_count, up = tci_dense_width(&layer->up);
    run_norm(p, 2 * index, rows, p->stream, p->normed, team);
    run_dense(p, &layer->query_key_value, rows, p->normed, stride,
              (tci_dense_output){.y = p->qkv, .stride = 3 * stride}, team);
    attend(p, team);
    if (index + 1 == network->layer_count && pools_one(network)) {
        rows = p->text_count;
        if (team->index == 0) {
            keep_pooled(p, p->attended);
            keep_pooled(p, network->residual_of_norm ? p->normed : p->stream);
        }
        tci_team_wait(team);
    }
    run_dense(p, &layer->attention_output, rows, p->attended, stride, into_stream(p), team);
    run_norm(p, 2 * index + 1, rows, p->stream, p->normed, team);
    run_dense(p, &layer->up, rows, p->normed, stride,
              (tci_dense_output){.y = p->up, .stride = up, .activation = network->activation}, team);
    run_dense(p, &layer->down, rows, p->up, up, into_stream(p), team);
    return rows;
}

static void pool_tokens(const prediction *p, const tci_team *team)
{
    const tci_transformer *network = p->network;
    size_t begin = 0, end = 0, stride = network->stride, row = 0;
    bool one = pools_one(network);
    tci_team_share(team, p->sequence_count, 1, &begin, &end);
    for (size_t i = 0; i < end; i++) {
        const tci_sequence *sequence = &p->sequences[i];
        size_t length = one ? sequence->length > 0 : sequence->length;
        if (i >= begin)
            tci_transformer_pool(network, p->normed + (one ? row : sequence->start) * stride, length,
                                 p->pooled + i * stride, NULL);
        row += sequence->length > 0;
    }
    tci_team_wait(team);
}

/* Pooled vectors, and with `heads` their logits. */
static void run_head(const prediction *p, const tci_team *team)
{
    const tci_transformer *network = p->network;
    size_t stride = network->stride, count = p->sequence_count;
    const float *vectors = p->pooled;
    pool_tokens(p, team);
    if (!p->heads)
        return;
    if (network->pooler_activation != TCI_ACTIVATION_NONE) {
        run_dense(p, &network->pooler, count, vectors, stride,
                  (tci_dense_output){.y = p->hidden, .stride = stride, .activation = network->pooler_activation}, team);
        vectors = p->hidden;
    }
    run_dense(p, &network->output, count, vectors, stride, (tci_dense_output){.y = p->logits, .stride = p->sum_width},
              team);
}

/* Adds what is wanted of the group to its rows, and divides where a row ends. */
static void add_group(const prediction *p)
{
    const float *values = p->heads ? p->logits : p->pooled;
    for (size_t i = 0; i < p->sequence_count; i++, values += p->sum_width) {
        const tci_sequence *sequence = &p->sequences[i];
        float *sum = p->sums + sequence->row * p->sum_width;
        size_t count = tci_transformer_sequences(p->network, p->rows[sequence->row].length);
        if (sequence->first == 0)
            memcpy(sum, values, p->sum_width * sizeof *sum);
        else
            p->network->base.kernels->add(p->sum_width, values, sum);
        for (size_t k = 0; sequence->last && count > 1 && k < p->sum_width; k++)
            sum[k] /= (float)count;
    }
}

static void predict_member(void *context, const tci_team *team)
{
    prediction *p = context;
    while (begin_group(p, team)) {
        embed_tokens(p, team);
        size_t rows = 0;
        for (size_t layer = 0; layer < p->network->layer_count; layer++)
            rows = run_layer(p, layer, team);
        run_norm(p, 2 * p->network->layer_count, rows, p->stream, p->normed, team);
        run_head(p, team);
        if (team->index == 0)
            add_group(p);
    }
}

/* `columns` of what is wanted of each row into `wanted`. */
static tc_status predict(prediction *p, tci_pool *pool, tci_workspace *workspace, size_t columns, float *wanted)
{
    size_t tokens = 0, longest = 0;
    for (size_t r = 0; r < p->row_count; r++) {
        size_t length = p->rows[r].length;
        longest = largest(longest, length < p->network->max_length ? length : p->network->max_length);
        if (!tci_add(tokens, length, &tokens))
            tokens = SIZE_MAX;
    }
    p->group_tokens = largest(longest, tokens < GROUP_TOKENS ? tokens : GROUP_TOKENS);
    p->members = tci_pool_size(pool);
    p->scratch_floats = scratch_floats(p->network, longest);
    p->sum_width = TCI_PADDED(columns);
    TCI_RETURN_IF(tci_workspace_reserve(workspace, lay_out(p, NULL), "working memory of the prediction"));
    (void)lay_out(p, workspace->block);
    tci_pool_run(pool, predict_member, p);
    for (size_t r = 0; p->status == TC_OK && r < p->row_count; r++)
        memcpy(wanted + r * columns, p->sums + r * p->sum_width, columns * sizeof *wanted);
    return p->status;
}

tc_status tci_transformer_predict(const tci_network *base, tci_pool *pool, tci_workspace *workspace,
                                  const tci_row *rows, size_t row_count, float *logits)
{
    prediction p = {.network = (const tci_transformer *)base, .rows = rows, .row_count = row_count, .heads = true};
    return predict(&p, pool, workspace, base->label_count, logits);
}

tc_status tci_transformer_predict_long(const tci_network *base, tci_pool *pool, tci_workspace *workspace,
                                       const tci_id_source *source, float *logits)
{
    tci_row row = {.length = source->length};
    prediction p = {
        .network = (const tci_transformer *)base, .rows = &row, .row_count = 1, .source = source, .heads = true};
    return predict(&p, pool, workspace, base->label_count, logits);
}

size_t tci_transformer_vector_dim(const tci_network *base)
{
    return ((const tci_transformer *)base)->width;
}

tc_status tci_transformer_vectors(const tci_network *base, tci_pool *pool, tci_workspace *workspace,
                                  const tci_row *rows, size_t row_count, float *vectors)
{
    prediction p = {.network = (const tci_transformer *)base, .rows = rows, .row_count = row_count};
    return predict(&p, pool, workspace, tci_transformer_vector_dim(base), vectors);
}

tc_status tci_transformer_vector(const tci_network *base, tci_workspace *workspace, const tci_row *row,
                                 const tci_id_source *source, float *vector)
{
    tci_row long_row = {.length = source ? source->length : 0};
    prediction p = {
        .network = (const tci_transformer *)base, .rows = source ? &long_row : row, .row_count = 1, .source = source};
    return predict(&p, NULL, workspace, tci_transformer_vector_dim(base), vector);
}
