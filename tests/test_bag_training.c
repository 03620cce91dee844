/* labels: quick threads
 * bag_training.c, bag_step.c: a step moves weights down the gradient of its loss, which finite differences of the
 * formulas in doubles tell; any number of threads has the same bits; what fails has changed nothing. */
#include "support/testing.h"

#include <math.h>

#include "base/cpu.h"
#include "model/bag_training_internal.h"
#include "textclf/textclf.h"

#define LABELS 5
#define DIM 19
#define RATE 0.05

static const char *const texts[] = {"the ball of the ball",
                                    "a good plot",
                                    "the of",
                                    "good good music of a plot",
                                    "",
                                    "the music",
                                    "a dull film, badly acted",
                                    "of of of of of of of of of",
                                    "plot the"};
enum { TEXTS = sizeof texts / sizeof texts[0] };

typedef struct problem {
    tc_model *model;
    tc_examples *examples;
    tci_bag_network *network;
    tci_bag_trainer *trainer;
    tci_pool *pool;
    tci_memory memory;
} problem;

static float *values_of(const problem *p, const tci_bag_matrix *matrix)
{
    const tci_parameters *parameters = &p->network->base.parameters;
    return parameters->values + parameters->tensors[matrix->weight].offset;
}

static size_t count_of(const tci_bag_matrix *matrix)
{
    return matrix->rows * matrix->columns;
}

static void make(problem *p, const char *task, const char *head, size_t threads, const float *class_weights)
{
    static const char *const names[LABELS] = {"a", "b", "c", "d", "e"};
    const char *const settings[][2] = {{"arch", "ngram"}, {"embedding_dim", "19"}, {"word_ngrams", "2"},
                                       {"buckets", "64"}, {"task", task},          {"head", head}};
    tc_config *config = NULL;
    tc_vocab_builder *words = NULL;
    assert_ok(tc_config_create(&config));
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        assert_ok(tc_config_set(config, settings[i][0], settings[i][1]));
    assert_ok(tc_vocab_builder_create(config, &words));
    for (size_t i = 0; i < 6; i++)
        assert_ok(tc_vocab_builder_add(words, texts[i], strlen(texts[i])));
    assert_ok(tc_model_create(config, words, names, LABELS, &p->model));
    tc_vocab_builder_free(words);
    tc_config_free(config);
    assert_ok(tci_examples_create(p->model, &p->examples));
    for (uint32_t i = 0; i < TEXTS; i++) {
        const uint32_t two[2] = {i * 3 % LABELS, (i * 3 + 1 + i % 3) % LABELS};
        const float targets[LABELS] = {(float)i / 4, -1, 0.5F, 0, 1};
        tci_truth truth = {two, NULL, task[0] == 'm' ? i % 3 : 1};
        if (task[0] == 'r')
            truth = (tci_truth){NULL, targets, LABELS};
        assert_ok(tci_examples_add(p->examples, texts[i], strlen(texts[i]), &truth, i == 3 ? 0.5F : 1.0F));
    }
    tci_memory_init(&p->memory, NULL, 0);
    assert_ok(tci_pool_create(&p->memory, threads, &p->pool));
    p->network = (tci_bag_network *)p->model->network;
    assert_ok(tci_bag_trainer_create(p->network, &p->memory, p->pool, class_weights, false, 1, &p->trainer));
    p->trainer->team_least = 0; /* small as these are */
}

/* Counts and fills everything with numbers of some size. */
static void begin(problem *p, const char *task, const char *head, size_t threads, const float *class_weights)
{
    uint32_t state = 9;
    make(p, task, head, threads, class_weights);
    assert_ok(tci_bag_trainer_count(p->trainer, p->examples, NULL, 0));
    assert_ok(tci_bag_trainer_start(p->trainer));
    for (size_t i = 0; i < count_of(&p->network->embedding) + count_of(&p->network->output); i++) {
        state = state * 1664525u + 1013904223u;
        float value = (float)(int32_t)state * 0x1p-31f;
        if (i < count_of(&p->network->embedding))
            values_of(p, &p->network->embedding)[i] = value;
        else
            values_of(p, &p->network->output)[i - count_of(&p->network->embedding)] = value;
    }
    p->trainer->most_row = p->trainer->most_output = 1;
}

