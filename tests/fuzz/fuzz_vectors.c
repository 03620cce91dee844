/* fuzz_vectors.c: the reader of word vectors in text.
 *
 * Each input is read whole and in pieces, which must agree to the byte: what is found, the rows, the sentence of the
 * error; and its first line once more for the dimension alone. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "serialization/vectors_read.h"

#define REQUIRE(condition) ((condition) ? (void)0 : abort())
#define DIM 3
#define WORDS 6

static const char words[] = "<unk>\nthe\ngood\nbad\na\nfilm\n";

/* The status; rows, sentence and number of words that were found. */
static tc_status read_in_pieces(const tci_vocabulary *vocabulary, const uint8_t *data, size_t size, size_t piece,
                                float rows[WORDS * DIM], char sentence[4096], size_t *found)
{
    tci_memory memory;
    tci_vectors *vectors = NULL;
    tci_memory_init(&memory, NULL, 0);
    memset(rows, 0, WORDS * DIM * sizeof *rows);
    REQUIRE(tci_vectors_create(&memory, vocabulary, 1, DIM, rows, &vectors) == TC_OK);
    tc_status status = TC_OK;
    for (size_t at = 0; status == TC_OK && at < size; at += piece)
        status = tci_vectors_feed(vectors, data + at, size - at < piece ? size - at : piece);
    if (status == TC_OK)
        status = tci_vectors_finish(vectors);
    if (status != TC_OK)
        REQUIRE(strlen(tci_error_text()) > 0);
    strncpy(sentence, status == TC_OK ? "" : tci_error_text(), 4095);
    *found = tci_vectors_found(vectors);
    size_t flags = 0;
    for (uint32_t id = 0; id < WORDS; id++)
        flags += tci_vectors_has(vectors, id);
    REQUIRE(flags == *found && !tci_vectors_has(vectors, 0));
    tci_vectors_free(vectors);
    for (size_t i = 0; i < WORDS * DIM; i++)
        REQUIRE(rows[i] - rows[i] == 0.0f);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t pieces[] = {1, 2, 7, 64};
    static char sentences[2][4096];
    float rows[2][WORDS * DIM];
    size_t found[2] = {0, 0};
    tci_memory memory;
    tci_vocabulary *vocabulary = NULL;
    tci_vectors *vectors = NULL;
    tci_memory_init(&memory, NULL, 0);
    REQUIRE(tci_vocabulary_parse(&memory, words, sizeof words - 1, 100, &vocabulary) == TC_OK);
    tc_status status = read_in_pieces(vocabulary, data, size, size + 1, rows[0], sentences[0], &found[0]);
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        REQUIRE(read_in_pieces(vocabulary, data, size, pieces[i], rows[1], sentences[1], &found[1]) == status);
        REQUIRE(found[0] == found[1] && memcmp(rows[0], rows[1], sizeof rows[0]) == 0);
        REQUIRE(strcmp(sentences[0], sentences[1]) == 0);
    }
    REQUIRE(tci_vectors_create(&memory, NULL, 0, 0, NULL, &vectors) == TC_OK);
    if (tci_vectors_feed(vectors, data, size) == TC_OK && status == TC_OK)
        REQUIRE(tci_vectors_dim(vectors) == DIM);
    tci_vectors_free(vectors);
    tci_vocabulary_free(vocabulary);
    return 0;
}
