/* threshold.h: the threshold at which a label is told best from its scores. */
#ifndef TCI_METRIC_THRESHOLD_H
#define TCI_METRIC_THRESHOLD_H

#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"

/* Scores of one label, 0 to 1, and for which rows it is true (not 0). `order` (2 · count) is room. */
typedef struct tci_label_scores {
    size_t count;
    const float *scores;
    const uint8_t *is_true;
    uint32_t *order;
} tci_label_scores;

/* The threshold of the best F1, where a label is given at its threshold or above. Of those of the same F1 the nearest
 * to `preferred` (0 to 1), or the higher of two as near: `preferred` itself where it is among them, else the middle
 * between the two scores that it parts. */
double tci_best_threshold(const tci_label_scores *label, double preferred);

#endif
