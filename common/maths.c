/*
 * The functions of maths.h: the argument is reduced with constants in two or three
 * parts, whose products with a small whole number are exact (after Cody and Waite,
 * "Software Manual for the Elementary Functions", 1980), then Taylor's series.
 */
#include "common/maths.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "common/attr.h"

/* ln(2) and pi / 2, the first parts with 32 and 33 bits. */
#define LN2_HI 0x1.62e42fee00000p-1
#define LN2_LO 0x1.a39ef35793c76p-33
#define LOG2_E 1.4426950408889634
#define PIO2_1 0x1.921fb54400000p+0
#define PIO2_2 0x1.0b4611a600000p-34
#define PIO2_3 0x1.3198a2e037073p-69
#define TWO_OVER_PI 0.6366197723675814
#define SQRT_2 1.4142135623730951

/* 1 / k! */
#define F2 (1.0 / 2)
#define F3 (1.0 / 6)
#define F4 (1.0 / 24)
#define F5 (1.0 / 120)
#define F6 (1.0 / 720)
#define F7 (1.0 / 5040)
#define F8 (1.0 / 40320)
#define F9 (1.0 / 362880)
#define F10 (1.0 / 3628800)
#define F11 (1.0 / 39916800)
#define F12 (1.0 / 479001600)
#define F13 (1.0 / 6227020800)
#define F14 (1.0 / 87178291200)
#define F15 (1.0 / 1307674368000)
#define F16 (1.0 / 20922789888000)
#define F17 (1.0 / 355687428096000)

#define EXP_MIN -708.0
#define EXP_MAX 709.0
#define ANGLE_MAX 1e9

static uint64_t bits_of(double x)
{
    uint64_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static double of_bits(uint64_t u)
{
    double x;
    memcpy(&x, &u, sizeof x);
    return x;
}

/* c[0] + x * (c[1] + x * (c[2] + ...)) */
static double series(const double *c, size_t n, double x)
{
    double y = c[n - 1];
    for (size_t i = n - 1; i-- > 0;)
        y = y * x + c[i];
    return y;
}

double da_exp(double x)
{
    static const double C[] = {F2, F3, F4, F5, F6, F7, F8, F9, F10, F11, F12, F13};
    if (!(x >= EXP_MIN))
        return isnan(x) ? x : 0.0;
    if (x > EXP_MAX)
        return INFINITY;
    double n = rint(x * LOG2_E);
    double r = (x - n * LN2_HI) - n * LN2_LO;
    double y = 1.0 + (r + r * r * series(C, DA_ARRAY_LEN(C), r));
    return of_bits(bits_of(y) + ((uint64_t)(int64_t)n << 52));
}

double da_log(double x)
{
    /* log(1 + f) = 2 atanh(s), s = f / (2 + f): s * (2 + 2/3 s^2 + ...) = f - s * (f - R) */
    static const double C[] = {2.0 / 3,  2.0 / 5,  2.0 / 7,  2.0 / 9,  2.0 / 11, 2.0 / 13,
                               2.0 / 15, 2.0 / 17, 2.0 / 19, 2.0 / 21, 2.0 / 23};
    int e = 0;
    if (!(x > 0.0))
        return x == 0.0 ? -INFINITY : isnan(x) ? x : NAN;
    if (isinf(x))
        return x;
    double m = frexp(x, &e) * 2.0; /* 1 <= m < 2, exact */
    e -= 1;
    if (m > SQRT_2) {
        m *= 0.5;
        e++;
    }
    double f = m - 1.0, s = f / (2.0 + f), z = s * s;
    double rest = z * series(C, DA_ARRAY_LEN(C), z);
    return e * LN2_HI + (f - (s * (f - rest) - e * LN2_LO));
}

/* The logarithm of the rounded sum, and what the rounding lost. */
double da_log1p(double x)
{
    double w = 1.0 + x;
    return w == 1.0 || isinf(w) ? x : da_log(w) - ((w - 1.0) - x) / w;
}

double da_pow(double x, double y)
{
    return da_exp(y * da_log(x));
}

/* x = n * pi/2 + hi + lo; n's last two bits. */
static unsigned quadrant(double x, double *hi, double *lo)
{
    double n = rint(x * TWO_OVER_PI);
    double a = x - n * PIO2_1, b = n * PIO2_2, r = a - b;
    double tail = ((a - r) - b) - n * PIO2_3;
    *hi = r + tail;
    *lo = (r - *hi) + tail;
    return (unsigned)((int64_t)n & 3);
}

static double sin_small(double x, double lo)
{
    static const double C[] = {-F3, F5, -F7, F9, -F11, F13, -F15, F17};
    double z = x * x;
    return x + (x * z * series(C, DA_ARRAY_LEN(C), z) + lo * (1.0 - 0.5 * z));
}

static double cos_small(double x, double lo)
{
    static const double C[] = {F4, -F6, F8, -F10, F12, -F14, F16};
    double z = x * x, half = 0.5 * z, w = 1.0 - half;
    return w + (((1.0 - w) - half) + (z * z * series(C, DA_ARRAY_LEN(C), z) - x * lo));
}

double da_sin(double x)
{
    double hi, lo;
    if (!(fabs(x) <= ANGLE_MAX))
        return NAN;
    unsigned q = quadrant(x, &hi, &lo);
    double y = q & 1 ? cos_small(hi, lo) : sin_small(hi, lo);
    return q & 2 ? -y : y;
}

double da_cos(double x)
{
    double hi, lo;
    if (!(fabs(x) <= ANGLE_MAX))
        return NAN;
    unsigned q = quadrant(x, &hi, &lo);
    double y = q & 1 ? sin_small(hi, lo) : cos_small(hi, lo);
    return q == 1 || q == 2 ? -y : y;
}
