/* labels: quick
 * Normalizers and pre-tokenizers of a tokenizer.json against what the `tokenizers` package did: golden/stages.tsv, made
 * by golden/make_stage_values.py. And long rows of marks, and memory that is refused. */
#include "support/testing.h"

#include "support/failing.h"
#include "text/decode.h"
#include "text/plain_normalizers.h"
#include "text/plain_splits.h"
#include "text/replace.h"
#include "text/scripts.h"
#include "text/unicode_forms.h"

static tci_memory memory;
static tci_code_sets *sets;

static int set_up(void **state)
{
    (void)state;
    tci_memory_init(&memory, NULL, 0);
    return tci_code_sets_create(&memory, &sets);
}

static int tear_down(void **state)
{
    (void)state;
    tci_code_sets_free(&memory, sets);
    return atomic_load(&memory.used) == 0 ? 0 : -1;
}

typedef struct stage {
    const tci_normalizer_kind *normalizer;
    const tci_pretokenizer_kind *pretokenizer;
    void *self;
} stage;

static tc_status make_stage(tci_memory *in, const char *name, unsigned option, stage *made)
{
    *made = (stage){0};
    for (unsigned form = 0; form < 4; form++) {
        static const char *const names[] = {"NFD", "NFC", "NFKD", "NFKC"};
        if (strcmp(name, names[form]) == 0) {
            made->normalizer = &tci_unicode_form_kind;
            return tci_unicode_form_create(in, sets, form >= 2, form % 2 == 1, &made->self);
        }
    }
    if (strcmp(name, "Lowercase") == 0 || strcmp(name, "StripAccents") == 0) {
        made->normalizer = name[0] == 'L' ? &tci_lowercase_kind : &tci_strip_accents_kind;
        return tci_sets_stage_create(in, sets, &made->self);
    }
    if (strcmp(name, "Nmt") == 0) {
        made->normalizer = &tci_nmt_kind;
        return TC_OK;
    }
    if (strcmp(name, "Strip") == 0) {
        made->normalizer = &tci_strip_kind;
        return tci_strip_create(in, sets, option & 1, option & 2, &made->self);
    }
    if (strcmp(name, "Prepend") == 0) {
        made->normalizer = &tci_prepend_kind;
        return tci_prepend_create(in, "\xE2\x96\x81x", 4, &made->self);
    }
    if (strcmp(name, "Replace") == 0) {
        static const char *const replaced[][2] = {{" ", "\xE2\x96\x81"},      {";;", "\""}, {"\\s+", " "},
                                                  {" {2,}", "\xE2\x96\x81x"}, {"e?", "-"},  {"", "-"}};
        const char *pattern = replaced[option][0], *content = replaced[option][1];
        made->normalizer = &tci_replace_kind;
        return tci_replace_create(in, pattern, strlen(pattern), option < 2, content, strlen(content), &made->self);
    }
    made->pretokenizer = &tci_set_split_kind;
    if (strcmp(name, "Punctuation") == 0)
        return tci_set_split_create(in, sets, TCI_CODE_PUNCTUATION, (tci_split_behavior)option, &made->self);
    if (strcmp(name, "Digits") == 0)
        return tci_set_split_create(in, sets, TCI_CODE_NUMERIC, (tci_split_behavior)option, &made->self);
    if (strcmp(name, "WhitespaceSplit") == 0)
        return tci_set_split_create(in, sets, TCI_CODE_SPACE, TCI_SPLIT_REMOVED, &made->self);
    if (strcmp(name, "Whitespace") == 0) {
        made->pretokenizer = &tci_word_split_kind;
        return tci_word_split_create(in, sets, &made->self);
    }
    if (strcmp(name, "CharDelimiterSplit") == 0) {
        made->pretokenizer = &tci_character_split_kind;
        return tci_character_split_create(in, ' ', &made->self);
    }
    if (strcmp(name, "FixedLength") == 0) {
        made->pretokenizer = &tci_fixed_length_kind;
        return tci_fixed_length_create(in, 3, &made->self);
    }
    assert_string_equal(name, "UnicodeScripts");
    made->pretokenizer = &tci_scripts_kind;
    return tci_scripts_create(in, &made->self);
}

static void free_stage(tci_memory *in, stage *made)
{
    if (made->self && made->normalizer && made->normalizer->free)
        made->normalizer->free(in, made->self);
    else
        tci_free(in, made->self);
}

/* A text as the first stage gets it. */
static tc_status load(tci_aligned *text, const char *bytes, size_t size)
{
    for (size_t at = 0, length; at < size; at += length) {
        uint32_t code;
        length = tci_decode((const uint8_t *)bytes + at, size - at, &code);
        TCI_RETURN_IF(tci_aligned_put(text, bytes + at, length, (tci_span){(uint32_t)at, (uint32_t)(at + length)}));
    }
    return TC_OK;
}

