/* label_set.c: see label_set.h. Open addressing over FNV-1a; labels hold no NUL (the readers see to that), so names are
 * C strings and strcmp, which compares bytes as unsigned, is the order. How
 * often a label was inserted stands before its name. */
#include "label_set.h"

#include <stdlib.h>
#include <string.h>

#include "messages.h"

#define COUNT_BYTES sizeof(uint64_t)

struct labels {
    char **names;
    size_t count;
    size_t capacity;
    uint32_t *slots; /* number + 1; 0 is free */
    size_t slot_count; /* a power of two, at least twice the count */
};

static size_t hash(const char *bytes, size_t length)
{
    uint64_t value = 0xcbf29ce484222325u;
    for (size_t i = 0; i < length; i++)
        value = (value ^ (unsigned char)bytes[i]) * 0x100000001b3u;
    return (size_t)(value ^ value >> 32);
}

/* The slot of a name, or the free one where it belongs. */
static size_t find_slot(const labels *set, const char *name, size_t length)
{
    size_t at = hash(name, length) & (set->slot_count - 1);
    while (set->slots[at] != 0) {
        const char *other = set->names[set->slots[at] - 1];
        if (strncmp(other, name, length) == 0 && other[length] == '\0')
            break;
        at = (at + 1) & (set->slot_count - 1);
    }
    return at;
}

static void fill_slots(labels *set)
{
    memset(set->slots, 0, set->slot_count * sizeof *set->slots);
    for (size_t i = 0; i < set->count; i++)
        set->slots[find_slot(set, set->names[i], strlen(set->names[i]))] = (uint32_t)i + 1;
}

static int grow(labels *set)
{
    size_t capacity = set->capacity == 0 ? 64 : set->capacity * 2;
    char **names = realloc(set->names, capacity * sizeof *names);
    if (names == NULL)
        return fail_memory("the labels");
    set->names = names;
    uint32_t *slots = realloc(set->slots, capacity * 2 * sizeof *slots);
    if (slots == NULL)
        return fail_memory("the labels");
    set->slots = slots;
    set->capacity = capacity;
    set->slot_count = capacity * 2;
    fill_slots(set);
    return CODE_OK;
}

int labels_create(labels **created)
{
    *created = calloc(1, sizeof **created);
    return *created != NULL ? grow(*created) : fail_memory("the labels");
}

void labels_free(labels *set)
{
    if (set == NULL)
        return;
    for (size_t i = 0; i < set->count; i++)
        free(set->names[i] - COUNT_BYTES);
    free(set->names);
    free(set->slots);
    free(set);
}

static void add_occurrence(char *name)
{
    uint64_t count = 0;
    memcpy(&count, name - COUNT_BYTES, sizeof count);
    count++;
    memcpy(name - COUNT_BYTES, &count, sizeof count);
}

uint64_t labels_occurrences(const labels *set, size_t number)
{
    uint64_t count = 0;
    memcpy(&count, set->names[number] - COUNT_BYTES, sizeof count);
    return count;
}

int labels_insert(labels *set, span name)
{
    size_t slot = find_slot(set, name.data, name.length);
    if (set->slots[slot] != 0) {
        add_occurrence(set->names[set->slots[slot] - 1]);
        return CODE_OK;
    }
    if (set->count == UINT32_MAX - 1)
        return fail("more labels than can be numbered");
    if (set->count == set->capacity) {
        int code = grow(set);
        if (code != CODE_OK)
            return code;
        slot = find_slot(set, name.data, name.length);
    }
    char *copy = calloc(1, COUNT_BYTES + name.length + 1);
    if (copy == NULL)
        return fail_memory("the labels");
    copy += COUNT_BYTES;
    add_occurrence(copy);
    memcpy(copy, name.data, name.length);
    copy[name.length] = '\0';
    set->names[set->count++] = copy;
    set->slots[slot] = (uint32_t)set->count;
    return CODE_OK;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void labels_sort(labels *set)
{
    if (set->count > 0)
        qsort(set->names, set->count, sizeof *set->names, compare);
    fill_slots(set);
}

uint32_t labels_find(const labels *set, span name)
{
    uint32_t number = set->slots[find_slot(set, name.data, name.length)];
    return number == 0 ? LABEL_NONE : number - 1;
}

size_t labels_count(const labels *set)
{
    return set->count;
}

const char *const *labels_names(const labels *set)
{
    return (const char *const *)set->names;
}
