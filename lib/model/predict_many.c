/* predict_many.c: batch prediction. Rows are sorted by length once; a round of them is dealt like cards, which gives
 * every member one batch of like work, and batches are handed out by a counter. Texts come in chunks, each encoded on
 * the team, some texts at a time, and then predicted like rows. Long texts of a chunk are not encoded: they pass for
 * empty ones, and their logits are then written over by members who predict one at a time. A single text is computed by
 * all members together. */
#include "model/predict_many.h"

#include <string.h>

#include "base/cpu.h"

#define CHUNK_TEXTS 2048
#define PIECE_TEXTS 4 /* that a member takes at once */
#define ERROR_TEXT 512

/* The first failure of any member, carried to the calling thread. */
typedef struct failure {
    atomic_bool happened;
    tc_status status;
    char text[ERROR_TEXT];
} failure;

static void note_failure(failure *first, tc_status status)
{
    if (status == TC_OK || atomic_exchange(&first->happened, true))
        return;
    first->status = status;
    strncpy(first->text, tci_error_text(), sizeof first->text - 1);
}

static tc_status failure_status(const failure *first)
{
    if (!atomic_load(&first->happened))
        return TC_OK;
    return tci_fail(first->status, "%s", first->text);
}

typedef struct rows_job {
    const tc_model *model;
    const tci_row *sorted; /* position = place in logits */
    size_t count, members, batches;
    float *logits;
    atomic_size_t next; /* batch */
    failure first;
} rows_job;

/* The rows of a batch; at most TCI_PREDICT_ROWS. */
static size_t deal(const rows_job *job, size_t batch, tci_row *rows)
{
    size_t members = job->members, member = batch % members, count = 0;
    size_t begin = batch / members * members * TCI_PREDICT_ROWS, end = begin + members * TCI_PREDICT_ROWS;
    for (size_t lap = begin; lap < end; lap += members) { /* every other one backwards */
        size_t r = lap + (count % 2 ? members - 1 - member : member);
        if (r >= job->count)
            break;
        rows[count++] = job->sorted[r];
    }
    return count;
}

static tc_status predict_batches(rows_job *job, tci_scratch *scratch, float *batch_logits)
{
    size_t labels = job->model->label_count;
    for (;;) {
        tci_row rows[TCI_PREDICT_ROWS];
        size_t batch = atomic_fetch_add(&job->next, 1);
        if (batch >= job->batches || atomic_load(&job->first.happened))
            return TC_OK;
        size_t count = deal(job, batch, rows);
        if (count == 0)
            continue;
        TCI_RETURN_IF(tci_model_logits(job->model, scratch, rows, count, batch_logits));
        for (size_t r = 0; r < count; r++)
            memcpy(job->logits + rows[r].position * labels, batch_logits + r * labels, labels * sizeof(float));
    }
}

static void rows_member(void *context, const tci_team *team)
{
    rows_job *job = context;
    tci_scratch *scratch = NULL;
    float *batch_logits = NULL;
    (void)team;
    tc_status status = tci_scratch_borrow(job->model, &scratch);
    if (status == TC_OK) {
        status = tci_alloc(scratch->memory, TCI_PREDICT_ROWS * job->model->label_count, sizeof(float), "logits",
                           &batch_logits);
        if (status == TC_OK)
            status = predict_batches(job, scratch, batch_logits);
        tci_free(scratch->memory, batch_logits);
        tci_scratch_return(job->model, scratch);
    }
    note_failure(&job->first, status);
}

/* One row alone, or one text where `row` is NULL: the members share its work. */
static tc_status predict_one(const tc_model *model, tci_pool *pool, const tci_row *row, const char *text, size_t length,
                             float *logits)
{
    tci_scratch *scratch = NULL;
    TCI_RETURN_IF(tci_scratch_borrow(model, &scratch));
    tci_float_environment environment = tci_float_enter();
    scratch->pool = pool;
    tc_status status = row ? tci_model_logits(model, scratch, row, 1, logits)
                           : tci_model_predict_text(model, scratch, text, length, logits);
    scratch->pool = NULL;
    tci_float_leave(environment);
    tci_scratch_return(model, scratch);
    return status;
}

