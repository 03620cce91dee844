/* pretrained_settings.h: textclf.json, which stands beside the files of other people's formats and holds what they have
 * no place for: what becomes of long texts, thresholds, and with adapters labels, task and pooling, too. Other
 * programs pass it over; a folder without it has the defaults. */
#ifndef TCI_SERIALIZATION_PRETRAINED_SETTINGS_H
#define TCI_SERIALIZATION_PRETRAINED_SETTINGS_H

#include "base/bytes.h"
#include "model/classifier.h"

#define TCI_SETTINGS_JSON "textclf.json"

typedef struct tci_settings {
    tci_memory *memory;
    tci_buffer label_text; /* each NUL-terminated */
    size_t label_count;    /* 0: none are named */
    double *thresholds;    /* (threshold_count) or NULL */
    size_t threshold_count, threshold_capacity;
    bool untrained_head;
} tci_settings;

void tci_settings_init(tci_settings *settings, tci_memory *memory);
void tci_settings_free(tci_settings *settings);

/* From the folder's file, if it has one; options go into `options` and count as set. `adapter`: it is one of adapters.
 * TC_ERROR_FORMAT, _VERSION, and those of reading; the sentence says the key or the byte. */
tc_status tci_settings_read(const tci_file_operations *files, const char *folder, uint64_t max_bytes, bool adapter,
                            tci_options *options, tci_settings *settings);

/* The file's text of a model; nothing where there is nothing to say. */
tc_status tci_settings_write(const tc_model *model, bool adapter, tci_buffer *out);

#endif
