/* ngram_dual_state.c: what a checkpoint keeps of a started dual trainer, as words and arrays by name, and how a trainer
 * goes on from them: the arrays are there at once, the texts when their examples are counted again or their chunk is
 * begun. What follows from the examples (features, 1/n, Q) is found anew, to the same bits. */
#include <string.h>

#include "model/ngram_dual_internal.h"

#define COUNTER_MOST (UINT64_C(1) << 53)

enum { SETS, ROWS, TOTAL, MET, FIRST_MET, CHUNKED, KNOWN, COST, FRESH_LOSS };

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double value_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

void tci_dual_words(const tci_dual *dual, uint64_t words[TCI_DUAL_WORDS])
{
    memset(words, 0, TCI_DUAL_WORDS * sizeof *words);
    if (!dual->started)
        return;
    words[SETS] = dual->set_count;
    words[ROWS] = dual->rows;
    words[TOTAL] = dual->total;
    words[MET] = dual->met;
    words[FIRST_MET] = dual->first_met;
    words[CHUNKED] = dual->chunked;
    words[KNOWN] = dual->known;
    words[COST] = bits_of(dual->cost);
    words[FRESH_LOSS] = bits_of(dual->fresh_loss);
    for (size_t i = 0; i < dual->set_count; i++) {
        const tci_dual_texts *texts = &dual->sets[i];
        dual->set_words[2 * i] = texts->rows;
        dual->set_words[2 * i + 1] =
            texts->examples ? tci_examples_fingerprint_of(texts->examples, texts->rows, 0) : texts->fingerprint;
    }
}

size_t tci_dual_arrays(tci_dual *dual, tci_dual_array arrays[TCI_DUAL_ARRAYS])
{
    const tci_dual_samples *samples = &dual->samples;
    size_t columns = dual->columns;
    const tci_dual_array all[TCI_DUAL_ARRAYS] = {
        {TCI_DUAL_SETS, TCI_DUAL_U64, {dual->set_count, 2}, dual->set_words},
        {"optim.dual.scale", TCI_DUAL_F32, {dual->network->set.count, dual->scale_columns}, dual->scale2},
        {TCI_DUAL_ALPHA, TCI_DUAL_F32, {dual->rows, columns}, dual->alpha},
        {"optim.dual.met", TCI_DUAL_U8, {dual->rows, 0}, dual->met_rows},
        {"optim.dual.sample_margin", TCI_DUAL_F32, {samples->count, columns}, samples->seen},
        {"optim.dual.sample_own", TCI_DUAL_F32, {samples->count, columns}, samples->own},
        {"optim.dual.sample_target", TCI_DUAL_F32, {samples->count, columns}, samples->targets},
        {"optim.dual.sample_met", TCI_DUAL_U8, {samples->count, 0}, samples->met},
    };
    size_t count = 0;
    for (size_t i = 0; dual->started && i < TCI_DUAL_ARRAYS; i++) {
        if (all[i].values && all[i].shape[0] > 0)
            arrays[count++] = all[i];
    }
    return count;
}

static tc_status check_words(const uint64_t words[TCI_DUAL_WORDS])
{
    double cost = value_of(words[COST]), loss = value_of(words[FRESH_LOSS]);
    bool chunked = words[CHUNKED] == 1;
    if (words[MET] > COUNTER_MOST || words[FIRST_MET] > words[ROWS] || words[TOTAL] > words[ROWS] ||
        words[ROWS] > COUNTER_MOST || (chunked && words[TOTAL] != words[ROWS]) || chunked != (words[SETS] == 0))
        return tci_fail(TC_ERROR_FORMAT, "the checkpoint's counters of dcd do not fit its %llu texts",
                        (unsigned long long)words[ROWS]);
    if (words[CHUNKED] > 1 || words[KNOWN] > 1 || !(cost > 0 || (chunked && cost == 0)) || cost - cost != 0 ||
        !(loss > 0) || loss - loss != 0)
        return tci_fail(TC_ERROR_FORMAT, "the checkpoint's figures of dcd are none that a training has");
    return TC_OK;
}

static tc_status resume_sets(tci_dual *dual, const uint64_t *sets, size_t count, size_t rows)
{
    size_t total = 0;
    TCI_RETURN_IF(tci_reserve(dual->memory, count, SIZE_MAX / sizeof *dual->sets, sizeof *dual->sets,
                              "counted examples", &dual->set_capacity, &dual->sets));
    for (size_t i = 0; i < count; i++) {
        if (sets[2 * i] > rows - total)
            return tci_fail(TC_ERROR_FORMAT, "the checkpoint's set %zu of examples is larger than its tensors", i);
        dual->sets[i] = (tci_dual_texts){.rows = (size_t)sets[2 * i], .first = total, .fingerprint = sets[2 * i + 1]};
        total += (size_t)sets[2 * i];
    }
    if (total != rows)
        return tci_fail(TC_ERROR_FORMAT, "the checkpoint's sets have %zu texts, its tensors %zu", total, rows);
    dual->set_count = count;
    return TC_OK;
}

