/* labels: quick
 * The ids of a long text, a range at a time: those of the whole encoding, whatever stands where a segment begins; each
 * segment made once per reading; memory that hardly grows. */
#include "support/testing.h"

#include "support/failing.h"
#include "text/long_text.h"

#define MOST_BYTES 24000

static char text[MOST_BYTES];
static size_t length;

/* A fixed sequence of numbers, so that a failure comes again. */
static uint32_t random_state = 1;

static size_t number_below(size_t bound)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % bound;
}

static tci_text_options options_of(size_t number)
{
    return (tci_text_options){
        .tokenizer = number % 2 ? TCI_TOKENIZER_CHAR : TCI_TOKENIZER_WORD,
        .normalize = (tci_normalize)(number / 2 % 3),
        .lowercase = number / 6 % 2,
        .clean_controls = number / 12 % 2,
    };
}
#define OPTIONS 24

static tc_status count_word(void *context, const char *token, size_t size, size_t begin, size_t end)
{
    (void)begin;
    (void)end;
    return size > 0 ? tci_word_counter_add(context, token, size, 1) : TC_OK;
}

/* A pipeline to which about every second word of the text is known. */
static tci_pipeline *make_pipeline(const tci_text_options *options)
{
    tci_memory memory;
    tci_word_counter *words = NULL;
    tci_vocabulary *vocabulary = NULL;
    tci_pipeline *pipeline = NULL;
    tci_memory_init(&memory, NULL, 0);
    assert_ok(tci_word_counter_create(&memory, 100000, &words));
    assert_ok(tci_tokenize(options, &memory, text, length, count_word, words));
    assert_ok(tci_vocabulary_build(&memory, words, 2 + tci_word_counter_size(words) / 2, 1, &vocabulary));
    assert_ok(tci_pipeline_create(NULL, 0, options, vocabulary, &pipeline));
    tci_word_counter_free(words);
    return pipeline;
}

/* ---- the same ids ---- */

typedef struct reading {
    tci_memory memory;
    tci_pipeline *pipeline;
    tci_encoded whole;
    tci_long_text *long_text;
    uint32_t *ids;
} reading;

static void open_reading(reading *r, const tci_text_options *options)
{
    tci_memory_init(&r->memory, NULL, 0);
    r->pipeline = make_pipeline(options);
    tci_encoded_init(&r->whole, &r->memory, false);
    assert_ok(tci_pipeline_encode(r->pipeline, text, length, &r->whole));
    assert_ok(tci_long_text_create(&r->memory, &r->long_text));
    r->ids = malloc((r->whole.count + 1) * sizeof *r->ids);
    assert_non_null(r->ids);
}

static void close_reading(reading *r)
{
    free(r->ids);
    tci_long_text_free(r->long_text);
    tci_encoded_free(&r->whole);
    tci_pipeline_release(r->pipeline);
    assert_int_equal(atomic_load(&r->memory.used), 0);
}

static void assert_range(reading *r, size_t first, size_t count)
{
    memset(r->ids, 0xee, (count + 1) * sizeof *r->ids);
    assert_ok(tci_long_text_read(r->long_text, first, count, r->ids));
    if (count > 0)
        assert_memory_equal(r->ids, r->whole.ids + first, count * sizeof *r->ids);
    assert_int_equal(r->ids[count], 0xeeeeeeee);
}

/* Whole, forwards and backwards in windows, and at random. */
static void assert_same_ids(reading *r, size_t segment, size_t window)
{
    size_t tokens = 0, count = 0;
    assert_ok(tci_long_text_begin(r->long_text, r->pipeline, text, length, segment, &tokens, &count));
    assert_int_equal(tokens, r->whole.tokens);
    assert_int_equal(count, r->whole.count);
    size_t windows = (count + window - 1) / window;
    for (size_t i = 0; i < 2 * windows; i++) {
        size_t first = (i < windows ? i : 2 * windows - 1 - i) * window;
        assert_range(r, first, count - first < window ? count - first : window);
    }
    assert_range(r, 0, count);
    assert_range(r, count, 0);
    for (size_t i = 0; i < 8; i++) {
        size_t first = number_below(count + 1);
        assert_range(r, first, number_below(count - first + 1));
    }
}

