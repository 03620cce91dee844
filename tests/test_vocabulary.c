/* labels: quick
 * Words to ids: the order, the file's form, and files that lie. */
#include "support/testing.h"

#include "support/failing.h"
#include "text/pipeline.h"
#include "text/vocabulary.h"

static tci_memory memory;

static int set_up(void **state)
{
    (void)state;
    tci_memory_init(&memory, NULL, 0);
    return 0;
}

/* Nothing may be held after a test. */
static int tear_down(void **state)
{
    (void)state;
    return atomic_load(&memory.used) == 0 ? 0 : -1;
}

static tci_word_counter *count_words(const char *const *words, size_t count)
{
    tci_word_counter *counter = NULL;
    assert_ok(tci_word_counter_create(&memory, 1000, &counter));
    for (size_t i = 0; i < count; i++)
        assert_ok(tci_word_counter_add(counter, words[i], strlen(words[i]), 1));
    return counter;
}

/* The words of a vocabulary, each followed by a space. */
static void assert_words(const tci_vocabulary *vocabulary, const char *expected)
{
    char text[256] = "";
    for (uint32_t id = 0; id < tci_vocabulary_size(vocabulary); id++) {
        size_t length = 0;
        const char *word = tci_vocabulary_word(vocabulary, id, &length);
        strncat(text, word, length);
        strcat(text, " ");
        assert_int_equal(tci_vocabulary_find(vocabulary, word, length), id);
    }
    assert_string_equal(text, expected);
}

static const char *const sample[] = {"b", "a", "c", "b", "\xC3\xA9", "ab", "c", "b", "aa", "<unk>", "<unk>"};
#define SAMPLE (sizeof sample / sizeof *sample)

static void assert_built(size_t vocab_size, uint64_t min_count, const char *expected)
{
    tci_word_counter *counter = count_words(sample, SAMPLE);
    tci_vocabulary *vocabulary = NULL;
    assert_ok(tci_vocabulary_build(&memory, counter, vocab_size, min_count, &vocabulary));
    tci_word_counter_free(counter);
    assert_words(vocabulary, expected);
    tci_vocabulary_free(vocabulary);
}

static void ids_go_by_falling_count_then_by_bytes(void **state)
{
    (void)state;
    assert_built(0, 1, "<unk> b c a aa ab \xC3\xA9 ");
}

static void vocab_size_counts_the_unknown_row(void **state)
{
    (void)state;
    assert_built(4, 1, "<unk> b c a ");
    assert_built(1, 1, "<unk> ");
    assert_built(7, 1, "<unk> b c a aa ab \xC3\xA9 ");
}

static void min_count_leaves_rare_words_out(void **state)
{
    (void)state;
    assert_built(0, 2, "<unk> b c ");
    assert_built(0, 4, "<unk> ");
}

static void a_word_that_is_not_there_is_0(void **state)
{
    (void)state;
    tci_word_counter *counter = count_words(sample, SAMPLE);
    tci_vocabulary *vocabulary = NULL;
    assert_ok(tci_vocabulary_build(&memory, counter, 0, 1, &vocabulary));
    assert_int_equal(tci_vocabulary_find(vocabulary, "nowhere", 7), 0);
    assert_int_equal(tci_vocabulary_find(vocabulary, "", 0), 0);
    assert_int_equal(tci_vocabulary_find(vocabulary, "<unk>", 5), 0);
    assert_int_equal(tci_vocabulary_find(vocabulary, "b\0", 2), 0);
    assert_int_equal(tci_vocabulary_find(vocabulary, "b", 1), 1);
    tci_vocabulary_free(vocabulary);
    tci_word_counter_free(counter);
}

