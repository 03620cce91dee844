/* options.c: what reads the option table.
 *
 * A value goes through text both ways, and what is printed reads back as the same value. Unknown keys are answered with
 * the nearest known one by edit distance. Nothing here knows what an option does. */
#include "model/options.h"

#include <string.h>

#include "base/number.h"

const tci_option_row *tci_option_find(const char *key)
{
    for (size_t i = 0; i < tci_option_count(); i++) {
        if (strcmp(tci_option_row_at(i)->key, key) == 0)
            return tci_option_row_at(i);
    }
    return NULL;
}

static bool bit_of(const tci_options *options, size_t index)
{
    return (options->set[index / 64] >> (index % 64) & 1) != 0;
}

static void put_bit(tci_options *options, size_t index, bool value)
{
    uint64_t bit = UINT64_C(1) << (index % 64);
    options->set[index / 64] = value ? options->set[index / 64] | bit : options->set[index / 64] & ~bit;
}

static size_t smallest(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edit distance (Wagner and Fischer), for the suggestion after an unknown key; keys are short. */
static size_t edit_distance(const char *a, const char *b)
{
    enum { LONGEST = 40 };
    size_t previous[LONGEST + 1], n = strlen(b);
    if (n > LONGEST || strlen(a) > LONGEST)
        return SIZE_MAX;
    for (size_t j = 0; j <= n; j++)
        previous[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = previous[0];
        previous[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t above = previous[j];
            size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
            previous[j] = smallest(replaced, smallest(above, previous[j - 1]) + 1);
            diagonal = above;
        }
    }
    return previous[n];
}

static tc_status unknown_key(const char *key)
{
    size_t best = SIZE_MAX, nearest = 0;
    for (size_t i = 0; i < tci_option_count(); i++) {
        size_t distance = edit_distance(key, tci_option_row_at(i)->key);
        if (distance < best) {
            best = distance;
            nearest = i;
        }
    }
    if (best <= 4 && best < strlen(key))
        return tci_fail(TC_ERROR_OPTION, "option '%.64s' is not known; did you mean '%s'?", key,
                        tci_option_row_at(nearest)->key);
    return tci_fail(TC_ERROR_OPTION, "option '%.64s' is not known; tc_option_at() and `textclf options` list all", key);
}

static tc_status bad_value(const tci_option_row *row, const char *value)
{
    return tci_fail(TC_ERROR_OPTION, "option '%s': '%.64s' is not accepted; it takes %s", row->key, value, row->range);
}

static bool parse_choice(const char *range, const char *value, int32_t *choice)
{
    size_t length = strlen(value);
    for (int32_t index = 0;; index++) {
        size_t alternative = strcspn(range, "|");
        if (alternative == length && memcmp(range, value, length) == 0) {
            *choice = index;
            return true;
        }
        if (range[alternative] == '\0')
            return false;
        range += alternative + 1;
    }
}

static bool store(tci_options *options, const tci_option_row *row, const char *value)
{
    char *member = (char *)options + row->offset;
    size_t length = strlen(value);
    int32_t choice = 0;
    uint64_t integer = 0;
    double number = 0;
    switch (row->type) {
    case TCI_OPTION_CHOICE:
        if (!parse_choice(row->range, value, &choice))
            return false;
        memcpy(member, &choice, sizeof choice);
        return true;
    case TCI_OPTION_BOOLEAN:
        if (!parse_choice(row->range, value, &choice))
            return false;
        *(bool *)(void *)member = choice == 0;
        return true;
    case TCI_OPTION_INTEGER:
        if (!tci_parse_unsigned(value, length, &integer) || integer < (uint64_t)row->minimum ||
            integer > (uint64_t)row->maximum)
            return false;
        memcpy(member, &integer, sizeof integer);
        return true;
    case TCI_OPTION_NUMBER:
        if (!tci_parse_double(value, length, &number) || number < row->minimum || number > row->maximum)
            return false;
        memcpy(member, &number, sizeof number);
        return true;
    case TCI_OPTION_TEXT:
        if (length >= TCI_OPTION_TEXT_SIZE)
            return false;
        memcpy(member, value, length + 1);
        return true;
    }
    return false;
}

void tci_options_default(tci_options *options)
{
    memset(options, 0, sizeof *options);
    for (size_t i = 0; i < tci_option_count(); i++)
        (void)store(options, tci_option_row_at(i), tci_option_row_at(i)->default_value);
}

void tci_options_prefer(tci_options *options, const tci_options *given, const char *key, const char *value)
{
    if (!tci_options_is_set(given, key))
        (void)store(options, tci_option_find(key), value);
}

tc_status tci_options_set(tci_options *options, const char *key, const char *value)
{
    const tci_option_row *row = tci_option_find(key);
    if (!row)
        return unknown_key(key);
    if (!store(options, row, value))
        return bad_value(row, value);
    put_bit(options, (size_t)(row - tci_option_row_at(0)), true);
    return TC_OK;
}

bool tci_options_embed(const tci_options *options)
{
    return options->arch == TCI_ARCH_NGRAM && options->embedding_dim > 0 &&
           tci_options_is_set(options, "embedding_dim");
}

bool tci_option_applies(const tci_options *options, const tci_option_row *row)
{
    char name[TCI_CHOICE_NAME];
    const char *found = row->applies_to, *form = tci_options_embed(options) ? ":embedding" : ":linear";
    if (strcmp(found, "all") == 0)
        return true;
    tci_choice_name("arch", options->arch, name);
    for (; *found; found += strcspn(found, ",") + (found[strcspn(found, ",")] == ',')) {
        size_t end = strcspn(found, ","), length = strcspn(found, ":,");
        if (length == strlen(name) && memcmp(found, name, length) == 0 &&
            (length == end || (end - length == strlen(form) && memcmp(found + length, form, end - length) == 0)))
            return true;
    }
    return false;
}

bool tci_options_is_set(const tci_options *options, const char *key)
{
    const tci_option_row *row = tci_option_find(key);
    return row && bit_of(options, (size_t)(row - tci_option_row_at(0)));
}

/* The alternative numbered `choice`, and its length. */
static const char *alternative(const char *range, int32_t choice, size_t *length)
{
    while (choice-- > 0)
        range += strcspn(range, "|") + 1;
    *length = strcspn(range, "|");
    return range;
}

const char *tci_choice_name(const char *key, int32_t choice, char name[TCI_CHOICE_NAME])
{
    size_t length = 0;
    const char *text = alternative(tci_option_find(key)->range, choice, &length);
    length = smallest(length, TCI_CHOICE_NAME - 1);
    memcpy(name, text, length);
    name[length] = '\0';
    return name;
}

tc_status tci_options_print(const tci_options *options, const tci_option_row *row, tci_buffer *out)
{
    const char *member = (const char *)options + row->offset;
    int32_t choice = 0;
    uint64_t integer = 0;
    double number = 0;
    char text[TCI_DOUBLE_TEXT];
    const char *word = NULL;
    size_t length = 0;
    switch (row->type) {
    case TCI_OPTION_CHOICE:
        memcpy(&choice, member, sizeof choice);
        word = alternative(row->range, choice, &length);
        return tci_buffer_append(out, word, length);
    case TCI_OPTION_BOOLEAN:
        return tci_buffer_text(out, *(const bool *)(const void *)member ? "true" : "false");
    case TCI_OPTION_INTEGER:
        memcpy(&integer, member, sizeof integer);
        return tci_buffer_unsigned(out, integer);
    case TCI_OPTION_NUMBER:
        memcpy(&number, member, sizeof number);
        return tci_buffer_append(out, text, tci_print_double(number, text));
    case TCI_OPTION_TEXT:
        return tci_buffer_text(out, member);
    }
    return tci_fail(TC_ERROR_INTERNAL, "option '%s' has no type", row->key);
}

static size_t member_size(tci_option_type type)
{
    static const size_t sizes[] = {sizeof(int32_t), sizeof(uint64_t), sizeof(double), sizeof(bool),
                                   TCI_OPTION_TEXT_SIZE};
    return sizes[type];
}

bool tci_options_equal(const tci_options *a, const tci_options *b, const tci_option_row *row)
{
    const char *left = (const char *)a + row->offset, *right = (const char *)b + row->offset;
    if (row->type == TCI_OPTION_TEXT)
        return strcmp(left, right) == 0;
    return memcmp(left, right, member_size(row->type)) == 0;
}

void tci_options_copy_row(tci_options *to, const tci_options *from, const tci_option_row *row)
{
    size_t index = (size_t)(row - tci_option_row_at(0));
    memcpy((char *)to + row->offset, (const char *)from + row->offset, member_size(row->type));
    put_bit(to, index, bit_of(from, index));
}

void tci_options_copy_class(tci_options *to, const tci_options *from, tci_option_class option_class)
{
    for (size_t i = 0; i < tci_option_count(); i++) {
        if (tci_option_row_at(i)->option_class == option_class)
            tci_options_copy_row(to, from, tci_option_row_at(i));
    }
}

void tci_options_copy_set(tci_options *to, const tci_options *from, tci_option_class option_class)
{
    for (size_t i = 0; i < tci_option_count(); i++) {
        if (tci_option_row_at(i)->option_class == option_class && bit_of(from, i))
            tci_options_copy_row(to, from, tci_option_row_at(i));
    }
}
