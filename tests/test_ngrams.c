/* labels: quick
 * Features of texts against the formulas of ngrams.h, written down again here. */
#include "support/testing.h"

#include "base/hash.h"
#include "support/failing.h"
#include "text/ngrams.h"

#define BUCKETS 4194304
#define MOST 4096
#define M UINT64_C(0x9e3779b97f4a7c15)

static const tci_text_options plain = {.tokenizer = TCI_TOKENIZER_WORD,
                                       .normalize = TCI_NORMALIZE_NFKC,
                                       .lowercase = true,
                                       .clean_controls = true,
                                       .collapse_spaces = true,
                                       .ngrams = {.buckets = BUCKETS, .words = 1}};

typedef struct bag {
    uint32_t features[MOST];
    size_t count;
} bag;

static void put(bag *b, uint64_t h, bool light)
{
    uint64_t v = (h ^ h >> 32) * M >> 32;
    b->features[b->count++] = TCI_FEATURE(v * BUCKETS >> 32, light);
}

static uint64_t token(const char *text)
{
    return tci_hash(text, strlen(text), 0);
}

static uint64_t edge(const char *text)
{
    return tci_hash(text, strlen(text), 1);
}

static void put_chars(bag *b, const char *bytes)
{
    put(b, 201 + tci_hash(bytes, strlen(bytes), 2), true);
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* The bag against what the library makes of the text. */
static void assert_bag(const tci_text_options *options, const char *text, bag *wanted)
{
    tci_memory memory;
    tci_encoded encoded;
    tci_memory_init(&memory, NULL, 0);
    tci_encoded_init(&encoded, &memory, false);
    assert_ok(tci_ngrams_encode(options, text, strlen(text), &encoded));
    qsort(wanted->features, wanted->count, sizeof *wanted->features, by_number);
    size_t at = 0;
    for (size_t i = 0; i < wanted->count; i++) {
        if (i > 0 && wanted->features[i] == wanted->features[i - 1])
            continue;
        size_t times = 1;
        while (i + times < wanted->count && wanted->features[i + times] == wanted->features[i])
            times++;
        assert_true(at < encoded.count);
        assert_int_equal(encoded.ids[at], wanted->features[i]);
        assert_int_equal(encoded.counts[at], times < 255 ? times : 255);
        at++;
    }
    assert_int_equal(at, encoded.count);
    tci_encoded_free(&encoded);
    assert_int_equal(atomic_load(&memory.used), 0);
}

static void ngrams_and_skips_are_those_of_the_formula(void **state)
{
    (void)state;
    tci_text_options options = plain;
    options.ngrams.words = 3;
    options.ngrams.skips = true;
    const uint64_t t[] = {edge("<s>"), token("a"), token("fine"), token("film"), token("!"), edge("</s>")};
    bag b = {.count = 0};
    for (size_t i = 0; i < 6; i++) {
        if (i > 0 && i < 5)
            put(&b, 1 + t[i], false);
        if (i + 1 < 6)
            put(&b, (2 + t[i]) * M + t[i + 1], false);
        if (i + 2 < 6) {
            put(&b, ((3 + t[i]) * M + t[i + 1]) * M + t[i + 2], true);
            put(&b, (101 + t[i]) * M + t[i + 2], true);
        }
    }
    assert_bag(&options, "A fine FILM!", &b);
}

static void characters_of_a_word_leave_out_the_whole_of_it(void **state)
{
    (void)state;
    tci_text_options options = plain;
    options.ngrams.chars_min = 3;
    options.ngrams.chars_max = 5;
    bag b = {.count = 0};
    static const char *const words[] = {"dé", "movie", "4"};
    for (size_t i = 0; i < 3; i++)
        put(&b, 1 + token(words[i]), false);
    put(&b, 1 + token("!"), false); /* no word, no characters */
    put(&b, 1 + token("好"), false);
    static const char *const runs[] = {"<dé",  "dé>", /* <dé> is all of it, as is <4> */
                                       "<mo",  "mov",  "ovi",  "vie",   "ie>",   "<mov",
                                       "movi", "ovie", "vie>", "<movi", "movie", "ovie>"};
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++)
        put_chars(&b, runs[i]);
    assert_bag(&options, "Dé movie 4! 好", &b);
}

