/* The kernels for x86 processors with AVX-512 (F, BW, VL, DQ) and VNNI. */
#if defined(__x86_64__)
#include "common/attr.h"
#include "engine/kernels/lanes_avx512.h"

#define BODY_NAME da_kernels_avx512
#define BODY_TEXT "avx512"
#define MM_T 12
#define MMQ_T 8
#define ATTN_R 4
#include "engine/kernels/body.inc"
#else
typedef int da_not_x86_avx512; /* a translation unit may not be empty */
#endif
