/* labels: quick
 * AdaGrad on models of n-grams: weights by the formulas of ngram_training.h, written down here in doubles; and what
 * must be no matter: when features come, when the model is saved, how a batch is gathered. */
#include "support/testing.h"

#include <math.h>

#include "api/handles.h"
#include "model/ngram_rows.h"
#include "support/failing.h"
#include "support/small_host.h"
#include "train/trainer.h"

#define TEXTS 12
#define MOST_LABELS 3
#define BUCKETS 65536

static const char *const texts[TEXTS] = {"good film",          "a good plot",    "good good music", "bad film",
                                         "a dull plot",        "bad bad acting", "a film of music", "long long film",
                                         "the plot of a plot", "dull, bad!!",    "fine music",      ""};
static const uint32_t labels[TEXTS] = {0, 0, 0, 1, 1, 1, 2, 2, 2, 1, 0, 2};
static const char *const names[MOST_LABELS] = {"a", "b", "c"};

typedef struct fixture {
    tc_config *config;
    tc_model *model;
    tc_examples *examples;
    tc_trainer *trainer;
    size_t labels, columns;
} fixture;

static void add_text(fixture *f, size_t i)
{
    uint32_t label = labels[i] % (uint32_t)f->labels;
    const uint32_t two[2] = {label, (label + 1) % (uint32_t)f->labels};
    const float values[MOST_LABELS] = {(float)label, (float)i / 4, -1.0f};
    tci_truth truth = {two, NULL, 1};
    if (f->model->options.task == TCI_TASK_MULTILABEL)
        truth.count = i % 3;
    if (f->model->options.task == TCI_TASK_REGRESS)
        truth = (tci_truth){NULL, values, f->labels};
    assert_ok(tci_examples_add(f->examples, texts[i], strlen(texts[i]), &truth, i == 4 ? 0.5f : 1.0f));
}

static void set_up(fixture *f, const char *settings, size_t label_count)
{
    tc_vocab_builder *words = NULL;
    char all[256];
    (void)snprintf(all, sizeof all, "arch=ngram optimizer=adagrad buckets=65536 %s", settings);
    *f = (fixture){.labels = label_count};
    assert_ok(host_config(NULL, all, &f->config));
    assert_ok(tc_vocab_builder_create(f->config, &words));
    assert_ok(tc_model_create(f->config, words, names, label_count, &f->model));
    tc_vocab_builder_free(words);
    assert_ok(tci_examples_create(f->model, &f->examples));
    for (size_t i = 0; i < TEXTS; i++)
        add_text(f, i);
    assert_ok(tc_trainer_create(f->model, f->config, &f->trainer));
    f->columns = ((tci_ngram_network *)f->model->network)->columns;
}

static void tear_down(fixture *f)
{
    tc_trainer_free(f->trainer);
    tc_examples_free(f->examples);
    tc_model_free(f->model);
    tc_config_free(f->config);
}

static const tci_ngram_network *network_of(const tc_model *model)
{
    return (const tci_ngram_network *)model->network;
}

static float weight_of(const tc_model *model, uint32_t bucket, size_t column)
{
    const tci_ngram_network *network = network_of(model);
    uint32_t row = tci_ngram_row(network, bucket);
    return row == TCI_INDEX_SET_NONE
               ? 0
               : tci_parameters_read(&network->base.parameters, TCI_NGRAM_WEIGHT)[row * network->columns + column];
}

/* ---- the formulas, dense over the buckets ---- */

static double x[TEXTS][BUCKETS], scale[BUCKETS][MOST_LABELS], w[BUCKETS + 1][MOST_LABELS],
    sum[BUCKETS + 1][MOST_LABELS], gradient[BUCKETS + 1][MOST_LABELS]; /* the last row: bias */
static float targets[TEXTS][MOST_LABELS];