static void the_counter_refuses_more_words_than_max_vocab(void **state)
{
    (void)state;
    tci_word_counter *counter = NULL;
    tci_vocabulary *vocabulary = NULL;
    assert_ok(tci_word_counter_create(&memory, 2, &counter));
    assert_ok(tci_word_counter_add(counter, "a", 1, 1));
    assert_ok(tci_word_counter_add(counter, "b", 1, 1));
    assert_int_equal(tci_word_counter_add(counter, "c", 1, 1), TC_ERROR_LIMIT);
    assert_non_null(strstr(tci_error_text(), "max_vocab"));
    assert_ok(tci_word_counter_add(counter, "b", 1, 1));
    assert_int_equal(tci_word_counter_size(counter), 2);
    /* two words and <unk> are three rows, which no reader with this limit would take */
    assert_int_equal(tci_vocabulary_build(&memory, counter, 0, 1, &vocabulary), TC_ERROR_LIMIT);
    assert_null(vocabulary);
    assert_ok(tci_vocabulary_build(&memory, counter, 2, 1, &vocabulary));
    assert_words(vocabulary, "<unk> b ");
    tci_vocabulary_free(vocabulary);
    tci_word_counter_free(counter);
}

static void the_counter_takes_no_word_that_the_file_could_not_hold(void **state)
{
    (void)state;
    char longest[TCI_TOKEN_BYTES + 1];
    tci_word_counter *counter = count_words(NULL, 0);
    memset(longest, 'x', sizeof longest);
    assert_int_equal(tci_word_counter_add(counter, "a\nb", 3, 1), TC_ERROR_ARGUMENT);
    assert_int_equal(tci_word_counter_add(counter, "\xFF", 1, 1), TC_ERROR_ENCODING);
    assert_int_equal(tci_word_counter_add(counter, longest, sizeof longest, 1), TC_ERROR_ARGUMENT);
    assert_ok(tci_word_counter_add(counter, "", 0, 1));
    assert_int_equal(tci_word_counter_size(counter), 0);
    assert_ok(tci_word_counter_add(counter, longest, TCI_TOKEN_BYTES, 1));
    assert_int_equal(tci_word_counter_size(counter), 1);
    tci_word_counter_free(counter);
}

static void counts_stop_at_the_largest_number(void **state)
{
    (void)state;
    tci_word_counter *counter = count_words(NULL, 0);
    tci_vocabulary *vocabulary = NULL;
    assert_ok(tci_word_counter_add(counter, "z", 1, UINT64_MAX - 1));
    assert_ok(tci_word_counter_add(counter, "z", 1, 5));
    assert_ok(tci_word_counter_add(counter, "a", 1, 4));
    assert_ok(tci_vocabulary_build(&memory, counter, 0, 1, &vocabulary));
    assert_words(vocabulary, "<unk> z a ");
    tci_vocabulary_free(vocabulary);
    tci_word_counter_free(counter);
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    static const char file[] = "<unk>\nb\n\xE6\x88\x91\na\rb\n\0x\n";
    tci_vocabulary *vocabulary = NULL;
    tci_buffer out;
    assert_ok(tci_vocabulary_parse(&memory, file, sizeof file - 1, 5, &vocabulary));
    assert_int_equal(tci_vocabulary_size(vocabulary), 5);
    assert_int_equal(tci_vocabulary_find(vocabulary, "\0x", 2), 4);
    tci_buffer_init(&out, &memory, 1000, "vocabulary");
    assert_ok(tci_vocabulary_write(vocabulary, &out));
    assert_int_equal(out.size, sizeof file - 1);
    assert_memory_equal(out.data, file, out.size);
    tci_buffer_free(&out);
    tci_vocabulary_free(vocabulary);
}

static void hostile_files_are_refused_by_line_and_byte(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        tc_status status;
        const char *reason;
    } rows[] = {
        {"", TC_ERROR_FORMAT, "<unk>"},
        {"\n", TC_ERROR_FORMAT, "line 1, byte 0: the first row must be <unk>"},
        {"a\n<unk>\n", TC_ERROR_FORMAT, "line 1, byte 0: the first row must be <unk>"},
        {"<unk>", TC_ERROR_FORMAT, "line 1, byte 0: the last line has no line feed"},
        {"<unk>\r\na\r\n", TC_ERROR_FORMAT, "the first row must be <unk>"},
        {"<unk>\na\nb", TC_ERROR_FORMAT, "line 3, byte 8: the last line has no line feed"},
        {"<unk>\na\n\nb\n", TC_ERROR_FORMAT, "line 3, byte 8: an empty word"},
        {"<unk>\na\nbc\na\n", TC_ERROR_FORMAT, "line 4, byte 11: the word stands on an earlier line"},
        {"<unk>\na\n<unk>\n", TC_ERROR_FORMAT, "line 3, byte 8: the word stands on an earlier line"},
        {"<unk>\na\nb\xC3\n", TC_ERROR_FORMAT, "line 3, byte 9: not valid UTF-8"},
        {"<unk>\n\xED\xA0\x80\n", TC_ERROR_FORMAT, "line 2, byte 6: not valid UTF-8"},
        {"<unk>\na\nb\nc\nd\n", TC_ERROR_LIMIT, "line 5, byte 12: more than max_vocab (4)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tci_vocabulary *vocabulary = NULL;
        size_t size = strlen(rows[i].file);
        char *exact = malloc(size ? size : 1); /* for the address sanitizer */
        memcpy(exact, rows[i].file, size);
        assert_int_equal(tci_vocabulary_parse(&memory, exact, size, 4, &vocabulary), rows[i].status);
        assert_non_null(strstr(tci_error_text(), rows[i].reason));
        assert_null(vocabulary);
        free(exact);
    }
}

