/* labels: quick. bag_features.c: tokens, hashes and rows against the formulas of bag_features.h, written down again
 * here; tests/test_fasttext_read.c has fastText's own. */
#include "support/testing.h"

#include "support/failing.h"
#include "text/bag_features.h"

#define MOST 4096
#define BUCKETS 1000

static const tci_text_options raw = {.tokenizer = TCI_TOKENIZER_SPACE, .ngrams = {.bag = true, .words = 1}};

typedef struct fixture {
    tci_memory memory;
    tci_vocabulary *vocabulary;
    tci_encoded encoded;
} fixture;

/* The vocabulary "</s>", "the", "ball", "<unk>", 0xff; ranges are kept. */
static void set_up(fixture *f)
{
    static const char words[] = "</s>\nthe\nball\n<unk>\n\xFF\n";
    tci_memory_init(&f->memory, NULL, 0);
    assert_ok(tci_vocabulary_parse_bare(&f->memory, words, sizeof words - 1, 100, &f->vocabulary));
    tci_encoded_init(&f->encoded, &f->memory, true);
}

static void tear_down(fixture *f)
{
    tci_encoded_free(&f->encoded);
    tci_vocabulary_free(f->vocabulary);
    assert_int_equal(atomic_load(&f->memory.used), 0);
}

static void encode(fixture *f, const tci_text_options *options, const char *text, size_t length)
{
    assert_ok(tci_bag_encode(options, f->vocabulary, text, length, &f->encoded));
}

static void assert_ids(const fixture *f, const uint32_t *ids, size_t count)
{
    assert_int_equal(f->encoded.count, count);
    assert_memory_equal(f->encoded.ids, ids, count * sizeof *ids);
}

/* FNV-1a over bytes that are taken as signed. */
static uint32_t hash(const char *text)
{
    uint32_t h = 2166136261u;
    for (; *text; text++) {
        int32_t wide = (signed char)*text;
        h = (h ^ (uint32_t)wide) * 16777619u;
    }
    return h;
}

static void the_hash_is_fnv_1a_of_signed_bytes(void **state)
{
    (void)state;
    assert_int_equal(tci_bag_hash("", 0), 0x811c9dc5);
    assert_int_equal(tci_bag_hash("a", 1), 0xe40c292c);
    assert_int_equal(tci_bag_hash("foobar", 6), 0xbf9cf968);
    assert_int_equal(tci_bag_hash("\xC3\xA9", 2), hash("\xC3\xA9"));
    assert_int_not_equal(tci_bag_hash("\xC3\xA9", 2), 0x1f0b8a6b); /* not of unsigned ones */
}

static void bytes_are_parted_at_seven_separators_alone(void **state)
{
    (void)state;
    fixture f;
    set_up(&f);
    static const char text[] = "the\tball\vthe\fball\rthe\nball the\0ball \xFF the\xC2\xA0"
                               "ball";
    static const uint32_t wanted[] = {1, 2, 1, 2, 1, 2, 1, 2, 4, 0}; /* the last token is none of the words */
    encode(&f, &raw, text, sizeof text - 1);
    assert_ids(&f, wanted, 10);
    assert_int_equal(f.encoded.tokens, 10);
    assert_int_equal(f.encoded.ranges[2], 4);
    assert_int_equal(f.encoded.ranges[3], 8);
    assert_int_equal(f.encoded.ranges[18], sizeof text - 1); /* the end has no bytes */
    assert_int_equal(f.encoded.ranges[19], sizeof text - 1);
    tear_down(&f);
}

static void the_end_stands_behind_every_text_and_ends_it(void **state)
{
    (void)state;
    fixture f;
    set_up(&f);
    static const uint32_t end[] = {0}, one[] = {1, 0};
    encode(&f, &raw, "", 0);
    assert_ids(&f, end, 1);
    encode(&f, &raw, "the </s> ball", 13);
    assert_ids(&f, one, 2);
    encode(&f, &raw, "the </s", 7);
    assert_ids(&f, one, 2);
    tear_down(&f);
}

