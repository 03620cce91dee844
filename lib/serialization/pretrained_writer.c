/* pretrained_writer.c: see pretrained_writer.h. */
#include "serialization/pretrained_writer.h"

#include "serialization/elements.h"
#include "serialization/pretrained_adapter.h"
#include "serialization/safetensors.h"

#define TEXT_MAX ((size_t)1 << 30)

tc_status tci_folder_writer_begin(tci_folder_writer *writer, const tc_model *model, const char *folder,
                                  const char *other)
{
    bool has = false;
    *writer = (tci_folder_writer){.model = model, .folder = folder, .whole = tci_is_class(&model->options)};
    tci_memory_init(&writer->memory, &model->memory.host, model->memory.limit);
    tci_buffer_init(&writer->text, &writer->memory, TEXT_MAX, "a file of the folder");
    TCI_RETURN_IF(tci_folder_create(model->files, folder));
    TCI_RETURN_IF(tci_folder_has(&writer->memory, model->files, folder, other, &has));
    if (has)
        return tci_fail(TC_ERROR_UNSUPPORTED,
                        "'%s' has %s: a model and adapters alone do not share a folder; name another", folder, other);
    return TC_OK;
}

tc_status tci_folder_writer_end(tci_folder_writer *writer, tc_status status)
{
    const tci_file_operations *files = writer->model->files;
    for (size_t i = 0; i < writer->file_count; i++) {
        if (status == TC_OK)
            status = tci_file_place(files, &writer->memory, &writer->files[i]);
        else
            tci_file_discard(files, &writer->memory, &writer->files[i]);
    }
    for (size_t i = 0; i < writer->removed_count; i++) {
        if (status == TC_OK)
            status = tci_file_remove(files, writer->removed[i]);
        tci_free(&writer->memory, writer->removed[i]);
    }
    tci_buffer_free(&writer->text);
    return status;
}

tc_status tci_folder_write(tci_folder_writer *writer, const char *name, const tci_file_piece *pieces, size_t count)
{
    char *path = NULL;
    TCI_RETURN_IF(tci_path_join(&writer->memory, writer->folder, name, &path));
    tc_status status = tci_file_prepare(writer->model->files, &writer->memory, path, pieces, count,
                                        &writer->files[writer->file_count]);
    tci_free(&writer->memory, path);
    writer->file_count += status == TC_OK;
    return status;
}

tc_status tci_folder_remove(tci_folder_writer *writer, const char *name)
{
    TCI_RETURN_IF(tci_path_join(&writer->memory, writer->folder, name, &writer->removed[writer->removed_count]));
    writer->removed_count++;
    return TC_OK;
}

tc_status tci_folder_write_text(tci_folder_writer *writer, const char *name)
{
    return tci_folder_write(writer, name, &(tci_file_piece){writer->text.data, writer->text.size}, 1);
}

typedef char tensor_name[TCI_TENSOR_NAME + 32];

static tc_status gather(const tci_folder_writer *writer, tci_tensor_namer name, tci_tensor_source *sources,
                        tensor_name *names, size_t *count)
{
    const tci_parameters *parameters = &writer->model->network->parameters;
    for (size_t i = 0; i < parameters->tensor_count; i++) {
        const tci_tensor_info *tensor = &parameters->tensors[i];
        const float *values = tci_parameters_read(parameters, i);
        if (!name(writer, tensor, names[*count]))
            continue;
        sources[*count] = (tci_tensor_source){.name = names[*count],
                                              .dtype = TCI_DTYPE_F32,
                                              .rank = tensor->rank,
                                              .shape = {tensor->shape[0], tensor->shape[1]},
                                              .data = values};
        if (tci_elements_check(TCI_DTYPE_F32, (const uint8_t *)values, tensor->count, false) != tensor->count)
            return tci_fail(TC_ERROR_NUMERIC, "tensor '%s' holds a value that is not finite; the model cannot be saved",
                            tensor->name);
        ++*count;
    }
    return TC_OK;
}

/* "format" is what transformers looks for. */
tc_status tci_folder_write_weights(tci_folder_writer *writer, const char *file, tci_tensor_namer name)
{
    static const tci_metadata_pair pair = {"format", "pt"};
    size_t count = 0, most = writer->model->network->parameters.tensor_count;
    tci_tensor_source *sources = NULL;
    tensor_name *names = NULL;
    tci_file_piece *pieces = NULL;
    tc_status status = TC_OK;
    writer->text.size = 0;
    TCI_CHECK(tci_alloc(&writer->memory, most, sizeof *sources, "tensor list", &sources));
    TCI_CHECK(tci_alloc(&writer->memory, most, sizeof *names, "tensor list", &names));
    TCI_CHECK(tci_alloc(&writer->memory, most + 1, sizeof *pieces, "file pieces", &pieces));
    TCI_CHECK(gather(writer, name, sources, names, &count));
    TCI_CHECK(tci_safetensors_layout(&writer->memory, &pair, 1, sources, count, &writer->text));
    pieces[0] = (tci_file_piece){writer->text.data, writer->text.size};
    for (size_t i = 0; i < count; i++)
        pieces[i + 1] = (tci_file_piece){sources[i].data, sources[i].size};
    TCI_CHECK(tci_folder_write(writer, file, pieces, count + 1));
done:
    tci_free(&writer->memory, sources);
    tci_free(&writer->memory, names);
    tci_free(&writer->memory, pieces);
    return status;
}
