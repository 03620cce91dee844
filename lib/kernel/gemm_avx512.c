/* gemm_avx512.c: matrix products with AVX-512, a · b with packed b and aᵀ · b; blocked as in gemm_avx2.c.
 *
 * An element is one chain of fused multiply-adds in rising depth from the value in c. Micro-kernels hold R rows × P
 * panels of c in registers, start them from c and store them after a block of the depth: bits are those of AVX2.
 *
 * Registers: a panel of a row is one vector of 16 floats, of 32. Tall micro-kernels are 7 to 9 rows on three panels, 27
 * accumulators, three lines of b and an element of a; a block of b that is more than the first-level cache comes from
 * the second at 3 lines in 13 cycles. Flat ones are up to 6 rows on four panels, for rows that cannot be dealt out by 7
 * to 9, and for panels that threes would leave one or two of; what is left runs on two, then one. Rows are dealt out
 * evenly (13 = 5 + 4 + 4), so no rest is small. More rows at once would fall on one set of the first-level cache where
 * the rows of a are pages apart.
 *
 * Order of loops: up to 99 rows { three panels { 384 deep { rows of a micro-kernel } } }; with more rows, pages of c
 * and a were more than the first table of addresses holds. The block of b that follows may come from far away, and is
 * asked for while the first rows use what is there: where they go on to other rows the processor does not read ahead by
 * itself.
 *
 * Reached of a core's multiply-adds (185 GFLOP/s, a Xeon with 2 MB of second-level cache): 32 × 256 × 1024 92 to 97 %,
 * 1024³ 92 to 94 %, transposed 256 × 6400 × 1024 88 to 92 %. */
#include "kernel/gemm_blocks.h"
#include "kernel/gemm_micro_avx512.h"
#include "kernel/kernels_avx512.h"

enum { CHUNK_ROWS = 99, CHUNK_DEPTH = 384, PACKED_LINES = 16 };
_Static_assert(TCI_GEMM_DEPTH <= CHUNK_DEPTH, "packed rows of a are not cut in their depth");

/* Has a line of a panel of `next` brought to the second-level cache. */
#define ASK_FOR_ONE _mm_prefetch((const char *)next, _MM_HINT_T1), next += TCI_PANEL;

#define LINE(from) tci_kept(_mm512_loadu_ps(from))
/* With the scales that addresses have, three pointers reach nine rows; gcc would take a register for each row, and keep
 * those it has none for in vector registers, at the cost of the multiply-adds. */
#define ELEMENT(r) ((r) < 3 ? a : (r) < 6 ? a_3 : a_6)[(r) % 3 * a_row]

/* Statements of a macro stand one a line. */
/* clang-format off */

/* c (R, 16·P) = start + a · b: element (r, k) of a at a[r·a_row + (k / 16)·a_block + (k % 16)·a_step], line k of panel
 * p of b at b[k·line_step + p·panel_step]. Behind the loop c counts as new: gcc would carry each address of c through
 * it. */
#define ARGUMENTS                                                                                                     \
    size_t depth, const float *a, size_t a_row, size_t a_block, size_t a_step, const float *b, size_t line_step,      \
    size_t panel_step, const float *start, size_t start_row, size_t start_block, float *c, size_t c_row,              \
    size_t c_block, const float *next

