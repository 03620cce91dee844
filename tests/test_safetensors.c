/* labels: quick. safetensors.c: headers that are accepted, and every way to be refused. */
#include "support/testing.h"

#include "serialization/safetensors.h"
#include "support/failing.h"

/* A file of this header and `data_size` bytes of data (0, 1, 2, ...); the block is exactly as large. */
static uint8_t *make_file(const char *header, size_t data_size, size_t *size)
{
    size_t length = strlen(header);
    *size = 8 + length + data_size;
    uint8_t *bytes = malloc(*size);
    assert_non_null(bytes);
    tci_store_u64(bytes, length);
    memcpy(bytes + 8, header, length);
    for (size_t i = 0; i < data_size; i++)
        bytes[8 + length + i] = (uint8_t)i;
    return bytes;
}

static tc_status open_header(const char *header, size_t data_size)
{
    test_allocator allocator;
    test_allocator_init(&allocator, TEST_NEVER, false);
    tc_allocator host = test_allocator_host(&allocator);
    tci_memory memory;
    tci_safetensors file;
    size_t size = 0;
    uint8_t *bytes = make_file(header, data_size, &size);
    tci_memory_init(&memory, &host, 0);
    tc_status status = tci_safetensors_open(&memory, bytes, size, 3, NULL, NULL, &file);
    tci_safetensors_close(&file);
    assert_nothing_held(&allocator);
    free(bytes);
    return status;
}

#define assert_refused(header, data_size, wanted, part)              \
    do {                                                             \
        assert_int_equal(open_header((header), (data_size)), (wanted)); \
        assert_contains(tci_error_text(), (part));                   \
    } while (0)

static void tensors_are_found_with_dtype_shape_and_bytes(void **state)
{
    (void)state;
    size_t size = 0;
    uint8_t *bytes = make_file("{\"b\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[6,14]},"
                               " \"a\\u00e9\" : {\"data_offsets\":[0,6],\"shape\":[3,1,1],\"dtype\":\"BF16\"},"
                               "\"e\":{\"dtype\":\"F32\",\"shape\":[2,0],\"data_offsets\":[6,6]}}   ", 14, &size);
    tci_memory memory;
    tci_safetensors file;
    tci_tensor_view view;
    tci_memory_init(&memory, NULL, 0);
    assert_ok(tci_safetensors_open(&memory, bytes, size, 3, NULL, NULL, &file));
    assert_int_equal(file.count, 3);
    assert_true(tci_safetensors_find(&file, "a\xC3\xA9", &view));
    assert_string_equal(tci_dtype_name(view.dtype), "BF16");
    assert_int_equal(view.rank, 3);
    assert_int_equal(view.shape[0], 3);
    assert_int_equal(view.shape[2], 1);
    assert_int_equal(view.size, 6);
    assert_int_equal(view.data[0], 0);
    assert_true(tci_safetensors_find(&file, "b", &view));
    assert_int_equal(view.rank, 0);
    assert_int_equal(view.size, 8);
    assert_int_equal(view.data[0], 6);
    assert_true(tci_safetensors_find(&file, "e", &view));
    assert_int_equal(view.size, 0);
    assert_false(tci_safetensors_find(&file, "c", &view));
    view = tci_safetensors_at(&file, 0);
    assert_int_equal(view.name_length, 1);
    assert_memory_equal(view.name, "b", 1);
    tci_safetensors_close(&file);
    free(bytes);
}

static void a_file_of_no_tensors_is_a_file(void **state)
{
    (void)state;
    assert_ok(open_header("{}", 0));
    assert_ok(open_header("{\"__metadata__\":{}}", 0));
    assert_refused("{}", 1, TC_ERROR_FORMAT, "end at byte 0 of the data, which has 1 bytes");
}

static void a_file_of_scalars_alone_has_no_dimensions(void **state)
{
    (void)state;
    assert_ok(open_header("{\"\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}}", 1));
    assert_int_equal(open_header("{\"\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,2]}}", 2), TC_ERROR_FORMAT);
    assert_contains(tci_error_text(), "shape ()");
}

static void sub_byte_types_fill_whole_bytes(void **state)
{
    (void)state;
    assert_ok(open_header("{\"a\":{\"dtype\":\"F4\",\"shape\":[6],\"data_offsets\":[0,3]}}", 3));
    assert_refused("{\"a\":{\"dtype\":\"F4\",\"shape\":[7],\"data_offsets\":[0,3]}}", 3, TC_ERROR_FORMAT,
                   "do not fill");
}

