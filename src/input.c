/* input.c: see input.h.
 *
 * gzip is told by its first two bytes, 1f 8b, never by the name. zlib's inflate is used rather than gzread: gzread
 * waits for a full buffer even where the bytes are plain, which would stall a program that writes a line and waits for
 * its answer, and it takes a file that was cut short for a whole one. Members follow each other; zeros may follow the
 * last. */
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "cache.h"
#include "interrupt.h"
#include "messages.h"

#define RAW_BYTES 65536

typedef enum form { FORM_UNKNOWN, FORM_PLAIN, FORM_GZIP } form;

struct input {
    const char *name;
    int file;
    bool regular;
    off_t start; /* of a regular file: where reading began */
    char *kept;  /* the whole of an input that is read twice and is no regular file */
    size_t kept_size;
    size_t kept_position;
    form form;
    bool ended;        /* the raw bytes are used up */
    bool between;      /* gzip: no member is open */
    bool padded;       /* gzip: zeros follow the last member */
    z_stream inflater; /* set up when `inflating` */
    bool inflating;
    unsigned char raw[RAW_BYTES];
    size_t raw_position;
    size_t raw_size;
};

static int read_file(input *source, void *buffer, size_t capacity, size_t *count)
{
    for (;;) {
        ssize_t got = read(source->file, buffer, capacity);
        if (got >= 0) {
            *count = (size_t)got;
            return CODE_OK;
        }
        if (errno != EINTR)
            return fail("cannot read %s: %s", source->name, strerror(errno));
        if (interrupt_requested())
            return CODE_INTERRUPTED;
    }
}

/* Keeps the whole input in memory. */
static int keep(input *source, size_t most)
{
    size_t capacity = 0;
    for (;;) {
        if (source->kept_size == capacity) {
            size_t larger = capacity == 0 ? RAW_BYTES : capacity * 2;
            char *grown = larger > capacity ? realloc(source->kept, larger) : NULL;
            if (grown == NULL)
                return fail("not enough memory to keep %s; save it to a file and name that with --input", source->name);
            source->kept = grown;
            capacity = larger;
        }
        size_t count = 0;
        int code = read_file(source, source->kept + source->kept_size, capacity - source->kept_size, &count);
        if (code != CODE_OK || count == 0)
            return code;
        source->kept_size += count;
        if (most != 0 && source->kept_size > most)
            return fail("%s is larger than --max-memory lets it be kept; give --cache FILE, beside which it is kept, "
                        "or save it to a file and name that with --input",
                        source->name);
    }
}

/* Copies the whole input to a file beside `path` that has no name, and reads from there. */
static int spool_to(input *source, const char *path)
{
    int file = -1;
    int code = cache_spool(path, &file);
    while (code == CODE_OK) {
        size_t count = 0;
        code = read_file(source, source->raw, RAW_BYTES, &count);
        if (code != CODE_OK || count == 0)
            break;
        for (size_t at = 0; code == CODE_OK && at < count;) {
            ssize_t written = write(file, source->raw + at, count - at);
            if (written < 0 && errno != EINTR)
                code = fail("cannot keep %s beside %s: %s", source->name, path, strerror(errno));
            at += written > 0 ? (size_t)written : 0;
        }
    }
    if (source->file > STDIN_FILENO)
        close(source->file);
    source->file = file;
    source->regular = true;
    source->start = 0;
    if (code == CODE_OK && lseek(file, 0, SEEK_SET) < 0)
        code = fail("cannot read %s again: %s", source->name, strerror(errno));
    return code;
}

int input_open(const char *path, bool again, const char *spool, size_t most_kept, input **opened)
{
    *opened = NULL;
    input *source = calloc(1, sizeof *source);
    if (source == NULL)
        return fail_memory("reading");
    bool standard = strcmp(path, "-") == 0;
    source->name = standard ? "standard input" : path;
    source->file = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    int code = CODE_OK;
    struct stat status;
    if (source->file < 0 || fstat(source->file, &status) != 0)
        code = fail("cannot open %s: %s", source->name, strerror(errno));
    else if (S_ISDIR(status.st_mode))
        code = fail("cannot read %s: it is a folder, not a file", source->name);
    else
        source->regular = S_ISREG(status.st_mode);
    if (code == CODE_OK && source->regular) {
        source->start = lseek(source->file, 0, SEEK_CUR);
        source->regular = source->start >= 0;
    }
    if (code == CODE_OK && again && !source->regular)
        code = spool != NULL ? spool_to(source, spool) : keep(source, most_kept);
    if (code != CODE_OK) {
        input_close(source);
        return code;
    }
    *opened = source;
    return CODE_OK;
}

void input_close(input *source)
{
    if (source == NULL)
        return;
    if (source->inflating)
        inflateEnd(&source->inflater);
    if (source->file > STDIN_FILENO)
        close(source->file);
    free(source->kept);
    free(source);
}

int input_rewind(input *source)
{
    if (source->kept == NULL && lseek(source->file, source->start, SEEK_SET) < 0)
        return fail("cannot read %s a second time: %s", source->name, strerror(errno));
    source->kept_position = 0;
    source->raw_position = source->raw_size = 0;
    source->form = FORM_UNKNOWN;
    source->ended = source->between = source->padded = false;
    return CODE_OK;
}

