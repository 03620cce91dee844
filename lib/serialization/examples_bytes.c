/* examples_bytes.c: writing and reading the bytes of examples_bytes.h. The reader checks sizes against the bytes that
 * are there, then the digest, then that the examples are this model's, then every number: what a host keeps in a file
 * may come back damaged, and a digest can be made anew. */
#include "serialization/examples_bytes.h"

#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "text/ngrams.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "examples are written as they stand in memory, little-endian: this machine needs a conversion"
#endif

#define MAGIC "textclf.examples"
#define MAGIC_BYTES 16
#define DIGEST_END (MAGIC_BYTES + TCI_HASH_128)
#define WORDS 12
#define HEAD_BYTES (DIGEST_END + WORDS * 8)
#define VERSION 1

enum { AT_VERSION, AT_PIPELINE, AT_NAMES, AT_TASK, AT_LABELS, AT_ROWS, AT_IDS, AT_LIST, AT_COUNTS, AT_WIDTH, AT_END };

/* An array of the file: where it stands in memory, and its bytes. */
typedef struct part {
    void *data;
    size_t size;
} part;

#define PARTS 6

typedef struct parts {
    part list[PARTS];
    size_t count, total; /* bytes of all */
} parts;

static bool add_part(parts *all, void *data, size_t count, size_t size)
{
    part *next = &all->list[all->count++];
    next->data = data;
    return tci_multiply(count, size, &next->size) && tci_add(all->total, next->size, &all->total);
}

/* The arrays of a set of this many rows and ids, in the order of the file; false where they do not fit the address
 * space. */
static bool list_parts(const tc_examples *e, size_t rows, size_t ids, size_t list, bool counts, parts *all)
{
    size_t targets = 0;
    *all = (parts){.count = 0};
    if (!add_part(all, e->ends, rows, sizeof(size_t)) || !add_part(all, e->weights, rows, sizeof(float)) ||
        !add_part(all, e->ids, ids, sizeof(uint32_t)))
        return false;
    if (e->task == TCI_TASK_CLASSIFY && !add_part(all, e->classes, rows, sizeof(uint32_t)))
        return false;
    if (e->task == TCI_TASK_MULTILABEL &&
        !(add_part(all, e->list_ends, rows, sizeof(size_t)) && add_part(all, e->list, list, sizeof(uint32_t))))
        return false;
    if (e->task == TCI_TASK_REGRESS &&
        !(tci_multiply(rows, e->label_count, &targets) && add_part(all, e->targets, targets, sizeof(float))))
        return false;
    return add_part(all, e->counts, counts ? ids : 0, 1);
}

static void digest_of(const uint8_t *bytes, size_t size, uint8_t digest[TCI_HASH_128])
{
    tci_hash_stream stream;
    tci_hash_begin(&stream);
    tci_hash_add(&stream, bytes + DIGEST_END, size - DIGEST_END);
    tci_hash_end_128(&stream, digest);
}

tc_status tci_examples_save_memory(const tc_examples *examples, size_t capacity, void *buffer, size_t *size)
{
    bool counts = examples->counts && examples->id_count > 0;
    const uint64_t words[WORDS] = {VERSION,
                                   examples->pipeline->fingerprint,
                                   examples->label_fingerprint,
                                   (uint64_t)examples->task,
                                   examples->label_count,
                                   examples->rows,
                                   examples->id_count,
                                   examples->list_count,
                                   counts,
                                   sizeof(size_t)};
    uint8_t *to = buffer;
    parts all;
    bool fits = list_parts(examples, examples->rows, examples->id_count, examples->list_count, counts, &all);
    if (!fits || !tci_add(all.total, HEAD_BYTES, size))
        return tci_fail(TC_ERROR_LIMIT, "the bytes of the examples do not fit the address space");
    if (capacity < *size)
        return tci_fail(TC_ERROR_CAPACITY, "%zu bytes of examples do not fit a buffer of %zu", *size, capacity);
    memcpy(to, MAGIC, MAGIC_BYTES);
    for (size_t i = 0; i < WORDS; i++)
        tci_store_u64(to + DIGEST_END + 8 * i, words[i]);
    uint8_t *at = to + HEAD_BYTES;
    for (size_t i = 0; i < all.count; at += all.list[i++].size) {
        if (all.list[i].size > 0)
            memcpy(at, all.list[i].data, all.list[i].size);
    }
    digest_of(to, *size, to + MAGIC_BYTES);
    return TC_OK;
}

