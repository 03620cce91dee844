/* tc_batcher.c: batcher.h: epochs. */
#include "train/batcher.h"

#include "api/handles.h"

tc_status tc_batcher_create(tc_trainer *trainer, const tc_examples *examples, const tc_examples *validation,
                            tc_batcher **batcher)
{
    TCI_REQUIRE(trainer);
    TCI_REQUIRE(examples);
    TCI_REQUIRE(batcher);
    return tci_batcher_create(trainer, examples, validation, batcher);
}

void tc_batcher_free(tc_batcher *batcher)
{
    tci_batcher_free(batcher);
}

tc_status tc_batcher_next(tc_batcher *batcher, tc_batch *batch)
{
    TCI_REQUIRE(batcher);
    TCI_REQUIRE_STRUCT(batch, tc_batch, batches);
    return tci_batcher_next(batcher, batch);
}

tc_status tc_batcher_finish_epoch(tc_batcher *batcher, tc_epoch *epoch)
{
    TCI_REQUIRE(batcher);
    TCI_REQUIRE_STRUCT(epoch, tc_epoch, best_score);
    return tci_batcher_finish_epoch(batcher, epoch);
}

tc_status tc_batcher_validation_rows(const tc_batcher *batcher, const size_t **rows, size_t *row_count)
{
    TCI_REQUIRE(batcher);
    TCI_REQUIRE(rows);
    TCI_REQUIRE(row_count);
    *rows = batcher->rows;
    *row_count = batcher->held_out;
    return TC_OK;
}

tc_status tc_batcher_restore_best(tc_batcher *batcher)
{
    TCI_REQUIRE(batcher);
    return tci_batcher_restore_best(batcher);
}
