/* ngram_training_start.c: a training by steps before its first: made, the features of its texts counted, and their
 * scales, weights and sums allocated. What fails leaves the network as it was. */
#include "model/ngram_training_internal.h"

#include <math.h>
#include <string.h>

#define CALIBRATION_LEAST 1e-6f
#define CALIBRATION_MOST 1e6f

void tci_ngram_training_free(tci_ngram_training *training)
{
    if (!training)
        return;
    tci_memory *memory = training->memory;
    tci_ngram_rows_free(&training->rows);
    tci_ngram_counts_free(&training->counts);
    tci_free(memory, training->sum);
    tci_free(memory, training->scale);
    tci_free(memory, training->entries);
    tci_free(memory, training->ends);
    tci_free(memory, training->slopes);
    tci_free(memory, training->means);
    tci_free(memory, training->touched);
    tci_free(memory, training->gradients);
    tci_free(memory, training->bias_gradient);
    tci_free(memory, training);
}

tc_status tci_ngram_training_create(tci_ngram_network *network, tci_memory *memory, tci_pool *pool, int32_t task,
                                    tci_ngram_training **result)
{
    tc_status status = TC_OK;
    tci_ngram_training *training = NULL;
    float calibration = tci_parameters_read(&network->base.parameters, TCI_NGRAM_CALIBRATION)[0];
    *result = NULL;
    if (!(calibration >= CALIBRATION_LEAST && calibration <= CALIBRATION_MOST))
        return tci_fail(TC_ERROR_NUMERIC, "the model's calibration is too flat or steep to train on");
    TCI_RETURN_IF(tci_alloc_zero(memory, 1, sizeof *training, "trainer", &training));
    training->network = network;
    training->memory = memory;
    training->pool = pool;
    training->columns = network->columns;
    training->labels = network->base.label_count;
    training->counts_labels = task != TCI_TASK_REGRESS;
    TCI_CHECK(tci_alloc(memory, training->columns, sizeof(float), "gradients", &training->slopes));
    TCI_CHECK(tci_alloc(memory, training->columns, sizeof(double), "gradients", &training->means));
    TCI_CHECK(tci_alloc_zero(memory, training->columns, sizeof(float), "gradients", &training->bias_gradient));
    TCI_CHECK(tci_ngram_rows_init(&training->rows, network, memory));
    tci_ngram_rows_follow(&training->rows, &training->sum);
    tci_ngram_rows_follow(&training->rows, &training->scale);
    *result = training;
    training = NULL;
done:
    tci_ngram_training_free(training);
    return status;
}

void tci_ngram_training_follow(tci_ngram_training *training, float **block)
{
    tci_ngram_rows_follow(&training->rows, block);
}

size_t tci_ngram_training_floats(const tci_ngram_training *training)
{
    return tci_ngram_rows_floats(&training->rows);
}

float *tci_ngram_training_state(const tci_ngram_training *training, size_t index, const char **name)
{
    *name = index == 0 ? "optim.sum" : "optim.scale";
    return index == 0 ? training->sum : index == 1 ? training->scale : NULL;
}

/* ---- before the first step ---- */

tc_status tci_ngram_training_count(tci_ngram_training *training, const tc_examples *examples, const size_t *rows,
                                   size_t row_count)
{
    if (training->started)
        return tci_fail(TC_ERROR_STATE, "texts are counted before the first step; make a new trainer to count again");
    if (!training->counts.memory) {
        tc_status status = tci_ngram_counts_init(&training->counts, training->memory, training->network->set.bound,
                                                 training->counts_labels ? training->columns : 0);
        if (status != TC_OK) {
            tci_ngram_counts_free(&training->counts);
            return status;
        }
    }
    TCI_RETURN_IF(
        tci_ngram_counts_add(&training->counts, training->pool, examples, rows, rows ? row_count : examples->rows));
    training->counted = true;
    return TC_OK;
}

void tci_ngram_training_forget(tci_ngram_training *training)
{
    if (training->started)
        return;
    tci_ngram_counts_free(&training->counts);
    training->counted = false;
}

bool tci_ngram_training_counted(const tci_ngram_training *training)
{
    return training->counted || training->started;
}

