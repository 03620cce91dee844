/* added_tokens.c: a trie walked from every place that a token may begin at; a table of first bytes passes over the
 * rest. A place costs as many steps as the longest token has bytes at worst, which TCI_TRIE_WALK bounds.
 *
 * What letters, digits and spaces are around a token, the package asks of regular expressions: \w and \s. */
#include "text/added_tokens.h"

#include <string.h>

#include "text/decode.h"

void tci_added_init(tci_added_tokens *added, tci_memory *memory)
{
    *added = (tci_added_tokens){.memory = memory};
}

void tci_added_free(tci_added_tokens *added)
{
    tci_map_free(added->contents);
    tci_free(added->memory, added->tokens);
    tci_trie_free(added->memory, added->raw.trie);
    tci_trie_free(added->memory, added->normalized.trie);
    tci_added_init(added, added->memory);
}

tc_status tci_added_put(tci_added_tokens *added, const char *content, size_t length, uint32_t id, unsigned flags)
{
    uint32_t entry;
    bool inserted;
    if (length == 0)
        return tci_fail(TC_ERROR_FORMAT, "an added token without text");
    if (!added->contents)
        TCI_RETURN_IF(tci_map_create(added->memory, &added->contents));
    TCI_RETURN_IF(tci_reserve(added->memory, added->count + 1, UINT32_MAX - 1, sizeof *added->tokens, "added tokens",
                              &added->capacity, &added->tokens));
    TCI_RETURN_IF(tci_map_insert(added->contents, content, length, &entry, &inserted));
    if (!inserted)
        return tci_fail(TC_ERROR_FORMAT, "the added token \"%.*s\" comes twice", (int)(length < 80 ? length : 80),
                        content);
    added->tokens[added->count++] = (tci_added_token){id, flags};
    return TC_OK;
}

uint32_t tci_added_find(const tci_added_tokens *added, const char *content, size_t length)
{
    return added->contents ? tci_map_find(added->contents, content, length) : TCI_MAP_NONE;
}

/* ---- finders ---- */

/* What a finder looks for, while it is made. */
typedef struct sought {
    char *bytes;
    size_t *ends;
    uint32_t *places;
    size_t size, capacity;
    uint32_t count;
} sought;

static const char *sought_key(const void *context, uint32_t i, size_t *length)
{
    const sought *keys = context;
    size_t begin = i == 0 ? 0 : keys->ends[i - 1];
    *length = keys->ends[i] - begin;
    return keys->bytes + begin;
}

/* Special tokens come first: where two are searched as the same text, the first one is found. */
static tc_status gather(const tci_added_tokens *added, unsigned normalized, tci_added_text function, void *context,
                        sought *keys)
{
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < added->count; i++) {
            unsigned flags = added->tokens[i].flags;
            const char *text;
            size_t length;
            if ((flags & TCI_ADDED_NORMALIZED) != normalized || ((flags & TCI_ADDED_SPECIAL) != 0) != (pass == 0))
                continue;
            TCI_RETURN_IF(function(context, i, &text, &length));
            if (length == 0)
                return tci_fail(TC_ERROR_UNSUPPORTED, "an added token of which normalization leaves nothing");
            TCI_RETURN_IF(tci_reserve(added->memory, keys->size + length, SIZE_MAX / 4, 1, "added tokens",
                                      &keys->capacity, &keys->bytes));
            memcpy(keys->bytes + keys->size, text, length);
            keys->size += length;
            keys->ends[keys->count] = keys->size;
            keys->places[keys->count++] = i;
        }
    return TC_OK;
}

tc_status tci_added_make_finder(tci_added_tokens *added, unsigned normalized, tci_added_text text, void *context)
{
    tci_added_finder *finder = normalized ? &added->normalized : &added->raw;
    sought keys = {0};
    tc_status status = TC_OK;
    TCI_CHECK(tci_alloc(added->memory, added->count, sizeof *keys.ends, "added tokens", &keys.ends));
    TCI_CHECK(tci_alloc(added->memory, added->count, sizeof *keys.places, "added tokens", &keys.places));
    TCI_CHECK(gather(added, normalized, text, context, &keys));
    if (keys.count == 0)
        goto done;
    TCI_CHECK(tci_trie_create(added->memory, sought_key, &keys, keys.places, keys.count, &finder->trie));
    TCI_CHECK(tci_trie_check_walk(finder->trie));
    finder->first = keys.bytes[0];
    finder->only_one = true;
    for (uint32_t i = 0; i < keys.count; i++) {
        size_t length;
        char first = sought_key(&keys, i, &length)[0];
        finder->begins[(unsigned char)first] = true;
        if (first != finder->first)
            finder->only_one = false;
    }
done:
    tci_free(added->memory, keys.bytes);
    tci_free(added->memory, keys.ends);
    tci_free(added->memory, keys.places);
    return status;
}

