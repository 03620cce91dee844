/* reader.c: see reader.h. Opening, formats by name, bad lines, and the rules for labels and targets that all formats
 * share. A label is what the library takes: non-empty UTF-8 without NUL, TAB, CR or LF, and without a comma where a
 * text may have several; checking it here lets the message name the line. */
#include "reader.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interrupt.h"
#include "reader_format.h"
#include "utf8.h"

static const reader_format *const formats[] = {&reader_tsv, &reader_csv, &reader_jsonl, &reader_text};

#define FORMAT_COUNT (sizeof formats / sizeof formats[0])

static const reader_format *find_format(const char *name, size_t length)
{
    for (size_t i = 0; i < FORMAT_COUNT; i++)
        if (strlen(formats[i]->name) == length && memcmp(formats[i]->name, name, length) == 0)
            return formats[i];
    return NULL;
}

bool reader_format_known(const char *name)
{
    return find_format(name, strlen(name)) != NULL;
}

const char *reader_format_of(const char *path)
{
    size_t length = strlen(path);
    if (length > 3 && strcmp(path + length - 3, ".gz") == 0)
        length -= 3;
    size_t dot = length;
    while (dot > 0 && path[dot - 1] != '.' && path[dot - 1] != '/')
        dot--;
    if (dot == 0 || path[dot - 1] != '.')
        return NULL;
    const reader_format *format = find_format(path + dot, length - dot);
    return format != NULL ? format->name : NULL;
}

int reader_open(const char *path, const reader_options *options, reader **opened)
{
    *opened = NULL;
    const char *name = options->format;
    if (name == NULL)
        name = reader_format_of(path);
    if (name == NULL && options->task == READ_TEXTS && strcmp(path, "-") == 0)
        name = "txt";
    if (name == NULL)
        return misuse("cannot tell the format of %s; say --format tsv, csv, jsonl or txt",
                      strcmp(path, "-") == 0 ? "standard input" : path);
    const reader_format *format = find_format(name, strlen(name));
    if (format == NULL)
        return misuse("--format %s is not known; it is one of tsv, csv, jsonl, txt", name);
    if (format == &reader_text && options->task == READ_TARGETS)
        return misuse("%s: a .txt file has no targets; with task regress use .tsv, .csv or .jsonl", path);
    reader *source = calloc(1, sizeof *source);
    if (source == NULL)
        return fail_memory("reading");
    source->options = *options;
    source->format = format;
    source->target_count = options->target_count;
    int code = input_open(path, options->again, options->spool, options->most_kept, &source->source);
    if (code != CODE_OK) {
        reader_close(source);
        return code;
    }
    lines_init(&source->lines, source->source);
    *opened = source;
    return CODE_OK;
}

void reader_close(reader *source)
{
    if (source == NULL)
        return;
    if (source->format->reset != NULL)
        source->format->reset(source);
    lines_free(&source->lines);
    input_close(source->source);
    free(source->current.labels);
    free(source->current.targets);
    free(source);
}

int reader_rewind(reader *source)
{
    if (source->format->reset != NULL)
        source->format->reset(source);
    int code = input_rewind(source->source);
    if (code != CODE_OK)
        return code;
    lines_restart(&source->lines);
    source->skipped = 0;
    return CODE_OK;
}

bool reader_bad(reader *source, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(source->problem, sizeof source->problem, format, arguments);
    va_end(arguments);
    return false;
}

static int bad_line(reader *source, uint64_t line)
{
    if (!source->options.skip_bad_lines)
        return fail("%s, line %llu: %s", reader_name(source), (unsigned long long)line, source->problem);
    if (source->skipped == 0 || line < source->first_problem_line) { /* one found outside may be told late */
        memcpy(source->first_problem, source->problem, sizeof source->problem);
        source->first_problem_line = line;
    }
    source->skipped++;
    return CODE_OK;
}

int reader_reject(reader *source, uint64_t line, const char *reason)
{
    reader_bad(source, "%s", reason);
    return bad_line(source, line);
}

int reader_next(reader *source, record *next, bool *more)
{
    *more = false;
    for (;;) {
        if (interrupt_requested())
            return CODE_INTERRUPTED;
        record *current = &source->current;
        current->text = (span){NULL, 0};
        current->label_count = current->target_count = 0;
        current->weight = 1.0f;
        current->line = source->lines.number + 1;
        reader_event event = EVENT_END;
        int code = source->format->next(source, &event);
        if (code != CODE_OK)
            return code;
        if (event == EVENT_END)
            return CODE_OK;
        if (event == EVENT_RECORD)
            break;
        code = bad_line(source, current->line);
        if (code != CODE_OK)
            return code;
    }
    if (source->options.task == READ_TARGETS)
        source->target_count = source->current.target_count;
    *next = source->current;
    *more = true;
    return CODE_OK;
}

uint64_t reader_skipped(const reader *source)
{
    return source->skipped;
}

void reader_report_skipped(const reader *source)
{
    if (source->skipped > 0)
        note("%s: skipped %llu bad line%s; the first is line %llu: %s", reader_name(source),
             (unsigned long long)source->skipped, source->skipped == 1 ? "" : "s",
             (unsigned long long)source->first_problem_line, source->first_problem);
}

