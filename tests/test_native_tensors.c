/* labels: quick. native_read.c: the numbers in a model file's tensors, one of them wrong at a time, with a right
 * checksum. */
#include "support/testing.h"

#include "serialization/native.h"
#include "support/tiny_model.h"

/* The bytes of one tensor of a file. */
static uint8_t *tensor_in(uint8_t *bytes, size_t size, const char *name)
{
    tci_memory memory;
    tci_safetensors file;
    tci_tensor_view view;
    tci_memory_init(&memory, NULL, 0);
    assert_ok(tci_safetensors_open(&memory, bytes, size, 100, NULL, NULL, &file));
    assert_true(tci_safetensors_find(&file, name, &view));
    uint8_t *data = bytes + (view.data - bytes);
    tci_safetensors_close(&file);
    return data;
}

/* Bytes of a tiny file with `value` written at `offset` of the data of `name`, checksum right. */
static tc_status read_poked(const char *name, size_t offset, const void *value, size_t value_size)
{
    size_t size = 0;
    tc_model *model = test_tiny_model(NULL), *loaded = NULL;
    uint8_t *bytes = test_model_bytes(model, &size);
    memcpy(tensor_in(bytes, size, name) + offset, value, value_size);
    test_reseal(bytes, size);
    tc_status status = test_read(bytes, size, NULL, &loaded);
    tci_model_release(loaded);
    tci_model_release(model);
    free(bytes);
    return status;
}

static void weights_that_are_not_finite_are_refused_by_name(void **state)
{
    (void)state;
    static const uint8_t nan[4] = {1, 0, 0x80, 0x7F}, infinite[4] = {0, 0, 0x80, 0xFF},
                         largest[4] = {255, 255, 0x7F, 0x7F};
    assert_int_equal(read_poked("lstm.weight_hh_l0", 4 * 5, nan, 4), TC_ERROR_NUMERIC);
    assert_contains(tci_error_text(), "tensor 'lstm.weight_hh_l0': element 5 is NaN or infinite");
    assert_int_equal(read_poked("fc.bias", 0, infinite, 4), TC_ERROR_NUMERIC);
    assert_ok(read_poked("fc.bias", 0, largest, 4));
}

static void a_vocabulary_with_damaged_lines_is_refused(void **state)
{
    (void)state;
    assert_int_equal(read_poked("textclf.vocab", 0, "x", 1), TC_ERROR_FORMAT);
    assert_int_equal(read_poked("textclf.vocab", 5, "x", 1), TC_ERROR_FORMAT);  /* one line fewer */
    assert_int_equal(read_poked("textclf.vocab", 7, "\n", 1), TC_ERROR_FORMAT); /* one line more */
    assert_int_equal(read_poked("textclf.vocab", 6, "\xFF", 1), TC_ERROR_FORMAT);
}

static void a_moment_that_is_not_finite_is_refused(void **state)
{
    (void)state;
    static const uint64_t infinite = UINT64_C(0x7FF0000000000000);
    static const tci_tensor_source tensors[] = {
        {.name = "optim.m", .dtype = TCI_DTYPE_F64, .rank = 1, .shape = {1}, .data = &infinite}};
    static const tci_native_extra bad = {tensors, 1, NULL, 0};
    uint8_t bytes[8192];
    size_t size = 0;
    tc_model *model = test_tiny_model(NULL), *loaded = NULL;
    assert_ok(tci_native_save_memory(model, &bad, sizeof bytes, bytes, &size));
    assert_int_equal(test_read(bytes, size, NULL, &loaded), TC_ERROR_NUMERIC);
    assert_contains(tci_error_text(), "'optim.m'");
    tci_model_release(model);
}

