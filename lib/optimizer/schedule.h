/* schedule.h: how the learning rate changes from step to step, as a factor of the option learning_rate.
 *
 * Steps count from 1. The first warmup_steps rise linearly (step / warmup_steps, the last of them at 1); then
 *   constant  1
 *   linear    (total - step) / (total - warmup)
 *   cosine    (1 + cos(π (step - warmup) / (total - warmup))) / 2
 * and 0 from step total_steps on. */
#ifndef TCI_OPTIMIZER_SCHEDULE_H
#define TCI_OPTIMIZER_SCHEDULE_H

#include <stdint.h>

#include "base/error.h"

typedef enum tci_schedule_kind { TCI_SCHEDULE_CONSTANT, TCI_SCHEDULE_LINEAR, TCI_SCHEDULE_COSINE } tci_schedule_kind;

typedef struct tci_schedule {
    tci_schedule_kind kind;
    uint64_t warmup_steps;
    uint64_t total_steps; /* not used by constant */
} tci_schedule;

/* TC_ERROR_OPTION when a falling schedule has no total_steps, or fewer than warmup_steps. */
tc_status tci_schedule_check(const tci_schedule *schedule);

/* The factor of step `step` ≥ 1 of a schedule that was checked. */
double tci_schedule_factor(const tci_schedule *schedule, uint64_t step);

#endif
