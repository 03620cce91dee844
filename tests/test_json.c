/* labels: quick. json_read.c and json_write.c. */
#include "support/testing.h"

#include <math.h>

#include "base/json.h"
#include "support/failing.h"

/* Reads all of `text` and writes one line of events: { } [ ] k:TEXT s:TEXT n:TEXT t f 0, each with a space behind it.
 * An error ends it; *byte is then where. */
static tc_status trace(const char *text, size_t size, char *out, size_t capacity, size_t *byte)
{
    /* Behind the text no byte may be read: a block of its own, for ASan. */
    char *copy = malloc(size + 1);
    assert_non_null(copy);
    char *data = copy + 1;
    memcpy(data, text, size);
    tci_memory memory;
    tci_memory_init(&memory, NULL, 0);
    tci_json_reader reader;
    tci_json_init(&reader, &memory, data, size);
    size_t at = 0;
    tc_status status;
    for (;;) {
        tci_json_event event;
        status = tci_json_next(&reader, &event);
        if (status != TC_OK || event == TCI_JSON_END)
            break;
        assert_true(at + reader.text.size + 4 < capacity);
        out[at++] = "{}[]ksntf0"[event];
        if (event == TCI_JSON_KEY || event == TCI_JSON_STRING || event == TCI_JSON_NUMBER) {
            assert_int_equal(reader.text.data[reader.text.size], 0);
            out[at++] = ':';
            memcpy(out + at, reader.text.data, reader.text.size);
            at += reader.text.size;
        }
        out[at++] = ' ';
    }
    out[at] = 0;
    if (byte)
        *byte = reader.position;
    if (status != TC_OK) {
        char first[1024];
        snprintf(first, sizeof first, "%s", tci_error_text());
        tci_json_event event;
        assert_int_equal(tci_json_next(&reader, &event), TC_ERROR_FORMAT); /* once failed, always failed */
        assert_int_equal(tci_fail(status, "%s", first), status);
    }
    tci_json_free(&reader);
    assert_int_equal(atomic_load(&memory.used), 0);
    free(copy);
    return status;
}

static void check_good(const char *text, const char *events)
{
    char out[4096];
    assert_ok(trace(text, strlen(text), out, sizeof out, NULL));
    assert_string_equal(out, events);
}

static void check_bad(const char *text, size_t length, size_t byte)
{
    char out[4096], place[32];
    size_t at = 0;
    tc_status status = trace(text, length, out, sizeof out, &at);
    if (status != TC_ERROR_FORMAT || at != byte) {
        print_error("%.*s: status %d at byte %zu, wanted byte %zu: %s\n", (int)length, text, status, at, byte,
                    tci_error_text());
        fail();
    }
    snprintf(place, sizeof place, "byte %zu", byte);
    assert_contains(tci_error_text(), place);
}

static void events_come_in_order(void **state)
{
    (void)state;
    check_good("null", "0 ");
    check_good(" \t\n\r true ", "t ");
    check_good("{}", "{ } ");
    check_good("[ ]", "[ ] ");
    check_good("\"\"", "s: ");
    check_good("{\"a\":1,\"b\":[true,false,null,{\"c\":{}}],\"\":\"x\"}",
               "{ k:a n:1 k:b [ t f 0 { k:c { } } ] k: s:x } ");
    check_good(" { \"a\" : [ 1 , 2 ] } ", "{ k:a [ n:1 n:2 ] } ");
}

