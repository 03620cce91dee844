/* labels: quick
 * Transformers of which a part stands still (option freeze): what is trained gets the gradients it gets beside the
 * rest, what is not keeps its bits and takes no memory; where the head alone is trained, vectors of texts are computed
 * once, and kept or not it learns the same. */
#include "support/testing.h"

#include "model/transformer_training_internal.h"
#include "serialization/native.h"
#include "support/tiny_model.h"
#include "train/evaluate.h"
#include "train/trainer.h"

static const char *const texts[] = {"the good film",
                                    "",
                                    "bad",
                                    "good good the film bad film the",
                                    "film the",
                                    "bad",
                                    "the bad bad film \xE5\xA5\xBD the good the film the bad bad film the"};
#define TEXTS (sizeof texts / sizeof texts[0])
#define DISTINCT 7 /* sequences of at most 6 tokens of these texts, the empty one left out; "film the" is two texts' */

static const char *const cases[] = {"arch=bert pooling=mean", "arch=bert pooling=cls pooler=tanh",
                                    "arch=bert family=roberta position_offset=2 pooling=max pooler=tanh",
                                    "arch=gpt family=gpt2 pooling=last hidden_dim=18 num_heads=3"};
#define CASES (sizeof cases / sizeof cases[0])

typedef struct bench {
    tc_model *model;
    tc_examples *examples;
    tc_trainer *trainer;
    size_t rows[TEXTS];
} bench;

static void open_bench(bench *b, const char *format, const char *first, const char *second)
{
    char settings[500];
    const char *list[64] = {NULL};
    size_t count = 0;
    (void)snprintf(settings, sizeof settings, format, first, second);
    for (char *rest = settings, *pair; (pair = strtok_r(rest, " ", &rest)) != NULL;) {
        char *value = strchr(pair, '=');
        *value = '\0';
        list[count++] = pair;
        list[count++] = value + 1;
    }
    b->model = test_tiny_model(list);
    assert_ok(tci_examples_create(b->model, &b->examples));
    for (size_t i = 0; i < TEXTS; i++) {
        uint32_t label = (uint32_t)(i % 2);
        assert_ok(tci_examples_add(b->examples, texts[i], strlen(texts[i]), &(tci_truth){.labels = &label, .count = 1},
                                   0.5f + 0.25f * (float)i));
        b->rows[i] = TEXTS - 1 - i;
    }
    assert_ok(tci_trainer_create(b->model, &b->model->options, &b->trainer));
}

static void close_bench(bench *b)
{
    tci_trainer_free(b->trainer);
    tci_examples_release(b->examples);
    tci_model_release(b->model);
}

#define SMALL                                                                                                          \
    "num_layers=3 hidden_dim=16 num_heads=2 intermediate_dim=32 positions=64 max_length=6 truncate=windows "           \
    "window_overlap=1 %s "                                                                                             \
    "schedule=constant warmup_ratio=0 learning_rate=0.01 clip_norm=0 freeze=%s "
#define NO_DROPOUT "dropout=0 embedding_dropout=0 attention_dropout=0 head_dropout=0"
#define DROPOUT "dropout=0.1 embedding_dropout=0.1 attention_dropout=0.1 head_dropout=0.3"

static tc_step run_step(const bench *b)
{
    tc_step step = TC_STEP_INIT;
    assert_ok(tci_trainer_step(b->trainer, b->examples, b->rows, TEXTS, &step));
    return step;
}

static void what_is_trained_has_its_gradients_and_the_rest_stands_still(void **state)
{
    (void)state;
    static const struct {
        const char *freeze;
        size_t deepest;
    } ways[] = {{"layers=3", 3}, {"layers=2", 2}, {"layers=1", 1}, {"layers=0", 0}, {"encoder", 0}};
    for (size_t c = 0; c < CASES; c++) {
        bench whole;
        open_bench(&whole, SMALL NO_DROPOUT, cases[c], "none");
        assert_ok(tci_trainer_backward(whole.trainer, whole.examples, whole.rows, TEXTS, NULL));
        for (size_t w = 0; w < sizeof ways / sizeof ways[0]; w++) {
            bench part;
            open_bench(&part, SMALL NO_DROPOUT, cases[c], ways[w].freeze);
            const tci_parameters *parameters = &part.model->network->parameters;
            assert_ok(tci_trainer_backward(part.trainer, part.examples, part.rows, TEXTS, NULL));
            for (size_t i = 0; i < parameters->tensor_count; i++) {
                const tci_tensor_info *tensor = &parameters->tensors[i];
                const float *gradient = tci_gradients_of(&part.trainer->gradients, i);
                assert_true((gradient == NULL) == (tensor->level > ways[w].deepest));
                if (gradient && memcmp(gradient, tci_gradients_of(&whole.trainer->gradients, i),
                                       tensor->count * sizeof *gradient) != 0)
                    fail_msg("%s, freeze %s: gradient of '%s'", cases[c], ways[w].freeze, tensor->name);
            }
            float *before = malloc(parameters->size * sizeof *before);
            memcpy(before, parameters->values, parameters->size * sizeof *before);
            assert_ok(tci_trainer_apply(part.trainer, NULL));
            for (size_t i = 0; i < parameters->tensor_count; i++) {
                const tci_tensor_info *tensor = &parameters->tensors[i];
                bool same = memcmp(before + tensor->offset, parameters->values + tensor->offset,
                                   tensor->count * sizeof *before) == 0;
                if (same != (tensor->level > ways[w].deepest))
                    fail_msg("%s, freeze %s: '%s' %s", cases[c], ways[w].freeze, tensor->name,
                             same ? "stood still" : "moved");
            }
            free(before);
            close_bench(&part);
        }
        close_bench(&whole);
    }
}

