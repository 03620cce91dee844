/* labels: quick. pretrained_read.c, pretrained_options.c, pretrained_modules.c: a model from a Hugging Face folder
 * computes what transformers computed; what does not fit together is refused with a sentence that says what. */
#include "support/testing.h"

#include <sys/stat.h>
#include <unistd.h>

#include "api/handles.h"
#include "serialization/safetensors.h"
#include "support/tiny_bert.h"

static void a_folder_gives_the_logits_of_transformers(void **state)
{
    (void)state;
    for (int32_t flags = 0; flags <= TC_LOAD_MAPPED; flags++) {
        tc_model *model = NULL;
        const char *label = NULL;
        assert_ok(tc_model_load_with(tiny_bert_path(""), NULL, flags, &model));
        tiny_bert_assert(model, tiny_bert_order);
        assert_ok(tc_model_label(model, 1, &label));
        assert_string_equal(label, "spam");
        assert_false(model->untrained_head);
        assert_int_equal(model->network->shared, flags);
        assert_int_equal(model->options.max_length, 48);
        tc_model_free(model);
    }
}

/* ---- other forms of the same weights ---- */

static uint16_t to_bf16(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (uint16_t)(bits >> 16);
}

/* Weights that are bfloat16 to begin with, so that the three types hold the same. */
static void rewrite_weights(test_folder *folder, tci_dtype dtype, bool prefix, size_t skip_bytes)
{
    size_t size = 0, count = 0;
    char *bytes = test_read_file(tiny_bert_path("model.safetensors"), &size);
    tci_memory memory;
    tci_safetensors file;
    tci_buffer out;
    tci_tensor_source sources[64];
    char names[64][128];
    tci_memory_init(&memory, NULL, 0);
    tci_buffer_init(&out, &memory, 1 << 20, "file");
    assert_ok(tci_safetensors_open(&memory, (const uint8_t *)bytes, size, 64, NULL, NULL, &file));
    for (; count < file.count; count++) {
        tci_tensor_view view = tci_safetensors_at(&file, count);
        size_t cut = !prefix && view.name_length > 5 && memcmp(view.name, "bert.", 5) == 0 ? 5 : 0;
        (void)snprintf(names[count], sizeof names[count], "%.*s", (int)(view.name_length - cut), view.name + cut);
        sources[count] = (tci_tensor_source){.name = names[count], .dtype = dtype, .rank = view.rank};
        memcpy(sources[count].shape, view.shape, view.rank * sizeof *view.shape);
        uint8_t *values = malloc(view.size + 1);
        assert_non_null(values);
        for (size_t i = 0; i < view.size / 4; i++) {
            float value;
            memcpy(&value, view.data + 4 * i, 4);
            uint16_t narrow = to_bf16(value);
            uint32_t wide = (uint32_t)narrow << 16;
            if (dtype == TCI_DTYPE_BF16)
                memcpy(values + 2 * i, &narrow, 2);
            else
                memcpy(values + 4 * i, &wide, 4);
        }
        sources[count].data = values;
    }
    tci_safetensors_close(&file);
    assert_ok(tci_safetensors_layout(&memory, NULL, 0, sources, count, &out));
    if (skip_bytes > 0) { /* spaces of the header that move the data to an odd address */
        uint64_t length = tci_load_u64((const uint8_t *)out.data) + skip_bytes;
        tci_store_u64((uint8_t *)out.data, length);
        for (size_t i = 0; i < skip_bytes; i++)
            assert_ok(tci_buffer_append(&out, " ", 1));
    }
    for (size_t i = 0; i < count; i++)
        assert_ok(tci_buffer_append(&out, sources[i].data, sources[i].size));
    for (size_t i = 0; i < count; i++)
        free((void *)(uintptr_t)sources[i].data);
    test_write_file(test_folder_file(folder, "model.safetensors"), out.data, out.size);
    tci_buffer_free(&out);
    free(bytes);
}

