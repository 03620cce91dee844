/* wordpiece_train.c: the alphabet in its two forms, at the begin of a word ("a") and within ("##a"), and words spelled
 * in them. A character's forms enter together, so that no word is unknown for where it has the character. */
#include "text/wordpiece_train.h"

#include <string.h>

#include "base/bytes.h"
#include "base/sort.h"

#define PREFIX "##"
#define PREFIX_LENGTH 2

typedef struct letter {
    uint64_t count;
    bool begins, continues; /* a word, in the texts */
    bool kept;
} letter;

typedef struct alphabet {
    tci_memory *memory;
    tci_map *characters; /* UTF-8: entry */
    letter *letters;     /* by entry */
    size_t capacity;
    uint32_t *order, *scratch; /* entries by falling count, then bytes */
    size_t count;              /* of those seen often enough */
} alphabet;

static tc_status count_letter(alphabet *a, const char *bytes, size_t length, bool begins, uint64_t count)
{
    uint32_t entry;
    bool is_new = false;
    TCI_RETURN_IF(tci_reserve(a->memory, tci_map_count(a->characters) + 1, 0x110000 + 1, sizeof *a->letters,
                              "characters", &a->capacity, &a->letters));
    TCI_RETURN_IF(tci_map_insert(a->characters, bytes, length, &entry, &is_new));
    if (is_new)
        a->letters[entry] = (letter){0};
    a->letters[entry].count += count;
    if (begins)
        a->letters[entry].begins = true;
    else
        a->letters[entry].continues = true;
    return TC_OK;
}

/* Characters of a word; 0: it is none that BERT's tokenizer would read. */
static size_t characters_of(const char *word, size_t length)
{
    size_t count = 0, step;
    for (size_t at = 0; at < length; at += step, count++) {
        step = tci_utf8_sequence(word + at, length - at);
        if (step == 0 || count == TCI_WORDPIECE_WORD)
            return 0;
    }
    return count;
}

static int compare_bytes(const void *context, uint32_t a, uint32_t b)
{
    const alphabet *letters = context;
    size_t a_length, b_length;
    const char *x = tci_map_key(letters->characters, a, &a_length);
    const char *y = tci_map_key(letters->characters, b, &b_length);
    return memcmp(x, y, a_length < b_length ? a_length : b_length); /* none begins another */
}

static int compare_letters(const void *context, uint32_t a, uint32_t b)
{
    const letter *letters = ((const alphabet *)context)->letters;
    if (letters[a].count != letters[b].count)
        return letters[a].count > letters[b].count ? -1 : 1;
    return compare_bytes(context, a, b);
}

static tc_status gather(alphabet *a, const tci_word_counts *words, uint64_t min_count)
{
    size_t count = tci_map_count(words->words), length = 0, step;
    for (uint32_t entry = 0; entry < count; entry++) {
        const char *word = tci_map_key(words->words, entry, &length);
        if (characters_of(word, length) == 0)
            continue;
        for (size_t at = 0; at < length; at += step) {
            step = tci_utf8_sequence(word + at, length - at);
            TCI_RETURN_IF(count_letter(a, word + at, step, at == 0, words->counts[entry]));
        }
    }
    size_t all = tci_map_count(a->characters);
    TCI_RETURN_IF(tci_alloc(a->memory, all, sizeof *a->order, "characters in order", &a->order));
    TCI_RETURN_IF(tci_alloc(a->memory, all, sizeof *a->scratch, "characters in order", &a->scratch));
    for (uint32_t entry = 0; entry < all; entry++)
        if (a->letters[entry].count >= min_count)
            a->order[a->count++] = entry;
    tci_sort(a->order, a->scratch, a->count, compare_letters, a);
    return TC_OK;
}

static size_t forms_of(const letter *l)
{
    return (size_t)l->begins + (size_t)l->continues;
}

/* Marks the next letters of the order, from *at on, as kept, as long as their forms fit `room`. */
static void keep(alphabet *a, size_t *at, size_t room)
{
    for (; *at < a->count; ++*at) {
        letter *l = &a->letters[a->order[*at]];
        if (forms_of(l) > room)
            break;
        room -= forms_of(l);
        l->kept = true;
    }
}

