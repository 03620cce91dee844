/* labels: quick. config_json_read.c, config_json_write.c: what a config.json says becomes options and labels; what it
 * asks for and there is no option for is refused by name; what is written reads back. */
#include "support/testing.h"

#include "serialization/config_json.h"
#include "support/failing.h"

static tc_status read(const char *json, tci_config_json *config, tci_memory *memory)
{
    tci_memory_init(memory, NULL, 0);
    return tci_config_json_read(memory, json, strlen(json), config);
}

static void assert_option(const tci_options *options, const char *key, const char *wanted)
{
    tci_memory memory;
    tci_buffer text;
    tci_memory_init(&memory, NULL, 0);
    tci_buffer_init(&text, &memory, 4096, "text");
    assert_ok(tci_options_print(options, tci_option_find(key), &text));
    assert_ok(tci_buffer_append(&text, "", 1));
    if (strcmp(text.data, wanted) != 0)
        fail_msg("%s is %s, not %s", key, text.data, wanted);
    tci_buffer_free(&text);
}

static const char bert[] =
    "{\"architectures\": [\"BertForSequenceClassification\"], \"model_type\": \"bert\", \"vocab_size\": 99,"
    " \"hidden_size\": 32, \"num_hidden_layers\": 3, \"num_attention_heads\": 4, \"intermediate_size\": 37,"
    " \"hidden_act\": \"gelu_new\", \"hidden_dropout_prob\": 0.25, \"attention_probs_dropout_prob\": 0.0,"
    " \"classifier_dropout\": null, \"max_position_embeddings\": 40, \"type_vocab_size\": 3, \"layer_norm_eps\": 1e-5,"
    " \"id2label\": {\"1\": \"good\", \"0\": \"bad\", \"2\": \"so \\u0022so\\u0022\"},"
    " \"label2id\": {\"bad\": 0, \"good\": 1}, \"position_embedding_type\": \"absolute\", \"is_decoder\": false,"
    " \"pruned_heads\": {}, \"problem_type\": \"multi_label_classification\", \"torch_dtype\": \"float32\","
    " \"task_specific_params\": {\"a\": [1, {\"b\": null}]}, \"pad_token_id\": 0}";

static void bert_is_read_key_by_key(void **state)
{
    (void)state;
    static const char *const wanted[][2] = {{"family", "bert"},          {"vocab_size", "99"},
                                            {"hidden_dim", "32"},        {"num_layers", "3"},
                                            {"num_heads", "4"},          {"intermediate_dim", "37"},
                                            {"activation", "gelu_tanh"}, {"dropout", "0.25"},
                                            {"attention_dropout", "0"},  {"head_dropout", "0.25"},
                                            {"positions", "40"},         {"position_offset", "0"},
                                            {"segments", "3"},           {"layer_norm_epsilon", "0.00001"},
                                            {"pooling", "cls"},          {"pooler", "tanh"},
                                            {"task", "multilabel"}};
    tci_memory memory;
    tci_config_json config;
    assert_ok(read(bert, &config, &memory));
    assert_int_equal(config.options.arch, TCI_ARCH_BERT);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        assert_option(&config.options, wanted[i][0], wanted[i][1]);
    assert_int_equal(config.label_count, 3);
    assert_string_equal(config.labels[0], "bad");
    assert_string_equal(config.labels[1], "good");
    assert_string_equal(config.labels[2], "so \"so\"");
    assert_true(config.labels_named);
    assert_false(config.other_head);
    tci_config_json_free(&config);
    assert_int_equal(memory.used, 0);
}

static void what_is_missing_has_the_defaults_of_transformers(void **state)
{
    (void)state;
    static const struct {
        const char *type, *values[12];
    } wanted[] = {
        {"bert", {"30522", "768", "12", "12", "3072", "512", "0", "gelu", "0.000000000001", "tanh", "0.1", "bert"}},
        {"roberta",
         {"50265", "768", "12", "12", "3072", "510", "2", "gelu", "0.000000000001", "tanh", "0.1", "roberta"}},
        {"xlm-roberta",
         {"30522", "768", "12", "12", "3072", "510", "2", "gelu", "0.000000000001", "tanh", "0.1", "xlm_roberta"}},
        {"distilbert",
         {"30522", "768", "6", "12", "3072", "512", "0", "gelu", "0.000000000001", "relu", "0.2", "distilbert"}},
        {"gpt2", {"50257", "768", "12", "12", "0", "1024", "0", "gelu_tanh", "0.00001", "none", "0", "gpt2"}},
    };
    static const char *const keys[] = {"vocab_size",         "hidden_dim", "num_layers",      "num_heads",
                                       "intermediate_dim",   "positions",  "position_offset", "activation",
                                       "layer_norm_epsilon", "pooler",     "head_dropout",    "family"};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        char json[64];
        tci_memory memory;
        tci_config_json config;
        (void)snprintf(json, sizeof json, "{\"model_type\": \"%s\"}", wanted[i].type);
        assert_ok(read(json, &config, &memory));
        for (size_t k = 0; k < 12; k++)
            assert_option(&config.options, keys[k], wanted[i].values[k]);
        assert_int_equal(config.label_count, 2);
        assert_string_equal(config.labels[0], "LABEL_0");
        assert_string_equal(config.labels[1], "LABEL_1");
        assert_false(config.labels_named);
        tci_config_json_free(&config);
    }
}