static void a_word_longer_than_any_token_is_refused(void **state)
{
    (void)state;
    char file[6 + TCI_TOKEN_BYTES + 2] = "<unk>\n";
    tci_vocabulary *vocabulary = NULL;
    memset(file + 6, 'x', TCI_TOKEN_BYTES + 1);
    file[sizeof file - 1] = '\n';
    assert_int_equal(tci_vocabulary_parse(&memory, file, sizeof file, 4, &vocabulary), TC_ERROR_FORMAT);
    assert_non_null(strstr(tci_error_text(), "line 2, byte 6: a word of 1025 bytes"));
    file[sizeof file - 2] = '\n';
    assert_ok(tci_vocabulary_parse(&memory, file, sizeof file - 1, 4, &vocabulary));
    tci_vocabulary_free(vocabulary);
}

static void a_vocabulary_outlives_the_memory_it_was_made_with(void **state)
{
    (void)state;
    test_allocator allocator;
    test_allocator_init(&allocator, TEST_NEVER, false);
    tc_allocator host = test_allocator_host(&allocator);
    tci_memory *owner = malloc(sizeof *owner);
    tci_vocabulary *vocabulary = NULL;
    tci_memory_init(owner, &host, 0);
    assert_ok(tci_vocabulary_parse(owner, "<unk>\na\n", 8, 10, &vocabulary));
    memset(owner, 0xEE, sizeof *owner);
    free(owner);
    assert_words(vocabulary, "<unk> a ");
    tci_vocabulary_free(vocabulary);
    assert_nothing_held(&allocator);
}

/* Counts, builds, writes and parses; frees all. */
static tc_status whole_life(const tc_allocator *host)
{
    tc_status status;
    tci_memory own;
    tci_word_counter *counter = NULL;
    tci_vocabulary *built = NULL, *parsed = NULL;
    tci_buffer out;
    tci_memory_init(&own, host, 0);
    tci_buffer_init(&out, &own, 100000, "vocabulary");
    TCI_CHECK(tci_word_counter_create(&own, 1000, &counter));
    for (int i = 0; i < 100; i++) {
        char word[16];
        size_t size = tci_word_counter_size(counter);
        int length = snprintf(word, sizeof word, "word%d", i);
        status = tci_word_counter_add(counter, word, (size_t)length, 1);
        assert_int_equal(tci_word_counter_size(counter), size + (status == TC_OK));
        if (status != TC_OK)
            goto done;
    }
    TCI_CHECK(tci_vocabulary_build(&own, counter, 0, 1, &built));
    TCI_CHECK(tci_vocabulary_write(built, &out));
    TCI_CHECK(tci_vocabulary_parse(&own, out.data, out.size, 1000, &parsed));
    assert_int_equal(tci_vocabulary_size(parsed), 101);
done:
    tci_buffer_free(&out);
    tci_vocabulary_free(built);
    tci_vocabulary_free(parsed);
    tci_word_counter_free(counter);
    return status;
}

static void every_failing_allocation_is_a_status_and_leaves_nothing(void **state)
{
    (void)state;
    assert_survives_failing_allocations(whole_life);
}

