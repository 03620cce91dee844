/* reader_text.c: .txt. With labels it is fastText's form, `__label__x __label__y text`: words that begin with __label__
 * are labels, wherever in the line they stand, and the others are the text; words are what stands between bytes that
 * fastText takes for spaces. Where only texts are wanted, a line is a text. */
#include <stdlib.h>
#include <string.h>

#include "reader_format.h"

#define PREFIX "__label__"
#define PREFIX_LENGTH (sizeof PREFIX - 1)

/* Names of labels that stand behind text, which closes up over them. */
typedef struct text_state {
    char *names;
    size_t capacity;
} text_state;

static void reset(reader *source)
{
    text_state *state = source->state;
    if (state != NULL)
        free(state->names);
    free(state);
    source->state = NULL;
}

static bool is_space(char byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r') || byte == '\0';
}

static bool begins_label(const char *at, const char *end)
{
    return (size_t)(end - at) >= PREFIX_LENGTH && memcmp(at, PREFIX, PREFIX_LENGTH) == 0;
}

/* Behind the word that begins at `at`. */
static char *word_end(char *at, const char *end)
{
    while (at < end && !is_space(*at))
        at++;
    return at;
}

static char *pass_spaces(char *at, const char *end)
{
    while (at < end && is_space(*at))
        at++;
    return at;
}

/* The first label, or NULL. */
static char *find_label(char *from, const char *end)
{
    for (char *at = from; at < end; at++) { /* most lines have no such byte at all */
        at = memchr(at, PREFIX[0], (size_t)(end - at));
        if (at == NULL)
            return NULL;
        if ((at == from || is_space(at[-1])) && begins_label(at, end))
            return at;
    }
    return NULL;
}

static bool reserve_names(reader *source, size_t size, char **names)
{
    text_state *state = source->state;
    if (state == NULL)
        source->state = state = calloc(1, sizeof *state);
    if (state != NULL && size > state->capacity) {
        char *grown = realloc(state->names, size);
        if (grown != NULL) {
            state->names = grown;
            state->capacity = size;
        }
    }
    if (state == NULL || size > state->capacity)
        return reader_bad(source, "not enough memory for its labels");
    *names = state->names;
    return true;
}

/* Takes labels out of the text from the first one on: their names go aside, the text closes up. */
static bool take_labels_out(reader *source, char *text, char *label, char *end)
{
    char *names = NULL, *to = label;
    if (!reserve_names(source, (size_t)(end - label), &names))
        return false;
    for (char *at = label; at < end;) {
        char *behind = word_end(at, end), *next = pass_spaces(behind, end);
        size_t length = (size_t)(behind - at);
        if (length >= PREFIX_LENGTH && begins_label(at, end)) {
            length -= PREFIX_LENGTH;
            memcpy(names, at + PREFIX_LENGTH, length);
            if (!reader_add_label(source, (span){names, length}))
                return false;
            names += length;
        } else {
            memmove(to, at, (size_t)(next - at));
            to += next - at;
        }
        at = next;
    }
    source->current.text = (span){text, (size_t)(to - text)};
    return true;
}

static bool split(reader *source, span line)
{
    source->current.text = line;
    if (source->options.task == READ_TEXTS)
        return true;
    char *begin = source->lines.text, *end = begin + line.length, *at = pass_spaces(begin, end);
    while (begins_label(at, end)) {
        char *behind = word_end(at, end);
        if (!reader_add_label(source, (span){at + PREFIX_LENGTH, (size_t)(behind - at) - PREFIX_LENGTH}))
            return false;
        at = pass_spaces(behind, end);
    }
    source->current.text = (span){at, (size_t)(end - at)};
    char *label = find_label(at, end);
    if (label != NULL && !take_labels_out(source, at, label, end))
        return false;
    if (source->options.task == READ_LABEL && source->current.label_count == 0)
        return reader_bad(source, "the line has no label; a .txt line is __label__NAME text");
    return true;
}

static int next(reader *source, reader_event *event)
{
    bool more = false;
    int code = lines_next(&source->lines, false, &more);
    if (code != CODE_OK || !more)
        return code;
    span line = reader_trim_cr((span){source->lines.text, source->lines.length});
    *event = split(source, line) ? EVENT_RECORD : EVENT_BAD;
    return CODE_OK;
}

const reader_format reader_text = {"txt", next, reset};
