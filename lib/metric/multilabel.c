/* multilabel.c: exact-set accuracy and F1 over sets of labels, as scikit-learn's accuracy_score and f1_score give them
 * for label indicators. */
#include "metric/multilabel.h"

#include <stdbool.h>

#include "textclf/examples.h"

struct tci_multilabel {
    tci_memory *memory;
    size_t label_count;
    double threshold;
    const double *thresholds;
    tci_label_counts *labels;
    uint8_t *is_true; /* (label_count) of the row in hand; all 0 between rows */
    uint64_t rows;
    uint64_t right;
    uint64_t unknown_rows;
    uint64_t unknown_labels;
};

tc_status tci_multilabel_create(tci_memory *memory, size_t label_count, double threshold, const double *thresholds,
                                tci_multilabel **metric)
{
    tci_multilabel *made = NULL;
    tc_status status = TC_OK;
    *metric = NULL;
    TCI_CHECK(tci_alloc_zero(memory, 1, sizeof *made, "metrics", &made));
    made->memory = memory;
    made->label_count = label_count;
    made->threshold = threshold;
    made->thresholds = thresholds;
    TCI_CHECK(tci_alloc_zero(memory, label_count, sizeof *made->labels, "metrics", &made->labels));
    TCI_CHECK(tci_alloc_zero(memory, label_count, 1, "metrics", &made->is_true));
    *metric = made;
    made = NULL;
done:
    tci_multilabel_free(made);
    return status;
}

void tci_multilabel_free(tci_multilabel *metric)
{
    if (!metric)
        return;
    tci_free(metric->memory, metric->labels);
    tci_free(metric->memory, metric->is_true);
    tci_free(metric->memory, metric);
}

void tci_multilabel_add(tci_multilabel *metric, const uint32_t *truth, size_t truth_count, const float *scores)
{
    uint64_t unknown = 0;
    for (size_t i = 0; i < truth_count; i++) {
        if (truth[i] == TC_LABEL_UNKNOWN)
            unknown++;
        else
            metric->is_true[truth[i]] = 1;
    }
    bool same = unknown == 0;
    for (size_t i = 0; i < metric->label_count; i++) {
        bool is_true = metric->is_true[i] != 0;
        bool predicted = (double)scores[i] >= (metric->thresholds ? metric->thresholds[i] : metric->threshold);
        metric->labels[i].right += is_true && predicted;
        metric->labels[i].predicted += predicted;
        metric->labels[i].support += is_true;
        same = same && is_true == predicted;
        metric->is_true[i] = 0;
    }
    metric->rows++;
    metric->right += same;
    metric->unknown_rows += unknown > 0;
    metric->unknown_labels += unknown;
}

tc_status tci_multilabel_finish(const tci_multilabel *metric, tci_multilabel_result *result)
{
    if (metric->rows == 0)
        return tci_fail(TC_ERROR_ARGUMENT, "there are no examples to evaluate; at least one is needed");
    *result = (tci_multilabel_result){
        .rows = metric->rows,
        .unknown = metric->unknown_rows,
        .accuracy = (double)metric->right / (double)metric->rows,
        .macro_f1 = tci_macro_f1(metric->labels, metric->label_count, metric->unknown_rows > 0),
        .micro_f1 = tci_micro_f1(metric->labels, metric->label_count, metric->unknown_labels),
    };
    return TC_OK;
}

tc_label_metrics tci_multilabel_label(const tci_multilabel *metric, size_t label)
{
    return tci_label_metrics_of(&metric->labels[label]);
}
