/* tc_trainer.c: trainer.h: steps, and what a checkpoint keeps of a trainer: the optimizer's state, the best weights,
 * the progress of the epochs. How that stands in a file is the business of lib/serialization. */
#include "train/trainer.h"

#include "api/handles.h"
#include "serialization/native_checkpoint.h"

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
#define REQUIRE_BATCH(trainer, examples, rows, row_count, step)                                                        \
    do {                                                                                                               \
        TCI_REQUIRE(trainer);                                                                                          \
        TCI_REQUIRE(examples);                                                                                         \
        TCI_REQUIRE(rows);                                                                                             \
        if (step)                                                                                                      \
            TCI_REQUIRE_STRUCT(step, tc_step, tokens);                                                                 \
        if ((row_count) == 0)                                                                                          \
            return tci_fail(TC_ERROR_ARGUMENT, "%s: a step needs at least one row", __func__);                         \
    } while (0)

tc_status tc_train_step(tc_trainer *trainer, const tc_examples *examples, const size_t *rows, size_t row_count,
                        tc_step *step)
{
    REQUIRE_BATCH(trainer, examples, rows, row_count, step);
    return tci_trainer_step(trainer, examples, rows, row_count, step);
}

tc_status tc_trainer_count(tc_trainer *trainer, const tc_examples *examples)
{
    TCI_REQUIRE(trainer);
    TCI_REQUIRE(examples);
    return tci_trainer_count(trainer, examples, NULL, 0);
}

tc_status tc_trainer_count_chunk(tc_trainer *trainer, const tc_examples *examples)
{
    TCI_REQUIRE(trainer);
    TCI_REQUIRE(examples);
    return tci_trainer_count_chunk(trainer, examples);
}

