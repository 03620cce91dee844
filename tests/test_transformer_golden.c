/* labels: quick. Transformers of every family against values that transformers wrote in float64: what the last layer
 * gives, pooled vectors, logits, loss, every gradient, five steps of AdamW. */
#include "support/testing.h"

#include <math.h>

#include "base/cpu.h"
#include "model/embed.h"
#include "model/predict_many.h"
#include "model/transformer_training_internal.h"
#include "support/golden_model.h"
#include "train/trainer.h"

#define TOLERANCE 1e-4

static const char *const cases[] = {"bert",       "mean", "roberta",   "xlm_roberta", "distilbert",
                                    "gpt2", "lora_bert", "lora_gpt2", "frozen_bert"};
#define CASE_COUNT (sizeof cases / sizeof cases[0])

typedef struct fixture {
    golden *file;
    tc_model *model;
    tc_examples *examples;
    tc_trainer *trainer;
    size_t rows[64];
} fixture;

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

static fixture open_case(const char *name, const char *settings)
{
    char path[64];
    tci_options options;
    fixture f = {0};
    (void)snprintf(path, sizeof path, "transformer_%s.safetensors", name);
    f.file = golden_open(path);
    golden_model_options(f.file, &options);
    set_options(&options, golden_metadata(f.file, "training"));
    set_options(&options, settings);
    f.model = golden_model_create(f.file, &options);
    f.examples = golden_model_examples(f.file, f.model);
    for (size_t i = 0; i < f.examples->rows; i++)
        f.rows[i] = i;
    assert_ok(tci_trainer_create(f.model, NULL, &f.trainer));
    return f;
}

static void close_case(fixture *f)
{
    tci_trainer_free(f->trainer);
    tci_examples_release(f->examples);
    tci_model_release(f->model);
    golden_close(f->file);
}

static void check_close(const char *what, const float *values, const double *expected, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!(fabs((double)values[i] - expected[i]) <= TOLERANCE * fmax(1, fabs(expected[i]))))
            fail_msg("%s: number %zu is %.9g, that of transformers %.17g", what, i, (double)values[i], expected[i]);
    }
}

static void logits_and_pooled_vectors_are_those_of_transformers(void **state)
{
    (void)state;
    for (size_t c = 0; c < CASE_COUNT; c++) {
        fixture f = open_case(cases[c], "");
        const golden_tensor *logits = golden_get(f.file, "logits"), *pooled = golden_get(f.file, "pooled");
        tci_workspace workspace = {.memory = &f.model->memory};
        float values[64 * 16];
        tci_row rows[64];
        for (size_t i = 0; i < f.examples->rows; i++)
            rows[i] = tci_examples_row(f.examples, i);
        for (int packed = 0; packed < 2; packed++) {
            assert_ok(tci_predict_rows(f.model, NULL, rows, f.examples->rows, values));
            check_close(cases[c], values, logits->values, logits->count);
            for (size_t i = 0; i < f.examples->rows; i++) {
                assert_ok(f.model->network->architecture->embed(f.model->network, &workspace, &rows[i], NULL, values));
                check_close(cases[c], values, pooled->values + i * pooled->shape[1], pooled->shape[1]);
            }
            tci_trainer_free(f.trainer); /* which packs */
            f.trainer = NULL;
        }
        tci_workspace_free(&workspace);
        close_case(&f);
    }
}

/* Rows are sorted by falling length in the trainer's batch. */
static void check_hidden(const fixture *f, const char *name)
{
    const tci_training *training = f->trainer->training;
    const golden_tensor *hidden = golden_get(f->file, "hidden"), *offsets = golden_get(f->file, "offsets");
    for (size_t i = 0; i < training->sequence_count; i++) {
        const tci_sequence *sequence = &training->sequences[i];
        size_t row = training->rows[sequence->row].position, first = (size_t)offsets->values[row];
        assert_int_equal(sequence->length, (size_t)offsets->values[row + 1] - first);
        for (size_t t = 0; t < sequence->length; t++)
            check_close(name, training->normed + (sequence->start + t) * training->network->stride,
                        hidden->values + (first + t) * hidden->shape[1], hidden->shape[1]);
    }
}

static void check_loss(const char *what, double loss, double expected)
{
    if (!(fabs(loss - expected) <= TOLERANCE * fmax(1, fabs(expected))))
        fail_msg("%s: the loss is %.9g, that of transformers %.17g", what, loss, expected);
}

