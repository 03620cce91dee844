/* bpe.c: making the model, and a word's way to symbols: each character is a token, or bytes of it are, or it is
 * unknown.
 *
 * As the package does it: unknown characters wait for the next known one, lengths add up from the word's start, and of
 * two merges of one pair the later counts. */
#include "text/bpe.h"

#include <string.h>

#include "text/byte_level.h"
#include "text/decode.h"

void tci_bpe_free(tci_memory *memory, void *self)
{
    tci_bpe *bpe = self;
    if (!bpe)
        return;
    tci_token_map_free(bpe->table);
    tci_free(memory, bpe->merges);
    tci_free(memory, bpe->listed);
    tci_free(memory, bpe->characters);
    tci_free(memory, bpe->borders);
    tci_buffer_free(&bpe->joined);
    tci_free(memory, bpe);
}

static tc_status set_affix(const char *what, const char *text, size_t length, char *target, size_t *target_length)
{
    if (length > TCI_BPE_AFFIX_MAX)
        return tci_fail(TC_ERROR_LIMIT, "BPE: %s of %zu bytes; at most %d are accepted", what, length,
                        TCI_BPE_AFFIX_MAX);
    if (length > 0)
        memcpy(target, text, length);
    *target_length = length;
    return TC_OK;
}

static tc_status set_options(tci_bpe *bpe, const tci_bpe_options *options)
{
    TCI_RETURN_IF(set_affix("continuing_subword_prefix", options->prefix, options->prefix_length, bpe->prefix,
                            &bpe->prefix_length));
    TCI_RETURN_IF(
        set_affix("end_of_word_suffix", options->suffix, options->suffix_length, bpe->suffix, &bpe->suffix_length));
    if (options->byte_fallback && bpe->prefix_length + bpe->suffix_length > 0)
        return tci_fail(TC_ERROR_UNSUPPORTED, "BPE: byte_fallback beside continuing_subword_prefix or "
                                              "end_of_word_suffix");
    bpe->fuse_unk = options->fuse_unk;
    bpe->byte_fallback = options->byte_fallback;
    bpe->ignore_merges = options->ignore_merges;
    bpe->has_unk = options->unk_token != NULL;
    bpe->unk =
        bpe->has_unk ? tci_token_map_find(bpe->table, options->unk_token, options->unk_length) : TCI_SUBWORD_NONE;
    return TC_OK;
}

/* Slots for the tokens of one character beyond ASCII, by code point. */
static uint32_t slot_of(const tci_bpe *bpe, uint32_t code)
{
    return (uint32_t)((code ^ bpe->seed) * 0x9E3779B97F4A7C15u >> 32) & bpe->character_mask;
}

uint32_t tci_bpe_character(const tci_bpe *bpe, uint32_t code)
{
    if (code < 0x80)
        return bpe->ascii[code];
    for (uint32_t slot = slot_of(bpe, code); bpe->characters[2 * slot] != 0; slot = (slot + 1) & bpe->character_mask)
        if (bpe->characters[2 * slot] == code + 1)
            return bpe->characters[2 * slot + 1];
    return TCI_SUBWORD_NONE;
}

/* The code point that a token is, if it is one. */
static bool is_character(const char *token, size_t length, uint32_t *code)
{
    return length > 0 && tci_decode((const uint8_t *)token, length, code) == length && *code != TCI_ILL_FORMED;
}

static tc_status list_characters(tci_bpe *bpe)
{
    size_t rows = bpe->table->rows, count = 0, slots = 16, length;
    uint32_t code;
    memset(bpe->ascii, 0xFF, sizeof bpe->ascii);
    for (size_t id = 0; id < rows; id++) {
        const char *token = tci_token_map_token(bpe->table, (uint32_t)id, &length);
        count += token && is_character(token, length, &code) && code >= 0x80;
    }
    while (slots < 2 * count)
        slots *= 2;
    bpe->character_mask = (uint32_t)(slots - 1);
    TCI_RETURN_IF(tci_alloc_zero(bpe->memory, slots, 2 * sizeof *bpe->characters, "BPE", &bpe->characters));
    for (size_t id = 0; id < rows; id++) {
        const char *token = tci_token_map_token(bpe->table, (uint32_t)id, &length);
        if (!token || !is_character(token, length, &code))
            continue;
        if (code < 0x80) {
            bpe->ascii[code] = (uint32_t)id;
            continue;
        }
        uint32_t slot = slot_of(bpe, code);
        while (bpe->characters[2 * slot] != 0)
            slot = (slot + 1) & bpe->character_mask;
        bpe->characters[2 * slot] = code + 1;
        bpe->characters[2 * slot + 1] = (uint32_t)id;
    }
    return TC_OK;
}

