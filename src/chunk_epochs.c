/* chunk_epochs.c: epochs over texts that come in chunks (chunks.h): what the library's batcher does for examples that
 * are all there. Chunks come in the order of the file, the rows of each in an order of their own; the best epoch's
 * model is a clone. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epochs.h"
#include "interrupt.h"
#include "messages.h"
#include "output.h"

typedef struct stream_loop {
    epoch_loop state;
    uint64_t batch_size, seed, patience, since_best;
    uint64_t epoch, position, batches; /* of the epoch */
    double best_loss;
    bool by_length;
    size_t *order; /* of the rows of a chunk */
    size_t capacity;
} stream_loop;

static int number(const training *run, const char *key, uint64_t *value)
{
    char text[64];
    int code = data_model_option(run->model, key, text, sizeof text);
    if (code == CODE_OK)
        *value = strtoull(text, NULL, 10);
    return code;
}

static int is_option(const training *run, const char *key, const char *wanted, bool *is)
{
    char text[4096];
    int code = data_model_option(run->model, key, text, sizeof text);
    *is = code == CODE_OK && strcmp(text, wanted) == 0;
    return code;
}

/* What texts in chunks do not have. */
static int check_options(const training *run)
{
    bool tuned = false;
    if (run->given->checkpoint != NULL)
        return fail("--checkpoint: texts that come in chunks are trained on without checkpoints; leave the option out, "
                    "or raise --max-memory");
    int code = is_option(run, "tune_thresholds", "true", &tuned);
    if (code == CODE_OK && tuned && run->validation == NULL)
        return fail("--tune-thresholds needs --validation FILE or --validation-split");
    return code;
}

/* Class weights that the library would balance by the first chunk alone: label=weight,... of all texts that were read,
 * rows / (labels * rows of the label). */
static int balance_class_weights(training *run)
{
    const labels *known = run->stream->encoder.known;
    size_t count = labels_count(known), size = 0;
    uint64_t rows = 0;
    bool balanced = false;
    int code = is_option(run, "class_weights", "balanced", &balanced);
    if (code != CODE_OK || !balanced)
        return code;
    for (size_t i = 0; i < count; i++) {
        size += 2 * strlen(labels_names(known)[i]) + FLOAT_TEXT + 2;
        rows += labels_occurrences(known, i);
    }
    char *text = malloc(size + 1), *to = text;
    if (text == NULL)
        return fail_memory("the weights of labels");
    for (size_t i = 0; i < count; i++) {
        double weight = (double)rows / ((double)count * (double)labels_occurrences(known, i));
        if (i > 0)
            *to++ = ',';
        for (const char *name = labels_names(known)[i]; *name != '\0'; *to++ = *name++)
            if (*name == ',' || *name == '=' || *name == '\\')
                *to++ = '\\';
        *to++ = '=';
        to += print_float((float)weight, to);
    }
    *to = '\0';
    tc_status status = tc_config_set(run->given->config, "class_weights", text);
    free(text);
    return status == TC_OK ? CODE_OK : fail_library("--class-weights balanced");
}

static int make_trainer(training *run)
{
    return tc_trainer_create(run->model, run->given->config, &run->trainer) == TC_OK ? CODE_OK : fail_library(NULL);
}

/* A pass that shows the optimizer the texts, where it wants to see them, and finds the chunks, where they are new. */
static int look_at_texts(training *run)
{
    bool wanted = run->trainer != NULL;
    int code = CODE_OK;
    for (;;) {
        tc_examples *examples = NULL;
        chunk_place at;
        code = chunks_next(run->stream, &examples, &at);
        if (code != CODE_OK || examples == NULL)
            return code;
        tc_status status = wanted ? tc_trainer_count_chunk(run->trainer, examples) : TC_OK;
        tc_examples_free(examples);
        wanted = wanted && status == TC_OK;
        if (status != TC_OK && status != TC_ERROR_UNSUPPORTED)
            return fail_library(NULL);
        if (!wanted && run->stream->known)
            return CODE_OK;
        if (interrupt_requested())
            return CODE_INTERRUPTED;
    }
}

