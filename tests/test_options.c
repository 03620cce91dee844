/* The option table: defaults, ranges, texts both ways, what a wrong key or value is told. labels: quick */
#include "support/testing.h"

#include <stddef.h>

#include "model/options.h"

static const char *print(const tci_options *options, const char *key)
{
    static char text[2 * TCI_OPTION_TEXT_SIZE];
    tci_memory memory;
    tci_buffer out;
    tci_memory_init(&memory, NULL, 0);
    tci_buffer_init(&out, &memory, sizeof text - 1, "text");
    assert_ok(tci_options_print(options, tci_option_find(key), &out));
    if (out.size > 0) /* an empty one has no place */
        memcpy(text, out.data, out.size);
    text[out.size] = '\0';
    tci_buffer_free(&out);
    return text;
}

static void defaults_are_the_promised_ones(void **state)
{
    static const char *const promised[][2] = {
        {"task", "classify"},
        {"arch", "lstm"},
        {"tokenizer", "word"},
        {"normalize", "nfkc"},
        {"lowercase", "true"},
        {"strict_utf8", "false"},
        {"clean_controls", "true"},
        {"collapse_spaces", "true"},
        {"vocab_size", "10000"},
        {"min_count", "1"},
        {"max_length", "512"},
        {"truncate", "head"},
        {"word_ngrams", "3"},
        {"skip_ngrams", "true"},
        {"min_char_ngram", "3"},
        {"max_char_ngram", "5"},
        {"char_ngrams", "within"},
        {"max_features", "0"},
        {"buckets", "4194304"},
        {"embedding_dim", "128"},
        {"hidden_dim", "256"},
        {"num_layers", "1"},
        {"bidirectional", "false"},
        {"pooling", "last"},
        {"dropout", "0"},
        {"threshold", "0.5"},
        {"weights", "f32"},
        {"loss", "auto"},
        {"optimizer", "adam"},
        {"learning_rate", "0.001"},
        {"layer_decay", "1"},
        {"beta1", "0.9"},
        {"beta2", "0.999"},
        {"momentum", "0"},
        {"weight_decay", "0"},
        {"sparse_embedding", "false"},
        {"freeze_embedding", "false"},
        {"schedule", "constant"},
        {"warmup_steps", "0"},
        {"warmup_ratio", "0"},
        {"total_steps", "0"},
        {"clip_norm", "0"},
        {"label_smoothing", "0"},
        {"class_weights", "none"},
        {"batch_size", "32"},
        {"accumulate_steps", "1"},
        {"epochs", "10"},
        {"validation_split", "0"},
        {"patience", "0"},
        {"seed", "1"},
        {"tune_thresholds", "false"},
        {"threads", "1"},
        {"max_isa", "auto"},
        {"max_file_bytes", "8589934592"},
        {"max_memory", "0"},
        {"max_tensors", "65536"},
        {"max_vocab", "16777216"},
        {"pretrained_vectors", ""},
        {"adapter", ""},
        {"epsilon", "0.00000001"},
        {"head", "auto"},
        {"fasttext_scores", "false"},
        {"pq_width", "2"},
        {"pq_norms", "false"},
        {"pq_output_width", "0"},
        {"pq_output_norms", "false"},
        {"num_heads", "12"},
        {"intermediate_dim", "0"},
        {"positions", "512"},
        {"position_offset", "0"},
        {"segments", "2"},
        {"activation", "gelu"},
        {"layer_norm_epsilon", "0.000000000001"},
        {"family", "bert"},
        {"pooler", "none"},
        {"embedding_dropout", "0.1"},
        {"attention_dropout", "0.1"},
        {"head_dropout", "0.1"},
        {"gradient_checkpointing", "false"},
        {"freeze", "none"},
        {"window_overlap", "64"},
        {"lora_rank", "0"},
        {"lora_alpha", "16"},
        {"lora_targets", ""},
    };
    tci_options options;
    (void)state;
    tci_options_default(&options);
    assert_int_equal(tci_option_count(), sizeof promised / sizeof promised[0]);
    for (size_t i = 0; i < sizeof promised / sizeof promised[0]; i++) {
        assert_string_equal(print(&options, promised[i][0]), promised[i][1]);
        assert_false(tci_options_is_set(&options, promised[i][0]));
        assert_string_equal(tci_option_find(promised[i][0])->default_value, promised[i][1]);
    }
}

