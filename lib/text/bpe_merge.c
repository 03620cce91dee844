/* bpe_merge.c: merging a word. The pair of the lowest rank goes first, of equal ones the leftmost.
 *
 * Short words: the ranks of neighbors stand in an array, which is searched for its least after each merge. Long ones:
 * symbols in a linked list, and a heap of (rank, place); an entry is stale when the pair at its place has another rank
 * by now (ranks are unique). O(n log n). */
#include <string.h>

#include "text/bpe.h"

typedef struct link {
    uint32_t id, length;
    uint32_t before, behind; /* NOWHERE at the ends */
    uint32_t rank, merged;   /* of this symbol and the one behind; TCI_BPE_NO_RANK: none */
} link;
#define NOWHERE UINT32_MAX

static inline uint64_t hash_of(const tci_bpe *bpe, uint32_t left, uint32_t right)
{
    uint64_t hash = (((uint64_t)left << 32 | right) ^ bpe->seed) * 0x9E3779B97F4A7C15u;
    hash = (hash ^ hash >> 32) * 0xD6E8FEB86659FD93u;
    return hash ^ hash >> 32;
}

tci_bpe_merge *tci_bpe_merge_slot(const tci_bpe *bpe, uint32_t left, uint32_t right)
{
    for (uint64_t at = hash_of(bpe, left, right) & bpe->mask;; at = (at + 1) & bpe->mask) {
        tci_bpe_merge *merge = &bpe->merges[at];
        if ((merge->left == left && merge->right == right) || merge->rank == TCI_BPE_NO_RANK)
            return merge;
    }
}

static void merge_short(const tci_bpe *bpe, tci_bpe_symbol *symbols, size_t *count)
{
    uint32_t ranks[TCI_BPE_SHORT], merged[TCI_BPE_SHORT];
    size_t n = *count;
    for (size_t i = 0; i + 1 < n; i++) {
        const tci_bpe_merge *merge = tci_bpe_merge_slot(bpe, symbols[i].id, symbols[i + 1].id);
        ranks[i] = merge->rank;
        merged[i] = merge->merged;
    }
    while (n > 1) {
        size_t at = 0;
        for (size_t i = 1; i + 1 < n; i++)
            if (ranks[i] < ranks[at])
                at = i;
        if (ranks[at] == TCI_BPE_NO_RANK)
            break;
        symbols[at].id = merged[at];
        symbols[at].length += symbols[at + 1].length;
        n--;
        memmove(symbols + at + 1, symbols + at + 2, (n - at - 1) * sizeof *symbols);
        if (at + 1 < n) {
            memmove(ranks + at + 1, ranks + at + 2, (n - at - 2) * sizeof *ranks);
            memmove(merged + at + 1, merged + at + 2, (n - at - 2) * sizeof *merged);
        }
        for (size_t i = at > 0 ? at - 1 : 0; i <= at && i + 1 < n; i++) {
            const tci_bpe_merge *merge = tci_bpe_merge_slot(bpe, symbols[i].id, symbols[i + 1].id);
            ranks[i] = merge->rank;
            merged[i] = merge->merged;
        }
    }
    *count = n;
}

/* A heap of rank << 32 | place, the least on top. */
typedef struct heap {
    uint64_t *items;
    size_t count;
} heap;

static void sink(heap *h, size_t at)
{
    uint64_t item = h->items[at];
    for (size_t child; (child = 2 * at + 1) < h->count; at = child) {
        if (child + 1 < h->count && h->items[child + 1] < h->items[child])
            child++;
        if (item <= h->items[child])
            break;
        h->items[at] = h->items[child];
    }
    h->items[at] = item;
}

static void push(heap *h, uint64_t item)
{
    size_t at = h->count++;
    for (; at > 0 && item < h->items[(at - 1) / 2]; at = (at - 1) / 2)
        h->items[at] = h->items[(at - 1) / 2];
    h->items[at] = item;
}

static uint64_t pop(heap *h)
{
    uint64_t top = h->items[0];
    h->items[0] = h->items[--h->count];
    if (h->count > 0)
        sink(h, 0);
    return top;
}

/* Looks up the pair that begins at link `at`; true where there is a merge. */
static bool rank_pair(const tci_bpe *bpe, link *links, uint32_t at)
{
    links[at].rank = TCI_BPE_NO_RANK;
    if (links[at].behind == NOWHERE)
        return false;
    const tci_bpe_merge *merge = tci_bpe_merge_slot(bpe, links[at].id, links[links[at].behind].id);
    links[at].rank = merge->rank;
    links[at].merged = merge->merged;
    return merge->rank != TCI_BPE_NO_RANK;
}

static void merge_long(const tci_bpe *bpe, tci_bpe_symbol *symbols, size_t most, size_t *count)
{
    size_t n = *count;
    link *links = (link *)(void *)((char *)symbols - most * sizeof *links);
    for (size_t i = 0; i < n; i++)
        links[i] = (link){symbols[i].id,
                          symbols[i].length,
                          i > 0 ? (uint32_t)i - 1 : NOWHERE,
                          i + 1 < n ? (uint32_t)i + 1 : NOWHERE,
                          TCI_BPE_NO_RANK,
                          0};
    heap h = {(uint64_t *)(void *)symbols, 0}; /* where the symbols were */
    for (uint32_t i = 0; i < n; i++)
        if (rank_pair(bpe, links, i))
            h.items[h.count++] = (uint64_t)links[i].rank << 32 | i;
    for (size_t i = h.count / 2; i-- > 0;)
        sink(&h, i);
    while (h.count > 0) {
        uint64_t top = pop(&h);
        uint32_t at = (uint32_t)top, rank = (uint32_t)(top >> 32);
        if (links[at].rank != rank)
            continue;
        uint32_t gone = links[at].behind;
        links[at].id = links[at].merged;
        links[at].length += links[gone].length;
        links[at].behind = links[gone].behind;
        links[gone].rank = TCI_BPE_NO_RANK;
        if (links[at].behind != NOWHERE)
            links[links[at].behind].before = at;
        if (rank_pair(bpe, links, at))
            push(&h, (uint64_t)links[at].rank << 32 | at);
        uint32_t before = links[at].before;
        if (before != NOWHERE && rank_pair(bpe, links, before))
            push(&h, (uint64_t)links[before].rank << 32 | before);
    }
    size_t kept = 0;
    for (uint32_t i = 0; i != NOWHERE; i = links[i].behind)
        symbols[kept++] = (tci_bpe_symbol){links[i].id, links[i].length};
    *count = kept;
}

/* Links, then the heap: each pair is pushed at first, and after a merge two: less than three for each symbol. */
tc_status tci_bpe_room(tci_work *work, size_t most, tci_bpe_symbol **symbols)
{
    link *links;
    *symbols = NULL;
    TCI_RETURN_IF(tci_work_room(work, TCI_WORK_MODEL, most, sizeof *links + 3 * sizeof(uint64_t), &links));
    *symbols = (tci_bpe_symbol *)(void *)(links + most);
    return TC_OK;
}

void tci_bpe_merge_all(const tci_bpe *bpe, tci_bpe_symbol *symbols, size_t most, size_t *count)
{
    if (*count > TCI_BPE_SHORT)
        merge_long(bpe, symbols, most, count);
    else
        merge_short(bpe, symbols, count);
}