static uint64_t count_batches(const chunks *all, uint64_t batch_size)
{
    uint64_t batches = 0;
    for (size_t i = 0; i < all->count; i++)
        batches += (all->places[i].rows + batch_size - 1) / batch_size;
    return batches;
}

/* A schedule that falls needs to know where to. */
static int set_total_steps(training *run, const stream_loop *loop)
{
    uint64_t steps = (loop->batches + run->accumulate - 1) / run->accumulate * run->epochs;
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64, steps);
    return tc_config_set(run->given->config, "total_steps", text) == TC_OK ? CODE_OK : fail_library(NULL);
}

static int prepare(training *run, stream_loop *loop)
{
    bool constant = true, ngram = false;
    uint64_t total_steps = 0;
    int code = check_options(run);
    if (code == CODE_OK)
        code = balance_class_weights(run);
    if (code == CODE_OK)
        code = number(run, "batch_size", &loop->batch_size);
    if (code == CODE_OK)
        code = number(run, "seed", &loop->seed);
    if (code == CODE_OK)
        code = number(run, "patience", &loop->patience);
    if (code == CODE_OK)
        code = number(run, "total_steps", &total_steps);
    if (code == CODE_OK)
        code = is_option(run, "arch", "ngram", &ngram);
    if (code == CODE_OK)
        code = is_option(run, "schedule", "constant", &constant);
    loop->by_length = !ngram;
    bool known_end = constant || total_steps > 0;
    if (code == CODE_OK && known_end)
        code = make_trainer(run);
    if (code == CODE_OK)
        code = look_at_texts(run);
    loop->batches = code == CODE_OK ? count_batches(run->stream, loop->batch_size) : 0;
    if (code != CODE_OK || known_end)
        return code;
    code = set_total_steps(run, loop);
    if (code == CODE_OK)
        code = make_trainer(run);
    if (code == CODE_OK)
        code = chunks_rewind(run->stream);
    return code == CODE_OK ? look_at_texts(run) : code;
}

static int reserve_order(stream_loop *loop, size_t rows)
{
    if (rows <= loop->capacity)
        return CODE_OK;
    free(loop->order);
    loop->capacity = 0;
    loop->order = malloc(rows * sizeof *loop->order);
    if (loop->order == NULL)
        return fail_memory("the order of a chunk");
    loop->capacity = rows;
    return CODE_OK;
}

/* The epoch's last step may have gathered fewer batches than the others. */
static int end_steps(training *run, bool gathered)
{
    tc_step step = TC_STEP_INIT;
    if (!gathered)
        return CODE_OK;
    if (tc_trainer_apply(run->trainer, &step) != TC_OK)
        return fail_library(NULL);
    run->steps = step.step;
    return CODE_OK;
}

static int train_chunk(stream_loop *loop, const tc_examples *examples, const chunk_place *at)
{
    training *run = loop->state.run;
    int code = reserve_order(loop, at->rows);
    if (code == CODE_OK)
        code = chunk_order(examples, at->rows, (size_t)loop->batch_size, loop->by_length, loop->seed, loop->epoch,
                           run->stream->next - 1, loop->order);
    if (code != CODE_OK)
        return code;
    if (tc_trainer_begin_chunk(run->trainer, examples, at->first) != TC_OK)
        return fail_library(NULL);
    for (size_t first = 0; code == CODE_OK && first < at->rows; first += (size_t)loop->batch_size) {
        size_t left = at->rows - first;
        run->interrupted = loop->state.gathered == 0 && interrupt_requested();
        if (run->interrupted)
            return CODE_OK;
        tc_batch batch = TC_BATCH_INIT;
        batch.rows = loop->order + first;
        batch.row_count = left < loop->batch_size ? left : (size_t)loop->batch_size;
        batch.epoch = loop->epoch;
        batch.position = ++loop->position;
        batch.batches = loop->batches;
        bool rest = batch.position == batch.batches && (loop->state.gathered + 1) % run->accumulate != 0;
        code = epochs_train_batch(&loop->state, examples, &batch);
        if (code == CODE_OK)
            code = end_steps(run, rest);
    }
    return code;
}