static void narrow_weights_are_checked(void **state)
{
    (void)state;
    static const char *const int8[] = {"weights", "int8", NULL}, *const bf16[] = {"weights", "bf16", NULL};
    static const struct {
        const char *tensor;
        size_t at, count; /* bytes of the change */
        uint8_t change[4];
        tc_status status;
        const char *part;
    } cases[] = {
        {"lstm.weight_hh_l0", 3, 1, {0x80}, TC_ERROR_FORMAT, "'lstm.weight_hh_l0': element 3 is -128"},
        {"embedding.weight", 17, 1, {0x80}, TC_ERROR_FORMAT, "'embedding.weight': element 17 is -128"},
        {"textclf.scale.lstm.weight_ih_l0", 4, 4, {0}, TC_ERROR_FORMAT, "'textclf.scale.lstm.weight_ih_l0': element 1"},
        {"textclf.scale.embedding.weight", 7, 1, {0xBF}, TC_ERROR_FORMAT, "element 1 is no scale"},
        {"textclf.scale.embedding.weight", 4, 4, {0, 0, 0xC0, 0x7F}, TC_ERROR_NUMERIC, "element 1 is NaN or infinite"},
        {"textclf.scale.embedding.weight", 20, 4, {0, 0, 0x80, 0x7F}, TC_ERROR_NUMERIC, "element 5 is NaN or infinite"},
        {"textclf.scale.embedding.weight", 0, 4, {0xFF, 0xFF, 0x7F, 0x7F}, TC_ERROR_FORMAT, "127 times it finite"},
        {"textclf.scale.embedding.weight", 0, 4, {0, 0, 0, 0x80}, TC_ERROR_FORMAT, "element 0 is no scale"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t size = 0;
        tc_model *model = test_tiny_model(int8), *loaded = NULL;
        uint8_t *bytes = test_model_bytes(model, &size);
        memcpy(tensor_in(bytes, size, cases[i].tensor) + cases[i].at, cases[i].change, cases[i].count);
        test_reseal(bytes, size);
        assert_int_equal(test_read(bytes, size, NULL, &loaded), cases[i].status);
        assert_null(loaded);
        assert_contains(tci_error_text(), cases[i].part);
        free(bytes);
        tci_model_release(model);
    }
    size_t size = 0;
    tc_model *model = test_tiny_model(bf16), *loaded = NULL;
    uint8_t *bytes = test_model_bytes(model, &size);
    memcpy(tensor_in(bytes, size, "embedding.weight") + 8, "\x80\x7F", 2);
    test_reseal(bytes, size);
    assert_int_equal(test_read(bytes, size, NULL, &loaded), TC_ERROR_NUMERIC);
    assert_contains(tci_error_text(), "'embedding.weight': element 4 is NaN or infinite");
    free(bytes);
    tci_model_release(model);
}

static void weights_are_of_the_type_that_the_option_names(void **state)
{
    (void)state;
    static const char *const types[] = {"f32", "bf16", "int8"}, *const dtypes[] = {"F32", "BF16", "I8"};
    for (size_t i = 0; i < 3; i++) {
        const char *const settings[] = {"weights", types[i], NULL};
        size_t size = 0, edited_size = 0;
        tc_model *model = test_tiny_model(settings), *loaded = NULL;
        uint8_t *bytes = test_model_bytes(model, &size);
        for (size_t k = 0; k < 3; k++) {
            char find[64], replace[64];
            (void)snprintf(find, sizeof find, "option.weights\":\"%s\"", types[i]);
            (void)snprintf(replace, sizeof replace, "option.weights\":\"%s\"", types[k]);
            uint8_t *edited = test_edit_header(bytes, size, find, replace, &edited_size);
            assert_int_equal(test_read(edited, edited_size, NULL, &loaded), k == i ? TC_OK : TC_ERROR_FORMAT);
            if (k != i) {
                assert_contains(tci_error_text(), dtypes[i]);
                assert_contains(tci_error_text(), dtypes[k]);
            }
            tci_model_release(loaded);
            loaded = NULL;
            free(edited);
        }
        free(bytes);
        tci_model_release(model);
    }
}

static void int8_weights_need_their_scales(void **state)
{
    (void)state;
    static const char *const int8[] = {"weights", "int8", NULL};
    size_t size = 0, edited_size = 0;
    tc_model *model = test_tiny_model(int8), *loaded = NULL;
    uint8_t *bytes = test_model_bytes(model, &size);
    uint8_t *edited = test_edit_header(bytes, size, "scale.lstm.weight_hh_l0", "scale.lstm.weight_hx_l0", &edited_size);
    assert_int_equal(test_read(edited, edited_size, NULL, &loaded), TC_ERROR_FORMAT);
    assert_contains(tci_error_text(), "'textclf.scale.lstm.weight_hh_l0' is missing");
    free(edited), free(bytes);
    tci_model_release(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_that_are_not_finite_are_refused_by_name),
        cmocka_unit_test(a_vocabulary_with_damaged_lines_is_refused),
        cmocka_unit_test(a_moment_that_is_not_finite_is_refused),
        cmocka_unit_test(narrow_weights_are_checked),
        cmocka_unit_test(weights_are_of_the_type_that_the_option_names),
        cmocka_unit_test(int8_weights_need_their_scales),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
