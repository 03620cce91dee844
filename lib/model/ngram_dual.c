/* ngram_dual.c: the sets of texts and their dual variables, what is made ready before the first step, and the steps.
 * Knows nothing of epochs. */
#include "model/ngram_dual.h"

#include <string.h>

#include "model/margin_fit.h"
#include "model/ngram_counts.h"

#define BIAS 0.1f       /* B: what the bias counts for as a feature */
#define OWN_LABEL 10.0  /* weight of a text in the column of its label, beside other columns */
#define FIT_CELLS 60000 /* margins that a calibration is fitted on, at most */

/* Texts that were counted, by the examples that hold them. */
typedef struct text_set {
    tc_examples *examples; /* kept */
    size_t rows;
    float *alpha;   /* (rows, columns) */
    float *squares; /* Q (rows, columns) */
    float *seen;    /* (rows, columns) margins of when the text was last met */
    float *own;     /* (rows, columns) alpha Q then: at most what the text itself had added in favour of its label */
    uint8_t *met;   /* (rows) MET_EARLY or MET_LATE in the first pass, or 0 */
} text_set;

/* One feature of a text of the block. */
typedef struct entry {
    uint32_t row; /* of the weights */
    float x;
} entry;

struct tci_dual {
    tci_ngram_network *network;
    tci_memory *memory;
    int32_t task;
    const float *class_weights;
    size_t columns, labels;
    size_t scale_columns; /* 1 with real targets, else columns */
    tci_ngram_counts counts;
    bool started;
    text_set *sets;
    size_t set_count, set_capacity;
    float *scale2; /* s² (rows, scale_columns) */
    double cost;
    uint64_t met, total; /* texts met so far; texts of all sets */
    uint64_t first_met;  /* texts met at all */
    double fresh_loss;   /* of the margins of texts when they were first met, in the second half of the first pass */
    /* of a block */
    entry *entries;
    size_t entry_capacity;
    float *targets, *margins, *steps; /* (TCI_DUAL_BLOCK, labels) and (.., columns) twice */
    float *again;                     /* margins after the steps (columns) */
    double *slopes, *curves;          /* of the dual objective along all steps of a block (columns) */
    /* of the calibration: margins and targets (.., columns), labels */
    float *fit_margins, *fit_targets;
    uint32_t *fit_labels;
};

/* What tci_dual_start() made. */
static void drop_start(tci_dual *dual)
{
    for (size_t i = 0; i < dual->set_count; i++) {
        text_set *texts = &dual->sets[i];
        tci_free(dual->memory, texts->alpha);
        tci_free(dual->memory, texts->squares);
        tci_free(dual->memory, texts->seen);
        tci_free(dual->memory, texts->own);
        tci_free(dual->memory, texts->met);
        *texts = (text_set){.examples = texts->examples, .rows = texts->rows};
    }
    tci_free(dual->memory, dual->scale2);
    tci_free(dual->memory, dual->fit_margins);
    tci_free(dual->memory, dual->fit_targets);
    tci_free(dual->memory, dual->fit_labels);
    dual->scale2 = dual->fit_margins = dual->fit_targets = NULL;
    dual->fit_labels = NULL;
}

void tci_dual_free(tci_dual *dual)
{
    if (!dual)
        return;
    tci_memory *memory = dual->memory;
    drop_start(dual);
    for (size_t i = 0; i < dual->set_count; i++)
        tci_examples_release(dual->sets[i].examples);
    tci_free(memory, dual->sets);
    tci_ngram_counts_free(&dual->counts);
    tci_free(memory, dual->entries);
    tci_free(memory, dual->targets);
    tci_free(memory, dual->margins);
    tci_free(memory, dual->steps);
    tci_free(memory, dual->again);
    tci_free(memory, dual->slopes);
    tci_free(memory, dual->curves);
    tci_free(memory, dual);
}

