/* schedule.c: the factors that schedule.h defines, in double and with the library's own cosine, because they reach
 * the weights. */
#include "optimizer/schedule.h"

#include <inttypes.h>

#include "kernel/kernel.h"

static const double pi = 3.14159265358979323846;

tc_status tci_schedule_check(const tci_schedule *schedule)
{
    if (schedule->kind == TCI_SCHEDULE_CONSTANT)
        return TC_OK;
    if (schedule->total_steps == 0)
        return tci_fail(TC_ERROR_OPTION, "schedule %s needs total_steps, the step at which the learning rate reaches 0",
                        schedule->kind == TCI_SCHEDULE_LINEAR ? "linear" : "cosine");
    if (schedule->total_steps < schedule->warmup_steps)
        return tci_fail(TC_ERROR_OPTION, "warmup_steps %" PRIu64 " is more than total_steps %" PRIu64,
                        schedule->warmup_steps, schedule->total_steps);
    return TC_OK;
}

double tci_schedule_factor(const tci_schedule *schedule, uint64_t step)
{
    if (step <= schedule->warmup_steps)
        return (double)step / (double)schedule->warmup_steps;
    if (schedule->kind == TCI_SCHEDULE_CONSTANT)
        return 1.0;
    if (step >= schedule->total_steps)
        return 0.0;
    double length = (double)(schedule->total_steps - schedule->warmup_steps);
    if (schedule->kind == TCI_SCHEDULE_LINEAR)
        return (double)(schedule->total_steps - step) / length;
    return 0.5 * (1.0 + tci_cos(pi * (double)(step - schedule->warmup_steps) / length));
}
