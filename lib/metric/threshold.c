/* threshold.c: every number of rows, taken by falling score, that a threshold can cut off. F1 values are compared as
 * fractions of integers, so that equal ones are equal. */
#include "metric/threshold.h"

#include <stdbool.h>

#include "base/sort.h"

/* All thresholds above `low` (`with_low`: from it on) up to `high`, which give the label to the same rows. */
typedef struct cut {
    double low, high;
    bool with_low;
    uint64_t right, given; /* rows: given the label rightly, given it at all */
} cut;

static int by_falling_score(const void *context, uint32_t a, uint32_t b)
{
    const float *scores = context;
    return (scores[a] < scores[b]) - (scores[a] > scores[b]);
}

static double distance_to(const cut *c, double threshold)
{
    if (threshold > c->high)
        return threshold - c->high;
    return threshold < c->low ? c->low - threshold : 0;
}

static double within(const cut *c, double preferred)
{
    if (preferred <= c->high && (preferred > c->low || (c->with_low && preferred == c->low)))
        return preferred;
    return (c->low + c->high) / 2;
}

/* Whether a, which comes later and so has lower thresholds, is better than b. F1 is 2·right / (given + support). */
static bool is_better(const cut *a, const cut *b, uint64_t support, double preferred)
{
    uint64_t left = a->right * (b->given + support), right = b->right * (a->given + support);
    if (left != right)
        return left > right;
    return distance_to(a, preferred) < distance_to(b, preferred);
}

double tci_best_threshold(const tci_label_scores *label, double preferred)
{
    const float *scores = label->scores;
    uint64_t support = 0;
    for (size_t i = 0; i < label->count; i++) {
        label->order[i] = (uint32_t)i;
        support += label->is_true[i] != 0;
    }
    if (label->count == 0 || support == 0)
        return preferred; /* every F1 is 0 */
    tci_sort(label->order, label->order + label->count, label->count, by_falling_score, scores);
    cut best = {.high = 1}, now = {.low = 0}; /* none given, which the whole is better than */
    for (size_t i = 0; i < label->count; i++) {
        float score = scores[label->order[i]];
        bool last = i + 1 == label->count;
        now.given++;
        now.right += label->is_true[label->order[i]] != 0;
        if (!last && scores[label->order[i + 1]] == score)
            continue;
        now.high = (double)score;
        now.low = last ? 0 : (double)scores[label->order[i + 1]];
        now.with_low = last;
        if (is_better(&now, &best, support, preferred))
            best = now;
    }
    return within(&best, preferred);
}