static void state_features(const fixture *f)
{
    memset(x, 0, sizeof x);
    memset(w, 0, sizeof w);
    memset(sum, 0, sizeof sum);
    for (size_t i = 0; i < TEXTS; i++) {
        tci_row row = tci_examples_row(f->examples, i);
        double squares = 0;
        for (size_t k = 0; k < row.length; k++) {
            double amount = (TCI_FEATURE_IS_LIGHT(row.ids[k]) ? 0.5 : 1) * (1 + log(row.counts[k]));
            assert_true(x[i][TCI_FEATURE_BUCKET(row.ids[k])] == 0); /* no two features of these texts meet */
            x[i][TCI_FEATURE_BUCKET(row.ids[k])] = amount;
            squares += amount * amount;
        }
        for (size_t b = 0; b < BUCKETS; b++)
            x[i][b] /= squares > 0 ? sqrt(squares) : 1;
        tci_examples_targets(f->examples, i, f->labels, targets[i]);
    }
}

static bool holds(const fixture *f, size_t i, size_t c)
{
    return targets[i][f->columns < f->labels ? 1 : c] > 0;
}

/* Of the first `counted` texts; 0: all scales are the same. */
static void state_scales(const fixture *f, size_t counted)
{
    bool regress = f->model->options.task == TCI_TASK_REGRESS;
    double mass = 0, label_mass[MOST_LABELS] = {0}, mean[MOST_LABELS] = {0}, singles = 0;
    for (size_t i = 0; i < counted; i++) {
        for (size_t b = 0; b < BUCKETS; b++) {
            mass += x[i][b] > 0;
            for (size_t c = 0; c < f->columns; c++)
                label_mass[c] += x[i][b] > 0 && holds(f, i, c);
        }
    }
    for (size_t pass = 0; pass < 2; pass++) {
        for (size_t b = 0; b < BUCKETS; b++) {
            double df = 0;
            for (size_t i = 0; i < counted; i++)
                df += x[i][b] > 0;
            singles += pass == 0 && df == 1;
            for (size_t c = 0; c < f->columns; c++) {
                double with = 0, pi = label_mass[c] / mass;
                for (size_t i = 0; i < counted; i++)
                    with += x[i][b] > 0 && holds(f, i, c);
                double r = pi > 0 && pi < 1 ? fabs(log(((with + pi) / pi) / ((df - with + 1 - pi) / (1 - pi)))) : 0;
                scale[b][c] = (regress ? 1 : r + 0.5) * sqrt(1 + log(((double)counted + 1) / (df + 1)));
                if (pass == 0 && df == 1)
                    mean[c] += scale[b][c];
                if (df == 0)
                    scale[b][c] = counted == 0 ? (double)TCI_NGRAM_SCALE : mean[c] / singles;
            }
        }
    }
}

static double sigmoid(double z)
{
    return 1 / (1 + exp(-z));
}

/* Adds the weighted gradients of text i; returns its weight. */
static double add_text_gradient(const fixture *f, size_t i, bool softmax)
{
    double z[MOST_LABELS], g[MOST_LABELS], total = 0, weight = (double)f->examples->weights[i];
    for (size_t c = 0; c < f->columns; c++) {
        z[c] = w[BUCKETS][c];
        for (size_t b = 0; b < BUCKETS; b++)
            z[c] += x[i][b] * w[b][c];
        total += exp(z[c]);
    }
    for (size_t c = 0; c < f->columns; c++) {
        double share = 1 / (double)f->labels;
        if (f->model->options.task == TCI_TASK_REGRESS)
            g[c] = 2 * share * (z[c] - (double)targets[i][c]);
        else if (f->columns < f->labels)
            g[c] = sigmoid(z[c]) - (double)holds(f, i, c);
        else if (softmax)
            g[c] = exp(z[c]) / total - (double)holds(f, i, c);
        else
            g[c] = share * (sigmoid(z[c]) - (double)holds(f, i, c));
        gradient[BUCKETS][c] += weight * g[c];
        for (size_t b = 0; b < BUCKETS; b++)
            gradient[b][c] += weight * g[c] * x[i][b];
    }
    return weight;
}

