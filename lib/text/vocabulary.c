/* vocabulary.c: counting words and numbering them. The map numbers its keys by first insertion, so a vocabulary is a
 * map into which the rows were put in order: entry = id = row of the embedding.
 *
 * A vocabulary has a tci_memory of its own (the same host and limit as the one given), because it outlives the object
 * that made it: a pipeline takes it over. */
#include "text/vocabulary.h"

#include <string.h>

#include "base/sort.h"
#include "text/decode.h"
#include "text/pipeline.h"

#define UNKNOWN "<unk>"
#define UNKNOWN_LENGTH (sizeof UNKNOWN - 1)
/* Ids are 32 bits, and the map keeps the top one for "none". */
#define ENTRIES_MAX ((size_t)TCI_MAP_NONE - 1)

struct tci_word_counter {
    tci_memory *memory;
    tci_map *map;
    size_t max_vocab;
    uint64_t *counts; /* by map entry */
    size_t capacity;
    bool is_bare, takes_any;
};

struct tci_vocabulary {
    tci_memory memory;
    tci_map *map; /* entry = id */
};

tc_status tci_word_counter_create(tci_memory *memory, size_t max_vocab, tci_word_counter **counter)
{
    tci_word_counter *made = NULL;
    *counter = NULL;
    TCI_RETURN_IF(tci_alloc_zero(memory, 1, sizeof *made, "word counter", &made));
    made->memory = memory;
    made->max_vocab = max_vocab < ENTRIES_MAX ? max_vocab : ENTRIES_MAX;
    tc_status status = tci_map_create(memory, &made->map);
    if (status != TC_OK) {
        tci_free(memory, made);
        return status;
    }
    *counter = made;
    return TC_OK;
}

void tci_word_counter_free(tci_word_counter *counter)
{
    if (!counter)
        return;
    tci_map_free(counter->map);
    tci_free(counter->memory, counter->counts);
    tci_free(counter->memory, counter);
}

size_t tci_word_counter_size(const tci_word_counter *counter)
{
    return tci_map_count(counter->map);
}

void tci_word_counter_make_bare(tci_word_counter *counter)
{
    counter->is_bare = true;
}

void tci_word_counter_take_any(tci_word_counter *counter)
{
    counter->takes_any = true;
}

const tci_map *tci_word_counter_words(const tci_word_counter *counter, const uint64_t **counts)
{
    *counts = counter->counts;
    return counter->map;
}

/* What the file's form could not hold: a line break, bytes that are not UTF-8, a length that no token has. */
static tc_status check_word(const char *word, size_t length, bool bare)
{
    if (length > TCI_TOKEN_BYTES && !bare)
        return tci_fail(TC_ERROR_ARGUMENT, "a word of %zu bytes: at most %d are accepted", length, TCI_TOKEN_BYTES);
    if (memchr(word, '\n', length))
        return tci_fail(TC_ERROR_ARGUMENT, "a word with a line break in it; words are kept one a line");
    if (bare)
        return TC_OK;
    size_t good = tci_utf8_prefix(word, length);
    if (good != length)
        return tci_fail(TC_ERROR_ENCODING, "a word is not valid UTF-8 at byte %zu of it", good);
    return TC_OK;
}

tc_status tci_word_counter_add(tci_word_counter *counter, const char *word, size_t length, uint64_t count)
{
    if (length == 0) /* a token too long to be a word */
        return TC_OK;
    uint32_t entry = tci_map_find(counter->map, word, length);
    if (entry == TCI_MAP_NONE) {
        size_t size = tci_map_count(counter->map);
        if (!counter->takes_any)
            TCI_RETURN_IF(check_word(word, length, counter->is_bare));
        if (size >= counter->max_vocab)
            return tci_fail(TC_ERROR_LIMIT, "the texts have more than %zu different words (max_vocab)",
                            counter->max_vocab);
        TCI_RETURN_IF(tci_reserve(counter->memory, size + 1, ENTRIES_MAX, sizeof *counter->counts, "word counts",
                                  &counter->capacity, &counter->counts));
        TCI_RETURN_IF(tci_map_insert(counter->map, word, length, &entry, NULL));
        counter->counts[entry] = 0;
    }
    uint64_t *total = &counter->counts[entry];
    *total = count > UINT64_MAX - *total ? UINT64_MAX : *total + count;
    return TC_OK;
}

