/* labels: quick. bytes.c: the bounded reader, the growing buffer, UTF-8 sequences. */
#include "support/testing.h"

#include "base/bytes.h"
#include "support/failing.h"

static void integers_are_little_endian(void **state)
{
    (void)state;
    const uint8_t bytes[] = {1, 2, 3, 0xF4, 5, 6, 7, 8, 9, 10, 11, 0xFC};
    tci_reader reader = {bytes, sizeof bytes, 0};
    uint32_t small = 0;
    uint64_t large = 0;
    assert_true(tci_read_u32(&reader, &small));
    assert_int_equal(small, 0xF4030201u);
    assert_true(tci_read_u64(&reader, &large));
    assert_true(large == UINT64_C(0xFC0B0A0908070605));
    assert_int_equal(reader.position, 12);
    uint8_t stored[8];
    tci_store_u64(stored, large);
    assert_memory_equal(stored, bytes + 4, 8);
    assert_true(tci_load_u64(stored) == large);
}

static void a_short_read_leaves_the_position(void **state)
{
    (void)state;
    const uint8_t bytes[7] = {0};
    tci_reader reader = {bytes, 7, 4};
    uint32_t small;
    uint64_t large;
    const uint8_t *piece = NULL;
    assert_false(tci_read_u32(&reader, &small));
    assert_false(tci_read_u64(&reader, &large));
    assert_false(tci_read_bytes(&reader, 4, &piece));
    assert_false(tci_read_bytes(&reader, SIZE_MAX, &piece));
    assert_int_equal(reader.position, 4);
    assert_true(tci_read_bytes(&reader, 3, &piece));
    assert_ptr_equal(piece, bytes + 4);
    assert_true(tci_read_bytes(&reader, 0, &piece));
    assert_false(tci_read_bytes(&reader, 1, &piece));
}

static void a_buffer_appends_bytes_text_and_numbers(void **state)
{
    (void)state;
    tci_memory memory;
    tci_memory_init(&memory, NULL, 0);
    tci_buffer buffer;
    tci_buffer_init(&buffer, &memory, 1 << 20, "output");
    assert_ok(tci_buffer_text(&buffer, "a="));
    assert_ok(tci_buffer_unsigned(&buffer, 0));
    assert_ok(tci_buffer_append(&buffer, ",\0", 2));
    assert_ok(tci_buffer_unsigned(&buffer, UINT64_MAX));
    assert_ok(tci_buffer_append(&buffer, NULL, 0));
    assert_int_equal(buffer.size, 25);
    assert_memory_equal(buffer.data,
                        "a=0,\0"
                        "18446744073709551615",
                        25);
    tci_buffer_free(&buffer);
    assert_null(buffer.data);
    assert_int_equal(atomic_load(&memory.used), 0);
}

static void a_buffer_stops_at_its_ceiling_unchanged(void **state)
{
    (void)state;
    tci_memory memory;
    tci_memory_init(&memory, NULL, 0);
    tci_buffer buffer;
    tci_buffer_init(&buffer, &memory, 5, "output");
    assert_ok(tci_buffer_text(&buffer, "1234"));
    assert_int_equal(tci_buffer_text(&buffer, "56"), TC_ERROR_LIMIT);
    assert_contains(tci_error_text(), "output");
    assert_int_equal(tci_buffer_append(&buffer, "", SIZE_MAX), TC_ERROR_LIMIT);
    assert_int_equal(buffer.size, 4);
    assert_ok(tci_buffer_text(&buffer, "5"));
    assert_memory_equal(buffer.data, "12345", 5);
    assert_int_equal(tci_buffer_text(&buffer, "6"), TC_ERROR_LIMIT);
    tci_buffer_free(&buffer);
}

static void a_buffer_survives_each_failing_allocation(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        test_allocator allocator;
        test_allocator_init(&allocator, n, false);
        tc_allocator host = test_allocator_host(&allocator);
        tci_memory memory;
        tci_memory_init(&memory, &host, 0);
        tci_buffer buffer;
        tci_buffer_init(&buffer, &memory, SIZE_MAX, "output");
        size_t good = 0;
        for (int i = 0; i < 100; i++) {
            size_t before = buffer.size;
            tc_status status = tci_buffer_append(&buffer, "abc", 3);
            assert_int_equal(buffer.size, before + (status == TC_OK ? 3 : 0));
            assert_true(status == TC_OK || status == TC_ERROR_MEMORY);
            good += status == TC_OK;
        }
        for (size_t i = 0; i < good; i++)
            assert_memory_equal(buffer.data + 3 * i, "abc", 3);
        tci_buffer_free(&buffer);
        assert_nothing_held(&allocator);
        if (!allocator.failed)
            break;
    }
}

static void utf8_sequences_are_those_of_the_standard(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size, length;
    } rows[] = {
        {"", 0, 0},
        {"a", 1, 1},
        {"\0", 1, 1},
        {"\x7F", 1, 1},
        {"\x80", 1, 0},
        {"\xC1\xBF", 2, 0},
        {"\xC2\x80", 2, 2},
        {"\xC2", 1, 0},
        {"\xC2\x41", 2, 0},
        {"\xDF\xBF", 2, 2},
        {"\xE0\x9F\xBF", 3, 0},
        {"\xE0\xA0\x80", 3, 3},
        {"\xE0\xA0", 2, 0},
        {"\xED\x9F\xBF", 3, 3},
        {"\xED\xA0\x80", 3, 0},
        {"\xEF\xBF\xBF", 3, 3},
        {"\xE4\xB8\x41", 3, 0},
        {"\xF0\x8F\xBF\xBF", 4, 0},
        {"\xF0\x90\x80\x80", 4, 4},
        {"\xF0\x90\x80", 3, 0},
        {"\xF4\x8F\xBF\xBF", 4, 4},
        {"\xF4\x90\x80\x80", 4, 0},
        {"\xF5\x80\x80\x80", 4, 0},
        {"\xFF", 1, 0},
        {"\xF1\x80\x80\xC0", 4, 0},
        {"\xC2\x80zz", 4, 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(tci_utf8_sequence(rows[i].bytes, rows[i].size), rows[i].length);
    /* Every code point, encoded by the definition. */
    for (uint32_t c = 0x80; c <= 0x110000; c++) {
        uint8_t bytes[4];
        size_t length = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        for (size_t i = length - 1; i > 0; i--)
            bytes[i] = (uint8_t)(0x80 | ((c >> 6 * (length - 1 - i)) & 0x3F));
        bytes[0] = (uint8_t)((0xF00u >> length) | c >> 6 * (length - 1));
        bool scalar = c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF);
        assert_int_equal(tci_utf8_sequence(bytes, length), scalar ? length : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_little_endian),
        cmocka_unit_test(a_short_read_leaves_the_position),
        cmocka_unit_test(a_buffer_appends_bytes_text_and_numbers),
        cmocka_unit_test(a_buffer_stops_at_its_ceiling_unchanged),
        cmocka_unit_test(a_buffer_survives_each_failing_allocation),
        cmocka_unit_test(utf8_sequences_are_those_of_the_standard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
