/* tc_predict.c: predict.h: scores for one text, many texts, encoded rows. */
#include <inttypes.h>

#include "api/handles.h"
#include "base/cpu.h"
#include "model/examples.h"
#include "model/predict_many.h"

/* tc_scratch and the model's own scratch are one thing under two names. */
static tci_scratch *inner(tc_scratch *scratch)
{
    return (tci_scratch *)(void *)scratch;
}

tc_status tc_scratch_create(const tc_model *model, tc_scratch **scratch)
{
    tci_scratch *made = NULL;
    TCI_REQUIRE(model);
    TCI_REQUIRE(scratch);
    *scratch = NULL;
    TCI_RETURN_IF(tci_scratch_create(model, (size_t)model->options.threads, &made));
    *scratch = (tc_scratch *)(void *)made;
    return TC_OK;
}

void tc_scratch_free(tc_scratch *scratch)
{
    tci_scratch_free(inner(scratch));
}

static tc_status check_capacity(const tc_model *model, size_t texts, size_t capacity, const float *scores,
                                size_t *count)
{
    size_t needed = 0;
    if (!tci_multiply(texts, model->label_count, &needed))
        return tci_fail(TC_ERROR_LIMIT, "%zu texts of %zu scores do not fit the address space", texts,
                        model->label_count);
    *count = needed;
    if (capacity < needed)
        return tci_fail(TC_ERROR_CAPACITY, "%zu scores do not fit a buffer of %zu", needed, capacity);
    if (!scores && needed > 0)
        return tci_fail(TC_ERROR_ARGUMENT, "argument 'scores' is NULL");
    return TC_OK;
}

/* Logits of many rows to scores, in the floating-point environment of tc_predict(). */
static tc_status score_rows(const tc_model *model, size_t row_count, float *values)
{
    tci_float_environment environment = tci_float_enter();
    tc_status status = tci_model_scores(model, row_count, values);
    tci_float_leave(environment);
    return status;
}

/* Logits into `scores` first, so that a failing call has no buffer of its own to free. */
static tc_status predict_text(const tc_model *model, tci_scratch *scratch, const char *text, size_t length,
                              float *scores, tc_prediction *prediction)
{
    TCI_RETURN_IF(tci_model_predict_text(model, scratch, text ? text : "", length, scores));
    if (prediction && prediction->logits) {
        const tci_network *network = model->network;
        memcpy(prediction->logits, scores, model->label_count * sizeof *scores);
        if (network->architecture->logits)
            network->architecture->logits(network, prediction->logits);
    }
    TCI_RETURN_IF(tci_model_scores(model, 1, scores));
    if (prediction) {
        prediction->tokens = scratch->tokens;
        prediction->tokens_used = scratch->tokens_used;
    }
    return TC_OK;
}

tc_status tc_predict_with(const tc_model *model, tc_scratch *scratch, const char *text, size_t length, size_t capacity,
                          float *scores, size_t *count, tc_prediction *prediction)
{
    TCI_REQUIRE(model);
    TCI_REQUIRE_TEXT(text, length);
    TCI_REQUIRE(count);
    if (prediction) {
        TCI_REQUIRE_STRUCT(prediction, tc_prediction, tokens_used);
        *count = model->label_count;
        if (prediction->logits && prediction->logits_capacity < model->label_count)
            return tci_fail(TC_ERROR_CAPACITY, "%zu logits do not fit a buffer of %zu", model->label_count,
                            prediction->logits_capacity);
    }
    TCI_RETURN_IF(check_capacity(model, 1, capacity, scores, count));
    tci_scratch *working = inner(scratch);
    if (!working)
        TCI_RETURN_IF(tci_scratch_borrow(model, &working));
    tci_float_environment environment = tci_float_enter();
    tc_status status = predict_text(model, working, text, length, scores, prediction);
    tci_float_leave(environment);
    if (!scratch)
        tci_scratch_return(model, working);
    return status;
}

