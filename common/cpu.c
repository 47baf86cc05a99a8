/* Features of the processor: CPUID on x86-64; what the kernel says on AArch64. */
#if defined(__APPLE__)
#define _DARWIN_C_SOURCE /* sysctlbyname */
#endif

#include "common/cpu.h"

#include <stddef.h>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#elif defined(__aarch64__) && defined(__APPLE__)
#include <sys/sysctl.h>
#include <sys/types.h>
#endif

#if defined(__x86_64__)
enum { XCR0_AVX = 0x6, XCR0_AVX512 = 0xe6 }; /* register files the system saves */

static unsigned xcr0(void)
{
    unsigned eax, edx;
    __asm__("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
    return eax;
}

static bool has(unsigned reg, unsigned bit)
{
    return reg >> bit & 1;
}

/* Bits: Intel SDM volume 2, CPUID. */
static void detect(struct da_cpu *f)
{
    unsigned a, b, c, d, c1;
    if (!__get_cpuid(1, &a, &b, &c1, &d) || !has(c1, 27)) /* OSXSAVE */
        return;
    unsigned saved = xcr0();
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d))
        return;
    f->sha = has(b, 29) && has(c1, 9) && has(c1, 19); /* with SSSE3 and SSE4.1 */
    f->avx2 = (saved & XCR0_AVX) == XCR0_AVX && has(c1, 12) && has(c1, 29) && has(b, 5);
    f->avx512 = f->avx2 && (saved & XCR0_AVX512) == XCR0_AVX512 && has(b, 16) && has(b, 17) &&
                has(b, 30) && has(b, 31) && has(c, 11); /* F, DQ, BW, VL, VNNI */
}
#elif defined(__aarch64__) && defined(__linux__)
/* Linux, Documentation/arch/arm64/elf_hwcaps.rst; by number, because older headers lack some. */
enum { CAP_ASIMD = 1, CAP_ASIMDDP = 20, CAP2_I8MM = 13 };

static void detect(struct da_cpu *f)
{
    unsigned long cap = getauxval(AT_HWCAP), cap2 = getauxval(AT_HWCAP2);
    f->neon = cap >> CAP_ASIMD & 1;
    f->dotprod = f->neon && (cap >> CAP_ASIMDDP & 1);
    f->i8mm = f->dotprod && (cap2 >> CAP2_I8MM & 1);
}
#elif defined(__aarch64__) && defined(__APPLE__)
static bool has(const char *name)
{
    int value = 0;
    size_t len = sizeof value;
    return sysctlbyname(name, &value, &len, NULL, 0) == 0 && value;
}

static void detect(struct da_cpu *f)
{
    f->neon = true;
    f->dotprod = has("hw.optional.arm.FEAT_DotProd");
    f->i8mm = f->dotprod && has("hw.optional.arm.FEAT_I8MM");
}
#else
static void detect(struct da_cpu *f)
{
    (void)f;
}
#endif

struct da_cpu da_cpu_detect(void)
{
    struct da_cpu f = {.avx2 = false};
    detect(&f);
    return f;
}
