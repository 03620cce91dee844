/* labels: quick. Components of a tokenizer.json where one comparison decides: marks that stay, prefixes that are there
 * already, stages that forbid cutting a text, ids and keys that cannot be. Wanted values are the package's. */
#include "support/testing.h"

#include "support/failing.h"
#include "support/tokens.h"

#define ADDED(id, content) "\"added_tokens\":[{\"id\":" id ",\"content\":\"" content "\"}]"
#define WORDS(vocab) "\"model\":{\"type\":\"WordLevel\",\"unk_token\":\"?\",\"vocab\":{\"?\":0" vocab "}}"
#define PIECES(vocab)                                                                                                  \
    "\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"?\",\"max_input_chars_per_word\":6,\"vocab\":{\"?\":0" vocab "}}"
#define LITERAL(pattern, content)                                                                                      \
    "{\"type\":\"Replace\",\"pattern\":{\"String\":\"" pattern "\"},\"content\":\"" content "\"}"

static tci_subword *tokenizer_of(const char *json)
{
    tci_subword *subword;
    if (read_tokens(NULL, json, strlen(json), &subword) != TC_OK)
        fail_msg("%s: %s", json, tci_error_text());
    return subword;
}

/* U+302E and U+1D165 are marks that stripping accents leaves: one stands alone, one comes out of U+1D15E. */
static void marks_that_stay_keep_their_order_and_ranges(void **state)
{
    (void)state;
    tci_subword *subword = tokenizer_of("{\"normalizer\":{\"type\":\"BertNormalizer\",\"strip_accents\":true}," PIECES(
        ",\"a\":1,\"##\\u302e\":2,\"\\ud834\\udd57\":3,\"##\\ud834\\udd65\":4") "}");
    assert_tokens(subword, "a\xE3\x80\xAE\xCC\x81", "1 0 1, 2 1 4");
    assert_tokens(subword, "\xF0\x9D\x85\x9E\xE3\x80\xAE", "3 0 4, 4 0 4, 2 4 7");
    assert_tokens(subword, "\xF0\x9D\x85\x9E\xCC\x81\xE3\x80\xAE", "3 0 4, 4 0 4, 2 4 6");
    tci_subword_free(subword);
}

static void the_longest_word_is_counted_in_characters(void **state)
{
    (void)state;
    tci_subword *subword = tokenizer_of("{" PIECES(",\"\\u0436\":1,\"##\\u0436\":2") "}");
    assert_tokens(subword, "\xD0\xB6\xD0\xB6\xD0\xB6\xD0\xB6\xD0\xB6\xD0\xB6",
                  "1 0 2, 2 2 4, 2 4 6, 2 6 8, 2 8 10, 2 10 12");
    assert_tokens(subword, "\xD0\xB6\xD0\xB6\xD0\xB6\xD0\xB6\xD0\xB6\xD0\xB6\xD0\xB6", "0 0 14");
    tci_subword_free(subword);
}

static void a_prefix_is_put_once_and_before_the_text_alone(void **state)
{
    (void)state;
    tci_subword *subword = tokenizer_of(
        "{\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":true}," WORDS(",\"\\u0120a\":1") "}");
    assert_tokens(subword, "a", "1 0 1");
    assert_tokens(subword, " a", "1 0 2");
    tci_subword_free(subword);
    subword = tokenizer_of(
        "{\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\".\",\"prepend_scheme\":\"first\"}," ADDED(
            "3", "[X]") "," WORDS(",\"a\":1,\".a\":2") "}");
    assert_tokens(subword, "a", "2 0 1");
    assert_tokens(subword, "[X]a", "3 0 3, 1 3 4");
    tci_subword_free(subword);
}

typedef struct counted {
    uint32_t id;
    size_t count;
} counted;

static tc_status count_id(void *context, const uint32_t *ids, const uint64_t *ranges, size_t count)
{
    counted *wanted = context;
    (void)ranges;
    for (size_t i = 0; i < count; i++)
        wanted->count += ids[i] == wanted->id;
    return TC_OK;
}

/* A text is cut before spaces between letters: not where what stands there is replaced together. */
static void replacements_that_a_cut_would_hide_forbid_it(void **state)
{
    (void)state;
    static const char *const normalizers[] = {
        LITERAL("s w", "+"),
        "{\"type\":\"Sequence\",\"normalizers\":[" LITERAL("s", "!") "," LITERAL(" ", "-") "," LITERAL("!-w", "+") "]}",
    };
    enum { REPEATS = 20000, SIZE = 4 };
    char *text = malloc(REPEATS * SIZE);
    assert_non_null(text);
    for (size_t i = 0; i < REPEATS; i++)
        memcpy(text + i * SIZE, "s w.", SIZE);
    for (size_t i = 0; i < 2; i++) {
        char json[1024];
        counted plus = {1, 0};
        tci_memory memory;
        tci_subword_scratch *scratch;
        snprintf(json, sizeof json,
                 "{\"normalizer\":%s,\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"}," WORDS(",\"+\":1") "}",
                 normalizers[i]);
        tci_subword *subword = tokenizer_of(json);
        tci_memory_init(&memory, NULL, 0);
        assert_ok(tci_subword_scratch_create(&memory, &scratch));
        assert_ok(tci_subword_encode(subword, scratch, text, REPEATS * SIZE, count_id, &plus));
        assert_int_equal(plus.count, REPEATS);
        tci_subword_scratch_free(scratch);
        tci_subword_free(subword);
    }
    free(text);
}

static void ids_and_keys_that_cannot_be_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        tc_status status;
        const char *sentence;
    } cases[] = {
        {"{" ADDED("4294967298", "new") "," WORDS(",\"a\":1") "}", TC_ERROR_FORMAT, "above 2^32 - 2"},
        {"{\"post_processor\":{\"type\":\"BertProcessing\",\"sep\":[\"a\",4294967297],\"cls\":[\"a\",1]}," WORDS(
             ",\"a\":1") "}",
         TC_ERROR_FORMAT, "\"sep\": an id above 2^32 - 2"},
        {"{\"post_processor\":{\"type\":\"TemplateProcessing\",\"special_tokens\":{},\"single\":[{\"Sequence\":{\"id\":"
         "\"A\"}},{\"Sequence\":{\"id\":\"A\"}}]}," WORDS(",\"a\":1") "}",
         TC_ERROR_UNSUPPORTED, "another text than A, once"},
        {"{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"String\":\"a\",\"Regex\":\"b\"},\"behavior\":"
         "\"Removed\"}," WORDS("") "}",
         TC_ERROR_FORMAT, "wanted one of \"String\" and \"Regex\""},
        {"{\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"A===\"}," WORDS("") "}", TC_ERROR_FORMAT,
         "wanted base64"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_json_refused(cases[i].json, cases[i].status, cases[i].sentence);
}

/* Its one unit leads a gigabyte away. */
static void a_charsmap_s_first_unit_leads_nowhere_else(void **state)
{
    (void)state;
    tci_subword *subword = tokenizer_of(
        "{\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"BAAAAP////8=\"}," WORDS(",\"a\":1") "}");
    assert_tokens(subword, "a", "1 0 1");
    tci_subword_free(subword);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks_that_stay_keep_their_order_and_ranges),
        cmocka_unit_test(the_longest_word_is_counted_in_characters),
        cmocka_unit_test(a_prefix_is_put_once_and_before_the_text_alone),
        cmocka_unit_test(replacements_that_a_cut_would_hide_forbid_it),
        cmocka_unit_test(ids_and_keys_that_cannot_be_are_refused),
        cmocka_unit_test(a_charsmap_s_first_unit_leads_nowhere_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
