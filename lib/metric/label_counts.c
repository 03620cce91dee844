/* label_counts.c: scikit-learn's precision_recall_fscore_support with zero_division 0. */
#include "metric/label_counts.h"

static double quotient(uint64_t numerator, uint64_t denominator)
{
    return denominator ? (double)numerator / (double)denominator : 0.0;
}

tc_label_metrics tci_label_metrics_of(const tci_label_counts *counts)
{
    return (tc_label_metrics){
        .precision = quotient(counts->right, counts->predicted),
        .recall = quotient(counts->right, counts->support),
        .f1 = quotient(2 * counts->right, counts->predicted + counts->support),
        .support = counts->support,
    };
}

double tci_macro_f1(const tci_label_counts *counts, size_t count, size_t others)
{
    double sum = 0;
    size_t seen = others;
    for (size_t i = 0; i < count; i++) {
        sum += tci_label_metrics_of(&counts[i]).f1;
        seen += counts[i].predicted + counts[i].support > 0;
    }
    return seen ? sum / (double)seen : 0.0;
}

double tci_micro_f1(const tci_label_counts *counts, size_t count, uint64_t unknown)
{
    tci_label_counts all = {.support = unknown};
    for (size_t i = 0; i < count; i++) {
        all.right += counts[i].right;
        all.predicted += counts[i].predicted;
        all.support += counts[i].support;
    }
    return tci_label_metrics_of(&all).f1;
}