/* Of text/bag_features.h: no row <unk>, words of any bytes. */
static void a_bare_vocabulary_has_its_words_alone(void **state)
{
    (void)state;
    static const char file[] = "b\n<unk>\n\xFF\n";
    tci_vocabulary *vocabulary = NULL;
    tci_buffer written;
    assert_ok(tci_vocabulary_parse_bare(&memory, file, sizeof file - 1, 3, &vocabulary));
    assert_int_equal(tci_vocabulary_size(vocabulary), 3);
    assert_int_equal(tci_vocabulary_lookup(vocabulary, "b", 1), 0);
    assert_int_equal(tci_vocabulary_lookup(vocabulary, "<unk>", 5), 1);
    assert_int_equal(tci_vocabulary_lookup(vocabulary, "\xFF", 1), 2);
    assert_int_equal(tci_vocabulary_lookup(vocabulary, "", 0), TCI_MAP_NONE);
    tci_buffer_init(&written, &memory, SIZE_MAX, "vocabulary");
    assert_ok(tci_vocabulary_write(vocabulary, &written));
    assert_int_equal(written.size, sizeof file - 1);
    assert_memory_equal(written.data, file, sizeof file - 1);
    tci_buffer_free(&written);
    tci_vocabulary_free(vocabulary);
    assert_ok(tci_vocabulary_parse_bare(&memory, "", 0, 3, &vocabulary));
    assert_int_equal(tci_vocabulary_size(vocabulary), 0);
    tci_vocabulary_free(vocabulary);
    assert_int_equal(tci_vocabulary_parse_bare(&memory, "a\n\nb\n", 5, 9, &vocabulary), TC_ERROR_FORMAT);
    assert_int_equal(tci_vocabulary_parse_bare(&memory, "a\nb\na\n", 6, 9, &vocabulary), TC_ERROR_FORMAT);
    assert_int_equal(tci_vocabulary_parse_bare(&memory, "a\nb", 3, 9, &vocabulary), TC_ERROR_FORMAT);
    assert_int_equal(tci_vocabulary_parse_bare(&memory, file, sizeof file - 1, 2, &vocabulary), TC_ERROR_LIMIT);
}

static void a_bare_vocabulary_is_counted_from_words_of_any_bytes(void **state)
{
    (void)state;
    char longest[3000];
    tci_vocabulary *vocabulary = NULL;
    tci_word_counter *counter = NULL;
    memset(longest, 'x', sizeof longest);
    assert_ok(tci_word_counter_create(&memory, 3, &counter));
    tci_word_counter_make_bare(counter);
    assert_ok(tci_word_counter_add(counter, "<unk>", 5, 2));
    assert_ok(tci_word_counter_add(counter, "\xFF", 1, 7));
    assert_ok(tci_word_counter_add(counter, longest, sizeof longest, 3));
    assert_ok(tci_vocabulary_build(&memory, counter, 0, 1, &vocabulary));
    assert_int_equal(tci_vocabulary_size(vocabulary), 3); /* as many as max_vocab: none is for <unk> */
    assert_int_equal(tci_vocabulary_lookup(vocabulary, "\xFF", 1), 0);
    assert_int_equal(tci_vocabulary_lookup(vocabulary, longest, sizeof longest), 1);
    assert_int_equal(tci_vocabulary_lookup(vocabulary, "<unk>", 5), 2);
    tci_vocabulary_free(vocabulary);
    assert_ok(tci_vocabulary_build(&memory, counter, 2, 1, &vocabulary));
    assert_int_equal(tci_vocabulary_size(vocabulary), 2);
    tci_vocabulary_free(vocabulary);
    tci_word_counter_free(counter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ids_go_by_falling_count_then_by_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(vocab_size_counts_the_unknown_row, set_up, tear_down),
        cmocka_unit_test_setup_teardown(min_count_leaves_rare_words_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_word_that_is_not_there_is_0, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_counter_refuses_more_words_than_max_vocab, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_counter_takes_no_word_that_the_file_could_not_hold, set_up, tear_down),
        cmocka_unit_test_setup_teardown(counts_stop_at_the_largest_number, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_written_is_read_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hostile_files_are_refused_by_line_and_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_word_longer_than_any_token_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_vocabulary_outlives_the_memory_it_was_made_with, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_bare_vocabulary_has_its_words_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_bare_vocabulary_is_counted_from_words_of_any_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_failing_allocation_is_a_status_and_leaves_nothing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
