/* order.c: splits, shuffles (Fisher and Yates, with Philox numbers) and length buckets. */
#include "train/order.h"

#include <string.h>

#include "base/cpu.h"
#include "base/random.h"

static void shuffle(size_t *items, size_t count, tci_random *random)
{
    for (size_t i = count; i > 1; i--) {
        size_t k = (size_t)tci_random_below(random, i);
        size_t item = items[i - 1];
        items[i - 1] = items[k];
        items[k] = item;
    }
}

size_t tci_split_size(size_t count, double share)
{
    if (share <= 0 || count < 2)
        return 0;
    tci_float_environment environment = tci_float_enter(); /* the host's rounding would show */
    size_t size = (size_t)((double)count * share + 0.5);
    tci_float_leave(environment);
    return size < 1 ? 1 : size >= count ? count - 1 : size;
}

void tci_split_rows(size_t count, size_t held_out, uint64_t seed, size_t *rows, size_t *scratch)
{
    tci_random random;
    tci_random_init(&random, seed, TCI_RANDOM_SPLIT, 0);
    for (size_t i = 0; i < count; i++)
        scratch[i] = i;
    shuffle(scratch, count, &random);
    memset(rows, 0, count * sizeof *rows); /* marks first, numbers afterwards */
    for (size_t i = 0; i < held_out; i++)
        rows[scratch[i]] = 1;
    size_t held = 0, kept = held_out;
    for (size_t i = 0; i < count; i++)
        scratch[rows[i] ? held++ : kept++] = i;
    memcpy(rows, scratch, count * sizeof *rows);
}

void tci_epoch_order(const tc_examples *examples, const size_t *rows, size_t count, size_t batch_size, uint64_t seed,
                     uint64_t epoch, size_t *order, tci_row *keys, tci_row *swap, size_t *scratch)
{
    tci_random random;
    tci_random_init(&random, seed, TCI_RANDOM_SHUFFLE, epoch);
    memcpy(scratch, rows, count * sizeof *rows);
    shuffle(scratch, count, &random);
    const tci_ngram_options *ngrams = &examples->pipeline->options.ngrams;
    if (ngrams->bag || ngrams->buckets > 0) { /* a bag has no length to wait for */
        memcpy(order, scratch, count * sizeof *order);
        return;
    }
    size_t stretch = batch_size > count / TCI_BUCKET ? count : batch_size * TCI_BUCKET;
    for (size_t begin = 0; begin < count; begin += stretch) {
        size_t length = count - begin < stretch ? count - begin : stretch;
        for (size_t i = 0; i < length; i++) {
            keys[i] = tci_examples_row(examples, scratch[begin + i]);
            keys[i].position = (uint32_t)i;
        }
        tci_rows_sort(keys, swap, length);
        for (size_t i = 0; i < length; i++)
            order[begin + i] = scratch[begin + keys[i].position];
    }
    /* full batches change places as blocks */
    size_t batches = count / batch_size;
    memcpy(scratch, order, count * sizeof *order);
    for (size_t i = batches; i > 1; i--) {
        size_t k = (size_t)tci_random_below(&random, i);
        for (size_t r = 0; k != i - 1 && r < batch_size; r++) {
            size_t row = scratch[(i - 1) * batch_size + r];
            scratch[(i - 1) * batch_size + r] = scratch[k * batch_size + r];
            scratch[k * batch_size + r] = row;
        }
    }
    memcpy(order, scratch, count * sizeof *order);
}
