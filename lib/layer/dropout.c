/* dropout.c: masks from Philox, four units a draw. */
#include "layer/dropout.h"

#include "base/random.h"

void tci_dropout_vector(const tci_dropout *dropout, uint32_t position, uint32_t token, float *x)
{
    uint32_t step_high = (uint32_t)(dropout->step >> 32);
    const tci_drop_constants constants = {.key = {(uint32_t)dropout->seed, (uint32_t)(dropout->seed >> 32) ^
                                                                               (uint32_t)TCI_RANDOM_DROPOUT << 28 ^
                                                                               step_high},
                                          .threshold = (uint32_t)(dropout->rate * 4294967296.0),
                                          .scale = (float)(1.0 / (1.0 - dropout->rate))};
    const uint32_t counter[4] = {dropout->layer << 24 | dropout->first_unit / 4, token, position,
                                 (uint32_t)dropout->step};
    const tci_kernels *kernels = dropout->kernels ? dropout->kernels : &tci_kernels_scalar;
    kernels->drop(&constants, counter, dropout->width, x);
}

void tci_dropout_tokens(const tci_dropout *dropout, const tci_row *rows, const tci_window *window, float *x,
                        const tci_team *team)
{
    size_t begin = 0, end = 0;
    tci_team_share(team, window->step_count, 1, &begin, &end);
    for (size_t t = begin; t < end; t++) {
        for (size_t r = 0; r < tci_window_live(window, t); r++)
            tci_dropout_vector(dropout, rows[r].position, (uint32_t)(window->first_step + t),
                               x + (window->step_start[t] + r) * dropout->width);
    }
}

void tci_dropout_rows(const tci_dropout *dropout, const tci_row *rows, size_t row_count, float *x)
{
    for (size_t r = 0; r < row_count; r++)
        tci_dropout_vector(dropout, rows[r].position, TCI_DROPOUT_ROW, x + r * dropout->width);
}
