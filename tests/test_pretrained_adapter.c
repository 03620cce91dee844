/* labels: quick. pretrained_adapter_read.c, pretrained_adapter_config.c, pretrained_adapter_write.c: adapters in a
 * folder of their own beside their base are the model that was written, to the bit; what does not fit is refused with a
 * sentence that names it. What PEFT makes of such folders is in exchange/test_peft.py. */
#include "support/testing.h"

#include <errno.h>
#include <unistd.h>

#include "api/handles.h"
#include "serialization/pretrained.h"
#include "serialization/pretrained_adapter.h"
#include "support/failing.h"
#include "support/failing_files.h"
#include "support/tiny_bert.h"

static const char text[] = "you win a prize, a tiger";

static void move(tc_model *model)
{
    tci_parameters *parameters = &model->network->parameters;
    for (size_t i = 0; i < parameters->tensor_count; i++) {
        const tci_tensor_info *tensor = &parameters->tensors[i];
        if (!tensor->adapter && tensor->level > 0)
            continue;
        float *values = tci_parameters_write(parameters, i);
        for (size_t k = 0; k < tensor->count; k++)
            values[k] += 0.01f * (float)((k * 7 + i) % 23);
    }
    tci_model_refresh(model);
}

/* Adapters and head that are not what they begin as. */
static tc_model *moved_model(const char *settings, const char *const *labels, size_t count)
{
    tc_model *model = NULL;
    assert_ok(tiny_bert_create(tiny_bert_path(""), settings, labels, count, &model));
    move(model);
    return model;
}

/* The base with the adapters; `settings` come beside. */
static tc_status beside(const test_folder *folder, const char *settings, tc_model **model)
{
    tc_config *config = tiny_bert_config(settings);
    assert_ok(tc_config_set(config, "adapter", folder->path));
    tc_status status = tc_model_load_with(tiny_bert_path(""), config, 0, model);
    tc_config_free(config);
    return status;
}