static void the_same_weights_in_other_types_places_and_names_give_the_same_bits(void **state)
{
    (void)state;
    static const char text[] = "Meeting notes: lunch on tuesday!";
    static const struct {
        tci_dtype dtype;
        bool prefix;
        size_t skip;
    } forms[] = {{TCI_DTYPE_F32, true, 0},
                 {TCI_DTYPE_F32, false, 0},
                 {TCI_DTYPE_BF16, true, 0},
                 {TCI_DTYPE_BF16, false, 1},
                 {TCI_DTYPE_F32, true, 2}};
    float wanted[3];
    for (size_t i = 0; i < 2 * sizeof forms / sizeof forms[0]; i++) {
        test_folder folder;
        tc_model *model = NULL;
        float logits[3];
        tiny_bert_copy(&folder);
        rewrite_weights(&folder, forms[i / 2].dtype, forms[i / 2].prefix, forms[i / 2].skip);
        assert_ok(tc_model_load_with(folder.path, NULL, i % 2 ? TC_LOAD_MAPPED : 0, &model));
        tiny_bert_logits(model, text, 3, logits);
        if (i == 0)
            memcpy(wanted, logits, sizeof wanted);
        assert_memory_equal(logits, wanted, sizeof wanted);
        tc_model_free(model);
        tiny_bert_remove(&folder);
    }
}

/* ---- labels and options ---- */

static void labels_in_another_order_keep_the_head(void **state)
{
    (void)state;
    static const char *const labels[] = {"zoo", "ham", "spam"};
    static const size_t order[3] = {2, 0, 1};
    tc_model *model = NULL;
    assert_ok(tiny_bert_create(tiny_bert_path(""), "", labels, 3, &model));
    tiny_bert_assert(model, order);
    assert_false(model->untrained_head);
    tc_model_free(model);
}

