/* hash.h: XXH3 (xxHash's functions of 64 and 128 bits), in one place: its code is large, and inlined where it is
 * included. */
#ifndef TCI_BASE_HASH_H
#define TCI_BASE_HASH_H

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>

/* XXH3-64 of the bytes. */
uint64_t tci_hash(const void *data, size_t size, uint64_t seed);

/* The same with seed 0, or XXH3-128, over bytes that come in pieces. */
typedef struct tci_hash_stream {
    alignas(64) uint8_t state[640];
} tci_hash_stream;

#define TCI_HASH_128 16

void tci_hash_begin(tci_hash_stream *stream);
void tci_hash_add(tci_hash_stream *stream, const void *data, size_t size);
uint64_t tci_hash_end(const tci_hash_stream *stream);
/* In the canonical order of bytes: the most significant first. */
void tci_hash_end_128(const tci_hash_stream *stream, uint8_t digest[TCI_HASH_128]);

#endif
