/* lstm.c: the LSTM recurrence over ragged rows and its gradient; equations and layout in lstm.h.
 *
 * Forward, per member of the team for its own groups: the input half of all pre-activations as one product, then per
 * step h(t-1) W_hh^T on top (each pre-activation is one chain: bias, input, hidden state) and the cells, some groups at
 * a time where there are many rows, then one barrier. The groups are taken upwards and downwards by turns, so that the
 * weights that the second-level cache still holds are used first.
 * Backward, per member: per step dh = dz(t+1) W_hh for its own units, the cell's gradient in place, one barrier; then
 * the weight gradients as products over all tokens. A row without predecessor takes no part in the recurrent product,
 * so a text gives the same bits alone and in a batch. */
#include "layer/lstm_internal.h"

#include <string.h>

#define INPUT_ROWS 64 /* that are quantized at once */
#define FEW_ROWS 4
/* Groups whose products are one: of many rows twelve panels, a multiple of what any micro-kernel takes; of few, whose
 * weights are read once, what was fastest for floats and for fewer bytes. */
#define GROUPS_OF_FEW 8
#define GROUPS_OF_FEW_NARROW 2
#define GROUPS_OF_MANY 3

typedef struct span {
    size_t begin, end;
} span;

/* The groups that this member owns. */
static span own_groups(const tci_lstm *lstm, const tci_team *team)
{
    span groups;
    tci_team_share(team, lstm->groups, 1, &groups.begin, &groups.end);
    return groups;
}

static void fetch(size_t begin, size_t end, size_t rows, const float *from, size_t row, size_t panel_step)
{
#if defined(__GNUC__)
    for (size_t panel = begin; panel < end; panel++) {
        for (size_t r = 0; r < rows; r++)
            __builtin_prefetch(from + panel * panel_step + r * row);
    }
#else
    (void)begin, (void)end, (void)rows, (void)from, (void)row, (void)panel_step;
#endif
}

/* Brings what other members have just written to this core's cache: of each group that is not its own `panels` panels,
 * a line a row. All at once, as far as a core can wait for several; a product would wait for one after the other. */
static void fetch_others(size_t groups, span own, size_t panels, size_t rows, const float *from, size_t row,
                         size_t panel_step)
{
    fetch(0, own.begin * panels, rows, from, row, panel_step);
    fetch(own.end * panels, groups * panels, rows, from, row, panel_step);
}

/* A row of the table: an odd number of cache lines, so that rows do not all begin in the same set of the cache. */
static size_t table_row(const tci_lstm *lstm)
{
    return lstm->gate_width + TCI_PANEL;
}

size_t tci_lstm_gate_floats(const tci_lstm *lstm, size_t gate_rows)
{
    return lstm->gate_width / TCI_PANEL * tci_lstm_gate_block(gate_rows);
}

size_t tci_lstm_table_floats(const tci_lstm *lstm, size_t x_rows)
{
    return table_row(lstm) * (x_rows | 1);
}

size_t tci_lstm_run_scratch(const tci_lstm *lstm, size_t row_count)
{
    const tci_lstm_shape *shape = &lstm->shape;
    size_t depth = shape->input_dim > shape->hidden_dim ? shape->input_dim : shape->hidden_dim;
    size_t bytes = tci_operand_bytes(shape->element, depth, row_count > INPUT_ROWS ? row_count : INPUT_ROWS);
    return (bytes + TCI_ALIGNMENT - 1) / TCI_ALIGNMENT * TCI_ALIGNMENT;
}

static char *own_scratch(const tci_lstm_run *run, const tci_team *team)
{
    return run->scratch ? run->scratch + team->index * tci_lstm_run_scratch(run->lstm, run->row_count) : NULL;
}

/* Rows [first, first + rows) of an input matrix for the products of the input half. */
static tci_operand input_rows(const tci_lstm_run *run, size_t input, size_t first, size_t rows, char *scratch)
{
    const tci_packed *weights = &run->lstm->ih[input];
    size_t stride = TCI_PADDED(weights->depth);
    if (run->x_numbers)
        return (tci_operand){.numbers = tci_int8_row_at(run->x_numbers, first, stride * sizeof(float)),
                             .numbers_stride = stride * sizeof(float)};
    return tci_operand_prepare(weights, run->kernels, rows, run->x[input] + first * stride, stride, scratch);
}

/* The input half in the columns of the groups: bias + x W_ih^T, by id in the table, by token where the gates will be.
 * What has to be quantized for it is so in small parts. */