static void other_labels_or_another_pooling_make_a_new_head(void **state)
{
    (void)state;
    static const char *const labels[] = {"a", "b", "c"};
    static const struct {
        const char *settings;
        size_t count;
    } cases[] = {{"", 2}, {"", 3}, {"pooling=mean", 0}, {"pooler=none", 0}, {"pooler=relu pooling=mean", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tc_model *model = NULL, *again = NULL;
        char info[65536];
        size_t length = 0, count = cases[i].count ? cases[i].count : 3;
        float logits[3], others[3];
        assert_ok(tiny_bert_create(tiny_bert_path(""), cases[i].settings,
                                   count == 0       ? NULL
                                   : cases[i].count ? labels
                                                    : NULL,
                                   cases[i].count, &model));
        assert_true(model->untrained_head);
        assert_ok(tc_model_info(model, sizeof info, info, &length));
        assert_contains(info, "\"untrained_head\":true");
        assert_ok(tiny_bert_create(tiny_bert_path(""), cases[i].settings, cases[i].count ? labels : NULL,
                                   cases[i].count, &again));
        tiny_bert_logits(model, "a tiger", count, logits);
        tiny_bert_logits(again, "a tiger", count, others);
        assert_memory_equal(logits, others, count * sizeof *logits);
        tc_model_free(again);
        assert_ok(tc_model_clone(model, &again));
        assert_true(again->untrained_head);
        tc_model_free(again);
        tc_model_free(model);
    }
}

static void what_the_weights_decide_cannot_be_set(void **state)
{
    (void)state;
    static const struct {
        const char *settings;
        tc_status status;
        const char *named;
    } cases[] = {
        {"hidden_dim=16 num_layers=2 max_length=48 dropout=0.5 task=multilabel", TC_OK, ""},
        {"arch=bert tokenizer=json", TC_OK, ""},
        {"hidden_dim=32", TC_ERROR_MISMATCH, "'hidden_dim' is 32, in the folder 16"},
        {"arch=lstm", TC_ERROR_MISMATCH, "'arch' is lstm, in the folder bert"},
        {"tokenizer=word", TC_ERROR_MISMATCH, "'tokenizer' is word, in the folder json"},
        {"lowercase=false", TC_ERROR_MISMATCH, "'lowercase'"},
        {"vocab_size=5000", TC_ERROR_MISMATCH, "'vocab_size'"},
        {"max_length=49", TC_ERROR_OPTION, "'max_length' is 49"},
        {"embedding_dim=16", TC_ERROR_OPTION, "'embedding_dim'"},
        {"pretrained_vectors=x.vec", TC_ERROR_OPTION, "'pretrained_vectors'"},
        {"max_vocab=50", TC_ERROR_LIMIT, "max_vocab"},
        {"max_tensors=5", TC_ERROR_LIMIT, "max_tensors"},
        {"max_file_bytes=2000", TC_ERROR_LIMIT, "max_file_bytes"},
        {"max_memory=20000", TC_ERROR_LIMIT, "max_memory"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tc_model *model = NULL;
        tc_status status = tiny_bert_create(tiny_bert_path(""), cases[i].settings, NULL, 0, &model);
        if (status != cases[i].status || (status != TC_OK && !strstr(tc_last_error(), cases[i].named)))
            fail_msg("%s: status %d, '%s'", cases[i].settings, (int)status, status ? tc_last_error() : "");
        tc_model_free(model);
    }
}

static void training_defaults_follow_what_is_trained_wherever_that_was_said(void **state)
{
    (void)state;
    static const struct {
        const char *of_model, *of_trainer;
        double learning_rate, weight_decay;
        uint64_t epochs;
    } cases[] = {
        {"", "", 0.00005, 0.01, 3},
        {"", "freeze=encoder", 0.002, 0, 20},
        {"freeze=encoder", "", 0.002, 0, 20},
        {"freeze=encoder", "freeze=none", 0.00005, 0.01, 3},
        {"", "freeze=layers=0 epochs=7", 0.002, 0, 7},
        {"learning_rate=0.5", "freeze=encoder", 0.5, 0, 20},
        {"lora_rank=2", "", 0.001, 0.01, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int cloned = 0; cloned < 2; cloned++) {
            tc_model *model = NULL, *clone = NULL;
            tc_trainer *trainer = NULL;
            tc_config *config = tiny_bert_config(cases[i].of_trainer);
            assert_ok(tiny_bert_create(tiny_bert_path(""), cases[i].of_model, NULL, 0, &model));
            assert_ok(tc_model_clone(model, &clone));
            assert_ok(tc_trainer_create(cloned ? clone : model, config, &trainer));
            const tci_options *options = cloned ? &clone->options : &model->options;
            assert_true(options->learning_rate == cases[i].learning_rate);
            assert_true(options->weight_decay == cases[i].weight_decay);
            assert_int_equal(options->epochs, cases[i].epochs);
            tc_trainer_free(trainer);
            tc_config_free(config);
            tc_model_free(clone);
            tc_model_free(model);
        }
    }
}

/* ---- damage ---- */

static void folders_that_do_not_fit_together_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *file, *old, *now; /* old NULL: `now` is the whole file; now NULL: it is removed */
        tc_status status;
        const char *named;
    } cases[] = {
        {"config.json", NULL, NULL, TC_ERROR_IO, "config.json"},
        {"config.json", NULL, "{", TC_ERROR_FORMAT, "config.json: "},
        {"config.json", "\"bert\"", "\"llama\"", TC_ERROR_UNSUPPORTED, "'llama'"},
        {"config.json", "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3", TC_ERROR_FORMAT,
         "'bert.encoder.layer.2."},
        {"config.json", "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1", TC_ERROR_FORMAT,
         "has the tensor 'bert.encoder.layer.1."},
        {"config.json", "\"hidden_size\": 16", "\"hidden_size\": 32", TC_ERROR_FORMAT,
         "its configuration asks for (86, 32)"},
        {"config.json", "\"num_attention_heads\": 2", "\"num_attention_heads\": 3", TC_ERROR_OPTION, "'num_heads'"},
        {"config.json", "\"vocab_size\": 86", "\"vocab_size\": 85", TC_ERROR_FORMAT, "word_embeddings"},
        {"config.json", "\"zoo\"\n", "\"spam\"\n", TC_ERROR_ARGUMENT, "spam"},
        {"model.safetensors", NULL, NULL, TC_ERROR_IO, "neither model.safetensors"},
        {"model.safetensors", NULL, "", TC_ERROR_FORMAT, "'model.safetensors'"},
        {"model.safetensors", "classifier.bias", "classifier.bios", TC_ERROR_FORMAT, "'classifier.bias' is missing"},
        {"model.safetensors", "bert.pooler.dense.bias", "bert.pooler.dense.bios", TC_ERROR_FORMAT,
         "'bert.pooler.dense.bias' is missing"},
        {"tokenizer.json", NULL, NULL, TC_ERROR_IO, "neither tokenizer.json nor vocab.txt"},
        {"tokenizer.json", NULL, "[]", TC_ERROR_FORMAT, "tokenizer.json"},
        {"tokenizer.json", "\"added_tokens\": [", "\"added_tokens\": [{\"id\": 86, \"content\": \"zzz\"},",
         TC_ERROR_MISMATCH, "ids up to 86, the word table of config.json has 86 rows"},
        {"tokenizer.json", "\"BertNormalizer\"", "\"Magic\"", TC_ERROR_UNSUPPORTED, "Magic"},
        {"modules.json", NULL, "{}", TC_ERROR_FORMAT, "modules.json"},
        {"modules.json", NULL, "[]", TC_ERROR_FORMAT, "modules.json: there is no module of type Pooling"},
        {"modules.json", NULL,
         "[{\"path\": \"\", \"type\": \"a.Transformer\"}, {\"path\": \"../x\", \"type\": \"Pooling\"}]",
         TC_ERROR_FORMAT, "'../x'"},
        {"modules.json", NULL, "[{\"path\": \"sub\", \"type\": \"a.Transformer\"}]", TC_ERROR_UNSUPPORTED, "'sub'"},
        {"modules.json", NULL,
         "[{\"path\": \"\", \"type\": \"a.Transformer\"}, {\"path\": \"x\", \"type\": \"Pooling\"}, {\"path\": "
         "\"2_Dense\","
         " \"type\": \"sentence_transformers.models.Dense\"}]",
         TC_ERROR_UNSUPPORTED, "'Dense'"},
        {"modules.json", NULL,
         "[{\"path\": \"\", \"type\": \"a.Transformer\"}, {\"path\": \"x\", \"type\": \"Pooling\"}]", TC_ERROR_IO,
         "x/config.json"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        test_folder folder;
        tc_model *model = NULL;
        tiny_bert_copy(&folder);
        if (cases[i].old && strcmp(cases[i].file, "model.safetensors") != 0) {
            tiny_bert_edit(&folder, cases[i].file, cases[i].old, cases[i].now);
        } else if (cases[i].old) {
            tiny_bert_overwrite(&folder, cases[i].file, cases[i].old, cases[i].now);
        } else if (cases[i].now) {
            tiny_bert_write(&folder, cases[i].file, cases[i].now);
        } else {
            assert_int_equal(unlink(test_folder_file(&folder, cases[i].file)), 0);
        }
        tc_status status = tc_model_load(folder.path, &model);
        if (getenv("TEXTCLF_SHOW_ERRORS") && status != TC_OK)
            print_message("%s\n", tc_last_error());
        if (status != cases[i].status || !strstr(tc_last_error(), cases[i].named) ||
            !strstr(tc_last_error(), folder.path))
            fail_msg("case %zu: status %d, '%s'", i, (int)status, status ? tc_last_error() : "");
        assert_null(model);
        tiny_bert_remove(&folder);
    }
}

static void the_older_files_beside_a_vocabulary_count(void **state)
{
    (void)state;
    test_folder folder;
    tc_model *model = NULL;
    uint32_t ids[8];
    size_t count = 0;
    tiny_bert_copy(&folder);
    assert_int_equal(unlink(test_folder_file(&folder, "tokenizer.json")), 0);
    tiny_bert_write(&folder, "vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\ngood\n");
    (void)unlink(test_folder_file(&folder, "tokenizer_config.json"));
    tiny_bert_write(&folder, "special_tokens_map.json", "{\"sep_token\": \"<s>\"}");
    tiny_bert_write(&folder, "added_tokens.json", "{\"<new>\": 7}");
    assert_ok(tc_model_load(folder.path, &model));
    assert_ok(tc_encode(model, "<new> good", 10, 8, ids, NULL, &count));
    assert_int_equal(count, 4);
    assert_int_equal(ids[1], 7);
    assert_int_equal(ids[3], 8);
    tc_model_free(model);
    tiny_bert_remove(&folder);
}

static void a_sentencepiece_model_is_named_with_the_way_out(void **state)
{
    (void)state;
    test_folder folder;
    tc_model *model = NULL;
    tiny_bert_copy(&folder);
    assert_int_equal(unlink(test_folder_file(&folder, "tokenizer.json")), 0);
    tiny_bert_write(&folder, "spiece.model", "x");
    assert_int_equal(tc_model_load(folder.path, &model), TC_ERROR_UNSUPPORTED);
    assert_non_null(strstr(tc_last_error(), "spiece.model"));
    assert_non_null(strstr(tc_last_error(), "save_pretrained"));
    tiny_bert_remove(&folder);
}

static void pooling_is_what_modules_json_says(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        tc_status status;
        int32_t pooling;
    } cases[] = {
        {"{\"pooling_mode_mean_tokens\": true, \"pooling_mode_cls_token\": false}", TC_OK, TCI_POOLING_MEAN},
        {"{\"pooling_mode_cls_token\": true}", TC_OK, TCI_POOLING_CLS},
        {"{\"pooling_mode\": \"max\"}", TC_OK, TCI_POOLING_MAX},
        {"{\"pooling_mode_lasttoken\": true, \"include_prompt\": true}", TC_OK, TCI_POOLING_LAST},
        {"{\"pooling_mode_mean_sqrt_len_tokens\": true}", TC_ERROR_UNSUPPORTED, 0},
        {"{\"pooling_mode_mean_tokens\": true, \"pooling_mode_cls_token\": true}", TC_ERROR_UNSUPPORTED, 0},
        {"{\"pooling_mode\": \"guess\"}", TC_ERROR_UNSUPPORTED, 0},
        {"{}", TC_ERROR_FORMAT, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        test_folder folder;
        tc_model *model = NULL;
        tiny_bert_copy(&folder);
        tiny_bert_write(&folder, "modules.json",
                        "[{\"idx\": 0, \"path\": \"\", \"type\": \"sentence_transformers.models.Transformer\"},"
                        " {\"path\": \"1_Pooling\", \"type\": \"sentence_transformers.models.Pooling\"},"
                        " {\"path\": \"2_Normalize\", \"type\": \"sentence_transformers.models.Normalize\"}]");
        assert_int_equal(mkdir(test_folder_file(&folder, "1_Pooling"), 0700), 0);
        tiny_bert_write(&folder, "1_Pooling/config.json", cases[i].json);
        assert_int_equal(tc_model_load(folder.path, &model), cases[i].status);
        if (model) {
            assert_int_equal(model->options.pooling, cases[i].pooling);
            assert_int_equal(model->options.pooler, TCI_POOLER_NONE);
        }
        tc_model_free(model);
        tiny_bert_remove(&folder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_gives_the_logits_of_transformers),
        cmocka_unit_test(the_same_weights_in_other_types_places_and_names_give_the_same_bits),
        cmocka_unit_test(labels_in_another_order_keep_the_head),
        cmocka_unit_test(other_labels_or_another_pooling_make_a_new_head),
        cmocka_unit_test(what_the_weights_decide_cannot_be_set),
        cmocka_unit_test(training_defaults_follow_what_is_trained_wherever_that_was_said),
        cmocka_unit_test(folders_that_do_not_fit_together_are_refused),
        cmocka_unit_test(the_older_files_beside_a_vocabulary_count),
        cmocka_unit_test(a_sentencepiece_model_is_named_with_the_way_out),
        cmocka_unit_test(pooling_is_what_modules_json_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
