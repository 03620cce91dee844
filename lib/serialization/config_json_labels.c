/* config_json_labels.c: id2label, {"0": "name", ...} in any order, to a list of names by number. */
#include "serialization/config_json_labels.h"

#include <string.h>

#include "base/number.h"

void tci_config_labels_init(tci_config_labels *labels, tci_memory *memory)
{
    *labels = (tci_config_labels){.memory = memory};
    tci_buffer_init(&labels->texts, memory, SIZE_MAX, "labels");
}

void tci_config_labels_free(tci_config_labels *labels)
{
    tci_buffer_free(&labels->texts);
    tci_free(labels->memory, labels->entries);
}

static tc_status add_entry(tci_config_labels *labels, tci_label_entry entry)
{
    TCI_RETURN_IF(tci_reserve(labels->memory, labels->count + 1, SIZE_MAX, sizeof *labels->entries, "labels",
                              &labels->capacity, &labels->entries));
    labels->entries[labels->count++] = entry;
    return TC_OK;
}

tc_status tci_config_labels_read(tci_config_labels *labels, tci_json_reader *json, tci_json_event event)
{
    if (event == TCI_JSON_NULL)
        return TC_OK;
    if (event != TCI_JSON_OBJECT_BEGIN)
        return tci_fail(TC_ERROR_FORMAT, "'id2label' (byte %zu) is no object", json->start);
    for (;;) {
        tci_label_entry entry = {.begin = labels->texts.size};
        TCI_RETURN_IF(tci_json_next(json, &event));
        if (event == TCI_JSON_OBJECT_END)
            return TC_OK;
        if (!tci_parse_unsigned(json->text.data, json->text.size, &entry.number))
            return tci_fail(TC_ERROR_FORMAT, "'id2label', byte %zu: the key '%.40s' is no number", json->start,
                            json->text.data);
        TCI_RETURN_IF(tci_json_expect(json, TCI_JSON_STRING, "a label of 'id2label'"));
        if (memchr(json->text.data, 0, json->text.size))
            return tci_fail(TC_ERROR_FORMAT, "'id2label', byte %zu: a label with NUL", json->start);
        TCI_RETURN_IF(tci_buffer_append(&labels->texts, json->text.data, json->text.size + 1));
        TCI_RETURN_IF(add_entry(labels, entry));
    }
}

/* In the order of their numbers, which are 0, 1, ... without a gap. */
static tc_status place(const tci_config_labels *labels, tci_config_json *config)
{
    size_t count = labels->count;
    TCI_RETURN_IF(tci_alloc_zero(labels->memory, count, sizeof *config->labels, "labels", &config->labels));
    for (size_t i = 0; i < count; i++) {
        uint64_t number = labels->entries[i].number;
        if (number >= count || config->labels[number])
            return tci_fail(TC_ERROR_FORMAT, "'id2label' has %zu labels, but their numbers are not 0 to %zu", count,
                            count - 1);
        config->labels[number] = labels->texts.data + labels->entries[i].begin;
    }
    config->label_count = count;
    return TC_OK;
}

/* What transformers calls labels that have no names. */
#define GENERIC "LABEL_"

static bool is_generic(const char *label, uint64_t number)
{
    uint64_t there = 0;
    size_t prefix = strlen(GENERIC);
    return strncmp(label, GENERIC, prefix) == 0 && tci_parse_unsigned(label + prefix, strlen(label) - prefix, &there) &&
           there == number;
}

static tc_status make_generic(tci_config_labels *labels, uint64_t count)
{
    if (count == 0 || count > TCI_CONFIG_LABELS)
        return tci_fail(TC_ERROR_FORMAT, "'num_labels' is %llu; without names 1 to %d labels are accepted",
                        (unsigned long long)count, TCI_CONFIG_LABELS);
    for (uint64_t i = 0; i < count; i++) {
        tci_label_entry entry = {i, labels->texts.size};
        TCI_RETURN_IF(tci_buffer_text(&labels->texts, GENERIC));
        TCI_RETURN_IF(tci_buffer_unsigned(&labels->texts, i));
        TCI_RETURN_IF(tci_buffer_append(&labels->texts, "", 1));
        TCI_RETURN_IF(add_entry(labels, entry));
    }
    return TC_OK;
}

tc_status tci_config_labels_finish(tci_config_labels *labels, uint64_t generic, tci_config_json *config)
{
    if (labels->count == 0)
        TCI_RETURN_IF(make_generic(labels, generic));
    TCI_RETURN_IF(place(labels, config));
    for (size_t i = 0; i < config->label_count; i++)
        config->labels_named = config->labels_named || !is_generic(config->labels[i], i);
    config->label_text = labels->texts.data;
    labels->texts.data = NULL;
    return TC_OK;
}