static void only_words_of_scripts_with_spaces_have_characters(void **state)
{
    (void)state;
    tci_text_options options = plain;
    options.ngrams.chars_min = options.ngrams.chars_max = 2;
    bag b = {.count = 0};
    static const char *const words[] = {"ab", "!", "好", "7"};
    for (size_t i = 0; i < 4; i++)
        put(&b, 1 + token(words[i]), false);
    static const char *const runs[] = {"<a", "ab", "b>", "<7", "7>"};
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++)
        put_chars(&b, runs[i]);
    assert_bag(&options, "ab! 好 7", &b);
}

static void characters_across_see_spaces_where_bytes_stand_between_tokens(void **state)
{
    (void)state;
    tci_text_options options = plain;
    options.ngrams.chars_min = options.ngrams.chars_max = 2;
    options.ngrams.across = true;
    bag b = {.count = 0};
    static const char *const words[] = {"it", "'", "s", "好", "了"};
    for (size_t i = 0; i < 5; i++)
        put(&b, 1 + token(words[i]), false);
    static const char *const runs[] = {" i", "it", "t'", "'s", "s ", " 好", "好了", "了 "};
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++)
        put_chars(&b, runs[i]);
    assert_bag(&options, "it's 好了", &b);
}

static void a_text_without_tokens_has_no_features(void **state)
{
    (void)state;
    tci_text_options options = plain;
    options.ngrams = (tci_ngram_options){BUCKETS, 3, true, 1, 3, true, false};
    bag b = {.count = 0};
    assert_bag(&options, "", &b);
    assert_bag(&options, " \t\n ", &b);
}

static void counts_stop_at_255(void **state)
{
    (void)state;
    static char text[2 * 400 + 1];
    bag b = {.count = 0};
    for (size_t i = 0; i < 400; i++) {
        memcpy(text + 2 * i, "x ", 2);
        put(&b, 1 + token("x"), false);
    }
    assert_bag(&plain, text, &b);
}

static void only_the_first_tokens_count_under_max_length(void **state)
{
    (void)state;
    tci_text_options options = plain;
    options.max_length = 2;
    options.ngrams.words = 2;
    bag b = {.count = 0};
    put(&b, 1 + token("a"), false);
    put(&b, 1 + token("b"), false);
    put(&b, (2 + edge("<s>")) * M + token("a"), false);
    put(&b, (2 + token("a")) * M + token("b"), false);
    put(&b, (2 + token("b")) * M + edge("</s>"), false);
    assert_bag(&options, "a b c d", &b);
}

static void ranges_name_the_tokens_of_every_occurrence(void **state)
{
    (void)state;
    tci_text_options options = plain;
    options.ngrams.words = 2;
    tci_memory memory;
    tci_encoded encoded;
    tci_memory_init(&memory, NULL, 0);
    tci_encoded_init(&encoded, &memory, true);
    assert_ok(tci_ngrams_encode(&options, "ab  ab", 6, &encoded));
    static const uint64_t wanted[][2] = {{0, 2}, {0, 2}, {4, 6}, {0, 6}, {4, 6}}; /* ab, <s> ab, ab, ab ab, ab </s> */
    assert_int_equal(encoded.count, 5);
    assert_int_equal(encoded.tokens, 2);
    assert_int_equal(encoded.ids[0], encoded.ids[2]);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(encoded.ranges[2 * i], wanted[i][0]);
        assert_int_equal(encoded.ranges[2 * i + 1], wanted[i][1]);
    }
    tci_encoded_free(&encoded);
}

