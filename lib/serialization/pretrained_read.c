/* pretrained_read.c: a model from a Hugging Face folder.
 *
 * Order: config.json, which says what there has to be; the headers of the weights' files, compared with it before
 * anything of their size is allocated; the tokenizer; then the network, whose parameters point into the files where a
 * tensor is F32 and aligned, and otherwise into one block of converted values. */
#include <string.h>

#include "base/cpu.h"
#include "base/random.h"
#include "model/transformer_lora.h"
#include "serialization/elements.h"
#include "serialization/pretrained_options.h"
#include "serialization/pretrained_tensors.h"
#include "serialization/tokenizer_json.h"
#include "serialization/tokenizer_merges.h"
#include "serialization/tokenizer_vocab.h"

#define BLOCK_ALIGNMENT 16 /* floats */

typedef struct folder_reader {
    tci_memory memory;
    const char *folder;
    const tci_pretrained_request *request;
    tci_pretrained_choice choice;
    const tci_transformer_family *family;
    tci_tensor_set set;
    tci_parameters declared;
    tci_transformer_tensors numbers;
    tci_tensor_view *views; /* (declared.tensor_count) where each comes from; data NULL: it is made */
    bool untrained;         /* the output layer is made */
} folder_reader;

/* Where the head's tensors are among the declared ones; SIZE_MAX: there is none. */
static bool is_part(const folder_reader *reader, tci_transformer_role role, size_t index)
{
    size_t first = reader->numbers.first[role];
    bool bias = tci_transformer_has_bias(&reader->choice.options, role);
    return first != SIZE_MAX && (index == first || (bias && index == first + 1));
}

/* A head of the adapters' folder, weight and bias, stands in place of the folder's. */
static bool is_of_adapter(folder_reader *reader, tci_transformer_role role, size_t index)
{
    tci_tensor_view weight;
    return is_part(reader, role, index) &&
           tci_adapter_take(&reader->choice.adapter, reader->declared.tensors[reader->numbers.first[role]].name,
                            &weight);
}

/* A matrix of an adapter: from the adapters' folder; else it is made. */
static tc_status find_matrix(folder_reader *reader, size_t index)
{
    const tci_tensor_info *wanted = &reader->declared.tensors[index];
    if (!reader->choice.adapter.folder)
        return TC_OK;
    if (!tci_adapter_take(&reader->choice.adapter, wanted->name, &reader->views[index]))
        return tci_fail(TC_ERROR_FORMAT, "the tensor '" TCI_ADAPTER_PREFIX "%s' is missing", wanted->name);
    return tci_tensor_fits(&reader->views[index], wanted);
}

/* The shape that the file has for a tensor: rows of labels are those of the folder's labels. */
static tc_status find_tensor(folder_reader *reader, size_t index)
{
    const tci_tensor_info *wanted = &reader->declared.tensors[index];
    tci_tensor_view *view = &reader->views[index];
    bool output = is_part(reader, TCI_ROLE_OUTPUT, index), pooler = is_part(reader, TCI_ROLE_POOLER, index);
    *view = (tci_tensor_view){.data = NULL};
    if (output && reader->choice.new_head)
        return TC_OK;
    if (wanted->adapter)
        return find_matrix(reader, index);
    if (is_of_adapter(reader, TCI_ROLE_OUTPUT, index) || is_of_adapter(reader, TCI_ROLE_POOLER, index)) {
        if (tci_adapter_take(&reader->choice.adapter, wanted->name, view))
            TCI_RETURN_IF(tci_tensor_fits(view, wanted));
        return TC_OK;
    }
    if (tci_tensor_set_take(&reader->set, reader->family, wanted->name, view))
        return tci_tensor_fits(view, wanted);
    if (output || pooler)
        return TC_OK;
    return tci_fail(TC_ERROR_FORMAT, "the tensor '%s' is missing, with and without '%s.' before it", wanted->name,
                    reader->family->prefix);
}

