/* examples_batch.c: many texts at once, encoded on a team.
 *
 * Texts come in rounds of some hundred KB. The members encode parts of a round, cut by bytes, into blocks of their own;
 * when they have met, room is made behind the ids that are there, and each copies its own. Rows count when all rounds
 * are over: until then nobody sees them. Which member encodes what is no matter for any bit. */
#include "model/examples.h"

#include <string.h>

#include "base/team.h"

#define ROUND_BYTES (256u << 10) /* of text, a member */
#define TEXT_COST 32             /* bytes that a text counts for besides its own */
#define ERROR_TEXT 512

typedef struct member {
    tci_encoded encoded;
    uint32_t *ids;   /* of its texts of the round, one after the other */
    uint8_t *counts; /* of bags of features */
    size_t id_count, id_capacity, count_capacity;
    size_t first, end; /* its texts */
    tc_status status;  /* of the first that failed */
    char problem[ERROR_TEXT];
} member;

typedef struct job {
    tc_examples *examples;
    const tci_labelled_texts *texts;
    member *members;
    size_t member_count;
    size_t first, end; /* texts of the round */
    uint64_t cost;     /* of the round */
    size_t id_count;   /* of the examples, the rounds before included */
    tc_status room;    /* whether there was room for the round */
    char problem[ERROR_TEXT];
} job;

static void keep_problem(char problem[ERROR_TEXT])
{
    strncpy(problem, tci_error_text(), ERROR_TEXT - 1);
}

static uint64_t cost_of(const job *j, size_t text)
{
    return (uint64_t)j->texts->lengths[text] + TEXT_COST;
}

/* The member's texts: those that begin in its part of the round's bytes. */
static void take_share(const job *j, const tci_team *team, member *m)
{
    uint64_t from = j->cost * team->index / team->size, to = j->cost * (team->index + 1) / team->size, at = 0;
    m->first = m->end = j->first;
    for (size_t i = j->first; i < j->end && at < to; i++) {
        if (at < from)
            m->first = i + 1;
        m->end = i + 1;
        at += cost_of(j, i);
    }
}

/* Encodes a text behind those that the member has; its row's end counts from the member's first id. */
static tc_status encode_text(const job *j, member *m, size_t text)
{
    const tci_labelled_texts *texts = j->texts;
    tc_examples *examples = j->examples;
    const char *bytes = texts->texts[text] ? texts->texts[text] : "";
    TCI_RETURN_IF(tci_pipeline_encode(examples->pipeline, bytes, texts->lengths[text], &m->encoded));
    size_t count = m->encoded.count;
    TCI_RETURN_IF(tci_reserve(&examples->memory, m->id_count + count, SIZE_MAX / 8, sizeof(uint32_t), "encoded texts",
                              &m->id_capacity, &m->ids));
    if (count > 0)
        memcpy(m->ids + m->id_count, m->encoded.ids, count * sizeof(uint32_t));
    if (count > 0 && m->encoded.counts) {
        TCI_RETURN_IF(tci_reserve(&examples->memory, m->id_count + count, SIZE_MAX / 8, sizeof(uint8_t),
                                  "encoded texts", &m->count_capacity, &m->counts));
        memcpy(m->counts + m->id_count, m->encoded.counts, count);
    }
    m->id_count += count;
    examples->ends[examples->rows + text] = m->id_count;
    return TC_OK;
}

static void encode_share(const job *j, member *m)
{
    m->id_count = 0;
    for (size_t i = m->first; i < m->end && m->status == TC_OK; i++) {
        m->status = encode_text(j, m, i);
        if (m->status == TC_OK)
            continue;
        m->status = tci_fail_prefix(m->status, "text %zu", i);
        keep_problem(m->problem);
    }
}

static void make_room(job *j)
{
    size_t id_count = j->id_count;
    bool with_counts = j->examples->counts != NULL;
    for (size_t i = 0; i < j->member_count; i++) {
        if (j->members[i].status != TC_OK)
            return;
        id_count += j->members[i].id_count;
        with_counts = with_counts || j->members[i].counts;
    }
    j->room = tci_examples_reserve_ids(j->examples, id_count, with_counts);
    if (j->room != TC_OK)
        keep_problem(j->problem);
}

static void copy_share(const job *j, const member *m)
{
    tc_examples *examples = j->examples;
    size_t begin = j->id_count;
    for (const member *before = j->members; before < m; before++)
        begin += before->id_count;
    if (m->id_count > 0)
        memcpy(examples->ids + begin, m->ids, m->id_count * sizeof(uint32_t));
    if (m->id_count > 0 && m->counts)
        memcpy(examples->counts + begin, m->counts, m->id_count);
    for (size_t i = m->first; i < m->end; i++)
        examples->ends[examples->rows + i] += begin;
}

static tc_status first_status(const job *j)
{
    for (size_t i = 0; i < j->member_count; i++) {
        if (j->members[i].status != TC_OK)
            return tci_fail(j->members[i].status, "%s", j->members[i].problem);
    }
    return j->room == TC_OK ? TC_OK : tci_fail(j->room, "%s", j->problem);
}