tc_status tci_bpe_create(tci_memory *memory, const tci_bpe_options *options, tci_token_map *table, tci_bpe **bpe)
{
    tc_status status = TC_OK;
    tci_bpe *new = NULL;
    *bpe = NULL;
    status = tci_alloc_zero(memory, 1, sizeof *new, "BPE", &new);
    if (status != TC_OK) {
        tci_token_map_free(table);
        return status;
    }
    new->memory = memory;
    new->table = table;
    new->seed = (uint64_t)(uintptr_t) new * 0x9E3779B97F4A7C15u;
    tci_buffer_init(&new->joined, memory, SIZE_MAX / 4, "a token of BPE");
    TCI_CHECK(tci_token_map_finish(table));
    TCI_CHECK(set_options(new, options));
    TCI_CHECK(list_characters(new));
    tci_token_map_list_bytes(table, new->fallback);
    *bpe = new;
    new = NULL;
done:
    tci_bpe_free(memory, new);
    return status;
}

static tc_status part_of(const tci_bpe *bpe, const char *token, size_t length, uint32_t *id)
{
    *id = tci_token_map_find(bpe->table, token, length);
    if (*id == TCI_MAP_NONE)
        return tci_fail(TC_ERROR_FORMAT, "BPE: merge %zu has %.*s, which is no token of the vocabulary",
                        bpe->listed_count, (int)(length < 80 ? length : 80), token);
    return TC_OK;
}

tc_status tci_bpe_add_merge(tci_bpe *bpe, const char *left, size_t left_length, const char *right, size_t right_length)
{
    tci_bpe_merge merge = {.rank = (uint32_t)bpe->listed_count};
    TCI_RETURN_IF(part_of(bpe, left, left_length, &merge.left));
    TCI_RETURN_IF(part_of(bpe, right, right_length, &merge.right));
    if (right_length < bpe->prefix_length)
        return tci_fail(TC_ERROR_FORMAT, "BPE: the right part of merge %zu is shorter than continuing_subword_prefix",
                        bpe->listed_count);
    bpe->joined.size = 0;
    TCI_RETURN_IF(tci_buffer_append(&bpe->joined, left, left_length));
    TCI_RETURN_IF(tci_buffer_append(&bpe->joined, right + bpe->prefix_length, right_length - bpe->prefix_length));
    TCI_RETURN_IF(part_of(bpe, bpe->joined.data, bpe->joined.size, &merge.merged));
    TCI_RETURN_IF(tci_reserve(bpe->memory, bpe->listed_count + 1, TCI_BPE_NO_RANK, sizeof *bpe->listed, "merges",
                              &bpe->listed_capacity, &bpe->listed));
    bpe->listed[bpe->listed_count++] = merge;
    return TC_OK;
}

tc_status tci_bpe_finish(tci_bpe *bpe)
{
    size_t slots = 2;
    while (slots < 2 * bpe->listed_count)
        slots *= 2;
    TCI_RETURN_IF(tci_alloc(bpe->memory, slots, sizeof *bpe->merges, "merges", &bpe->merges));
    for (size_t i = 0; i < slots; i++)
        bpe->merges[i] = (tci_bpe_merge){UINT32_MAX, UINT32_MAX, TCI_BPE_NO_RANK, 0};
    bpe->mask = slots - 1;
    for (size_t i = 0; i < bpe->listed_count; i++)
        *tci_bpe_merge_slot(bpe, bpe->listed[i].left, bpe->listed[i].right) = bpe->listed[i];
    TCI_RETURN_IF(tci_bpe_mark_borders(bpe));
    tci_free(bpe->memory, bpe->listed);
    tci_buffer_free(&bpe->joined);
    bpe->listed = NULL;
    return TC_OK;
}

/* The token of a character with what stands before and behind it, where there is room for all. */
static uint32_t affixed(const tci_bpe *bpe, const char *character, size_t length, bool is_first, bool is_last)
{
    char text[2 * TCI_BPE_AFFIX_MAX + 4];
    size_t at = 0;
    if (!is_first) {
        memcpy(text, bpe->prefix, bpe->prefix_length);
        at = bpe->prefix_length;
    }
    memcpy(text + at, character, length);
    at += length;
    if (is_last) {
        memcpy(text + at, bpe->suffix, bpe->suffix_length);
        at += bpe->suffix_length;
    }
    return tci_token_map_find(bpe->table, text, at);
}

bool tci_bpe_take_bytes(tci_bpe *bpe)
{
    if (bpe->byte_fallback)
        return false;
    for (unsigned how = 0; how < 4; how++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            char letter[2];
            size_t length = tci_byte_write((uint8_t)byte, letter);
            bpe->bytes[how][byte] = affixed(bpe, letter, length, (how & 1) == 0, (how & 2) != 0);
            if (bpe->bytes[how][byte] == TCI_SUBWORD_NONE)
                return false;
        }
    }
    bpe->takes_bytes = true;
    return true;
}

/* Where symbols of a word go, and the unknown one that waits. */
typedef struct word_state {
    tci_bpe_symbol *symbols;
    size_t count;
    uint32_t waiting; /* bytes; 0: none waits */
} word_state;

static void flush_unknown(const tci_bpe *bpe, word_state *word)
{
    if (word->waiting > 0)
        word->symbols[word->count++] = (tci_bpe_symbol){bpe->unk, word->waiting};
    word->waiting = 0;
}