/* A vocabulary of the row <unk>, or of none. */
static tc_status create_vocabulary(const tci_memory *like, bool bare, tci_vocabulary **vocabulary)
{
    tc_status status;
    tci_vocabulary *made = NULL;
    tci_memory memory; /* until there is a vocabulary to keep it */
    *vocabulary = NULL;
    tci_memory_init(&memory, &like->host, like->limit);
    TCI_RETURN_IF(tci_alloc_zero(&memory, 1, sizeof *made, "vocabulary", &made));
    tci_memory_init(&made->memory, &like->host, like->limit);
    atomic_store(&made->memory.used, atomic_load(&memory.used));
    TCI_CHECK(tci_map_create(&made->memory, &made->map));
    if (!bare)
        TCI_CHECK(tci_map_insert(made->map, UNKNOWN, UNKNOWN_LENGTH, &(uint32_t){0}, NULL));
    *vocabulary = made;
done:
    if (status != TC_OK)
        tci_vocabulary_free(made);
    return status;
}

tc_status tci_vocabulary_create_bare(const tci_memory *like, tci_vocabulary **vocabulary)
{
    return create_vocabulary(like, true, vocabulary);
}

tc_status tci_vocabulary_append(tci_vocabulary *vocabulary, const char *word, size_t length, bool *inserted)
{
    return tci_map_insert(vocabulary->map, word, length, &(uint32_t){0}, inserted);
}

void tci_vocabulary_free(tci_vocabulary *vocabulary)
{
    if (!vocabulary)
        return;
    tci_map_free(vocabulary->map);
    tci_memory memory;
    tci_memory_init(&memory, &vocabulary->memory.host, vocabulary->memory.limit);
    atomic_store(&memory.used, atomic_load(&vocabulary->memory.used));
    tci_free(&memory, vocabulary);
}

/* Falling count, then rising bytes. */
static int compare_words(const void *context, uint32_t a, uint32_t b)
{
    const tci_word_counter *counter = context;
    if (counter->counts[a] != counter->counts[b])
        return counter->counts[a] > counter->counts[b] ? -1 : 1;
    size_t a_length = 0, b_length = 0;
    const char *a_word = tci_map_key(counter->map, a, &a_length);
    const char *b_word = tci_map_key(counter->map, b, &b_length);
    int order = memcmp(a_word, b_word, a_length < b_length ? a_length : b_length);
    if (order != 0)
        return order;
    return (a_length > b_length) - (a_length < b_length);
}

static bool is_unknown(const char *word, size_t length)
{
    return length == UNKNOWN_LENGTH && memcmp(word, UNKNOWN, length) == 0;
}

tc_status tci_vocabulary_build(tci_memory *memory, const tci_word_counter *counter, size_t vocab_size,
                               uint64_t min_count, tci_vocabulary **vocabulary)
{
    tc_status status;
    tci_vocabulary *made = NULL;
    uint32_t *entries = NULL, *scratch = NULL;
    size_t words = tci_map_count(counter->map), kept = 0, length = 0;
    *vocabulary = NULL;
    TCI_CHECK(create_vocabulary(memory, counter->is_bare, &made));
    TCI_CHECK(tci_alloc(&made->memory, words, sizeof *entries, "words in order", &entries));
    TCI_CHECK(tci_alloc(&made->memory, words, sizeof *scratch, "words in order", &scratch));
    for (uint32_t i = 0; i < words; i++) {
        const char *word = tci_map_key(counter->map, i, &length);
        if (counter->counts[i] >= min_count && (counter->is_bare || !is_unknown(word, length)))
            entries[kept++] = i;
    }
    tci_sort(entries, scratch, kept, compare_words, counter);
    size_t others = tci_map_count(made->map); /* <unk> */
    if (vocab_size != 0 && kept > vocab_size - others)
        kept = vocab_size - others;
    if (kept + others > counter->max_vocab)
        TCI_CHECK(tci_fail(TC_ERROR_LIMIT, "%zu words%s are more than max_vocab (%zu)", kept,
                           others > 0 ? " and <unk>" : "", counter->max_vocab));
    for (size_t i = 0; i < kept; i++) {
        const char *word = tci_map_key(counter->map, entries[i], &length);
        TCI_CHECK(tci_map_insert(made->map, word, length, &(uint32_t){0}, NULL));
    }
    *vocabulary = made;
done:
    if (made) {
        tci_free(&made->memory, entries);
        tci_free(&made->memory, scratch);
    }
    if (status != TC_OK)
        tci_vocabulary_free(made);
    return status;
}

