/* labels: quick
 * AdaGrad on models of n-grams: weights by the formulas of ngram_training.h, written down here in doubles; and what
 * must be no matter: when features come, when the model is saved, how a batch is gathered. */
#include "support/ngram_fixture.h"

#include <math.h>

#include "support/small_host.h"

/* ---- the formulas, dense over the buckets ---- */

static double x[NGRAM_TEXTS][NGRAM_BUCKETS], scale[NGRAM_BUCKETS][NGRAM_LABELS], w[NGRAM_BUCKETS + 1][NGRAM_LABELS],
    sum[NGRAM_BUCKETS + 1][NGRAM_LABELS], gradient[NGRAM_BUCKETS + 1][NGRAM_LABELS]; /* the last row: bias */
static float targets[NGRAM_TEXTS][NGRAM_LABELS];

static void state_features(const ngram_fixture *f)
{
    memset(w, 0, sizeof w);
    memset(sum, 0, sizeof sum);
    ngram_features(f->examples, f->labels, x, targets);
}

static bool holds(const ngram_fixture *f, size_t i, size_t c)
{
    return targets[i][f->columns < f->labels ? 1 : c] > 0;
}

/* Of the first `counted` ngram_texts; 0: all scales are the same. */
static void state_scales(const ngram_fixture *f, size_t counted)
{
    bool regress = f->model->options.task == TCI_TASK_REGRESS;
    double mass = 0, label_mass[NGRAM_LABELS] = {0}, mean[NGRAM_LABELS] = {0}, singles = 0;
    for (size_t i = 0; i < counted; i++) {
        for (size_t b = 0; b < NGRAM_BUCKETS; b++) {
            mass += x[i][b] > 0;
            for (size_t c = 0; c < f->columns; c++)
                label_mass[c] += x[i][b] > 0 && holds(f, i, c);
        }
    }
    for (size_t pass = 0; pass < 2; pass++) {
        for (size_t b = 0; b < NGRAM_BUCKETS; b++) {
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
static double add_text_gradient(const ngram_fixture *f, size_t i, bool softmax)
{
    double smoothing = f->trainer->options.label_smoothing;
    double z[NGRAM_LABELS], g[NGRAM_LABELS], total = 0, weight = (double)f->examples->weights[i];
    for (size_t c = 0; c < f->columns; c++) {
        z[c] = w[NGRAM_BUCKETS][c];
        for (size_t b = 0; b < NGRAM_BUCKETS; b++)
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
            g[c] = share * (sigmoid(z[c]) - (1 - smoothing) * (double)holds(f, i, c) - smoothing * share);
        gradient[NGRAM_BUCKETS][c] += weight * g[c];
        for (size_t b = 0; b < NGRAM_BUCKETS; b++)
            gradient[b][c] += weight * g[c] * x[i][b];
    }
    return weight;
}

static void take_step(const ngram_fixture *f, const size_t *rows, size_t count, bool softmax, double rate)
{
    double weight = 0;
    memset(gradient, 0, sizeof gradient);
    for (size_t i = 0; i < count; i++)
        weight += add_text_gradient(f, rows[i], softmax);
    for (size_t b = 0; b <= NGRAM_BUCKETS; b++) {
        for (size_t c = 0; c < f->columns; c++) {
            double g = gradient[b][c] / weight;
            sum[b][c] += g * g;
            w[b][c] -= g == 0 ? 0 : rate * (b < NGRAM_BUCKETS ? scale[b][c] : 1) * g / (sqrt(sum[b][c]) + 1e-8);
        }
    }
}

static void check_weights(const ngram_fixture *f)
{
    const float *bias = tci_parameters_read(&f->model->network->parameters, TCI_NGRAM_BIAS);
    for (size_t c = 0; c < f->columns; c++) {
        assert_close(bias[c], w[NGRAM_BUCKETS][c], 1e-4);
        for (uint32_t b = 0; b < NGRAM_BUCKETS; b++)
            assert_close(ngram_weight_of(f->model, b, c), w[b][c], 1e-4);
    }
}

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
        {"learning_rate=0.3 label_smoothing=0.2", 3, false},
        {"learning_rate=0.3 loss=cross_entropy", 3, true},
        {"learning_rate=0.3 task=multilabel", 3, false},
        {"learning_rate=0.3 task=multilabel", 2, false},
        {"learning_rate=0.3 task=regress", 3, false},
        {"learning_rate=0.3 task=regress", 1, false},
    };
    for (size_t k = 0; k < 2 * sizeof cases / sizeof cases[0]; k++) {
        ngram_fixture f = {.config = NULL};
        ngram_set_up(&f, cases[k / 2].settings, cases[k / 2].labels);
        state_features(&f);
        state_scales(&f, k % 2 ? 6 : 0);
        if (k % 2) { /* the others come uncounted */
            size_t rows[6] = {0, 1, 2, 3, 4, 5};
            assert_ok(tci_trainer_count(f.trainer, f.examples, rows, 6));
        }
        for (size_t i = 0; i < NGRAM_BATCHES; i++) {
            assert_ok(tc_train_step(f.trainer, f.examples, ngram_batches[i], 4, NULL));
            take_step(&f, ngram_batches[i], 4, cases[k / 2].softmax, 0.3);
        }
        check_weights(&f);
        ngram_tear_down(&f);
    }
}

/* ---- features that come ---- */

/* Bytes of the model after the ngram_batches, or of its checkpoint's; `saves`: in between, too. */
static uint8_t *train(ngram_fixture *f, bool saves, size_t *size)
{
    for (size_t i = 0; i < NGRAM_BATCHES; i++) {
        assert_ok(tc_trainer_backward(f->trainer, f->examples, ngram_batches[i], 4, NULL));
        if (saves)
            free(host_bytes(f->model, size));
        assert_ok(tc_trainer_apply(f->trainer, NULL));
        if (saves && i % 2 == 0)
            free(host_bytes(f->model, size));
    }
    return host_bytes(f->model, size);
}

static void it_is_no_matter_when_a_feature_comes(void **state)
{
    (void)state;
    ngram_fixture late = {.config = NULL}, early = late;
    size_t late_size = 0, early_size = 0;
    ngram_set_up(&late, "", 3);
    uint8_t *late_bytes = train(&late, false, &late_size);
    ngram_set_up(&early, "", 3);
    tc_trainer_free(early.trainer);
    tci_ngram_network *network = (tci_ngram_network *)early.model->network;
    tci_index_set set;
    assert_ok(tci_index_set_init(&set, &early.model->memory, NGRAM_BUCKETS));
    assert_ok(tci_index_set_copy(&set, &ngram_network_of(late.model)->set));
    assert_true(set.count > 50);
    assert_ok(tci_ngram_grow(network, &set));
    assert_ok(tc_trainer_create(early.model, early.config, &early.trainer));
    uint8_t *early_bytes = train(&early, false, &early_size);
    ngram_check_same(late_bytes, late_size, early_bytes, early_size);
    ngram_tear_down(&late);
    ngram_tear_down(&early);
}

static void a_save_between_steps_changes_nothing(void **state)
{
    (void)state;
    ngram_fixture plain = {.config = NULL}, saved = plain;
    size_t plain_size = 0, saved_size = 0;
    ngram_set_up(&plain, "", 3);
    ngram_set_up(&saved, "", 3);
    uint8_t *plain_bytes = train(&plain, false, &plain_size), *saved_bytes = train(&saved, true, &saved_size);
    ngram_check_same(plain_bytes, plain_size, saved_bytes, saved_size);
    ngram_tear_down(&plain);
    ngram_tear_down(&saved);
}

static void prediction_is_the_same_before_rows_are_in_order_and_behind_the_trainer(void **state)
{
    (void)state;
    ngram_fixture f = {.config = NULL};
    float scores[3][NGRAM_LABELS];
    size_t count = 0, size = 0;
    ngram_set_up(&f, "", 3);
    assert_ok(tc_train_step(f.trainer, f.examples, ngram_batches[1], 4, NULL));
    assert_ok(tc_train_step(f.trainer, f.examples, ngram_batches[0], 4, NULL));
    assert_int_equal(ngram_network_of(f.model)->set.count, 0); /* all rows are later ones */
    assert_ok(tc_predict(f.model, ngram_texts[0], strlen(ngram_texts[0]), NGRAM_LABELS, scores[0], &count));
    free(host_bytes(f.model, &size));
    assert_true(ngram_network_of(f.model)->set.count > 20);
    assert_ok(tc_predict(f.model, ngram_texts[0], strlen(ngram_texts[0]), NGRAM_LABELS, scores[1], &count));
    assert_ok(tc_train_step(f.trainer, f.examples, ngram_batches[2], 4, NULL));
    assert_ok(tc_predict(f.model, ngram_texts[8], strlen(ngram_texts[8]), NGRAM_LABELS, scores[1], &count));
    tc_trainer_free(f.trainer);
    f.trainer = NULL;
    assert_null(ngram_network_of(f.model)->rows);
    assert_ok(tc_predict(f.model, ngram_texts[8], strlen(ngram_texts[8]), NGRAM_LABELS, scores[2], &count));
    assert_memory_equal(scores[1], scores[2], sizeof scores[1]);
    ngram_tear_down(&f);
}

/* Many words, so that rows are put in order by themselves, more than once. */
static void many_features_are_put_in_order_by_themselves(void **state)
{
    (void)state;
    ngram_fixture f = {.config = NULL};
    char text[4096];
    size_t rows[64];
    ngram_set_up(&f, "buckets=4194304", 2);
    for (uint32_t i = 0; i < 64; i++) {
        size_t length = 0;
        for (uint32_t k = 0; k < 100; k++)
            length += (size_t)snprintf(text + length, sizeof text - length, "w%xq%x ", (i * 100 + k) * 2654435761u, k);
        tci_truth truth = {&i, NULL, 1};
        uint32_t label = i % 2;
        truth.labels = &label;
        assert_ok(tci_examples_add(f.examples, text, length, &truth, 1));
        rows[i] = NGRAM_TEXTS + i;
    }
    size_t at_once = 0;
    for (size_t i = 0; i < 64; i++) {
        size_t before = ngram_network_of(f.model)->set.count;
        assert_ok(tc_train_step(f.trainer, f.examples, rows + i, 1, NULL));
        const tci_ngram_rows *later = ngram_network_of(f.model)->rows;
        assert_true(later->count - later->sorted <= later->sorted + 4096);
        at_once += ngram_network_of(f.model)->set.count > before;
    }
    assert_in_range(at_once, 2, 20);
    float *kept = malloc(sizeof *kept * NGRAM_BUCKETS * 64);
    assert_non_null(kept);
    for (uint32_t b = 0; b < NGRAM_BUCKETS * 64; b++)
        kept[b] = ngram_weight_of(f.model, b, 0);
    tci_model_settle(f.model);
    assert_int_equal(ngram_network_of(f.model)->rows->sorted, ngram_network_of(f.model)->rows->count);
    for (uint32_t b = 0; b < NGRAM_BUCKETS * 64; b++)
        assert_true(kept[b] == ngram_weight_of(f.model, b, 0));
    free(kept);
    ngram_tear_down(&f);
}

/* ---- what must not change ---- */

static size_t network_rows(const ngram_fixture *f)
{
    return f->model->network->parameters.tensors[TCI_NGRAM_WEIGHT].shape[0];
}

static void a_step_that_fails_changes_nothing(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        ngram_fixture f = {.config = NULL};
        size_t before_size = 0, after_size = 0;
        ngram_set_up(&f, k ? "task=regress" : "task=regress accumulate_steps=2", 1);
        const float values[2] = {1e30f, 3e38f};
        const char *more = "words that no other text has";
        for (size_t i = 0; i < 2; i++)
            assert_ok(tci_examples_add(f.examples, more, strlen(more), &(tci_truth){NULL, values + i, 1}, 1));
        for (size_t i = 0; i < 2; i++)
            assert_ok(tc_train_step(f.trainer, f.examples, ngram_batches[i], 4, NULL));
        char *before = ngram_checkpoint(&f, &before_size);
        if (k == 0) /* gathered before the one that fails, with features of its own, and dropped with it */
            assert_ok(tc_train_step(f.trainer, f.examples, ngram_batches[2], 4, NULL));
        assert_int_equal(tc_train_step(f.trainer, f.examples, (const size_t[]){9, NGRAM_TEXTS + k}, 2, NULL),
                         TC_ERROR_NUMERIC);
        assert_contains(tc_last_error(), k ? "step 3" : "step 2");
        char *after = ngram_checkpoint(&f, &after_size);
        ngram_check_same((uint8_t *)before, before_size, (uint8_t *)after, after_size);
        size_t rows = network_rows(&f);
        tci_row row = tci_examples_row(f.examples, NGRAM_TEXTS);
        for (size_t i = 0; i < 2; i++) /* two, where two are gathered for a step */
            assert_ok(tc_train_step(f.trainer, f.examples, ngram_batches[0], 4, NULL));
        assert_int_equal(network_rows(&f), rows); /* nothing new in this batch, and nothing left from the other */
        for (size_t i = 0; i < row.length; i++) {
            uint32_t bucket = TCI_FEATURE_BUCKET(row.ids[i]);
            assert_int_equal(tci_ngram_row(ngram_network_of(f.model), bucket), TCI_INDEX_SET_NONE);
        }
        ngram_tear_down(&f);
    }
}

