/* embed.h: texts and words as vectors. */
#ifndef TCI_MODEL_EMBED_H
#define TCI_MODEL_EMBED_H

#include "model/classifier.h"

/* Floats of a text's vector, of a word's; 0 where the architecture has none. */
size_t tci_model_embed_dim(const tc_model *model);
size_t tci_model_word_dim(const tc_model *model);

/* What the head reads of a text (tci_model_embed_dim). The caller is between tci_float_enter() and tci_float_leave(),
 * as with tci_model_predict_text(). */
tc_status tci_model_embed_text(const tc_model *model, tci_scratch *scratch, const char *text, size_t length,
                               float *vector);

/* The vector of a word (tci_model_word_dim); TC_ERROR_ARGUMENT for what is not one token. Likewise. */
tc_status tci_model_word_vector(const tc_model *model, tci_scratch *scratch, const char *word, size_t length,
                                float *vector);

#endif
