/* labels: quick
 * Adapters (option lora_rank): which weights have one, that new ones change nothing, that the model with them is the
 * one that they are merged into, what is trained, and gradients by finite differences. */
#include "support/testing.h"

#include <math.h>

#include "model/conversion.h"
#include "model/transformer_network.h"
#include "serialization/native.h"
#include "support/tiny_model.h"
#include "train/trainer.h"

#define SIZES                                                                                                          \
    "num_layers=2 hidden_dim=16 num_heads=2 intermediate_dim=24 positions=32 max_length=32 dropout=0 "                 \
    "embedding_dropout=0 attention_dropout=0 head_dropout=0 schedule=constant warmup_ratio=0 clip_norm=0 "

static const char *const texts[] = {"the good film", "bad", "good good the film bad film the", "film the"};
#define TEXTS (sizeof texts / sizeof texts[0])

static void parse(const char *given, char settings[600], const char *list[64])
{
    size_t count = 0;
    (void)snprintf(settings, 600, SIZES "%s", given);
    for (char *rest = settings, *pair; (pair = strtok_r(rest, " ", &rest)) != NULL;) {
        char *value = strchr(pair, '=');
        *value = '\0';
        list[count++] = pair;
        list[count++] = value + 1;
    }
}

static tc_model *make_model(const char *given)
{
    char settings[600];
    const char *list[64] = {NULL};
    parse(given, settings, list);
    return test_tiny_model(list);
}

static float noise(size_t i)
{
    return 0.1f * (float)((i * 7919 + 13) % 201) / 100.0f - 0.1f;
}

static void move_adapters(tc_model *model)
{
    const tci_parameters *parameters = &model->network->parameters;
    for (size_t i = 0; i < parameters->tensor_count; i++) {
        for (size_t k = 0; parameters->tensors[i].adapter && k < parameters->tensors[i].count; k++)
            parameters->values[parameters->tensors[i].offset + k] = noise(i + k);
    }
    tci_model_refresh(model);
}

static void predict(const tc_model *model, float logits[TEXTS * 2])
{
    tci_scratch *scratch = NULL;
    assert_ok(tci_scratch_create(model, 1, &scratch));
    for (size_t i = 0; i < TEXTS; i++)
        assert_ok(tci_model_predict_text(model, scratch, texts[i], strlen(texts[i]), logits + 2 * i));
    tci_scratch_free(scratch);
}

static void names_choose_the_weights(void **state)
{
    (void)state;
    static const struct {
        const char *settings;
        size_t adapters; /* of a layer */
        const char *one; /* the name of one of them */
    } rows[] = {
        {"arch=bert", 6, "bert.encoder.layer.1.attention.self.value.lora_B.weight"},
        {"arch=bert lora_targets=query,value", 2, "bert.encoder.layer.1.attention.self.value.lora_B.weight"},
        {"arch=bert lora_targets=dense", 3, "bert.encoder.layer.0.output.dense.lora_A.weight"},
        {"arch=bert lora_targets=attention.output.dense,key", 2,
         "bert.encoder.layer.0.attention.self.key.lora_A.weight"},
        {"arch=bert family=roberta position_offset=2", 6, "roberta.encoder.layer.0.attention.self.query.lora_A.weight"},
        {"arch=bert family=distilbert segments=0", 6, "distilbert.transformer.layer.1.attention.q_lin.lora_A.weight"},
        {"arch=gpt family=gpt2", 4, "transformer.h.1.attn.c_attn.lora_B.weight"},
        {"arch=gpt family=gpt2 lora_targets=c_proj", 2, "transformer.h.0.mlp.c_proj.lora_A.weight"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char settings[300];
        size_t found = 0;
        (void)snprintf(settings, sizeof settings, "%s lora_rank=3", rows[i].settings);
        tc_model *model = make_model(settings);
        const tci_parameters *parameters = &model->network->parameters;
        for (size_t k = 0; k < parameters->tensor_count; k++)
            found += parameters->tensors[k].adapter;
        assert_int_equal(found, 2 * 2 * rows[i].adapters);
        assert_non_null(tci_parameters_find(parameters, rows[i].one));
        tci_model_release(model);
    }
}

static void a_name_of_nothing_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"query,nothing", "q", "LayerNorm", ",", "query,,value", "c_attn"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        tc_model *model = make_model("arch=bert");
        tci_parameters parameters;
        tci_options options = model->options;
        assert_ok(tci_options_set(&options, "lora_rank", "2"));
        assert_ok(tci_options_set(&options, "lora_targets", names[i]));
        tci_parameters_init(&parameters, &model->memory);
        assert_int_equal(model->network->architecture->declare(&parameters, &options, 6, 2), TC_ERROR_OPTION);
        assert_non_null(strstr(tci_error_text(), "attention.output.dense"));
        tci_parameters_free(&parameters);
        tci_model_release(model);
    }
}

