/* classifier.c: making, sharing and freeing models, and predicting with them.
 *
 * Scratch of predicting threads waits in an array of atomic pointers: a thread takes one out by exchange, makes one
 * when all are taken, and puts it back into an empty slot; nobody ever waits. Knows nothing of files or training. */
#include "model/classifier.h"

#include <string.h>

#include "base/cpu.h"
#include "layer/loss.h"
#include "text/point.h"

static tci_ngram_options ngram_options(const tci_options *options)
{
    if (options->arch != TCI_ARCH_NGRAM)
        return (tci_ngram_options){.buckets = 0};
    return (tci_ngram_options){
        .bag = tci_options_embed(options),
        .buckets = options->buckets,
        .words = (size_t)options->word_ngrams,
        .skips = options->skip_ngrams,
        .chars_min = (size_t)options->min_char_ngram,
        .chars_max = (size_t)options->max_char_ngram,
        .across = options->char_ngrams == TCI_CHARS_ACROSS,
    };
}

tci_text_options tci_model_text_options(const tci_options *options)
{
    static const tci_normalize forms[] = {TCI_NORMALIZE_NFKC, TCI_NORMALIZE_NFC, TCI_NORMALIZE_NONE};
    static const tci_tokenizer tokenizers[] = {TCI_TOKENIZER_WORD, TCI_TOKENIZER_CHAR, TCI_TOKENIZER_SPACE};
    static const tci_truncate parts[] = {TCI_TRUNCATE_HEAD, TCI_TRUNCATE_TAIL, TCI_TRUNCATE_BOTH,
                                          TCI_TRUNCATE_WINDOWS};
    return (tci_text_options){
        .tokenizer = tci_options_subword(options) ? TCI_TOKENIZER_WORD : tokenizers[options->tokenizer],
        .normalize = forms[options->normalize],
        .lowercase = options->lowercase,
        .strict_utf8 = options->strict_utf8,
        .clean_controls = options->clean_controls,
        .collapse_spaces = options->collapse_spaces,
        .max_length = (size_t)options->max_length,
        .truncate = parts[options->truncate],
        .window_overlap = (size_t)options->window_overlap,
        .ngrams = ngram_options(options),
    };
}

const tci_loss *tci_task_loss(int32_t task)
{
    char name[TCI_CHOICE_NAME];
    return tci_loss_find(tci_choice_name("loss", task + TCI_LOSS_CROSS_ENTROPY, name));
}

static void drop_files(tc_model *model)
{
    for (size_t i = 0; i < model->kept_count; i++) {
        tci_file_unmap(model->kept[i].map, model->kept[i].size);
        tci_free(&model->memory, model->kept[i].block);
    }
    tci_free(&model->memory, model->kept);
    model->kept = NULL;
    model->kept_count = 0;
    model->kept_capacity = 0;
}

static void model_free(tc_model *model)
{
    for (size_t i = 0; i < TCI_SCRATCH_SLOTS; i++)
        tci_scratch_free(atomic_load_explicit(&model->slots[i], memory_order_acquire));
    if (model->network)
        model->network->architecture->free(model->network);
    tci_pipeline_release(model->pipeline);
    tci_free(&model->memory, model->label_text);
    tci_free(&model->memory, model->labels);
    tci_free(&model->memory, model->thresholds);
    tci_free(&model->memory, model->base);
    drop_files(model);
    tci_object_free(model);
}

/* Rows of the table of words: of a tokenizer that comes with its words as many as the option says, which may be more
 * than there are ids, as in checkpoints whose tables were rounded up. */
static tc_status count_words(const tci_options *options, const tci_pipeline *pipeline, size_t *words)
{
    *words = tci_pipeline_rows(pipeline);
    if (tci_options_subword(options) != (pipeline->subword != NULL))
        return tci_fail(TC_ERROR_OPTION, "option 'tokenizer' is not the one that the model comes with");
    if (!pipeline->subword)
        return TC_OK;
    if (*words > options->vocab_size)
        return tci_fail(TC_ERROR_MISMATCH,
                        "the tokenizer has ids up to %zu; option 'vocab_size', the rows of the table of words, is %llu",
                        *words - 1, (unsigned long long)options->vocab_size);
    *words = (size_t)options->vocab_size;
    return TC_OK;
}

