/* bag_training.c: the trainer of a bag network before and around its steps: what it counts, the rows that it makes, and
 * that a step which fails has changed nothing.
 *
 * Weights change while a step goes on, and a step whose numbers leave all bounds is found out in its middle. So each
 * step first asks whether it could: no value is greater than what is remembered, and a text moves values by no more
 * than rate, weight and head allow. Nearly always the answer is no; else the rows at stake are copied beforehand. */
#include "model/bag_training.h"

#include <string.h>

#include "model/bag_training_internal.h"

static int32_t head_of(const tci_bag_network *network)
{
    static const int32_t heads[] = {TCI_HEAD_SOFTMAX, TCI_HEAD_SIGMOID, TCI_HEAD_AUTO};
    return network->head != TCI_HEAD_AUTO ? network->head : heads[network->task];
}

void tci_bag_trainer_free(tci_bag_trainer *trainer)
{
    if (!trainer)
        return;
    tci_memory *memory = trainer->memory;
    if (trainer->set.memory)
        tci_index_set_free(&trainer->set);
    tci_free(memory, trainer->label_counts);
    tci_free(memory, trainer->parents);
    tci_free(memory, trainer->all_outputs);
    tci_workspace_free(&trainer->slot_space);
    tci_workspace_free(&trainer->list_space);
    tci_workspace_free(&trainer->copy_space);
    tci_free(memory, trainer);
}

static tc_status carve_slots(tci_bag_trainer *trainer)
{
    size_t outputs = trainer->labels;
    for (tci_layout layout = {NULL, 0};;) {
        for (size_t j = 0; j < TCI_BAG_GROUP; j++) {
            tci_bag_slot *slot = &trainer->slots[j];
            slot->sums = tci_carve(&layout, TCI_BAG_SHARDS, trainer->dim, sizeof(float));
            slot->hidden = tci_carve(&layout, 1, trainer->dim, sizeof(float));
            slot->gradient = tci_carve(&layout, 1, trainer->dim, sizeof(float));
            slot->z = tci_carve(&layout, 1, outputs, sizeof(float));
            slot->steps = tci_carve(&layout, 1, outputs, sizeof(float));
            slot->targets = tci_carve(&layout, 1, outputs, sizeof(float));
            slot->path = tci_carve(&layout, 1, outputs, sizeof(uint32_t));
        }
        if (layout.base)
            return TC_OK;
        TCI_RETURN_IF(tci_workspace_reserve(&trainer->slot_space, layout.size, "training of averaged embeddings"));
        layout = (tci_layout){(char *)trainer->slot_space.block, 0};
    }
}

tc_status tci_bag_trainer_create(tci_bag_network *network, tci_memory *memory, tci_pool *pool,
                                 const float *class_weights, bool frozen, uint64_t seed, tci_bag_trainer **result)
{
    tc_status status = TC_OK;
    tci_bag_trainer *trainer = NULL;
    int32_t head = head_of(network);
    *result = NULL;
    if (network->task != TCI_TASK_CLASSIFY && head != TCI_HEAD_AUTO && head != TCI_HEAD_SIGMOID)
        return tci_fail(TC_ERROR_OPTION, "option 'head': %s is trained with task classify",
                        head == TCI_HEAD_TREE ? "tree" : "softmax");
    if (network->task == TCI_TASK_REGRESS && head == TCI_HEAD_SIGMOID)
        return tci_fail(TC_ERROR_OPTION, "option 'head': sigmoid is trained with task classify or multilabel");
    TCI_RETURN_IF(tci_alloc_zero(memory, 1, sizeof *trainer, "trainer of averaged embeddings", &trainer));
    trainer->network = network;
    trainer->memory = memory;
    trainer->pool = pool;
    trainer->class_weights = class_weights;
    trainer->frozen = frozen;
    trainer->seed = seed;
    trainer->head = head;
    trainer->labels = network->base.label_count;
    trainer->dim = network->dim;
    trainer->team_least = TCI_BAG_TEAM_LEAST;
    trainer->slot_space.memory = trainer->list_space.memory = trainer->copy_space.memory = memory;
    TCI_CHECK(tci_index_set_init(&trainer->set, memory, network->buckets));
    TCI_CHECK(tci_alloc(memory, trainer->labels, sizeof(uint32_t), "trainer", &trainer->all_outputs));
    for (size_t i = 0; i < trainer->labels; i++)
        trainer->all_outputs[i] = (uint32_t)i;
    if (head == TCI_HEAD_TREE) {
        TCI_CHECK(tci_alloc_zero(memory, trainer->labels, sizeof(uint64_t), "label counts", &trainer->label_counts));
        TCI_CHECK(tci_alloc_zero(memory, trainer->labels, 2 * sizeof(uint32_t), "label paths", &trainer->parents));
    }
    TCI_CHECK(carve_slots(trainer));
    *result = trainer;
    trainer = NULL;
done:
    tci_bag_trainer_free(trainer);
    return status;
}

