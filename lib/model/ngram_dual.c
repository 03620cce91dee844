/* ngram_dual.c: the sets of texts and their dual variables, what is made ready before the first step, and calibration.
 * Knows nothing of epochs. */
#include "model/ngram_dual.h"

#include <string.h>

#include "model/margin_fit.h"
#include "model/ngram_dual_internal.h"

#define TARGET_MOST 1e18f
#define NO_LOSS_YET 1e30

void tci_dual_free(tci_dual *dual)
{
    if (!dual)
        return;
    tci_memory *memory = dual->memory;
    tci_dual_drop(dual);
    tci_dual_drop_texts(dual, &dual->chunk);
    for (size_t i = 0; i < dual->set_count; i++)
        tci_examples_release(dual->sets[i].examples);
    tci_examples_release(dual->chunk.examples);
    tci_free(memory, dual->sets);
    tci_ngram_counts_free(&dual->counts);
    tci_free(memory, dual->targets);
    tci_free(memory, dual->margins);
    tci_free(memory, dual->steps);
    tci_free(memory, dual->own);
    tci_free(memory, dual->before);
    tci_free(memory, dual->during);
    tci_free(memory, dual->slopes);
    tci_free(memory, dual->curves);
    tci_free(memory, dual);
}

tc_status tci_dual_create(tci_ngram_network *network, tci_memory *memory, tci_pool *pool, int32_t task,
                          const float *class_weights, bool one_pass, tci_dual **result)
{
    tc_status status = TC_OK;
    tci_dual *dual = NULL;
    *result = NULL;
    TCI_RETURN_IF(tci_alloc_zero(memory, 1, sizeof *dual, "dual trainer", &dual));
    dual->network = network;
    dual->memory = memory;
    dual->pool = pool;
    dual->task = task;
    dual->class_weights = class_weights;
    dual->one_pass = one_pass;
    dual->columns = network->columns;
    dual->labels = network->base.label_count;
    dual->scale_columns = task == TCI_TASK_REGRESS ? 1 : dual->columns;
    dual->ranges = dual->columns < TCI_DUAL_WIDE ? TCI_DUAL_RANGES : 1;
    dual->alone_below = TCI_DUAL_ALONE;
    dual->fresh_loss = NO_LOSS_YET;
    size_t parts = dual->ranges * TCI_DUAL_BLOCK * dual->columns;
    TCI_CHECK(
        tci_ngram_counts_init(&dual->counts, memory, network->set.bound, task == TCI_TASK_REGRESS ? 0 : dual->columns));
    dual->counts.only = dual->columns < dual->labels ? 1 : 0;
    TCI_CHECK(tci_alloc(memory, TCI_DUAL_BLOCK * dual->labels, sizeof(float), "block", &dual->targets));
    TCI_CHECK(tci_alloc(memory, TCI_DUAL_BLOCK * dual->columns, sizeof(float), "block", &dual->margins));
    TCI_CHECK(tci_alloc(memory, TCI_DUAL_BLOCK * dual->columns, sizeof(float), "block", &dual->steps));
    TCI_CHECK(tci_alloc(memory, TCI_DUAL_BLOCK * dual->columns, sizeof(float), "block", &dual->own));
    TCI_CHECK(tci_alloc(memory, parts, sizeof(float), "block", &dual->before));
    TCI_CHECK(tci_alloc(memory, parts, sizeof(float), "block", &dual->during));
    TCI_CHECK(tci_alloc(memory, dual->columns, sizeof(double), "block", &dual->slopes));
    TCI_CHECK(tci_alloc(memory, dual->columns, sizeof(double), "block", &dual->curves));
    *result = dual;
    dual = NULL;
done:
    tci_dual_free(dual);
    return status;
}

static tci_dual_texts *find_set(const tci_dual *dual, const tc_examples *examples)
{
    for (size_t i = 0; i < dual->set_count; i++) {
        if (dual->sets[i].examples == examples)
            return &dual->sets[i];
    }
    return NULL;
}

bool tci_dual_counted(const tci_dual *dual)
{
    return dual->chunked || (dual->set_count > 0 && !find_set(dual, NULL));
}

bool tci_dual_started(const tci_dual *dual)
{
    return dual->started;
}

void tci_dual_forget(tci_dual *dual)
{
    if (dual->started || dual->chunked)
        return;
    for (size_t i = 0; i < dual->set_count; i++)
        tci_examples_release(dual->sets[i].examples);
    dual->set_count = dual->rows = 0;
    dual->total = 0;
    tci_ngram_counts_clear(&dual->counts);
}

/* Something is to be counted, as a chunk or not. */
static tc_status check_count(const tci_dual *dual, bool chunked)
{
    if (dual->started)
        return tci_fail(TC_ERROR_STATE, "texts are counted before the first step; make a new trainer to count again");
    if (chunked ? dual->set_count > 0 : dual->chunked)
        return tci_fail(TC_ERROR_STATE, "examples are counted all as chunks or none of them");
    return TC_OK;
}

/* Values whose squares, and sums over many texts, are floats. */
static tc_status check_targets(const tc_examples *examples)
{
    size_t count = examples->targets ? examples->rows * examples->label_count : 0;
    for (size_t i = 0; i < count; i++) {
        float target = examples->targets[i];
        if (target > TARGET_MOST || target < -TARGET_MOST)
            return tci_fail(TC_ERROR_NUMERIC, "row %zu has a target beyond 1e18, the most that optimizer dcd takes",
                            i / examples->label_count);
    }
    return TC_OK;
}

