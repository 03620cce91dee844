/* labels: quick. Transformers of all families: the same bits alone, in any batch, on any number of threads, packed or
 * not; rows longer than a sequence; training on any number of threads, with activations kept or computed again. */
#include "support/testing.h"

#include <math.h>

#include "base/cpu.h"
#include "model/predict_many.h"
#include "model/transformer_training_internal.h"
#include "serialization/native.h"
#include "support/tiny_model.h"
#include "train/trainer.h"

#define LABELS 2
#define WORDS 6
#define WIDTH 40 /* at least that of any case */

/* Settings over those of every case. */
static const char *const cases[] = {
    "arch=bert",
    "arch=bert pooling=cls pooler=tanh num_layers=1",
    "arch=bert pooling=max segments=0 activation=relu",
    "arch=bert family=roberta position_offset=2 pooling=cls pooler=tanh",
    "arch=bert family=distilbert segments=0 pooling=cls pooler=relu",
    "arch=bert pooling=last hidden_dim=18 num_heads=3 intermediate_dim=37",
    "arch=gpt family=gpt2 pooling=last",
    "arch=bert lora_rank=3",
    "arch=gpt family=gpt2 lora_rank=17 lora_targets=c_attn,c_proj,c_fc hidden_dim=18 num_heads=3",
    "arch=gpt family=gpt2 pooling=mean hidden_dim=21 num_heads=3 intermediate_dim=50",
};
#define CASE_COUNT (sizeof cases / sizeof cases[0])

/* Fills `list` with keys and values, ended by NULL; they stand in `copy`. */
static void split(const char *settings, char *copy, size_t size, const char **list)
{
    size_t count = 0;
    (void)snprintf(copy, size,
                   "num_layers=3 hidden_dim=32 num_heads=4 intermediate_dim=48 positions=300 max_length=300 %s",
                   settings);
    for (char *rest = copy, *pair; (pair = strtok_r(rest, " ", &rest)) != NULL;) {
        char *value = strchr(pair, '=');
        assert_non_null(value);
        *value = '\0';
        list[count++] = pair;
        list[count++] = value + 1;
    }
}

static tc_model *make_model(const char *settings)
{
    char copy[512];
    const char *list[64] = {NULL};
    split(settings, copy, sizeof copy, list);
    tc_model *model = test_tiny_model(list);
    tci_parameters *parameters = &model->network->parameters;
    for (size_t i = 0; i < parameters->tensor_count; i++) { /* as far from each other as those of a trained one */
        for (size_t k = 0; k < parameters->tensors[i].count; k++) {
            float *value = parameters->values + parameters->tensors[i].offset + k;
            *value = 8.0f * *value + 0.01f * (float)(k % 7);
        }
    }
    tci_model_refresh(model);
    return model;
}

static const size_t lengths[] = {0, 1, 2, 3, 15, 16, 17, 31, 64, 65, 128, 129, 255, 300, 7, 7, 40, 0};
#define ROWS (sizeof lengths / sizeof lengths[0])

typedef struct batch {
    uint32_t *ids[ROWS];
    tci_row rows[ROWS];
} batch;

static void make_batch(batch *b)
{
    for (size_t i = 0; i < ROWS; i++) {
        b->ids[i] = malloc((lengths[i] + 1) * sizeof(uint32_t)); /* of its size, for the sanitizer */
        for (size_t t = 0; t < lengths[i]; t++)
            b->ids[i][t] = (uint32_t)((t * t + 3 * t + i) / 2 % WORDS);
        b->rows[i] = (tci_row){.ids = b->ids[i], .length = lengths[i], .position = (uint32_t)i};
    }
}

static void free_batch(batch *b)
{
    for (size_t i = 0; i < ROWS; i++)
        free(b->ids[i]);
}

static void predict(const tc_model *model, size_t threads, const tci_row *rows, size_t count, float *logits)
{
    tci_pool *pool = NULL;
    tci_workspace workspace = {.memory = (tci_memory *)&model->memory};
    if (threads > 0)
        assert_ok(tci_pool_create(workspace.memory, threads, &pool));
    tci_float_environment environment = tci_float_enter();
    tc_status status = model->network->architecture->predict(model->network, pool, &workspace, rows, count, logits);
    tci_float_leave(environment);
    assert_ok(status);
    tci_pool_free(pool);
    tci_workspace_free(&workspace);
}

