/* unigram.c: the best path through a word, as the package finds it.
 *
 * best[i] = max over tokens that end at byte i of best[begin] + score, from left to right; a later path wins only where
 * it is better. Where no token is just the one character at a place, the unknown token is, with 10 less than the least
 * of all scores. Sums are in double, in the order of the path, so that ties fall as they do there.
 * Neighboring unknown characters become one token. */
#include "text/unigram.h"

#include <string.h>

#include "text/trie.h"

#define UNKNOWN_PENALTY 10.0
#define NOWHERE UINT32_MAX

struct tci_unigram {
    tci_token_map *table;
    tci_trie *trie; /* tokens to ids */
    double *scores;
    double unknown_score;
    uint32_t unk_id;
    bool byte_fallback;
    uint32_t fallback[256]; /* ids of <0x00> to <0xFF> */
};

/* The best path that ends at a byte. */
typedef struct path_end {
    double score;
    uint32_t begin; /* of its last token; NOWHERE: no path */
    uint32_t id;
} path_end;

void tci_unigram_free(tci_memory *memory, void *self)
{
    tci_unigram *unigram = self;
    if (!unigram)
        return;
    tci_token_map_free(unigram->table);
    tci_trie_free(memory, unigram->trie);
    tci_free(memory, unigram->scores);
    tci_free(memory, unigram);
}

static const char *key_of(const void *context, uint32_t i, size_t *length)
{
    return tci_map_key(((const tci_token_map *)context)->map, i, length);
}

static tc_status fill(tci_memory *memory, tci_unigram *unigram, const double *scores, size_t count)
{
    tci_token_map *table = unigram->table;
    TCI_RETURN_IF(tci_token_map_finish(table));
    if (table->rows > count)
        return tci_fail(TC_ERROR_FORMAT, "Unigram: a token has id %zu, of %zu scores", table->rows - 1, count);
    if (unigram->unk_id != TCI_SUBWORD_NONE && unigram->unk_id >= count)
        return tci_fail(TC_ERROR_FORMAT, "Unigram: unk_id is %u, of %zu tokens", (unsigned)unigram->unk_id, count);
    TCI_RETURN_IF(tci_alloc(memory, count, sizeof *scores, "Unigram", &unigram->scores));
    double least = count > 0 ? scores[0] : 0;
    for (size_t i = 0; i < count; i++) {
        unigram->scores[i] = scores[i];
        least = scores[i] < least ? scores[i] : least;
    }
    unigram->unknown_score = least - UNKNOWN_PENALTY;
    tci_token_map_list_bytes(table, unigram->fallback);
    TCI_RETURN_IF(
        tci_trie_create(memory, key_of, table, table->ids, (uint32_t)tci_map_count(table->map), &unigram->trie));
    return tci_trie_check_walk(unigram->trie);
}

tc_status tci_unigram_create(tci_memory *memory, tci_token_map *table, const double *scores, size_t count,
                             uint32_t unk_id, bool byte_fallback, tci_unigram **unigram)
{
    *unigram = NULL;
    tci_unigram *new = NULL;
    tc_status status = tci_alloc_zero(memory, 1, sizeof *new, "Unigram", &new);
    if (status != TC_OK) {
        tci_token_map_free(table);
        return status;
    }
    new->table = table;
    new->unk_id = unk_id;
    new->byte_fallback = byte_fallback;
    status = fill(memory, new, scores, count);
    if (status != TC_OK) {
        tci_unigram_free(memory, new);
        return status;
    }
    *unigram = new;
    return TC_OK;
}

static tc_status no_unknown(void)
{
    return tci_fail(TC_ERROR_FORMAT, "Unigram: the tokenizer has no unk_id, which a text needs");
}

static inline void offer(path_end *end, double score, size_t begin, uint32_t id)
{
    if (end->begin != NOWHERE && !(score > end->score))
        return;
    *end = (path_end){score, (uint32_t)begin, id};
}

