/* cache.c: see cache.h. What is read is foreign: sizes are checked against the file before anything is allocated. */
#include "cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "interrupt.h"
#include "messages.h"

#define MAGIC "textclf.cache 1\n"
#define MAGIC_BYTES 16
#define WORDS 8
#define HEAD_BYTES (MAGIC_BYTES + 8 * WORDS)
#define CHUNK_HEAD 16
#define REMEDY "delete it, or name another file with --cache"

enum { AT_BYTES, AT_TEXTS, AT_CRC, AT_CHUNK_BYTES, AT_CHUNKS, AT_ROWS, AT_NOTHING, AT_HEAD_CRC };

typedef struct place {
    uint64_t offset, size, rows;
} place;

struct cache {
    const char *path;
    char *writing; /* the name that it has until it is whole; NULL: it is */
    int file;
    uint64_t words[WORDS];
    uint64_t end; /* of the chunks that are there */
    place *places;
    size_t count, capacity;
    unsigned char *block; /* of one chunk */
    size_t block_size;
};

static void store(unsigned char *to, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        to[i] = (unsigned char)(value >> 8 * i);
}

static uint64_t load(const unsigned char *from)
{
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--)
        value = value << 8 | from[i];
    return value;
}

static uint64_t head_crc(const unsigned char *head)
{
    return crc32(0, head, HEAD_BYTES - 8);
}

static int write_at(const cache *kept, const void *bytes, size_t size, uint64_t offset)
{
    const char *from = bytes;
    while (size > 0) {
        ssize_t done = pwrite(kept->file, from, size, (off_t)offset);
        if (done < 0 && errno == EINTR && !interrupt_requested())
            continue;
        if (done <= 0)
            return interrupt_requested() ? CODE_INTERRUPTED
                                         : fail("cannot write the cache %s: %s", kept->path, strerror(errno));
        from += done;
        size -= (size_t)done;
        offset += (uint64_t)done;
    }
    return CODE_OK;
}

static int read_at(const cache *kept, void *bytes, size_t size, uint64_t offset)
{
    char *to = bytes;
    while (size > 0) {
        ssize_t done = pread(kept->file, to, size, (off_t)offset);
        if (done < 0 && errno == EINTR && !interrupt_requested())
            continue;
        if (done < 0)
            return interrupt_requested() ? CODE_INTERRUPTED
                                         : fail("cannot read the cache %s: %s", kept->path, strerror(errno));
        if (done == 0)
            return fail("the cache %s ends too early; " REMEDY, kept->path);
        to += done;
        size -= (size_t)done;
        offset += (uint64_t)done;
    }
    return CODE_OK;
}

static int keep_place(cache *kept, place next)
{
    if (kept->count == kept->capacity) {
        size_t larger = kept->capacity == 0 ? 64 : kept->capacity * 2;
        place *grown = realloc(kept->places, larger * sizeof *grown);
        if (grown == NULL)
            return fail_memory("the places of chunks");
        kept->places = grown;
        kept->capacity = larger;
    }
    kept->places[kept->count++] = next;
    kept->end = next.offset + next.size;
    return CODE_OK;
}

static int reserve_block(cache *kept, size_t size)
{
    if (size <= kept->block_size)
        return CODE_OK;
    free(kept->block);
    kept->block_size = 0;
    kept->block = malloc(size);
    if (kept->block == NULL)
        return fail_memory("a chunk of encoded texts");
    kept->block_size = size;
    return CODE_OK;
}

/* Whose data it is, before anything else of it is believed. */
static int check_head(cache *kept, const cache_key *key, uint64_t file_size)
{
    unsigned char head[HEAD_BYTES];
    const uint64_t wanted[] = {key->bytes, key->texts, key->crc};
    size_t size = file_size < sizeof head ? (size_t)file_size : sizeof head;
    int code = read_at(kept, head, size, 0);
    if (code != CODE_OK)
        return code;
    if (size < MAGIC_BYTES || memcmp(head, MAGIC, MAGIC_BYTES) != 0)
        return fail("%s is not a cache of encoded texts; name another file with --cache", kept->path);
    if (size < sizeof head)
        return fail("the cache %s ends too early; " REMEDY, kept->path);
    for (size_t i = 0; i < WORDS; i++)
        kept->words[i] = load(head + MAGIC_BYTES + 8 * i);
    if (kept->words[AT_HEAD_CRC] != head_crc(head))
        return fail("the cache %s is damaged; " REMEDY, kept->path);
    for (size_t i = 0; i < 3; i++)
        if (kept->words[i] != wanted[i])
            return fail("the cache %s is of other texts, or of another --validation-split (%llu texts of %llu "
                        "bytes; --input has %llu of %llu); " REMEDY,
                        kept->path, (unsigned long long)kept->words[AT_TEXTS],
                        (unsigned long long)kept->words[AT_BYTES], (unsigned long long)key->texts,
                        (unsigned long long)key->bytes);
    if (kept->words[AT_CHUNK_BYTES] != key->chunk_bytes)
        return fail("the cache %s was made with another --max-memory; " REMEDY, kept->path);
    return CODE_OK;
}

/* Finds the chunks: one behind the other, to the last byte of the file. */
static int find_chunks(cache *kept, uint64_t file_size)
{
    uint64_t rows = 0;
    kept->end = HEAD_BYTES;
    while (kept->end < file_size) {
        unsigned char head[CHUNK_HEAD];
        if (file_size - kept->end < CHUNK_HEAD)
            return fail("the cache %s ends too early; " REMEDY, kept->path);
        int code = read_at(kept, head, sizeof head, kept->end);
        if (code != CODE_OK)
            return code;
        place next = {kept->end + CHUNK_HEAD, load(head), load(head + 8)};
        if (next.size > file_size - next.offset)
            return fail("the cache %s ends too early, or is damaged; " REMEDY, kept->path);
        rows += next.rows;
        code = keep_place(kept, next);
        if (code != CODE_OK)
            return code;
    }
    if (kept->count != kept->words[AT_CHUNKS] || rows != kept->words[AT_ROWS])
        return fail("the cache %s does not hold what it says (%zu chunks; it says %llu); " REMEDY, kept->path,
                    kept->count, (unsigned long long)kept->words[AT_CHUNKS]);
    return CODE_OK;
}

