/* The LSTM network against its equations in double: logits, and gradients by differences. labels: quick */
#include "support/testing.h"

#include <math.h>

#include "base/cpu.h"
#include "support/reference_network.h"
#include "support/tiny_model.h"
#include "train/trainer.h"

/* Words of the tiny model's vocabulary; what else is said is unknown to it, row 0. */
static const char *const texts[] = {"the good film",
                                    "",
                                    "bad",
                                    "good good the film bad film the",
                                    "\xE5\xA5\xBD nothing",
                                    "film the",
                                    "the bad bad film \xE5\xA5\xBD the good the film"};
#define ROWS (sizeof texts / sizeof texts[0])
#define LABELS 2

typedef struct fixture {
    tc_model *model;
    tc_examples *examples;
    tc_trainer *trainer;
    size_t rows[ROWS];
} fixture;

static void set_up(fixture *f, const char *settings)
{
    char copy[256];
    const char *list[40] = {NULL};
    size_t count = 0;
    (void)snprintf(copy, sizeof copy, "%s", settings);
    for (char *rest = copy, *pair; (pair = strtok_r(rest, " ", &rest)) != NULL;) {
        char *value = strchr(pair, '=');
        assert_non_null(value);
        *value = '\0';
        list[count++] = pair;
        list[count++] = value + 1;
    }
    f->model = test_tiny_model(list);
    assert_ok(tci_examples_create(f->model, &f->examples));
    for (size_t i = 0; i < ROWS; i++) {
        uint32_t label = (uint32_t)(i % LABELS);
        assert_ok(tci_examples_add(f->examples, texts[i], strlen(texts[i]), &(tci_truth){.labels = &label, .count = 1},
                                   0.5f + 0.25f * (float)i));
        f->rows[i] = ROWS - 1 - i;
    }
    assert_ok(tci_trainer_create(f->model, &f->model->options, &f->trainer));
}

static void tear_down(fixture *f)
{
    tci_trainer_free(f->trainer);
    tci_examples_release(f->examples);
    tci_model_release(f->model);
}

/* Σ w·L of the batch, by the reference. */
static double loss_of(const reference_network *network, const fixture *f)
{
    double loss = 0.0;
    for (size_t i = 0; i < ROWS; i++) {
        size_t row = f->rows[i];
        tci_row ids = tci_examples_row(f->examples, row);
        double logits[LABELS];
        reference_logits(network, ids.ids, ids.length, (uint32_t)i, logits);
        double other = logits[1 - f->examples->classes[row]] - logits[f->examples->classes[row]];
        loss += (double)f->examples->weights[row] * log1p(exp(other));
    }
    return loss;
}

/* The gradient with respect to parameter `at` by central differences. */
static double difference(reference_network *network, const fixture *f, size_t at)
{
    const double step = 1e-5, value = network->values[at];
    network->values[at] = value + step;
    double above = loss_of(network, f);
    network->values[at] = value - step;
    double below = loss_of(network, f);
    network->values[at] = value;
    return (above - below) / (2.0 * step);
}

/* Every `stride`-th parameter of each tensor: the distance of its gradient from the difference, within 1e-5 of the norm
 * of all. */
static void check_gradients(const char *settings, size_t stride)
{
    fixture f;
    reference_network network;
    tc_step step = TC_STEP_INIT;
    set_up(&f, settings);
    reference_open(&network, f.model);
    network.training = true;
    network.seed = f.trainer->options.seed;
    assert_ok(tci_trainer_backward(f.trainer, f.examples, f.rows, ROWS, &step));
    assert_close(step.loss * step.weight, loss_of(&network, &f), 1e-5);
    const tci_parameters *parameters = &f.model->network->parameters;
    double distances[64] = {0}, norm = 0.0;
    for (size_t i = 0; i < parameters->tensor_count; i++) {
        const tci_tensor_info *tensor = &parameters->tensors[i];
        for (size_t k = 0; k < tensor->count; k += stride) {
            double wanted = difference(&network, &f, tensor->offset + k);
            double got = (double)f.trainer->gradients.values[tensor->offset + k];
            distances[i] += (got - wanted) * (got - wanted);
            norm += wanted * wanted;
        }
    }
    assert_true(norm > 1e-3);
    for (size_t i = 0; i < parameters->tensor_count; i++) {
        if (!(sqrt(distances[i]) <= 1e-5 * sqrt(norm)))
            fail_msg("%s: the gradient of %s is off by %.3g of %.3g", settings, parameters->tensors[i].name,
                     sqrt(distances[i]), sqrt(norm));
    }
    reference_close(&network);
    tear_down(&f);
}

