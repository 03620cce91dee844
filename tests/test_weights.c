/* labels: quick. weights.c: foreign weights into a model, all or none. */
#include "support/testing.h"

#include "serialization/native.h"
#include "serialization/weights.h"
#include "support/failing.h"
#include "support/tiny_model.h"

#define MOST_TENSORS 10
#define MOST_BYTES 8192

/* The tensors of a tiny model in a foreign file; tests change them before it is written. */
typedef struct foreign {
    tci_tensor_source sources[MOST_TENSORS];
    size_t count;
    uint8_t bytes[MOST_BYTES];
    size_t size;
} foreign;

static double value_of(size_t tensor, size_t element)
{
    return (double)((tensor * 131 + element * 17) % 256) / 64.0 - 2; /* exact in every type */
}

static void put_element(tci_dtype dtype, uint8_t *bytes, double value)
{
    float narrow = (float)value;
    uint32_t bits;
    memcpy(&bits, &narrow, sizeof bits);
    if (dtype == TCI_DTYPE_F64) {
        memcpy(bytes, &value, sizeof value);
    } else if (dtype == TCI_DTYPE_F32) {
        memcpy(bytes, &bits, sizeof bits);
    } else { /* the values are 0 or normal in both 16-bit types */
        uint32_t half = dtype == TCI_DTYPE_BF16 || !(bits & 0x7FFFFFFF) ? bits >> 16
                        : (bits >> 16 & 0x8000) | ((bits & 0x7FFFFFFF) - (112u << 23)) >> 13;
        bytes[0] = (uint8_t)half;
        bytes[1] = (uint8_t)(half >> 8);
    }
}

static void declare_foreign(foreign *file, const tc_model *model, tci_dtype dtype)
{
    const tci_parameters *parameters = &model->network->parameters;
    file->count = parameters->tensor_count;
    for (size_t i = 0; i < file->count; i++)
        file->sources[i] =
            (tci_tensor_source){.name = parameters->tensors[i].name,
                                .dtype = dtype,
                                .rank = parameters->tensors[i].rank,
                                .shape = {parameters->tensors[i].shape[0], parameters->tensors[i].shape[1]}};
}

/* Every element after value_of(), counted by the tensor's place in the file. */
static void write_foreign(foreign *file)
{
    tci_memory memory;
    tci_buffer header;
    tci_memory_init(&memory, NULL, 0);
    tci_buffer_init(&header, &memory, MOST_BYTES, "header");
    assert_ok(tci_safetensors_layout(&memory, NULL, 0, file->sources, file->count, &header));
    memcpy(file->bytes, header.data, header.size);
    file->size = header.size;
    tci_buffer_free(&header);
    for (size_t i = 0; i < file->count; i++) {
        size_t width = tci_dtype_bits(file->sources[i].dtype) / 8;
        for (size_t k = 0; k < file->sources[i].size / width; k++, file->size += width)
            put_element(file->sources[i].dtype, file->bytes + file->size, value_of(i, k));
    }
}

static void weights_of_every_real_type_come_in_by_name(void **state)
{
    (void)state;
    static const tci_dtype dtypes[] = {TCI_DTYPE_F32, TCI_DTYPE_F16, TCI_DTYPE_BF16, TCI_DTYPE_F64};
    static foreign file;
    for (size_t d = 0; d < 4; d++) {
        tc_model *model = test_tiny_model(NULL);
        const tci_parameters *parameters = &model->network->parameters;
        strcpy(model->checksum, "of a file");
        declare_foreign(&file, model, dtypes[d]);
        file.sources[file.count++] =
            (tci_tensor_source){.name = "num_batches", .dtype = TCI_DTYPE_I64, .rank = 1, .shape = {2}};
        write_foreign(&file);
        assert_ok(tci_weights_load(model, file.bytes, file.size));
        for (size_t i = 0; i < file.count; i++) {
            const tci_tensor_info *tensor = tci_parameters_find(parameters, file.sources[i].name);
            for (size_t k = 0; tensor && k < tensor->count; k++)
                assert_true((double)parameters->values[tensor->offset + k] == value_of(i, k));
        }
        assert_string_equal(model->checksum, "");
        tci_model_release(model);
    }
}

static void prediction_uses_the_new_weights(void **state)
{
    (void)state;
    static foreign file;
    size_t size = 0;
    tc_model *model = test_tiny_model(NULL), *loaded = NULL;
    tci_scratch *scratch = NULL, *other = NULL;
    float before[2], after[2], wanted[2];
    assert_ok(tci_scratch_create(model, 1, &scratch));
    assert_ok(tci_model_predict_text(model, scratch, "good film", 9, before));
    declare_foreign(&file, model, TCI_DTYPE_F32);
    write_foreign(&file);
    assert_ok(tci_weights_load(model, file.bytes, file.size));
    assert_ok(tci_model_predict_text(model, scratch, "good film", 9, after));
    assert_memory_not_equal(before, after, sizeof before);
    uint8_t *bytes = test_model_bytes(model, &size);
    assert_ok(test_read(bytes, size, NULL, &loaded));
    assert_ok(tci_scratch_create(loaded, 1, &other));
    assert_ok(tci_model_predict_text(loaded, other, "good film", 9, wanted));
    assert_memory_equal(after, wanted, sizeof wanted);
    free(bytes);
    tci_scratch_free(scratch);
    tci_scratch_free(other);
    tci_model_release(model);
    tci_model_release(loaded);
}