tc_status tci_bag_trainer_count(tci_bag_trainer *trainer, const tc_examples *examples, const size_t *rows,
                                size_t row_count)
{
    uint32_t words = (uint32_t)tci_bag_words(trainer->network);
    if (trainer->started)
        return tci_fail(TC_ERROR_STATE, "texts are counted before the first step; make a new trainer to count again");
    for (size_t i = 0; i < (rows ? row_count : examples->rows); i++) {
        size_t number = rows ? rows[i] : i;
        tci_row row = tci_examples_row(examples, number);
        for (size_t k = 0; k < row.length; k++) {
            if (row.ids[k] >= words)
                tci_index_set_put(&trainer->set, row.ids[k] - words);
        }
        if (trainer->label_counts && !tci_examples_unknown(examples, number))
            trainer->label_counts[examples->classes[number]]++;
    }
    trainer->counted = true;
    return TC_OK;
}

bool tci_bag_trainer_counted(const tci_bag_trainer *trainer)
{
    return trainer->counted;
}

void tci_bag_trainer_forget(tci_bag_trainer *trainer)
{
    memset(trainer->set.bits, 0, trainer->set.words * sizeof *trainer->set.bits);
    if (trainer->label_counts)
        memset(trainer->label_counts, 0, trainer->labels * sizeof *trainer->label_counts);
    trainer->counted = false;
}

/* ---- before the first step ---- */

/* Rows for the buckets that were counted and have none. */
static tc_status grow(tci_bag_trainer *trainer)
{
    tci_bag_network *network = trainer->network;
    tci_index_set set;
    if (!network->set.bits) /* all have */
        return TC_OK;
    tc_status status = tci_index_set_init(&set, network->base.memory, network->set.bound);
    for (size_t i = 0; status == TC_OK && i < set.words; i++)
        set.bits[i] = network->set.bits[i] | trainer->set.bits[i];
    if (status == TC_OK)
        status = tci_index_set_count(&set);
    if (status == TC_OK && set.count > network->set.count)
        status = tci_bag_grow(network, &set, trainer->seed);
    if (set.memory)
        tci_index_set_free(&set);
    return status;
}

/* A tree of the labels' counts, unless the model has one. */
static void plant_tree(tci_bag_trainer *trainer)
{
    tci_bag_network *network = trainer->network;
    const tci_tensor_info *tensor = &network->base.parameters.tensors[network->label_counts];
    void *counts = network->base.parameters.values + tensor->offset;
    uint64_t any = 0;
    for (size_t i = 0; i < trainer->labels; i++) {
        uint64_t count = 0;
        memcpy(&count, (const char *)counts + i * sizeof count, sizeof count);
        any |= count;
    }
    if (any == 0)
        memcpy(counts, trainer->label_counts, trainer->labels * sizeof *trainer->label_counts);
    network->base.architecture->refresh(&network->base);
    for (size_t i = 0; i + 1 < trainer->labels; i++) {
        uint32_t number = (uint32_t)(trainer->labels + i);
        trainer->parents[network->tree[i].left] = 2 * number;
        trainer->parents[network->tree[i].right] = 2 * number + 1;
    }
    for (uint32_t label = 0; label < trainer->labels; label++) {
        size_t depth = 0;
        for (uint32_t at = label; at != 2 * trainer->labels - 2; at = trainer->parents[at] / 2)
            depth++;
        trainer->depth = depth > trainer->depth ? depth : trainer->depth;
    }
}

static double greatest_of(const tci_bag_network *network, const tci_bag_matrix *matrix)
{
    const float *values = tci_parameters_read(&network->base.parameters, matrix->weight);
    float greatest = 0;
    for (size_t i = 0; i < matrix->rows * matrix->columns; i++) {
        float size = values[i] < 0 ? -values[i] : values[i];
        greatest = size > greatest ? size : greatest;
    }
    return (double)greatest;
}

static void find_bounds(tci_bag_trainer *trainer)
{
    trainer->most_row = greatest_of(trainer->network, &trainer->network->embedding);
    trainer->most_output = greatest_of(trainer->network, &trainer->network->output);
}

tc_status tci_bag_trainer_start(tci_bag_trainer *trainer)
{
    if (trainer->started)
        return TC_OK;
    if (!trainer->counted)
        return tci_fail(TC_ERROR_STATE, "arch ngram with embedding_dim learns from texts whose features have been "
                                        "counted; call tc_trainer_count() first");
    TCI_RETURN_IF(grow(trainer));
    if (trainer->head == TCI_HEAD_TREE)
        plant_tree(trainer);
    find_bounds(trainer);
    tci_index_set_free(&trainer->set);
    trainer->set = (tci_index_set){.memory = NULL};
    trainer->started = true;
    return TC_OK;
}

tc_status tci_bag_trainer_resume(tci_bag_trainer *trainer)
{
    trainer->counted = true;
    return tci_bag_trainer_start(trainer);
}

