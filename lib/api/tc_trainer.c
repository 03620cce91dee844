/* tc_trainer.c: trainer.h: steps, and checkpoints: the model file with what the trainer remembers as further tensors:
 * textclf.progress (tci_progress as U64 words), optim.<state>.<parameter>, best.<parameter>. */
#include "train/trainer.h"

#include "api/handles.h"
#include "serialization/elements.h"
#include "serialization/native.h"

#define PROGRESS_TENSOR "textclf.progress"
#define NAME_SIZE 128

tc_status tc_trainer_create(tc_model *model, const tc_config *config, tc_trainer **trainer)
{
    TCI_REQUIRE(model);
    TCI_REQUIRE(trainer);
    return tci_trainer_create(model, config ? &config->options : NULL, trainer);
}

void tc_trainer_free(tc_trainer *trainer)
{
    tci_trainer_free(trainer);
}

/* What every step takes; a macro, because its errors name the function that was called. */
#define REQUIRE_BATCH(trainer, examples, rows, row_count, step)                                     \
    do {                                                                                            \
        TCI_REQUIRE(trainer);                                                                       \
        TCI_REQUIRE(examples);                                                                      \
        TCI_REQUIRE(rows);                                                                          \
        if (step)                                                                                   \
            TCI_REQUIRE_STRUCT(step, tc_step, tokens);                                              \
        if ((row_count) == 0)                                                                       \
            return tci_fail(TC_ERROR_ARGUMENT, "%s: a step needs at least one row", __func__);      \
    } while (0)

tc_status tc_train_step(tc_trainer *trainer, const tc_examples *examples, const size_t *rows, size_t row_count,
                        tc_step *step)
{
    REQUIRE_BATCH(trainer, examples, rows, row_count, step);
    return tci_trainer_step(trainer, examples, rows, row_count, step);
}

tc_status tc_trainer_backward(tc_trainer *trainer, const tc_examples *examples, const size_t *rows, size_t row_count,
                              tc_step *step)
{
    REQUIRE_BATCH(trainer, examples, rows, row_count, step);
    return tci_trainer_backward(trainer, examples, rows, row_count, step);
}

tc_status tc_trainer_apply(tc_trainer *trainer, tc_step *step)
{
    TCI_REQUIRE(trainer);
    if (step)
        TCI_REQUIRE_STRUCT(step, tc_step, tokens);
    return tci_trainer_apply(trainer, step);
}

/* One block of the parameters' layout that a checkpoint holds, tensor by tensor. */
typedef struct state_block {
    const char *prefix;
    float *values;
} state_block;

#define STATE_BLOCKS 8

/* The optimizer's blocks, and the best weights when there are some. */
static size_t list_blocks(const tc_trainer *trainer, state_block blocks[STATE_BLOCKS])
{
    size_t count = 0;
    const char *name = NULL;
    for (float *values; count + 1 < STATE_BLOCKS; count++) {
        values = tci_optimizer_state(trainer->optimizer, count, &name);
        if (!values)
            break;
        blocks[count] = (state_block){name, values};
    }
    if (trainer->best && trainer->progress.best_epoch > 0)
        blocks[count++] = (state_block){"best", trainer->best};
    return count;
}

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

static tc_status list_tensors(const tc_trainer *trainer, const state_block *blocks, size_t block_count,
                              tci_tensor_source *sources, char (*names)[NAME_SIZE])
{
    const tci_parameters *parameters = &trainer->model->network->parameters;
    size_t next = 0;
    for (size_t b = 0; b < block_count; b++) {
        for (size_t i = 0; i < parameters->tensor_count; i++, next++) {
            const tci_tensor_info *tensor = &parameters->tensors[i];
            TCI_RETURN_IF(join_name(blocks[b].prefix, tensor->name, names[next]));
            sources[next] = (tci_tensor_source){.name = names[next],
                                                .dtype = TCI_DTYPE_F32,
                                                .rank = tensor->rank,
                                                .shape = {tensor->shape[0], tensor->shape[1]},
                                                .data = blocks[b].values + tensor->offset};
        }
    }
    sources[next] = (tci_tensor_source){.name = PROGRESS_TENSOR,
                                        .dtype = TCI_DTYPE_U64,
                                        .rank = 1,
                                        .shape = {TCI_PROGRESS_WORDS},
                                        .data = &trainer->progress};
    return TC_OK;
}

