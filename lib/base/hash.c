/* hash.c: see hash.h. Both widths share their state and the functions that feed it; only the ends differ. */
#include "base/hash.h"

#include <string.h>
#include <xxhash.h>

_Static_assert(sizeof(XXH3_state_t) <= sizeof(tci_hash_stream), "room for the state");

uint64_t tci_hash(const void *data, size_t size, uint64_t seed)
{
    return XXH3_64bits_withSeed(data, size, seed);
}

void tci_hash_begin(tci_hash_stream *stream)
{
    XXH3_state_t *state = (XXH3_state_t *)(void *)stream->state;
    XXH3_INITSTATE(state);
    (void)XXH3_64bits_reset(state);
}

void tci_hash_add(tci_hash_stream *stream, const void *data, size_t size)
{
    if (size > 0)
        (void)XXH3_64bits_update((XXH3_state_t *)(void *)stream->state, data, size);
}

uint64_t tci_hash_end(const tci_hash_stream *stream)
{
    return XXH3_64bits_digest((const XXH3_state_t *)(const void *)stream->state);
}

void tci_hash_end_128(const tci_hash_stream *stream, uint8_t digest[TCI_HASH_128])
{
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest((const XXH3_state_t *)(const void *)stream->state));
    memcpy(digest, canonical.digest, sizeof canonical.digest);
}
