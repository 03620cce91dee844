/* json_read.c: the pull reader. A state says what may come next; a stack of brackets stands for the recursion. Grammar:
 * RFC 8259, without a byte order mark, with unique keys and at most TCI_JSON_DEPTH levels. */
#include "base/json.h"

#include <string.h>

#include "base/number.h"

enum reader_state {
    STATE_VALUE,       /* a value must come */
    STATE_FIRST_VALUE, /* behind '[': a value or ']' */
    STATE_FIRST_KEY,   /* behind '{': a key or '}' */
    STATE_COLON,       /* behind a key */
    STATE_AFTER_VALUE, /* ',' or the closing bracket */
    STATE_DONE,        /* only space may follow */
    STATE_FAILED
};

#define MAX_KEYS ((size_t)1 << 24)

static const char *const event_names[] = {
    "an object",
    "the end of the object",
    "an array",
    "the end of the array",
    "a key",
    "a string",
    "a number",
    "true",
    "false",
    "null",
    "the end of the text",
};

void tci_json_init(tci_json_reader *reader, tci_memory *memory, const char *data, size_t size)
{
    *reader = (tci_json_reader){.data = data, .size = size, .state = STATE_VALUE, .max_keys = MAX_KEYS,
                                .max_key_length = SIZE_MAX};
    /* Unescaped text is no longer than its source; one byte for the NUL or the depth behind it. */
    tci_buffer_init(&reader->text, memory, size == SIZE_MAX ? size : size + 1, "JSON text");
}

void tci_json_free(tci_json_reader *reader)
{
    tci_buffer_free(&reader->text);
    tci_map_free(reader->keys);
    reader->keys = NULL;
}

/* Refuses the text at byte `at`, where `wanted` should stand. */
static tc_status refuse(tci_json_reader *reader, size_t at, const char *wanted)
{
    reader->state = STATE_FAILED;
    reader->position = at;
    if (at >= reader->size)
        return tci_fail(TC_ERROR_FORMAT, "JSON, byte %zu: wanted %s, but the text ends", at, wanted);
    unsigned char found = (unsigned char)reader->data[at];
    if (found > 0x20 && found < 0x7F)
        return tci_fail(TC_ERROR_FORMAT, "JSON, byte %zu: wanted %s, found '%c'", at, wanted, found);
    return tci_fail(TC_ERROR_FORMAT, "JSON, byte %zu: wanted %s, found byte 0x%02X", at, wanted, (unsigned)found);
}

/* As TCI_RETURN_IF for memory and limits: the reader stays failed. */
static tc_status keep(tci_json_reader *reader, tc_status status)
{
    if (status != TC_OK)
        reader->state = STATE_FAILED;
    return status;
}

static tc_status append(tci_json_reader *reader, const void *bytes, size_t count)
{
    return keep(reader, tci_buffer_append(&reader->text, bytes, count));
}

/* Ends the text with a NUL that does not count. */
static tc_status end_text(tci_json_reader *reader)
{
    TCI_RETURN_IF(append(reader, "", 1));
    reader->text.size--;
    return TC_OK;
}

/* ---- strings ---- */

/* The four hexadecimal digits at `at`. */
static tc_status read_hex(tci_json_reader *reader, size_t at, uint32_t *unit)
{
    *unit = 0;
    for (size_t i = at; i < at + 4; i++) {
        char c = i < reader->size ? reader->data[i] : 0;
        uint32_t digit;
        if (c >= '0' && c <= '9')
            digit = (uint32_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = (uint32_t)(c - 'a') + 10;
        else if (c >= 'A' && c <= 'F')
            digit = (uint32_t)(c - 'A') + 10;
        else
            return refuse(reader, i, "a hexadecimal digit of a \\u escape");
        *unit = *unit << 4 | digit;
    }
    return TC_OK;
}

static tc_status append_code_point(tci_json_reader *reader, uint32_t c)
{
    uint8_t bytes[4];
    size_t length = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = length - 1; i > 0; i--, c >>= 6)
        bytes[i] = (uint8_t)(0x80 | (c & 0x3F));
    bytes[0] = (uint8_t)(leads[length] | c);
    return append(reader, bytes, length);
}

