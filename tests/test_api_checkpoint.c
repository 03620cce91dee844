/* Training that stops, is saved and resumed, ends in the bits of one that never stopped. labels: quick */
#include "support/testing.h"

#include "support/small_host.h"

#define TEXTS 60
#define BASE "epochs=3 batch_size=16 hidden_dim=8 embedding_dim=6 "

#define BERT "arch=bert hidden_dim=12 num_heads=3 num_layers=2 positions=16 epochs=3 batch_size=16 "
#define NGRAM "arch=ngram buckets=4096 epochs=3 batch_size=16 "
#define AVERAGED "arch=ngram embedding_dim=9 buckets=4096 batch_size=16 "

typedef struct file {
    uint8_t *bytes;
    size_t size;
} file;

static void assert_same_file(const char *what, file got, file wanted)
{
    if (got.size != wanted.size || memcmp(got.bytes, wanted.bytes, got.size) != 0)
        fail_msg("%s: another file", what);
    free(got.bytes);
}

/* Of the model, or of n-grams the model's smaller one, which is chosen by more than the model's file holds. */
static file file_of(const tc_model *model)
{
    file f;
    tc_config *config = NULL;
    tc_model *small = NULL;
    char arch[16], dim[16];
    size_t length = 0;
    assert_ok(tc_model_option(model, "arch", sizeof arch, arch, &length));
    assert_ok(tc_model_option(model, "embedding_dim", sizeof dim, dim, &length));
    assert_ok(tc_config_create(&config));
    if (strcmp(arch, "ngram") == 0 && strcmp(dim, "0") == 0) {
        assert_ok(tc_config_set(config, "max_features", "300"));
        assert_ok(tc_model_convert(model, config, &small));
    }
    f.bytes = host_bytes(small ? small : model, &f.size);
    tc_model_free(small);
    tc_config_free(config);
    return f;
}

static file straight(const char *settings)
{
    host h;
    assert_ok(host_begin(&h, NULL, settings, TEXTS));
    assert_ok(host_finish(&h));
    file f = file_of(h.model);
    host_end(&h);
    return f;
}

/* Saves, forgets everything and goes on from the file. */
static void stop_and_go(host *h, const char *path, const char *settings)
{
    bool over = h->over;
    assert_ok(tc_trainer_save(h->trainer, path));
    host_end(h);
    assert_ok(host_resume(h, NULL, settings, path, TEXTS));
    h->over = over;
}

static file resumed_everywhere(const char *settings, const char *run)
{
    host h;
    test_folder folder;
    test_folder_create(&folder);
    const char *path = test_folder_file(&folder, "checkpoint");
    assert_ok(host_begin(&h, NULL, settings, TEXTS));
    stop_and_go(&h, path, run); /* before the first step */
    while (!h.over) {
        assert_ok(host_advance(&h));
        tc_status status = tc_trainer_save(h.trainer, path);
        if (status == TC_ERROR_STATE) /* between a backward and its apply */
            continue;
        assert_ok(status);
        stop_and_go(&h, path, run);
    }
    assert_ok(tc_batcher_restore_best(h.batcher));
    file f = file_of(h.model);
    host_end(&h);
    assert_int_equal(test_folder_count(&folder), 1);
    test_folder_remove(&folder);
    return f;
}