static const char *const cases[] = {"arch=bert lora_rank=3 lora_alpha=7",
                                    "arch=bert lora_rank=20 lora_targets=dense,key",
                                    "arch=bert lora_rank=256 lora_targets=attention.output.dense intermediate_dim=8",
                                    "arch=gpt family=gpt2 lora_rank=2 lora_targets=c_attn,c_proj,c_fc",
                                    "arch=gpt family=gpt2 lora_rank=3 lora_alpha=1 hidden_dim=18 num_heads=3"};
#define CASES (sizeof cases / sizeof cases[0])

static void a_model_with_adapters_is_the_one_that_they_are_merged_into(void **state)
{
    (void)state;
    for (size_t c = 0; c < CASES; c++) {
        float one[TEXTS * 2], other[TEXTS * 2];
        tc_model *model = make_model(cases[c]), *merged = NULL, *again = NULL;
        move_adapters(model);
        predict(model, one);
        tci_options options = model->options;
        options.lora_rank = 0;
        assert_ok(tci_model_convert(model, &options, &merged));
        for (size_t i = 0; i < merged->network->parameters.tensor_count; i++)
            assert_false(merged->network->parameters.tensors[i].adapter);
        predict(merged, other);
        assert_memory_equal(one, other, sizeof one);
        /* new ones change nothing */
        options.lora_rank = 5;
        assert_ok(tci_model_convert(merged, &options, &again));
        predict(again, other);
        assert_memory_equal(one, other, sizeof one);
        tci_model_release(again);
        tci_model_release(merged);
        tci_model_release(model);
    }
}

static void a_file_keeps_them_apart(void **state)
{
    (void)state;
    for (size_t c = 0; c < CASES; c++) {
        float one[TEXTS * 2], other[TEXTS * 2];
        tci_options run;
        size_t size = 0;
        tc_model *model = make_model(cases[c]), *loaded = NULL;
        move_adapters(model);
        predict(model, one);
        tci_options_default(&run);
        assert_int_equal(tci_native_save_memory(model, NULL, 0, NULL, &size), TC_ERROR_CAPACITY);
        uint8_t *bytes = malloc(size);
        assert_ok(tci_native_save_memory(model, NULL, size, bytes, &size));
        assert_ok(tci_native_read(bytes, size, &run, NULL, NULL, &loaded, NULL));
        assert_int_equal(loaded->network->parameters.tensor_count, model->network->parameters.tensor_count);
        predict(loaded, other);
        assert_memory_equal(one, other, sizeof one);
        tci_model_release(loaded);
        free(bytes);
        tci_model_release(model);
    }
}

static double loss_of(tc_trainer *trainer, const tc_examples *examples, const size_t *rows)
{
    tc_step step = TC_STEP_INIT;
    tci_trainer_refresh(trainer);
    assert_ok(tci_trainer_backward(trainer, examples, rows, TEXTS, &step));
    tci_gradients_clear(&trainer->gradients);
    trainer->gathered = (tci_gathered){.rows = 0};
    return step.loss;
}

static tc_examples *examples_of(tc_model *model, size_t rows[TEXTS])
{
    tc_examples *examples = NULL;
    assert_ok(tci_examples_create(model, &examples));
    for (size_t i = 0; i < TEXTS; i++) {
        uint32_t label = (uint32_t)(i % 2);
        assert_ok(
            tci_examples_add(examples, texts[i], strlen(texts[i]), &(tci_truth){.labels = &label, .count = 1}, 1));
        rows[i] = i;
    }
    return examples;
}

static void their_gradients_are_the_slopes_of_the_loss(void **state)
{
    (void)state;
    for (size_t c = 0; c < CASES; c++) {
        tc_model *model = make_model(cases[c]);
        tc_trainer *trainer = NULL;
        size_t rows[TEXTS];
        move_adapters(model);
        tc_examples *examples = examples_of(model, rows);
        assert_ok(tci_trainer_create(model, NULL, &trainer));
        tci_parameters *parameters = &model->network->parameters;
        float *kept = malloc(tci_trained_floats(parameters) * sizeof *kept);
        assert_ok(tci_trainer_backward(trainer, examples, rows, TEXTS, NULL));
        memcpy(kept, trainer->gradients.values, tci_trained_floats(parameters) * sizeof *kept);
        tci_gradients_clear(&trainer->gradients);
        trainer->gathered = (tci_gathered){.rows = 0};
        for (size_t i = 0; i < parameters->tensor_count; i++) {
            const tci_tensor_info *tensor = &parameters->tensors[i];
            assert_int_equal(tensor->frozen, tensor->level > 0 && !tensor->adapter);
            for (size_t k = 0; tensor->adapter && k < tensor->count; k += 1 + tensor->count / 5) {
                float *value = parameters->values + tensor->offset + k, old = *value, h = 0.002f;
                *value = old + h;
                double above = loss_of(trainer, examples, rows);
                *value = old - h;
                double below = loss_of(trainer, examples, rows);
                *value = old;
                double slope = (above - below) / (2 * (double)h) * TEXTS;
                double gradient = (double)kept[tci_trained_offset(tensor) + k];
                if (!(fabs(slope - gradient) <= 5e-3 * fmax(0.1, fabs(gradient))))
                    fail_msg("%s, %s, %zu: gradient %g, slope %g", cases[c], tensor->name, k, gradient, slope);
            }
        }
        free(kept);
        tci_trainer_free(trainer);
        tci_examples_release(examples);
        tci_model_release(model);
    }
}

