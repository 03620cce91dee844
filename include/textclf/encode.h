/**
 * @file encode.h
 * @brief The ids and byte ranges behind a text.
 */
#ifndef TEXTCLF_ENCODE_H
#define TEXTCLF_ENCODE_H

#include <stddef.h>
#include <stdint.h>

#include "textclf/export.h"
#include "textclf/model.h"
#include "textclf/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Ids of a text as the model sees it, after truncation, with the byte range of each token in `text`. A model of n-grams
 * sees features: all their occurrences, each 2·bucket, or 2·bucket + 1 where it weighs half, and the range of its
 * tokens; with `embedding_dim` above 0 the rows that fastText looks up, in its order (docs/fasttext.md).
 * The tokenizer of a pretrained model puts special tokens around a text, which have empty ranges at byte 0; with
 * `truncate` windows the ids of all windows stand one after the other, each but the last of `max_length`.
 *
 * @param capacity tokens that `ids` (and `ranges`, if not NULL) have room for; #TC_ERROR_CAPACITY with `count` set when
 *                 there are more.
 * @param ids      one id per token, 0 = unknown; NULL with capacity 0 asks for the count.
 * @param ranges   two numbers per token: first byte and the byte behind the last; or NULL.
 * Thread rule: any number at once.
 */
TC_EXPORT tc_status tc_encode(const tc_model *model, const char *text, size_t length, size_t capacity, uint32_t *ids,
                              uint64_t *ranges, size_t *count);

#ifdef __cplusplus
}
#endif

#endif