static void an_architecture_has_defaults_and_options_of_its_own(void **state)
{
    (void)state;
    static const char *const promised[][3] = {
        {"max_length", "0", "0"},     {"word_ngrams", "3", "2"},    {"skip_ngrams", "true", "false"},
        {"min_char_ngram", "3", "0"}, {"max_char_ngram", "5", "0"}, {"optimizer", "dcd", "dcd"},
        {"epochs", "3", "3"},         {"batch_size", "32", "32"}};
    for (size_t i = 0; i < sizeof promised / sizeof promised[0]; i++) {
        for (size_t large = 0; large < 2; large++) {
            tci_options options;
            tci_options_default(&options);
            assert_ok(tci_options_set(&options, "arch", "ngram"));
            assert_ok(tci_options_resolve(&options, TCI_CORPUS_SMALL + large));
            assert_string_equal(print(&options, promised[i][0]), promised[i][1 + large]);
        }
    }
    tci_options options;
    tci_options_default(&options);
    assert_ok(tci_options_set(&options, "arch", "ngram"));
    assert_ok(tci_options_set(&options, "word_ngrams", "5"));
    assert_ok(tci_options_resolve(&options, TCI_CORPUS_SMALL + 1));
    assert_int_equal(options.word_ngrams, 5);
    assert_ok(tci_options_set(&options, "hidden_dim", "5"));
    assert_int_equal(tci_options_resolve(&options, 0), TC_ERROR_OPTION);
    assert_contains(tci_error_text(), "'hidden_dim' is of arch lstm");
    static const char *const lstm_refuses[][2] = {{"num_layers", "17"}, {"pooling", "cls"}, {"num_heads", "2"},
                                               {"truncate", "windows"}};
    for (size_t i = 0; i < sizeof lstm_refuses / sizeof lstm_refuses[0]; i++) {
        tci_options_default(&options);
        assert_ok(tci_options_set(&options, lstm_refuses[i][0], lstm_refuses[i][1]));
        assert_int_equal(tci_options_resolve(&options, 0), TC_ERROR_OPTION);
        assert_contains(tci_error_text(), lstm_refuses[i][0]);
    }
    tci_options_default(&options);
    assert_ok(tci_options_set(&options, "buckets", "9"));
    assert_int_equal(tci_options_resolve(&options, 0), TC_ERROR_OPTION);
    assert_contains(tci_error_text(), "'buckets' is of arch ngram");
    static const char *const together[][4] = {{"min_char_ngram", "6", "max_char_ngram", "5"},
                                              {"min_char_ngram", "0", "max_char_ngram", "5"},
                                              {"truncate", "windows", "max_length", "0"},
                                              {"truncate", "tail", "max_length", "5"}};
    for (size_t i = 0; i < sizeof together / sizeof together[0]; i++) {
        tci_options_default(&options);
        assert_ok(tci_options_set(&options, "arch", "ngram"));
        assert_ok(tci_options_set(&options, together[i][0], together[i][1]));
        assert_ok(tci_options_set(&options, together[i][2], together[i][3]));
        assert_int_equal(tci_options_resolve(&options, 0), TC_ERROR_OPTION);
        assert_contains(tci_error_text(), together[i][0]);
    }
}

