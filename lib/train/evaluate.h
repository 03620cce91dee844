/* evaluate.h: predictions over examples, measured. */
#ifndef TCI_TRAIN_EVALUATE_H
#define TCI_TRAIN_EVALUATE_H

#include "base/team.h"
#include "model/examples.h"
#include "textclf/evaluate.h"

/* As tc_evaluate(), on the members of `pool`; `rows` NULL means the first row_count. */
tc_status tci_evaluate(const tc_model *model, tci_pool *pool, const tc_examples *examples, const size_t *rows,
                       size_t row_count, tc_evaluation *evaluation);

#endif
