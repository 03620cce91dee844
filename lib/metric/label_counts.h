/* label_counts.h: what is counted of each label, and precision, recall and F1 from it. */
#ifndef TCI_METRIC_LABEL_COUNTS_H
#define TCI_METRIC_LABEL_COUNTS_H

#include <stddef.h>
#include <stdint.h>

#include "textclf/evaluate.h"

typedef struct tci_label_counts {
    uint64_t right;     /* rows where the label is true and predicted */
    uint64_t predicted; /* rows where it is predicted */
    uint64_t support;   /* rows where it is true */
} tci_label_counts;

/* precision = right / predicted, recall = right / support, F1 = 2 right / (predicted + support); 0 where that is 0 / 0.
 */
tc_label_metrics tci_label_metrics_of(const tci_label_counts *counts);

/* The mean F1 of the labels that are seen (predicted or true at least once) and of `others` labels of F1 0. */
double tci_macro_f1(const tci_label_counts *counts, size_t count, size_t others);

/* The F1 of all decisions together; `unknown` true labels are not among the counts and were missed. */
double tci_micro_f1(const tci_label_counts *counts, size_t count, uint64_t unknown);

#endif