static void names_of_the_other_model_types_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *json, *key, *wanted;
    } cases[] = {
        {"{\"model_type\": \"distilbert\", \"dim\": 24, \"n_heads\": 4, \"hidden_dim\": 48}", "hidden_dim", "24"},
        {"{\"model_type\": \"distilbert\", \"dim\": 24, \"n_heads\": 4, \"hidden_dim\": 48}", "intermediate_dim", "48"},
        {"{\"model_type\": \"distilbert\", \"hidden_size\": 24, \"dim\": 24}", "hidden_dim", "24"},
        {"{\"model_type\": \"distilbert\", \"seq_classif_dropout\": 0.5}", "head_dropout", "0.5"},
        {"{\"n_embd\": 20, \"n_inner\": 7, \"model_type\": \"gpt2\"}", "intermediate_dim", "7"},
        {"{\"n_embd\": 20, \"n_inner\": null, \"model_type\": \"gpt2\"}", "intermediate_dim", "0"},
        {"{\"resid_pdrop\": 0.5, \"embd_pdrop\": 0.25, \"model_type\": \"gpt2\"}", "embedding_dropout", "0.25"},
        {"{\"resid_pdrop\": 0.5, \"embd_pdrop\": 0.25, \"model_type\": \"gpt2\"}", "dropout", "0.5"},
        {"{\"attn_pdrop\": 0.5, \"model_type\": \"gpt2\"}", "attention_dropout", "0.5"},
        {"{\"attn_pdrop\": 0.5, \"model_type\": \"gpt2\"}", "embedding_dropout", "0.1"},
        {"{\"layer_norm_eps\": 0.5, \"model_type\": \"distilbert\"}", "layer_norm_epsilon", "0.000000000001"},
        {"{\"n_positions\": 33, \"n_ctx\": 33, \"model_type\": \"gpt2\"}", "positions", "33"},
        {"{\"model_type\": \"roberta\", \"max_position_embeddings\": 50, \"pad_token_id\": 3}", "positions", "46"},
        {"{\"model_type\": \"roberta\", \"max_position_embeddings\": 50, \"pad_token_id\": 3}", "position_offset", "4"},
        {"{\"model_type\": \"bert\", \"classifier_dropout\": 0.75}", "head_dropout", "0.75"},
        {"{\"model_type\": \"bert\", \"pad_token_id\": -1}", "position_offset", "0"},
        {"{\"model_type\": \"bert\", \"num_labels\": 1}", "task", "regress"},
        {"{\"model_type\": \"bert\", \"num_labels\": 1, \"problem_type\": \"single_label_classification\"}", "task",
         "classify"},
        {"{\"model_type\": \"bert\", \"num_labels\": 1, \"problem_type\": \"multi_label_classification\"}", "task",
         "multilabel"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tci_memory memory;
        tci_config_json config;
        assert_ok(read(cases[i].json, &config, &memory));
        assert_option(&config.options, cases[i].key, cases[i].wanted);
        tci_config_json_free(&config);
    }
}

