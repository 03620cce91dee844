/* lstm_predict.c: logits of the LSTM network for rows of any length, in bounded memory.
 *
 * Steps are taken in windows of a bounded number of tokens, states are carried from window to window. One direction:
 * each window goes through all layers. Two directions: each layer runs over all windows, forwards and then backwards; a
 * layer above another needs that one's output whole, so a deep bidirectional network holds
 * tokens · hidden · 4 floats. A text whose ids come from a source has the windows of one whose ids are held; their
 * places are worked out, not kept, so that nothing here grows with its length.
 *
 * Every member of a team runs the same function; the first one fills the windows. */
#include "model/lstm_network.h"

#include <string.h>

#include "layer/embedding.h"

#define WINDOW_TOKENS 1024
#define WINDOW_TABLE_FLOATS (1u << 20) /* 4 MB of pre-activations */

typedef struct window_place {
    size_t first_step, step_count, first_token;
} window_place;

typedef struct prediction {
    const tci_lstm_network *network;
    const tci_row *rows;
    size_t row_count;
    size_t members; /* of the team, at most */
    const tci_id_source *source; /* of the one row's ids; NULL: rows hold theirs */
    uint32_t *ids;               /* (window_tokens) of a window, when there is a source */
    size_t tokens, steps, window_tokens, window_count;
    bool whole; /* outputs of a layer are kept for all tokens */
    window_place *places; /* NULL when there is a source */
    tci_window window;
    float *x, *table, *gates;
    char *scratch;
    float *h[2][2]; /* [layer parity][direction] */
    float *state_h[TCI_LSTM_LAYERS][2], *state_c[TCI_LSTM_LAYERS][2];
    float *pooled[2]; /* mean and maximum */
    float *logits;
    float *vector; /* (directions, hidden_dim) where the pooled vector is wanted, of one row; else NULL */
    tc_status status; /* of the window that was filled last */
} prediction;

/* Of one member, for any layer: those above have inputs of their own width. */
static size_t scratch_bytes(const tci_lstm_network *network, size_t rows)
{
    size_t first = tci_lstm_run_scratch(&network->lstm[0][0], rows);
    size_t above = network->layers > 1 ? tci_lstm_run_scratch(&network->lstm[1][0], rows) : 0;
    return first > above ? first : above;
}

/* Places everything in `base` and returns the bytes it takes; called once with NULL to learn them. */
static size_t lay_out(prediction *p, void *base)
{
    const tci_lstm_network *network = p->network;
    tci_layout layout = {base, 0};
    size_t width = network->hidden_width, rows = p->row_count;
    size_t output_tokens = p->whole ? p->tokens : p->window_tokens;
    if (p->source)
        p->ids = tci_carve(&layout, p->window_tokens, 1, sizeof *p->ids);
    else
        p->places = tci_carve(&layout, p->window_count, 1, sizeof *p->places);
    void *window = tci_carve(&layout, tci_window_bytes(p->window_tokens, p->window_tokens), 1, 1);
    if (window)
        tci_window_place(&p->window, window, p->window_tokens, p->window_tokens);
    p->x = tci_carve(&layout, p->window_tokens, TCI_PADDED(network->embedding_dim), sizeof(float));
    const tci_lstm *lstm = &network->lstm[0][0]; /* all have the same gates */
    p->table = tci_carve(&layout, tci_lstm_table_floats(lstm, p->window_tokens), 1, sizeof(float));
    /* of a layer above another all tokens of the window, else one step's */
    size_t gate_rows = network->layers > 1 ? p->window_tokens : rows;
    p->gates = tci_carve(&layout, tci_lstm_gate_floats(lstm, gate_rows), 1, sizeof(float));
    p->scratch = tci_carve(&layout, scratch_bytes(network, rows), p->members, 1);
    for (size_t direction = 0; direction < network->directions; direction++) {
        p->pooled[direction] = tci_carve(&layout, rows, width, sizeof(float));
        for (size_t parity = 0; parity < 2 && parity < network->layers; parity++)
            p->h[parity][direction] = tci_carve(&layout, output_tokens, width, sizeof(float));
        for (size_t layer = 0; layer < network->layers; layer++) {
            p->state_h[layer][direction] = tci_carve(&layout, rows, width, sizeof(float));
            p->state_c[layer][direction] = tci_carve(&layout, rows, width, sizeof(float));
        }
    }
    p->logits = tci_carve(&layout, rows, network->head.output_width, sizeof(float));
    return layout.size;
}

