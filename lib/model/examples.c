/* examples.c: growing arrays of ids, labels and weights.
 *
 * A text is checked and encoded, then room is made in every array, and only then is it written: an add that fails
 * leaves the rows as they were. Knows nothing of batches or training. */
#include "model/examples.h"

#include <string.h>

#include "base/hash.h"

#define ROW_CEILING (SIZE_MAX / 64)

tc_status tci_examples_create(const tc_model *model, tc_examples **result)
{
    tc_examples *examples = NULL;
    *result = NULL;
    TCI_RETURN_IF(tci_object_create(&model->memory.host, model->memory.limit, sizeof *examples, "examples", &examples));
    atomic_init(&examples->references, 1);
    examples->pipeline = tci_pipeline_keep(model->pipeline);
    examples->task = model->options.task;
    examples->label_count = model->label_count;
    examples->label_fingerprint = model->label_fingerprint;
    examples->threads = (size_t)model->options.threads;
    tci_encoded_init(&examples->encoded, &examples->memory, false);
    *result = examples;
    return TC_OK;
}

tc_examples *tci_examples_keep(const tc_examples *examples)
{
    tc_examples *kept = (tc_examples *)examples; /* counting who holds it is no change that others see */
    atomic_fetch_add_explicit(&kept->references, 1, memory_order_relaxed);
    return kept;
}

void tci_examples_release(tc_examples *examples)
{
    if (!examples || atomic_fetch_sub_explicit(&examples->references, 1, memory_order_acq_rel) != 1)
        return;
    tci_memory *memory = &examples->memory;
    tci_encoded_free(&examples->encoded);
    tci_free(memory, examples->ends);
    tci_free(memory, examples->ids);
    tci_free(memory, examples->counts);
    tci_free(memory, examples->weights);
    tci_free(memory, examples->classes);
    tci_free(memory, examples->list_ends);
    tci_free(memory, examples->list);
    tci_free(memory, examples->targets);
    tci_pipeline_release(examples->pipeline);
    tci_object_free(examples);
}

static bool is_finite(float value)
{
    return value - value == 0.0f;
}

static tc_status check_labels(const tc_examples *examples, const tci_truth *truth)
{
    bool one = examples->task == TCI_TASK_CLASSIFY;
    if (one && truth->count != 1)
        return tci_fail(TC_ERROR_ARGUMENT, "a text of task classify has exactly one label, not %zu", truth->count);
    for (size_t i = 0; i < truth->count; i++) {
        if (truth->labels[i] >= examples->label_count && truth->labels[i] != TC_LABEL_UNKNOWN)
            return tci_fail(TC_ERROR_ARGUMENT,
                            "label index %u; the model has %zu labels (0 to %zu, or TC_LABEL_UNKNOWN)",
                            truth->labels[i], examples->label_count, examples->label_count - 1);
        for (size_t k = 0; k < i; k++) {
            if (truth->labels[k] == truth->labels[i] && truth->labels[i] != TC_LABEL_UNKNOWN)
                return tci_fail(TC_ERROR_ARGUMENT, "label index %u is given twice for one text", truth->labels[i]);
        }
    }
    return TC_OK;
}

tc_status tci_truth_check(const tc_examples *examples, const tci_truth *truth, float weight)
{
    if (!is_finite(weight) || weight < 0)
        return tci_fail(TC_ERROR_ARGUMENT, "the weight of a text must be finite and at least 0");
    if (examples->task != TCI_TASK_REGRESS) {
        if (truth->targets)
            return tci_fail(TC_ERROR_UNSUPPORTED, "real targets need task regress; this model takes labels");
        return check_labels(examples, truth);
    }
    if (!truth->targets)
        return tci_fail(TC_ERROR_UNSUPPORTED, "labels need task classify or multilabel; this model takes real targets");
    if (truth->count != examples->label_count)
        return tci_fail(TC_ERROR_ARGUMENT, "%zu targets for a model of %zu", truth->count, examples->label_count);
    for (size_t i = 0; i < truth->count; i++) {
        if (!is_finite(truth->targets[i]))
            return tci_fail(TC_ERROR_ARGUMENT, "target %zu is not finite", i);
    }
    return TC_OK;
}