/* The escape whose backslash stands at reader->position. */
static tc_status read_escape(tci_json_reader *reader)
{
    static const char names[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    size_t at = reader->position;
    char c = at + 1 < reader->size ? reader->data[at + 1] : 0;
    if (c != 'u') {
        const char *name = c ? memchr(names, c, sizeof names - 1) : NULL;
        if (!name)
            return refuse(reader, at + 1, "one of \" \\ / b f n r t u behind a backslash");
        reader->position += 2;
        return append(reader, meanings + (name - names), 1);
    }
    uint32_t unit, low;
    TCI_RETURN_IF(read_hex(reader, at + 2, &unit));
    reader->position += 6;
    if (unit >= 0xDC00 && unit <= 0xDFFF)
        return refuse(reader, at, "a high surrogate before this low one");
    if (unit >= 0xD800 && unit <= 0xDBFF) {
        static const char *const wanted = "the low surrogate (\\uDC00 to \\uDFFF) of a pair";
        for (size_t i = 0; i < 2; i++) {
            if (at + 6 + i >= reader->size || reader->data[at + 6 + i] != "\\u"[i])
                return refuse(reader, at + 6 + i, wanted);
        }
        TCI_RETURN_IF(read_hex(reader, at + 8, &low));
        if (low < 0xDC00 || low > 0xDFFF)
            return refuse(reader, at + 6, wanted);
        reader->position += 6;
        unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
    }
    return append_code_point(reader, unit);
}

/* Refuses ill-formed UTF-8 at `at`; a sequence that is only cut short is refused at the end of the text. */
static tc_status refuse_encoding(tci_json_reader *reader, size_t at)
{
    size_t left = reader->size - at;
    if (left < 4) {
        /* Well-formed when completed by some continuation? The second byte's range is the only one that varies. */
        static const uint8_t seconds[] = {0x80, 0x90, 0xA0};
        uint8_t bytes[4] = {0, 0x80, 0x80, 0x80};
        memcpy(bytes, reader->data + at, left);
        for (size_t i = 0; i < sizeof seconds; i++) {
            if (left == 1)
                bytes[1] = seconds[i];
            if (tci_utf8_sequence(bytes, 4) > left)
                return refuse(reader, reader->size, "the rest of a UTF-8 sequence");
        }
    }
    return refuse(reader, at, "well-formed UTF-8");
}

/* The string whose opening quote stands at reader->position, unescaped into reader->text. */
static tc_status read_string(tci_json_reader *reader)
{
    reader->text.size = 0;
    reader->position++;
    for (;;) {
        size_t begin = reader->position, at = begin;
        while (at < reader->size) {
            unsigned char c = (unsigned char)reader->data[at];
            if (c == '"' || c == '\\' || c < 0x20)
                break;
            size_t length = tci_utf8_sequence(reader->data + at, reader->size - at);
            if (length == 0)
                return refuse_encoding(reader, at);
            at += length;
        }
        TCI_RETURN_IF(append(reader, reader->data + begin, at - begin));
        reader->position = at;
        if (at == reader->size)
            return refuse(reader, at, "the closing quote of a string");
        if (reader->data[at] == '"') {
            reader->position++;
            return end_text(reader);
        }
        if (reader->data[at] != '\\')
            return refuse(reader, at, "an escape instead of a control character");
        TCI_RETURN_IF(read_escape(reader));
    }
}

/* ---- numbers and names ---- */

static bool digit_at(const tci_json_reader *reader, size_t at)
{
    return at < reader->size && reader->data[at] >= '0' && reader->data[at] <= '9';
}

static bool one_of(const tci_json_reader *reader, size_t at, const char *set)
{
    return at < reader->size && reader->data[at] != 0 && strchr(set, reader->data[at]);
}

/* Passes over one or more digits at *at. */
static tc_status pass_digits(tci_json_reader *reader, size_t *at)
{
    if (!digit_at(reader, *at))
        return refuse(reader, *at, "a digit of a number");
    while (digit_at(reader, *at))
        ++*at;
    return TC_OK;
}

static tc_status read_number(tci_json_reader *reader)
{
    size_t at = reader->position;
    at += one_of(reader, at, "-");
    if (one_of(reader, at, "0"))
        at++;
    else
        TCI_RETURN_IF(pass_digits(reader, &at));
    if (one_of(reader, at, ".")) {
        at++;
        TCI_RETURN_IF(pass_digits(reader, &at));
    }
    if (one_of(reader, at, "eE")) {
        at++;
        at += one_of(reader, at, "+-");
        TCI_RETURN_IF(pass_digits(reader, &at));
    }
    reader->text.size = 0;
    TCI_RETURN_IF(append(reader, reader->data + reader->position, at - reader->position));
    reader->position = at;
    return end_text(reader);
}

static tc_status read_name(tci_json_reader *reader, const char *name)
{
    for (size_t i = 0; name[i]; i++) {
        if (reader->position + i >= reader->size || reader->data[reader->position + i] != name[i])
            return refuse(reader, reader->position + i, name);
    }
    reader->position += strlen(name);
    return TC_OK;
}

/* ---- structure ---- */

static void skip_space(tci_json_reader *reader)
{
    while (one_of(reader, reader->position, " \t\n\r"))
        reader->position++;
}

static void value_ended(tci_json_reader *reader)
{
    reader->state = reader->depth == 0 ? STATE_DONE : STATE_AFTER_VALUE;
}

static tc_status open_level(tci_json_reader *reader, char bracket)
{
    if (reader->depth == TCI_JSON_DEPTH) {
        size_t at = reader->position;
        reader->state = STATE_FAILED;
        return tci_fail(TC_ERROR_FORMAT, "JSON, byte %zu: more than %d levels of objects and arrays", at,
                        TCI_JSON_DEPTH);
    }
    reader->stack[reader->depth] = (uint8_t)bracket;
    reader->first_key[reader->depth] = reader->keys ? tci_map_count(reader->keys) : 0;
    reader->depth++;
    reader->position++;
    reader->state = bracket == '{' ? STATE_FIRST_KEY : STATE_FIRST_VALUE;
    return TC_OK;
}

static void close_level(tci_json_reader *reader)
{
    reader->depth--;
    reader->position++;
    if (reader->keys)
        tci_map_truncate(reader->keys, reader->first_key[reader->depth]);
    value_ended(reader);
}

static tc_status read_key(tci_json_reader *reader, tci_json_event *event)
{
    if (!one_of(reader, reader->position, "\""))
        return refuse(reader, reader->position, "a key in double quotes");
    reader->start = reader->position;
    TCI_RETURN_IF(read_string(reader));
    if (reader->text.size > reader->max_key_length) {
        reader->state = STATE_FAILED;
        return tci_fail(TC_ERROR_LIMIT, "JSON, byte %zu: a key of %zu bytes; at most %zu are accepted", reader->start,
                        reader->text.size, reader->max_key_length);
    }
    if (!reader->keys)
        TCI_RETURN_IF(keep(reader, tci_map_create(reader->text.memory, &reader->keys)));
    if (tci_map_count(reader->keys) >= reader->max_keys) {
        reader->state = STATE_FAILED;
        return tci_fail(TC_ERROR_LIMIT, "JSON, byte %zu: more than %zu keys", reader->start, reader->max_keys);
    }
    /* With its depth behind it, where the NUL stands; closed objects have left no keys of this depth. */
    size_t length = reader->text.size;
    uint32_t entry;
    bool inserted;
    reader->text.data[length] = (char)reader->depth;
    TCI_RETURN_IF(keep(reader, tci_map_insert(reader->keys, reader->text.data, length + 1, &entry, &inserted)));
    reader->text.data[length] = 0;
    if (!inserted) {
        reader->state = STATE_FAILED;
        reader->position = reader->start;
        return tci_fail(TC_ERROR_FORMAT, "JSON, byte %zu: the key \"%.*s\" stands twice in one object", reader->start,
                        (int)(length < 80 ? length : 80), reader->text.data);
    }
    reader->state = STATE_COLON;
    *event = TCI_JSON_KEY;
    return TC_OK;
}

static tc_status read_value(tci_json_reader *reader, tci_json_event *event)
{
    reader->start = reader->position;
    char c = reader->position < reader->size ? reader->data[reader->position] : 0;
    switch (c) {
    case '{':
        *event = TCI_JSON_OBJECT_BEGIN;
        return open_level(reader, c);
    case '[':
        *event = TCI_JSON_ARRAY_BEGIN;
        return open_level(reader, c);
    case '"':
        *event = TCI_JSON_STRING;
        TCI_RETURN_IF(read_string(reader));
        break;
    case 't':
        *event = TCI_JSON_TRUE;
        TCI_RETURN_IF(read_name(reader, "true"));
        break;
    case 'f':
        *event = TCI_JSON_FALSE;
        TCI_RETURN_IF(read_name(reader, "false"));
        break;
    case 'n':
        *event = TCI_JSON_NULL;
        TCI_RETURN_IF(read_name(reader, "null"));
        break;
    default:
        if (c != '-' && !digit_at(reader, reader->position))
            return refuse(reader, reader->position, "a value");
        *event = TCI_JSON_NUMBER;
        TCI_RETURN_IF(read_number(reader));
    }
    value_ended(reader);
    return TC_OK;
}

tc_status tci_json_next(tci_json_reader *reader, tci_json_event *event)
{
    if (reader->state == STATE_FAILED)
        return tci_fail(TC_ERROR_FORMAT, "JSON, byte %zu: the text was refused here before", reader->position);
    skip_space(reader);
    if (reader->state == STATE_DONE) {
        if (reader->position < reader->size)
            return refuse(reader, reader->position, "nothing behind the value");
        reader->start = reader->position;
        *event = TCI_JSON_END;
        return TC_OK;
    }
    bool in_object = reader->depth > 0 && reader->stack[reader->depth - 1] == '{';
    if (reader->state == STATE_AFTER_VALUE || reader->state == STATE_FIRST_KEY || reader->state == STATE_FIRST_VALUE) {
        if (one_of(reader, reader->position, in_object ? "}" : "]")) {
            reader->start = reader->position;
            *event = in_object ? TCI_JSON_OBJECT_END : TCI_JSON_ARRAY_END;
            close_level(reader);
            return TC_OK;
        }
    }
    if (reader->state == STATE_AFTER_VALUE) {
        if (!one_of(reader, reader->position, ","))
            return refuse(reader, reader->position, in_object ? "',' or '}'" : "',' or ']'");
        reader->position++;
        skip_space(reader);
    } else if (reader->state == STATE_COLON) {
        if (!one_of(reader, reader->position, ":"))
            return refuse(reader, reader->position, "':' behind a key");
        reader->position++;
        skip_space(reader);
        return read_value(reader, event);
    }
    return in_object ? read_key(reader, event) : read_value(reader, event);
}

tc_status tci_json_expect(tci_json_reader *reader, tci_json_event wanted, const char *what)
{
    tci_json_event event;
    TCI_RETURN_IF(tci_json_next(reader, &event));
    if (event == wanted)
        return TC_OK;
    reader->state = STATE_FAILED;
    reader->position = reader->start;
    return tci_fail(TC_ERROR_FORMAT, "JSON, byte %zu: %s: wanted %s, found %s", reader->start, what,
                    event_names[wanted], event_names[event]);
}

tc_status tci_json_skip(tci_json_reader *reader, tci_json_event first)
{
    if (first != TCI_JSON_OBJECT_BEGIN && first != TCI_JSON_ARRAY_BEGIN)
        return TC_OK;
    size_t depth = reader->depth - 1;
    while (reader->depth > depth) {
        tci_json_event event;
        TCI_RETURN_IF(tci_json_next(reader, &event));
    }
    return TC_OK;
}

/* What of the number goes into an error. */
static int shown(const tci_json_reader *reader)
{
    return reader->text.size < 40 ? (int)reader->text.size : 40;
}

tc_status tci_json_unsigned(const tci_json_reader *reader, const char *what, uint64_t *value)
{
    if (tci_parse_unsigned(reader->text.data, reader->text.size, value))
        return TC_OK;
    return tci_fail(TC_ERROR_FORMAT, "JSON, byte %zu: %s: wanted a whole number from 0 to 2^64 - 1, found %.*s",
                    reader->start, what, shown(reader), reader->text.data);
}

tc_status tci_json_double(const tci_json_reader *reader, const char *what, double *value)
{
    if (tci_parse_double(reader->text.data, reader->text.size, value))
        return TC_OK;
    return tci_fail(TC_ERROR_FORMAT, "JSON, byte %zu: %s: wanted a number below 1.8e308, found %.*s", reader->start,
                    what, shown(reader), reader->text.data);
}

bool tci_json_is(const tci_json_reader *reader, const char *literal)
{
    size_t length = strlen(literal);
    return reader->text.size == length && (length == 0 || memcmp(reader->text.data, literal, length) == 0);
}