/* More raw bytes behind those that are left. */
static int refill(input *source)
{
    size_t left = source->raw_size - source->raw_position;
    memmove(source->raw, source->raw + source->raw_position, left);
    source->raw_position = 0;
    source->raw_size = left;
    size_t count = 0;
    if (source->kept != NULL) {
        count = source->kept_size - source->kept_position;
        if (count > RAW_BYTES - left)
            count = RAW_BYTES - left;
        memcpy(source->raw + left, source->kept + source->kept_position, count);
        source->kept_position += count;
    } else {
        int code = read_file(source, source->raw + left, RAW_BYTES - left, &count);
        if (code != CODE_OK)
            return code;
    }
    source->raw_size += count;
    source->ended = count == 0;
    return CODE_OK;
}

static bool begins_like_gzip(const input *source)
{
    const unsigned char *bytes = source->raw + source->raw_position;
    return source->raw_size - source->raw_position >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
}

static int find_form(input *source)
{
    while (source->raw_size < 2 && !source->ended) {
        int code = refill(source);
        if (code != CODE_OK)
            return code;
        if (source->raw_size > 0 && source->raw[0] != 0x1f)
            break;
    }
    source->form = begins_like_gzip(source) ? FORM_GZIP : FORM_PLAIN;
    if (source->form == FORM_PLAIN)
        return CODE_OK;
    source->between = true;
    if (source->inflating)
        return CODE_OK;
    if (inflateInit2(&source->inflater, 16 + MAX_WBITS) != Z_OK)
        return fail_memory("reading gzip");
    source->inflating = true;
    return CODE_OK;
}

/* At the end of a gzip member: opens the next one, or finds the end. */
static int next_member(input *source, bool *more)
{
    *more = false;
    for (;;) {
        while (source->raw_position < source->raw_size && source->raw[source->raw_position] == 0 ) {
            source->padded = true;
            source->raw_position++;
        }
        if (source->raw_size - source->raw_position >= 2 || source->ended)
            break;
        int code = refill(source);
        if (code != CODE_OK)
            return code;
    }
    if (source->raw_position == source->raw_size)
        return CODE_OK;
    if (source->padded || !begins_like_gzip(source))
        return fail("%s: bytes that are not gzip follow the gzip data; the file is damaged, fetch or write it again",
                    source->name);
    if (inflateReset(&source->inflater) != Z_OK)
        return fail_memory("reading gzip");
    source->between = false;
    *more = true;
    return CODE_OK;
}

static int read_gzip(input *source, char *buffer, size_t capacity, size_t *count)
{
    z_stream *inflater = &source->inflater;
    uInt room = capacity > RAW_BYTES * 16u ? RAW_BYTES * 16u : (uInt)capacity;
    inflater->next_out = (Bytef *)buffer;
    inflater->avail_out = room;
    while (inflater->avail_out == room) {
        if (source->between) {
            bool more = false;
            int code = next_member(source, &more);
            if (code != CODE_OK || !more)
                return code;
        }
        if (source->raw_position == source->raw_size) {
            int code = refill(source);
            if (code != CODE_OK)
                return code;
            if (source->ended)
                return fail("%s: the gzip data ends too early; the file was cut short, fetch or write it again",
                            source->name);
        }
        inflater->next_in = source->raw + source->raw_position;
        inflater->avail_in = (uInt)(source->raw_size - source->raw_position);
        int result = inflate(inflater, Z_NO_FLUSH);
        source->raw_position = source->raw_size - inflater->avail_in;
        if (result == Z_STREAM_END)
            source->between = true;
        else if (result == Z_MEM_ERROR)
            return fail_memory("reading gzip");
        else if (result != Z_OK && result != Z_BUF_ERROR)
            return fail("%s: the gzip data is damaged (%s); fetch or write the file again", source->name,
                        inflater->msg != NULL ? inflater->msg : "unknown form");
    }
    *count = room - inflater->avail_out;
    return CODE_OK;
}

int input_read(input *source, char *buffer, size_t capacity, size_t *count)
{
    *count = 0;
    if (source->form == FORM_UNKNOWN) {
        int code = find_form(source);
        if (code != CODE_OK)
            return code;
    }
    if (source->form == FORM_GZIP)
        return read_gzip(source, buffer, capacity, count);
    if (source->raw_position == source->raw_size && !source->ended) {
        int code = refill(source);
        if (code != CODE_OK)
            return code;
    }
    size_t left = source->raw_size - source->raw_position;
    *count = left < capacity ? left : capacity;
    memcpy(buffer, source->raw + source->raw_position, *count);
    source->raw_position += *count;
    return CODE_OK;
}

bool input_would_wait(const input *source)
{
    if (source->regular || source->kept != NULL || source->ended || source->raw_position < source->raw_size)
        return false;
    struct pollfd wanted = {source->file, POLLIN, 0};
    return poll(&wanted, 1, 0) == 0;
}

const char *input_name(const input *source)
{
    return source->name;
}