static void input_half(const tci_lstm_run *run, span groups, char *scratch)
{
    const tci_lstm *lstm = run->lstm;
    size_t first = groups.begin * TCI_LSTM_GATES, panels = (groups.end - groups.begin) * TCI_LSTM_GATES;
    size_t row = TCI_PANEL, block = tci_lstm_gate_block(run->gate_rows);
    float *to = run->gates + first * block;
    if (run->x_by_id) {
        row = table_row(lstm);
        block = TCI_PANEL;
        to = run->table + first * block;
    }
    size_t joined = run->x_by_id ? panels : 1; /* panels that stand side by side */
    for (size_t panel = 0; panel < panels; panel += joined) {
        for (size_t r = 0; r < run->x_rows; r++)
            memcpy(to + r * row + panel * block, lstm->bias + (first + panel) * TCI_PANEL,
                   joined * TCI_PANEL * sizeof *to);
    }
    size_t most = scratch && !run->x_numbers ? INPUT_ROWS : run->x_rows;
    for (size_t r = 0, rows; r < run->x_rows; r += rows) {
        rows = run->x_rows - r < most ? run->x_rows - r : most;
        for (size_t i = 0; i < lstm->shape.inputs; i++) {
            tci_operand x = input_rows(run, i, r, rows, scratch);
            tci_product(&lstm->ih[i], run->kernels, first, panels, rows, &x, to + r * row, row, block);
        }
    }
}

/* Rows of step t that have a state from the step before in the direction's order. */
static size_t rows_with_predecessor(const tci_lstm_run *run, size_t t)
{
    size_t step = run->window->first_step + t, live = tci_window_live(run->window, t);
    if (!run->lstm->shape.reverse)
        return step == 0 ? 0 : live;
    return t + 1 < run->window->step_count ? tci_window_live(run->window, t + 1)
                                           : tci_rows_live(run->rows, run->row_count, step + 1);
}

/* Index, within the window, of the step before t in the direction's order; SIZE_MAX when it is outside. */
static size_t step_before(const tci_lstm_run *run, size_t t)
{
    if (!run->lstm->shape.reverse)
        return t == 0 ? SIZE_MAX : t - 1;
    return t + 1 < run->window->step_count ? t + 1 : SIZE_MAX;
}

/* The states of the step before t, one row per live row: in the window's tokens, or carried from another window. */
static const float *states_before(const tci_lstm_run *run, size_t t, const float *tokens, const float *carried)
{
    size_t before = step_before(run, t);
    return before == SIZE_MAX ? carried : tokens + run->window->step_start[before] * run->lstm->hidden_width;
}

/* Where the gates of a step stand, from the group on. */
static float *gates_of(const tci_lstm_run *run, size_t t, size_t group)
{
    float *z = run->gates + group * TCI_LSTM_GATES * tci_lstm_gate_block(run->gate_rows);
    return run->save || !run->x_by_id ? z + run->window->step_start[t] * TCI_PANEL : z;
}

/* Pre-activations of some groups. `h_before`: the states of the step before, when there are some. */
static void add_up(const tci_lstm_run *run, size_t t, span groups, const tci_operand *h_before)
{
    size_t block = tci_lstm_gate_block(run->gate_rows), continued = rows_with_predecessor(run, t);
    size_t first = groups.begin * TCI_LSTM_GATES, panels = (groups.end - groups.begin) * TCI_LSTM_GATES;
    float *z = gates_of(run, t, groups.begin);
    if (run->x_by_id)
        run->kernels->gather_panels(tci_window_live(run->window, t), panels,
                                    run->window->index + run->window->step_start[t], run->table + first * TCI_PANEL,
                                    table_row(run->lstm), z, TCI_PANEL, block);
    if (continued > 0)
        tci_product(&run->lstm->hh, run->kernels, first, panels, continued, h_before, z, TCI_PANEL, block);
}

/* The cells of some groups: group after group, or, of few rows, row after row with the groups as the rows of a call, so
 * that there is always a next cell to work on beside the one whose results are waited for. */
