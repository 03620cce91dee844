/* config_json.h: the config.json of a Hugging Face folder, of the model types bert, roberta, xlm-roberta, distilbert
 * and gpt2: to options and labels, and back.
 *
 * What such a file does not say has the default that transformers gives it. Keys that change what the network computes
 * and that it has no option for are refused by name where they ask for it; all others are passed over. */
#ifndef TCI_SERIALIZATION_CONFIG_JSON_H
#define TCI_SERIALIZATION_CONFIG_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "model/options.h"

#define TCI_CONFIG_JSON "config.json"
#define TCI_CONFIG_LABELS 65536 /* most labels of a file that says their number alone */

typedef struct tci_config_json {
    tci_memory *memory;
    tci_options options; /* those of class model that the file decides are set, and the dropouts */
    char *label_text;    /* the labels, each NUL-terminated */
    const char **labels; /* of id2label, or LABEL_0, LABEL_1, ... where the file has none */
    size_t label_count;
    bool labels_named; /* by the file, as something else than LABEL_0, LABEL_1, ... */
    bool other_head;   /* `architectures` is a class with a head that is not one of sequence classification */
} tci_config_json;

/* TC_ERROR_FORMAT, _UNSUPPORTED for another model type or a key that asks for what there is no option for, _LIMIT,
 * _MEMORY; the sentence says the key, or the byte. After a failure nothing is held. */
tc_status tci_config_json_read(tci_memory *memory, const char *json, size_t size, tci_config_json *config);
void tci_config_json_free(tci_config_json *config);

/* What else stands in a file that is written. */
typedef struct tci_config_tokens {
    bool has_pad, has_begin, has_end;
    uint64_t pad, begin, end; /* ids */
} tci_config_tokens;

/* The file of a model with these options and labels, with which transformers makes the same network;
 * TC_ERROR_UNSUPPORTED where there is none. `whole`: it has
 * the head of ...ForSequenceClassification; else `architectures` is the class without a head. */
tc_status tci_config_json_write(const tci_options *options, uint64_t rows, const char *const *labels,
                                size_t label_count, bool whole, const tci_config_tokens *tokens, tci_buffer *out);

#endif
