/* reader_jsonl.c: one JSON object a line: "text", then "label" (a string or an integer), "labels" (a list of them) or
 * "targets" (a list of numbers) as the task needs, and "weight" where wanted. Other keys are passed over; a key that
 * occurs twice makes the line a bad one. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "reader_format.h"

/* Integers become label text; room for them lives as long as the record. */
#define INTEGER_BYTES 24

static void reset(reader *source)
{
    json_decref(source->state);
    source->state = NULL;
}

/* An integer label is replaced by its text within the tree, so that the tree owns it. */
static bool add_label(reader *source, json_t *label)
{
    if (!json_is_string(label))
        return reader_bad(source, "a label is %s; labels are strings or integers",
                          json_is_null(label)     ? "null"
                          : json_is_real(label)   ? "a number with a fraction"
                          : json_is_object(label) ? "an object"
                          : json_is_array(label)  ? "a list"
                                                  : "true or false");
    return reader_add_label(source, (span){json_string_value(label), json_string_length(label)});
}

static json_t *integer_as_text(const json_t *integer)
{
    char text[INTEGER_BYTES];
    snprintf(text, sizeof text, "%lld", (long long)json_integer_value(integer));
    return json_string(text);
}

static bool take_list(reader *source, json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (json_is_integer(json_array_get(list, i)) &&
            json_array_set_new(list, i, integer_as_text(json_array_get(list, i))) != 0)
            return reader_bad(source, "not enough memory for its labels");
        if (!add_label(source, json_array_get(list, i)))
            return false;
    }
    return true;
}

static bool take_labels(reader *source, json_t *object)
{
    json_t *one = json_object_get(object, "label");
    json_t *list = json_object_get(object, "labels");
    if (one != NULL && list != NULL)
        return reader_bad(source, "both \"label\" and \"labels\"; give one of them");
    if (list != NULL && !json_is_array(list))
        return reader_bad(source, "\"labels\" is not a list");
    if (one == NULL && list == NULL)
        return reader_bad(source, source->options.task == READ_LABEL
                                      ? "no \"label\" in the object"
                                      : "no \"labels\" in the object; a text without labels has \"labels\": []");
    if (list != NULL) {
        if (!take_list(source, list))
            return false;
        if (source->options.task == READ_LABEL && source->current.label_count == 0)
            return reader_bad(source, "\"labels\" is empty; task classify needs one label");
        return true;
    }
    if (json_is_integer(one)) {
        if (json_object_set_new(object, "label", integer_as_text(one)) != 0)
            return reader_bad(source, "not enough memory for its label");
        one = json_object_get(object, "label");
    }
    return add_label(source, one);
}

static bool take_targets(reader *source, const json_t *object)
{
    const json_t *targets = json_object_get(object, "targets");
    if (!json_is_array(targets) || json_array_size(targets) == 0)
        return reader_bad(source, "no list \"targets\" in the object; task regress needs one, like \"targets\": [3.5]");
    size_t count = json_array_size(targets);
    if (source->target_count != 0 && count != source->target_count)
        return reader_bad(source, "%zu target%s where %s %zu", count, count == 1 ? "" : "s",
                          source->options.target_count != 0 ? "the model has" : "the lines before have",
                          source->target_count);
    for (size_t i = 0; i < count; i++) {
        const json_t *target = json_array_get(targets, i);
        if (!json_is_number(target))
            return reader_bad(source, "\"targets\" holds something that is not a number");
        if (!reader_add_target(source, json_number_value(target)))
            return false;
    }
    return true;
}

static bool take(reader *source, json_t *object)
{
    if (!json_is_object(object))
        return reader_bad(source, "not a JSON object; a line is like {\"text\": \"...\", \"label\": \"...\"}");
    const json_t *text = json_object_get(object, "text");
    if (!json_is_string(text))
        return reader_bad(source, "no string \"text\" in the object");
    source->current.text = (span){json_string_value(text), json_string_length(text)};
    const json_t *weight = json_object_get(object, "weight");
    if (weight != NULL) {
        double value = json_is_number(weight) ? json_number_value(weight) : -1.0;
        source->current.weight = (float)value;
        if (!(value >= 0.0) || !isfinite(source->current.weight))
            return reader_bad(source, "\"weight\" is not a number of at least 0");
    }
    switch (source->options.task) {
    case READ_LABEL:
    case READ_LABELS:
        return take_labels(source, object);
    case READ_TARGETS:
        return take_targets(source, object);
    case READ_TEXTS:
        break;
    }
    return true;
}

static bool parse(reader *source, span line)
{
    reset(source);
    if (line.length == 0)
        return reader_bad(source, "the line is empty; a .jsonl line is one JSON object");
    json_error_t error;
    json_t *object = json_loadb(line.data, line.length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    source->state = object;
    if (object == NULL)
        return reader_bad(source, "not valid JSON: %s (byte %d)", error.text, error.position);
    return take(source, object);
}

static int next(reader *source, reader_event *event)
{
    bool more = false;
    int code = lines_next(&source->lines, false, &more);
    if (code != CODE_OK || !more)
        return code;
    span line = reader_trim_cr((span){source->lines.text, source->lines.length});
    *event = parse(source, line) ? EVENT_RECORD : EVENT_BAD;
    return CODE_OK;
}

const reader_format reader_jsonl = {"jsonl", next, reset};
