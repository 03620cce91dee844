/* learned.c: the most frequent pair becomes a token, over and over, in time that follows the symbols (Sennrich, Haddow
 * and Birch, "Neural Machine Translation of Rare Words with Subword Units", 2016), with counts that are kept up to
 * date.
 *
 * Each place of a symbol stands in two doubly linked lists: its word's, and the one of all places whose symbol and the
 * next make the same pair. A merge walks the list of its pair and moves the neighbours to other lists, each step at
 * constant cost. A heap holds every pair once with the count that it had when it was put there: counts that fell since
 * are corrected when the pair comes to the top, counts that rose move it up behind the merge. */
#include "text/learned.h"

#include <string.h>

#include "base/sort.h"

#define NONE UINT32_MAX
#define SYMBOLS_MAX ((size_t)NONE)

typedef struct place {
    uint32_t id; /* of the symbol; NONE: it went into the one before */
    uint32_t word;
    uint32_t previous, next;     /* places of the word */
    uint32_t pair;               /* that begins here, or NONE */
    uint32_t pair_back, pair_on; /* places of the pair */
} place;

typedef struct pair {
    uint64_t count;  /* now */
    uint64_t stored; /* when it was put into the heap */
    uint32_t left, right;
    uint32_t first; /* place, or NONE */
    uint32_t at;    /* in the heap, or NONE */
    bool is_touched;
    bool is_merged; /* learned before: a later token may set its symbols side by side again */
} pair;

typedef struct learner {
    tci_learned *learned;
    tci_memory *memory;
    const uint64_t *weights;
    place *places; /* (symbols) */
    tci_map *keys; /* the two ids of a pair: entry = pair */
    pair *pairs;
    size_t pair_capacity;
    uint32_t *heap;
    size_t heap_count, heap_capacity;
    uint32_t *touched; /* pairs whose count rose in this merge */
    size_t touched_count, touched_capacity;
    uint32_t *same; /* places of a pair of equal symbols, and room for sorting */
    size_t same_capacity;
    char *bytes; /* of a merged token */
    size_t bytes_capacity;
} learner;

tc_status tci_learned_begin(tci_learned *learned, tci_memory *memory, const tci_learn_options *options)
{
    *learned = (tci_learned){.memory = memory, .special_count = options->special_count};
    TCI_RETURN_IF(tci_map_create(memory, &learned->tokens));
    for (size_t i = 0; i < options->special_count; i++)
        TCI_RETURN_IF(
            tci_map_insert(learned->tokens, options->special[i], strlen(options->special[i]), &(uint32_t){0}, NULL));
    return TC_OK;
}

void tci_learned_free(tci_learned *learned)
{
    if (!learned->memory)
        return;
    tci_map_free(learned->tokens);
    tci_free(learned->memory, learned->merges);
    *learned = (tci_learned){0};
}

void tci_symbols_init(tci_symbols *symbols, tci_memory *memory)
{
    *symbols = (tci_symbols){.memory = memory};
}

void tci_symbols_free(tci_symbols *symbols)
{
    tci_free(symbols->memory, symbols->ids);
    tci_free(symbols->memory, symbols->ends);
    tci_free(symbols->memory, symbols->weights);
}

tc_status tci_symbols_add(tci_symbols *symbols, uint32_t id)
{
    if (symbols->count == symbols->capacity)
        TCI_RETURN_IF(tci_reserve(symbols->memory, symbols->count + 1, SYMBOLS_MAX, sizeof *symbols->ids,
                                  "symbols of words", &symbols->capacity, &symbols->ids));
    symbols->ids[symbols->count++] = id;
    return TC_OK;
}

tc_status tci_symbols_end(tci_symbols *symbols, uint64_t weight)
{
    TCI_RETURN_IF(tci_reserve(symbols->memory, symbols->words + 1, SYMBOLS_MAX, sizeof *symbols->ends, "ends of words",
                              &symbols->end_capacity, &symbols->ends));
    TCI_RETURN_IF(tci_reserve(symbols->memory, symbols->words + 1, SYMBOLS_MAX, sizeof *symbols->weights,
                              "counts of words", &symbols->weight_capacity, &symbols->weights));
    symbols->ends[symbols->words] = (uint32_t)symbols->count;
    symbols->weights[symbols->words++] = weight;
    return TC_OK;
}

/* Whether pair a comes to the top before pair b. */
static bool comes_first(const learner *l, uint32_t a, uint32_t b)
{
    const pair *x = &l->pairs[a], *y = &l->pairs[b];
    if (x->stored != y->stored)
        return x->stored > y->stored;
    return x->left != y->left ? x->left < y->left : x->right < y->right;
}

static void put_at(learner *l, size_t at, uint32_t number)
{
    l->heap[at] = number;
    l->pairs[number].at = (uint32_t)at;
}