static tc_status insert_form(tci_learned *learned, const char *bytes, size_t length, bool continues)
{
    char form[PREFIX_LENGTH + 4] = PREFIX;
    size_t skipped = continues ? 0 : PREFIX_LENGTH;
    memcpy(form + PREFIX_LENGTH, bytes, length);
    return tci_map_insert(learned->tokens, form + skipped, PREFIX_LENGTH + length - skipped, &(uint32_t){0}, NULL);
}

/* The kept ones among order[begin, end) become tokens: all that begin words, by bytes, then all that continue them. */
static tc_status insert_letters(alphabet *a, tci_learned *learned, size_t begin, size_t end)
{
    uint32_t *some = a->order + begin;
    size_t length;
    tci_sort(some, a->scratch, end - begin, compare_bytes, a);
    for (int continues = 0; continues < 2; continues++)
        for (size_t i = 0; i < end - begin; i++) {
            const letter *l = &a->letters[some[i]];
            const char *bytes = tci_map_key(a->characters, some[i], &length);
            if (continues ? l->continues : l->begins)
                TCI_RETURN_IF(insert_form(learned, bytes, length, continues != 0));
        }
    return TC_OK;
}

/* Adds the word in symbols of the alphabet, or nothing where a character is missing. */
static tc_status spell_word(const alphabet *a, const tci_learned *learned, const char *word, size_t length,
                            uint64_t weight, tci_symbols *symbols)
{
    char form[PREFIX_LENGTH + 4] = PREFIX;
    size_t before = symbols->count, step;
    for (size_t at = 0; at < length; at += step) {
        step = tci_utf8_sequence(word + at, length - at);
        uint32_t entry = tci_map_find(a->characters, word + at, step);
        if (!a->letters[entry].kept) {
            symbols->count = before;
            return TC_OK;
        }
        size_t skipped = at == 0 ? PREFIX_LENGTH : 0;
        memcpy(form + PREFIX_LENGTH, word + at, step);
        TCI_RETURN_IF(
            tci_symbols_add(symbols, tci_map_find(learned->tokens, form + skipped, PREFIX_LENGTH + step - skipped)));
    }
    return tci_symbols_end(symbols, weight);
}

static tc_status spell(const alphabet *a, const tci_learned *learned, const tci_word_counts *words,
                       tci_symbols *symbols)
{
    size_t count = tci_map_count(words->words), length = 0;
    for (uint32_t entry = 0; entry < count; entry++) {
        const char *word = tci_map_key(words->words, entry, &length);
        if (characters_of(word, length) > 1)
            TCI_RETURN_IF(spell_word(a, learned, word, length, words->counts[entry], symbols));
    }
    return TC_OK;
}

tc_status tci_wordpiece_train(const tci_word_counts *words, tci_memory *memory, const tci_learn_options *options,
                              tci_learned *learned)
{
    tc_status status;
    alphabet a = {.memory = memory};
    tci_symbols symbols;
    size_t kept = 0, more;
    *learned = (tci_learned){0};
    if (options->vocab_size < options->special_count)
        return tci_fail(TC_ERROR_OPTION,
                        "vocab_size %zu: tokenizer wordpiece takes at least %zu, for its special tokens",
                        options->vocab_size, options->special_count);
    tci_symbols_init(&symbols, memory);
    TCI_CHECK(tci_learned_begin(learned, memory, options));
    TCI_CHECK(tci_map_create(memory, &a.characters));
    TCI_CHECK(gather(&a, words, options->min_count));
    keep(&a, &kept, (options->vocab_size - options->special_count) / 2);
    TCI_CHECK(insert_letters(&a, learned, 0, kept));
    TCI_CHECK(spell(&a, learned, words, &symbols));
    TCI_CHECK(tci_learned_merge(learned, &symbols, PREFIX_LENGTH, options));
    more = kept;
    keep(&a, &more, options->vocab_size - tci_map_count(learned->tokens));
    TCI_CHECK(insert_letters(&a, learned, kept, more));
done:
    tci_symbols_free(&symbols);
    tci_map_free(a.characters);
    tci_free(memory, a.letters);
    tci_free(memory, a.order);
    tci_free(memory, a.scratch);
    return status;
}