static void resuming_at_every_step_gives_the_bits_of_a_run_that_never_stopped(void **state)
{
    static const char *const settings[] = {
        BASE "validation_split=0.2 dropout=0.2",
        BASE "validation_split=0.2 dropout=0.2 num_layers=2 bidirectional=true accumulate_steps=2",
        BASE "accumulate_steps=3 optimizer=sgd momentum=0.9 clip_norm=0.5",
        BASE "optimizer=adagrad sparse_embedding=true validation_split=0.3 patience=1",
        BASE "optimizer=adamw weight_decay=0.1 schedule=cosine warmup_steps=2 class_weights=balanced",
        BASE "task=regress schedule=linear validation_split=0.2",
        BASE "task=multilabel sparse_embedding=true pooling=max",
        BERT "validation_split=0.2 accumulate_steps=2",
        BERT "freeze=encoder validation_split=0.2 threads=2",
        BERT "freeze=layers=1 patience=1 validation_split=0.3 layer_decay=0.9",
        BERT "lora_rank=3 lora_targets=query,output.dense validation_split=0.2",
        NGRAM "validation_split=0.2",
        NGRAM "class_weights=balanced threads=2",
        NGRAM "task=multilabel validation_split=0.3 patience=1 tune_thresholds=true",
        NGRAM "task=regress",
        AVERAGED "validation_split=0.2",
        AVERAGED "head=tree threads=2",
        "arch=ngram embedding_dim=9 word_ngrams=1 batch_size=16", /* no buckets at all */
        AVERAGED "task=multilabel validation_split=0.3 schedule=cosine warmup_steps=2 word_ngrams=3",
        NGRAM "optimizer=adagrad validation_split=0.2 accumulate_steps=2",
        NGRAM "optimizer=adagrad task=multilabel validation_split=0.3 patience=1 schedule=linear",
        NGRAM "optimizer=adagrad task=regress clip_norm=0.5",
    };
    (void)state;
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        file wanted = straight(settings[i]);
        assert_same_file(settings[i], resumed_everywhere(settings[i], i % 2 ? "threads=3" : NULL), wanted);
        free(wanted.bytes);
    }
}

static void a_host_of_its_own_loop_resumes_too(void **state)
{
    const char *settings = BASE "dropout=0.3";
    const size_t rows[2][5] = {{4, 8, 1, 17, 30}, {2, 2, 9, 50, 59}};
    host one, two;
    tc_step a = TC_STEP_INIT, b = TC_STEP_INIT;
    file wanted, got;
    test_folder folder;
    (void)state;
    test_folder_create(&folder);
    const char *path = test_folder_file(&folder, "checkpoint");
    assert_ok(host_begin(&one, NULL, settings, TEXTS));
    tc_batcher_free(one.batcher);
    one.batcher = NULL;
    assert_ok(tc_train_step(one.trainer, one.examples, rows[0], 5, &a));
    assert_ok(tc_trainer_save(one.trainer, path));
    assert_ok(tc_train_step(one.trainer, one.examples, rows[1], 5, &a));
    wanted.bytes = host_bytes(one.model, &wanted.size);

    memset(&two, 0, sizeof two);
    assert_ok(tc_trainer_load(path, NULL, &two.model, &two.trainer));
    assert_ok(host_examples(two.model, 0, TEXTS, &two.examples));
    assert_ok(tc_train_step(two.trainer, two.examples, rows[1], 5, &b));
    assert_int_equal(b.step, 2);
    assert_true(a.loss == b.loss && a.gradient_norm == b.gradient_norm);
    got.bytes = host_bytes(two.model, &got.size);
    assert_same_file("own loop", got, wanted);
    free(wanted.bytes);
    host_end(&one);
    host_end(&two);
    test_folder_remove(&folder);
}