static tc_status model_alloc(const tc_allocator *host, size_t limit, tc_model **model)
{
    TCI_RETURN_IF(tci_object_create(host, limit, sizeof **model, "model", model));
    atomic_init(&(*model)->references, 1);
    atomic_init(&(*model)->trained, false);
    for (size_t i = 0; i < TCI_SCRATCH_SLOTS; i++)
        atomic_init(&(*model)->slots[i], NULL);
    return TC_OK;
}

static tc_status give_features(tc_model *model, tci_index_set *set, const tci_index_set *features)
{
    if (!set->bits) /* optional ones */
        TCI_RETURN_IF(tci_index_set_init(set, &model->memory, features->bound));
    return tci_index_set_copy(set, features);
}

tc_status tci_model_declare(const tc_allocator *host, const tci_file_operations *files, const tci_options *options,
                            tci_pipeline *pipeline, const tci_index_set *features, const char *const *labels,
                            size_t label_count, tc_model **result)
{
    tc_status status = TC_OK;
    tc_model *model = NULL;
    char name[TCI_CHOICE_NAME];
    const tci_kernels *kernels = NULL;
    const tci_architecture *architecture = NULL;
    size_t inputs = 0;
    *result = NULL;
    TCI_CHECK(model_alloc(host, (size_t)options->max_memory, &model));
    model->files = files ? files : &tci_system_files;
    model->options = *options;
    model->pipeline = pipeline;
    pipeline = NULL;
    TCI_CHECK(tci_options_check(options));
    TCI_CHECK(tci_labels_check(&model->memory, labels, label_count, options->task));
    TCI_CHECK(tci_labels_copy(&model->memory, labels, label_count, &model->label_text, &model->labels,
                              &model->label_fingerprint));
    model->label_count = label_count;
    strncpy(model->unicode_version, tci_unicode_version(), sizeof model->unicode_version - 1);
    TCI_CHECK(tci_kernels_choose(tci_choice_name("max_isa", options->max_isa, name), &kernels));
    architecture = tci_architecture_find(options);
    TCI_CHECK(count_words(options, model->pipeline, &inputs));
    inputs = tci_architecture_inputs(architecture, options, inputs, features);
    TCI_CHECK(architecture->create(&model->memory, kernels, &model->options, inputs, label_count, &model->network));
    if (architecture->features && features)
        TCI_CHECK(give_features(model, architecture->features(model->network), features));
done:
    tci_pipeline_release(pipeline);
    if (status != TC_OK && model) {
        model_free(model);
        model = NULL;
    }
    *result = model;
    return status;
}

void tci_model_refresh(tc_model *model)
{
    tci_float_environment environment = tci_float_enter(); /* packing adds the two biases of each gate */
    model->network->architecture->refresh(model->network);
    tci_float_leave(environment);
}

tc_status tci_model_build(const tc_allocator *host, const tci_file_operations *files, const tci_options *options,
                          tci_pipeline *pipeline, const tci_index_set *features, const char *const *labels,
                          size_t label_count, tc_model **model)
{
    TCI_RETURN_IF(tci_model_declare(host, files, options, pipeline, features, labels, label_count, model));
    tc_status status = tci_parameters_allocate(&(*model)->network->parameters);
    if (status != TC_OK) {
        tci_model_release(*model);
        *model = NULL;
    }
    return status;
}

const tci_index_set *tci_model_features(const tc_model *model)
{
    const tci_architecture *architecture = model->network->architecture;
    const tci_index_set *set = architecture->features ? architecture->features(model->network) : NULL;
    return set && set->bits ? set : NULL;
}

bool tci_model_trains(const tc_model *model, const tci_options *options, size_t deepest, size_t index)
{
    const tci_network *network = model->network;
    const tci_tensor_info *tensor = &network->parameters.tensors[index];
    if (options->lora_rank > 0)
        return tensor->level == 0 || tensor->adapter;
    return tensor->level <= deepest &&
           !(options->freeze_embedding && network->architecture->words(network) == tensor);
}

