#!/usr/bin/env python3
"""Fits the polynomials of engine/kernels/math.h and prints them as C constants.

Needs numpy and mpmath. Each fit minimises the largest weighted error on Chebyshev nodes by
iteratively reweighted least squares (Lawson), in double precision.
"""
import numpy as np
import mpmath as mp


def lawson(basis, f, weight, rounds=400):
    """Coefficients c that minimise max |weight * (basis @ c - f)|."""
    w = np.ones(len(f))
    for _ in range(rounds):
        s = np.sqrt(w) * weight
        c, *_ = np.linalg.lstsq(basis * s[:, None], f * s, rcond=None)
        e = np.abs(weight * (basis @ c - f))
        w = w * e
        w = w / w.sum()
    return c


def nodes(lo, hi, n=600):
    k = np.arange(n)
    return (lo + hi) / 2 + (hi - lo) / 2 * np.cos(np.pi * (k + 0.5) / n)


def table(fn, xs):
    return np.array([float(fn(mp.mpf(x))) for x in xs])


def show(name, c):
    for i, v in enumerate(c):
        print(f"#define {name}{i} {np.float32(v):.9e}f")


def main():
    mp.mp.dps = 40
    h = float(mp.log(2) / 2)

    x = nodes(-h * 1.001, h * 1.001)
    f = table(lambda t: (mp.exp(t) - 1 - t) / t**2, x)
    show("EXP_C", lawson(np.vander(x, 5, increasing=True), f, x**2 / np.exp(x)))

    x = nodes(0.0, 0.625)[:-1]
    f = table(lambda t: (mp.tanh(t) / t - 1) / t**2, x)
    show("TANH_C", lawson(np.vander(x**2, 5, increasing=True), f, x**2))

    x = nodes(1e-6, 1.0)
    f = table(lambda t: mp.erf(t) / t - 1, x)
    show("ERF_C", lawson(np.vander(x**2, 7, increasing=True), f, np.ones_like(x)))

    x = nodes(1.0, 4.0)
    f = table(lambda t: mp.log(mp.erfc(t)), x)
    erfc = table(mp.erfc, x)
    show("ERFC_C", lawson(np.vander(x - 2.0, 8, increasing=True), f, erfc))


if __name__ == "__main__":
    main()
