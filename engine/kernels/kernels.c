/* Which kernels this processor runs. */
#include "engine/kernels/kernels.h"

#include <string.h>

#include "common/cpu.h"

unsigned da_kernels_list(const struct da_kernels *out[4])
{
    const struct da_cpu cpu = da_cpu_detect();
    unsigned n = 0;
    (void)cpu;
    out[n++] = &da_kernels_ref;
#if defined(__x86_64__)
    if (cpu.avx2)
        out[n++] = &da_kernels_avx2;
    if (cpu.avx512)
        out[n++] = &da_kernels_avx512;
#elif defined(__aarch64__)
    if (cpu.neon)
        out[n++] = &da_kernels_neon;
    if (cpu.dotprod)
        out[n++] = &da_kernels_neon_dot;
    if (cpu.i8mm)
        out[n++] = &da_kernels_neon_i8mm;
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
    case DA_PANEL_Q5: k->matmul_q5(mm); return;
    case DA_PANEL_Q2K:
    case DA_PANEL_Q3K:
    case DA_PANEL_Q4K:
    case DA_PANEL_Q5K:
    case DA_PANEL_Q6K: k->matmul_super(mm); return;
    }
}