static void backwards_add_up(void **state)
{
    (void)state;
    ngram_fixture once = {.config = NULL}, parts = once;
    ngram_set_up(&once, "learning_rate=1", 3);
    ngram_set_up(&parts, "learning_rate=1", 3);
    size_t rows[8] = {0, 5, 6, 3, 2, 4, 8, 11}; /* where no gradient is 0 but for rounding */
    for (size_t step = 0; step < 3; step++) {
        assert_ok(tc_train_step(once.trainer, once.examples, rows, 8, NULL));
        for (size_t i = 0; i < 8; i += 2)
            assert_ok(tc_trainer_backward(parts.trainer, parts.examples, rows + i, 2, NULL));
        assert_ok(tc_trainer_apply(parts.trainer, NULL));
    }
    for (uint32_t b = 0; b < NGRAM_BUCKETS; b++) {
        for (size_t c = 0; c < 3; c++)
            assert_close(ngram_weight_of(once.model, b, c), ngram_weight_of(parts.model, b, c), 1e-5);
    }
    ngram_tear_down(&once);
    ngram_tear_down(&parts);
}

static void a_class_weight_is_the_weight_of_its_texts(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        ngram_fixture weighted = {.config = NULL}, plain = weighted;
        ngram_set_up(&weighted, k ? "class_weights=b=4 loss=cross_entropy" : "class_weights=b=4", 3);
        ngram_set_up(&plain, k ? "loss=cross_entropy" : "", 3);
        for (size_t i = 0; i < NGRAM_TEXTS; i++)
            plain.examples->weights[i] *= ngram_labels[i] == 1 ? 4.0f : 1.0f;
        for (size_t i = 0; i < NGRAM_BATCHES; i++) {
            assert_ok(tc_train_step(weighted.trainer, weighted.examples, ngram_batches[i], 4, NULL));
            assert_ok(tc_train_step(plain.trainer, plain.examples, ngram_batches[i], 4, NULL));
        }
        for (uint32_t b = 0; b < NGRAM_BUCKETS; b++)
            assert_true(ngram_weight_of(weighted.model, b, 1) == ngram_weight_of(plain.model, b, 1));
        ngram_tear_down(&weighted);
        ngram_tear_down(&plain);
    }
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
        cmocka_unit_test(a_class_weight_is_the_weight_of_its_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
