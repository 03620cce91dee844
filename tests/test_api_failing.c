/* Each allocation fails once: a status, nothing lost or changed, and the next try works. labels: long */
#include "support/testing.h"

#include "support/failing.h"
#include "support/small_host.h"
#include "support/story.h"

#define TEXTS 24
#define NGRAM "arch=ngram buckets=4096 epochs=2 batch_size=6 threads=2 "
#define SETTINGS                                                                                                       \
    "num_layers=2 bidirectional=true dropout=0.1 hidden_dim=6 embedding_dim=5 batch_size=6 epochs=2 threads=2 "        \
    "validation_split=0.3 pooling=max class_weights=balanced "

/* ---- making things ---- */

static void whole_of(test_allocator *allocator, const char *settings)
{
    host h;
    const tc_allocator memory = test_allocator_host(allocator);
    tc_status status = host_begin(&h, &memory, settings, TEXTS);
    if (status == TC_OK)
        status = host_finish(&h);
    host_end(&h);
    if (status != (allocator->failed ? TC_ERROR_MEMORY : TC_OK))
        fail_msg("allocation %ld of a training failed: status %d: %s", allocator->fail_at, (int)status,
                 tc_last_error());
}

static void check_whole(const char *settings, bool onwards)
{
    for (long n = 0;; n++) {
        test_allocator allocator;
        test_allocator_init(&allocator, n, onwards);
        whole_of(&allocator, settings);
        assert_nothing_held(&allocator);
        if (!allocator.failed)
            break;
    }
}

static void a_training_with_one_failed_allocation_ends_in_a_status_and_holds_nothing(void **state)
{
    (void)state;
    check_whole(SETTINGS, false);
    check_whole("hidden_dim=6 epochs=1 task=multilabel sparse_embedding=true", false);
    check_whole("hidden_dim=6 epochs=1 task=regress schedule=linear", false);
    check_whole("arch=ngram buckets=4096 epochs=2 validation_split=0.3 class_weights=balanced", false);
    check_whole("arch=ngram buckets=4096 epochs=1 task=multilabel", false);
    check_whole("arch=ngram optimizer=adagrad buckets=4096 epochs=1 validation_split=0.3", false);
}

static void a_training_without_memory_from_some_moment_on_does_so_too(void **state)
{
    (void)state;
    check_whole(SETTINGS, true);
}

/* ---- calls on things that are there ---- */

typedef struct fixture {
    test_allocator allocator;
    test_folder folder;
    host h;
    char path[512], checkpoint[512];
    tc_vocab_builder *words;
    tc_examples *examples; /* to be added to */
} fixture;

static void set_up(fixture *f, const char *settings)
{
    test_allocator_init(&f->allocator, TEST_NEVER, false);
    const tc_allocator memory = test_allocator_host(&f->allocator);
    test_folder_create(&f->folder);
    (void)snprintf(f->path, sizeof f->path, "%s/model", f->folder.path);
    (void)snprintf(f->checkpoint, sizeof f->checkpoint, "%s/checkpoint", f->folder.path);
    assert_ok(host_begin(&f->h, &memory, settings, TEXTS));
    assert_ok(tc_vocab_builder_create(f->h.config, &f->words));
    assert_ok(tc_examples_create(f->h.model, &f->examples));
    assert_ok(tc_model_save(f->h.model, f->path));
    assert_ok(tc_trainer_save(f->h.trainer, f->checkpoint));
}

static void tear_down(fixture *f)
{
    tc_examples_free(f->examples);
    tc_vocab_builder_free(f->words);
    host_end(&f->h);
    assert_nothing_held(&f->allocator);
    test_folder_remove(&f->folder);
}

/* What must not change when a call fails. */
typedef struct snapshot {
    uint8_t *model;
    char *files[3]; /* the model's, the checkpoint's, a checkpoint of now where one can be written */
    size_t model_size, file_sizes[3], examples, words;
} snapshot;

static snapshot look(fixture *f)
{
    snapshot s = {.model = host_bytes(f->h.model, &s.model_size)};
    char now[512];
    (void)snprintf(now, sizeof now, "%s/now", f->folder.path);
    s.files[0] = test_read_file(f->path, &s.file_sizes[0]);
    s.files[1] = test_read_file(f->checkpoint, &s.file_sizes[1]);
    tc_status status = tc_trainer_save(f->h.trainer, now);
    if (status == TC_OK)
        s.files[2] = test_read_file(now, &s.file_sizes[2]);
    else
        assert_int_equal(status, TC_ERROR_STATE);
    (void)remove(now);
    assert_ok(tc_examples_count(f->examples, &s.examples));
    assert_int_equal(test_folder_count(&f->folder), 2);
    return s;
}

