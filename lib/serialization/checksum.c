/* checksum.c: XXH3-128, seed 0, streamed over the pieces, printed in its canonical (big-endian) order. */
#include "serialization/checksum.h"

#include <string.h>

#include "base/hash.h"

_Static_assert(8 + sizeof TCI_CHECKSUM_PREFIX - 1 == TCI_CHECKSUM_AT, "the digits stand behind the mark");

bool tci_checksum_marked(const uint8_t *bytes, size_t size)
{
    return size > TCI_CHECKSUM_END && memcmp(bytes + 8, TCI_CHECKSUM_PREFIX, sizeof TCI_CHECKSUM_PREFIX - 1) == 0;
}

void tci_checksum_compute(const tci_file_piece *pieces, size_t count, char digits[TCI_CHECKSUM_DIGITS + 1])
{
    static const char zeros[] = "00000000000000000000000000000000";
    static const char hexadecimal[] = "0123456789abcdef";
    uint8_t digest[TCI_HASH_128];
    tci_hash_stream stream;
    tci_hash_begin(&stream);
    const uint8_t *first = pieces[0].data;
    tci_hash_add(&stream, first, TCI_CHECKSUM_AT);
    tci_hash_add(&stream, zeros, TCI_CHECKSUM_DIGITS);
    tci_hash_add(&stream, first + TCI_CHECKSUM_END, pieces[0].size - TCI_CHECKSUM_END);
    for (size_t i = 1; i < count; i++)
        tci_hash_add(&stream, pieces[i].data, pieces[i].size);
    tci_hash_end_128(&stream, digest);
    for (size_t i = 0; i < sizeof digest; i++) {
        digits[2 * i] = hexadecimal[digest[i] >> 4];
        digits[2 * i + 1] = hexadecimal[digest[i] & 15];
    }
    digits[TCI_CHECKSUM_DIGITS] = '\0';
}

tc_status tci_checksum_verify(const uint8_t *bytes, size_t size, char digits[TCI_CHECKSUM_DIGITS + 1])
{
    const tci_file_piece whole = {bytes, size};
    tci_checksum_compute(&whole, 1, digits);
    if (memcmp(bytes + TCI_CHECKSUM_AT, digits, TCI_CHECKSUM_DIGITS) != 0)
        return tci_fail(TC_ERROR_CHECKSUM,
                        "the file is damaged or cut short: its %zu bytes have the checksum %s, not the"
                        " one at bytes %d to %d",
                        size, digits, TCI_CHECKSUM_AT, TCI_CHECKSUM_END - 1);
    return TC_OK;
}
