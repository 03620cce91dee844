/* tc_encode.c: encode.h: ids and byte ranges of a text. */
#include "api/handles.h"

tc_status tc_encode(const tc_model *model, const char *text, size_t length, size_t capacity, uint32_t *ids,
                    uint64_t *ranges, size_t *count)
{
    tc_status status = TC_OK;
    tci_memory memory;
    tci_encoded encoded;
    TCI_REQUIRE(model);
    TCI_REQUIRE_TEXT(text, length);
    TCI_REQUIRE(count);
    tci_memory_init(&memory, &model->memory.host, model->memory.limit);
    /* with ranges n-grams are listed as they occur, without them they would be counted */
    tci_encoded_init(&encoded, &memory, ranges != NULL || model->pipeline->options.ngrams.buckets > 0);
    TCI_CHECK(tci_pipeline_encode(model->pipeline, text ? text : "", length, &encoded));
    *count = encoded.count;
    if (capacity < encoded.count || (!ids && encoded.count > 0)) {
        status = tci_fail(TC_ERROR_CAPACITY, "%zu ids do not fit a buffer of %zu", encoded.count, ids ? capacity : 0);
        goto done;
    }
    if (encoded.count > 0) {
        memcpy(ids, encoded.ids, encoded.count * sizeof *ids);
        if (ranges)
            memcpy(ranges, encoded.ranges, 2 * encoded.count * sizeof *ranges);
    }
done:
    tci_encoded_free(&encoded);
    return status;
}
