/* bag_step.c: what the members of the pool do in a step of the trainer of a bag network; bag_training.h has formulas
 * and the order of sums.
 *
 * For each group of texts: every member sums the rows of its shards; they meet; each takes whole texts of the group
 * from there to what rows and outputs change by, and lists the rows of a text of the next group; they meet; every
 * member changes the rows of its shards and its columns of the output, and goes on to sum those of the next group. */
#include <string.h>

#include "kernel/kernel.h"
#include "model/bag_training_internal.h"

#define COLUMNS_OF_OUTPUT 16 /* that a member takes at least: a line of memory */
#define PRODUCT_LEAST 1e-280

/* Neighbours in number are alike in frequency; five shards further on, frequent words share members evenly. */
static size_t shard_of(uint32_t row)
{
    return row * 5u % TCI_BAG_SHARDS;
}

static float *values_of(const tci_bag_network *network, const tci_bag_matrix *matrix)
{
    const tci_parameters *parameters = &network->base.parameters;
    return parameters->values + parameters->tensors[matrix->weight].offset;
}

/* Text `at` of the step into the list of its group. */
static void list_rows(const tci_bag_step *step, size_t at)
{
    const tci_bag_trainer *trainer = step->trainer;
    if (at >= step->row_count)
        return;
    tci_row row = tci_examples_row(step->examples, step->rows[at]);
    tci_bag_list *list = &step->trainer->lists[at / TCI_BAG_GROUP % 2][at % TCI_BAG_GROUP];
    size_t count = 0, begins[TCI_BAG_SHARDS] = {0};
    for (size_t i = 0; i < row.length; i++) {
        uint32_t number = tci_bag_row(trainer->network, row.ids[i]);
        if (number == TCI_INDEX_SET_NONE)
            continue;
        list->unsorted[count++] = number;
        begins[shard_of(number)]++;
    }
    for (size_t s = 0, end = 0; s < TCI_BAG_SHARDS; s++) {
        size_t length = begins[s];
        begins[s] = end;
        end += length;
        list->ends[s] = end;
    }
    for (size_t i = 0; i < count; i++)
        list->rows[begins[shard_of(list->unsorted[i])]++] = list->unsorted[i];
    list->share = tci_bag_share(trainer->network, row.length, count);
}

static const uint32_t *rows_of_shard(const tci_bag_list *list, size_t shard, size_t *count, size_t *listed)
{
    size_t begin = shard == 0 ? 0 : list->ends[shard - 1];
    *count = list->ends[shard] - begin;
    *listed = list->ends[TCI_BAG_SHARDS - 1] - begin;
    return list->rows + begin;
}

static void sum_shards(const tci_bag_step *step, const tci_bag_list *lists, size_t texts, size_t first, size_t last)
{
    const tci_bag_trainer *trainer = step->trainer;
    const float *table = values_of(trainer->network, &trainer->network->embedding);
    for (size_t j = 0; j < texts; j++) {
        for (size_t s = first; s < last; s++) {
            float *sums = trainer->slots[j].sums + s * trainer->dim;
            size_t count = 0, listed = 0;
            const uint32_t *rows = rows_of_shard(&lists[j], s, &count, &listed);
            memset(sums, 0, trainer->dim * sizeof *sums);
            trainer->network->base.kernels->gather_rows(count, listed, rows, NULL, table, trainer->dim, sums);
        }
    }
}

static void change_shards(const tci_bag_step *step, const tci_bag_list *lists, size_t texts, size_t first, size_t last)
{
    const tci_bag_trainer *trainer = step->trainer;
    float *table = values_of(trainer->network, &trainer->network->embedding);
    for (size_t j = 0; j < texts; j++) {
        for (size_t s = first; s < last; s++) {
            size_t count = 0, listed = 0;
            const uint32_t *rows = rows_of_shard(&lists[j], s, &count, &listed);
            trainer->network->base.kernels->scatter_rows(count, listed, rows, NULL, trainer->slots[j].gradient, table,
                                                         trainer->dim, 0, trainer->dim);
        }
    }
}

static void change_output(const tci_bag_step *step, size_t texts, size_t first, size_t last)
{
    const tci_bag_trainer *trainer = step->trainer;
    float *table = values_of(trainer->network, &trainer->network->output);
    for (size_t j = 0; j < texts; j++) {
        const tci_bag_slot *slot = &trainer->slots[j];
        trainer->network->base.kernels->scatter_rows(slot->output_count, slot->output_count, slot->outputs, slot->steps,
                                                     slot->hidden, table, trainer->dim, first, last);
    }
}

/* ---- one text, from the sums of its shards to what changes ---- */

/* -log of a product of numbers in 0 to 1, with few logarithms. */
typedef struct product {
    double value, logs;
} product;

