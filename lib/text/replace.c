/* replace.c: what stands between the matches is copied. A match of nothing at the start of a text gives what is put
 * there the range 0 to 0. */
#include "text/replace.h"

#include "text/decode.h"

typedef struct replace_stage {
    tci_pattern *pattern;
    size_t length;
    char content[];
} replace_stage;

static tc_status put_content(const replace_stage *stage, tci_span span, tci_aligned *out)
{
    for (size_t at = 0, length; at < stage->length; at += length) {
        uint32_t code;
        length = tci_decode((const uint8_t *)stage->content + at, stage->length - at, &code);
        TCI_RETURN_IF(tci_aligned_put(out, stage->content + at, length, span));
    }
    return TC_OK;
}

static tc_status normalize(const void *self, const tci_aligned *in, tci_aligned *out, tci_work *work)
{
    const replace_stage *stage = self;
    tci_matches matches;
    size_t kept = 0; /* what was copied or replaced so far */
    if (in->size == 0)
        return TC_OK;
    tci_matches_begin(&matches, stage->pattern, in->bytes, in->size, work);
    for (;;) {
        bool found;
        size_t begin, end;
        TCI_RETURN_IF(tci_matches_next(&matches, &found, &begin, &end));
        if (!found)
            return tci_aligned_copy(out, in, kept, in->size);
        TCI_RETURN_IF(tci_aligned_copy(out, in, kept, begin));
        TCI_RETURN_IF(put_content(stage, end > 0 ? tci_aligned_span(in, end - 1) : (tci_span){0, 0}, out));
        kept = end;
    }
}

static void free_stage(tci_memory *memory, void *self)
{
    replace_stage *stage = self;
    if (stage)
        tci_pattern_free(memory, stage->pattern);
    tci_free(memory, stage);
}

const tci_normalizer_kind tci_replace_kind = {"Replace", normalize, free_stage};

tc_status tci_replace_create(tci_memory *memory, const char *pattern, size_t pattern_length, bool is_literal,
                             const char *content, size_t content_length, void **self)
{
    replace_stage *stage = NULL;
    size_t size = 0;
    if (!tci_add(content_length, sizeof *stage, &size))
        return tci_fail(TC_ERROR_LIMIT, "a replacement of %zu bytes", content_length);
    TCI_RETURN_IF(tci_alloc(memory, 1, size, "a stage of a tokenizer", &stage));
    stage->pattern = NULL;
    stage->length = content_length;
    if (content_length > 0)
        memcpy(stage->content, content, content_length);
    tc_status status = tci_pattern_create(memory, pattern, pattern_length, is_literal, &stage->pattern);
    if (status != TC_OK) {
        free_stage(memory, stage);
        return status;
    }
    *self = stage;
    return TC_OK;
}