static tc_status put_unknown(const tci_bpe *bpe, word_state *word, const char *character, size_t length)
{
    if (bpe->byte_fallback) {
        bool all = true;
        for (size_t i = 0; i < length; i++)
            all = all && bpe->fallback[(uint8_t)character[i]] != TCI_SUBWORD_NONE;
        for (size_t i = 0; all && i < length; i++)
            word->symbols[word->count++] = (tci_bpe_symbol){bpe->fallback[(uint8_t)character[i]], 1};
        if (all)
            return TC_OK;
    }
    if (!bpe->has_unk)
        return TC_OK;
    if (bpe->unk == TCI_SUBWORD_NONE)
        return tci_fail(TC_ERROR_FORMAT, "BPE: the vocabulary lacks unk_token, which a text needs");
    if (!bpe->fuse_unk)
        flush_unknown(bpe, word);
    word->waiting += (uint32_t)length;
    return TC_OK;
}

static tc_status put_characters(const tci_bpe *bpe, const char *text, size_t length, word_state *word)
{
    bool plain = bpe->prefix_length + bpe->suffix_length == 0;
    for (size_t at = 0, taken; at < length; at += taken) {
        uint32_t code, id;
        taken = tci_decode((const uint8_t *)text + at, length - at, &code);
        if (plain)
            id = code == TCI_ILL_FORMED ? TCI_SUBWORD_NONE : tci_bpe_character(bpe, code);
        else
            id = affixed(bpe, text + at, taken, at == 0, at + taken == length);
        if (id == TCI_SUBWORD_NONE) {
            TCI_RETURN_IF(put_unknown(bpe, word, text + at, taken));
            continue;
        }
        flush_unknown(bpe, word);
        word->symbols[word->count++] = (tci_bpe_symbol){id, (uint32_t)taken};
    }
    flush_unknown(bpe, word);
    return TC_OK;
}

static void put_bytes(const tci_bpe *bpe, const char *text, size_t length, word_state *word)
{
    for (size_t at = 0; at < length; at++) {
        unsigned how = (at > 0 ? 1u : 0u) | (at + 1 == length ? 2u : 0u);
        word->symbols[word->count++] = (tci_bpe_symbol){bpe->bytes[how][(uint8_t)text[at]], 1};
    }
}

/* The token that the whole word is, or TCI_SUBWORD_NONE. */
static tc_status whole_word(const tci_bpe *bpe, const char *text, size_t length, tci_work *work, uint32_t *id)
{
    *id = TCI_SUBWORD_NONE;
    if (length > bpe->table->longest)
        return TC_OK;
    if (bpe->takes_bytes) {
        char *letters;
        size_t at = 0;
        TCI_RETURN_IF(tci_work_room(work, TCI_WORK_MODEL, length, 2, &letters));
        for (size_t i = 0; i < length; i++)
            at += tci_byte_write((uint8_t)text[i], letters + at);
        text = letters;
        length = at;
    }
    *id = tci_token_map_find(bpe->table, text, length);
    return TC_OK;
}

static tc_status tokenize(const void *self, const char *text, size_t length, tci_work *work, tci_word_tokens *out)
{
    const tci_bpe *bpe = self;
    tci_bpe_symbol few[TCI_BPE_SHORT];
    word_state word = {few, 0, 0};
    if (length == 0)
        return TC_OK;
    if (bpe->ignore_merges) {
        uint32_t id;
        TCI_RETURN_IF(whole_word(bpe, text, length, work, &id));
        if (id != TCI_SUBWORD_NONE)
            return tci_word_tokens_add(out, id, 0, length);
    }
    if (length > TCI_BPE_SHORT)
        TCI_RETURN_IF(tci_bpe_room(work, length, &word.symbols));
    if (bpe->takes_bytes)
        put_bytes(bpe, text, length, &word);
    else
        TCI_RETURN_IF(put_characters(bpe, text, length, &word));
    tci_bpe_merge_all(bpe, word.symbols, length, &word.count);
    size_t begin = 0;
    for (size_t i = 0; i < word.count; i++) {
        size_t end = begin + word.symbols[i].length;
        TCI_RETURN_IF(tci_word_tokens_add(out, word.symbols[i].id, begin, end));
        begin = end;
    }
    return TC_OK;
}

static uint32_t find(const void *self, const char *token, size_t length)
{
    return tci_token_map_find(((const tci_bpe *)self)->table, token, length);
}

static const char *token_of(const void *self, uint32_t id, size_t *length)
{
    return tci_token_map_token(((const tci_bpe *)self)->table, id, length);
}

static size_t count(const void *self)
{
    return tci_map_count(((const tci_bpe *)self)->table->map);
}

static size_t rows(const void *self)
{
    return ((const tci_bpe *)self)->table->rows;
}

const tci_subword_model_kind tci_bpe_kind = {"BPE", tokenize, find, token_of, count, rows, tci_bpe_free};
