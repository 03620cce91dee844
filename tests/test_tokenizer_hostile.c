/* labels: quick. Files and texts that are made to hurt: ranges that would run out of a text, time that would grow with
 * a square, memory that would double with every stage, working memory that was another tokenizer's. */
#include "support/testing.h"

#include <time.h>

#include "base/bytes.h"
#include "support/failing.h"
#include "support/tokens.h"

/* Seconds for what takes far less, and would take hours if its time grew with the square. */
#define LINEAR 30

#define WORDS(members) "{\"type\":\"WordLevel\",\"unk_token\":\"?\",\"vocab\":{\"?\":0,\"a\":1" members "}}"
#define ADDED(id, content, flags) "{\"id\":" id ",\"content\":\"" content "\"" flags "}"

static tci_subword *tokenizer_of(const char *json)
{
    tci_subword *subword;
    if (read_tokens(NULL, json, strlen(json), &subword) != TC_OK)
        fail_msg("%s: %s", json, tci_error_text());
    return subword;
}

/* The spaces of the second token are those that the first one took. */
static void tokens_that_take_the_same_spaces_stay_within_the_text(void **state)
{
    (void)state;
    static const char *const posts[] = {"null", "{\"type\":\"ByteLevel\",\"trim_offsets\":true}"};
    for (size_t i = 0; i < 2; i++) {
        char json[1024];
        snprintf(json, sizeof json,
                 "{\"added_tokens\":[" ADDED("2", "\\t", ",\"rstrip\":true") "," ADDED(
                     "3", " ", ",\"lstrip\":true") "],\"post_processor\":%s,\"model\":" WORDS("") "}",
                 posts[i]);
        tci_subword *subword = tokenizer_of(json);
        assert_tokens(subword, "\t   a",
                      i == 0 ? "2 0 4, 3 4 4, 3 4 4, 3 4 4, 1 4 5" : "2 3 3, 3 4 4, 3 4 4, 3 4 4, 1 4 5");
        tci_subword_free(subword);
    }
}

/* Encodes `count` times `part`: the tokens, and the seconds that it took. */
static double encode_many(const tci_subword *subword, const char *part, size_t count, test_tokens *out)
{
    size_t size = strlen(part);
    char *text = malloc(count * size);
    struct timespec begin, end;
    assert_non_null(text);
    for (size_t i = 0; i < count; i++)
        memcpy(text + i * size, part, size);
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    assert_ok(encode_tokens(NULL, subword, text, count * size, out));
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    free(text);
    return (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec);
}

static void spaces_that_each_take_all_behind_them_cost_linear_time(void **state)
{
    (void)state;
    tci_subword *subword =
        tokenizer_of("{\"added_tokens\":[" ADDED("2", " ", ",\"rstrip\":true") "],\"model\":" WORDS("") "}");
    test_tokens out = {NULL, 0, 0, 0, 0};
    double seconds = encode_many(subword, " ", 1000000, &out);
    assert_int_equal(out.count, 1000000);
    assert_int_equal(out.last_end, 1000000);
    assert_true(seconds < LINEAR);
    tci_subword_free(subword);
}

/* Each piece of a template is looked up among its special tokens. */
static void a_template_has_few_pieces(void **state)
{
    (void)state;
    static const char piece[] = "{\"SpecialToken\":{\"id\":\"b\"}},";
    tci_memory memory;
    tci_buffer json;
    tci_subword *subword;
    tci_memory_init(&memory, NULL, 0);
    tci_buffer_init(&json, &memory, SIZE_MAX, "json");
    assert_ok(tci_buffer_text(&json, "{\"model\":" WORDS("") ",\"post_processor\":{\"type\":\"TemplateProcessing\","
                                                             "\"special_tokens\":{\"b\":{\"ids\":[]}},\"single\":["));
    for (size_t i = 0; i < 1000; i++)
        assert_ok(tci_buffer_text(&json, piece));
    assert_ok(tci_buffer_text(&json, "{\"Sequence\":{\"id\":\"A\"}}]}}"));
    assert_int_equal(read_tokens(NULL, json.data, json.size, &subword), TC_ERROR_LIMIT);
    assert_non_null(strstr(tci_error_text(), "more than 512 pieces"));
    tci_buffer_free(&json);
}