static void activate(const tci_lstm_run *run, size_t t, span groups)
{
    size_t width = run->lstm->hidden_width, block = tci_lstm_gate_block(run->gate_rows);
    size_t token = run->window->step_start[t], live = tci_window_live(run->window, t);
    size_t continued = rows_with_predecessor(run, t);
    const float *c_before = run->save ? states_before(run, t, run->c, run->state_c) : run->state_c;
    float *c = run->save ? run->c + token * width : run->state_c, *h = run->h + token * width;
    if (live <= FEW_ROWS) {
        float *z = gates_of(run, t, groups.begin);
        for (size_t r = 0; r < live; r++, z += TCI_PANEL) {
            size_t at = r * width + groups.begin * TCI_PANEL;
            run->kernels->lstm_cell(groups.end - groups.begin, z, TCI_LSTM_GATES * block, block,
                                    r < continued ? c_before + at : NULL, c + at, h + at, TCI_PANEL);
        }
        return;
    }
    for (size_t group = groups.begin; group < groups.end; group++) {
        size_t unit = group * TCI_PANEL, fresh = unit + continued * width;
        float *z = gates_of(run, t, group);
        if (continued > 0)
            run->kernels->lstm_cell(continued, z, TCI_PANEL, block, c_before + unit, c + unit, h + unit, width);
        if (continued < live)
            run->kernels->lstm_cell(live - continued, z + continued * TCI_PANEL, TCI_PANEL, block, NULL, c + fresh,
                                    h + fresh, width);
    }
}

/* One step in the groups. Of many rows the cells of some groups follow their product, while the gates are in the cache.
 * Of few rows products go on over several groups, for enough chains at once, and the cells come last, one behind the
 * other: a cell alone is one long chain. */
static void forward_step(const tci_lstm_run *run, size_t t, span groups, const tci_operand *h_before)
{
    bool few = tci_window_live(run->window, t) <= FEW_ROWS;
    size_t count = groups.end - groups.begin, most = GROUPS_OF_MANY;
    if (few)
        most = run->lstm->hh.element == TCI_ELEMENT_F32 ? GROUPS_OF_FEW : GROUPS_OF_FEW_NARROW;
    for (size_t done = 0, some; done < count; done += some) {
        some = count - done < most ? count - done : most;
        size_t first = t % 2 ? groups.end - done - some : groups.begin + done;
        add_up(run, t, (span){first, first + some}, h_before);
        if (!few)
            activate(run, t, (span){first, first + some});
    }
    if (few)
        activate(run, t, groups);
}

/* After the window: each row's latest hidden state, for the next window and for pooling. */
static void keep_states(const tci_lstm_run *run, span groups)
{
    const tci_window *window = run->window;
    size_t width = run->lstm->hidden_width, unit = groups.begin * TCI_PANEL;
    size_t bytes = (groups.end - groups.begin) * TCI_PANEL * sizeof(float);
    for (size_t r = 0; r < tci_window_live(window, 0); r++) {
        size_t steps = run->rows[r].length - window->first_step;
        size_t last = run->lstm->shape.reverse ? 0 : (steps < window->step_count ? steps : window->step_count) - 1;
        memcpy(run->state_h + r * width + unit, run->h + (window->step_start[last] + r) * width + unit, bytes);
    }
}

void tci_lstm_forward(const tci_lstm_run *run, const tci_team *team)
{
    span groups = own_groups(run->lstm, team);
    size_t steps = run->window->step_count;
    char *scratch = own_scratch(run, team);
    if (steps == 0)
        return;
    input_half(run, groups, scratch);
    for (size_t i = 0; i < steps; i++) {
        size_t t = run->lstm->shape.reverse ? steps - 1 - i : i, continued = rows_with_predecessor(run, t);
        tci_operand h = {0};
        if (continued > 0 && groups.begin < groups.end) {
            const float *before = states_before(run, t, run->h, run->state_h);
            fetch_others(run->lstm->groups, groups, 1, continued, before, run->lstm->hidden_width, TCI_PANEL);
            h = tci_operand_prepare(&run->lstm->hh, run->kernels, continued, before, run->lstm->hidden_width, scratch);
        }
        forward_step(run, t, groups, &h);
        if (i + 1 < steps || i == 0) /* the first step reads the states that are kept below */
            tci_team_wait(team);
    }
    keep_states(run, groups);
    tci_team_wait(team);
}

size_t tci_lstm_grouped_floats(const tci_lstm *lstm)
{
    const tci_lstm_shape *shape = &lstm->shape;
    return lstm->gate_width * (1 + shape->hidden_dim + shape->inputs * shape->input_dim);
}

size_t tci_lstm_member_scratch(const tci_lstm *lstm)
{
    size_t panels = lstm->gate_width / TCI_PANEL;
    size_t hidden = tci_gemm_transposed_scratch(lstm->shape.hidden_dim, panels);
    size_t input = tci_gemm_transposed_scratch(lstm->shape.input_dim, panels);
    return TCI_PADDED(hidden > input ? hidden : input);
}