static void sift_up(learner *l, size_t at)
{
    uint32_t number = l->heap[at];
    for (; at > 0 && comes_first(l, number, l->heap[(at - 1) / 2]); at = (at - 1) / 2)
        put_at(l, at, l->heap[(at - 1) / 2]);
    put_at(l, at, number);
}

static void sift_down(learner *l, size_t at)
{
    uint32_t number = l->heap[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= l->heap_count)
            break;
        if (child + 1 < l->heap_count && comes_first(l, l->heap[child + 1], l->heap[child]))
            child++;
        if (!comes_first(l, l->heap[child], number))
            break;
        put_at(l, at, l->heap[child]);
        at = child;
    }
    put_at(l, at, number);
}

/* Takes the top, whose stored count is its count, out of the heap. */
static void take_top(learner *l)
{
    l->pairs[l->heap[0]].at = NONE;
    uint32_t last = l->heap[--l->heap_count];
    if (l->heap_count > 0) {
        put_at(l, 0, last);
        sift_down(l, 0);
    }
}

/* The heap follows the counts that rose. */
static tc_status settle(learner *l)
{
    for (size_t i = 0; i < l->touched_count; i++) {
        uint32_t number = l->touched[i];
        pair *p = &l->pairs[number];
        p->is_touched = false;
        if (p->at == NONE) {
            TCI_RETURN_IF(tci_reserve(l->memory, l->heap_count + 1, SYMBOLS_MAX, sizeof *l->heap, "heap of pairs",
                                      &l->heap_capacity, &l->heap));
            p->stored = p->count;
            put_at(l, l->heap_count, number);
            sift_up(l, l->heap_count++);
        } else if (p->count > p->stored) {
            p->stored = p->count;
            sift_up(l, p->at);
        }
    }
    l->touched_count = 0;
    return TC_OK;
}

/* Puts the place into the list of the pair that begins there. */
static tc_status join(learner *l, uint32_t at)
{
    place *here = &l->places[at];
    uint32_t key[2] = {here->id, l->places[here->next].id}, number;
    bool is_new = false;
    TCI_RETURN_IF(tci_reserve(l->memory, tci_map_count(l->keys) + 1, SYMBOLS_MAX, sizeof *l->pairs, "pairs",
                              &l->pair_capacity, &l->pairs));
    TCI_RETURN_IF(tci_reserve(l->memory, l->touched_count + 1, SYMBOLS_MAX, sizeof *l->touched, "pairs",
                              &l->touched_capacity, &l->touched));
    TCI_RETURN_IF(tci_map_insert(l->keys, key, sizeof key, &number, &is_new));
    pair *p = &l->pairs[number];
    if (is_new)
        *p = (pair){.left = key[0], .right = key[1], .first = NONE, .at = NONE};
    p->count += l->weights[here->word];
    here->pair = number;
    here->pair_back = NONE;
    here->pair_on = p->first;
    if (p->first != NONE)
        l->places[p->first].pair_back = at;
    p->first = at;
    if (!p->is_touched) {
        p->is_touched = true;
        l->touched[l->touched_count++] = number;
    }
    return TC_OK;
}

static void leave(learner *l, uint32_t at)
{
    place *here = &l->places[at];
    pair *p = &l->pairs[here->pair];
    p->count -= l->weights[here->word];
    if (here->pair_back == NONE)
        p->first = here->pair_on;
    else
        l->places[here->pair_back].pair_on = here->pair_on;
    if (here->pair_on != NONE)
        l->places[here->pair_on].pair_back = here->pair_back;
    here->pair = NONE;
}

/* The symbol at `at` and the next become the symbol `id`. */
static tc_status merge_at(learner *l, uint32_t at, uint32_t id)
{
    place *here = &l->places[at];
    place *second = &l->places[here->next];
    uint32_t previous = here->previous;
    leave(l, at);
    if (second->pair != NONE)
        leave(l, here->next);
    if (previous != NONE)
        leave(l, previous);
    here->id = id;
    here->next = second->next;
    second->id = NONE;
    if (here->next != NONE) {
        l->places[here->next].previous = at;
        TCI_RETURN_IF(join(l, at));
    }
    return previous != NONE ? join(l, previous) : TC_OK;
}

static int by_place(const void *context, uint32_t a, uint32_t b)
{
    (void)context;
    return (a > b) - (a < b);
}

/* "aaa" is one pair and a single from left to right: the places of a pair of equal symbols are taken in their order. */
static tc_status merge_equal(learner *l, uint32_t number, uint32_t id)
{
    const pair *p = &l->pairs[number];
    uint32_t symbol = p->left;
    size_t count = 0, twice = 0;
    for (uint32_t at = p->first; at != NONE; at = l->places[at].pair_on)
        count++;
    if (!tci_multiply(count, 2, &twice))
        return tci_fail(TC_ERROR_LIMIT, "%zu places of a pair", count);
    TCI_RETURN_IF(
        tci_reserve(l->memory, twice, SIZE_MAX / 8, sizeof *l->same, "places of a pair", &l->same_capacity, &l->same));
    count = 0;
    for (uint32_t at = p->first; at != NONE; at = l->places[at].pair_on)
        l->same[count++] = at;
    tci_sort(l->same, l->same + count, count, by_place, NULL);
    for (size_t i = 0; i < count; i++) {
        const place *here = &l->places[l->same[i]];
        if (here->id == symbol && here->next != NONE && l->places[here->next].id == symbol)
            TCI_RETURN_IF(merge_at(l, l->same[i], id));
    }
    return TC_OK;
}