/* Under all options, and cut in three ways. */
static void assert_same_ids_always(void)
{
    static const size_t segments[] = {1, 2, 7, 60};
    for (size_t number = 0; number < OPTIONS; number++) {
        for (size_t cut = 0; cut <= 3; cut++) {
            reading r;
            tci_text_options options = options_of(number);
            options.max_length = cut * (1 + number_below(length / 6 + 1));
            options.truncate = (tci_truncate)(cut % 3);
            open_reading(&r, &options);
            assert_same_ids(&r, segments[(number + cut) % 4], 1 + number_below(300));
            close_reading(&r);
        }
    }
}

static void fill(const char *pattern, size_t bytes)
{
    size_t unit = strlen(pattern);
    for (length = 0; length < bytes; length++)
        text[length] = pattern[length % unit];
}

static void patterns_have_the_ids_of_the_whole_encoding(void **state)
{
    static const char *const patterns[] = {
        "The quick brown fox didn't look back, 42 times! ", "line\r\n", "a ", "!",
        "\xCC\x80\xCC\x96",                         /* marks alone */
        "e\xCC\x81\xCC\xA3 ",                       /* that compose in another order */
        "o\xCC\x9B\xCC\xA3\xCC\x81",                /* three on each letter */
        "\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB",     /* jamo that compose */
        "\xED\x95\x98\xE1\x86\xAB\xEA\xB5\xAD ",    /* a syllable and its trailing consonant */
        "\xEF\xB7\xBA",                             /* U+FDFA, 15 letters under nfkc */
        "\xE7\x94\xB5\xE5\xBD\xB1",                 /* ideographs */
        "\xC4\xB0\xC3\x9F\xE1\xBE\xB3",             /* letters that fold into two */
        "\xF0\x9F\x98",                             /* a sequence cut short */
        "\xF0\x9F\xFF\xC3(",                        /* invalid in several ways */
        "x\xC2\xAD\x01\xCC\x81",                    /* what cleaning drops before a mark */
    };
    (void)state;
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        fill(patterns[i], 3000 + i);
        assert_same_ids_always();
    }
}

static void texts_of_all_sorts_have_the_ids_of_the_whole_encoding(void **state)
{
    static const char *const atoms[] = {
        "a",  "B",  "word", " ",  ", ",   "\r\n", "\x01", "\x7F", "\xC2\xAD", "\xEF\xBB\xBF", "\xCC\x81", "\xCC\xA3",
        ("\xCC\x80\xCC\x81\xCC\x82\xCC\x83\xCC\x84\xCC\x85\xCC\x86\xCC\x87\xCC\x88\xCC\x89\xCC\x8A\xCC\x8B\xCC\x8C"
         "\xCC\x8D\xCC\x8E\xCC\x8F\xCC\x90\xCC\x91\xCC\x92\xCC\x93\xCC\x94\xCC\x95\xCC\x96\xCC\x97\xCC\x98\xCC\x99"),
        "\xE1\x84\x92", "\xE1\x85\xA1", "\xE1\x86\xAB", "\xED\x95\x9C", "\xEF\xB7\xBA", "\xC3\x9F", "\xC4\xB0",
        "\xCE\xA3", "\xCD\x85", "\xE0\xA7\x87", "\xE0\xA6\xBE", "\xE6\x88\x91", "\xEF\xBF\xBD", "\xEF\xBD\xB6",
        "\xEF\xBE\x9E", "\xF0\x9F", "\xE2\x98", "\xFF", "\xC3", "\xF0\x9F\x98\x80", "\xE2\x80\x8D", "\xC3\xA9",
    };
    (void)state;
    for (size_t round = 0; round < 6; round++) {
        for (length = 0; length < 2500;) {
            const char *atom = atoms[number_below(sizeof atoms / sizeof atoms[0])];
            memcpy(text + length, atom, strlen(atom));
            length += strlen(atom);
        }
        assert_same_ids_always();
    }
}

/* Between two ordinary stretches; a run of ASCII is taken in pieces of 4,096 bytes, so a segment begins inside it. */
static void endless_words_have_the_ids_of_the_whole_encoding(void **state)
{
    static const char *const letters[] = {"q", "\xC3\xA9", "e\xCC\x81", "\x01", "\xE0\xA6\xBE"};
    (void)state;
    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++) {
        reading r;
        tci_text_options options = options_of(i == 0 ? 20 : 22);
        fill(letters[i], MOST_BYTES / 60 * 60);
        memcpy(text, "some words before it ", 21);
        for (size_t at = length - 6000; at < length; at += 6)
            memcpy(text + at, "after ", 6);
        open_reading(&r, &options);
        assert_true(r.whole.tokens > 1000);
        assert_same_ids(&r, 1, 100);
        assert_same_ids(&r, 300, 1000);
        close_reading(&r);
    }
}