/* The mean scale of the features found in one text, for those that come later; s of all of the set is there. */
static void find_later_scale(const tci_ngram_training *training, const tci_index_set *set)
{
    const tci_ngram_counts *counts = &training->counts;
    const float *rows = training->scale + tci_ngram_weight_offset(training);
    const uint32_t *cell = counts->cells;
    size_t found = 0;
    for (size_t c = 0; c < training->columns; c++)
        training->means[c] = 0;
    for (size_t word = 0; word < counts->seen.words; word++) {
        uint64_t members = counts->seen.bits[word];
        for (uint32_t bit = 0; members != 0; bit++, members >>= 1) {
            if ((members & 1) == 0)
                continue;
            const float *scales = rows + tci_index_set_rank(set, (uint32_t)(word * 64) + bit) * training->columns;
            for (size_t c = 0; *cell == 1 && c < training->columns; c++)
                training->means[c] += (double)scales[c];
            found += *cell == 1;
            cell += 1 + counts->columns;
        }
    }
    for (size_t c = 0; c < training->columns; c++)
        training->scale[tci_ngram_bias_offset(training) + c] =
            found > 0 ? (float)(training->means[c] / (double)found) : 1.0f;
}

/* Fills training->scale for the members of a set. */
static tc_status fill_scales(tci_ngram_training *training, const tci_index_set *set)
{
    size_t columns = training->columns, distinct = training->counts_labels ? columns : 1;
    float *rows = training->scale + tci_ngram_weight_offset(training);
    TCI_RETURN_IF(tci_ngram_counts_scales(&training->counts, training->pool, set, rows));
    for (size_t i = set->count * columns; i-- > 0;) /* from one column to all, from behind */
        rows[i] = sqrtf(rows[distinct < columns ? i / columns : i]);
    find_later_scale(training, set);
    return TC_OK;
}

/* `best` may be NULL. */
static tc_status allocate_state(tci_ngram_training *training, size_t rows, bool scales, float **best)
{
    size_t floats = 0;
    if (!tci_multiply(rows, training->columns, &floats) || !tci_add(floats, tci_ngram_weight_offset(training), &floats))
        return tci_fail(TC_ERROR_LIMIT, "weights of %zu features do not fit the address space", rows);
    TCI_RETURN_IF(tci_alloc_zero(training->memory, floats, sizeof(float), "squared gradients", &training->sum));
    if (best)
        TCI_RETURN_IF(tci_alloc_zero(training->memory, floats, sizeof(float), "best weights", best));
    return scales ? tci_alloc_zero(training->memory, floats, sizeof(float), "feature scales", &training->scale) : TC_OK;
}

static void drop_state(tci_ngram_training *training, float **best)
{
    if (best) {
        tci_free(training->memory, *best);
        *best = NULL;
    }
    tci_free(training->memory, training->sum);
    tci_free(training->memory, training->scale);
    training->sum = training->scale = NULL;
}

static tc_status start_plain(tci_ngram_training *training, bool scales, float **best)
{
    tc_status status = allocate_state(training, training->rows.count, scales, best);
    training->started = status == TC_OK;
    if (status != TC_OK)
        drop_state(training, best);
    return status;
}

tc_status tci_ngram_training_resume(tci_ngram_training *training, bool scales)
{
    return start_plain(training, scales, NULL);
}

/* What the network is to know of its features; NULL where it had some that other texts taught it. */
static tc_status count_texts(const tci_ngram_training *training, const tci_index_set *set, float **texts)
{
    tci_ngram_network *network = training->network;
    if (network->set.count > 0)
        return TC_OK;
    TCI_RETURN_IF(tci_alloc(network->base.memory, set->count, sizeof **texts, "texts of features", texts));
    tci_ngram_counts_texts(&training->counts, *texts);
    return TC_OK;
}

tc_status tci_ngram_training_start(tci_ngram_training *training, float **best)
{
    tc_status status = TC_OK;
    tci_ngram_network *network = training->network;
    tci_ngram_rows *rows = &training->rows;
    float *texts = NULL;
    tci_index_set set;
    if (training->started)
        return TC_OK;
    if (!training->counted)
        return start_plain(training, false, best);
    TCI_RETURN_IF(tci_index_set_init(&set, network->base.memory, network->set.bound));
    memcpy(set.bits, network->set.bits, set.words * sizeof *set.bits);
    tci_ngram_counts_members(&training->counts, &set);
    TCI_CHECK(tci_index_set_count(&set));
    TCI_CHECK(allocate_state(training, set.count, true, best));
    TCI_CHECK(fill_scales(training, &set));
    TCI_CHECK(tci_resize(training->memory, set.count, sizeof *rows->marks, "touched rows", &rows->marks));
    TCI_CHECK(count_texts(training, &set, &texts));
    TCI_CHECK(tci_ngram_grow(network, &set));
    tci_ngram_note_texts(network, texts);
    texts = NULL;
    tci_ngram_counts_free(&training->counts);
    rows->sorted = rows->count = rows->capacity = network->set.count;
    memset(rows->marks, 0, rows->count * sizeof *rows->marks);
    training->started = true;
done:
    tci_index_set_free(&set);
    tci_free(network->base.memory, texts);
    if (status != TC_OK)
        drop_state(training, best);
    return status;
}