/* Loads the file as it stands; the parameters must be untouched. */
static tc_status load_refused(tc_model *model, const foreign *file)
{
    const tci_parameters *parameters = &model->network->parameters;
    float *old = malloc(parameters->size * sizeof *old);
    assert_non_null(old);
    memcpy(old, parameters->values, parameters->size * sizeof *old);
    tc_status status = tci_weights_load(model, file->bytes, file->size);
    assert_int_not_equal(status, TC_OK);
    assert_memory_equal(old, parameters->values, parameters->size * sizeof *old);
    free(old);
    return status;
}

static void a_missing_or_misshapen_tensor_is_named_with_both_shapes(void **state)
{
    (void)state;
    static foreign file;
    tc_model *model = test_tiny_model(NULL);
    declare_foreign(&file, model, TCI_DTYPE_F32);
    file.sources[2].name = "lstm.weight_hh_l1";
    write_foreign(&file);
    assert_int_equal(load_refused(model, &file), TC_ERROR_MISMATCH);
    assert_contains(tci_error_text(), "lacks the tensor 'lstm.weight_hh_l0' of shape (8, 2)");
    declare_foreign(&file, model, TCI_DTYPE_F32);
    file.sources[6].shape[0] = 3;
    write_foreign(&file);
    assert_int_equal(load_refused(model, &file), TC_ERROR_MISMATCH);
    assert_contains(tci_error_text(), "'fc.bias' has shape (3) in the file and (2) in the model");
    declare_foreign(&file, model, TCI_DTYPE_F32);
    file.sources[6].rank = 2;
    file.sources[6].shape[1] = 1;
    write_foreign(&file);
    assert_int_equal(load_refused(model, &file), TC_ERROR_MISMATCH);
    declare_foreign(&file, model, TCI_DTYPE_F32);
    file.sources[5].dtype = TCI_DTYPE_I32;
    write_foreign(&file);
    assert_int_equal(load_refused(model, &file), TC_ERROR_MISMATCH);
    assert_contains(tci_error_text(), "'fc.weight' has elements of type I32");
    tci_model_release(model);
}

static void a_value_that_is_not_finite_or_too_large_changes_nothing(void **state)
{
    (void)state;
    static foreign file;
    static const double large = 1e39;
    static const uint8_t infinite[] = {0, 0, 0x80, 0x7F};
    tc_model *model = test_tiny_model(NULL);
    declare_foreign(&file, model, TCI_DTYPE_F64);
    write_foreign(&file);
    memcpy(file.bytes + file.size - 8, &large, 8); /* the last element of the last tensor */
    assert_int_equal(load_refused(model, &file), TC_ERROR_NUMERIC);
    assert_contains(tci_error_text(), "'lstm.weight_ih_l0': element 23");
    declare_foreign(&file, model, TCI_DTYPE_F32);
    write_foreign(&file);
    memcpy(file.bytes + file.size - 4, infinite, 4);
    assert_int_equal(load_refused(model, &file), TC_ERROR_NUMERIC);
    tci_model_release(model);
}

static void a_model_file_comes_in_only_with_its_checksum_right(void **state)
{
    (void)state;
    static foreign file;
    tc_model *model = test_tiny_model(NULL), *other = test_tiny_model((const char *const[]){"pooling", "mean", NULL});
    memset(model->network->parameters.values, 0, model->network->parameters.size * sizeof(float));
    assert_ok(tci_native_save_memory(other, NULL, MOST_BYTES, file.bytes, &file.size));
    file.bytes[file.size - 400] ^= 1;
    assert_int_equal(load_refused(model, &file), TC_ERROR_CHECKSUM);
    file.bytes[file.size - 400] ^= 1;
    assert_ok(tci_weights_load(model, file.bytes, file.size));
    assert_memory_equal(model->network->parameters.values, other->network->parameters.values,
                        model->network->parameters.size * sizeof(float));
    tci_model_release(model);
    tci_model_release(other);
}

static void every_failing_allocation_leaves_the_model_as_it_was(void **state)
{
    (void)state;
    static foreign file;
    test_allocator allocator;
    test_allocator_init(&allocator, TEST_NEVER, false);
    tc_allocator host = test_allocator_host(&allocator);
    tc_model *model = NULL;
    assert_ok(test_tiny_create(&host, NULL, NULL, &model));
    declare_foreign(&file, model, TCI_DTYPE_F16);
    write_foreign(&file);
    for (long n = 0;; n++) {
        long live = allocator.live_blocks;
        allocator.calls = 0;
        allocator.failed = false;
        allocator.fail_at = n;
        if (tci_weights_load(model, file.bytes, file.size) == TC_OK)
            break;
        allocator.fail_at = TEST_NEVER;
        assert_true(allocator.failed);
        assert_int_equal(allocator.live_blocks, live);
        assert_ok(test_predict_20(model));
    }
    assert_false(allocator.failed);
    tci_model_release(model);
    assert_nothing_held(&allocator);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_of_every_real_type_come_in_by_name),
        cmocka_unit_test(prediction_uses_the_new_weights),
        cmocka_unit_test(a_missing_or_misshapen_tensor_is_named_with_both_shapes),
        cmocka_unit_test(a_value_that_is_not_finite_or_too_large_changes_nothing),
        cmocka_unit_test(a_model_file_comes_in_only_with_its_checksum_right),
        cmocka_unit_test(every_failing_allocation_leaves_the_model_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
