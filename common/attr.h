#ifndef COMMON_ATTR_H
#define COMMON_ATTR_H

/* The only place that names compiler extensions. */

#if defined(__GNUC__)
#define DA_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define DA_NORETURN __attribute__((noreturn))
#define DA_UNUSED __attribute__((unused))
/* A declaration whose definition may be missing from a program: its address is NULL then. */
#define DA_WEAK __attribute__((weak))
#define DA_LIKELY(x) __builtin_expect(!!(x), 1)
#define DA_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define DA_PREFETCH(p) __builtin_prefetch(p)
/* Zero bits below the lowest set bit of a 64-bit word that is not 0. */
#define DA_CTZ64(x) ((unsigned)__builtin_ctzll(x))
/* For kernels whose constant arguments must reach the loops. */
#define DA_ALWAYS_INLINE static inline __attribute__((always_inline))
/* For bodies that many places name, and that would grow each of them. */
#define DA_NOINLINE static __attribute__((noinline))
#else
#define DA_PRINTF(fmt, args)
#define DA_NORETURN
#define DA_UNUSED
#define DA_WEAK
#define DA_LIKELY(x) (x)
#define DA_UNLIKELY(x) (x)
#define DA_PREFETCH(p) ((void)(p))
static inline unsigned da_ctz64(unsigned long long x)
{
    unsigned n = 0;
    for (; !(x & 1); x >>= 1)
        n++;
    return n;
}
#define DA_CTZ64(x) da_ctz64(x)
#define DA_ALWAYS_INLINE static inline
#define DA_NOINLINE static
#endif

/* 128-bit integers where the compiler has them. */
#ifdef __SIZEOF_INT128__
#define DA_HAVE_U128 1
__extension__ typedef unsigned __int128 da_u128;
#else
#define DA_HAVE_U128 0
#endif

#define DA_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