/* What four steps leave of the weights. */
static float *train(const char *name, const char *more, size_t most_bytes, size_t *count)
{
    bench b;
    char settings[400];
    (void)snprintf(settings, sizeof settings, "%s " DROPOUT " %s", name, more);
    open_bench(&b, SMALL, settings, "encoder");
    b.trainer->training->features.most_bytes = most_bytes;
    for (size_t i = 0; i < 4; i++)
        (void)run_step(&b);
    const tci_features *features = &b.trainer->training->features;
    assert_true(features->bytes <= most_bytes);
    assert_true(tci_map_count(features->kept) * features->network->width * sizeof(float) <= features->bytes);
    *count = b.model->network->parameters.size;
    float *values = malloc(*count * sizeof *values);
    memcpy(values, b.model->network->parameters.values, *count * sizeof *values);
    close_bench(&b);
    return values;
}

static void a_head_learns_the_same_whether_vectors_are_kept_or_not_and_on_any_team(void **state)
{
    (void)state;
    static const struct {
        const char *more;
        size_t most_bytes;
    } ways[] = {{"threads=1", 0}, {"threads=1", 300}, {"threads=2", TCI_FEATURES_BYTES}, {"threads=3", 0}};
    for (size_t c = 0; c < CASES; c++) {
        size_t count = 0;
        float *wanted = train(cases[c], "threads=1", TCI_FEATURES_BYTES, &count);
        for (size_t w = 0; w < sizeof ways / sizeof ways[0]; w++) {
            float *values = train(cases[c], ways[w].more, ways[w].most_bytes, &count);
            assert_memory_equal(values, wanted, count * sizeof *values);
            free(values);
        }
        free(wanted);
    }
}

static void vectors_are_computed_once_for_each_sequence(void **state)
{
    (void)state;
    bench b;
    open_bench(&b, SMALL NO_DROPOUT, cases[0], "encoder");
    tci_features *features = &b.trainer->training->features;
    (void)run_step(&b);
    assert_int_equal(tci_map_count(features->kept), DISTINCT);
    size_t bytes = features->bytes;
    double loss = run_step(&b).loss;
    assert_int_equal(features->bytes, bytes);
    memset(features->vectors, 0, DISTINCT * 16 * sizeof *features->vectors);
    assert_true(run_step(&b).loss > loss); /* those are what the head reads */
    close_bench(&b);
}

static void memory_is_for_what_is_trained(void **state)
{
    (void)state;
    bench whole, head;
    open_bench(&whole, SMALL NO_DROPOUT, cases[0], "none");
    open_bench(&head, SMALL NO_DROPOUT, cases[0], "encoder");
    (void)run_step(&whole);
    (void)run_step(&head);
    assert_true(tci_trained_floats(&head.model->network->parameters) <= 16 * 2 + 16);
    assert_true(atomic_load(&head.trainer->memory.used) < atomic_load(&whole.trainer->memory.used));
    close_bench(&whole);
    close_bench(&head);
}

static void the_model_predicts_with_its_new_head_while_it_is_trained(void **state)
{
    (void)state;
    bench b;
    float during[2], after[2];
    tci_scratch *scratch = NULL;
    open_bench(&b, SMALL NO_DROPOUT, cases[1], "encoder");
    for (size_t i = 0; i < 3; i++)
        (void)run_step(&b);
    assert_ok(tci_scratch_create(b.model, 1, &scratch));
    assert_ok(tci_model_predict_text(b.model, scratch, "the good film", 13, during));
    tci_trainer_free(b.trainer);
    b.trainer = NULL;
    tci_model_refresh(b.model);
    assert_ok(tci_model_predict_text(b.model, scratch, "the good film", 13, after));
    assert_memory_equal(during, after, sizeof during);
    tci_scratch_free(scratch);
    close_bench(&b);
}

