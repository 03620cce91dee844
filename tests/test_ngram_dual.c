/* labels: quick threads
 * Dual coordinate descent ends where its problem is solved: weights are what the slack of every text asks for, by the
 * formulas of ngram_dual.h, written down again here in doubles. */
#include "support/testing.h"

#include <math.h>

#include "model/ngram_dual_internal.h"
#include "support/ngram_fixture.h"
#include "support/tiny_model.h"

#define TEXTS NGRAM_TEXTS
#define LABELS NGRAM_LABELS
#define BUCKETS NGRAM_BUCKETS
#define B2 (0.1 * 0.1)

typedef struct problem {
    tc_model *model;
    tc_examples *examples;
    tci_dual *dual;
    tci_memory memory;
    size_t columns;
} problem;

static tc_model *make_model(const char *task, const char *const *label_names, size_t label_count)
{
    tci_options options;
    tc_model *model = NULL;
    tci_pipeline *pipeline = NULL;
    test_ngram_parts(task, "65536", &options, &pipeline);
    assert_ok(tci_model_build(NULL, NULL, &options, pipeline, NULL, label_names, label_count, &model));
    model->network->architecture->initialize(model->network, 1);
    return model;
}

static void begin(problem *p, const char *task, size_t label_count, const float *class_weights)
{
    tci_memory_init(&p->memory, NULL, 0);
    p->model = make_model(task, ngram_names, label_count);
    assert_ok(tci_examples_create(p->model, &p->examples));
    ngram_add_texts(p->examples, p->model);
    assert_ok(tci_dual_create((tci_ngram_network *)p->model->network, &p->memory, NULL, p->model->options.task,
                              class_weights, false, &p->dual));
    p->columns = ((tci_ngram_network *)p->model->network)->columns;
}

static void end(problem *p)
{
    tci_dual_free(p->dual);
    tci_examples_release(p->examples);
    tci_model_release(p->model);
    assert_int_equal(atomic_load(&p->memory.used), 0);
}

static void train(problem *p, size_t passes)
{
    size_t rows[TEXTS];
    double loss = 0, weight = 0;
    for (size_t i = 0; i < TEXTS; i++)
        rows[i] = i;
    assert_ok(tci_dual_count(p->dual, p->examples, NULL, 0));
    for (size_t pass = 0; pass < passes; pass++) {
        for (size_t i = 0; i < TEXTS; i++) /* one at a time: every text sees the ones before */
            assert_ok(tci_dual_step(p->dual, p->examples, rows + i, 1, &loss, &weight));
    }
}

/* The problem in doubles, dense over the buckets. */
static double x[TEXTS][BUCKETS], scale2[BUCKETS][LABELS], w[BUCKETS][LABELS], bias[LABELS];
static float targets[TEXTS][LABELS];

/* Whether the label of a column holds for a text. */
static bool holds(const problem *p, size_t i, size_t c)
{
    return targets[i][p->columns == 1 && p->model->label_count == 2 ? 1 : c] > 0;
}

static void state_scales(const problem *p, bool regress)
{
    double mass = 0, label_mass[LABELS] = {0};
    for (size_t i = 0; i < TEXTS; i++) {
        for (size_t f = 0; f < BUCKETS; f++) {
            mass += x[i][f] > 0;
            for (size_t c = 0; c < p->columns; c++)
                label_mass[c] += x[i][f] > 0 && holds(p, i, c);
        }
    }
    for (size_t f = 0; f < BUCKETS; f++) {
        for (size_t c = 0; c < p->columns; c++) {
            double df = 0, with = 0, pi = label_mass[c] / mass;
            for (size_t i = 0; i < TEXTS; i++) {
                df += x[i][f] > 0;
                with += x[i][f] > 0 && holds(p, i, c);
            }
            double r = fabs(log(((with + pi) / pi) / ((df - with + 1 - pi) / (1 - pi))));
            double s = regress ? 1 : r + 0.5;
            scale2[f][c] = s * s * (1 + log((TEXTS + 1) / (df + 1)));
        }
    }
}

