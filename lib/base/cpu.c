/* cpu.c: CPUID and XGETBV on x86-64 (Intel SDM volume 1, 14.3: AVX needs OSXSAVE and bits 1 and 2 of XCR0), MXCSR, and
 * FPCR on AArch64. Elsewhere: no wide instructions, and the host's floating-point modes stay. */
#include "base/cpu.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>
#include <xmmintrin.h>

bool tci_cpu_has_avx2(void)
{
    unsigned a, b, c, d;
    const unsigned fma = 1u << 12, osxsave = 1u << 27, avx = 1u << 28, avx2 = 1u << 5;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & (fma | osxsave | avx)) != (fma | osxsave | avx))
        return false;
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low & 6) != 6) /* the system saves the 128-bit and the 256-bit halves */
        return false;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & avx2) != 0;
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
