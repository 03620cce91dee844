/* labels: quick. A model that begins with pretrained vectors, and one whose embedding stands still while it is
 * trained. */
#include "support/testing.h"

#include <math.h>

#include "api/handles.h"
#include "support/failing.h"
#include "support/small_host.h"
#include "train/trainer.h"

#define TEXTS 24
#define FROZEN "freeze_embedding=true hidden_dim=4 batch_size=8 epochs=2 "

typedef struct fixture {
    test_folder folder;
    char vectors[512], settings[1024];
} fixture;

/* Vectors of three words of the stories, and settings that name them. */
static void set_up(fixture *f, const char *settings)
{
    static const char text[] = "4 5\nthe 0.5 0.25 -1 2 0\nfilm 1 1 1 1 1\nnowhere 0 0 0 0 0\nmusic 0.125 0 0 0 3\n";
    test_folder_create(&f->folder);
    (void)snprintf(f->vectors, sizeof f->vectors, "%s", test_folder_file(&f->folder, "words.vec"));
    test_write_file(f->vectors, text, sizeof text - 1);
    (void)snprintf(f->settings, sizeof f->settings, "%s pretrained_vectors=%s embedding_dim=5", settings, f->vectors);
}

static float *rows_of(const tc_model *model, size_t *count)
{
    const tci_parameters *parameters = &model->network->parameters;
    assert_string_equal(parameters->tensors[0].name, "embedding.weight");
    *count = parameters->tensors[0].count;
    return parameters->values + parameters->tensors[0].offset;
}

/* A copy of them, to be freed. */
static float *copy_rows(const tc_model *model, size_t *count)
{
    const float *rows = rows_of(model, count);
    float *copy = malloc(*count * sizeof *copy);
    assert_non_null(copy);
    return memcpy(copy, rows, *count * sizeof *copy);
}

static const float *row_of(const tc_model *model, const char *word)
{
    size_t count = 0;
    uint32_t id = tci_vocabulary_find(model->pipeline->vocabulary, word, strlen(word));
    assert_int_not_equal(id, 0);
    return rows_of(model, &count) + id * model->network->parameters.tensors[0].shape[1];
}

static void a_new_model_begins_with_the_vectors_that_an_option_names(void **state)
{
    static const float film[] = {1, 1, 1, 1, 1}, music[] = {0.125f, 0, 0, 0, 3};
    fixture f;
    host h = {0};
    char info[8192];
    size_t length = 0;
    (void)state;
    set_up(&f, "hidden_dim=4");
    assert_ok(host_config(NULL, f.settings, &h.config));
    assert_ok(host_model(h.config, TEXTS, &h.model));
    assert_memory_equal(row_of(h.model, "film"), film, sizeof film);
    assert_memory_equal(row_of(h.model, "music"), music, sizeof music);
    assert_ok(tc_model_info(h.model, sizeof info, info, &length));
    assert_contains(info, "\"pretrained_words\":3");
    host_end(&h);
    test_folder_remove(&f.folder);
}

/* Its vocabulary has no <unk>: the first word has row 0. Other rows are as they are without vectors. */
static void averaged_embeddings_begin_with_them_too(void **state)
{
    static const float film[] = {1, 1, 1, 1, 1}, the[] = {0.5f, 0.25f, -1, 2, 0};
    const char *plain = "arch=ngram word_ngrams=2 buckets=10 lowercase=false embedding_dim=5";
    fixture f;
    host h = {0}, other = {0};
    size_t count = 0;
    (void)state;
    set_up(&f, plain);
    assert_ok(host_config(NULL, f.settings, &h.config));
    assert_ok(host_model(h.config, TEXTS, &h.model));
    assert_ok(host_config(NULL, plain, &other.config));
    assert_ok(host_model(other.config, TEXTS, &other.model));
    assert_int_equal(h.model->pretrained_words, 3);
    const tci_vocabulary *words = h.model->pipeline->vocabulary;
    const float *rows = rows_of(h.model, &count), *old = rows_of(other.model, &count);
    assert_int_equal(count, tci_vocabulary_size(words) * 5); /* buckets get rows when they are trained */
    for (uint32_t row = 0; row < count / 5; row++) {
        bool is_the = row == tci_vocabulary_lookup(words, "the", 3),
             is_film = row == tci_vocabulary_lookup(words, "film", 4);
        bool is_music = row == tci_vocabulary_lookup(words, "music", 5);
        if (!is_music)
            assert_memory_equal(rows + 5 * row, is_the ? the : is_film ? film : old + 5 * row, sizeof film);
    }
    host_end(&h);
    host_end(&other);
    test_folder_remove(&f.folder);
}