tc_status tci_dual_count(tci_dual *dual, const tc_examples *examples, const size_t *rows, size_t row_count)
{
    if (find_set(dual, examples))
        return tci_fail(TC_ERROR_STATE, "these examples have been counted");
    if (dual->started && find_set(dual, NULL))
        return tci_dual_attach(dual, examples);
    TCI_RETURN_IF(check_count(dual, false));
    TCI_RETURN_IF(check_targets(examples));
    TCI_RETURN_IF(tci_reserve(dual->memory, dual->set_count + 1, SIZE_MAX / sizeof *dual->sets, sizeof *dual->sets,
                              "counted examples", &dual->set_capacity, &dual->sets));
    TCI_RETURN_IF(tci_ngram_counts_add(&dual->counts, dual->pool, examples, rows, rows ? row_count : examples->rows));
    dual->sets[dual->set_count++] =
        (tci_dual_texts){.examples = tci_examples_keep(examples), .rows = examples->rows, .first = dual->rows};
    dual->rows += examples->rows;
    dual->total += rows ? row_count : examples->rows;
    return TC_OK;
}

tc_status tci_dual_count_chunk(tci_dual *dual, const tc_examples *examples)
{
    TCI_RETURN_IF(check_count(dual, true));
    TCI_RETURN_IF(check_targets(examples));
    TCI_RETURN_IF(tci_ngram_counts_add(&dual->counts, dual->pool, examples, NULL, examples->rows));
    dual->chunked = true;
    dual->rows += examples->rows;
    dual->total += examples->rows;
    return TC_OK;
}

/* ---- calibration ---- */

tci_margin_fit tci_dual_fit(const tci_dual *dual, size_t count, const tci_margin_fit *from)
{
    if (dual->task == TCI_TASK_CLASSIFY && dual->columns > 1)
        return tci_fit_softmax(dual->fit_margins, dual->fit_labels, count, dual->columns, from);
    return tci_fit_sigmoid(dual->fit_margins, dual->fit_targets, count * dual->columns, from);
}

/* Fits to the samples that were met: to their margins without this share of their own part. `late`: only to those that
 * were met late in the first pass. */
static tci_margin_fit fit_margins(tci_dual *dual, float own_share, bool late, const tci_margin_fit *from)
{
    size_t columns = dual->columns, count = 0;
    const tci_dual_samples *samples = &dual->samples;
    for (size_t s = 0; s < samples->count; s++) {
        if (samples->met[s] == 0 || (late && samples->met[s] != TCI_MET_LATE))
            continue;
        for (size_t c = 0; c < columns; c++) {
            size_t cell = s * columns + c;
            float target = samples->targets[cell];
            dual->fit_margins[count * columns + c] = samples->seen[cell] - own_share * target * samples->own[cell];
            dual->fit_targets[count * columns + c] = target;
        }
        dual->fit_labels[count] = dual->task == TCI_TASK_CLASSIFY ? samples->labels[s] : 0;
        count++;
    }
    return tci_dual_fit(dual, count, from);
}

/* In the first pass margins are of weights that knew nothing of the text. Later a text has added to its own margin:
 * all of alpha·Q where no other is like it, nearly nothing where others say the same. The share to take away is the
 * one that leaves margins as telling as fresh ones were: of the same loss. It rises with the share. */
#define SHARE_STEPS 7

static void calibrate(tci_dual *dual)
{
    bool half = 2 * dual->first_met > dual->total;
    tci_margin_fit fit = fit_margins(dual, 1.0f, half && dual->met <= dual->total, NULL);
    if (dual->met <= dual->total) {
        dual->fresh_loss = fit.loss > 0 ? fit.loss : NO_LOSS_YET; /* 0: of one label only */
    } else if (fit.loss > dual->fresh_loss) {
        float least = 0.0f, most = 1.0f;
        for (size_t i = 0; i < SHARE_STEPS; i++) {
            float share = (least + most) / 2;
            fit = fit_margins(dual, share, false, &fit);
            *(fit.loss > dual->fresh_loss ? &most : &least) = share;
        }
    }
    tci_parameters *parameters = &dual->network->base.parameters;
    float *calibration = parameters->values + parameters->tensors[TCI_NGRAM_CALIBRATION].offset;
    calibration[0] = fit.scale;
    calibration[1] = fit.shift;
}

/* Whether `before` to `after` texts met passes a power of two below a pass, or the end of a pass. */
static bool is_due(uint64_t before, uint64_t after, uint64_t total)
{
    for (uint64_t power = TCI_DUAL_BLOCK; power < total; power *= 2) {
        if (before < power && after >= power)
            return true;
    }
    return total > 0 && before / total != after / total;
}

tc_status tci_dual_step(tci_dual *dual, const tc_examples *examples, const size_t *rows, size_t row_count, double *loss,
                        double *weight)
{
    tci_dual_texts *texts = dual->chunk.examples == examples ? &dual->chunk : find_set(dual, examples);
    if (dual->started && find_set(dual, NULL))
        return tci_fail(TC_ERROR_STATE, "a training with optimizer dcd goes on when tc_trainer_count() has seen all "
                                        "examples that it had before");
    if (!texts)
        return tci_fail(TC_ERROR_STATE, "optimizer dcd learns from examples that tc_trainer_count() has seen, or from "
                                        "the chunk that tc_trainer_begin_chunk() was given");
    for (size_t i = 0; i < row_count; i++) {
        if (rows[i] >= texts->rows)
            return tci_fail(TC_ERROR_STATE, "row %zu was added after tc_trainer_count(), which saw %zu", rows[i],
                            texts->rows);
    }
    TCI_RETURN_IF(tci_dual_start(dual, NULL));
    tci_dual_learn(dual, texts, rows, row_count, loss, weight);
    uint64_t before = dual->met;
    dual->met += row_count;
    if (dual->task != TCI_TASK_REGRESS && !dual->known && is_due(before, dual->met, dual->total))
        calibrate(dual);
    return TC_OK;
}