tc_status tci_dual_create(tci_ngram_network *network, tci_memory *memory, int32_t task, const float *class_weights,
                          tci_dual **result)
{
    tc_status status = TC_OK;
    tci_dual *dual = NULL;
    *result = NULL;
    TCI_RETURN_IF(tci_alloc_zero(memory, 1, sizeof *dual, "dual trainer", &dual));
    dual->network = network;
    dual->memory = memory;
    dual->task = task;
    dual->class_weights = class_weights;
    dual->columns = network->columns;
    dual->labels = network->base.label_count;
    dual->scale_columns = task == TCI_TASK_REGRESS ? 1 : dual->columns;
    TCI_CHECK(
        tci_ngram_counts_init(&dual->counts, memory, network->set.bound, task == TCI_TASK_REGRESS ? 0 : dual->columns));
    TCI_CHECK(tci_alloc(memory, TCI_DUAL_BLOCK * dual->labels, sizeof(float), "block", &dual->targets));
    TCI_CHECK(tci_alloc(memory, TCI_DUAL_BLOCK * dual->columns, sizeof(float), "block", &dual->margins));
    TCI_CHECK(tci_alloc(memory, TCI_DUAL_BLOCK * dual->columns, sizeof(float), "block", &dual->steps));
    TCI_CHECK(tci_alloc(memory, dual->columns, sizeof(float), "block", &dual->again));
    TCI_CHECK(tci_alloc(memory, dual->columns, sizeof(double), "block", &dual->slopes));
    TCI_CHECK(tci_alloc(memory, dual->columns, sizeof(double), "block", &dual->curves));
    *result = dual;
    dual = NULL;
done:
    tci_dual_free(dual);
    return status;
}

static text_set *find_set(const tci_dual *dual, const tc_examples *examples)
{
    for (size_t i = 0; i < dual->set_count; i++) {
        if (dual->sets[i].examples == examples)
            return &dual->sets[i];
    }
    return NULL;
}

bool tci_dual_counted(const tci_dual *dual)
{
    return dual->set_count > 0;
}

tc_status tci_dual_count(tci_dual *dual, const tc_examples *examples, const size_t *rows, size_t row_count)
{
    if (dual->started)
        return tci_fail(TC_ERROR_STATE, "texts are counted before the first step; make a new trainer to count again");
    if (find_set(dual, examples))
        return tci_fail(TC_ERROR_STATE, "these examples have been counted");
    TCI_RETURN_IF(tci_reserve(dual->memory, dual->set_count + 1, SIZE_MAX / sizeof *dual->sets, sizeof *dual->sets,
                              "counted examples", &dual->set_capacity, &dual->sets));
    TCI_RETURN_IF(tci_ngram_counts_add(&dual->counts, examples, rows, rows ? row_count : examples->rows));
    dual->sets[dual->set_count++] = (text_set){.examples = tci_examples_keep(examples), .rows = examples->rows};
    dual->total += rows ? row_count : examples->rows;
    return TC_OK;
}

/* ---- before the first step ---- */

/* s² of every member of the set, in its order. */
static tc_status make_scale(tci_dual *dual, const tci_index_set *set)
{
    size_t columns = dual->scale_columns, cells = 0;
    if (!tci_multiply(set->count, columns, &cells))
        return tci_fail(TC_ERROR_LIMIT, "weights of %zu features do not fit the address space", set->count);
    TCI_RETURN_IF(tci_alloc(dual->memory, cells, sizeof(float), "feature scales", &dual->scale2));
    float *to = dual->scale2;
    for (size_t bucket = 0; bucket < set->bound; bucket++) {
        if (!tci_index_set_has(set, (uint32_t)bucket))
            continue;
        tci_ngram_counts_scale(&dual->counts, (uint32_t)bucket, to);
        to += columns;
    }
    return TC_OK;
}

