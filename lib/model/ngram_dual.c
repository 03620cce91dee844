/* ngram_dual.c: the sets of texts and their dual variables, what is made ready before the first step, and calibration.
 * Knows nothing of epochs. */
#include "model/ngram_dual.h"

#include <string.h>

#include "model/margin_fit.h"
#include "model/ngram_dual_internal.h"

#define FIT_CELLS 60000 /* margins that a calibration is fitted on, at most */
#define TARGET_MOST 1e18f
#define NO_LOSS_YET 1e30

/* What was made ready of texts. */
static void drop_texts(tci_dual *dual, tci_dual_texts *texts)
{
    if (texts->owns_alpha)
        tci_free(dual->memory, texts->alpha);
    tci_free(dual->memory, texts->squares);
    tci_free(dual->memory, texts->scales);
    tci_free(dual->memory, texts->met);
    tci_free(dual->memory, texts->features);
    tci_free(dual->memory, texts->cuts);
    *texts = (tci_dual_texts){.examples = texts->examples, .rows = texts->rows, .first = texts->first};
}

/* What tci_dual_start() made. */
static void drop_start(tci_dual *dual)
{
    tci_memory *memory = dual->memory;
    for (size_t i = 0; i < dual->set_count; i++)
        drop_texts(dual, &dual->sets[i]);
    tci_free(memory, dual->scale2);
    tci_free(memory, dual->alpha);
    tci_free(memory, dual->samples.seen);
    tci_free(memory, dual->samples.own);
    tci_free(memory, dual->samples.targets);
    tci_free(memory, dual->samples.labels);
    tci_free(memory, dual->samples.met);
    tci_free(memory, dual->fit_margins);
    tci_free(memory, dual->fit_targets);
    tci_free(memory, dual->fit_labels);
    dual->samples = (tci_dual_samples){.seen = NULL};
    dual->scale2 = dual->alpha = dual->fit_margins = dual->fit_targets = NULL;
    dual->fit_labels = NULL;
}