tc_status tc_trainer_save(const tc_trainer *trainer, const char *path)
{
    tc_status status = TC_OK;
    tci_memory memory;
    tci_tensor_source *sources = NULL;
    char(*names)[NAME_SIZE] = NULL;
    state_block blocks[STATE_BLOCKS];
    TCI_REQUIRE(trainer);
    TCI_REQUIRE(path);
    if (trainer->backwards > 0)
        return tci_fail(TC_ERROR_STATE, "a checkpoint between a backward and its apply; call tc_trainer_apply() first");
    size_t block_count = list_blocks(trainer, blocks);
    size_t count = block_count * trainer->model->network->parameters.tensor_count + 1;
    tci_memory_init(&memory, &trainer->memory.host, 0);
    TCI_CHECK(tci_alloc(&memory, count, sizeof *sources, "checkpoint", &sources));
    TCI_CHECK(tci_alloc(&memory, count, sizeof *names, "checkpoint", &names));
    TCI_CHECK(list_tensors(trainer, blocks, block_count, sources, names));
    tci_native_extra extra = {.tensors = sources, .tensor_count = count};
    TCI_CHECK(tci_native_save(trainer->model, &extra, path));
done:
    tci_free(&memory, sources);
    tci_free(&memory, names);
    return status;
}

/* A given value that asks for resolving agrees with what it was resolved to. */
static bool asks_for_resolving(const char *key, const tci_options *given, const tci_options *stored)
{
    if (strcmp(key, "loss") == 0)
        return given->loss == TCI_LOSS_AUTO;
    if (strcmp(key, "total_steps") == 0)
        return given->total_steps == 0;
    return strcmp(key, "class_weights") == 0 && strcmp(given->class_weights, "balanced") == 0 &&
           strcmp(stored->class_weights, "none") != 0;
}

/* Options that the host set must be those of the checkpoint; more epochs are allowed where nothing else depends on
 * them. */
static tc_status compare_options(const tci_options *stored, const tci_options *given, tci_options *merged)
{
    *merged = *stored;
    tci_options_copy_class(merged, given, TCI_CLASS_RUN);
    for (size_t i = 0; i < tci_option_count(); i++) {
        const tci_option_row *row = tci_option_row_at(i);
        if (row->option_class == TCI_CLASS_RUN || !tci_options_is_set(given, row->key) ||
            tci_options_equal(stored, given, row) || asks_for_resolving(row->key, given, stored))
            continue;
        bool more_epochs = strcmp(row->key, "epochs") == 0 && given->epochs > stored->epochs;
        if (!more_epochs || stored->schedule != TCI_CHOICE_CONSTANT)
            return tci_fail(TC_ERROR_MISMATCH, "option '%s' is not the checkpoint's; leave it out%s", row->key,
                            more_epochs ? " (epochs can be raised only with schedule constant)" : "");
        merged->epochs = given->epochs;
    }
    return TC_OK;
}

/* Averages and sums of squares are never below zero; a root is taken of them. */
static tc_status check_squares(const state_block *block, const tci_tensor_info *tensor, const char *name)
{
    if (strcmp(block->prefix, "optim.exp_avg_sq") != 0 && strcmp(block->prefix, "optim.sum") != 0)
        return TC_OK;
    for (size_t k = 0; k < tensor->count; k++) {
        if (block->values[tensor->offset + k] < 0)
            return tci_fail(TC_ERROR_FORMAT, "tensor '%s' holds a negative value", name);
    }
    return TC_OK;
}

static tc_status read_block(const tci_native_contents *contents, const tci_parameters *parameters,
                            const state_block *block)
{
    for (size_t i = 0; i < parameters->tensor_count; i++) {
        const tci_tensor_info *tensor = &parameters->tensors[i];
        char name[NAME_SIZE];
        tci_tensor_view view;
        TCI_RETURN_IF(join_name(block->prefix, tensor->name, name));
        if (!tci_safetensors_find(&contents->tensors, name, &view))
            return tci_fail(TC_ERROR_FORMAT, "the checkpoint lacks tensor '%s'", name);
        if (view.dtype != TCI_DTYPE_F32 || view.rank != tensor->rank || view.shape[0] != tensor->shape[0] ||
            (view.rank > 1 && view.shape[1] != tensor->shape[1]))
            return tci_fail(TC_ERROR_FORMAT, "tensor '%s' is not of its parameter's shape and F32", name);
        if (tci_elements_check(view.dtype, view.data, tensor->count, false) != tensor->count)
            return tci_fail(TC_ERROR_NUMERIC, "tensor '%s' holds a value that is not finite", name);
        memcpy(block->values + tensor->offset, view.data, view.size);
        TCI_RETURN_IF(check_squares(block, tensor, name));
    }
    return TC_OK;
}

