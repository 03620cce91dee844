/* train.c: `textclf train`: data to a model file.
 *
 * What would fail at the end (a folder that is not there) is tried before training. Weights other than f32, and fewer
 * features, are made of the trained ones when the model is written. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "commands.h"
#include "interrupt.h"
#include "messages.h"
#include "output.h"
#include "target.h"
#include "work.h"

static int check_arguments(const arguments *given)
{
    if (given->operand_count > 0)
        return misuse("train: %s is not expected here; the data is named with --input", given->operands[0]);
    if (given->input == NULL || given->output == NULL)
        return misuse("train: --%s is missing; usage: textclf train --input FILE --output MODEL "
                      "[--OPTION VALUE ...]",
                      given->input == NULL ? "input" : "output");
    if (given->checkpoint_every != 0 && given->checkpoint == NULL)
        return misuse("train: --checkpoint-every needs --checkpoint FILE to say where");
    if (given->validation != NULL && strcmp(given->validation, "-") == 0 && strcmp(given->input, "-") == 0)
        return misuse("train: only one of --input and --validation can be standard input");
    if (given->pretrained != NULL && given->resume != NULL)
        return misuse("train: a checkpoint has its weights; give either --pretrained or --resume");
    if (given->cache != NULL && given->resume != NULL)
        return misuse("train: --resume goes on with texts that are all in memory, without --cache");
    if (given->validation != NULL && arguments_gave(given, "validation_split"))
        return misuse("train: give either --validation or --validation-split, not both");
    if (given->checkpoint != NULL && strcmp(given->checkpoint, given->output) == 0)
        return misuse("train: --checkpoint and --output are both %s; give them different files", given->output);
    int code = target_check("--output", given->output);
    if (code == CODE_OK)
        code = target_check_folder(given->output, given->adapters_only);
    if (code == CODE_OK && given->checkpoint != NULL)
        code = target_check("--checkpoint", given->checkpoint);
    if (code == CODE_OK && given->cache != NULL)
        code = target_check("--cache", given->cache);
    return code;
}

static int number_option(const training *run, const char *key, uint64_t *number)
{
    char value[64];
    int code = arguments_gave(run->given, key) ? given_option(run->given, key, value, sizeof value)
                                               : data_model_option(run->model, key, value, sizeof value);
    if (code == CODE_OK)
        *number = strtoull(value, NULL, 10);
    return code;
}

static int start_training(training *run)
{
    if (run->stream != NULL) {
        int code = number_option(run, "epochs", &run->epochs);
        return code == CODE_OK ? number_option(run, "accumulate_steps", &run->accumulate) : code;
    }
    if (run->trainer == NULL && tc_trainer_create(run->model, run->given->config, &run->trainer) != TC_OK)
        return fail_library(NULL);
    if (tc_batcher_create(run->trainer, run->examples, run->validation, &run->batcher) != TC_OK)
        return fail_library(NULL);
    int code = number_option(run, "epochs", &run->epochs);
    return code == CODE_OK ? number_option(run, "accumulate_steps", &run->accumulate) : code;
}

/* What the converted model makes of the texts that the epochs were judged by. */
static tc_status judge(training *run, const tc_model *converted)
{
    const size_t *rows = NULL;
    size_t row_count = 0;
    tc_evaluation figures = TC_EVALUATION_INIT;
    if (run->best_epoch == 0)
        return TC_OK;
    tc_status status = run->validation != NULL ? tc_examples_count(run->validation, &row_count)
                                               : tc_batcher_validation_rows(run->batcher, &rows, &row_count);
    if (status == TC_OK)
        status = tc_evaluate(converted, run->validation != NULL ? run->validation : run->examples,
                             run->validation != NULL ? NULL : rows, row_count, &figures);
    if (status != TC_OK)
        return status;
    run->judged = true;
    run->file_loss = figures.loss;
    run->file_score = run->task == READ_LABELS    ? figures.micro_f1
                      : run->task == READ_TARGETS ? figures.mean_squared_error
                                                  : figures.accuracy;
    note("the model in the file: validation loss %.4f, %s %.4f", run->file_loss, epochs_score_title(run->task),
         run->file_score);
    return TC_OK;
}

/* The model with the weights and features that were asked for. */
static int save_model(training *run)
{
    tc_model *converted = NULL;
    if (strcmp(run->weights, "f32") == 0 && strcmp(run->max_features, "0") == 0)
        return target_write(run->given->output, run->given->adapters_only, run->model) == TC_OK ? CODE_OK
                                                                                                 : fail_library(NULL);
    tc_status status = tc_config_set(run->given->config, "weights", run->weights);
    if (status == TC_OK)
        status = tc_config_set(run->given->config, "max_features", run->max_features);
    if (status == TC_OK)
        status = tc_model_convert(run->model, run->given->config, &converted);
    if (status == TC_OK)
        status = judge(run, converted);
    if (status == TC_OK)
        status = target_write(run->given->output, run->given->adapters_only, converted);
    tc_model_free(converted);
    return status == TC_OK ? CODE_OK : fail_library(NULL);
}

/* The best weights, or the current ones where nothing was validated, into the model file. */
static int write_model(training *run)
{
    if (run->stream == NULL && tc_batcher_restore_best(run->batcher) != TC_OK)
        return fail_library(NULL);
    int code = save_model(run);
    if (code != CODE_OK)
        return code;
    char which[64] = "the model as it is after the last step";
    if (run->best_epoch > 0)
        snprintf(which, sizeof which, "the best model, of epoch %" PRIu64 ",", run->best_epoch);
    if (!run->interrupted)
        note("wrote %s to %s", run->best_epoch > 0 ? which : "the model", run->given->output);
    else if (run->given->checkpoint != NULL)
        note("interrupted: wrote %s to %s and the checkpoint to %s", which, run->given->output, run->given->checkpoint);
    else
        note("interrupted: wrote %s to %s", which, run->given->output);
    return CODE_OK;
}