tc_status tci_predict_rows(const tc_model *model, tci_pool *pool, const tci_row *rows, size_t count, float *logits)
{
    tci_memory memory;
    tci_row *sorted = NULL;
    tci_memory_init(&memory, &model->memory.host, model->memory.limit);
    if (count > UINT32_MAX / 2)
        return tci_fail(TC_ERROR_LIMIT, "%zu texts in one call; the limit is %u", count, UINT32_MAX / 2);
    if (count == 1)
        return predict_one(model, pool, rows, NULL, 0, logits);
    TCI_RETURN_IF(tci_alloc(&memory, 2 * count, sizeof *sorted, "the order of the batch", &sorted));
    for (size_t i = 0; i < count; i++) {
        sorted[i] = rows[i];
        sorted[i].position = (uint32_t)i;
    }
    tci_rows_sort(sorted, sorted + count, count);
    size_t members = tci_pool_size(pool), round = members * TCI_PREDICT_ROWS;
    rows_job job = {.model = model,
                    .sorted = sorted,
                    .count = count,
                    .members = members,
                    .batches = (count / round + (count % round > 0)) * members,
                    .logits = logits};
    tci_float_environment environment = tci_float_enter();
    tci_pool_run(pool, rows_member, &job);
    tci_float_leave(environment);
    tci_free(&memory, sorted);
    return failure_status(&job.first);
}

/* One member's encoded ids of a chunk. */
typedef struct member_ids {
    tci_encoded encoded;
    uint32_t *ids;
    uint8_t *counts; /* of bags of features */
    size_t count, capacity, count_capacity;
    size_t pieces[CHUNK_TEXTS / PIECE_TEXTS]; /* of the chunk, that it encoded */
    size_t piece_count;
} member_ids;

typedef struct texts_job {
    const tc_model *model;
    tci_memory memory;
    const tci_texts *texts;
    size_t first_text, count; /* the chunk's place among all texts, and its size */
    tci_row *rows;
    member_ids *members;
    float *logits;      /* of the chunk */
    atomic_size_t next; /* piece to encode, then text to look at for a long one */
    failure first;
} texts_job;

/* Text i of the chunk. */
static const char *text_of(const texts_job *job, size_t i, size_t *length)
{
    const tci_texts *texts = job->texts;
    i += job->first_text;
    if (texts->pointers) {
        *length = texts->lengths[i];
        return texts->pointers[i];
    }
    *length = (size_t)(texts->offsets[i + 1] - texts->offsets[i]);
    return *length > 0 ? texts->bytes + texts->offsets[i] : "";
}

static bool is_long(const texts_job *job, size_t i)
{
    size_t length = 0;
    (void)text_of(job, i, &length);
    return tci_model_reads_long(job->model, length);
}

static tc_status encode_text(texts_job *job, member_ids *member, size_t i)
{
    job->rows[i].length = 0;
    if (is_long(job, i))
        return TC_OK;
    size_t length = 0;
    const char *text = text_of(job, i, &length);
    tc_status status = tci_pipeline_encode(job->model->pipeline, text, length, &member->encoded);
    if (status != TC_OK)
        return tci_fail_prefix(status, "text %zu", job->first_text + i);
    size_t count = member->encoded.count;
    TCI_RETURN_IF(tci_reserve(&job->memory, member->count + count, SIZE_MAX / 8, sizeof(uint32_t), "encoded texts",
                              &member->capacity, &member->ids));
    if (count > 0)
        memcpy(member->ids + member->count, member->encoded.ids, count * sizeof(uint32_t));
    if (count > 0 && member->encoded.counts) {
        TCI_RETURN_IF(tci_reserve(&job->memory, member->count + count, SIZE_MAX / 8, sizeof(uint8_t), "encoded texts",
                                  &member->count_capacity, &member->counts));
        memcpy(member->counts + member->count, member->encoded.counts, count);
    }
    member->count += count;
    job->rows[i].length = count;
    return TC_OK;
}

static size_t piece_end(const texts_job *job, size_t piece)
{
    size_t end = (piece + 1) * PIECE_TEXTS;
    return end < job->count ? end : job->count;
}

