/* labels: quick. tokenizer_vocab.c: a vocab.txt and what tokenizer_config.json says become a tokenizer.json. */
#include "support/testing.h"

#include "serialization/tokenizer_vocab.h"
#include "support/failing.h"
#include "support/tokens.h"

static tc_status convert_with(const char *vocab, const char *config, const char *special, const char *added,
                              tci_subword **subword)
{
    const char *const texts[TCI_CONFIG_FILES] = {config, special, added};
    tci_config_files files = {{{NULL, 0}}};
    for (size_t i = 0; i < TCI_CONFIG_FILES; i++) {
        files.of[i].bytes = texts[i];
        files.of[i].size = texts[i] ? strlen(texts[i]) : 0;
    }
    tci_memory memory;
    tci_buffer json;
    tci_memory_init(&memory, NULL, 0);
    tci_buffer_init(&json, &memory, 1 << 20, "tokenizer.json");
    *subword = NULL;
    tc_status status = tci_tokenizer_from_vocab(&memory, vocab, strlen(vocab), &files, 1000, &json);
    if (status == TC_OK)
        status = tci_tokenizer_json_read(&memory, json.data, json.size, 1000, subword);
    tci_buffer_free(&json);
    assert_int_equal(memory.used, 0);
    return status;
}

static tc_status convert(const char *vocab, const char *config, tci_subword **subword)
{
    return convert_with(vocab, config, NULL, NULL, subword);
}

static void a_vocabulary_alone_is_bert_s_in_lower_case(void **state)
{
    (void)state;
    tci_subword *subword;
    size_t count;
    assert_ok(convert("[PAD]\r\n[UNK]\n[CLS]\n[SEP]\ngood\n##ness\na\"\n", NULL, &subword));
    assert_int_equal(tci_subword_before(subword, &count)[0], 2);
    assert_int_equal(tci_subword_after(subword, &count)[0], 3);
    assert_int_equal(tci_subword_find(subword, "a\"", 2), 6);
    assert_int_equal(tci_subword_find(subword, "[MASK]", 6), 7); /* behind the vocabulary */
    assert_tokens(subword, "GOODness[MASK]", "4 0 4, 5 4 8, 7 8 14");
    tci_subword_free(subword);
}

static void the_config_says_case_and_special_tokens(void **state)
{
    (void)state;
    tci_subword *subword;
    size_t count;
    assert_ok(convert("<p>\n<u>\n<c>\n<s>\nGood\ngood\n",
                      "{\"do_lower_case\": false, \"tokenizer_class\": \"BertTokenizerFast\", \"pad_token\": \"<p>\","
                      " \"unk_token\": {\"content\": \"<u>\", \"lstrip\": false}, \"cls_token\": \"<c>\","
                      " \"sep_token\": \"<s>\", \"mask_token\": null, \"strip_accents\": null, \"model_max_length\": 9,"
                      " \"added_tokens_decoder\": {\"7\": {\"content\": \"two\", \"special\": false},"
                      " \"6\": {\"content\": \"one\", \"special\": true}}}",
                      &subword));
    assert_int_equal(tci_subword_before(subword, &count)[0], 2);
    assert_int_equal(tci_subword_find(subword, "one", 3), 6);
    assert_int_equal(tci_subword_find(subword, "two", 3), 7);
    assert_int_equal(tci_subword_find(subword, "[MASK]", 6), 8);
    assert_tokens(subword, "Good good GOOD two", "4 0 4, 5 5 9, 1 10 14, 7 15 18");
    tci_subword_free(subword);
}

#define SMALL "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\ngood\n"

static void older_files_name_special_tokens_and_add_others(void **state)
{
    (void)state;
    tci_subword *subword;
    size_t count;
    assert_ok(convert_with(SMALL, "{\"mask_token\": \"<n>\", \"sep_token\": \"<s>\"}",
                           "{\"mask_token\": {\"content\": \"<m>\", \"lstrip\": true, \"rstrip\": false,"
                           " \"normalized\": false, \"single_word\": false}, \"pad_token\": null,"
                           " \"additional_special_tokens\": [\"<x>\"], \"bos_token\": \"<b>\"}",
                           "{\"Good\": 8, \"<b>\": 7}", &subword));
    assert_int_equal(tci_subword_find(subword, "<b>", 3), 7);
    assert_int_equal(tci_subword_find(subword, "Good", 4), 8);
    assert_int_equal(tci_subword_find(subword, "<n>", 3), TCI_SUBWORD_NONE);
    assert_int_equal(tci_subword_find(subword, "<m>", 3), 10);
    assert_int_equal(tci_subword_find(subword, "<x>", 3), 11);
    assert_int_equal(tci_subword_after(subword, &count)[0], 9);
    assert_tokens(subword, "good <m><x><B>", "8 0 4, 10 4 8, 11 8 11, 1 11 12, 1 12 13, 1 13 14");
    tci_subword_free(subword);
}

