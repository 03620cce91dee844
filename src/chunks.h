/* chunks.h: the texts of a file that are too many to be held at once, encoded a chunk at a time, in the order of the
 * file: read again for each pass, or from a cache. Where the chunks end depends on the texts and on the bytes of a
 * chunk alone. */
#ifndef PROGRAM_CHUNKS_H
#define PROGRAM_CHUNKS_H

#include "cache.h"
#include "data.h"

typedef struct chunk_place {
    size_t first, rows; /* among all rows */
    uint64_t tokens;
} chunk_place;

typedef struct chunks {
    data_encoder encoder;
    reader *source;      /* NULL: all is in the cache */
    cache *kept;         /* or NULL */
    bool kept_whole;     /* the cache can be read */
    size_t bytes;        /* of encoded texts in a chunk, about */
    bool more;           /* the source has more texts */
    chunk_place *places; /* of those that were met in the first pass */
    size_t count, capacity;
    bool known; /* the first pass is over: places are all there are */
    size_t next;
} chunks;

/* Functions return an exit code, told. */

/* The next chunk of the pass, which the caller frees; NULL when the pass is over. */
int chunks_next(chunks *all, tc_examples **examples, chunk_place *at);
/* To the first chunk again. */
int chunks_rewind(chunks *all);
void chunks_free(chunks *all);

size_t chunks_rows(const chunks *all);

/* The order in which an epoch takes the rows of a chunk: shuffled by these numbers, and where texts have lengths that
 * batches should share, cut into stretches of 50 batches, each sorted by length, cut into batches, and these shuffled.
 * order (rows). */
int chunk_order(const tc_examples *examples, size_t rows, size_t batch_size, bool by_length, uint64_t seed,
                uint64_t epoch, size_t chunk, size_t *order);

#endif
