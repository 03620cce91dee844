/* ngram_block.c: steps of dual coordinate descent, block by block: margins of all texts, then their dual variables,
 * then the weights, in the order of the texts.
 *
 * By several threads, with the same bits at any number of them. Each member owns ranges of features, TCI_DUAL_RANGES in
 * all: it alone reads and writes their weights, which stay in its cache; a margin is the sum of the parts that the
 * ranges have in it, in their order, and members share the columns to find the steps. Of TCI_DUAL_WIDE columns and more
 * each member owns columns, from margins to weights.
 *
 * What the steps of a block changed its own margins by is found while the weights change: at text i they hold the steps
 * of the texts before i, so that twice step times the change of its margin, and once the text's own share, add up to
 * the whole quadratic form. */
#include <string.h>

#include "model/ngram_dual_internal.h"

#define OWN_LABEL 10.0  /* weight of a text in the column of its label, beside other columns */
#define SLACK_MOST 1e30 /* of a text whose weight is next to nothing */
#define CUT_BELOW 0.75
#define COLUMNS_AT_ONCE 16 /* a cache line of them is in one thread's hands */

/* The block at hand, as one member of the team sees it. */
typedef struct block {
    tci_dual *dual;
    tci_dual_texts *texts;
    const size_t *rows; /* (count) */
    size_t count;
    size_t first_range, last_range;
    size_t first_column, last_column; /* of margins and weights */
    size_t first_solved, last_solved; /* of dual variables */
    bool leads;                       /* keeps the figures that are nobody's */
} block;

/* Entries of a text within a range. */
static size_t range_begin(const block *b, size_t row, size_t range)
{
    const tci_dual_texts *texts = b->texts;
    size_t cuts = b->dual->ranges - 1;
    if (range == 0)
        return 0;
    return range <= cuts ? texts->cuts[row * cuts + range - 1] : tci_dual_length(texts, row);
}

/* The part of one range in the margin of text i, into parts (columns). */
static void add_range(const block *b, size_t i, size_t range, const float *weight, float *parts)
{
    const tci_dual *dual = b->dual;
    size_t row = b->rows[i], columns = dual->columns, c0 = b->first_column, c1 = b->last_column;
    tci_dual_entries entries = tci_dual_entries_of(dual, b->texts, row);
    size_t end = range_begin(b, row, range + 1);
    for (size_t k = range_begin(b, row, range); k < end; k++) {
        if (entries.features[k] == TCI_DUAL_NO_FEATURE)
            continue;
        float x = tci_dual_value(&entries, k);
        const float *from = weight + (size_t)(entries.features[k] >> 1) * columns;
        for (size_t c = c0; c < c1; c++)
            parts[c] += x * from[c];
    }
}

/* The same of a single column. */
static float single_range(const block *b, size_t i, size_t range, const float *weight)
{
    size_t row = b->rows[i], k = range_begin(b, row, range), end = range_begin(b, row, range + 1);
    tci_dual_entries entries = tci_dual_entries_of(b->dual, b->texts, row);
    float part = 0;
    for (; k < end; k++) {
        if (entries.features[k] != TCI_DUAL_NO_FEATURE)
            part += tci_dual_value(&entries, k) * weight[entries.features[k] >> 1];
    }
    return part;
}

/* Where the parts (columns) of a range in a text stand in an array of them. */
static float *part_at(const tci_dual *dual, float *parts, size_t range, size_t i)
{
    return parts + (range * TCI_DUAL_BLOCK + i) * dual->columns;
}

static void clear_parts(const block *b, float *parts)
{
    memset(parts + b->first_column, 0, (b->last_column - b->first_column) * sizeof *parts);
}

static void find_parts(const block *b)
{
    const tci_dual *dual = b->dual;
    const float *weight = tci_parameters_read(&dual->network->base.parameters, TCI_NGRAM_WEIGHT);
    for (size_t i = 0; i < b->count; i++) {
        for (size_t range = b->first_range; range < b->last_range; range++) {
            float *parts = part_at(dual, dual->before, range, i);
            if (dual->columns == 1) {
                parts[0] = single_range(b, i, range, weight);
                continue;
            }
            clear_parts(b, parts);
            add_range(b, i, range, weight, parts);
        }
    }
}