static void labels_are_passed_over_and_unk_is_a_word(void **state)
{
    (void)state;
    fixture f;
    set_up(&f);
    static const uint32_t wanted[] = {3, 2, 0};
    encode(&f, &raw, "__label__the <unk> __label__ ball", 33);
    assert_ids(&f, wanted, 3);
    tear_down(&f);
}

static void max_length_keeps_the_first_tokens(void **state)
{
    (void)state;
    fixture f;
    set_up(&f);
    tci_text_options options = raw;
    static const uint32_t wanted[] = {1, 2, 0};
    options.max_length = 2;
    encode(&f, &options, "the ball the ball", 17);
    assert_ids(&f, wanted, 3);
    assert_int_equal(f.encoded.tokens, 4);
    tear_down(&f);
}

static uint32_t bucket(const char *run)
{
    return 5 + hash(run) % BUCKETS;
}

static void parts_of_words_follow_their_word(void **state)
{
    (void)state;
    fixture f;
    set_up(&f);
    tci_text_options options = raw;
    options.ngrams.buckets = BUCKETS;
    options.ngrams.chars_min = 1;
    options.ngrams.chars_max = 3;
    const uint32_t the[] = {1,           bucket("<t"), bucket("<th"), bucket("t"), bucket("th"), bucket("the"),
                            bucket("h"), bucket("he"), bucket("he>"), bucket("e"), bucket("e>"), 0};
    encode(&f, &options, "the", 3);
    assert_ids(&f, the, 12);
    /* code points, and what is no UTF-8: bytes that continue go with what is before them */
    const uint32_t odd[] = {bucket("<\x80"),    bucket("<\x80\xC3\xA9"), bucket("<\x80\xC3\xA9>"),
                            bucket("\xC3\xA9"), bucket("\xC3\xA9>"),     0};
    encode(&f, &options, "\x80\xC3\xA9", 3);
    assert_int_equal(f.encoded.count, 5);
    assert_memory_equal(f.encoded.ids, odd + 1, 4 * sizeof *odd);
    tear_down(&f);
}

static uint64_t signed_hash(const char *word)
{
    return (uint64_t)(int64_t)(int32_t)hash(word);
}

static void runs_of_words_follow_all_words(void **state)
{
    (void)state;
    fixture f;
    set_up(&f);
    tci_text_options options = raw;
    options.ngrams.buckets = BUCKETS;
    options.ngrams.words = 3;
    uint64_t h[] = {signed_hash("the"), signed_hash("caf\xC3\xA9"), signed_hash("</s>")}, m = 116049371;
    const uint32_t wanted[] = {1, 0, 5 + (uint32_t)((h[0] * m + h[1]) % BUCKETS),
                               5 + (uint32_t)(((h[0] * m + h[1]) * m + h[2]) % BUCKETS),
                               5 + (uint32_t)((h[1] * m + h[2]) % BUCKETS)};
    encode(&f, &options, "the caf\xC3\xA9", 9);
    assert_ids(&f, wanted, 5);
    assert_int_equal(f.encoded.ranges[4], 0); /* of both tokens */
    assert_int_equal(f.encoded.ranges[5], 9);
    assert_int_equal(f.encoded.ranges[8], 4);
    assert_int_equal(f.encoded.ranges[9], 9);
    f.encoded.with_ranges = false;
    encode(&f, &options, "the caf\xC3\xA9", 9);
    assert_ids(&f, wanted, 5);
    tear_down(&f);
}

/* What our own tokenizers make of a text, put together with spaces, is the same text to fastText. */
typedef struct joined {
    char text[MOST];
    size_t length;
} joined;

static tc_status join(void *context, const char *token, size_t length, size_t begin, size_t end)
{
    joined *to = context;
    (void)begin, (void)end;
    if (to->length > 0)
        to->text[to->length++] = ' ';
    memcpy(to->text + to->length, token, length);
    to->length += length;
    return TC_OK;
}