static void ranges_of_characters_across_reach_over_their_tokens(void **state)
{
    (void)state;
    tci_text_options options = plain;
    options.ngrams.chars_min = options.ngrams.chars_max = 3;
    options.ngrams.across = true;
    tci_memory memory;
    tci_encoded encoded;
    tci_memory_init(&memory, NULL, 0);
    tci_encoded_init(&encoded, &memory, true);
    assert_ok(tci_ngrams_encode(&options, " ab  c", 6, &encoded));
    /* the words ab, c; " ab", "ab ", "b c", " c " */
    static const uint64_t wanted[][2] = {{1, 3}, {0, 3}, {5, 6}, {1, 5}, {1, 6}, {3, 6}};
    assert_int_equal(encoded.count, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(encoded.ranges[2 * i], wanted[i][0]);
        assert_int_equal(encoded.ranges[2 * i + 1], wanted[i][1]);
    }
    tci_encoded_free(&encoded);
}

static void few_buckets_hold_everything_below_them(void **state)
{
    (void)state;
    tci_memory memory;
    tci_encoded encoded;
    tci_memory_init(&memory, NULL, 0);
    tci_encoded_init(&encoded, &memory, false);
    static const uint64_t buckets[] = {1, 2, 3, 1000, 1 << 30};
    for (size_t i = 0; i < sizeof buckets / sizeof buckets[0]; i++) {
        tci_text_options options = plain;
        options.ngrams = (tci_ngram_options){buckets[i], 4, true, 1, 6, false, false};
        const char *text = "one two three four five six seven eight nine ten eleven twelve";
        assert_ok(tci_ngrams_encode(&options, text, strlen(text), &encoded));
        for (size_t k = 0; k < encoded.count; k++) {
            assert_true(TCI_FEATURE_BUCKET(encoded.ids[k]) < buckets[i]);
            assert_true(k == 0 || encoded.ids[k - 1] < encoded.ids[k]);
        }
    }
    tci_encoded_free(&encoded);
}

static void failing_allocations_leave_an_empty_bag(void **state)
{
    (void)state;
    tci_text_options options = plain;
    options.ngrams = (tci_ngram_options){BUCKETS, 3, true, 3, 5, false, false};
    const char *text = "a rather long sentence, so that the arrays of features have to grow more than once in it";
    for (long n = 0;; n++) {
        test_allocator allocator;
        tci_memory memory;
        tci_encoded encoded;
        test_allocator_init(&allocator, n, false);
        const tc_allocator host = test_allocator_host(&allocator);
        tci_memory_init(&memory, &host, 0);
        tci_encoded_init(&encoded, &memory, n % 2 == 1);
        tc_status status = tci_ngrams_encode(&options, text, strlen(text), &encoded);
        assert_int_equal(status, allocator.failed ? TC_ERROR_MEMORY : TC_OK);
        assert_true(status == TC_OK ? encoded.count > 50 : encoded.count == 0);
        tci_encoded_free(&encoded);
        assert_nothing_held(&allocator);
        if (!allocator.failed && n % 2 == 1)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ngrams_and_skips_are_those_of_the_formula),
        cmocka_unit_test(characters_of_a_word_leave_out_the_whole_of_it),
        cmocka_unit_test(only_words_of_scripts_with_spaces_have_characters),
        cmocka_unit_test(characters_across_see_spaces_where_bytes_stand_between_tokens),
        cmocka_unit_test(a_text_without_tokens_has_no_features),
        cmocka_unit_test(counts_stop_at_255),
        cmocka_unit_test(only_the_first_tokens_count_under_max_length),
        cmocka_unit_test(ranges_name_the_tokens_of_every_occurrence),
        cmocka_unit_test(ranges_of_characters_across_reach_over_their_tokens),
        cmocka_unit_test(few_buckets_hold_everything_below_them),
        cmocka_unit_test(failing_allocations_leave_an_empty_bag),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
