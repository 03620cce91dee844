/* optimizer.c: the table of optimizers, and the step that they share.
 *
 * The parameter block is cut into units by shape alone: UNIT_FLOATS elements of a dense tensor, or the whole rows of
 * the sparse one that come near it. A step passes over the units twice: once for the sums of squares, which tell norm
 * and finiteness before anything changes, once to update. Members of the team take units by turns; each unit's sum has
 * its own place and the sums are added in a fixed tree, so that nothing depends on the number of members. */
#include "optimizer/optimizer.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/number.h"
#include "optimizer/rule.h"

#define UNIT_FLOATS 4096 /* 16 KB in each of up to four blocks: stays in L1 and L2 between its passes */

/* Keys are the option's values, in the order in which they are listed. */
static const tci_optimizer_rule *const rules[] = {&tci_rule_adam, &tci_rule_adamw, &tci_rule_sgd, &tci_rule_adagrad};

typedef struct unit {
    uint32_t tensor;
    uint32_t group;
    size_t begin; /* element of the tensor; of the sparse tensor: row */
    size_t end;
} unit;

/* Tensors that are updated alike. */
typedef struct group {
    size_t level;
    bool undecayed;
    bool rows; /* the tensor with sparse rows */
    bool skip_untouched;
    tci_step_constants constants; /* of the step at hand */
} group;

struct tci_optimizer {
    tci_memory *memory;
    const tci_kernels *kernels;
    const tci_optimizer_rule *rule;
    tci_optimizer_options options;
    uint64_t steps;
    size_t size; /* floats of a state block */
    float *state[TCI_OPTIMIZER_STATES];
    unit *units;
    double *sums; /* one a unit */
    size_t unit_count;
    group *groups;
    size_t group_count, group_capacity;
};

const char *tci_optimizer_name(size_t index)
{
    return index < sizeof rules / sizeof *rules ? rules[index]->name : NULL;
}

tc_status tci_option_check(const char *option, double value, double low, double high)
{
    char text[TCI_DOUBLE_TEXT];
    char low_text[TCI_DOUBLE_TEXT];
    char high_text[TCI_DOUBLE_TEXT];
    if (value >= low && value <= high)
        return TC_OK;
    tci_print_double(value, text);
    tci_print_double(low, low_text);
    tci_print_double(high, high_text);
    return tci_fail(TC_ERROR_OPTION, "%s is %s; accepted is %s to %s", option, text, low_text, high_text);
}

static tc_status check_options(const tci_optimizer_rule *rule, const tci_optimizer_options *options)
{
    TCI_RETURN_IF(tci_option_check("learning_rate", options->learning_rate, 0, 1e9));
    TCI_RETURN_IF(tci_option_check("weight_decay", options->weight_decay, 0, 1e9));
    TCI_RETURN_IF(tci_option_check("layer_decay", options->layer_decay, 0, 1));
    TCI_RETURN_IF(tci_option_check("clip_norm", options->clip_norm, 0, 1e30));
    TCI_RETURN_IF(tci_schedule_check(&options->schedule));
    if (options->sparse_embedding && options->weight_decay != 0)
        return tci_fail(TC_ERROR_OPTION, "sparse_embedding goes with weight_decay 0 only: decay moves rows without a "
                                         "gradient too");
    return rule->check(options);
}

static tc_status find_rule(const char *name, const tci_optimizer_rule **rule)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (strcmp(rules[i]->name, name) == 0) {
            *rule = rules[i];
            return TC_OK;
        }
    }
    return tci_fail(TC_ERROR_OPTION, "optimizer '%s' is not known", name);
}

/* Items (rows or elements) of a unit of this tensor. */
static size_t unit_items(const tci_tensor_info *tensor)
{
    if (!tensor->sparse_rows)
        return UNIT_FLOATS;
    return tensor->shape[1] < UNIT_FLOATS ? UNIT_FLOATS / (tensor->shape[1] ? tensor->shape[1] : 1) : 1;
}

