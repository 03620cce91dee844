/* regression.h: how far predicted values are from real targets, row by row. */
#ifndef TCI_METRIC_REGRESSION_H
#define TCI_METRIC_REGRESSION_H

#include <stdint.h>

#include "base/memory.h"

typedef struct tci_regression tci_regression;

/* Of one target, or the plain mean over targets. */
typedef struct tci_regression_result {
    uint64_t rows;
    double mean_squared_error;
    double mean_absolute_error;
    /* 1 - Σ (target - value)² / Σ (target - mean)². NaN for one row; of a target that never changes: 1 when all values
     * are right, else 0 (as in scikit-learn). */
    double r2;
} tci_regression_result;

tc_status tci_regression_create(tci_memory *memory, size_t target_count, tci_regression **metric);
void tci_regression_free(tci_regression *metric); /* NULL is a no-op */

/* Counts a row: targets and values (target_count). */
void tci_regression_add(tci_regression *metric, const float *targets, const float *values);

/* The mean over targets. TC_ERROR_ARGUMENT when no row was added. */
tc_status tci_regression_finish(const tci_regression *metric, tci_regression_result *result);

/* One target's figures, once a row was added. */
tci_regression_result tci_regression_target(const tci_regression *metric, size_t target);

#endif
