/* conversion.c: see conversion.h. Which tensors are narrow is the architecture's business, how they are narrowed
 * tensor/narrow's. */
#include "model/conversion.h"

#include <string.h>

#include "base/cpu.h"
#include "tensor/narrow.h"

tc_status tci_model_convert(const tc_model *model, const tci_options *options, tc_model **converted)
{
    TCI_RETURN_IF(tci_model_build(&model->memory.host, model->files, options, tci_pipeline_keep(model->pipeline),
                                  tci_model_features(model), model->labels, model->label_count, converted));
    tci_float_environment environment = tci_float_enter();
    tc_status status = tci_parameters_convert(&model->network->parameters, &(*converted)->network->parameters);
    tci_float_leave(environment);
    if (status != TC_OK) {
        tci_model_release(*converted);
        *converted = NULL;
        return status;
    }
    memcpy((*converted)->unicode_version, model->unicode_version, sizeof model->unicode_version);
    tci_model_refresh(*converted);
    return TC_OK;
}

tc_status tci_weights_trainable(const tci_options *options, const char *what)
{
    char name[TCI_CHOICE_NAME];
    if (options->weights == TCI_WEIGHTS_F32)
        return TC_OK;
    return tci_fail(TC_ERROR_UNSUPPORTED,
                    "%s with %s weights: only f32 weights are trained; train with weights f32, then convert the model"
                    " with tc_model_convert() (`textclf convert`)",
                    what, tci_choice_name("weights", options->weights, name));
}
