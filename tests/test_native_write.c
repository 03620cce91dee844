/* labels: quick. native_write.c: the model file byte by byte, there and back, and with failing resources. */
#include "support/testing.h"

#include <errno.h>

#include "serialization/native.h"
#include "support/failing.h"
#include "support/failing_files.h"
#include "support/tiny_model.h"

static void a_file_read_and_written_again_is_the_same_bytes(void **state)
{
    (void)state;
    static const char *const settings[][9] = {
        {NULL},
        {"num_layers", "12", "bidirectional", "true", "pooling", "max", "task", "multilabel", NULL},
        {"learning_rate", "0.1", "class_weights", "no=2,yes \"\xE5\xA5\xBD\"=0.5", "seed", "9007199254740992", NULL},
    };
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        size_t size = 0, again = 0;
        tc_model *model = test_tiny_model(settings[i]), *loaded = NULL;
        uint8_t *bytes = test_model_bytes(model, &size);
        assert_ok(test_read(bytes, size, NULL, &loaded));
        uint8_t *second = test_model_bytes(loaded, &again);
        assert_int_equal(size, again);
        assert_memory_equal(bytes, second, size);
        assert_memory_equal(loaded->checksum, bytes + TCI_CHECKSUM_AT, TCI_CHECKSUM_DIGITS);
        assert_int_equal(loaded->label_count, 2);
        assert_string_equal(loaded->labels[1], "yes \"\xE5\xA5\xBD\"");
        for (size_t k = 0; k < tci_option_count(); k++) {
            if (tci_option_row_at(k)->option_class != TCI_CLASS_RUN)
                assert_true(tci_options_equal(&loaded->options, &model->options, tci_option_row_at(k)));
        }
        assert_ok(test_predict_20(loaded));
        tci_model_release(model);
        tci_model_release(loaded);
        free(bytes);
        free(second);
    }
}

static void a_loaded_model_predicts_the_same_bits(void **state)
{
    (void)state;
    size_t size = 0;
    tc_model *model = test_tiny_model(NULL), *loaded = NULL;
    uint8_t *bytes = test_model_bytes(model, &size);
    assert_ok(test_read(bytes, size, NULL, &loaded));
    free(bytes); /* nothing of them is needed any more */
    tci_scratch *scratch = NULL, *other = NULL;
    float a[2], b[2];
    assert_ok(tci_scratch_create(model, 1, &scratch));
    assert_ok(tci_scratch_create(loaded, 1, &other));
    assert_ok(tci_model_predict_text(model, scratch, "the good film", 13, a));
    assert_ok(tci_model_predict_text(loaded, other, "the good film", 13, b));
    assert_memory_equal(a, b, sizeof a);
    tci_scratch_free(scratch);
    tci_scratch_free(other);
    tci_model_release(model);
    tci_model_release(loaded);
}

/* The layout as docs/file-format.md gives it, written out. Weights are 0, so that no random number stands in it. */
static void the_layout_is_the_one_written_down(void **state)
{
    (void)state;
    size_t size = 0;
    tc_model *model = test_tiny_model(NULL);
    memset(model->network->parameters.values, 0, model->network->parameters.size * sizeof(float));
    strcpy(model->unicode_version, "15.0.0");
    uint8_t *bytes = test_model_bytes(model, &size);
    size_t golden_size = 0;
    char path[512];
    snprintf(path, sizeof path, "%s/golden/native.header", test_source_dir());
    char *golden = test_read_file(path, &golden_size);
    static const char vocabulary[] = "<unk>\nthe\ngood\nbad\n\xE5\xA5\xBD\nfilm\n";
    size_t header = (size_t)tci_load_u64(bytes), text = 8 + golden_size - 1; /* the golden file ends with a line end */
    assert_int_equal((8 + header) % 64, 0);
    assert_true(8 + header - text < 64);
    assert_int_equal(size, 8 + header + (18 + 24 + 16 + 8 + 8 + 4 + 2) * 4 + sizeof vocabulary - 1);
    assert_memory_equal(bytes + 8, golden, golden_size - 1);
    for (size_t i = text; i < 8 + header; i++)
        assert_int_equal(bytes[i], ' ');
    for (size_t i = 8 + header; i < size - (sizeof vocabulary - 1); i++)
        assert_int_equal(bytes[i], 0);
    assert_memory_equal(bytes + size - (sizeof vocabulary - 1), vocabulary, sizeof vocabulary - 1);
    free(golden);
    free(bytes);
    tci_model_release(model);
}