bool reader_would_wait(const reader *source)
{
    return lines_would_wait(&source->lines);
}

const char *reader_name(const reader *source)
{
    return input_name(source->source);
}

/* Room for one more element; memory that runs out makes the line a bad one, which names it. */
static bool room_for_one(reader *source, size_t count, size_t size, size_t *capacity, void **elements)
{
    if (count < *capacity)
        return true;
    size_t larger = *capacity == 0 ? 16 : *capacity * 2;
    void *grown = larger > *capacity && larger <= SIZE_MAX / size ? realloc(*elements, larger * size) : NULL;
    if (grown == NULL)
        return reader_bad(source, "not enough memory for its labels");
    *elements = grown;
    *capacity = larger;
    return true;
}

bool reader_add_label(reader *source, span label)
{
    record *current = &source->current;
    if (label.length == 0)
        return reader_bad(source, "a label is empty");
    for (size_t i = 0; i < label.length; i++) {
        char byte = label.data[i];
        if (byte == '\0' || byte == '\t' || byte == '\r' || byte == '\n')
            return reader_bad(source, "a label holds a %s character; labels hold no NUL, TAB, CR or LF",
                              byte == '\0' ? "NUL" : byte == '\t' ? "TAB" : byte == '\r' ? "CR" : "LF");
        if (byte == ',' && source->options.task == READ_LABELS)
            return reader_bad(source, "the label \"%.*s\" holds a comma, which separates labels with task multilabel",
                              (int)(label.length < 100 ? label.length : 100), label.data);
    }
    if (!utf8_valid(label.data, label.length))
        return reader_bad(source, "the label is not valid UTF-8; convert the file, for example with iconv");
    if (source->options.task == READ_LABEL && current->label_count == 1)
        return reader_bad(source, "more than one label; task classify takes one, --task multilabel any number");
    void *elements = current->labels;
    if (!room_for_one(source, current->label_count, sizeof *current->labels, &source->label_capacity, &elements))
        return false;
    current->labels = elements;
    current->labels[current->label_count++] = label;
    return true;
}

bool reader_add_target(reader *source, double target)
{
    record *current = &source->current;
    float value = (float)target;
    if (!isfinite(value))
        return reader_bad(source, "a target is outside the range of a float (about 3.4e38)");
    void *elements = current->targets;
    if (!room_for_one(source, current->target_count, sizeof *current->targets, &source->target_capacity, &elements))
        return false;
    current->targets = elements;
    current->targets[current->target_count++] = value;
    return true;
}

/* A decimal as people write it: [+-]digits[.digits][e[+-]digits]; no hexadecimal, no "nan", no spaces. */
static bool read_target(reader *source, span text)
{
    char copy[512];
    size_t digits = 0;
    for (size_t i = 0; i < text.length; i++) {
        char byte = text.data[i];
        if (byte >= '0' && byte <= '9')
            digits++;
        else if (byte == '\0' || strchr("+-.eE", byte) == NULL)
            digits = SIZE_MAX / 2;
    }
    char *end = copy;
    double value = 0.0;
    bool good = digits > 0 && digits < SIZE_MAX / 2 && text.length < sizeof copy;
    if (good) {
        memcpy(copy, text.data, text.length);
        copy[text.length] = '\0';
        value = strtod(copy, &end);
    }
    if (!good || end != copy + text.length)
        return reader_bad(source, "\"%.*s\" is not a number; task regress takes targets like 3.5, joined by commas",
                          (int)(text.length < 100 ? text.length : 100), text.length > 0 ? text.data : "");
    return reader_add_target(source, value);
}

static bool check_target_count(reader *source)
{
    size_t count = source->current.target_count;
    if (source->target_count != 0 && count != source->target_count)
        return reader_bad(source, "%zu target%s where %s %zu", count, count == 1 ? "" : "s",
                          source->options.target_count != 0 ? "the model has" : "the lines before have",
                          source->target_count);
    return true;
}

bool reader_read_labels(reader *source, span column)
{
    if (source->options.task == READ_TEXTS)
        return true;
    if (source->options.task == READ_LABEL) {
        if (column.length == 0)
            return reader_bad(source, "the label is empty; task classify needs one");
        return reader_add_label(source, column);
    }
    if (column.length == 0 && source->options.task == READ_LABELS)
        return true;
    const char *at = column.data;
    const char *end = column.data + column.length;
    for (;;) {
        const char *comma = end > at ? memchr(at, ',', (size_t)(end - at)) : NULL;
        span part = {at, (size_t)((comma != NULL ? comma : end) - at)};
        if (!(source->options.task == READ_TARGETS ? read_target(source, part) : reader_add_label(source, part)))
            return false;
        if (comma == NULL)
            break;
        at = comma + 1;
    }
    return source->options.task != READ_TARGETS || check_target_count(source);
}

span reader_trim_cr(span line)
{
    if (line.length > 0 && line.data[line.length - 1] == '\r')
        line.length--;
    return line;
}
