"""The gamma function's logarithm and the derivatives of that, as functions that generated modules carry.

Written so that they work when pasted, as `symbp.codegen.support`.
"""

from __future__ import annotations

import math

import numpy as np

from symbp.machine.vocabulary import njit


@njit(error_model="numpy")
def log_gamma(x):
    """log |gamma(x)|; infinite at the poles."""
    return np.inf if x <= 0 and x == np.floor(x) else math.lgamma(x)


@njit(error_model="numpy")
def digamma(x):
    """d/dx log gamma(x): recurrence up to x >= 10, then the asymptotic series."""
    total = 0.0
    if x <= 0:
        part = x - math.floor(x + 0.5)
        if part == 0:
            return np.nan
        # Reflection; the argument of tan is reduced first, or large -x would lose digits, to what is nearest
        # to a pole, or small -x would.
        total = -math.pi / math.tan(math.pi * part)
        x = 1 - x
    while x < 10:
        total -= 1 / x
        x += 1
    z = 1 / (x * x)
    tail = 1 / 132 - z * (691 / 32760 - z / 12)
    series = z * (1 / 12 - z * (1 / 120 - z * (1 / 252 - z * (1 / 240 - z * tail))))
    return total + (math.log(x) - 0.5 / x - series)


BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798)


@njit(error_model="numpy")
def polygamma(n, x):
    """The n-th derivative of digamma, n >= 1: recurrence, asymptotic series, reflection for x <= 0."""
    odd = -1.0 if n % 2 else 1.0
    reflected = 0.0
    factor = 1.0
    if x <= 0:
        part = x - math.floor(x + 0.5)
        if part == 0:
            return np.nan if n % 2 == 0 else np.inf
        reflected = -(math.pi ** (n + 1)) * cotangent_derivative(n, 1 / math.tan(math.pi * part))
        factor = odd
        x = 1 - x
    factorial = math.gamma(n + 1.0)
    total = 0.0
    while x < 12 + n:
        total += factorial / x ** (n + 1)
        x += 1
    power = x**-n
    term = factorial / n * power  # (n-1)! / x^n, then (2k+n-1)! / ((2k)! x^(2k+n))
    total += term + 0.5 * factorial * power / x
    for k in range(1, 10):
        term *= (2 * k + n - 1) / (2 * k) * (2 * k + n - 2) / (2 * k - 1) / (x * x)
        total += BERNOULLI[k - 1] * term
    return reflected - factor * odd * total


@njit(error_model="numpy")
def cotangent_derivative(n, c):
    """The n-th derivative of cot in terms of c = cot: P(k+1) = -(1 + c^2) P'(k)."""
    now = np.zeros(n + 3)
    now[1] = 1.0
    for _ in range(n):
        new = np.zeros(n + 3)
        for k in range(1, n + 2):
            new[k - 1] -= k * now[k]
            new[k + 1] -= k * now[k]
        now = new
    value = 0.0
    for k in range(n + 2, -1, -1):
        value = value * c + now[k]
    return value