static void end(problem *p)
{
    tci_bag_trainer_free(p->trainer);
    tci_pool_free(p->pool);
    assert_int_equal(atomic_load(&p->memory.used), 0);
    tci_examples_release(p->examples);
    tci_model_release(p->model);
}

static void learn(problem *p, const size_t *rows, size_t count, double rate, double *loss, double *weight)
{
    tci_float_environment environment = tci_float_enter();
    assert_ok(tci_bag_trainer_step(p->trainer, p->examples, rows, count, rate, loss, weight));
    tci_float_leave(environment);
}

/* ---- the formulas in doubles ---- */

typedef struct doubles {
    double *embedding, *output;
} doubles;

static double *widened(const problem *p, const tci_bag_matrix *matrix)
{
    double *copy = malloc(count_of(matrix) * sizeof *copy);
    if (!copy)
        abort();
    for (size_t i = 0; i < count_of(matrix); i++)
        copy[i] = (double)values_of(p, matrix)[i];
    return copy;
}

static double minus_log_sigmoid(double z)
{
    return log1p(exp(-z));
}

/* -log of the part of a label: down from the root, as the scores are made. */
static double tree_loss(const problem *p, const double *z, uint32_t label)
{
    double loss = 0;
    uint32_t at = label;
    for (size_t node = 0; node + 1 < LABELS; node++) { /* children have smaller numbers than their parent */
        const tci_bag_node *pair = &p->network->tree[node];
        if (pair->left != at && pair->right != at)
            continue;
        loss += minus_log_sigmoid(pair->right == at ? z[node] : -z[node]);
        at = LABELS + (uint32_t)node;
    }
    return loss;
}

/* The loss whose gradient a step follows: of head sigmoid the sum over labels, not their mean. */
static double loss_of(const problem *p, const doubles *d, size_t text)
{
    tci_row row = tci_examples_row(p->examples, text);
    double hidden[DIM] = {0}, z[LABELS] = {0}, loss = 0, sum = 0;
    float targets[LABELS];
    for (size_t i = 0; i < row.length; i++) {
        uint32_t at = tci_bag_row(p->network, row.ids[i]);
        for (size_t c = 0; c < DIM && at != TCI_INDEX_SET_NONE; c++)
            hidden[c] += d->embedding[at * DIM + c] / (double)row.length;
    }
    for (size_t k = 0; k < LABELS; k++)
        for (size_t c = 0; c < DIM; c++)
            z[k] += d->output[k * DIM + c] * hidden[c];
    tci_examples_targets(p->examples, text, LABELS, targets);
    switch (p->trainer->head) {
    case TCI_HEAD_SOFTMAX:
        for (size_t k = 0; k < LABELS; k++)
            sum += exp(z[k]);
        return log(sum) - z[p->examples->classes[text]];
    case TCI_HEAD_TREE:
        return tree_loss(p, z, p->examples->classes[text]);
    case TCI_HEAD_SIGMOID:
        for (size_t k = 0; k < LABELS; k++)
            loss += minus_log_sigmoid(targets[k] > 0.5F ? z[k] : -z[k]);
        return loss;
    default:
        for (size_t k = 0; k < LABELS; k++)
            loss += ((double)targets[k] - z[k]) * ((double)targets[k] - z[k]) / LABELS;
        return loss;
    }
}

static double group_loss(const problem *p, const doubles *d, const size_t *rows, size_t count, const float *weights)
{
    double loss = 0;
    for (size_t i = 0; i < count; i++) {
        double weight = (double)p->examples->weights[rows[i]];
        if (weights)
            weight *= (double)weights[p->examples->classes[rows[i]]];
        loss += weight * loss_of(p, d, rows[i]);
    }
    return loss;
}