tc_status tci_dual_resume(tci_dual *dual, const uint64_t words[TCI_DUAL_WORDS], const uint64_t *sets, bool has_alpha)
{
    size_t cells = 0;
    if (words[ROWS] == 0 && words[SETS] == 0 && words[CHUNKED] == 0)
        return TC_OK; /* of a trainer that had not begun */
    TCI_RETURN_IF(check_words(words));
    dual->chunked = words[CHUNKED] != 0;
    if (has_alpha == (dual->chunked && dual->one_pass))
        return tci_fail(TC_ERROR_FORMAT, "tensor '" TCI_DUAL_ALPHA "' is %s, with this number of epochs",
                        has_alpha ? "there" : "missing");
    TCI_RETURN_IF(resume_sets(dual, sets, (size_t)words[SETS], dual->chunked ? 0 : (size_t)words[ROWS]));
    dual->rows = (size_t)words[ROWS];
    dual->total = words[TOTAL];
    dual->met = words[MET];
    dual->first_met = words[FIRST_MET];
    dual->known = words[KNOWN] != 0;
    dual->cost = value_of(words[COST]);
    dual->fresh_loss = value_of(words[FRESH_LOSS]);
    if (!tci_multiply(dual->network->set.count, dual->scale_columns, &cells))
        return tci_fail(TC_ERROR_LIMIT, "weights of %zu features do not fit the address space",
                        dual->network->set.count);
    TCI_RETURN_IF(tci_alloc_zero(dual->memory, cells, sizeof(float), "feature scales", &dual->scale2));
    TCI_RETURN_IF(tci_dual_allocate(dual));
    tci_ngram_counts_free(&dual->counts);
    dual->started = true;
    return TC_OK;
}

static tc_status check_not_negative(const char *name, const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!(values[i] >= 0))
            return tci_fail(TC_ERROR_FORMAT, "tensor '%s' holds a negative value", name);
    }
    return TC_OK;
}

static tc_status check_met(const char *name, const uint8_t *met, size_t count)
{
    for (size_t i = 0; met && i < count; i++) {
        if (met[i] > TCI_MET_LATE)
            return tci_fail(TC_ERROR_FORMAT, "tensor '%s' holds %u", name, met[i]);
    }
    return TC_OK;
}

/* Labels are where the targets are above 0. */
static void find_labels(tci_dual *dual)
{
    const tci_dual_samples *samples = &dual->samples;
    for (size_t i = 0; i < samples->count; i++) {
        for (size_t c = 0; c < dual->columns; c++) {
            if (samples->targets[i * dual->columns + c] > 0)
                samples->labels[i] = (uint32_t)c;
        }
    }
}

tc_status tci_dual_finish(tci_dual *dual)
{
    const tci_dual_samples *samples = &dual->samples;
    if (!dual->started)
        return TC_OK;
    TCI_RETURN_IF(check_met("optim.dual.met", dual->met_rows, dual->rows));
    TCI_RETURN_IF(check_met("optim.dual.sample_met", samples->met, samples->count));
    TCI_RETURN_IF(check_not_negative("optim.dual.scale", dual->scale2, dual->network->set.count * dual->scale_columns));
    find_labels(dual);
    if (dual->task == TCI_TASK_REGRESS)
        return TC_OK;
    if (dual->alpha)
        TCI_RETURN_IF(check_not_negative(TCI_DUAL_ALPHA, dual->alpha, dual->rows * dual->columns));
    return check_not_negative("optim.dual.sample_own", samples->own, samples->count * dual->columns);
}

tc_status tci_dual_attach(tci_dual *dual, const tc_examples *examples)
{
    double total = 0;
    for (size_t i = 0; i < dual->set_count; i++) {
        tci_dual_texts *texts = &dual->sets[i];
        if (texts->examples || texts->rows != examples->rows ||
            texts->fingerprint != tci_examples_fingerprint(examples, 0))
            continue;
        texts->examples = tci_examples_keep(examples); /* which finding the features looks at */
        tc_status status = tci_dual_find_texts(dual, &dual->network->set, texts, &total);
        if (status != TC_OK) {
            tci_examples_release(texts->examples);
            texts->examples = NULL;
        }
        return status;
    }
    return tci_fail(TC_ERROR_MISMATCH, "these examples are none of those that the checkpoint was training on");
}