tc_status tc_predict(const tc_model *model, const char *text, size_t length, size_t capacity, float *scores,
                     size_t *count)
{
    return tc_predict_with(model, NULL, text, length, capacity, scores, count, NULL);
}

static tc_status predict_texts(const tc_model *model, const tci_texts *texts, float *scores)
{
    tc_status status = TC_OK;
    tci_memory memory;
    tci_pool *pool = NULL;
    if (texts->count == 0)
        return TC_OK;
    tci_memory_init(&memory, &model->memory.host, model->memory.limit);
    TCI_CHECK(tci_pool_create(&memory, (size_t)model->options.threads, &pool));
    TCI_CHECK(tci_predict_texts(model, pool, texts, scores));
    TCI_CHECK(score_rows(model, texts->count, scores));
done:
    tci_pool_free(pool);
    return status;
}

tc_status tc_predict_batch(const tc_model *model, const char *const *texts, const size_t *lengths, size_t text_count,
                           size_t capacity, float *scores, size_t *count)
{
    const tci_texts given = {.pointers = texts, .lengths = lengths, .count = text_count};
    TCI_REQUIRE(model);
    TCI_REQUIRE(count);
    TCI_REQUIRE_TEXT(texts, text_count);
    TCI_REQUIRE_TEXT(lengths, text_count);
    for (size_t i = 0; i < text_count; i++) {
        if (!texts[i] && lengths[i] > 0)
            return tci_fail(TC_ERROR_ARGUMENT, "tc_predict_batch: text %zu is NULL with a length", i);
    }
    TCI_RETURN_IF(check_capacity(model, text_count, capacity, scores, count));
    return predict_texts(model, &given, scores);
}

tc_status tc_predict_block(const tc_model *model, const char *bytes, size_t size, const uint64_t *offsets,
                           size_t text_count, size_t capacity, float *scores, size_t *count)
{
    const tci_texts given = {.bytes = bytes, .offsets = offsets, .count = text_count};
    TCI_REQUIRE(model);
    TCI_REQUIRE(count);
    TCI_REQUIRE_TEXT(bytes, size);
    TCI_REQUIRE_TEXT(offsets, text_count);
    for (size_t i = 0; i < text_count; i++) {
        if (offsets[i] > offsets[i + 1] || offsets[i + 1] > size)
            return tci_fail(TC_ERROR_ARGUMENT,
                            "tc_predict_block: text %zu is from byte %" PRIu64 " to %" PRIu64
                            "; offsets rise, to at most the %zu bytes of the block",
                            i, offsets[i], offsets[i + 1], size);
    }
    TCI_RETURN_IF(check_capacity(model, text_count, capacity, scores, count));
    return predict_texts(model, &given, scores);
}

tc_status tc_predict_examples(const tc_model *model, const tc_examples *examples, const size_t *rows, size_t row_count,
                              size_t capacity, float *scores, size_t *count)
{
    tc_status status = TC_OK;
    tci_memory memory;
    tci_pool *pool = NULL;
    tci_row *ids = NULL;
    TCI_REQUIRE(model);
    TCI_REQUIRE(examples);
    TCI_REQUIRE(count);
    if (!rows)
        row_count = examples->rows;
    TCI_RETURN_IF(tci_examples_check(examples, model, rows, row_count));
    TCI_RETURN_IF(check_capacity(model, row_count, capacity, scores, count));
    if (row_count == 0)
        return TC_OK;
    tci_memory_init(&memory, &model->memory.host, model->memory.limit);
    TCI_CHECK(tci_alloc(&memory, row_count, sizeof *ids, "rows to predict", &ids));
    for (size_t i = 0; i < row_count; i++)
        ids[i] = tci_examples_row(examples, rows ? rows[i] : i);
    TCI_CHECK(tci_pool_create(&memory, (size_t)model->options.threads, &pool));
    TCI_CHECK(tci_predict_rows(model, pool, ids, row_count, scores));
    TCI_CHECK(score_rows(model, row_count, scores));
done:
    tci_free(&memory, ids);
    tci_pool_free(pool);
    return status;
}