static void what_cannot_be_computed_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        tc_status status;
        const char *named;
    } cases[] = {
        {"{\"model_type\": \"albert\"}", TC_ERROR_UNSUPPORTED, "'albert'"},
        {"{\"vocab_size\": 3}", TC_ERROR_FORMAT, "'model_type' is missing"},
        {"{\"model_type\": 3}", TC_ERROR_FORMAT, "model_type"},
        {"[]", TC_ERROR_FORMAT, "byte 0"},
        {"{\"model_type\": \"bert\"} x", TC_ERROR_FORMAT, "byte 23"},
        {"{\"model_type\": \"bert\", \"position_embedding_type\": \"relative_key\"}", TC_ERROR_UNSUPPORTED,
         "'position_embedding_type'"},
        {"{\"model_type\": \"bert\", \"is_decoder\": true}", TC_ERROR_UNSUPPORTED, "'is_decoder'"},
        {"{\"model_type\": \"bert\", \"add_cross_attention\": true}", TC_ERROR_UNSUPPORTED, "'add_cross_attention'"},
        {"{\"model_type\": \"bert\", \"pruned_heads\": {\"1\": [2]}}", TC_ERROR_UNSUPPORTED, "'pruned_heads'"},
        {"{\"model_type\": \"bert\", \"quantization_config\": {\"bits\": 4}}", TC_ERROR_UNSUPPORTED,
         "'quantization_config'"},
        {"{\"model_type\": \"bert\", \"auto_map\": {\"AutoModel\": \"x.Y\"}}", TC_ERROR_UNSUPPORTED, "'auto_map'"},
        {"{\"model_type\": \"bert\", \"hidden_act\": \"silu\"}", TC_ERROR_UNSUPPORTED, "'hidden_act'"},
        {"{\"model_type\": \"gpt2\", \"scale_attn_by_inverse_layer_idx\": true}", TC_ERROR_UNSUPPORTED,
         "'scale_attn_by_inverse_layer_idx'"},
        {"{\"model_type\": \"gpt2\", \"scale_attn_weights\": false}", TC_ERROR_UNSUPPORTED, "'scale_attn_weights'"},
        {"{\"model_type\": \"bert\", \"problem_type\": \"guess\"}", TC_ERROR_UNSUPPORTED, "'problem_type'"},
        {"{\"model_type\": \"bert\", \"hidden_size\": 0}", TC_ERROR_FORMAT, "'hidden_size'"},
        {"{\"model_type\": \"bert\", \"hidden_size\": \"32\"}", TC_ERROR_FORMAT, "'hidden_size'"},
        {"{\"model_type\": \"bert\", \"hidden_size\": 32.5}", TC_ERROR_FORMAT, "hidden_size"},
        {"{\"model_type\": \"bert\", \"vocab_size\": 99999999999}", TC_ERROR_FORMAT, "'vocab_size'"},
        {"{\"model_type\": \"bert\", \"layer_norm_eps\": 0}", TC_ERROR_FORMAT, "'layer_norm_eps'"},
        {"{\"model_type\": \"distilbert\", \"dim\": 8, \"hidden_size\": 9}", TC_ERROR_FORMAT, "'hidden_size'"},
        {"{\"model_type\": \"roberta\", \"max_position_embeddings\": 2}", TC_ERROR_FORMAT, "'pad_token_id'"},
        {"{\"model_type\": \"roberta\", \"pad_token_id\": 18446744073709551615}", TC_ERROR_FORMAT, "'pad_token_id'"},
        {"{\"model_type\": \"bert\", \"id2label\": {\"0\": \"a\", \"2\": \"b\"}}", TC_ERROR_FORMAT, "'id2label'"},
        {"{\"model_type\": \"bert\", \"id2label\": {\"0\": \"a\", \"00\": \"b\"}}", TC_ERROR_FORMAT, "'id2label'"},
        {"{\"model_type\": \"bert\", \"id2label\": {\"x\": \"a\"}}", TC_ERROR_FORMAT, "'x'"},
        {"{\"model_type\": \"bert\", \"id2label\": {\"0\": 1}}", TC_ERROR_FORMAT, "id2label"},
        {"{\"model_type\": \"bert\", \"id2label\": {\"0\": \"a\\u0000\"}}", TC_ERROR_FORMAT, "NUL"},
        {"{\"model_type\": \"bert\", \"num_labels\": 4000000000}", TC_ERROR_FORMAT, "'num_labels'"},
        {"{\"model_type\": \"bert\", \"num_labels\": 0}", TC_ERROR_FORMAT, "'num_labels'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tci_memory memory;
        tci_config_json config;
        tc_status status = read(cases[i].json, &config, &memory);
        if (status != cases[i].status || !strstr(tci_error_text(), cases[i].named) ||
            strncmp(tci_error_text(), "config.json: ", 13) != 0)
            fail_msg("%s: status %d, '%s'", cases[i].json, (int)status, status ? tci_error_text() : "");
        assert_int_equal(memory.used, 0);
    }
}

static void a_head_of_another_kind_is_seen(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool other;
    } cases[] = {{"BertModel", false},
                 {"BertForSequenceClassification", false},
                 {"BertForTokenClassification", true},
                 {"BertForMaskedLM", true},
                 {"GPT2LMHeadModel", false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char json[128];
        tci_memory memory;
        tci_config_json config;
        (void)snprintf(json, sizeof json, "{\"architectures\": [\"%s\"], \"model_type\": \"bert\"}", cases[i].name);
        assert_ok(read(json, &config, &memory));
        assert_int_equal(config.other_head, cases[i].other);
        tci_config_json_free(&config);
    }
}