/* A new file of this name and a suffix. */
static int create_beside(const char *path, const char *suffix, char **name, int *file)
{
    size_t size = strlen(path) + 64;
    *name = malloc(size);
    if (*name == NULL)
        return fail_memory("a file name");
    for (unsigned number = 0;; number++) {
        snprintf(*name, size, "%s.%s-%ld-%u", path, suffix, (long)getpid(), number);
        *file = open(*name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (*file >= 0)
            return CODE_OK;
        if (errno != EEXIST)
            return fail("cannot write %s: %s", *name, strerror(errno));
    }
}

static int begin(cache *kept, const cache_key *key)
{
    const uint64_t words[WORDS] = {key->bytes, key->texts, key->crc, key->chunk_bytes};
    memcpy(kept->words, words, sizeof words);
    kept->end = HEAD_BYTES;
    return create_beside(kept->path, "tmp", &kept->writing, &kept->file);
}

int cache_open(const char *path, const cache_key *key, cache **opened, bool *found)
{
    cache *kept = calloc(1, sizeof *kept);
    *opened = kept;
    *found = false;
    if (kept == NULL)
        return fail_memory("the cache");
    kept->path = path;
    kept->file = open(path, O_RDONLY | O_CLOEXEC);
    if (kept->file < 0)
        return errno == ENOENT ? begin(kept, key) : fail("cannot open the cache %s: %s", path, strerror(errno));
    struct stat status;
    if (fstat(kept->file, &status) != 0 || !S_ISREG(status.st_mode))
        return fail("the cache %s is not a regular file", path);
    int code = check_head(kept, key, (uint64_t)status.st_size);
    if (code == CODE_OK)
        code = find_chunks(kept, (uint64_t)status.st_size);
    *found = code == CODE_OK;
    return code;
}

void cache_close(cache *kept)
{
    if (kept == NULL)
        return;
    if (kept->file >= 0)
        close(kept->file);
    if (kept->writing != NULL && kept->file >= 0)
        unlink(kept->writing);
    free(kept->writing);
    free(kept->places);
    free(kept->block);
    free(kept);
}

int cache_add(cache *kept, const tc_examples *examples)
{
    size_t size = 0, rows = 0;
    if (tc_examples_count(examples, &rows) != TC_OK)
        return fail_library(NULL);
    tc_status status = tc_examples_save_memory(examples, 0, NULL, &size);
    int code = status == TC_ERROR_CAPACITY ? reserve_block(kept, size) : fail_library(kept->path);
    if (code != CODE_OK)
        return code;
    if (tc_examples_save_memory(examples, size, kept->block, &size) != TC_OK)
        return fail_library(kept->path);
    unsigned char head[CHUNK_HEAD];
    store(head, size);
    store(head + 8, rows);
    kept->words[AT_CHUNKS]++;
    kept->words[AT_ROWS] += rows;
    place next = {kept->end + CHUNK_HEAD, size, rows};
    code = write_at(kept, head, sizeof head, kept->end);
    if (code == CODE_OK)
        code = write_at(kept, kept->block, size, next.offset);
    return code == CODE_OK ? keep_place(kept, next) : code;
}

int cache_finish(cache *kept)
{
    unsigned char head[HEAD_BYTES];
    memcpy(head, MAGIC, MAGIC_BYTES);
    for (size_t i = 0; i < WORDS; i++)
        store(head + MAGIC_BYTES + 8 * i, kept->words[i]);
    store(head + MAGIC_BYTES + (size_t)8 * AT_HEAD_CRC, head_crc(head));
    int code = write_at(kept, head, sizeof head, 0);
    if (code != CODE_OK)
        return code;
    if (fsync(kept->file) != 0 || rename(kept->writing, kept->path) != 0)
        return fail("cannot write the cache %s: %s", kept->path, strerror(errno));
    free(kept->writing);
    kept->writing = NULL;
    return CODE_OK;
}

size_t cache_chunks(const cache *kept)
{
    return kept->count;
}

int cache_read(cache *kept, size_t chunk, const tc_model *model, tc_examples **examples)
{
    place at = kept->places[chunk];
    size_t rows = 0;
    int code = reserve_block(kept, (size_t)at.size);
    if (code == CODE_OK)
        code = read_at(kept, kept->block, (size_t)at.size, at.offset);
    if (code != CODE_OK)
        return code;
    if (tc_examples_load_memory(kept->block, (size_t)at.size, model, examples) != TC_OK ||
        tc_examples_count(*examples, &rows) != TC_OK)
        return fail("the cache %s, chunk %zu: %s; " REMEDY, kept->path, chunk + 1, tc_last_error());
    if (rows != at.rows)
        return fail("the cache %s, chunk %zu: %zu rows where there should be %llu; " REMEDY, kept->path, chunk + 1,
                    rows, (unsigned long long)at.rows);
    return CODE_OK;
}

int cache_spool(const char *path, int *file)
{
    char *name = NULL;
    int code = create_beside(path, "texts", &name, file);
    if (code == CODE_OK && unlink(name) != 0)
        code = fail("cannot write %s: %s", name, strerror(errno));
    free(name);
    return code;
}
