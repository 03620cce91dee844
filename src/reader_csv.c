/* reader_csv.c: comma-separated values after RFC 4180: fields in quotes may hold commas, line ends and doubled quotes;
 * every row has as many fields as the first.
 *
 * The first row names the columns, unless all columns that are wanted were given by number; --header says that it does
 * even then. A bare quote within a field, or text behind a closing quote, makes the line a bad one. */
#include <stdlib.h>
#include <string.h>

#include "reader_format.h"

typedef enum place { FIELD_START, IN_PLAIN, IN_QUOTES, AFTER_QUOTE } place;

typedef struct csv_state {
    span *fields; /* of the current row */
    size_t count;
    size_t capacity;
    size_t columns; /* fields of the first row */
    size_t text;    /* column numbers from 0 */
    size_t label;
} csv_state;

static void reset(reader *source)
{
    csv_state *state = source->state;
    if (state != NULL)
        free(state->fields);
    free(state);
    source->state = NULL;
}

/* Follows the quotes through [from, length); false when a quote stands where none may. */
static bool follow(const char *text, size_t from, size_t length, place *at)
{
    bool good = true;
    for (size_t i = from; i < length; i++) {
        char byte = text[i];
        if (*at == IN_QUOTES) {
            if (byte == '"')
                *at = AFTER_QUOTE;
        } else if (byte == ',') {
            *at = FIELD_START;
        } else if (byte == '"') {
            good = good && *at != IN_PLAIN;
            *at = *at == IN_PLAIN ? IN_PLAIN : IN_QUOTES;
        } else if (*at == AFTER_QUOTE) {
            good = good && byte == '\r' && i + 1 == length;
            *at = byte == '\r' ? AFTER_QUOTE : IN_PLAIN;
        } else {
            *at = IN_PLAIN;
        }
    }
    return good;
}

/* Cuts a whole, well-formed row into fields, undoing the quotes in place. */
static bool cut(reader *source, csv_state *state, char *row, size_t length)
{
    state->count = 0;
    size_t read = 0;
    for (;;) {
        char *field = row + read;
        size_t written = 0;
        if (read < length && row[read] == '"') {
            for (read++; read < length; read++) {
                if (row[read] == '"' && !(read + 1 < length && row[read + 1] == '"'))
                    break;
                read += row[read] == '"' ? 1 : 0;
                field[written++] = row[read];
            }
            read++;
        } else {
            while (read < length && row[read] != ',')
                read++;
            written = (size_t)(row + read - field);
        }
        if (state->count == state->capacity) {
            size_t larger = state->capacity == 0 ? 16 : state->capacity * 2;
            span *grown = larger <= SIZE_MAX / sizeof *grown ? realloc(state->fields, larger * sizeof *grown) : NULL;
            if (grown == NULL)
                return reader_bad(source, "not enough memory for its %zu fields", state->count);
            state->fields = grown;
            state->capacity = larger;
        }
        state->fields[state->count++] = (span){field, written};
        if (read >= length)
            return true;
        read++; /* the comma */
    }
}

/* The next row into state->fields. Behind a row that is not well-formed, reading goes on with the next line of the
 * file: one stray quote does not take the rows after it along. */
static int next_row(reader *source, csv_state *state, reader_event *event)
{
    lines *rows = &source->lines;
    bool more = false;
    int code = lines_next(rows, false, &more);
    if (code != CODE_OK || !more)
        return code;
    *event = EVENT_BAD;
    size_t first_length = rows->length;
    uint64_t first_number = rows->number;
    place at = FIELD_START;
    bool good = follow(rows->text, 0, rows->length, &at);
    while (good && at == IN_QUOTES) {
        size_t before = rows->length;
        code = lines_next(rows, true, &more);
        if (code != CODE_OK)
            return code;
        if (!more) {
            reader_bad(source, "a quote that opens in this row never closes; quotes in text are doubled: \"\"");
            lines_give_back(rows, first_length, first_number);
            return CODE_OK;
        }
        good = follow(rows->text, before, rows->length, &at);
    }
    if (!good) {
        reader_bad(source, "a quote stands inside a field, or text behind a closing quote; such a field is written "
                           "whole in quotes, with quotes in it doubled: \"\"");
        lines_give_back(rows, first_length, first_number);
        return CODE_OK;
    }
    span row = reader_trim_cr((span){rows->text, rows->length});
    if (cut(source, state, rows->text, row.length))
        *event = EVENT_RECORD;
    return CODE_OK;
}