static void adapters_beside_their_base_are_the_model_that_was_written(void **state)
{
    (void)state;
    static const char *const labels[] = {"a", "b", "c", "d"};
    static const struct {
        const char *settings;
        size_t count; /* labels; 0: those of the base */
    } cases[] = {
        {"lora_rank=2", 0},
        {"lora_rank=3 lora_alpha=5 lora_targets=dense,key", 4},
        {"lora_rank=1 pooling=mean truncate=tail max_length=20", 2},
        {"lora_rank=1 pooling=mean pooler=tanh window_overlap=3 task=multilabel threshold=0.25", 3},
        {"lora_rank=1 task=regress", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        test_folder folder;
        float logits[4], others[4];
        size_t count = cases[i].count ? cases[i].count : 3;
        tc_model *model = moved_model(cases[i].settings, cases[i].count ? labels : NULL, cases[i].count), *again = NULL;
        const double thresholds[] = {0.1, 0.2, 0.30000000000000004};
        if (model->options.task == TCI_TASK_MULTILABEL)
            assert_ok(tc_model_set_thresholds(model, thresholds, 3));
        model->untrained_head = false; /* as after a step */
        test_folder_create(&folder);
        assert_ok(tc_model_export(model, folder.path, TC_FORMAT_PEFT));
        assert_int_equal(test_folder_count(&folder), 3);
        assert_ok(beside(&folder, "", &again));
        tiny_bert_logits(model, text, count, logits);
        tiny_bert_logits(again, text, count, others);
        assert_memory_equal(logits, others, count * sizeof *logits);
        for (size_t k = 0; k < count; k++)
            assert_string_equal(again->labels[k], model->labels[k]);
        assert_false(again->untrained_head);
        assert_int_equal(again->options.max_length, model->options.max_length);
        assert_int_equal(again->options.truncate, model->options.truncate);
        assert_int_equal(again->options.window_overlap, model->options.window_overlap);
        assert_true(again->options.threshold == model->options.threshold);
        assert_int_equal(again->thresholds != NULL, model->thresholds != NULL);
        if (model->thresholds)
            assert_memory_equal(again->thresholds, thresholds, sizeof thresholds);
        tc_model_free(again);
        tc_model_free(model);
        test_folder_remove(&folder);
    }
}

/* The model that was written from `base` and the one that is read beside it, on one text. */
static void assert_same(const char *base, const tc_model *model, const test_folder *folder, size_t count)
{
    float logits[4], others[4];
    tc_model *again = NULL;
    tc_config *config = tiny_bert_config("");
    assert_ok(tc_config_set(config, "adapter", folder->path));
    assert_ok(tc_model_load_with(base, config, 0, &again));
    tiny_bert_logits(model, text, count, logits);
    tiny_bert_logits(again, text, count, others);
    assert_memory_equal(logits, others, count * sizeof *logits);
    assert_null(again->thresholds);
    tc_model_free(again);
    tc_config_free(config);
}

static void their_head_stands_in_place_of_the_bases_and_of_its_thresholds(void **state)
{
    (void)state;
    static const char *const labels[] = {"a", "b", "c", "d"};
    test_folder base, folder;
    tc_model *model = moved_model("lora_rank=2 task=multilabel", labels, 4);
    tiny_bert_copy(&base);
    tiny_bert_edit(&base, "config.json", "BertForSequenceClassification", "BertForMaskedLM");
    tiny_bert_write(&base, "textclf.json", "{\"thresholds\": [0.1, 0.2, 0.3]}");
    test_folder_create(&folder);
    assert_ok(tc_model_export(model, folder.path, TC_FORMAT_PEFT));
    assert_same(base.path, model, &folder, 4);
    tc_model_free(model);
    test_folder_remove(&folder);
    tiny_bert_remove(&base);
}

static void of_gpt2_the_weights_are_said_to_be_turned(void **state)
{
    (void)state;
    test_folder folder;
    char base[1024];
    size_t size = 0;
    tc_model *model = NULL;
    (void)snprintf(base, sizeof base, "%s", tiny_bert_path("../tiny_gpt2"));
    assert_ok(tiny_bert_create(base, "lora_rank=2", NULL, 0, &model));
    move(model);
    test_folder_create(&folder);
    assert_ok(tc_model_export(model, folder.path, TC_FORMAT_PEFT));
    char *json = test_read_file(test_folder_file(&folder, "adapter_config.json"), &size);
    static const char wanted[] = "\"fan_in_fan_out\":true";
    bool found = false;
    for (size_t i = 0; i + sizeof wanted <= size; i++)
        found = found || memcmp(json + i, wanted, sizeof wanted - 1) == 0;
    assert_true(found);
    assert_same(base, model, &folder, 3);
    free(json);
    tc_model_free(model);
    test_folder_remove(&folder);
}

static void a_model_and_adapters_alone_do_not_share_a_folder(void **state)
{
    (void)state;
    static const int32_t formats[2] = {TC_FORMAT_HUGGING_FACE, TC_FORMAT_PEFT};
    static const char *const named[2] = {"config.json", "adapter_config.json"};
    tc_model *model = moved_model("lora_rank=2", NULL, 0);
    for (size_t i = 0; i < 2; i++) {
        test_folder folder;
        test_folder_create(&folder);
        assert_ok(tc_model_export(model, folder.path, formats[i]));
        size_t files = test_folder_count(&folder);
        assert_ok(tc_model_export(model, folder.path, formats[i]));
        assert_int_equal(tc_model_export(model, folder.path, formats[1 - i]), TC_ERROR_UNSUPPORTED);
        assert_contains(tc_last_error(), named[i]);
        assert_int_equal(test_folder_count(&folder), files);
        test_folder_remove(&folder);
    }
    tc_model_free(model);
}

static void what_a_host_asks_for_has_to_be_what_the_adapters_are(void **state)
{
    (void)state;
    static const char *const turned[] = {"zoo", "ham", "spam"}, *const others[] = {"x", "y", "z"};
    test_folder folder;
    tc_model *model = moved_model("lora_rank=2", NULL, 0), *again = NULL;
    float logits[3], now[3];
    char settings[600];
    test_folder_create(&folder);
    assert_ok(tc_model_export(model, folder.path, TC_FORMAT_PEFT));
    tiny_bert_logits(model, text, 3, logits);
    (void)snprintf(settings, sizeof settings, "lora_rank=2 adapter=%s", folder.path);
    assert_ok(tiny_bert_create(tiny_bert_path(""), settings, turned, 3, &again));
    tiny_bert_logits(again, text, 3, now);
    for (size_t i = 0; i < 3; i++)
        assert_true(now[i] == logits[(i + 2) % 3]);
    tc_model_free(again);
    assert_ok(tiny_bert_create(tiny_bert_path(""), settings, others, 3, &again));
    assert_true(again->untrained_head);
    tc_model_free(again);
    (void)snprintf(settings, sizeof settings, "lora_rank=3 adapter=%s", folder.path);
    assert_int_equal(tiny_bert_create(tiny_bert_path(""), settings, NULL, 0, &again), TC_ERROR_MISMATCH);
    assert_contains(tc_last_error(), "'lora_rank' is 3, in the folder 2");
    /* alone, beside a file, and of a new model they have no meaning */
    assert_int_equal(tc_model_load(folder.path, &again), TC_ERROR_UNSUPPORTED);
    assert_contains(tc_last_error(), "load the folder of the base model, with this one as option 'adapter'");
    assert_ok(tc_model_save(model, test_folder_file(&folder, "m.safetensors")));
    tc_config *config = tiny_bert_config("");
    assert_ok(tc_config_set(config, "adapter", folder.path));
    assert_int_equal(tc_model_load_with(test_folder_file(&folder, "m.safetensors"), config, 0, &again),
                     TC_ERROR_OPTION);
    assert_contains(tc_last_error(), "'adapter'");
    tc_config_free(config);
    tc_model_free(model);
    assert_ok(tc_model_load(tiny_bert_path(""), &model));
    assert_int_equal(tc_model_export(model, folder.path, TC_FORMAT_PEFT), TC_ERROR_UNSUPPORTED);
    assert_contains(tc_last_error(), "no adapters");
    tc_model_free(model);
    test_folder_remove(&folder);
}

static void folders_that_do_not_fit_are_refused_by_name(void **state)
{
    (void)state;
#define FORMAT TC_ERROR_FORMAT
#define UNSUPPORTED TC_ERROR_UNSUPPORTED
    static const struct {
        const char *file, *old, *now; /* old NULL: `now` is the whole file; now NULL: it is removed */
        tc_status status;
        const char *named;
    } cases[] = {
        {"adapter_config.json", NULL, NULL, TC_ERROR_IO, "adapter_config.json"},
        {"adapter_config.json", NULL, "[]", FORMAT, "adapter_config.json"},
        {"adapter_config.json", NULL, "{}", FORMAT, "'peft_type' is missing"},
        {"adapter_config.json", "\"LORA\"", "\"LOHA\"", UNSUPPORTED, "'peft_type'"},
        {"adapter_config.json", "\"r\":2", "\"r\":3", FORMAT, "has shape (2, 16); its configuration asks for (3, 16)"},
        {"adapter_config.json", "\"r\":2", "\"r\":0", FORMAT, "'r' is missing, or 0"},
        {"adapter_config.json", "\"r\":2", "\"r\":1e300", FORMAT, "'r'"},
        {"adapter_config.json", "\"r\":2", "\"r\":\"2\"", FORMAT, "'r' (byte "},
        {"adapter_config.json", "\"lora_alpha\":8", "\"lora_alpha\":-8", FORMAT, "'lora_alpha'"},
        {"adapter_config.json", "{", "{\"use_dora\":true,", UNSUPPORTED, "'use_dora'"},
        {"adapter_config.json", "{", "{\"use_rslora\":1,", UNSUPPORTED, "'use_rslora'"},
        {"adapter_config.json", "\"bias\":\"none\"", "\"bias\":\"all\"", UNSUPPORTED, "'bias'"},
        {"adapter_config.json", "\"fan_in_fan_out\":false", "\"fan_in_fan_out\":true", UNSUPPORTED, "'fan_in_fan_out'"},
        {"adapter_config.json", "{", "{\"init_lora_weights\":\"pissa\",", UNSUPPORTED, "'init_lora_weights'"},
        {"adapter_config.json", "{", "{\"rank_pattern\":{\"query\":4},", UNSUPPORTED, "'rank_pattern'"},
        {"adapter_config.json", "{", "{\"alpha_pattern\":{},\"layers_to_transform\":[0],", UNSUPPORTED,
         "'layers_to_transform'"},
        {"adapter_config.json", "{", "{\"use_next_years_lora\":1,", UNSUPPORTED, "'use_next_years_lora'"},
        {"adapter_model.safetensors", NULL, NULL, TC_ERROR_IO, "adapter_model.safetensors"},
        {"adapter_model.safetensors", NULL, "x", FORMAT, "'adapter_model.safetensors'"},
        {"adapter_model.safetensors", "layer.1.attention.self.value.lora_B", "layer.1.attention.self.value.lora_X",
         FORMAT, "'base_model.model.bert.encoder.layer.1.attention.self.value.lora_B.weight' is missing"},
        {"adapter_model.safetensors", "model.classifier.weight", "model.pooler.lora_A.w.x", FORMAT,
         "'base_model.model.pooler.lora_A.w.x'"},
        {"adapter_model.safetensors", "model.classifier.bias", "model.classifier.bios", FORMAT,
         "'classifier.bias' is missing"},
        {"textclf.json", NULL, "{", FORMAT, "textclf.json"},
        {"textclf.json", NULL, "{\"labels\":[\"a\",\"b\"]}", FORMAT, "classifier.weight' has shape (3, 16)"},
        {"textclf.json", NULL, "{\"labels\":[\"a\",\"a\",\"b\"]}", TC_ERROR_ARGUMENT, "label"},
        {"textclf.json", NULL, "{\"labels\":[1]}", FORMAT, "'labels', byte "},
    };
    tc_model *model = moved_model("lora_rank=2 lora_alpha=8", NULL, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        test_folder folder;
        tc_model *again = NULL;
        test_folder_create(&folder);
        assert_ok(tc_model_export(model, folder.path, TC_FORMAT_PEFT));
        if (cases[i].old && strcmp(cases[i].file, "adapter_model.safetensors") != 0) {
            tiny_bert_edit(&folder, cases[i].file, cases[i].old, cases[i].now);
        } else if (cases[i].old) {
            tiny_bert_overwrite(&folder, cases[i].file, cases[i].old, cases[i].now);
        } else if (cases[i].now) {
            tiny_bert_write(&folder, cases[i].file, cases[i].now);
        } else {
            assert_int_equal(unlink(test_folder_file(&folder, cases[i].file)), 0);
        }
        tc_status status = beside(&folder, "", &again);
        if (getenv("TEXTCLF_SHOW_ERRORS") && status != TC_OK)
            print_message("%s\n", tc_last_error());
        if (status != cases[i].status || !strstr(tc_last_error(), cases[i].named))
            fail_msg("case %zu: status %d, '%s'", i, (int)status, status ? tc_last_error() : "");
        assert_null(again);
        test_folder_remove(&folder);
    }
    tc_model_free(model);
}

static void a_folder_without_textclf_json_has_labels_by_its_head(void **state)
{
    (void)state;
    static const char *const labels[] = {"a", "b", "c", "d"};
    for (size_t count = 1; count <= 4; count++) {
        test_folder folder;
        tc_model *model = moved_model(count == 1 ? "lora_rank=2 task=regress" : "lora_rank=2", labels, count);
        tc_model *again = NULL;
        float logits[4], others[4];
        test_folder_create(&folder);
        assert_ok(tc_model_export(model, folder.path, TC_FORMAT_PEFT));
        assert_int_equal(unlink(test_folder_file(&folder, "textclf.json")), 0);
        assert_ok(beside(&folder, "", &again));
        assert_int_equal(again->label_count, count);
        assert_string_equal(again->labels[0], count == 3 ? "ham" : "LABEL_0");
        assert_int_equal(again->options.task, model->options.task);
        tiny_bert_logits(model, text, count, logits);
        tiny_bert_logits(again, text, count, others);
        assert_memory_equal(logits, others, count * sizeof *logits);
        tc_model_free(again);
        tc_model_free(model);
        test_folder_remove(&folder);
    }
}

static void alpha_may_be_divided_by_the_root_of_the_rank(void **state)
{
    (void)state;
    test_folder folder;
    tc_model *model = moved_model("lora_rank=4 lora_alpha=8", NULL, 0), *again = NULL;
    float logits[3], others[3];
    test_folder_create(&folder);
    assert_ok(tc_model_export(model, folder.path, TC_FORMAT_PEFT));
    tiny_bert_edit(&folder, "adapter_config.json", "\"lora_alpha\":8", "\"lora_alpha\":4,\"use_rslora\":true");
    assert_ok(beside(&folder, "", &again));
    assert_true(again->options.lora_alpha == 8);
    tiny_bert_logits(model, text, 3, logits);
    tiny_bert_logits(again, text, 3, others);
    assert_memory_equal(logits, others, sizeof logits);
    tc_model_free(again);
    tc_model_free(model);
    test_folder_remove(&folder);
}

static void each_failed_allocation_and_call_is_a_status(void **state)
{
    (void)state;
    tci_options given;
    test_folder folder;
    tc_model *model = moved_model("lora_rank=2 task=multilabel", NULL, 0);
    const double thresholds[] = {0.1, 0.2, 0.3};
    assert_ok(tc_model_set_thresholds(model, thresholds, 3));
    test_folder_create(&folder);
    assert_ok(tc_model_export(model, folder.path, TC_FORMAT_PEFT));
    tci_options_default(&given);
    (void)snprintf(given.adapter, sizeof given.adapter, "%s", folder.path);
    for (long n = 0;; n++) {
        test_allocator allocator;
        test_allocator_init(&allocator, n, false);
        tc_allocator host = test_allocator_host(&allocator);
        tc_model *again = NULL;
        const tci_pretrained_request request = {.given = &given, .host = &host, .files = &tci_system_files};
        tc_status status = tci_pretrained_read(tiny_bert_path(""), &request, &again);
        if (status != TC_OK || !allocator.failed) /* packed weights alone may be missing */
            assert_int_equal(status, allocator.failed ? TC_ERROR_MEMORY : TC_OK);
        assert_int_equal(again != NULL, status == TC_OK);
        tc_model_free(again);
        assert_nothing_held(&allocator);
        if (!allocator.failed)
            break;
    }
    for (long n = 0;; n++) {
        tc_model *again = NULL;
        test_files_init(TEST_FILE_ANY, n, EIO);
        const tci_pretrained_request request = {.given = &given, .files = &test_failing_files};
        tc_status status = tci_pretrained_read(tiny_bert_path(""), &request, &again);
        bool fails = test_files_state.failed && test_files_state.last != TEST_FILE_CLOSE;
        assert_int_equal(status, fails ? TC_ERROR_IO : TC_OK);
        assert_int_equal(test_files_state.open_files, 0);
        tc_model_free(again);
        if (!test_files_state.failed)
            break;
    }
    model->files = &test_failing_files;
    for (long n = 0;; n++) {
        test_files_init(TEST_FILE_WRITE, n, ENOSPC);
        tc_status status = tci_adapter_save(model, folder.path);
        assert_int_equal(status, test_files_state.failed ? TC_ERROR_IO : TC_OK);
        if (!test_files_state.failed)
            break;
    }
    tc_model_free(model);
    test_folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adapters_beside_their_base_are_the_model_that_was_written),
        cmocka_unit_test(their_head_stands_in_place_of_the_bases_and_of_its_thresholds),
        cmocka_unit_test(of_gpt2_the_weights_are_said_to_be_turned),
        cmocka_unit_test(a_model_and_adapters_alone_do_not_share_a_folder),
        cmocka_unit_test(what_a_host_asks_for_has_to_be_what_the_adapters_are),
        cmocka_unit_test(folders_that_do_not_fit_are_refused_by_name),
        cmocka_unit_test(a_folder_without_textclf_json_has_labels_by_its_head),
        cmocka_unit_test(alpha_may_be_divided_by_the_root_of_the_rank),
        cmocka_unit_test(each_failed_allocation_and_call_is_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
