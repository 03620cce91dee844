/* cross_entropy.c: torch.nn.CrossEntropyLoss(weight = c, label_smoothing = ε) with sample weights, and softmax.
 *
 * K labels, true label y, p = softmax(x), -log p_k = log Σ exp(x_j - max) - (x_k - max):
 *   w·c·L    = w [(1 - ε) c_y (-log p_y) + ε/K Σ_k c_k (-log p_k)]           weight: w·c_y
 *   d/dx_j   = w [a p_j - (1 - ε) c_y [j = y] - ε/K c_j]     with a = (1 - ε) c_y + ε/K Σ_k c_k
 * Exponentials are computed twice rather than kept: in float, p_j - [j = y] would lose the digits of a small loss. */
#include "layer/loss.h"

#include "kernel/kernel.h"

static double class_weight(const tci_loss_batch *batch, size_t label)
{
    return batch->class_weights ? (double)batch->class_weights[label] : 1.0;
}

static double greatest_of(size_t count, const float *values)
{
    float greatest = values[0];
    for (size_t i = 1; i < count; i++)
        greatest = values[i] > greatest ? values[i] : greatest;
    return (double)greatest;
}

static double exponential_sum(size_t count, const float *logits, double greatest)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += tci_exp((double)logits[i] - greatest);
    return sum;
}

static tc_status compute_row(const tci_loss_batch *batch, size_t row, double class_weight_sum, tci_loss_sum *total,
                             float *dlogits)
{
    const size_t labels = batch->labels;
    const float *logits = batch->logits + row * batch->logits_stride;
    const uint32_t truth = batch->classes[row];
    if (truth >= labels)
        return tci_fail(TC_ERROR_INTERNAL, "label %u of row %zu is not below %zu", (unsigned)truth,
                        tci_loss_row_number(batch, row), labels);
    const double weight = batch->weights ? (double)batch->weights[row] : 1.0;
    const double smoothing = batch->label_smoothing / (double)labels;
    const double true_part = (1.0 - batch->label_smoothing) * class_weight(batch, truth);
    TCI_RETURN_IF(tci_loss_check_finite("logit", tci_loss_row_number(batch, row), labels, logits));

    double greatest = greatest_of(labels, logits);
    double sum = exponential_sum(labels, logits, greatest);
    double log_sum = tci_log(sum);
    double loss = true_part * (log_sum - ((double)logits[truth] - greatest));
    if (smoothing > 0) {
        double smooth_loss = 0;
        for (size_t i = 0; i < labels; i++)
            smooth_loss += class_weight(batch, i) * (log_sum - ((double)logits[i] - greatest));
        loss += smoothing * smooth_loss;
    }
    total->weighted_loss += weight * loss;
    total->weight += weight * class_weight(batch, truth);
    if (!dlogits)
        return TC_OK;
    double share = (true_part + smoothing * class_weight_sum) / sum;
    for (size_t i = 0; i < labels; i++) {
        double gradient = share * tci_exp((double)logits[i] - greatest) - smoothing * class_weight(batch, i);
        dlogits[i] = (float)(weight * (i == truth ? gradient - true_part : gradient));
    }
    return tci_loss_check_finite("logit gradient", tci_loss_row_number(batch, row), labels, dlogits);
}

static tc_status compute(const tci_loss_batch *batch, tci_loss_sum *sum, float *dlogits, size_t dlogits_stride)
{
    tci_loss_sum total = {0, 0};
    double class_weight_sum = 0;
    for (size_t i = 0; i < batch->labels; i++)
        class_weight_sum += class_weight(batch, i);
    for (size_t row = 0; row < batch->rows; row++) {
        float *row_dlogits = dlogits ? dlogits + row * dlogits_stride : NULL;
        TCI_RETURN_IF(compute_row(batch, row, class_weight_sum, &total, row_dlogits));
    }
    *sum = total;
    return TC_OK;
}

static tc_status softmax(size_t labels, const float *logits, float *scores)
{
    TCI_RETURN_IF(tci_loss_check_finite("logit", 0, labels, logits));
    double greatest = greatest_of(labels, logits);
    double sum = exponential_sum(labels, logits, greatest);
    for (size_t i = 0; i < labels; i++)
        scores[i] = (float)(tci_exp((double)logits[i] - greatest) / sum);
    return TC_OK;
}

const tci_loss tci_cross_entropy = {.name = "cross_entropy", .compute = compute, .scores = softmax};
