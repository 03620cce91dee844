/* One direction of one LSTM layer: the same bits in teams, windows, by id or token, and turned round. labels: quick */
#include "support/testing.h"

#include "base/cpu.h"
#include "layer/lstm.h"
#include "support/kernels.h"

#define ROWS 4
#define TOKENS 19
#define STEPS 8
#define IDS 6
#define DIM 5
#define X_WIDTH 16
#define HIDDEN 20
#define WIDTH 32
#define GATES (4 * WIDTH)
#define TABLE ((GATES + TCI_PANEL) * (TOKENS | 1))

static const size_t lengths[ROWS] = {8, 6, 5, 0};

typedef struct problem {
    tci_lstm lstm;
    float *packed, *parameters, *embedding; /* embedding (IDS, X_WIDTH) */
    tci_row rows[ROWS];
    uint32_t ids[ROWS][STEPS];
    tci_window window;
    void *window_block;
    const tci_kernels *kernels;
} problem;

static tci_lstm_tensors tensors_in(float *block)
{
    return (tci_lstm_tensors){block, block + 4 * HIDDEN * DIM, block + 4 * HIDDEN * (DIM + HIDDEN),
                              block + 4 * HIDDEN * (DIM + HIDDEN + 1)};
}

#define PARAMETERS (4 * HIDDEN * (DIM + HIDDEN + 2))

static void pose(problem *p, const tci_kernels *kernels, bool reverse)
{
    uint32_t state = 11;
    const tci_lstm_shape shape = {.inputs = 1, .input_dim = DIM, .hidden_dim = HIDDEN, .reverse = reverse};
    p->kernels = kernels;
    p->parameters = random_block(PARAMETERS, &state);
    p->embedding = random_block(IDS * X_WIDTH, &state);
    for (size_t i = 0; i < IDS * X_WIDTH; i++)
        p->embedding[i] = i % X_WIDTH < DIM ? p->embedding[i] : 0.0f;
    p->packed = random_block(tci_lstm_packed_floats(&shape) + tci_lstm_back_floats(&shape), &state);
    for (size_t r = 0; r < ROWS; r++) {
        p->rows[r] = (tci_row){.ids = p->ids[r], .length = lengths[r], .position = (uint32_t)r};
        for (size_t t = 0; t < STEPS; t++)
            p->ids[r][t] = (uint32_t)((r * 3 + t * t) % IDS);
    }
    p->window_block = malloc(tci_window_bytes(TOKENS, STEPS));
    assert_non_null(p->window_block);
    tci_window_place(&p->window, p->window_block, TOKENS, STEPS);
    tci_window_fill(&p->window, p->rows, ROWS, 0, STEPS);
    tci_lstm_place(&p->lstm, &shape, p->packed);
    tci_lstm_place_back(&p->lstm, p->packed + tci_lstm_packed_floats(&shape));
    const tci_lstm_tensors t = tensors_in(p->parameters);
    const tci_lstm_weights weights = {
        .weight_ih = t.weight_ih, .weight_hh = t.weight_hh, .bias_ih = t.bias_ih, .bias_hh = t.bias_hh};
    tci_lstm_pack(&p->lstm, kernels, &weights, &tci_team_alone);
}

static void release(problem *p)
{
    free(p->packed);
    free(p->parameters);
    free(p->embedding);
    free(p->window_block);
}

/* All that a run and its backward write. */
typedef struct outcome {
    float x[TOKENS * X_WIDTH], table[TABLE], gates[GATES * (TOKENS | 1)], c[TOKENS * WIDTH], h[TOKENS * WIDTH];
    float state_h[ROWS * WIDTH], state_c[ROWS * WIDTH];
    float dh[ROWS * WIDTH], dc[ROWS * WIDTH], sums[GATES * (TOKENS | 1)], dx[TOKENS * X_WIDTH];
    float gradients[PARAMETERS];
    float *grouped, *member_scratch;
    tci_lstm_run run;
    tci_lstm_back back;
} outcome;

