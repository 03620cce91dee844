/* labels: quick threads
 * Texts that come in chunks: learning from them is learning from all at once, whether chunks are kept or made anew for
 * each pass, at any number of threads. */
#include "support/testing.h"

#include <math.h>

#include "support/failing.h"
#include "support/small_host.h"
#include "support/story.h"

#define TEXTS 300
#define CHUNKS 3
#define BATCH 50

#define NGRAMS "arch=ngram buckets=65536 "

typedef struct school {
    tc_config *config;
    tc_model *model;
    tc_trainer *trainer;
} school;

static void open_school(school *s, const tc_allocator *allocator, const char *settings)
{
    *s = (school){NULL, NULL, NULL};
    assert_ok(host_config(allocator, settings, &s->config));
    assert_ok(host_model(s->config, TEXTS, &s->model));
    assert_ok(tc_trainer_create(s->model, s->config, &s->trainer));
}

static void close_school(school *s)
{
    tc_trainer_free(s->trainer);
    tc_model_free(s->model);
    tc_config_free(s->config);
}

/* Texts of a chunk; the first has no more than one. */
static size_t chunk_begin(size_t chunk)
{
    static const size_t begins[CHUNKS + 1] = {0, 1, 180, TEXTS};
    return begins[chunk];
}

static tc_examples *make_chunk(const school *s, size_t chunk)
{
    tc_examples *examples = NULL;
    assert_ok(host_examples(s->model, chunk_begin(chunk), chunk_begin(chunk + 1) - chunk_begin(chunk), &examples));
    return examples;
}

/* Steps over texts first to end - 1 of the examples, backwards. */
static void take_steps(const school *s, const tc_examples *examples, size_t first, size_t end)
{
    while (end > first) {
        size_t rows[BATCH], count = 0;
        while (count < BATCH && end > first)
            rows[count++] = --end;
        assert_ok(tc_train_step(s->trainer, examples, rows, count, NULL));
    }
}

static void count_chunks(const school *s)
{
    for (size_t i = 0; i < CHUNKS; i++) {
        tc_examples *chunk = make_chunk(s, i);
        assert_ok(tc_trainer_count_chunk(s->trainer, chunk));
        tc_examples_free(chunk);
    }
}

/* A pass over chunks that are made for it. */
static void pass_over_chunks(const school *s, size_t first_chunk)
{
    for (size_t i = 0; i < CHUNKS; i++) {
        size_t number = (first_chunk + i) % CHUNKS, count = 0;
        tc_examples *chunk = make_chunk(s, number);
        assert_ok(tc_trainer_begin_chunk(s->trainer, chunk, chunk_begin(number)));
        assert_ok(tc_examples_count(chunk, &count));
        take_steps(s, chunk, 0, count);
        tc_examples_free(chunk); /* the trainer has its own hold of it */
    }
}

static uint8_t *learn_in_chunks(const char *settings, size_t passes, size_t *size)
{
    school s;
    open_school(&s, NULL, settings);
    count_chunks(&s);
    for (size_t pass = 0; pass < passes; pass++)
        pass_over_chunks(&s, pass);
    uint8_t *bytes = host_bytes(s.model, size);
    close_school(&s);
    return bytes;
}

static const char *const tasks[] = {NGRAMS "task=classify ", NGRAMS "task=multilabel ", NGRAMS "task=regress ",
                                    NGRAMS "optimizer=adagrad "};

static void one_chunk_of_all_texts_is_a_set_of_them(void **state)
{
    (void)state;
    for (size_t t = 0; t < 4; t++) {
        uint8_t *bytes[2];
        size_t sizes[2];
        for (size_t chunked = 0; chunked < 2; chunked++) {
            school s;
            tc_examples *examples = NULL;
            open_school(&s, NULL, tasks[t]);
            assert_ok(host_examples(s.model, 0, TEXTS, &examples));
            assert_ok(chunked ? tc_trainer_count_chunk(s.trainer, examples) : tc_trainer_count(s.trainer, examples));
            for (size_t pass = 0; pass < 3; pass++) {
                if (chunked)
                    assert_ok(tc_trainer_begin_chunk(s.trainer, examples, 0));
                take_steps(&s, examples, 0, TEXTS);
            }
            tc_examples_free(examples);
            bytes[chunked] = host_bytes(s.model, &sizes[chunked]);
            close_school(&s);
        }
        assert_int_equal(sizes[0], sizes[1]);
        assert_memory_equal(bytes[0], bytes[1], sizes[0]);
        free(bytes[0]);
        free(bytes[1]);
    }
}

