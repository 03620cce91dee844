/* conversion.c: see conversion.h. Which tensors are narrow is the architecture's business, how they are narrowed
 * tensor/narrow's, which features matter most model/ngram_choose's. */
#include "model/conversion.h"

#include <string.h>

#include "base/cpu.h"
#include "model/bag_network.h"
#include "model/ngram_network.h"
#include "model/transformer_network.h"
#include "tensor/narrow.h"

/* The features that are kept of a model: rows of its weights, and the set of them. */
typedef struct chosen {
    tci_memory memory;
    uint32_t *rows; /* NULL: all */
    tci_index_set set;
} chosen;

static tc_status choose_features(const tc_model *model, uint64_t most, chosen *kept)
{
    const tci_ngram_network *network = tci_ngram_of(model->network);
    if (!network || most == 0 || network->set.count <= most)
        return TC_OK;
    TCI_RETURN_IF(tci_index_set_init(&kept->set, &kept->memory, network->set.bound));
    TCI_RETURN_IF(tci_alloc(&kept->memory, (size_t)most, sizeof *kept->rows, "rows that are kept", &kept->rows));
    tci_float_environment environment = tci_float_enter();
    tc_status status = tci_ngram_choose(network, (size_t)most, kept->rows, &kept->set);
    tci_float_leave(environment);
    return status;
}

/* So that features are chosen alike from the copy. */
static tc_status copy_texts(const tc_model *model, const uint32_t *rows, tc_model *copy)
{
    const tci_ngram_network *from = tci_ngram_of(model->network);
    tci_ngram_network *to = tci_ngram_of(copy->network);
    float *texts = NULL;
    if (!from || !from->texts)
        return TC_OK;
    TCI_RETURN_IF(tci_alloc(&copy->memory, to->set.count, sizeof *texts, "texts of features", &texts));
    for (size_t r = 0; r < to->set.count; r++)
        texts[r] = from->texts[rows ? rows[r] : r];
    tci_ngram_note_texts(to, texts);
    return TC_OK;
}

static tc_status fill(const tc_model *model, const uint32_t *rows, tc_model *copy)
{
    tc_status status = TC_OK;
    tci_float_environment environment = tci_float_enter();
    if (model->options.weights == TCI_WEIGHTS_PQ && copy->options.weights != TCI_WEIGHTS_PQ)
        tci_bag_widen((const tci_bag_network *)model->network, (tci_bag_network *)copy->network);
    else if (model->options.lora_rank != copy->options.lora_rank)
        status = tci_transformer_readapt(model->network, copy->network, copy->options.seed);
    else
        status = tci_parameters_convert(&model->network->parameters, &copy->network->parameters, rows);
    tci_float_leave(environment);
    if (status == TC_OK)
        status = copy_texts(model, rows, copy);
    if (status == TC_OK && model->thresholds)
        status = tci_model_set_thresholds(copy, model->thresholds);
    if (status == TC_OK)
        status = tci_model_note_base(copy, model->base);
    copy->untrained_head = model->untrained_head;
    memcpy(copy->unicode_version, model->unicode_version, sizeof model->unicode_version);
    return status;
}

tc_status tci_model_convert(const tc_model *model, const tci_options *options, tc_model **converted)
{
    tc_status status = TC_OK;
    tc_model *copy = NULL;
    chosen kept = {.rows = NULL};
    *converted = NULL;
    if (options->weights == TCI_WEIGHTS_PQ && model->options.weights != TCI_WEIGHTS_PQ)
        return tci_fail(TC_ERROR_UNSUPPORTED, "option 'weights': pq weights come from fastText's files alone");
    tci_model_settle(model);
    tci_memory_init(&kept.memory, &model->memory.host, (size_t)options->max_memory);
    TCI_CHECK(choose_features(model, options->max_features, &kept));
    TCI_CHECK(tci_model_build(&model->memory.host, model->files, options, tci_pipeline_keep(model->pipeline),
                              kept.rows ? &kept.set : tci_model_features(model), model->labels, model->label_count,
                              &copy));
    TCI_CHECK(fill(model, kept.rows, copy));
    tci_model_refresh(copy);
    *converted = copy;
    copy = NULL;
done:
    tci_model_release(copy);
    tci_free(&kept.memory, kept.rows);
    tci_index_set_free(&kept.set);
    return status;
}

tc_status tci_model_created_whole(const tci_options *options)
{
    TCI_RETURN_IF(tci_weights_trainable(options, "a new model"));
    if (options->max_features > 0)
        return tci_fail(TC_ERROR_UNSUPPORTED, "option 'max_features': features are dropped from a trained model; train "
                                              "with all, then convert the model with tc_model_convert() (`textclf "
                                              "convert`)");
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