tc_status tci_examples_reserve_rows(tc_examples *examples, size_t rows, size_t list_count)
{
    tci_memory *memory = &examples->memory;
    size_t values = 0;
    TCI_RETURN_IF(
        tci_reserve(memory, rows, ROW_CEILING, sizeof(size_t), "examples", &examples->row_capacity, &examples->ends));
    TCI_RETURN_IF(tci_reserve(memory, rows, ROW_CEILING, sizeof(float), "example weights", &examples->weight_capacity,
                              &examples->weights));
    if (examples->task == TCI_TASK_CLASSIFY)
        return tci_reserve(memory, rows, ROW_CEILING, sizeof(uint32_t), "example labels", &examples->class_capacity,
                           &examples->classes);
    if (examples->task == TCI_TASK_MULTILABEL) {
        TCI_RETURN_IF(tci_reserve(memory, rows, ROW_CEILING, sizeof(size_t), "example labels",
                                  &examples->list_end_capacity, &examples->list_ends));
        return tci_reserve(memory, list_count, SIZE_MAX / 8, sizeof(uint32_t), "example labels",
                           &examples->list_capacity, &examples->list);
    }
    if (!tci_multiply(rows, examples->label_count, &values))
        return tci_fail(TC_ERROR_LIMIT, "example targets do not fit the address space");
    return tci_reserve(memory, values, SIZE_MAX / 8, sizeof(float), "example targets", &examples->target_capacity,
                       &examples->targets);
}

tc_status tci_examples_reserve_ids(tc_examples *examples, size_t id_count, bool with_counts)
{
    TCI_RETURN_IF(tci_reserve(&examples->memory, id_count, SIZE_MAX / 8, sizeof(uint32_t), "example ids",
                              &examples->id_capacity, &examples->ids));
    if (!with_counts)
        return TC_OK;
    return tci_reserve(&examples->memory, id_count, SIZE_MAX / 8, sizeof(uint8_t), "example counts",
                       &examples->count_capacity, &examples->counts);
}

void tci_examples_put_truth(tc_examples *examples, size_t row, size_t *list_count, const tci_truth *truth, float weight)
{
    examples->weights[row] = weight;
    if (examples->task == TCI_TASK_CLASSIFY) {
        examples->classes[row] = truth->labels[0];
    } else if (examples->task == TCI_TASK_MULTILABEL) {
        if (truth->count > 0)
            memcpy(examples->list + *list_count, truth->labels, truth->count * sizeof(uint32_t));
        *list_count += truth->count;
        examples->list_ends[row] = *list_count;
    } else {
        memcpy(examples->targets + row * truth->count, truth->targets, truth->count * sizeof(float));
    }
}

tc_status tci_examples_add(tc_examples *examples, const char *text, size_t length, const tci_truth *truth, float weight)
{
    TCI_RETURN_IF(tci_truth_check(examples, truth, weight));
    TCI_RETURN_IF(tci_pipeline_encode(examples->pipeline, text, length, &examples->encoded));
    size_t row = examples->rows, count = examples->encoded.count;
    TCI_RETURN_IF(tci_examples_reserve_rows(examples, row + 1, examples->list_count + truth->count));
    TCI_RETURN_IF(tci_examples_reserve_ids(examples, examples->id_count + count, examples->encoded.counts != NULL));
    if (count > 0)
        memcpy(examples->ids + examples->id_count, examples->encoded.ids, count * sizeof(uint32_t));
    if (count > 0 && examples->encoded.counts)
        memcpy(examples->counts + examples->id_count, examples->encoded.counts, count);
    examples->id_count += count;
    examples->ends[row] = examples->id_count;
    tci_examples_put_truth(examples, row, &examples->list_count, truth, weight);
    examples->rows++;
    return TC_OK;
}

tci_row tci_examples_row(const tc_examples *examples, size_t row)
{
    size_t begin = row == 0 ? 0 : examples->ends[row - 1];
    return (tci_row){.ids = examples->ids ? examples->ids + begin : NULL,
                     .length = examples->ends[row] - begin,
                     .counts = examples->counts ? examples->counts + begin : NULL};
}

