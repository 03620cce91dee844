/* sgd.c: stochastic gradient descent with momentum, torch.optim.SGD (dampening 0, no Nesterov).
 *
 *   g = gradient + weight_decay · value
 *   buffer = momentum · buffer + g          the first step's buffer is g, as the buffer begins at 0
 *   value = value - rate · buffer           without momentum: rate · g */
#include "optimizer/rule.h"

enum { RATE, MOMENTUM, DECAY };

static bool needs_state(const tci_optimizer_options *options)
{
    return options->momentum != 0;
}

static tc_status check(const tci_optimizer_options *options)
{
    TCI_RETURN_IF(tci_option_check("momentum", options->momentum, 0, 1));
    if (options->sparse_embedding && options->momentum != 0)
        return tci_fail(TC_ERROR_OPTION, "sparse_embedding goes with momentum 0 only: momentum moves rows without a "
                                         "gradient too");
    return TC_OK;
}

static bool stands_still(const tci_optimizer_options *options)
{
    return options->momentum == 0 && options->weight_decay == 0;
}

static void prepare(const tci_optimizer_options *options, double rate, uint64_t step, bool sparse,
                    tci_step_constants *constants)
{
    (void)step;
    (void)sparse;
    constants->value[RATE] = (float)rate;
    constants->value[MOMENTUM] = (float)options->momentum;
    constants->value[DECAY] = (float)options->weight_decay;
}

static void update_plain(const tci_step_constants *constants, size_t count, float *restrict value,
                         const float *restrict gradient)
{
    const float scale = constants->gradient_scale;
    const float rate = constants->value[RATE];
    const float decay = constants->value[DECAY];
    for (size_t i = 0; i < count; i++)
        value[i] -= rate * ((gradient ? scale * gradient[i] : 0.0F) + decay * value[i]);
}

static void update_momentum(const tci_step_constants *constants, size_t count, float *restrict value,
                            const float *restrict gradient, float *restrict buffer)
{
    const float scale = constants->gradient_scale;
    const float rate = constants->value[RATE];
    const float momentum = constants->value[MOMENTUM];
    const float decay = constants->value[DECAY];
    for (size_t i = 0; i < count; i++) {
        buffer[i] = momentum * buffer[i] + ((gradient ? scale * gradient[i] : 0.0F) + decay * value[i]);
        value[i] -= rate * buffer[i];
    }
}

static void update(const tci_kernels *kernels, const tci_step_constants *constants, size_t count, float *value,
                   const float *gradient, float *const state[TCI_OPTIMIZER_STATES])
{
    (void)kernels;
    if (state[0])
        update_momentum(constants, count, value, gradient, state[0]);
    else
        update_plain(constants, count, value, gradient);
}

const tci_optimizer_rule tci_rule_sgd = {
    .name = "sgd",
    .states = {"optim.momentum_buffer"},
    .needs_state = needs_state,
    .check = check,
    .stands_still = stands_still,
    .prepare = prepare,
    .update = update,
};
