/* labels: quick. native_info.c: a model's description. */
#include "support/testing.h"

#include "base/json.h"
#include "serialization/native.h"
#include "serialization/native_info.h"
#include "support/failing.h"
#include "support/tiny_model.h"
#include "text/point.h"

/* The description, NUL-terminated. */
static char *describe(const tc_model *model)
{
    tci_memory memory;
    tci_buffer out;
    tci_memory_init(&memory, NULL, 0);
    tci_buffer_init(&out, &memory, SIZE_MAX, "text");
    assert_ok(tci_model_describe(model, &out));
    char *text = calloc(1, out.size + 1);
    memcpy(text, out.data, out.size);
    tci_buffer_free(&out);
    return text;
}

static void it_is_one_json_object_on_one_line(void **state)
{
    (void)state;
    tc_model *model = test_tiny_model(NULL);
    char *text = describe(model);
    tci_memory memory;
    tci_json_reader json;
    tci_json_event event;
    tci_memory_init(&memory, NULL, 0);
    tci_json_init(&json, &memory, text, strlen(text));
    assert_null(strchr(text, '\n'));
    assert_ok(tci_json_next(&json, &event));
    assert_int_equal(event, TCI_JSON_OBJECT_BEGIN);
    assert_ok(tci_json_skip(&json, event));
    assert_ok(tci_json_expect(&json, TCI_JSON_END, "the end"));
    tci_json_free(&json);
    free(text);
    tci_model_release(model);
}

static void it_says_what_the_model_is(void **state)
{
    (void)state;
    size_t size = 0;
    char file_bytes[64];
    tc_model *model = test_tiny_model((const char *const[]){"dropout", "0.25", "threads", "5", NULL});
    char *text = describe(model);
    free(test_model_bytes(model, &size));
    snprintf(file_bytes, sizeof file_bytes, "\"file_bytes\":%zu,", size);
    assert_contains(text,
                    "\"architecture\":\"lstm\",\"task\":\"classify\",\"labels\":[\"no\",\"yes \\\"\xE5\xA5\xBD\\\"\"]");
    assert_contains(text, "\"hidden_dim\":2,");
    assert_contains(text, "\"bidirectional\":false,");
    assert_contains(text, "\"dropout\":0.25,");
    assert_contains(text, "\"class_weights\":\"none\",");
    assert_null(strstr(text, "threads"));
    assert_contains(text, "{\"name\":\"lstm.weight_ih_l0\",\"dtype\":\"F32\",\"shape\":[8,3]}");
    assert_contains(text, "\"parameters\":80,\"vocabulary\":6,");
    assert_contains(text, file_bytes);
    free(text);
    tci_model_release(model);
}

static void the_checksum_is_that_of_the_file_or_null(void **state)
{
    (void)state;
    size_t size = 0;
    char checksum[64];
    tc_model *model = test_tiny_model(NULL), *loaded = NULL;
    char *text = describe(model);
    assert_contains(text, "\"checksum\":null");
    free(text);
    uint8_t *bytes = test_model_bytes(model, &size);
    assert_ok(test_read(bytes, size, NULL, &loaded));
    text = describe(loaded);
    snprintf(checksum, sizeof checksum, "\"checksum\":\"%.32s\"", (const char *)bytes + TCI_CHECKSUM_AT);
    assert_contains(text, checksum);
    free(text);
    free(bytes);
    tci_model_release(model);
    tci_model_release(loaded);
}

static void another_unicode_version_comes_with_a_note(void **state)
{
    (void)state;
    tc_model *model = test_tiny_model(NULL);
    char *text = describe(model);
    assert_contains(text, "\"unicode_note\":null}");
    free(text);
    strcpy(model->unicode_version, "9.0.0");
    text = describe(model);
    assert_contains(
        text, "\"unicode_version\":\"9.0.0\",\"unicode_note\":\"the vocabulary was made with Unicode 9.0.0, this");
    assert_contains(text, tci_unicode_version());
    free(text);
    tci_model_release(model);
}

static void it_survives_every_failing_allocation(void **state)
{
    (void)state;
    test_allocator allocator;
    test_allocator_init(&allocator, TEST_NEVER, false);
    tc_allocator host = test_allocator_host(&allocator);
    tc_model *model = NULL;
    assert_ok(test_tiny_create(&host, NULL, NULL, &model));
    long live = allocator.live_blocks;
    for (long n = 0;; n++) {
        tci_memory memory;
        tci_buffer out;
        tci_memory_init(&memory, &host, 0);
        tci_buffer_init(&out, &memory, SIZE_MAX, "text");
        allocator.calls = 0;
        allocator.failed = false;
        allocator.fail_at = n;
        tc_status status = tci_model_describe(model, &out);
        assert_int_equal(status, allocator.failed ? TC_ERROR_MEMORY : TC_OK);
        tci_buffer_free(&out);
        assert_int_equal(allocator.live_blocks, live);
        if (!allocator.failed)
            break;
    }
    allocator.fail_at = TEST_NEVER;
    tci_model_release(model);
    assert_nothing_held(&allocator);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_one_json_object_on_one_line),
        cmocka_unit_test(it_says_what_the_model_is),
        cmocka_unit_test(the_checksum_is_that_of_the_file_or_null),
        cmocka_unit_test(another_unicode_version_comes_with_a_note),
        cmocka_unit_test(it_survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
