/* cache.h: encoded texts in a file that the user names, chunk by chunk, so that texts are encoded once however often
 * they are learned from.
 *
 * 16 bytes "textclf.cache 1\n"; eight u64, little-endian: bytes, number and CRC-32 of the texts (cache_key), bytes of
 * a chunk, chunks, rows, 0, CRC-32 of the bytes before. Then the chunks, each: bytes and rows as u64, and what
 * tc_examples_save_memory() gives, which has a digest and the fingerprints of the model. A file is written under
 * another name until it is whole. */
#ifndef PROGRAM_CACHE_H
#define PROGRAM_CACHE_H

#include <stdbool.h>

#include <textclf/textclf.h>

typedef struct cache cache;

/* Which data a cache is of. */
typedef struct cache_key {
    uint64_t bytes, texts, crc;
    uint64_t chunk_bytes;
} cache_key;

/* Functions return an exit code, told. */

/* Opens the cache at `path`, or begins to write it where there is none (*found false). One of other data is an error,
 * so is a file that is no cache. */
int cache_open(const char *path, const cache_key *key, cache **opened, bool *found);
/* One that is not finished is removed. NULL is a no-op. */
void cache_close(cache *kept);

int cache_add(cache *kept, const tc_examples *examples);
/* The cache is whole and gets its name; it can be read from then on. */
int cache_finish(cache *kept);

size_t cache_chunks(const cache *kept);
int cache_read(cache *kept, size_t chunk, const tc_model *model, tc_examples **examples);

/* A file without a name beside `path`, for texts that come only once and are read again. */
int cache_spool(const char *path, int *file);

#endif