static void the_dimension_that_was_not_set_is_that_of_the_vectors(void **state)
{
    fixture f;
    tc_config *config = NULL;
    tc_model *model = NULL;
    char text[8];
    size_t length = 0;
    (void)state;
    set_up(&f, "");
    assert_ok(tc_config_create(&config));
    assert_ok(tc_config_set(config, "pretrained_vectors", f.vectors));
    assert_ok(host_model(config, TEXTS, &model));
    assert_ok(tc_model_option(model, "embedding_dim", sizeof text, text, &length));
    assert_string_equal(text, "5");
    tc_model_free(model);
    assert_ok(tc_config_set(config, "embedding_dim", "6"));
    assert_int_equal(host_model(config, TEXTS, &model), TC_ERROR_MISMATCH);
    assert_null(model);
    assert_contains(tc_last_error(), "its vectors have 5 values; option 'embedding_dim' of the model is 6");
    test_write_file(f.vectors, "1 70000\n", 8);
    tc_config_free(config);
    assert_ok(tc_config_create(&config));
    assert_ok(tc_config_set(config, "pretrained_vectors", f.vectors));
    assert_int_equal(host_model(config, TEXTS, &model), TC_ERROR_OPTION);
    assert_contains(tc_last_error(), "'embedding_dim': '70000' is not accepted");
    assert_ok(tc_config_set(config, "pretrained_vectors", "/nowhere/at/all"));
    assert_int_equal(host_model(config, TEXTS, &model), TC_ERROR_IO);
    assert_contains(tc_last_error(), "/nowhere/at/all");
    tc_config_free(config);
    test_folder_remove(&f.folder);
}

static void the_path_is_written_into_no_file(void **state)
{
    fixture f;
    (void)state;
    set_up(&f, FROZEN);
    size_t size = 0;
    char *bytes = (char *)host_train(f.settings, TEXTS, &size);
    bytes[size - 1] = '\0';
    assert_null(strstr(bytes + 8, "pretrained"));
    assert_non_null(strstr(bytes + 8, "\"textclf.option.freeze_embedding\":\"true\""));
    free(bytes);
    test_folder_remove(&f.folder);
}

static void a_model_that_is_there_takes_vectors_unless_it_is_trained(void **state)
{
    static const float film[] = {1, 1, 1, 1, 1};
    fixture f;
    host h = {0};
    size_t found = 0, count = 0;
    (void)state;
    set_up(&f, "");
    assert_ok(host_config(NULL, "embedding_dim=5 hidden_dim=4", &h.config));
    assert_ok(host_model(h.config, TEXTS, &h.model));
    float before[3] = {0}, after[3] = {0};
    float *old = copy_rows(h.model, &count);
    assert_ok(tc_predict(h.model, "film", 4, 3, before, &count));
    assert_ok(tc_model_load_vectors(h.model, f.vectors, &found));
    assert_int_equal(found, 3);
    assert_memory_equal(row_of(h.model, "film"), film, sizeof film);
    size_t other = (size_t)(row_of(h.model, "actors") - rows_of(h.model, &count));
    assert_memory_equal(row_of(h.model, "actors"), old + other, 5 * sizeof *old); /* as it was, not scaled */
    assert_ok(tc_predict(h.model, "film", 4, 3, after, &count));
    assert_memory_not_equal(before, after, sizeof before);
    assert_ok(tc_model_load_vectors(h.model, f.vectors, NULL));
    assert_ok(tc_trainer_create(h.model, h.config, &h.trainer));
    assert_int_equal(tc_model_load_vectors(h.model, f.vectors, &found), TC_ERROR_BUSY);
    assert_int_equal(tc_model_load_vectors(NULL, f.vectors, &found), TC_ERROR_ARGUMENT);
    assert_int_equal(tc_model_load_vectors(h.model, NULL, &found), TC_ERROR_ARGUMENT);
    free(old);
    host_end(&h);
    test_folder_remove(&f.folder);
}

static void models_whose_weights_are_not_their_own_are_refused(void **state)
{
    fixture f;
    tc_config *config = NULL;
    tc_model *model = NULL, *other = NULL;
    (void)state;
    set_up(&f, "");
    assert_ok(host_config(NULL, "embedding_dim=5 hidden_dim=4", &config));
    assert_ok(host_model(config, TEXTS, &model));
    assert_ok(tc_model_save(model, test_folder_file(&f.folder, "model")));
    assert_ok(tc_model_load_with(test_folder_file(&f.folder, "model"), NULL, TC_LOAD_MAPPED, &other));
    assert_int_equal(tc_model_load_vectors(other, f.vectors, NULL), TC_ERROR_STATE);
    tc_model_free(other);
    assert_ok(tc_config_set(config, "weights", "int8"));
    assert_ok(tc_model_convert(model, config, &other));
    assert_int_equal(tc_model_load_vectors(other, f.vectors, NULL), TC_ERROR_UNSUPPORTED);
    tc_model_free(other);
    tc_model_free(model);
    tc_config_free(config);
    test_folder_remove(&f.folder);
}