static size_t count_windows(const prediction *p, window_place *places)
{
    size_t count = 0, first_token = 0;
    for (size_t step = 0; step < p->steps; count++) {
        size_t steps = tci_window_steps(p->rows, p->row_count, step, p->window_tokens);
        if (places)
            places[count] = (window_place){step, steps, first_token};
        for (size_t t = step; places && t < step + steps; t++)
            first_token += tci_rows_live(p->rows, p->row_count, t);
        step += steps;
    }
    return count;
}

static window_place place_of(const prediction *p, size_t window)
{
    if (!p->source)
        return p->places[window];
    size_t first = window * p->window_tokens, left = p->tokens - first;
    return (window_place){first, left < p->window_tokens ? left : p->window_tokens, first};
}

static tci_pooling pooling_of(const prediction *p, size_t direction)
{
    bool last = p->network->pooling == TCI_POOL_LAST;
    return (tci_pooling){.kind = p->network->pooling,
                         .reverse = direction == 1,
                         .width = p->network->hidden_width,
                         .rows = p->rows,
                         .row_count = p->row_count,
                         .pooled = last ? p->state_h[p->network->layers - 1][direction] : p->pooled[direction]};
}

/* One layer and direction over one window, whose steps have been filled in. */
static void run_window(const prediction *p, size_t layer, size_t direction, const window_place *place,
                       const tci_team *team)
{
    const tci_lstm_network *network = p->network;
    size_t output = p->whole ? place->first_token * network->hidden_width : 0;
    tci_lstm_run run = {.kernels = network->base.kernels,
                        .lstm = &network->lstm[layer][direction],
                        .rows = p->rows,
                        .row_count = p->row_count,
                        .window = &p->window,
                        .x = {p->x},
                        .x_rows = layer == 0 ? p->window.distinct_count : p->window.token_count,
                        .x_by_id = layer == 0,
                        .table = p->table,
                        .gates = p->gates,
                        .gate_rows = layer == 0 ? p->row_count : p->window.token_count,
                        .h = p->h[layer % 2][direction] + output,
                        .state_h = p->state_h[layer][direction],
                        .state_c = p->state_c[layer][direction],
                        .scratch = network->element == TCI_ELEMENT_INT8 ? p->scratch : NULL};
    for (size_t i = 0; layer > 0 && i < network->directions; i++)
        run.x[i] = p->h[(layer - 1) % 2][i] + output;
    if (layer == 0) {
        tci_embedding_rows(network->base.kernels, &network->base.parameters, 0, p->window.distinct,
                           p->window.distinct_count, p->x, team);
        tci_team_wait(team);
        if (network->element == TCI_ELEMENT_INT8)
            run.x_numbers = (const tci_int8_row *)(const void *)p->x;
    }
    tci_lstm_forward(&run, team);
    if (layer + 1 == network->layers) {
        tci_pooling pooling = pooling_of(p, direction);
        tci_pooling_window(&pooling, &p->window, run.h, team);
    }
}

static tc_status fill(prediction *p, const window_place *place)
{
    if (!p->source) {
        tci_window_fill(&p->window, p->rows, p->row_count, place->first_step, place->step_count);
        return TC_OK;
    }
    TCI_RETURN_IF(p->source->read(p->source->context, place->first_step, place->step_count, p->ids));
    tci_row part = {.ids = p->ids, .length = place->step_count};
    tci_window_fill(&p->window, &part, 1, 0, place->step_count);
    p->window.first_step = place->first_step; /* of the whole row */
    return TC_OK;
}

static bool next_window(prediction *p, const window_place *place, bool first, const tci_team *team)
{
    if (!first)
        tci_team_wait(team); /* some may still pool the one before */
    if (team->index == 0) /* the calling thread, whose error text it is */
        p->status = fill(p, place);
    tci_team_wait(team);
    return p->status == TC_OK;
}

