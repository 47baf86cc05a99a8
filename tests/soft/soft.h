#ifndef TESTS_SOFT_SOFT_H
#define TESTS_SOFT_SOFT_H

#include "engine/kernels/kernels.h"

/* engine/kernels/x86_avx512.c compiled over SIMDe, so that a processor with AVX2 runs it; NULL where
 * SIMDe was not there when the tests were built, or the processor lacks AVX2. */
const struct da_kernels *soft_avx512(void);

#endif