static void a_text_without_tokens_has_no_ids(void **state)
{
    reading r;
    tci_text_options options = options_of(12);
    (void)state;
    for (size_t bytes = 0; bytes <= 9000; bytes += 4500) {
        fill(" \x01\n", bytes);
        open_reading(&r, &options);
        assert_int_equal(r.whole.tokens, 0);
        assert_same_ids(&r, 1, 10);
        close_reading(&r);
    }
}

/* ---- how much is made, and held ---- */

/* "我" n times: each is a token that ends when the next one comes, so segments begin every `segment` tokens. */
static void fill_with_ideographs(size_t count)
{
    fill("\xE6\x88\x91", 3 * count);
}

static void reading_on_makes_a_segment_once_in_either_direction(void **state)
{
    reading r;
    size_t tokens = 0, count = 0;
    tci_text_options options = options_of(0);
    (void)state;
    fill_with_ideographs(1000);
    open_reading(&r, &options);
    uint32_t known = r.whole.ids[0];
    assert_int_not_equal(known, 0);
    for (int backwards = 0; backwards < 2; backwards++) {
        fill_with_ideographs(1000);
        assert_ok(tci_long_text_begin(r.long_text, r.pipeline, text, length, 100, &tokens, &count));
        assert_ok(tci_long_text_read(r.long_text, backwards ? 250 : 150, 20, r.ids)); /* segment 2 or 1 is made */
        fill("\xE7\x94\xB5", length); /* as many words, all unknown: what is made from here on shows */
        assert_ok(tci_long_text_read(r.long_text, 190, 20, r.ids));
        for (size_t i = 0; i < 20; i++) /* the place before token 200 holds its code point */
            assert_int_equal(r.ids[i], i == 10 || (i < 10) == !backwards ? known : 0);
        fill_with_ideographs(1000); /* what was made is held now */
        assert_ok(tci_long_text_read(r.long_text, backwards ? 170 : 210, 20, r.ids));
        for (size_t i = 0; i < 20; i++)
            assert_int_equal(r.ids[i], 0);
    }
    close_reading(&r);
}

static void places_are_few_however_small_the_segments_are(void **state)
{
    reading r;
    size_t tokens = 0, count = 0;
    tci_text_options options = options_of(0);
    (void)state;
    fill_with_ideographs(MOST_BYTES / 3);
    open_reading(&r, &options);
    size_t empty = tci_long_text_bytes(r.long_text);
    assert_true(empty > 0 && empty < 500000);
    assert_ok(tci_long_text_begin(r.long_text, r.pipeline, text, length, 1, &tokens, &count));
    size_t ids = (tci_long_text_bytes(r.long_text) - empty) / sizeof(uint32_t);
    assert_true(ids >= tokens / 128 && ids <= tokens / 64 * 17 / 16 + 32);
    assert_int_equal(tci_long_text_bytes(NULL), 0);
    close_reading(&r);
}

static void a_text_with_no_more_tokens_allocates_nothing(void **state)
{
    test_allocator allocator;
    size_t tokens = 0, count = 0;
    tci_memory memory;
    tci_long_text *long_text = NULL;
    tci_text_options options = options_of(0);
    (void)state;
    fill_with_ideographs(3000);
    tci_pipeline *pipeline = make_pipeline(&options);
    test_allocator_init(&allocator, TEST_NEVER, false);
    const tc_allocator host = test_allocator_host(&allocator);
    tci_memory_init(&memory, &host, 0);
    assert_ok(tci_long_text_create(&memory, &long_text));
    assert_ok(tci_long_text_begin(long_text, pipeline, text, length, 500, &tokens, &count));
    long calls = allocator.calls;
    for (size_t bytes = 0; bytes <= length; bytes += 1500) {
        uint32_t ids[500];
        assert_ok(tci_long_text_begin(long_text, pipeline, text, bytes, 500, &tokens, &count));
        assert_int_equal(tokens, bytes / 3);
        assert_ok(tci_long_text_read(long_text, 0, count < 500 ? count : 500, ids));
    }
    assert_int_equal(allocator.calls, calls);
    tci_long_text_free(long_text);
    tci_long_text_free(NULL);
    tci_pipeline_release(pipeline);
    assert_nothing_held(&allocator);
}

/* ---- failures ---- */