static void take_step(const fixture *f, const size_t *rows, size_t count, bool softmax, double rate)
{
    double weight = 0;
    memset(gradient, 0, sizeof gradient);
    for (size_t i = 0; i < count; i++)
        weight += add_text_gradient(f, rows[i], softmax);
    for (size_t b = 0; b <= BUCKETS; b++) {
        for (size_t c = 0; c < f->columns; c++) {
            double g = gradient[b][c] / weight;
            sum[b][c] += g * g;
            w[b][c] -= g == 0 ? 0 : rate * (b < BUCKETS ? scale[b][c] : 1) * g / (sqrt(sum[b][c]) + 1e-8);
        }
    }
}

static void check_weights(const fixture *f)
{
    const float *bias = tci_parameters_read(&f->model->network->parameters, TCI_NGRAM_BIAS);
    for (size_t c = 0; c < f->columns; c++) {
        assert_close(bias[c], w[BUCKETS][c], 1e-4);
        for (uint32_t b = 0; b < BUCKETS; b++)
            assert_close(weight_of(f->model, b, c), w[b][c], 1e-4);
    }
}

static const size_t batches[][4] = {{0, 3, 6, 11}, {1, 4, 4, 7}, {2, 5, 8, 0}, {9, 10, 3, 3}};
#define BATCHES (sizeof batches / sizeof batches[0])

static void steps_follow_the_formulas(void **state)
{
    (void)state;
    static const struct {
        const char *settings;
        size_t labels;
        bool softmax;
    } cases[] = {
        {"learning_rate=0.3", 2, false},
        {"learning_rate=0.3", 3, false},
        {"learning_rate=0.3 loss=cross_entropy", 3, true},
        {"learning_rate=0.3 task=multilabel", 3, false},
        {"learning_rate=0.3 task=multilabel", 2, false},
        {"learning_rate=0.3 task=regress", 3, false},
        {"learning_rate=0.3 task=regress", 1, false},
    };
    for (size_t k = 0; k < 2 * sizeof cases / sizeof cases[0]; k++) {
        fixture f;
        set_up(&f, cases[k / 2].settings, cases[k / 2].labels);
        state_features(&f);
        state_scales(&f, k % 2 ? 6 : 0);
        if (k % 2) { /* the others come uncounted */
            size_t rows[6] = {0, 1, 2, 3, 4, 5};
            assert_ok(tci_trainer_count(f.trainer, f.examples, rows, 6));
        }
        for (size_t i = 0; i < BATCHES; i++) {
            assert_ok(tc_train_step(f.trainer, f.examples, batches[i], 4, NULL));
            take_step(&f, batches[i], 4, cases[k / 2].softmax, 0.3);
        }
        check_weights(&f);
        tear_down(&f);
    }
}

/* ---- features that come ---- */

/* Bytes of the model after the batches, or of its checkpoint's; `saves`: in between, too. */
static uint8_t *train(fixture *f, bool saves, size_t *size)
{
    for (size_t i = 0; i < BATCHES; i++) {
        assert_ok(tc_trainer_backward(f->trainer, f->examples, batches[i], 4, NULL));
        if (saves)
            free(host_bytes(f->model, size));
        assert_ok(tc_trainer_apply(f->trainer, NULL));
        if (saves && i % 2 == 0)
            free(host_bytes(f->model, size));
    }
    return host_bytes(f->model, size);
}

static void check_same(uint8_t *a, size_t a_size, uint8_t *b, size_t b_size)
{
    assert_int_equal(a_size, b_size);
    assert_memory_equal(a, b, a_size);
    free(a);
    free(b);
}