static void read_weights(const problem *p)
{
    const tci_ngram_network *network = (const tci_ngram_network *)p->model->network;
    const float *from = tci_parameters_read(&network->base.parameters, TCI_NGRAM_WEIGHT);
    const float *from_bias = tci_parameters_read(&network->base.parameters, TCI_NGRAM_BIAS);
    memset(w, 0, sizeof w);
    for (uint32_t f = 0; f < BUCKETS; f++) {
        uint32_t rank = tci_index_set_rank(&network->set, f);
        for (size_t c = 0; rank != TCI_INDEX_SET_NONE && c < p->columns; c++)
            w[f][c] = (double)from[rank * p->columns + c];
    }
    for (size_t c = 0; c < p->columns; c++)
        bias[c] = (double)from_bias[c];
}

static double margin(size_t i, size_t c)
{
    double z = bias[c];
    for (size_t f = 0; f < BUCKETS; f++)
        z += x[i][f] * w[f][c];
    return z;
}

static double mean_square(const problem *p)
{
    double total = 0;
    for (size_t i = 0; i < TEXTS; i++) {
        for (size_t c = 0; c < p->columns; c++) {
            total += B2;
            for (size_t f = 0; f < BUCKETS; f++)
                total += x[i][f] * x[i][f] * scale2[f][c];
        }
    }
    return total / (double)(TEXTS * p->columns);
}

/* w = Σ y·alpha·x·s² with alpha = 2·C·slack: the conditions of the optimum (Karush, Kuhn, Tucker). */
static void assert_solved(const problem *p, const float *class_weights)
{
    bool regress = p->model->options.task == TCI_TASK_REGRESS, classify = p->model->options.task == TCI_TASK_CLASSIFY;
    ngram_features(p->examples, p->model->label_count, x, targets);
    state_scales(p, regress);
    read_weights(p);
    double cost = 1 / mean_square(p), largest = 0;
    for (size_t c = 0; c < p->columns; c++) {
        static double wanted[BUCKETS];
        double wanted_bias = 0;
        memset(wanted, 0, sizeof wanted);
        for (size_t i = 0; i < TEXTS; i++) {
            double y = holds(p, i, c) ? 1 : -1, own = cost * (i == 4 ? 0.5 : 1), z = margin(i, c);
            if (classify && p->columns > 1 && y > 0)
                own *= 10;
            if (class_weights)
                own *= (double)class_weights[p->examples->classes[i]];
            double slack = regress ? (double)targets[i][c] - z : y * fmax(0, 1 - y * z);
            for (size_t f = 0; f < BUCKETS; f++)
                wanted[f] += 2 * own * slack * x[i][f] * scale2[f][c];
            wanted_bias += 2 * own * slack * B2;
        }
        for (size_t f = 0; f < BUCKETS; f++) {
            assert_close(w[f][c], wanted[f], 2e-3);
            largest = fmax(largest, fabs(w[f][c]));
        }
        assert_close(bias[c], wanted_bias, 2e-3);
    }
    assert_true(largest > 0.2);
}

/* Trained one text at a time. */
static void check_task(const char *task, size_t label_count, const float *class_weights)
{
    problem p;
    begin(&p, task, label_count, class_weights);
    assert_int_equal(p.columns, label_count == 2 ? 1 : label_count);
    train(&p, 2000);
    assert_solved(&p, class_weights);
    end(&p);
}

static void two_labels_share_a_column_that_solves_the_problem(void **state)
{
    (void)state;
    check_task("classify", 2, NULL);
}

static void several_labels_solve_one_problem_each(void **state)
{
    const float class_weights[LABELS] = {1, 3, 0.5f};
    (void)state;
    check_task("classify", LABELS, NULL);
    check_task("classify", LABELS, class_weights);
}

static void multilabel_and_regress_solve_theirs(void **state)
{
    (void)state;
    check_task("multilabel", LABELS, NULL);
    check_task("regress", LABELS, NULL);
}