static void assert_bits(const char *what, const float *got, const float *wanted, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (memcmp(&got[i], &wanted[i], sizeof *got) != 0)
            fail_msg("%s: number %zu is %.9g, not %.9g", what, i, (double)got[i], (double)wanted[i]);
    }
}

static tc_status read_row(void *context, size_t first, size_t count, uint32_t *ids)
{
    const tci_row *row = context;
    assert_true(first + count <= row->length);
    memcpy(ids, row->ids + first, count * sizeof *ids);
    return TC_OK;
}

static void check_one_by_one(const char *name, const tc_model *model, const batch *b, const float *wanted)
{
    const tci_architecture *architecture = model->network->architecture;
    tci_workspace workspace = {.memory = (tci_memory *)&model->memory};
    for (size_t i = 0; i < ROWS; i++) {
        float logits[LABELS], vector[WIDTH], again[WIDTH];
        tci_row row = b->rows[i];
        tci_id_source source = {&row, row.length, read_row};
        predict(model, 2, &row, 1, logits);
        assert_bits(name, logits, wanted + i * LABELS, LABELS);
        tci_float_environment environment = tci_float_enter();
        assert_ok(architecture->predict_long(model->network, NULL, &workspace, &source, logits));
        assert_ok(architecture->embed(model->network, &workspace, &row, NULL, vector));
        assert_ok(architecture->embed(model->network, &workspace, &row, &source, again));
        tci_float_leave(environment);
        assert_bits(name, logits, wanted + i * LABELS, LABELS);
        assert_bits(name, again, vector, architecture->embed_dim(model->network));
    }
    tci_workspace_free(&workspace);
}

static void a_row_has_the_same_bits_alone_in_any_batch_and_on_any_team(void **state)
{
    batch b;
    (void)state;
    make_batch(&b);
    for (size_t c = 0; c < CASE_COUNT; c++) {
        tc_model *model = make_model(cases[c]);
        float wanted[ROWS * LABELS], logits[ROWS * LABELS];
        for (size_t i = 0; i < ROWS; i++)
            predict(model, 0, &b.rows[i], 1, wanted + i * LABELS);
        for (size_t i = 3; i < ROWS; i++) /* texts are told from each other */
            assert_true(lengths[i] == 0 || memcmp(wanted + i * LABELS, wanted + 2 * LABELS, sizeof(float)) != 0);
        for (size_t threads = 0; threads <= 4; threads++) {
            predict(model, threads, b.rows, ROWS, logits);
            assert_bits(cases[c], logits, wanted, ROWS * LABELS);
            predict(model, threads, b.rows + 5, 9, logits);
            assert_bits(cases[c], logits, wanted + 5 * LABELS, 9 * LABELS);
        }
        check_one_by_one(cases[c], model, &b, wanted);
        tci_transformer_drop_packed((tci_transformer *)model->network);
        predict(model, 3, b.rows, ROWS, logits);
        assert_bits(cases[c], logits, wanted, ROWS * LABELS);
        tci_model_release(model);
    }
    free_batch(&b);
}

static void padding_in_a_text_is_not_counted_where_positions_have_a_row_for_it(void **state)
{
    static const uint32_t ids[] = {3, 1, 4, 1, 5};
    static const size_t rows[] = {2, 1, 3, 1, 4};
    tc_model *model = make_model("arch=bert family=roberta position_offset=2");
    const tci_transformer *network = (const tci_transformer *)model->network;
    size_t width = network->width, stride = network->stride;
    float whole[5 * 64], part[5 * 64];
    (void)state;
    assert_true(stride <= 64);
    tci_transformer_embed(network, ids, 0, 5, whole);
    tci_transformer_embed(network, ids, 3, 5, part);
    assert_bits("from the fourth token on", part, whole + 3 * stride, 2 * stride);
    for (size_t t = 0; t < 5; t++) {
        float wanted[64];
        for (size_t k = 0; k < width; k++)
            wanted[k] = (network->words[ids[t] * width + k] + network->segment_table[k]) +
                        network->position_table[rows[t] * width + k];
        assert_bits("a token", whole + t * stride, wanted, width);
    }
    tc_model_free(model);
}