/* What the stage makes of the text, written as in golden/stages.tsv. */
static tc_status run_stage(tci_memory *in, const stage *made, const char *bytes, size_t size, char *said, size_t room)
{
    tci_aligned text, normalized;
    tci_work work;
    tci_pieces pieces = {in, NULL, 0, 0};
    size_t end = 0;
    tci_aligned_init(&text, in);
    tci_aligned_init(&normalized, in);
    tci_work_init(&work, in);
    tc_status status = load(&text, bytes, size);
    said[0] = '\0';
    if (status == TC_OK && made->normalizer)
        status = made->normalizer->normalize(made->self, &text, &normalized, &work);
    else if (status == TC_OK && size > 0)
        status = made->pretokenizer->split(made->self, &text, (tci_piece){0, (uint32_t)size}, &work, &pieces);
    for (size_t at = 0; status == TC_OK && at < normalized.size;) {
        uint32_t code;
        tci_span span = tci_aligned_span(&normalized, at);
        at += tci_aligned_code(&normalized, at, &code);
        end += (size_t)snprintf(said + end, room - end, "%s%x:%u:%u", end > 0 ? " " : "", (unsigned)code,
                                (unsigned)span.begin, (unsigned)span.end);
        assert_true(end < room);
    }
    for (size_t i = 0; status == TC_OK && i < pieces.count; i++) {
        end += (size_t)snprintf(said + end, room - end, "%s%u:%u", end > 0 ? " " : "", (unsigned)pieces.items[i].begin,
                                (unsigned)pieces.items[i].end);
        assert_true(end < room);
    }
    tci_free(in, pieces.items);
    tci_work_free(&work);
    tci_aligned_free(&normalized);
    tci_aligned_free(&text);
    return status;
}

static void stages_do_what_the_package_does(void **state)
{
    static char line[8192], said[8192], bytes[1024];
    FILE *file = fopen(TEST_SOURCE_DIR "/golden/stages.tsv", "rb");
    size_t lines = 0;
    (void)state;
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        char *name = line, *option = strchr(name, '\t'), *text = option ? strchr(option + 1, '\t') : NULL;
        char *wanted = text ? strchr(text + 1, '\t') : NULL;
        stage made;
        size_t size = 0;
        assert_non_null(wanted);
        *option++ = *text++ = *wanted++ = '\0';
        wanted[strcspn(wanted, "\n")] = '\0';
        for (unsigned byte; sscanf(text + 2 * size, "%2x", &byte) == 1;)
            bytes[size++] = (char)byte;
        tc_status status = make_stage(&memory, name, (unsigned)(option[0] - '0'), &made);
        if (status == TC_ERROR_UNSUPPORTED && made.normalizer == &tci_replace_kind)
            continue; /* built without PCRE2 */
        assert_ok(status);
        assert_ok(run_stage(&memory, &made, bytes, size, said, sizeof said));
        if (strcmp(said, wanted) != 0)
            print_error("%s %s of %s\n", name, option, text);
        assert_string_equal(said, wanted);
        free_stage(&memory, &made);
        lines++;
    }
    fclose(file);
    assert_true(lines > 500);
}

/* More marks than a segment of our own pipeline holds, in two classes that change places. */
static void rows_of_marks_of_any_length_are_ordered(void **state)
{
    enum { PAIRS = 20000 };
    char *bytes = malloc(1 + 4 * PAIRS);
    stage made;
    tci_aligned text, out;
    tci_work work;
    (void)state;
    assert_non_null(bytes);
    bytes[0] = 'q';
    for (size_t i = 0; i < PAIRS; i++)
        memcpy(bytes + 1 + 4 * i, "\xCC\x81\xCC\x96", 4); /* U+0301, class 230, U+0316, class 220 */
    assert_ok(make_stage(&memory, "NFC", 0, &made));
    tci_aligned_init(&text, &memory);
    tci_aligned_init(&out, &memory);
    tci_work_init(&work, &memory);
    assert_ok(load(&text, bytes, 1 + 4 * PAIRS));
    assert_ok(made.normalizer->normalize(made.self, &text, &out, &work));
    assert_int_equal(out.size, 1 + 4 * PAIRS);
    for (size_t i = 0; i < 2 * PAIRS; i++)
        assert_memory_equal(out.bytes + 1 + 2 * i, i < PAIRS ? "\xCC\x96" : "\xCC\x81", 2);
    tci_work_free(&work);
    tci_aligned_free(&out);
    tci_aligned_free(&text);
    tci_free(&memory, made.self);
    free(bytes);
}

static void refused_memory_is_an_error_and_leaves_nothing(void **state)
{
    static const char *const names[] = {
        "NFKC",    "NFD",         "Lowercase",  "StripAccents",       "Nmt",         "Strip",
        "Prepend", "Punctuation", "Whitespace", "CharDelimiterSplit", "FixedLength", "UnicodeScripts",
        "Replace"};
    static const char text[] = " \xEF\xAC\x81\xCC\xA3\xCC\x81 \xC4\xB0x, \xE4\xB8\xAD\x01 ";
    char said[1024];
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        for (long n = 0;; n++) {
            test_allocator allocator;
            tci_memory in;
            stage made;
            test_allocator_init(&allocator, n, false);
            tc_allocator host = test_allocator_host(&allocator);
            tci_memory_init(&in, &host, 0);
            tc_status status = make_stage(&in, names[i], 1, &made);
            if (status == TC_OK)
                status = run_stage(&in, &made, text, sizeof text - 1, said, sizeof said);
            free_stage(&in, &made);
            assert_int_equal(status, allocator.failed ? TC_ERROR_MEMORY : TC_OK);
            assert_nothing_held(&allocator);
            if (!allocator.failed)
                break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(stages_do_what_the_package_does, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rows_of_marks_of_any_length_are_ordered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refused_memory_is_an_error_and_leaves_nothing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
