/* stage.c: what all stages share: working memory, growing lists, and pieces from delimiters. */
#include "text/stage.h"

void tci_work_init(tci_work *work, tci_memory *memory)
{
    *work = (tci_work){.memory = memory};
}

void tci_work_free(tci_work *work)
{
    for (size_t i = 0; i < TCI_WORK_COUNT; i++) {
        if (work->blocks[i].drop && work->blocks[i].bytes)
            work->blocks[i].drop(work, work->blocks[i].bytes);
        tci_free(work->memory, work->blocks[i].bytes);
    }
    tci_work_init(work, work->memory);
}

tc_status tci_work_room(tci_work *work, tci_work_slot slot, size_t count, size_t size, void *pointer)
{
    size_t bytes = 0;
    if (!tci_multiply(count, size, &bytes))
        return tci_fail(TC_ERROR_LIMIT, "working memory of a tokenizer: %zu elements of %zu bytes", count, size);
    TCI_RETURN_IF(tci_reserve(work->memory, bytes, SIZE_MAX / 4, 1, "working memory of a tokenizer",
                              &work->blocks[slot].capacity, &work->blocks[slot].bytes));
    memcpy(pointer, &work->blocks[slot].bytes, sizeof(char *));
    return TC_OK;
}

tc_status tci_pieces_grow(tci_pieces *pieces)
{
    return tci_reserve(pieces->memory, pieces->count + 1, UINT32_MAX, sizeof *pieces->items, "pieces of a text",
                       &pieces->capacity, &pieces->items);
}

tc_status tci_word_tokens_grow(tci_word_tokens *tokens)
{
    return tci_reserve(tokens->memory, tokens->count + 1, UINT32_MAX, sizeof *tokens->items, "tokens of a word",
                       &tokens->capacity, &tokens->items);
}

void tci_splitting_begin(tci_splitting *splitting, tci_pieces *out, tci_split_behavior behavior, bool invert)
{
    *splitting = (tci_splitting){.out = out, .behavior = behavior, .invert = invert};
}

/* Whether a part joins the piece that is held: delimiters that are merged join one neighbor, and not another delimiter;
 * `previous` tells of the part before (of MERGED_WITH_NEXT, too: it reads the same parts from the right). */
static bool joins(const tci_splitting *s, bool is_match)
{
    switch (s->behavior) {
    case TCI_SPLIT_MERGED_WITH_PREVIOUS:
        return is_match && !s->previous;
    case TCI_SPLIT_MERGED_WITH_NEXT:
        return s->previous && !is_match;
    case TCI_SPLIT_CONTIGUOUS:
        return is_match == s->previous;
    default:
        return false;
    }
}

tc_status tci_splitting_put(tci_splitting *s, size_t begin, size_t end, bool is_match)
{
    is_match = is_match != s->invert;
    if (s->behavior == TCI_SPLIT_REMOVED)
        return is_match ? TC_OK : tci_pieces_add(s->out, begin, end);
    if (s->held && joins(s, is_match)) {
        s->end = end;
    } else {
        TCI_RETURN_IF(tci_splitting_end(s));
        s->begin = begin;
        s->end = end;
        s->held = true;
    }
    s->previous = is_match;
    return TC_OK;
}

tc_status tci_splitting_end(tci_splitting *s)
{
    if (!s->held)
        return TC_OK;
    s->held = false;
    return tci_pieces_add(s->out, s->begin, s->end);
}