static void it_is_no_matter_when_a_feature_comes(void **state)
{
    (void)state;
    fixture late, early;
    size_t late_size = 0, early_size = 0;
    set_up(&late, "", 3);
    uint8_t *late_bytes = train(&late, false, &late_size);
    set_up(&early, "", 3);
    tc_trainer_free(early.trainer);
    tci_ngram_network *network = (tci_ngram_network *)early.model->network;
    tci_index_set set;
    assert_ok(tci_index_set_init(&set, &early.model->memory, BUCKETS));
    assert_ok(tci_index_set_copy(&set, &network_of(late.model)->set));
    assert_true(set.count > 50);
    assert_ok(tci_ngram_grow(network, &set));
    assert_ok(tc_trainer_create(early.model, early.config, &early.trainer));
    uint8_t *early_bytes = train(&early, false, &early_size);
    check_same(late_bytes, late_size, early_bytes, early_size);
    tear_down(&late);
    tear_down(&early);
}

static void a_save_between_steps_changes_nothing(void **state)
{
    (void)state;
    fixture plain, saved;
    size_t plain_size = 0, saved_size = 0;
    set_up(&plain, "", 3);
    set_up(&saved, "", 3);
    uint8_t *plain_bytes = train(&plain, false, &plain_size), *saved_bytes = train(&saved, true, &saved_size);
    check_same(plain_bytes, plain_size, saved_bytes, saved_size);
    tear_down(&plain);
    tear_down(&saved);
}

static void prediction_is_the_same_before_rows_are_in_order_and_behind_the_trainer(void **state)
{
    (void)state;
    fixture f;
    float scores[3][MOST_LABELS];
    size_t count = 0, size = 0;
    set_up(&f, "", 3);
    assert_ok(tc_train_step(f.trainer, f.examples, batches[1], 4, NULL));
    assert_ok(tc_train_step(f.trainer, f.examples, batches[0], 4, NULL));
    assert_int_equal(network_of(f.model)->set.count, 0); /* all rows are later ones */
    assert_ok(tc_predict(f.model, texts[0], strlen(texts[0]), MOST_LABELS, scores[0], &count));
    free(host_bytes(f.model, &size));
    assert_true(network_of(f.model)->set.count > 20);
    assert_ok(tc_predict(f.model, texts[0], strlen(texts[0]), MOST_LABELS, scores[1], &count));
    assert_ok(tc_train_step(f.trainer, f.examples, batches[2], 4, NULL));
    assert_ok(tc_predict(f.model, texts[8], strlen(texts[8]), MOST_LABELS, scores[1], &count));
    tc_trainer_free(f.trainer);
    f.trainer = NULL;
    assert_null(network_of(f.model)->rows);
    assert_ok(tc_predict(f.model, texts[8], strlen(texts[8]), MOST_LABELS, scores[2], &count));
    assert_memory_equal(scores[1], scores[2], sizeof scores[1]);
    tear_down(&f);
}

/* Many words, so that rows are put in order by themselves, more than once. */
static void many_features_are_put_in_order_by_themselves(void **state)
{
    (void)state;
    fixture f;
    char text[4096];
    size_t rows[64];
    set_up(&f, "buckets=4194304", 2);
    for (uint32_t i = 0; i < 64; i++) {
        size_t length = 0;
        for (uint32_t k = 0; k < 100; k++)
            length += (size_t)snprintf(text + length, sizeof text - length, "w%xq%x ", (i * 100 + k) * 2654435761u, k);
        tci_truth truth = {&i, NULL, 1};
        uint32_t label = i % 2;
        truth.labels = &label;
        assert_ok(tci_examples_add(f.examples, text, length, &truth, 1));
        rows[i] = TEXTS + i;
    }
    size_t at_once = 0;
    for (size_t i = 0; i < 64; i++) {
        size_t before = network_of(f.model)->set.count;
        assert_ok(tc_train_step(f.trainer, f.examples, rows + i, 1, NULL));
        const tci_ngram_rows *later = network_of(f.model)->rows;
        assert_true(later->count - later->sorted <= later->sorted + 4096);
        at_once += network_of(f.model)->set.count > before;
    }
    assert_in_range(at_once, 2, 20);
    float *kept = malloc(sizeof *kept * BUCKETS * 64);
    assert_non_null(kept);
    for (uint32_t b = 0; b < BUCKETS * 64; b++)
        kept[b] = weight_of(f.model, b, 0);
    tci_model_settle(f.model);
    assert_int_equal(network_of(f.model)->rows->sorted, network_of(f.model)->rows->count);
    for (uint32_t b = 0; b < BUCKETS * 64; b++)
        assert_true(kept[b] == weight_of(f.model, b, 0));
    free(kept);
    tear_down(&f);
}

