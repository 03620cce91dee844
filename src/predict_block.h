/* predict_block.h: texts that are scored together, and a thread that scores one block while the next is read and the
 * last is printed. Only the caller reads, prints and tells of failures; the thread computes. */
#ifndef PROGRAM_PREDICT_BLOCK_H
#define PROGRAM_PREDICT_BLOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <textclf/textclf.h>

#include "reader.h"

#define BLOCK_TEXTS 1024
#define BLOCK_BYTES (1u << 20)

typedef struct predict_block {
    char *bytes;
    size_t size;
    size_t capacity;
    const char *texts[BLOCK_TEXTS]; /* NULL: at its offset in bytes */
    size_t offsets[BLOCK_TEXTS];
    size_t lengths[BLOCK_TEXTS];
    uint64_t lines[BLOCK_TEXTS];
    size_t count;
    float *scores; /* (count, label_count), grown as needed */
    size_t score_capacity;
    tc_status status; /* of scoring them */
} predict_block;

typedef struct scorer {
    const tc_model *model;
    bool alone; /* no thread is wanted */
    bool started;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    predict_block *given; /* held from scorer_give() to scorer_take() */
    bool scored;
    bool ended;
} scorer;

/* Copies a text of the reader's, which has room while count < BLOCK_TEXTS. An exit code, told. */
int predict_block_put(predict_block *block, const reader *source, const record *next);
/* Room for the scores. An exit code, told. */
int predict_block_reserve(predict_block *block, size_t label_count);
void predict_block_score(predict_block *block, const tc_model *model);
void predict_block_free(predict_block *block);

/* Nothing runs before a block is given. */
void scorer_init(scorer *ahead, const tc_model *model, bool alone);
/* Has the thread score the block, which is not touched until it is taken. False: there is no thread. */
bool scorer_give(scorer *ahead, predict_block *block);
/* Waits for the block that was given; NULL when none was. */
predict_block *scorer_take(scorer *ahead);
void scorer_free(scorer *ahead);

#endif