/* Two sets of examples, in a loop of the host's own; what the duals are of is told by the examples, in any order. */
static void duals_go_on_when_their_examples_are_counted_again(void **state)
{
    const size_t rows[5] = {4, 8, 1, 17, 19};
    host one, two;
    tc_examples *others = NULL, *again = NULL, *foreign = NULL;
    file wanted, got;
    test_folder folder;
    (void)state;
    test_folder_create(&folder);
    const char *path = test_folder_file(&folder, "checkpoint");
    memset(&two, 0, sizeof two);
    assert_ok(host_begin(&one, NULL, NGRAM, 20));
    tc_batcher_free(one.batcher);
    tc_trainer_free(one.trainer); /* whose batcher had counted */
    one.batcher = NULL;
    one.trainer = NULL;
    assert_ok(tc_trainer_create(one.model, one.config, &one.trainer));
    assert_ok(host_examples(one.model, 1, 30, &others));
    assert_ok(tc_trainer_count(one.trainer, one.examples));
    assert_ok(tc_trainer_save(one.trainer, path)); /* before the first step: of nothing yet */
    assert_ok(tc_trainer_count(one.trainer, others));
    assert_ok(tc_train_step(one.trainer, one.examples, rows, 5, NULL));
    assert_ok(tc_train_step(one.trainer, others, rows, 4, NULL));
    assert_ok(tc_trainer_save(one.trainer, path));
    for (int i = 0; i < 8; i++) {
        assert_ok(tc_train_step(one.trainer, others, rows, 5, NULL));
        assert_ok(tc_train_step(one.trainer, one.examples, rows, 5, NULL));
    }
    wanted.bytes = host_bytes(one.model, &wanted.size);

    assert_ok(tc_trainer_load(path, NULL, &two.model, &two.trainer));
    assert_ok(host_examples(two.model, 0, 20, &two.examples));
    assert_ok(host_examples(two.model, 1, 30, &again));
    assert_ok(host_examples(two.model, 2, 30, &foreign));
    assert_int_equal(tc_train_step(two.trainer, again, rows, 5, NULL), TC_ERROR_STATE);
    assert_contains(tc_last_error(), "tc_trainer_count");
    assert_int_equal(tc_trainer_count(two.trainer, foreign), TC_ERROR_MISMATCH);
    assert_ok(tc_trainer_count(two.trainer, again));
    assert_int_equal(tc_train_step(two.trainer, again, rows, 5, NULL), TC_ERROR_STATE);
    assert_int_equal(tc_trainer_count(two.trainer, again), TC_ERROR_STATE);
    assert_ok(tc_trainer_save(two.trainer, path)); /* with one set of both */
    assert_ok(tc_trainer_count(two.trainer, two.examples));
    for (int i = 0; i < 8; i++) {
        assert_ok(tc_train_step(two.trainer, again, rows, 5, NULL));
        assert_ok(tc_train_step(two.trainer, two.examples, rows, 5, NULL));
    }
    got.bytes = host_bytes(two.model, &got.size);
    assert_same_file("duals", got, wanted);
    free(wanted.bytes);
    tc_examples_free(others);
    tc_examples_free(again);
    tc_examples_free(foreign);
    host_end(&one);
    host_end(&two);
    test_folder_remove(&folder);
}

/* Chunks of 15 texts, of the stories from 0 on, counted, and learned from in turn. */
#define CHUNKS 3

static void learn_chunk(tc_trainer *trainer, const tc_model *model, size_t chunk)
{
    size_t rows[15];
    tc_examples *examples = NULL;
    for (size_t i = 0; i < 15; i++)
        rows[i] = (i * 4 + chunk) % 15;
    assert_ok(host_examples(model, 15 * chunk, 15, &examples));
    assert_ok(tc_trainer_begin_chunk(trainer, examples, 15 * chunk));
    assert_ok(tc_train_step(trainer, examples, rows, 15, NULL));
    tc_examples_free(examples);
}

static void duals_of_chunks_go_on(void **state)
{
    static const char *const settings[] = {NGRAM, NGRAM "epochs=1", NGRAM "task=multilabel"};
    test_folder folder;
    (void)state;
    test_folder_create(&folder);
    const char *path = test_folder_file(&folder, "checkpoint");
    for (size_t k = 0; k < sizeof settings / sizeof settings[0]; k++) {
        host one = {.epoch = TC_EPOCH_INIT}, two = {.epoch = TC_EPOCH_INIT};
        file wanted, got;
        size_t steps = k == 1 ? CHUNKS : 3 * CHUNKS;
        assert_ok(host_config(NULL, settings[k], &one.config));
        assert_ok(host_model(one.config, TEXTS, &one.model));
        assert_ok(tc_trainer_create(one.model, one.config, &one.trainer));
        for (size_t chunk = 0; chunk < CHUNKS; chunk++) {
            tc_examples *examples = NULL;
            assert_ok(host_examples(one.model, 15 * chunk, 15, &examples));
            assert_ok(tc_trainer_count_chunk(one.trainer, examples));
            tc_examples_free(examples);
        }
        for (size_t i = 0; i < steps; i++) {
            learn_chunk(one.trainer, one.model, i % CHUNKS);
            if (i == steps / 2)
                assert_ok(tc_trainer_save(one.trainer, path));
        }
        wanted.bytes = host_bytes(one.model, &wanted.size);
        assert_ok(tc_trainer_load(path, NULL, &two.model, &two.trainer));
        for (size_t i = steps / 2 + 1; i < steps; i++)
            learn_chunk(two.trainer, two.model, i % CHUNKS);
        got.bytes = host_bytes(two.model, &got.size);
        assert_same_file(settings[k], got, wanted);
        free(wanted.bytes);
        host_end(&one);
        host_end(&two);
    }
    test_folder_remove(&folder);
}