/* ---- reading ---- */

static tc_status check_head(const uint8_t *bytes, size_t size)
{
    uint8_t digest[TCI_HASH_128];
    if (size < HEAD_BYTES || memcmp(bytes, MAGIC, MAGIC_BYTES) != 0)
        return tci_fail(TC_ERROR_FORMAT, "these %zu bytes do not begin like encoded examples", size);
    digest_of(bytes, size, digest);
    if (memcmp(digest, bytes + MAGIC_BYTES, sizeof digest) != 0)
        return tci_fail(TC_ERROR_CHECKSUM, "the encoded examples are damaged: their digest is wrong");
    return TC_OK;
}

static tc_status check_owner(const tc_examples *examples, const uint64_t words[WORDS])
{
    if (words[AT_VERSION] != VERSION || words[AT_WIDTH] != sizeof(size_t))
        return tci_fail(
            TC_ERROR_VERSION, "encoded examples of version %llu with places of %llu bytes; read here: %d, %zu",
            (unsigned long long)words[AT_VERSION], (unsigned long long)words[AT_WIDTH], VERSION, sizeof(size_t));
    if (words[AT_PIPELINE] != examples->pipeline->fingerprint)
        return tci_fail(TC_ERROR_MISMATCH, "the examples were encoded with another vocabulary or other text options "
                                           "than the model's");
    if (words[AT_NAMES] != examples->label_fingerprint || words[AT_TASK] != (uint64_t)examples->task ||
        words[AT_LABELS] != examples->label_count)
        return tci_fail(TC_ERROR_MISMATCH, "the examples were made for a model of another task or of other labels");
    return TC_OK;
}

static tc_status bad(size_t row, const char *what)
{
    return tci_fail(TC_ERROR_FORMAT, "encoded examples, row %zu: %s", row, what);
}

/* Ends rise to `count`. */
static tc_status check_ends(const size_t *ends, size_t rows, size_t count, const char *what)
{
    size_t last = 0;
    for (size_t r = 0; r < rows; r++) {
        if (ends[r] < last || ends[r] > count)
            return bad(r, what);
        last = ends[r];
    }
    return last == count ? TC_OK : bad(rows, what);
}

static tc_status check_ids(const tc_examples *e)
{
    const tci_ngram_options *ngrams = &e->pipeline->options.ngrams;
    bool features = ngrams->buckets > 0 && !ngrams->bag;
    uint64_t bound = tci_pipeline_rows(e->pipeline) + (ngrams->bag ? ngrams->buckets : 0);
    if (features)
        bound = 2 * ngrams->buckets;
    TCI_RETURN_IF(check_ends(e->ends, e->rows, e->id_count, "its ids end outside the others"));
    if (e->id_count > 0 && features != (e->counts != NULL))
        return bad(0, features ? "its features have no counts" : "its words have counts");
    for (size_t r = 0, i = 0; r < e->rows; r++) {
        for (size_t first = i; i < e->ends[r]; i++) {
            if (e->ids[i] >= bound)
                return bad(r, "an id that the model does not have");
            if (features && i > first && e->ids[i] <= e->ids[i - 1])
                return bad(r, "its features do not rise");
            if (features && e->counts[i] == 0)
                return bad(r, "a feature that occurs 0 times");
        }
    }
    return TC_OK;
}

static bool is_label(const tc_examples *e, uint32_t label)
{
    return label < e->label_count || label == TC_LABEL_UNKNOWN;
}