/* Of a weight and its bias both are there, or none. */
static tc_status check_pair(const folder_reader *reader, tci_transformer_role role)
{
    size_t first = reader->numbers.first[role];
    if (first == SIZE_MAX || !tci_transformer_has_bias(&reader->choice.options, role) ||
        (reader->views[first].data != NULL) == (reader->views[first + 1].data != NULL))
        return TC_OK;
    size_t missing = reader->views[first].data ? first + 1 : first;
    return tci_fail(TC_ERROR_FORMAT, "the tensor '%s' is missing", reader->declared.tensors[missing].name);
}

static tc_status find_tensors(folder_reader *reader)
{
    const tci_options *options = &reader->choice.options;
    TCI_RETURN_IF(tci_transformer_declare(&reader->declared, options, (size_t)options->vocab_size,
                                          reader->choice.label_count, &reader->numbers));
    TCI_RETURN_IF(tci_alloc_zero(&reader->memory, reader->declared.tensor_count, sizeof *reader->views,
                                 "list of tensors", &reader->views));
    for (size_t i = 0; i < reader->declared.tensor_count; i++)
        TCI_RETURN_IF(find_tensor(reader, i));
    TCI_RETURN_IF(check_pair(reader, TCI_ROLE_POOLER));
    TCI_RETURN_IF(check_pair(reader, TCI_ROLE_OUTPUT));
    bool made = !reader->views[reader->numbers.first[TCI_ROLE_OUTPUT]].data;
    reader->untrained = made || reader->choice.settings.untrained_head;
    TCI_RETURN_IF(tci_tensor_set_others(&reader->set, reader->family));
    return reader->choice.adapter.folder ? tci_tensor_set_others(&reader->choice.adapter.set, reader->family) : TC_OK;
}

/* ---- the tokenizer ---- */

/* A file of the folder; NULL where there is none. */
static tc_status read_optional(folder_reader *reader, const char *name, uint8_t **bytes, size_t *size)
{
    bool has = false;
    *bytes = NULL;
    *size = 0;
    TCI_RETURN_IF(tci_folder_has(&reader->memory, reader->request->files, reader->folder, name, &has));
    return has ? tci_folder_read(reader->request->files, &reader->memory, reader->folder, name,
                                 reader->choice.options.max_file_bytes, bytes, size)
               : TC_OK;
}

/* What there is instead of a tokenizer that can be read. */
static tc_status no_tokenizer(folder_reader *reader)
{
    static const char *const sentencepiece[] = {"sentencepiece.bpe.model", "spiece.model", "tokenizer.model"};
    for (size_t i = 0; i < sizeof sentencepiece / sizeof *sentencepiece; i++) {
        bool has = false;
        TCI_RETURN_IF(tci_folder_has(&reader->memory, reader->request->files, reader->folder, sentencepiece[i], &has));
        if (has)
            return tci_fail(TC_ERROR_UNSUPPORTED,
                            "the tokenizer is in %s, which is not read; AutoTokenizer.from_pretrained(folder)"
                            ".save_pretrained(folder) of transformers writes it as " TCI_TOKENIZER_JSON,
                            sentencepiece[i]);
    }
    return tci_fail(TC_ERROR_IO, "there is neither " TCI_TOKENIZER_JSON " nor " TCI_VOCAB_TXT " nor " TCI_VOCAB_JSON
                                 " with " TCI_MERGES_TXT);
}

