/* labels: quick
 * Text to ids: truncation, ranges, reuse without allocating, sharing, the fingerprint. */
#include "support/testing.h"

#include "support/failing.h"
#include "text/pipeline.h"

static const tci_text_options plain = {.tokenizer = TCI_TOKENIZER_WORD,
                                       .normalize = TCI_NORMALIZE_NFKC,
                                       .lowercase = true,
                                       .clean_controls = true,
                                       .collapse_spaces = true,
                                       .truncate = TCI_TRUNCATE_HEAD};
/* The word "n3" has id 3. */
static const char numbers[] = "<unk>\nn1\nn2\nn3\nn4\nn5\nn6\nn7\nn8\nn9\n";

static tci_pipeline *make_pipeline(const tc_allocator *host, const tci_text_options *options)
{
    tci_memory memory;
    tci_vocabulary *vocabulary = NULL;
    tci_pipeline *pipeline = NULL;
    tci_memory_init(&memory, host, 0);
    assert_ok(tci_vocabulary_parse(&memory, numbers, sizeof numbers - 1, 100, &vocabulary));
    assert_ok(tci_pipeline_create(host, 0, options, vocabulary, &pipeline));
    return pipeline;
}

static void assert_ids(const tci_text_options *options, size_t words, const uint32_t *ids, size_t count)
{
    char text[64] = "";
    tci_memory memory;
    tci_encoded encoded;
    tci_pipeline *pipeline = make_pipeline(NULL, options);
    tci_memory_init(&memory, NULL, 0);
    tci_encoded_init(&encoded, &memory, true);
    for (size_t i = 1; i <= words; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "N%zu ", i);
    assert_ok(tci_pipeline_encode(pipeline, text, strlen(text), &encoded));
    assert_int_equal(encoded.tokens, words);
    assert_int_equal(encoded.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(encoded.ids[i], ids[i]);
        assert_int_equal(encoded.ranges[2 * i], (ids[i] - 1) * 3);
        assert_int_equal(encoded.ranges[2 * i + 1], (ids[i] - 1) * 3 + 2);
    }
    tci_encoded_free(&encoded);
    assert_int_equal(atomic_load(&memory.used), 0);
    tci_pipeline_release(pipeline);
}