/* Trains with these settings; whether the rows of the embedding and whether the other weights are as before. */
static void train_and_compare(const char *settings, bool *rows_same, bool *rest_same)
{
    host h = {0};
    size_t count = 0;
    assert_ok(host_begin(&h, NULL, settings, TEXTS));
    const tci_parameters *parameters = &h.model->network->parameters;
    const float *rest = parameters->values + parameters->tensors[1].offset;
    size_t rest_size = (parameters->size - parameters->tensors[1].offset) * sizeof(float);
    float *old = copy_rows(h.model, &count), *old_rest = malloc(rest_size);
    assert_non_null(old_rest);
    memcpy(old_rest, rest, rest_size);
    assert_ok(host_finish(&h));
    *rows_same = memcmp(old, rows_of(h.model, &count), count * sizeof *old) == 0;
    *rest_same = memcmp(old_rest, rest, rest_size) == 0;
    free(old);
    free(old_rest);
    host_end(&h);
}

static void a_frozen_embedding_stays_bit_by_bit_with_every_optimizer(void **state)
{
    static const char *const settings[] = {"optimizer=adam",
                                           "optimizer=adamw weight_decay=0.1",
                                           "optimizer=adam weight_decay=0.1 clip_norm=0.5",
                                           "optimizer=sgd momentum=0.9 learning_rate=0.1",
                                           "optimizer=adagrad learning_rate=0.1 accumulate_steps=2",
                                           "optimizer=adam sparse_embedding=true",
                                           "optimizer=sgd sparse_embedding=true learning_rate=0.1 threads=2",
                                           "optimizer=adam num_layers=2 bidirectional=true pooling=max dropout=0.2"};
    (void)state;
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        fixture f;
        bool rows = false, rest = true;
        char all[1536];
        set_up(&f, FROZEN);
        (void)snprintf(all, sizeof all, "%s %s", f.settings, settings[i]);
        train_and_compare(all, &rows, &rest);
        assert_true(rows);
        assert_false(rest);
        (void)snprintf(all, sizeof all, "%s %s freeze_embedding=false", f.settings, settings[i]);
        train_and_compare(all, &rows, &rest);
        assert_false(rows);
        test_folder_remove(&f.folder);
    }
}

/* Rows of buckets come while it is trained; those of words are as they were. */
static void frozen_averaged_embeddings_keep_the_rows_of_words(void **state)
{
    static const char *const frozen[] = {"false", "true"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        fixture f;
        host h = {0};
        char settings[1536];
        set_up(&f, "arch=ngram word_ngrams=2 buckets=100 epochs=2 threads=2");
        (void)snprintf(settings, sizeof settings, "%s freeze_embedding=%s", f.settings, frozen[i]);
        assert_ok(host_begin(&h, NULL, settings, TEXTS));
        size_t words = tci_vocabulary_size(h.model->pipeline->vocabulary), count = 0;
        float *old = copy_rows(h.model, &count);
        assert_ok(host_finish(&h));
        assert_int_equal(memcmp(old, rows_of(h.model, &count), words * 5 * sizeof *old) == 0, i == 1);
        const tci_tensor_info *output = tci_parameters_find(&h.model->network->parameters, "fc.weight");
        float sum = 0; /* which began with zeros */
        for (size_t k = 0; k < output->count; k++)
            sum += fabsf(h.model->network->parameters.values[output->offset + k]);
        assert_true(sum > 0);
        free(old);
        host_end(&h);
        test_folder_remove(&f.folder);
    }
}

/* The norm that is clipped and reported is that of what is trained, as in torch.nn.utils.clip_grad_norm_. */
static void a_frozen_embedding_has_no_part_in_the_norm(void **state)
{
    static const char *const settings[] = {"hidden_dim=4", "hidden_dim=4 freeze_embedding=true"};
    static const size_t rows[] = {0, 1, 2, 3};
    double norms[2], losses[2];
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        host h = {0};
        tc_step step = TC_STEP_INIT;
        assert_ok(host_begin(&h, NULL, settings[i], TEXTS));
        assert_ok(tc_trainer_backward(h.trainer, h.examples, rows, 4, NULL));
        assert_int_equal(h.trainer->gradients.touched_count == 0, i == 1);
        assert_ok(tc_trainer_apply(h.trainer, &step));
        norms[i] = step.gradient_norm;
        losses[i] = step.loss;
        host_end(&h);
    }
    assert_true(losses[0] == losses[1]);
    assert_true(norms[1] > 0 && norms[1] < norms[0]);
}

