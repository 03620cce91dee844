/* ngram_counts.c: a table from buckets to places in arrays that grow with what is seen. Features that are new are
 * numbered first and room is made for them, then all are counted: so a failure can be undone. */
#include "model/ngram_counts.h"

#include "kernel/kernel.h"
#include "text/ngrams.h"

#define FLOOR 0.5

tc_status tci_ngram_counts_init(tci_ngram_counts *counts, tci_memory *memory, size_t bound, size_t columns)
{
    *counts = (tci_ngram_counts){.memory = memory, .bound = bound, .columns = columns};
    TCI_RETURN_IF(tci_alloc_zero(memory, columns, sizeof(uint64_t), "label counts", &counts->label_mass));
    return tci_alloc_zero(memory, bound, sizeof(uint32_t), "places of features", &counts->slots);
}

void tci_ngram_counts_free(tci_ngram_counts *counts)
{
    if (!counts->memory)
        return;
    tci_free(counts->memory, counts->slots);
    tci_free(counts->memory, counts->texts);
    tci_free(counts->memory, counts->labelled);
    tci_free(counts->memory, counts->label_mass);
    *counts = (tci_ngram_counts){.memory = NULL};
}

/* Whether entry i of a row is the first of its bucket: a bucket may have a light and a full feature, side by side. */
static bool is_first(const tci_row *row, size_t i)
{
    return i == 0 || TCI_FEATURE_BUCKET(row->ids[i - 1]) != TCI_FEATURE_BUCKET(row->ids[i]);
}

/* Numbers what is new from counts->count on; returns how many there are then. */
static size_t number_new(tci_ngram_counts *counts, const tc_examples *examples, const size_t *rows, size_t row_count)
{
    size_t known = counts->count;
    for (size_t r = 0; r < row_count; r++) {
        tci_row row = tci_examples_row(examples, rows ? rows[r] : r);
        for (size_t i = 0; i < row.length; i++) {
            uint32_t *slot = &counts->slots[TCI_FEATURE_BUCKET(row.ids[i])];
            if (*slot == 0)
                *slot = (uint32_t)++known;
        }
    }
    return known;
}

static void forget_new(tci_ngram_counts *counts)
{
    for (size_t bucket = 0; bucket < counts->bound; bucket++) {
        if (counts->slots[bucket] > counts->count)
            counts->slots[bucket] = 0;
    }
}

static tc_status make_room(tci_ngram_counts *counts, size_t known)
{
    size_t cells = 0;
    if (!tci_multiply(known, counts->columns, &cells))
        return tci_fail(TC_ERROR_LIMIT, "counts of %zu features do not fit the address space", known);
    TCI_RETURN_IF(tci_reserve(counts->memory, known, SIZE_MAX / 8, sizeof(uint32_t), "feature counts",
                              &counts->text_capacity, &counts->texts));
    TCI_RETURN_IF(tci_reserve(counts->memory, cells, SIZE_MAX / 8, sizeof(uint32_t), "feature counts",
                              &counts->labelled_capacity, &counts->labelled));
    for (size_t i = counts->count; i < known; i++)
        counts->texts[i] = 0;
    for (size_t i = counts->count * counts->columns; i < cells; i++)
        counts->labelled[i] = 0;
    counts->count = known;
    return TC_OK;
}

static void count_row(tci_ngram_counts *counts, const tci_row *row, const float *targets)
{
    uint64_t different = 0;
    for (size_t i = 0; i < row->length; i++) {
        if (!is_first(row, i))
            continue;
        size_t place = counts->slots[TCI_FEATURE_BUCKET(row->ids[i])] - 1;
        counts->texts[place]++;
        different++;
        for (size_t c = 0; c < counts->columns; c++)
            counts->labelled[place * counts->columns + c] += targets[c] > 0;
    }
    counts->text_count++;
    counts->mass += different;
    for (size_t c = 0; c < counts->columns; c++)
        counts->label_mass[c] += targets[c] > 0 ? different : 0;
}

tc_status tci_ngram_counts_add(tci_ngram_counts *counts, const tc_examples *examples, const size_t *rows,
                               size_t row_count)
{
    float *targets = NULL;
    TCI_RETURN_IF(tci_alloc(counts->memory, examples->label_count, sizeof *targets, "label counts", &targets));
    size_t known = number_new(counts, examples, rows, row_count);
    tc_status status = make_room(counts, known);
    if (status != TC_OK)
        forget_new(counts);
    /* the only column of two labels is the second's */
    const float *used = targets + (counts->columns == 1 && examples->label_count == 2);
    for (size_t r = 0; status == TC_OK && r < row_count; r++) {
        size_t number = rows ? rows[r] : r;
        tci_row row = tci_examples_row(examples, number);
        tci_examples_targets(examples, number, targets);
        count_row(counts, &row, used);
    }
    tci_free(counts->memory, targets);
    return status;
}