static void put_json(const work *all, size_t examples, size_t validation_examples)
{
    const training *run = &all->run;
    json_output json = {0};
    emit_begin(&json, '{');
    emit_key_text(&json, "model", run->given->output);
    emit_key_unsigned(&json, "examples", examples);
    emit_key_unsigned(&json, "validation_examples", validation_examples);
    emit_key_unsigned(&json, "skipped_lines", all->skipped);
    emit_key(&json, "epochs");
    emit_begin(&json, '[');
    for (size_t i = 0; i < run->record_count; i++) {
        const epoch_record *entry = &run->records[i];
        emit_begin(&json, '{');
        emit_key_unsigned(&json, "epoch", entry->result.epoch);
        emit_key_double(&json, "loss", entry->result.loss);
        emit_key_double(&json, "seconds", entry->seconds);
        emit_key_double(&json, "tokens_per_second",
                        entry->seconds > 0.0 ? (double)entry->tokens / entry->seconds : 0.0);
        if (entry->result.validated != 0) {
            emit_key(&json, "validation");
            emit_begin(&json, '{');
            emit_key_double(&json, "loss", entry->result.validation_loss);
            emit_key_double(&json, epochs_score_name(run->task), entry->result.validation_score);
            emit_key_bool(&json, "best", entry->result.improved != 0);
            emit_end(&json, '}');
        }
        emit_end(&json, '}');
    }
    emit_end(&json, ']');
    emit_key(&json, "best_epoch");
    if (run->best_epoch > 0)
        emit_unsigned(&json, run->best_epoch);
    else
        emit_null(&json);
    if (run->judged) {
        emit_key(&json, "file_validation");
        emit_begin(&json, '{');
        emit_key_double(&json, "loss", run->file_loss);
        emit_key_double(&json, epochs_score_name(run->task), run->file_score);
        emit_end(&json, '}');
    }
    emit_key_unsigned(&json, "steps", run->steps);
    emit_key_unsigned(&json, "tokens", run->tokens);
    emit_key_double(&json, "seconds", run->seconds);
    emit_key_double(&json, "tokens_per_second", run->seconds > 0.0 ? (double)run->tokens / run->seconds : 0.0);
    emit_key_bool(&json, "interrupted", run->interrupted);
    emit_end(&json, '}');
    putchar('\n');
}

static int report(const work *all)
{
    const training *run = &all->run;
    size_t examples = 0;
    size_t validation = 0;
    const size_t *rows = NULL;
    if (run->stream != NULL)
        examples = (size_t)all->summary.texts;
    else if (tc_examples_count(run->examples, &examples) != TC_OK)
        return fail_library(NULL);
    tc_status status = TC_OK;
    if (run->validation != NULL)
        status = tc_examples_count(run->validation, &validation);
    else if (run->stream == NULL)
        status = tc_batcher_validation_rows(run->batcher, &rows, &validation);
    if (status != TC_OK)
        return fail_library(NULL);
    put_json(all, examples, validation);
    return CODE_OK;
}

static int work_through(work *all)
{
    training *run = &all->run;
    int code = work_read_input(all);
    if (code == CODE_OK)
        code = work_read_validation(all);
    if (code == CODE_OK)
        code = start_training(run);
    if (code == CODE_OK)
        code = run->stream != NULL ? chunk_epochs_run(run) : epochs_run(run);
    if (run->stream != NULL && run->stream->source != NULL && reader_skipped(run->stream->source) > all->skipped)
        all->skipped = reader_skipped(run->stream->source);
    if (code == CODE_OK)
        code = write_model(run);
    if (code == CODE_OK && run->given->json)
        code = report(all);
    if (code == CODE_OK && run->interrupted)
        code = CODE_INTERRUPTED;
    else if (code == CODE_INTERRUPTED)
        note("interrupted before training began; nothing was written");
    return code;
}

/* Keeps what was asked for of the file's model, and takes it out of the config that makes model and trainer. */
static int train_whole(training *run, arguments *given)
{
    int code = given_option(given, "weights", run->weights, sizeof run->weights);
    if (code == CODE_OK)
        code = given_option(given, "max_features", run->max_features, sizeof run->max_features);
    if (code == CODE_OK && arguments_gave(given, "weights") && tc_config_set(given->config, "weights", "f32") != TC_OK)
        code = fail_library(NULL);
    if (code == CODE_OK && arguments_gave(given, "max_features") &&
        tc_config_set(given->config, "max_features", "0") != TC_OK)
        code = fail_library(NULL);
    return code;
}

int train(arguments *given)
{
    int code = check_arguments(given);
    if (code == CODE_OK)
        code = arguments_default_threads(given, 0);
    if (code != CODE_OK)
        return code;
    interrupt_install();
    work all = {.run = {.given = given}};
    code = train_whole(&all.run, given);
    if (code == CODE_OK)
        code = work_through(&all);
    tc_batcher_free(all.run.batcher);
    tc_trainer_free(all.run.trainer);
    tc_examples_free(all.run.examples);
    tc_examples_free(all.run.validation);
    tc_model_free(all.run.best);
    chunks_free(&all.stream);
    tc_model_free(all.run.model);
    labels_free(all.known);
    labels_free(all.unknown);
    free(all.run.records);
    return code;
}