static tc_status allocate_set(tci_dual *dual, text_set *texts)
{
    size_t cells = 0;
    if (!tci_multiply(texts->rows, dual->columns, &cells))
        return tci_fail(TC_ERROR_LIMIT, "dual variables of %zu texts do not fit the address space", texts->rows);
    TCI_RETURN_IF(tci_alloc_zero(dual->memory, cells, sizeof(float), "dual variables", &texts->alpha));
    TCI_RETURN_IF(tci_alloc_zero(dual->memory, cells, sizeof(float), "dual variables", &texts->squares));
    TCI_RETURN_IF(tci_alloc_zero(dual->memory, cells, sizeof(float), "dual variables", &texts->seen));
    TCI_RETURN_IF(tci_alloc_zero(dual->memory, cells, sizeof(float), "dual variables", &texts->own));
    return tci_alloc_zero(dual->memory, texts->rows, 1, "dual variables", &texts->met);
}

/* Q of every text; returns their sum. */
static double fill_squares(const tci_dual *dual, const tci_index_set *set, const text_set *texts)
{
    size_t columns = dual->columns, scales = dual->scale_columns;
    double total = 0;
    for (size_t r = 0; r < texts->rows; r++) {
        tci_row row = tci_examples_row(texts->examples, r);
        float *squares = texts->squares + r * columns, scale = tci_ngram_scale(dual->network, &row);
        for (size_t c = 0; c < columns; c++)
            squares[c] = BIAS * BIAS;
        for (size_t i = 0; i < row.length; i++) {
            uint32_t rank = tci_index_set_rank(set, TCI_FEATURE_BUCKET(row.ids[i]));
            if (rank == TCI_INDEX_SET_NONE)
                continue;
            float x = scale * tci_ngram_amount(dual->network, row.ids[i], row.counts[i]), square = x * x;
            const float *scale2 = dual->scale2 + (size_t)rank * scales;
            for (size_t c = 0; c < columns; c++)
                squares[c] += square * scale2[scales > 1 ? c : 0];
        }
        for (size_t c = 0; c < columns; c++)
            total += (double)squares[c];
    }
    return total;
}

/* Every so many texts of a set, so that FIT_CELLS margins are passed by little. */
static size_t fit_stride(const tci_dual *dual)
{
    size_t cells = (size_t)dual->total * dual->columns;
    return cells / FIT_CELLS + 1;
}

static tc_status allocate_fit(tci_dual *dual)
{
    size_t stride = fit_stride(dual), rows = 0;
    for (size_t s = 0; s < dual->set_count; s++)
        rows += dual->sets[s].rows / stride + 1;
    TCI_RETURN_IF(tci_alloc(dual->memory, rows * dual->columns, sizeof(float), "calibration", &dual->fit_margins));
    TCI_RETURN_IF(tci_alloc(dual->memory, rows * dual->columns, sizeof(float), "calibration", &dual->fit_targets));
    return tci_alloc(dual->memory, rows, sizeof(uint32_t), "calibration", &dual->fit_labels);
}

tc_status tci_dual_start(tci_dual *dual)
{
    tc_status status = TC_OK;
    double total = 0, cells = 0;
    tci_index_set set;
    if (dual->started)
        return TC_OK;
    TCI_CHECK(tci_index_set_init(&set, dual->network->base.memory, dual->network->set.bound));
    memcpy(set.bits, dual->network->set.bits, set.words * sizeof *set.bits);
    tci_ngram_counts_members(&dual->counts, &set);
    TCI_CHECK(tci_index_set_count(&set));
    TCI_CHECK(make_scale(dual, &set));
    for (size_t i = 0; i < dual->set_count; i++)
        TCI_CHECK(allocate_set(dual, &dual->sets[i]));
    TCI_CHECK(allocate_fit(dual));
    for (size_t i = 0; i < dual->set_count; i++) {
        total += fill_squares(dual, &set, &dual->sets[i]);
        cells += (double)dual->sets[i].rows * (double)dual->columns;
    }
    dual->cost = total > 0 ? cells / total : 1;
    TCI_CHECK(tci_ngram_grow(dual->network, &set));
    tci_ngram_counts_free(&dual->counts);
    dual->started = true;
done:
    tci_index_set_free(&set);
    if (status != TC_OK)
        drop_start(dual);
    return status;
}