static tc_status collect(void *context, const char *key, size_t key_length, const char *value, size_t value_length)
{
    char *text = context;
    if (key_length == 4 && memcmp(key, "stop", 4) == 0)
        return tci_fail(TC_ERROR_STATE, "stopped");
    snprintf(text + strlen(text), 100, "%s(%zu)=%s(%zu);", key, key_length, value, value_length);
    return TC_OK;
}

static void metadata_comes_in_order_and_may_end_the_reading(void **state)
{
    (void)state;
    tci_memory memory;
    tci_safetensors file;
    char text[400] = "";
    size_t size = 0;
    tci_memory_init(&memory, NULL, 0);
    uint8_t *bytes = make_file("{\"__metadata__\":{\"z\":\"1\\n\",\"\":\"\",\"a\":\"x\\u0000y\"}}", 0, &size);
    assert_ok(tci_safetensors_open(&memory, bytes, size, 3, collect, text, &file));
    assert_string_equal(text, "z(1)=1\n(2);(0)=(0);a(1)=x(3);");
    tci_safetensors_close(&file);
    free(bytes);
    bytes = make_file("{\"__metadata__\":{\"stop\":\"1\"}}", 0, &size);
    assert_int_equal(tci_safetensors_open(&memory, bytes, size, 3, collect, text, &file), TC_ERROR_STATE);
    free(bytes);
    assert_int_equal(atomic_load(&memory.used), 0);
}

static void a_header_length_outside_the_file_is_refused(void **state)
{
    (void)state;
    tci_memory memory;
    tci_safetensors file;
    uint8_t bytes[24] = {0};
    tci_memory_init(&memory, NULL, 0);
    memcpy(bytes + 8, "{}              ", 16);
    static const uint64_t lengths[] = {0, 17, 100000001, UINT64_MAX, UINT64_MAX - 7};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        tci_store_u64(bytes, lengths[i]);
        assert_int_equal(tci_safetensors_open(&memory, bytes, 24, 3, NULL, NULL, &file), TC_ERROR_FORMAT);
        assert_contains(tci_error_text(), "not a safetensors file");
    }
    for (size_t size = 0; size < 8; size++)
        assert_int_equal(tci_safetensors_open(&memory, bytes, size, 3, NULL, NULL, &file), TC_ERROR_FORMAT);
    tci_store_u64(bytes, 16);
    assert_ok(tci_safetensors_open(&memory, bytes, 24, 3, NULL, NULL, &file));
    tci_safetensors_close(&file);
    memcpy(bytes + 8, " {}", 3);
    assert_int_equal(tci_safetensors_open(&memory, bytes, 24, 3, NULL, NULL, &file), TC_ERROR_FORMAT);
    assert_contains(tci_error_text(), "does not begin with '{'");
}

static void json_that_is_none_is_refused_with_its_byte(void **state)
{
    (void)state;
    assert_refused("{\"a\"}", 0, TC_ERROR_FORMAT, "byte 4");
    assert_refused("{} x", 0, TC_ERROR_FORMAT, "byte 3");
    assert_refused("{\"a\":1}", 0, TC_ERROR_FORMAT, "byte 5");
    assert_refused("{\"__metadata__\":[]}", 0, TC_ERROR_FORMAT, "byte 16");
    assert_refused("{\"__metadata__\":{\"a\":1}}", 0, TC_ERROR_FORMAT, "byte 21");
}

static void a_repeated_key_is_refused_at_every_level(void **state)
{
    (void)state;
    const char *const headers[] = {
        "{\"__metadata__\":{},\"__metadata__\":{}}", "{\"__metadata__\":{\"a\":\"1\",\"\\u0061\":\"1\"}}",
        ("{\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},\"a\":{\"dtype\":\"U8\",\"shape\":[0],"
         "\"data_offsets\":[0,0]}}"),
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"shape\":[0],\"data_offsets\":[0,0]}}"};
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        assert_refused(headers[i], 0, TC_ERROR_FORMAT, "twice");
}

static void a_tensor_has_its_three_members_and_no_other(void **state)
{
    (void)state;
    assert_refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[0]}}", 0, TC_ERROR_FORMAT, "lacks its data_offsets");
    assert_refused("{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,0]}}", 0, TC_ERROR_FORMAT, "lacks its shape");
    assert_refused("{\"a\":{\"shape\":[0],\"data_offsets\":[0,0]}}", 0, TC_ERROR_FORMAT, "tensor 'a'");
    assert_refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0],\"x\":0}}", 0, TC_ERROR_FORMAT,
                   "'x' is not known");
}

