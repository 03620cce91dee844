/* ngram_dual_start.c: what the dual trainer makes ready before its first step: rows of weights for all features that
 * were counted, their scales, and for every text the places of its features, 1/n and Q; for a chunk, when it comes. And
 * whether the texts are news to a model that had weights before. */
#include <string.h>

#include "model/ngram_dual_internal.h"

#define FIT_CELLS 60000 /* margins that a calibration is fitted on, at most */
#define NO_NEWS 0.75

void tci_dual_drop_texts(tci_dual *dual, tci_dual_texts *texts)
{
    if (texts->owns_alpha)
        tci_free(dual->memory, texts->alpha);
    tci_free(dual->memory, texts->squares);
    tci_free(dual->memory, texts->scales);
    tci_free(dual->memory, texts->features);
    tci_free(dual->memory, texts->cuts);
    texts->squares = texts->scales = NULL;
    texts->features = texts->cuts = NULL;
    texts->alpha = texts->owns_alpha ? NULL : texts->alpha;
}

void tci_dual_drop(tci_dual *dual)
{
    tci_dual_samples *samples = &dual->samples;
    float **floats[] = {&dual->scale2,  &dual->alpha,  &dual->fit_margins, &dual->fit_targets,
                        &samples->seen, &samples->own, &samples->targets};
    for (size_t i = 0; i < dual->set_count; i++)
        tci_dual_drop_texts(dual, &dual->sets[i]);
    for (size_t i = 0; i < sizeof floats / sizeof floats[0]; i++) {
        tci_free(dual->memory, *floats[i]);
        *floats[i] = NULL;
    }
    tci_free(dual->memory, samples->labels);
    tci_free(dual->memory, samples->met);
    tci_free(dual->memory, dual->fit_labels);
    tci_free(dual->memory, dual->met_rows);
    tci_free(dual->memory, dual->set_words);
    dual->samples = (tci_dual_samples){.seen = NULL};
    dual->fit_labels = NULL;
    dual->met_rows = NULL;
    dual->set_words = NULL;
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
    TCI_RETURN_IF(tci_alloc_zero(memory, cells, sizeof(float), "calibration", &samples->seen));
    TCI_RETURN_IF(tci_alloc_zero(memory, cells, sizeof(float), "calibration", &samples->own));
    TCI_RETURN_IF(tci_alloc_zero(memory, cells, sizeof(float), "calibration", &samples->targets));
    TCI_RETURN_IF(tci_alloc_zero(memory, samples->count, sizeof(uint32_t), "calibration", &samples->labels));
    TCI_RETURN_IF(tci_alloc_zero(memory, samples->count, 1, "calibration", &samples->met));
    TCI_RETURN_IF(tci_alloc(memory, cells, sizeof(float), "calibration", &dual->fit_margins));
    TCI_RETURN_IF(tci_alloc(memory, cells, sizeof(float), "calibration", &dual->fit_targets));
    return tci_alloc(memory, samples->count, sizeof(uint32_t), "calibration", &dual->fit_labels);
}

tc_status tci_dual_allocate(tci_dual *dual)
{
    size_t cells = 0;
    if (!tci_multiply(dual->rows, dual->columns, &cells))
        return tci_fail(TC_ERROR_LIMIT, "dual variables of %zu texts do not fit the address space", dual->rows);
    if (!dual->chunked || !dual->one_pass)
        TCI_RETURN_IF(tci_alloc_zero(dual->memory, cells, sizeof(float), "dual variables", &dual->alpha));
    if (!dual->chunked)
        TCI_RETURN_IF(tci_alloc_zero(dual->memory, dual->rows, 1, "dual variables", &dual->met_rows));
    TCI_RETURN_IF(
        tci_alloc_zero(dual->memory, dual->set_count, 2 * sizeof(uint64_t), "dual variables", &dual->set_words));
    for (size_t i = 0; i < dual->set_count; i++) {
        tci_dual_texts *texts = &dual->sets[i];
        texts->alpha = dual->alpha + texts->first * dual->columns;
        texts->met = dual->met_rows + texts->first;
    }
    return allocate_samples(dual);
}

