/* ngram_training.c: gathering gradients of the features of a batch, and AdaGrad's step on them. A step takes time
 * linear in the features of its rows. Everything that can fail does so in forward or before the weights change. */
#include "model/ngram_training_internal.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "kernel/kernel.h"

#define AHEAD 64       /* rows that are on their way from memory at once */
#define NORM_MOST 1e18 /* whose square is a float */

/* ---- forward ---- */

/* What is not in a cache is sent for some time before it is used. */
static inline void fetch(const void *address)
{
#if defined(__GNUC__)
    __builtin_prefetch(address);
#else
    (void)address;
#endif
}

/* The features of a text of the batch, behind those of the texts before; returns how many have no row. */
static size_t gather(tci_ngram_training *training, const tci_row *row, size_t text)
{
    const tci_ngram_network *network = training->network;
    const float *weight = tci_parameters_read(&network->base.parameters, TCI_NGRAM_WEIGHT);
    float scale = tci_ngram_scale(network, row);
    size_t end = text == 0 ? 0 : training->ends[text - 1], missing = 0;
    for (size_t i = 0; i < row->length; i++) {
        uint32_t bucket = TCI_FEATURE_BUCKET(row->ids[i]), place = tci_ngram_row(network, bucket);
        if (place == TCI_INDEX_SET_NONE)
            missing++;
        else
            fetch(weight + (size_t)place * training->columns);
        training->entries[end++] =
            (tci_ngram_entry){bucket, place, scale * tci_ngram_amount(network, row->ids[i], row->counts[i])};
    }
    training->ends[text] = end;
    return missing;
}

static const tci_ngram_entry *entries_of(const tci_ngram_training *training, size_t text, const tci_ngram_entry **end)
{
    *end = training->entries + training->ends[text];
    return training->entries + (text == 0 ? 0 : training->ends[text - 1]);
}

static void find_margins(const tci_ngram_training *training, size_t text, float *margins)
{
    const tci_parameters *parameters = &training->network->base.parameters;
    const float *weight = tci_parameters_read(parameters, TCI_NGRAM_WEIGHT);
    size_t columns = training->columns;
    const tci_ngram_entry *end = NULL;
    memcpy(margins, tci_parameters_read(parameters, TCI_NGRAM_BIAS), columns * sizeof *margins);
    for (const tci_ngram_entry *e = entries_of(training, text, &end); e < end; e++) {
        if (e->row == TCI_INDEX_SET_NONE)
            continue;
        const float *from = weight + (size_t)e->row * columns;
        for (size_t c = 0; c < columns; c++)
            margins[c] += e->x * from[c];
    }
}

tc_status tci_ngram_training_forward(tci_ngram_training *training, const tci_row *rows, size_t row_count, float *logits)
{
    size_t entries = 0, missing = 0, columns = training->columns;
    TCI_RETURN_IF(tci_ngram_training_start(training, NULL));
    for (size_t r = 0; r < row_count; r++)
        entries += rows[r].length;
    TCI_RETURN_IF(tci_reserve(training->memory, entries, SIZE_MAX / sizeof(tci_ngram_entry), sizeof(tci_ngram_entry),
                              "batch", &training->entry_capacity, &training->entries));
    TCI_RETURN_IF(tci_reserve(training->memory, row_count, SIZE_MAX / 8, sizeof *training->ends, "batch",
                              &training->end_capacity, &training->ends));
    size_t touched = training->touched_count + entries;
    TCI_RETURN_IF(tci_reserve(training->memory, touched, SIZE_MAX / 8 / columns, sizeof *training->touched, "gradients",
                              &training->touched_capacity, &training->touched));
    TCI_RETURN_IF(tci_reserve(training->memory, touched * columns, SIZE_MAX / 8, sizeof(float), "gradients",
                              &training->gradient_capacity, &training->gradients));
    const float *calibration = tci_parameters_read(&training->network->base.parameters, TCI_NGRAM_CALIBRATION);
    for (size_t r = 0; r < row_count; r++, logits += training->labels) {
        missing += gather(training, &rows[r], r);
        find_margins(training, r, logits);
        for (size_t c = 0; c < columns; c++)
            logits[c] = calibration[0] * logits[c] + calibration[1];
        if (columns < training->labels) {
            logits[1] = 0.5f * logits[0];
            logits[0] = -logits[1];
        }
    }
    training->text_count = row_count;
    return tci_ngram_rows_reserve(&training->rows, missing);
}

/* ---- backward ---- */

/* The place of an entry's gradient, made where there is none. */
static float *touch(tci_ngram_training *training, uint32_t bucket, uint32_t row)
{
    size_t columns = training->columns;
    if (row == TCI_INDEX_SET_NONE)
        row = tci_ngram_rows_find(&training->rows, bucket); /* a text before this one may have brought it */
    if (row == TCI_INDEX_SET_NONE)
        row = tci_ngram_rows_append(&training->rows, bucket);
    uint32_t *mark = &training->rows.marks[row];
    if (*mark == 0) {
        training->touched[training->touched_count++] = bucket;
        *mark = (uint32_t)training->touched_count;
        memset(training->gradients + (*mark - 1) * columns, 0, columns * sizeof(float));
    }
    return training->gradients + (size_t)(*mark - 1) * columns;
}

/* The gradient of a text's margins; false when it is all zeros. */
static bool find_slopes(const tci_ngram_training *training, const float *dlogits)
{
    bool any = false;
    for (size_t c = 0; c < training->columns; c++) {
        bool single = training->columns < training->labels;
        training->slopes[c] = single ? 0.5f * (dlogits[1] - dlogits[0]) : dlogits[c];
        any = any || training->slopes[c] != 0;
    }
    return any;
}

