/* mean_squared_error.c: torch.nn.MSELoss, mean over the K targets, with sample weights; its scores are the values.
 *
 *   w·L    = w/K Σ_k (x - t)²           weight: w
 *   d/dx_k = 2w/K (x - t) */
#include "layer/loss.h"

static tc_status compute_row(const tci_loss_batch *batch, size_t row, tci_loss_sum *total, float *dlogits)
{
    const float *logits = batch->logits + row * batch->logits_stride;
    const float *targets = batch->targets + row * batch->targets_stride;
    const double weight = batch->weights ? (double)batch->weights[row] : 1.0;
    const double share = weight / (double)batch->labels;
    double loss = 0;
    TCI_RETURN_IF(tci_loss_check_finite("logit", tci_loss_row_number(batch, row), batch->labels, logits));
    for (size_t i = 0; i < batch->labels; i++) {
        double distance = (double)logits[i] - (double)targets[i];
        loss += distance * distance;
        if (dlogits)
            dlogits[i] = (float)(2.0 * share * distance);
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

static tc_status identity(size_t labels, const float *logits, float *scores)
{
    TCI_RETURN_IF(tci_loss_check_finite("logit", 0, labels, logits));
    for (size_t i = 0; i < labels; i++)
        scores[i] = logits[i];
    return TC_OK;
}

const tci_loss tci_mean_squared_error = {.name = "mse", .compute = compute, .scores = identity};
