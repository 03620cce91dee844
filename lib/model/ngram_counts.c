/* ngram_counts.c: what is new is put into the set first, then counted at its rank. The members of a pool share the
 * buckets: the features of a text are in their order, so that each member finds its part of every text at once, and
 * no two write to one place. Nothing has changed until all memory is there. */
#include "model/ngram_counts.h"

#include <string.h>

#include "kernel/kernel.h"
#include "text/ngrams.h"

#define FLOOR 0.5

tc_status tci_ngram_counts_init(tci_ngram_counts *counts, tci_memory *memory, size_t bound, size_t columns)
{
    *counts = (tci_ngram_counts){.memory = memory, .columns = columns, .only = 1};
    return tci_index_set_init(&counts->seen, memory, bound);
}

void tci_ngram_counts_free(tci_ngram_counts *counts)
{
    if (!counts->memory)
        return;
    tci_index_set_free(&counts->seen);
    tci_free(counts->memory, counts->cells);
    *counts = (tci_ngram_counts){.memory = NULL};
}

void tci_ngram_counts_clear(tci_ngram_counts *counts)
{
    tci_index_set *seen = &counts->seen;
    memset(seen->bits, 0, seen->words * sizeof *seen->bits);
    memset(seen->ranks, 0, seen->words * sizeof *seen->ranks);
    seen->count = 0;
    tci_free(counts->memory, counts->cells);
    counts->cells = NULL;
    counts->text_count = 0;
}

typedef struct counting {
    tci_ngram_counts *counts;
    const tc_examples *examples;
    const size_t *rows;
    size_t row_count;
    tci_index_set *set; /* with what is new */
    uint32_t *cells;    /* of that set */
    uint32_t *places;   /* (members, row_count) the first entry of each row that a member has not counted yet */
} counting;

static tci_row row_at(const counting *job, size_t r)
{
    return tci_examples_row(job->examples, job->rows ? job->rows[r] : r);
}

/* The first entry whose bucket is at or above this one. */
static size_t first_from(const tci_row *row, size_t bucket)
{
    size_t first = 0, count = row->length;
    while (count > 0) {
        size_t half = count / 2;
        bool below = TCI_FEATURE_BUCKET(row->ids[first + half]) < bucket;
        first += below ? half + 1 : 0;
        count = below ? count - half - 1 : half;
    }
    return first;
}

/* The buckets of a member, in whole words of the set. */
static void share_buckets(const tci_index_set *set, const tci_team *team, size_t *begin, size_t *end)
{
    tci_team_share(team, set->words, 1, begin, end);
    *begin *= 64;
    *end *= 64;
}

static void find_part(const tci_row *row, size_t begin, size_t end, const tci_team *team, size_t *first, size_t *last)
{
    *first = team->index == 0 ? 0 : first_from(row, begin);
    *last = team->index + 1 == team->size ? row->length : first_from(row, end);
}

static void put_part(void *context, const tci_team *team)
{
    const counting *job = context;
    size_t begin = 0, end = 0;
    share_buckets(job->set, team, &begin, &end);
    for (size_t r = 0; r < job->row_count; r++) {
        tci_row row = row_at(job, r);
        size_t first = 0, last = 0;
        find_part(&row, begin, end, team, &first, &last);
        for (size_t i = first; i < last; i++)
            tci_index_set_put(job->set, TCI_FEATURE_BUCKET(row.ids[i]));
    }
}

/* The labels of a row that have columns. */
static size_t columns_of(const counting *job, size_t number, const uint32_t **columns)
{
    static const uint32_t only = 0;
    const tc_examples *examples = job->examples;
    if (job->counts->columns == 0)
        return 0;
    if (examples->task == TCI_TASK_CLASSIFY) {
        const uint32_t *label = examples->classes + number;
        bool single = job->counts->columns == 1;
        *columns = single ? &only : label;
        return single ? *label == job->counts->only : *label != TC_LABEL_UNKNOWN;
    }
    size_t begin = number == 0 ? 0 : examples->list_ends[number - 1];
    *columns = examples->list + begin;
    return examples->list_ends[number] - begin;
}

/* The entries from `first` on are about to be read. */
static inline void prefetch_row(const counting *job, size_t r, size_t first)
{
    tci_row row = row_at(job, r);
#if defined(__GNUC__)
    if (first < row.length)
        __builtin_prefetch(row.ids + first);
#endif
}

#define ROWS_AHEAD 8