static void assert_same(const char *call, const snapshot *a, const snapshot *b)
{
    static const char *const names[] = {"model file", "checkpoint", "state of training"};
    if (a->model_size != b->model_size || memcmp(a->model, b->model, a->model_size) != 0)
        fail_msg("%s failed and changed the model", call);
    for (size_t i = 0; i < 3; i++) {
        if (a->file_sizes[i] != b->file_sizes[i] ||
            (a->files[i] && memcmp(a->files[i], b->files[i], a->file_sizes[i]) != 0))
            fail_msg("%s failed and changed the %s", call, names[i]);
    }
    assert_int_equal(a->examples, b->examples);
}

static void drop(snapshot *s)
{
    free(s->model);
    for (size_t i = 0; i < 3; i++)
        free(s->files[i]);
}

typedef tc_status (*call)(fixture *f);

/* Calls until nothing fails any more; each failure must be TC_ERROR_MEMORY and change nothing. Returns how many failed.
 */
static long try_until_it_works(fixture *f, const char *name, call function)
{
    snapshot before = look(f);
    for (long n = 0;; n++) {
        long blocks = f->allocator.live_blocks;
        f->allocator.failed = false;
        f->allocator.fail_at = f->allocator.calls + n;
        tc_status status = function(f);
        f->allocator.fail_at = TEST_NEVER;
        if (status == TC_OK && !f->allocator.failed) {
            drop(&before);
            return n;
        }
        if (status != TC_ERROR_MEMORY)
            fail_msg("%s: allocation %ld failed: status %d: %s", name, n, (int)status, tc_last_error());
        snapshot after = look(f);
        assert_same(name, &before, &after);
        drop(&after);
        (void)blocks;
    }
}

static tc_status advance(fixture *f)
{
    return host_advance(&f->h);
}

static tc_status predict(fixture *f)
{
    float scores[STORY_LABELS];
    size_t count = 0;
    const char *text = "a good film with the actors and the music of one long night in the city";
    return tc_predict(f->h.model, text, strlen(text), STORY_LABELS, scores, &count);
}

static tc_status predict_batch(fixture *f)
{
    enum { MANY = 200 };
    const char *texts[MANY];
    size_t lengths[MANY], count = 0;
    float scores[MANY * STORY_LABELS];
    for (size_t i = 0; i < MANY; i++) {
        texts[i] = i % 3 ? "the plot was dull" : "splendid";
        lengths[i] = strlen(texts[i]);
    }
    return tc_predict_batch(f->h.model, texts, lengths, MANY, MANY * STORY_LABELS, scores, &count);
}

static tc_status add_batch(fixture *f)
{
    const char *const texts[3] = {"the plot was dull", "", "a splendid film"};
    return tc_examples_add_batch(f->examples, texts, (const size_t[]){17, 0, 15}, 3, (const uint32_t[]){0, 1, 2}, NULL,
                                 NULL, NULL);
}

static tc_status predict_examples(fixture *f)
{
    float scores[TEXTS * STORY_LABELS];
    size_t count = 0;
    return tc_predict_examples(f->h.model, f->h.examples, NULL, TEXTS, TEXTS * STORY_LABELS, scores, &count);
}

static tc_status evaluate(fixture *f)
{
    tc_evaluation evaluation = TC_EVALUATION_INIT;
    return tc_evaluate(f->h.model, f->h.examples, NULL, TEXTS, &evaluation);
}

static tc_status encode(fixture *f)
{
    uint32_t ids[64];
    uint64_t ranges[128];
    size_t count = 0;
    return tc_encode(f->h.model, "a good film with the actors", 27, 64, ids, ranges, &count);
}

static tc_status add_example(fixture *f)
{
    char text[12 * STORY_WORDS + 1];
    size_t length = story_write_words(7, STORY_WORDS, text, sizeof text);
    return tc_examples_add_label(f->examples, text, length, 1, 1.0f);
}

static tc_status add_words(fixture *f)
{
    char text[12 * STORY_WORDS + 1];
    size_t length = story_write_words(8, STORY_WORDS, text, sizeof text);
    return tc_vocab_builder_add(f->words, text, length);
}