static void gradients_are_differences_of_the_loss(void **state)
{
    static const char *const poolings[] = {"last", "mean", "max"};
    (void)state;
    for (size_t p = 0; p < 3; p++) {
        for (int layers = 1; layers <= 2; layers++) {
            for (int both = 0; both < 2; both++) {
                for (int dropped = 0; dropped < 2; dropped++) {
                    char settings[160];
                    (void)snprintf(settings, sizeof settings,
                                   "hidden_dim=3 pooling=%s num_layers=%d bidirectional=%s dropout=%s", poolings[p],
                                   layers, both ? "true" : "false", dropped ? "0.3" : "0");
                    check_gradients(settings, 1);
                }
            }
        }
    }
}

static void gradients_of_wide_and_deep_layers_are_differences_of_the_loss(void **state)
{
    (void)state;
    check_gradients("hidden_dim=17 embedding_dim=5 bidirectional=true pooling=mean", 37);
    check_gradients("hidden_dim=33 embedding_dim=20 num_layers=2 bidirectional=true dropout=0.2 threads=3", 211);
    check_gradients("hidden_dim=4 num_layers=4 dropout=0.1 pooling=max threads=2", 5);
    check_gradients("hidden_dim=16 embedding_dim=16 num_layers=3 bidirectional=true max_isa=scalar", 97);
}

static void check_logits(const char *settings, const char *text)
{
    fixture f;
    reference_network network;
    tci_scratch *scratch = NULL;
    float logits[LABELS];
    double wanted[LABELS];
    set_up(&f, settings);
    reference_open(&network, f.model);
    assert_ok(tci_scratch_create(f.model, 1, &scratch));
    tci_float_environment environment = tci_float_enter();
    tc_status status = tci_model_predict_text(f.model, scratch, text, strlen(text), logits);
    tci_float_leave(environment);
    assert_ok(status);
    reference_logits(&network, scratch->encoded.ids, scratch->encoded.count, 0, wanted);
    for (size_t i = 0; i < LABELS; i++) {
        if (!(fabs((double)logits[i] - wanted[i]) <= 1e-5 * fmax(1.0, fabs(wanted[i]))))
            fail_msg("%s: logit %zu of a text of %zu tokens is %.9g, by the equations %.9g", settings, i,
                     scratch->encoded.count, (double)logits[i], wanted[i]);
    }
    tci_scratch_free(scratch);
    reference_close(&network);
    tear_down(&f);
}

static void predicted_logits_are_those_of_the_equations(void **state)
{
    static const char *const poolings[] = {"last", "mean", "max"};
    static const char *const sizes[] = {"hidden_dim=1 embedding_dim=1", "hidden_dim=16 embedding_dim=16",
                                        "hidden_dim=20 embedding_dim=17"};
    (void)state;
    for (size_t i = 0; i < 3 * 3 * 3 * 2; i++) {
        char settings[160];
        (void)snprintf(settings, sizeof settings,
                       "dropout=0.5 max_length=0 %s pooling=%s num_layers=%zu bidirectional=%s", sizes[i % 3],
                       poolings[i / 3 % 3], 1 + i / 9 % 3, i / 27 ? "true" : "false");
        for (size_t k = 0; k < ROWS; k++)
            check_logits(settings, texts[k]);
    }
}

