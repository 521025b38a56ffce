#!/usr/bin/env python3
"""Derives the polynomials of src/core/vector_math.h.

Usage: derive_polynomials.py

Each one is a minimax fit (Remez exchange in 60-digit arithmetic) whose
coefficients are then rounded to float from the highest power down, the lower
ones being fitted again after each rounding.  The program prints the
coefficients as C hexadecimal floats together with the largest error found when
the polynomial is evaluated the way the kernels do it: Horner's scheme in float,
one fused multiply-add a step.

Needs mpmath and numpy; takes half a minute.
"""
import math

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


LN2_HIGH = np.float32(float(mp.floor(mp.log(2) * 2 ** 16) / 2 ** 16))
LN2_LOW = np.float32(float(mp.log(2) - mp.mpf(float(LN2_HIGH))))
LOG2_E = np.float32(float(1 / mp.log(2)))


def fit_exp():
    """exp on [-ln(2)/2, ln(2)/2], relative error; the two lowest are 1."""
    half = mp.log(2) / 2 * mp.mpf("1.0001")
    return rounded_fit(mp.exp, lambda x: mp.exp(-x), list(range(7)), -half, half,
                       {0: mp.mpf(1), 1: mp.mpf(1)})


def fit_log_tail():
    """log(erfc(a / sqrt(2)) / 2) on [0, 5.75], weighted with what an error does to gelu."""
    return rounded_fit(lambda a: mp.log(mp.erfc(a / mp.sqrt(2)) / 2),
                       lambda a: (a + mp.mpf("0.02")) * mp.erfc(a / mp.sqrt(2)) / 2 + mp.mpf("1e-5"),
                       list(range(11)), mp.mpf(0), mp.mpf("5.75"))


def fit_tanh():
    """tanh(x) / x in powers of x^2 up to 0.625^2; the lowest is 1."""
    limit = mp.mpf("0.39")
    return rounded_fit(lambda z: mp.tanh(mp.sqrt(z)) / mp.sqrt(z), lambda z: mp.mpf(1),
                       list(range(6)), limit / 100, limit, {0: mp.mpf(1)})


def exp_float(x, coefficients):
    """electra's exp on [-87.3, 88]."""
    magic = np.float32(1.5 * 2 ** 23)
    n = fma(x, LOG2_E, magic) - magic
    r = fma(n, -LN2_HIGH, x)
    r = fma(n, -LN2_LOW, r)
    return np.ldexp(horner(r, coefficients), n.astype(np.int32))


def main():
    exp = fit_exp()
    x = np.linspace(-87.3, 88, 400001).astype(np.float32)
    error = np.max(np.abs(exp_float(x, exp) / np.exp(x.astype(np.float64)) - 1))
    print("ln(2) high", hexadecimal(LN2_HIGH), "low", hexadecimal(LN2_LOW), "log2(e)", hexadecimal(LOG2_E))
    show("exp", exp, f"largest relative error {error:.3g}")

    tail = fit_log_tail()
    x = np.linspace(-12, 12, 400001).astype(np.float32)
    a = np.abs(x)
    product = a * exp_float(np.maximum(horner(a, tail), np.float32(-87.3)), exp)
    exact = np.array([v * math.erfc(v / 2 ** 0.5) / 2 for v in a.astype(np.float64)])
    gelu = np.maximum(x, 0) - product
    exact_gelu = np.array([v * math.erfc(-v / 2 ** 0.5) / 2 for v in x.astype(np.float64)])
    show("normal tail", tail, f"largest error of a times the tail {np.max(np.abs(product - exact)):.3g}, "
         f"of gelu {np.max(np.abs(gelu - exact_gelu)):.3g}, below 1 {np.max(np.abs(gelu - exact_gelu)[a < 1]):.3g}")

    tanh = fit_tanh()
    x = np.linspace(0.0001, 0.625, 200001).astype(np.float32)
    error = np.max(np.abs(x * horner(x * x, tanh) / np.tanh(x.astype(np.float64)) - 1))
    show("tanh", tanh, f"largest relative error below 0.625 {error:.3g}")


if __name__ == "__main__":
    main()