/* ---- steps ---- */

static tc_status reserve_block(tci_dual *dual, const tc_examples *examples, const size_t *rows, size_t row_count)
{
    size_t most = 0;
    for (size_t first = 0; first < row_count; first += TCI_DUAL_BLOCK) {
        size_t entries = 0;
        for (size_t i = first; i < row_count && i < first + TCI_DUAL_BLOCK; i++)
            entries += tci_examples_row(examples, rows[i]).length;
        most = entries > most ? entries : most;
    }
    return tci_reserve(dual->memory, most, SIZE_MAX / sizeof(entry), sizeof(entry), "block", &dual->entry_capacity,
                       &dual->entries);
}

/* The entries of a text that have weights; returns how many. */
static size_t gather(const tci_dual *dual, const tci_row *row, entry *entries)
{
    size_t count = 0;
    float scale = tci_ngram_scale(dual->network, row);
    for (size_t i = 0; i < row->length; i++) {
        uint32_t rank = tci_index_set_rank(&dual->network->set, TCI_FEATURE_BUCKET(row->ids[i]));
        if (rank != TCI_INDEX_SET_NONE)
            entries[count++] = (entry){rank, scale * tci_ngram_amount(dual->network, row->ids[i], row->counts[i])};
    }
    return count;
}

/* Margins of one text. */
static void find_margins(const tci_dual *dual, const entry *entries, size_t count, float *margins)
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