void tci_ngram_training_backward(tci_ngram_training *training, const float *dlogits)
{
    size_t columns = training->columns;
    const float *slopes = training->slopes;
    for (size_t text = 0; text < training->text_count; text++, dlogits += training->labels) {
        const tci_ngram_entry *end = NULL;
        if (!find_slopes(training, dlogits))
            continue;
        for (const tci_ngram_entry *e = entries_of(training, text, &end); e < end; e++) {
            if (e->row != TCI_INDEX_SET_NONE)
                fetch(training->rows.marks + e->row);
        }
        for (size_t c = 0; c < columns; c++)
            training->bias_gradient[c] += slopes[c];
        for (const tci_ngram_entry *e = entries_of(training, text, &end); e < end; e++) {
            float *to = touch(training, e->bucket, e->row);
            for (size_t c = 0; c < columns; c++)
                to[c] += e->x * slopes[c];
        }
    }
    training->text_count = 0;
}

void tci_ngram_training_drop(tci_ngram_training *training)
{
    for (size_t i = 0; i < training->touched_count; i++)
        training->rows.marks[tci_ngram_row(training->network, training->touched[i])] = 0;
    training->touched_count = 0;
    memset(training->bias_gradient, 0, training->columns * sizeof(float));
    tci_ngram_rows_drop(&training->rows);
}

/* ---- apply ---- */

static double squares(const tci_kernels *kernels, const float *values, size_t count)
{
    double lanes[TCI_SQUARE_LANES] = {0};
    kernels->add_squares(count, values, lanes);
    return tci_square_total(lanes);
}

/* Norm and factor of the gradients. */
static tc_status judge(const tci_ngram_training *training, tci_ngram_step *step, double *factor)
{
    const tci_kernels *kernels = training->network->base.kernels;
    double sum = squares(kernels, training->bias_gradient, training->columns) +
                 squares(kernels, training->gradients, training->touched_count * training->columns);
    double norm = step->scale * sqrt(sum);
    *factor = step->scale;
    if (!isfinite(sum))
        return tci_fail(TC_ERROR_NUMERIC, "the gradient is not finite");
    step->gradient_norm = norm;
    if (step->clip_norm > 0 && norm + 1e-6 > step->clip_norm) { /* as clip_grad_norm_ */
        *factor *= step->clip_norm / (norm + 1e-6);
        norm *= step->clip_norm / (norm + 1e-6);
    }
    if (!(norm <= NORM_MOST) || !(*factor <= (double)FLT_MAX))
        return tci_fail(TC_ERROR_NUMERIC, "the gradients are too great: the squares of some would not be finite");
    return TC_OK;
}

typedef struct rule {
    float factor, rate, epsilon;
    float scale; /* where there are none */
} rule;

static void update(const rule *by, size_t count, const float *gradients, const float *scales, float *sums,
                   float *values)
{
    for (size_t i = 0; i < count; i++) {
        float g = by->factor * gradients[i], sum = sums[i] + g * g, s = scales ? scales[i] : by->scale;
        sum = sum < FLT_MAX ? sum : FLT_MAX;
        values[i] -= by->rate * s * (g / (sqrtf(sum) + by->epsilon));
        sums[i] = sum;
    }
}

/* Scales of rows that came with this step. */
static void scale_pending(const tci_ngram_training *training)
{
    const tci_ngram_rows *rows = &training->rows;
    size_t columns = training->columns;
    for (size_t row = rows->count; training->scale && row < rows->count + rows->pending; row++)
        memcpy(training->scale + tci_ngram_weight_offset(training) + row * columns,
               training->scale + tci_ngram_bias_offset(training), columns * sizeof(float));
}

/* Takes the steps of AHEAD touched rows at most. */
static void update_rows(const tci_ngram_training *training, const rule *by, size_t first)
{
    size_t columns = training->columns, left = training->touched_count - first, rows[AHEAD];
    size_t at = tci_ngram_weight_offset(training), count = left < AHEAD ? left : AHEAD;
    float *values = training->network->base.parameters.values + at, *sums = training->sum + at;
    const float *scales = training->scale ? training->scale + at : NULL;
    for (size_t i = 0; i < count; i++) {
        rows[i] = tci_ngram_row(training->network, training->touched[first + i]);
        fetch(values + rows[i] * columns);
        fetch(sums + rows[i] * columns);
        fetch(scales ? scales + rows[i] * columns : sums);
    }
    for (size_t i = 0; i < count; i++) {
        size_t cell = rows[i] * columns;
        update(by, columns, training->gradients + (first + i) * columns, scales ? scales + cell : NULL, sums + cell,
               values + cell);
        training->rows.marks[rows[i]] = 0;
    }
}

tc_status tci_ngram_training_apply(tci_ngram_training *training, tci_ngram_step *step)
{
    double factor = 0;
    size_t columns = training->columns, bias_at = tci_ngram_bias_offset(training);
    float *values = training->network->base.parameters.values;
    const float *calibration = tci_parameters_read(&training->network->base.parameters, TCI_NGRAM_CALIBRATION);
    TCI_RETURN_IF(judge(training, step, &factor));
    rule by = {(float)factor, (float)(step->rate / (double)calibration[0]), (float)step->epsilon, TCI_NGRAM_SCALE};
    scale_pending(training);
    for (size_t first = 0; first < training->touched_count; first += AHEAD)
        update_rows(training, &by, first);
    by.scale = 1.0f;
    update(&by, columns, training->bias_gradient, NULL, training->sum + bias_at, values + bias_at);
    training->touched_count = 0;
    memset(training->bias_gradient, 0, columns * sizeof(float));
    tci_ngram_rows_commit(&training->rows);
    return TC_OK;
}