static double weight_of(const tci_dual *dual, const float *targets, float weight)
{
    double product = (double)weight;
    if (!dual->class_weights)
        return product;
    for (size_t c = 0; c < dual->labels; c++)
        product *= targets[c] > 0 ? (double)dual->class_weights[c] : 1.0;
    return product;
}

/* Targets and weights of the texts. */
static void read_truth(const block *b)
{
    tci_dual *dual = b->dual;
    for (size_t i = 0; i < b->count; i++) {
        float *targets = dual->targets + i * dual->labels;
        tci_examples_targets(b->texts->examples, b->rows[i], dual->labels, targets);
        dual->weights[i] = weight_of(dual, targets, b->texts->examples->weights[b->rows[i]]);
    }
}

static void add_parts(const block *b)
{
    const tci_dual *dual = b->dual;
    const float *bias = tci_parameters_read(&dual->network->base.parameters, TCI_NGRAM_BIAS);
    for (size_t i = 0; i < b->count; i++) {
        float *margins = dual->margins + i * dual->columns;
        for (size_t c = b->first_solved; c < b->last_solved; c++) {
            float sum = 0;
            for (size_t range = 0; range < dual->ranges; range++)
                sum += part_at(dual, dual->before, range, i)[c];
            margins[c] = bias[c] + sum;
        }
    }
}

/* Whether the text is met for the first time, which is then noted. */
static bool is_new(const tci_dual *dual, uint8_t *met)
{
    if (!met)
        return dual->first_met < dual->total;
    bool first = *met == 0;
    *met = 1;
    return first;
}

/* Keeps what a calibration asks of text i, where it is a sample. */
static void keep_sample(const block *b, size_t i, bool late)
{
    const tci_dual *dual = b->dual;
    const tci_dual_samples *samples = &dual->samples;
    size_t columns = dual->columns, number = b->texts->first + b->rows[i], sample = number / samples->stride;
    if (number % samples->stride != 0)
        return;
    memcpy(samples->seen + sample * columns, dual->margins + i * columns, columns * sizeof(float));
    memcpy(samples->own + sample * columns, dual->own + i * columns, columns * sizeof(float));
    for (size_t c = 0; c < columns; c++)
        samples->targets[sample * columns + c] = tci_dual_target(dual, dual->targets + i * dual->labels, c);
    if (dual->task == TCI_TASK_CLASSIFY)
        samples->labels[sample] = b->texts->examples->classes[b->rows[i]];
    if (samples->met[sample] == 0)
        samples->met[sample] = late ? TCI_MET_LATE : TCI_MET_EARLY;
}

static void note_met(const block *b, size_t i)
{
    tci_dual *dual = b->dual;
    uint8_t *met = b->texts->met;
    bool late = 2 * dual->first_met >= dual->total;
    if (is_new(dual, met ? met + b->rows[i] : NULL))
        dual->first_met++;
    keep_sample(b, i, late);
}

/* New dual variables of text i; steps (columns) is by how much x s² is to be added. */
static void solve_text(const block *b, size_t i)
{
    tci_dual *dual = b->dual;
    size_t columns = dual->columns, first = b->rows[i] * columns;
    const float *targets = dual->targets + i * dual->labels, *margins = dual->margins + i * columns;
    const float *squares = b->texts->squares + first;
    float *alpha = b->texts->alpha + first, *own = dual->own + i * columns, *steps = dual->steps + i * columns;
    bool regress = dual->task == TCI_TASK_REGRESS;
    for (size_t c = b->first_solved; c < b->last_solved; c++) {
        float target = tci_dual_target(dual, targets, c), y = regress ? 1.0f : target;
        double cost = dual->cost * (double)(float)dual->weights[i];
        if (dual->task == TCI_TASK_CLASSIFY && columns > 1 && target > 0)
            cost *= OWN_LABEL;
        float slack = (float)(2 * cost * SLACK_MOST > 1 ? 1 / (2 * cost) : SLACK_MOST);
        float missing = regress ? margins[c] - target : y * margins[c] - 1.0f;
        float next = alpha[c] - (missing + slack * alpha[c]) / (squares[c] + slack);
        if (!regress && next < 0)
            next = 0;
        float change = next - alpha[c];
        own[c] = alpha[c] * squares[c];
        steps[c] = y * change;
        dual->slopes[c] -= (double)(missing + slack * alpha[c]) * (double)change;
        dual->curves[c] += (double)slack * (double)change * (double)change;
        alpha[c] = next;
    }
}

