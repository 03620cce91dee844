/* evaluate.h: predictions over examples, measured. */
#ifndef TCI_TRAIN_EVALUATE_H
#define TCI_TRAIN_EVALUATE_H

#include "base/team.h"
#include "model/examples.h"
#include "model/network.h"
#include "textclf/evaluate.h"

/* As tc_evaluate(), on the members of `pool`; `rows` NULL means the first row_count. `training` is that of the model
 * where it is being trained, between steps, or NULL. */
tc_status tci_evaluate(const tc_model *model, tci_pool *pool, tci_training *training, const tc_examples *examples,
                       const size_t *rows, size_t row_count, tc_evaluation *evaluation);

#endif