/* The number of the group of this tensor, made when it is the first one. */
static tc_status find_group(tci_optimizer *optimizer, const tci_tensor_info *tensor, uint32_t *number)
{
    const group wanted = {.level = optimizer->options.layer_decay == 1.0 ? 0 : tensor->level,
                          .undecayed = tensor->undecayed,
                          .rows = tensor->sparse_rows};
    for (*number = 0; *number < optimizer->group_count; ++*number) {
        const group *found = &optimizer->groups[*number];
        if (found->level == wanted.level && found->undecayed == wanted.undecayed && found->rows == wanted.rows)
            return TC_OK;
    }
    TCI_RETURN_IF(tci_reserve(optimizer->memory, optimizer->group_count + 1, UINT32_MAX, sizeof(group),
                              "optimizer groups", &optimizer->group_capacity, &optimizer->groups));
    optimizer->groups[optimizer->group_count++] = wanted;
    return TC_OK;
}

static tc_status cut_units(tci_optimizer *optimizer, const tci_parameters *parameters)
{
    size_t count = 0;
    for (size_t i = 0; i < parameters->tensor_count; i++) {
        const tci_tensor_info *tensor = &parameters->tensors[i];
        size_t items = tensor->sparse_rows ? tensor->shape[0] : tensor->count;
        count += tensor->frozen ? 0 : items / unit_items(tensor) + 1;
    }
    TCI_RETURN_IF(tci_alloc(optimizer->memory, count, sizeof(unit), "optimizer units", &optimizer->units));
    TCI_RETURN_IF(tci_alloc_zero(optimizer->memory, count, sizeof(double), "optimizer units", &optimizer->sums));
    for (size_t i = 0; i < parameters->tensor_count; i++) {
        const tci_tensor_info *tensor = &parameters->tensors[i];
        size_t items = tensor->sparse_rows ? tensor->shape[0] : tensor->count;
        size_t step = unit_items(tensor);
        uint32_t number = 0;
        if (tensor->frozen)
            continue;
        TCI_RETURN_IF(find_group(optimizer, tensor, &number));
        for (size_t begin = 0; begin < items; begin += step) {
            size_t end = items - begin > step ? begin + step : items;
            optimizer->units[optimizer->unit_count++] = (unit){(uint32_t)i, number, begin, end};
        }
    }
    return TC_OK;
}

tc_status tci_optimizer_create(tci_memory *memory, const tci_kernels *kernels, const tci_parameters *parameters,
                               const tci_optimizer_options *options, tci_optimizer **optimizer)
{
    const tci_optimizer_rule *rule = NULL;
    tci_optimizer *made = NULL;
    tc_status status = TC_OK;
    *optimizer = NULL;
    TCI_CHECK(find_rule(options->name, &rule));
    TCI_CHECK(check_options(rule, options));
    TCI_CHECK(tci_alloc_zero(memory, 1, sizeof *made, "optimizer", &made));
    made->memory = memory;
    made->kernels = kernels;
    made->rule = rule;
    made->options = *options;
    made->options.name = rule->name;
    if (made->options.layer_decay == 0)
        made->options.layer_decay = 1;
    made->size = tci_trained_floats(parameters);
    if (!rule->needs_state || rule->needs_state(options)) {
        for (size_t i = 0; i < TCI_OPTIMIZER_STATES && rule->states[i]; i++)
            TCI_CHECK(tci_alloc_zero(memory, made->size, sizeof(float), rule->states[i], &made->state[i]));
    }
    TCI_CHECK(cut_units(made, parameters));
    *optimizer = made;
    made = NULL;
done:
    tci_optimizer_free(made);
    return status;
}

void tci_optimizer_free(tci_optimizer *optimizer)
{
    if (!optimizer)
        return;
    for (size_t i = 0; i < TCI_OPTIMIZER_STATES; i++)
        tci_free(optimizer->memory, optimizer->state[i]);
    tci_free(optimizer->memory, optimizer->units);
    tci_free(optimizer->memory, optimizer->sums);
    tci_free(optimizer->memory, optimizer->groups);
    tci_free(optimizer->memory, optimizer);
}