static void solve_texts(const block *b)
{
    tci_dual *dual = b->dual;
    size_t columns = dual->columns;
    add_parts(b);
    for (size_t c = b->first_solved; c < b->last_solved; c++)
        dual->slopes[c] = dual->curves[c] = 0;
    for (size_t i = 0; i < b->count; i++) {
        for (size_t c = b->first_solved; c < b->last_solved; c++)
            dual->steps[i * columns + c] = 0;
        if (dual->weights[i] > 0)
            solve_text(b, i);
    }
}

/* Losses, and that the texts were met. */
static void add_losses(const block *b, double *loss, double *weight)
{
    tci_dual *dual = b->dual;
    size_t columns = dual->columns;
    bool regress = dual->task == TCI_TASK_REGRESS;
    for (size_t i = 0; i < b->count; i++) {
        const float *margins = dual->margins + i * columns, *targets = dual->targets + i * dual->labels;
        double sum = 0;
        if (!(dual->weights[i] > 0))
            continue;
        for (size_t c = 0; c < columns; c++) {
            float target = tci_dual_target(dual, targets, c);
            float missing = regress ? margins[c] - target : target * margins[c] - 1.0f;
            if (regress || missing < 0)
                sum += (double)missing * (double)missing;
        }
        *loss += dual->weights[i] * (sum / (double)columns);
        *weight += dual->weights[i];
        note_met(b, i);
    }
}

static bool any_step(const block *b, const float *steps)
{
    for (size_t c = b->first_column; c < b->last_column; c++) {
        if (steps[c] != 0)
            return true;
    }
    return false;
}

/* Adds the steps of text i to the weights of a range; into parts the range's part in the margin just before. */
static void move_range(const block *b, size_t i, size_t range, float *weight, float *parts)
{
    const tci_dual *dual = b->dual;
    size_t row = b->rows[i], columns = dual->columns, scales = dual->scale_columns;
    size_t c0 = b->first_column, c1 = b->last_column, end = range_begin(b, row, range + 1);
    const float *steps = dual->steps + i * columns;
    tci_dual_entries entries = tci_dual_entries_of(dual, b->texts, row);
    for (size_t k = range_begin(b, row, range); k < end; k++) {
        if (entries.features[k] == TCI_DUAL_NO_FEATURE)
            continue;
        float x = tci_dual_value(&entries, k);
        size_t feature = entries.features[k] >> 1;
        float *to = weight + feature * columns;
        const float *scale2 = dual->scale2 + feature * scales;
        if (scales == 1) {
            for (size_t c = c0; c < c1; c++) {
                parts[c] += x * to[c];
                to[c] += steps[c] * x * scale2[0];
            }
            continue;
        }
        for (size_t c = c0; c < c1; c++) {
            parts[c] += x * to[c];
            to[c] += steps[c] * x * scale2[c];
        }
    }
}

/* The same of a single column. */
static float single_move(const block *b, size_t i, size_t range, float *weight)
{
    const tci_dual *dual = b->dual;
    size_t row = b->rows[i], k = range_begin(b, row, range), end = range_begin(b, row, range + 1);
    tci_dual_entries entries = tci_dual_entries_of(dual, b->texts, row);
    const float *scale2 = dual->scale2;
    float step = dual->steps[i], part = 0;
    for (; k < end; k++) {
        if (entries.features[k] == TCI_DUAL_NO_FEATURE)
            continue;
        size_t feature = entries.features[k] >> 1;
        float x = tci_dual_value(&entries, k), old = weight[feature];
        part += x * old;
        weight[feature] = old + step * x * scale2[feature];
    }
    return part;
}

static void move_weights(const block *b)
{
    const tci_dual *dual = b->dual;
    const tci_parameters *parameters = &dual->network->base.parameters;
    float *weight = parameters->values + parameters->tensors[TCI_NGRAM_WEIGHT].offset;
    float *bias = parameters->values + parameters->tensors[TCI_NGRAM_BIAS].offset;
    for (size_t i = 0; i < b->count; i++) {
        const float *steps = dual->steps + i * dual->columns;
        if (!any_step(b, steps))
            continue;
        for (size_t range = b->first_range; range < b->last_range; range++) {
            float *parts = part_at(dual, dual->during, range, i);
            if (dual->columns == 1) {
                parts[0] = single_move(b, i, range, weight);
                continue;
            }
            clear_parts(b, parts);
            move_range(b, i, range, weight, parts);
        }
        for (size_t c = b->first_solved; c < b->last_solved; c++)
            bias[c] += TCI_DUAL_BIAS * TCI_DUAL_BIAS * steps[c];
    }
}

