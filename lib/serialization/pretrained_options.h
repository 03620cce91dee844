/* pretrained_options.h: what a Hugging Face folder says about its model, and what the host says instead. */
#ifndef TCI_SERIALIZATION_PRETRAINED_OPTIONS_H
#define TCI_SERIALIZATION_PRETRAINED_OPTIONS_H

#include "serialization/config_json.h"
#include "serialization/pretrained.h"
#include "serialization/pretrained_adapter.h"

#define TCI_MODULES_JSON "modules.json" /* of sentence-transformers */
#define TCI_POOLING_FOLDER "1_Pooling"

typedef struct tci_pretrained_choice {
    tci_config_json folder; /* with the pooling of modules.json, and what textclf.json and adapters say */
    tci_settings settings;
    tci_adapter adapter;
    tci_options options; /* of the model, resolved */
    const char *const *labels;
    size_t label_count;
    bool new_head;      /* the folder's output layer, if it has one, is for something else */
    size_t *label_rows; /* (label_count) which of the folder's labels each is; NULL: they are the folder's, in order */
} tci_pretrained_choice;

tc_status tci_pretrained_choose(tci_memory *memory, const char *folder, const tci_pretrained_request *request,
                                tci_pretrained_choice *choice);
void tci_pretrained_choice_free(tci_pretrained_choice *choice);

/* The pooling that modules.json names, in terms of option `pooling`; *found: there is such a file. */
tc_status tci_modules_read(tci_memory *memory, const tci_file_operations *files, const char *folder, uint64_t max_bytes,
                           bool *found, const char **pooling);

#endif
