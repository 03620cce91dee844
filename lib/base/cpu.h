/* cpu.h: the instruction sets of this processor and system, and the floating-point environment of computing calls. */
#ifndef TCI_BASE_CPU_H
#define TCI_BASE_CPU_H

#include <stdbool.h>
#include <stdint.h>

/* AVX2 and FMA, with the operating system saving the wide registers. */
bool tci_cpu_has_avx2(void);
/* AVX-512 F, DQ, BW, VL and VNNI beside these, with its registers and masks saved. */
bool tci_cpu_has_avx512(void);
/* Advanced SIMD of AArch64. */
bool tci_cpu_has_neon(void);

/* Saves the caller's rounding and denormal modes and sets round to nearest with denormals flushed (FTZ and DAZ), so
 * that results do not depend on the host's modes. Every computing call brackets its work with these two. */
typedef struct tci_float_environment {
    uint64_t saved;
} tci_float_environment;

tci_float_environment tci_float_enter(void);
void tci_float_leave(tci_float_environment environment);

#endif