/* The tokenizer.json that says what vocab.txt, or vocab.json and merges.txt, and the configs beside them say. */
static tc_status read_vocab(folder_reader *reader, tci_subword **subword)
{
    static const char *const names[] = {TCI_VOCAB_TXT,        TCI_VOCAB_JSON,         TCI_MERGES_TXT,
                                        TCI_TOKENIZER_CONFIG, TCI_SPECIAL_TOKENS_MAP, TCI_ADDED_TOKENS};
    enum { WORDS, IDS, MERGES, CONFIGS, FILES = CONFIGS + TCI_CONFIG_FILES };
    tc_status status = TC_OK;
    uint8_t *bytes[FILES] = {NULL};
    size_t sizes[FILES] = {0}, most = (size_t)reader->choice.options.max_vocab;
    tci_buffer json;
    tci_buffer_init(&json, &reader->memory, SIZE_MAX, TCI_TOKENIZER_JSON);
    for (size_t i = 0; i < FILES; i++)
        TCI_CHECK(read_optional(reader, names[i], &bytes[i], &sizes[i]));
    tci_merges_files files = {(const char *)bytes[IDS], (const char *)bytes[MERGES], sizes[IDS], sizes[MERGES],
                              .is_roberta = reader->choice.options.family != TCI_FAMILY_GPT2};
    for (size_t i = 0; i < TCI_CONFIG_FILES; i++) {
        files.config.of[i].bytes = (const char *)bytes[CONFIGS + i];
        files.config.of[i].size = sizes[CONFIGS + i];
    }
    if (bytes[WORDS])
        TCI_CHECK(tci_tokenizer_from_vocab(&reader->memory, (const char *)bytes[WORDS], sizes[WORDS], &files.config,
                                           most, &json));
    else if (bytes[IDS] && bytes[MERGES])
        TCI_CHECK(tci_tokenizer_from_merges(&reader->memory, &files, most, &json));
    else
        TCI_CHECK(no_tokenizer(reader));
    TCI_CHECK(tci_tokenizer_json_read(&reader->memory, json.data, json.size, most, subword));
done:
    tci_buffer_free(&json);
    for (size_t i = 0; i < FILES; i++)
        tci_free(&reader->memory, bytes[i]);
    return status;
}

static tc_status read_subword(folder_reader *reader, tci_subword **subword)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    TCI_RETURN_IF(read_optional(reader, TCI_TOKENIZER_JSON, &bytes, &size));
    if (!bytes)
        return read_vocab(reader, subword);
    tc_status status = tci_tokenizer_json_read(&reader->memory, (const char *)bytes, size,
                                               (size_t)reader->choice.options.max_vocab, subword);
    tci_free(&reader->memory, bytes);
    return status;
}

static tc_status read_tokenizer(folder_reader *reader, tci_pipeline **pipeline)
{
    const tci_pretrained_request *request = reader->request;
    const tci_options *options = &reader->choice.options;
    tci_text_options text = tci_model_text_options(options);
    tci_subword *subword = NULL;
    tc_status status = TC_OK;
    TCI_RETURN_IF(read_subword(reader, &subword));
    if (tci_subword_rows(subword) > options->vocab_size) {
        status = tci_fail(TC_ERROR_MISMATCH,
                          "the tokenizer has ids up to %zu, the word table of " TCI_CONFIG_JSON " has %llu rows",
                          tci_subword_rows(subword) - 1, (unsigned long long)options->vocab_size);
        tci_subword_free(subword);
        return status;
    }
    return tci_pipeline_create_subword(request->host, reader->memory.limit, &text, subword, pipeline);
}

/* ---- the weights ---- */

/* The rows of the output layer in the order of the labels that were given; NULL: as in the file. */
static const size_t *rows_of(const folder_reader *reader, size_t index)
{
    return is_part(reader, TCI_ROLE_OUTPUT, index) ? reader->choice.label_rows : NULL;
}

/* Beside adapters the head is trained, too: of a mapped model it is a copy. */
static bool is_in_place(const folder_reader *reader, size_t index)
{
    const tci_tensor_view *view = &reader->views[index];
    const tci_tensor_info *tensor = &reader->declared.tensors[index];
    bool trained = reader->choice.options.lora_rank > 0 && (tensor->level == 0 || tensor->adapter);
    bool lost = reader->request->mapped || reader->choice.adapter.folder; /* whose file is not kept */
    return view->data && view->dtype == TCI_DTYPE_F32 && (uintptr_t)view->data % sizeof(float) == 0 &&
           !rows_of(reader, index) && !(trained && lost);
}

