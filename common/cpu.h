#ifndef COMMON_CPU_H
#define COMMON_CPU_H

/* What this processor, and the system above it, can run. */

#include <stdbool.h>

struct da_cpu {
    bool avx2;   /* with FMA and F16C */
    bool avx512; /* F, DQ, BW, VL and VNNI */
    bool sha;    /* SHA-256 of x86 */
    bool neon;
    bool dotprod; /* 8-bit dot products of NEON */
    bool i8mm;    /* 8-bit matrix products of NEON, dotprod too */
};

/* Asks anew each time. */
struct da_cpu da_cpu_detect(void);

#endif
