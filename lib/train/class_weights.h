/* class_weights.h: the option class_weights: none, balanced, or label=weight,... with \, and \= for the characters. */
#ifndef TCI_TRAIN_CLASS_WEIGHTS_H
#define TCI_TRAIN_CLASS_WEIGHTS_H

#include <stdbool.h>

#include "model/examples.h"

/* Fills weights (label_count; labels not named get 1). *balanced says that they depend on the examples and were not
 * filled, *none that all are 1. TC_ERROR_OPTION names what is wrong. */
tc_status tci_class_weights_parse(const char *text, const char *const *labels, size_t label_count, float *weights,
                                  bool *balanced, bool *none);

/* rows / (labels · rows of the label), as scikit-learn's "balanced"; 1 for a label without rows. Writes the option's
 * resolved text, which reads back as the same weights. */
tc_status tci_class_weights_balance(const tc_examples *examples, const char *const *labels, float *weights, char *text,
                                    size_t capacity);

#endif
