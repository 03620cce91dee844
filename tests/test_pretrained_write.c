/* labels: quick. pretrained_write.c: a folder that is written reads back to the bit; what has no place in it is
 * refused; each allocation and call that fails is a status, and one in writing leaves an old folder as it was. */
#include "support/testing.h"

#include <errno.h>
#include <unistd.h>

#include "api/handles.h"
#include "serialization/pretrained.h"
#include "support/failing.h"
#include "support/failing_files.h"
#include "support/tiny_bert.h"
#include "support/tiny_model.h"

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
        assert_ok(tiny_bert_create(tiny_bert_path(""), settings[i], NULL, 0, &model));
        if (i == 0)
            tiny_bert_write(&folder, "modules.json", "[]"); /* of another model */
        assert_ok(tc_model_export(model, folder.path, TC_FORMAT_HUGGING_FACE));
        assert_ok(tc_model_load(folder.path, &again));
        tiny_bert_logits(model, text, 3, logits);
        tiny_bert_logits(again, text, 3, others);
        assert_memory_equal(logits, others, sizeof logits);
        assert_int_equal(again->options.task, model->options.task);
        assert_int_equal(again->untrained_head, model->untrained_head);
        assert_int_equal(test_folder_count(&folder), i == 0 ? 5 : 8);
        tc_model_free(again);
        tc_model_free(model);
        tiny_bert_remove(&folder);
    }
}

static void adapters_are_added_and_written_merged(void **state)
{
    (void)state;
    test_folder folder;
    tc_model *model = NULL, *again = NULL;
    float logits[3], others[3];
    test_folder_create(&folder);
    assert_ok(tiny_bert_create(tiny_bert_path(""), "lora_rank=2", NULL, 0, &model));
    assert_int_equal(model->options.lora_rank, 2);
    tiny_bert_assert(model, tiny_bert_order); /* they begin as nothing */
    tci_parameters *parameters = &model->network->parameters;
    size_t adapters = 0;
    for (size_t i = 0; i < parameters->tensor_count; i++) {
        const tci_tensor_info *tensor = &parameters->tensors[i];
        adapters += strstr(tensor->name, ".lora_") != NULL;
        for (size_t k = 0; strstr(tensor->name, ".lora_B") && k < tensor->count; k++)
            tci_parameters_write(parameters, i)[k] = 0.25f;
    }
    assert_true(adapters > 0);
    tci_model_refresh(model);
    assert_ok(tc_model_export(model, folder.path, TC_FORMAT_HUGGING_FACE));
    assert_ok(tc_model_load(folder.path, &again));
    assert_int_equal(again->options.lora_rank, 0);
    tiny_bert_logits(model, "a tiger", 3, logits);
    tiny_bert_logits(again, "a tiger", 3, others);
    assert_all_close(others, logits, 3, 1e-5);
    tc_model_free(again);
    tc_model_free(model);
    assert_ok(tc_model_load(tiny_bert_path(""), &again));
    tiny_bert_logits(again, "a tiger", 3, others);
    assert_true(others[0] - logits[0] > 1e-3f || logits[0] - others[0] > 1e-3f);
    tc_model_free(again);
    tiny_bert_remove(&folder);
}

static void beside_mapped_weights_adapters_and_head_are_trained(void **state)
{
    (void)state;
    static const char text[] = "a tiger";
    const size_t row = 0;
    for (int adapters = 0; adapters < 2; adapters++) {
        tc_config *config = tiny_bert_config(adapters ? "lora_rank=2 schedule=constant warmup_ratio=0"
                                                      : "schedule=constant warmup_ratio=0");
        tc_model *models[2] = {NULL, NULL};
        float logits[2][3];
        for (int mapped = 0; mapped < 2; mapped++) {
            tc_model **model = &models[mapped];
            tc_trainer *trainer = NULL;
            tc_examples *examples = NULL;
            assert_ok(
                tc_model_create_pretrained(config, tiny_bert_path(""), NULL, 0, mapped ? TC_LOAD_MAPPED : 0, model));
            tc_status status = tc_trainer_create(*model, config, &trainer);
            assert_int_equal(status, mapped && !adapters ? TC_ERROR_STATE : TC_OK);
            if (status != TC_OK)
                break;
            assert_ok(tc_examples_create(*model, &examples));
            assert_ok(tc_examples_add_label(examples, text, strlen(text), 1, 1.0f));
            for (int step = 0; step < 3; step++)
                assert_ok(tc_train_step(trainer, examples, &row, 1, NULL));
            assert_int_equal((*model)->network->shared, mapped);
            tc_trainer_free(trainer);
            tc_examples_free(examples);
            tiny_bert_logits(*model, text, 3, logits[mapped]);
        }
        if (adapters)
            assert_memory_equal(logits[0], logits[1], sizeof logits[0]);
        tc_model_free(models[0]);
        tc_model_free(models[1]);
        tc_config_free(config);
    }
}

static void what_the_format_has_no_place_for_is_not_written(void **state)
{
    (void)state;
    static const char *const one[] = {"only"};
    test_folder folder;
    tc_model *model = NULL;
    test_folder_create(&folder);
    assert_ok(tiny_bert_create(tiny_bert_path(""), "pooling=mean pooler=tanh", NULL, 0, &model));
    assert_int_equal(tc_model_export(model, folder.path, TC_FORMAT_HUGGING_FACE), TC_ERROR_UNSUPPORTED);
    assert_contains(tc_last_error(), "pooling mean with a pooler");
    tc_model_free(model);
    assert_ok(tiny_bert_create(tiny_bert_path(""), "", one, 1, &model));
    assert_int_equal(tc_model_export(model, folder.path, TC_FORMAT_HUGGING_FACE), TC_ERROR_UNSUPPORTED);
    assert_contains(tc_last_error(), "one label");
    assert_int_equal(tc_model_export(model, folder.path, 77), TC_ERROR_ARGUMENT);
    tc_model_free(model);
    test_folder_remove(&folder);
}