static tc_status save(fixture *f)
{
    return tc_model_save(f->h.model, f->path);
}

static tc_status save_checkpoint(fixture *f)
{
    return tc_trainer_save(f->h.trainer, f->checkpoint);
}

static tc_status save_memory(fixture *f)
{
    static uint8_t bytes[1 << 16];
    size_t size = 0;
    return tc_model_save_memory(f->h.model, sizeof bytes, bytes, &size);
}

static tc_status load_with(fixture *f, const char *path, int32_t flags)
{
    tc_model *model = NULL;
    tc_status status = tc_model_load_with(path, f->h.config, flags, &model);
    assert_true((status == TC_OK) == (model != NULL));
    tc_model_free(model);
    return status;
}

static tc_status load(fixture *f)
{
    return load_with(f, f->path, 0);
}

static tc_status load_mapped(fixture *f)
{
    return load_with(f, f->path, TC_LOAD_MAPPED);
}

static tc_status load_checkpoint(fixture *f)
{
    tc_model *model = NULL;
    tc_trainer *trainer = NULL;
    tc_status status = tc_trainer_load(f->checkpoint, f->h.config, &model, &trainer);
    assert_true((status == TC_OK) == (model != NULL) && (model != NULL) == (trainer != NULL));
    tc_trainer_free(trainer);
    tc_model_free(model);
    return status;
}

static tc_status clone(fixture *f)
{
    tc_model *model = NULL;
    tc_status status = tc_model_clone(f->h.model, &model);
    assert_true((status == TC_OK) == (model != NULL));
    tc_model_free(model);
    return status;
}

/* To int8 and back. */
static tc_status convert(fixture *f)
{
    tc_config *config = NULL;
    tc_model *narrow = NULL, *wide = NULL;
    assert_ok(tc_config_create(&config));
    assert_ok(tc_config_set(config, "weights", "int8"));
    tc_status status = tc_model_convert(f->h.model, config, &narrow);
    assert_true((status == TC_OK) == (narrow != NULL));
    if (status == TC_OK) {
        status = tc_model_convert(narrow, NULL, &wide);
        assert_true((status == TC_OK) == (wide != NULL));
    }
    tc_model_free(wide);
    tc_model_free(narrow);
    tc_config_free(config);
    return status;
}

static tc_status info(fixture *f)
{
    char text[8192];
    size_t length = 0;
    return tc_model_info(f->h.model, sizeof text, text, &length);
}

static tc_status option(fixture *f)
{
    char text[64];
    size_t length = 0;
    return tc_config_get(f->h.config, "hidden_dim", sizeof text, text, &length);
}

static tc_status scratch(fixture *f)
{
    tc_scratch *made = NULL;
    float scores[STORY_LABELS];
    size_t count = 0;
    tc_status status = tc_scratch_create(f->h.model, &made);
    if (status == TC_OK)
        status = tc_predict_with(f->h.model, made, "a dull film", 11, STORY_LABELS, scores, &count, NULL);
    tc_scratch_free(made);
    return status;
}

static tc_status restore_best(fixture *f)
{
    return tc_batcher_restore_best(f->h.batcher);
}

static tc_status make_batcher(fixture *f)
{
    tc_batcher_free(f->h.batcher);
    return tc_batcher_create(f->h.trainer, f->h.examples, NULL, &f->h.batcher);
}

static void no_call_loses_or_changes_anything_when_an_allocation_fails(void **state)
{
    static const struct {
        const char *name;
        call function;
        bool allocates;
    } calls[] = {
        {"predict", predict, true},
        {"predict_batch", predict_batch, true},
        {"predict_examples", predict_examples, true},
        {"evaluate", evaluate, true},
        {"encode", encode, true},
        {"examples_add", add_example, true},
        {"examples_add_batch", add_batch, true},
        {"vocab_builder_add", add_words, true},
        {"model_save", save, true},
        {"model_save_memory", save_memory, true},
        {"model_load", load, true},
        {"model_load mapped", load_mapped, true},
        {"model_clone", clone, true},
        {"model_convert", convert, true},
        {"model_info", info, true},
        {"config_get", option, true},
        {"scratch", scratch, true},
        {"batcher_create", make_batcher, true},
        {"train_step", advance, true},
        {"restore_best", restore_best, false},
        {"trainer_save", save_checkpoint, true},
        {"trainer_load", load_checkpoint, true},
    };
    fixture f;
    (void)state;
    set_up(&f, SETTINGS);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        long failures = try_until_it_works(&f, calls[i].name, calls[i].function);
        if ((failures > 0) != calls[i].allocates)
            fail_msg("%s allocates %ld times", calls[i].name, failures);
    }
    tear_down(&f);
}

