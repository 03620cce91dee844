/* ngram_label.h: one more label for a model of n-grams in its linear form. */
#ifndef TCI_MODEL_NGRAM_LABEL_H
#define TCI_MODEL_NGRAM_LABEL_H

#include "model/classifier.h"

/* Appends a label that no text has yet: its margin is -1 and no feature tells it. The other labels keep their logits:
 * their bits where there were several columns, one for each.
 *
 * TC_ERROR_BUSY under a trainer, TC_ERROR_UNSUPPORTED for another architecture, task regress or narrow weights,
 * TC_ERROR_STATE for a mapped model, TC_ERROR_ARGUMENT for a label that there cannot be; nothing has changed then. */
tc_status tci_model_add_label(tc_model *model, const char *label);

#endif
