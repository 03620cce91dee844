/* epochs.c: see epochs.h.
 *
 * A checkpoint is written, and Ctrl-C obeyed, only between optimizer steps: never while gradients of a step that has
 * begun are gathered. A step ends with its last batch, or with the epoch. */
#include "epochs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "interrupt.h"
#include "messages.h"

#define STATUS_SECONDS 0.2

const char *epochs_score_name(reader_task task)
{
    return task == READ_LABELS ? "micro_f1" : task == READ_TARGETS ? "mean_squared_error" : "accuracy";
}

const char *epochs_score_title(reader_task task)
{
    return task == READ_LABELS ? "micro F1" : task == READ_TARGETS ? "mean squared error" : "accuracy";
}

static int save_checkpoint(const training *run)
{
    return tc_trainer_save(run->trainer, run->given->checkpoint) == TC_OK ? CODE_OK : fail_library(NULL);
}

static void show(epoch_loop *state, const tc_batch *batch)
{
    const training *run = state->run;
    double now = clock_seconds();
    if (!status_on_terminal() || now - state->shown < STATUS_SECONDS)
        return;
    state->shown = now;
    uint64_t epochs_left = run->epochs > batch->epoch ? run->epochs - batch->epoch : 0;
    uint64_t left = epochs_left * batch->batches + (batch->batches - batch->position);
    double each = run->seconds / (double)(state->batches_done > 0 ? state->batches_done : 1);
    uint64_t seconds_left = (uint64_t)(each * (double)left + 0.5);
    status_line("epoch %" PRIu64 " of %" PRIu64 ", %3.0f %%, %.0f tokens/s, loss %.4f, %" PRIu64 ":%02" PRIu64 " left",
                batch->epoch, run->epochs, 100.0 * (double)batch->position / (double)batch->batches,
                run->seconds > 0.0 ? (double)run->tokens / run->seconds : 0.0, state->loss, seconds_left / 60,
                seconds_left % 60);
}

static void tell(const training *run, const epoch_record *entry)
{
    const tc_epoch *result = &entry->result;
    char validation[160] = "";
    if (result->validated != 0)
        snprintf(validation, sizeof validation, ", validation loss %.4f, %s %.4f%s", result->validation_loss,
                 epochs_score_title(run->task), result->validation_score,
                 result->improved != 0 ? " (best so far)" : "");
    note("epoch %" PRIu64 " of %" PRIu64 ": loss %.4f%s, %.0f tokens/s, %.1f s", result->epoch, run->epochs,
         result->loss, validation, entry->seconds > 0.0 ? (double)entry->tokens / entry->seconds : 0.0, entry->seconds);
}

/* Tokens that the batch trains on. */
static int count_tokens(const tc_examples *examples, const tc_batch *batch, uint64_t *tokens)
{
    *tokens = 0;
    for (size_t i = 0; i < batch->row_count; i++) {
        size_t row_tokens = 0;
        if (tc_examples_tokens(examples, batch->rows[i], &row_tokens) != TC_OK)
            return fail_library(NULL);
        *tokens += row_tokens;
    }
    return CODE_OK;
}

/* An optimizer step is over. */
static void count_step(epoch_loop *state, const tc_step *step)
{
    training *run = state->run;
    uint64_t every = run->given->checkpoint_every;
    state->gathered = 0;
    run->steps = step->step;
    state->loss_weight += step->weight;
    if (state->loss_weight > 0.0)
        state->loss += (step->loss - state->loss) * step->weight / state->loss_weight;
    state->due = state->due || (every != 0 && step->step % every == 0);
}

int epochs_train_batch(epoch_loop *state, const tc_examples *examples, const tc_batch *batch)
{
    training *run = state->run;
    uint64_t tokens = 0;
    int code = count_tokens(examples, batch, &tokens);
    if (code != CODE_OK)
        return code;
    tc_step step = TC_STEP_INIT;
    double start = clock_seconds();
    tc_status status = tc_train_step(run->trainer, examples, batch->rows, batch->row_count, &step);
    if (status == TC_ERROR_NUMERIC)
        return fail("%s; a smaller --learning-rate may help", tc_last_error());
    if (status != TC_OK)
        return fail_library(NULL);
    double seconds = clock_seconds() - start;
    state->current.seconds += seconds;
    state->current.tokens += tokens;
    run->seconds += seconds;
    run->tokens += tokens;
    state->batches_done++;
    state->gathered = batch->position == batch->batches ? 0 : (state->gathered + 1) % run->accumulate;
    if (state->gathered == 0)
        count_step(state, &step);
    show(state, batch);
    return CODE_OK;
}

static int keep_record(training *run, const epoch_record *entry)
{
    if (run->record_count == run->record_capacity) {
        size_t larger = run->record_capacity == 0 ? 16 : run->record_capacity * 2;
        epoch_record *grown = realloc(run->records, larger * sizeof *grown);
        if (grown == NULL)
            return fail_memory("the figures of the epochs");
        run->records = grown;
        run->record_capacity = larger;
    }
    run->records[run->record_count++] = *entry;
    return CODE_OK;
}

int epochs_end(epoch_loop *state, const tc_epoch *result)
{
    state->current.result = *result;
    tell(state->run, &state->current);
    int code = keep_record(state->run, &state->current);
    state->current = (epoch_record){.result = TC_EPOCH_INIT};
    state->loss = state->loss_weight = 0.0;
    return code;
}

/* The batches are used up: the epoch is judged. */
static int finish_epoch(epoch_loop *state, bool *finished)
{
    training *run = state->run;
    tc_epoch result = TC_EPOCH_INIT;
    if (tc_batcher_finish_epoch(run->batcher, &result) != TC_OK)
        return fail_library(NULL);
    run->best_epoch = result.best_epoch;
    run->best_score = result.best_score;
    *finished = result.finished != 0;
    int code = epochs_end(state, &result);
    bool wanted = run->given->checkpoint != NULL && (run->given->checkpoint_every == 0 || state->due || *finished);
    state->due = false;
    return code == CODE_OK && wanted ? save_checkpoint(run) : code;
}

/* Whether the run that is resumed had come to its end: there is nothing left to train. */
static bool over_already(const training *run, tc_status status)
{
    return status == TC_ERROR_STATE && run->given->resume != NULL && run->record_count == 0 && run->steps == 0;
}

int epochs_run(training *run)
{
    epoch_loop state = {.run = run, .current = {.result = TC_EPOCH_INIT}};
    bool finished = false;
    while (!finished) {
        tc_batch batch = TC_BATCH_INIT;
        tc_status status = tc_batcher_next(run->batcher, &batch);
        if (over_already(run, status)) {
            note("%s: the training was over; raise --epochs to go on", run->given->resume);
            return CODE_OK;
        }
        if (status != TC_OK)
            return fail_library(NULL);
        int code = CODE_OK;
        bool between_steps = state.gathered == 0;
        run->interrupted = between_steps && interrupt_requested();
        if (code == CODE_OK && run->given->checkpoint != NULL && between_steps && (state.due || run->interrupted)) {
            code = save_checkpoint(run);
            state.due = false;
        }
        if (code == CODE_OK && !run->interrupted)
            code = batch.row_count > 0 ? epochs_train_batch(&state, run->examples, &batch)
                                       : finish_epoch(&state, &finished);
        if (code != CODE_OK || run->interrupted)
            return code;
    }
    return CODE_OK;
}