static void states_are_carried_from_window_to_window(void **state)
{
    static const char *const poolings[] = {"last", "mean", "max"};
    static char text[2500 * 5 + 1]; /* some three windows */
    (void)state;
    text[0] = '\0';
    for (size_t i = 0, at = 0; i < 2500; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s ", i * i % 7 < 3 ? "good" : i % 3 == 0 ? "bad" : "the");
    for (size_t i = 0; i < 12; i++) {
        char settings[160];
        (void)snprintf(settings, sizeof settings,
                       "max_length=0 hidden_dim=5 pooling=%s num_layers=%zu bidirectional=%s", poolings[i % 3],
                       1 + i / 3 % 2, i / 6 ? "true" : "false");
        check_logits(settings, text);
    }
}

static void a_scratch_has_the_threads_that_it_is_asked_for(void **state)
{
    fixture f;
    tci_scratch *alone = NULL, *team = NULL;
    (void)state;
    set_up(&f, "hidden_dim=8");
    assert_ok(tci_scratch_create(f.model, 1, &alone));
    assert_ok(tci_scratch_create(f.model, 3, &team));
    assert_null(alone->pool);
    assert_int_equal(tci_pool_size(team->pool), 3);
    tci_scratch_free(alone);
    tci_scratch_free(team);
    tear_down(&f);
}

/* ---- ids from a source ---- */

typedef struct id_list {
    uint32_t ids[3000];
    size_t reads, fail_at; /* calls so far, and the number from 0 of the one that fails */
} id_list;

static tc_status read_list(void *context, size_t first, size_t count, uint32_t *ids)
{
    id_list *list = context;
    assert_true(first + count <= 3000);
    memcpy(ids, list->ids + first, count * sizeof *ids);
    return list->reads++ == list->fail_at ? tci_fail(TC_ERROR_ARGUMENT, "the list ends here") : TC_OK;
}

static void check_source(const char *settings, id_list *list, size_t length)
{
    fixture f;
    float wanted[LABELS], logits[LABELS];
    tci_workspace workspace = {0};
    set_up(&f, settings);
    const tci_network *network = f.model->network;
    tci_row row = {.ids = list->ids, .length = length};
    tci_id_source source = {list, length, read_list};
    tci_pool *pool = NULL;
    workspace.memory = &f.model->memory;
    assert_ok(tci_pool_create(workspace.memory, 3, &pool));
    tci_float_environment environment = tci_float_enter();
    assert_ok(network->architecture->predict(network, NULL, &workspace, &row, 1, wanted));
    tci_workspace_free(&workspace);
    list->reads = 0;
    list->fail_at = SIZE_MAX;
    assert_ok(network->architecture->predict_long(network, NULL, &workspace, &source, logits));
    assert_memory_equal(logits, wanted, sizeof wanted);
    assert_true(length == 0 || list->reads > 0);
    for (size_t last = list->reads, n = 0; n < last; n++) {
        list->reads = 0;
        list->fail_at = n;
        assert_int_equal(network->architecture->predict_long(network, pool, &workspace, &source, logits),
                         TC_ERROR_ARGUMENT);
        assert_contains(tci_error_text(), "the list ends here");
    }
    list->fail_at = SIZE_MAX;
    assert_ok(network->architecture->predict_long(network, pool, &workspace, &source, logits));
    assert_memory_equal(logits, wanted, sizeof wanted);
    tci_float_leave(environment);
    tci_pool_free(pool);
    tci_workspace_free(&workspace);
    tear_down(&f);
}

static void logits_of_ids_from_a_source_are_those_of_ids_at_hand(void **state)
{
    static const char *const poolings[] = {"last", "mean", "max"};
    static const size_t lengths[] = {0, 1, 1023, 1024, 1025, 2048, 3000};
    static id_list list;
    (void)state;
    for (uint32_t i = 0; i < 3000; i++)
        list.ids[i] = i * i % 11 % 6;
    for (size_t i = 0; i < 12 * 7; i += TEST_EVERY(11)) {
        char settings[160];
        (void)snprintf(settings, sizeof settings, "hidden_dim=5 pooling=%s num_layers=%zu bidirectional=%s",
                       poolings[i % 3], 1 + i / 3 % 2, i / 6 % 2 ? "true" : "false");
        check_source(settings, &list, lengths[i / 12]);
    }
    check_source("hidden_dim=300 embedding_dim=4 bidirectional=true", &list, 1800); /* windows of 862 tokens */
}

/* ---- initial weights ---- */

static double mean_square(const float *values, size_t count, double *greatest)
{
    double sum = 0.0;
    *greatest = 0.0;
    for (size_t i = 0; i < count; i++) {
        sum += (double)values[i] * (double)values[i];
        *greatest = fmax(*greatest, fabs((double)values[i]));
    }
    return sum / (double)count;
}

static void initial_weights_have_the_distributions_of_pytorch(void **state)
{
    fixture f;
    double greatest = 0.0;
    (void)state;
    set_up(&f, "hidden_dim=64 embedding_dim=2000 bidirectional=true");
    const tci_parameters *parameters = &f.model->network->parameters;
    for (size_t i = 0; i < parameters->tensor_count; i++) {
        const tci_tensor_info *tensor = &parameters->tensors[i];
        double square = mean_square(parameters->values + tensor->offset, tensor->count, &greatest);
        if (i == 0) { /* one row of six is zero */
            assert_close(square, 5.0 / 6.0, 0.05);
            continue;
        }
        double inputs = strncmp(tensor->name, "fc.", 3) == 0 ? 128.0 : 64.0, bound = 1.0 / sqrt(inputs);
        assert_true(greatest <= bound && (tensor->count < 100 || greatest > 0.95 * bound));
        if (tensor->count > 1000)
            assert_true(fabs(square / (bound * bound) - 1.0 / 3.0) < 0.03);
    }
    tear_down(&f);
}

static void the_unknown_word_starts_at_zero(void **state)
{
    fixture f;
    (void)state;
    set_up(&f, "embedding_dim=40");
    for (size_t k = 0; k < 40; k++)
        assert_true(f.model->network->parameters.values[k] == 0.0f);
    assert_true(f.model->network->parameters.values[40] != 0.0f);
    tear_down(&f);
}

static void a_batch_of_empty_texts_teaches_the_heads_bias_alone(void **state)
{
    fixture f;
    tc_step step = TC_STEP_INIT;
    const size_t empty[3] = {1, 1, 1};
    (void)state;
    set_up(&f, "num_layers=2 bidirectional=true pooling=mean dropout=0.5 threads=2");
    assert_ok(tci_trainer_backward(f.trainer, f.examples, empty, 3, &step));
    assert_int_equal(step.tokens, 0);
    const tci_parameters *parameters = &f.model->network->parameters;
    for (size_t i = 0; i < parameters->tensor_count; i++) {
        bool bias = strcmp(parameters->tensors[i].name, "fc.bias") == 0;
        for (size_t k = 0; k < parameters->tensors[i].count; k++)
            assert_int_equal(f.trainer->gradients.values[parameters->tensors[i].offset + k] != 0.0f, bias);
    }
    assert_ok(tci_trainer_apply(f.trainer, &step));
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_differences_of_the_loss),
        cmocka_unit_test(gradients_of_wide_and_deep_layers_are_differences_of_the_loss),
        cmocka_unit_test(predicted_logits_are_those_of_the_equations),
        cmocka_unit_test(states_are_carried_from_window_to_window),
        cmocka_unit_test(a_scratch_has_the_threads_that_it_is_asked_for),
        cmocka_unit_test(logits_of_ids_from_a_source_are_those_of_ids_at_hand),
        cmocka_unit_test(initial_weights_have_the_distributions_of_pytorch),
        cmocka_unit_test(the_unknown_word_starts_at_zero),
        cmocka_unit_test(a_batch_of_empty_texts_teaches_the_heads_bias_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
