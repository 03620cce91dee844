/* ngram_block.c: steps of dual coordinate descent, block by block: margins of all texts, then their dual variables,
 * then the weights, in the order of the texts. One thread does it all: what one of two would change, the other would
 * read in the next block, a tenth of a millisecond later. */
#include <string.h>

#include "model/ngram_dual_internal.h"

#define OWN_LABEL 10.0  /* weight of a text in the column of its label, beside other columns */
#define SLACK_MOST 1e30 /* of a text whose weight is next to nothing */
#define CUT_BELOW 0.75

/* The block at hand. */
typedef struct block {
    tci_dual *dual;
    tci_dual_texts *texts;
    const size_t *rows; /* (count) */
    size_t count;
    size_t ends[TCI_DUAL_BLOCK]; /* of the entries of each text */
} block;

/* The entries of a text that have weights; returns how many. */
static size_t gather(const tci_dual *dual, const tci_row *row, float scale, tci_dual_entry *entries)
{
    size_t count = 0;
    for (size_t i = 0; i < row->length; i++) {
        uint32_t rank = tci_index_set_rank(&dual->network->set, TCI_FEATURE_BUCKET(row->ids[i]));
        if (rank != TCI_INDEX_SET_NONE)
            entries[count++] =
                (tci_dual_entry){rank, scale * tci_ngram_amount(dual->network, row->ids[i], row->counts[i])};
    }
    return count;
}

/* Margins of one text. */
static void find_margins(const tci_dual *dual, const tci_dual_entry *entries, size_t count, float *margins)
{
    const tci_parameters *parameters = &dual->network->base.parameters;
    const float *weight = tci_parameters_read(parameters, TCI_NGRAM_WEIGHT);
    size_t columns = dual->columns;
    memcpy(margins, tci_parameters_read(parameters, TCI_NGRAM_BIAS), columns * sizeof *margins);
    for (size_t i = 0; i < count; i++) {
        const float *from = weight + (size_t)entries[i].row * columns;
        for (size_t c = 0; c < columns; c++)
            margins[c] += entries[i].x * from[c];
    }
}

static const tci_dual_entry *entries_of(const block *b, size_t i, size_t *count)
{
    size_t begin = i == 0 ? 0 : b->ends[i - 1];
    *count = b->ends[i] - begin;
    return b->dual->entries + begin;
}

static void gather_texts(block *b)
{
    const tci_dual_texts *texts = b->texts;
    size_t end = 0;
    for (size_t i = 0; i < b->count; i++) {
        tci_row row = tci_examples_row(texts->examples, b->rows[i]);
        end += gather(b->dual, &row, texts->scales[b->rows[i]], b->dual->entries + end);
        b->ends[i] = end;
    }
}

