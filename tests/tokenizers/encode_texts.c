/* encode_texts.c: a tokenizer.json and texts in, ids and byte ranges out: what compare_tokenizers.py starts.
 *
 *     encode_texts TOKENIZER TEXTS TOKENS       writes TOKENS
 *     encode_texts TOKENIZER TEXTS SECONDS N    prints N times the seconds that a pass over all texts takes, for which
 *                                               SECONDS is the word "seconds"
 *
 * TEXTS: for each text its bytes as u32, then the bytes. TOKENS: for each text its tokens as u32, then of each token
 * id, begin, end, u32 each; those of the template have 0, 0. All are little-endian, as this machine is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "serialization/tokenizer_json.h"
#include "text/subword.h"

typedef struct bytes {
    char *data;
    size_t size;
} bytes;

static bytes read_all(const char *path)
{
    bytes all = {NULL, 0};
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0) {
        perror(path);
        exit(2);
    }
    all.size = (size_t)ftell(file);
    all.data = malloc(all.size + 1);
    rewind(file);
    if (!all.data || fread(all.data, 1, all.size, file) != all.size) {
        fprintf(stderr, "%s cannot be read\n", path);
        exit(2);
    }
    fclose(file);
    return all;
}

typedef struct tokens {
    uint32_t *rows;
    size_t count, capacity;
} tokens;

static void put(tokens *out, uint32_t id, uint64_t begin, uint64_t end)
{
    if (out->count == out->capacity) {
        out->capacity = out->capacity ? 2 * out->capacity : 1024;
        out->rows = realloc(out->rows, out->capacity * 3 * sizeof *out->rows);
        if (!out->rows)
            exit(2);
    }
    uint32_t *row = out->rows + 3 * out->count++;
    row[0] = id;
    row[1] = (uint32_t)begin;
    row[2] = (uint32_t)end;
}

static tc_status take(void *context, const uint32_t *ids, const uint64_t *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++)
        put(context, ids[i], ranges[2 * i], ranges[2 * i + 1]);
    return TC_OK;
}

static void put_all(tokens *out, const uint32_t *ids, size_t count)
{
    for (size_t i = 0; i < count; i++)
        put(out, ids[i], 0, 0);
}

static void fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, tc_last_error());
    exit(1);
}

/* One pass over all texts; writes the tokens where there is a `target`. */
static void encode_all(const tci_subword *subword, tci_subword_scratch *scratch, const bytes *texts, tokens *out,
                       FILE *target)
{
    size_t before_count, after_count;
    const uint32_t *before = tci_subword_before(subword, &before_count);
    const uint32_t *after = tci_subword_after(subword, &after_count);
    for (size_t at = 0; at + 4 <= texts->size;) {
        uint32_t length;
        memcpy(&length, texts->data + at, 4);
        at += 4;
        out->count = 0;
        put_all(out, before, before_count);
        if (length > texts->size - at || tci_subword_encode(subword, scratch, texts->data + at, length, take, out))
            fail("text");
        put_all(out, after, after_count);
        at += length;
        uint32_t count = (uint32_t)out->count;
        if (target) {
            fwrite(&count, 4, 1, target);
            fwrite(out->rows, 12, count, target);
        }
    }
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

int main(int count, char **arguments)
{
    if (count < 4)
        return 2;
    bytes json = read_all(arguments[1]), texts = read_all(arguments[2]);
    tci_memory memory;
    tci_subword *subword;
    tci_subword_scratch *scratch;
    tokens out = {0};
    tci_memory_init(&memory, NULL, 0);
    if (tci_tokenizer_json_read(&memory, json.data, json.size, 1u << 24, &subword) != TC_OK)
        fail("tokenizer");
    if (tci_subword_scratch_create(&memory, &scratch) != TC_OK)
        fail("scratch");
    if (count > 4) {
        for (int i = 0; i < atoi(arguments[4]); i++) {
            double begin = now();
            encode_all(subword, scratch, &texts, &out, NULL);
            printf("%.6f\n", now() - begin);
        }
    } else {
        FILE *target = fopen(arguments[3], "wb");
        if (!target)
            return 2;
        encode_all(subword, scratch, &texts, &out, target);
        if (fclose(target) != 0)
            return 2;
    }
    tci_subword_scratch_free(scratch);
    tci_subword_free(subword);
    free(out.rows);
    free(json.data);
    free(texts.data);
    return 0;
}