static void multiply(product *p, double factor)
{
    p->value *= factor;
    if (p->value < PRODUCT_LEAST) {
        p->logs += tci_log(p->value);
        p->value = 1;
    }
}

static double minus_log(const product *p)
{
    return -(p->logs + tci_log(p->value));
}

/* -log s(z) of a z far below 0 is -z, where s(z) is no number any more. */
static void multiply_sigmoid(product *p, float right, float z)
{
    if (z < -80.0f)
        p->logs += (double)z;
    else
        multiply(p, (double)right);
}

/* steps = targets - s(z) of `count` outputs; returns the sum of losses. */
static double compare_sigmoids(const tci_kernels *kernels, size_t count, const float *z, const float *targets,
                               float *steps)
{
    product p = {1, 0};
    kernels->sigmoid(count, z, steps);
    for (size_t i = 0; i < count; i++) {
        bool right = targets[i] > 0.5f;
        multiply_sigmoid(&p, right ? steps[i] : 1.0f - steps[i], right ? z[i] : -z[i]);
        steps[i] = targets[i] - steps[i];
    }
    return minus_log(&p);
}

static double compare_softmax(const tci_kernels *kernels, size_t count, const float *z, size_t label, float *steps)
{
    float greatest = z[0];
    double sum = 0;
    for (size_t i = 1; i < count; i++)
        greatest = z[i] > greatest ? z[i] : greatest;
    for (size_t i = 0; i < count; i++)
        steps[i] = z[i] - greatest;
    kernels->exp(count, steps, steps);
    for (size_t i = 0; i < count; i++)
        sum += (double)steps[i];
    float scale = (float)(-1.0 / sum);
    for (size_t i = 0; i < count; i++)
        steps[i] *= scale;
    double others = 0; /* 1 - softmax of the label, without losing its digits */
    for (size_t i = 0; i < count; i++)
        others -= i == label ? 0.0 : (double)steps[i];
    steps[label] = (float)others;
    return tci_log(sum) + ((double)greatest - (double)z[label]);
}

static double compare_values(size_t count, const float *z, const float *targets, float *steps)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        double error = (double)targets[i] - (double)z[i];
        steps[i] = (float)(2.0 / (double)count * error);
        sum += error * error;
    }
    return sum / (double)count;
}

/* The nodes above a label, and on which side of each it is. */
static void list_path(const tci_bag_trainer *trainer, uint32_t label, tci_bag_slot *slot)
{
    uint32_t root = (uint32_t)(2 * trainer->labels - 2);
    slot->output_count = 0;
    for (uint32_t at = label; at != root;) {
        uint32_t up = trainer->parents[at];
        slot->targets[slot->output_count] = (up & 1) != 0 ? 1.0f : 0.0f;
        at = up / 2;
        slot->path[slot->output_count++] = at - (uint32_t)trainer->labels;
    }
    slot->outputs = slot->path;
}

static double compare(const tci_bag_step *step, size_t row, tci_bag_slot *slot)
{
    const tci_bag_trainer *trainer = step->trainer;
    const tci_kernels *kernels = trainer->network->base.kernels;
    const float *table = values_of(trainer->network, &trainer->network->output);
    if (trainer->head == TCI_HEAD_TREE) {
        list_path(trainer, step->examples->classes[row], slot);
    } else {
        slot->outputs = trainer->all_outputs;
        slot->output_count = trainer->labels;
        if (trainer->head != TCI_HEAD_SOFTMAX)
            tci_examples_targets(step->examples, row, trainer->labels, slot->targets);
    }
    kernels->dot_rows(slot->output_count, slot->outputs, table, trainer->dim, slot->hidden, slot->z);
    if (trainer->head == TCI_HEAD_SOFTMAX)
        return compare_softmax(kernels, trainer->labels, slot->z, step->examples->classes[row], slot->steps);
    if (trainer->head == TCI_HEAD_AUTO)
        return compare_values(trainer->labels, slot->z, slot->targets, slot->steps);
    double loss = compare_sigmoids(kernels, slot->output_count, slot->z, slot->targets, slot->steps);
    return trainer->head == TCI_HEAD_TREE ? loss : loss / (double)trainer->labels;
}

/* The greatest size; beyond every bound when one is not a number. */
static double greatest_size(size_t count, const float *values)
{
    float greatest = 0;
    for (size_t i = 0; i < count; i++) {
        float size = values[i] < 0 ? -values[i] : values[i];
        greatest = size <= greatest ? greatest : size;
        if (size != size)
            return 1e300;
    }
    return (double)greatest;
}

double tci_bag_text_weight(const tci_bag_trainer *trainer, const tc_examples *examples, size_t row)
{
    double weight = (double)examples->weights[row];
    return trainer->class_weights ? weight * (double)trainer->class_weights[examples->classes[row]] : weight;
}

