/* optimizer.h: one step over all parameters: finiteness check, clipping, learning rate, update.
 *
 * Semantics are those of torch.optim in PyTorch 2 (SGD, Adam, AdamW, Adagrad, SparseAdam) and clip_grad_norm_. The
 * state is a few blocks of the trained parameters (the moments, say) and a step counter, all open to a checkpoint.
 * Tensors whose level or `undecayed` differ are what PyTorch calls parameter groups, each with a rate of its own.
 * A new optimizer is one file with a tci_optimizer_rule (rule.h) and one row of the table in optimizer.c.
 *
 *     tci_optimizer_options options = {.name = "adam", .learning_rate = 0.001, .beta1 = 0.9, ...};
 *     tci_optimizer_create(memory, kernels, parameters, &options, &optimizer);
 *     ...backward adds Σ w·c·dL to the gradients...
 *     tci_optimizer_apply(optimizer, pool, parameters, &gradients, 1 / weight, &result);
 *     tci_gradients_clear(&gradients); */
#ifndef TCI_OPTIMIZER_OPTIMIZER_H
#define TCI_OPTIMIZER_OPTIMIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"
#include "base/team.h"
#include "kernel/kernel.h"
#include "optimizer/schedule.h"
#include "tensor/parameters.h"

typedef struct tci_optimizer_options {
    const char *name; /* "adam", "adamw", "sgd", "adagrad" */
    double learning_rate;
    double beta1;          /* adam, adamw */
    double beta2;          /* adam, adamw */
    double epsilon;        /* adam, adamw, adagrad */
    double momentum;       /* sgd */
    double weight_decay;   /* added to the gradient; adamw: shrinks the weights instead */
    double layer_decay;    /* the rate of a tensor is learning_rate · layer_decay^level; 0 counts as 1 */
    bool sparse_embedding; /* rows without a gradient stand still; refuses weight_decay and momentum */
    tci_schedule schedule;
    double clip_norm; /* 0 = none */
} tci_optimizer_options;

typedef struct tci_optimizer tci_optimizer;

/* What one apply did. */
typedef struct tci_optimizer_result {
    double gradient_norm; /* over all trained parameters, scaled, before clipping */
    double learning_rate; /* of this step, schedule included, at level 0 */
} tci_optimizer_result;

/* The name of row `index` of the optimizer table, NULL behind the last. */
const char *tci_optimizer_name(size_t index);

/* For those of the declared parameters that are trained. Copies the options. TC_ERROR_OPTION, with the reason, for a
 * value outside its range or a combination that is not supported. The caller keeps `memory` until
 * tci_optimizer_free. */
tc_status tci_optimizer_create(tci_memory *memory, const tci_kernels *kernels, const tci_parameters *parameters,
                               const tci_optimizer_options *options, tci_optimizer **optimizer);
void tci_optimizer_free(tci_optimizer *optimizer); /* NULL is a no-op */
/* From the next step on. TC_ERROR_OPTION leaves the old one. */
tc_status tci_optimizer_set_schedule(tci_optimizer *optimizer, const tci_schedule *schedule);

/* Takes one step with the gradients times `scale` (1 / Σ w·c), on every member of `pool` (NULL: the caller alone). Bits
 * do not depend on the members. `result` may be NULL. Gradients are only read, and of the sparse tensor only the
 * touched rows.
 *
 * A gradient that is not finite, or so great that its square is not, is TC_ERROR_NUMERIC naming the tensor (the caller
 * adds the step); parameters, state and step counter are then as before. */
tc_status tci_optimizer_apply(tci_optimizer *optimizer, tci_pool *pool, tci_parameters *parameters,
                              const tci_gradients *gradients, double scale, tci_optimizer_result *result);

/* State for checkpoints: blocks 0, 1, ... of the trained parameters (tensor/parameters.h). Returns NULL behind the
 * last; *name is "optim.exp_avg", "optim.exp_avg_sq", "optim.momentum_buffer" or "optim.sum". */
float *tci_optimizer_state(tci_optimizer *optimizer, size_t index, const char **name);

/* Steps taken so far. */
uint64_t tci_optimizer_steps(const tci_optimizer *optimizer);
void tci_optimizer_set_steps(tci_optimizer *optimizer, uint64_t steps);

#endif
