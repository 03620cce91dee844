/* predict_block.c: see predict_block.h. A block is handed over and back under one lock. Signals stay with the caller;
 * a thread that cannot be started only means that nothing overlaps. */
#include "predict_block.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "messages.h"

int predict_block_put(predict_block *block, const reader *source, const record *next)
{
    size_t length = next->text.length;
    if (block->capacity - block->size < length || block->capacity == 0) {
        size_t larger = block->capacity == 0 ? BLOCK_BYTES : block->capacity;
        while (larger - block->size < length)
            larger = larger <= SIZE_MAX / 2 ? larger * 2 : SIZE_MAX;
        char *grown = realloc(block->bytes, larger);
        if (grown == NULL)
            return fail("%s, line %llu: not enough memory for a text of %zu bytes", reader_name(source),
                        (unsigned long long)next->line, length);
        block->bytes = grown;
        block->capacity = larger;
    }
    if (length > 0)
        memcpy(block->bytes + block->size, next->text.data, length);
    block->texts[block->count] = NULL;
    block->offsets[block->count] = block->size;
    block->lengths[block->count] = length;
    block->lines[block->count++] = next->line;
    block->size += length;
    return CODE_OK;
}

int predict_block_reserve(predict_block *block, size_t label_count)
{
    size_t needed = block->count * label_count;
    if (needed <= block->score_capacity)
        return CODE_OK;
    float *grown = realloc(block->scores, needed * sizeof *grown);
    if (grown == NULL)
        return fail_memory("the scores");
    block->scores = grown;
    block->score_capacity = needed;
    return CODE_OK;
}

void predict_block_score(predict_block *block, const tc_model *model)
{
    for (size_t i = 0; i < block->count; i++)
        if (block->texts[i] == NULL)
            block->texts[i] = block->bytes + block->offsets[i];
    size_t count = 0;
    block->status = tc_predict_batch(model, block->texts, block->lengths, block->count, block->score_capacity,
                                     block->scores, &count);
}

void predict_block_free(predict_block *block)
{
    free(block->bytes);
    free(block->scores);
}

void scorer_init(scorer *ahead, const tc_model *model, bool alone)
{
    *ahead = (scorer){.model = model, .alone = alone};
    (void)pthread_mutex_init(&ahead->lock, NULL); /* with default attributes neither fails */
    (void)pthread_cond_init(&ahead->changed, NULL);
}

static void *score(void *argument)
{
    scorer *ahead = argument;
    pthread_mutex_lock(&ahead->lock);
    for (;;) {
        while (!ahead->ended && (ahead->given == NULL || ahead->scored))
            pthread_cond_wait(&ahead->changed, &ahead->lock);
        if (ahead->given == NULL || ahead->scored)
            break;
        predict_block *block = ahead->given;
        pthread_mutex_unlock(&ahead->lock);
        predict_block_score(block, ahead->model);
        pthread_mutex_lock(&ahead->lock);
        ahead->scored = true;
        pthread_cond_broadcast(&ahead->changed);
    }
    pthread_mutex_unlock(&ahead->lock);
    return NULL;
}

static bool start(scorer *ahead)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    ahead->started = pthread_create(&ahead->thread, NULL, score, ahead) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    ahead->alone = !ahead->started;
    return ahead->started;
}

bool scorer_give(scorer *ahead, predict_block *block)
{
    if (ahead->alone || (!ahead->started && !start(ahead)))
        return false;
    pthread_mutex_lock(&ahead->lock);
    ahead->given = block;
    ahead->scored = false;
    pthread_cond_broadcast(&ahead->changed);
    pthread_mutex_unlock(&ahead->lock);
    return true;
}

predict_block *scorer_take(scorer *ahead)
{
    pthread_mutex_lock(&ahead->lock);
    while (ahead->given != NULL && !ahead->scored)
        pthread_cond_wait(&ahead->changed, &ahead->lock);
    predict_block *block = ahead->given;
    ahead->given = NULL;
    pthread_mutex_unlock(&ahead->lock);
    return block;
}

void scorer_free(scorer *ahead)
{
    if (ahead->started) {
        pthread_mutex_lock(&ahead->lock);
        ahead->ended = true;
        pthread_cond_broadcast(&ahead->changed);
        pthread_mutex_unlock(&ahead->lock);
        pthread_join(ahead->thread, NULL);
    }
    pthread_cond_destroy(&ahead->changed);
    pthread_mutex_destroy(&ahead->lock);
}
