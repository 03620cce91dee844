/* labels: quick. tokenizer_merges.c, tokenizer_config.c: vocab.json and merges.txt become the tokenizer.json that
 * transformers makes of them. */
#include "support/testing.h"

#include "serialization/tokenizer_merges.h"
#include "support/failing.h"
#include "support/tokens.h"

#define ROBERTA "{\"<s>\":0,\"<pad>\":1,\"</s>\":2,\"<unk>\":3,\"a\":4,\"b\":5,\"\\u0120\":6,\"ab\":7,\"\\u0120ab\":8}"
#define GPT2 "{\"a\":0,\"b\":1,\"\\u0120\":2,\"ab\":3,\"\\u0120ab\":4,\"<|endoftext|>\":5}"
#define MERGES "#version: 0.2\na b\n\xC4\xA0 ab\r\n\n"

static tc_status convert(const tc_allocator *host, const char *vocab, const char *merges, const char *config,
                         bool is_roberta, tci_subword **subword)
{
    tci_memory memory;
    tci_buffer json;
    tci_memory_init(&memory, host, 0);
    tci_buffer_init(&json, &memory, 1 << 20, "tokenizer.json");
    *subword = NULL;
    tci_merges_files files = {vocab, merges, strlen(vocab), strlen(merges), .is_roberta = is_roberta};
    files.config.of[TCI_CONFIG_FILE].bytes = config;
    files.config.of[TCI_CONFIG_FILE].size = config ? strlen(config) : 0;
    tc_status status = tci_tokenizer_from_merges(&memory, &files, 1000, &json);
    if (status == TC_OK)
        status = tci_tokenizer_json_read(&memory, json.data, json.size, 1000, subword);
    tci_buffer_free(&json);
    assert_int_equal(memory.used, 0);
    return status;
}

static void without_a_config_the_family_decides(void **state)
{
    (void)state;
    tci_subword *subword;
    size_t count;
    assert_ok(convert(NULL, ROBERTA, MERGES, NULL, true, &subword));
    assert_int_equal(tci_subword_before(subword, &count)[0], 0);
    assert_int_equal(tci_subword_after(subword, &count)[0], 2);
    assert_int_equal(tci_subword_find(subword, "<mask>", 6), 9); /* behind the vocabulary */
    assert_tokens(subword, "ab ab<mask>", "7 0 2, 8 3 5, 9 5 11");
    tci_subword_free(subword);
    assert_ok(convert(NULL, GPT2, MERGES, NULL, false, &subword));
    (void)tci_subword_before(subword, &count);
    assert_int_equal(count, 0);
    assert_tokens(subword, "ab ab<|endoftext|>", "3 0 2, 4 2 5, 5 5 18");
    tci_subword_free(subword);
}

static void the_config_says_class_spaces_and_special_tokens(void **state)
{
    (void)state;
    tci_subword *subword;
    size_t count;
    assert_ok(
        convert(NULL, GPT2, MERGES,
                "{\"tokenizer_class\":\"GPT2TokenizerFast\",\"add_prefix_space\":true,\"add_bos_token\":true,"
                "\"add_eos_token\":true,\"bos_token\":{\"content\":\"<b>\",\"lstrip\":true},\"model_max_length\":9}",
                true, &subword));
    assert_int_equal(tci_subword_before(subword, &count)[0], 6);
    assert_int_equal(tci_subword_after(subword, &count)[0], 5);
    assert_tokens(subword, "ab <b>", "4 0 2, 6 2 6");
    tci_subword_free(subword);
    assert_ok(convert(NULL, ROBERTA, MERGES, "{\"tokenizer_class\":\"RobertaTokenizer\",\"trim_offsets\":false}", false,
                      &subword));
    assert_tokens(subword, "ab ab", "7 0 2, 8 2 5");
    tci_subword_free(subword);
}

static void what_cannot_be_is_refused_with_its_file(void **state)
{
    (void)state;
    static const struct {
        const char *vocab, *merges, *config;
        tc_status status;
        const char *sentence;
    } cases[] = {
        {"[]", MERGES, NULL, TC_ERROR_FORMAT, "vocab.json"},
        {"{\"a\":-1}", MERGES, NULL, TC_ERROR_FORMAT, "vocab.json"},
        {"{\"a\":0} x", MERGES, NULL, TC_ERROR_FORMAT, "vocab.json"},
        {"{\"a\":1000}", MERGES, NULL, TC_ERROR_LIMIT, "max_vocab"},
        {GPT2, "a b\nab\n", NULL, TC_ERROR_FORMAT, "merges.txt: line 2"},
        {GPT2, "a  b\n", NULL, TC_ERROR_FORMAT, "merges.txt: line 1"},
        {GPT2, "a \xFF\n", NULL, TC_ERROR_ENCODING, "merges.txt"},
        {GPT2, "a q\n", NULL, TC_ERROR_FORMAT, "merge 0 has q"},
        {GPT2, MERGES, "{\"tokenizer_class\":\"CLIPTokenizer\"}", TC_ERROR_UNSUPPORTED, "CLIPTokenizer"},
        {GPT2, MERGES, "{\"add_prefix_space\":1}", TC_ERROR_FORMAT, "tokenizer_config.json: byte 20"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tci_subword *subword;
        assert_int_equal(convert(NULL, cases[i].vocab, cases[i].merges, cases[i].config, false, &subword),
                         cases[i].status);
        if (!strstr(tci_error_text(), cases[i].sentence))
            fail_msg("\"%s\" does not say \"%s\"", tci_error_text(), cases[i].sentence);
    }
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        test_allocator allocator;
        test_allocator_init(&allocator, n, false);
        tc_allocator host = test_allocator_host(&allocator);
        tci_subword *subword;
        tc_status status = convert(&host, ROBERTA, MERGES, "{\"mask_token\":\"<m>\"}", true, &subword);
        assert_int_equal(status, allocator.failed ? TC_ERROR_MEMORY : TC_OK);
        tci_subword_free(subword);
        assert_nothing_held(&allocator);
        if (!allocator.failed)
            break;
    }
}

static void one_token_may_begin_and_end_a_text(void **state)
{
    (void)state;
    tci_subword *subword;
    size_t count;
    assert_ok(convert(NULL, GPT2, MERGES, "{\"add_bos_token\":true,\"add_eos_token\":true}", false, &subword));
    assert_int_equal(tci_subword_before(subword, &count)[0], 5);
    assert_int_equal(tci_subword_after(subword, &count)[0], 5);
    tci_subword_free(subword);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_config_the_family_decides),
        cmocka_unit_test(the_config_says_class_spaces_and_special_tokens),
        cmocka_unit_test(what_cannot_be_is_refused_with_its_file),
        cmocka_unit_test(one_token_may_begin_and_end_a_text),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
