/*
 * The AVX-512 kernels for processors without AVX-512: the same source, its
 * intrinsics replaced by SIMDe's (immintrin.h beside this file comes before the
 * compiler's). Slow; only to compare their bytes with plain C's.
 */
#include "tests/soft/soft.h"

#include "common/cpu.h"

#ifndef __has_include
#define __has_include(x) 0
#endif

#if defined(__x86_64__) && defined(__AVX2__) && !defined(__clang__) && \
    __has_include(<simde/x86/avx512.h>)
#define da_kernels_avx512 soft_kernels
#include "engine/kernels/x86_avx512.c"

const struct da_kernels *soft_avx512(void)
{
    return da_cpu_detect().avx2 ? &soft_kernels : NULL;
}
#else
const struct da_kernels *soft_avx512(void)
{
    (void)da_cpu_detect;
    return NULL;
}
#endif
