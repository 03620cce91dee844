/* gemm_avx512.c: matrix products with AVX-512, a · b with packed b and aᵀ · b; blocked as in gemm_avx2.c.
 *
 * An element is one chain of fused multiply-adds in rising depth from the value in c. Micro-kernels hold R rows × P
 * panels of c in registers, start them from c and store them after a block of the depth: bits are those of AVX2.
 *
 * Registers: a panel of a row is one vector of 16 floats. 1 to 6 rows run on four panels, in at most 24 accumulators,
 * four lines of b, and an element of a broadcast, of 32; what is left of four panels runs on two, then one. More than
 * 6 rows are dealt out evenly (13 = 5 + 4 + 4), so no rest is small. More rows at once would fall on one set of the
 * first-level cache where the rows of a are pages apart. Order of loops: 96 rows { 384 deep { four panels { rows of a
 * micro-kernel } } }: four panels' block of 96 KB comes from the second-level cache, at 4 lines in 12 cycles. What
 * follows it may come from far away, and is asked for while the first rows use what is there: where they go on to
 * other rows the processor does not read ahead by itself. Asking costs those rows a seventh of their rate.
 *
 * Reached of one core's multiply-add peak (Sapphire Rapids): 192 × 384 × 384 with gcc 93 %, with clang 89 %. */
#include "kernel/gemm_blocks.h"
#include "kernel/gemm_micro_avx512.h"
#include "kernel/kernels_avx512.h"

enum { CHUNK_ROWS = 96, CHUNK_DEPTH = 384, PACKED_LINES = 16 };

/* Has lines of two panels of `next` brought to the second-level cache. */
#define ASK_FOR_TWO                                                                                                    \
    _mm_prefetch((const char *)next, _MM_HINT_T1), _mm_prefetch((const char *)(next + panel_step), _MM_HINT_T1);

#define LINE(from) tci_kept(_mm512_loadu_ps(from))

/* Statements of a macro stand one a line. */
/* clang-format off */

/* c (R, 16·P) = start + a · b: element (r, k) of a at a[r·a_row + (k / 16)·a_block + (k % 16)·a_step], line k of panel
 * p of b at b[k·line_step + p·panel_step]. Behind the loop c counts as new: gcc would carry each address of c through
 * it. */
#define ARGUMENTS                                                                                                     \
    size_t depth, const float *a, size_t a_row, size_t a_block, size_t a_step, const float *b, size_t line_step,      \
    size_t panel_step, const float *start, size_t start_row, size_t start_block, float *c, size_t c_row,       \
    size_t c_block, const float *next

#define MICRO_KERNEL(NAME, R, P, ASK)                                                                                 \
    static void NAME(ARGUMENTS)                                                                                       \
    {                                                                                                                 \
        (void)a_row, (void)panel_step, (void)c_row, (void)c_block, (void)start_row, (void)start_block, (void)next;    \
        const float *from;                                                                                            \
        float *to;                                                                                                    \
        const size_t run = a_block == TCI_PANEL * a_step ? depth : TCI_PANEL;                                         \
        PANELS_##P(LOAD_PANEL, ROWS_##R)                                                                              \
        for (size_t some; depth > 0; depth -= some, a += a_block - some * a_step) {                                   \
            some = tci_gemm_least(depth, run);                                                                        \
            for (size_t k = 0; k < some; k++, a += a_step, b += line_step, next += TCI_PANEL) {                       \
                ASK                                                                                                   \
                LINES_##P ROWS_##R(PASS_##P, 0)                                                                       \
            }                                                                                                         \
        }                                                                                                             \
        __asm__("" : "+r"(c));                                                                                        \
        PANELS_##P(STORE_PANEL, ROWS_##R)                                                                             \
    }
