/* tune.c: all scores, label by label; a score whose label is true is kept with its sign bit set. What the best
 * threshold of a label is, is the business of metric/threshold. */
#include "train/tune.h"

#include <string.h>

#include "base/cpu.h"
#include "metric/threshold.h"
#include "model/predict_many.h"

#define STRETCH 4096
#define SIGN UINT32_C(0x80000000)

typedef struct tuning {
    tci_memory memory;
    tc_model *model;
    const tc_examples *examples;
    const size_t *rows;
    size_t row_count, labels;
    tci_row *batch;          /* of a stretch */
    float *scores;           /* of a stretch (.., labels), then of a label */
    uint32_t *signed_scores; /* (labels, row_count) bits */
    uint32_t *order;
    uint8_t *is_true;
    double *thresholds;
} tuning;

static size_t example_number(const tuning *t, size_t i)
{
    return t->rows ? t->rows[i] : i;
}

static tc_status allocate(tuning *t)
{
    size_t stretch = t->row_count < STRETCH ? t->row_count : STRETCH, cells = 0, values = 0;
    if (t->row_count > UINT32_MAX || !tci_multiply(t->row_count, t->labels, &cells) ||
        !tci_multiply(stretch, t->labels, &values))
        return tci_fail(TC_ERROR_LIMIT, "scores of %zu rows do not fit the address space", t->row_count);
    values = values > t->row_count ? values : t->row_count;
    TCI_RETURN_IF(tci_alloc(&t->memory, stretch, sizeof *t->batch, "rows to tune by", &t->batch));
    TCI_RETURN_IF(tci_alloc(&t->memory, values, sizeof *t->scores, "scores to tune by", &t->scores));
    TCI_RETURN_IF(tci_alloc(&t->memory, cells, sizeof *t->signed_scores, "scores to tune by", &t->signed_scores));
    TCI_RETURN_IF(tci_alloc(&t->memory, t->row_count, 2 * sizeof *t->order, "scores to tune by", &t->order));
    TCI_RETURN_IF(tci_alloc(&t->memory, t->row_count, 1, "scores to tune by", &t->is_true));
    return tci_alloc(&t->memory, t->labels, sizeof *t->thresholds, "thresholds", &t->thresholds);
}

static void keep_row(tuning *t, size_t place, const float *scores)
{
    const tc_examples *examples = t->examples;
    size_t example = example_number(t, place), first = example == 0 ? 0 : examples->list_ends[example - 1];
    for (size_t label = 0; label < t->labels; label++) {
        float score = scores[label] > 1 ? 1 : scores[label]; /* fastText's own go a little beyond */
        memcpy(&t->signed_scores[label * t->row_count + place], &score, sizeof score);
    }
    for (size_t i = first; i < examples->list_ends[example]; i++) {
        if (examples->list[i] != TC_LABEL_UNKNOWN)
            t->signed_scores[examples->list[i] * t->row_count + place] |= SIGN;
    }
}

static tc_status predict(tuning *t, tci_pool *pool)
{
    for (size_t first = 0; first < t->row_count; first += STRETCH) {
        size_t count = t->row_count - first < STRETCH ? t->row_count - first : STRETCH;
        for (size_t i = 0; i < count; i++)
            t->batch[i] = tci_examples_row(t->examples, example_number(t, first + i));
        TCI_RETURN_IF(tci_predict_rows(t->model, pool, t->batch, count, t->scores));
        TCI_RETURN_IF(tci_model_scores(t->model, count, t->scores));
        for (size_t i = 0; i < count; i++)
            keep_row(t, first + i, t->scores + i * t->labels);
    }
    return TC_OK;
}

static void choose(tuning *t)
{
    for (size_t label = 0; label < t->labels; label++) {
        const uint32_t *bits = t->signed_scores + label * t->row_count;
        for (size_t i = 0; i < t->row_count; i++) {
            uint32_t score = bits[i] & ~SIGN;
            memcpy(&t->scores[i], &score, sizeof score);
            t->is_true[i] = bits[i] != score;
        }
        tci_label_scores scores = {t->row_count, t->scores, t->is_true, t->order};
        t->thresholds[label] = tci_best_threshold(&scores, t->model->options.threshold);
    }
}

tc_status tci_tune_thresholds(tc_model *model, tci_pool *pool, const tc_examples *examples, const size_t *rows,
                              size_t row_count)
{
    tc_status status = TC_OK;
    tuning t = {
        .model = model, .examples = examples, .rows = rows, .row_count = row_count, .labels = model->label_count};
    TCI_RETURN_IF(tci_model_has_thresholds(model));
    TCI_RETURN_IF(tci_examples_check(examples, model, rows, row_count));
    if (row_count == 0)
        return tci_fail(TC_ERROR_ARGUMENT, "there are no rows to tune thresholds by");
    tci_memory_init(&t.memory, &model->memory.host, model->memory.limit);
    tci_float_environment environment = tci_float_enter();
    TCI_CHECK(allocate(&t));
    TCI_CHECK(predict(&t, pool));
    choose(&t);
    TCI_CHECK(tci_model_set_thresholds(model, t.thresholds));
done:
    tci_float_leave(environment);
    tci_free(&t.memory, t.batch);
    tci_free(&t.memory, t.scores);
    tci_free(&t.memory, t.signed_scores);
    tci_free(&t.memory, t.order);
    tci_free(&t.memory, t.is_true);
    tci_free(&t.memory, t.thresholds);
    return status;
}
