/* pretrained_adapter.h: a folder of adapters as the PEFT package writes and reads it, which goes with the folder of its
 * base model: adapter_config.json, adapter_model.safetensors, and of this library textclf.json.
 *
 * The path of the base that adapter_config.json names is foreign and never followed: the host names both folders. */
#ifndef TCI_SERIALIZATION_PRETRAINED_ADAPTER_H
#define TCI_SERIALIZATION_PRETRAINED_ADAPTER_H

#include "serialization/config_json.h"
#include "serialization/pretrained_settings.h"
#include "serialization/pretrained_tensors.h"

#define TCI_ADAPTER_CONFIG "adapter_config.json"
#define TCI_ADAPTER_WEIGHTS "adapter_model.safetensors"

/* What adapter_config.json says. */
typedef struct tci_adapter_config {
    bool sequence_class; /* task_type SEQ_CLS: the base is meant as ...ForSequenceClassification */
} tci_adapter_config;

/* Rank and alpha go into `options`, which are the base's. TC_ERROR_FORMAT, TC_ERROR_UNSUPPORTED for a setting that
 * changes what is computed and that there is nothing for. */
tc_status tci_adapter_config_read(tci_memory *memory, const char *json, size_t size, tci_options *options,
                                  tci_adapter_config *config);

typedef struct tci_adapter {
    const char *folder; /* NULL: there is none */
    const tci_transformer_family *family;
    tci_tensor_set set;
} tci_adapter;

void tci_adapter_free(tci_adapter *adapter);

/* Reads the folder's files; config and settings are the base's to begin with, and those of both together afterwards.
 * `given`: limits of the run. */
tc_status tci_adapter_read(tci_memory *memory, const tci_file_operations *files, const char *folder,
                           const tci_options *given, tci_config_json *config, tci_settings *settings,
                           tci_adapter *adapter);

/* Whether it has the tensor, and where; it counts as used then. */
bool tci_adapter_take(tci_adapter *adapter, const char *name, tci_tensor_view *view);

/* How the class ...ForSequenceClassification of the family pools. */
const char *tci_class_pooling(const tci_options *options);
const char *tci_class_pooler(const tci_options *options);

/* Whether the head is that of ...ForSequenceClassification. */
bool tci_is_class(const tci_options *options);

/* Writes such a folder of a model with adapters. TC_ERROR_UNSUPPORTED for one without. */
tc_status tci_adapter_save(const tc_model *model, const char *folder);

#endif