static void an_untrained_head_is_known_in_the_librarys_own_file(void **state)
{
    (void)state;
    static const char *const labels[] = {"a", "b"};
    tc_model *model = NULL, *again = NULL;
    tc_trainer *trainer = NULL;
    tc_examples *examples = NULL;
    const size_t row = 0;
    assert_ok(tiny_bert_create(tiny_bert_path(""), "", labels, 2, &model));
    for (int trained = 0; trained < 2; trained++) {
        size_t size = 0, changed = 0;
        uint8_t *bytes = test_model_bytes(model, &size);
        assert_ok(tc_model_load_memory(bytes, size, NULL, &again));
        assert_int_equal(again->untrained_head, !trained);
        tc_model_free(again);
        if (!trained) {
            uint8_t *damaged = test_edit_header(bytes, size, "textclf.untrained_head\":\"true",
                                                "textclf.untrained_head\":\"yes", &changed);
            assert_int_equal(tc_model_load_memory(damaged, changed, NULL, &again), TC_ERROR_FORMAT);
            assert_contains(tc_last_error(), "'textclf.untrained_head'");
            free(damaged);
            tc_config *config = tiny_bert_config("schedule=constant warmup_ratio=0");
            assert_ok(tc_examples_create(model, &examples));
            assert_ok(tc_examples_add_label(examples, "a tiger", 7, 1, 1));
            assert_ok(tc_trainer_create(model, config, &trainer));
            assert_ok(tc_train_step(trainer, examples, &row, 1, NULL));
            tc_trainer_free(trainer);
            tc_examples_free(examples);
            tc_config_free(config);
        }
        free(bytes);
    }
    tc_model_free(model);
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
        tc_status status = tci_pretrained_read(tiny_bert_path(""), &request, &model);
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
        tc_status status = tci_pretrained_read(tiny_bert_path(""), &request, &model);
        bool fails = test_files_state.failed && test_files_state.last != TEST_FILE_CLOSE;
        assert_int_equal(status, fails ? TC_ERROR_IO : TC_OK);
        assert_int_equal(test_files_state.open_files, 0);
        tc_model_free(model);
        if (!test_files_state.failed)
            break;
    }
    assert_ok(tiny_bert_create(tiny_bert_path(""), "pooling=mean", NULL, 0, &whole));
    whole->files = &test_failing_files;
    for (long n = 0;; n++) {
        test_folder_create(&folder);
        test_files_init(TEST_FILE_WRITE, n, ENOSPC);
        tc_status status = tci_pretrained_save(whole, folder.path);
        assert_int_equal(status, test_files_state.failed ? TC_ERROR_IO : TC_OK);
        tiny_bert_remove(&folder);
        if (!test_files_state.failed)
            break;
    }
    tc_model_free(whole);
}

/* One kind of model over another: up to the first file that takes its place, whatever fails, all old ones stay. */
static void a_folder_that_cannot_be_written_whole_stays_as_it_was(void **state)
{
    (void)state;
    static const char *const names[] = {"config.json", "tokenizer.json", "tokenizer_config.json",
                                        "special_tokens_map.json", "model.safetensors"};
    tc_model *old = NULL, *other = NULL;
    test_folder folder;
    long refused = 0;
    assert_ok(tiny_bert_create(tiny_bert_path(""), "", NULL, 0, &old));
    assert_ok(tiny_bert_create(tiny_bert_path(""), "pooling=mean", NULL, 0, &other));
    other->files = &test_failing_files;
    for (long n = 0;; n++) {
        char *before[5];
        size_t sizes[5], size = 0;
        test_folder_create(&folder);
        assert_ok(tci_pretrained_save(old, folder.path));
        for (size_t i = 0; i < 5; i++)
            before[i] = test_read_file(test_folder_file(&folder, names[i]), &sizes[i]);
        test_files_init(TEST_FILE_ANY, n, ENOSPC);
        tc_status status = tci_pretrained_save(other, folder.path);
        assert_int_equal(test_files_state.open_files, 0);
        bool placing = test_files_state.calls[TEST_FILE_RENAME] > 0;
        assert_true(placing || (status == TC_ERROR_IO && test_files_state.failed));
        for (size_t i = 0; i < 5; i++) {
            char *after = test_read_file(test_folder_file(&folder, names[i]), &size);
            if (!placing)
                assert_true(size == sizes[i] && memcmp(before[i], after, size) == 0);
            free(before[i]), free(after);
        }
        if (!placing) {
            refused++;
            (void)rmdir(test_folder_file(&folder, "1_Pooling")); /* it may be there, and nothing in it */
            assert_int_equal(test_folder_count(&folder), 5);
        }
        tiny_bert_remove(&folder);
        if (!test_files_state.failed)
            break;
    }
    assert_true(refused > 40);
    tc_model_free(other);
    tc_model_free(old);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_reads_back_to_the_bit),
        cmocka_unit_test(adapters_are_added_and_written_merged),
        cmocka_unit_test(beside_mapped_weights_adapters_and_head_are_trained),
        cmocka_unit_test(what_the_format_has_no_place_for_is_not_written),
        cmocka_unit_test(an_untrained_head_is_known_in_the_librarys_own_file),
        cmocka_unit_test(each_failed_allocation_and_call_is_a_status),
        cmocka_unit_test(a_folder_that_cannot_be_written_whole_stays_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
