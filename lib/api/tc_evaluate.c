/* tc_evaluate.c: evaluate.h. */
#include "train/evaluate.h"

#include "api/handles.h"
#include "train/tune.h"

tc_status tc_evaluate(const tc_model *model, const tc_examples *examples, const size_t *rows, size_t row_count,
                      tc_evaluation *evaluation)
{
    tc_status status = TC_OK;
    tci_memory memory;
    tci_pool *pool = NULL;
    TCI_REQUIRE(model);
    TCI_REQUIRE(examples);
    TCI_REQUIRE_STRUCT(evaluation, tc_evaluation, r2);
    if (!rows)
        row_count = examples->rows;
    tci_memory_init(&memory, &model->memory.host, model->memory.limit);
    TCI_CHECK(tci_pool_create(&memory, (size_t)model->options.threads, &pool));
    TCI_CHECK(tci_evaluate(model, pool, NULL, examples, rows, row_count, evaluation));
done:
    tci_pool_free(pool);
    return status;
}

tc_status tc_tune_thresholds(tc_model *model, const tc_examples *examples, const size_t *rows, size_t row_count)
{
    tc_status status = TC_OK;
    tci_memory memory;
    tci_pool *pool = NULL;
    TCI_REQUIRE(model);
    TCI_REQUIRE(examples);
    if (!rows)
        row_count = examples->rows;
    tci_memory_init(&memory, &model->memory.host, model->memory.limit);
    TCI_CHECK(tci_pool_create(&memory, (size_t)model->options.threads, &pool));
    TCI_CHECK(tci_tune_thresholds(model, pool, examples, rows, row_count));
    model->checksum[0] = '\0'; /* not the file's model any more */
done:
    tci_pool_free(pool);
    return status;
}