/* Checks one line of a vocabulary file, all but its being new. */
static tc_status check_line(const char *word, size_t length, size_t line, size_t byte, bool bare)
{
    if (line == 1 && !bare && !is_unknown(word, length))
        return tci_fail(TC_ERROR_FORMAT, "vocabulary line 1, byte 0: the first row must be <unk>");
    if (length == 0)
        return tci_fail(TC_ERROR_FORMAT, "vocabulary line %zu, byte %zu: an empty word", line, byte);
    if (bare)
        return TC_OK;
    if (length > TCI_TOKEN_BYTES)
        return tci_fail(TC_ERROR_FORMAT, "vocabulary line %zu, byte %zu: a word of %zu bytes; at most %d are accepted",
                        line, byte, length, TCI_TOKEN_BYTES);
    size_t good = tci_utf8_prefix(word, length);
    if (good != length)
        return tci_fail(TC_ERROR_FORMAT, "vocabulary line %zu, byte %zu: not valid UTF-8", line, byte + good);
    return TC_OK;
}

static tc_status parse(tci_memory *memory, const char *bytes, size_t size, size_t max_vocab, bool bare,
                       tci_vocabulary **vocabulary)
{
    tc_status status;
    tci_vocabulary *made = NULL;
    *vocabulary = NULL;
    if (max_vocab > ENTRIES_MAX)
        max_vocab = ENTRIES_MAX;
    if (size == 0 && !bare)
        return tci_fail(TC_ERROR_FORMAT, "vocabulary line 1, byte 0: empty; the first row must be <unk>");
    TCI_CHECK(create_vocabulary(memory, bare, &made));
    /* The map grows with the rows that proved good: a hostile file takes no more than a good one of its size. */
    for (size_t at = 0, line = 1; at < size; line++) {
        const char *word = bytes + at;
        const char *line_end = memchr(word, '\n', size - at);
        if (!line_end)
            TCI_CHECK(
                tci_fail(TC_ERROR_FORMAT, "vocabulary line %zu, byte %zu: the last line has no line feed", line, at));
        size_t length = (size_t)(line_end - word);
        TCI_CHECK(check_line(word, length, line, at, bare));
        if (line > max_vocab)
            TCI_CHECK(tci_fail(TC_ERROR_LIMIT, "vocabulary line %zu, byte %zu: more than max_vocab (%zu) rows", line,
                               at, max_vocab));
        bool inserted = line == 1 && !bare; /* <unk> is there from the start */
        if (!inserted)
            TCI_CHECK(tci_map_insert(made->map, word, length, &(uint32_t){0}, &inserted));
        if (!inserted)
            TCI_CHECK(tci_fail(TC_ERROR_FORMAT, "vocabulary line %zu, byte %zu: the word stands on an earlier line too",
                               line, at));
        at += length + 1;
    }
    *vocabulary = made;
done:
    if (status != TC_OK)
        tci_vocabulary_free(made);
    return status;
}

tc_status tci_vocabulary_parse(tci_memory *memory, const char *bytes, size_t size, size_t max_vocab,
                               tci_vocabulary **vocabulary)
{
    return parse(memory, bytes, size, max_vocab, false, vocabulary);
}

tc_status tci_vocabulary_parse_bare(tci_memory *memory, const char *bytes, size_t size, size_t max_vocab,
                                    tci_vocabulary **vocabulary)
{
    return parse(memory, bytes, size, max_vocab, true, vocabulary);
}

tc_status tci_vocabulary_write(const tci_vocabulary *vocabulary, tci_buffer *out)
{
    size_t rows = tci_map_count(vocabulary->map);
    for (uint32_t id = 0; id < rows; id++) {
        size_t length = 0;
        const char *word = tci_map_key(vocabulary->map, id, &length);
        TCI_RETURN_IF(tci_buffer_append(out, word, length));
        TCI_RETURN_IF(tci_buffer_append(out, "\n", 1));
    }
    return TC_OK;
}

size_t tci_vocabulary_size(const tci_vocabulary *vocabulary)
{
    return tci_map_count(vocabulary->map);
}

uint32_t tci_vocabulary_find(const tci_vocabulary *vocabulary, const char *word, size_t length)
{
    if (length == 0)
        return 0;
    uint32_t entry = tci_map_find(vocabulary->map, word, length);
    return entry == TCI_MAP_NONE ? 0 : entry;
}

uint32_t tci_vocabulary_lookup(const tci_vocabulary *vocabulary, const char *word, size_t length)
{
    return tci_map_find(vocabulary->map, word, length);
}

const char *tci_vocabulary_word(const tci_vocabulary *vocabulary, uint32_t id, size_t *length)
{
    return tci_map_key(vocabulary->map, id, length);
}
