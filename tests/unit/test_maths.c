/* exp, log, pow, sin, cos of our own against libm's, the outside truth, and their edges. */
#include <float.h>
#include <math.h>

#include "common/maths.h"
#include "common/rng.h"
#include "tests/tap.h"

static struct da_rng rng;

static double between(double lo, double hi)
{
    return lo + (hi - lo) * da_rng_double(&rng);
}

/* Units in the last place of want. */
static double ulps(double got, double want)
{
    int e = 0;
    if (got == want)
        return 0.0;
    (void)frexp(want, &e);
    return fabs(got - want) / ldexp(1.0, e - DBL_MANT_DIG);
}

enum { N = 200000 };

static void test_exp_log(void)
{
    double worst[5] = {0};
    for (int i = 0; i < N; i++) {
        double x = between(i % 2 ? -708.0 : -1.0, i % 2 ? 709.0 : 1.0);
        worst[0] = fmax(worst[0], ulps(da_exp(x), exp(x)));
        double y = i % 3 == 0 ? exp(x) : i % 3 == 1 ? between(0.5, 2.0) : 1.0 + 1e-6 * x / 709.0;
        worst[1] = fmax(worst[1], ulps(da_log(y), log(y)));
        double u = i % 2 ? between(-0.9, 9.0) : exp(between(-40.0, 40.0));
        worst[4] = fmax(worst[4], ulps(da_log1p(u), log1p(u)));
        double b = between(0.001, 1e6), p = between(-3.0, 3.0);
        double allowed = fmax(1.0, fabs(p * log(b)));
        worst[2] = fmax(worst[2], ulps(da_pow(b, p), pow(b, p)) / allowed);
    }
    worst[3] = fmax(ulps(da_log(4.9e-324), log(4.9e-324)), ulps(da_log(DBL_MAX), log(DBL_MAX)));
    tap_ok(worst[0] <= 2.0, "exp within 2 units of libm's (%.2f)", worst[0]);
    tap_ok(worst[1] <= 2.0, "log within 2 units of libm's (%.2f)", worst[1]);
    tap_ok(worst[2] <= 2.0, "pow within 2 units for each e-fold (%.2f)", worst[2]);
    tap_ok(worst[4] <= 3.0, "log1p within 3 units of libm's (%.2f)", worst[4]);
    tap_ok(worst[3] <= 1.0, "log of the least and the largest double (%.2f)", worst[3]);
}

static void test_sin_cos(void)
{
    double worst[3] = {0};
    for (int i = 0; i < N; i++) {
        double x = between(-1.0, 1.0) * (i % 3 == 0 ? 1e6 : i % 3 == 1 ? 1000.0 : 2.0);
        worst[0] = fmax(worst[0], ulps(da_sin(x), sin(x)));
        worst[1] = fmax(worst[1], ulps(da_cos(x), cos(x)));
    }
    for (int i = 1; i < 100000; i++) { /* where they nearly vanish */
        double x = i * (DA_PI / 2);
        worst[2] = fmax(worst[2], fabs(da_sin(x) - sin(x)));
        worst[2] = fmax(worst[2], fabs(da_cos(x) - cos(x)));
    }
    tap_ok(worst[0] <= 2.0, "sin within 2 units of libm's up to 10^6 (%.2f)", worst[0]);
    tap_ok(worst[1] <= 2.0, "cos within 2 units of libm's up to 10^6 (%.2f)", worst[1]);
    tap_ok(worst[2] <= 2e-16, "both near multiples of pi/2 (%.1e)", worst[2]);
}

static void test_edges(void)
{
    tap_ok(da_exp(0.0) == 1.0 && da_exp(-0.0) == 1.0, "exp(0) is 1");
    tap_ok(da_exp(-1000.0) == 0.0 && da_exp(-INFINITY) == 0.0, "exp far below");
    tap_ok(isinf(da_exp(1000.0)) && isinf(da_exp(INFINITY)), "exp far above");
    tap_ok(isnan(da_exp(NAN)) && isnan(da_log(NAN)) && isnan(da_sin(NAN)), "NaN stays");
    tap_ok(da_log(1.0) == 0.0 && da_log(2.0) == log(2.0), "log of 1 and 2");
    tap_ok(isinf(da_log(0.0)) && isnan(da_log(-1.0)) && isinf(da_log(INFINITY)), "ends of log");
    tap_ok(da_sin(0.0) == 0.0 && da_cos(0.0) == 1.0, "sin and cos of 0");
    tap_ok(isnan(da_cos(INFINITY)) && isnan(da_sin(1e300)), "no angle that large");
    tap_ok(da_pow(10000.0, 0.0) == 1.0, "pow with 0");
}

int main(void)
{
    da_rng_init(&rng, 5);
    test_exp_log();
    test_sin_cos();
    test_edges();
    return tap_done();
}