/* The same steps with examples that stay: alpha of a text is found again by its number. */
static void chunks_made_for_each_pass_are_those_that_were_kept(void **state)
{
    (void)state;
    for (size_t t = 0; t < 4; t++) {
        school s;
        tc_examples *kept[CHUNKS];
        size_t size = 0, wanted_size = 0;
        open_school(&s, NULL, tasks[t]);
        for (size_t i = 0; i < CHUNKS; i++) {
            kept[i] = make_chunk(&s, i);
            assert_ok(tc_trainer_count_chunk(s.trainer, kept[i]));
        }
        for (size_t pass = 0; pass < 3; pass++) {
            for (size_t i = 0; i < CHUNKS; i++) {
                size_t number = (pass + i) % CHUNKS;
                assert_ok(tc_trainer_begin_chunk(s.trainer, kept[number], chunk_begin(number)));
                take_steps(&s, kept[number], 0, chunk_begin(number + 1) - chunk_begin(number));
            }
        }
        uint8_t *wanted = host_bytes(s.model, &wanted_size);
        for (size_t i = 0; i < CHUNKS; i++)
            tc_examples_free(kept[i]);
        close_school(&s);
        for (size_t threads = 1; threads <= 3; threads++) {
            char settings[128];
            (void)snprintf(settings, sizeof settings, "%s threads=%zu", tasks[t], threads);
            uint8_t *bytes = learn_in_chunks(settings, 3, &size);
            assert_int_equal(size, wanted_size);
            assert_memory_equal(bytes, wanted, size);
            free(bytes);
        }
        free(wanted);
    }
}

#define HALF 100

/* Scores after three passes over the same stories twice, in one chunk or in two, the second pass of two beginning with
 * the second. */
static void learn_twice_the_same(size_t chunks, float scores[3])
{
    school s;
    tc_examples *examples[2] = {NULL, NULL};
    size_t count = 0;
    open_school(&s, NULL, tasks[0]);
    for (size_t i = 0; i < chunks; i++)
        assert_ok(tc_examples_create(s.model, &examples[i]));
    for (uint32_t i = 0; i < 2 * HALF; i++) {
        char text[STORY_SIZE];
        size_t length = 0;
        uint32_t label = story_write(i % HALF, text, &length);
        assert_ok(tc_examples_add_label(examples[i / HALF % chunks], text, length, label, 1.0f));
    }
    for (size_t i = 0; i < chunks; i++)
        assert_ok(tc_trainer_count_chunk(s.trainer, examples[i]));
    for (size_t pass = 0; pass < 3; pass++) {
        for (size_t k = 0; k < 2; k++) {
            size_t half = (pass + k) % 2;
            const tc_examples *chunk = examples[half % chunks];
            assert_ok(tc_trainer_begin_chunk(s.trainer, chunk, chunks == 1 ? 0 : half * HALF));
            take_steps(&s, chunk, chunks == 1 ? half * HALF : 0, chunks == 1 ? (half + 1) * HALF : HALF);
        }
    }
    assert_ok(tc_predict(s.model, "a dull film", 11, 3, scores, &count));
    tc_examples_free(examples[0]);
    tc_examples_free(examples[1]);
    close_school(&s);
}

static void a_text_finds_its_own_dual_variables_again(void **state)
{
    float one[3], two[3];
    (void)state;
    learn_twice_the_same(1, one);
    learn_twice_the_same(2, two);
    for (size_t i = 0; i < 3; i++)
        assert_true(fabsf(one[i] - two[i]) < 1e-5f);
}

