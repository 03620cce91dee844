/* pooling.c: mean and maximum over the tokens of each row; sums run in the direction's order, one column one chain. */
#include "layer/pooling.h"

#include <string.h>

#include "kernel/kernel.h"

#define MINUS_INFINITY (-__builtin_inff())

void tci_pooling_begin(const tci_pooling *pooling, const tci_team *team)
{
    size_t begin = 0, end = 0;
    tci_team_share(team, pooling->width, TCI_PANEL, &begin, &end);
    if (pooling->kind == TCI_POOL_LAST)
        return;
    float start = pooling->kind == TCI_POOL_MAX ? MINUS_INFINITY : 0.0f;
    for (size_t r = 0; r < pooling->row_count; r++) {
        for (size_t k = begin; k < end; k++)
            pooling->pooled[r * pooling->width + k] = start;
    }
}

/* With equal values the earlier step wins, in either direction. */
static void take_maximum(const tci_pooling *pooling, size_t row, uint32_t step, const float *h, size_t begin,
                         size_t end)
{
    float *best = pooling->pooled + row * pooling->width;
    uint32_t *argmax = pooling->argmax ? pooling->argmax + row * pooling->width : NULL;
    for (size_t k = begin; k < end; k++) {
        if (pooling->reverse ? h[k] >= best[k] : h[k] > best[k]) {
            best[k] = h[k];
            if (argmax)
                argmax[k] = step;
        }
    }
}

void tci_pooling_window(const tci_pooling *pooling, const tci_window *window, const float *h, const tci_team *team)
{
    size_t begin = 0, end = 0, width = pooling->width;
    tci_team_share(team, width, TCI_PANEL, &begin, &end);
    if (pooling->kind == TCI_POOL_LAST)
        return;
    for (size_t i = 0; i < window->step_count; i++) {
        size_t t = pooling->reverse ? window->step_count - 1 - i : i;
        for (size_t r = 0; r < tci_window_live(window, t); r++) {
            const float *state = h + (window->step_start[t] + r) * width;
            float *pooled = pooling->pooled + r * width;
            if (pooling->kind == TCI_POOL_MAX) {
                take_maximum(pooling, r, (uint32_t)(window->first_step + t), state, begin, end);
                continue;
            }
            for (size_t k = begin; k < end; k++)
                pooled[k] += state[k];
        }
    }
}

void tci_pooling_end(const tci_pooling *pooling, const tci_team *team)
{
    size_t begin = 0, end = 0;
    tci_team_share(team, pooling->width, TCI_PANEL, &begin, &end);
    for (size_t r = 0; r < pooling->row_count; r++) {
        float *pooled = pooling->pooled + r * pooling->width;
        size_t length = pooling->rows[r].length;
        for (size_t k = begin; k < end; k++) {
            if (length == 0)
                pooled[k] = 0.0f;
            else if (pooling->kind == TCI_POOL_MEAN)
                pooled[k] /= (float)length;
        }
    }
}

void tci_pooling_backward(const tci_pooling *pooling, const tci_window *window, const float *dpooled, float *dh,
                          const tci_team *team)
{
    size_t begin = 0, end = 0, width = pooling->width;
    tci_team_share(team, width, TCI_PANEL, &begin, &end);
    for (size_t t = 0; t < window->step_count; t++) {
        for (size_t r = 0; r < tci_window_live(window, t); r++) {
            float *to = dh + (window->step_start[t] + r) * width;
            const float *from = dpooled + r * width;
            for (size_t k = begin; k < end; k++) {
                if (pooling->kind == TCI_POOL_MEAN)
                    to[k] = from[k] / (float)pooling->rows[r].length;
                else
                    to[k] = pooling->argmax[r * width + k] == t ? from[k] : 0.0f;
            }
        }
    }
}