/* The gradients of a batch of every text ten times, and the bytes that the trainer then holds. */
static float *gradients_of(const char *settings, size_t *floats, size_t *bytes)
{
    tc_model *model = make_model(settings);
    tc_trainer *trainer = NULL;
    size_t rows[10 * TEXTS];
    move_adapters(model);
    tc_examples *examples = examples_of(model, rows);
    for (size_t i = TEXTS; i < 10 * TEXTS; i++)
        rows[i] = i % TEXTS;
    assert_ok(tci_trainer_create(model, NULL, &trainer));
    assert_ok(tci_trainer_backward(trainer, examples, rows, 10 * TEXTS, NULL));
    *floats = tci_trained_floats(&model->network->parameters);
    *bytes = atomic_load(&trainer->memory.used);
    float *gradients = malloc(*floats * sizeof *gradients);
    memcpy(gradients, trainer->gradients.values, *floats * sizeof *gradients);
    tci_trainer_free(trainer);
    tci_examples_release(examples);
    tci_model_release(model);
    return gradients;
}

/* Which is what happens where a batch keeps more than the weights: those of many positions take more. */
static void a_large_batch_computes_part_of_its_activations_again_to_the_same_bits(void **state)
{
    (void)state;
    const size_t tokens = 10 * (3 + 1 + 7 + 2), layers = 2, width = 16 + 16; /* of middle and up, at least */
    for (size_t c = 0; c < CASES; c++) {
        char settings[200];
        size_t floats = 0, count = 0, again_bytes = 0, kept_bytes = 0;
        (void)snprintf(settings, sizeof settings, "%s positions=4000", cases[c]);
        float *again = gradients_of(cases[c], &floats, &again_bytes);
        float *kept = gradients_of(settings, &count, &kept_bytes);
        assert_int_equal(floats, count);
        assert_memory_equal(again, kept, floats * sizeof *kept);
        assert_true(kept_bytes - again_bytes > (layers - 1) * tokens * width * sizeof(float));
        free(again);
        free(kept);
    }
}

static void freeze_does_not_go_with_them(void **state)
{
    (void)state;
    tc_model *model = make_model("arch=bert lora_rank=2");
    tc_trainer *trainer = NULL;
    tci_options options = model->options;
    assert_ok(tci_options_set(&options, "freeze", "encoder"));
    assert_int_equal(tci_trainer_create(model, &options, &trainer), TC_ERROR_OPTION);
    assert_non_null(strstr(tci_error_text(), "lora_rank"));
    tci_model_release(model);
}

static void they_learn_beside_a_model_whose_head_was_trained_alone(void **state)
{
    (void)state;
    tc_model *model = make_model("arch=bert freeze=encoder"), *adapted = NULL;
    tc_config *config = NULL;
    tc_trainer *trainer = NULL;
    assert_ok(tc_trainer_create(model, NULL, &trainer));
    tc_trainer_free(trainer);
    assert_ok(tc_config_create(&config));
    assert_ok(tc_config_set(config, "lora_rank", "2"));
    assert_ok(tc_model_convert(model, config, &adapted));
    assert_ok(tc_trainer_create(adapted, NULL, &trainer));
    tc_trainer_free(trainer);
    tc_config_free(config);
    tc_model_free(adapted);
    tc_model_free(model);
}

static void their_first_matrix_is_spread_around_zero(void **state)
{
    (void)state;
    tc_model *model = make_model("arch=bert lora_rank=3");
    const tci_parameters *parameters = &model->network->parameters;
    size_t below = 0, all = 0;
    for (size_t i = 0; i < parameters->tensor_count; i++) {
        const tci_tensor_info *tensor = &parameters->tensors[i];
        bool first = tensor->adapter && tensor->shape[0] == 3;
        for (size_t k = 0; first && k < tensor->count; k++, all++)
            below += parameters->values[tensor->offset + k] < 0.0f;
    }
    assert_true(all > 100 && below > all / 3 && below < all - all / 3);
    tci_model_release(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_choose_the_weights),
        cmocka_unit_test(a_name_of_nothing_is_refused),
        cmocka_unit_test(a_model_with_adapters_is_the_one_that_they_are_merged_into),
        cmocka_unit_test(a_file_keeps_them_apart),
        cmocka_unit_test(their_gradients_are_the_slopes_of_the_loss),
        cmocka_unit_test(a_large_batch_computes_part_of_its_activations_again_to_the_same_bits),
        cmocka_unit_test(freeze_does_not_go_with_them),
        cmocka_unit_test(they_learn_beside_a_model_whose_head_was_trained_alone),
        cmocka_unit_test(their_first_matrix_is_spread_around_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