static void a_wrong_member_is_refused(void **state)
{
    (void)state;
    const char *const members[] = {"\"dtype\":\"F8\",\"shape\":[0],\"data_offsets\":[0,0]",
                                   "\"dtype\":\"U8\",\"shape\":[-1],\"data_offsets\":[0,0]",
                                   "\"dtype\":\"U8\",\"shape\":[0.5],\"data_offsets\":[0,0]",
                                   "\"dtype\":\"U8\",\"shape\":[1e0],\"data_offsets\":[0,1]",
                                   "\"dtype\":\"U8\",\"shape\":[\"0\"],\"data_offsets\":[0,0]",
                                   "\"dtype\":\"U8\",\"shape\":0,\"data_offsets\":[0,0]",
                                   "\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0]",
                                   "\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0,0]",
                                   "\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,-1]",
                                   "\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":null",
                                   "\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[1,0]",
                                   "\"dtype\":\"U8\",\"shape\":[9],\"data_offsets\":[0,9]",
                                   "\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,1]",
                                   "\"dtype\":\"U8\",\"shape\":[18446744073709551616],\"data_offsets\":[0,0]",
                                   "\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,18446744073709551615]",
                                   "\"dtype\":\"U8\",\"shape\":[7],\"data_offsets\":[0,8]",
                                   "\"dtype\":\"U16\",\"shape\":[8],\"data_offsets\":[0,8]"};
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        char header[200];
        snprintf(header, sizeof header, "{\"a\":{%s}}", members[i]);
        assert_refused(header, 8, TC_ERROR_FORMAT, "tensor 'a'");
    }
    assert_refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[1,0]}}", 8, TC_ERROR_FORMAT,
                   "1 to 0 do not lie within");
}

static void products_that_overflow_are_refused(void **state)
{
    (void)state;
    /* 2^32 · 2^32 elements would be 0 in 64 bits; 2^61 elements of 8 bytes likewise. */
    assert_refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", 0,
                   TC_ERROR_FORMAT, "do not fill");
    assert_refused("{\"a\":{\"dtype\":\"F64\",\"shape\":[2305843009213693952],\"data_offsets\":[0,0]}}", 0,
                   TC_ERROR_FORMAT, "do not fill");
    assert_refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[2305843009213693952],\"data_offsets\":[0,0]}}", 0,
                   TC_ERROR_FORMAT, "do not fill");
}