static void find_all_margins(const block *b, float *margins)
{
    for (size_t i = 0; i < b->count; i++) {
        size_t count = 0;
        const tci_dual_entry *entries = entries_of(b, i, &count);
        find_margins(b->dual, entries, count, margins + i * b->dual->columns);
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

static void note_met(tci_dual *dual, uint8_t *met)
{
    if (*met == 0)
        *met = 2 * dual->first_met++ < dual->total ? TCI_MET_EARLY : TCI_MET_LATE;
}

/* New dual variables of one text; steps (columns) is by how much x s² is to be added. Returns its loss. */
static double solve_text(tci_dual *dual, tci_dual_texts *texts, size_t row, const float *targets, const float *margins,
                         float weight, float *steps)
{
    size_t columns = dual->columns;
    float *alpha = texts->alpha + row * columns;
    float *seen = texts->seen + row * columns, *own = texts->own + row * columns;
    const float *squares = texts->squares + row * columns;
    bool regress = dual->task == TCI_TASK_REGRESS;
    double loss = 0;
    for (size_t c = 0; c < columns; c++) {
        float target = tci_dual_target(dual, targets, c), y = regress ? 1.0f : target;
        double cost = dual->cost * (double)weight;
        if (dual->task == TCI_TASK_CLASSIFY && columns > 1 && target > 0)
            cost *= OWN_LABEL;
        float slack = (float)(2 * cost * SLACK_MOST > 1 ? 1 / (2 * cost) : SLACK_MOST);
        float missing = regress ? margins[c] - target : y * margins[c] - 1.0f;
        float next = alpha[c] - (missing + slack * alpha[c]) / (squares[c] + slack);
        if (!regress && next < 0)
            next = 0;
        float change = next - alpha[c];
        seen[c] = margins[c];
        own[c] = alpha[c] * squares[c];
        steps[c] = y * change;
        dual->slopes[c] -= (double)(missing + slack * alpha[c]) * (double)change;
        dual->curves[c] += (double)slack * (double)change * (double)change;
        alpha[c] = next;
        if (regress || missing < 0)
            loss += (double)missing * (double)missing;
    }
    note_met(dual, &texts->met[row]);
    return loss / (double)columns;
}

static void solve_texts(const block *b, double *loss, double *weight)
{
    tci_dual *dual = b->dual;
    size_t columns = dual->columns;
    memset(dual->steps, 0, b->count * columns * sizeof *dual->steps);
    memset(dual->slopes, 0, columns * sizeof *dual->slopes);
    memset(dual->curves, 0, columns * sizeof *dual->curves);
    for (size_t i = 0; i < b->count; i++) {
        float *targets = dual->targets + i * dual->labels;
        tci_examples_targets(b->texts->examples, b->rows[i], targets);
        double own = weight_of(dual, targets, b->texts->examples->weights[b->rows[i]]);
        if (own <= 0)
            continue;
        *loss += own * solve_text(dual, b->texts, b->rows[i], targets, dual->margins + i * columns, (float)own,
                                  dual->steps + i * columns);
        *weight += own;
    }
}

static bool any_step(const float *steps, size_t columns)
{
    for (size_t c = 0; c < columns; c++) {
        if (steps[c] != 0)
            return true;
    }
    return false;
}

static void update_weights(const block *b)
{
    const tci_dual *dual = b->dual;
    const tci_parameters *parameters = &dual->network->base.parameters;
    float *weight = parameters->values + parameters->tensors[TCI_NGRAM_WEIGHT].offset;
    float *bias = parameters->values + parameters->tensors[TCI_NGRAM_BIAS].offset;
    size_t columns = dual->columns, scales = dual->scale_columns, count = 0;
    for (size_t i = 0; i < b->count; i++) {
        const float *steps = dual->steps + i * columns;
        const tci_dual_entry *entries = entries_of(b, i, &count);
        if (!any_step(steps, columns))
            continue;
        for (size_t c = 0; c < columns; c++)
            bias[c] += TCI_DUAL_BIAS * TCI_DUAL_BIAS * steps[c];
        for (size_t k = 0; k < count; k++) {
            float *to = weight + (size_t)entries[k].row * columns;
            const float *scale2 = dual->scale2 + (size_t)entries[k].row * scales;
            for (size_t c = 0; c < columns; c++)
                to[c] += steps[c] * entries[k].x * scale2[scales > 1 ? c : 0];
        }
    }
}

/* A block whose texts are alike overshoots: each step is right for its own text alone. Along all of them at once the
 * dual objective is a parabola, falling by slope·t - curve·t²/2; where its minimum lies well before t = 1, the steps
 * are cut down to it: `steps` becomes what is to be added to them. The curve is what the steps changed the block's own
 * margins by. Returns whether there is anything to cut. */
static bool cut_steps(const block *b)
{
    tci_dual *dual = b->dual;
    size_t columns = dual->columns;
    bool any = false;
    for (size_t i = 0; i < b->count * columns; i++)
        dual->curves[i % columns] += (double)dual->steps[i] * ((double)dual->after[i] - (double)dual->margins[i]);
    for (size_t c = 0; c < columns; c++) { /* from here on: what is to be added to t = 1 */
        bool cut = dual->slopes[c] < CUT_BELOW * dual->curves[c];
        dual->curves[c] = cut ? dual->slopes[c] / dual->curves[c] - 1 : 0;
        any = any || cut;
    }
    for (size_t i = 0; any && i < b->count; i++) {
        float *steps = dual->steps + i * columns, *alpha = b->texts->alpha + b->rows[i] * columns;
        for (size_t c = 0; c < columns; c++) {
            float target = tci_dual_target(dual, dual->targets + i * dual->labels, c);
            steps[c] *= (float)dual->curves[c];
            alpha[c] += dual->task == TCI_TASK_REGRESS ? steps[c] : target * steps[c];
        }
    }
    return any;
}

void tci_dual_learn(tci_dual *dual, tci_dual_texts *texts, const size_t *rows, size_t row_count, double *loss,
                    double *weight)
{
    *loss = *weight = 0;
    for (size_t first = 0; first < row_count; first += TCI_DUAL_BLOCK) {
        size_t left = row_count - first;
        block b = {
            .dual = dual, .texts = texts, .rows = rows + first, .count = left < TCI_DUAL_BLOCK ? left : TCI_DUAL_BLOCK};
        gather_texts(&b);
        find_all_margins(&b, dual->margins);
        solve_texts(&b, loss, weight);
        update_weights(&b);
        if (b.count == 1)
            continue; /* right as it is */
        find_all_margins(&b, dual->after);
        if (cut_steps(&b))
            update_weights(&b);
    }
}