/* Counters of a foreign file: small enough to count on from, figures that compare. */
static tc_status check_progress(const tci_progress *progress)
{
    const uint64_t most = UINT64_C(1) << 53;
    const uint64_t counters[] = {progress->steps,      progress->epoch,  progress->position,
                                 progress->best_epoch, progress->tokens, progress->since_best};
    const double figures[] = {progress->loss_sum, progress->loss_weight, progress->best_score, progress->best_loss};
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++) {
        if (counters[i] > most)
            return tci_fail(TC_ERROR_FORMAT, "tensor '%s': counter %zu is beyond 2^53", PROGRESS_TENSOR, i);
    }
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        if (figures[i] - figures[i] != 0)
            return tci_fail(TC_ERROR_NUMERIC, "tensor '%s': figure %zu is not finite", PROGRESS_TENSOR, i);
    }
    return TC_OK;
}

static tc_status read_state(const tci_native_contents *contents, tc_trainer *trainer)
{
    const tci_parameters *parameters = &trainer->model->network->parameters;
    tci_tensor_view view;
    state_block blocks[STATE_BLOCKS];
    if (!tci_safetensors_find(&contents->tensors, PROGRESS_TENSOR, &view))
        return tci_fail(TC_ERROR_FORMAT, "this is a model without a trainer's state; train it with tc_trainer_create()");
    if (view.dtype != TCI_DTYPE_U64 || view.size != sizeof trainer->progress)
        return tci_fail(TC_ERROR_FORMAT, "tensor '%s' is not of %zu U64 words", PROGRESS_TENSOR, TCI_PROGRESS_WORDS);
    memcpy(&trainer->progress, view.data, view.size);
    TCI_RETURN_IF(check_progress(&trainer->progress));
    if (trainer->progress.best_epoch > 0)
        TCI_RETURN_IF(
            tci_alloc_zero(&trainer->memory, parameters->size, sizeof(float), "best weights", &trainer->best));
    size_t count = list_blocks(trainer, blocks);
    for (size_t b = 0; b < count; b++)
        TCI_RETURN_IF(read_block(contents, parameters, &blocks[b]));
    tci_optimizer_set_steps(trainer->optimizer, trainer->progress.steps);
    return TC_OK;
}

static tc_status load_trainer(const tci_load *load, const tc_config *config, const uint8_t *bytes, size_t size,
                              tc_model **model, tc_trainer **trainer)
{
    tc_status status = TC_OK;
    tci_options options;
    tci_native_contents contents;
    TCI_RETURN_IF(tci_native_read(bytes, size, &load->run, load->host, load->files, model, &contents));
    TCI_CHECK(compare_options(&(*model)->options, config ? &config->options : &(*model)->options, &options));
    TCI_CHECK(tci_trainer_create(*model, &options, trainer));
    TCI_CHECK(read_state(&contents, *trainer));
done:
    tci_native_contents_close(&contents);
    if (status != TC_OK) {
        tci_trainer_free(*trainer);
        tci_model_release(*model);
        *trainer = NULL;
        *model = NULL;
    }
    return status;
}

tc_status tc_trainer_load(const char *path, const tc_config *config, tc_model **model, tc_trainer **trainer)
{
    tci_load load;
    uint8_t *data = NULL;
    size_t size = 0;
    TCI_REQUIRE(path);
    TCI_REQUIRE(model);
    TCI_REQUIRE(trainer);
    *model = NULL;
    *trainer = NULL;
    tci_load_context(config, &load);
    TCI_RETURN_IF(tci_file_read(load.files, &load.memory, path, load.run.max_file_bytes, &data, &size));
    tc_status status = load_trainer(&load, config, data, size, model, trainer);
    if (status != TC_OK)
        status = tci_fail_prefix(status, "'%s'", path);
    tci_free(&load.memory, data);
    return status;
}