static void overlaps_and_holes_are_refused(void **state)
{
    (void)state;
    char header[300];
    static const struct {
        int begin, end, second_begin, second_end;
        const char *part;
    } cases[] = {{0, 4, 3, 8, "but the one before it ends at byte 4"}, {0, 3, 4, 8, "hole from byte 3"},
                 {1, 4, 4, 8, "hole from byte 0"},                     {0, 4, 4, 7, "end at byte 7"},
                 {0, 8, 0, 8, "ends at byte 8"},                       {0, 8, 4, 4, "ends at byte 8"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(header, sizeof header,
                 "{\"a\":{\"dtype\":\"U8\",\"shape\":[%d],\"data_offsets\":[%d,%d]},"
                 "\"b\":{\"dtype\":\"I8\",\"shape\":[%d],\"data_offsets\":[%d,%d]}}",
                 cases[i].end - cases[i].begin, cases[i].begin, cases[i].end,
                 cases[i].second_end - cases[i].second_begin, cases[i].second_begin, cases[i].second_end);
        assert_refused(header, 8, TC_ERROR_FORMAT, cases[i].part);
    }
}

static void counts_and_lengths_have_limits(void **state)
{
    (void)state;
    char header[3000] = "{", key[700];
    for (int i = 0; i < 4; i++)
        snprintf(header + strlen(header), 100, "%s\"%d\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}",
                 i ? "," : "", i);
    strcat(header, "}");
    assert_refused(header, 0, TC_ERROR_LIMIT, "max_tensors (3)");
    memset(key, 'k', sizeof key);
    key[512] = '\0';
    snprintf(header, sizeof header, "{\"%s\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", key);
    assert_ok(open_header(header, 0));
    key[512] = 'k';
    key[513] = '\0';
    snprintf(header, sizeof header, "{\"%s\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", key);
    assert_refused(header, 0, TC_ERROR_LIMIT, "513 bytes");
    snprintf(header, sizeof header, "{\"__metadata__\":{\"%s\":\"\"}}", key);
    assert_refused(header, 0, TC_ERROR_LIMIT, "513 bytes");
}

static void names_from_the_file_are_shown_as_one_short_line(void **state)
{
    (void)state;
    char shown[TCI_SHOWN];
    assert_string_equal(tci_show_text("a\n\xFF\x7F\xC3\xA9", 6, shown), "a???\xC3\xA9");
    char text[101];
    memset(text, 'x', 100);
    assert_int_equal(strlen(tci_show_text(text, 64, shown)), 64); /* whole */
    assert_int_equal(strlen(tci_show_text(text, 100, shown)), 67);
    memcpy(text + 63, "\xE5\xA5\xBD", 3); /* does not fit whole */
    assert_int_equal(strlen(tci_show_text(text, 100, shown)), 66);
    char shape[TCI_SHOWN_SHAPE];
    const size_t largest[8] = {SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX};
    assert_string_equal(tci_show_shape(0, NULL, shape), "()");
    assert_int_equal(strlen(tci_show_shape(8, largest, shape)), 8 * 20 + 7 * 2 + 2);
}

static void the_writer_sorts_by_falling_size_then_name_and_aligns_the_data(void **state)
{
    (void)state;
    tci_memory memory;
    tci_buffer header;
    tci_memory_init(&memory, NULL, 0);
    tci_buffer_init(&header, &memory, 4096, "header");
    const tci_metadata_pair pairs[] = {{"k\"", "v\n"}};
    tci_tensor_source sources[] = {{.name = "z", .dtype = TCI_DTYPE_U8, .rank = 1, .shape = {3}},
                                   {.name = "b", .dtype = TCI_DTYPE_F32, .rank = 2, .shape = {2, 3}},
                                   {.name = "a", .dtype = TCI_DTYPE_F32, .rank = 0},
                                   {.name = "y", .dtype = TCI_DTYPE_I64, .rank = 1, .shape = {1}}};
    assert_ok(tci_safetensors_layout(&memory, pairs, 1, sources, 4, &header));
    static const char wanted[] =
        "{\"__metadata__\":{\"k\\\"\":\"v\\n\"},\"y\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]},"
        "\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[8,12]},"
        "\"b\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[12,36]},"
        "\"z\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[36,39]}}";
    assert_int_equal(header.size % 64, 0);
    assert_true(header.size - (8 + sizeof wanted - 1) < 64);
    assert_int_equal(tci_load_u64((const uint8_t *)header.data), header.size - 8);
    assert_memory_equal(header.data + 8, wanted, sizeof wanted - 1);
    for (size_t i = 8 + sizeof wanted - 1; i < header.size; i++)
        assert_int_equal(header.data[i], ' ');
    assert_string_equal(sources[3].name, "z");
    assert_int_equal(sources[2].size, 24);
    tci_buffer_free(&header);
    tci_tensor_source longer = {.name = "a name of another length", .dtype = TCI_DTYPE_U8, .rank = 1, .shape = {3}};
    assert_ok(tci_safetensors_layout(&memory, NULL, 0, &longer, 1, &header));
    assert_int_equal(header.size, 128);
    tci_buffer_free(&header);
    assert_int_equal(atomic_load(&memory.used), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensors_are_found_with_dtype_shape_and_bytes),
        cmocka_unit_test(a_file_of_no_tensors_is_a_file),
        cmocka_unit_test(a_file_of_scalars_alone_has_no_dimensions),
        cmocka_unit_test(sub_byte_types_fill_whole_bytes),
        cmocka_unit_test(metadata_comes_in_order_and_may_end_the_reading),
        cmocka_unit_test(a_header_length_outside_the_file_is_refused),
        cmocka_unit_test(json_that_is_none_is_refused_with_its_byte),
        cmocka_unit_test(a_repeated_key_is_refused_at_every_level),
        cmocka_unit_test(a_tensor_has_its_three_members_and_no_other),
        cmocka_unit_test(a_wrong_member_is_refused),
        cmocka_unit_test(products_that_overflow_are_refused),
        cmocka_unit_test(overlaps_and_holes_are_refused),
        cmocka_unit_test(counts_and_lengths_have_limits),
        cmocka_unit_test(names_from_the_file_are_shown_as_one_short_line),
        cmocka_unit_test(the_writer_sorts_by_falling_size_then_name_and_aligns_the_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
