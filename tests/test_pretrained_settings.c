/* labels: quick. pretrained_settings.c: what a Hugging Face folder has no place for is kept in textclf.json beside it
 * and read back; damage is named. */
#include "support/testing.h"

#include <unistd.h>

#include "api/handles.h"
#include "support/tiny_bert.h"

static void a_folder_keeps_what_becomes_of_texts_and_labels(void **state)
{
    (void)state;
    static const double thresholds[] = {0.1, 0.30000000000000004, 1};
    static const char *const settings[] = {"",
                                           "truncate=head",
                                           "max_length=20",
                                           "window_overlap=7",
                                           "strict_utf8=true threshold=0.75",
                                           "task=multilabel",
                                           "task=multilabel pooling=mean truncate=both max_length=9"};
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        test_folder folder;
        tc_model *model = NULL, *again = NULL;
        test_folder_create(&folder);
        assert_ok(tiny_bert_create(tiny_bert_path(""), settings[i], NULL, 0, &model));
        bool tuned = model->options.task == TCI_TASK_MULTILABEL;
        if (tuned)
            assert_ok(tc_model_set_thresholds(model, thresholds, 3));
        if (i == 0)
            tiny_bert_write(&folder, "textclf.json", "{\"options\":{\"max_length\":\"5\"}}"); /* of another model */
        assert_ok(tc_model_export(model, folder.path, TC_FORMAT_HUGGING_FACE));
        assert_int_equal(access(test_folder_file(&folder, "textclf.json"), F_OK) == 0, i > 0);
        assert_ok(tc_model_load(folder.path, &again));
        for (size_t o = 0; o < tci_option_count(); o++) {
            const tci_option_row *row = tci_option_row_at(o);
            if (row->option_class == TCI_CLASS_MODEL && !tci_options_equal(&again->options, &model->options, row))
                fail_msg("%s: option %s", settings[i], row->key);
        }
        assert_int_equal(again->thresholds != NULL, tuned);
        if (tuned)
            assert_memory_equal(again->thresholds, thresholds, sizeof thresholds);
        assert_int_equal(again->untrained_head, model->untrained_head);
        tc_model_free(again);
        tc_model_free(model);
        tiny_bert_remove(&folder);
    }
}

static void thresholds_go_with_their_labels(void **state)
{
    (void)state;
    static const double thresholds[] = {0.1, 0.2, 0.3}, turned[] = {0.3, 0.1, 0.2};
    static const char *const labels[] = {"zoo", "ham", "spam"}, *const others[] = {"a", "b", "c"};
    test_folder folder;
    tc_model *model = NULL, *again = NULL;
    test_folder_create(&folder);
    assert_ok(tiny_bert_create(tiny_bert_path(""), "task=multilabel max_length=30", NULL, 0, &model));
    assert_ok(tc_model_set_thresholds(model, thresholds, 3));
    assert_ok(tc_model_export(model, folder.path, TC_FORMAT_HUGGING_FACE));
    assert_ok(tiny_bert_create(folder.path, "max_length=40", labels, 3, &again));
    assert_memory_equal(again->thresholds, turned, sizeof turned);
    assert_int_equal(again->options.max_length, 40);
    tc_model_free(again);
    assert_ok(tiny_bert_create(folder.path, "", others, 3, &again));
    assert_null(again->thresholds);
    assert_int_equal(again->options.max_length, 30);
    tc_model_free(again);
    tc_model_free(model);
    tiny_bert_remove(&folder);
}

static void damage_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        tc_status status;
        const char *named;
    } cases[] = {
        {"{}", TC_OK, ""},
        {"{\"format_version\":1,\"of_tomorrow\":[{}],\"thresholds\":[0,1,0.5]}", TC_OK, ""},
        {"", TC_ERROR_FORMAT, "textclf.json: "},
        {"[]", TC_ERROR_FORMAT, "textclf.json: "},
        {"{} x", TC_ERROR_FORMAT, "textclf.json: "},
        {"{\"format_version\":2}", TC_ERROR_VERSION, "'format_version' is 2"},
        {"{\"options\":[]}", TC_ERROR_FORMAT, "'options'"},
        {"{\"options\":{\"hidden_dim\":\"16\"}}", TC_ERROR_FORMAT, "'hidden_dim' is not one"},
        {"{\"options\":{\"task\":\"classify\"}}", TC_ERROR_FORMAT, "'task' is not one"},
        {"{\"options\":{\"threads\":\"4\"}}", TC_ERROR_FORMAT, "'threads' is not one"},
        {"{\"options\":{\"max_length\":12}}", TC_ERROR_FORMAT, "max_length"},
        {"{\"options\":{\"max_length\":\"12\\u0000\"}}", TC_ERROR_FORMAT, "'max_length'"},
        {"{\"options\":{\"truncate\":\"middle\"}}", TC_ERROR_FORMAT, "'truncate' does not take 'middle'"},
        {"{\"options\":{\"max_length\":\"49\"}}", TC_ERROR_OPTION, "'max_length' is 49"},
        {"{\"thresholds\":[0.5,1.5,0]}", TC_ERROR_FORMAT, "'thresholds', byte "},
        {"{\"thresholds\":[0.5,true,0]}", TC_ERROR_FORMAT, "'thresholds', byte "},
        {"{\"thresholds\":[0.5,0.5]}", TC_ERROR_FORMAT, "2 thresholds for 3 labels"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        test_folder folder;
        tc_model *model = NULL;
        tiny_bert_copy(&folder);
        tiny_bert_write(&folder, "textclf.json", cases[i].json);
        tc_status status = tc_model_load(folder.path, &model);
        if (status != cases[i].status || (status != TC_OK && !strstr(tc_last_error(), cases[i].named)))
            fail_msg("%s: status %d, '%s'", cases[i].json, (int)status, status ? tc_last_error() : "");
        tc_model_free(model);
        tiny_bert_remove(&folder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_keeps_what_becomes_of_texts_and_labels),
        cmocka_unit_test(thresholds_go_with_their_labels),
        cmocka_unit_test(damage_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
