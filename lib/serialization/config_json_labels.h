/* config_json_labels.h: the labels of a config.json, while it is read. */
#ifndef TCI_SERIALIZATION_CONFIG_JSON_LABELS_H
#define TCI_SERIALIZATION_CONFIG_JSON_LABELS_H

#include "base/json.h"
#include "serialization/config_json.h"

typedef struct tci_label_entry {
    uint64_t number;
    size_t begin; /* of its text */
} tci_label_entry;

typedef struct tci_config_labels {
    tci_memory *memory;
    tci_buffer texts;         /* each NUL-terminated */
    tci_label_entry *entries; /* in the order of the file */
    size_t count, capacity;
} tci_config_labels;

void tci_config_labels_init(tci_config_labels *labels, tci_memory *memory);
void tci_config_labels_free(tci_config_labels *labels);

/* The value of id2label, whose first event was read. */
tc_status tci_config_labels_read(tci_config_labels *labels, tci_json_reader *json, tci_json_event first);

/* Gives the labels, or where there were none `generic` of LABEL_0, LABEL_1, ..., to the config, with label_text,
 * label_count and labels_named. */
tc_status tci_config_labels_finish(tci_config_labels *labels, uint64_t generic, tci_config_json *config);

#endif
