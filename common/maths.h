#ifndef COMMON_MATHS_H
#define COMMON_MATHS_H

/*
 * exp, log, pow, sin and cos whose every bit is fixed: additions, products and
 * quotients of doubles in one written order, nothing fused. A C library's own differ
 * from version to version, and on one machine by the processor found. Within 2 units
 * in the last place of libm (tests/unit/test_maths.c); pow within that times
 * max(1, |y * log(x)|).
 */

double da_exp(double x);           /* 0 below -708, infinity above 709; NaN stays */
double da_log(double x);           /* -infinity for 0, NaN below */
double da_log1p(double x);         /* log(1 + x), x > -1 */
double da_pow(double x, double y); /* x > 0 */
/* Full precision up to 10^6 in magnitude; NaN beyond 10^9. */
double da_cos(double x);
double da_sin(double x);

#define DA_PI 3.14159265358979323846

#endif
