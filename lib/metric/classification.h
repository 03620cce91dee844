/* classification.h: how good predictions of one label a text are, row by row.
 *
 * A true label that the model lacks (TC_LABEL_UNKNOWN) is always missed: the row counts as wrong, and macro F1 runs
 * over one more label, of F1 0, which stands for all of them. */
#ifndef TCI_METRIC_CLASSIFICATION_H
#define TCI_METRIC_CLASSIFICATION_H

#include <stdbool.h>

#include "base/memory.h"
#include "metric/label_counts.h"

typedef struct tci_classification tci_classification;

typedef struct tci_classification_result {
    uint64_t rows;
    uint64_t unknown; /* rows whose true label the model lacks */
    double accuracy;
    double macro_f1;          /* over the labels seen in truth or prediction */
    double micro_f1;          /* the accuracy, as every row has one label and one prediction */
    double calibration_error; /* Σ over bins: share of the rows · |accuracy - mean confidence| */
} tci_classification_result;

/* Counting a confusion matrix takes label_count² counters. */
tc_status tci_classification_create(tci_memory *memory, size_t label_count, bool with_confusion,
                                    tci_classification **metric);
void tci_classification_free(tci_classification *metric); /* NULL is a no-op */

/* Counts a row; scores (label_count). The prediction is the greatest score, the first of equal ones; it is returned. */
uint32_t tci_classification_add(tci_classification *metric, uint32_t truth, const float *scores);

/* TC_ERROR_ARGUMENT when no row was added. */
tc_status tci_classification_finish(const tci_classification *metric, tci_classification_result *result);

/* Figures of one label. */
tc_label_metrics tci_classification_label(const tci_classification *metric, size_t label);

/* (label_count, label_count) rows of true label and predicted label, known ones only; NULL when not counted. */
const uint64_t *tci_classification_confusion(const tci_classification *metric);

#endif