static void the_mark_is_46_bytes_and_the_digits_stand_at_54(void **state)
{
    (void)state;
    size_t size = 0;
    tc_model *model = test_tiny_model(NULL);
    uint8_t *bytes = test_model_bytes(model, &size);
    assert_memory_equal(bytes + 8, "{\"__metadata__\":{\"textclf.checksum\":\"xxh3-128:", 46);
    for (size_t i = 54; i < 86; i++)
        assert_true((bytes[i] >= '0' && bytes[i] <= '9') || (bytes[i] >= 'a' && bytes[i] <= 'f'));
    assert_int_equal(bytes[86], '"');
    assert_true(tci_checksum_marked(bytes, size));
    assert_false(tci_checksum_marked(bytes, 86));
    free(bytes);
    tci_model_release(model);
}

static void options_of_the_run_are_the_callers_and_not_stored(void **state)
{
    (void)state;
    size_t size = 0, again = 0;
    tc_model *model = test_tiny_model((const char *const[]){"threads", "7", "max_isa", "scalar", NULL}), *loaded = NULL;
    tc_model *other = test_tiny_model(NULL);
    uint8_t *bytes = test_model_bytes(model, &size), *same = test_model_bytes(other, &again);
    assert_int_equal(size, again);
    assert_memory_equal(bytes, same, size);
    tci_options run;
    tci_options_default(&run);
    assert_ok(tci_options_set(&run, "threads", "3"));
    assert_ok(tci_options_set(&run, "hidden_dim", "99"));
    assert_ok(tci_native_read(bytes, size, &run, NULL, NULL, &loaded, NULL));
    assert_int_equal(loaded->options.threads, 3);
    assert_int_equal(loaded->options.hidden_dim, 2);
    free(bytes);
    free(same);
    tci_model_release(model);
    tci_model_release(other);
    tci_model_release(loaded);
}

static void a_buffer_one_byte_too_small_is_left_alone(void **state)
{
    (void)state;
    size_t size = 0;
    tc_model *model = test_tiny_model(NULL);
    assert_int_equal(tci_native_save_memory(model, NULL, 0, NULL, &size), TC_ERROR_CAPACITY);
    char *buffer = calloc(1, size - 1);
    assert_int_equal(tci_native_save_memory(model, NULL, size - 1, buffer, &size), TC_ERROR_CAPACITY);
    assert_int_equal(buffer[0], 0);
    free(buffer);
    tci_model_release(model);
}

static void a_mapped_model_is_written_from_its_map(void **state)
{
    (void)state;
    test_folder folder;
    test_folder_create(&folder);
    const char *path = test_folder_file(&folder, "model");
    size_t size = 0, map_size = 0, again = 0;
    tc_model *model = test_tiny_model(NULL), *loaded = NULL;
    uint8_t *bytes = test_model_bytes(model, &size);
    const uint8_t *map = NULL;
    tci_options run;
    tci_options_default(&run);
    test_write_file(path, bytes, size);
    assert_ok(tci_file_map(path, 0, &map, &map_size));
    assert_ok(tci_native_read_in_place(map, map_size, &run, NULL, NULL, true, &loaded));
    assert_null(loaded->network->parameters.values);
    assert_ok(tci_model_keep_file(loaded, (tci_model_file){.map = map, .size = map_size}));
    uint8_t *second = test_model_bytes(loaded, &again);
    assert_int_equal(size, again);
    assert_memory_equal(bytes, second, size);
    free(bytes);
    free(second);
    tci_model_release(loaded);
    tci_model_release(model);
    test_folder_remove(&folder);
}

/* ---- checkpoints ---- */

