/* tune.h: thresholds of a model of several labels, chosen where each label's F1 on known examples is best. */
#ifndef TCI_TRAIN_TUNE_H
#define TCI_TRAIN_TUNE_H

#include "base/team.h"
#include "model/classifier.h"
#include "model/examples.h"

/* Sets the model's thresholds by these rows (NULL: the first row_count). `pool` NULL: the caller predicts alone. Takes
 * 4 bytes a row and label. TC_ERROR_UNSUPPORTED for another task than multilabel. On failure the model is as it was. */
tc_status tci_tune_thresholds(tc_model *model, tci_pool *pool, const tc_examples *examples, const size_t *rows,
                              size_t row_count);

#endif
