/* classification.c: accuracy, F1, confusion, and the expected calibration error of Guo, Pleiss, Sun, Weinberger, "On
 * calibration of modern neural networks", ICML 2017: 15 bins (i/15, (i+1)/15] of the greatest score. */
#include "metric/classification.h"

#include "textclf/examples.h"

#define BINS 15

typedef struct bin {
    uint64_t rows;
    uint64_t right;
    double confidence; /* sum */
} bin;

struct tci_classification {
    tci_memory *memory;
    size_t label_count;
    tci_label_counts *labels;
    uint64_t *confusion; /* (label_count, label_count) or NULL */
    uint64_t rows;
    uint64_t right;
    uint64_t unknown;
    bin bins[BINS];
};

tc_status tci_classification_create(tci_memory *memory, size_t label_count, bool with_confusion,
                                    tci_classification **metric)
{
    tci_classification *made = NULL;
    tc_status status = TC_OK;
    *metric = NULL;
    TCI_CHECK(tci_alloc_zero(memory, 1, sizeof *made, "metrics", &made));
    made->memory = memory;
    made->label_count = label_count;
    TCI_CHECK(tci_alloc_zero(memory, label_count, sizeof *made->labels, "metrics", &made->labels));
    if (with_confusion) {
        size_t cells = 0;
        if (!tci_multiply(label_count, label_count, &cells))
            TCI_CHECK(tci_fail(TC_ERROR_LIMIT, "a confusion matrix of %zu labels does not fit the address space",
                               label_count));
        TCI_CHECK(tci_alloc_zero(memory, cells, sizeof(uint64_t), "confusion matrix", &made->confusion));
    }
    *metric = made;
    made = NULL;
done:
    tci_classification_free(made);
    return status;
}

void tci_classification_free(tci_classification *metric)
{
    if (!metric)
        return;
    tci_free(metric->memory, metric->labels);
    tci_free(metric->memory, metric->confusion);
    tci_free(metric->memory, metric);
}

static bin *bin_of(tci_classification *metric, double confidence)
{
    size_t index = 0;
    while (index < BINS - 1 && confidence > (double)(index + 1) / BINS)
        index++;
    return &metric->bins[index];
}

uint32_t tci_classification_add(tci_classification *metric, uint32_t truth, const float *scores)
{
    size_t predicted = 0;
    for (size_t i = 1; i < metric->label_count; i++)
        predicted = scores[i] > scores[predicted] ? i : predicted;
    bool right = predicted == truth;
    metric->rows++;
    metric->right += right;
    metric->labels[predicted].predicted++;
    metric->labels[predicted].right += right;
    if (truth == TC_LABEL_UNKNOWN) {
        metric->unknown++;
    } else {
        metric->labels[truth].support++;
        if (metric->confusion)
            metric->confusion[truth * metric->label_count + predicted]++;
    }
    bin *place = bin_of(metric, (double)scores[predicted]);
    place->rows++;
    place->right += right;
    place->confidence += (double)scores[predicted];
    return (uint32_t)predicted;
}

tc_status tci_classification_finish(const tci_classification *metric, tci_classification_result *result)
{
    if (metric->rows == 0)
        return tci_fail(TC_ERROR_ARGUMENT, "there are no examples to evaluate; at least one is needed");
    double error = 0;
    for (size_t i = 0; i < BINS; i++) {
        double distance = (double)metric->bins[i].right - metric->bins[i].confidence;
        error += distance < 0 ? -distance : distance;
    }
    *result = (tci_classification_result){
        .rows = metric->rows,
        .unknown = metric->unknown,
        .accuracy = (double)metric->right / (double)metric->rows,
        .macro_f1 = tci_macro_f1(metric->labels, metric->label_count, metric->unknown > 0),
        .micro_f1 = tci_micro_f1(metric->labels, metric->label_count, metric->unknown),
        .calibration_error = error / (double)metric->rows,
    };
    return TC_OK;
}

tc_label_metrics tci_classification_label(const tci_classification *metric, size_t label)
{
    return tci_label_metrics_of(&metric->labels[label]);
}

const uint64_t *tci_classification_confusion(const tci_classification *metric)
{
    return metric->confusion;
}
