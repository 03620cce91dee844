/* lines.c: see lines.h. Linear in the input: each byte is searched for LF once, and the buffer doubles when a line
 * outgrows it. */
#include "lines.h"

#include <stdlib.h>
#include <string.h>

#include "messages.h"

#define FIRST_CAPACITY 65536

void lines_init(lines *reader, input *source)
{
    *reader = (lines){.source = source};
}

void lines_free(lines *reader)
{
    free(reader->buffer);
    reader->buffer = NULL;
}

void lines_restart(lines *reader)
{
    reader->text = NULL;
    reader->length = 0;
    reader->number = 0;
    reader->size = reader->position = 0;
    reader->ended = false;
}

/* Reads on behind what the buffer holds from `keep` on. */
static int more_bytes(lines *reader, size_t keep)
{
    if (keep > 0) {
        memmove(reader->buffer, reader->buffer + keep, reader->size - keep);
        reader->size -= keep;
        reader->position -= keep;
    }
    if (reader->size == reader->capacity) {
        size_t larger = reader->capacity == 0 ? FIRST_CAPACITY : reader->capacity * 2;
        char *grown = larger > reader->capacity ? realloc(reader->buffer, larger) : NULL;
        if (grown == NULL)
            return fail("%s, line %llu: the line is longer than memory holds (%zu bytes so far); break it up",
                        input_name(reader->source), (unsigned long long)reader->number + 1, reader->size);
        reader->buffer = grown;
        reader->capacity = larger;
    }
    size_t count = 0;
    int code = input_read(reader->source, reader->buffer + reader->size, reader->capacity - reader->size, &count);
    if (code != CODE_OK)
        return code;
    reader->size += count;
    reader->ended = count == 0;
    return CODE_OK;
}

static bool is_utf16(const char *bytes, size_t size)
{
    return size >= 2 && (memcmp(bytes, "\xff\xfe", 2) == 0 || memcmp(bytes, "\xfe\xff", 2) == 0) &&
           memchr(bytes, 0, size) != NULL;
}

/* Drops a UTF-8 byte order mark; refuses UTF-16, which would be read as noise. */
static int pass_mark(lines *reader)
{
    while (reader->size < 3 && !reader->ended) {
        int code = more_bytes(reader, 0);
        if (code != CODE_OK)
            return code;
        if (reader->size > 0 && (unsigned char)reader->buffer[0] < 0xef)
            break;
    }
    if (reader->size >= 3 && memcmp(reader->buffer, "\xef\xbb\xbf", 3) == 0)
        reader->position = 3;
    else if (is_utf16(reader->buffer, reader->size))
        return fail("%s is UTF-16, but UTF-8 is needed; convert it, for example with: iconv -f UTF-16 -t UTF-8",
                    input_name(reader->source));
    return CODE_OK;
}

int lines_next(lines *reader, bool extend, bool *more)
{
    *more = false;
    if (reader->number == 0) {
        int code = pass_mark(reader);
        if (code != CODE_OK)
            return code;
    }
    size_t begin = extend ? (size_t)(reader->text - reader->buffer) : reader->position;
    size_t searched = reader->position;
    const char *end = NULL;
    for (;;) {
        end = reader->size > searched ? memchr(reader->buffer + searched, '\n', reader->size - searched) : NULL;
        if (end != NULL || reader->ended)
            break;
        searched = reader->size - begin;
        int code = more_bytes(reader, begin);
        if (code != CODE_OK)
            return code;
        begin = 0;
    }
    if (reader->buffer != NULL)
        reader->text = reader->buffer + begin;
    if (end == NULL && reader->position == reader->size)
        return CODE_OK;
    size_t stop = end != NULL ? (size_t)(end - reader->buffer) : reader->size;
    reader->length = stop - begin;
    reader->position = end != NULL ? stop + 1 : stop;
    reader->number++;
    *more = true;
    return CODE_OK;
}

void lines_give_back(lines *reader, size_t length, uint64_t number)
{
    size_t behind = (size_t)(reader->text - reader->buffer) + length + 1;
    if (behind < reader->position) {
        reader->position = behind;
        reader->number = number;
    }
}

bool lines_would_wait(const lines *reader)
{
    if (reader->ended ||
        (reader->size > reader->position &&
         memchr(reader->buffer + reader->position, '\n', reader->size - reader->position) != NULL))
        return false;
    return input_would_wait(reader->source);
}