static tc_status merge_all(learner *l, uint32_t number, uint32_t id)
{
    if (l->pairs[number].left == l->pairs[number].right)
        return merge_equal(l, number, id);
    while (l->pairs[number].first != NONE)
        TCI_RETURN_IF(merge_at(l, l->pairs[number].first, id));
    return TC_OK;
}

/* The id of the token that the pair makes, new or there already. */
static tc_status token_of(learner *l, uint32_t number, size_t prefix, uint32_t *id)
{
    tci_learned *learned = l->learned;
    const pair *p = &l->pairs[number];
    size_t left = 0, right = 0;
    (void)tci_map_key(learned->tokens, p->left, &left);
    (void)tci_map_key(learned->tokens, p->right, &right);
    TCI_RETURN_IF(tci_reserve(l->memory, left + right, SIZE_MAX / 2, 1, "token", &l->bytes_capacity, &l->bytes));
    memcpy(l->bytes, tci_map_key(learned->tokens, p->left, &left), left);
    memcpy(l->bytes + left, tci_map_key(learned->tokens, p->right, &right) + prefix, right - prefix);
    return tci_map_insert(learned->tokens, l->bytes, left + right - prefix, id, NULL);
}

/* A merge learned twice would get the later rank of the two. */
static tc_status note_merge(learner *l, uint32_t number)
{
    tci_learned *learned = l->learned;
    pair *p = &l->pairs[number];
    if (p->is_merged)
        return TC_OK;
    TCI_RETURN_IF(tci_reserve(l->memory, learned->merge_count + 1, SYMBOLS_MAX, sizeof *learned->merges, "merges",
                              &learned->merge_capacity, &learned->merges));
    learned->merges[learned->merge_count++] = (tci_merge){p->left, p->right};
    p->is_merged = true;
    return TC_OK;
}

static tc_status learn(learner *l, size_t prefix, const tci_learn_options *options)
{
    tci_learned *learned = l->learned;
    uint64_t least = options->min_count > 1 ? options->min_count : 1;
    while (tci_map_count(learned->tokens) < options->vocab_size && l->heap_count > 0) {
        uint32_t number = l->heap[0], id;
        pair *top = &l->pairs[number];
        if (top->stored != top->count) {
            top->stored = top->count;
            sift_down(l, 0);
            continue;
        }
        if (top->count < least)
            break;
        take_top(l);
        TCI_RETURN_IF(token_of(l, number, prefix, &id));
        if (id < learned->special_count) /* spelled like a special token, which text may not make */
            continue;
        TCI_RETURN_IF(note_merge(l, number));
        TCI_RETURN_IF(merge_all(l, number, id));
        TCI_RETURN_IF(settle(l));
    }
    return TC_OK;
}

static tc_status lay_out(learner *l, const tci_symbols *symbols)
{
    TCI_RETURN_IF(tci_alloc(l->memory, symbols->count, sizeof *l->places, "places of symbols", &l->places));
    for (size_t word = 0, at = 0; word < symbols->words; word++)
        for (size_t begin = at; at < symbols->ends[word]; at++)
            l->places[at] = (place){.id = symbols->ids[at],
                                    .word = (uint32_t)word,
                                    .previous = at > begin ? (uint32_t)at - 1 : NONE,
                                    .next = at + 1 < symbols->ends[word] ? (uint32_t)at + 1 : NONE,
                                    .pair = NONE};
    for (size_t at = 0; at < symbols->count; at++)
        if (l->places[at].next != NONE)
            TCI_RETURN_IF(join(l, (uint32_t)at));
    return settle(l);
}

tc_status tci_learned_merge(tci_learned *learned, const tci_symbols *symbols, size_t prefix,
                            const tci_learn_options *options)
{
    tc_status status;
    learner l = {.learned = learned, .memory = learned->memory, .weights = symbols->weights};
    TCI_CHECK(tci_map_create(l.memory, &l.keys));
    TCI_CHECK(lay_out(&l, symbols));
    TCI_CHECK(learn(&l, prefix, options));
done:
    tci_map_free(l.keys);
    tci_free(l.memory, l.places);
    tci_free(l.memory, l.pairs);
    tci_free(l.memory, l.heap);
    tci_free(l.memory, l.touched);
    tci_free(l.memory, l.same);
    tci_free(l.memory, l.bytes);
    return status;
}
