/* byte_level.c: splits by the scanner of GPT-2's pattern, and the alphabet of bytes. */
#include "text/byte_level.h"

#include "text/decode.h"
#include "text/pattern.h"

typedef struct byte_level {
    bool add_prefix_space;
    tci_scan scan; /* NULL: pieces stay whole */
} byte_level;

/* Bytes that stand for themselves: 21 to 7E, A1 to AC, AE to FF; the other 68 are U+0100 and up, in their order. */
uint32_t tci_byte_letter(uint8_t byte)
{
    if (byte <= 0x20)
        return 0x100u + byte;
    if (byte >= 0x7F && byte <= 0xA0)
        return 0x121u + (byte - 0x7Fu);
    return byte == 0xAD ? 0x143u : byte;
}

int tci_byte_of_letter(uint32_t code)
{
    if (code >= 0x100 && code <= 0x120)
        return (int)(code - 0x100);
    if (code >= 0x121 && code <= 0x142)
        return (int)(code - 0x121 + 0x7F);
    if (code == 0x143)
        return 0xAD;
    return code <= 0xFF && tci_byte_letter((uint8_t)code) == code ? (int)code : -1;
}

size_t tci_byte_write(uint8_t byte, char letter[2])
{
    uint32_t code = tci_byte_letter(byte);
    if (code < 0x80) {
        letter[0] = (char)code;
        return 1;
    }
    letter[0] = (char)(0xC0 | code >> 6);
    letter[1] = (char)(0x80 | (code & 0x3F));
    return 2;
}

tc_status tci_byte_level_create(tci_memory *memory, bool add_prefix_space, bool use_regex, void **self)
{
    byte_level *new;
    *self = NULL;
    TCI_RETURN_IF(tci_alloc(memory, 1, sizeof *new, "ByteLevel", &new));
    *new = (byte_level){add_prefix_space, NULL};
    if (use_regex)
        new->scan = tci_scan_of(tci_gpt2_pattern, strlen(tci_gpt2_pattern));
    *self = new;
    return TC_OK;
}

/* A space before the piece, unless it begins with one; it stands for the first code point. */
static tc_status add_space(const void *self, const tci_aligned *in, tci_piece piece, size_t base, tci_aligned *out)
{
    const byte_level *stage = self;
    (void)base;
    if (stage->add_prefix_space && in->bytes[piece.begin] != ' ')
        TCI_RETURN_IF(tci_aligned_put(out, " ", 1, tci_aligned_span(in, piece.begin)));
    return tci_aligned_copy(out, in, piece.begin, piece.end);
}

static tc_status split(const void *self, const tci_aligned *text, tci_piece piece, tci_work *work, tci_pieces *out)
{
    const byte_level *stage = self;
    (void)work;
    if (!stage->scan)
        return tci_pieces_add(out, piece.begin, piece.end);
    for (size_t at = piece.begin, end; at < piece.end; at = end) {
        end = stage->scan((const uint8_t *)text->bytes, piece.end, at);
        TCI_RETURN_IF(tci_pieces_add(out, at, end));
    }
    return TC_OK;
}

static tc_status write_letters(const tci_aligned *in, size_t begin, size_t end, tci_aligned *out)
{
    for (size_t at = begin; at < end; at++) {
        char letter[2];
        size_t length = tci_byte_write((uint8_t)in->bytes[at], letter);
        TCI_RETURN_IF(tci_aligned_put(out, letter, length, tci_aligned_span(in, at)));
    }
    return TC_OK;
}

static tc_status rewrite_letters(const void *self, const tci_aligned *in, tci_piece piece, size_t base,
                                 tci_aligned *out)
{
    (void)self, (void)base;
    return write_letters(in, piece.begin, piece.end, out);
}

static tc_status normalize_letters(const void *self, const tci_aligned *in, tci_aligned *out, tci_work *work)
{
    (void)self, (void)work;
    return write_letters(in, 0, in->size, out);
}

const tci_pretokenizer_kind tci_byte_level_kind = {"ByteLevel", add_space, split, NULL};
const tci_pretokenizer_kind tci_byte_letters_kind = {"ByteLevel", rewrite_letters, NULL, NULL};
const tci_normalizer_kind tci_byte_normalizer_kind = {"ByteLevel", normalize_letters, NULL};