static void a_second_pass_goes_on_from_the_first(void **state)
{
    size_t sizes[2];
    (void)state;
    uint8_t *one = learn_in_chunks(tasks[0], 1, &sizes[0]), *two = learn_in_chunks(tasks[0], 2, &sizes[1]);
    assert_true(sizes[0] != sizes[1] || memcmp(one, two, sizes[0]) != 0);
    free(one);
    free(two);
}

static size_t held_by_training(const char *settings)
{
    test_allocator allocator;
    school s;
    test_allocator_init(&allocator, TEST_NEVER, false);
    const tc_allocator memory = test_allocator_host(&allocator);
    open_school(&s, &memory, settings);
    for (size_t i = 0; i < 40; i++)
        count_chunks(&s);
    tc_examples *chunk = make_chunk(&s, 0);
    assert_ok(tc_trainer_begin_chunk(s.trainer, chunk, 0));
    tc_examples_free(chunk);
    size_t held = allocator.live_bytes;
    close_school(&s);
    assert_nothing_held(&allocator);
    return held;
}

static void a_training_of_one_epoch_keeps_nothing_of_each_text(void **state)
{
    size_t size = 0, wanted_size = 0;
    school s;
    (void)state;
    size_t one = held_by_training(NGRAMS "epochs=1"), several = held_by_training(NGRAMS "epochs=2");
    assert_true(several - one >= 39 * TEXTS * 3 * sizeof(float)); /* three columns; `one` holds those of the chunk */
    open_school(&s, NULL, NGRAMS "epochs=1");
    count_chunks(&s);
    pass_over_chunks(&s, 0);
    tc_examples *chunk = make_chunk(&s, 1);
    assert_int_equal(tc_trainer_begin_chunk(s.trainer, chunk, 1), TC_ERROR_STATE);
    assert_contains(tc_last_error(), "epochs 1");
    tc_examples_free(chunk);
    close_school(&s);
    uint8_t *wanted = learn_in_chunks(NGRAMS "epochs=2", 1, &wanted_size);
    uint8_t *bytes = learn_in_chunks(NGRAMS "epochs=1", 1, &size);
    tc_model *a = NULL, *b = NULL;
    assert_ok(tc_model_load_memory(wanted, wanted_size, NULL, &a));
    assert_ok(tc_model_load_memory(bytes, size, NULL, &b));
    float first[3], second[3];
    size_t count = 0;
    assert_ok(tc_predict(a, "a dull film", 11, 3, first, &count));
    assert_ok(tc_predict(b, "a dull film", 11, 3, second, &count));
    assert_memory_equal(first, second, sizeof first);
    tc_model_free(a);
    tc_model_free(b);
    free(wanted);
    free(bytes);
}

static void chunks_in_the_wrong_place_are_refused_and_change_nothing(void **state)
{
    school s;
    const size_t row = 0;
    (void)state;
    open_school(&s, NULL, tasks[0]);
    tc_examples *chunk = make_chunk(&s, 2), *other = make_chunk(&s, 1);
    assert_int_equal(tc_trainer_begin_chunk(s.trainer, chunk, 0), TC_ERROR_STATE);
    assert_contains(tc_last_error(), "tc_trainer_count_chunk");
    count_chunks(&s);
    assert_int_equal(tc_trainer_count(s.trainer, chunk), TC_ERROR_STATE);
    assert_int_equal(tc_train_step(s.trainer, chunk, &row, 1, NULL), TC_ERROR_STATE);
    assert_int_equal(tc_trainer_begin_chunk(s.trainer, chunk, 181), TC_ERROR_ARGUMENT);
    assert_int_equal(tc_trainer_begin_chunk(s.trainer, chunk, SIZE_MAX), TC_ERROR_ARGUMENT);
    assert_ok(tc_trainer_begin_chunk(s.trainer, chunk, 180));
    assert_int_equal(tc_trainer_begin_chunk(s.trainer, other, 200), TC_ERROR_ARGUMENT);
    assert_int_equal(tc_train_step(s.trainer, other, &row, 1, NULL), TC_ERROR_STATE);
    assert_contains(tc_last_error(), "tc_trainer_begin_chunk");
    assert_ok(tc_train_step(s.trainer, chunk, &row, 1, NULL));
    assert_int_equal(tc_trainer_count_chunk(s.trainer, chunk), TC_ERROR_STATE);
    tc_examples_free(chunk);
    tc_examples_free(other);
    close_school(&s);
}