static int pass_over(stream_loop *loop)
{
    training *run = loop->state.run;
    loop->position = 0;
    int code = chunks_rewind(run->stream);
    while (code == CODE_OK && !run->interrupted) {
        tc_examples *examples = NULL;
        chunk_place at;
        code = chunks_next(run->stream, &examples, &at);
        if (code != CODE_OK || examples == NULL)
            break;
        code = train_chunk(loop, examples, &at);
        tc_examples_free(examples);
    }
    return code;
}

static bool is_better(const stream_loop *loop, const tc_epoch *result)
{
    const training *run = loop->state.run;
    if (run->best_epoch == 0)
        return true;
    if (result->validation_score != run->best_score)
        return (result->validation_score > run->best_score) == (run->task != READ_TARGETS);
    return result->validation_loss < loop->best_loss;
}

static int validate(stream_loop *loop, tc_epoch *result)
{
    training *run = loop->state.run;
    tc_evaluation figures = TC_EVALUATION_INIT;
    size_t rows = 0;
    if (tc_examples_count(run->validation, &rows) != TC_OK ||
        tc_evaluate(run->model, run->validation, NULL, rows, &figures) != TC_OK)
        return fail_library(NULL);
    result->validated = 1;
    result->validation_loss = figures.loss;
    result->validation_score = run->task == READ_LABELS    ? figures.micro_f1
                               : run->task == READ_TARGETS ? figures.mean_squared_error
                                                           : figures.accuracy;
    loop->since_best++;
    result->improved = is_better(loop, result);
    if (!result->improved)
        return CODE_OK;
    tc_model *best = NULL;
    if (tc_model_clone(run->model, &best) != TC_OK)
        return fail_library(NULL);
    tc_model_free(run->best);
    run->best = best;
    run->best_epoch = result->epoch;
    run->best_score = result->validation_score;
    loop->best_loss = result->validation_loss;
    loop->since_best = 0;
    return CODE_OK;
}

static int end_epoch(stream_loop *loop, bool *finished)
{
    training *run = loop->state.run;
    tc_epoch result = TC_EPOCH_INIT;
    result.epoch = loop->epoch;
    result.loss = loop->state.loss;
    result.tokens = loop->state.current.tokens;
    int code = run->validation != NULL ? validate(loop, &result) : CODE_OK;
    if (code != CODE_OK)
        return code;
    result.best_epoch = run->best_epoch;
    result.best_score = run->best_score;
    *finished = loop->epoch >= run->epochs || (loop->patience > 0 && loop->since_best >= loop->patience);
    result.finished = *finished;
    return epochs_end(&loop->state, &result);
}

/* The best epoch's model takes the place of the last one's; its thresholds are tuned where that is asked for. */
static int take_best(training *run)
{
    bool tuned = false;
    size_t rows = 0;
    if (run->best == NULL)
        return CODE_OK;
    tc_trainer_free(run->trainer);
    tc_model_free(run->model);
    run->trainer = NULL;
    run->model = run->best;
    run->best = NULL;
    int code = is_option(run, "tune_thresholds", "true", &tuned);
    if (code != CODE_OK || !tuned)
        return code;
    tc_status status = tc_examples_count(run->validation, &rows);
    if (status == TC_OK)
        status = tc_tune_thresholds(run->model, run->validation, NULL, rows);
    return status == TC_OK ? CODE_OK : fail_library(NULL);
}

int chunk_epochs_run(training *run)
{
    stream_loop loop = {.state = {.run = run, .current = {.result = TC_EPOCH_INIT}}};
    bool finished = false;
    int code = prepare(run, &loop);
    if (code == CODE_OK)
        note("%zu texts come in %zu chunks%s", chunks_rows(run->stream), run->stream->count,
             run->stream->kept != NULL ? " from the cache" : "");
    while (code == CODE_OK && !finished && !run->interrupted) {
        loop.epoch++;
        code = pass_over(&loop);
        if (code == CODE_OK && !run->interrupted)
            code = end_epoch(&loop, &finished);
    }
    free(loop.order);
    return code == CODE_OK ? take_best(run) : code;
}