tc_status tc_trainer_begin_chunk(tc_trainer *trainer, const tc_examples *examples, size_t first_row)
{
    TCI_REQUIRE(trainer);
    TCI_REQUIRE(examples);
    return tci_trainer_begin_chunk(trainer, examples, first_row);
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

#define STATE_BLOCKS 8

/* The optimizer's blocks, and the best weights when there are some. */
static size_t list_blocks(tc_trainer *trainer, tci_state_block blocks[STATE_BLOCKS])
{
    size_t count = 0;
    const char *name = NULL;
    for (float *values; count + 1 < STATE_BLOCKS; count++) {
        values = tci_trainer_state(trainer, count, &name);
        if (!values)
            break;
        bool square = strcmp(name, "optim.exp_avg_sq") == 0 || strcmp(name, "optim.sum") == 0 ||
                      strcmp(name, "optim.scale") == 0;
        blocks[count] = (tci_state_block){name, values, square};
    }
    if (trainer->best && trainer->progress.best_epoch > 0)
        blocks[count++] = (tci_state_block){"best", trainer->best, false};
    return count;
}

#define DUAL_WORDS "optim.dual.words"
#define FEATURE_TEXTS "optim.texts"

static tci_state_array dual_words(uint64_t words[TCI_DUAL_WORDS])
{
    return (tci_state_array){DUAL_WORDS, TCI_DTYPE_U64, 1, {TCI_DUAL_WORDS}, words};
}

static tci_state_array dual_array(const tci_dual_array *array)
{
    static const tci_dtype types[] = {
        [TCI_DUAL_U8] = TCI_DTYPE_U8, [TCI_DUAL_F32] = TCI_DTYPE_F32, [TCI_DUAL_U64] = TCI_DTYPE_U64};
    return (tci_state_array){array->name,
                             types[array->kind],
                             array->shape[1] > 0 ? 2 : 1,
                             {array->shape[0], array->shape[1]},
                             array->values};
}

/* What optimizer dcd keeps. */
static size_t list_dual(tci_dual *dual, uint64_t words[TCI_DUAL_WORDS], tci_state_array arrays[TCI_DUAL_ARRAYS + 1])
{
    tci_dual_array own[TCI_DUAL_ARRAYS];
    if (!dual)
        return 0;
    size_t count = tci_dual_arrays(dual, own);
    tci_dual_words(dual, words);
    arrays[0] = dual_words(words);
    for (size_t i = 0; i < count; i++)
        arrays[1 + i] = dual_array(&own[i]);
    return 1 + count;
}

/* In how many texts each feature occurs; by it a smaller model is chosen, after a resumed training as after one that
 * never stopped. Returns whether the network knows. */
static bool list_texts(const tc_model *model, tci_state_array *array)
{
    const tci_ngram_network *network = tci_ngram_of(model->network);
    if (!network || !network->texts)
        return false;
    *array = (tci_state_array){FEATURE_TEXTS, TCI_DTYPE_F32, 1, {network->set.count}, network->texts};
    return true;
}

tc_status tc_trainer_save(const tc_trainer *trainer, const char *path)
{
    tci_state_block blocks[STATE_BLOCKS];
    tci_state_array arrays[TCI_DUAL_ARRAYS + 2];
    uint64_t words[TCI_PROGRESS_WORDS], dual[TCI_DUAL_WORDS];
    TCI_REQUIRE(trainer);
    TCI_REQUIRE(path);
    if (trainer->gathered.backwards > 0)
        return tci_fail(TC_ERROR_STATE, "a checkpoint between a backward and its apply; call tc_trainer_apply() first");
    memcpy(words, &trainer->progress, sizeof words);
    if (trainer->ngram)
        TCI_RETURN_IF(tci_ngram_training_start(trainer->ngram, NULL)); /* so that there is a state to save */
    size_t array_count = list_dual(trainer->dual, dual, arrays);
    array_count += list_texts(trainer->model, &arrays[array_count]);
    const tci_state state = {.blocks = blocks,
                             .block_count = list_blocks((tc_trainer *)trainer, blocks), /* which are only read */
                             .arrays = arrays,
                             .array_count = array_count,
                             .words = words,
                             .word_count = TCI_PROGRESS_WORDS};
    return tci_checkpoint_save(trainer->model, &state, path);
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

/* Counters of a foreign file: small enough to count on from, figures that compare. */
static tc_status check_progress(const tci_progress *progress)
{
    const uint64_t most = UINT64_C(1) << 53;
    const uint64_t counters[] = {progress->steps,      progress->epoch,  progress->position,
                                 progress->best_epoch, progress->tokens, progress->since_best};
    const double figures[] = {progress->loss_sum, progress->loss_weight, progress->best_score, progress->best_loss};
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++) {
        if (counters[i] > most)
            return tci_fail(TC_ERROR_FORMAT, "the checkpoint's counter %zu is beyond 2^53", i);
    }
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        if (figures[i] - figures[i] != 0)
            return tci_fail(TC_ERROR_NUMERIC, "the checkpoint's figure %zu is not finite", i);
    }
    return TC_OK;
}

/* Whether the file holds alpha of so many rows: with it, nothing is made that is larger than the file allows. */
static tc_status find_alpha(const tci_native_contents *contents, uint64_t rows, bool *found)
{
    tci_tensor_view view;
    *found = tci_safetensors_find(&contents->tensors, TCI_DUAL_ALPHA, &view);
    if (*found && (view.dtype != TCI_DTYPE_F32 || view.rank != 2 || view.shape[0] != rows || view.shape[1] == 0))
        return tci_fail(TC_ERROR_FORMAT, "tensor '" TCI_DUAL_ALPHA "' is not F32 of %llu rows",
                        (unsigned long long)rows);
    return TC_OK;
}

static tc_status read_sets(const tci_native_contents *contents, tci_memory *memory, uint64_t count, uint64_t **sets)
{
    tci_tensor_view view;
    if (count == 0)
        return TC_OK;
    if (!tci_safetensors_find(&contents->tensors, TCI_DUAL_SETS, &view) || view.size / 16 != count)
        return tci_fail(TC_ERROR_FORMAT, "the checkpoint lacks tensor '" TCI_DUAL_SETS "' of %llu rows",
                        (unsigned long long)count);
    TCI_RETURN_IF(tci_alloc(memory, (size_t)count, 2 * sizeof **sets, "counted examples", sets));
    const tci_state_array array = {TCI_DUAL_SETS, TCI_DTYPE_U64, 2, {(size_t)count, 2}, *sets};
    return tci_checkpoint_array(contents, &array);
}

