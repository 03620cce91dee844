/* pattern_regex.c: regular expressions by PCRE2 (8 bit, UTF, UCP), the only place that calls it; without it, an error.
 *
 * Never its compiler to machine code. A search may take MATCH_LIMIT steps from each place where a match might begin,
 * DEPTH_LIMIT levels of backtracking and HEAP_LIMIT kibibytes: linear in the text, if with a large factor, and bounded
 * in memory. All of PCRE2's memory comes from ours. */
#include "text/pattern.h"

#if defined(TCI_HAVE_PCRE2)
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum { MATCH_LIMIT = 100000, DEPTH_LIMIT = 10000, HEAP_LIMIT = 8192 };

struct tci_regex {
    pcre2_general_context *general;
    pcre2_match_context *context;
    pcre2_code *code;
};

static void *take_block(PCRE2_SIZE size, void *memory)
{
    void *block;
    return tci_alloc(memory, size, 1, "pattern", &block) == TC_OK ? block : NULL;
}

static void give_block(void *block, void *memory)
{
    tci_free(memory, block);
}

static tc_status no_memory(void)
{
    return tci_fail(TC_ERROR_MEMORY, "pattern: no memory for PCRE2");
}

static tc_status compile(tci_regex *regex, const char *text, size_t length)
{
    pcre2_compile_context *context = pcre2_compile_context_create(regex->general);
    regex->context = pcre2_match_context_create(regex->general);
    if (!context || !regex->context) {
        pcre2_compile_context_free(context);
        return no_memory();
    }
    pcre2_set_match_limit(regex->context, MATCH_LIMIT);
    pcre2_set_depth_limit(regex->context, DEPTH_LIMIT);
    pcre2_set_heap_limit(regex->context, HEAP_LIMIT);
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    pcre2_set_parens_nest_limit(context, 100);
    int error = 0;
    PCRE2_SIZE at = 0;
    uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C;
    regex->code = pcre2_compile((PCRE2_SPTR)text, length, options, &error, &at, context);
    pcre2_compile_context_free(context);
    if (regex->code)
        return TC_OK;
    if (error == PCRE2_ERROR_HEAP_FAILED)
        return no_memory();
    PCRE2_UCHAR why[160] = "";
    (void)pcre2_get_error_message(error, why, sizeof why);
    return tci_fail(TC_ERROR_FORMAT, "pattern, in PCRE2's syntax %.*s, byte %zu: %s", (int)(length < 80 ? length : 80),
                    text, (size_t)at, (const char *)why);
}

tc_status tci_regex_create(tci_memory *memory, const char *text, size_t length, tci_regex **regex)
{
    tc_status status = TC_OK;
    tci_regex *new = NULL;
    tci_buffer translated;
    *regex = NULL;
    tci_buffer_init(&translated, memory, 16 * (size_t)TCI_PATTERN_MAX, "pattern");
    TCI_CHECK(tci_alloc_zero(memory, 1, sizeof *new, "pattern", &new));
    TCI_CHECK(tci_regex_translate(text, length, &translated));
    new->general = pcre2_general_context_create(take_block, give_block, memory);
    if (!new->general)
        TCI_CHECK(no_memory());
    TCI_CHECK(compile(new, translated.size ? translated.data : "", translated.size));
    *regex = new;
    new = NULL;
done:
    tci_regex_free(memory, new);
    tci_buffer_free(&translated);
    return status;
}

void tci_regex_free(tci_memory *memory, tci_regex *regex)
{
    if (!regex)
        return;
    pcre2_code_free(regex->code);
    pcre2_match_context_free(regex->context);
    pcre2_general_context_free(regex->general);
    tci_free(memory, regex);
}

static void drop_match(tci_work *work, void *bytes)
{
    (void)work;
    pcre2_match_data_free(*(pcre2_match_data **)bytes);
}

/* One match object serves all patterns: only where the whole match lies is asked for. */
static tc_status match_of(tci_work *work, pcre2_match_data **match)
{
    pcre2_match_data **slot;
    struct tci_work_block *block = &work->blocks[TCI_WORK_PATTERN];
    TCI_RETURN_IF(tci_work_room(work, TCI_WORK_PATTERN, 1, sizeof(void *), &slot));
    if (!block->drop) {
        pcre2_general_context *general = pcre2_general_context_create(take_block, give_block, work->memory);
        *slot = general ? pcre2_match_data_create(1, general) : NULL;
        pcre2_general_context_free(general);
        if (!*slot)
            return no_memory();
        block->drop = drop_match;
    }
    *match = *slot;
    return TC_OK;
}

tc_status tci_regex_search(const tci_regex *regex, tci_work *work, const char *text, size_t length, size_t from,
                           bool *found, size_t *begin, size_t *end)
{
    pcre2_match_data *match = NULL;
    TCI_RETURN_IF(match_of(work, &match));
    int result = pcre2_match(regex->code, (PCRE2_SPTR)text, length, from, PCRE2_NO_UTF_CHECK, match, regex->context);
    *found = result >= 0;
    if (result == PCRE2_ERROR_NOMATCH)
        return TC_OK;
    if (result == PCRE2_ERROR_NOMEMORY)
        return no_memory();
    if (result == PCRE2_ERROR_MATCHLIMIT || result == PCRE2_ERROR_DEPTHLIMIT || result == PCRE2_ERROR_HEAPLIMIT)
        return tci_fail(TC_ERROR_LIMIT,
                        "the search for the tokenizer's pattern from byte %zu of a piece of %zu bytes "
                        "takes more than its limit of %s",
                        from, length,
                        result == PCRE2_ERROR_MATCHLIMIT   ? "steps"
                        : result == PCRE2_ERROR_DEPTHLIMIT ? "depth"
                                                           : "memory");
    if (result < 0)
        return tci_fail(TC_ERROR_INTERNAL, "PCRE2 gave error %d from byte %zu of a piece of %zu bytes", result, from,
                        length);
    const PCRE2_SIZE *range = pcre2_get_ovector_pointer(match);
    *begin = range[0];
    *end = range[1];
    return TC_OK;
}

#else

struct tci_regex {
    char none;
};

tc_status tci_regex_create(tci_memory *memory, const char *text, size_t length, tci_regex **regex)
{
    (void)memory;
    *regex = NULL;
    return tci_fail(TC_ERROR_UNSUPPORTED,
                    "the pattern %.*s needs PCRE2, which this library was built without "
                    "(TEXTCLF_PCRE2); those of GPT-2, CLIP, cl100k, o200k and Qwen do not",
                    (int)(length < 80 ? length : 80), text);
}

void tci_regex_free(tci_memory *memory, tci_regex *regex)
{
    (void)memory, (void)regex;
}

tc_status tci_regex_search(const tci_regex *regex, tci_work *work, const char *text, size_t length, size_t from,
                           bool *found, size_t *begin, size_t *end)
{
    (void)regex, (void)work, (void)text, (void)length, (void)from;
    *found = false;
    *begin = *end = 0;
    return TC_OK;
}

#endif
