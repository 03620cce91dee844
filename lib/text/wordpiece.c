/* wordpiece.c: greedy matching in the vocabulary's trie: one walk finds all tokens that begin at a place. A place is
 * walked from once per token, so that a word takes as many steps as its tokens are long, times the longest token at
 * worst. */
#include "text/wordpiece.h"

typedef struct wordpiece {
    tci_token_table table;
    uint32_t continuing; /* the trie's node behind the prefix, or NO_NODE */
    uint32_t unknown;    /* TCI_SUBWORD_NONE: an error */
    uint64_t max_characters;
} wordpiece;

#define NO_NODE UINT32_MAX

tc_status tci_wordpiece_create(tci_token_table *table, const tci_wordpiece_options *options, void **self)
{
    wordpiece *made = NULL;
    *self = NULL;
    TCI_RETURN_IF(tci_alloc_zero(table->memory, 1, sizeof *made, "WordPiece model", &made));
    made->max_characters = options->max_characters;
    made->unknown = tci_token_table_find(table, options->unknown, options->unknown_length);
    made->continuing = TCI_TRIE_ROOT;
    for (size_t i = 0; i < options->prefix_length && made->continuing != NO_NODE; i++) {
        uint32_t next = tci_trie_step(table->trie, made->continuing, (uint8_t)options->prefix[i]);
        made->continuing = next == TCI_TRIE_NONE ? NO_NODE : next;
    }
    made->table = *table;
    tci_token_table_init(table, table->memory);
    *self = made;
    return TC_OK;
}

static void free_model(tci_memory *memory, void *self)
{
    wordpiece *model = self;
    tci_token_table_free(&model->table);
    tci_free(memory, model);
}

static tc_status put_unknown(const wordpiece *model, size_t length, tci_word_tokens *out)
{
    if (model->unknown == TCI_SUBWORD_NONE)
        return tci_fail(TC_ERROR_FORMAT, "a word has no token, and the vocabulary lacks the one for unknown words");
    return tci_word_tokens_add(out, model->unknown, 0, length);
}

static size_t count_characters(const char *word, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++)
        count += ((unsigned char)word[i] & 0xC0) != 0x80;
    return count;
}

/* The longest token at word[at] below the trie's node: its id, and its end in *end. */
static uint32_t longest(const tci_trie *trie, uint32_t node, const char *word, size_t at, size_t length, size_t *end)
{
    uint32_t found = TCI_SUBWORD_NONE;
    for (; at < length; at++) {
        node = tci_trie_step(trie, node, (uint8_t)word[at]);
        if (node == TCI_TRIE_NONE)
            break;
        uint32_t value = tci_trie_value(trie, node);
        if (value != TCI_TRIE_NO_VALUE) {
            found = value;
            *end = at + 1;
        }
    }
    return found;
}

static tc_status tokenize_pieces(const void *self, const char *word, size_t length, tci_work *work,
                                 tci_word_tokens *out)
{
    const wordpiece *model = self;
    size_t first = out->count;
    (void)work;
    if (length > model->max_characters && count_characters(word, length) > model->max_characters)
        return put_unknown(model, length, out);
    for (size_t at = 0; at < length;) {
        uint32_t node = at == 0 ? TCI_TRIE_ROOT : model->continuing;
        size_t end = at;
        uint32_t id = node == NO_NODE ? TCI_SUBWORD_NONE : longest(model->table.trie, node, word, at, length, &end);
        if (id == TCI_SUBWORD_NONE) {
            out->count = first;
            return put_unknown(model, length, out);
        }
        TCI_RETURN_IF(tci_word_tokens_add(out, id, at, end));
        at = end;
    }
    return TC_OK;
}

static tc_status tokenize_whole(const void *self, const char *word, size_t length, tci_work *work, tci_word_tokens *out)
{
    const wordpiece *model = self;
    (void)work;
    uint32_t id = tci_token_table_find(&model->table, word, length);
    return id == TCI_SUBWORD_NONE ? put_unknown(model, length, out) : tci_word_tokens_add(out, id, 0, length);
}

static uint32_t find(const void *self, const char *token, size_t length)
{
    return tci_token_table_find(&((const wordpiece *)self)->table, token, length);
}

static const char *token(const void *self, uint32_t id, size_t *length)
{
    return tci_token_table_token(&((const wordpiece *)self)->table, id, length);
}

static size_t count(const void *self)
{
    return ((const wordpiece *)self)->table.count;
}

static size_t rows(const void *self)
{
    return ((const wordpiece *)self)->table.rows;
}

const tci_subword_model_kind tci_wordpiece_kind = {"WordPiece", tokenize_pieces, find, token, count, rows, free_model};
const tci_subword_model_kind tci_word_level_kind = {"WordLevel", tokenize_whole, find, token, count, rows, free_model};