/* A checkpoint in the middle of an epoch. */
static void write_checkpoint(const char *path, const char *settings)
{
    host h;
    assert_ok(host_begin(&h, NULL, settings, TEXTS));
    for (int i = 0; i < 6; i++)
        assert_ok(host_advance(&h));
    assert_ok(tc_trainer_save(h.trainer, path));
    host_end(&h);
}

static void resuming_on_other_data_is_refused(void **state)
{
    host h;
    test_folder folder;
    tc_examples *others = NULL;
    (void)state;
    test_folder_create(&folder);
    const char *path = test_folder_file(&folder, "checkpoint");
    write_checkpoint(path, BASE);
    assert_int_equal(host_resume(&h, NULL, NULL, path, TEXTS - 1), TC_ERROR_MISMATCH);
    assert_contains(tc_last_error(), "same data");
    assert_int_equal(host_resume(&h, NULL, NULL, path, TEXTS + 1), TC_ERROR_MISMATCH);
    assert_ok(host_resume(&h, NULL, NULL, path, TEXTS));
    tc_batcher_free(h.batcher);
    h.batcher = NULL;
    assert_ok(host_examples(h.model, 1, TEXTS, &others)); /* as many, but others */
    assert_int_equal(tc_batcher_create(h.trainer, others, NULL, &h.batcher), TC_ERROR_MISMATCH);
    assert_null(h.batcher);
    assert_ok(tc_batcher_create(h.trainer, h.examples, NULL, &h.batcher)); /* refused, not spoiled */
    tc_examples_free(others);
    host_end(&h);
    test_folder_remove(&folder);
}

static void options_given_at_resuming_must_be_the_checkpoints(void **state)
{
    static const char *const different[] = {"learning_rate=0.5", "batch_size=8", "seed=9",      "optimizer=sgd",
                                            "epochs=2",          "hidden_dim=9", "dropout=0.1", "accumulate_steps=2"};
    host h;
    test_folder folder;
    (void)state;
    test_folder_create(&folder);
    const char *path = test_folder_file(&folder, "checkpoint");
    write_checkpoint(path, BASE "learning_rate=0.01");
    for (size_t i = 0; i < sizeof different / sizeof different[0]; i++) {
        char key[32];
        assert_int_equal(host_resume(&h, NULL, different[i], path, TEXTS), TC_ERROR_MISMATCH);
        assert_null(h.model);
        assert_null(h.trainer);
        (void)snprintf(key, sizeof key, "'%.*s'", (int)strcspn(different[i], "="), different[i]);
        assert_contains(tc_last_error(), key);
    }
    assert_ok(host_resume(&h, NULL, "learning_rate=0.01 batch_size=16 hidden_dim=8 threads=2", path, TEXTS));
    host_end(&h);
    test_folder_remove(&folder);
}

static void epochs_may_be_raised_while_the_schedule_is_constant(void **state)
{
    host h;
    test_folder folder;
    file got;
    (void)state;
    test_folder_create(&folder);
    const char *path = test_folder_file(&folder, "checkpoint");
    write_checkpoint(path, BASE "validation_split=0.2");
    assert_ok(host_resume(&h, NULL, "epochs=5", path, TEXTS));
    assert_ok(host_finish(&h));
    assert_int_equal(h.epoch.epoch, 5);
    got.bytes = host_bytes(h.model, &got.size);
    file wanted = straight(BASE "validation_split=0.2 epochs=5");
    assert_same_file("five epochs", got, wanted);
    free(wanted.bytes);
    host_end(&h);

    write_checkpoint(path, BASE "schedule=linear");
    assert_int_equal(host_resume(&h, NULL, "epochs=5", path, TEXTS), TC_ERROR_MISMATCH);
    assert_contains(tc_last_error(), "schedule constant");
    test_folder_remove(&folder);
}