/* s² of every member of the set, in its order. */
static tc_status make_scale(tci_dual *dual, const tci_index_set *set)
{
    size_t columns = dual->scale_columns, cells = 0;
    if (!tci_multiply(set->count, columns, &cells))
        return tci_fail(TC_ERROR_LIMIT, "weights of %zu features do not fit the address space", set->count);
    TCI_RETURN_IF(tci_alloc(dual->memory, cells, sizeof(float), "feature scales", &dual->scale2));
    return tci_ngram_counts_scales(&dual->counts, dual->pool, set, dual->scale2);
}

/* ---- the features of texts ---- */

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

/* All but alpha and `met`. */
static tc_status allocate_texts(tci_dual *dual, tci_dual_texts *texts)
{
    size_t entries = texts->rows > 0 ? texts->examples->ends[texts->rows - 1] : 0;
    TCI_RETURN_IF(
        tci_alloc(dual->memory, texts->rows, dual->columns * sizeof(float), "dual variables", &texts->squares));
    TCI_RETURN_IF(tci_alloc(dual->memory, texts->rows, sizeof(float), "dual variables", &texts->scales));
    TCI_RETURN_IF(tci_alloc(dual->memory, entries, sizeof(uint32_t), "features of texts", &texts->features));
    return tci_alloc(dual->memory, texts->rows, (dual->ranges - 1) * sizeof(uint32_t), "features of texts",
                     &texts->cuts);
}

tc_status tci_dual_find_texts(tci_dual *dual, const tci_index_set *set, tci_dual_texts *texts, double *total)
{
    tc_status status = allocate_texts(dual, texts);
    if (status != TC_OK) {
        tci_dual_drop_texts(dual, texts);
        return status;
    }
    preparation job = {dual, set, texts};
    tci_pool_run(dual->pool, prepare_part, &job);
    *total += sum_of_squares(dual, texts);
    return TC_OK;
}

/* ---- weights of before ---- */

/* The margins of samples among these texts, by the weights as they are; returns how many there are then. */
static size_t gather_margins(tci_dual *dual, const tci_dual_texts *texts, size_t count)
{
    size_t columns = dual->columns;
    for (size_t r = 0; r < texts->rows; r++) {
        if ((texts->first + r) % dual->samples.stride != 0 || tci_examples_unknown(texts->examples, r))
            continue;
        tci_row row = tci_examples_row(texts->examples, r);
        tci_ngram_margins(dual->network, &row, dual->fit_margins + count * columns);
        tci_examples_targets(texts->examples, r, dual->labels, dual->targets);
        for (size_t c = 0; c < columns; c++)
            dual->fit_targets[count * columns + c] = tci_dual_target(dual, dual->targets, c);
        dual->fit_labels[count] = dual->task == TCI_TASK_CLASSIFY ? texts->examples->classes[r] : 0;
        count++;
    }
    return count;
}

/* A model that had weights foretold how surprised it would be: by its probabilities, the mean of -p ln p. If the labels
 * surprise it far less, or would with a larger scale, it has learned from these texts: their margins are not those of
 * new texts, and the calibration that it came with stays. (Measured on four sets: of known texts the loss is 0.15 to
 * 0.45 times what was foretold and the scale 1.8 times and more, of new ones 1.1 to 1.5 times and 0.6 to 0.9.) */
static bool is_known(const tci_margin_fit *given, double loss, double expected, const tci_margin_fit *fitted)
{
    return loss < NO_NEWS * expected || (fitted->scale > given->scale / NO_NEWS && fitted->loss < NO_NEWS * loss);
}

static void compare(tci_dual *dual, const tci_dual_texts *sets, size_t set_count)
{
    const float *calibration = tci_parameters_read(&dual->network->base.parameters, TCI_NGRAM_CALIBRATION);
    const tci_margin_fit given = {calibration[0], calibration[1], 0};
    double expected = 0, loss = 0;
    size_t count = 0;
    bool compares = dual->compares && dual->task != TCI_TASK_REGRESS;
    dual->compares = false;
    for (size_t i = 0; compares && i < set_count; i++)
        count = gather_margins(dual, &sets[i], count);
    if (count == 0)
        return;
    tci_margin_fit fitted = tci_dual_fit(dual, count, &given);
    if (dual->task == TCI_TASK_CLASSIFY && dual->columns > 1)
        loss = tci_softmax_surprise(dual->fit_margins, dual->fit_labels, count, dual->columns, &given, &expected);
    else
        loss = tci_sigmoid_surprise(dual->fit_margins, dual->fit_targets, count * dual->columns, &given, &expected);
    dual->known = is_known(&given, loss, expected, &fitted);
}