tc_status tci_optimizer_set_schedule(tci_optimizer *optimizer, const tci_schedule *schedule)
{
    TCI_RETURN_IF(tci_schedule_check(schedule));
    optimizer->options.schedule = *schedule;
    return TC_OK;
}

float *tci_optimizer_state(tci_optimizer *optimizer, size_t index, const char **name)
{
    if (index >= TCI_OPTIMIZER_STATES || !optimizer->state[index])
        return NULL;
    *name = optimizer->rule->states[index];
    return optimizer->state[index];
}

uint64_t tci_optimizer_steps(const tci_optimizer *optimizer)
{
    return optimizer->steps;
}

void tci_optimizer_set_steps(tci_optimizer *optimizer, uint64_t steps)
{
    optimizer->steps = steps;
}

/* Everything that the members of one step share. */
typedef struct step_job {
    tci_optimizer *optimizer;
    tci_parameters *parameters;
    const tci_gradients *gradients;
    double scale;
    tc_status status;
    tci_optimizer_result result;
} step_job;

/* Neither a finite sum nor any of its parts can overflow in double: it is finite when all its elements are. */
static double unit_sum(const step_job *job, const unit *part)
{
    const tci_tensor_info *tensor = &job->parameters->tensors[part->tensor];
    const float *gradient = tci_gradients_of(job->gradients, part->tensor);
    const tci_kernels *kernels = job->optimizer->kernels;
    double lanes[TCI_SQUARE_LANES] = {0};
    if (tensor->sparse_rows) {
        for (size_t row = part->begin; row < part->end; row++) {
            if (job->gradients->is_touched[row])
                kernels->add_squares(tensor->shape[1], gradient + row * tensor->shape[1], lanes);
        }
    } else {
        kernels->add_squares(part->end - part->begin, gradient + part->begin, lanes);
    }
    return tci_square_total(lanes);
}

/* Adds neighbours until one is left. Overwrites the sums. */
static double tree_sum(double *sums, size_t count)
{
    if (count == 0)
        return 0.0;
    while (count > 1) {
        for (size_t i = 0; i < count / 2; i++)
            sums[i] = sums[2 * i] + sums[2 * i + 1];
        if (count % 2)
            sums[count / 2] = sums[count - 1];
        count = (count + 1) / 2;
    }
    return sums[0];
}

/* The constants of each group's update. */
static void prepare_groups(tci_optimizer *optimizer, double rate, uint64_t step, double scale)
{
    for (size_t i = 0; i < optimizer->group_count; i++) {
        group *prepared = &optimizer->groups[i];
        tci_optimizer_options options = optimizer->options;
        double factor = 1;
        bool sparse = prepared->rows && options.sparse_embedding;
        for (size_t level = 0; level < prepared->level; level++)
            factor *= options.layer_decay;
        if (prepared->undecayed)
            options.weight_decay = 0;
        prepared->constants.gradient_scale = (float)scale;
        optimizer->rule->prepare(&options, rate * factor, step, sparse, &prepared->constants);
        prepared->skip_untouched = options.sparse_embedding || optimizer->rule->stands_still(&options);
    }
}

