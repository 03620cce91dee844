/* multilabel.h: how good predictions of a set of labels a text are, row by row.
 *
 * True labels that the model lacks (TC_LABEL_UNKNOWN in a row's list) are always missed: the row's set is wrong, micro
 * F1 counts each as missed, and macro F1 runs over one more label, of F1 0, which stands for all of them. */
#ifndef TCI_METRIC_MULTILABEL_H
#define TCI_METRIC_MULTILABEL_H

#include "base/memory.h"
#include "metric/label_counts.h"

typedef struct tci_multilabel tci_multilabel;

typedef struct tci_multilabel_result {
    uint64_t rows;
    uint64_t unknown; /* rows with a true label that the model lacks */
    double accuracy;  /* rows whose predicted set is exactly the true one */
    double macro_f1;  /* over the labels seen in truth or prediction */
    double micro_f1;
} tci_multilabel_result;

/* A label is predicted where its score, as a double, is at least `threshold`, or its own one of `thresholds`
 * (label_count; NULL: none has; kept by address). */
tc_status tci_multilabel_create(tci_memory *memory, size_t label_count, double threshold, const double *thresholds,
                                tci_multilabel **metric);
void tci_multilabel_free(tci_multilabel *metric); /* NULL is a no-op */

/* Counts a row: its true labels, each below label_count or TC_LABEL_UNKNOWN (the same known label twice counts once),
 * and scores (label_count). */
void tci_multilabel_add(tci_multilabel *metric, const uint32_t *truth, size_t truth_count, const float *scores);

/* TC_ERROR_ARGUMENT when no row was added. */
tc_status tci_multilabel_finish(const tci_multilabel *metric, tci_multilabel_result *result);

/* Figures of one label. */
tc_label_metrics tci_multilabel_label(const tci_multilabel *metric, size_t label);

#endif