/* ---- searching ---- */

static size_t next_candidate(const tci_added_search *search)
{
    size_t at = search->at;
    if (search->finder->only_one) {
        const char *found = memchr(search->text + at, search->finder->first, search->size - at);
        return found ? (size_t)(found - search->text) : search->size;
    }
    while (at < search->size && !search->finder->begins[(unsigned char)search->text[at]])
        at++;
    return at;
}

/* The longest token at `at`: its end, or `at` where there is none. */
static size_t match_at(const tci_added_search *search, size_t at, uint32_t *place)
{
    const tci_trie *trie = search->finder->trie;
    uint32_t node = TCI_TRIE_ROOT;
    size_t end = at;
    for (size_t i = at; i < search->size; i++) {
        node = tci_trie_step(trie, node, (uint8_t)search->text[i]);
        if (node == TCI_TRIE_NONE)
            break;
        if (tci_trie_value(trie, node) != TCI_TRIE_NO_VALUE) {
            *place = tci_trie_value(trie, node);
            end = i + 1;
        }
    }
    return end;
}

/* The flags of the code point that ends at `end` > 0, and where it begins. */
static unsigned flags_before(const tci_added_search *search, size_t end, size_t *begin)
{
    uint32_t code;
    size_t at = end - 1;
    while (at > 0 && ((unsigned char)search->text[at] & 0xC0) == 0x80)
        at--;
    *begin = at;
    tci_decode((const uint8_t *)search->text + at, end - at, &code);
    return tci_code_flags(search->sets, code == TCI_ILL_FORMED ? TCI_REPLACEMENT : code);
}

/* The flags of the code point at `at` < size, and where it ends. */
static unsigned flags_at(const tci_added_search *search, size_t at, size_t *end)
{
    uint32_t code;
    *end = at + tci_decode((const uint8_t *)search->text + at, search->size - at, &code);
    return tci_code_flags(search->sets, code == TCI_ILL_FORMED ? TCI_REPLACEMENT : code);
}

/* Whether letters, digits or the like touch the token. */
static bool is_inside_word(const tci_added_search *search, size_t begin, size_t end)
{
    size_t other;
    return (begin > 0 && flags_before(search, begin, &other) & TCI_CODE_WORD) ||
           (end < search->size && flags_at(search, end, &other) & TCI_CODE_WORD);
}

bool tci_added_next(tci_added_search *search, tci_added_match *match)
{
    if (!search->finder->trie)
        return false;
    while (search->at < search->size) {
        size_t begin = next_candidate(search), end = begin, other;
        if (begin == search->size)
            break;
        end = match_at(search, begin, &match->place);
        if (end == begin) {
            search->at = begin + 1;
            continue;
        }
        search->at = end;
        unsigned flags = search->added->tokens[match->place].flags;
        if (flags & TCI_ADDED_SINGLE_WORD && is_inside_word(search, begin, end))
            continue;
        /* Spaces that the token before took stay its own. */
        if (flags & TCI_ADDED_LSTRIP) {
            size_t stripped = begin;
            while (stripped > 0 && stripped > search->taken && flags_before(search, stripped, &other) & TCI_CODE_SPACE)
                stripped = other;
            begin = stripped > search->taken ? stripped : search->taken;
        }
        if (flags & TCI_ADDED_RSTRIP) {
            end = end < search->spaces_end ? search->spaces_end : end;
            while (end < search->size && flags_at(search, end, &other) & TCI_CODE_SPACE)
                end = other;
            search->spaces_end = end;
        }
        end = end < begin ? begin : end; /* it stood in spaces that the one before took */
        search->taken = end;
        match->begin = begin;
        match->end = end;
        return true;
    }
    search->at = search->size;
    return false;
}