/* The file of the bench's model, kept by a model whose weights are read there. */
static tc_model *load_in_place(const bench *b)
{
    tci_options options;
    tc_model *loaded = NULL;
    uint8_t *block = NULL;
    size_t size = 0;
    tci_options_default(&options);
    assert_int_equal(tci_native_save_memory(b->model, NULL, 0, NULL, &size), TC_ERROR_CAPACITY);
    assert_ok(tci_alloc(&b->model->memory, size, 1, "file", &block));
    assert_ok(tci_native_save_memory(b->model, NULL, size, block, &size));
    assert_ok(tci_native_read_in_place(block, size, &options, NULL, NULL, false, &loaded));
    tci_move_block(&loaded->memory, &b->model->memory, block);
    assert_ok(tci_model_keep_file(loaded, (tci_model_file){.block = block, .size = size}));
    return loaded;
}

static void a_model_that_reads_its_file_in_place_is_trained_there(void **state)
{
    (void)state;
    static const char *const freeze[] = {"none", "layers=1", "encoder"};
    for (size_t w = 0; w < 3 * CASES; w++) {
        bench b, other;
        open_bench(&b, SMALL DROPOUT, cases[w / 3], freeze[w % 3]);
        other = b;
        other.model = load_in_place(&b);
        assert_ok(tci_trainer_create(other.model, &b.model->options, &other.trainer));
        for (int step = 0; step < 2; step++)
            assert_true(run_step(&b).loss == run_step(&other).loss);
        assert_null(other.model->network->parameters.values);
        assert_int_equal(other.model->kept_count, 1);
        const tci_parameters *parameters = &b.model->network->parameters;
        for (size_t i = 0; i < parameters->tensor_count; i++)
            assert_memory_equal(tci_parameters_read(parameters, i),
                                tci_parameters_read(&other.model->network->parameters, i),
                                parameters->tensors[i].count * sizeof(float));
        tci_trainer_free(other.trainer);
        tci_model_release(other.model);
        close_bench(&b);
    }
}

static void a_trainer_that_cannot_be_made_leaves_the_model_as_it_was(void **state)
{
    (void)state;
    bench b;
    float before[2], after[2];
    tc_trainer *trainer = NULL;
    tci_scratch *scratch = NULL;
    open_bench(&b, SMALL NO_DROPOUT, cases[0], "none");
    tc_model *loaded = load_in_place(&b);
    tci_options options = loaded->options;
    assert_ok(tci_scratch_create(loaded, 1, &scratch));
    assert_ok(tci_model_predict_text(loaded, scratch, "the good film", 13, before));
    assert_ok(tci_options_set(&options, "class_weights", "nobody=2"));
    assert_true(tci_trainer_create(loaded, &options, &trainer) != TC_OK);
    assert_ok(tci_model_predict_text(loaded, scratch, "the good film", 13, after));
    assert_memory_equal(before, after, sizeof before);
    tci_scratch_free(scratch);
    tci_model_release(loaded);
    close_bench(&b);
}

static void another_value_is_refused(void **state)
{
    (void)state;
    static const char *const values[] = {"all", "layers", "layers=", "layers=4", "layers=-1", "layers=1x", ""};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        bench b;
        tc_trainer *trainer = NULL;
        open_bench(&b, SMALL NO_DROPOUT, cases[0], "none");
        tci_trainer_free(b.trainer);
        b.trainer = NULL;
        tci_options options = b.model->options;
        assert_ok(tci_options_set(&options, "freeze", values[i]));
        assert_int_equal(tci_trainer_create(b.model, &options, &trainer), TC_ERROR_OPTION);
        assert_non_null(strstr(tci_error_text(), "N from 0 to 3"));
        close_bench(&b);
    }
}

static void kept_vectors_come_with_their_padding(void **state)
{
    (void)state;
    bench b;
    open_bench(&b, SMALL NO_DROPOUT, cases[3], "encoder"); /* 18 of 32 columns */
    tci_features *features = &b.trainer->training->features;
    uint32_t ids[] = {1, 2, 3};
    const tci_sequence sequence = {.ids = ids, .length = 3};
    for (int known = 0; known < 2; known++) {
        float pooled[32];
        for (size_t k = 0; k < 32; k++)
            pooled[k] = 7.0f;
        assert_ok(tci_features_fill(features, NULL, &sequence, 1, pooled));
        for (size_t k = 0; k < 32; k++)
            assert_true(k < 18 ? pooled[k] != 7.0f : pooled[k] == 0.0f);
    }
    close_bench(&b);
}

