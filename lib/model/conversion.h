/* conversion.h: the same model with weights of another element type (option `weights`), with a part of its features
 * (option `max_features`), or with its adapters merged into its weights, or new ones (option `lora_rank`). */
#ifndef TCI_MODEL_CONVERSION_H
#define TCI_MODEL_CONVERSION_H

#include "model/classifier.h"

/* A model of its own with the text pipeline, labels and allocator of `model` and these options, which may differ from
 * the model's own in `weights`, `max_features`, class run, and `lora_rank` where one of the two is 0. Where the type
 * stays, weights keep their bits. */
tc_status tci_model_convert(const tc_model *model, const tci_options *options, tc_model **converted);

/* TC_ERROR_UNSUPPORTED for options that only a converted model has. */
tc_status tci_model_created_whole(const tci_options *options);

/* TC_ERROR_UNSUPPORTED when a model of these options cannot be trained: its weights are narrow. `what` begins the
 * sentence. */
tc_status tci_weights_trainable(const tci_options *options, const char *what);

#endif
