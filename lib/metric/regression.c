/* regression.c: mean squared and absolute error and R², as scikit-learn's mean_squared_error, mean_absolute_error and
 * r2_score. The spread of the targets is gathered in one pass: Welford, "Note on a method for calculating corrected
 * sums of squares and products", Technometrics 4, 1962. */
#include "metric/regression.h"

#include <math.h>

typedef struct target {
    double squared;  /* Σ (target - value)² */
    double absolute; /* Σ |target - value| */
    double mean;     /* of the targets so far */
    double spread;   /* Σ (target - mean)² */
} target;

struct tci_regression {
    tci_memory *memory;
    size_t target_count;
    target *targets;
    uint64_t rows;
};

tc_status tci_regression_create(tci_memory *memory, size_t target_count, tci_regression **metric)
{
    tci_regression *made = NULL;
    tc_status status = TC_OK;
    *metric = NULL;
    TCI_CHECK(tci_alloc_zero(memory, 1, sizeof *made, "metrics", &made));
    made->memory = memory;
    made->target_count = target_count;
    TCI_CHECK(tci_alloc_zero(memory, target_count, sizeof *made->targets, "metrics", &made->targets));
    *metric = made;
    made = NULL;
done:
    tci_regression_free(made);
    return status;
}

void tci_regression_free(tci_regression *metric)
{
    if (!metric)
        return;
    tci_free(metric->memory, metric->targets);
    tci_free(metric->memory, metric);
}

void tci_regression_add(tci_regression *metric, const float *targets, const float *values)
{
    metric->rows++;
    for (size_t i = 0; i < metric->target_count; i++) {
        target *sums = &metric->targets[i];
        double truth = (double)targets[i];
        double distance = truth - (double)values[i];
        double before = truth - sums->mean;
        sums->squared += distance * distance;
        sums->absolute += distance < 0 ? -distance : distance;
        sums->mean += before / (double)metric->rows;
        sums->spread += before * (truth - sums->mean);
    }
}

tci_regression_result tci_regression_target(const tci_regression *metric, size_t index)
{
    const target *sums = &metric->targets[index];
    double rows = (double)metric->rows;
    double r2 = NAN;
    if (sums->spread > 0)
        r2 = 1.0 - sums->squared / sums->spread;
    else if (metric->rows > 1)
        r2 = sums->squared > 0 ? 0.0 : 1.0;
    return (tci_regression_result){.rows = metric->rows,
                                   .mean_squared_error = sums->squared / rows,
                                   .mean_absolute_error = sums->absolute / rows,
                                   .r2 = r2};
}

tc_status tci_regression_finish(const tci_regression *metric, tci_regression_result *result)
{
    if (metric->rows == 0)
        return tci_fail(TC_ERROR_ARGUMENT, "there are no examples to evaluate; at least one is needed");
    tci_regression_result mean = {.rows = metric->rows};
    for (size_t i = 0; i < metric->target_count; i++) {
        tci_regression_result one = tci_regression_target(metric, i);
        mean.mean_squared_error += one.mean_squared_error / (double)metric->target_count;
        mean.mean_absolute_error += one.mean_absolute_error / (double)metric->target_count;
        mean.r2 += one.r2 / (double)metric->target_count;
    }
    *result = mean;
    return TC_OK;
}
