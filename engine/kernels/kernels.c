/* Which kernels this processor runs. */
#include "engine/kernels/kernels.h"

#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>

enum { XCR0_AVX = 0x6, XCR0_AVX512 = 0xe6 }; /* register files the system saves */

static unsigned xcr0(void)
{
    unsigned eax, edx;
    __asm__("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
    return eax;
}

static bool has(unsigned reg, unsigned bit)
{
    return reg >> bit & 1;
}

/* Bits: Intel SDM volume 2, CPUID. */
static void detect(bool *avx2, bool *avx512)
{
    unsigned a, b, c, d, c1;
    *avx2 = *avx512 = false;
    if (!__get_cpuid(1, &a, &b, &c1, &d) || !has(c1, 27)) /* OSXSAVE */
        return;
    unsigned saved = xcr0();
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d))
        return;
    *avx2 = (saved & XCR0_AVX) == XCR0_AVX && has(c1, 12) && has(c1, 29) && has(b, 5);
    *avx512 = *avx2 && (saved & XCR0_AVX512) == XCR0_AVX512 && has(b, 16) && has(b, 17) &&
              has(b, 30) && has(b, 31) && has(c, 11); /* F, DQ, BW, VL, VNNI */
}
#endif

unsigned da_kernels_list(const struct da_kernels *out[4])
{
    unsigned n = 0;
    out[n++] = &da_kernels_ref;
#if defined(__x86_64__)
    bool avx2, avx512;
    detect(&avx2, &avx512);
    if (avx2)
        out[n++] = &da_kernels_avx2;
    if (avx512)
        out[n++] = &da_kernels_avx512;
#endif
    return n;
}

const struct da_kernels *da_kernels_find(const char *name)
{
    const struct da_kernels *all[4] = {NULL};
    unsigned n = da_kernels_list(all);
    for (unsigned i = 0; name && i < n; i++)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    return name ? NULL : all[n - 1];
}

void da_matmul_run(const struct da_kernels *k, const struct da_matmul *mm)
{
    switch (mm->w->kind) {
    case DA_PANEL_F32: k->matmul_f32(mm); return;
    case DA_PANEL_F16: k->matmul_f16(mm); return;
    case DA_PANEL_BF16: k->matmul_bf16(mm); return;
    case DA_PANEL_Q8: k->matmul_q8(mm); return;
    case DA_PANEL_Q4: k->matmul_q4(mm); return;
    }
}
