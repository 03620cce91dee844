/* labels: quick. unigram.c: the best way to cut a word, as the package has it. Wanted values are the package's. */
#include "support/testing.h"

#include "support/failing.h"
#include "support/tokens.h"

#define VOCAB                                                                                                          \
    "[\"<unk>\",0.0],[\"a\",-1.0],[\"b\",-1.5],[\"ab\",-2.5],[\"abc\",-2.0],[\"c\",-3.0],[\"\\u2581\",-1.0],"          \
    "[\"\\u00e9\",-2.0]"
#define UNIGRAM(more, options) "\"unk_id\":0,\"vocab\":[" VOCAB more "]" options

static void the_best_path_wins_and_the_first_of_equal_ones(void **state)
{
    (void)state;
    tci_subword *subword = model_tokens("Unigram", UNIGRAM("", ""));
    assert_tokens(subword, "ab", "3 0 2"); /* -2.5 both ways */
    assert_tokens(subword, "abc", "4 0 3");
    assert_tokens(subword, "abcab", "4 0 3, 3 3 5");
    assert_tokens(subword, "cab", "5 0 1, 3 1 3");
    assert_tokens(subword, "", "");
    tci_subword_free(subword);
}

static void neighboring_unknown_characters_are_one_token(void **state)
{
    (void)state;
    tci_subword *subword = model_tokens("Unigram", UNIGRAM("", ""));
    assert_tokens(subword, "axyb", "1 0 1, 0 1 3, 2 3 4");
    assert_tokens(subword, "x\xC3\xA9x", "0 0 1, 7 1 3, 0 3 4");
    assert_tokens(subword, "<unk>", "0 0 5");
    tci_subword_free(subword);
    /* also where a longer token begins */
    subword = model_tokens("Unigram", "\"unk_id\":0,\"vocab\":[[\"?\",0],[\"ab\",-100],[\"b\",50]]");
    assert_tokens(subword, "ab", "0 0 1, 2 1 2");
    tci_subword_free(subword);
}

static void unknown_characters_are_bytes_where_all_of_them_are_tokens(void **state)
{
    (void)state;
    tci_subword *subword =
        model_tokens("Unigram", UNIGRAM(",[\"<0x78>\",-9.0],[\"<0xC3>\",-9.0],[\"<0x89>\",-9.0],[\"yy\",-1.0]",
                                        ",\"byte_fallback\":true"));
    assert_tokens(subword, "axb", "1 0 1, 8 1 2, 2 2 3");
    assert_tokens(subword,
                  "a\xC3\x89"
                  "b",
                  "1 0 1, 9 1 3, 10 1 3, 2 3 4");
    assert_tokens(subword, "yx", "0 0 2");
    assert_tokens(subword, "yyx", "11 0 2, 8 2 3");
    tci_subword_free(subword);
}

static void without_unk_id_an_unknown_character_is_an_error(void **state)
{
    (void)state;
    tci_subword *subword = model_tokens("Unigram", "\"unk_id\":null,\"vocab\":[" VOCAB "]");
    test_tokens out = {NULL, 0, 0, 0, 0};
    assert_tokens(subword, "ab", "3 0 2");
    assert_int_equal(encode_tokens(NULL, subword, "ax", 2, &out), TC_ERROR_FORMAT);
    assert_non_null(strstr(tci_error_text(), "unk_id"));
    tci_subword_free(subword);
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    assert_model_refused("Unigram", "\"unk_id\":9,\"vocab\":[" VOCAB "]", TC_ERROR_FORMAT, "unk_id is 9, of 8");
    assert_model_refused("Unigram", "\"unk_id\":0,\"vocab\":[[\"a\"]]", TC_ERROR_FORMAT, "score");
    assert_model_refused("Unigram", "\"unk_id\":0,\"vocab\":[[\"a\",1e999]]", TC_ERROR_FORMAT, "score");
}

static void a_text_of_a_million_characters_takes_no_time(void **state)
{
    (void)state;
    enum { LENGTH = 1000000 };
    char *text = malloc(LENGTH);
    tci_subword *subword = model_tokens("Unigram", UNIGRAM("", ""));
    test_tokens out = {NULL, 0, 0, 0, 0};
    for (size_t i = 0; i < LENGTH; i++)
        text[i] = "abx"[i % 3];
    assert_ok(encode_tokens(NULL, subword, text, LENGTH, &out));
    assert_int_equal(out.count, 2 * (LENGTH / 3) + 1); /* ab, x; a last */
    memset(text, 'x', LENGTH);
    assert_ok(encode_tokens(NULL, subword, text, LENGTH, &out));
    assert_int_equal(out.count, 1);
    assert_int_equal(out.last_end, LENGTH);
    free(text);
    tci_subword_free(subword);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    static const char json[] =
        "{\"version\":\"1.0\",\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"\\u2581\","
        "\"prepend_scheme\":\"always\",\"split\":true},\"model\":{\"type\":\"Unigram\"," UNIGRAM("", "") "}}";
    fail_each_allocation(json, sizeof json - 1, "ab abcabx x\xC3\xA9");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_path_wins_and_the_first_of_equal_ones),
        cmocka_unit_test(neighboring_unknown_characters_are_one_token),
        cmocka_unit_test(unknown_characters_are_bytes_where_all_of_them_are_tokens),
        cmocka_unit_test(without_unk_id_an_unknown_character_is_an_error),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(a_text_of_a_million_characters_takes_no_time),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