/* Long enough to be read piece by piece, alone or among others; the n-th allocation after the model is there fails. */
#define LONG_BYTES 300000
static char long_text[LONG_BYTES];

static tc_status predict_long(const tc_model *model, bool in_batch, float scores[4 * STORY_LABELS])
{
    const char *const texts[4] = {long_text, "splendid", "", long_text};
    const size_t lengths[4] = {LONG_BYTES, 8, 0, LONG_BYTES - 1};
    size_t count = 0;
    if (in_batch)
        return tc_predict_batch(model, texts, lengths, 4, 4 * STORY_LABELS, scores, &count);
    return tc_predict(model, long_text, LONG_BYTES, 4 * STORY_LABELS, scores, &count);
}

static bool long_text_fails(bool in_batch, long n)
{
    test_allocator allocator;
    tc_config *config = NULL;
    tc_model *model = NULL;
    float scores[4 * STORY_LABELS] = {0}, again[4 * STORY_LABELS] = {0};
    test_allocator_init(&allocator, TEST_NEVER, false);
    const tc_allocator memory = test_allocator_host(&allocator);
    assert_ok(host_config(&memory, "max_length=0 num_layers=2 bidirectional=true hidden_dim=6 threads=2", &config));
    assert_ok(host_model(config, TEXTS, &model));
    allocator.fail_at = allocator.calls + n;
    tc_status status = predict_long(model, in_batch, scores);
    allocator.fail_at = TEST_NEVER;
    assert_int_equal(status, allocator.failed ? TC_ERROR_MEMORY : TC_OK);
    assert_ok(predict_long(model, in_batch, again));
    if (status == TC_OK)
        assert_memory_equal(scores, again, sizeof scores);
    tc_model_free(model);
    tc_config_free(config);
    assert_nothing_held(&allocator);
    return allocator.failed;
}

static void a_long_text_with_one_failed_allocation_ends_in_a_status_and_works_the_next_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < LONG_BYTES; i++)
        long_text[i] = "a very dull film with the actors, "[i % 34];
    for (int in_batch = 0; in_batch < 2; in_batch++) {
        long n = 0;
        while (long_text_fails(in_batch != 0, n))
            n++;
        assert_true(n >= 4);
    }
}

static void a_training_with_failures_in_every_call_ends_in_the_bits_of_one_without(void **state)
{
    static const char *const settings[] = {SETTINGS, SETTINGS "accumulate_steps=2 batch_size=7",
                                           NGRAM "validation_split=0.2", NGRAM "optimizer=adagrad"};
    (void)state;
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        fixture f;
        size_t size = 0, wanted_size = 0;
        uint8_t *wanted = host_train(settings[i], TEXTS, &wanted_size);
        set_up(&f, settings[i]);
        while (!f.h.over)
            (void)try_until_it_works(&f, "a step or the end of an epoch", advance);
        assert_ok(tc_batcher_restore_best(f.h.batcher));
        uint8_t *bytes = host_bytes(f.h.model, &size);
        assert_int_equal(size, wanted_size);
        assert_memory_equal(bytes, wanted, size);
        free(bytes);
        free(wanted);
        tear_down(&f);
    }
}

/* Whether the n-th allocation of making a batcher failed: then the trainer is as it was, and counts anything. */
static bool batcher_fails(const char *settings, long n)
{
    test_allocator allocator;
    host h = {.epoch = TC_EPOCH_INIT};
    tc_examples *others = NULL;
    size_t size = 0, after = 0;
    test_allocator_init(&allocator, TEST_NEVER, false);
    const tc_allocator memory = test_allocator_host(&allocator);
    assert_ok(host_config(&memory, settings, &h.config));
    assert_ok(host_model(h.config, TEXTS, &h.model));
    assert_ok(host_examples(h.model, 0, TEXTS, &h.examples));
    assert_ok(host_examples(h.model, 5, TEXTS, &others));
    assert_ok(tc_trainer_create(h.model, h.config, &h.trainer));
    free(host_bytes(h.model, &size));
    allocator.fail_at = allocator.calls + n;
    tc_status status = tc_batcher_create(h.trainer, h.examples, NULL, &h.batcher);
    allocator.fail_at = TEST_NEVER;
    assert_int_equal(status, allocator.failed ? TC_ERROR_MEMORY : TC_OK);
    free(host_bytes(h.model, &after));
    if (status != TC_OK) {
        assert_int_equal(size, after);
        assert_ok(tc_trainer_count(h.trainer, others));
        assert_ok(tc_trainer_count(h.trainer, h.examples));
    }
    tc_examples_free(others);
    host_end(&h);
    assert_nothing_held(&allocator);
    return status != TC_OK;
}