static const double moments[3] = {1.5, -2, 3};
static const uint64_t counts[2] = {7, 8};
static const uint8_t order[5] = {4, 3, 2, 1, 0};
static const tci_tensor_source extra_tensors[] = {
    {.name = "optim.m", .dtype = TCI_DTYPE_F64, .rank = 1, .shape = {3}, .data = moments},
    {.name = "textclf.order", .dtype = TCI_DTYPE_U8, .rank = 1, .shape = {5}, .data = order},
    {.name = "optim.empty", .dtype = TCI_DTYPE_F32, .rank = 2, .shape = {0, 4}},
    {.name = "textclf.counts", .dtype = TCI_DTYPE_U64, .rank = 1, .shape = {2}, .data = counts}};
static const tci_metadata_pair extra_pairs[] = {{"textclf.trainer.step", "12"}, {"textclf.batcher", "a b"}};
static const tci_native_extra extra = {extra_tensors, 4, extra_pairs, 2};

static void a_checkpoint_brings_its_tensors_and_pairs_back(void **state)
{
    (void)state;
    size_t size = 0, plain_size = 0;
    tc_model *model = test_tiny_model(NULL), *loaded = NULL, *plain = NULL;
    tci_options run;
    tci_native_contents contents;
    tci_tensor_view view;
    tci_options_default(&run);
    assert_int_equal(tci_native_save_memory(model, &extra, 0, NULL, &size), TC_ERROR_CAPACITY);
    uint8_t *bytes = malloc(size), *plain_bytes = test_model_bytes(model, &plain_size);
    assert_ok(tci_native_save_memory(model, &extra, size, bytes, &size));
    assert_ok(tci_native_read(bytes, size, &run, NULL, NULL, &loaded, &contents));
    assert_string_equal(tci_native_contents_find(&contents, "textclf.trainer.step"), "12");
    assert_string_equal(tci_native_contents_find(&contents, "textclf.batcher"), "a b");
    assert_null(tci_native_contents_find(&contents, "textclf.labels"));
    assert_null(tci_native_contents_find(&contents, "12"));
    assert_true(tci_safetensors_find(&contents.tensors, "optim.m", &view));
    assert_memory_equal(view.data, moments, sizeof moments);
    assert_true(tci_safetensors_find(&contents.tensors, "textclf.order", &view));
    assert_memory_equal(view.data, order, sizeof order);
    assert_true(tci_safetensors_find(&contents.tensors, "textclf.counts", &view));
    assert_memory_equal(view.data, counts, sizeof counts);
    assert_true(tci_safetensors_find(&contents.tensors, "optim.empty", &view));
    assert_int_equal(view.shape[1], 4);
    tci_native_contents_close(&contents);
    /* Read as a model it is the model. */
    assert_ok(test_read(bytes, size, NULL, &plain));
    free(bytes);
    bytes = test_model_bytes(plain, &size);
    assert_int_equal(size, plain_size);
    assert_memory_equal(bytes, plain_bytes, size);
    free(bytes);
    free(plain_bytes);
    tci_model_release(model);
    tci_model_release(loaded);
    tci_model_release(plain);
}

static void nothing_may_stand_behind_the_vocabulary(void **state)
{
    (void)state;
    static const tci_tensor_source tensors[] = {
        {.name = "textclf.w", .dtype = TCI_DTYPE_U8, .rank = 1, .shape = {5}, .data = order}};
    static const tci_native_extra bad = {tensors, 1, NULL, 0};
    size_t size = 0;
    tc_model *model = test_tiny_model(NULL);
    assert_int_equal(tci_native_save_memory(model, &bad, 0, NULL, &size), TC_ERROR_INTERNAL);
    tci_model_release(model);
}

/* ---- failing resources ---- */