static void numbers_follow_the_grammar(void **state)
{
    (void)state;
    check_good("[0,-0,10,-10.25,1e5,1E+05,2.5e-10,0.0,0e0]",
               "[ n:0 n:-0 n:10 n:-10.25 n:1e5 n:1E+05 n:2.5e-10 n:0.0 n:0e0 ] ");
    static const struct {
        const char *text;
        size_t byte;
    } rows[] = {{"[01]", 2},  {"[-]", 2},        {"[+1]", 1},        {"[.5]", 1},   {"[1.]", 3},  {"[1.e5]", 3},
                {"[1e]", 3},  {"[1e+]", 4},      {"[-a]", 2},        {"[0x10]", 2}, {"[1 2]", 3}, {"[NaN]", 1},
                {"[nan]", 2}, {"[Infinity]", 1}, {"[-Infinity]", 2}, {"[1_0]", 2},  {"[--1]", 2}, {"01", 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_bad(rows[i].text, strlen(rows[i].text), rows[i].byte);
}

static void strings_are_unescaped(void **state)
{
    (void)state;
    check_good("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "s:\"\\/\b\f\n\r\t ");
    check_good("\"\\u0041\\u00e9\\u4E2d\\ud83d\\uDE00\"", "s:A\xC3\xA9\xE4\xB8\xAD\xF0\x9F\x98\x80 ");
    check_good("\"caf\xC3\xA9 \xE4\xB8\xAD\xF0\x9F\x98\x80\x7F\"", "s:caf\xC3\xA9 \xE4\xB8\xAD\xF0\x9F\x98\x80\x7F ");
    check_good("\"\\uD7FF\\uE000\\uffff\\uDBFF\\uDFFF\"", "s:\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF\xF4\x8F\xBF\xBF ");
    char out[64];
    assert_ok(trace("\"a\\u0000b\"", 10, out, sizeof out, NULL));
    assert_memory_equal(out, "s:a\0b ", 7);
}

static void bad_strings_are_refused_at_their_byte(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t byte;
    } rows[] = {{"[\"\\x\"]", 3},
                {"[\"\\u12g4\"]", 6},
                {"[\"\\u\"]", 4},
                {"[\"\\U0041\"]", 3},
                {"[\"\\'\"]", 3},
                {"[\"\\ud800\"]", 8},
                {"[\"\\ud800x\"]", 8},
                {"[\"\\ud800\\n\"]", 9},
                {"[\"\\ud800\\u0041\"]", 8},
                {"[\"\\ud800\\ud800\"]", 8},
                {"[\"\\udc00\"]", 2},
                {"[\"a\\udfffb\"]", 3},
                {"[\"a\nb\"]", 3},
                {"[\"a\x01\"]", 3},
                {"[\"\x80\"]", 2},
                {"[\"a\xC0\x80\"]", 3},
                {"[\"\xED\xA0\x80\"]", 2},
                {"[\"\xF5\x80\x80\x80\"]", 2},
                {"[\"\xE4\xB8\"]", 2},
                {"[\"\xFF", 2},
                {"[\"\xC3", 3},
                {"[\"\xE0\x80", 2},
                {"[\"\xE0\xA0", 4},
                {"['a']", 1},
                {"{\"\\ud800\":1}", 8}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_bad(rows[i].text, strlen(rows[i].text), rows[i].byte);
    check_bad("[\"a\0b\"]", 7, 3);
    check_bad("[\"\\\0\"]", 6, 3);
}

static void bad_structure_is_refused_at_its_byte(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t byte;
    } rows[] = {{"", 0},
                {"  ", 2},
                {"]", 0},
                {"}", 0},
                {"[1,]", 3},
                {"[,1]", 1},
                {"{\"a\":1,}", 7},
                {"{,}", 1},
                {"{1:2}", 1},
                {"{\"a\"}", 4},
                {"{\"a\" 1}", 5},
                {"{\"a\":}", 5},
                {"{\"a\":1 \"b\":2}", 7},
                {"[1}", 2},
                {"{\"a\":1]", 6},
                {"[}", 1},
                {"{]", 1},
                {"[]]", 2},
                {"{} {}", 3},
                {"1 2", 2},
                {"tru", 3},
                {"trux", 3},
                {"truex", 4},
                {"nul", 3},
                {"fals", 4},
                {"[1,,2]", 3},
                {"{\"a\"::1}", 5},
                {"/**/1", 0},
                {"\xEF\xBB\xBF{}", 0},
                {"[\v1]", 1},
                {"[1]x", 3}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_bad(rows[i].text, strlen(rows[i].text), rows[i].byte);
    check_bad("[\0]", 3, 1);
    check_bad("\0", 1, 0);
}

static void every_truncation_is_refused_at_its_end(void **state)
{
    (void)state;
    static const char text[] =
        "{ \"a\\n\\u00e9\" : [ -1.5e+3 , true,false , null ] ,\n\"\xE4\xB8\xAD\xF0\x9F\x98\x80\xC3\xA9\" : "
        "{\"x\":\"\\ud83d\\ude00\", \"y\":{ }, \"z\":[]}}";
    char out[4096];
    size_t size = sizeof text - 1;
    assert_ok(trace(text, size, out, sizeof out, NULL));
    for (size_t length = 0; length < size; length++)
        check_bad(text, length, length);
}

static void depth_is_bounded(void **state)
{
    (void)state;
    char text[3 * 40 + 1], out[4096];
    for (size_t depth = TCI_JSON_DEPTH; depth <= TCI_JSON_DEPTH + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        if (depth == TCI_JSON_DEPTH)
            assert_ok(trace(text, 2 * depth, out, sizeof out, NULL));
        else
            check_bad(text, 2 * depth, TCI_JSON_DEPTH);
    }
    assert_contains(tci_error_text(), "32 levels");
}

static void a_key_twice_in_one_object_is_refused(void **state)
{
    (void)state;
    check_good("{\"a\":{\"a\":1,\"b\":2},\"b\":{\"a\":1},\"c\":[{\"a\":1},{\"a\":2}]}",
               "{ k:a { k:a n:1 k:b n:2 } k:b { k:a n:1 } k:c [ { k:a n:1 } { k:a n:2 } ] } ");
    check_bad("{\"a\":1,\"a\":2}", 13, 7);
    assert_contains(tci_error_text(), "\"a\"");
    check_bad("{\"a\":{\"b\":0,\"c\":{\"a\":1}},\"\\u0061\":2}", 36, 25);
    check_bad("{\"\":1,\"\":2}", 11, 6);
    check_bad("[{\"x\":1},{\"x\":1,\"y\":2,\"x\":3}]", 29, 22);
    /* Keys and the byte that tells levels apart are not mixed up. */
    check_good("{\"a\\u0002\":{\"a\":1}}", "{ k:a\x02 { k:a n:1 } } ");
}

static void keys_are_bounded(void **state)
{
    (void)state;
    tci_memory memory;
    tci_memory_init(&memory, NULL, 0);
    tci_json_reader reader;
    static const char text[] = "[{\"a\":0,\"b\":0},{\"c\":0,\"d\":0,\"e\":0}]";
    tci_json_init(&reader, &memory, text, sizeof text - 1);
    reader.max_keys = 2;
    tci_json_event event;
    tc_status status;
    do
        status = tci_json_next(&reader, &event);
    while (status == TC_OK && event != TCI_JSON_END);
    assert_int_equal(status, TC_ERROR_LIMIT);
    assert_int_equal(reader.start, 28);
    assert_contains(tci_error_text(), "byte 28");
    tci_json_free(&reader);
    assert_int_equal(atomic_load(&memory.used), 0);
}

static void expect_and_skip_find_their_way(void **state)
{
    (void)state;
    tci_memory memory;
    tci_memory_init(&memory, NULL, 0);
    tci_json_reader reader;
    static const char text[] =
        "{\"skip\":{\"x\":[1,{\"y\":[]}]},\"n\":18446744073709551615,\"m\":-1,\"d\":2.5,\"h\":1e999}";
    tci_json_init(&reader, &memory, text, sizeof text - 1);
    tci_json_event event;
    uint64_t value = 0;
    double number = 0;
    assert_ok(tci_json_expect(&reader, TCI_JSON_OBJECT_BEGIN, "header"));
    assert_ok(tci_json_expect(&reader, TCI_JSON_KEY, "header"));
    assert_true(tci_json_is(&reader, "skip"));
    assert_false(tci_json_is(&reader, "ski"));
    assert_false(tci_json_is(&reader, "skipp"));
    assert_ok(tci_json_next(&reader, &event));
    assert_ok(tci_json_skip(&reader, event));
    assert_ok(tci_json_expect(&reader, TCI_JSON_KEY, "header"));
    assert_true(tci_json_is(&reader, "n"));
    assert_ok(tci_json_next(&reader, &event));
    assert_ok(tci_json_skip(&reader, event));
    assert_ok(tci_json_unsigned(&reader, "n", &value));
    assert_true(value == UINT64_MAX);
    assert_ok(tci_json_expect(&reader, TCI_JSON_KEY, "header"));
    assert_ok(tci_json_expect(&reader, TCI_JSON_NUMBER, "m"));
    assert_int_equal(tci_json_unsigned(&reader, "m", &value), TC_ERROR_FORMAT);
    assert_contains(tci_error_text(), "m: wanted a whole number");
    assert_contains(tci_error_text(), "found -1");
    assert_ok(tci_json_expect(&reader, TCI_JSON_KEY, "header"));
    assert_ok(tci_json_expect(&reader, TCI_JSON_NUMBER, "d"));
    assert_ok(tci_json_double(&reader, "d", &number));
    assert_true(number == 2.5);
    assert_int_equal(tci_json_unsigned(&reader, "d", &value), TC_ERROR_FORMAT);
    assert_ok(tci_json_expect(&reader, TCI_JSON_KEY, "header"));
    assert_ok(tci_json_expect(&reader, TCI_JSON_NUMBER, "h"));
    assert_int_equal(tci_json_double(&reader, "h", &number), TC_ERROR_FORMAT);
    assert_ok(tci_json_expect(&reader, TCI_JSON_OBJECT_END, "header"));
    assert_ok(tci_json_expect(&reader, TCI_JSON_END, "header"));
    assert_ok(tci_json_expect(&reader, TCI_JSON_END, "header"));
    tci_json_free(&reader);
    tci_json_init(&reader, &memory, "{\"a\":true}", 10);
    assert_ok(tci_json_expect(&reader, TCI_JSON_OBJECT_BEGIN, "header"));
    assert_ok(tci_json_expect(&reader, TCI_JSON_KEY, "header"));
    assert_int_equal(tci_json_expect(&reader, TCI_JSON_STRING, "name"), TC_ERROR_FORMAT);
    assert_string_equal(tci_error_text(), "JSON, byte 5: name: wanted a string, found true");
    assert_int_equal(tci_json_next(&reader, &event), TC_ERROR_FORMAT);
    tci_json_free(&reader);
    assert_int_equal(atomic_load(&memory.used), 0);
}

static tc_status write_sample(tci_buffer *out)
{
    tci_json_writer writer;
    tci_json_writer_init(&writer, out);
    TCI_RETURN_IF(tci_json_begin(&writer, '{'));
    TCI_RETURN_IF(tci_json_key(&writer, "a\"b"));
    TCI_RETURN_IF(tci_json_begin(&writer, '['));
    TCI_RETURN_IF(tci_json_unsigned_value(&writer, 0));
    TCI_RETURN_IF(tci_json_unsigned_value(&writer, UINT64_MAX));
    TCI_RETURN_IF(tci_json_double_value(&writer, -0.5));
    TCI_RETURN_IF(tci_json_double_value(&writer, 1e-7));
    TCI_RETURN_IF(tci_json_double_value(&writer, (double)NAN));
    TCI_RETURN_IF(tci_json_double_value(&writer, (double)-INFINITY));
    TCI_RETURN_IF(tci_json_begin(&writer, '['));
    TCI_RETURN_IF(tci_json_end(&writer, ']'));
    TCI_RETURN_IF(tci_json_begin(&writer, '{'));
    TCI_RETURN_IF(tci_json_end(&writer, '}'));
    TCI_RETURN_IF(tci_json_end(&writer, ']'));
    TCI_RETURN_IF(tci_json_key(&writer, ""));
    TCI_RETURN_IF(tci_json_text(&writer, "\"\\/\b\f\n\r\t\0\x1F\x7F\xE4\xB8\xAD", 14));
    TCI_RETURN_IF(tci_json_key(&writer, "t"));
    TCI_RETURN_IF(tci_json_bool(&writer, true));
    TCI_RETURN_IF(tci_json_key(&writer, "f"));
    TCI_RETURN_IF(tci_json_bool(&writer, false));
    TCI_RETURN_IF(tci_json_key(&writer, "n"));
    TCI_RETURN_IF(tci_json_null(&writer));
    TCI_RETURN_IF(tci_json_key(&writer, "s"));
    TCI_RETURN_IF(tci_json_string(&writer, ""));
    return tci_json_end(&writer, '}');
}

static const char sample[] =
    "{\"a\\\"b\":[0,18446744073709551615,-0.5,0.0000001,null,null,[],{}],"
    "\"\":\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\x7F\xE4\xB8\xAD\",\"t\":true,\"f\":false,\"n\":null,"
    "\"s\":\"\"}";

static void the_writer_writes_what_the_reader_reads(void **state)
{
    (void)state;
    tci_memory memory;
    tci_memory_init(&memory, NULL, 0);
    tci_buffer out;
    tci_buffer_init(&out, &memory, 4096, "output");
    assert_ok(write_sample(&out));
    assert_int_equal(out.size, sizeof sample - 1);
    assert_memory_equal(out.data, sample, out.size);
    char events[4096];
    assert_ok(trace(out.data, out.size, events, sizeof events, NULL));
    tci_buffer_free(&out);
}

static void misuse_of_the_writer_and_bad_text_are_errors(void **state)
{
    (void)state;
    tci_memory memory;
    tci_memory_init(&memory, NULL, 0);
    tci_buffer out;
    tci_buffer_init(&out, &memory, 4096, "output");
    tci_json_writer writer;
    tci_json_writer_init(&writer, &out);
    assert_int_equal(tci_json_end(&writer, '}'), TC_ERROR_INTERNAL);
    assert_int_equal(tci_json_key(&writer, "a"), TC_ERROR_INTERNAL);
    for (int i = 0; i < TCI_JSON_DEPTH; i++)
        assert_ok(tci_json_begin(&writer, '['));
    assert_int_equal(tci_json_begin(&writer, '['), TC_ERROR_INTERNAL);
    tci_json_writer_init(&writer, &out);
    assert_ok(tci_json_begin(&writer, '{'));
    assert_ok(tci_json_key(&writer, "a"));
    assert_int_equal(tci_json_key(&writer, "b"), TC_ERROR_INTERNAL);
    assert_int_equal(tci_json_end(&writer, '}'), TC_ERROR_INTERNAL);
    assert_int_equal(tci_json_text(&writer, "ab\xFF", 3), TC_ERROR_ENCODING);
    assert_contains(tci_error_text(), "byte 2");
    tci_buffer_free(&out);
}

static void each_failing_allocation_is_a_status(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        test_allocator allocator;
        test_allocator_init(&allocator, n, false);
        tc_allocator host = test_allocator_host(&allocator);
        tci_memory memory;
        tci_memory_init(&memory, &host, 0);
        tci_buffer out;
        tci_buffer_init(&out, &memory, 4096, "output");
        tc_status status = write_sample(&out);
        tci_json_reader reader;
        tci_json_init(&reader, &memory, sample, sizeof sample - 1);
        tci_json_event event = TCI_JSON_NULL;
        while (status == TC_OK && event != TCI_JSON_END)
            status = tci_json_next(&reader, &event);
        assert_int_equal(status, allocator.failed ? TC_ERROR_MEMORY : TC_OK);
        if (status != TC_OK && event != TCI_JSON_NULL)
            assert_int_equal(tci_json_next(&reader, &event), TC_ERROR_FORMAT);
        tci_json_free(&reader);
        tci_buffer_free(&out);
        assert_nothing_held(&allocator);
        if (!allocator.failed)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_in_order),
        cmocka_unit_test(numbers_follow_the_grammar),
        cmocka_unit_test(strings_are_unescaped),
        cmocka_unit_test(bad_strings_are_refused_at_their_byte),
        cmocka_unit_test(bad_structure_is_refused_at_its_byte),
        cmocka_unit_test(every_truncation_is_refused_at_its_end),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(a_key_twice_in_one_object_is_refused),
        cmocka_unit_test(keys_are_bounded),
        cmocka_unit_test(expect_and_skip_find_their_way),
        cmocka_unit_test(the_writer_writes_what_the_reader_reads),
        cmocka_unit_test(misuse_of_the_writer_and_bad_text_are_errors),
        cmocka_unit_test(each_failing_allocation_is_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
