/* binary_cross_entropy.c: torch.nn.BCEWithLogitsLoss, mean over the K labels, with sample weights, and sigmoid.
 *
 *   w·L    = w/K Σ_k [max(x, 0) - x t + log(1 + exp(-|x|))]           weight: w
 *   d/dx_k = w/K (sigmoid(x) - t) */
#include "layer/loss.h"

#include "kernel/kernel.h"

/* small = exp(-|x|) */
static double sigmoid_of(double x, double small)
{
    return (x >= 0 ? 1.0 : small) / (1.0 + small);
}

static tc_status compute_row(const tci_loss_batch *batch, size_t row, tci_loss_sum *total, float *dlogits)
{
    const float *logits = batch->logits + row * batch->logits_stride;
    const float *targets = batch->targets + row * batch->targets_stride;
    const double weight = batch->weights ? (double)batch->weights[row] : 1.0;
    const double share = weight / (double)batch->labels;
    double loss = 0;
    TCI_RETURN_IF(tci_loss_check_finite("logit", tci_loss_row_number(batch, row), batch->labels, logits));
    for (size_t i = 0; i < batch->labels; i++) {
        double x = (double)logits[i];
        double target = (double)targets[i];
        double small = tci_exp(x < 0 ? x : -x);
        loss += (x > 0 ? x : 0.0) - x * target + tci_log(1.0 + small);
        if (dlogits)
            dlogits[i] = (float)(share * (sigmoid_of(x, small) - target));
    }
    total->weighted_loss += share * loss;
    total->weight += weight;
    return dlogits ? tci_loss_check_finite("logit gradient", tci_loss_row_number(batch, row), batch->labels, dlogits)
                   : TC_OK;
}

static tc_status compute(const tci_loss_batch *batch, tci_loss_sum *sum, float *dlogits, size_t dlogits_stride)
{
    tci_loss_sum total = {0, 0};
    for (size_t row = 0; row < batch->rows; row++)
        TCI_RETURN_IF(compute_row(batch, row, &total, dlogits ? dlogits + row * dlogits_stride : NULL));
    *sum = total;
    return TC_OK;
}

static tc_status sigmoid(size_t labels, const float *logits, float *scores)
{
    TCI_RETURN_IF(tci_loss_check_finite("logit", 0, labels, logits));
    for (size_t i = 0; i < labels; i++) {
        double x = (double)logits[i];
        scores[i] = (float)sigmoid_of(x, tci_exp(x < 0 ? x : -x));
    }
    return TC_OK;
}

const tci_loss tci_binary_cross_entropy = {.name = "bce", .compute = compute, .scores = sigmoid};