/* dh of step t in the units of the groups: what the later step passes back, then the gradients from outside. */
static void gather_dh(const tci_lstm_back *back, size_t t, size_t successors, span groups)
{
    const tci_lstm_run *run = back->run;
    const tci_lstm *lstm = run->lstm;
    size_t width = lstm->hidden_width, unit = groups.begin * TCI_PANEL, units = (groups.end - groups.begin) * TCI_PANEL;
    size_t token = run->window->step_start[t], live = tci_window_live(run->window, t);
    size_t later = lstm->shape.reverse ? t - 1 : t + 1, block = tci_lstm_gate_block(run->gate_rows);
    const float *later_gates = run->gates + (successors > 0 ? run->window->step_start[later] * TCI_PANEL : 0);
    fetch_others(lstm->groups, groups, TCI_LSTM_GATES, successors, later_gates, TCI_PANEL, block);
    for (size_t r = 0; r < live; r++) {
        float *dh = back->dh + r * width + unit;
        const float *last = r < successors ? NULL : back->dh_last;
        const float *start = last ? last + r * width + unit : NULL;
        if (back->dh_tokens)
            start = back->dh_tokens + (token + r) * width + unit;
        if (start)
            memcpy(dh, start, units * sizeof *dh);
        else
            memset(dh, 0, units * sizeof *dh);
        if (back->dh_tokens && last)
            run->kernels->add(units, last + r * width + unit, dh);
        if (r >= successors)
            memset(back->dc + r * width + unit, 0, units * sizeof *dh);
    }
    if (successors > 0)
        run->kernels->gemm(successors, groups.end - groups.begin, lstm->gate_width, later_gates, TCI_PANEL, block,
                           lstm->hh_back + unit * lstm->gate_width, back->dh + unit, width, TCI_PANEL);
}

static void backward_step(const tci_lstm_back *back, size_t t, span groups)
{
    const tci_lstm_run *run = back->run;
    const tci_lstm *lstm = run->lstm;
    size_t width = lstm->hidden_width, block = tci_lstm_gate_block(run->gate_rows);
    size_t token = run->window->step_start[t], live = tci_window_live(run->window, t);
    size_t continued = rows_with_predecessor(run, t), successors = 0;
    if (lstm->shape.reverse)
        successors = t > 0 ? live : 0;
    else if (t + 1 < run->window->step_count)
        successors = tci_window_live(run->window, t + 1);
    gather_dh(back, t, successors, groups);
    for (size_t group = groups.begin; group < groups.end; group++) {
        size_t unit = group * TCI_PANEL;
        float *gates = run->gates + group * TCI_LSTM_GATES * block + token * TCI_PANEL;
        const float *c = run->c + token * width + unit;
        if (continued > 0)
            run->kernels->lstm_cell_backward(continued, gates, TCI_PANEL, block,
                                             states_before(run, t, run->c, NULL) + unit, c, back->dh + unit,
                                             back->dc + unit, width);
        if (continued < live)
            run->kernels->lstm_cell_backward(live - continued, gates + continued * TCI_PANEL, TCI_PANEL, block, NULL,
                                             c + continued * width, back->dh + continued * width + unit,
                                             back->dc + continued * width + unit, width);
    }
}

/* Gradients of the pre-activations per row of x, blocked: summed over the tokens of each distinct id. */
static const float *sum_by_row(const tci_lstm_back *back, span groups)
{
    const tci_lstm_run *run = back->run;
    if (!run->x_by_id)
        return run->gates;
    size_t block = tci_lstm_gate_block(run->gate_rows), sum_block = tci_lstm_gate_block(run->x_rows);
    for (size_t panel = groups.begin * TCI_LSTM_GATES; panel < groups.end * TCI_LSTM_GATES; panel++)
        run->kernels->sum_rows(run->window->token_count, run->window->index, run->gates + panel * block,
                               back->sums + panel * sum_block);
    return back->sums;
}

/* panels += h(t-1)ᵀ dz(t) over all tokens that have a predecessor. Where no text begins or ends from one step to the
 * next, states and gates go on side by side, and steps join into one product. */
static void hidden_gradient(const tci_lstm_back *back, span groups, float *panels, float *scratch)
{
    const tci_lstm_run *run = back->run;
    const tci_lstm *lstm = run->lstm;
    const uint32_t *start = run->window->step_start;
    size_t width = lstm->hidden_width, depth = lstm->shape.hidden_dim, steps = run->window->step_count;
    size_t block = tci_lstm_gate_block(run->gate_rows), first = groups.begin * TCI_LSTM_GATES;
    for (size_t t = 0, next; t < steps; t = next) {
        size_t before = step_before(run, t), count = 0;
        next = t + 1;
        if (before == SIZE_MAX)
            continue;
        count = rows_with_predecessor(run, t);
        for (; next < steps && step_before(run, next) != SIZE_MAX; next++) {
            if (start[step_before(run, next)] != start[before] + count || start[next] != start[t] + count)
                break;
            count += rows_with_predecessor(run, next);
        }
        run->kernels->gemm_transposed(depth, (groups.end - groups.begin) * TCI_LSTM_GATES, count,
                                      run->h + start[before] * width, width,
                                      run->gates + first * block + start[t] * TCI_PANEL, TCI_PANEL, block,
                                      panels + first * depth * TCI_PANEL, TCI_PANEL, depth * TCI_PANEL, scratch);
    }
}