static void check_moves(const problem *p, const doubles *d, double *numbers, const tci_bag_matrix *matrix,
                        const size_t *rows, size_t count, const float *weights)
{
    const double h = 1e-5;
    double moved = 0;
    for (size_t i = 0; i < count_of(matrix); i++) {
        double before = numbers[i];
        numbers[i] = before + h;
        double above = group_loss(p, d, rows, count, weights);
        numbers[i] = before - h;
        double slope = (above - group_loss(p, d, rows, count, weights)) / (2 * h);
        numbers[i] = before;
        double move = (double)values_of(p, matrix)[i] - before;
        assert_true(fabs(move + RATE * slope) < 3e-7);
        moved += fabs(move);
    }
    assert_true(moved > 0.01);
}

/* One group: all of it sees the weights before. */
static void check_group(const char *task, const char *head, const float *class_weights)
{
    static const size_t rows[TCI_BAG_GROUP] = {0, 3, 7, 5};
    problem p;
    double loss = 0, weight = 0;
    begin(&p, task, head, 1, class_weights);
    doubles d = {widened(&p, &p.network->embedding), widened(&p, &p.network->output)};
    learn(&p, rows, TCI_BAG_GROUP, RATE, &loss, &weight);
    check_moves(&p, &d, d.embedding, &p.network->embedding, rows, TCI_BAG_GROUP, class_weights);
    check_moves(&p, &d, d.output, &p.network->output, rows, TCI_BAG_GROUP, class_weights);
    double share = p.trainer->head == TCI_HEAD_SIGMOID ? LABELS : 1; /* what is told is the mean over labels */
    assert_true(fabs(loss - group_loss(&p, &d, rows, TCI_BAG_GROUP, class_weights) / share) < 1e-5);
    double wanted = 0;
    for (size_t i = 0; i < TCI_BAG_GROUP; i++)
        wanted += (double)p.examples->weights[rows[i]] *
                  (class_weights ? (double)class_weights[p.examples->classes[rows[i]]] : 1);
    assert_true(fabs(weight - wanted) < 1e-12);
    free(d.embedding), free(d.output);
    end(&p);
}

static void a_step_goes_down_the_gradient_of_softmax(void **state)
{
    (void)state;
    check_group("classify", "softmax", NULL);
}

static void a_step_goes_down_the_gradient_of_one_against_the_rest(void **state)
{
    (void)state;
    check_group("classify", "sigmoid", NULL);
    check_group("multilabel", "auto", NULL);
}

static void a_step_goes_down_the_gradient_of_the_tree(void **state)
{
    (void)state;
    check_group("classify", "tree", NULL);
}

static void a_step_goes_down_the_gradient_of_squared_errors(void **state)
{
    (void)state;
    check_group("regress", "auto", NULL);
}

static void class_weights_multiply_what_a_text_counts_for(void **state)
{
    (void)state;
    static const float weights[LABELS] = {2, 0.5F, 1, 0, 3};
    check_group("classify", "softmax", weights);
    check_group("classify", "tree", weights);
}

/* ---- order, threads, failures ---- */

/* All texts a few times over, in steps of 7; a copy of all weights. */
static float *trained(const char *task, const char *head, size_t threads, bool one_by_one)
{
    problem p;
    double loss = 0, weight = 0;
    begin(&p, task, head, threads, NULL);
    for (size_t i = 0; i < 5; i++) {
        size_t rows[7];
        for (size_t k = 0; k < 7; k++)
            rows[k] = (i * 7 + k) % TEXTS;
        for (size_t k = 0; k < 7; k += one_by_one ? 1 : 7)
            learn(&p, rows + k, one_by_one ? 1 : 7, 0.5, &loss, &weight);
    }
    size_t size = p.network->base.parameters.size * sizeof(float);
    float *copy = malloc(size);
    if (!copy)
        abort();
    memcpy(copy, p.network->base.parameters.values, size);
    end(&p);
    return copy;
}

static size_t size_of_weights(void)
{
    problem p;
    begin(&p, "classify", "softmax", 1, NULL);
    size_t size = p.network->base.parameters.size * sizeof(float);
    end(&p);
    return size;
}

static void any_number_of_threads_has_the_same_bits(void **state)
{
    (void)state;
    static const char *const heads[][2] = {{"classify", "softmax"}, {"multilabel", "sigmoid"}, {"classify", "tree"}};
    size_t size = size_of_weights();
    for (size_t h = 0; h < 3; h++) {
        float *alone = trained(heads[h][0], heads[h][1], 1, false);
        for (size_t threads = 2; threads <= 11; threads += threads < 4 ? 1 : 3) {
            float *many = trained(heads[h][0], heads[h][1], threads, false);
            assert_memory_equal(many, alone, size);
            free(many);
        }
        free(alone);
    }
}

