/* labels: quick. pretrained_read.c, pretrained_write.c, pretrained_options.c, pretrained_modules.c: a model from a
 * Hugging Face folder computes what transformers computed; what is written reads back; what does not fit together is
 * refused with a sentence that says what. */
#include "support/testing.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/handles.h"
#include "base/json.h"
#include "serialization/pretrained.h"
#include "serialization/safetensors.h"
#include "support/failing.h"
#include "support/failing_files.h"

static const char *const folder_files[] = {"config.json", "model.safetensors", "tokenizer.json",
                                           "tokenizer_config.json"};
#define FILES (sizeof folder_files / sizeof folder_files[0])

static const char *golden(const char *name)
{
    static char path[1024];
    (void)snprintf(path, sizeof path, "%s/golden/tiny_bert%s%s", test_source_dir(), name[0] ? "/" : "", name);
    return path;
}

static void copy_golden(test_folder *folder)
{
    test_folder_create(folder);
    for (size_t i = 0; i < FILES; i++) {
        size_t size = 0;
        char *bytes = test_read_file(golden(folder_files[i]), &size);
        test_write_file(test_folder_file(folder, folder_files[i]), bytes, size);
        free(bytes);
    }
}

static void write_text(test_folder *folder, const char *file, const char *text)
{
    test_write_file(test_folder_file(folder, file), text, strlen(text));
}

/* The file's text with one part of it replaced. */
static void edit(test_folder *folder, const char *file, const char *old, const char *now)
{
    size_t size = 0;
    char *text = test_read_file(test_folder_file(folder, file), &size), *edited = malloc(size + strlen(now) + 1);
    text = realloc(text, size + 1);
    assert_non_null(text);
    assert_non_null(edited);
    text[size] = '\0';
    char *at = strstr(text, old);
    assert_non_null(at);
    int length = snprintf(edited, size + strlen(now) + 1, "%.*s%s%s", (int)(at - text), text, now, at + strlen(old));
    test_write_file(test_folder_file(folder, file), edited, (size_t)length);
    free(text);
    free(edited);
}

static void remove_folder(test_folder *folder)
{
    char path[600];
    (void)snprintf(path, sizeof path, "%s/1_Pooling/config.json", folder->path);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/1_Pooling", folder->path);
    (void)rmdir(path);
    test_folder_remove(folder);
}

static void logits_of(const tc_model *model, const char *text, size_t count, float *logits)
{
    float scores[8];
    size_t written = 0;
    tc_prediction prediction = TC_PREDICTION_INIT;
    prediction.logits_capacity = count;
    prediction.logits = logits;
    assert_ok(tc_predict_with(model, NULL, text, strlen(text), 8, scores, &written, &prediction));
    assert_int_equal(written, count);
}

/* Each text of the golden file: its logits to 1e-5. `order`: which of the file's labels each of the model's is. */
static void assert_golden(const tc_model *model, const size_t order[3])
{
    size_t size = 0, texts = 0;
    char *bytes = test_read_file(golden("../tiny_bert.json"), &size);
    tci_memory memory;
    tci_json_reader json;
    tci_json_event event;
    char text[4096] = "";
    tci_memory_init(&memory, NULL, 0);
    tci_json_init(&json, &memory, bytes, size);
    for (;;) {
        assert_ok(tci_json_next(&json, &event));
        if (event == TCI_JSON_END)
            break;
        if (event != TCI_JSON_KEY)
            continue;
        bool is_text = tci_json_is(&json, "text"), is_logits = tci_json_is(&json, "logits");
        assert_ok(tci_json_next(&json, &event));
        if (is_text) {
            (void)snprintf(text, sizeof text, "%s", json.text.data);
        } else if (is_logits) {
            float logits[3];
            logits_of(model, text, 3, logits);
            for (size_t i = 0; i < 3; i++) {
                double wanted = 0;
                size_t label = 0;
                assert_ok(tci_json_next(&json, &event));
                assert_ok(tci_json_double(&json, "a logit", &wanted));
                while (order[label] != i)
                    label++;
                assert_close(logits[label], wanted, 1e-5);
            }
            texts++;
        } else {
            assert_ok(tci_json_skip(&json, event));
        }
    }
    assert_true(texts > 3);
    tci_json_free(&json);
    free(bytes);
}

