/* read_records.c: drives the program's readers alone, for their tests: prints every record of a file as one line of
 * JSON, with the exit code and messages that the program would give.
 *
 * read_records TASK FILE [FORMAT [TEXT_COLUMN [LABEL_COLUMN [FLAGS]]]]; "" leaves an argument out; FLAGS holds any of
 * h (--header), s (--skip-bad-lines), t (read twice: the records of the second reading are printed). */
#include <stdio.h>
#include <string.h>

#include "messages.h"
#include "output.h"
#include "reader.h"

static void put(const record *next)
{
    json_output json = {0};
    emit_begin(&json, '{');
    emit_key_unsigned(&json, "line", next->line);
    emit_key(&json, "text");
    emit_text(&json, next->text.data, next->text.length);
    emit_key(&json, "labels");
    emit_begin(&json, '[');
    for (size_t i = 0; i < next->label_count; i++)
        emit_text(&json, next->labels[i].data, next->labels[i].length);
    emit_end(&json, ']');
    emit_key(&json, "targets");
    emit_begin(&json, '[');
    for (size_t i = 0; i < next->target_count; i++)
        emit_float(&json, next->targets[i]);
    emit_end(&json, ']');
    emit_key(&json, "weight");
    emit_float(&json, next->weight);
    emit_end(&json, '}');
    putchar('\n');
}

static int read_all(reader *source, bool print)
{
    for (;;) {
        record next;
        bool more = false;
        int code = reader_next(source, &next, &more);
        if (code != CODE_OK || !more)
            return code;
        if (print)
            put(&next);
    }
}

int main(int count, char **words)
{
    static const char *const tasks[] = {"texts", "label", "labels", "targets"};
    const char *given[7] = {0};
    for (int i = 1; i < count && i < 7; i++)
        given[i] = words[i][0] != '\0' ? words[i] : NULL;
    if (given[1] == NULL || given[2] == NULL)
        return misuse("read_records TASK FILE [FORMAT [TEXT_COLUMN [LABEL_COLUMN [FLAGS]]]]");
    const char *flags = given[6] != NULL ? given[6] : "";
    bool twice = strchr(flags, 't') != NULL;
    reader_options options = {.format = given[3],
                              .text_column = given[4],
                              .label_column = given[5],
                              .header = strchr(flags, 'h') != NULL,
                              .skip_bad_lines = strchr(flags, 's') != NULL,
                              .again = twice};
    while (strcmp(tasks[options.task], given[1]) != 0)
        options.task++;
    reader *source = NULL;
    int code = reader_open(given[2], &options, &source);
    if (code == CODE_OK && twice)
        code = read_all(source, false);
    if (code == CODE_OK && twice)
        code = reader_rewind(source);
    if (code == CODE_OK)
        code = read_all(source, true);
    if (code == CODE_OK)
        reader_report_skipped(source);
    reader_close(source);
    int flushed = output_flush();
    return code != CODE_OK ? code : flushed;
}