static void texts_that_are_alike_do_not_overshoot_together(void **state)
{
    (void)state;
    static const char *const tasks[] = {"classify", "multilabel", "regress"};
    for (size_t task = 0; task < 3; task++) {
        problem p;
        size_t rows[TEXTS];
        double loss = 0, weight = 0;
        begin(&p, tasks[task], LABELS, NULL);
        for (size_t i = 0; i < TEXTS; i++)
            rows[i] = i;
        assert_ok(tci_dual_count(p.dual, p.examples, NULL, 0));
        for (size_t pass = 0; pass < 6000; pass++)
            assert_ok(tci_dual_step(p.dual, p.examples, rows, TEXTS, &loss, &weight));
        assert_solved(&p, NULL);
        end(&p);
    }
}

static void the_same_text_with_both_labels_gets_their_share(void **state)
{
    (void)state;
    problem p;
    size_t rows[200];
    double loss = 0, weight = 0;
    float logits[2];
    tci_scratch *scratch = NULL;
    begin(&p, "classify", 2, NULL);
    for (uint32_t i = 0; i < 200; i++) { /* of 100 texts each */
        uint32_t label = i % 2 ? i % 20 == 1 : i % 10 < 3;
        tci_truth truth = {&label, NULL, 1};
        const char *text = i % 2 ? "one thing" : "another matter";
        assert_ok(tci_examples_add(p.examples, text, strlen(text), &truth, 1));
        rows[i] = TEXTS + (i * 77) % 200;
    }
    assert_ok(tci_dual_count(p.dual, p.examples, rows, 200));
    for (size_t pass = 0; pass < 30; pass++)
        assert_ok(tci_dual_step(p.dual, p.examples, rows, 200, &loss, &weight));
    assert_ok(tci_scratch_create(p.model, 1, &scratch));
    assert_ok(tci_model_predict_text(p.model, scratch, "one thing", 9, logits));
    assert_close(1 / (1 + exp((double)(logits[0] - logits[1]))), 0.1, 0.1);
    assert_ok(tci_model_predict_text(p.model, scratch, "another matter", 14, logits));
    assert_close(1 / (1 + exp((double)(logits[0] - logits[1]))), 0.4, 0.1);
    tci_scratch_free(scratch);
    end(&p);
}

static void weights_near_nothing_and_targets_near_infinity_do_no_harm(void **state)
{
    (void)state;
    problem p;
    size_t rows[2] = {TEXTS, TEXTS + 1};
    double loss = 0, weight = 0;
    begin(&p, "classify", LABELS, NULL);
    tci_truth truth = {ngram_labels, NULL, 1};
    assert_ok(tci_examples_add(p.examples, "faint", 5, &truth, 1e-45f));
    assert_ok(tci_examples_add(p.examples, "loud", 4, &truth, 3e38f));
    assert_ok(tci_dual_count(p.dual, p.examples, NULL, 0));
    for (size_t pass = 0; pass < 3; pass++)
        assert_ok(tci_dual_step(p.dual, p.examples, rows, 2, &loss, &weight));
    read_weights(&p);
    for (size_t f = 0; f < BUCKETS; f++)
        assert_true(isfinite(w[f][0]) && isfinite(w[f][1]));
    end(&p);
    begin(&p, "regress", LABELS, NULL);
    const float far[LABELS] = {0, -2e18f, 0};
    truth = (tci_truth){NULL, far, LABELS};
    assert_ok(tci_examples_add(p.examples, "far", 3, &truth, 1));
    assert_int_equal(tci_dual_count(p.dual, p.examples, NULL, 0), TC_ERROR_NUMERIC);
    assert_contains(tc_last_error(), "row 12");
    end(&p);
}