static const size_t in_order[3] = {0, 1, 2};

static tc_status create(const char *folder, const char *settings, const char *const *labels, size_t count,
                        tc_model **model)
{
    char copy[512], *rest = copy;
    tc_config *config = NULL;
    assert_ok(tc_config_create(&config));
    (void)snprintf(copy, sizeof copy, "%s", settings);
    for (char *key = strtok_r(rest, "= ", &rest); key; key = strtok_r(NULL, "= ", &rest))
        assert_ok(tc_config_set(config, key, strtok_r(NULL, "= ", &rest)));
    tc_status status = tc_model_create_pretrained(config, folder, labels, count, 0, model);
    tc_config_free(config);
    return status;
}

static void a_folder_gives_the_logits_of_transformers(void **state)
{
    (void)state;
    for (int32_t flags = 0; flags <= TC_LOAD_MAPPED; flags++) {
        tc_model *model = NULL;
        const char *label = NULL;
        assert_ok(tc_model_load_with(golden(""), NULL, flags, &model));
        assert_golden(model, in_order);
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
    char *bytes = test_read_file(golden("model.safetensors"), &size);
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
        copy_golden(&folder);
        rewrite_weights(&folder, forms[i / 2].dtype, forms[i / 2].prefix, forms[i / 2].skip);
        assert_ok(tc_model_load_with(folder.path, NULL, i % 2 ? TC_LOAD_MAPPED : 0, &model));
        logits_of(model, text, 3, logits);
        if (i == 0)
            memcpy(wanted, logits, sizeof wanted);
        assert_memory_equal(logits, wanted, sizeof wanted);
        tc_model_free(model);
        remove_folder(&folder);
    }
}

/* ---- labels and options ---- */

static void labels_in_another_order_keep_the_head(void **state)
{
    (void)state;
    static const char *const labels[] = {"zoo", "ham", "spam"};
    static const size_t order[3] = {2, 0, 1};
    tc_model *model = NULL;
    assert_ok(create(golden(""), "", labels, 3, &model));
    assert_golden(model, order);
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
        assert_ok(create(golden(""), cases[i].settings,
                         count == 0       ? NULL
                         : cases[i].count ? labels
                                          : NULL,
                         cases[i].count, &model));
        assert_true(model->untrained_head);
        assert_ok(tc_model_info(model, sizeof info, info, &length));
        assert_contains(info, "\"untrained_head\":true");
        assert_ok(create(golden(""), cases[i].settings, cases[i].count ? labels : NULL, cases[i].count, &again));
        logits_of(model, "a tiger", count, logits);
        logits_of(again, "a tiger", count, others);
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
        {"max_vocab=50", TC_ERROR_LIMIT, "max_vocab"},
        {"max_tensors=5", TC_ERROR_LIMIT, "max_tensors"},
        {"max_file_bytes=2000", TC_ERROR_LIMIT, "max_file_bytes"},
        {"max_memory=20000", TC_ERROR_LIMIT, "max_memory"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tc_model *model = NULL;
        tc_status status = create(golden(""), cases[i].settings, NULL, 0, &model);
        if (status != cases[i].status || (status != TC_OK && !strstr(tc_last_error(), cases[i].named)))
            fail_msg("%s: status %d, '%s'", cases[i].settings, (int)status, status ? tc_last_error() : "");
        tc_model_free(model);
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
        {"config.json", "\"hidden_size\": 16", "\"hidden_size\": 32", TC_ERROR_FORMAT, "config.json asks for (86, 32)"},
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
        copy_golden(&folder);
        if (cases[i].old && strcmp(cases[i].file, "model.safetensors") != 0) {
            edit(&folder, cases[i].file, cases[i].old, cases[i].now);
        } else if (cases[i].old) { /* not a text; the same length */
            size_t size = 0, at = 0;
            char *bytes = test_read_file(test_folder_file(&folder, cases[i].file), &size);
            while (memcmp(bytes + at, cases[i].old, strlen(cases[i].old)) != 0)
                at++;
            memcpy(bytes + at, cases[i].now, strlen(cases[i].now));
            test_write_file(test_folder_file(&folder, cases[i].file), bytes, size);
            free(bytes);
        } else if (cases[i].now) {
            write_text(&folder, cases[i].file, cases[i].now);
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
        remove_folder(&folder);
    }
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
        copy_golden(&folder);
        write_text(&folder, "modules.json",
                   "[{\"idx\": 0, \"path\": \"\", \"type\": \"sentence_transformers.models.Transformer\"},"
                   " {\"path\": \"1_Pooling\", \"type\": \"sentence_transformers.models.Pooling\"},"
                   " {\"path\": \"2_Normalize\", \"type\": \"sentence_transformers.models.Normalize\"}]");
        assert_int_equal(mkdir(test_folder_file(&folder, "1_Pooling"), 0700), 0);
        write_text(&folder, "1_Pooling/config.json", cases[i].json);
        assert_int_equal(tc_model_load(folder.path, &model), cases[i].status);
        if (model) {
            assert_int_equal(model->options.pooling, cases[i].pooling);
            assert_int_equal(model->options.pooler, TCI_POOLER_NONE);
        }
        tc_model_free(model);
        remove_folder(&folder);
    }
}