MICRO_KERNEL(micro_1x1, 1, 1, )
MICRO_KERNEL(micro_1x2, 1, 2, )
MICRO_KERNEL(micro_1x4, 1, 4, )
MICRO_KERNEL(micro_2x1, 2, 1, )
MICRO_KERNEL(micro_2x2, 2, 2, )
MICRO_KERNEL(micro_2x4, 2, 4, )
MICRO_KERNEL(micro_3x1, 3, 1, )
MICRO_KERNEL(micro_3x2, 3, 2, )
MICRO_KERNEL(micro_3x4, 3, 4, )
MICRO_KERNEL(micro_4x1, 4, 1, )
MICRO_KERNEL(micro_4x2, 4, 2, )
MICRO_KERNEL(micro_4x4, 4, 4, )
MICRO_KERNEL(micro_5x1, 5, 1, )
MICRO_KERNEL(micro_5x2, 5, 2, )
MICRO_KERNEL(micro_5x4, 5, 4, )
MICRO_KERNEL(micro_6x1, 6, 1, )
MICRO_KERNEL(micro_6x2, 6, 2, )
MICRO_KERNEL(micro_6x4, 6, 4, )
MICRO_KERNEL(asking_4x4, 4, 4, ASK_FOR_TWO)
MICRO_KERNEL(asking_5x4, 5, 4, ASK_FOR_TWO)
MICRO_KERNEL(asking_6x4, 6, 4, ASK_FOR_TWO)
/* clang-format on */

typedef void (*micro_kernel)(ARGUMENTS);

enum { MOST_ROWS = 6, PANELS_AT_ONCE = 4, ASKING_LEAST = 4, ASKED_AT_ONCE = 2 };

/* On one panel, two and four; by rows, less one. */
static const micro_kernel micro_kernels[][MOST_ROWS] = {
    {micro_1x1, micro_2x1, micro_3x1, micro_4x1, micro_5x1, micro_6x1},
    {micro_1x2, micro_2x2, micro_3x2, micro_4x2, micro_5x2, micro_6x2},
    {micro_1x4, micro_2x4, micro_3x4, micro_4x4, micro_5x4, micro_6x4},
};
/* On four panels, from ASKING_LEAST rows on. */
static const micro_kernel asking_kernels[] = {asking_4x4, asking_5x4, asking_6x4};

/* Where the sums of a chunk start and end: start may be c itself. */
typedef struct target {
    const float *start;
    size_t start_row, start_block;
    float *c;
    size_t c_row, c_block;
} target;

/* All rows of a chunk over one block of the depth, several panels at once; `after` is what will be read behind them, or
 * NULL. With `packed` a lies as [micro-kernel][depth][its rows], else as micro-kernels take it. */
static void chunk_over_panels(bool packed, size_t rows, size_t panels, size_t depth, const float *a, size_t a_row,
                              size_t a_block, size_t a_step, const float *b, size_t line_step, size_t panel_step,
                              target t, const float *after)
{
    for (size_t panel = 0, some; panel < panels; panel += some, b += some * panel_step) {
        size_t left = panels - panel, which = left >= PANELS_AT_ONCE ? 2 : left >= 2 ? 1 : 0;
        some = (size_t)1 << which;
        const float *next = panel + some < panels ? b + some * panel_step : after;
        /* from one block to the next at once the processor reads ahead by itself */
        size_t asking = which == 2 && next && rows > MOST_ROWS ? PANELS_AT_ONCE : 0;
        for (size_t row = 0, taken; row < rows; row += taken) {
            taken = tci_gemm_even_block(rows - row, MOST_ROWS);
            bool asks = asking > 0 && taken >= ASKING_LEAST;
            micro_kernel kernel = asks ? asking_kernels[taken - ASKING_LEAST] : micro_kernels[which][taken - 1];
            float *to = t.c + row * t.c_row;
            const float *from = t.start + row * t.start_row;
            /* c of the next rows, which may come from memory */
            for (size_t other = taken; other < 2 * taken && row + other < rows; other++)
                for (size_t i = 0; i < some; i++)
                    _mm_prefetch((const char *)(to + other * t.c_row + i * t.c_block), _MM_HINT_T0);
            if (packed)
                kernel(depth, a + row * depth, 1, taken * TCI_PANEL, taken, b, line_step, panel_step, from, t.start_row,
                       t.start_block, to, t.c_row, t.c_block, next);
            else
                kernel(depth, a + row * a_row, a_row, a_block, a_step, b, line_step, panel_step, from, t.start_row,
                       t.start_block, to, t.c_row, t.c_block, next);
            if (asks) {
                asking -= ASKED_AT_ONCE;
                next += ASKED_AT_ONCE * panel_step;
            }
        }
        t.start += some * t.start_block, t.c += some * t.c_block;
    }
}

