/* reader_text.c: .txt. With labels it is fastText's form, `__label__x __label__y text`: words at the start of the line
 * that begin with __label__ are labels, what follows them is the text. Where only texts are wanted, a line is a
 * text. */
#include <string.h>

#include "reader_format.h"

#define PREFIX "__label__"
#define PREFIX_LENGTH (sizeof PREFIX - 1)

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t';
}

static span pass_spaces(span rest)
{
    while (rest.length > 0 && is_space(rest.data[0])) {
        rest.data++;
        rest.length--;
    }
    return rest;
}

static bool split(reader *source, span line)
{
    source->current.text = line;
    if (source->options.task == READ_TEXTS)
        return true;
    span rest = pass_spaces(line);
    while (rest.length >= PREFIX_LENGTH && memcmp(rest.data, PREFIX, PREFIX_LENGTH) == 0) {
        span label = {rest.data + PREFIX_LENGTH, 0};
        while (PREFIX_LENGTH + label.length < rest.length && !is_space(label.data[label.length]))
            label.length++;
        if (!reader_add_label(source, label))
            return false;
        rest.data += PREFIX_LENGTH + label.length;
        rest.length -= PREFIX_LENGTH + label.length;
        rest = pass_spaces(rest);
    }
    if (source->options.task == READ_LABEL && source->current.label_count == 0)
        return reader_bad(source, "the line does not begin with a label; a .txt line is __label__NAME text");
    source->current.text = rest;
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

const reader_format reader_text = {"txt", next, NULL};
