/* golden_model.h: a model and examples as a golden file describes them, made through the library's own text
 * pipeline. */
#ifndef TEST_SUPPORT_GOLDEN_MODEL_H
#define TEST_SUPPORT_GOLDEN_MODEL_H

#include "model/examples.h"
#include "support/golden.h"

/* Options of the file's metadata; training options may be added. */
void golden_model_options(const golden *file, tci_options *options);

/* A model with the file's initial parameters. Word number i of its vocabulary is "w<i>". */
tc_model *golden_model_create(const golden *file, const tci_options *options);

/* The file's texts with their labels or targets and weights. */
tc_examples *golden_model_examples(const golden *file, const tc_model *model);

/* Checks ‖values - golden‖ ≤ tolerance · norm over one tensor; prints both on failure. */
void golden_compare(const char *what, const float *values, const golden_tensor *expected, double tolerance,
                    double norm);

/* ‖golden tensor‖² */
double golden_square_norm(const golden_tensor *expected);

#endif