static void a_row_longer_than_a_sequence_is_the_mean_of_its_sequences(void **state)
{
    batch b;
    (void)state;
    make_batch(&b);
    for (size_t c = 0; c < CASE_COUNT; c++) {
        tc_model *model = make_model(cases[c]);
        tci_transformer *network = (tci_transformer *)model->network;
        float logits[ROWS * LABELS], part[LABELS];
        network->max_length = 16;
        predict(model, 2, b.rows, ROWS, logits);
        check_one_by_one(cases[c], model, &b, logits);
        for (size_t i = 0; i < ROWS; i++) {
            double sums[LABELS] = {0};
            size_t count = lengths[i] > 16 ? (lengths[i] + 15) / 16 : 1;
            for (size_t k = 0; k < count; k++) {
                size_t left = lengths[i] - 16 * k;
                tci_row row = {.ids = b.ids[i] + 16 * k, .length = left < 16 ? left : 16};
                predict(model, 0, &row, 1, part);
                for (size_t l = 0; l < LABELS; l++)
                    sums[l] += (double)part[l];
            }
            for (size_t l = 0; l < LABELS; l++)
                assert_close(logits[i * LABELS + l], sums[l] / (double)count, 1e-5);
        }
        tci_model_release(model);
    }
    free_batch(&b);
}

static void a_file_gives_the_same_bits_read_or_mapped(void **state)
{
    batch b;
    tci_options run;
    (void)state;
    tci_options_default(&run);
    make_batch(&b);
    for (size_t c = 0; c < CASE_COUNT; c++) {
        tc_model *model = make_model(cases[c]), *read = NULL, *mapped = NULL;
        float wanted[ROWS * LABELS], logits[ROWS * LABELS];
        size_t size = 0;
        uint8_t *bytes = test_model_bytes(model, &size);
        predict(model, 0, b.rows, ROWS, wanted);
        assert_ok(test_read(bytes, size, NULL, &read));
        predict(read, 0, b.rows, ROWS, logits);
        assert_bits(cases[c], logits, wanted, ROWS * LABELS);
        assert_ok(tci_native_read_in_place(bytes, size, &run, NULL, NULL, true, &mapped));
        assert_null(((tci_transformer *)mapped->network)->packed);
        predict(mapped, 2, b.rows, ROWS, logits);
        assert_bits(cases[c], logits, wanted, ROWS * LABELS);
        tci_model_release(mapped);
        tci_model_release(read);
        tci_model_release(model);
        free(bytes);
    }
    free_batch(&b);
}

/* ---- training ---- */

static const char *const texts[] = {
    "the good film",
    "",
    "bad",
    "good good the film bad film the",
    "\xE5\xA5\xBD nothing",
    "film the",
    "the bad bad film \xE5\xA5\xBD the good the film bad bad film the good the film the"};
#define TEXTS (sizeof texts / sizeof texts[0])

/* What a few steps leave, of a new model with these settings; rows are cut into sequences of max_length. */
static float *train(const char *settings, size_t max_length, size_t passes, size_t *count)
{
    tc_model *model = make_model(settings);
    tc_examples *examples = NULL;
    tc_trainer *trainer = NULL;
    size_t rows[TEXTS];
    ((tci_transformer *)model->network)->max_length = max_length;
    assert_ok(tci_examples_create(model, &examples));
    for (size_t i = 0; i < TEXTS; i++) {
        uint32_t label = (uint32_t)(i % LABELS);
        assert_ok(tci_examples_add(examples, texts[i], strlen(texts[i]), &(tci_truth){.labels = &label, .count = 1},
                                   0.5f + 0.25f * (float)i));
        rows[i] = TEXTS - 1 - i;
    }
    assert_ok(tci_trainer_create(model, &model->options, &trainer));
    for (size_t pass = 0; pass < passes; pass++) {
        tc_step step = TC_STEP_INIT;
        assert_ok(tci_trainer_step(trainer, examples, rows, TEXTS - pass % 2, &step));
        assert_true(step.loss > 0);
    }
    *count = model->network->parameters.size;
    float *values = malloc(*count * sizeof *values);
    assert_non_null(values);
    memcpy(values, model->network->parameters.values, *count * sizeof *values);
    tci_trainer_free(trainer);
    tci_examples_release(examples);
    tci_model_release(model);
    return values;
}

