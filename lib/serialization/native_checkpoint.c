/* native_checkpoint.c: a trainer's state to and from the tensors of a model file. */
#include "serialization/native_checkpoint.h"

#include <string.h>

#include "serialization/elements.h"

#define PROGRESS "textclf.progress"
#define NAME_SIZE 128

static tc_status join_name(const char *prefix, const char *name, char joined[NAME_SIZE])
{
    size_t first = strlen(prefix), second = strlen(name);
    if (first + second + 2 > NAME_SIZE)
        return tci_fail(TC_ERROR_INTERNAL, "tensor name '%s.%s' is too long", prefix, name);
    memcpy(joined, prefix, first);
    joined[first] = '.';
    memcpy(joined + first + 1, name, second + 1);
    return TC_OK;
}

/* The trained tensors of all blocks; *end is behind the last one. */
static tc_status list_tensors(const tci_parameters *parameters, const tci_state_block *blocks, size_t block_count,
                              tci_tensor_source *sources, char (*names)[NAME_SIZE], tci_tensor_source **end)
{
    for (size_t b = 0; b < block_count; b++) {
        for (size_t i = 0; i < parameters->tensor_count; i++) {
            const tci_tensor_info *tensor = &parameters->tensors[i];
            if (tensor->frozen)
                continue;
            TCI_RETURN_IF(join_name(blocks[b].prefix, tensor->name, *names));
            *sources++ = (tci_tensor_source){.name = *names++,
                                             .dtype = TCI_DTYPE_F32,
                                             .rank = tensor->rank,
                                             .shape = {tensor->shape[0], tensor->shape[1]},
                                             .data = blocks[b].values + tci_trained_offset(tensor)};
        }
    }
    *end = sources;
    return TC_OK;
}

tc_status tci_checkpoint_save(const tc_model *model, const tci_state *state, const char *path)
{
    tc_status status = TC_OK;
    tci_memory memory;
    tci_tensor_source *sources = NULL, *next = NULL;
    char(*names)[NAME_SIZE] = NULL;
    size_t count = state->block_count * model->network->parameters.tensor_count + state->array_count + 1;
    tci_model_settle(model); /* names and order of the parameters are those of the blocks */
    tci_memory_init(&memory, &model->memory.host, 0);
    TCI_CHECK(tci_alloc(&memory, count, sizeof *sources, "checkpoint", &sources));
    TCI_CHECK(tci_alloc(&memory, count, sizeof *names, "checkpoint", &names));
    TCI_CHECK(list_tensors(&model->network->parameters, state->blocks, state->block_count, sources, names, &next));
    for (size_t i = 0; i < state->array_count; i++) {
        const tci_state_array *array = &state->arrays[i];
        *next++ = (tci_tensor_source){.name = array->name,
                                      .dtype = array->dtype,
                                      .rank = array->rank,
                                      .shape = {array->shape[0], array->shape[1]},
                                      .data = array->values};
    }
    *next = (tci_tensor_source){
        .name = PROGRESS, .dtype = TCI_DTYPE_U64, .rank = 1, .shape = {state->word_count}, .data = state->words};
    tci_native_extra extra = {.tensors = sources, .tensor_count = (size_t)(next - sources) + 1};
    TCI_CHECK(tci_native_save(model, &extra, path));
done:
    tci_free(&memory, sources);
    tci_free(&memory, names);
    return status;
}

tc_status tci_checkpoint_array(const tci_native_contents *contents, const tci_state_array *array)
{
    tci_tensor_view view;
    char there[TCI_SHOWN_SHAPE], here[TCI_SHOWN_SHAPE];
    if (!tci_safetensors_find(&contents->tensors, array->name, &view))
        return tci_fail(TC_ERROR_FORMAT, "the checkpoint lacks tensor '%s'", array->name);
    if (view.dtype != array->dtype || view.rank != array->rank ||
        memcmp(view.shape, array->shape, array->rank * sizeof *view.shape) != 0)
        return tci_fail(TC_ERROR_FORMAT, "tensor '%s' is of type %s and shape %s; here it is %s and %s", array->name,
                        tci_dtype_name(view.dtype), tci_show_shape(view.rank, view.shape, there),
                        tci_dtype_name(array->dtype), tci_show_shape(array->rank, array->shape, here));
    if (view.size > 0)
        memcpy(array->values, view.data, view.size);
    return TC_OK;
}

tc_status tci_checkpoint_words(const tci_native_contents *contents, uint64_t *words, size_t word_count)
{
    tci_tensor_view view;
    if (!tci_safetensors_find(&contents->tensors, PROGRESS, &view))
        return tci_fail(TC_ERROR_FORMAT, "this is a model without a training's state, not a checkpoint");
    if (view.dtype != TCI_DTYPE_U64 || view.size != word_count * sizeof *words)
        return tci_fail(TC_ERROR_FORMAT, "tensor '%s' is not of %zu U64 words", PROGRESS, word_count);
    memcpy(words, view.data, view.size);
    return TC_OK;
}

bool tci_checkpoint_has(const tci_native_contents *contents, const tci_parameters *parameters, const char *prefix)
{
    bool found = false;
    for (size_t i = 0; i < parameters->tensor_count && !found; i++) {
        char name[NAME_SIZE];
        tci_tensor_view view;
        found = join_name(prefix, parameters->tensors[i].name, name) == TC_OK &&
                tci_safetensors_find(&contents->tensors, name, &view);
    }
    return found;
}

static bool same_shape(const tci_tensor_view *view, const tci_tensor_info *tensor)
{
    return view->dtype == TCI_DTYPE_F32 && view->rank == tensor->rank && view->shape[0] == tensor->shape[0] &&
           (view->rank < 2 || view->shape[1] == tensor->shape[1]);
}

tc_status tci_checkpoint_block(const tci_native_contents *contents, const tci_parameters *parameters,
                               const tci_state_block *block)
{
    for (size_t i = 0; i < parameters->tensor_count; i++) {
        const tci_tensor_info *tensor = &parameters->tensors[i];
        float *values = block->values + tci_trained_offset(tensor);
        char name[NAME_SIZE];
        tci_tensor_view view;
        if (tensor->frozen)
            continue;
        TCI_RETURN_IF(join_name(block->prefix, tensor->name, name));
        if (!tci_safetensors_find(&contents->tensors, name, &view))
            return tci_fail(TC_ERROR_FORMAT, "the checkpoint lacks tensor '%s'", name);
        if (!same_shape(&view, tensor))
            return tci_fail(TC_ERROR_FORMAT, "tensor '%s' is not of its parameter's shape and F32", name);
        if (tci_elements_check(view.dtype, view.data, tensor->count, false) != tensor->count)
            return tci_fail(TC_ERROR_NUMERIC, "tensor '%s' holds a value that is not finite", name);
        memcpy(values, view.data, view.size);
        for (size_t k = 0; block->square && k < tensor->count; k++) {
            if (values[k] < 0)
                return tci_fail(TC_ERROR_FORMAT, "tensor '%s' holds a negative value", name);
        }
    }
    return TC_OK;
}