static void no_cut_loads_and_each_failed_allocation_is_a_status(void **state)
{
    (void)state;
    for (size_t cut = 0; cut < strlen(bert); cut++) {
        tci_memory memory;
        tci_config_json config;
        tci_memory_init(&memory, NULL, 0);
        assert_int_equal(tci_config_json_read(&memory, bert, cut, &config), TC_ERROR_FORMAT);
        assert_int_equal(memory.used, 0);
    }
    for (long n = 0;; n++) {
        test_allocator allocator;
        test_allocator_init(&allocator, n, false);
        tc_allocator host = test_allocator_host(&allocator);
        tci_memory memory;
        tci_config_json config;
        tci_memory_init(&memory, &host, 0);
        tc_status status = tci_config_json_read(&memory, bert, strlen(bert), &config);
        assert_int_equal(status, allocator.failed ? TC_ERROR_MEMORY : TC_OK);
        tci_config_json_free(&config);
        assert_nothing_held(&allocator);
        if (!allocator.failed)
            break;
    }
}

/* What is written reads back as the same options and labels. */
static void a_written_file_reads_back(void **state)
{
    (void)state;
    static const char *const files[] = {
        bert,
        "{\"model_type\": \"roberta\", \"hidden_size\": 48, \"pad_token_id\": 4, \"max_position_embeddings\": 60,"
        " \"type_vocab_size\": 1, \"id2label\": {\"0\": \"\u00e9\"}, \"hidden_act\": \"relu\"}",
        "{\"model_type\": \"xlm-roberta\", \"vocab_size\": 70, \"classifier_dropout\": 0.375}",
        "{\"model_type\": \"distilbert\", \"dim\": 24, \"n_heads\": 3, \"n_layers\": 2, \"dropout\": 0.5}",
        "{\"model_type\": \"gpt2\", \"n_embd\": 24, \"n_head\": 3, \"n_inner\": 50, \"resid_pdrop\": 0, "
        "\"embd_pdrop\": 0.5}",
    };
    const tci_config_tokens tokens = {.has_pad = true, .pad = 4, .has_end = true, .end = 2};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        tci_memory memory;
        tci_config_json config, again;
        tci_buffer text;
        assert_ok(read(files[i], &config, &memory));
        tci_buffer_init(&text, &memory, 1 << 20, "config");
        assert_ok(tci_config_json_write(&config.options, config.options.vocab_size, config.labels, config.label_count,
                                        i % 2 == 0, &tokens, &text));
        assert_ok(tci_config_json_read(&memory, text.data, text.size, &again));
        for (size_t k = 0; k < tci_option_count(); k++) {
            if (!tci_options_equal(&config.options, &again.options, tci_option_row_at(k)))
                fail_msg("file %zu: '%s' came back as another", i, tci_option_row_at(k)->key);
        }
        assert_int_equal(config.label_count, again.label_count);
        for (size_t k = 0; k < config.label_count; k++)
            assert_string_equal(config.labels[k], again.labels[k]);
        tci_buffer_free(&text);
        tci_config_json_free(&config);
        tci_config_json_free(&again);
        assert_int_equal(memory.used, 0);
    }
}

static void what_transformers_has_no_key_for_is_not_written(void **state)
{
    (void)state;
    static const struct {
        const char *json, *epsilon, *named;
    } cases[] = {
        {"{\"model_type\": \"bert\", \"num_labels\": 1, \"problem_type\": \"single_label_classification\"}", NULL,
         "one label"},
        {"{\"model_type\": \"distilbert\"}", "0.25", "layer_norm_epsilon"},
    };
    const tci_config_tokens tokens = {.has_pad = false};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tci_memory memory;
        tci_config_json config;
        tci_buffer text;
        assert_ok(read(cases[i].json, &config, &memory));
        if (cases[i].epsilon)
            assert_ok(tci_options_set(&config.options, "layer_norm_epsilon", cases[i].epsilon));
        tci_buffer_init(&text, &memory, 1 << 20, "config");
        assert_int_equal(
            tci_config_json_write(&config.options, 9, config.labels, config.label_count, true, &tokens, &text),
            TC_ERROR_UNSUPPORTED);
        assert_non_null(strstr(tci_error_text(), cases[i].named));
        tci_buffer_free(&text);
        tci_config_json_free(&config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bert_is_read_key_by_key),
        cmocka_unit_test(what_is_missing_has_the_defaults_of_transformers),
        cmocka_unit_test(names_of_the_other_model_types_are_read),
        cmocka_unit_test(what_cannot_be_computed_is_refused_by_name),
        cmocka_unit_test(a_head_of_another_kind_is_seen),
        cmocka_unit_test(a_written_file_reads_back),
        cmocka_unit_test(what_transformers_has_no_key_for_is_not_written),
        cmocka_unit_test(no_cut_loads_and_each_failed_allocation_is_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
