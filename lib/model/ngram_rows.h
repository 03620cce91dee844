/* ngram_rows.h: rows of weights that come while an ngram network is trained.
 *
 * The rows of the network's set stand first, in the order of their buckets; those of features met since then stand
 * behind them in the order in which they came, found by a hash table. Settling brings all into the order of buckets,
 * as a file has them: where the later rows are more than the earlier ones, and before a save. So a step costs nothing
 * that grows with the model, but for doubling.
 *
 * New rows are pending until they are committed: prediction does not see them, and they can be dropped. Everything of a
 * row moves with it: the network's parameters and further blocks of their layout, in which rows stand last. */
#ifndef TCI_MODEL_NGRAM_ROWS_H
#define TCI_MODEL_NGRAM_ROWS_H

#include "model/ngram_network.h"

#define TCI_NGRAM_BLOCKS 4

typedef struct tci_ngram_slot {
    uint32_t bucket, row; /* row + 1; 0: an empty slot */
} tci_ngram_slot;

struct tci_ngram_rows {
    tci_ngram_network *network;
    tci_memory *memory; /* of everything but the network's parameters */
    size_t sorted;      /* rows of the network's set */
    size_t count;       /* rows of the network */
    size_t pending;     /* rows behind these */
    size_t capacity;    /* rows that every block has room for; behind the last row they are zeros */
    uint32_t *marks;    /* (capacity) one number a row, for the trainer */
    uint32_t *buckets;  /* of the rows from `sorted` on */
    size_t bucket_capacity;
    tci_ngram_slot *slots; /* (slot_count), a power of two, at least twice as many as rows from `sorted` on */
    size_t slot_count;
    float *spare; /* room for the rows from `sorted` on */
    size_t spare_capacity;
    float **blocks[TCI_NGRAM_BLOCKS]; /* addresses of further blocks, each of which may be NULL */
    size_t block_count;
};

/* Of the rows that the network has. On failure nothing is held; else the network refers to `rows`. */
tc_status tci_ngram_rows_init(tci_ngram_rows *rows, tci_ngram_network *network, tci_memory *memory);
/* Drops what is pending and settles. */
void tci_ngram_rows_free(tci_ngram_rows *rows);

/* From now on *block moves and grows with the rows; it has tci_ngram_rows_floats() floats whenever it is not NULL. */
void tci_ngram_rows_follow(tci_ngram_rows *rows, float **block);
size_t tci_ngram_rows_floats(const tci_ngram_rows *rows);

/* Room for so many further rows. Nothing has changed when it fails. */
tc_status tci_ngram_rows_reserve(tci_ngram_rows *rows, size_t more);

/* A pending row of zeros for a bucket that has none, in room that was reserved; returns its number. */
uint32_t tci_ngram_rows_append(tci_ngram_rows *rows, uint32_t bucket);

/* Pending rows become the network's, or go. */
void tci_ngram_rows_commit(tci_ngram_rows *rows);
void tci_ngram_rows_drop(tci_ngram_rows *rows);

/* Brings the network's rows into the order of their buckets; the numbers of pending ones stay. */
void tci_ngram_rows_settle(tci_ngram_rows *rows);

#endif