static void a_checkpoint_of_a_frozen_training_goes_on_with_the_same_bits(void **state)
{
    fixture f;
    host h = {0};
    size_t size = 0, resumed_size = 0;
    (void)state;
    set_up(&f, FROZEN "optimizer=adam weight_decay=0.01 ");
    uint8_t *wanted = host_train(f.settings, TEXTS, &size);
    assert_ok(host_begin(&h, NULL, f.settings, TEXTS));
    for (size_t i = 0; i < 4; i++)
        assert_ok(host_advance(&h));
    const char *path = test_folder_file(&f.folder, "checkpoint");
    assert_ok(tc_trainer_save(h.trainer, path));
    host_end(&h);
    size_t file_size = 0;
    char *file = test_read_file(path, &file_size);
    file[8 + (size_t)tci_load_u64((const uint8_t *)file) - 1] = '\0'; /* the header's last byte, as a text */
    assert_non_null(strstr(file + 8, "\"optim.exp_avg.fc.weight\""));
    assert_null(strstr(file + 8, "optim.exp_avg.embedding.weight"));
    free(file);
    assert_int_equal(remove(f.vectors), 0); /* nobody reads them again */
    memset(&h, 0, sizeof h);
    assert_ok(host_resume(&h, NULL, NULL, path, TEXTS));
    assert_ok(host_finish(&h));
    uint8_t *resumed = host_bytes(h.model, &resumed_size);
    assert_int_equal(resumed_size, size);
    assert_memory_equal(resumed, wanted, size);
    free(resumed);
    free(wanted);
    host_end(&h);
    test_folder_remove(&f.folder);
}

static void the_options_are_refused_where_there_is_no_embedding_of_words(void **state)
{
    host h = {0};
    (void)state;
    assert_ok(host_config(NULL, "arch=ngram pretrained_vectors=unused", &h.config));
    assert_int_equal(host_model(h.config, TEXTS, &h.model), TC_ERROR_OPTION);
    host_end(&h);
    memset(&h, 0, sizeof h);
    assert_ok(host_config(NULL, "arch=ngram", &h.config));
    assert_ok(host_model(h.config, TEXTS, &h.model));
    assert_ok(tc_config_set(h.config, "freeze_embedding", "true"));
    assert_int_equal(tc_trainer_create(h.model, h.config, &h.trainer), TC_ERROR_OPTION);
    assert_contains(tc_last_error(), "freeze_embedding");
    host_end(&h);
}

static void every_failing_allocation_of_a_new_model_leaves_nothing(void **state)
{
    fixture f;
    (void)state;
    set_up(&f, "hidden_dim=4");
    for (long n = 0;; n++) {
        test_allocator allocator;
        test_allocator_init(&allocator, n, false);
        tc_allocator host_memory = test_allocator_host(&allocator);
        tc_config *config = NULL;
        tc_model *model = NULL;
        tc_status status = host_config(&host_memory, f.settings, &config);
        if (status == TC_OK)
            status = host_model(config, 4, &model);
        assert_int_equal(status == TC_OK, model != NULL);
        tc_model_free(model);
        tc_config_free(config);
        assert_nothing_held(&allocator);
        if (!allocator.failed)
            break;
        assert_int_equal(status, TC_ERROR_MEMORY);
    }
    test_folder_remove(&f.folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_model_begins_with_the_vectors_that_an_option_names),
        cmocka_unit_test(averaged_embeddings_begin_with_them_too),
        cmocka_unit_test(the_dimension_that_was_not_set_is_that_of_the_vectors),
        cmocka_unit_test(the_path_is_written_into_no_file),
        cmocka_unit_test(a_model_that_is_there_takes_vectors_unless_it_is_trained),
        cmocka_unit_test(models_whose_weights_are_not_their_own_are_refused),
        cmocka_unit_test(a_frozen_embedding_stays_bit_by_bit_with_every_optimizer),
        cmocka_unit_test(frozen_averaged_embeddings_keep_the_rows_of_words),
        cmocka_unit_test(a_frozen_embedding_has_no_part_in_the_norm),
        cmocka_unit_test(a_checkpoint_of_a_frozen_training_goes_on_with_the_same_bits),
        cmocka_unit_test(the_options_are_refused_where_there_is_no_embedding_of_words),
        cmocka_unit_test(every_failing_allocation_of_a_new_model_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
