/* class_weights.c: reading and balancing label weights. */
#include "train/class_weights.h"

#include <string.h>

#include "base/number.h"

/* Compares the escaped name at [text, end) with a label. */
static bool names_label(const char *text, const char *end, const char *label)
{
    for (; text < end; text++, label++) {
        if (*text == '\\' && text + 1 < end)
            text++;
        if (*label == '\0' || *text != *label)
            return false;
    }
    return *label == '\0';
}

/* The first `stop` that no backslash escapes, or the end. */
static const char *find_unescaped(const char *text, char stop)
{
    for (; *text && *text != stop; text++) {
        if (*text == '\\' && text[1])
            text++;
    }
    return text;
}

tc_status tci_class_weights_parse(const char *text, const char *const *labels, size_t label_count, float *weights,
                                  bool *balanced, bool *none)
{
    *none = strcmp(text, "none") == 0;
    *balanced = strcmp(text, "balanced") == 0;
    for (size_t i = 0; i < label_count; i++)
        weights[i] = 1.0f;
    for (const char *item = text; !*none && !*balanced; item++) {
        const char *end = find_unescaped(item, ','), *equals = find_unescaped(item, '=');
        size_t label = 0;
        if (equals >= end)
            return tci_fail(TC_ERROR_OPTION, "class_weights: '%.64s' is not label=weight", item);
        while (label < label_count && !names_label(item, equals, labels[label]))
            label++;
        if (label == label_count)
            return tci_fail(TC_ERROR_OPTION, "class_weights: '%.*s' is no label of the model", (int)(equals - item),
                            item);
        if (!tci_parse_float(equals + 1, (size_t)(end - equals - 1), &weights[label]) || weights[label] < 0)
            return tci_fail(TC_ERROR_OPTION, "class_weights: the weight of '%s' is not a number of at least 0",
                            labels[label]);
        if (!*end)
            break;
        item = end;
    }
    return TC_OK;
}

static bool put(char **to, const char *end, const char *text, size_t length)
{
    if ((size_t)(end - *to) <= length)
        return false;
    memcpy(*to, text, length);
    *to += length;
    **to = '\0';
    return true;
}

static bool put_label(char **to, const char *end, const char *label)
{
    for (; *label; label++) {
        if ((*label == ',' || *label == '=' || *label == '\\') && !put(to, end, "\\", 1))
            return false;
        if (!put(to, end, label, 1))
            return false;
    }
    return put(to, end, "=", 1);
}

tc_status tci_class_weights_balance(const tc_examples *examples, const char *const *labels, float *weights, char *text,
                                    size_t capacity)
{
    size_t label_count = examples->label_count;
    char *to = text, number[TCI_FLOAT_TEXT];
    for (size_t label = 0; label < label_count; label++) {
        size_t rows = 0;
        for (size_t r = 0; r < examples->rows; r++)
            rows += examples->classes[r] == label;
        weights[label] = rows == 0 ? 1.0f : (float)((double)examples->rows / ((double)label_count * (double)rows));
        if (!(label == 0 || put(&to, text + capacity, ",", 1)) || !put_label(&to, text + capacity, labels[label]) ||
            !put(&to, text + capacity, number, tci_print_float(weights[label], number)))
            return tci_fail(
                TC_ERROR_LIMIT,
                "class_weights balanced: the weights of %zu labels do not fit %zu bytes; give each example its weight "
                "instead",
                label_count, capacity);
    }
    return TC_OK;
}
