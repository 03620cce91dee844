/* labels: quick. Whole models against values that PyTorch wrote in float64: logits, loss, every gradient, ten steps of
 * each optimizer; bounds relative to each tensor's (for gradients: the whole gradient's) norm. */
#include "support/testing.h"

#include <math.h>

#include "base/cpu.h"
#include "model/predict_many.h"
#include "support/golden_model.h"
#include "train/trainer.h"

#define TOLERANCE 1e-5

static const char *const cases[] = {
    "ce_l1_uni_last", "ce_l1_uni_mean", "ce_l1_uni_max", "ce_l1_bi_last", "ce_l1_bi_mean",  "ce_l1_bi_max",
    "ce_l2_uni_last", "ce_l2_uni_mean", "ce_l2_uni_max", "ce_l2_bi_last", "ce_l2_bi_mean",  "ce_l2_bi_max",
    "ce_h20_last",    "ce_h33_bi_mean", "ce_weighted",   "bce",           "mse",
};
#define CASE_COUNT (sizeof cases / sizeof cases[0])

typedef struct fixture {
    golden *file;
    tc_model *model;
    tc_examples *examples;
    size_t rows[64];
} fixture;

static fixture open_case(const char *name, const tci_options *training)
{
    char path[64];
    tci_options options;
    fixture f = {0};
    (void)snprintf(path, sizeof path, "%s.safetensors", name);
    f.file = golden_open(path);
    golden_model_options(f.file, &options);
    if (training) {
        char weights[TCI_OPTION_TEXT_SIZE];
        memcpy(weights, options.class_weights, sizeof weights);
        double smoothing = options.label_smoothing;
        tci_options_copy_class(&options, training, TCI_CLASS_TRAINING);
        tci_options_copy_class(&options, training, TCI_CLASS_RUN);
        memcpy(options.class_weights, weights, sizeof weights);
        options.label_smoothing = smoothing;
    }
    f.model = golden_model_create(f.file, &options);
    f.examples = golden_model_examples(f.file, f.model);
    for (size_t i = 0; i < f.examples->rows; i++)
        f.rows[i] = i;
    return f;
}

static void close_case(fixture *f)
{
    tci_examples_release(f->examples);
    tci_model_release(f->model);
    golden_close(f->file);
}

static void logits_are_those_of_pytorch(void **state)
{
    (void)state;
    for (size_t c = 0; c < CASE_COUNT; c++) {
        fixture f = open_case(cases[c], NULL);
        const golden_tensor *expected = golden_get(f.file, "logits");
        float logits[64 * 16];
        tci_row rows[64];
        for (size_t i = 0; i < f.examples->rows; i++)
            rows[i] = tci_examples_row(f.examples, i);
        assert_ok(tci_predict_rows(f.model, NULL, rows, f.examples->rows, logits));
        for (size_t i = 0; i < expected->count; i++) {
            double bound = TOLERANCE * fmax(1, fabs(expected->values[i]));
            if (!(fabs(logits[i] - expected->values[i]) <= bound))
                fail_msg("%s: logit %zu is %.9g, PyTorch's %.17g", cases[c], i, (double)logits[i], expected->values[i]);
        }
        close_case(&f);
    }
}

static void check_loss(const char *what, double loss, double expected)
{
    if (!(fabs(loss - expected) <= TOLERANCE * fmax(1, fabs(expected))))
        fail_msg("%s: the loss is %.9g, PyTorch's %.17g", what, loss, expected);
}