static void weight_gradients(const tci_lstm_back *back, const float *sums, span groups, float *scratch)
{
    const tci_lstm_run *run = back->run;
    const tci_lstm *lstm = run->lstm;
    const tci_lstm_shape *shape = &lstm->shape;
    const tci_lstm_tensors *to = &back->gradients;
    size_t first = groups.begin * TCI_LSTM_GATES, count = (groups.end - groups.begin) * TCI_LSTM_GATES;
    size_t sum_block = tci_lstm_gate_block(run->x_rows), input_width = shape->inputs * shape->input_dim;
    float *bias = back->grouped, *hh = bias + lstm->gate_width, *ih = hh + lstm->gate_width * shape->hidden_dim;

    memset(bias + first * TCI_PANEL, 0, count * TCI_PANEL * sizeof *bias);
    for (size_t panel = first; panel < first + count; panel++)
        run->kernels->add_rows(run->x_rows, TCI_PANEL, sums + panel * sum_block, TCI_PANEL, bias + panel * TCI_PANEL);
    tci_lstm_ungroup(lstm, run->kernels, groups.begin, groups.end, bias, 1, to->bias_ih, 1, back->add);
    tci_lstm_ungroup(lstm, run->kernels, groups.begin, groups.end, bias, 1, to->bias_hh, 1, back->add);

    size_t panel_floats = shape->hidden_dim * TCI_PANEL;
    memset(hh + first * panel_floats, 0, count * panel_floats * sizeof *hh);
    hidden_gradient(back, groups, hh, scratch);
    tci_lstm_ungroup(lstm, run->kernels, groups.begin, groups.end, hh, shape->hidden_dim, to->weight_hh,
                     shape->hidden_dim, back->add);

    panel_floats = shape->input_dim * TCI_PANEL;
    for (size_t i = 0; i < shape->inputs; i++, ih += lstm->gate_width * shape->input_dim) {
        memset(ih + first * panel_floats, 0, count * panel_floats * sizeof *ih);
        run->kernels->gemm_transposed(shape->input_dim, count, run->x_rows, run->x[i], TCI_PADDED(shape->input_dim),
                                      sums + first * sum_block, TCI_PANEL, sum_block, ih + first * panel_floats,
                                      TCI_PANEL, panel_floats, scratch);
        tci_lstm_ungroup(lstm, run->kernels, groups.begin, groups.end, ih, shape->input_dim,
                         to->weight_ih + i * shape->input_dim, input_width, back->add);
    }
}

/* dx = sums W_ih, rows split over the team */
static void input_gradient(const tci_lstm_back *back, const float *sums, const tci_team *team)
{
    const tci_lstm_run *run = back->run;
    const tci_lstm *lstm = run->lstm;
    size_t stride = TCI_PADDED(lstm->shape.input_dim), begin = 0, end = 0;
    tci_team_share(team, run->x_rows, 1, &begin, &end);
    for (size_t i = 0; i < lstm->shape.inputs && begin < end && back->dx[i]; i++) {
        float *dx = back->dx[i] + begin * stride;
        if (!back->add_dx)
            memset(dx, 0, (end - begin) * stride * sizeof *dx);
        run->kernels->gemm(end - begin, stride / TCI_PANEL, lstm->gate_width, sums + begin * TCI_PANEL, TCI_PANEL,
                           tci_lstm_gate_block(run->x_rows), lstm->ih_back[i], dx, stride, TCI_PANEL);
    }
}

void tci_lstm_backward(const tci_lstm_back *back, const tci_team *team)
{
    const tci_lstm *lstm = back->run->lstm;
    span groups = own_groups(lstm, team);
    size_t steps = back->run->window->step_count;
    if (steps == 0)
        return;
    for (size_t i = 0; i < steps; i++) {
        backward_step(back, lstm->shape.reverse ? i : steps - 1 - i, groups);
        if (i + 1 < steps)
            tci_team_wait(team);
    }
    const float *sums = sum_by_row(back, groups);
    weight_gradients(back, sums, groups, back->member_scratch + team->index * tci_lstm_member_scratch(lstm));
    tci_team_wait(team);
    input_gradient(back, sums, team);
    tci_team_wait(team);
}