static void a_block_is_computed_from_the_weights_before_it(void **state)
{
    (void)state;
    problem one, twice;
    size_t rows[2] = {0, 3}, changed[2] = {3, 0};
    double loss = 0, weight = 0;
    begin(&one, "classify", 2, NULL);
    begin(&twice, "classify", 2, NULL);
    assert_ok(tci_dual_count(one.dual, one.examples, NULL, 0));
    assert_ok(tci_dual_count(twice.dual, twice.examples, NULL, 0));
    assert_ok(tci_dual_step(one.dual, one.examples, rows, 2, &loss, &weight));
    assert_close(loss, 2, 1e-6); /* of margins of zero */
    assert_close(weight, 2, 1e-6);
    assert_ok(tci_dual_step(twice.dual, twice.examples, changed, 2, &loss, &weight));
    read_weights(&one);
    double before = w[TCI_FEATURE_BUCKET(tci_examples_row(one.examples, 0).ids[0])][0];
    read_weights(&twice);
    assert_close(w[TCI_FEATURE_BUCKET(tci_examples_row(one.examples, 0).ids[0])][0], before, 1e-6);
    end(&one);
    end(&twice);
}

#define MANY 260 /* labels: more than share ranges of features */

/* The weights, biases and calibration of a model of so many labels after three passes; returns how many floats. */
static size_t train_with(size_t threads, size_t label_count, const char *task, float *values)
{
    char text[64], label_texts[MANY][24];
    const char *many[MANY] = {NULL};
    tci_memory memory;
    tci_pool *pool = NULL;
    tci_dual *dual = NULL;
    tc_examples *examples = NULL;
    size_t rows[70];
    double loss = 0, weight = 0;
    for (size_t i = 0; i < label_count; i++) {
        (void)snprintf(label_texts[i], sizeof label_texts[i], "l%zu", i);
        many[i] = label_texts[i];
    }
    tc_model *model = make_model(task, many, label_count);
    tci_memory_init(&memory, NULL, 0);
    assert_ok(tci_pool_create(&memory, threads, &pool));
    assert_ok(tci_examples_create(model, &examples));
    for (uint32_t i = 0; i < 70; i++) {
        const uint32_t label = i * i % (uint32_t)label_count;
        tci_truth truth = {&label, NULL, 1};
        (void)snprintf(text, sizeof text, "%s %s", ngram_texts[i % TEXTS], ngram_texts[i * 5 % 11]);
        assert_ok(tci_examples_add(examples, text, strlen(text), &truth, 1));
        rows[i] = (i * 11 + 1) % 70;
    }
    assert_ok(
        tci_dual_create((tci_ngram_network *)model->network, &memory, pool, model->options.task, NULL, false, &dual));
    dual->alone_below = 0;
    assert_ok(tci_dual_count(dual, examples, NULL, 0));
    for (size_t pass = 0; pass < 3; pass++)
        assert_ok(tci_dual_step(dual, examples, rows, 70, &loss, &weight));
    size_t size = model->network->parameters.size;
    memcpy(values, model->network->parameters.values, size * sizeof *values);
    tci_dual_free(dual);
    tci_pool_free(pool);
    tci_examples_release(examples);
    tci_model_release(model);
    return size;
}

