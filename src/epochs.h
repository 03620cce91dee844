/* epochs.h: the loop of epochs of `textclf train`: steps, progress, checkpoints, and the end that Ctrl-C asks for. */
#ifndef PROGRAM_EPOCHS_H
#define PROGRAM_EPOCHS_H

#include <textclf/textclf.h>

#include "arguments.h"
#include "chunks.h"
#include "reader.h"

typedef struct epoch_record {
    tc_epoch result;
    double seconds;  /* of training steps alone */
    uint64_t tokens; /* trained on by this process, after truncation */
} epoch_record;

typedef struct training {
    const arguments *given;
    reader_task task;
    tc_model *model;
    tc_trainer *trainer;
    tc_batcher *batcher;
    tc_examples *examples;
    tc_examples *validation; /* NULL: none of its own */
    chunks *stream;          /* texts come in chunks, without batcher and examples; or NULL */
    tc_model *best;          /* of a stream: the model of the best epoch, or NULL */
    uint64_t epochs;         /* that the options ask for */
    uint64_t accumulate;     /* batches per optimizer step */
    epoch_record *records;   /* one a finished epoch of this process */
    size_t record_count;
    size_t record_capacity;
    uint64_t best_epoch;
    double best_score;
    double seconds; /* of all training steps */
    uint64_t tokens;
    uint64_t steps; /* optimizer steps taken, those before a resume included */
    bool interrupted;
    char weights[16];      /* of the model file; training itself has f32 */
    char max_features[32]; /* of the model file; training itself has all */
    bool judged;           /* the file's model, which was converted, was validated again */
    double file_loss, file_score;
} training;

/* Where the loop stands. */
typedef struct epoch_loop {
    training *run;
    epoch_record current;
    double loss; /* running mean of the epoch, for the eye only */
    double loss_weight;
    uint64_t gathered;     /* batches of the optimizer step that has begun */
    uint64_t batches_done; /* by this process */
    bool due;              /* a checkpoint is to be written at the next place for one */
    double shown;          /* when the status line was drawn */
} epoch_loop;

/* Trains on a batch of these examples, and shows how far it is. */
int epochs_train_batch(epoch_loop *state, const tc_examples *examples, const tc_batch *batch);
/* Tells and keeps what an epoch gave, and begins the next. */
int epochs_end(epoch_loop *state, const tc_epoch *result);

/* The loop over chunks: as epochs_run() without checkpoints. run->trainer is made there. */
int chunk_epochs_run(training *run);

/* Trains to the end, or to Ctrl-C (run->interrupted); the checkpoint is written, the model is not. An exit code,
 * told. */
int epochs_run(training *run);

/* The name of a task's validation score: "accuracy", "micro_f1" or "mean_squared_error". */
const char *epochs_score_name(reader_task task);
/* The same for people. */
const char *epochs_score_title(reader_task task);

#endif
