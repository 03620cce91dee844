/* json.h: a pull reader and a writer for JSON (RFC 8259): no tree, no recursion, bounded depth and length.
 *
 * The reader hands out one event after the other over bytes that stay in place. It keeps the keys of the objects that
 * are open and refuses one that comes twice, so callers need not look for duplicates; max_keys bounds what that takes.
 * Strings are checked as UTF-8, lone surrogates refused. Errors name the byte. */
#ifndef TCI_BASE_JSON_H
#define TCI_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/map.h"

#define TCI_JSON_DEPTH 32

typedef enum tci_json_event {
    TCI_JSON_OBJECT_BEGIN,
    TCI_JSON_OBJECT_END,
    TCI_JSON_ARRAY_BEGIN,
    TCI_JSON_ARRAY_END,
    TCI_JSON_KEY,
    TCI_JSON_STRING,
    TCI_JSON_NUMBER,
    TCI_JSON_TRUE,
    TCI_JSON_FALSE,
    TCI_JSON_NULL,
    TCI_JSON_END /* the whole text was read; nothing but space follows */
} tci_json_event;

typedef struct tci_json_reader {
    const char *data;
    size_t size;
    size_t position;      /* byte of the next unread character */
    size_t start;         /* byte at which the last event's token begins */
    size_t depth;
    uint8_t stack[TCI_JSON_DEPTH]; /* '{' or '[' per level */
    int state;
    tci_buffer text;      /* the last key or string, unescaped, or the number as written; a NUL follows its `size` */
    tci_map *keys;        /* of the open objects, each with its depth as a last byte */
    size_t first_key[TCI_JSON_DEPTH]; /* entries of `keys` when the level began */
    size_t max_keys;      /* in open objects together, TC_ERROR_LIMIT above; init sets 2^24, callers may lower it */
    size_t max_key_length; /* bytes, TC_ERROR_LIMIT above; init sets no limit, callers may */
} tci_json_reader;

void tci_json_init(tci_json_reader *reader, tci_memory *memory, const char *data, size_t size);
void tci_json_free(tci_json_reader *reader);

/* The next event; TC_ERROR_FORMAT with the byte of the error otherwise, which reader->position then is. A reader that
 * has failed goes on failing. Text of KEY, STRING, NUMBER: reader->text, until the next call. */
tc_status tci_json_next(tci_json_reader *reader, tci_json_event *event);

/* As next, but anything else than `wanted` is an error that names `what`. */
tc_status tci_json_expect(tci_json_reader *reader, tci_json_event wanted, const char *what);

/* Passes over the value whose first event was just read. */
tc_status tci_json_skip(tci_json_reader *reader, tci_json_event first);

/* The number read last as an unsigned integer; an error that names `what` if it is none. */
tc_status tci_json_unsigned(const tci_json_reader *reader, const char *what, uint64_t *value);
/* The same as a double; an error when it overflows. */
tc_status tci_json_double(const tci_json_reader *reader, const char *what, double *value);

/* True when the text of the last event is `literal`. */
bool tci_json_is(const tci_json_reader *reader, const char *literal);

/* Writer: appends to a buffer, with commas where they belong. A key is followed by one value. Text that is not UTF-8 is
 * TC_ERROR_ENCODING with its byte, misplaced calls are TC_ERROR_INTERNAL; the buffer then holds a part. */
typedef struct tci_json_writer {
    tci_buffer *out;
    size_t depth;
    bool first[TCI_JSON_DEPTH]; /* nothing written on this level yet */
    bool after_key;
} tci_json_writer;

void tci_json_writer_init(tci_json_writer *writer, tci_buffer *out);
tc_status tci_json_begin(tci_json_writer *writer, char bracket); /* '{' or '[' */
tc_status tci_json_end(tci_json_writer *writer, char bracket);   /* '}' or ']' */
tc_status tci_json_key(tci_json_writer *writer, const char *key);
tc_status tci_json_key_text(tci_json_writer *writer, const char *key, size_t length); /* a key of any bytes */
tc_status tci_json_text(tci_json_writer *writer, const char *text, size_t length); /* a string value, escaped */
tc_status tci_json_string(tci_json_writer *writer, const char *text);
tc_status tci_json_unsigned_value(tci_json_writer *writer, uint64_t value);
tc_status tci_json_double_value(tci_json_writer *writer, double value); /* null when not finite */
tc_status tci_json_bool(tci_json_writer *writer, bool value);
tc_status tci_json_null(tci_json_writer *writer);

#endif