/* Returns false when a window could not be filled. */
static bool run_all(prediction *p, const tci_team *team)
{
    const tci_lstm_network *network = p->network;
    if (network->directions == 1) {
        for (size_t w = 0; w < p->window_count; w++) {
            window_place place = place_of(p, w);
            if (!next_window(p, &place, w == 0, team))
                return false;
            for (size_t layer = 0; layer < network->layers; layer++)
                run_window(p, layer, 0, &place, team);
        }
        return true;
    }
    for (size_t layer = 0; layer < network->layers; layer++) {
        for (size_t direction = 0; direction < 2; direction++) {
            for (size_t i = 0; i < p->window_count; i++) {
                window_place place = place_of(p, direction ? p->window_count - 1 - i : i);
                if (!next_window(p, &place, layer + direction + i == 0, team))
                    return false;
                run_window(p, layer, direction, &place, team);
            }
        }
    }
    return true;
}

static void predict_member(void *context, const tci_team *team)
{
    prediction *p = context;
    const tci_lstm_network *network = p->network;
    const float *pooled[2] = {NULL, NULL};
    for (size_t direction = 0; direction < network->directions; direction++) {
        tci_pooling pooling = pooling_of(p, direction);
        tci_pooling_begin(&pooling, team);
    }
    if (!run_all(p, team))
        return;
    for (size_t direction = 0; direction < network->directions; direction++) {
        tci_pooling pooling = pooling_of(p, direction);
        tci_pooling_end(&pooling, team);
        pooled[direction] = pooling.pooled;
    }
    tci_team_wait(team);
    for (size_t direction = 0; p->vector && team->index == 0 && direction < network->directions; direction++)
        memcpy(p->vector + direction * network->hidden_dim, pooled[direction], network->hidden_dim * sizeof(float));
    if (team->index == 0)
        tci_linear_forward(&network->head, network->base.kernels, p->row_count, pooled, p->logits);
}

/* Of a network and rows, with or without a source. */
static tc_status predict(prediction *p, tci_pool *pool, tci_workspace *workspace, float *logits)
{
    const tci_lstm_network *network = p->network;
    p->members = tci_pool_size(pool);
    for (size_t r = 0; r < p->row_count; r++)
        p->tokens += p->rows[r].length;
    p->steps = p->row_count > 0 ? p->rows[0].length : 0;
    p->whole = network->directions == 2 && network->layers > 1;
    size_t most = WINDOW_TABLE_FLOATS / (4 * network->hidden_width);
    most = most > WINDOW_TOKENS ? WINDOW_TOKENS : most;
    most = most < p->tokens ? most : p->tokens;
    p->window_tokens = most > p->row_count ? most : p->row_count;
    p->window_count = p->source ? (p->tokens + p->window_tokens - 1) / p->window_tokens : count_windows(p, NULL);
    TCI_RETURN_IF(tci_workspace_reserve(workspace, lay_out(p, NULL), "working memory of the prediction"));
    (void)lay_out(p, workspace->block);
    if (!p->source)
        (void)count_windows(p, p->places);
    tci_pool_run(pool, predict_member, p);
    for (size_t r = 0; p->status == TC_OK && logits && r < p->row_count; r++)
        memcpy(logits + r * network->base.label_count, p->logits + r * network->head.output_width,
               network->base.label_count * sizeof *logits);
    return p->status;
}

size_t tci_lstm_network_embed_dim(const tci_network *base)
{
    const tci_lstm_network *network = (const tci_lstm_network *)base;
    return network->directions * network->hidden_dim;
}

tc_status tci_lstm_network_embed(const tci_network *base, tci_workspace *workspace, const tci_row *row,
                                 const tci_id_source *source, float *vector)
{
    tci_row long_row = {.length = source ? source->length : 0};
    prediction p = {.network = (const tci_lstm_network *)base,
                    .rows = source ? &long_row : row,
                    .row_count = 1,
                    .source = source,
                    .vector = vector};
    return predict(&p, NULL, workspace, NULL);
}

tc_status tci_lstm_network_predict(const tci_network *base, tci_pool *pool, tci_workspace *workspace,
                                   const tci_row *rows, size_t row_count, float *logits)
{
    prediction p = {.network = (const tci_lstm_network *)base, .rows = rows, .row_count = row_count};
    return predict(&p, pool, workspace, logits);
}

tc_status tci_lstm_network_predict_long(const tci_network *base, tci_pool *pool, tci_workspace *workspace,
                                        const tci_id_source *source, float *logits)
{
    tci_row row = {.length = source->length};
    prediction p = {.network = (const tci_lstm_network *)base, .rows = &row, .row_count = 1, .source = source};
    return predict(&p, pool, workspace, logits);
}
