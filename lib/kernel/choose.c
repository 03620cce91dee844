/* choose.c: picks the table of kernels for this processor. Tables are tried best first; a named one caps the choice. */
#include <stdbool.h>
#include <string.h>

#include "base/cpu.h"
#include "kernel/kernel.h"

static bool always(void)
{
    return true;
}

typedef struct candidate {
    const tci_kernels *table;
    bool (*works)(void);
} candidate;

/* Best first. */
static const candidate candidates[] = {
#if defined(TCI_HAVE_AVX2)
    {&tci_kernels_avx512, tci_cpu_has_avx512},
    {&tci_kernels_avx2, tci_cpu_has_avx2},
#endif
#if defined(TCI_HAVE_NEON)
    {&tci_kernels_neon, tci_cpu_has_neon},
#endif
    {&tci_kernels_scalar, always},
};

/* What a build has beside the scalar table. */
#if defined(TCI_HAVE_AVX2)
#define HERE ", avx2, avx512"
#elif defined(TCI_HAVE_NEON)
#define HERE ", neon"
#else
#define HERE ""
#endif

tc_status tci_kernels_choose(const char *max_isa, const tci_kernels **kernels)
{
    bool allowed = strcmp(max_isa, "auto") == 0;
    for (size_t i = 0; i < sizeof candidates / sizeof candidates[0]; i++) {
        allowed = allowed || strcmp(max_isa, candidates[i].table->isa) == 0;
        if (allowed && candidates[i].works()) {
            *kernels = candidates[i].table;
            return TC_OK;
        }
    }
    static const char *const known[] = {"avx2", "avx512", "neon"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(max_isa, known[i]) == 0)
            return tci_fail(TC_ERROR_UNSUPPORTED,
                            "max_isa: %s is of another kind of processor; accepted: auto, scalar" HERE, max_isa);
    return tci_fail(TC_ERROR_OPTION,
                    "max_isa: unknown instruction set '%s'; accepted: auto, scalar, avx2, avx512, neon", max_isa);
}
