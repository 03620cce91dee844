/* constants.h: numbers shared by the float functions of every instruction set.
 *
 * exp(x) = 2^n · exp(r), n = round(x / ln 2), r = x - n ln 2 in [-0.347, 0.347], with ln 2 in two parts of which the
 * first has 9 bits, so that n · TCI_LN2_HIGH is exact (as in Cephes' expf). exp(r) = 1 + p, p = r + r²·P(r): P fitted
 * here, so that the error of p is levelled, below 0.25 · 2^-24 of p.
 * Below 0.28 tanh(x) = x + x³·Q(x²), fitted likewise; above, 1 - 2 / (1 + exp(2x)) is exact enough. */
#ifndef TCI_KERNEL_CONSTANTS_H
#define TCI_KERNEL_CONSTANTS_H

#define TCI_LOG2_E 1.44269504088896341f
#define TCI_LN2_HIGH 0.693359375f
#define TCI_LN2_LOW (-2.12194440e-4f)

/* Adding 1.5 · 2^23 rounds to an integer, to nearest, and leaves it in the low bits. */
#define TCI_ROUND_MAGIC 12582912.0f
#define TCI_ROUND_MAGIC_BITS 0x4b400000
/* The same with the bias of an exponent on top. */
#define TCI_POWER_MAGIC (TCI_ROUND_MAGIC + 127.0f)

#define TCI_EXP_P0 0x1.6d5f6ap-10f
#define TCI_EXP_P1 0x1.1227acp-7f
#define TCI_EXP_P2 0x1.5554dap-5f
#define TCI_EXP_P3 0x1.5554b0p-3f
#define TCI_EXP_P4 0.5f

/* The least float whose exponential is a normal float (ln 2^-126, rounded up); results below are zero, so that they do
 * not depend on the denormal mode. */
#define TCI_EXP_LEAST (-0x1.5d589ep+6f)
/* From here on exp overflows to infinity; also keeps n at 128 or below. */
#define TCI_EXP_CLAMP 89.0f

#define TCI_TANH_JOINT 0.28f
#define TCI_TANH_Q0 (-0x1.a040b4p-5f)
#define TCI_TANH_Q1 0x1.10c6fcp-3f
#define TCI_TANH_Q2 (-0x1.5554dcp-2f)
/* 1 - tanh is below half an ulp from here on. */
#define TCI_TANH_CLAMP 9.1f

/* Φ(x) = 1/2 + x·P(u), u = 2x² / 5.4² - 1, for |x| < 5.4, beyond which it is 0 or 1 within 2^-24: fitted here, error of
 * Φ levelled, below 0.5 · 2^-24 before rounding. */
#define TCI_PHI_CLAMP 5.4f
#define TCI_PHI_SCALE 0x1.18eecap-4f
#define TCI_PHI_P0 0x1.9bf128p-12f
#define TCI_PHI_P1 (-0x1.0d94acp-10f)
#define TCI_PHI_P2 0x1.cab7b8p-11f
#define TCI_PHI_P3 (-0x1.37029ep-10f)
#define TCI_PHI_P4 0x1.df9508p-9f
#define TCI_PHI_P5 (-0x1.b818b0p-8f)
#define TCI_PHI_P6 0x1.3c401ap-7f
#define TCI_PHI_P7 (-0x1.c98cd2p-7f)
#define TCI_PHI_P8 0x1.41ddb4p-6f
#define TCI_PHI_P9 (-0x1.a5d478p-6f)
#define TCI_PHI_P10 0x1.071962p-5f
#define TCI_PHI_P11 (-0x1.412ea6p-5f)
#define TCI_PHI_P12 0x1.8d4f04p-5f
#define TCI_PHI_P13 (-0x1.0b956ep-4f)
#define TCI_PHI_P14 0x1.0c240ap-3f

/* 1 / √(2π) */
#define TCI_PHI_DENSITY 0x1.988454p-2f
/* Beyond this size GELU's slope is 0 or 1 to the last bit. */
#define TCI_GELU_CLAMP 14.0f
/* 2 √(2/π), and 0.044715 times that */
#define TCI_GELU_TANH_A 0x1.988454p+0f
#define TCI_GELU_TANH_B 0x1.2444f2p-4f

#endif
