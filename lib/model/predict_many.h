/* predict_many.h: logits of many rows or texts on a team, in batches of like length. Which member computes a batch
 * depends on timing; a row's bits do not. */
#ifndef TCI_MODEL_PREDICT_MANY_H
#define TCI_MODEL_PREDICT_MANY_H

#include "base/team.h"
#include "model/classifier.h"

/* logits (count, label_count) in the order of `rows`. Enters and leaves the float environment itself. */
tc_status tci_predict_rows(const tc_model *model, tci_pool *pool, const tci_row *rows, size_t count, float *logits);

/* Texts, each where its pointer says or, with pointers NULL, at bytes + offsets[i]. */
typedef struct tci_texts {
    const char *const *pointers; /* (count) */
    const size_t *lengths;       /* (count) */
    const char *bytes;
    const uint64_t *offsets; /* (count + 1), rising */
    size_t count;
} tci_texts;

/* The same for texts, encoded on the team. */
tc_status tci_predict_texts(const tc_model *model, tci_pool *pool, const tci_texts *texts, float *logits);

#endif