static inline size_t character_length(uint8_t first)
{
    return first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

static tc_status find_path(const tci_unigram *unigram, const uint8_t *word, size_t length, path_end *ends)
{
    for (size_t i = 0; i <= length; i++)
        ends[i].begin = NOWHERE;
    ends[0].score = 0;
    for (size_t at = 0, size; at < length; at += size) {
        double score = ends[at].score;
        uint32_t node = TCI_TRIE_ROOT;
        bool is_known = false;
        size = character_length(word[at]);
        if (size > length - at)
            size = length - at;
        for (size_t i = at; i < length; i++) {
            node = tci_trie_step(unigram->trie, node, word[i]);
            if (node == TCI_TRIE_NONE)
                break;
            uint32_t id = tci_trie_value(unigram->trie, node);
            if (id == TCI_TRIE_NO_VALUE)
                continue;
            offer(&ends[i + 1], unigram->scores[id] + score, at, id);
            is_known = is_known || i + 1 - at == size;
        }
        if (is_known)
            continue;
        if (unigram->unk_id == TCI_SUBWORD_NONE)
            return no_unknown();
        offer(&ends[at + size], unigram->unknown_score + score, at, unigram->unk_id);
    }
    return TC_OK;
}

/* A part of the word that is unknown, which by chance may be a token: else bytes of it where they all have tokens. */
static tc_status put_unknown(const tci_unigram *unigram, const char *word, size_t begin, size_t end,
                             tci_word_tokens *out)
{
    uint32_t id = tci_token_map_find(unigram->table, word + begin, end - begin);
    bool as_bytes = id == TCI_MAP_NONE && unigram->byte_fallback;
    for (size_t i = begin; as_bytes && i < end; i++)
        as_bytes = unigram->fallback[(uint8_t)word[i]] != TCI_MAP_NONE;
    if (!as_bytes)
        return tci_word_tokens_add(out, id == TCI_MAP_NONE ? unigram->unk_id : id, begin, end);
    for (size_t i = begin; i < end; i++)
        TCI_RETURN_IF(tci_word_tokens_add(out, unigram->fallback[(uint8_t)word[i]], begin, end));
    return TC_OK;
}

/* Turns the path, which is known from its end, round: `begin` of a token's first byte is then where the token ends. */
static void turn_round(const tci_unigram *unigram, path_end *ends, size_t length)
{
    path_end here = ends[length];
    for (uint32_t end = (uint32_t)length; end > 0;) {
        uint32_t begin = here.begin, id = here.id;
        path_end before = ends[begin];
        while (begin > 0 && id == unigram->unk_id && before.id == id) {
            begin = before.begin;
            before = ends[begin];
        }
        ends[begin].begin = end;
        ends[begin].id = id;
        here = before;
        end = begin;
    }
}

static tc_status tokenize(const void *self, const char *word, size_t length, tci_work *work, tci_word_tokens *out)
{
    const tci_unigram *unigram = self;
    path_end *ends;
    if (length == 0)
        return TC_OK;
    TCI_RETURN_IF(tci_work_room(work, TCI_WORK_MODEL, length + 1, sizeof *ends, &ends));
    TCI_RETURN_IF(find_path(unigram, (const uint8_t *)word, length, ends));
    turn_round(unigram, ends, length);
    for (size_t begin = 0, end; begin < length; begin = end) {
        end = ends[begin].begin;
        if (ends[begin].id == unigram->unk_id)
            TCI_RETURN_IF(put_unknown(unigram, word, begin, end, out));
        else
            TCI_RETURN_IF(tci_word_tokens_add(out, ends[begin].id, begin, end));
    }
    return TC_OK;
}

static uint32_t find(const void *self, const char *token, size_t length)
{
    return tci_token_map_find(((const tci_unigram *)self)->table, token, length);
}

static const char *token_of(const void *self, uint32_t id, size_t *length)
{
    return tci_token_map_token(((const tci_unigram *)self)->table, id, length);
}

static size_t count(const void *self)
{
    return tci_map_count(((const tci_unigram *)self)->table->map);
}

static size_t rows(const void *self)
{
    return ((const tci_unigram *)self)->table->rows;
}

const tci_subword_model_kind tci_unigram_kind = {"Unigram", tokenize, find, token_of, count, rows, tci_unigram_free};
