/**
 * @file embed.h
 * @brief Texts and words as vectors.
 */
#ifndef TEXTCLF_EMBED_H
#define TEXTCLF_EMBED_H

#include <stddef.h>
#include <stdint.h>

#include "textclf/export.h"
#include "textclf/model.h"
#include "textclf/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The vector that a text's scores are computed of: what goes into the model's last layer. Of arch lstm it is the pooled
 * state (hidden_dim floats, those of the other direction behind), of arch bert and gpt the pooled state (hidden_dim
 * floats; of a text in windows the mean of theirs), before the pooler where there is one, of arch ngram with
 * embedding_dim the mean of the rows of its words and n-grams, which fastText calls the sentence vector of a supervised
 * model.
 *
 * A text without tokens has zeros (but for fastText's end of text, where the vocabulary has it). The same bits at any
 * number of threads.
 *
 * @param text     UTF-8, `length` bytes; NULL only with length 0.
 * @param capacity floats in `vector`; #TC_ERROR_CAPACITY with `dim` set when there are more (NULL with capacity 0 asks
 *                 for the number).
 * @param dim      floats written; the same for every text.
 * Errors: as tc_predict(), and #TC_ERROR_UNSUPPORTED for arch ngram with embedding_dim 0, which has no such vector.
 * Thread rule: any number at once, without locks.
 */
TC_EXPORT tc_status tc_embed(const tc_model *model, const char *text, size_t length, size_t capacity, float *vector,
                             size_t *dim);

/**
 * The vector of a word, `embedding_dim` floats: its row of the embedding; of arch ngram with embedding_dim the mean of
 * its row, where the vocabulary has it, and those of its n-grams of characters, as fastText gives it. The word is
 * cleaned, normalized and folded as texts are, and has to be one token then. A word that the model knows nothing of has
 * zeros (of arch lstm the row of unknown words).
 *
 * Parameters, thread rule and errors as tc_embed(); #TC_ERROR_ARGUMENT for what is not one token.
 */
TC_EXPORT tc_status tc_word_vector(const tc_model *model, const char *word, size_t length, size_t capacity,
                                   float *vector, size_t *dim);

#ifdef __cplusplus
}
#endif

#endif