static void check_gradients(const char *name, uint64_t threads, const char *isa)
{
    tci_options training;
    tci_options_default(&training);
    training.threads = threads;
    assert_ok(tci_options_set(&training, "max_isa", isa));
    fixture f = open_case(name, &training);
    const tci_parameters *parameters = &f.model->network->parameters;
    tc_trainer *trainer = NULL;
    tc_step step = TC_STEP_INIT;
    double square = 0;
    assert_ok(tci_trainer_create(f.model, NULL, &trainer));
    assert_ok(tci_trainer_backward(trainer, f.examples, f.rows, f.examples->rows, &step));
    double loss = golden_get(f.file, "loss")->values[0];
    check_loss(name, step.loss, loss);
    for (size_t i = 0; i < parameters->tensor_count; i++)
        square += golden_square_norm(golden_get(f.file, "grad.%s", parameters->tensors[i].name));
    for (size_t i = 0; i < parameters->size; i++)
        trainer->gradients.values[i] /= (float)trainer->gathered.sum.weight;
    for (size_t i = 0; i < parameters->tensor_count; i++) {
        const tci_tensor_info *tensor = &parameters->tensors[i];
        golden_compare(name, trainer->gradients.values + tensor->offset, golden_get(f.file, "grad.%s", tensor->name),
                       TOLERANCE, sqrt(square));
    }
    tci_trainer_free(trainer);
    close_case(&f);
}

static void loss_and_every_gradient_are_those_of_pytorch(void **state)
{
    (void)state;
    for (size_t c = 0; c < CASE_COUNT; c++) {
        check_gradients(cases[c], 1, "auto");
        check_gradients(cases[c], 3, "auto");
        check_gradients(cases[c], 1, "scalar");
    }
}

/* "key=value key=value" into options. */
static void set_options(tci_options *options, const char *text)
{
    char copy[512];
    (void)snprintf(copy, sizeof copy, "%s", text);
    for (char *rest = copy, *pair; (pair = strtok_r(rest, " ", &rest));) {
        char *value = strchr(pair, '=');
        *value = '\0';
        assert_ok(tci_options_set(options, pair, value + 1));
    }
}

static void check_ten_steps(const char *name, const char *optimizer, const char *settings, uint64_t threads)
{
    tci_options training;
    char what[128];
    tci_options_default(&training);
    set_options(&training, settings);
    training.threads = threads;
    fixture f = open_case(name, &training);
    tc_trainer *trainer = NULL;
    const golden_tensor *order = golden_get(f.file, "rows.%s", optimizer);
    const golden_tensor *losses = golden_get(f.file, "losses.%s", optimizer);
    assert_ok(tci_trainer_create(f.model, NULL, &trainer));
    for (size_t s = 0; s < order->shape[0]; s++) {
        tc_step step = TC_STEP_INIT;
        size_t rows[64];
        for (size_t i = 0; i < order->shape[1]; i++)
            rows[i] = (size_t)order->values[s * order->shape[1] + i];
        assert_ok(tci_trainer_step(trainer, f.examples, rows, order->shape[1], &step));
        check_loss(optimizer, step.loss, losses->values[s]);
    }
    (void)snprintf(what, sizeof what, "%s after ten steps of %s", name, optimizer);
    const tci_parameters *parameters = &f.model->network->parameters;
    for (size_t i = 0; i < parameters->tensor_count; i++) {
        const tci_tensor_info *tensor = &parameters->tensors[i];
        const golden_tensor *after = golden_get(f.file, "after.%s.%s", optimizer, tensor->name);
        golden_compare(what, parameters->values + tensor->offset, after, TOLERANCE, sqrt(golden_square_norm(after)));
    }
    tci_trainer_free(trainer);
    close_case(&f);
}

static void weights_after_ten_steps_are_those_of_pytorch(void **state)
{
    static const char *const names[] = {"ce_h20_last", "ce_l2_bi_mean"};
    size_t checked = 0;
    (void)state;
    for (size_t c = 0; c < 2; c++) {
        char path[64];
        (void)snprintf(path, sizeof path, "%s.safetensors", names[c]);
        golden *file = golden_open(path);
        const char *key = NULL;
        for (size_t i = 0; (key = golden_metadata_key(file, i)); i++) {
            if (strncmp(key, "opt.", 4) != 0)
                continue;
            check_ten_steps(names[c], key + 4, golden_metadata(file, key), 1 + c);
            checked++;
        }
        golden_close(file);
    }
    assert_true(checked >= 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logits_are_those_of_pytorch),
        cmocka_unit_test(loss_and_every_gradient_are_those_of_pytorch),
        cmocka_unit_test(weights_after_ten_steps_are_those_of_pytorch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
