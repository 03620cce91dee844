/* bpe_borders.c: splitting a text where no merge can reach across.
 *
 * Two neighboring characters that stand side by side in no merged token are never joined, so the text on both sides of
 * them can be merged by itself. Which pairs do is kept as bits at hashed places: a pair that falls on another's bit is
 * no border, which costs time and changes nothing. */
#include <string.h>

#include "text/bpe.h"
#include "text/decode.h"

static uint32_t place_of(uint32_t left, uint32_t right, uint32_t mask)
{
    uint64_t hash = ((uint64_t)left << 32 | right) * 0x9E3779B97F4A7C15u;
    return (uint32_t)(hash >> 32) & mask;
}

static bool is_border(const tci_bpe *bpe, uint32_t left, uint32_t right)
{
    uint32_t place = place_of(left, right, bpe->border_mask);
    return (bpe->borders[place >> 6] >> (place & 63) & 1) == 0;
}

/* Symbols that stand for characters other than their own: the unknown one, and bytes. */
static bool is_alias(const tci_bpe *bpe, uint32_t id)
{
    if (bpe->has_unk && id == bpe->unk)
        return true;
    for (size_t i = 0; bpe->byte_fallback && i < 256; i++)
        if (bpe->fallback[i] == id)
            return true;
    return false;
}

/* Whether a word's tokens depend on its neighboring characters alone. */
static bool is_neighborly(const tci_bpe *bpe)
{
    bool has_all_bytes = bpe->byte_fallback;
    for (size_t i = 0; i < 256; i++)
        has_all_bytes = has_all_bytes && bpe->fallback[i] != TCI_SUBWORD_NONE;
    if (bpe->ignore_merges || bpe->prefix_length + bpe->suffix_length > 0)
        return false;
    if (!has_all_bytes && (bpe->fuse_unk || !bpe->has_unk || bpe->byte_fallback))
        return false;
    for (size_t i = 0; i < bpe->listed_count; i++)
        if (is_alias(bpe, bpe->listed[i].left) || is_alias(bpe, bpe->listed[i].right))
            return false;
    return true;
}

/* Calls for each pair of neighboring characters of merged tokens; marks them where there are bits. */
static size_t visit_pairs(tci_bpe *bpe)
{
    size_t pairs = 0;
    for (size_t i = 0; i < bpe->listed_count; i++) {
        size_t length = 0, taken;
        const char *token = tci_token_map_token(bpe->table, bpe->listed[i].merged, &length);
        uint32_t code, before = 0;
        for (size_t at = 0; token && at < length; at += taken, before = code) {
            taken = tci_decode((const uint8_t *)token + at, length - at, &code);
            if (at == 0)
                continue;
            pairs++;
            uint32_t place = place_of(before, code, bpe->border_mask);
            if (bpe->borders)
                bpe->borders[place >> 6] |= (uint64_t)1 << (place & 63);
        }
    }
    return pairs;
}

#define MAX_BITS ((size_t)1 << 24)

tc_status tci_bpe_mark_borders(tci_bpe *bpe)
{
    if (!is_neighborly(bpe))
        return TC_OK;
    size_t pairs = visit_pairs(bpe), bits = 1024;
    while (bits < 8 * pairs && bits < MAX_BITS)
        bits *= 2;
    TCI_RETURN_IF(tci_alloc_zero(bpe->memory, bits / 64, sizeof *bpe->borders, "BPE", &bpe->borders));
    bpe->border_mask = (uint32_t)(bits - 1);
    visit_pairs(bpe);
    return TC_OK;
}

bool tci_bpe_has_borders(const tci_bpe *bpe)
{
    return bpe->borders != NULL && !bpe->takes_bytes;
}

bool tci_bpe_has_border_before(const tci_bpe *bpe, uint32_t code)
{
    static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    if (!tci_bpe_has_borders(bpe))
        return false;
    for (size_t i = 0; letters[i]; i++)
        if (!is_border(bpe, (uint32_t)letters[i], code))
            return false;
    return true;
}

static tc_status split(const void *self, const tci_aligned *text, tci_piece piece, tci_work *work, tci_pieces *out)
{
    const tci_bpe *bpe = self;
    (void)work;
    if (!tci_bpe_has_borders(bpe))
        return tci_pieces_add(out, piece.begin, piece.end);
    size_t begin = piece.begin, taken;
    uint32_t code, before = 0;
    for (size_t at = begin; at < piece.end; at += taken, before = code) {
        taken = tci_decode((const uint8_t *)text->bytes + at, piece.end - at, &code);
        if (at == piece.begin || !is_border(bpe, before, code))
            continue;
        TCI_RETURN_IF(tci_pieces_add(out, begin, at));
        begin = at;
    }
    return tci_pieces_add(out, begin, piece.end);
}

static void keep(tci_memory *memory, void *self)
{
    (void)memory, (void)self;
}

const tci_pretokenizer_kind tci_bpe_borders_kind = {"borders of BPE", NULL, split, keep};
