/* labels: quick. tokenizer_vocab.c: a vocab.txt and what tokenizer_config.json says become a tokenizer.json. */
#include "support/testing.h"

#include "serialization/tokenizer_vocab.h"
#include "support/failing.h"
#include "support/tokens.h"

static tc_status convert(const char *vocab, const char *config, tci_subword **subword)
{
    tci_memory memory;
    tci_buffer json;
    tci_memory_init(&memory, NULL, 0);
    tci_buffer_init(&json, &memory, 1 << 20, "tokenizer.json");
    *subword = NULL;
    tc_status status =
        tci_tokenizer_from_vocab(&memory, vocab, strlen(vocab), config, config ? strlen(config) : 0, 1000, &json);
    if (status == TC_OK)
        status = tci_tokenizer_json_read(&memory, json.data, json.size, 1000, subword);
    tci_buffer_free(&json);
    assert_int_equal(memory.used, 0);
    return status;
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
        cmocka_unit_test(a_vocabulary_that_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