/* Validation between two steps, from kept vectors, gives what prediction gives, and the second step none the wiser. */
static void what_is_kept_serves_validation_too(void **state)
{
    (void)state;
    for (size_t w = 0; w < 2 * CASES; w++) {
        bench b, other;
        tc_evaluation plain = TC_EVALUATION_INIT, kept = TC_EVALUATION_INIT;
        const char *freeze = w % 2 ? "layers=1" : "encoder";
        size_t rows[600]; /* more than go at once */
        for (size_t i = 0; i < 600; i++)
            rows[i] = i * i % TEXTS;
        open_bench(&b, SMALL DROPOUT, cases[w / 2], freeze);
        open_bench(&other, SMALL DROPOUT, cases[w / 2], freeze);
        assert_true(run_step(&b).loss == run_step(&other).loss);
        assert_ok(tci_evaluate(b.model, b.trainer->pool, b.trainer->training, b.examples, rows, 600, &kept));
        assert_ok(tci_evaluate(other.model, NULL, NULL, other.examples, rows, 600, &plain));
        assert_true(kept.loss == plain.loss && kept.accuracy == plain.accuracy && kept.tokens == plain.tokens);
        assert_true(kept.calibration_error == plain.calibration_error);
        assert_true(run_step(&b).loss == run_step(&other).loss);
        if (w % 2 == 0) {
            tci_features *features = &b.trainer->training->features;
            memset(features->vectors, 0, tci_map_count(features->kept) * features->network->width * sizeof(float));
            assert_ok(tci_evaluate(other.model, NULL, NULL, other.examples, NULL, TEXTS, &plain));
            assert_ok(tci_evaluate(b.model, NULL, b.trainer->training, b.examples, NULL, TEXTS, &kept));
            assert_true(kept.loss != plain.loss); /* it was the kept vectors that it read */
        }
        close_bench(&b);
        close_bench(&other);
    }
}

static void words_may_stand_still_alone(void **state)
{
    (void)state;
    bench b;
    open_bench(&b, SMALL NO_DROPOUT " freeze_embedding=true", cases[0], "none");
    const tci_parameters *parameters = &b.model->network->parameters;
    float *before = malloc(parameters->size * sizeof *before);
    memcpy(before, parameters->values, parameters->size * sizeof *before);
    (void)run_step(&b);
    for (size_t i = 0; i < parameters->tensor_count; i++) {
        const tci_tensor_info *tensor = &parameters->tensors[i];
        bool same = memcmp(before + tensor->offset, parameters->values + tensor->offset,
                           tensor->count * sizeof *before) == 0;
        if (same != (i == 0))
            fail_msg("'%s' %s", tensor->name, same ? "stood still" : "moved");
    }
    free(before);
    close_bench(&b);
}

static void layers_that_no_gradient_reaches_share_their_memory(void **state)
{
    (void)state;
    bench b;
    open_bench(&b, SMALL NO_DROPOUT, cases[0], "layers=1");
    (void)run_step(&b);
    const tci_training *training = b.trainer->training;
    assert_ptr_equal(training->kept[0].qkv, training->kept[1].qkv);
    assert_ptr_not_equal(training->kept[1].qkv, training->kept[2].qkv);
    close_bench(&b);
}

static void behind_the_training_weights_are_packed_again(void **state)
{
    (void)state;
    bench b;
    open_bench(&b, SMALL NO_DROPOUT, cases[0], "none");
    const tci_transformer *network = (const tci_transformer *)b.model->network;
    assert_null(network->layers[0].up.packed);
    tci_trainer_free(b.trainer);
    b.trainer = NULL;
    assert_non_null(network->layers[0].up.packed);
    close_bench(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_trained_has_its_gradients_and_the_rest_stands_still),
        cmocka_unit_test(a_head_learns_the_same_whether_vectors_are_kept_or_not_and_on_any_team),
        cmocka_unit_test(vectors_are_computed_once_for_each_sequence),
        cmocka_unit_test(memory_is_for_what_is_trained),
        cmocka_unit_test(the_model_predicts_with_its_new_head_while_it_is_trained),
        cmocka_unit_test(a_model_that_reads_its_file_in_place_is_trained_there),
        cmocka_unit_test(a_trainer_that_cannot_be_made_leaves_the_model_as_it_was),
        cmocka_unit_test(another_value_is_refused),
        cmocka_unit_test(kept_vectors_come_with_their_padding),
        cmocka_unit_test(what_is_kept_serves_validation_too),
        cmocka_unit_test(words_may_stand_still_alone),
        cmocka_unit_test(layers_that_no_gradient_reaches_share_their_memory),
        cmocka_unit_test(behind_the_training_weights_are_packed_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
