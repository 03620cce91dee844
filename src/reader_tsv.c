/* reader_tsv.c: label TAB text, one record a line. The first TAB splits; nothing is quoted; later TABs are text. */
#include <string.h>

#include "reader_format.h"

static bool split(reader *source, span line)
{
    if (line.length == 0)
        return reader_bad(source, "the line is empty; a .tsv line is label TAB text");
    const char *tab = memchr(line.data, '\t', line.length);
    if (tab == NULL)
        return reader_bad(source, "no TAB in the line; a .tsv line is label TAB text%s",
                          source->options.task == READ_TEXTS ? " (for one plain text a line say --format txt)" : "");
    size_t label_length = (size_t)(tab - line.data);
    source->current.text = (span){tab + 1, line.length - label_length - 1};
    return reader_read_labels(source, (span){line.data, label_length});
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

const reader_format reader_tsv = {"tsv", next, NULL};