void tci_dual_free(tci_dual *dual)
{
    if (!dual)
        return;
    tci_memory *memory = dual->memory;
    drop_start(dual);
    drop_texts(dual, &dual->chunk);
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
    return dual->set_count > 0 || dual->chunked;
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
    TCI_RETURN_IF(check_count(dual, false));
    if (find_set(dual, examples))
        return tci_fail(TC_ERROR_STATE, "these examples have been counted");
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

/* ---- before the first step ---- */

/* s² of every member of the set, in its order. */
static tc_status make_scale(tci_dual *dual, const tci_index_set *set)
{
    size_t columns = dual->scale_columns, cells = 0;
    if (!tci_multiply(set->count, columns, &cells))
        return tci_fail(TC_ERROR_LIMIT, "weights of %zu features do not fit the address space", set->count);
    TCI_RETURN_IF(tci_alloc(dual->memory, cells, sizeof(float), "feature scales", &dual->scale2));
    return tci_ngram_counts_scales(&dual->counts, dual->pool, set, dual->scale2);
}

/* All but alpha and `met`. */
static tc_status allocate_texts(tci_dual *dual, tci_dual_texts *texts, size_t cells)
{
    size_t entries = texts->rows > 0 ? texts->examples->ends[texts->rows - 1] : 0;
    TCI_RETURN_IF(tci_alloc(dual->memory, cells, sizeof(float), "dual variables", &texts->squares));
    TCI_RETURN_IF(tci_alloc(dual->memory, texts->rows, sizeof(float), "dual variables", &texts->scales));
    TCI_RETURN_IF(tci_alloc(dual->memory, entries, sizeof(uint32_t), "features of texts", &texts->features));
    return tci_alloc(dual->memory, texts->rows, (dual->ranges - 1) * sizeof(uint32_t), "features of texts",
                     &texts->cuts);
}

static tc_status allocate_alpha(tci_dual *dual, size_t rows, float **alpha, size_t *cells)
{
    if (!tci_multiply(rows, dual->columns, cells))
        return tci_fail(TC_ERROR_LIMIT, "dual variables of %zu texts do not fit the address space", rows);
    return tci_alloc_zero(dual->memory, *cells, sizeof(float), "dual variables", alpha);
}

static tc_status allocate_set(tci_dual *dual, tci_dual_texts *texts)
{
    size_t cells = 0;
    TCI_RETURN_IF(allocate_alpha(dual, texts->rows, &texts->alpha, &cells));
    texts->owns_alpha = true;
    TCI_RETURN_IF(tci_alloc_zero(dual->memory, texts->rows, 1, "dual variables", &texts->met));
    return allocate_texts(dual, texts, cells);
}

typedef struct preparation {
    const tci_dual *dual;
    const tci_index_set *set;
    tci_dual_texts *texts;
} preparation;

/* The rows of weights of a text's features, and where the ranges begin, which are of as many rows each. */
static void find_features(const preparation *job, size_t r)
{
    const tci_dual *dual = job->dual;
    tci_row row = tci_examples_row(job->texts->examples, r);
    size_t each = job->set->count / dual->ranges + 1, range = 1;
    uint32_t *features = job->texts->features + (r == 0 ? 0 : job->texts->examples->ends[r - 1]);
    uint32_t *cuts = job->texts->cuts + r * (dual->ranges - 1);
    for (size_t i = 0; i < row.length; i++) {
        uint32_t rank = tci_index_set_rank(job->set, TCI_FEATURE_BUCKET(row.ids[i]));
        features[i] = TCI_DUAL_NO_FEATURE;
        if (rank == TCI_INDEX_SET_NONE)
            continue;
        for (; rank >= range * each; range++)
            cuts[range - 1] = (uint32_t)i;
        features[i] = TCI_FEATURE(rank, TCI_FEATURE_IS_LIGHT(row.ids[i]));
    }
    for (; range < dual->ranges; range++)
        cuts[range - 1] = (uint32_t)row.length;
}

/* Q of a text. */
static void fill_squares(const preparation *job, size_t r)
{
    const tci_dual *dual = job->dual;
    size_t columns = dual->columns, scales = dual->scale_columns, length = tci_dual_length(job->texts, r);
    tci_dual_entries entries = tci_dual_entries_of(dual, job->texts, r);
    float *squares = job->texts->squares + r * columns;
    for (size_t c = 0; c < columns; c++)
        squares[c] = TCI_DUAL_BIAS * TCI_DUAL_BIAS;
    for (size_t i = 0; i < length; i++) {
        if (entries.features[i] == TCI_DUAL_NO_FEATURE)
            continue;
        float x = tci_dual_value(&entries, i), square = x * x;
        const float *scale2 = dual->scale2 + (size_t)(entries.features[i] >> 1) * scales;
        for (size_t c = 0; c < columns; c++)
            squares[c] += square * scale2[scales > 1 ? c : 0];
    }
}

static void prepare_part(void *context, const tci_team *team)
{
    const preparation *job = context;
    size_t begin = 0, end = 0;
    tci_team_share(team, job->texts->rows, 1, &begin, &end);
    for (size_t r = begin; r < end; r++) {
        tci_row row = tci_examples_row(job->texts->examples, r);
        job->texts->scales[r] = tci_ngram_scale(job->dual->network, &row);
        find_features(job, r);
        fill_squares(job, r);
    }
}

static double sum_of_squares(const tci_dual *dual, const tci_dual_texts *texts)
{
    double total = 0;
    for (size_t i = 0; i < texts->rows * dual->columns; i++)
        total += (double)texts->squares[i];
    return total;
}

/* Every so many texts, so that FIT_CELLS margins are passed by little. */
static tc_status allocate_samples(tci_dual *dual)
{
    tci_memory *memory = dual->memory;
    tci_dual_samples *samples = &dual->samples;
    size_t cells = 0;
    if (!tci_multiply((size_t)dual->total, dual->columns, &cells))
        return tci_fail(TC_ERROR_LIMIT, "margins of %zu texts do not fit the address space", (size_t)dual->total);
    samples->stride = cells / FIT_CELLS + 1;
    samples->count = dual->rows / samples->stride + 1;
    cells = samples->count * dual->columns;
    TCI_RETURN_IF(tci_alloc(memory, cells, sizeof(float), "calibration", &samples->seen));
    TCI_RETURN_IF(tci_alloc(memory, cells, sizeof(float), "calibration", &samples->own));
    TCI_RETURN_IF(tci_alloc(memory, cells, sizeof(float), "calibration", &samples->targets));
    TCI_RETURN_IF(tci_alloc(memory, samples->count, sizeof(uint32_t), "calibration", &samples->labels));
    TCI_RETURN_IF(tci_alloc_zero(memory, samples->count, 1, "calibration", &samples->met));
    TCI_RETURN_IF(tci_alloc(memory, cells, sizeof(float), "calibration", &dual->fit_margins));
    TCI_RETURN_IF(tci_alloc(memory, cells, sizeof(float), "calibration", &dual->fit_targets));
    return tci_alloc(memory, samples->count, sizeof(uint32_t), "calibration", &dual->fit_labels);
}

/* Features, scales and squares of texts; returns the sum of the squares. */
static double prepare(tci_dual *dual, const tci_index_set *set, tci_dual_texts *texts)
{
    preparation job = {dual, set, texts};
    tci_pool_run(dual->pool, prepare_part, &job);
    return sum_of_squares(dual, texts);
}

/* What the network is to know of its features; NULL where it had some that other texts taught it. */
static tc_status count_texts(const tci_dual *dual, const tci_index_set *set, uint32_t **texts)
{
    if (dual->network->set.count > 0)
        return TC_OK;
    TCI_RETURN_IF(tci_alloc(dual->network->base.memory, set->count, sizeof **texts, "texts of features", texts));
    tci_ngram_counts_texts(&dual->counts, *texts);
    return TC_OK;
}

tc_status tci_dual_start(tci_dual *dual)
{
    tc_status status = TC_OK;
    double total = 0;
    size_t cells = 0;
    uint32_t *texts = NULL;
    tci_index_set set;
    if (dual->started)
        return TC_OK;
    TCI_CHECK(tci_index_set_init(&set, dual->network->base.memory, dual->network->set.bound));
    memcpy(set.bits, dual->network->set.bits, set.words * sizeof *set.bits);
    tci_ngram_counts_members(&dual->counts, &set);
    TCI_CHECK(tci_index_set_count(&set));
    TCI_CHECK(make_scale(dual, &set));
    for (size_t i = 0; i < dual->set_count; i++)
        TCI_CHECK(allocate_set(dual, &dual->sets[i]));
    if (dual->chunked && !dual->one_pass)
        TCI_CHECK(allocate_alpha(dual, dual->rows, &dual->alpha, &cells));
    TCI_CHECK(allocate_samples(dual));
    for (size_t i = 0; i < dual->set_count; i++)
        total += prepare(dual, &set, &dual->sets[i]);
    TCI_CHECK(count_texts(dual, &set, &texts));
    TCI_CHECK(tci_ngram_grow(dual->network, &set));
    tci_ngram_note_texts(dual->network, texts);
    texts = NULL;
    if (!dual->chunked)
        dual->cost = total > 0 ? (double)dual->rows * (double)dual->columns / total : 1;
    tci_ngram_counts_free(&dual->counts);
    dual->started = true;
done:
    tci_index_set_free(&set);
    tci_free(dual->network->base.memory, texts);
    if (status != TC_OK)
        drop_start(dual);
    return status;
}

static tc_status check_chunk(const tci_dual *dual, const tc_examples *examples, size_t first)
{
    if (!dual->chunked)
        return tci_fail(TC_ERROR_STATE, "optimizer dcd learns from chunks that tc_trainer_count_chunk() has seen");
    if (first > dual->rows || examples->rows > dual->rows - first)
        return tci_fail(TC_ERROR_ARGUMENT, "rows %zu to %zu; %zu were counted", first, first + examples->rows,
                        dual->rows);
    if (dual->one_pass && dual->met >= dual->total)
        return tci_fail(TC_ERROR_STATE, "all chunks were learned from, and with epochs 1 they come once");
    return TC_OK;
}

tc_status tci_dual_begin_chunk(tci_dual *dual, const tc_examples *examples, size_t first)
{
    tc_status status = TC_OK;
    size_t cells = examples->rows * dual->columns;
    tci_dual_texts texts = {.rows = examples->rows, .first = first};
    TCI_RETURN_IF(check_chunk(dual, examples, first));
    TCI_RETURN_IF(tci_dual_start(dual));
    texts.examples = tci_examples_keep(examples);
    if (dual->one_pass)
        TCI_CHECK(allocate_alpha(dual, texts.rows, &texts.alpha, &cells));
    else
        texts.alpha = dual->alpha + first * dual->columns;
    texts.owns_alpha = dual->one_pass;
    TCI_CHECK(allocate_texts(dual, &texts, cells));
    double total = prepare(dual, &dual->network->set, &texts);
    if (!(dual->cost > 0))
        dual->cost = total > 0 ? (double)texts.rows * (double)dual->columns / total : 0;
    tci_dual_texts before = dual->chunk;
    dual->chunk = texts;
    texts = before;
done:
    drop_texts(dual, &texts);
    tci_examples_release(texts.examples);
    return status;
}

/* ---- calibration ---- */

/* Fits to the samples that were met: to their margins without this share of their own part. `late`: only to those that
 * were met late in the first pass. */
static tci_margin_fit fit_margins(tci_dual *dual, float own_share, bool late)
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
    if (dual->task == TCI_TASK_CLASSIFY && columns > 1)
        return tci_fit_softmax(dual->fit_margins, dual->fit_labels, count, columns);
    return tci_fit_sigmoid(dual->fit_margins, dual->fit_targets, count * columns);
}