/* Rows of x: one for each distinct id, or one for each token. */
static void lay_out(const problem *p, outcome *o, bool by_id, size_t members)
{
    size_t count = by_id ? p->window.distinct_count : p->window.token_count;
    memset(o, 0, sizeof *o);
    for (size_t i = 0; i < count; i++) {
        uint32_t id = p->window.distinct[by_id ? i : p->window.index[i]];
        memcpy(o->x + i * X_WIDTH, p->embedding + id * X_WIDTH, X_WIDTH * sizeof(float));
    }
    o->run = (tci_lstm_run){.kernels = p->kernels,
                            .lstm = &p->lstm,
                            .rows = p->rows,
                            .row_count = ROWS,
                            .window = &p->window,
                            .x = {o->x, NULL},
                            .x_rows = count,
                            .x_by_id = by_id,
                            .table = o->table,
                            .save = true,
                            .gates = o->gates,
                            .gate_rows = TOKENS,
                            .c = o->c,
                            .h = o->h,
                            .state_h = o->state_h,
                            .state_c = o->state_c};
    uint32_t state = 3;
    o->grouped = random_block(tci_lstm_grouped_floats(&p->lstm), &state);
    o->member_scratch = random_block(members * tci_lstm_member_scratch(&p->lstm), &state);
    o->back = (tci_lstm_back){.run = &o->run,
                              .dh_tokens = o->h, /* any numbers do */
                              .dh_last = o->state_h,
                              .dh = o->dh,
                              .dc = o->dc,
                              .sums = o->sums,
                              .grouped = o->grouped,
                              .dx = {o->dx, NULL},
                              .member_scratch = o->member_scratch,
                              .gradients = tensors_in(o->gradients)};
}

static void run_member(void *context, const tci_team *team)
{
    outcome *o = context;
    tci_lstm_forward(&o->run, team);
    tci_lstm_backward(&o->back, team);
}

static outcome *solve(const problem *p, bool by_id, size_t members)
{
    tci_memory memory;
    tci_pool *pool = NULL;
    outcome *o = NULL;
    assert_int_equal(posix_memalign((void **)&o, 64, sizeof *o), 0);
    tci_memory_init(&memory, NULL, 0);
    assert_ok(tci_pool_create(&memory, members, &pool));
    lay_out(p, o, by_id, members);
    tci_float_environment environment = tci_float_enter();
    tci_pool_run(pool, run_member, o);
    tci_float_leave(environment);
    tci_pool_free(pool);
    return o;
}

static void forget(outcome *o)
{
    free(o->grouped);
    free(o->member_scratch);
    free(o);
}

static void for_each_table_and_direction(void (*check)(const problem *))
{
    const tci_kernels *tables[KERNEL_TABLES];
    size_t table_count = kernel_tables(tables);
    for (size_t i = 0; i < 2 * table_count; i++) {
        problem p;
        pose(&p, tables[i / 2], i % 2 != 0);
        check(&p);
        release(&p);
    }
}

static void check_teams(const problem *p)
{
    outcome *one = solve(p, true, 1);
    for (size_t members = 2; members <= 4; members++) { /* of two groups of units */
        outcome *many = solve(p, true, members);
        assert_memory_equal(many->h, one->h, sizeof one->h);
        assert_memory_equal(many->dx, one->dx, sizeof one->dx);
        assert_memory_equal(many->gradients, one->gradients, sizeof one->gradients);
        forget(many);
    }
    forget(one);
}

static void teams_of_any_size_give_the_same_bits(void **state)
{
    (void)state;
    for_each_table_and_direction(check_teams);
}

static void check_by_id(const problem *p)
{
    outcome *ids = solve(p, true, 1), *tokens = solve(p, false, 1);
    assert_memory_equal(ids->h, tokens->h, sizeof ids->h);
    assert_memory_equal(ids->state_h, tokens->state_h, sizeof ids->state_h);
    assert_all_close(ids->gradients, tokens->gradients, PARAMETERS, 1e-5);
    for (size_t i = 0; i < p->window.distinct_count; i++) { /* dx of an id: that of its tokens, summed */
        float sum[X_WIDTH] = {0};
        for (size_t token = 0; token < TOKENS; token++) {
            for (size_t k = 0; p->window.index[token] == i && k < X_WIDTH; k++)
                sum[k] += tokens->dx[token * X_WIDTH + k];
        }
        assert_all_close(ids->dx + i * X_WIDTH, sum, X_WIDTH, 1e-5);
    }
    forget(ids);
    forget(tokens);
}