/* ---- what must not change ---- */

static char *checkpoint(const fixture *f, size_t *size)
{
    test_folder folder;
    test_folder_create(&folder);
    const char *path = test_folder_file(&folder, "checkpoint");
    assert_ok(tc_trainer_save(f->trainer, path));
    char *bytes = test_read_file(path, size);
    test_folder_remove(&folder);
    return bytes;
}

static void a_step_that_fails_changes_nothing(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        fixture f;
        size_t before_size = 0, after_size = 0;
        set_up(&f, k ? "task=regress" : "task=regress accumulate_steps=2", 1);
        const float values[2] = {1e30f, 3e38f};
        const char *more = "words that no other text has";
        for (size_t i = 0; i < 2; i++)
            assert_ok(tci_examples_add(f.examples, more, strlen(more), &(tci_truth){NULL, values + i, 1}, 1));
        for (size_t i = 0; i < 2; i++)
            assert_ok(tc_train_step(f.trainer, f.examples, batches[i], 4, NULL));
        char *before = checkpoint(&f, &before_size);
        if (k == 0) /* gathered before the one that fails, with features of its own, and dropped with it */
            assert_ok(tc_train_step(f.trainer, f.examples, batches[2], 4, NULL));
        assert_int_equal(tc_train_step(f.trainer, f.examples, (const size_t[]){9, TEXTS + k}, 2, NULL),
                         TC_ERROR_NUMERIC);
        assert_contains(tc_last_error(), k ? "step 3" : "step 2");
        char *after = checkpoint(&f, &after_size);
        check_same((uint8_t *)before, before_size, (uint8_t *)after, after_size);
        tear_down(&f);
    }
}

static void backwards_add_up(void **state)
{
    (void)state;
    fixture once, parts;
    set_up(&once, "learning_rate=1", 3);
    set_up(&parts, "learning_rate=1", 3);
    size_t rows[8] = {0, 5, 6, 3, 2, 4, 8, 11}; /* where no gradient is 0 but for rounding */
    for (size_t step = 0; step < 3; step++) {
        assert_ok(tc_train_step(once.trainer, once.examples, rows, 8, NULL));
        for (size_t i = 0; i < 8; i += 2)
            assert_ok(tc_trainer_backward(parts.trainer, parts.examples, rows + i, 2, NULL));
        assert_ok(tc_trainer_apply(parts.trainer, NULL));
    }
    for (uint32_t b = 0; b < BUCKETS; b++) {
        for (size_t c = 0; c < 3; c++)
            assert_close(weight_of(once.model, b, c), weight_of(parts.model, b, c), 1e-5);
    }
    tear_down(&once);
    tear_down(&parts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_follow_the_formulas),
        cmocka_unit_test(it_is_no_matter_when_a_feature_comes),
        cmocka_unit_test(a_save_between_steps_changes_nothing),
        cmocka_unit_test(prediction_is_the_same_before_rows_are_in_order_and_behind_the_trainer),
        cmocka_unit_test(many_features_are_put_in_order_by_themselves),
        cmocka_unit_test(a_step_that_fails_changes_nothing),
        cmocka_unit_test(backwards_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