static void finish_text(const tci_bag_step *step, size_t at, const tci_bag_list *list, tci_bag_slot *slot)
{
    const tci_bag_trainer *trainer = step->trainer;
    const tci_kernels *kernels = trainer->network->base.kernels;
    size_t dim = trainer->dim;
    memcpy(slot->hidden, slot->sums, dim * sizeof *slot->hidden);
    for (size_t s = 1; s < TCI_BAG_SHARDS; s++)
        kernels->add(dim, slot->sums + s * dim, slot->hidden);
    for (size_t i = 0; i < dim; i++)
        slot->hidden[i] *= list->share;
    slot->weight = tci_bag_text_weight(trainer, step->examples, step->rows[at]);
    slot->loss = slot->weight * compare(step, step->rows[at], slot);
    float factor = (float)(step->rate * slot->weight);
    for (size_t i = 0; i < slot->output_count; i++)
        slot->steps[i] *= factor;
    memset(slot->gradient, 0, dim * sizeof *slot->gradient);
    kernels->gather_rows(slot->output_count, slot->output_count, slot->outputs, slot->steps,
                         values_of(trainer->network, &trainer->network->output), dim, slot->gradient);
    slot->moved_rows = greatest_size(dim, slot->gradient);
    slot->moved_outputs = greatest_size(slot->output_count, slot->steps) * greatest_size(dim, slot->hidden);
    for (size_t i = 0; i < dim; i++)
        slot->gradient[i] *= list->share;
    slot->failed = !(slot->moved_rows < TCI_BAG_MOST && slot->moved_outputs < TCI_BAG_MOST &&
                     greatest_size(slot->output_count, slot->z) < TCI_BAG_MOST * TCI_BAG_MOST);
}

/* ---- the step ---- */

/* By member 0; every member comes to the same answer. */
static bool any_failed(const tci_bag_trainer *trainer, size_t texts)
{
    for (size_t j = 0; j < texts; j++) {
        if (trainer->slots[j].failed)
            return true;
    }
    return false;
}

static void count_group(tci_bag_step *step, size_t texts)
{
    for (size_t j = 0; j < texts; j++) {
        const tci_bag_slot *slot = &step->trainer->slots[j];
        step->loss += slot->loss;
        step->weight += slot->weight;
        step->moved_rows += slot->moved_rows;
        step->moved_outputs += slot->moved_outputs;
    }
}

static void learn(void *context, const tci_team *team)
{
    tci_bag_step *step = context;
    tci_bag_trainer *trainer = step->trainer;
    size_t first_shard, last_shard, first_column, last_column;
    tci_team_share(team, TCI_BAG_SHARDS, 1, &first_shard, &last_shard);
    tci_team_share(team, trainer->dim, COLUMNS_OF_OUTPUT, &first_column, &last_column);
    for (size_t j = team->index; j < TCI_BAG_GROUP; j += team->size)
        list_rows(step, j);
    tci_team_wait(team);
    for (size_t first = 0; first < step->row_count; first += TCI_BAG_GROUP) {
        size_t left = step->row_count - first, texts = left < TCI_BAG_GROUP ? left : TCI_BAG_GROUP;
        const tci_bag_list *lists = trainer->lists[first / TCI_BAG_GROUP % 2];
        sum_shards(step, lists, texts, first_shard, last_shard);
        tci_team_wait(team);
        for (size_t j = team->index; j < texts; j += team->size)
            finish_text(step, first + j, &lists[j], &trainer->slots[j]);
        for (size_t j = team->index; j < TCI_BAG_GROUP; j += team->size)
            list_rows(step, first + TCI_BAG_GROUP + j);
        tci_team_wait(team);
        bool failed = any_failed(trainer, texts);
        if (team->index == 0) {
            step->failed = failed;
            count_group(step, texts);
        }
        if (failed)
            return;
        if (!trainer->frozen)
            change_shards(step, lists, texts, first_shard, last_shard);
        change_output(step, texts, first_column, last_column);
    }
}

/* Whether the members would do more than wait for each other: by the numbers that a group reads. */
static bool is_worth_a_team(const tci_bag_step *step)
{
    size_t groups = (step->row_count + TCI_BAG_GROUP - 1) / TCI_BAG_GROUP, rows = 0;
    for (size_t i = 0; i < step->row_count; i++)
        rows += tci_examples_row(step->examples, step->rows[i]).length;
    size_t outputs = step->trainer->head == TCI_HEAD_TREE ? step->trainer->depth : step->trainer->labels;
    return (rows / groups + TCI_BAG_GROUP * outputs) * step->trainer->dim >= step->trainer->team_least;
}

void tci_bag_learn(tci_bag_step *step)
{
    step->loss = step->weight = step->moved_rows = step->moved_outputs = 0;
    step->failed = false;
    if (is_worth_a_team(step))
        tci_pool_run(step->trainer->pool, learn, step);
    else
        learn(step, &tci_team_alone);
}