/* Judges the gradients by their sums and computes the constants of the update. */
static tc_status prepare_step(step_job *job)
{
    tci_optimizer *optimizer = job->optimizer;
    const tci_optimizer_options *options = &optimizer->options;
    size_t greatest = 0;
    for (size_t i = 0; i < optimizer->unit_count; i++) {
        if (!isfinite(optimizer->sums[i]))
            return tci_fail(TC_ERROR_NUMERIC, "the gradient of '%s' is not finite",
                            job->parameters->tensors[optimizer->units[i].tensor].name);
        if (optimizer->sums[i] > optimizer->sums[greatest])
            greatest = i;
    }
    double norm = job->scale * sqrt(tree_sum(optimizer->sums, optimizer->unit_count));
    double scale = job->scale;
    double clipped = norm;
    if (options->clip_norm > 0 && norm + 1e-6 > options->clip_norm) {
        double factor = options->clip_norm / (norm + 1e-6);
        scale *= factor;
        clipped *= factor;
    }
    if (!(clipped <= 1e19) || !(scale <= FLT_MAX))
        return tci_fail(TC_ERROR_NUMERIC,
                        "the gradients are too great, those of '%s' most of all: the squares of some "
                        "would not be finite",
                        job->parameters->tensors[optimizer->units[greatest].tensor].name);
    uint64_t step = optimizer->steps + 1;
    double rate = options->learning_rate * tci_schedule_factor(&options->schedule, step);
    prepare_groups(optimizer, rate, step, scale);
    job->result = (tci_optimizer_result){.gradient_norm = norm, .learning_rate = rate};
    return TC_OK;
}

/* Elements [first, first + count) of a tensor; without `moves` their gradients count as zeros. */
static void update_run(const step_job *job, const unit *part, size_t first, size_t count, bool moves)
{
    const tci_optimizer *optimizer = job->optimizer;
    const tci_tensor_info *tensor = &job->parameters->tensors[part->tensor];
    size_t place = tci_trained_offset(tensor) + first;
    float *state[TCI_OPTIMIZER_STATES];
    for (size_t i = 0; i < TCI_OPTIMIZER_STATES; i++)
        state[i] = optimizer->state[i] ? optimizer->state[i] + place : NULL;
    optimizer->rule->update(optimizer->kernels, &optimizer->groups[part->group].constants, count,
                            tci_parameters_write(job->parameters, part->tensor) + first,
                            moves ? job->gradients->values + place : NULL, state);
}

/* The rows of a unit, run by run of rows that are all touched or all not. */
static void update_rows(const step_job *job, const unit *part, size_t columns)
{
    const uint8_t *is_touched = job->gradients->is_touched;
    for (size_t row = part->begin; row < part->end;) {
        size_t first = row;
        while (row < part->end && is_touched[row] == is_touched[first])
            row++;
        if (is_touched[first] || !job->optimizer->groups[part->group].skip_untouched)
            update_run(job, part, first * columns, (row - first) * columns, is_touched[first]);
    }
}

static void run_step(void *context, const tci_team *team)
{
    step_job *job = context;
    const tci_optimizer *optimizer = job->optimizer;
    for (size_t i = team->index; i < optimizer->unit_count; i += team->size)
        optimizer->sums[i] = unit_sum(job, &optimizer->units[i]);
    tci_team_wait(team);
    if (team->index == 0) /* the calling thread, whose error text it is */
        job->status = prepare_step(job);
    tci_team_wait(team);
    if (job->status != TC_OK)
        return;
    for (size_t i = team->index; i < optimizer->unit_count; i += team->size) {
        const unit *part = &optimizer->units[i];
        const tci_tensor_info *tensor = &job->parameters->tensors[part->tensor];
        if (tensor->sparse_rows)
            update_rows(job, part, tensor->shape[1]);
        else
            update_run(job, part, part->begin, part->end - part->begin, true);
    }
}

tc_status tci_optimizer_apply(tci_optimizer *optimizer, tci_pool *pool, tci_parameters *parameters,
                              const tci_gradients *gradients, double scale, tci_optimizer_result *result)
{
    if (tci_trained_floats(parameters) != optimizer->size)
        return tci_fail(TC_ERROR_INTERNAL, "the optimizer was made for other parameters");
    step_job job = {.optimizer = optimizer, .parameters = parameters, .gradients = gradients, .scale = scale};
    tci_pool_run(pool, run_step, &job);
    if (job.status != TC_OK)
        return job.status;
    optimizer->steps++;
    if (result)
        *result = job.result;
    return TC_OK;
}
