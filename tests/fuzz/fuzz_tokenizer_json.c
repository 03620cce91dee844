/* fuzz_tokenizer_json.c: the readers of tokenizer.json and vocab.txt, and texts through what they made.
 *
 * An input is a file, and behind the first byte 0xFF, which no file of text has, the text; without one the file is its
 * own text. What is read must encode any text within its bounds, twice alike, and stay as it is. A file that is no
 * tokenizer.json is read once more as a vocab.txt, and as a vocab.json with the text as merges. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "serialization/tokenizer_json.h"
#include "serialization/tokenizer_merges.h"
#include "serialization/tokenizer_vocab.h"

#define REQUIRE(condition) ((condition) ? (void)0 : abort())
#define MAX_VOCAB 4096

typedef struct seen {
    const tci_subword *subword;
    size_t length, count;
    uint64_t sum;
} seen;

static tc_status take(void *context, const uint32_t *ids, const uint64_t *ranges, size_t count)
{
    seen *s = context;
    for (size_t i = 0; i < count; i++) {
        size_t length;
        REQUIRE(ids[i] < tci_subword_rows(s->subword) && tci_subword_token(s->subword, ids[i], &length));
        REQUIRE(ranges[2 * i] <= ranges[2 * i + 1] && ranges[2 * i + 1] <= s->length);
        s->sum = s->sum * 1000003 + ids[i] + 31 * ranges[2 * i] + 7 * ranges[2 * i + 1];
    }
    s->count += count;
    return TC_OK;
}

static void encode_twice(tci_memory *memory, const tci_subword *subword, const char *text, size_t length)
{
    tci_subword_scratch *scratch;
    seen first = {subword, length, 0, 0}, second = first;
    REQUIRE(tci_subword_scratch_create(memory, &scratch) == TC_OK);
    tc_status status = tci_subword_encode(subword, scratch, text, length, take, &first);
    REQUIRE(tci_subword_encode(subword, scratch, text, length, take, &second) == status);
    if (status == TC_OK)
        REQUIRE(first.count == second.count && first.sum == second.sum);
    tci_subword_scratch_free(scratch);
}

static tc_status read_and_encode(tci_memory *memory, const char *json, size_t size, const char *text, size_t length)
{
    tci_subword *subword;
    tc_status status = tci_tokenizer_json_read(memory, json, size, MAX_VOCAB, &subword);
    if (status == TC_OK) {
        size_t kept;
        REQUIRE(memcmp(tci_subword_json(subword, &kept), json, size) == 0 && kept == size);
        encode_twice(memory, subword, text, length);
        tci_subword_free(subword);
    } else {
        REQUIRE(!subword && strlen(tci_error_text()) > 0);
    }
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *mark = size > 0 ? memchr(data, 0xFF, size) : NULL;
    size_t file_size = mark ? (size_t)(mark - data) : size;
    const char *file = (const char *)data, *text = mark ? (const char *)mark + 1 : file;
    size_t length = mark ? size - file_size - 1 : size;
    tci_memory memory;
    tci_memory_init(&memory, NULL, (size_t)1 << 28);
    if (read_and_encode(&memory, file, file_size, text, length) != TC_OK) {
        const tci_config_files none = {{{NULL, 0}}}, configs = {{{text, length}, {text, length}, {text, length}}};
        tci_buffer json;
        tci_buffer_init(&json, &memory, 1 << 24, "tokenizer.json");
        /* Whatever it writes can be read, but that a token may be too long, or an id be taken already. */
        if (tci_tokenizer_from_vocab(&memory, file, file_size, &configs, MAX_VOCAB, &json) == TC_OK ||
            tci_tokenizer_from_vocab(&memory, file, file_size, &none, MAX_VOCAB, &json) == TC_OK)
            (void)read_and_encode(&memory, json.data, json.size, text, length);
        tci_merges_files files = {file, text, file_size, length, .is_roberta = (file_size & 1) != 0};
        files.config.of[TCI_ADDED_FILE].bytes = text;
        files.config.of[TCI_ADDED_FILE].size = length;
        json.size = 0;
        if (tci_tokenizer_from_merges(&memory, &files, MAX_VOCAB, &json) == TC_OK)
            (void)read_and_encode(&memory, json.data, json.size, text, length);
        tci_buffer_free(&json);
    }
    REQUIRE(memory.used == 0);
    return 0;
}