static void reading_survives_every_failing_allocation(void **state)
{
    (void)state;
    size_t size = 0;
    uint8_t bytes[8192];
    tc_model *model = test_tiny_model(NULL);
    assert_ok(tci_native_save_memory(model, &extra, sizeof bytes, bytes, &size));
    for (long n = 0;; n++) {
        test_allocator allocator;
        test_allocator_init(&allocator, n, false);
        tc_allocator host = test_allocator_host(&allocator);
        tc_model *loaded = NULL;
        tci_options run;
        tci_native_contents contents;
        tci_options_default(&run);
        tc_status status = tci_native_read(bytes, size, &run, &host, NULL, &loaded, &contents);
        assert_int_equal(status, allocator.failed ? TC_ERROR_MEMORY : TC_OK);
        assert_int_equal(loaded != NULL, status == TC_OK);
        if (status == TC_OK)
            tci_native_contents_close(&contents);
        tci_model_release(loaded);
        assert_nothing_held(&allocator);
        if (!allocator.failed)
            break;
    }
    tci_model_release(model);
}

static void saving_survives_every_failing_allocation(void **state)
{
    (void)state;
    test_allocator allocator;
    test_allocator_init(&allocator, TEST_NEVER, false);
    tc_allocator host = test_allocator_host(&allocator);
    tc_model *model = NULL;
    assert_ok(test_tiny_create(&host, NULL, NULL, &model));
    long live = allocator.live_blocks;
    uint8_t bytes[8192];
    for (long n = 0;; n++) {
        size_t size = 0;
        allocator.calls = 0;
        allocator.failed = false;
        allocator.fail_at = n;
        tc_status status = tci_native_save_memory(model, &extra, sizeof bytes, bytes, &size);
        assert_int_equal(status, allocator.failed ? TC_ERROR_MEMORY : TC_OK);
        assert_int_equal(allocator.live_blocks, live);
        if (!allocator.failed)
            break;
    }
    allocator.fail_at = TEST_NEVER;
    tci_model_release(model);
    assert_nothing_held(&allocator);
}

static void a_failing_save_leaves_the_old_file_and_nothing_else(void **state)
{
    (void)state;
    test_folder folder;
    test_folder_create(&folder);
    const char *path = test_folder_file(&folder, "model.safetensors");
    tc_model *model = NULL, *loaded = NULL;
    assert_ok(test_tiny_create(NULL, &test_failing_files, NULL, &model));
    for (long n = 0;; n++) {
        test_write_file(path, "old", 3);
        test_files_init(TEST_FILE_ANY, n, ENOSPC);
        tc_status status = tci_native_save(model, NULL, path);
        assert_int_equal(test_files_state.open_files, 0);
        assert_int_equal(test_folder_count(&folder), 1);
        size_t size = 0;
        char *bytes = test_read_file(path, &size);
        if (status != TC_OK && size != 3) { /* failing after the rename: the new file is whole */
            assert_int_equal(status, TC_ERROR_IO);
            assert_ok(test_read((const uint8_t *)bytes, size, NULL, &loaded));
            tci_model_release(loaded);
        } else if (status != TC_OK) {
            assert_int_equal(status, TC_ERROR_IO);
            assert_memory_equal(bytes, "old", 3);
        } else {
            assert_ok(test_read((const uint8_t *)bytes, size, NULL, &loaded));
            tci_model_release(loaded);
        }
        free(bytes);
        if (!test_files_state.failed)
            break;
    }
    tci_model_release(model);
    test_folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_read_and_written_again_is_the_same_bytes),
        cmocka_unit_test(a_loaded_model_predicts_the_same_bits),
        cmocka_unit_test(the_layout_is_the_one_written_down),
        cmocka_unit_test(the_mark_is_46_bytes_and_the_digits_stand_at_54),
        cmocka_unit_test(options_of_the_run_are_the_callers_and_not_stored),
        cmocka_unit_test(a_buffer_one_byte_too_small_is_left_alone),
        cmocka_unit_test(a_mapped_model_is_written_from_its_map),
        cmocka_unit_test(a_checkpoint_brings_its_tensors_and_pairs_back),
        cmocka_unit_test(nothing_may_stand_behind_the_vocabulary),
        cmocka_unit_test(reading_survives_every_failing_allocation),
        cmocka_unit_test(saving_survives_every_failing_allocation),
        cmocka_unit_test(a_failing_save_leaves_the_old_file_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