static void texts_of_a_group_see_the_weights_before_it_and_others_those_after(void **state)
{
    (void)state;
    size_t size = size_of_weights();
    float *groups = trained("classify", "softmax", 1, false), *single = trained("classify", "softmax", 1, true);
    assert_memory_not_equal(groups, single, size);
    free(groups), free(single);
}

/* The bits of a copy while a step fails. */
static void check_failure(const char *task, const char *head, double rate, float size_of_output)
{
    static const size_t rows[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 2, 3};
    problem p;
    double loss = -1, weight = -1;
    begin(&p, task, head, 2, NULL);
    for (size_t i = 0; i < count_of(&p.network->output); i++)
        values_of(&p, &p.network->output)[i] *= size_of_output;
    p.trainer->most_output = (double)size_of_output;
    size_t size = p.network->base.parameters.size * sizeof(float);
    float *copy = malloc(size);
    if (!copy)
        abort();
    memcpy(copy, p.network->base.parameters.values, size);
    tci_float_environment environment = tci_float_enter();
    tc_status status =
        tci_bag_trainer_step(p.trainer, p.examples, rows, sizeof rows / sizeof rows[0], rate, &loss, &weight);
    tci_float_leave(environment);
    assert_int_equal(status, TC_ERROR_NUMERIC);
    assert_memory_equal(copy, p.network->base.parameters.values, size);
    assert_true(loss < 0 && weight < 0);
    free(copy);
    end(&p);
}

static void a_step_that_leaves_all_bounds_changes_nothing(void **state)
{
    (void)state;
    check_failure("regress", "auto", 1000, 1000);
    check_failure("classify", "softmax", 1000, 1e15F);
    check_failure("multilabel", "auto", 1000, 1e15F);
    check_failure("classify", "softmax", 1, INFINITY);
}

/* The largest size of a value of the matrix. */
static double largest(const problem *p, const tci_bag_matrix *matrix)
{
    const float *values = values_of(p, matrix);
    float most = 0;
    for (size_t i = 0; i < count_of(matrix); i++) {
        if (values[i] > most || -values[i] > most)
            most = values[i] < 0 ? -values[i] : values[i];
    }
    return (double)most;
}

static void bounds_that_are_remembered_hold(void **state)
{
    (void)state;
    problem p;
    double loss = 0, weight = 0;
    begin(&p, "classify", "softmax", 1, NULL);
    for (size_t i = 0; i < 200; i++)
        learn(&p, &(size_t){i % TEXTS}, 1, 1, &loss, &weight);
    double row = largest(&p, &p.network->embedding), output = largest(&p, &p.network->output);
    assert_true(row > 1 && row <= p.trainer->most_row);
    assert_true(output > 1 && output <= p.trainer->most_output);
    end(&p);
}

static void a_step_without_counting_is_refused(void **state)
{
    (void)state;
    problem p;
    double loss = 0, weight = 0;
    make(&p, "classify", "softmax", 1, NULL);
    assert_int_equal(tci_bag_trainer_step(p.trainer, p.examples, &(size_t){0}, 1, 1, &loss, &weight), TC_ERROR_STATE);
    assert_int_equal(p.network->set.count, 0);
    assert_ok(tci_bag_trainer_count(p.trainer, p.examples, NULL, 0));
    learn(&p, &(size_t){0}, 1, 1, &loss, &weight);
    assert_int_equal(tci_bag_trainer_count(p.trainer, p.examples, NULL, 0), TC_ERROR_STATE);
    end(&p);
}