static tc_status converted_size(const folder_reader *reader, size_t *floats)
{
    *floats = 0;
    for (size_t i = 0; i < reader->declared.tensor_count; i++) {
        size_t count = reader->declared.tensors[i].count;
        if (!is_in_place(reader, i) && (!tci_add(count, BLOCK_ALIGNMENT - 1, &count) ||
                                        !tci_add(*floats, count / BLOCK_ALIGNMENT * BLOCK_ALIGNMENT, floats)))
            return tci_fail(TC_ERROR_LIMIT, "the weights do not fit the address space");
    }
    return TC_OK;
}

/* As the whole model would begin: weights N(0, 0.02), biases 0, adapters as they are drawn anywhere. */
static void draw(const folder_reader *reader, size_t index, float *values)
{
    const tci_tensor_info *tensor = &reader->declared.tensors[index];
    uint64_t seed = reader->choice.options.seed;
    tci_random random;
    if (tensor->adapter) {
        tci_lora_draw(tensor, (index - reader->numbers.first_adapter) % 2 == 0, seed, index, values);
        return;
    }
    tci_random_init(&random, seed, TCI_RANDOM_INITIALIZE, index);
    for (size_t k = 0; k < tensor->count; k++)
        values[k] = tensor->rank == 2 ? 0.02f * tci_random_normal(&random) : 0.0f;
}

static void convert(const folder_reader *reader, size_t index, float *values)
{
    const tci_tensor_info *tensor = &reader->declared.tensors[index];
    const tci_tensor_view *view = &reader->views[index];
    const size_t *rows = rows_of(reader, index);
    size_t bytes = tci_dtype_bits(view->dtype) / 8, columns = tensor->rank == 2 ? tensor->shape[1] : 1;
    if (!view->data)
        draw(reader, index, values);
    else if (!rows)
        tci_elements_to_float(view->dtype, view->data, tensor->count, values);
    for (size_t r = 0; view->data && rows && r < tensor->shape[0]; r++)
        tci_elements_to_float(view->dtype, view->data + rows[r] * columns * bytes, columns, values + r * columns);
}

/* The files whose bytes the parameters point into are the model's from here on. */
static tc_status give_files(folder_reader *reader, tc_model *model)
{
    for (size_t s = 0; s < reader->set.shard_count; s++) {
        tci_shard *shard = &reader->set.shards[s];
        const uint8_t *bytes = shard->map ? shard->map : shard->block;
        bool needed = false;
        for (size_t i = 0; i < reader->declared.tensor_count; i++)
            needed = needed || (is_in_place(reader, i) && reader->views[i].data >= bytes &&
                                reader->views[i].data < bytes + shard->size);
        if (!needed)
            continue;
        TCI_RETURN_IF(tci_model_keep_file(model, (tci_model_file){shard->block, shard->map, shard->size}));
        shard->kept = true;
        if (shard->block)
            tci_move_block(&model->memory, reader->set.memory, shard->block);
        model->network->shared = model->network->shared || shard->map;
    }
    return TC_OK;
}

static tc_status place_parameters(folder_reader *reader, tc_model *model)
{
    tci_parameters *parameters = &model->network->parameters;
    size_t floats = 0, at = 0;
    float *block = NULL;
    TCI_RETURN_IF(converted_size(reader, &floats));
    if (floats > 0) {
        TCI_RETURN_IF(tci_alloc(&model->memory, floats, sizeof *block, "converted weights", &block));
        tc_status status = tci_model_keep_file(model, (tci_model_file){.block = (uint8_t *)block});
        if (status != TC_OK) {
            tci_free(&model->memory, block);
            return status;
        }
    }
    for (size_t i = 0; i < parameters->tensor_count; i++) {
        parameters->tensors[i].mapped = reader->views[i].data;
        if (is_in_place(reader, i))
            continue;
        convert(reader, i, block + at);
        parameters->tensors[i].mapped = block + at;
        at += (parameters->tensors[i].count + BLOCK_ALIGNMENT - 1) / BLOCK_ALIGNMENT * BLOCK_ALIGNMENT;
    }
    return give_files(reader, model);
}

