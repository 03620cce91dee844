/* loss.c: the table of losses and the check they share. */
#include "layer/loss.h"

#include <math.h>
#include <stdbool.h>
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

/* Of NaN and infinity alone all bits of the exponent are set, so that one more carries into the sign's place. */
#define EXPONENT UINT32_C(0x7f800000)
#define EXPONENT_ONE UINT32_C(0x00800000)

/* In one go over all of them, without a branch for each. */
static bool all_finite(size_t count, const float *values)
{
    uint32_t carried = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        carried |= (bits & EXPONENT) + EXPONENT_ONE;
    }
    return carried >> 31 == 0;
}

tc_status tci_loss_check_finite(const char *what, size_t row, size_t count, const float *values)
{
    for (size_t i = all_finite(count, values) ? count : 0; i < count; i++) {
        if (!isfinite(values[i]))
            return tci_fail(TC_ERROR_NUMERIC, "%s %zu of row %zu is not finite", what, i, row);
    }
    return TC_OK;
}
