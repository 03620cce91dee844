/**
 * @file examples.h
 * @brief Texts with their labels or targets, encoded once and reused every epoch.
 */
#ifndef TEXTCLF_EXAMPLES_H
#define TEXTCLF_EXAMPLES_H

#include <stddef.h>
#include <stdint.h>

#include "textclf/export.h"
#include "textclf/model.h"
#include "textclf/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Encoded texts. Keeps the model's text pipeline alive. Thread rule: adding from one thread at a time; reading from
 * any. */
typedef struct tc_examples tc_examples;

/** As a label index: a label that the model does not have. Evaluation counts such a row as wrong; training refuses
 * it. */
#define TC_LABEL_UNKNOWN UINT32_MAX

/** An empty set for models with this model's text pipeline. Errors: #TC_ERROR_ARGUMENT, #TC_ERROR_MEMORY. */
TC_EXPORT tc_status tc_examples_create(const tc_model *model, tc_examples **examples);

/** NULL is a no-op. */
TC_EXPORT void tc_examples_free(tc_examples *examples);

/**
 * Adds a text with one label (task classify; with multilabel: exactly this one).
 *
 * @param text   UTF-8, `length` bytes; NULL only with length 0. An empty text is an example.
 * @param label  index into the model's labels, or #TC_LABEL_UNKNOWN.
 * @param weight weight of its loss, finite and at least 0; 1 for all is usual.
 * Errors: #TC_ERROR_ARGUMENT (label or weight), #TC_ERROR_UNSUPPORTED (task regress), #TC_ERROR_ENCODING,
 * #TC_ERROR_LIMIT, #TC_ERROR_MEMORY; nothing is added then.
 */
TC_EXPORT tc_status tc_examples_add_label(tc_examples *examples, const char *text, size_t length, uint32_t label,
                                          float weight);

/** Adds a text with any number of labels (task multilabel); `labels` may be NULL with label_count 0. */
TC_EXPORT tc_status tc_examples_add_labels(tc_examples *examples, const char *text, size_t length,
                                           const uint32_t *labels, size_t label_count, float weight);

/** Adds a text with one finite target per label of the model (task regress). */
TC_EXPORT tc_status tc_examples_add_targets(tc_examples *examples, const char *text, size_t length,
                                            const float *targets, size_t target_count, float weight);

/**
 * Adds many texts in one call, in their order, encoded on the `threads` threads of the model that the examples were
 * made for: the same bits as adding them one by one.
 *
 * Texts are best given some MB at a time: each call starts its threads.
 *
 * @param texts        `text_count` texts of UTF-8; NULL only where the length is 0.
 * @param lengths      bytes of each text.
 * @param labels       task classify: a label of each text; multilabel: the labels of all texts, one text after the
 *                     other; regress: NULL.
 * @param label_counts task multilabel: how many labels each text has; NULL: one each.
 * @param targets      task regress: (text_count, labels of the model), else NULL.
 * @param weights      of each text; NULL: all 1.
 * Errors: as tc_examples_add_label(), with the number of the first text that cannot be added (from 0); nothing is added
 * then, not even the texts before it.
 */
TC_EXPORT tc_status tc_examples_add_batch(tc_examples *examples, const char *const *texts, const size_t *lengths,
                                          size_t text_count, const uint32_t *labels, const size_t *label_counts,
                                          const float *targets, const float *weights);

/**
 * The examples as bytes, for hosts that keep more of them than memory holds; #TC_ERROR_CAPACITY with the size needed
 * when the buffer is too small (NULL with capacity 0 asks for the size). They carry the fingerprints of the text
 * pipeline and the labels, and a digest that shows damage.
 */
TC_EXPORT tc_status tc_examples_save_memory(const tc_examples *examples, size_t capacity, void *buffer, size_t *size);

/**
 * Examples from bytes of tc_examples_save_memory(), for models with the same text pipeline, task and labels.
 * Errors: #TC_ERROR_FORMAT, #TC_ERROR_CHECKSUM, #TC_ERROR_VERSION, #TC_ERROR_MISMATCH (another model's),
 * #TC_ERROR_LIMIT, #TC_ERROR_MEMORY.
 */
TC_EXPORT tc_status tc_examples_load_memory(const void *bytes, size_t size, const tc_model *model,
                                            tc_examples **examples);

/** Number of examples; their row numbers are 0 … count - 1 in the order they were added. */
TC_EXPORT tc_status tc_examples_count(const tc_examples *examples, size_t *count);

/** Tokens kept for row `row` after truncation. */
TC_EXPORT tc_status tc_examples_tokens(const tc_examples *examples, size_t row, size_t *tokens);

#ifdef __cplusplus
}
#endif

#endif