static void tokens_put_together_with_spaces_are_read_the_same(void **state)
{
    (void)state;
    static const char text[] =
        "The BALL, caf\xC3\xA9\xCC\x81 \xE7\xB1\xB3\xE9\xA5\xAD </s> __label__x \x01 e\xCC\x81 a\0b";
    for (tci_tokenizer tokenizer = TCI_TOKENIZER_WORD; tokenizer <= TCI_TOKENIZER_SPACE; tokenizer++) {
        for (int clean = 0; clean < 2; clean++) {
            fixture f;
            joined tokens = {.length = 0};
            uint32_t ids[MOST];
            set_up(&f);
            tci_text_options own = {.tokenizer = tokenizer,
                                    .normalize = TCI_NORMALIZE_NFKC,
                                    .lowercase = true,
                                    .clean_controls = clean,
                                    .ngrams = {BUCKETS, 3, false, 1, 4, false, true}};
            tci_text_options plain = {.tokenizer = TCI_TOKENIZER_SPACE, .ngrams = own.ngrams};
            assert_false(tci_bag_is_raw(&own));
            assert_true(tci_bag_is_raw(&plain));
            encode(&f, &own, text, sizeof text - 1);
            size_t count = f.encoded.count;
            assert_true(count > 20);
            memcpy(ids, f.encoded.ids, count * sizeof *ids);
            assert_ok(tci_bag_tokens(&own, &f.memory, text, sizeof text - 1, join, &tokens));
            encode(&f, &plain, tokens.text, tokens.length);
            assert_ids(&f, ids, count);
            tear_down(&f);
        }
    }
}

static void one_bucket_and_many_hold_everything(void **state)
{
    (void)state;
    static const uint64_t buckets[] = {1, 2, 3, 7, 65536, 1u << 30};
    for (size_t i = 0; i < sizeof buckets / sizeof buckets[0]; i++) {
        fixture f;
        set_up(&f);
        tci_text_options options = raw;
        options.ngrams.buckets = buckets[i];
        options.ngrams.chars_min = options.ngrams.chars_max = 1;
        for (int c = 1; c < 256; c++) {
            const char text[2] = {(char)c, 0};
            encode(&f, &options, text, 1);
            bool part = !strchr(" \t\n\v\f\r", c) && (c & 0xC0) != 0x80;
            size_t at = c == 0xff; /* which is a word */
            assert_int_equal(f.encoded.count, 1 + at + part);
            if (part)
                assert_int_equal(f.encoded.ids[at], 5 + hash(text) % buckets[i]);
        }
        tear_down(&f);
    }
}

static void failing_allocations_leave_an_empty_bag(void **state)
{
    (void)state;
    fixture f;
    set_up(&f);
    tci_text_options options = raw;
    options.ngrams = (tci_ngram_options){BUCKETS, 4, false, 1, 6, false, true};
    const char *text = "a rather long sentence, so that the arrays of features have to grow more than once in it";
    for (long n = 0;; n++) {
        test_allocator allocator;
        tci_memory memory;
        tci_encoded encoded;
        test_allocator_init(&allocator, n, false);
        tc_allocator host = test_allocator_host(&allocator);
        tci_memory_init(&memory, &host, 0);
        tci_encoded_init(&encoded, &memory, true);
        tc_status status = tci_bag_encode(&options, f.vocabulary, text, strlen(text), &encoded);
        assert_true(status == TC_OK ? encoded.count > 50 : encoded.count == 0);
        tci_encoded_free(&encoded);
        assert_nothing_held(&allocator);
        if (status == TC_OK)
            break;
        assert_int_equal(status, TC_ERROR_MEMORY);
    }
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hash_is_fnv_1a_of_signed_bytes),
        cmocka_unit_test(bytes_are_parted_at_seven_separators_alone),
        cmocka_unit_test(the_end_stands_behind_every_text_and_ends_it),
        cmocka_unit_test(labels_are_passed_over_and_unk_is_a_word),
        cmocka_unit_test(max_length_keeps_the_first_tokens),
        cmocka_unit_test(parts_of_words_follow_their_word),
        cmocka_unit_test(runs_of_words_follow_all_words),
        cmocka_unit_test(tokens_put_together_with_spaces_are_read_the_same),
        cmocka_unit_test(one_bucket_and_many_hold_everything),
        cmocka_unit_test(failing_allocations_leave_an_empty_bag),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