static void sets_and_chunks_are_not_counted_side_by_side(void **state)
{
    school s;
    (void)state;
    open_school(&s, NULL, tasks[0]);
    tc_examples *set = make_chunk(&s, 1);
    assert_ok(tc_trainer_count(s.trainer, set));
    assert_int_equal(tc_trainer_count_chunk(s.trainer, set), TC_ERROR_STATE);
    tc_examples_free(set);
    close_school(&s);
}

static void other_optimizers_accept_chunks_and_count_none(void **state)
{
    school s;
    const size_t rows[2] = {0, 5};
    (void)state;
    open_school(&s, NULL, "hidden_dim=4");
    tc_examples *chunk = make_chunk(&s, 1);
    assert_int_equal(tc_trainer_count_chunk(s.trainer, chunk), TC_ERROR_UNSUPPORTED);
    assert_ok(tc_trainer_begin_chunk(s.trainer, chunk, 1));
    assert_ok(tc_train_step(s.trainer, chunk, rows, 2, NULL));
    tc_examples_free(chunk);
    close_school(&s);
}

/* Counting, beginning and learning with allocation n failing; the call is then made again. */
static long learn_with_failures(const char *settings, uint8_t **bytes, size_t *size)
{
    test_allocator allocator;
    school s;
    long failures = 0;
    test_allocator_init(&allocator, TEST_NEVER, false);
    const tc_allocator memory = test_allocator_host(&allocator);
    open_school(&s, &memory, settings);
    for (size_t call = 0; call < 3 * CHUNKS; call++) {
        tc_examples *chunk = make_chunk(&s, call % CHUNKS);
        tc_status status = TC_ERROR_MEMORY;
        for (long n = 0; status != TC_OK; n++) {
            allocator.fail_at = allocator.calls + n;
            status = call < CHUNKS ? tc_trainer_count_chunk(s.trainer, chunk)
                                   : tc_trainer_begin_chunk(s.trainer, chunk, chunk_begin(call % CHUNKS));
            allocator.fail_at = TEST_NEVER;
            assert_true(status == TC_OK || status == TC_ERROR_MEMORY);
            failures += status != TC_OK;
        }
        if (call >= CHUNKS)
            take_steps(&s, chunk, 0, chunk_begin(call % CHUNKS + 1) - chunk_begin(call % CHUNKS));
        tc_examples_free(chunk);
    }
    *bytes = host_bytes(s.model, size);
    close_school(&s);
    assert_nothing_held(&allocator);
    return failures;
}

static void a_failed_allocation_changes_nothing_and_the_call_works_the_next_time(void **state)
{
    (void)state;
    for (size_t t = 0; t < 3; t++) {
        uint8_t *bytes = NULL;
        size_t size = 0, wanted_size = 0;
        school s;
        open_school(&s, NULL, tasks[t]);
        count_chunks(&s);
        pass_over_chunks(&s, 0);
        pass_over_chunks(&s, 0);
        uint8_t *wanted = host_bytes(s.model, &wanted_size);
        close_school(&s);
        assert_true(learn_with_failures(tasks[t], &bytes, &size) > 20);
        assert_int_equal(size, wanted_size);
        assert_memory_equal(bytes, wanted, size);
        free(bytes);
        free(wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_chunk_of_all_texts_is_a_set_of_them),
        cmocka_unit_test(chunks_made_for_each_pass_are_those_that_were_kept),
        cmocka_unit_test(a_text_finds_its_own_dual_variables_again),
        cmocka_unit_test(a_second_pass_goes_on_from_the_first),
        cmocka_unit_test(a_training_of_one_epoch_keeps_nothing_of_each_text),
        cmocka_unit_test(chunks_in_the_wrong_place_are_refused_and_change_nothing),
        cmocka_unit_test(sets_and_chunks_are_not_counted_side_by_side),
        cmocka_unit_test(other_optimizers_accept_chunks_and_count_none),
        cmocka_unit_test(a_failed_allocation_changes_nothing_and_the_call_works_the_next_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
