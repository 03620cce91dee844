/* labels: quick. fasttext_read.c against damaged and hostile files: an error with a reason, or a model that is safe to
 * use; never more than a second, nor more memory than 3 times the file and 8 MB (of which 1 is the file, held by the
 * caller). The format has no checksum: a flipped bit of a weight, a count or a word is not seen. */
#include "support/testing.h"

#include <time.h>

#include "serialization/fasttext.h"
#include "support/failing.h"
#include "support/fasttext_models.h"
#include "textclf/textclf.h"

#define MEGABYTE ((size_t)1 << 20)
#define HEADER_FIELDS 23 /* of 32 bits, up to the entries; numbers of 64 bits are two */

typedef struct tally {
    long errors, models;
} tally;

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15)); /* SplitMix64 (Steele, Lea, Flood 2014) */
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

/* Texts of many features; scores are finite, or the call says that they are not. */
static void use(tc_model *model)
{
    static const char *const texts[] = {"", "the ball </s> x", "\xFF goal\n\xCC\x81 of the team in \xC3\x9F",
                                        "a a a b c d e f g h i j k l m n o p q r s t u v w x y z"};
    size_t labels = 0, written = 0, size = 0;
    assert_ok(tc_model_label_count(model, &labels));
    float *scores = malloc(labels * sizeof *scores);
    assert_non_null(scores);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        tc_status status = tc_predict(model, texts[i], strlen(texts[i]), labels, scores, &written);
        assert_true(status == TC_OK || status == TC_ERROR_NUMERIC);
        for (size_t k = 0; status == TC_OK && k < labels; k++)
            assert_true(scores[k] - scores[k] == 0.0f);
    }
    tc_status status = tc_model_save_memory(model, 0, NULL, &size);
    assert_true(status == TC_ERROR_CAPACITY || status == TC_ERROR_NUMERIC);
    free(scores);
}

/* Loads `size` bytes, in a block of exactly that size, and uses what comes of it; in place and copied by turns. */
static tc_status load(const uint8_t *bytes, size_t size, tally *counts)
{
    test_allocator allocator;
    test_allocator_init(&allocator, TEST_NEVER, false);
    tc_allocator host = test_allocator_host(&allocator);
    uint8_t *exact = malloc(size ? size : 1);
    assert_non_null(exact);
    memcpy(exact, bytes, size);
    bool in_place = (counts->errors + counts->models) % 2 == 0;
    tci_options run;
    tci_options_default(&run);
    tc_model *model = NULL;
    clock_t begin = clock();
    (void)tci_fail(TC_OK, "%s", "");
    tc_status status = tci_fasttext_read(exact, size, &run, &host, NULL, in_place, !in_place, &model);
    if (status == TC_OK) {
        counts->models++;
        use(model);
    } else {
        counts->errors++;
        assert_null(model);
        assert_true(strlen(tci_error_text()) > 10);
        assert_true(status == TC_ERROR_FORMAT || status == TC_ERROR_VERSION || status == TC_ERROR_UNSUPPORTED ||
                    status == TC_ERROR_LIMIT || status == TC_ERROR_NUMERIC);
    }
    tc_model_free(model);
    free(exact);
    assert_true((double)(clock() - begin) / CLOCKS_PER_SEC < TEST_PATIENCE);
    assert_true(allocator.peak_bytes <= 2 * size + 8 * MEGABYTE);
    assert_nothing_held(&allocator);
    return status;
}

static void no_truncation_loads(void **state)
{
    (void)state;
    tally counts = {0};
    for (size_t i = 0; i < TEST_FASTTEXT_MODELS; i++) {
        size_t size = 0;
        uint8_t *file = test_fasttext_file(test_fasttext_models[i], &size);
        for (size_t cut = 0; cut < 100; cut++)
            (void)load(file, cut < 50 ? cut * 3 : size - 1 - (cut - 50) * (size - 150) / 50, &counts);
        free(file);
    }
    assert_int_equal(counts.models, 0);
}

static void no_appended_tail_loads(void **state)
{
    (void)state;
    tally counts = {0};
    uint64_t random = 3;
    for (size_t i = 0; i < TEST_FASTTEXT_MODELS; i++) {
        size_t size = 0;
        uint8_t *file = test_fasttext_file(test_fasttext_models[i], &size), *longer = malloc(size + 64);
        assert_non_null(longer);
        memcpy(longer, file, size);
        for (size_t tail = 1; tail <= 40; tail++) {
            for (size_t k = 0; k < tail; k++)
                longer[size + k] = tail % 2 ? 0 : (uint8_t)next_random(&random);
            assert_int_equal(load(longer, size + tail, &counts), TC_ERROR_FORMAT);
        }
        free(longer);
        free(file);
    }
}