void tci_examples_targets(const tc_examples *examples, size_t row, size_t labels, float *targets)
{
    if (examples->task == TCI_TASK_REGRESS) {
        memcpy(targets, examples->targets + row * labels, labels * sizeof *targets);
        return;
    }
    memset(targets, 0, labels * sizeof *targets);
    if (examples->task == TCI_TASK_CLASSIFY) {
        if (examples->classes[row] != TC_LABEL_UNKNOWN)
            targets[examples->classes[row]] = 1.0f;
        return;
    }
    for (size_t i = row == 0 ? 0 : examples->list_ends[row - 1]; i < examples->list_ends[row]; i++) {
        if (examples->list[i] != TC_LABEL_UNKNOWN)
            targets[examples->list[i]] = 1.0f;
    }
}

bool tci_examples_unknown(const tc_examples *examples, size_t row)
{
    if (examples->task == TCI_TASK_CLASSIFY)
        return examples->classes[row] == TC_LABEL_UNKNOWN;
    if (examples->task == TCI_TASK_REGRESS)
        return false;
    for (size_t i = row == 0 ? 0 : examples->list_ends[row - 1]; i < examples->list_ends[row]; i++) {
        if (examples->list[i] == TC_LABEL_UNKNOWN)
            return true;
    }
    return false;
}

uint64_t tci_examples_fingerprint_of(const tc_examples *examples, size_t rows, uint64_t seed)
{
    size_t ids = rows > 0 ? examples->ends[rows - 1] : 0;
    size_t listed = rows > 0 && examples->list_ends ? examples->list_ends[rows - 1] : 0;
    uint64_t hash = tci_hash(&rows, sizeof rows, seed);
    const struct {
        const void *data;
        size_t size;
    } parts[] = {
        {examples->ends, rows * sizeof *examples->ends},
        {examples->ids, ids * sizeof *examples->ids},
        {examples->counts, examples->counts ? ids : 0},
        {examples->weights, rows * sizeof *examples->weights},
        {examples->classes, examples->classes ? rows * sizeof *examples->classes : 0},
        {examples->list_ends, examples->list_ends ? rows * sizeof *examples->list_ends : 0},
        {examples->list, listed * sizeof *examples->list},
        {examples->targets, examples->targets ? rows * examples->label_count * sizeof *examples->targets : 0},
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i].size > 0)
            hash = tci_hash(parts[i].data, parts[i].size, hash);
    }
    return hash;
}

uint64_t tci_examples_fingerprint(const tc_examples *examples, uint64_t seed)
{
    return tci_examples_fingerprint_of(examples, examples->rows, seed);
}

/* The labels that the examples were made with are the model's first ones. */
static bool same_labels(const tc_examples *examples, const tc_model *model)
{
    size_t count = examples->label_count;
    if (count == model->label_count)
        return examples->label_fingerprint == model->label_fingerprint;
    if (count > model->label_count)
        return false;
    size_t bytes = (size_t)(model->labels[count] - model->label_text);
    return examples->label_fingerprint == tci_hash(model->label_text, bytes, 0);
}

static tc_status check_labels_of(const tc_examples *examples, const tc_model *model)
{
    if (examples->task == model->options.task && same_labels(examples, model))
        return TC_OK;
    if (examples->task == model->options.task && examples->label_count > model->label_count)
        return tci_fail(TC_ERROR_MISMATCH,
                        "the examples were made for a model of %zu labels; this one, the last of which "
                        "is '%.64s', has %zu",
                        examples->label_count, model->labels[model->label_count - 1], model->label_count);
    return tci_fail(TC_ERROR_MISMATCH, "the examples were made for a model of another task or of other labels");
}

tc_status tci_examples_check(const tc_examples *examples, const tc_model *model, const size_t *rows, size_t row_count)
{
    if (examples->pipeline != model->pipeline && examples->pipeline->fingerprint != model->pipeline->fingerprint)
        return tci_fail(TC_ERROR_MISMATCH,
                        "the examples were encoded with another vocabulary or other text options than "
                        "the model's; make them with tc_examples_create() of this model");
    TCI_RETURN_IF(check_labels_of(examples, model));
    for (size_t i = 0; rows && i < row_count; i++) {
        if (rows[i] >= examples->rows)
            return tci_fail(TC_ERROR_ARGUMENT, "row %zu; there are %zu examples", rows[i], examples->rows);
    }
    if (!rows && row_count > examples->rows)
        return tci_fail(TC_ERROR_ARGUMENT, "%zu rows; there are %zu examples", row_count, examples->rows);
    return TC_OK;
}