static void older_files_do_not_count_beside_added_tokens_decoder(void **state)
{
    (void)state;
    tci_subword *subword;
    assert_ok(convert_with(SMALL, "{\"mask_token\": \"<n>\", \"added_tokens_decoder\": {}}",
                           "{\"mask_token\": \"<m>\", \"additional_special_tokens\": 5}", "[]", &subword));
    assert_int_equal(tci_subword_find(subword, "<n>", 3), 7);
    assert_int_equal(tci_subword_find(subword, "<m>", 3), TCI_SUBWORD_NONE);
    tci_subword_free(subword);
}

static void older_files_that_cannot_be_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *special, *added, *sentence;
    } cases[] = {
        {"{\"mask_token\": 3}", NULL, "special_tokens_map.json"},
        {"{\"mask_token\": {\"lstrip\": true}}", NULL, "without \"content\""},
        {"{\"additional_special_tokens\": \"<x>\"}", NULL, "special_tokens_map.json"},
        {"[]", NULL, "special_tokens_map.json"},
        {NULL, "{\"<x>\": -1}", "added_tokens.json"},
        {NULL, "{\"<x>\": 4294967295}", "added_tokens.json: byte 8"},
        {NULL, "{\"<x>\": \"7\"}", "added_tokens.json"},
        {NULL, "{\"<x>\"", "added_tokens.json"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tci_subword *subword;
        tc_status status = convert_with(SMALL, NULL, cases[i].special, cases[i].added, &subword);
        if (status != TC_ERROR_FORMAT || !strstr(tci_error_text(), cases[i].sentence))
            fail_msg("case %zu: status %d, %s", i, (int)status, tci_error_text());
    }
}

static void a_vocabulary_that_cannot_be_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *vocab, *config;
        tc_status status;
        const char *sentence;
    } cases[] = {
        {"", NULL, TC_ERROR_FORMAT, "vocab.txt: no token"},
        {"a\n\xFF\n", NULL, TC_ERROR_ENCODING, "vocab.txt"},
        {"a\n", "{\"tokenizer_class\": \"FunnelTokenizer\"}", TC_ERROR_UNSUPPORTED,
         "not supported; BertTokenizer, DistilBertTokenizer,"},
        {"a\n", "{\"tokenizer_class\": \"BertTokenizerX\"}", TC_ERROR_UNSUPPORTED, "BertTokenizerX"},
        {"a\n", "{\"strip_accents\": \"yes\"}", TC_ERROR_FORMAT, "\"strip_accents\": wanted true or false"},
        {"a\n", "{\"do_basic_tokenize\": false}", TC_ERROR_UNSUPPORTED, "do_basic_tokenize"},
        {"a\n", "{\"do_lower_case\": 1}", TC_ERROR_FORMAT, "tokenizer_config.json: byte 18: \"do_lower_case\""},
        {"a\n", "{\"do_lower_case\": ", TC_ERROR_FORMAT, "tokenizer_config.json"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tci_subword *subword;
        assert_int_equal(convert(cases[i].vocab, cases[i].config, &subword), cases[i].status);
        if (!strstr(tci_error_text(), cases[i].sentence))
            fail_msg("\"%s\" does not say \"%s\"", tci_error_text(), cases[i].sentence);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_vocabulary_alone_is_bert_s_in_lower_case),
        cmocka_unit_test(the_config_says_case_and_special_tokens),
        cmocka_unit_test(older_files_name_special_tokens_and_add_others),
        cmocka_unit_test(older_files_do_not_count_beside_added_tokens_decoder),
        cmocka_unit_test(older_files_that_cannot_be_are_refused_by_name),
        cmocka_unit_test(a_vocabulary_that_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