/* In the first pass margins are of weights that knew nothing of the text. Later a text has added to its own margin:
 * all of alpha·Q where no other is like it, nearly nothing where others say the same. The share to take away is the
 * one that leaves margins as telling as fresh ones were: of the same loss. It rises with the share. */
#define SHARE_STEPS 7

static void calibrate(tci_dual *dual)
{
    bool half = 2 * dual->first_met > dual->total;
    tci_margin_fit fit = fit_margins(dual, 1.0f, half && dual->met <= dual->total);
    if (dual->met <= dual->total) {
        dual->fresh_loss = fit.loss > 0 ? fit.loss : NO_LOSS_YET; /* 0: of one label only */
    } else if (fit.loss > dual->fresh_loss) {
        float least = 0.0f, most = 1.0f;
        for (size_t i = 0; i < SHARE_STEPS; i++) {
            float share = (least + most) / 2;
            fit = fit_margins(dual, share, false);
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
    if (!texts)
        return tci_fail(TC_ERROR_STATE, "optimizer dcd learns from examples that tc_trainer_count() has seen, or from "
                                        "the chunk that tc_trainer_begin_chunk() was given");
    for (size_t i = 0; i < row_count; i++) {
        if (rows[i] >= texts->rows)
            return tci_fail(TC_ERROR_STATE, "row %zu was added after tc_trainer_count(), which saw %zu", rows[i],
                            texts->rows);
    }
    TCI_RETURN_IF(tci_dual_start(dual));
    tci_dual_learn(dual, texts, rows, row_count, loss, weight);
    uint64_t before = dual->met;
    dual->met += row_count;
    if (dual->task != TCI_TASK_REGRESS && is_due(before, dual->met, dual->total))
        calibrate(dual);
    return TC_OK;
}
