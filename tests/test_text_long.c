/* labels: long
 * Text of 10 MB, ordinary and hostile: linear time, and memory that does not depend on the text. */
#include "support/testing.h"

#include <time.h>

#include "support/failing.h"
#include "text/pipeline.h"

#define SECONDS 2.0

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define INSTRUMENTED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define INSTRUMENTED 1
#endif
#endif
#ifndef INSTRUMENTED
#define INSTRUMENTED 0
#endif
#define SIZE ((size_t)(INSTRUMENTED ? 1 : 10) << 20)

static char *text;

static void fill(const char *pattern, size_t length)
{
    for (size_t i = 0; i < SIZE; i++)
        text[i] = pattern[i % length];
}

/* Processor time, so that a busy machine changes little. */
static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static tci_pipeline *make_pipeline(tci_tokenizer tokenizer, tci_normalize normalize)
{
    static const char words[] = "<unk>\nthe\nfox\ndog\n.\n\xE6\x88\x91\n\xE7\x9A\x84\n\xEF\xBF\xBD\n";
    tci_text_options options = {.tokenizer = tokenizer,
                                .normalize = normalize,
                                .lowercase = true,
                                .clean_controls = true,
                                .collapse_spaces = true,
                                .max_length = 100,
                                .truncate = TCI_TRUNCATE_BOTH};
    tci_memory memory;
    tci_vocabulary *vocabulary = NULL;
    tci_pipeline *pipeline = NULL;
    tci_memory_init(&memory, NULL, 0);
    assert_ok(tci_vocabulary_parse(&memory, words, sizeof words - 1, 100, &vocabulary));
    assert_ok(tci_pipeline_create(NULL, 0, &options, vocabulary, &pipeline));
    return pipeline;
}

static void encode_in_time(const char *what)
{
    for (int tokenizer = TCI_TOKENIZER_WORD; tokenizer <= TCI_TOKENIZER_CHAR; tokenizer++)
        for (int normalize = TCI_NORMALIZE_NFC; normalize <= TCI_NORMALIZE_NFKC; normalize++) {
            test_allocator allocator;
            test_allocator_init(&allocator, TEST_NEVER, false);
            tc_allocator host = test_allocator_host(&allocator);
            tci_memory memory;
            tci_encoded encoded;
            tci_pipeline *pipeline = make_pipeline((tci_tokenizer)tokenizer, (tci_normalize)normalize);
            tci_memory_init(&memory, &host, 0);
            tci_encoded_init(&encoded, &memory, true);
            double start = seconds();
            assert_ok(tci_pipeline_encode(pipeline, text, SIZE, &encoded));
            double taken = seconds() - start;
            printf("%-28s tokenizer %d, form %d: %.3f s, %zu tokens, %zu bytes held\n", what, tokenizer, normalize,
                   taken, encoded.tokens, allocator.peak_bytes);
            assert_true(encoded.tokens > 0);
            assert_true(encoded.count <= 100);
            assert_true(allocator.peak_bytes < 16384);
            if (!INSTRUMENTED)
                assert_true(taken < SECONDS);
            tci_encoded_free(&encoded);
            tci_pipeline_release(pipeline);
        }
}

static void encode_pattern(const char *what, const char *pattern)
{
    fill(pattern, strlen(pattern));
    encode_in_time(what);
}

static void ordinary_text(void **state)
{
    (void)state;
    encode_pattern("English", "The quick brown fox jumps over the lazy dog. It didn't look back, 42 times! ");
    encode_pattern("Chinese", "\xE6\x88\x91\xE7\x9A\x84\xE5\xA4\xA9\xE6\xB0\x94\xE5\xBE\x88\xE5\xA5\xBD\xEF\xBC\x8C"
                              "\xE4\xBB\x8A\xE5\xA4\xA9\xE5\x87\xBA\xE5\x8E\xBB\xE7\x8E\xA9\xE3\x80\x82");
    encode_pattern("Russian", "\xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82, \xD0\xBC\xD0\xB8\xD1\x80! ");
    encode_pattern("Vietnamese", "Ti\xE1\xBA\xBFng Vi\xE1\xBB\x87t \xC4\x91\xE1\xBA\xB9p l\xE1\xBA\xAFm ");
    encode_pattern("Korean", "\xED\x95\x9C\xEA\xB5\xAD \xEB\xA7\x90 ");
    encode_pattern("emoji", "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB\xE2\x9D\xA4\xEF\xB8\x8F ");
}

static void alternating_combining_marks(void **state)
{
    (void)state;
    encode_pattern("marks without a base", "\xCC\x80\xCC\x96");
    fill("\xCC\x80\xCC\x96", 4);
    text[0] = ' ';
    text[1] = 'a';
    encode_in_time("marks after a base");
    encode_pattern("a base and two marks", "a\xCC\x80\xCC\x96");
    encode_pattern("composing marks", "o\xCC\x9B\xCC\xA3\xCC\x81");
}

static void ligatures_of_eighteen(void **state)
{
    (void)state;
    encode_pattern("U+FDFA", "\xEF\xB7\xBA");
}

static void invalid_bytes(void **state)
{
    (void)state;
    encode_pattern("0xFF", "\xFF");
    encode_pattern("cut sequences", "\xF0\x9F\x98");
    memset(text, 0, SIZE);
    text[SIZE - 1] = 'x';
    encode_in_time("NUL");
    encode_pattern("a, soft hyphen", "a\xC2\xAD");
}

static void one_endless_word(void **state)
{
    (void)state;
    encode_pattern("one word", "Abcde");
    encode_pattern("one word with accents", "\xC3\x89t\xC3\xA9");
    encode_pattern("vowel signs", "\xE0\xA6\xBE");
    encode_pattern("jamo", "\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB");
}

static int set_up(void **state)
{
    (void)state;
    text = malloc(SIZE);
    return text ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    free(text);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_text),      cmocka_unit_test(alternating_combining_marks),
        cmocka_unit_test(ligatures_of_eighteen), cmocka_unit_test(invalid_bytes),
        cmocka_unit_test(one_endless_word),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