/* ---- writing ---- */

static void what_is_written_reads_back_to_the_bit(void **state)
{
    (void)state;
    static const char *const settings[] = {"", "pooling=mean", "pooler=none", "pooling=max task=multilabel"};
    static const char text[] = "you win a prize, a tiger";
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        test_folder folder;
        tc_model *model = NULL, *again = NULL;
        float logits[3], others[3];
        test_folder_create(&folder);
        assert_ok(create(golden(""), settings[i], NULL, 0, &model));
        if (i == 0)
            write_text(&folder, "modules.json", "[]"); /* of another model */
        assert_ok(tc_model_export(model, folder.path, TC_FORMAT_HUGGING_FACE));
        assert_ok(tc_model_load(folder.path, &again));
        logits_of(model, text, 3, logits);
        logits_of(again, text, 3, others);
        assert_memory_equal(logits, others, sizeof logits);
        assert_int_equal(again->options.task, model->options.task);
        assert_false(again->untrained_head);
        assert_int_equal(test_folder_count(&folder), i == 0 ? 5 : 7);
        tc_model_free(again);
        tc_model_free(model);
        remove_folder(&folder);
    }
}

static void adapters_are_added_and_written_merged(void **state)
{
    (void)state;
    test_folder folder;
    tc_model *model = NULL, *again = NULL;
    float logits[3], others[3];
    test_folder_create(&folder);
    assert_ok(create(golden(""), "lora_rank=2", NULL, 0, &model));
    assert_int_equal(model->options.lora_rank, 2);
    assert_golden(model, in_order); /* they begin as nothing */
    tci_parameters *parameters = &model->network->parameters;
    size_t adapters = 0;
    for (size_t i = 0; i < parameters->tensor_count; i++) {
        const tci_tensor_info *tensor = &parameters->tensors[i];
        adapters += strstr(tensor->name, ".lora_") != NULL;
        for (size_t k = 0; strstr(tensor->name, ".lora_B") && k < tensor->count; k++)
            parameters->values[tensor->offset + k] = 0.25f;
    }
    assert_true(adapters > 0);
    tci_model_refresh(model);
    assert_ok(tc_model_export(model, folder.path, TC_FORMAT_HUGGING_FACE));
    assert_ok(tc_model_load(folder.path, &again));
    assert_int_equal(again->options.lora_rank, 0);
    logits_of(model, "a tiger", 3, logits);
    logits_of(again, "a tiger", 3, others);
    assert_all_close(others, logits, 3, 1e-5);
    tc_model_free(again);
    tc_model_free(model);
    assert_ok(tc_model_load(golden(""), &again));
    logits_of(again, "a tiger", 3, others);
    assert_true(others[0] - logits[0] > 1e-3f || logits[0] - others[0] > 1e-3f);
    tc_model_free(again);
    remove_folder(&folder);
}