/* The thresholds of the folder's labels, where the model has these labels and a use for them. */
static tc_status take_thresholds(const tci_pretrained_choice *choice, tc_model *model)
{
    const double *from = choice->settings.thresholds;
    double *thresholds = NULL;
    if (!from || choice->new_head || model->options.task != TCI_TASK_MULTILABEL)
        return TC_OK;
    TCI_RETURN_IF(tci_alloc(&model->memory, model->label_count, sizeof *thresholds, "thresholds", &thresholds));
    for (size_t i = 0; i < model->label_count; i++)
        thresholds[i] = from[choice->label_rows ? choice->label_rows[i] : i];
    tc_status status = tci_model_set_thresholds(model, thresholds);
    tci_free(&model->memory, thresholds);
    return status;
}

static tc_status make_model(folder_reader *reader, tc_model **model)
{
    const tci_pretrained_request *request = reader->request;
    tci_pretrained_choice *choice = &reader->choice;
    tci_pipeline *pipeline = NULL;
    TCI_RETURN_IF(read_tokenizer(reader, &pipeline));
    TCI_RETURN_IF(tci_model_declare(request->host, request->files, &choice->options, pipeline, NULL, choice->labels,
                                    choice->label_count, model));
    tci_float_environment environment = tci_float_enter();
    tc_status status = place_parameters(reader, *model);
    tci_float_leave(environment);
    if (status == TC_OK)
        status = take_thresholds(choice, *model);
    if (status == TC_OK)
        status = tci_model_note_base(*model, reader->folder);
    if (status != TC_OK) {
        tci_model_release(*model);
        *model = NULL;
        return status;
    }
    (*model)->untrained_head = reader->untrained;
    tci_model_refresh(*model);
    (*model)->format = TCI_PRETRAINED_FORMAT;
    return TC_OK;
}

static tc_status read_folder(folder_reader *reader, tc_model **model)
{
    const tci_options *given = reader->request->given;
    TCI_RETURN_IF(tci_pretrained_choose(&reader->memory, reader->folder, reader->request, &reader->choice));
    reader->family = tci_transformer_family_of(&reader->choice.options);
    TCI_RETURN_IF(tci_tensor_set_read(&reader->set, reader->request->files, reader->folder, reader->family,
                                      (size_t)given->max_tensors, given->max_file_bytes, reader->request->mapped));
    TCI_RETURN_IF(find_tensors(reader));
    return make_model(reader, model);
}

tc_status tci_pretrained_read(const char *folder, const tci_pretrained_request *request, tc_model **model)
{
    tci_memory memory;
    folder_reader *reader = NULL;
    *model = NULL;
    tci_memory_init(&memory, request->host, (size_t)request->given->max_memory);
    TCI_RETURN_IF(tci_alloc_zero(&memory, 1, sizeof *reader, "folder reader", &reader));
    tci_memory_init(&reader->memory, request->host, (size_t)request->given->max_memory);
    reader->folder = folder;
    reader->request = request;
    tci_tensor_set_init(&reader->set, &reader->memory);
    tci_parameters_init(&reader->declared, &reader->memory);
    tc_status status = read_folder(reader, model);
    tci_free(&reader->memory, reader->views);
    tci_parameters_free(&reader->declared);
    tci_tensor_set_free(&reader->set);
    tci_pretrained_choice_free(&reader->choice);
    tci_free(&memory, reader);
    return status == TC_OK ? TC_OK : tci_fail_prefix(status, "'%s'", folder);
}
