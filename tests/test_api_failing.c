/* Each allocation of a whole life fails once: a status, nothing held, and the next try works. labels: long */
#include "support/testing.h"

#include "support/failing.h"
#include "support/small_host.h"
#include "support/story.h"

#define TEXTS 24
#define NGRAM "arch=ngram buckets=4096 epochs=2 batch_size=6 threads=2 "
#define SETTINGS                                                                                                       \
    "num_layers=2 bidirectional=true dropout=0.1 hidden_dim=6 embedding_dim=5 batch_size=6 epochs=2 threads=2 "        \
    "validation_split=0.3 pooling=max class_weights=balanced "
#define BERT                                                                                                           \
    "arch=bert hidden_dim=16 num_heads=2 num_layers=2 positions=24 epochs=1 batch_size=8 threads=2 "
#define GPT                                                                                                            \
    "arch=gpt hidden_dim=20 num_heads=2 num_layers=2 positions=24 epochs=1 batch_size=8 threads=2 "

static void whole_of(test_allocator *allocator, const char *settings)
{
    host h;
    const tc_allocator memory = test_allocator_host(allocator);
    tc_status status = host_begin(&h, &memory, settings, TEXTS);
    if (status == TC_OK)
        status = host_finish(&h);
    host_end(&h);
    if (status == TC_OK && (strstr(settings, "arch=bert") || strstr(settings, "arch=gpt")))
        return; /* which do without packed weights and kept vectors where memory for them is refused */
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
    check_whole(BERT "tokenizer=wordpiece vocab_size=120 validation_split=0.3 pooler=tanh", false);
    check_whole(BERT "freeze=encoder pooling=max", false);
    check_whole(BERT "lora_rank=2 lora_targets=query,output.dense gradient_checkpointing=true", false);
    check_whole(GPT "tokenizer=bpe vocab_size=300 freeze=layers=1", false);
}

static void a_training_without_memory_from_some_moment_on_does_so_too(void **state)
{
    (void)state;
    check_whole(SETTINGS, true);
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
        cmocka_unit_test(a_long_text_with_one_failed_allocation_ends_in_a_status_and_works_the_next_time),
        cmocka_unit_test(a_batcher_that_could_not_be_made_leaves_nothing_counted),
        cmocka_unit_test(duals_that_could_not_be_loaded_are_loaded_the_next_time),
        cmocka_unit_test(weights_that_could_not_be_loaded_leave_the_old_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