static tc_status encode_pieces(texts_job *job, member_ids *member)
{
    size_t piece = 0, first = 0;
    member->count = member->piece_count = 0;
    while ((piece = atomic_fetch_add(&job->next, 1)) * PIECE_TEXTS < job->count) {
        member->pieces[member->piece_count++] = piece;
        for (size_t i = piece * PIECE_TEXTS; i < piece_end(job, piece); i++)
            TCI_RETURN_IF(encode_text(job, member, i));
    }
    for (size_t p = 0; p < member->piece_count; p++) { /* the block has stopped moving */
        piece = member->pieces[p];
        for (size_t i = piece * PIECE_TEXTS; i < piece_end(job, piece); i++) {
            job->rows[i].ids = member->ids ? member->ids + first : NULL;
            job->rows[i].counts = member->counts ? member->counts + first : NULL;
            first += job->rows[i].length;
        }
    }
    return TC_OK;
}

static void texts_member(void *context, const tci_team *team)
{
    texts_job *job = context;
    note_failure(&job->first, encode_pieces(job, &job->members[team->index]));
}

static tc_status predict_long_texts(texts_job *job, tci_scratch *scratch)
{
    for (;;) {
        size_t i = atomic_fetch_add(&job->next, 1);
        if (i >= job->count || atomic_load(&job->first.happened))
            return TC_OK;
        if (!is_long(job, i))
            continue;
        size_t length = 0;
        const char *text = text_of(job, i, &length);
        tc_status status =
            tci_model_predict_text(job->model, scratch, text, length, job->logits + i * job->model->label_count);
        if (status != TC_OK)
            return tci_fail_prefix(status, "text %zu", job->first_text + i);
    }
}

static void long_texts_member(void *context, const tci_team *team)
{
    texts_job *job = context;
    tci_scratch *scratch = NULL;
    (void)team;
    tc_status status = tci_scratch_borrow(job->model, &scratch);
    if (status == TC_OK) {
        status = predict_long_texts(job, scratch);
        tci_scratch_return(job->model, scratch);
    }
    note_failure(&job->first, status);
}

static tc_status predict_long_of_chunk(texts_job *job, tci_pool *pool)
{
    size_t found = 0;
    while (found < job->count && !is_long(job, found))
        found++;
    if (found == job->count)
        return TC_OK;
    if (job->count == 1) {
        size_t length = 0;
        const char *text = text_of(job, 0, &length);
        tc_status status = predict_one(job->model, pool, NULL, text, length, job->logits);
        return status == TC_OK ? TC_OK : tci_fail_prefix(status, "text %zu", job->first_text);
    }
    atomic_store(&job->next, found);
    tci_float_environment environment = tci_float_enter();
    tci_pool_run(pool, long_texts_member, job);
    tci_float_leave(environment);
    return failure_status(&job->first);
}

tc_status tci_predict_texts(const tc_model *model, tci_pool *pool, const tci_texts *texts, float *logits)
{
    tc_status status = TC_OK;
    size_t members = tci_pool_size(pool), count = texts->count;
    texts_job job = {.model = model, .texts = texts};
    tci_memory_init(&job.memory, &model->memory.host, model->memory.limit);
    TCI_CHECK(tci_alloc_zero(&job.memory, members, sizeof *job.members, "encoded texts", &job.members));
    for (size_t i = 0; i < members; i++)
        tci_encoded_init(&job.members[i].encoded, &job.memory, false);
    TCI_CHECK(tci_alloc_zero(&job.memory, count < CHUNK_TEXTS ? count : CHUNK_TEXTS, sizeof *job.rows, "encoded texts",
                             &job.rows));
    for (size_t first = 0; first < count; first += job.count) {
        job.count = count - first < CHUNK_TEXTS ? count - first : CHUNK_TEXTS;
        job.first_text = first;
        atomic_store(&job.next, 0);
        tci_pool_run(pool, texts_member, &job);
        TCI_CHECK(failure_status(&job.first));
        job.logits = logits + first * model->label_count;
        TCI_CHECK(tci_predict_rows(model, pool, job.rows, job.count, job.logits));
        TCI_CHECK(predict_long_of_chunk(&job, pool));
    }
done:
    for (size_t i = 0; job.members && i < members; i++) {
        tci_encoded_free(&job.members[i].encoded);
        tci_free(&job.memory, job.members[i].ids);
        tci_free(&job.memory, job.members[i].counts);
    }
    tci_free(&job.memory, job.members);
    tci_free(&job.memory, job.rows);
    return status;
}