void tci_ngram_counts_members(const tci_ngram_counts *counts, tci_index_set *set)
{
    for (size_t bucket = 0; bucket < counts->bound; bucket++) {
        if (counts->slots[bucket] > 0)
            tci_index_set_put(set, (uint32_t)bucket);
    }
}

/* |ln(((p + pi) / pi) / ((q + 1 - pi) / (1 - pi)))|; 0 for a label that all or no features have. */
static double log_ratio(double p, double q, double share)
{
    if (share <= 0 || share >= 1)
        return 0;
    double value = tci_log((p + share) / share * ((1 - share) / (q + 1 - share)));
    return value < 0 ? -value : value;
}

/* Most features occur in a few texts only: what those numbers give is computed once. */
#define FEW 16

typedef struct scale_table {
    const tci_ngram_counts *counts;
    double *shares;   /* (columns) of a label in all features */
    double *ratios;   /* (columns, FEW, FEW) by texts with and without the label */
    double *rarities; /* (FEW * 2) by texts */
} scale_table;

static double ratio_of(const scale_table *table, size_t column, uint32_t with, uint32_t without)
{
    if (with < FEW && without < FEW)
        return table->ratios[(column * FEW + with) * FEW + without];
    return log_ratio((double)with, (double)without, table->shares[column]) + FLOOR;
}

static double rarity_of(const tci_ngram_counts *counts, uint32_t texts)
{
    return 1 + tci_log(((double)counts->text_count + 1) / ((double)texts + 1));
}

static tc_status make_table(scale_table *table)
{
    const tci_ngram_counts *counts = table->counts;
    TCI_RETURN_IF(tci_alloc(counts->memory, counts->columns, sizeof(double), "feature scales", &table->shares));
    TCI_RETURN_IF(
        tci_alloc(counts->memory, counts->columns, FEW * FEW * sizeof(double), "feature scales", &table->ratios));
    TCI_RETURN_IF(tci_alloc(counts->memory, 2 * FEW, sizeof(double), "feature scales", &table->rarities));
    double *to = table->ratios;
    for (size_t c = 0; c < counts->columns; c++) {
        table->shares[c] = counts->mass > 0 ? (double)counts->label_mass[c] / (double)counts->mass : 0;
        for (uint32_t with = 0; with < FEW; with++) {
            for (uint32_t without = 0; without < FEW; without++)
                *to++ = log_ratio((double)with, (double)without, table->shares[c]) + FLOOR;
        }
    }
    for (uint32_t texts = 0; texts < 2 * FEW; texts++)
        table->rarities[texts] = rarity_of(counts, texts);
    return TC_OK;
}

static void scale_feature(const scale_table *table, uint32_t slot, float *scales)
{
    const tci_ngram_counts *counts = table->counts;
    uint32_t texts = slot > 0 ? counts->texts[slot - 1] : 0;
    double rarity = texts < 2 * FEW ? table->rarities[texts] : rarity_of(counts, texts);
    if (counts->columns == 0)
        scales[0] = (float)rarity;
    for (size_t c = 0; c < counts->columns; c++) {
        uint32_t with = slot > 0 ? counts->labelled[(slot - 1) * counts->columns + c] : 0;
        double ratio = ratio_of(table, c, with, texts - with);
        scales[c] = (float)(ratio * ratio * rarity);
    }
}

tc_status tci_ngram_counts_scales(const tci_ngram_counts *counts, const tci_index_set *set, float *scales)
{
    scale_table table = {.counts = counts};
    tc_status status = make_table(&table);
    for (size_t word = 0; status == TC_OK && word < set->words; word++) {
        uint64_t members = set->bits[word];
        for (uint32_t bit = 0; members != 0; bit++, members >>= 1) {
            if ((members & 1) == 0)
                continue;
            scale_feature(&table, counts->slots[word * 64 + bit], scales);
            scales += counts->columns > 0 ? counts->columns : 1;
        }
    }
    tci_free(counts->memory, table.shares);
    tci_free(counts->memory, table.ratios);
    tci_free(counts->memory, table.rarities);
    return status;
}
