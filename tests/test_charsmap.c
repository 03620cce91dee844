/* labels: quick. charsmap.c: ids and ranges behind a small charsmap are those of the package (golden/charsmap.txt), and
 * no damaged charsmap does harm. */
#include "support/testing.h"

#include "support/failing.h"
#include "support/tokens.h"
#include "text/charsmap.h"

static char *golden(const char *name, size_t *size)
{
    char path[512];
    snprintf(path, sizeof path, "%s/golden/%s", TEST_SOURCE_DIR, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *text = malloc(1 << 16);
    *size = fread(text, 1, (1 << 16) - 1, file);
    text[*size] = 0;
    fclose(file);
    return text;
}

static void texts_become_the_package_s_tokens_and_ranges(void **state)
{
    (void)state;
    size_t size, lines_size, seen = 0;
    char *json = golden("charsmap.json", &size), *lines = golden("charsmap.txt", &lines_size), *line = lines;
    tci_subword *subword;
    assert_ok(read_tokens(NULL, json, size, &subword));
    for (char *end; (end = strchr(line, '\n')); line = end + 1, seen++) {
        char text[128] = "", *tab = strchr(line, '\t');
        *end = *tab = 0;
        for (size_t i = 0; line[2 * i]; i++)
            text[i] = (char)(16 * (strchr("0123456789abcdef", line[2 * i]) - "0123456789abcdef") +
                             (strchr("0123456789abcdef", line[2 * i + 1]) - "0123456789abcdef"));
        assert_tokens(subword, text, tab + 1);
    }
    assert_true(seen > 10);
    tci_subword_free(subword);
    free(json);
    free(lines);
}

static tc_status make(const uint8_t *bytes, size_t size, const char *text)
{
    tci_memory memory;
    void *self;
    tci_memory_init(&memory, NULL, 0);
    tc_status status = tci_charsmap_create(&memory, bytes, size, &self);
    if (status == TC_OK) {
        tci_aligned in, out;
        tci_aligned_init(&in, &memory);
        tci_aligned_init(&out, &memory);
        for (size_t i = 0; text[i]; i++)
            assert_ok(tci_aligned_put(&in, text + i, 1, (tci_span){(uint32_t)i, (uint32_t)i + 1}));
        status = tci_charsmap_kind.normalize(self, &in, &out, NULL);
        tci_aligned_free(&in);
        tci_aligned_free(&out);
        tci_charsmap_kind.free(&memory, self);
    }
    assert_int_equal(memory.used, 0);
    return status;
}

static void a_charsmap_that_is_cut_short_is_refused(void **state)
{
    (void)state;
    static const uint8_t none[4] = {0}, odd[8] = {3}, long_trie[8] = {8}, no_text[5] = {0, 0, 0, 0, 0xFF};
    assert_int_equal(make(none, 0, "a"), TC_ERROR_FORMAT);
    assert_int_equal(make(none, 3, "a"), TC_ERROR_FORMAT);
    assert_int_equal(make(odd, 8, "a"), TC_ERROR_FORMAT);
    assert_int_equal(make(long_trie, 8, "a"), TC_ERROR_FORMAT);
    assert_int_equal(make(no_text, 5, "a"), TC_ERROR_FORMAT);
    assert_ok(make(none, 4, "a")); /* an empty one replaces nothing */
}

/* Units and a text of two bytes; `unit` stands at the place of the key "a". */
static tc_status with_unit(uint32_t unit, uint32_t leaf)
{
    uint32_t words[3 + 254] = {4 * 256, 1 << 10}; /* the root's children are at 1 ^ byte */
    words[1 + (1 ^ 'a')] = unit;
    words[1 + ((1 ^ 'a') ^ 2)] = leaf;
    uint8_t bytes[sizeof words + 2];
    for (size_t i = 0; i < 257; i++)
        for (size_t k = 0; k < 4; k++)
            bytes[4 * i + k] = (uint8_t)(words[i] >> 8 * k);
    bytes[4 * 257] = 'x';
    bytes[4 * 257 + 1] = 0;
    return make(bytes, 4 * 257 + 2, "a");
}

static void no_unit_leads_outside(void **state)
{
    (void)state;
    assert_ok(with_unit('a' | 256 | 2 << 10, 0));
    assert_int_equal(with_unit('a' | 256 | 2 << 10, 0x7FFFFFFF), TC_ERROR_FORMAT); /* behind the texts */
    assert_non_null(strstr(tci_error_text(), "Precompiled"));
    assert_ok(with_unit('a' | 256 | 0x3FFFFFu << 10, 0)); /* children behind the trie: no key */
    assert_ok(with_unit('a' | 512 | 0x3FFFFFu << 10, 0));
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    size_t size;
    char *json = golden("charsmap.json", &size);
    fail_each_allocation(json, size, "a\xC2\xBD \x01\x01");
    free(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_become_the_package_s_tokens_and_ranges),
        cmocka_unit_test(a_charsmap_that_is_cut_short_is_refused),
        cmocka_unit_test(no_unit_leads_outside),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