static void a_finished_training_goes_on_with_more_epochs(void **state)
{
    host h;
    test_folder folder;
    (void)state;
    test_folder_create(&folder);
    const char *path = test_folder_file(&folder, "checkpoint");
    assert_ok(host_begin(&h, NULL, BASE, TEXTS));
    while (!h.over)
        assert_ok(host_advance(&h));
    assert_ok(tc_trainer_save(h.trainer, path));
    host_end(&h);
    assert_ok(host_resume(&h, NULL, NULL, path, TEXTS));
    assert_int_equal(host_advance(&h), TC_ERROR_STATE);
    assert_contains(tc_last_error(), "epochs");
    host_end(&h);
    assert_ok(host_resume(&h, NULL, "epochs=4", path, TEXTS));
    assert_ok(host_finish(&h));
    assert_int_equal(h.epoch.epoch, 4);
    host_end(&h);
    test_folder_remove(&folder);
}

static void a_checkpoint_is_a_model_and_a_model_is_no_checkpoint(void **state)
{
    host h;
    test_folder folder;
    tc_model *model = NULL;
    tc_trainer *trainer = NULL;
    file current, loaded;
    (void)state;
    test_folder_create(&folder);
    const char *path = test_folder_file(&folder, "checkpoint");
    assert_ok(host_begin(&h, NULL, BASE "validation_split=0.2", TEXTS));
    for (int i = 0; i < 6; i++)
        assert_ok(host_advance(&h));
    assert_ok(tc_trainer_save(h.trainer, path));
    assert_ok(tc_model_load(path, &model));
    current.bytes = host_bytes(h.model, &current.size);
    loaded.bytes = host_bytes(model, &loaded.size);
    assert_same_file("the current weights", loaded, current);
    assert_ok(tc_model_save(model, path));
    tc_model_free(model);
    model = NULL;
    assert_int_equal(tc_trainer_load(path, NULL, &model, &trainer), TC_ERROR_FORMAT);
    assert_contains(tc_last_error(), path);
    assert_null(model);
    assert_null(trainer);
    free(current.bytes);
    host_end(&h);
    test_folder_remove(&folder);
}

static void saving_a_checkpoint_leaves_the_training_alone(void **state)
{
    const char *settings = BASE "validation_split=0.2 dropout=0.2";
    host h;
    test_folder folder;
    file got, wanted = straight(settings);
    (void)state;
    test_folder_create(&folder);
    const char *path = test_folder_file(&folder, "checkpoint");
    assert_ok(host_begin(&h, NULL, settings, TEXTS));
    while (!h.over) {
        assert_ok(host_advance(&h));
        assert_ok(tc_trainer_save(h.trainer, path));
    }
    assert_ok(host_finish(&h));
    got.bytes = host_bytes(h.model, &got.size);
    assert_same_file("saved at every step", got, wanted);
    free(wanted.bytes);
    host_end(&h);
    test_folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resuming_at_every_step_gives_the_bits_of_a_run_that_never_stopped),
        cmocka_unit_test(a_host_of_its_own_loop_resumes_too),
        cmocka_unit_test(duals_go_on_when_their_examples_are_counted_again),
        cmocka_unit_test(duals_of_chunks_go_on),
        cmocka_unit_test(resuming_on_other_data_is_refused),
        cmocka_unit_test(options_given_at_resuming_must_be_the_checkpoints),
        cmocka_unit_test(epochs_may_be_raised_while_the_schedule_is_constant),
        cmocka_unit_test(a_finished_training_goes_on_with_more_epochs),
        cmocka_unit_test(a_checkpoint_is_a_model_and_a_model_is_no_checkpoint),
        cmocka_unit_test(saving_a_checkpoint_leaves_the_training_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