static void product(size_t rows, size_t panels, size_t depth, const float *a, size_t a_row, size_t a_block,
                    const float *b, target t)
{
    for (size_t row = 0, chunk; row < rows; row += chunk) {
        chunk = rows - row < 2 * CHUNK_ROWS ? rows - row : CHUNK_ROWS;
        target part = {t.start + row * t.start_row, t.start_row, t.start_block,
                       t.c + row * t.c_row,         t.c_row,     t.c_block};
        size_t k = 0;
        do { /* once without any depth, where c is to become the start */
            size_t block = depth - k;
            if (block > CHUNK_DEPTH)
                block = TCI_PADDED(tci_gemm_even_block(block, CHUNK_DEPTH));
            /* the next block of the depth, or, behind all, the panels that follow */
            const float *after = b + (k + block < depth ? k + block : panels * depth) * TCI_PANEL;
            chunk_over_panels(false, chunk, panels, block, a + row * a_row + k / TCI_PANEL * a_block, a_row, a_block, 1,
                              b + k * TCI_PANEL, TCI_PANEL, depth * TCI_PANEL, part, after);
            part.start = part.c, part.start_row = part.c_row, part.start_block = part.c_block;
            k += block;
        } while (k < depth);
    }
}

void tci_gemm_avx512(size_t rows, size_t panels, size_t depth, const float *a, size_t a_row, size_t a_block,
                     const float *b, float *c, size_t c_row, size_t c_block)
{
    product(rows, panels, depth, a, a_row, a_block, b, (target){c, c_row, c_block, c, c_row, c_block});
}

void tci_gemm_from_avx512(size_t rows, size_t panels, size_t depth, const float *a, size_t a_row, size_t a_block,
                          const float *b, const float *start, float *c, size_t c_row, size_t c_block)
{
    static const float zeros[TCI_PANEL];
    size_t start_block = start ? TCI_PANEL : 0;
    product(rows, panels, depth, a, a_row, a_block, b,
            (target){start ? start : zeros, 0, start_block, c, c_row, c_block});
}

/* Lays `columns` columns of a out as [micro-kernel][depth][its rows], some lines at a time: whole columns of a wide
 * matrix would fall on few sets of the first-level cache. */
static void pack_columns(size_t columns, size_t depth, const float *a, size_t a_stride, float *packed)
{
    for (size_t first = 0, some; first < depth; first += some, a += some * a_stride) {
        some = tci_gemm_least(depth - first, PACKED_LINES);
        for (size_t column = 0, taken; column < columns; column += taken) {
            taken = tci_gemm_even_block(columns - column, MOST_ROWS);
            const __mmask16 lanes = (__mmask16)((1u << taken) - 1);
            float *to = packed + column * depth + first * taken;
            for (size_t k = 0; k < some; k++, to += taken)
                _mm512_mask_storeu_ps(to, lanes, _mm512_maskz_loadu_ps(lanes, a + k * a_stride + column));
        }
    }
}

static void rows_over_panels(size_t rows, size_t panels, size_t depth, const float *a, size_t a_row, size_t a_block,
                             size_t a_step, const float *b, size_t line_step, size_t panel_step, float *c, size_t c_row,
                             size_t c_block)
{
    chunk_over_panels(false, rows, panels, depth, a, a_row, a_block, a_step, b, line_step, panel_step,
                      (target){c, c_row, c_block, c, c_row, c_block}, NULL);
}

static void chunk_of_columns(size_t columns, size_t panels, size_t depth, const float *a, const float *b,
                             size_t panel_step, float *c, size_t c_row, size_t c_block)
{
    chunk_over_panels(true, columns, panels, depth, a, 0, 0, 0, b, TCI_PANEL, panel_step,
                      (target){c, c_row, c_block, c, c_row, c_block}, NULL);
}

#include "kernel/gemm_transposed.h"

void tci_gemm_transposed_avx512(size_t a_columns, size_t panels, size_t depth, const float *a, size_t a_stride,
                                const float *b, size_t b_row, size_t b_block, float *c, size_t c_row, size_t c_block,
                                float *scratch)
{
    transposed_product(a_columns, panels, depth, a, a_stride, b, b_row, b_block, c, c_row, c_block, scratch);
}