static void what_the_format_has_no_place_for_is_not_written(void **state)
{
    (void)state;
    static const char *const one[] = {"only"};
    test_folder folder;
    tc_model *model = NULL;
    test_folder_create(&folder);
    assert_ok(create(golden(""), "pooling=mean pooler=tanh", NULL, 0, &model));
    assert_int_equal(tc_model_export(model, folder.path, TC_FORMAT_HUGGING_FACE), TC_ERROR_UNSUPPORTED);
    assert_contains(tc_last_error(), "pooling mean with a pooler");
    tc_model_free(model);
    assert_ok(create(golden(""), "", one, 1, &model));
    assert_int_equal(tc_model_export(model, folder.path, TC_FORMAT_HUGGING_FACE), TC_ERROR_UNSUPPORTED);
    assert_contains(tc_last_error(), "one label");
    assert_int_equal(tc_model_export(model, folder.path, 77), TC_ERROR_ARGUMENT);
    tc_model_free(model);
    test_folder_remove(&folder);
}

static void each_failed_allocation_and_call_is_a_status(void **state)
{
    (void)state;
    static const char *const labels[] = {"zoo", "ham", "spam"};
    tci_options given;
    tc_model *whole = NULL;
    test_folder folder;
    tci_options_default(&given);
    for (long n = 0;; n++) {
        test_allocator allocator;
        test_allocator_init(&allocator, n, false);
        tc_allocator host = test_allocator_host(&allocator);
        tc_model *model = NULL;
        const tci_pretrained_request request = {.given = &given,
                                                .host = &host,
                                                .files = &tci_system_files,
                                                .create = true,
                                                .labels = labels,
                                                .label_count = 3,
                                                .mapped = n % 2 == 0};
        tc_status status = tci_pretrained_read(golden(""), &request, &model);
        assert_int_equal(status, allocator.failed ? TC_ERROR_MEMORY : TC_OK);
        tc_model_free(model);
        assert_nothing_held(&allocator);
        if (!allocator.failed)
            break;
    }
    for (long n = 0;; n++) {
        tc_model *model = NULL;
        test_files_init(TEST_FILE_ANY, n, EIO);
        const tci_pretrained_request request = {.given = &given, .files = &test_failing_files};
        tc_status status = tci_pretrained_read(golden(""), &request, &model);
        bool fails = test_files_state.failed && test_files_state.last != TEST_FILE_CLOSE;
        assert_int_equal(status, fails ? TC_ERROR_IO : TC_OK);
        assert_int_equal(test_files_state.open_files, 0);
        tc_model_free(model);
        if (!test_files_state.failed)
            break;
    }
    assert_ok(create(golden(""), "pooling=mean", NULL, 0, &whole));
    whole->files = &test_failing_files;
    for (long n = 0;; n++) {
        test_folder_create(&folder);
        test_files_init(TEST_FILE_WRITE, n, ENOSPC);
        tc_status status = tci_pretrained_save(whole, folder.path);
        assert_int_equal(status, test_files_state.failed ? TC_ERROR_IO : TC_OK);
        remove_folder(&folder);
        if (!test_files_state.failed)
            break;
    }
    tc_model_free(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_gives_the_logits_of_transformers),
        cmocka_unit_test(the_same_weights_in_other_types_places_and_names_give_the_same_bits),
        cmocka_unit_test(labels_in_another_order_keep_the_head),
        cmocka_unit_test(other_labels_or_another_pooling_make_a_new_head),
        cmocka_unit_test(what_the_weights_decide_cannot_be_set),
        cmocka_unit_test(folders_that_do_not_fit_together_are_refused),
        cmocka_unit_test(pooling_is_what_modules_json_says),
        cmocka_unit_test(what_is_written_reads_back_to_the_bit),
        cmocka_unit_test(adapters_are_added_and_written_merged),
        cmocka_unit_test(what_the_format_has_no_place_for_is_not_written),
        cmocka_unit_test(each_failed_allocation_and_call_is_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