/* What the column's target is: ±1, or a real value. */
static float target_of(const tci_dual *dual, const float *targets, size_t column)
{
    if (dual->task == TCI_TASK_REGRESS)
        return targets[column];
    bool single = dual->columns < dual->labels;
    return targets[single ? 1 : column] > 0 ? 1.0f : -1.0f;
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

/* The second half of the texts meets weights that are nearly those of the end, and know nothing of them. */
enum { MET_EARLY = 1, MET_LATE = 2 };

static void note_met(tci_dual *dual, uint8_t *met)
{
    if (*met == 0)
        *met = 2 * dual->first_met++ < dual->total ? MET_EARLY : MET_LATE;
}

/* New dual variables of one text; steps (columns) is by how much x s² is to be added. Returns its loss. */
static double solve_text(tci_dual *dual, text_set *texts, size_t row, const float *targets, const float *margins,
                         float weight, float *steps)
{
    size_t columns = dual->columns;
    float *alpha = texts->alpha + row * columns;
    float *seen = texts->seen + row * columns, *own = texts->own + row * columns;
    const float *squares = texts->squares + row * columns;
    bool regress = dual->task == TCI_TASK_REGRESS;
    double loss = 0;
    for (size_t c = 0; c < columns; c++) {
        float target = target_of(dual, targets, c), y = regress ? 1.0f : target;
        double cost = dual->cost * (double)weight;
        if (dual->task == TCI_TASK_CLASSIFY && columns > 1 && target > 0)
            cost *= OWN_LABEL;
        float slack = (float)(1 / (2 * cost));
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

static void update(const tci_dual *dual, const entry *entries, size_t count, const float *steps)
{
    tci_parameters *parameters = &dual->network->base.parameters;
    float *weight = parameters->values + parameters->tensors[TCI_NGRAM_WEIGHT].offset;
    float *bias = parameters->values + parameters->tensors[TCI_NGRAM_BIAS].offset;
    size_t columns = dual->columns, scales = dual->scale_columns;
    bool any = false;
    for (size_t c = 0; c < columns; c++)
        any = any || steps[c] != 0;
    if (!any)
        return;
    for (size_t c = 0; c < columns; c++)
        bias[c] += BIAS * BIAS * steps[c];
    for (size_t i = 0; i < count; i++) {
        float *to = weight + (size_t)entries[i].row * columns;
        const float *scale2 = dual->scale2 + (size_t)entries[i].row * scales;
        for (size_t c = 0; c < columns; c++)
            to[c] += steps[c] * entries[i].x * scale2[scales > 1 ? c : 0];
    }
}

/* A block whose texts are alike overshoots: each step is right for its own text alone. Along all of them at once the
 * dual objective is a parabola, falling by slope·t - curve·t²/2; where its minimum lies well before t = 1, the steps
 * are cut down to it. The curve is what the steps changed the block's own margins by. */
#define CUT_BELOW 0.75

static void cut_steps(tci_dual *dual, text_set *texts, const size_t *rows, size_t row_count, const size_t *ends)
{
    size_t columns = dual->columns;
    bool any = false;
    for (size_t i = 0; i < row_count; i++) {
        const float *steps = dual->steps + i * columns, *margins = dual->margins + i * columns;
        size_t begin = i == 0 ? 0 : ends[i - 1];
        find_margins(dual, dual->entries + begin, ends[i] - begin, dual->again);
        for (size_t c = 0; c < columns; c++)
            dual->curves[c] += (double)steps[c] * ((double)dual->again[c] - (double)margins[c]);
    }
    for (size_t c = 0; c < columns; c++) { /* from here on: what is to be added to t = 1 */
        bool cut = dual->slopes[c] < CUT_BELOW * dual->curves[c];
        dual->curves[c] = cut ? dual->slopes[c] / dual->curves[c] - 1 : 0;
        any = any || cut;
    }
    for (size_t i = 0; any && i < row_count; i++) {
        float *steps = dual->steps + i * columns, *alpha = texts->alpha + rows[i] * columns;
        size_t begin = i == 0 ? 0 : ends[i - 1];
        for (size_t c = 0; c < columns; c++) {
            float target = target_of(dual, dual->targets + i * dual->labels, c);
            steps[c] *= (float)dual->curves[c];
            alpha[c] += dual->task == TCI_TASK_REGRESS ? steps[c] : target * steps[c];
        }
        update(dual, dual->entries + begin, ends[i] - begin, steps);
    }
}

/* All margins first, then all updates, each in the order of the rows. */
static void block_step(tci_dual *dual, text_set *texts, const size_t *rows, size_t row_count, double *loss,
                       double *weight)
{
    size_t ends[TCI_DUAL_BLOCK], end = 0, columns = dual->columns;
    for (size_t i = 0; i < row_count; i++) {
        tci_row row = tci_examples_row(texts->examples, rows[i]);
        size_t count = gather(dual, &row, dual->entries + end);
        find_margins(dual, dual->entries + end, count, dual->margins + i * columns);
        end += count;
        ends[i] = end;
    }
    memset(dual->steps, 0, row_count * columns * sizeof *dual->steps);
    memset(dual->slopes, 0, columns * sizeof *dual->slopes);
    memset(dual->curves, 0, columns * sizeof *dual->curves);
    for (size_t i = 0; i < row_count; i++) {
        size_t begin = i == 0 ? 0 : ends[i - 1];
        float *steps = dual->steps + i * columns, *targets = dual->targets + i * dual->labels;
        tci_examples_targets(texts->examples, rows[i], targets);
        double own = weight_of(dual, targets, texts->examples->weights[rows[i]]);
        if (own <= 0)
            continue;
        *loss += own * solve_text(dual, texts, rows[i], targets, dual->margins + i * columns, (float)own, steps);
        *weight += own;
        update(dual, dual->entries + begin, ends[i] - begin, steps);
    }
    if (row_count > 1)
        cut_steps(dual, texts, rows, row_count, ends);
}

/* ---- calibration ---- */

/* Fits to every fit_stride()th text that was met: to its margin without this share of its own part. `late`: only to
 * those that were met late in the first pass. */
static tci_margin_fit fit_margins(tci_dual *dual, float own_share, bool late)
{
    size_t columns = dual->columns, stride = fit_stride(dual), count = 0;
    for (size_t s = 0; s < dual->set_count; s++) {
        const text_set *texts = &dual->sets[s];
        for (size_t r = 0; r < texts->rows; r += stride) {
            if (texts->met[r] == 0 || (late && texts->met[r] != MET_LATE))
                continue;
            tci_examples_targets(texts->examples, r, dual->targets);
            for (size_t c = 0; c < columns; c++) {
                float target = target_of(dual, dual->targets, c);
                size_t cell = r * columns + c;
                dual->fit_margins[count * columns + c] = texts->seen[cell] - own_share * target * texts->own[cell];
                dual->fit_targets[count * columns + c] = target;
            }
            if (dual->task == TCI_TASK_CLASSIFY)
                dual->fit_labels[count] = texts->examples->classes[r];
            count++;
        }
    }
    if (dual->task == TCI_TASK_CLASSIFY && columns > 1)
        return tci_fit_softmax(dual->fit_margins, dual->fit_labels, count, columns);
    return tci_fit_sigmoid(dual->fit_margins, dual->fit_targets, count * columns);
}

/* In the first pass margins are of weights that knew nothing of the text. Later a text has added to its own margin:
 * all of alpha·Q where no other is like it, nearly nothing where others say the same. The share to take away is the
 * one that leaves margins as telling as fresh ones were: of the same loss. It rises with the share. */
#define SHARE_STEPS 7

static void calibrate(tci_dual *dual)
{
    bool half = 2 * dual->first_met > dual->total;
    tci_margin_fit fit = fit_margins(dual, 1.0f, half && dual->met <= dual->total);
    if (dual->met <= dual->total) {
        dual->fresh_loss = fit.loss;
    } else if (fit.loss > dual->fresh_loss) {
        float least = 0.0f, most = 1.0f;
        for (size_t i = 0; i < SHARE_STEPS; i++) {
            float share = (least + most) / 2;
            fit = fit_margins(dual, share, false);
            *(fit.loss > dual->fresh_loss ? &most : &least) = share;
        }
    }
    tci_parameters *parameters = &dual->network->base.parameters;
    float *calibration = parameters->values + parameters->tensors[TCI_NGRAM_CALIBRATION].offset;
    calibration[0] = fit.scale;
    calibration[1] = fit.shift;
}

/* Whether `before` to `after` texts met passes a power of two below a pass, or the end of a pass. */
static bool is_due(uint64_t before, uint64_t after, uint64_t total)
{
    for (uint64_t power = TCI_DUAL_BLOCK; power < total; power *= 2) {
        if (before < power && after >= power)
            return true;
    }
    return total > 0 && before / total != after / total;
}

tc_status tci_dual_step(tci_dual *dual, const tc_examples *examples, const size_t *rows, size_t row_count, double *loss,
                        double *weight)
{
    text_set *texts = find_set(dual, examples);
    if (!texts)
        return tci_fail(TC_ERROR_STATE, "optimizer dcd learns from examples that tc_trainer_count() has seen");
    for (size_t i = 0; i < row_count; i++) {
        if (rows[i] >= texts->rows)
            return tci_fail(TC_ERROR_STATE, "row %zu was added after tc_trainer_count(), which saw %zu", rows[i],
                            texts->rows);
    }
    TCI_RETURN_IF(reserve_block(dual, examples, rows, row_count));
    TCI_RETURN_IF(tci_dual_start(dual));
    *loss = *weight = 0;
    for (size_t first = 0; first < row_count; first += TCI_DUAL_BLOCK) {
        size_t count = row_count - first < TCI_DUAL_BLOCK ? row_count - first : TCI_DUAL_BLOCK;
        block_step(dual, texts, rows + first, count, loss, weight);
    }
    uint64_t before = dual->met;
    dual->met += row_count;
    if (dual->task != TCI_TASK_REGRESS && is_due(before, dual->met, dual->total))
        calibrate(dual);
    return TC_OK;
}