#define DROPOUTS "dropout=0.2 embedding_dropout=0.1 attention_dropout=0.25 head_dropout=0.3 learning_rate=0.01"

static void training_has_the_same_bits_on_any_team_with_activations_kept_or_not(void **state)
{
    static const char *const ways[] = {"threads=2", "threads=3", "gradient_checkpointing=true",
                                       "threads=2 gradient_checkpointing=true"};
    (void)state;
    for (size_t c = 0; c < CASE_COUNT; c++) {
        char settings[400];
        size_t count = 0, max_length = c % 2 ? 300 : 5;
        (void)snprintf(settings, sizeof settings, "%s " DROPOUTS, cases[c]);
        float *wanted = train(settings, max_length, 4, &count);
        for (size_t w = 0; w < sizeof ways / sizeof ways[0]; w++) {
            (void)snprintf(settings, sizeof settings, "%s " DROPOUTS " %s", cases[c], ways[w]);
            float *values = train(settings, max_length, 4, &count);
            assert_bits(settings, values, wanted, count);
            free(values);
        }
        free(wanted);
    }
}

/* Parameters after one step of SGD on one text, whose row is cut into sequences of two tokens. */
static float *step_on(const char *text, size_t *count)
{
    const uint32_t label = 1;
    const size_t row = 0;
    tc_step step = TC_STEP_INIT;
    tc_examples *examples = NULL;
    tc_trainer *trainer = NULL;
    tc_model *model = make_model("arch=bert optimizer=sgd learning_rate=0.05 dropout=0 embedding_dropout=0 "
                                 "attention_dropout=0 head_dropout=0");
    ((tci_transformer *)model->network)->max_length = 2;
    assert_ok(tci_examples_create(model, &examples));
    assert_ok(tci_examples_add(examples, text, strlen(text), &(tci_truth){.labels = &label, .count = 1}, 1.0f));
    assert_ok(tci_trainer_create(model, &model->options, &trainer));
    assert_ok(tci_trainer_step(trainer, examples, &row, 1, &step));
    *count = model->network->parameters.size;
    float *values = malloc(*count * sizeof *values);
    assert_non_null(values);
    memcpy(values, model->network->parameters.values, *count * sizeof *values);
    tci_trainer_free(trainer);
    tci_examples_release(examples);
    tci_model_release(model);
    return values;
}

static void padding_in_a_text_teaches_the_row_of_its_own_position(void **state)
{
    static const char *const lines[] = {"the good"};
    tc_model *model = make_model("arch=bert family=roberta position_offset=3");
    tc_examples *examples = NULL;
    tc_trainer *trainer = NULL;
    const tci_transformer *network = (const tci_transformer *)model->network;
    const uint32_t label = 1;
    const size_t row = 0;
    float sums[6] = {0};
    (void)state;
    assert_ok(tci_examples_create(model, &examples));
    assert_ok(tci_examples_add(examples, lines[0], strlen(lines[0]), &(tci_truth){.labels = &label, .count = 1}, 1));
    assert_int_equal(tci_examples_row(examples, 0).length, 2);
    assert_int_equal(tci_examples_row(examples, 0).ids[1], 2);
    assert_ok(tci_trainer_create(model, NULL, &trainer));
    assert_ok(tci_trainer_backward(trainer, examples, &row, 1, NULL));
    for (size_t i = 0; i < model->network->parameters.tensor_count; i++) {
        const tci_tensor_info *tensor = &model->network->parameters.tensors[i];
        const float *gradient = tci_gradients_of(&trainer->gradients, i);
        for (size_t k = 0; strstr(tensor->name, "position_embeddings") && k < 6 * network->width; k++)
            sums[k / network->width] += fabsf(gradient[k]);
    }
    for (size_t at = 0; at < 6; at++)
        assert_int_equal(sums[at] > 0, at == 2 || at == 3);
    tci_trainer_free(trainer);
    tci_examples_release(examples);
    tc_model_free(model);
}

