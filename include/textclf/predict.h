/**
 * @file predict.h
 * @brief Scores for texts: one, many, or encoded ones.
 */
#ifndef TEXTCLF_PREDICT_H
#define TEXTCLF_PREDICT_H

#include <stddef.h>
#include <stdint.h>

#include "textclf/examples.h"
#include "textclf/export.h"
#include "textclf/model.h"
#include "textclf/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Scores of one text: softmax (classify), sigmoid (multilabel) or values (regress), one per label in the model's order.
 *
 * A text has the same scores, bit for bit, alone, in any batch and at any thread count. A text without tokens gets the
 * scores of the head's bias.
 *
 * Working memory hardly grows with the text, whatever `max_length` is, unless the model has several layers and both
 * directions: that one holds 16·hidden_dim bytes for each token that it uses.
 *
 * @param text     UTF-8, `length` bytes; NULL only with length 0. It must not change during the call.
 * @param capacity floats in `scores`; at least the number of labels, else #TC_ERROR_CAPACITY with `count` set.
 * @param count    scores written.
 * Errors: #TC_ERROR_ARGUMENT, #TC_ERROR_CAPACITY, #TC_ERROR_ENCODING (strict_utf8), #TC_ERROR_NUMERIC (weights that
 * give no finite logits), #TC_ERROR_LIMIT (max_memory), #TC_ERROR_MEMORY. Thread rule: any number at once, without
 * locks.
 */
TC_EXPORT tc_status tc_predict(const tc_model *model, const char *text, size_t length, size_t capacity, float *scores,
                               size_t *count);

/** Working memory of one predicting thread, for hosts that want it in hand. Keeps nothing of the
 * model alive. Thread rule: one thread at a time. */
typedef struct tc_scratch tc_scratch;

/**
 * Scratch for predictions with `model`.
 *
 * Where the model's `threads` are above 1 (see tc_model_load_with()), the scratch has that many, itself counted: they
 * share the work of each prediction that is given this scratch, sleep between predictions, and end with the scratch
 * (docs/performance.md has the times of one and two). The scores are the same bits.
 * Errors: #TC_ERROR_MEMORY, #TC_ERROR_LIMIT (max_memory).
 */
TC_EXPORT tc_status tc_scratch_create(const tc_model *model, tc_scratch **scratch);

/** NULL is a no-op; free it before its model. */
TC_EXPORT void tc_scratch_free(tc_scratch *scratch);

/** More about one prediction. */
typedef struct tc_prediction {
    size_t struct_size;     /**< set by #TC_PREDICTION_INIT */
    size_t logits_capacity; /**< in: floats in `logits` */
    float *logits;          /**< in: the caller's buffer for raw logits (`head` tree: logarithms of scores), or NULL */
    uint64_t tokens;        /**< out: tokens of the whole text */
    uint64_t tokens_used;   /**< out: tokens after truncation */
} tc_prediction;

/** Initializer of a ::tc_prediction. */
#define TC_PREDICTION_INIT {sizeof(tc_prediction), 0, NULL, 0, 0}

/** As tc_predict(), with scratch in hand (or NULL) and more results (or NULL). */
TC_EXPORT tc_status tc_predict_with(const tc_model *model, tc_scratch *scratch, const char *text, size_t length,
                                    size_t capacity, float *scores, size_t *count, tc_prediction *prediction);

/**
 * Scores of many texts, on the model's `threads` threads: row i of `scores` (text_count, labels) belongs to text i.
 *
 * One text alone is shared by the threads, as in tc_predict_with() with a scratch of several.
 * Up to 2048 texts are encoded at a time, 4 bytes a token that is used; a text above 256 KB of which more than 65,536
 * tokens may be used is not, and takes what it takes in tc_predict(), once per thread.
 *
 * @param lengths bytes of each text.
 * @param count   floats written, text_count × labels.
 */
TC_EXPORT tc_status tc_predict_batch(const tc_model *model, const char *const *texts, const size_t *lengths,
                                     size_t text_count, size_t capacity, float *scores, size_t *count);

/**
 * As tc_predict_batch() for texts that lie one after the other, as columns of strings do in databases and in Apache
 * Arrow (large_utf8): text i is the bytes from offsets[i] up to offsets[i + 1]. What lies before the first and behind
 * the last is not read, so that a slice of a column needs no copy. Nobody has to make a pointer for each text, which
 * tells where texts are short.
 *
 * @param bytes   `size` bytes; NULL with size 0.
 * @param offsets (text_count + 1), never falling, none above `size`; else TC_ERROR_ARGUMENT, which names the text.
 * @param count   floats written, text_count × labels.
 */
TC_EXPORT tc_status tc_predict_block(const tc_model *model, const char *bytes, size_t size, const uint64_t *offsets,
                                     size_t text_count, size_t capacity, float *scores, size_t *count);

/** As tc_predict_batch() for rows of encoded examples; rows NULL means all in order,
 * whatever row_count says. */
TC_EXPORT tc_status tc_predict_examples(const tc_model *model, const tc_examples *examples, const size_t *rows,
                                        size_t row_count, size_t capacity, float *scores, size_t *count);

#ifdef __cplusplus
}
#endif

#endif
