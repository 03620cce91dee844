/* added_tokens.h: the tokens that a tokenizer finds in a text before its model sees it: leftmost first, and of those
 * that begin at one place the longest. Two sets: tokens found in the text as it came, and tokens found in what the
 * normalizer left of what is between those (TCI_ADDED_NORMALIZED). */
#ifndef TCI_TEXT_ADDED_TOKENS_H
#define TCI_TEXT_ADDED_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "text/code_sets.h"
#include "text/trie.h"

enum {
    TCI_ADDED_SPECIAL = 1,
    TCI_ADDED_LSTRIP = 2,
    TCI_ADDED_RSTRIP = 4,
    TCI_ADDED_SINGLE_WORD = 8,
    TCI_ADDED_NORMALIZED = 16
};

typedef struct tci_added_token {
    uint32_t id;
    unsigned flags;
} tci_added_token;

typedef struct tci_added_finder {
    tci_trie *trie;   /* to the token's place in the list; NULL: the set is empty */
    bool begins[256]; /* bytes that one of them begins with */
    bool only_one;    /* of these bytes there is */
    char first;       /* which, where there is one */
} tci_added_finder;

typedef struct tci_added_tokens {
    tci_memory *memory;
    tci_map *contents; /* entry i is token i's content */
    tci_added_token *tokens;
    size_t count, capacity;
    tci_added_finder raw, normalized;
} tci_added_tokens;

void tci_added_init(tci_added_tokens *added, tci_memory *memory);
void tci_added_free(tci_added_tokens *added);
/* TC_ERROR_FORMAT for one that is empty or there already. */
tc_status tci_added_put(tci_added_tokens *added, const char *content, size_t length, uint32_t id, unsigned flags);
uint32_t tci_added_find(const tci_added_tokens *added, const char *content, size_t length); /* a place, or MAP_NONE */

/* What a token is searched as; `context` and place as given. The text lasts until the next call. */
typedef tc_status (*tci_added_text)(void *context, uint32_t place, const char **text, size_t *length);
/* The finder of the tokens whose flags & TCI_ADDED_NORMALIZED is `normalized`. TC_ERROR_LIMIT for one that is searched
 * as more than TCI_TRIE_WALK bytes. */
tc_status tci_added_make_finder(tci_added_tokens *added, unsigned normalized, tci_added_text text, void *context);

/* The tokens of a text one after the other. */
typedef struct tci_added_search {
    const tci_added_tokens *added;
    const tci_added_finder *finder;
    const tci_code_sets *sets;
    const char *text;
    size_t size;
    size_t at;         /* where the search goes on */
    size_t taken;      /* end of the last token, with the spaces it took */
    size_t spaces_end; /* from a token before to there all are spaces */
} tci_added_search;

typedef struct tci_added_match {
    size_t begin, end; /* with the spaces it takes; may begin before the end of the one before */
    uint32_t place;
} tci_added_match;

/* The next one; false at the end of the text. Before it, [taken as it was, match->begin) is text. */
bool tci_added_next(tci_added_search *search, tci_added_match *match);

#endif
