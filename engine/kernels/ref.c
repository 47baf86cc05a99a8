/* The kernels in plain C: what every other variant must equal, and what runs where none does. */
#include "common/attr.h"
#include "engine/kernels/lanes_ref.h"

#define BODY_NAME da_kernels_ref
#define BODY_TEXT "ref"
#define MM_T 4
#define MMQ_T 4
#define BODY_SUPER_T 1
#define ATTN_R 1
#include "engine/kernels/body.inc"