/* ---- starting ---- */

/* What the network is to know of its features; NULL where it had some that other texts taught it. */
static tc_status count_texts(const tci_dual *dual, const tci_index_set *set, float **texts)
{
    if (dual->network->set.count > 0)
        return TC_OK;
    TCI_RETURN_IF(tci_alloc(dual->network->base.memory, set->count, sizeof **texts, "texts of features", texts));
    tci_ngram_counts_texts(&dual->counts, *texts);
    return TC_OK;
}

/* A block for the best parameters, of the size that they will have. */
static tc_status allocate_best(const tci_dual *dual, size_t features, float **best)
{
    size_t size = 0;
    TCI_RETURN_IF(tci_ngram_measure(dual->network, features, &size));
    return tci_alloc(dual->memory, size, sizeof(float), "best weights", best);
}

tc_status tci_dual_start(tci_dual *dual, float **best)
{
    tc_status status = TC_OK;
    double total = 0;
    float *texts = NULL;
    tci_index_set set;
    if (dual->started)
        return TC_OK;
    bool had_weights = dual->network->set.count > 0;
    TCI_CHECK(tci_index_set_init(&set, dual->network->base.memory, dual->network->set.bound));
    memcpy(set.bits, dual->network->set.bits, set.words * sizeof *set.bits);
    tci_ngram_counts_members(&dual->counts, &set);
    TCI_CHECK(tci_index_set_count(&set));
    TCI_CHECK(make_scale(dual, &set));
    TCI_CHECK(tci_dual_allocate(dual));
    for (size_t i = 0; i < dual->set_count; i++)
        TCI_CHECK(tci_dual_find_texts(dual, &set, &dual->sets[i], &total));
    TCI_CHECK(count_texts(dual, &set, &texts));
    if (best)
        TCI_CHECK(allocate_best(dual, set.count, best));
    status = tci_ngram_grow(dual->network, &set);
    if (status != TC_OK && best) {
        tci_free(dual->memory, *best);
        *best = NULL;
    }
    TCI_CHECK(status);
    tci_ngram_note_texts(dual->network, texts);
    texts = NULL;
    if (!dual->chunked)
        dual->cost = total > 0 ? (double)dual->rows * (double)dual->columns / total : 1;
    tci_ngram_counts_free(&dual->counts);
    dual->started = true;
    dual->compares = had_weights;
    if (!dual->chunked)
        compare(dual, dual->sets, dual->set_count);
done:
    tci_index_set_free(&set);
    tci_free(dual->network->base.memory, texts);
    if (status != TC_OK)
        tci_dual_drop(dual);
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
    double total = 0;
    tci_dual_texts texts = {.rows = examples->rows, .first = first};
    TCI_RETURN_IF(check_chunk(dual, examples, first));
    TCI_RETURN_IF(tci_dual_start(dual, NULL));
    if (dual->one_pass)
        TCI_RETURN_IF(
            tci_alloc_zero(dual->memory, texts.rows, dual->columns * sizeof(float), "dual variables", &texts.alpha));
    else
        texts.alpha = dual->alpha + first * dual->columns;
    texts.owns_alpha = dual->one_pass;
    texts.examples = tci_examples_keep(examples); /* which finding the features looks at */
    tc_status status = tci_dual_find_texts(dual, &dual->network->set, &texts, &total);
    if (status == TC_OK) {
        compare(dual, &texts, 1);
        if (!(dual->cost > 0))
            dual->cost = total > 0 ? (double)texts.rows * (double)dual->columns / total : 0;
        tci_dual_texts before = dual->chunk;
        dual->chunk = texts;
        texts = before;
    }
    tci_dual_drop_texts(dual, &texts);
    tci_examples_release(texts.examples);
    return status;
}
