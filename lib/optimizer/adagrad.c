/* adagrad.c: Duchi, Hazan, Singer, "Adaptive subgradient methods", JMLR 2011, as torch.optim.Adagrad (lr_decay 0,
 * initial_accumulator_value 0).
 *
 *   g = gradient + weight_decay · value
 *   sum = sum + g²
 *   value = value - rate · g / (√sum + epsilon)
 *
 * With gradient 0 and no decay nothing moves, so that dense and sparse rows are the same here. */
#include "optimizer/rule.h"

#include <math.h>

enum { RATE, EPSILON, DECAY };

static tc_status check(const tci_optimizer_options *options)
{
    return tci_option_check("epsilon", options->epsilon, 1e-30, 1);
}

static bool stands_still(const tci_optimizer_options *options)
{
    return options->weight_decay == 0;
}

static void prepare(const tci_optimizer_options *options, double rate, uint64_t step, bool sparse,
                    tci_step_constants *constants)
{
    (void)step;
    (void)sparse;
    constants->value[RATE] = (float)rate;
    constants->value[EPSILON] = (float)options->epsilon;
    constants->value[DECAY] = (float)options->weight_decay;
}

static void update_run(const tci_step_constants *constants, size_t count, float *restrict value,
                       const float *restrict gradient, float *restrict sum)
{
    const float scale = constants->gradient_scale;
    const float rate = constants->value[RATE];
    const float epsilon = constants->value[EPSILON];
    const float decay = constants->value[DECAY];
    for (size_t i = 0; i < count; i++) {
        float g = (gradient ? scale * gradient[i] : 0.0F) + decay * value[i];
        sum[i] += g * g;
        value[i] -= rate * (g / (sqrtf(sum[i]) + epsilon));
    }
}

static void update(const tci_kernels *kernels, const tci_step_constants *constants, size_t count, float *value,
                   const float *gradient, float *const state[TCI_OPTIMIZER_STATES])
{
    (void)kernels;
    update_run(constants, count, value, gradient, state[0]);
}

const tci_optimizer_rule tci_rule_adagrad = {
    .name = "adagrad",
    .states = {"optim.sum"},
    .check = check,
    .stands_still = stands_still,
    .prepare = prepare,
    .update = update,
};
