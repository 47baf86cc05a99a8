/* The kernels for x86 processors with AVX2, FMA and F16C. */
#if defined(__x86_64__)
#include "common/attr.h"
#include "engine/kernels/lanes_avx2.h"

#define BODY_NAME da_kernels_avx2
#define BODY_TEXT "avx2"
#define MM_T 6
#define MMQ_T 2
#define ATTN_R 1
#include "engine/kernels/body.h"
#else
typedef int da_not_x86_avx2; /* a translation unit may not be empty */
#endif