static void a_pretrained_model_is_trained_at_a_rate_for_what_is_trained(void **state)
{
    static const struct {
        const char *key, *value, *rate, *epochs;
    } rows[] = {{"freeze", "none", "0.00005", "3"},
                {"freeze", "layers=1", "0.00005", "3"},
                {"freeze", "encoder", "0.002", "20"},
                {"lora_rank", "8", "0.001", "3"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tci_options options;
        tci_options_default(&options);
        assert_ok(tci_options_set(&options, "arch", "bert"));
        assert_ok(tci_options_set(&options, rows[i].key, rows[i].value));
        assert_ok(tci_options_resolve(&options, 0));
        tci_options_follow_pretrained(&options, &options);
        assert_string_equal(print(&options, "learning_rate"), rows[i].rate);
        assert_string_equal(print(&options, "epochs"), rows[i].epochs);
        assert_ok(tci_options_set(&options, "learning_rate", "0.5"));
        tci_options_follow_pretrained(&options, &options);
        assert_string_equal(print(&options, "learning_rate"), "0.5");
    }
}

static void keys_differ_and_every_row_is_described(void **state)
{
    (void)state;
    for (size_t i = 0; i < tci_option_count(); i++) {
        const tci_option_row *row = tci_option_row_at(i);
        assert_ptr_equal(tci_option_find(row->key), row);
        assert_true(strlen(row->help) > 5 && strlen(row->range) > 1 && strlen(row->applies_to) > 2);
    }
    assert_null(tci_option_find("hidden"));
    assert_null(tci_option_find(""));
}

static void what_is_printed_reads_back_as_the_same_value(void **state)
{
    static const char *const values[][2] = {
        {"task", "regress"},
        {"tokenizer", "char"},
        {"truncate", "both"},
        {"lowercase", "false"},
        {"dropout", "0.1"},
        {"seed", "9007199254740992"},
        {"learning_rate", "0.000012345678901234567"},
        {"beta2", "0.9995"},
        {"pooling", "max"},
        {"class_weights", "a\\,b=2,c=0.25"},
        {"max_isa", "scalar"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        tci_options one, other;
        const tci_option_row *row = tci_option_find(values[i][0]);
        tci_options_default(&one);
        tci_options_default(&other);
        assert_ok(tci_options_set(&one, values[i][0], values[i][1]));
        assert_true(tci_options_is_set(&one, values[i][0]));
        assert_false(tci_options_equal(&one, &other, row));
        assert_ok(tci_options_set(&other, values[i][0], print(&one, values[i][0])));
        assert_true(tci_options_equal(&one, &other, row));
    }
}

static void values_outside_their_range_are_refused_and_change_nothing(void **state)
{
    static const char *const bad[][2] = {
        {"task", "classifier"},
        {"task", ""},
        {"task", "classify|multilabel"},
        {"lowercase", "yes"},
        {"lowercase", "1"},
        {"hidden_dim", "0"},
        {"hidden_dim", "16385"},
        {"hidden_dim", "-1"},
        {"hidden_dim", "1.5"},
        {"hidden_dim", "0x10"},
        {"hidden_dim", " 3"},
        {"hidden_dim", "3 "},
        {"hidden_dim", "1e3"},
        {"dropout", "1"},
        {"dropout", "-0.1"},
        {"dropout", "nan"},
        {"dropout", "inf"},
        {"dropout", "0,1"},
        {"learning_rate", "0"},
        {"threads", "257"},
        {"vocab_size", "1"},
        {"num_layers", "65"},
        {"epochs", "0"},
        {"batch_size", "0"},
        {"seed", "9007199254740993"},
        {"seed", "18446744073709551616"},
        {"max_file_bytes", "0"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        tci_options options, before;
        tci_options_default(&options);
        before = options;
        if (tci_options_set(&options, bad[i][0], bad[i][1]) != TC_ERROR_OPTION)
            fail_msg("%s=%s is accepted", bad[i][0], bad[i][1]);
        assert_memory_equal(&options, &before, sizeof options);
        assert_contains(tci_error_text(), bad[i][0]);
        assert_contains(tci_error_text(), bad[i][1]);
        assert_contains(tci_error_text(), tci_option_find(bad[i][0])->range);
    }
}

static void ends_of_ranges_are_accepted(void **state)
{
    static const char *const good[][2] = {
        {"hidden_dim", "1"},
        {"hidden_dim", "16384"},
        {"num_layers", "16"},
        {"threads", "256"},
        {"max_length", "0"},
        {"dropout", "0.999999"},
        {"max_length", "2147483647"},
        {"vocab_size", "16777216"},
        {"threshold", "1"},
        {"label_smoothing", "1"},
        {"seed", "0"},
        {"learning_rate", "1000"},
    };
    tci_options options;
    (void)state;
    tci_options_default(&options);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_ok(tci_options_set(&options, good[i][0], good[i][1]));
}

static void an_unknown_key_is_answered_with_the_nearest(void **state)
{
    static const char *const near[][2] = {
        {"hiden_dim", "'hidden_dim'"}, {"learning-rate", "'learning_rate'"},
        {"Epochs", "'epochs'"},        {"batchsize", "'batch_size'"},
        {"thread", "'threads'"},       {"lowercse", "'lowercase'"},
    };
    tci_options options;
    (void)state;
    tci_options_default(&options);
    for (size_t i = 0; i < sizeof near / sizeof near[0]; i++) {
        assert_int_equal(tci_options_set(&options, near[i][0], "1"), TC_ERROR_OPTION);
        assert_contains(tci_error_text(), near[i][0]);
        assert_contains(tci_error_text(), near[i][1]);
    }
    assert_int_equal(tci_options_set(&options, "something quite different", "1"), TC_ERROR_OPTION);
    assert_null(strstr(tci_error_text(), "did you mean"));
    char endless[5000];
    memset(endless, 'x', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    assert_int_equal(tci_options_set(&options, endless, "1"), TC_ERROR_OPTION);
    assert_int_equal(tci_options_set(&options, "hidden_dim", endless), TC_ERROR_OPTION);
}

static void a_text_option_has_a_limit(void **state)
{
    tci_options options;
    char text[TCI_OPTION_TEXT_SIZE + 1];
    (void)state;
    tci_options_default(&options);
    memset(text, 'x', sizeof text);
    text[TCI_OPTION_TEXT_SIZE] = '\0';
    assert_int_equal(tci_options_set(&options, "class_weights", text), TC_ERROR_OPTION);
    text[TCI_OPTION_TEXT_SIZE - 1] = '\0';
    assert_ok(tci_options_set(&options, "class_weights", text));
    assert_string_equal(options.class_weights, text);
}

static void a_class_is_copied_whole_and_alone(void **state)
{
    tci_options from, to;
    (void)state;
    tci_options_default(&from);
    tci_options_default(&to);
    assert_ok(tci_options_set(&from, "hidden_dim", "7"));
    assert_ok(tci_options_set(&from, "seed", "8"));
    assert_ok(tci_options_set(&from, "threads", "9"));
    assert_ok(tci_options_set(&to, "epochs", "3"));
    tci_options_copy_class(&to, &from, TCI_CLASS_TRAINING);
    assert_int_equal(to.hidden_dim, 256);
    assert_int_equal(to.seed, 8);
    assert_int_equal(to.threads, 1);
    assert_int_equal(to.epochs, 10);
    assert_true(tci_options_is_set(&to, "seed"));
    assert_false(tci_options_is_set(&to, "epochs"));
}

static void only_what_was_set_may_be_copied(void **state)
{
    tci_options from, to;
    (void)state;
    tci_options_default(&from);
    tci_options_default(&to);
    assert_ok(tci_options_set(&from, "seed", "8"));
    assert_ok(tci_options_set(&to, "epochs", "3"));
    tci_options_copy_set(&to, &from, TCI_CLASS_TRAINING);
    assert_int_equal(to.seed, 8);
    assert_int_equal(to.epochs, 3);
}

static void sizes_of_transformers_go_together(void **state)
{
    (void)state;
    static const struct {
        const char *settings[12];
        const char *named; /* NULL: accepted */
    } cases[] = {
        {{"arch", "bert", "max_length", "128", "window_overlap", "64"}, NULL},
        {{"arch", "bert", "max_length", "126", "window_overlap", "64"}, "'window_overlap' is 64, more than half"},
        {{"arch", "bert", "max_length", "126", "window_overlap", "64", "truncate", "tail"}, NULL},
        {{"arch", "bert", "max_length", "20"}, NULL},
        {{"arch", "bert", "max_length", "513"}, "'max_length' is 513, more than 'positions' (512)"},
        {{"arch", "bert", "hidden_dim", "100"}, "'num_heads' is 12, which does not divide 'hidden_dim' (100)"},
        {{"arch", "bert", "family", "distilbert"}, NULL},
        {{"arch", "bert", "family", "distilbert", "segments", "2"}, "'segments'"},
        {{"arch", "bert", "family", "gpt2"}, "'family'"},
        {{"arch", "gpt", "family", "bert"}, "'family'"},
        {{"arch", "gpt", "pooling", "cls"}, "'pooling'"},
        {{"arch", "bert", "weights", "int8"}, "'weights'"},
        {{"arch", "bert", "num_layers", "2", "freeze", "layers=3"}, "'freeze'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tci_options options;
        tci_options_default(&options);
        for (size_t k = 0; cases[i].settings[k]; k += 2)
            assert_ok(tci_options_set(&options, cases[i].settings[k], cases[i].settings[k + 1]));
        tc_status status = tci_options_resolve(&options, 0);
        if (status != (cases[i].named ? TC_ERROR_OPTION : TC_OK) ||
            (cases[i].named && !strstr(tci_error_text(), cases[i].named)))
            fail_msg("case %zu: status %d: %s", i, (int)status, tci_error_text());
    }
}

static void the_dropout_of_embeddings_is_that_of_blocks_unless_it_is_set(void **state)
{
    (void)state;
    for (int set = 0; set < 2; set++) {
        tci_options options;
        tci_options_default(&options);
        assert_ok(tci_options_set(&options, "arch", "bert"));
        assert_ok(tci_options_set(&options, "dropout", "0.5"));
        if (set)
            assert_ok(tci_options_set(&options, "embedding_dropout", "0.25"));
        assert_ok(tci_options_resolve(&options, 0));
        assert_true(options.embedding_dropout == (set ? 0.25 : 0.5));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_the_promised_ones),
        cmocka_unit_test(an_architecture_has_defaults_and_options_of_its_own),
        cmocka_unit_test(a_pretrained_model_is_trained_at_a_rate_for_what_is_trained),
        cmocka_unit_test(keys_differ_and_every_row_is_described),
        cmocka_unit_test(what_is_printed_reads_back_as_the_same_value),
        cmocka_unit_test(values_outside_their_range_are_refused_and_change_nothing),
        cmocka_unit_test(ends_of_ranges_are_accepted),
        cmocka_unit_test(an_unknown_key_is_answered_with_the_nearest),
        cmocka_unit_test(a_text_option_has_a_limit),
        cmocka_unit_test(a_class_is_copied_whole_and_alone),
        cmocka_unit_test(only_what_was_set_may_be_copied),
        cmocka_unit_test(sizes_of_transformers_go_together),
        cmocka_unit_test(the_dropout_of_embeddings_is_that_of_blocks_unless_it_is_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