static void any_number_of_threads_gives_the_same_weights(void **state)
{
    static float one[4096 * MANY], other[4096 * MANY];
    const struct {
        size_t labels;
        const char *task;
    } cases[] = {{2, "classify"}, {3, "classify"}, {20, "multilabel"}, {MANY, "classify"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t size = train_with(1, cases[i].labels, cases[i].task, one), used = 0;
        for (size_t k = 0; k < size; k++)
            used += one[k] != 0;
        assert_true(used > 200 && size <= 4096 * MANY);
        for (size_t threads = 2; threads <= 11; threads += 3) {
            assert_int_equal(train_with(threads, cases[i].labels, cases[i].task, other), size);
            assert_memory_equal(one, other, size * sizeof *one);
        }
    }
}

static void counted_examples_live_as_long_as_the_trainer(void **state)
{
    (void)state;
    problem p;
    size_t rows[TEXTS];
    double loss = 0, weight = 0;
    tc_examples *more = NULL;
    begin(&p, "classify", LABELS, NULL);
    assert_ok(tci_examples_create(p.model, &more));
    for (size_t i = 0; i < TEXTS; i++) {
        tci_truth truth = {&ngram_labels[i], NULL, 1};
        assert_ok(tci_examples_add(more, ngram_texts[i], strlen(ngram_texts[i]), &truth, 1));
        rows[i] = i;
    }
    assert_ok(tci_dual_count(p.dual, p.examples, NULL, 0));
    assert_ok(tci_dual_count(p.dual, more, NULL, 0));
    assert_ok(tci_dual_step(p.dual, more, rows, TEXTS, &loss, &weight));
    tci_examples_release(more); /* the host's part; calibration looks at its labels again */
    for (size_t pass = 0; pass < 4; pass++)
        assert_ok(tci_dual_step(p.dual, p.examples, rows, TEXTS, &loss, &weight));
    end(&p);
}

static void only_the_rows_named_are_counted(void **state)
{
    (void)state;
    problem p;
    const size_t rows[] = {0, 3}; /* "good film", "bad film" */
    begin(&p, "classify", 2, NULL);
    assert_ok(tci_dual_count(p.dual, p.examples, rows, 2));
    assert_ok(tci_dual_start(p.dual, NULL));
    const tci_index_set *set = tci_model_features(p.model);
    size_t found = 0;
    for (uint32_t f = 0; f < BUCKETS; f++) {
        bool there = false;
        for (size_t r = 0; r < 2; r++) {
            tci_row row = tci_examples_row(p.examples, rows[r]);
            for (size_t k = 0; k < row.length; k++)
                there = there || TCI_FEATURE_BUCKET(row.ids[k]) == f;
        }
        assert_int_equal(tci_index_set_has(set, f), there);
        found += there;
    }
    assert_true(found > 20 && set->count == found);
    end(&p);
}

static void what_was_not_counted_is_refused(void **state)
{
    (void)state;
    problem p;
    size_t row = 0, last = TEXTS;
    double loss = 0, weight = 0;
    begin(&p, "classify", LABELS, NULL);
    assert_int_equal(tci_dual_step(p.dual, p.examples, &row, 1, &loss, &weight), TC_ERROR_STATE);
    assert_contains(tc_last_error(), "tc_trainer_count");
    assert_ok(tci_dual_count(p.dual, p.examples, NULL, 0));
    assert_int_equal(tci_dual_count(p.dual, p.examples, NULL, 0), TC_ERROR_STATE);
    tci_truth truth = {ngram_labels, NULL, 1};
    assert_ok(tci_examples_add(p.examples, "late", 4, &truth, 1));
    assert_int_equal(tci_dual_step(p.dual, p.examples, &last, 1, &loss, &weight), TC_ERROR_STATE);
    assert_ok(tci_dual_step(p.dual, p.examples, &row, 1, &loss, &weight));
    tc_examples *more = NULL;
    assert_ok(tci_examples_create(p.model, &more));
    assert_int_equal(tci_dual_count(p.dual, more, NULL, 0), TC_ERROR_STATE);
    tci_examples_release(more);
    end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_labels_share_a_column_that_solves_the_problem),
        cmocka_unit_test(several_labels_solve_one_problem_each),
        cmocka_unit_test(multilabel_and_regress_solve_theirs),
        cmocka_unit_test(texts_that_are_alike_do_not_overshoot_together),
        cmocka_unit_test(the_same_text_with_both_labels_gets_their_share),
        cmocka_unit_test(weights_near_nothing_and_targets_near_infinity_do_no_harm),
        cmocka_unit_test(a_block_is_computed_from_the_weights_before_it),
        cmocka_unit_test(any_number_of_threads_gives_the_same_weights),
        cmocka_unit_test(counted_examples_live_as_long_as_the_trainer),
        cmocka_unit_test(only_the_rows_named_are_counted),
        cmocka_unit_test(what_was_not_counted_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
