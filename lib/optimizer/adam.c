/* adam.c: Adam (Kingma, Ba, ICLR 2015) and AdamW (Loshchilov, Hutter, ICLR 2019) as in torch.optim.
 *
 *   g = gradient + weight_decay · value                        adamw: value = value · (1 - rate · weight_decay) first
 *   exp_avg = exp_avg + (1 - beta1)(g - exp_avg)
 *   exp_avg_sq = exp_avg_sq + (1 - beta2)(g² - exp_avg_sq)
 *   value = value - rate / c1 · exp_avg / (√exp_avg_sq / √c2 + epsilon)      with c = 1 - beta^step
 *
 * Sparse rows are torch.optim.SparseAdam's, which leaves epsilon uncorrected: value - rate · √c2 / c1 · exp_avg /
 * (√exp_avg_sq + epsilon), its step being the global one. The second moment is written as a step towards g², which
 * is the same average, but settles on g² itself when beta2 and 1 - beta2 are rounded to float. */
#include "optimizer/rule.h"

#include <math.h>

enum { SHRINK, DECAY, ONE_MINUS_BETA1, ONE_MINUS_BETA2, STEP_SIZE, ROOT_SCALE, EPSILON };

static tc_status check(const tci_optimizer_options *options)
{
    /* The upper end is the greatest double below 1 whose distance from 1 a float still tells from 0. */
    TCI_RETURN_IF(tci_option_check("beta1", options->beta1, 0, 0.9999999));
    TCI_RETURN_IF(tci_option_check("beta2", options->beta2, 0, 0.9999999));
    return tci_option_check("epsilon", options->epsilon, 1e-30, 1);
}

static bool stands_still(const tci_optimizer_options *options)
{
    (void)options;
    return false;
}

/* base^exponent by squaring: the same bits everywhere, which pow() does not promise. */
static double power(double base, uint64_t exponent)
{
    double result = 1.0;
    for (; exponent > 0; exponent >>= 1) {
        if (exponent & 1)
            result *= base;
        base *= base;
    }
    return result;
}

static void prepare_common(const tci_optimizer_options *options, double rate, uint64_t step, bool sparse,
                           tci_step_constants *constants)
{
    double correction1 = 1.0 - power(options->beta1, step);
    double correction2 = sqrt(1.0 - power(options->beta2, step));
    constants->value[ONE_MINUS_BETA1] = (float)(1.0 - options->beta1);
    constants->value[ONE_MINUS_BETA2] = (float)(1.0 - options->beta2);
    constants->value[EPSILON] = (float)options->epsilon;
    constants->value[STEP_SIZE] = (float)(sparse ? rate * correction2 / correction1 : rate / correction1);
    constants->value[ROOT_SCALE] = (float)(sparse ? 1.0 : 1.0 / correction2);
}

static void prepare_adam(const tci_optimizer_options *options, double rate, uint64_t step, bool sparse,
                         tci_step_constants *constants)
{
    prepare_common(options, rate, step, sparse, constants);
    constants->value[DECAY] = (float)options->weight_decay;
    constants->value[SHRINK] = 1.0F;
}

static void prepare_adamw(const tci_optimizer_options *options, double rate, uint64_t step, bool sparse,
                          tci_step_constants *constants)
{
    prepare_common(options, rate, step, sparse, constants);
    constants->value[DECAY] = 0.0F;
    constants->value[SHRINK] = (float)(1.0 - rate * options->weight_decay);
}

static void update(const tci_kernels *kernels, const tci_step_constants *constants, size_t count, float *value,
                   const float *gradient, float *const state[TCI_OPTIMIZER_STATES])
{
    const tci_adam_constants adam = {
        .gradient_scale = constants->gradient_scale,
        .shrink = constants->value[SHRINK],
        .decay = constants->value[DECAY],
        .one_minus_beta1 = constants->value[ONE_MINUS_BETA1],
        .one_minus_beta2 = constants->value[ONE_MINUS_BETA2],
        .step_size = constants->value[STEP_SIZE],
        .root_scale = constants->value[ROOT_SCALE],
        .epsilon = constants->value[EPSILON],
    };
    kernels->adam(&adam, count, value, gradient, state[0], state[1]);
}

const tci_optimizer_rule tci_rule_adam = {
    .name = "adam",
    .states = {"optim.exp_avg", "optim.exp_avg_sq"},
    .check = check,
    .stands_still = stands_still,
    .prepare = prepare_adam,
    .update = update,
};

const tci_optimizer_rule tci_rule_adamw = {
    .name = "adamw",
    .states = {"optim.exp_avg", "optim.exp_avg_sq"},
    .check = check,
    .stands_still = stands_still,
    .prepare = prepare_adamw,
    .update = update,
};