static void a_flipped_bit_is_an_error_or_harmless(void **state)
{
    (void)state;
    tally counts = {0};
    uint64_t random = 5;
    for (size_t i = 0; i < TEST_FASTTEXT_MODELS; i++) {
        size_t size = 0;
        uint8_t *file = test_fasttext_file(test_fasttext_models[i], &size);
        for (size_t flip = 0; flip < 240; flip++) { /* half of them in the head, where it matters */
            size_t bit = (size_t)(next_random(&random) % (8 * (flip % 2 ? size : 400)));
            file[bit / 8] ^= (uint8_t)(1u << bit % 8);
            (void)load(file, size, &counts);
            file[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        free(file);
    }
    assert_true(counts.errors > 300 && counts.models > 300);
}

/* Fields of the header that may have this value whatever else the file says; everywhere else a value that is not the
 * file's own is an error. */
static bool is_free(size_t field, int32_t value)
{
    switch (field) {
    case 3:  /* ws */
    case 4:  /* epoch */
    case 5:  /* minCount */
    case 6:  /* neg */
    case 13: /* lrUpdateRate */
    case 15: /* upper half of t */
    case 20: /* upper half of ntokens */
        return value >= 0;
    case 7:  /* wordNgrams */
    case 11: /* minn */
    case 12: /* maxn */
        return value == 0;
    default: /* lower halves of t and ntokens */
        return field == 14 || field == 19;
    }
}

static void impossible_fields_are_errors(void **state)
{
    (void)state;
    static const int32_t values[] = {0, -1, INT32_MIN, INT32_MAX};
    tally counts = {0};
    for (size_t i = 0; i < TEST_FASTTEXT_MODELS; i++) {
        size_t size = 0;
        uint8_t *file = test_fasttext_file(test_fasttext_models[i], &size);
        for (size_t field = 0; field < HEADER_FIELDS; field++) {
            for (size_t v = 0; v < 4; v++) {
                uint8_t own[4];
                memcpy(own, file + 4 * field, 4);
                memcpy(file + 4 * field, &values[v], 4);
                bool same = memcmp(own, file + 4 * field, 4) == 0;
                tc_status status = load(file, size, &counts);
                if (status == TC_OK && !same && !is_free(field, values[v]))
                    fail_msg("%s: field %zu as %d loads", test_fasttext_models[i], field, (int)values[v]);
                memcpy(file + 4 * field, own, 4);
            }
        }
        free(file);
    }
}

/* Every word of 32 bits of the file, at every fourth byte of the small one, with the same values. */
static void any_field_may_be_anything(void **state)
{
    (void)state;
    static const int32_t values[] = {0, -1, INT32_MIN, INT32_MAX};
    tally counts = {0};
    for (size_t i = 0; i < TEST_FASTTEXT_MODELS; i++) {
        size_t size = 0;
        uint8_t *file = test_fasttext_file(test_fasttext_models[i], &size);
        for (size_t at = 0; at + 4 <= size; at += i == 0 ? 1 : 37) {
            uint8_t own[4];
            memcpy(own, file + at, 4);
            memcpy(file + at, &values[at / 4 % 4], 4);
            (void)load(file, size, &counts);
            memcpy(file + at, own, 4);
        }
        free(file);
    }
    assert_true(counts.errors > 100);
}

/* Entries of one word each of the same few letters: time grows with the file, not with its square. */
static void many_words_take_linear_time(void **state)
{
    (void)state;
    enum { WORDS = 100000, ENTRY = 16 };
    size_t head = 4 * HEADER_FIELDS, size = head + WORDS * ENTRY + ENTRY + 1;
    size_t source_size = 0;
    uint8_t *file = calloc(1, size + 64), *source = test_fasttext_file("softmax.bin", &source_size);
    assert_non_null(file);
    memcpy(file, source, head);
    const int32_t sizes[3] = {WORDS + 1, WORDS, 1};
    memcpy(file + 4 * 16, sizes, sizeof sizes);
    for (int i = 0; i <= WORDS; i++)
        snprintf((char *)file + head + (size_t)i * ENTRY, 8, "%06d", i);
    file[head + (size_t)WORDS * ENTRY + ENTRY - 1] = 1; /* a label */
    tally counts = {0};
    (void)load(file, size, &counts); /* cut short behind the dictionary */
    assert_int_equal(counts.errors, 1);
    free(file);
    free(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_truncation_loads),
        cmocka_unit_test(no_appended_tail_loads),
        cmocka_unit_test(a_flipped_bit_is_an_error_or_harmless),
        cmocka_unit_test(impossible_fields_are_errors),
        cmocka_unit_test(any_field_may_be_anything),
        cmocka_unit_test(many_words_take_linear_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