static void stages_that_double_a_text_end_at_a_limit(void **state)
{
    (void)state;
    static const struct {
        const char *key, *list, *stage, *text;
    } cases[] = {
        {"normalizer", "normalizers", "{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"},\"content\":\"aa\"}", "a"},
        {"normalizer", "normalizers", "{\"type\":\"ByteLevel\"}", "\xC3\xA9"},
        {"pre_tokenizer", "pretokenizers", "{\"type\":\"ByteLevel\",\"use_regex\":false}", "\xC3\xA9"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char json[8192];
        tci_memory memory;
        tci_subword_scratch *scratch;
        test_tokens out = {NULL, 0, 0, 0, 0};
        snprintf(json, sizeof json, "{\"model\":" WORDS("") ",\"%s\":{\"type\":\"Sequence\",\"%s\":[", cases[i].key,
                 cases[i].list);
        for (size_t k = 0; k < 40; k++)
            snprintf(json + strlen(json), sizeof json - strlen(json), "%s%s", k == 0 ? "" : ",", cases[i].stage);
        snprintf(json + strlen(json), sizeof json - strlen(json), "]}}");
        tci_subword *subword = tokenizer_of(json);
        tci_memory_init(&memory, NULL, 0);
        assert_ok(tci_subword_scratch_create(&memory, &scratch));
        for (int again = 0; again < 2; again++) {
            assert_int_equal(
                tci_subword_encode(subword, scratch, cases[i].text, strlen(cases[i].text), show_tokens, &out),
                TC_ERROR_LIMIT);
            assert_non_null(strstr(tci_error_text(), "more than the 1048"));
        }
        assert_true(memory.used < 40000000);
        tci_subword_scratch_free(scratch);
        tci_subword_free(subword);
    }
}

/* Each place of a text is walked from, as far as the longest token goes. */
static void long_tokens_are_refused_where_texts_are_walked(void **state)
{
    (void)state;
    static const struct {
        const char *form;
        tc_status status;
    } cases[] = {
        {"{\"model\":{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":[[\"?\",0],[\"%s\",-1]]}}", TC_ERROR_LIMIT},
        {"{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"%s\":0}}}", TC_ERROR_LIMIT},
        {"{\"model\":{\"type\":\"WordLevel\",\"vocab\":{\"%s\":0}}}", TC_OK},
        {"{\"normalizer\":{\"type\":\"Prepend\",\"prepend\":\"%s\"},\"added_tokens\":[" ADDED(
             "2", "b", ",\"normalized\":true") "],\"model\":" WORDS("") "}",
         TC_ERROR_LIMIT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char token[1026], json[2048];
        memset(token, 'a', sizeof token);
        token[1025] = 0;
        for (size_t length = 1025; length >= 1024; token[--length] = 0) {
            tci_subword *subword;
            snprintf(json, sizeof json, cases[i].form, token);
            tc_status status = read_tokens(NULL, json, strlen(json), &subword);
            assert_int_equal(status, length + (i == 3) > 1024 ? cases[i].status : TC_OK);
            if (status != TC_OK)
                assert_non_null(strstr(tci_error_text(), "; at most 1024 are accepted"));
            tci_subword_free(subword);
        }
    }
}

/* A host's memory that gives the same addresses again. */
static char arena[4 << 20];
static size_t arena_used;

static void *arena_alloc(void *context, size_t size)
{
    (void)context;
    size_t at = arena_used;
    if (size > sizeof arena - at)
        return NULL;
    arena_used = (at + size + 63) / 64 * 64;
    return arena + at;
}

static void *arena_realloc(void *context, void *old, size_t old_size, size_t size)
{
    void *block = arena_alloc(context, size);
    if (block && old)
        memcpy(block, old, old_size < size ? old_size : size);
    return block;
}

static void arena_free(void *context, void *block)
{
    (void)context, (void)block;
}

static void working_memory_knows_one_tokenizer_from_another_at_its_address(void **state)
{
    (void)state;
    static const char *const files[] = {"{\"model\":" WORDS("") "}", "{\"model\":" WORDS(",\"b\":2") "}"};
    static const uint32_t wanted[] = {0, 2};
    const tc_allocator host = {arena_alloc, arena_realloc, arena_free, NULL};
    const tci_subword *first = NULL;
    tci_memory memory;
    tci_subword_scratch *scratch;
    tci_memory_init(&memory, NULL, 0);
    assert_ok(tci_subword_scratch_create(&memory, &scratch));
    for (size_t i = 0; i < 2; i++) {
        tci_subword *subword;
        char shown[64];
        test_tokens out = {shown, sizeof shown, 0, 0, 0};
        arena_used = 0;
        assert_ok(read_tokens(&host, files[i], strlen(files[i]), &subword));
        assert_true(i == 0 || subword == first);
        first = subword;
        assert_ok(tci_subword_encode(subword, scratch, "b", 1, show_tokens, &out));
        assert_int_equal(shown[0], '0' + (int)wanted[i]);
        tci_subword_free(subword);
    }
    tci_subword_scratch_free(scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_that_take_the_same_spaces_stay_within_the_text),
        cmocka_unit_test(a_template_has_few_pieces),
        cmocka_unit_test(stages_that_double_a_text_end_at_a_limit),
        cmocka_unit_test(long_tokens_are_refused_where_texts_are_walked),
        cmocka_unit_test(working_memory_knows_one_tokenizer_from_another_at_its_address),
        cmocka_unit_test(spaces_that_each_take_all_behind_them_cost_linear_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