/* ---- steps ---- */

static tc_status carve_lists(tci_bag_trainer *trainer, const tc_examples *examples, const size_t *rows,
                             size_t row_count)
{
    size_t longest = 0;
    for (size_t i = 0; i < row_count; i++) {
        size_t length = tci_examples_row(examples, rows[i]).length;
        longest = length > longest ? length : longest;
    }
    for (tci_layout layout = {NULL, 0};;) {
        for (size_t i = 0; i < 2 * TCI_BAG_GROUP; i++) {
            tci_bag_list *list = &trainer->lists[i / TCI_BAG_GROUP][i % TCI_BAG_GROUP];
            list->rows = tci_carve(&layout, 1, longest, sizeof(uint32_t));
            list->unsorted = tci_carve(&layout, 1, longest, sizeof(uint32_t));
        }
        if (layout.base)
            return TC_OK;
        TCI_RETURN_IF(tci_workspace_reserve(&trainer->list_space, layout.size, "rows of a text"));
        layout = (tci_layout){(char *)trainer->list_space.block, 0};
    }
}

/* Whether the step cannot leave the bounds, whatever its texts are. */
static bool is_safe(const tci_bag_step *step)
{
    const tci_bag_trainer *trainer = step->trainer;
    double row = trainer->most_row, output = trainer->most_output;
    double outputs = trainer->head == TCI_HEAD_SOFTMAX ? 2.0 /* Σ |g| */
                     : trainer->head == TCI_HEAD_TREE  ? (double)trainer->depth
                                                       : (double)trainer->labels;
    if (trainer->head == TCI_HEAD_AUTO) /* errors of any size */
        return false;
    for (size_t i = 0; i < step->row_count; i++) {
        double factor = step->rate * tci_bag_text_weight(trainer, step->examples, step->rows[i]);
        double next = row + factor * outputs * output;
        output += factor * row;
        row = next;
        if (!(row < TCI_BAG_MOST / 2 && output < TCI_BAG_MOST / 2))
            return false;
    }
    return row * output * (double)trainer->dim < TCI_BAG_MOST * TCI_BAG_MOST / 2;
}

/* Copies the rows of the step's texts and the output to `copy`, or back from it. */
static void copy_rows(const tci_bag_step *step, float *copy, bool back)
{
    const tci_bag_network *network = step->trainer->network;
    const tci_parameters *parameters = &network->base.parameters;
    float *table = parameters->values + parameters->tensors[network->embedding.weight].offset;
    float *output = parameters->values + parameters->tensors[network->output.weight].offset;
    size_t bytes = step->trainer->dim * sizeof *copy, labels = step->trainer->labels;
    memcpy(back ? output : copy, back ? copy : output, labels * bytes);
    copy += labels * step->trainer->dim;
    for (size_t i = 0; i < step->row_count; i++) {
        tci_row row = tci_examples_row(step->examples, step->rows[i]);
        for (size_t k = 0; k < row.length; k++) {
            uint32_t number = tci_bag_row(network, row.ids[k]);
            if (number == TCI_INDEX_SET_NONE)
                continue;
            float *values = table + (size_t)number * step->trainer->dim;
            memcpy(back ? values : copy, back ? copy : values, bytes);
            copy += step->trainer->dim;
        }
    }
}

static tc_status reserve_copy(const tci_bag_step *step)
{
    tci_layout layout = {NULL, 0};
    size_t count = step->trainer->labels;
    for (size_t i = 0; i < step->row_count; i++)
        count += tci_examples_row(step->examples, step->rows[i]).length;
    (void)tci_carve(&layout, count, step->trainer->dim, sizeof(float));
    return tci_workspace_reserve(&step->trainer->copy_space, layout.size, "copy of the rows of a step");
}

tc_status tci_bag_trainer_step(tci_bag_trainer *trainer, const tc_examples *examples, const size_t *rows,
                               size_t row_count, double rate, double *loss, double *weight)
{
    tci_bag_step step = {.trainer = trainer, .examples = examples, .rows = rows, .row_count = row_count, .rate = rate};
    TCI_RETURN_IF(carve_lists(trainer, examples, rows, row_count));
    TCI_RETURN_IF(tci_bag_trainer_start(trainer));
    bool safe = is_safe(&step);
    if (!safe) {
        TCI_RETURN_IF(reserve_copy(&step));
        copy_rows(&step, trainer->copy_space.block, false);
    }
    tci_bag_learn(&step);
    if (step.failed) {
        if (!safe)
            copy_rows(&step, trainer->copy_space.block, true);
        return tci_fail(TC_ERROR_NUMERIC, "weights grow beyond bounds; option learning_rate is too high");
    }
    trainer->most_row += step.moved_rows;
    trainer->most_output += step.moved_outputs;
    tci_bag_pack(trainer->network);
    *loss = step.loss;
    *weight = step.weight;
    return TC_OK;
}
