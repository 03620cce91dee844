/* constants.h: numbers shared by the float functions of every instruction set.
 *
 * exp(x) = 2^n · exp(r), n = round(x / ln 2), r = x - n ln 2 in [-0.347, 0.347], with ln 2 in two parts of which the
 * first has 9 bits, so that n · TCI_LN2_HIGH is exact. exp(r) = 1 + r + r²·P(r) and, below 0.625, tanh(x) = x +
 * x³·Q(x²) are Cephes' expf and tanhf (S. Moshier, Cephes Mathematical Library 2.2). */
#ifndef TCI_KERNEL_CONSTANTS_H
#define TCI_KERNEL_CONSTANTS_H

#define TCI_LOG2_E 1.44269504088896341f
#define TCI_LN2_HIGH 0.693359375f
#define TCI_LN2_LOW (-2.12194440e-4f)

/* Adding 1.5 · 2^23 rounds to an integer, to nearest, and leaves it in the low bits. */
#define TCI_ROUND_MAGIC 12582912.0f
#define TCI_ROUND_MAGIC_BITS 0x4b400000

#define TCI_EXP_P0 1.9875691500e-4f
#define TCI_EXP_P1 1.3981999507e-3f
#define TCI_EXP_P2 8.3334519073e-3f
#define TCI_EXP_P3 4.1665795894e-2f
#define TCI_EXP_P4 1.6666665459e-1f
#define TCI_EXP_P5 5.0000001201e-1f

/* The least float whose exponential is a normal float (ln 2^-126, rounded up); results below are zero, so that they do
 * not depend on the denormal mode. */
#define TCI_EXP_LEAST (-0x1.5d589ep+6f)
/* From here on exp overflows to infinity; also keeps n at 128 or below. */
#define TCI_EXP_CLAMP 89.0f

#define TCI_TANH_JOINT 0.625f
/* 1 - tanh is below half an ulp from here on. */
#define TCI_TANH_CLAMP 9.1f
#define TCI_TANH_Q0 (-5.70498872745e-3f)
#define TCI_TANH_Q1 2.06390887954e-2f
#define TCI_TANH_Q2 (-5.37397155531e-2f)
#define TCI_TANH_Q3 1.33314422036e-1f
#define TCI_TANH_Q4 (-3.33332819422e-1f)

#endif
