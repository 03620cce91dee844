/* cpu.c: CPUID and XGETBV on x86-64 (Intel SDM volume 1, 14.3 and 15.2: AVX needs OSXSAVE and bits of XCR0), MXCSR, and
 * FPCR on AArch64. Elsewhere: no wide instructions, and the host's floating-point modes stay. */
#include "base/cpu.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>
#include <xmmintrin.h>

/* Whether there are AVX and FMA, the system saves these parts of the registers (bits of XCR0), and leaf 7 of CPUID has
 * all bits of `leaf_b` in EBX and of `leaf_c` in ECX. */
static bool has(unsigned saved, unsigned leaf_b, unsigned leaf_c)
{
    unsigned a, b, c, d;
    const unsigned fma = 1u << 12, osxsave = 1u << 27, avx = 1u << 28;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & (fma | osxsave | avx)) != (fma | osxsave | avx))
        return false;
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & saved) == saved && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & leaf_b) == leaf_b &&
           (c & leaf_c) == leaf_c;
}

#define AVX2 (1u << 5)
#define HALVES 0x06u /* XCR0: the 128-bit and the 256-bit halves */
#define WIDE 0xE6u   /* and the masks, the 512-bit halves, and registers 16 to 31 */

bool tci_cpu_has_avx2(void)
{
    return has(HALVES, AVX2, 0);
}

bool tci_cpu_has_avx512(void)
{
    const unsigned foundation = 1u << 16, dq = 1u << 17, bw = 1u << 30, vl = 1u << 31, vnni = 1u << 11;
    return has(WIDE, AVX2 | foundation | dq | bw | vl, vnni);
}

bool tci_cpu_has_neon(void)
{
    return false;
}

/* All exceptions masked, round to nearest, FTZ (bit 15), DAZ (bit 6). */
#define COMPUTING_MXCSR 0x9FC0u

tci_float_environment tci_float_enter(void)
{
    tci_float_environment environment = {_mm_getcsr()};
    _mm_setcsr(COMPUTING_MXCSR);
    return environment;
}

void tci_float_leave(tci_float_environment environment)
{
    _mm_setcsr((unsigned)environment.saved);
}

#elif defined(__aarch64__) && defined(__GNUC__)

bool tci_cpu_has_avx2(void)
{
    return false;
}

bool tci_cpu_has_avx512(void)
{
    return false;
}

bool tci_cpu_has_neon(void)
{
    return true; /* part of the base architecture */
}

/* No traps, round to nearest, FZ (bit 24: denormal inputs and results are zero). */
#define COMPUTING_FPCR (UINT64_C(1) << 24)

tci_float_environment tci_float_enter(void)
{
    tci_float_environment environment;
    __asm__ volatile("mrs %0, fpcr" : "=r"(environment.saved)::"memory");
    __asm__ volatile("msr fpcr, %0" ::"r"(COMPUTING_FPCR) : "memory");
    return environment;
}

void tci_float_leave(tci_float_environment environment)
{
    __asm__ volatile("msr fpcr, %0" ::"r"(environment.saved) : "memory");
}

#else

bool tci_cpu_has_avx2(void)
{
    return false;
}

bool tci_cpu_has_avx512(void)
{
    return false;
}

bool tci_cpu_has_neon(void)
{
    return false;
}

tci_float_environment tci_float_enter(void)
{
    return (tci_float_environment){0};
}

void tci_float_leave(tci_float_environment environment)
{
    (void)environment;
}

#endif