static void truncation_keeps_what_its_name_says(void **state)
{
    (void)state;
    static const struct {
        tci_truncate truncate;
        size_t max_length, words, count;
        uint32_t ids[9];
    } rows[] = {
        {TCI_TRUNCATE_HEAD, 0, 9, 9, {1, 2, 3, 4, 5, 6, 7, 8, 9}},
        {TCI_TRUNCATE_TAIL, 0, 9, 9, {1, 2, 3, 4, 5, 6, 7, 8, 9}},
        {TCI_TRUNCATE_BOTH, 0, 3, 3, {1, 2, 3}},
        {TCI_TRUNCATE_HEAD, 4, 9, 4, {1, 2, 3, 4}},
        {TCI_TRUNCATE_HEAD, 9, 9, 9, {1, 2, 3, 4, 5, 6, 7, 8, 9}},
        {TCI_TRUNCATE_TAIL, 4, 9, 4, {6, 7, 8, 9}},
        {TCI_TRUNCATE_TAIL, 4, 8, 4, {5, 6, 7, 8}},
        {TCI_TRUNCATE_TAIL, 4, 5, 4, {2, 3, 4, 5}},
        {TCI_TRUNCATE_TAIL, 4, 4, 4, {1, 2, 3, 4}},
        {TCI_TRUNCATE_TAIL, 4, 3, 3, {1, 2, 3}},
        {TCI_TRUNCATE_TAIL, 1, 9, 1, {9}},
        {TCI_TRUNCATE_BOTH, 4, 9, 4, {1, 2, 8, 9}},
        {TCI_TRUNCATE_BOTH, 5, 9, 5, {1, 2, 3, 8, 9}},
        {TCI_TRUNCATE_BOTH, 7, 9, 7, {1, 2, 3, 4, 7, 8, 9}},
        {TCI_TRUNCATE_BOTH, 7, 8, 7, {1, 2, 3, 4, 6, 7, 8}},
        {TCI_TRUNCATE_BOTH, 7, 7, 7, {1, 2, 3, 4, 5, 6, 7}},
        {TCI_TRUNCATE_BOTH, 7, 6, 6, {1, 2, 3, 4, 5, 6}},
        {TCI_TRUNCATE_BOTH, 1, 9, 1, {1}},
        {TCI_TRUNCATE_BOTH, 4, 0, 0, {0}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tci_text_options options = plain;
        options.truncate = rows[i].truncate;
        options.max_length = rows[i].max_length;
        assert_ids(&options, rows[i].words, rows[i].ids, rows[i].count);
    }
}

static void words_outside_the_vocabulary_and_too_long_ones_are_unknown(void **state)
{
    (void)state;
    char text[TCI_TOKEN_BYTES + 16];
    tci_memory memory;
    tci_encoded encoded;
    tci_pipeline *pipeline = make_pipeline(NULL, &plain);
    tci_memory_init(&memory, NULL, 0);
    tci_encoded_init(&encoded, &memory, false);
    memset(text, 'n', sizeof text);
    memcpy(text + sizeof text - 4, " n2?", 4);
    assert_ok(tci_pipeline_encode(pipeline, text, sizeof text, &encoded));
    assert_int_equal(encoded.count, 3);
    assert_int_equal(encoded.ids[0], 0);
    assert_int_equal(encoded.ids[1], 2);
    assert_int_equal(encoded.ids[2], 0);
    assert_null(encoded.ranges);
    tci_encoded_free(&encoded);
    tci_pipeline_release(pipeline);
}

static void a_shorter_text_allocates_nothing_more(void **state)
{
    (void)state;
    test_allocator allocator;
    test_allocator_init(&allocator, TEST_NEVER, false);
    tc_allocator host = test_allocator_host(&allocator);
    tci_memory memory;
    tci_encoded encoded;
    tci_pipeline *pipeline = make_pipeline(&host, &plain);
    tci_memory_init(&memory, &host, 0);
    tci_encoded_init(&encoded, &memory, true);
    char text[400];
    memset(text, '?', sizeof text);
    assert_ok(tci_pipeline_encode(pipeline, text, sizeof text, &encoded));
    long calls = allocator.calls;
    for (size_t length = 0; length <= sizeof text; length += 50) {
        assert_ok(tci_pipeline_encode(pipeline, text, length, &encoded));
        assert_int_equal(encoded.count, length);
    }
    assert_int_equal(allocator.calls, calls);
    tci_encoded_free(&encoded);
    tci_pipeline_release(pipeline);
    assert_nothing_held(&allocator);
}

static void a_truncated_text_takes_memory_for_what_is_kept(void **state)
{
    (void)state;
    enum { LENGTH = 1 << 20 };
    char *text = malloc(LENGTH);
    memset(text, '?', LENGTH);
    for (int truncate = TCI_TRUNCATE_HEAD; truncate <= TCI_TRUNCATE_BOTH; truncate++) {
        test_allocator allocator;
        test_allocator_init(&allocator, TEST_NEVER, false);
        tc_allocator host = test_allocator_host(&allocator);
        tci_memory memory;
        tci_encoded encoded;
        tci_text_options options = plain;
        options.max_length = 100;
        options.truncate = (tci_truncate)truncate;
        tci_pipeline *pipeline = make_pipeline(NULL, &options);
        tci_memory_init(&memory, &host, 0);
        tci_encoded_init(&encoded, &memory, true);
        assert_ok(tci_pipeline_encode(pipeline, text, LENGTH, &encoded));
        assert_int_equal(encoded.count, 100);
        assert_int_equal(encoded.tokens, LENGTH);
        assert_true(allocator.peak_bytes < 100 * 64);
        tci_encoded_free(&encoded);
        tci_pipeline_release(pipeline);
        assert_nothing_held(&allocator);
    }
    free(text);
}

static void a_refused_text_leaves_no_ids(void **state)
{
    (void)state;
    tci_text_options options = plain;
    tci_memory memory;
    tci_encoded encoded;
    options.strict_utf8 = true;
    tci_pipeline *pipeline = make_pipeline(NULL, &options);
    tci_memory_init(&memory, NULL, 0);
    tci_encoded_init(&encoded, &memory, false);
    assert_ok(tci_pipeline_encode(pipeline, "n1 n2", 5, &encoded));
    assert_int_equal(tci_pipeline_encode(pipeline, "n1\xFF", 3, &encoded), TC_ERROR_ENCODING);
    assert_int_equal(encoded.count, 0);
    assert_int_equal(encoded.tokens, 0);
    tci_encoded_free(&encoded);
    tci_pipeline_release(pipeline);
}

static void the_last_holder_frees(void **state)
{
    (void)state;
    test_allocator allocator;
    test_allocator_init(&allocator, TEST_NEVER, false);
    tc_allocator host = test_allocator_host(&allocator);
    tci_pipeline *pipeline = make_pipeline(&host, &plain);
    assert_ptr_equal(tci_pipeline_keep(pipeline), pipeline);
    tci_pipeline_release(pipeline);
    assert_true(allocator.live_blocks > 0);
    tci_pipeline_release(pipeline);
    tci_pipeline_release(NULL);
    assert_nothing_held(&allocator);
}

static uint64_t fingerprint_with(const tci_text_options *options, const char *file)
{
    tci_memory memory;
    tci_vocabulary *vocabulary = NULL;
    tci_pipeline *pipeline = NULL;
    tci_memory_init(&memory, NULL, 0);
    assert_ok(tci_vocabulary_parse(&memory, file, strlen(file), 100, &vocabulary));
    assert_ok(tci_pipeline_create(NULL, 0, options, vocabulary, &pipeline));
    uint64_t fingerprint = pipeline->fingerprint;
    tci_pipeline_release(pipeline);
    return fingerprint;
}

static void the_fingerprint_depends_on_options_and_vocabulary(void **state)
{
    (void)state;
    tci_text_options changed[8];
    for (size_t i = 0; i < 8; i++)
        changed[i] = plain;
    changed[0].tokenizer = TCI_TOKENIZER_CHAR;
    changed[1].normalize = TCI_NORMALIZE_NFC;
    changed[2].lowercase = false;
    changed[3].strict_utf8 = true;
    changed[4].clean_controls = false;
    changed[5].collapse_spaces = false;
    changed[6].max_length = 7;
    changed[7].truncate = TCI_TRUNCATE_TAIL;
    uint64_t own = fingerprint_with(&plain, "<unk>\na\nb\n");
    assert_true(own == fingerprint_with(&plain, "<unk>\na\nb\n"));
    assert_true(own != fingerprint_with(&plain, "<unk>\nb\na\n"));
    assert_true(own != fingerprint_with(&plain, "<unk>\nab\n"));
    assert_true(own != fingerprint_with(&plain, "<unk>\na\n"));
    for (size_t i = 0; i < 8; i++)
        assert_true(own != fingerprint_with(&changed[i], "<unk>\na\nb\n"));
}

static tc_status whole_life(const tc_allocator *host)
{
    tc_status status;
    tci_memory memory;
    tci_vocabulary *vocabulary = NULL;
    tci_pipeline *pipeline = NULL;
    tci_encoded encoded;
    tci_memory_init(&memory, host, 0);
    tci_encoded_init(&encoded, &memory, true);
    TCI_CHECK(tci_vocabulary_parse(&memory, numbers, sizeof numbers - 1, 100, &vocabulary));
    TCI_CHECK(tci_pipeline_create(host, 0, &plain, vocabulary, &pipeline));
    TCI_CHECK(tci_pipeline_encode(pipeline, "n1 n2 ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ?", 43, &encoded));
    assert_int_equal(encoded.ids[1], 2);
done:
    if (status != TC_OK)
        assert_int_equal(encoded.count + encoded.tokens, 0);
    tci_encoded_free(&encoded);
    tci_pipeline_release(pipeline);
    return status;
}

static void every_failing_allocation_is_a_status_and_leaves_nothing(void **state)
{
    (void)state;
    assert_survives_failing_allocations(whole_life);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(truncation_keeps_what_its_name_says),
        cmocka_unit_test(words_outside_the_vocabulary_and_too_long_ones_are_unknown),
        cmocka_unit_test(a_shorter_text_allocates_nothing_more),
        cmocka_unit_test(a_truncated_text_takes_memory_for_what_is_kept),
        cmocka_unit_test(a_refused_text_leaves_no_ids),
        cmocka_unit_test(the_last_holder_frees),
        cmocka_unit_test(the_fingerprint_depends_on_options_and_vocabulary),
        cmocka_unit_test(every_failing_allocation_is_a_status_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