static void each_allocation_may_fail(void **state)
{
    tci_text_options options = options_of(1);
    (void)state;
    fill("letters ", 9000);
    tci_pipeline *pipeline = make_pipeline(&options);
    for (long n = 0;; n++) {
        test_allocator allocator;
        tci_memory memory;
        tci_long_text *long_text = NULL;
        size_t tokens = 0, count = 0;
        test_allocator_init(&allocator, n, false);
        const tc_allocator host = test_allocator_host(&allocator);
        tci_memory_init(&memory, &host, 0);
        tc_status status = tci_long_text_create(&memory, &long_text);
        for (size_t bytes = 3000; status == TC_OK && bytes <= 9000; bytes += 3000)
            status = tci_long_text_begin(long_text, pipeline, text, bytes, 5000, &tokens, &count);
        assert_int_equal(status, allocator.failed ? TC_ERROR_MEMORY : TC_OK);
        if (long_text) { /* and works the next time */
            uint32_t id = 0;
            assert_ok(tci_long_text_begin(long_text, pipeline, text, 9000, 5000, &tokens, &count));
            assert_int_equal(tokens, 9000 - 9000 / 8);
            assert_ok(tci_long_text_read(long_text, count - 1, 1, &id));
        }
        tci_long_text_free(long_text);
        assert_nothing_held(&allocator);
        if (!allocator.failed)
            break;
        assert_true(n < 10);
    }
    tci_pipeline_release(pipeline);
}

static void strict_utf8_refuses_as_the_whole_encoding_does(void **state)
{
    reading r;
    char wanted[200];
    size_t tokens = 0, count = 0;
    tci_text_options options = options_of(0);
    (void)state;
    options.strict_utf8 = true;
    fill("good \xC3\xA9 ", 8000);
    open_reading(&r, &options);
    assert_same_ids(&r, 10, 100);
    text[7777] = (char)0xFF;
    assert_int_equal(tci_pipeline_encode(r.pipeline, text, length, &r.whole), TC_ERROR_ENCODING);
    (void)snprintf(wanted, sizeof wanted, "%s", tci_error_text());
    assert_contains(wanted, "byte 777");
    assert_int_equal(tci_long_text_begin(r.long_text, r.pipeline, text, length, 10, &tokens, &count),
                     TC_ERROR_ENCODING);
    assert_string_equal(tci_error_text(), wanted);
    close_reading(&r);
}

static void a_text_that_changed_meanwhile_is_refused(void **state)
{
    static const char *const others[] = {" ", "!", "\xE6\x88\x91", "aaaaaaaaaa "};
    reading r;
    size_t tokens = 0, count = 0;
    tci_text_options options = options_of(0);
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        fill("a b ", 12000);
        open_reading(&r, &options);
        assert_ok(tci_long_text_begin(r.long_text, r.pipeline, text, length, 1000, &tokens, &count));
        fill(others[i], 12000);
        assert_int_equal(tci_long_text_read(r.long_text, count - 1, 1, r.ids), TC_ERROR_ARGUMENT);
        assert_contains(tci_error_text(), "the text changed");
        fill("a b ", 12000);
        assert_range(&r, 0, count);
        close_reading(&r);
    }
}

static void a_text_is_long_by_its_bytes_unless_it_is_cut_short(void **state)
{
    tci_text_options options = options_of(0);
    (void)state;
    assert_false(tci_text_is_long(&options, 0));
    assert_false(tci_text_is_long(&options, TCI_LONG_TEXT_BYTES));
    assert_true(tci_text_is_long(&options, TCI_LONG_TEXT_BYTES + 1));
    options.max_length = TCI_LONG_TEXT_SEGMENT;
    assert_false(tci_text_is_long(&options, SIZE_MAX));
    options.max_length = TCI_LONG_TEXT_SEGMENT + 1;
    assert_false(tci_text_is_long(&options, TCI_LONG_TEXT_BYTES));
    assert_true(tci_text_is_long(&options, TCI_LONG_TEXT_BYTES + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_have_the_ids_of_the_whole_encoding),
        cmocka_unit_test(texts_of_all_sorts_have_the_ids_of_the_whole_encoding),
        cmocka_unit_test(endless_words_have_the_ids_of_the_whole_encoding),
        cmocka_unit_test(a_text_without_tokens_has_no_ids),
        cmocka_unit_test(reading_on_makes_a_segment_once_in_either_direction),
        cmocka_unit_test(places_are_few_however_small_the_segments_are),
        cmocka_unit_test(a_text_with_no_more_tokens_allocates_nothing),
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(strict_utf8_refuses_as_the_whole_encoding_does),
        cmocka_unit_test(a_text_that_changed_meanwhile_is_refused),
        cmocka_unit_test(a_text_is_long_by_its_bytes_unless_it_is_cut_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