/* Counts the buckets up to `end`, from those on that are counted. */
static void count_buckets(const counting *job, size_t end, uint32_t *places)
{
    size_t width = 1 + job->counts->columns;
    for (size_t r = 0; r < job->row_count; r++) {
        tci_row row = row_at(job, r);
        const uint32_t *columns = NULL;
        size_t labels = columns_of(job, job->rows ? job->rows[r] : r, &columns), i = places[r];
        if (r + ROWS_AHEAD < job->row_count)
            prefetch_row(job, r + ROWS_AHEAD, places[r + ROWS_AHEAD]);
        for (; i < row.length; i++) {
            uint32_t bucket = TCI_FEATURE_BUCKET(row.ids[i]);
            if (bucket >= end)
                break;
            if (i > 0 && TCI_FEATURE_BUCKET(row.ids[i - 1]) == bucket)
                continue; /* a bucket may have a light and a full feature, side by side */
            uint32_t *cell = job->cells + (size_t)tci_index_set_rank(job->set, bucket) * width;
            cell[0]++;
            for (size_t k = 0; k < labels; k++)
                cell[1 + columns[k]] += columns[k] != TC_LABEL_UNKNOWN;
        }
        places[r] = (uint32_t)i;
    }
}

/* So many cells are counted at a time that they stay in the cache of a core, beside their part of the set. */
#define CELLS_AT_ONCE (128u << 10)

static void count_part(void *context, const tci_team *team)
{
    const counting *job = context;
    const tci_index_set *set = job->set;
    size_t word = 0, last = 0, each = CELLS_AT_ONCE / (1 + job->counts->columns) + 1;
    uint32_t *places = job->places + team->index * job->row_count;
    tci_team_share(team, set->words, 1, &word, &last);
    for (size_t r = 0; r < job->row_count; r++) {
        tci_row row = row_at(job, r);
        places[r] = team->index > 0 ? (uint32_t)first_from(&row, word * 64) : 0;
    }
    while (word < last) {
        size_t rank = set->ranks[word];
        for (word++; word < last && set->ranks[word] - rank < each; word++)
            continue;
        count_buckets(job, word * 64, places);
    }
}

/* The cells of what was seen before, at their new ranks. */
static void move_cells(const tci_ngram_counts *counts, const tci_index_set *set, uint32_t *cells)
{
    size_t width = 1 + counts->columns;
    const uint32_t *from = counts->cells;
    for (size_t word = 0; counts->seen.count > 0 && word < set->words; word++) {
        uint64_t members = counts->seen.bits[word];
        for (uint32_t bit = 0; members != 0; bit++, members >>= 1) {
            if ((members & 1) == 0)
                continue;
            memcpy(cells + (size_t)tci_index_set_rank(set, (uint32_t)(word * 64 + bit)) * width, from,
                   width * sizeof *from);
            from += width;
        }
    }
}

tc_status tci_ngram_counts_add(tci_ngram_counts *counts, tci_pool *pool, const tc_examples *examples,
                               const size_t *rows, size_t row_count)
{
    tc_status status = TC_OK;
    tci_index_set set;
    counting job = {counts, examples, rows, row_count, &set, NULL, NULL};
    size_t cells = 0;
    TCI_CHECK(tci_index_set_init(&set, counts->memory, counts->seen.bound));
    memcpy(set.bits, counts->seen.bits, set.words * sizeof *set.bits);
    tci_pool_run(pool, put_part, &job);
    TCI_CHECK(tci_index_set_count(&set));
    if (!tci_multiply(set.count, 1 + counts->columns, &cells)) {
        status = tci_fail(TC_ERROR_LIMIT, "counts of %zu features do not fit the address space", set.count);
        goto done;
    }
    TCI_CHECK(
        tci_alloc(counts->memory, row_count, tci_pool_size(pool) * sizeof *job.places, "feature counts", &job.places));
    TCI_CHECK(tci_alloc_zero(counts->memory, cells, sizeof *job.cells, "feature counts", &job.cells));
    move_cells(counts, &set, job.cells);
    tci_pool_run(pool, count_part, &job);
    tci_free(counts->memory, counts->cells);
    tci_index_set_free(&counts->seen);
    counts->cells = job.cells;
    counts->seen = set;
    counts->text_count += row_count;
    set = (tci_index_set){.memory = NULL};
done:
    tci_free(counts->memory, job.places);
    tci_index_set_free(&set);
    return status;
}

