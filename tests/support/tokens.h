/* tokens.h: a tokenizer.json read, and what it makes of a text, as "id begin end, id begin end". */
#ifndef TEST_SUPPORT_TOKENS_H
#define TEST_SUPPORT_TOKENS_H

#include "serialization/tokenizer_json.h"
#include "text/subword.h"

/* With an allocator of its own, NULL the default one. */
static inline tc_status read_tokens(const tc_allocator *host, const char *json, size_t size, tci_subword **subword)
{
    tci_memory memory;
    tci_memory_init(&memory, host, 0);
    return tci_tokenizer_json_read(&memory, json, size, 100000, subword);
}

typedef struct test_tokens {
    char *text;
    size_t capacity, length, count;
    uint64_t last_end;
} test_tokens;

static inline tc_status show_tokens(void *context, const uint32_t *ids, const uint64_t *ranges, size_t count)
{
    test_tokens *out = context;
    for (size_t i = 0; i < count; i++, out->count++) {
        out->last_end = ranges[2 * i + 1];
        if (out->length + 64 > out->capacity)
            continue;
        out->length +=
            (size_t)snprintf(out->text + out->length, out->capacity - out->length, "%s%u %u %u",
                             out->count > 0 ? ", " : "", ids[i], (unsigned)ranges[2 * i], (unsigned)ranges[2 * i + 1]);
    }
    return TC_OK;
}

static inline tc_status encode_tokens(const tc_allocator *host, const tci_subword *subword, const char *text,
                                      size_t length, test_tokens *out)
{
    tci_memory memory;
    tci_subword_scratch *scratch = NULL;
    tci_memory_init(&memory, host, 0);
    out->length = out->count = 0;
    if (out->capacity > 0)
        out->text[0] = 0;
    tc_status status = tci_subword_scratch_create(&memory, &scratch);
    if (status == TC_OK)
        status = tci_subword_encode(subword, scratch, text, length, show_tokens, out);
    tci_subword_scratch_free(scratch);
    return status;
}

static inline void assert_tokens(const tci_subword *subword, const char *text, const char *wanted)
{
    char shown[4096];
    tci_memory memory;
    tci_subword_scratch *scratch;
    tci_memory_init(&memory, NULL, 0);
    assert_ok(tci_subword_scratch_create(&memory, &scratch));
    for (int again = 0; again < 2; again++) { /* then with words that are known */
        test_tokens out = {shown, sizeof shown, 0, 0, 0};
        shown[0] = 0;
        assert_ok(tci_subword_encode(subword, scratch, text, strlen(text), show_tokens, &out));
        if (strcmp(shown, wanted) != 0)
            fail_msg("\"%s\" became %s, not %s", text, shown, wanted);
    }
    tci_subword_scratch_free(scratch);
}

static inline void assert_json_refused(const char *json, tc_status wanted, const char *sentence)
{
    tci_subword *subword;
    assert_int_equal(read_tokens(NULL, json, strlen(json), &subword), wanted);
    assert_null(subword);
    if (!strstr(tci_error_text(), sentence))
        fail_msg("\"%s\" does not say \"%s\"", tci_error_text(), sentence);
}

/* A tokenizer whose model alone does all: `model` is the object's members but "type". */
static inline tci_subword *model_tokens(const char *type, const char *model)
{
    char json[8192];
    tci_subword *subword;
    snprintf(json, sizeof json,
             "{\"version\":\"1.0\",\"added_tokens\":[],\"normalizer\":null,\"pre_tokenizer\":null,"
             "\"post_processor\":null,\"decoder\":null,\"model\":{\"type\":\"%s\",%s}}",
             type, model);
    if (read_tokens(NULL, json, strlen(json), &subword) != TC_OK)
        fail_msg("%s: %s", model, tci_error_text());
    return subword;
}

static inline void assert_model_refused(const char *type, const char *model, tc_status wanted, const char *sentence)
{
    char json[4096];
    snprintf(json, sizeof json, "{\"version\":\"1.0\",\"model\":{\"type\":\"%s\",%s}}", type, model);
    assert_json_refused(json, wanted, sentence);
}

/* Every allocation of reading and encoding fails once. */
static inline void fail_each_allocation(const char *json, size_t size, const char *text)
{
    for (long n = 0;; n++) {
        test_allocator allocator;
        test_allocator_init(&allocator, n, false);
        tc_allocator host = test_allocator_host(&allocator);
        tci_subword *subword;
        test_tokens out = {NULL, 0, 0, 0, 0};
        tc_status status = read_tokens(&host, json, size, &subword);
        if (status == TC_OK)
            status = encode_tokens(&host, subword, text, strlen(text), &out);
        assert_int_equal(status, allocator.failed ? TC_ERROR_MEMORY : TC_OK);
        tci_subword_free(subword);
        assert_nothing_held(&allocator);
        if (!allocator.failed)
            break;
    }
}

#endif
