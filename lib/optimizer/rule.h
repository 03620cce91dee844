/* rule.h: what one optimizer is, to optimizer.c: names of its state blocks, its option checks, its per-step constants
 * and its update of a run of elements. All elements are independent, so how runs are cut never shows. */
#ifndef TCI_OPTIMIZER_RULE_H
#define TCI_OPTIMIZER_RULE_H

#include "kernel/kernel.h"
#include "optimizer/optimizer.h"

#define TCI_OPTIMIZER_STATES 2

/* Constants of one step, computed in double and rounded once. Each rule names its own in its own file. */
typedef struct tci_step_constants {
    float gradient_scale; /* set by the caller of `prepare`: 1 / weight times the clipping factor */
    float value[8];
} tci_step_constants;

typedef struct tci_optimizer_rule {
    const char *name;
    const char *states[TCI_OPTIMIZER_STATES]; /* block names, NULL where there is none */

    /* Whether these options need the state at all; NULL: yes. */
    bool (*needs_state)(const tci_optimizer_options *options);

    /* TC_ERROR_OPTION for values that this rule uses and cannot take. */
    tc_status (*check)(const tci_optimizer_options *options);

    /* Whether an element with gradient 0 may be passed over, its value and state staying as they are, on the dense
     * path; on the sparse path every rule passes over rows that were not touched. */
    bool (*stands_still)(const tci_optimizer_options *options);

    /* `rate` is the learning rate of this step, steps count from 1; `sparse` says that rows are passed over. */
    void (*prepare)(const tci_optimizer_options *options, double rate, uint64_t step, bool sparse,
                    tci_step_constants *constants);

    /* value, gradient and state: `count` elements each, apart from one another. A gradient of NULL counts as zeros;
     * states there is none of are NULL. */
    void (*update)(const tci_kernels *kernels, const tci_step_constants *constants, size_t count, float *value,
                   const float *gradient, float *const state[TCI_OPTIMIZER_STATES]);
} tci_optimizer_rule;

extern const tci_optimizer_rule tci_rule_sgd;
extern const tci_optimizer_rule tci_rule_adam;
extern const tci_optimizer_rule tci_rule_adamw;
extern const tci_optimizer_rule tci_rule_adagrad;

/* TC_ERROR_OPTION unless low <= value <= high; names the option. A NaN is refused. */
tc_status tci_option_check(const char *option, double value, double low, double high);

#endif
