/* tc_examples.c: examples.h: texts with labels or targets. */
#include "api/handles.h"
#include "model/examples.h"

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
