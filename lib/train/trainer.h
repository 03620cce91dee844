/* trainer.h: one model's training: gradients, optimizer, random state, and what a checkpoint has to remember.
 *
 * backward adds Σ w·c·dL and Σ w·c over rows; apply divides once and steps. Nothing changes when a call fails, except
 * that after a gradient that is not finite everything gathered since the last apply is dropped: batches that were
 * gathered and not applied are not done, and come again. Knows nothing of files. */
#ifndef TCI_TRAIN_TRAINER_H
#define TCI_TRAIN_TRAINER_H

#include "base/team.h"
#include "layer/loss.h"
#include "model/bag_training.h"
#include "model/classifier.h"
#include "model/examples.h"
#include "model/ngram_dual.h"
#include "model/ngram_training.h"
#include "optimizer/optimizer.h"
#include "textclf/trainer.h"

/* Where the epochs stand; whole 64-bit words, so that a checkpoint keeps it as one tensor. */
typedef struct tci_progress {
    uint64_t steps;        /* optimizer steps */
    uint64_t epoch;        /* from 1; 0 before any batcher */
    uint64_t position;     /* batches of the epoch that are done */
    uint64_t best_epoch;   /* 0: none yet */
    uint64_t since_best;   /* validated epochs without improvement */
    uint64_t finished;     /* patience used up */
    uint64_t has_examples; /* the fingerprint counts */
    uint64_t fingerprint;  /* of the batcher's examples */
    uint64_t tokens;       /* of this epoch */
    double loss_sum;       /* Σ w·c·L of this epoch */
    double loss_weight;    /* Σ w·c of this epoch */
    double best_score;
    double best_loss;
} tci_progress;

#define TCI_PROGRESS_WORDS (sizeof(tci_progress) / sizeof(uint64_t))

/* What was gathered since the last apply. */
typedef struct tci_gathered {
    tci_loss_sum sum;
    uint64_t rows, tokens, backwards;
    uint64_t batches;      /* those of the batcher among them, of its epoch */
    uint64_t batch_tokens; /* and their share of the sums */
    tci_loss_sum batch_sum;
} tci_gathered;

/* A batch that the batcher handed out: training on exactly these rows of these examples counts it as done. */
typedef struct tci_batch_place {
    const size_t *rows;
    size_t count;
    const tc_examples *examples;
    bool last; /* of the epoch: a step ends with it */
} tci_batch_place;

struct tc_trainer {
    tci_memory memory;
    tc_model *model; /* kept alive */
    tci_options options;
    tci_pool *pool;
    tci_training *training;
    tci_gradients gradients;
    tci_optimizer *optimizer;
    size_t deepest; /* level of the lowest tensors that option `freeze` leaves */
    tci_ngram_training *ngram; /* gradients of arch ngram, beside `optimizer`; else NULL */
    /* What has neither training, gradients nor optimizer (train/direct.h); both NULL where these are. */
    tci_dual *dual;       /* optimizer dcd */
    tci_bag_trainer *bag; /* arch ngram with embedding_dim */
    const tci_loss *loss;
    float *class_weights; /* (labels) or NULL */
    bool weights_pending; /* `balanced`, resolved from the first examples and stored with the model by their step */
    tci_gathered gathered;
    tci_progress progress; /* of what was applied */
    float *best;           /* trained parameters of the best epoch, or NULL */
    bool has_batcher;
    tci_batch_place batch; /* what the batcher handed out last and was not trained on yet */
    /* working memory of a batch */
    tci_row *rows;       /* twice row_capacity: the second half is for sorting */
    size_t *row_numbers; /* of the examples, in the sorted order */
    uint32_t *classes;
    float *targets, *weights, *logits, *dlogits;
    size_t row_capacity;
};

/* `config` NULL: the options stored in the model. */
tc_status tci_trainer_create(tc_model *model, const tci_options *config, tc_trainer **trainer);
void tci_trainer_free(tc_trainer *trainer);

tc_status tci_trainer_backward(tc_trainer *trainer, const tc_examples *examples, const size_t *rows, size_t row_count,
                               tc_step *step);
tc_status tci_trainer_apply(tc_trainer *trainer, tc_step *step);
/* Gathers what the trainers of arch ngram want to know of these rows (NULL: all) before the first step.
 * TC_ERROR_UNSUPPORTED with another arch. */
tc_status tci_trainer_count(tc_trainer *trainer, const tc_examples *examples, const size_t *rows, size_t row_count);

/* Chunks of more examples than are held at once: counted each before the first step (only with optimizer dcd), and made
 * ready, again and again, to be learned from. */
tc_status tci_trainer_count_chunk(tc_trainer *trainer, const tc_examples *examples);
tc_status tci_trainer_begin_chunk(tc_trainer *trainer, const tc_examples *examples, size_t first_row);

/* backward, and apply when accumulate_steps have gathered or the batcher's last batch of the epoch. */
tc_status tci_trainer_step(tc_trainer *trainer, const tc_examples *examples, const size_t *rows, size_t row_count,
                           tc_step *step);

/* The schedule's last step, known once the examples are; only before the first step. */
tc_status tci_trainer_set_total_steps(tc_trainer *trainer, uint64_t total_steps);

/* What a checkpoint keeps of the optimizer: blocks 0, 1, ... of the trained parameters, and their names; NULL behind
 * the last. */
float *tci_trainer_state(tc_trainer *trainer, size_t index, const char **name);

/* Floats of a block that holds the trained parameters and grows with them. */
size_t tci_trainer_block_floats(const tc_trainer *trainer);

tci_schedule tci_trainer_schedule(const tci_options *options);

/* A schedule that needs total_steps gets them from the batcher; until then any number stands in, and no step is
 * taken. */
bool tci_trainer_lacks_total_steps(const tci_options *options);

/* After the parameters changed: packs them, for training and for the model, which share what prediction reads. */
void tci_trainer_refresh(tc_trainer *trainer);

#endif
