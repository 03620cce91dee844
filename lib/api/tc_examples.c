/* tc_examples.c: examples.h: texts with labels or targets. */
#include "api/handles.h"
#include "model/examples.h"
#include "serialization/examples_bytes.h"

tc_status tc_examples_create(const tc_model *model, tc_examples **examples)
{
    TCI_REQUIRE(model);
    TCI_REQUIRE(examples);
    return tci_examples_create(model, examples);
}

void tc_examples_free(tc_examples *examples)
{
    tci_examples_release(examples);
}

tc_status tc_examples_add_label(tc_examples *examples, const char *text, size_t length, uint32_t label, float weight)
{
    tci_truth truth = {.labels = &label, .count = 1};
    TCI_REQUIRE(examples);
    TCI_REQUIRE_TEXT(text, length);
    return tci_examples_add(examples, text ? text : "", length, &truth, weight);
}

tc_status tc_examples_add_labels(tc_examples *examples, const char *text, size_t length, const uint32_t *labels,
                                 size_t label_count, float weight)
{
    tci_truth truth = {.labels = labels, .count = label_count};
    TCI_REQUIRE(examples);
    TCI_REQUIRE_TEXT(text, length);
    TCI_REQUIRE_TEXT(labels, label_count);
    return tci_examples_add(examples, text ? text : "", length, &truth, weight);
}

tc_status tc_examples_add_targets(tc_examples *examples, const char *text, size_t length, const float *targets,
                                  size_t target_count, float weight)
{
    tci_truth truth = {.targets = targets, .count = target_count};
    TCI_REQUIRE(examples);
    TCI_REQUIRE_TEXT(text, length);
    TCI_REQUIRE(targets);
    return tci_examples_add(examples, text ? text : "", length, &truth, weight);
}

tc_status tc_examples_add_batch(tc_examples *examples, const char *const *texts, const size_t *lengths,
                                size_t text_count, const uint32_t *labels, const size_t *label_counts,
                                const float *targets, const float *weights)
{
    const tci_labelled_texts many = {texts, lengths, text_count, labels, label_counts, targets, weights};
    size_t label_total = label_counts ? 0 : text_count;
    TCI_REQUIRE(examples);
    TCI_REQUIRE_TEXT(texts, text_count);
    TCI_REQUIRE_TEXT(lengths, text_count);
    for (size_t i = 0; i < text_count; i++) {
        if (!texts[i] && lengths[i] > 0)
            return tci_fail(TC_ERROR_ARGUMENT, "tc_examples_add_batch: text %zu is NULL with a length", i);
        if (label_counts && !tci_add(label_total, label_counts[i], &label_total))
            return tci_fail(TC_ERROR_ARGUMENT, "tc_examples_add_batch: label_counts add up beyond the address space");
    }
    if (labels && targets)
        return tci_fail(TC_ERROR_ARGUMENT, "tc_examples_add_batch: both labels and targets; a task takes one of them");
    if (!targets)
        TCI_REQUIRE_TEXT(labels, label_total);
    return text_count == 0 ? TC_OK : tci_examples_add_batch(examples, &many);
}

tc_status tc_examples_save_memory(const tc_examples *examples, size_t capacity, void *buffer, size_t *size)
{
    TCI_REQUIRE(examples);
    TCI_REQUIRE(size);
    return tci_examples_save_memory(examples, buffer ? capacity : 0, buffer, size);
}

tc_status tc_examples_load_memory(const void *bytes, size_t size, const tc_model *model, tc_examples **examples)
{
    TCI_REQUIRE(examples);
    *examples = NULL;
    TCI_REQUIRE(model);
    TCI_REQUIRE_TEXT(bytes, size);
    return tci_examples_load_memory(bytes, size, model, examples);
}

tc_status tc_examples_count(const tc_examples *examples, size_t *count)
{
    TCI_REQUIRE(examples);
    TCI_REQUIRE(count);
    *count = examples->rows;
    return TC_OK;
}

tc_status tc_examples_tokens(const tc_examples *examples, size_t row, size_t *tokens)
{
    TCI_REQUIRE(examples);
    TCI_REQUIRE(tokens);
    if (row >= examples->rows)
        return tci_fail(TC_ERROR_ARGUMENT, "row %zu; there are %zu examples", row, examples->rows);
    *tokens = tci_examples_row(examples, row).length;
    return TC_OK;
}