#define MICRO_KERNEL(NAME, R, P, ASK)                                                                                 \
    static void NAME(ARGUMENTS)                                                                                       \
    {                                                                                                                 \
        (void)a_row, (void)panel_step, (void)c_row, (void)c_block, (void)start_row, (void)start_block, (void)next;    \
        const float *from, *a_3 = a + (R > 3 ? 3 * a_row : 0), *a_6 = a + (R > 6 ? 6 * a_row : 0);                    \
        float *to;                                                                                                    \
        const size_t run = a_block == TCI_PANEL * a_step ? depth : TCI_PANEL;                                         \
        __asm__("" : "+r"(a_3), "+r"(a_6));                                                                           \
        PANELS_##P(LOAD_PANEL, ROWS_##R)                                                                              \
        for (size_t some; depth > 0; depth -= some) {                                                                 \
            some = tci_gemm_least(depth, run);                                                                        \
            for (size_t k = 0; k < some; k++, a += a_step, a_3 += a_step, a_6 += a_step, b += line_step) {            \
                ASK                                                                                                   \
                LINES_##P ROWS_##R(PASS_##P, 0)                                                                       \
            }                                                                                                         \
            const ptrdiff_t on = (ptrdiff_t)a_block - (ptrdiff_t)(some * a_step);                                     \
            a += on, a_3 += on, a_6 += on;                                                                            \
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
MICRO_KERNEL(micro_7x3, 7, 3, )
MICRO_KERNEL(micro_8x3, 8, 3, )
MICRO_KERNEL(micro_9x3, 9, 3, )
MICRO_KERNEL(asking_7x3, 7, 3, ASK_FOR_ONE)
MICRO_KERNEL(asking_8x3, 8, 3, ASK_FOR_ONE)
MICRO_KERNEL(asking_9x3, 9, 3, ASK_FOR_ONE)
/* clang-format on */

typedef void (*micro_kernel)(ARGUMENTS);

enum { FLAT_ROWS = 6, FLAT_PANELS = 4, TALL_LEAST = 7, TALL_ROWS = 9, TALL_PANELS = 3 };

/* On one panel, two and four; by rows, less one. */
static const micro_kernel flat_kernels[][FLAT_ROWS] = {
    {micro_1x1, micro_2x1, micro_3x1, micro_4x1, micro_5x1, micro_6x1},
    {micro_1x2, micro_2x2, micro_3x2, micro_4x2, micro_5x2, micro_6x2},
    {micro_1x4, micro_2x4, micro_3x4, micro_4x4, micro_5x4, micro_6x4},
};
/* From TALL_LEAST rows on; asking ones behind the others. */
static const micro_kernel tall_kernels[][TALL_ROWS - TALL_LEAST + 1] = {{micro_7x3, micro_8x3, micro_9x3},
                                                                        {asking_7x3, asking_8x3, asking_9x3}};

/* Whether micro-kernels of these rows are tall ones. */
static bool deals_tall(size_t rows)
{
    return rows > 0 && rows >= TALL_LEAST * ((rows + TALL_ROWS - 1) / TALL_ROWS);
}

/* Where the sums of a chunk start and end: start may be c itself. */
typedef struct target {
    const float *start;
    size_t start_row, start_block;
    float *c;
    size_t c_row, c_block;
} target;

/* All rows of a chunk over one block of the depth and the panels of a micro-kernel; `next` is the block of b that
 * follows. With `packed` a lies as [micro-kernel][depth][its rows], else as micro-kernels take it. */
static void rows_over_block(bool packed, size_t rows, size_t panels, size_t depth, const float *a, size_t a_row,
                            size_t a_block, size_t a_step, const float *b, size_t line_step, size_t panel_step,
                            const target *t, const float *next)
{
    const size_t most = panels == TALL_PANELS ? TALL_ROWS : FLAT_ROWS;
    /* from one block to the next at once the processor reads ahead by itself */
    size_t asked = panels == TALL_PANELS && rows > TALL_PANELS * TALL_ROWS ? 0 : TALL_PANELS;
    for (size_t row = 0, taken; row < rows; row += taken) {
        taken = tci_gemm_even_block(rows - row, most);
        const bool asks = asked < TALL_PANELS;
        const micro_kernel kernel =
            panels == TALL_PANELS ? tall_kernels[asks][taken - TALL_LEAST] : flat_kernels[panels / 2][taken - 1];
        const float *from = t->start + row * t->start_row, *asked_for = asks ? next + asked * panel_step : NULL;
        float *to = t->c + row * t->c_row;
        /* c of the next rows, which may come from memory */
        for (size_t other = taken; other < 2 * taken && row + other < rows; other++)
            for (size_t i = 0; i < panels; i++)
                _mm_prefetch((const char *)(to + other * t->c_row + i * t->c_block), _MM_HINT_T0);
        kernel(depth, a + row * (packed ? depth : a_row), packed ? 1 : a_row, packed ? taken * TCI_PANEL : a_block,
               packed ? taken : a_step, b, line_step, panel_step, from, t->start_row, t->start_block, to, t->c_row,
               t->c_block, asked_for);
        asked += asks;
    }
}

/* Packed rows of tall micro-kernels over panels that are left of threes. */
static void packed_over_rest(size_t rows, size_t panels, size_t depth, const float *a, const float *b, size_t line_step,
                             size_t panel_step, const target *t, const float *next)
{
    for (size_t row = 0, taken; row < rows; row += taken) {
        taken = tci_gemm_even_block(rows - row, TALL_ROWS);
        const target part = {t->start + row * t->start_row, t->start_row, t->start_block,
                             t->c + row * t->c_row,         t->c_row,     t->c_block};
        rows_over_block(false, taken, panels, depth, a + row * depth, 1, taken * TCI_PANEL, taken, b, line_step,
                        panel_step, &part, next);
    }
}

/* The panels that the next micro-kernels take: with tall ones threes, and fours rather than a rest of one or two. */
static size_t panel_block(size_t left, bool tall)
{
    if (tall && left >= TALL_PANELS && left != FLAT_PANELS && left != 2 * FLAT_PANELS)
        return TALL_PANELS;
    return left >= FLAT_PANELS ? FLAT_PANELS : left >= 2 ? 2 : 1;
}

/* All rows of a chunk; tall micro-kernels only where `tall`. */
static void chunk_over_panels(bool packed, bool tall, size_t rows, size_t panels, size_t depth, const float *a,
                              size_t a_row, size_t a_block, size_t a_step, const float *b, size_t line_step,
                              size_t panel_step, const target *t)
{
    for (size_t panel = 0, some; panel < panels; panel += some, b += some * panel_step) {
        some = panel_block(panels - panel, tall);
        target part = {t->start + panel * t->start_block, t->start_row, t->start_block,
                       t->c + panel * t->c_block,         t->c_row,     t->c_block};
        size_t k = 0;
        do { /* once without any depth, where c is to become the start */
            size_t block = depth - k;
            if (block > CHUNK_DEPTH)
                block = TCI_PADDED(tci_gemm_even_block(block, CHUNK_DEPTH));
            /* the next block of the depth, or the panels that follow, behind all those of another product */
            const float *next = k + block < depth ? b + (k + block) * line_step : b + some * panel_step;
            if (packed && tall && some != TALL_PANELS)
                packed_over_rest(rows, some, block, a, b + k * line_step, line_step, panel_step, &part, next);
            else
                rows_over_block(packed, rows, some, block, a + k / TCI_PANEL * a_block, a_row, a_block, a_step,
                                b + k * line_step, line_step, panel_step, &part, next);
            part.start = part.c, part.start_row = part.c_row, part.start_block = part.c_block;
            k += block;
        } while (k < depth);
    }
}

static void product(size_t rows, size_t panels, size_t depth, const float *a, size_t a_row, size_t a_block,
                    const float *b, target t)
{
    for (size_t row = 0, chunk; row < rows; row += chunk) {
        chunk = tci_gemm_even_block(rows - row, CHUNK_ROWS);
        target part = {t.start + row * t.start_row, t.start_row, t.start_block,
                       t.c + row * t.c_row,         t.c_row,     t.c_block};
        chunk_over_panels(false, deals_tall(chunk), chunk, panels, depth, a + row * a_row, a_row, a_block, 1, b,
                          TCI_PANEL, depth * TCI_PANEL, &part);
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
    const size_t most = deals_tall(columns) ? TALL_ROWS : FLAT_ROWS;
    for (size_t first = 0, some; first < depth; first += some, a += some * a_stride) {
        some = tci_gemm_least(depth - first, PACKED_LINES);
        for (size_t column = 0, taken; column < columns; column += taken) {
            taken = tci_gemm_even_block(columns - column, most);
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
    chunk_over_panels(false, false, rows, panels, depth, a, a_row, a_block, a_step, b, line_step, panel_step,
                      &(target){c, c_row, c_block, c, c_row, c_block});
}

static void chunk_of_columns(size_t columns, size_t panels, size_t depth, const float *a, const float *b,
                             size_t panel_step, float *c, size_t c_row, size_t c_block)
{
    chunk_over_panels(true, deals_tall(columns), columns, panels, depth, a, 0, 0, 0, b, TCI_PANEL, panel_step,
                      &(target){c, c_row, c_block, c, c_row, c_block});
}

#include "kernel/gemm_transposed.h"

void tci_gemm_transposed_avx512(size_t a_columns, size_t panels, size_t depth, const float *a, size_t a_stride,
                                const float *b, size_t b_row, size_t b_block, float *c, size_t c_row, size_t c_block,
                                float *scratch)
{
    transposed_product(a_columns, panels, depth, a, a_stride, b, b_row, b_block, c, c_row, c_block, scratch);
}
