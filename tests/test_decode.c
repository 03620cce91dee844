/* labels: quick
 * UTF-8 by Unicode's tables 3-7 (what is well-formed) and 3-8 (how ill-formed bytes fall into parts). */
#include "support/testing.h"

#include "text/decode.h"

/* Decodes all of it into code points, ill-formed parts as U+FFFD. */
static size_t decode_all(const char *bytes, size_t length, uint32_t *codes)
{
    size_t count = 0;
    for (size_t at = 0; at < length;) {
        uint32_t code;
        at += tci_decode((const uint8_t *)bytes + at, length - at, &code);
        codes[count++] = code == TCI_ILL_FORMED ? TCI_REPLACEMENT : code;
    }
    return count;
}

static void every_code_point_comes_back(void **state)
{
    (void)state;
    for (uint32_t code = 0; code < 0x110000; code++) {
        char bytes[4];
        uint32_t back;
        size_t size = tci_encode(code, bytes);
        size_t read = tci_decode((const uint8_t *)bytes, size, &back);
        if (code >= 0xD800 && code <= 0xDFFF) {
            assert_int_equal(back, TCI_ILL_FORMED);
            assert_int_equal(read, 1);
        } else {
            assert_int_equal(back, code);
            assert_int_equal(read, size);
        }
    }
}

static void ill_formed_parts_are_maximal(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        const char *parts; /* 'x' an ill-formed part, else the letter itself */
    } rows[] = {
        {"\xC0\xAF\xE0\x80\xBF\xF0\x81\x82" "A", "xxxxxxxxA"}, /* table 3-8: overlong forms */
        {"\xED\xA0\x80\xED\xBF\xBF\xED\xAF" "A", "xxxxxxxxA"}, /* 3-9: surrogates */
        {"\xF4\x91\x92\x93\xFF" "A\x80\xBF" "B", "xxxxxAxxB"}, /* 3-10: above U+10FFFF, stray bytes */
        {"\xE1\x80\xE2\xF0\x91\x92\xF1\xBF" "A", "xxxxA"},     /* 3-11: truncated sequences */
        {"\xC2" "A\xC2", "xAx"},
        {"\xF5\x80\x80\x80", "xxxx"},
        {"\xF4\x8F\xBF", "x"},
        {"\xE0\x9F\x80", "xxx"},
        {"\xF0\x8F\x80\x80", "xxxx"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t codes[32];
        size_t count = decode_all(rows[i].bytes, strlen(rows[i].bytes), codes);
        assert_int_equal(count, strlen(rows[i].parts));
        for (size_t j = 0; j < count; j++)
            assert_int_equal(codes[j], rows[i].parts[j] == 'x' ? TCI_REPLACEMENT : (uint32_t)rows[i].parts[j]);
    }
}

static void a_sequence_is_never_read_past_the_end(void **state)
{
    (void)state;
    const char *whole = "\xF0\x9F\x98\x80";
    for (size_t left = 1; left < 4; left++) {
        uint8_t *exact = malloc(left); /* for the address sanitizer */
        uint32_t code;
        memcpy(exact, whole, left);
        assert_int_equal(tci_decode(exact, left, &code), left);
        assert_int_equal(code, TCI_ILL_FORMED);
        free(exact);
    }
}

static void the_well_formed_prefix_ends_at_the_first_bad_part(void **state)
{
    (void)state;
    char text[64];
    memset(text, 'a', sizeof text);
    assert_int_equal(tci_utf8_prefix(text, 0), 0);
    assert_int_equal(tci_utf8_prefix(NULL, 0), 0);
    assert_int_equal(tci_utf8_prefix(text, sizeof text), sizeof text);
    for (size_t at = 0; at < sizeof text; at++) {
        text[at] = (char)0xFF;
        assert_int_equal(tci_utf8_prefix(text, sizeof text), at);
        text[at] = 'a';
    }
    assert_int_equal(tci_utf8_prefix("ab\xE4\xBD\xA0\xE4\xBD", 7), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_comes_back),
        cmocka_unit_test(ill_formed_parts_are_maximal),
        cmocka_unit_test(a_sequence_is_never_read_past_the_end),
        cmocka_unit_test(the_well_formed_prefix_ends_at_the_first_bad_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