tc_status tci_model_note_base(tc_model *model, const char *folder)
{
    size_t size = folder ? strlen(folder) + 1 : 0;
    if (size == 0)
        return TC_OK;
    TCI_RETURN_IF(tci_alloc(&model->memory, size, 1, "the folder's path", &model->base));
    memcpy(model->base, folder, size);
    return TC_OK;
}

void tci_model_settle(const tc_model *model)
{
    if (model->network->architecture->settle)
        model->network->architecture->settle(model->network);
}

tc_status tci_model_keep_file(tc_model *model, tci_model_file file)
{
    TCI_RETURN_IF(tci_reserve(&model->memory, model->kept_count + 1, SIZE_MAX, sizeof file, "list of files",
                              &model->kept_capacity, &model->kept));
    model->kept[model->kept_count++] = file;
    return TC_OK;
}

static tc_status refuse_map(void)
{
    return tci_fail(TC_ERROR_STATE, "a mapped model is read-only; clone it, or load it without TC_LOAD_MAPPED");
}

tc_status tci_model_check_writable(const tc_model *model, size_t index)
{
    uintptr_t at = (uintptr_t)tci_parameters_data(&model->network->parameters, index);
    for (size_t i = 0; i < model->kept_count; i++) {
        uintptr_t map = (uintptr_t)model->kept[i].map;
        if (map && at >= map && at - map < model->kept[i].size)
            return refuse_map();
    }
    return TC_OK;
}

tc_status tci_model_own_parameters(tc_model *model)
{
    for (size_t i = 0; i < model->kept_count; i++) {
        if (model->kept[i].map)
            return refuse_map();
    }
    if (model->kept_count == 0)
        return TC_OK;
    TCI_RETURN_IF(tci_parameters_allocate(&model->network->parameters));
    tci_model_refresh(model); /* a network may point at parameters where they stand */
    drop_files(model);
    return TC_OK;
}

tc_model *tci_model_keep(tc_model *model)
{
    atomic_fetch_add_explicit(&model->references, 1, memory_order_relaxed);
    return model;
}

void tci_model_release(tc_model *model)
{
    if (model && atomic_fetch_sub_explicit(&model->references, 1, memory_order_acq_rel) == 1)
        model_free(model);
}

/* Scratch is counted in its model's memory; the model is otherwise read-only to its predicting threads. */
static tci_memory *scratch_memory(const tc_model *model)
{
    return (tci_memory *)&model->memory;
}

tc_status tci_scratch_create(const tc_model *model, size_t threads, tci_scratch **scratch)
{
    tci_memory *memory = scratch_memory(model);
    TCI_RETURN_IF(tci_alloc_zero(memory, 1, sizeof **scratch, "scratch", scratch));
    (*scratch)->memory = memory;
    (*scratch)->workspace.memory = memory;
    tci_encoded_init(&(*scratch)->encoded, memory, false);
    tc_status status = threads > 1 ? tci_pool_create(memory, threads, &(*scratch)->pool) : TC_OK;
    if (status != TC_OK) {
        tci_scratch_free(*scratch);
        *scratch = NULL;
    }
    return status;
}

void tci_scratch_free(tci_scratch *scratch)
{
    if (!scratch)
        return;
    tci_encoded_free(&scratch->encoded);
    tci_long_text_free(scratch->long_text);
    tci_workspace_free(&scratch->workspace);
    tci_pool_free(scratch->pool);
    tci_free(scratch->memory, scratch);
}

tc_status tci_scratch_borrow(const tc_model *model, tci_scratch **scratch)
{
    tc_model *slots = (tc_model *)model;
    for (size_t i = 0; i < TCI_SCRATCH_SLOTS; i++) {
        if (!atomic_load_explicit(&slots->slots[i], memory_order_relaxed))
            continue;
        tci_scratch *found = atomic_exchange_explicit(&slots->slots[i], NULL, memory_order_acq_rel);
        if (found) {
            *scratch = found;
            return TC_OK;
        }
    }
    return tci_scratch_create(model, 1, scratch);
}