static bool has_failed(const job *j)
{
    bool failed = j->room != TC_OK;
    for (size_t i = 0; i < j->member_count; i++)
        failed = failed || j->members[i].status != TC_OK;
    return failed;
}

static void encode_round(void *context, const tci_team *team)
{
    job *j = context;
    member *m = &j->members[team->index];
    take_share(j, team, m);
    encode_share(j, m);
    tci_team_wait(team);
    if (team->index == 0)
        make_room(j);
    tci_team_wait(team);
    if (!has_failed(j))
        copy_share(j, m);
}

/* The texts of the next round. */
static void begin_round(job *j)
{
    uint64_t most = (uint64_t)ROUND_BYTES * j->member_count;
    j->first = j->end;
    for (j->cost = 0; j->end < j->texts->count && j->cost < most; j->end++)
        j->cost += cost_of(j, j->end);
    for (size_t i = 0; i < j->member_count; i++)
        j->members[i].first = j->members[i].end = j->members[i].id_count = 0; /* a team may be smaller */
}

static tc_status encode_all(job *j, tci_pool *pool)
{
    while (j->end < j->texts->count) {
        begin_round(j);
        tci_pool_run(pool, encode_round, j);
        TCI_RETURN_IF(first_status(j));
        for (size_t i = 0; i < j->member_count; i++)
            j->id_count += j->members[i].id_count;
    }
    return TC_OK;
}

/* No more threads than there is work for: starting one takes as long as encoding some KB. */
static size_t threads_for(const tc_examples *examples, const tci_labelled_texts *texts)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < texts->count && bytes / ROUND_BYTES < examples->threads; i++)
        bytes += (uint64_t)texts->lengths[i] + TEXT_COST;
    size_t useful = (size_t)(bytes / (ROUND_BYTES / 4)) + 1;
    return useful < examples->threads ? useful : examples->threads;
}

/* What text `i` is labelled with; `*at` is the place of its labels among all, and moves behind them. */
static tci_truth truth_of(const tc_examples *examples, const tci_labelled_texts *texts, size_t i, size_t *at)
{
    if (texts->targets)
        return (tci_truth){.targets = texts->targets + i * examples->label_count, .count = examples->label_count};
    size_t count = texts->label_counts ? texts->label_counts[i] : 1;
    tci_truth truth = {.labels = texts->labels ? texts->labels + *at : NULL, .count = count};
    *at += count;
    return truth;
}

static float weight_of(const tci_labelled_texts *texts, size_t i)
{
    return texts->weights ? texts->weights[i] : 1.0f;
}

/* Room for the rows and all but their ids, and that written. */
static tc_status put_truths(tc_examples *examples, const tci_labelled_texts *texts, size_t *list_count)
{
    size_t at = 0;
    for (size_t i = 0; i < texts->count; i++) {
        tci_truth truth = truth_of(examples, texts, i, &at);
        tc_status status = tci_truth_check(examples, &truth, weight_of(texts, i));
        if (status != TC_OK)
            return tci_fail_prefix(status, "text %zu", i);
    }
    if (texts->count > SIZE_MAX / 64 - examples->rows)
        return tci_fail(TC_ERROR_LIMIT, "%zu texts more do not fit the address space", texts->count);
    TCI_RETURN_IF(tci_examples_reserve_rows(examples, examples->rows + texts->count, examples->list_count + at));
    at = 0;
    *list_count = examples->list_count;
    for (size_t i = 0; i < texts->count; i++) {
        tci_truth truth = truth_of(examples, texts, i, &at);
        tci_examples_put_truth(examples, examples->rows + i, list_count, &truth, weight_of(texts, i));
    }
    return TC_OK;
}

tc_status tci_examples_add_batch(tc_examples *examples, const tci_labelled_texts *texts)
{
    tc_status status = TC_OK;
    tci_memory *memory = &examples->memory;
    tci_pool *pool = NULL;
    size_t list_count = 0;
    job j = {.examples = examples, .texts = texts, .id_count = examples->id_count};
    TCI_CHECK(put_truths(examples, texts, &list_count));
    TCI_CHECK(tci_pool_create(memory, threads_for(examples, texts), &pool));
    TCI_CHECK(tci_alloc_zero(memory, tci_pool_size(pool), sizeof *j.members, "encoded texts", &j.members));
    j.member_count = tci_pool_size(pool);
    for (size_t i = 0; i < j.member_count; i++)
        tci_encoded_init(&j.members[i].encoded, memory, false);
    TCI_CHECK(encode_all(&j, pool));
    examples->rows += texts->count;
    examples->id_count = j.id_count;
    examples->list_count = list_count;
done:
    for (size_t i = 0; i < j.member_count; i++) {
        tci_encoded_free(&j.members[i].encoded);
        tci_free(memory, j.members[i].ids);
        tci_free(memory, j.members[i].counts);
    }
    tci_free(memory, j.members);
    tci_pool_free(pool);
    return status;
}