void tci_ngram_counts_members(const tci_ngram_counts *counts, tci_index_set *set)
{
    for (size_t word = 0; word < set->words; word++)
        set->bits[word] |= counts->seen.bits[word];
}

void tci_ngram_counts_texts(const tci_ngram_counts *counts, float *texts)
{
    for (size_t i = 0; i < counts->seen.count; i++)
        texts[i] = (float)counts->cells[i * (1 + counts->columns)];
}

/* ---- scales ---- */

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
    const tci_index_set *set;
    float *scales;
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

/* The share of each label in the features of all texts. */
static tc_status find_shares(scale_table *table)
{
    tc_status status = TC_OK;
    const tci_ngram_counts *counts = table->counts;
    size_t width = 1 + counts->columns;
    uint64_t *masses = NULL;
    TCI_CHECK(tci_alloc(counts->memory, counts->columns, sizeof(double), "feature scales", &table->shares));
    TCI_CHECK(tci_alloc_zero(counts->memory, width, sizeof *masses, "feature scales", &masses));
    const uint32_t *cell = counts->cells;
    for (size_t i = 0; i < counts->seen.count; i++, cell += width) {
        for (size_t c = 0; c < width; c++)
            masses[c] += cell[c];
    }
    for (size_t c = 0; c < counts->columns; c++)
        table->shares[c] = masses[0] > 0 ? (double)masses[1 + c] / (double)masses[0] : 0;
done:
    tci_free(counts->memory, masses);
    return status;
}

static tc_status make_table(scale_table *table)
{
    const tci_ngram_counts *counts = table->counts;
    TCI_RETURN_IF(find_shares(table));
    TCI_RETURN_IF(
        tci_alloc(counts->memory, counts->columns, FEW * FEW * sizeof(double), "feature scales", &table->ratios));
    TCI_RETURN_IF(tci_alloc(counts->memory, 2 * FEW, sizeof(double), "feature scales", &table->rarities));
    double *to = table->ratios;
    for (size_t c = 0; c < counts->columns; c++) {
        for (uint32_t with = 0; with < FEW; with++) {
            for (uint32_t without = 0; without < FEW; without++)
                *to++ = log_ratio((double)with, (double)without, table->shares[c]) + FLOOR;
        }
    }
    for (uint32_t texts = 0; texts < 2 * FEW; texts++)
        table->rarities[texts] = rarity_of(counts, texts);
    return TC_OK;
}

/* `cell` NULL: a feature that was not seen. */
static void scale_feature(const scale_table *table, const uint32_t *cell, float *scales)
{
    const tci_ngram_counts *counts = table->counts;
    uint32_t texts = cell ? cell[0] : 0;
    double rarity = texts < 2 * FEW ? table->rarities[texts] : rarity_of(counts, texts);
    if (counts->columns == 0)
        scales[0] = (float)rarity;
    for (size_t c = 0; c < counts->columns; c++) {
        uint32_t with = cell ? cell[1 + c] : 0;
        double ratio = ratio_of(table, c, with, texts - with);
        scales[c] = (float)(ratio * ratio * rarity);
    }
}

static void scale_part(void *context, const tci_team *team)
{
    const scale_table *table = context;
    const tci_ngram_counts *counts = table->counts;
    const tci_index_set *set = table->set, *seen = &counts->seen;
    size_t begin = 0, end = 0, width = 1 + counts->columns, columns = counts->columns > 0 ? counts->columns : 1;
    tci_team_share(team, set->words, 1, &begin, &end);
    for (size_t word = begin; word < end; word++) {
        uint64_t members = set->bits[word];
        float *scales = table->scales + set->ranks[word] * columns;
        const uint32_t *cell = counts->cells + seen->ranks[word] * width;
        for (uint32_t bit = 0; members != 0; bit++, members >>= 1) {
            if ((members & 1) == 0)
                continue;
            bool known = (seen->bits[word] >> bit & 1) != 0;
            scale_feature(table, known ? cell : NULL, scales);
            cell += known ? width : 0;
            scales += columns;
        }
    }
}

tc_status tci_ngram_counts_scales(const tci_ngram_counts *counts, tci_pool *pool, const tci_index_set *set,
                                  float *scales)
{
    scale_table table = {.counts = counts, .set = set, .scales = scales};
    tc_status status = make_table(&table);
    if (status == TC_OK)
        tci_pool_run(pool, scale_part, &table);
    tci_free(counts->memory, table.shares);
    tci_free(counts->memory, table.ratios);
    tci_free(counts->memory, table.rarities);
    return status;
}