static void a_batcher_that_could_not_be_made_leaves_nothing_counted(void **state)
{
    (void)state;
    static const char *const settings[] = {NGRAM "validation_split=0.2",
                                           NGRAM "validation_split=0.2 optimizer=adagrad"};
    for (size_t i = 0; i < 2; i++) {
        long n = 0;
        while (batcher_fails(settings[i], n))
            n++;
        assert_true(n > 15);
    }
}

/* A checkpoint of dual variables that could not be read, and examples that could not be counted again. */
static void duals_that_could_not_be_loaded_are_loaded_the_next_time(void **state)
{
    test_allocator allocator;
    test_folder folder;
    host h;
    (void)state;
    test_folder_create(&folder);
    const char *path = test_folder_file(&folder, "checkpoint");
    assert_ok(host_begin(&h, NULL, NGRAM, TEXTS));
    assert_ok(host_advance(&h));
    assert_ok(tc_trainer_save(h.trainer, path));
    host_end(&h);
    for (long n = 0;; n++) {
        test_allocator_init(&allocator, n, false);
        const tc_allocator memory = test_allocator_host(&allocator);
        tc_status status = host_resume(&h, &memory, NULL, path, TEXTS);
        if (status == TC_OK)
            status = host_finish(&h);
        host_end(&h);
        assert_int_equal(status, allocator.failed ? TC_ERROR_MEMORY : TC_OK);
        assert_nothing_held(&allocator);
        if (!allocator.failed)
            break;
    }
    test_folder_remove(&folder);
}

static void weights_that_could_not_be_loaded_leave_the_old_ones(void **state)
{
    test_allocator allocator;
    test_folder folder;
    tc_config *config = NULL;
    tc_model *model = NULL, *other = NULL;
    (void)state;
    test_allocator_init(&allocator, TEST_NEVER, false);
    test_folder_create(&folder);
    const tc_allocator memory = test_allocator_host(&allocator);
    const char *path = test_folder_file(&folder, "other");
    assert_ok(host_config(&memory, "hidden_dim=4", &config));
    assert_ok(host_model(config, TEXTS, &model));
    assert_ok(tc_config_set(config, "seed", "2"));
    assert_ok(host_model(config, TEXTS, &other));
    assert_ok(tc_model_save(other, path));
    tc_status status = TC_ERROR_MEMORY;
    for (long n = 0; status != TC_OK; n++) {
        size_t before_size = 0, after_size = 0;
        uint8_t *before = host_bytes(model, &before_size);
        allocator.fail_at = allocator.calls + n;
        status = tc_model_load_weights(model, path);
        allocator.fail_at = TEST_NEVER;
        uint8_t *after = host_bytes(model, &after_size);
        assert_true(status == TC_OK || status == TC_ERROR_MEMORY);
        assert_true(status == TC_OK ? n > 0 : memcmp(before, after, before_size) == 0);
        free(before);
        free(after);
    }
    tc_model_free(model);
    tc_model_free(other);
    tc_config_free(config);
    assert_nothing_held(&allocator);
    test_folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_training_with_one_failed_allocation_ends_in_a_status_and_holds_nothing),
        cmocka_unit_test(a_training_without_memory_from_some_moment_on_does_so_too),
        cmocka_unit_test(no_call_loses_or_changes_anything_when_an_allocation_fails),
        cmocka_unit_test(a_long_text_with_one_failed_allocation_ends_in_a_status_and_works_the_next_time),
        cmocka_unit_test(a_training_with_failures_in_every_call_ends_in_the_bits_of_one_without),
        cmocka_unit_test(a_batcher_that_could_not_be_made_leaves_nothing_counted),
        cmocka_unit_test(duals_that_could_not_be_loaded_are_loaded_the_next_time),
        cmocka_unit_test(weights_that_could_not_be_loaded_leave_the_old_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
