/* labels.c: what a label may be. Labels come from hosts and from foreign files alike. */
#include <string.h>

#include "base/hash.h"
#include "base/map.h"
#include "model/classifier.h"
#include "text/decode.h"

tc_status tci_labels_check(tci_memory *memory, const char *const *labels, size_t count, int32_t task)
{
    tc_status status = TC_OK;
    tci_map *seen = NULL;
    if (count == 0)
        return tci_fail(TC_ERROR_ARGUMENT, "a model needs at least one label");
    if (count > UINT32_MAX / 2)
        return tci_fail(TC_ERROR_LIMIT, "%zu labels are too many", count);
    TCI_CHECK(tci_map_create(memory, &seen));
    for (size_t i = 0; i < count; i++) {
        const char *label = labels[i];
        bool inserted = false;
        uint32_t entry = 0;
        if (!label || !*label) {
            status = tci_fail(TC_ERROR_ARGUMENT, "label %zu is empty", i);
            goto done;
        }
        if (strlen(label) > TCI_LABEL_BYTES) {
            status = tci_fail(TC_ERROR_ARGUMENT, "label %zu has %zu bytes; at most %d are accepted", i, strlen(label),
                              TCI_LABEL_BYTES);
            goto done;
        }
        if (strpbrk(label, task == TCI_TASK_MULTILABEL ? "\t\r\n," : "\t\r\n")) {
            status = tci_fail(TC_ERROR_ARGUMENT, "label %zu ('%.64s') holds a tab, a line end or (multilabel) a comma",
                              i, label);
            goto done;
        }
        if (tci_utf8_prefix(label, strlen(label)) != strlen(label)) {
            status = tci_fail(TC_ERROR_ARGUMENT, "label %zu is not valid UTF-8", i);
            goto done;
        }
        TCI_CHECK(tci_map_insert(seen, label, strlen(label), &entry, &inserted));
        if (!inserted) {
            status =
                tci_fail(TC_ERROR_ARGUMENT, "label '%.64s' is there twice (as number %u and %zu)", label, entry, i);
            goto done;
        }
    }
done:
    tci_map_free(seen);
    return status;
}

tc_status tci_labels_copy(tci_memory *memory, const char *const *labels, size_t count, char **text,
                          const char ***pointers, uint64_t *fingerprint)
{
    size_t bytes = 0;
    *pointers = NULL;
    for (size_t i = 0; i < count; i++)
        bytes += strlen(labels[i]) + 1;
    TCI_RETURN_IF(tci_alloc(memory, bytes, 1, "labels", text));
    tc_status status = tci_alloc(memory, count, sizeof **pointers, "labels", pointers);
    if (status != TC_OK) {
        tci_free(memory, *text);
        *text = NULL;
        return status;
    }
    char *next = *text;
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(labels[i]) + 1;
        memcpy(next, labels[i], size);
        (*pointers)[i] = next;
        next += size;
    }
    *fingerprint = tci_hash(*text, bytes, 0);
    return TC_OK;
}

tc_status tci_model_has_thresholds(const tc_model *model)
{
    char name[TCI_CHOICE_NAME];
    if (model->options.task == TCI_TASK_MULTILABEL)
        return TC_OK;
    return tci_fail(TC_ERROR_UNSUPPORTED, "thresholds are of task multilabel; this model is of task %s",
                    tci_choice_name("task", model->options.task, name));
}

tc_status tci_model_set_thresholds(tc_model *model, const double *thresholds)
{
    double *own = NULL;
    TCI_RETURN_IF(tci_model_has_thresholds(model));
    for (size_t i = 0; thresholds && i < model->label_count; i++) {
        if (!(thresholds[i] >= 0 && thresholds[i] <= 1)) /* nor NaN */
            return tci_fail(TC_ERROR_ARGUMENT, "threshold %zu is not a number from 0 to 1", i);
    }
    if (thresholds)
        TCI_RETURN_IF(tci_alloc(&model->memory, model->label_count, sizeof *own, "thresholds", &own));
    if (thresholds)
        memcpy(own, thresholds, model->label_count * sizeof *own);
    tci_free(&model->memory, model->thresholds);
    model->thresholds = own;
    return TC_OK;
}