static bool is_number(const char *column)
{
    return column != NULL && column[0] != '\0' && strspn(column, "0123456789") == strlen(column);
}

/* The place of a column in the first row, or a failure that lists what is there. */
static int find_column(const reader *source, const csv_state *state, const char *option, const char *column,
                       size_t *place_of)
{
    if (is_number(column)) {
        unsigned long long number = strtoull(column, NULL, 10);
        if (number == 0 || number > state->count)
            return fail("%s has no column %s: its first row has %zu fields, numbered from 1 (%s)", reader_name(source),
                        column, state->count, option);
        *place_of = (size_t)number - 1;
        return CODE_OK;
    }
    size_t length = strlen(column);
    for (size_t i = 0; i < state->count; i++) {
        if (state->fields[i].length == length && memcmp(state->fields[i].data, column, length) == 0) {
            *place_of = i;
            return CODE_OK;
        }
    }
    char list[256] = "";
    size_t used = 0;
    for (size_t i = 0; i < state->count && used + 40 < sizeof list; i++) {
        size_t part = state->fields[i].length < 30 ? state->fields[i].length : 30;
        if (i > 0) {
            memcpy(list + used, ", ", 2);
            used += 2;
        }
        memcpy(list + used, state->fields[i].data, part);
        used += part;
    }
    list[used] = '\0';
    return fail("%s has no column \"%s\" in its first row (%s); name it, or give its number, with %s",
                reader_name(source), column, list, option);
}

static int start(reader *source, reader_event *event)
{
    csv_state *state = calloc(1, sizeof *state);
    if (state == NULL)
        return fail_memory("reading a .csv file");
    source->state = state;
    int code = next_row(source, state, event);
    if (code != CODE_OK || *event == EVENT_END)
        return code;
    if (*event == EVENT_BAD)
        return fail("%s, line %llu: %s", reader_name(source), (unsigned long long)source->current.line,
                    source->problem);
    const char *text = source->options.text_column != NULL ? source->options.text_column : "text";
    const char *label = source->options.label_column != NULL ? source->options.label_column : "label";
    bool labels = source->options.task != READ_TEXTS;
    state->columns = state->count;
    code = find_column(source, state, "--text-column", text, &state->text);
    if (code == CODE_OK && labels)
        code = find_column(source, state, "--label-column", label, &state->label);
    if (code != CODE_OK)
        return code;
    if (source->options.header || !is_number(text) || (labels && !is_number(label))) {
        source->current.line = source->lines.number + 1;
        return next_row(source, state, event);
    }
    return CODE_OK;
}

static bool take(reader *source, const csv_state *state)
{
    if (state->count != state->columns)
        return reader_bad(source, "%zu field%s where the first row has %zu; a text with commas is written in quotes",
                          state->count, state->count == 1 ? "" : "s", state->columns);
    source->current.text = state->fields[state->text];
    return source->options.task == READ_TEXTS || reader_read_labels(source, state->fields[state->label]);
}

static int next(reader *source, reader_event *event)
{
    int code = source->state == NULL ? start(source, event) : next_row(source, source->state, event);
    if (code == CODE_OK && *event == EVENT_RECORD && !take(source, source->state))
        *event = EVENT_BAD;
    return code;
}

const reader_format reader_csv = {"csv", next, reset};
