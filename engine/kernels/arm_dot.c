/* The kernels for AArch64 processors with 8-bit dot products (FEAT_DotProd). */
#if defined(__aarch64__)
#include "common/attr.h"
#include "engine/kernels/lanes_neon.h"

#define BODY_NAME da_kernels_neon_dot
#define BODY_TEXT "neon_dot"
#define MM_T 6
#define MMQ_T 4
#define ATTN_R 4
#define BODY_OWN_QUANT
#define BODY_OWN_ATTN "engine/kernels/neon_attn.inc"
#include "engine/kernels/body.inc"

#include "engine/kernels/neon_int.inc"
#else
typedef int da_not_arm_dot; /* a translation unit may not be empty */
#endif