static void buckets_that_were_counted_get_rows_and_no_others(void **state)
{
    (void)state;
    problem p;
    double loss = 0, weight = 0;
    make(&p, "classify", "softmax", 1, NULL);
    const size_t counted[] = {0, 2};
    assert_ok(tci_bag_trainer_count(p.trainer, p.examples, counted, 2));
    assert_ok(tci_bag_trainer_start(p.trainer));
    size_t words = tci_bag_words(p.network);
    for (size_t text = 0; text < TEXTS; text++) {
        tci_row row = tci_examples_row(p.examples, text);
        for (size_t i = 0; i < row.length; i++)
            if (text == 0 || text == 2 || row.ids[i] < words)
                assert_true(tci_bag_row(p.network, row.ids[i]) < p.network->embedding.rows);
    }
    size_t rows = p.network->embedding.rows;
    assert_true(rows > words && rows < words + 12);
    learn(&p, (const size_t[]){6, 3}, 2, 1, &loss, &weight); /* of texts with features that have no row */
    assert_int_equal(p.network->embedding.rows, rows);
    end(&p);
}

static void a_second_trainer_keeps_the_rows_and_the_tree_of_the_first(void **state)
{
    (void)state;
    problem p;
    tci_bag_trainer *second = NULL;
    make(&p, "classify", "tree", 1, NULL);
    assert_ok(tci_bag_trainer_count(p.trainer, p.examples, &(size_t){0}, 1));
    assert_ok(tci_bag_trainer_start(p.trainer));
    double loss = 0, weight = 0;
    learn(&p, &(size_t){0}, 1, 1, &loss, &weight);
    tci_bag_node tree[LABELS - 1];
    float row[DIM];
    memcpy(tree, p.network->tree, sizeof tree);
    tci_row text = tci_examples_row(p.examples, 0);
    uint32_t last = text.ids[text.length - 1];
    memcpy(row, values_of(&p, &p.network->embedding) + (size_t)tci_bag_row(p.network, last) * DIM, sizeof row);
    assert_ok(tci_bag_trainer_create(p.network, &p.memory, NULL, NULL, false, 1, &second));
    assert_ok(tci_bag_trainer_count(second, p.examples, NULL, 0));
    size_t rows = p.network->embedding.rows;
    assert_ok(tci_bag_trainer_start(second));
    assert_true(p.network->embedding.rows > rows);
    assert_memory_equal(tree, p.network->tree, sizeof tree);
    assert_memory_equal(row, values_of(&p, &p.network->embedding) + (size_t)tci_bag_row(p.network, last) * DIM,
                        sizeof row);
    tci_bag_trainer_free(second);
    end(&p);
}

static void frozen_rows_stay(void **state)
{
    (void)state;
    problem p;
    double loss = 0, weight = 0;
    begin(&p, "classify", "softmax", 1, NULL);
    p.trainer->frozen = true;
    doubles d = {widened(&p, &p.network->embedding), widened(&p, &p.network->output)};
    learn(&p, &(size_t){3}, 1, 1, &loss, &weight);
    bool moved = false;
    for (size_t i = 0; i < count_of(&p.network->embedding); i++)
        assert_true(d.embedding[i] == (double)values_of(&p, &p.network->embedding)[i]);
    for (size_t i = 0; i < count_of(&p.network->output); i++)
        moved = moved || d.output[i] != (double)values_of(&p, &p.network->output)[i];
    assert_true(moved);
    free(d.embedding), free(d.output);
    end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_goes_down_the_gradient_of_softmax),
        cmocka_unit_test(a_step_goes_down_the_gradient_of_one_against_the_rest),
        cmocka_unit_test(a_step_goes_down_the_gradient_of_the_tree),
        cmocka_unit_test(a_step_goes_down_the_gradient_of_squared_errors),
        cmocka_unit_test(class_weights_multiply_what_a_text_counts_for),
        cmocka_unit_test(any_number_of_threads_has_the_same_bits),
        cmocka_unit_test(texts_of_a_group_see_the_weights_before_it_and_others_those_after),
        cmocka_unit_test(a_step_that_leaves_all_bounds_changes_nothing),
        cmocka_unit_test(bounds_that_are_remembered_hold),
        cmocka_unit_test(a_step_without_counting_is_refused),
        cmocka_unit_test(buckets_that_were_counted_get_rows_and_no_others),
        cmocka_unit_test(a_second_trainer_keeps_the_rows_and_the_tree_of_the_first),
        cmocka_unit_test(frozen_rows_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
