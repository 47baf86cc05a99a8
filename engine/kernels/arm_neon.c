/* The kernels for every AArch64 processor. */
#if defined(__aarch64__)
#include "common/attr.h"
#include "engine/kernels/lanes_neon.h"

#define BODY_NAME da_kernels_neon
#define BODY_TEXT "neon"
#define MM_T 6
#define MMQ_T 4
#define ATTN_R 2
#define BODY_OWN_QUANT
#define BODY_OWN_ATTN "engine/kernels/neon_attn.inc"
#include "engine/kernels/body.inc"

#include "engine/kernels/neon_int.inc"
#else
typedef int da_not_arm_neon; /* a translation unit may not be empty */
#endif