static tc_status read_dual(const tci_native_contents *contents, tc_trainer *trainer)
{
    tc_status status = TC_OK;
    tci_dual_array own[TCI_DUAL_ARRAYS];
    uint64_t words[TCI_DUAL_WORDS], *sets = NULL;
    bool has_alpha = false;
    tci_state_array array = dual_words(words);
    if (!trainer->dual)
        return TC_OK;
    TCI_CHECK(tci_checkpoint_array(contents, &array));
    TCI_CHECK(find_alpha(contents, words[1], &has_alpha));
    TCI_CHECK(read_sets(contents, &trainer->memory, words[0], &sets));
    TCI_CHECK(tci_dual_resume(trainer->dual, words, sets, has_alpha));
    for (size_t i = 0, count = tci_dual_arrays(trainer->dual, own); i < count; i++) {
        array = dual_array(&own[i]);
        TCI_CHECK(tci_checkpoint_array(contents, &array));
    }
    status = tci_dual_finish(trainer->dual);
done:
    tci_free(&trainer->memory, sets);
    return status;
}

static tc_status read_texts(const tci_native_contents *contents, tc_model *model)
{
    tc_status status = TC_OK;
    tci_ngram_network *network = tci_ngram_of(model->network);
    tci_tensor_view view;
    float *texts = NULL;
    if (!network || !tci_safetensors_find(&contents->tensors, FEATURE_TEXTS, &view))
        return TC_OK;
    size_t count = network->set.count;
    TCI_CHECK(tci_alloc(&model->memory, count, sizeof *texts, "texts of features", &texts));
    const tci_state_array array = {FEATURE_TEXTS, TCI_DTYPE_F32, 1, {count}, texts};
    TCI_CHECK(tci_checkpoint_array(contents, &array));
    for (size_t i = 0; i < count; i++) {
        if (texts[i] < 0) {
            status = tci_fail(TC_ERROR_FORMAT, "tensor '" FEATURE_TEXTS "' holds a negative value");
            goto done;
        }
    }
    tci_ngram_note_texts(network, texts);
    return TC_OK;
done:
    tci_free(&model->memory, texts);
    return status;
}

static tc_status read_state(const tci_native_contents *contents, tc_trainer *trainer)
{
    const tci_parameters *parameters = &trainer->model->network->parameters;
    tci_state_block blocks[STATE_BLOCKS];
    uint64_t words[TCI_PROGRESS_WORDS];
    TCI_RETURN_IF(tci_checkpoint_words(contents, words, TCI_PROGRESS_WORDS));
    memcpy(&trainer->progress, words, sizeof words);
    TCI_RETURN_IF(check_progress(&trainer->progress));
    if (trainer->ngram)
        TCI_RETURN_IF(
            tci_ngram_training_resume(trainer->ngram, tci_checkpoint_has(contents, parameters, "optim.scale")));
    if (trainer->progress.best_epoch > 0)
        TCI_RETURN_IF(tci_alloc_zero(&trainer->memory, tci_trained_floats(parameters), sizeof(float), "best weights",
                                     &trainer->best));
    size_t count = list_blocks(trainer, blocks);
    for (size_t b = 0; b < count; b++)
        TCI_RETURN_IF(tci_checkpoint_block(contents, parameters, &blocks[b]));
    if (trainer->optimizer)
        tci_optimizer_set_steps(trainer->optimizer, trainer->progress.steps);
    if (trainer->bag)
        return trainer->progress.steps > 0 ? tci_bag_trainer_resume(trainer->bag) : TC_OK;
    TCI_RETURN_IF(read_texts(contents, trainer->model));
    return read_dual(contents, trainer);
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