static void sequences_that_are_alike_teach_what_one_of_them_does(void **state)
{
    size_t count = 0;
    (void)state;
    float *one = step_on("good film", &count), *four = step_on("good film good film good film good film", &count);
    float *other = step_on("bad film", &count);
    assert_all_close(four, one, count, 1e-5);
    assert_memory_not_equal(one, other, count * sizeof *one);
    free(one);
    free(four);
    free(other);
}

/* Root of the mean square of a tensor's values from `first` on. */
static double size_of_values(const tc_model *model, const char *name, size_t first)
{
    const tci_parameters *parameters = &model->network->parameters;
    const tci_tensor_info *tensor = tci_parameters_find(parameters, name);
    double sum = 0;
    assert_non_null(tensor);
    for (size_t k = first; k < tensor->count; k++)
        sum += (double)parameters->values[tensor->offset + k] * (double)parameters->values[tensor->offset + k];
    return sqrt(sum / (double)(tensor->count - first));
}

static void weights_begin_as_transformers_has_them(void **state)
{
    (void)state;
    char copy[512];
    const char *list[64] = {NULL};
    split("arch=gpt family=gpt2 num_layers=8", copy, sizeof copy, list);
    tc_model *model = test_tiny_model(list);
    const tci_parameters *parameters = &model->network->parameters;
    const float *words = tci_parameters_read(parameters, 0);
    for (size_t k = 0; k < 32; k++)
        assert_true(words[k] == 0.0f); /* the unknown word */
    assert_true(fabs(size_of_values(model, "transformer.wte.weight", 32) - 0.02) < 0.004);
    assert_true(fabs(size_of_values(model, "transformer.h.3.attn.c_attn.weight", 0) - 0.02) < 0.002);
    assert_true(fabs(size_of_values(model, "transformer.h.3.attn.c_proj.weight", 0) - 0.005) < 0.0005); /* √16 less */
    assert_true(fabs(size_of_values(model, "transformer.h.3.mlp.c_proj.weight", 0) - 0.005) < 0.0005);
    assert_true(size_of_values(model, "transformer.h.3.mlp.c_proj.bias", 0) == 0.0);
    assert_true(size_of_values(model, "transformer.ln_f.weight", 0) == 1.0);
    tci_model_release(model);
}

static void of_equal_maxima_the_first_token_has_the_gradient(void **state)
{
    (void)state;
    float out[3 * 32], vector[32];
    uint32_t argmax[32];
    tc_model *model = make_model("arch=bert pooling=max");
    for (size_t i = 0; i < 3 * 32; i++)
        out[i] = i % 32 == 1 ? (float)i : 1.0f;
    tci_transformer_pool((const tci_transformer *)model->network, out, 3, vector, argmax);
    assert_int_equal(argmax[0], 0);
    assert_int_equal(argmax[1], 2);
    assert_true(vector[0] == 1.0f && vector[1] == 65.0f);
    tci_model_release(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_has_the_same_bits_alone_in_any_batch_and_on_any_team),
        cmocka_unit_test(padding_in_a_text_is_not_counted_where_positions_have_a_row_for_it),
        cmocka_unit_test(a_row_longer_than_a_sequence_is_the_mean_of_its_sequences),
        cmocka_unit_test(a_file_gives_the_same_bits_read_or_mapped),
        cmocka_unit_test(training_has_the_same_bits_on_any_team_with_activations_kept_or_not),
        cmocka_unit_test(padding_in_a_text_teaches_the_row_of_its_own_position),
        cmocka_unit_test(sequences_that_are_alike_teach_what_one_of_them_does),
        cmocka_unit_test(weights_begin_as_transformers_has_them),
        cmocka_unit_test(of_equal_maxima_the_first_token_has_the_gradient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