static void check_gradients(const char *name, const char *settings)
{
    fixture f = open_case(name, settings);
    const tci_parameters *parameters = &f.model->network->parameters;
    tc_step step = TC_STEP_INIT;
    double square = 0;
    assert_ok(tci_trainer_backward(f.trainer, f.examples, f.rows, f.examples->rows, &step));
    check_loss(name, step.loss, golden_get(f.file, "loss")->values[0]);
    for (size_t i = 0; i < parameters->tensor_count; i++) {
        char key[TCI_TENSOR_NAME + 8];
        (void)snprintf(key, sizeof key, "grad.%s", parameters->tensors[i].name);
        const golden_tensor *gradient = golden_find(f.file, key);
        assert_true((gradient == NULL) == parameters->tensors[i].frozen);
        square += gradient ? golden_square_norm(gradient) : 0;
    }
    for (size_t i = 0; i < tci_trained_floats(parameters); i++)
        f.trainer->gradients.values[i] /= (float)f.trainer->gathered.sum.weight;
    for (size_t i = 0; i < parameters->tensor_count; i++) {
        const float *gradient = tci_gradients_of(&f.trainer->gradients, i);
        if (gradient)
            golden_compare(name, gradient, golden_get(f.file, "grad.%s", parameters->tensors[i].name), TOLERANCE,
                           sqrt(square));
    }
    close_case(&f);
}

static void what_the_last_layer_gives_is_that_of_transformers(void **state)
{
    (void)state;
    for (size_t c = 0; c < CASE_COUNT; c++) {
        fixture f = open_case(cases[c], "");
        tc_step step = TC_STEP_INIT;
        /* Backward leaves the matrix for other uses; one that never begins does not. */
        tci_training *training = f.trainer->training;
        tci_row rows[64];
        float logits[64 * 16];
        for (size_t i = 0; i < f.examples->rows; i++) {
            rows[i] = tci_examples_row(f.examples, i);
            rows[i].position = (uint32_t)i;
        }
        (void)step;
        tci_float_environment environment = tci_float_enter();
        tc_status status = f.model->network->architecture->forward(training, &(tci_step_context){1, 0}, rows,
                                                                   f.examples->rows, logits);
        tci_float_leave(environment);
        assert_ok(status);
        check_hidden(&f, cases[c]);
        close_case(&f);
    }
}

static void loss_and_every_gradient_are_those_of_transformers(void **state)
{
    (void)state;
    for (size_t c = 0; c < CASE_COUNT; c++) {
        check_gradients(cases[c], "");
        check_gradients(cases[c], "threads=3 gradient_checkpointing=true");
        check_gradients(cases[c], "max_isa=scalar");
    }
}

/* A key's bias shifts all scores of a query alike: its gradient is what rounding leaves, of which Adam makes steps that
 * are as good as random, and which no score sees. */
static bool is_key_bias(const char *name)
{
    return strstr(name, "key.bias") || strstr(name, "k_lin.bias");
}

static void weights_after_five_steps_are_those_of_transformers(void **state)
{
    (void)state;
    for (size_t c = 0; c < CASE_COUNT; c++) {
        fixture f = open_case(cases[c], c % 2 ? "threads=2" : "");
        const tci_parameters *parameters = &f.model->network->parameters;
        for (int s = 0; s < 5; s++) {
            tc_step step = TC_STEP_INIT;
            assert_ok(tci_trainer_step(f.trainer, f.examples, f.rows, f.examples->rows, &step));
        }
        for (size_t i = 0; i < parameters->tensor_count; i++) {
            const tci_tensor_info *tensor = &parameters->tensors[i];
            const golden_tensor *after = golden_get(f.file, "after.%s", tensor->name);
            float *values = parameters->values + tensor->offset;
            double norm = sqrt(golden_square_norm(after));
            size_t third = tensor->count / 3;
            if (is_key_bias(tensor->name))
                continue;
            if (strstr(tensor->name, "c_attn.bias")) {
                for (size_t k = third; k < 2 * third; k++)
                    values[k] = (float)after->values[k];
            }
            golden_compare(cases[c], values, after, TOLERANCE, norm);
        }
        close_case(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logits_and_pooled_vectors_are_those_of_transformers),
        cmocka_unit_test(what_the_last_layer_gives_is_that_of_transformers),
        cmocka_unit_test(loss_and_every_gradient_are_those_of_transformers),
        cmocka_unit_test(weights_after_five_steps_are_those_of_transformers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