void tci_scratch_return(const tc_model *model, tci_scratch *scratch)
{
    tc_model *slots = (tc_model *)model;
    size_t kept = scratch->workspace.size + scratch->encoded.capacity * (2 * sizeof(uint32_t) + 1) +
                  tci_long_text_bytes(scratch->long_text);
    for (size_t i = 0; kept <= TCI_SCRATCH_KEEP && i < TCI_SCRATCH_SLOTS; i++) {
        tci_scratch *empty = NULL;
        if (atomic_compare_exchange_strong_explicit(&slots->slots[i], &empty, scratch, memory_order_acq_rel,
                                                    memory_order_relaxed))
            return;
    }
    tci_scratch_free(scratch);
}

tc_status tci_model_logits(const tc_model *model, tci_scratch *scratch, const tci_row *rows, size_t row_count,
                           float *logits)
{
    tci_row sorted[TCI_PREDICT_ROWS], swap[TCI_PREDICT_ROWS];
    const tci_network *network = model->network;
    size_t labels = model->label_count;
    for (size_t r = 0; r < row_count; r++) {
        sorted[r] = rows[r];
        sorted[r].position = (uint32_t)r;
    }
    tci_rows_sort(sorted, swap, row_count);
    size_t sorted_bytes = row_count * labels * sizeof(float);
    bool in_order = row_count <= 1;
    float *to = logits;
    if (!in_order)
        TCI_RETURN_IF(tci_alloc(scratch->memory, sorted_bytes, 1, "logits", &to));
    tc_status status =
        network->architecture->predict(network, scratch->pool, &scratch->workspace, sorted, row_count, to);
    for (size_t r = 0; status == TC_OK && !in_order && r < row_count; r++)
        memcpy(logits + sorted[r].position * labels, to + r * labels, labels * sizeof *logits);
    if (!in_order)
        tci_free(scratch->memory, to);
    return status;
}

bool tci_model_reads_long(const tc_model *model, size_t length)
{
    return model->network->architecture->predict_long && !model->pipeline->subword &&
           tci_text_is_long(&model->pipeline->options, length);
}

static tc_status read_ids(void *context, size_t first, size_t count, uint32_t *ids)
{
    return tci_long_text_read(context, first, count, ids);
}

tc_status tci_scratch_long_text(const tc_model *model, tci_scratch *scratch, const char *text, size_t length,
                                tci_id_source *source)
{
    if (!scratch->long_text)
        TCI_RETURN_IF(tci_long_text_create(scratch->memory, &scratch->long_text));
    TCI_RETURN_IF(tci_long_text_begin(scratch->long_text, model->pipeline, text, length, TCI_LONG_TEXT_SEGMENT,
                                      &scratch->tokens, &scratch->tokens_used));
    *source = (tci_id_source){scratch->long_text, scratch->tokens_used, read_ids};
    return TC_OK;
}

static tc_status predict_long_text(const tc_model *model, tci_scratch *scratch, const char *text, size_t length,
                                   float *logits)
{
    const tci_network *network = model->network;
    tci_id_source source;
    TCI_RETURN_IF(tci_scratch_long_text(model, scratch, text, length, &source));
    return network->architecture->predict_long(network, scratch->pool, &scratch->workspace, &source, logits);
}

tc_status tci_model_predict_text(const tc_model *model, tci_scratch *scratch, const char *text, size_t length,
                                 float *logits)
{
    if (tci_model_reads_long(model, length))
        return predict_long_text(model, scratch, text, length, logits);
    TCI_RETURN_IF(tci_pipeline_encode(model->pipeline, text, length, &scratch->encoded));
    scratch->tokens = scratch->encoded.tokens;
    scratch->tokens_used = scratch->encoded.used;
    tci_row row = {
        .ids = scratch->encoded.ids, .length = scratch->encoded.count, .counts = scratch->encoded.counts};
    return tci_model_logits(model, scratch, &row, 1, logits);
}

tc_status tci_model_scores(const tc_model *model, size_t row_count, float *values)
{
    const tci_network *network = model->network;
    const tci_loss *loss = network->architecture->scores ? NULL : tci_task_loss(model->options.task);
    for (size_t r = 0; r < row_count; r++) {
        float *row = values + r * model->label_count;
        tc_status status = loss ? loss->scores(model->label_count, row, row)
                                : network->architecture->scores(network, row);
        if (status != TC_OK)
            return tci_fail_prefix(status, "text %zu", r);
    }
    return TC_OK;
}