static void one_row_for_each_id_is_as_good_as_one_for_each_token(void **state)
{
    (void)state;
    for_each_table_and_direction(check_by_id);
}

static void backwards_is_forwards_over_the_text_turned_round(void **state)
{
    const tci_kernels *tables[KERNEL_TABLES];
    size_t table_count = kernel_tables(tables);
    (void)state;
    for (size_t i = 0; i < table_count; i++) {
        problem forward, backward;
        pose(&forward, tables[i], false);
        pose(&backward, tables[i], true);
        for (size_t r = 0; r < ROWS; r++) {
            for (size_t t = 0; t < lengths[r]; t++)
                backward.ids[r][t] = forward.ids[r][lengths[r] - 1 - t];
        }
        tci_window_fill(&backward.window, backward.rows, ROWS, 0, STEPS);
        outcome *one = solve(&forward, false, 1), *other = solve(&backward, false, 1);
        assert_memory_equal(one->state_h, other->state_h, 3 * WIDTH * sizeof(float));
        for (size_t r = 0; r < ROWS; r++) {
            for (size_t t = 0; t < lengths[r]; t++) {
                const float *h = one->h + (forward.window.step_start[t] + r) * WIDTH;
                const float *turned = other->h + (backward.window.step_start[lengths[r] - 1 - t] + r) * WIDTH;
                assert_memory_equal(h, turned, WIDTH * sizeof(float));
            }
        }
        assert_all_close(one->gradients, other->gradients, PARAMETERS, 1e-5);
        forget(one);
        forget(other);
        release(&forward);
        release(&backward);
    }
}

/* Windows of `steps` steps, in the direction's order, unsaved. */
static void check_windows(const problem *p)
{
    outcome *whole = solve(p, true, 1);
    for (size_t steps = 1; steps < STEPS; steps++) {
        outcome *o = NULL;
        problem part = *p;
        bool reverse = p->lstm.shape.reverse;
        assert_int_equal(posix_memalign((void **)&o, 64, sizeof *o), 0);
        part.window_block = malloc(tci_window_bytes(TOKENS, STEPS));
        assert_non_null(part.window_block);
        tci_window_place(&part.window, part.window_block, TOKENS, STEPS);
        float states[2][ROWS * WIDTH];
        memset(states, 0x55, sizeof states); /* a state counts from the window in which its row begins */
        for (size_t i = 0; i < STEPS; i += steps) {
            size_t first = reverse ? (STEPS - 1 - i) / steps * steps : i;
            tci_window_fill(&part.window, part.rows, ROWS, first, STEPS - first < steps ? STEPS - first : steps);
            lay_out(&part, o, true, 1);
            o->run.save = false;
            o->run.state_h = states[0];
            o->run.state_c = states[1];
            tci_float_environment environment = tci_float_enter();
            tci_lstm_forward(&o->run, &tci_team_alone);
            tci_float_leave(environment);
            assert_memory_equal(o->h, whole->h + p->window.step_start[first] * WIDTH,
                                part.window.token_count * WIDTH * sizeof(float));
            free(o->grouped);
            free(o->member_scratch);
        }
        assert_memory_equal(states[0], whole->state_h, 3 * WIDTH * sizeof(float));
        free(part.window_block);
        free(o);
    }
    forget(whole);
}

static void states_go_from_window_to_window_bit_by_bit(void **state)
{
    (void)state;
    for_each_table_and_direction(check_windows);
}

static void units_that_are_not_there_stay_zero(void **state)
{
    const tci_kernels *tables[KERNEL_TABLES];
    (void)state;
    (void)kernel_tables(tables);
    problem p;
    pose(&p, tables[0], false);
    outcome *o = solve(&p, true, 2);
    for (size_t token = 0; token < TOKENS; token++) {
        for (size_t unit = HIDDEN; unit < WIDTH; unit++)
            assert_true(o->h[token * WIDTH + unit] == 0.0f);
    }
    forget(o);
    release(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(teams_of_any_size_give_the_same_bits),
        cmocka_unit_test(one_row_for_each_id_is_as_good_as_one_for_each_token),
        cmocka_unit_test(backwards_is_forwards_over_the_text_turned_round),
        cmocka_unit_test(states_go_from_window_to_window_bit_by_bit),
        cmocka_unit_test(units_that_are_not_there_stay_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
