/* lstm.c: the LSTM recurrence over ragged rows and its gradient; equations and layout in lstm.h.
 *
 * Forward, per member of the team for its own groups: the input half of all pre-activations as one product, then per step
 * h(t-1) W_hh^T on top (each pre-activation is one chain: bias, input, hidden state), the cell, one barrier.
 * Backward, per member: per step dh = dz(t+1) W_hh for its own units, the cell's gradient in place, one barrier; then the
 * weight gradients as one product each over all tokens. A row without predecessor takes no part in the recurrent
 * product, so a text gives the same bits alone and in a batch. */
#include "layer/lstm_internal.h"

#include <string.h>

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

/* table = bias + x W_ih^T in the columns of the groups */
static void input_half(const tci_lstm_run *run, span groups)
{
    const tci_lstm *lstm = run->lstm;
    size_t first = groups.begin * TCI_LSTM_GROUP, panels = (groups.end - groups.begin) * TCI_LSTM_GROUP / TCI_PANEL;
    size_t depth = lstm->shape.input_dim;
    for (size_t r = 0; r < run->x_rows; r++)
        memcpy(run->table + r * lstm->gate_width + first, lstm->bias + first, panels * TCI_PANEL * sizeof(float));
    for (size_t i = 0; i < lstm->shape.inputs; i++)
        run->kernels->gemm(run->x_rows, panels, depth, run->x[i], TCI_PADDED(depth), lstm->ih[i] + first * depth,
                           run->table + first, lstm->gate_width);
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

static void gather_input(const tci_lstm_run *run, size_t t, span groups, float *z)
{
    size_t gate_width = run->lstm->gate_width, first = groups.begin * TCI_LSTM_GROUP;
    size_t bytes = (groups.end - groups.begin) * TCI_LSTM_GROUP * sizeof(float);
    size_t token = run->window->step_start[t];
    for (size_t r = 0; r < tci_window_live(run->window, t); r++, token++) {
        size_t row = run->x_by_id ? run->window->index[token] : token;
        memcpy(z + r * gate_width + first, run->table + row * gate_width + first, bytes);
    }
}

static void forward_step(const tci_lstm_run *run, size_t t, span groups)
{
    const tci_lstm *lstm = run->lstm;
    size_t width = lstm->hidden_width, gate_width = lstm->gate_width, depth = lstm->shape.hidden_dim;
    size_t token = run->window->step_start[t], live = tci_window_live(run->window, t);
    size_t first = groups.begin * TCI_LSTM_GROUP, panels = (groups.end - groups.begin) * TCI_LSTM_GROUP / TCI_PANEL;
    size_t continued = rows_with_predecessor(run, t);
    float *z = run->save ? run->gates + token * gate_width : run->gates;
    if (run->table != run->gates)
        gather_input(run, t, groups, z);
    if (continued > 0)
        run->kernels->gemm(continued, panels, depth, states_before(run, t, run->h, run->state_h), width,
                           lstm->hh + first * depth, z + first, gate_width);
    const float *c_before = run->save ? states_before(run, t, run->c, run->state_c) : run->state_c;
    float *c = run->save ? run->c + token * width : run->state_c;
    float *h = run->h + token * width;
    for (size_t group = groups.begin; group < groups.end; group++) {
        size_t unit = group * TCI_PANEL;
        float *gates = z + group * TCI_LSTM_GROUP;
        if (continued > 0)
            run->kernels->lstm_cell(continued, gates, gate_width, c_before + unit, c + unit, h + unit, width);
        if (continued < live)
            run->kernels->lstm_cell(live - continued, gates + continued * gate_width, gate_width, NULL,
                                    c + continued * width + unit, h + continued * width + unit, width);
    }
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
    if (steps == 0)
        return;
    input_half(run, groups);
    for (size_t i = 0; i < steps; i++) {
        forward_step(run, run->lstm->shape.reverse ? steps - 1 - i : i, groups);
        tci_team_wait(team);
    }
    keep_states(run, groups);
    tci_team_wait(team);
}

size_t tci_lstm_grouped_floats(const tci_lstm *lstm)
{
    const tci_lstm_shape *shape = &lstm->shape;
    return lstm->gate_width * (1 + lstm->hidden_width + shape->inputs * TCI_PADDED(shape->input_dim));
}

size_t tci_lstm_member_scratch(const tci_lstm *lstm)
{
    size_t hidden = tci_gemm_transposed_scratch(lstm->gate_width, lstm->hidden_width / TCI_PANEL);
    size_t input = tci_gemm_transposed_scratch(lstm->gate_width, TCI_PADDED(lstm->shape.input_dim) / TCI_PANEL);
    return TCI_PADDED(hidden > input ? hidden : input);
}

/* dh of step t in the units of the groups: what the later step passes back, then the gradients from outside. */
static void gather_dh(const tci_lstm_back *back, size_t t, size_t successors, span groups)
{
    const tci_lstm_run *run = back->run;
    const tci_lstm *lstm = run->lstm;
    size_t width = lstm->hidden_width, unit = groups.begin * TCI_PANEL, units = (groups.end - groups.begin) * TCI_PANEL;
    size_t token = run->window->step_start[t], live = tci_window_live(run->window, t);
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
    if (successors > 0) {
        size_t later = lstm->shape.reverse ? t - 1 : t + 1;
        run->kernels->gemm(successors, groups.end - groups.begin, lstm->gate_width,
                           run->gates + run->window->step_start[later] * lstm->gate_width, lstm->gate_width,
                           lstm->hh_back + unit * lstm->gate_width, back->dh + unit, width);
    }
}

static void backward_step(const tci_lstm_back *back, size_t t, span groups)
{
    const tci_lstm_run *run = back->run;
    const tci_lstm *lstm = run->lstm;
    size_t width = lstm->hidden_width, gate_width = lstm->gate_width;
    size_t token = run->window->step_start[t], live = tci_window_live(run->window, t);
    size_t continued = rows_with_predecessor(run, t), successors = 0;
    if (lstm->shape.reverse)
        successors = t > 0 ? live : 0;
    else if (t + 1 < run->window->step_count)
        successors = tci_window_live(run->window, t + 1);
    gather_dh(back, t, successors, groups);
    for (size_t group = groups.begin; group < groups.end; group++) {
        size_t unit = group * TCI_PANEL;
        float *gates = run->gates + token * gate_width + group * TCI_LSTM_GROUP;
        const float *c = run->c + token * width + unit;
        if (continued > 0)
            run->kernels->lstm_cell_backward(continued, gates, gate_width, states_before(run, t, run->c, NULL) + unit,
                                             c, back->dh + unit, back->dc + unit, width);
        if (continued < live)
            run->kernels->lstm_cell_backward(live - continued, gates + continued * gate_width, gate_width, NULL,
                                             c + continued * width, back->dh + continued * width + unit,
                                             back->dc + continued * width + unit, width);
    }
}

/* h(t-1) beside each token, zeros where a text begins, so that the weight gradient is one product over all tokens. */
static void align_previous(const tci_lstm_back *back, const tci_team *team)
{
    const tci_lstm_run *run = back->run;
    size_t width = run->lstm->hidden_width, begin = 0, end = 0;
    tci_team_share(team, run->window->step_count, 1, &begin, &end);
    for (size_t t = begin; t < end; t++) {
        size_t continued = rows_with_predecessor(run, t), live = tci_window_live(run->window, t);
        float *previous = back->h_previous + run->window->step_start[t] * width;
        if (continued > 0)
            memcpy(previous, states_before(run, t, run->h, NULL), continued * width * sizeof *previous);
        memset(previous + continued * width, 0, (live - continued) * width * sizeof *previous);
    }
}

/* Gradients of the pre-activations per row of x: summed over the tokens of each distinct id. */
static const float *sum_by_row(const tci_lstm_back *back, span groups)
{
    const tci_lstm_run *run = back->run;
    if (!run->x_by_id)
        return run->gates;
    size_t gate_width = run->lstm->gate_width, first = groups.begin * TCI_LSTM_GROUP;
    size_t columns = (groups.end - groups.begin) * TCI_LSTM_GROUP;
    size_t seen = 0; /* ids are numbered in order of appearance: number `seen` appears now for the first time */
    for (size_t token = 0; token < run->window->token_count; token++) {
        size_t row = run->window->index[token];
        const float *src = run->gates + token * gate_width + first;
        float *dst = back->sums + row * gate_width + first;
        if (row == seen) {
            memcpy(dst, src, columns * sizeof *dst);
            seen++;
        } else {
            run->kernels->add(columns, src, dst);
        }
    }
    return back->sums;
}

static void weight_gradients(const tci_lstm_back *back, const float *sums, span groups, float *scratch)
{
    const tci_lstm_run *run = back->run;
    const tci_lstm *lstm = run->lstm;
    const tci_lstm_shape *shape = &lstm->shape;
    size_t gate_width = lstm->gate_width, width = lstm->hidden_width, input_stride = TCI_PADDED(shape->input_dim);
    size_t first = groups.begin * TCI_LSTM_GROUP, columns = (groups.end - groups.begin) * TCI_LSTM_GROUP;
    float *bias = back->grouped, *hh = bias + gate_width, *ih = hh + gate_width * width;

    memset(bias + first, 0, columns * sizeof *bias);
    run->kernels->add_rows(run->x_rows, columns, sums + first, gate_width, bias + first);
    tci_lstm_ungroup(lstm, groups.begin, groups.end, bias, 1, 1, back->gradients.bias_ih, 1);
    tci_lstm_ungroup(lstm, groups.begin, groups.end, bias, 1, 1, back->gradients.bias_hh, 1);

    memset(hh + first * width, 0, columns * width * sizeof *hh);
    run->kernels->gemm_transposed(columns, width / TCI_PANEL, run->window->token_count, run->gates + first, gate_width,
                                  back->h_previous, width, hh + first * width, width, scratch);
    tci_lstm_ungroup(lstm, groups.begin, groups.end, hh, width, shape->hidden_dim, back->gradients.weight_hh,
                     shape->hidden_dim);

    for (size_t i = 0; i < shape->inputs; i++, ih += gate_width * input_stride) {
        memset(ih + first * input_stride, 0, columns * input_stride * sizeof *ih);
        run->kernels->gemm_transposed(columns, input_stride / TCI_PANEL, run->x_rows, sums + first, gate_width,
                                      run->x[i], input_stride, ih + first * input_stride, input_stride, scratch);
        tci_lstm_ungroup(lstm, groups.begin, groups.end, ih, input_stride, shape->input_dim,
                         back->gradients.weight_ih + i * shape->input_dim, shape->inputs * shape->input_dim);
    }
}

/* dx = sums W_ih, rows split over the team */
static void input_gradient(const tci_lstm_back *back, const float *sums, const tci_team *team)
{
    const tci_lstm_run *run = back->run;
    const tci_lstm *lstm = run->lstm;
    size_t stride = TCI_PADDED(lstm->shape.input_dim), begin = 0, end = 0;
    tci_team_share(team, run->x_rows, 1, &begin, &end);
    for (size_t i = 0; i < lstm->shape.inputs && begin < end; i++) {
        float *dx = back->dx[i] + begin * stride;
        if (!back->add_dx)
            memset(dx, 0, (end - begin) * stride * sizeof *dx);
        run->kernels->gemm(end - begin, stride / TCI_PANEL, lstm->gate_width, sums + begin * lstm->gate_width,
                           lstm->gate_width, lstm->ih_back[i], dx, stride);
    }
}

void tci_lstm_backward(const tci_lstm_back *back, const tci_team *team)
{
    const tci_lstm *lstm = back->run->lstm;
    span groups = own_groups(lstm, team);
    size_t steps = back->run->window->step_count;
    if (steps == 0)
        return;
    align_previous(back, team);
    for (size_t i = 0; i < steps; i++) {
        backward_step(back, lstm->shape.reverse ? i : steps - 1 - i, groups);
        tci_team_wait(team);
    }
    const float *sums = sum_by_row(back, groups);
    weight_gradients(back, sums, groups, back->member_scratch + team->index * tci_lstm_member_scratch(lstm));
    tci_team_wait(team);
    input_gradient(back, sums, team);
    tci_team_wait(team);
}
