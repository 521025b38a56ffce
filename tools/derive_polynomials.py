#!/usr/bin/env python3
"""Derives the polynomials of src/core/vector_math.h.

Usage: derive_polynomials.py [--check]

Each one is a minimax fit (Remez exchange in 60-digit arithmetic) whose
coefficients are then rounded to float from the highest power down, the lower
ones being fitted again after each rounding.  The program prints the
coefficients as C hexadecimal floats together with the largest error found when
the polynomial is evaluated the way the kernels do it: Horner's scheme in float,
one fused multiply-add a step.

Needs mpmath and numpy.
"""
import sys

import mpmath as mp
import numpy as np

mp.mp.dps = 60


def chebyshev_points(low, high, count):
    return [(low + high) / 2 + (high - low) / 2 * mp.cos(mp.pi * i / (count - 1))
            for i in range(count - 1, -1, -1)]


def remez(function, weight, powers, low, high):
    """Minimax coefficients of sum c_p x^p for p in powers, weighted error."""
    count = len(powers) + 1
    points = chebyshev_points(low, high, count)
    grid = chebyshev_points(low, high, 1500)
    values = [function(x) for x in grid]
    weights = [weight(x) for x in grid]
    for _ in range(40):
        matrix = mp.matrix(count, count)
        right = mp.matrix(count, 1)
        for i, x in enumerate(points):
            for j, power in enumerate(powers):
                matrix[i, j] = x ** power
            matrix[i, count - 1] = (-1) ** i / weight(x)
            right[i] = function(x)
        solution = mp.lu_solve(matrix, right)
        coefficients = [solution[j] for j in range(count - 1)]
        errors = [(sum(c * x ** p for c, p in zip(coefficients, powers)) - v) * w
                  for x, v, w in zip(grid, values, weights)]
        # one extremum from each run of equal signs
        extrema = []
        for x, e in zip(grid, errors):
            if extrema and (e > 0) == (extrema[-1][1] > 0):
                if abs(e) > abs(extrema[-1][1]):
                    extrema[-1] = (x, e)
            else:
                extrema.append((x, e))
        while len(extrema) > count:
            extrema.pop(0 if abs(extrema[0][1]) < abs(extrema[-1][1]) else -1)
        if len(extrema) < count:
            break
        points = [x for x, _ in extrema]
        sizes = [abs(e) for _, e in extrema]
        if max(sizes) / min(sizes) < mp.mpf("1.001"):
            break
    return coefficients


def rounded_fit(function, weight, powers, low, high, fixed=None):
    """Like remez, with float coefficients; fixed: {power: value} given ones."""
    done = dict(fixed or {})
    left = [p for p in powers if p not in done]
    while left:
        def rest(x):
            return function(x) - sum(c * x ** p for p, c in done.items())
        fit = remez(rest, weight, left, low, high)
        done[left[-1]] = mp.mpf(float(np.float32(float(fit[-1]))))
        left.pop()
    return [done[p] for p in powers]


def fma(a, b, c):
    """float fma: the product is exact in double; the double rounding of the
    sum is of no weight for an error bound."""
    return (a.astype(np.float64) * b + c).astype(np.float32)


def horner(x, coefficients):
    result = np.full_like(x, np.float32(float(coefficients[-1])))
    for c in reversed(coefficients[:-1]):
        result = fma(result, x, np.float32(float(c)))
    return result


def hexadecimal(value):
    mantissa, exponent = float(value).hex().split("p")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}p{exponent}f"


def show(name, coefficients, note):
    print(f"{name}: {note}")
    for power, c in enumerate(coefficients):
        print(f"  c{power} = {hexadecimal(c)}  ({float(c):.9g})")


def exp_float(x):
    """electra's exp on [-87.3, 88]."""
    log2e = np.float32(float(1 / mp.log(2)))
    magic = np.float32(1.5 * 2 ** 23)
    t = fma(x, log2e, magic)
    n = t - magic
    r = fma(n, -LN2_HIGH, x)
    r = fma(n, -LN2_LOW, r)
    return np.ldexp(horner(r, EXP), n.astype(np.int32))


LN2_HIGH = np.float32(float(mp.floor(mp.log(2) * 2 ** 16) / 2 ** 16))
LN2_LOW = np.float32(float(mp.log(2) - mp.mpf(float(LN2_HIGH))))

half = mp.log(2) / 2 * mp.mpf("1.0001")
EXP = rounded_fit(mp.exp, lambda x: mp.exp(-x), list(range(7)), -half, half,
                  {0: mp.mpf(1), 1: mp.mpf(1)})
xs = np.linspace(-87.3, 88, 400001).astype(np.float32)
exact = np.exp(xs.astype(np.float64))
error = np.max(np.abs(exp_float(xs) / exact - 1))
print("ln2_high", hexadecimal(float(LN2_HIGH)), "ln2_low", hexadecimal(float(LN2_LOW)),
      "log2e", hexadecimal(float(np.float32(float(1 / mp.log(2))))))
show("exp", EXP, f"largest relative error {error:.3g}")


def log_tail(a):
    return mp.log(mp.erfc(a / mp.sqrt(2)) / 2)


def gelu_weight(a):
    return (a + mp.mpf("0.02")) * mp.erfc(a / mp.sqrt(2)) / 2 + mp.mpf("1e-5")


TAIL = rounded_fit(log_tail, gelu_weight, list(range(int(sys.argv[1]) if len(sys.argv) > 1 else 11)),
                   mp.mpf(0), mp.mpf("5.75"))
xs = np.linspace(-12, 12, 400001).astype(np.float32)
a = np.abs(xs)
q = np.maximum(horner(a, TAIL), np.float32(-87.3))
product = a * exp_float(q)
gelu = np.maximum(xs, 0) - product
from math import erfc
exact = np.array([x * erfc(-x / 2 ** 0.5) / 2 for x in xs.astype(np.float64)])
exact_product = np.array([x * erfc(x / 2 ** 0.5) / 2 for x in a.astype(np.float64)])
show("log_tail", TAIL, f"largest error of the tail {np.max(np.abs(product - exact_product)):.3g}, "
     f"largest error of gelu {np.max(np.abs(gelu - exact)):.3g} at {xs[np.argmax(np.abs(gelu-exact))]}, "
     f"below 1 {np.max(np.abs(gelu - exact)[a < 1]):.3g}")

limit = mp.mpf("0.39")  # of x^2
TANH = rounded_fit(lambda z: mp.tanh(mp.sqrt(z)) / mp.sqrt(z) if z > 0 else mp.mpf(1),
                   lambda z: mp.mpf(1), list(range(6)), limit / 100, limit, {0: mp.mpf(1)})
xs = np.linspace(-0.625, 0.625, 200001).astype(np.float32)
xs = xs[xs != 0]
value = xs * horner(xs * xs, TANH)
show("tanh", TANH, f"largest relative error below 0.625 {np.max(np.abs(value / np.tanh(xs.astype(np.float64)) - 1)):.3g}")