/* Adds to the curve of a column what the steps changed the block's own margins by. */
static void add_curve(const block *b, size_t c)
{
    tci_dual *dual = b->dual;
    double all = 0;
    for (size_t i = 0; i < b->count; i++) {
        double step = (double)dual->steps[i * dual->columns + c], change = 0;
        if (step == 0)
            continue;
        for (size_t range = 0; range < dual->ranges; range++)
            change +=
                (double)part_at(dual, dual->during, range, i)[c] - (double)part_at(dual, dual->before, range, i)[c];
        change += TCI_DUAL_BIAS * TCI_DUAL_BIAS * all;
        dual->curves[c] += step * (2 * change + step * (double)b->texts->squares[b->rows[i] * dual->columns + c]);
        all += step;
    }
}

/* A block whose texts are alike overshoots: each step is right for its own text alone. Along all of them at once the
 * dual objective is a parabola, falling by slope·t - curve·t²/2; where its minimum lies well before t = 1, the steps
 * are cut down to it: `steps` becomes what is to be added to them, and 0 where nothing is. */
static void cut_steps(const block *b)
{
    tci_dual *dual = b->dual;
    for (size_t c = b->first_solved; c < b->last_solved; c++) {
        add_curve(b, c);
        bool cut = dual->slopes[c] < CUT_BELOW * dual->curves[c];
        float more = cut ? (float)(dual->slopes[c] / dual->curves[c] - 1) : 0.0f;
        for (size_t i = 0; i < b->count; i++) {
            float *step = dual->steps + i * dual->columns + c;
            *step *= more;
            if (cut) {
                float target = tci_dual_target(dual, dual->targets + i * dual->labels, c);
                b->texts->alpha[b->rows[i] * dual->columns + c] +=
                    dual->task == TCI_TASK_REGRESS ? *step : target * *step;
            }
        }
    }
}

typedef struct lesson {
    tci_dual *dual;
    tci_dual_texts *texts;
    const size_t *rows;
    size_t row_count;
    double *loss, *weight;
} lesson;

static void learn(void *context, const tci_team *team)
{
    const lesson *job = context;
    tci_dual *dual = job->dual;
    block b = {.dual = dual, .texts = job->texts, .leads = team->index == 0};
    bool by_range = dual->ranges > 1;
    tci_team_share(by_range ? team : &tci_team_alone, dual->ranges, 1, &b.first_range, &b.last_range);
    tci_team_share(by_range ? &tci_team_alone : team, dual->columns, COLUMNS_AT_ONCE, &b.first_column, &b.last_column);
    tci_team_share(team, dual->columns, COLUMNS_AT_ONCE, &b.first_solved, &b.last_solved);
    for (size_t first = 0; first < job->row_count; first += TCI_DUAL_BLOCK) {
        size_t left = job->row_count - first;
        b.rows = job->rows + first;
        b.count = left < TCI_DUAL_BLOCK ? left : TCI_DUAL_BLOCK;
        if (b.leads)
            read_truth(&b);
        find_parts(&b);
        tci_team_wait(team);
        solve_texts(&b);
        tci_team_wait(team);
        move_weights(&b);
        tci_team_wait(team);
        if (b.leads)
            add_losses(&b, job->loss, job->weight);
        if (b.count == 1)
            continue; /* right as it is */
        cut_steps(&b);
        tci_team_wait(team);
        move_weights(&b);
        tci_team_wait(team);
    }
}

void tci_dual_learn(tci_dual *dual, tci_dual_texts *texts, const size_t *rows, size_t row_count, double *loss,
                    double *weight)
{
    lesson job = {dual, texts, rows, row_count, loss, weight};
    size_t products = 0;
    *loss = *weight = 0;
    for (size_t i = 0; i < row_count && i < TCI_DUAL_BLOCK; i++)
        products += tci_dual_length(texts, rows[i]) * dual->columns;
    tci_pool_run(products < dual->alone_below ? NULL : dual->pool, learn, &job);
}