/* Each label once in a row; `marks` (label_count) are zeros and hold the row, plus one, that had a label last. */
static tc_status check_lists(const tc_examples *e, size_t *marks)
{
    TCI_RETURN_IF(check_ends(e->list_ends, e->rows, e->list_count, "its labels end outside the others"));
    for (size_t r = 0, i = 0; r < e->rows; r++) {
        for (; i < e->list_ends[r]; i++) {
            uint32_t label = e->list[i];
            if (!is_label(e, label) || (label != TC_LABEL_UNKNOWN && marks[label] == r + 1))
                return bad(r, "a label that the model does not have, or the same label twice");
            if (label != TC_LABEL_UNKNOWN)
                marks[label] = r + 1;
        }
    }
    return TC_OK;
}

static bool is_finite(float value)
{
    return value - value == 0.0f;
}

static tc_status check_truths(const tc_examples *e)
{
    for (size_t r = 0; r < e->rows; r++) {
        if (!is_finite(e->weights[r]) || e->weights[r] < 0)
            return bad(r, "a weight that is not finite or below 0");
        if (e->task == TCI_TASK_CLASSIFY && !is_label(e, e->classes[r]))
            return bad(r, "a label that the model does not have");
        for (size_t c = 0; e->task == TCI_TASK_REGRESS && c < e->label_count; c++) {
            if (!is_finite(e->targets[r * e->label_count + c]))
                return bad(r, "a target that is not finite");
        }
    }
    return TC_OK;
}

static tc_status check_values(tc_examples *e)
{
    TCI_RETURN_IF(check_ids(e));
    TCI_RETURN_IF(check_truths(e));
    if (e->task != TCI_TASK_MULTILABEL)
        return TC_OK;
    size_t *marks = NULL;
    TCI_RETURN_IF(tci_alloc_zero(&e->memory, e->label_count, sizeof *marks, "marks of labels", &marks));
    tc_status status = check_lists(e, marks);
    tci_free(&e->memory, marks);
    return status;
}

/* Sizes are those of the bytes, or nothing is allocated. */
static tc_status fill(tc_examples *e, const uint64_t words[WORDS], const uint8_t *bytes, size_t size)
{
    parts all;
    size_t rows = (size_t)words[AT_ROWS], ids = (size_t)words[AT_IDS], list = (size_t)words[AT_LIST];
    bool counts = words[AT_COUNTS] != 0;
    if (counts && ids == 0)
        return tci_fail(TC_ERROR_FORMAT, "encoded examples with counts of no ids");
    if (!list_parts(e, rows, ids, list, counts, &all) || all.total != size || words[AT_COUNTS] > 1 ||
        words[AT_END] != 0 || words[AT_END + 1] != 0 || (e->task != TCI_TASK_MULTILABEL && list != 0))
        return tci_fail(TC_ERROR_FORMAT, "encoded examples of %zu rows and %zu ids, but %zu bytes", rows, ids, size);
    TCI_RETURN_IF(tci_examples_reserve_rows(e, rows, list));
    TCI_RETURN_IF(tci_examples_reserve_ids(e, ids, counts));
    list_parts(e, rows, ids, list, counts, &all);
    for (size_t i = 0; i < all.count; bytes += all.list[i++].size) {
        if (all.list[i].size > 0)
            memcpy(all.list[i].data, bytes, all.list[i].size);
    }
    e->rows = rows;
    e->id_count = ids;
    e->list_count = list;
    return check_values(e);
}

tc_status tci_examples_load_memory(const void *bytes, size_t size, const tc_model *model, tc_examples **result)
{
    tc_status status = TC_OK;
    tc_examples *examples = NULL;
    uint64_t words[WORDS];
    const uint8_t *from = bytes;
    *result = NULL;
    TCI_RETURN_IF(check_head(from, size));
    for (size_t i = 0; i < WORDS; i++)
        words[i] = tci_load_u64(from + DIGEST_END + 8 * i);
    TCI_CHECK(tci_examples_create(model, &examples));
    TCI_CHECK(check_owner(examples, words));
    TCI_CHECK(fill(examples, words, from + HEAD_BYTES, size - HEAD_BYTES));
    *result = examples;
    examples = NULL;
done:
    tci_examples_release(examples);
    return status;
}
