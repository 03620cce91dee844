/* loss.c: the table of losses and the check they share. */
#include "layer/loss.h"

#include <math.h>
#include <string.h>

static const tci_loss *const losses[] = {&tci_cross_entropy, &tci_binary_cross_entropy, &tci_mean_squared_error};

const tci_loss *tci_loss_find(const char *name)
{
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
        if (strcmp(losses[i]->name, name) == 0)
            return losses[i];
    }
    return NULL;
}

size_t tci_loss_row_number(const tci_loss_batch *batch, size_t row)
{
    return batch->row_numbers ? batch->row_numbers[row] : row;
}

tc_status tci_loss_check_finite(const char *what, size_t row, size_t count, const float *values)
{
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i]))
            return tci_fail(TC_ERROR_NUMERIC, "%s %zu of row %zu is not finite", what, i, row);
    }
    return TC_OK;
}
