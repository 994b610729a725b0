"""Derives the polynomial coefficients of symbp/codegen/vector: python benchmarks/coefficients.py [NAME]

Remez's exchange algorithm (E. Remez, "Sur la détermination des polynômes d'approximation de degré donnée",
1934) in 40 digits: the error of the polynomial is made to alternate between equal extrema. Coefficients are
then rounded to the format one by one, from the lowest power, and the later ones fitted again to what is left.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import mpmath
import numpy as np
from mpmath import mpf

mpmath.mp.dps = 40


@dataclass(frozen=True)
class Fit:
    """A function on an interval and the degree of its polynomial, per format."""

    function: Callable[[mpf], mpf]
    low: float
    high: float
    single: int
    double: int
    weight: Callable[[mpf], mpf] = lambda _: mpf(1)
    single_high: float | None = None
    """The end of the interval in float32, where another one."""


def remez(f, weight, low, high, degree, powers):
    """Coefficients of the powers that minimise the largest weighted error, and that error."""
    points = [
        (low + high) / 2 - (high - low) / 2 * mpmath.cos(mpmath.pi * (k + mpf(1) / 2) / (len(powers) + 1))
        for k in range(len(powers) + 1)
    ]
    grid = [low + (high - low) * (1 - mpmath.cos(mpmath.pi * k / 600)) / 2 for k in range(601)]
    grid = [g if abs(g) > (high - low) / 10**6 else (high - low) / 10**6 for g in grid]
    exact = [(f(g), weight(g)) for g in grid]
    for _ in range(12):
        rows = [[p**k for k in powers] + [(-1) ** i / weight(p)] for i, p in enumerate(points)]
        solution = mpmath.lu_solve(mpmath.matrix(rows), mpmath.matrix([f(p) for p in points]))
        c = list(solution)[:-1]
        errors = [
            (v - sum(ck * g**k for ck, k in zip(c, powers, strict=True))) * w
            for g, (v, w) in zip(grid, exact, strict=True)
        ]
        found: list[int] = []
        for k, error in enumerate(errors):
            if found and (error > 0) == (errors[found[-1]] > 0):
                if abs(error) > abs(errors[found[-1]]):
                    found[-1] = k
            else:
                found.append(k)
        while len(found) > len(points):
            found.pop(0 if abs(errors[found[0]]) < abs(errors[found[-1]]) else -1)
        largest = max(map(abs, errors))
        if len(found) < len(points) or largest < abs(solution[len(powers)]) * mpf("1.02"):
            break
        points = [grid[k] for k in found]
    return c, largest


def rounded(fit: Fit, single: bool) -> tuple[list[float], float]:
    """Coefficients in the format, highest power first, and the largest error."""
    degree = fit.single if single else fit.double
    high = mpf(fit.single_high if single and fit.single_high else fit.high)
    done: list[float] = []
    largest = mpf(0)
    if fit.low < 0:
        # Without their lowest powers, polynomials around 0 have no alternating error: no second fit.
        c, largest = remez(fit.function, fit.weight, mpf(fit.low), high, degree, list(range(degree + 1)))
        return [float(np.float32(float(v)) if single else float(v)) for v in c[::-1]], float(largest)
    for k in range(degree + 1):
        c, largest = remez(
            lambda v: fit.function(v) - sum(mpf(d) * v**i for i, d in enumerate(done)),
            fit.weight, mpf(fit.low), high, degree, list(range(k, degree + 1)),
        )  # fmt: skip
        done.append(float(np.float32(float(c[0])) if single else float(c[0])))
    return done[::-1], float(largest)


def _tail(f: Callable, start: int, step: int) -> Callable:
    """(f(x) - its first Taylor terms)/x^start as a function of x, or of x^2 where step is 2."""
    taylor = mpmath.taylor(f, 0, start - 1)

    def value(v: mpf) -> mpf:
        with mpmath.workdps(200):
            at = mpmath.sqrt(v) if step == 2 else v
            return (f(at) - sum(t * at**k for k, t in enumerate(taylor))) / at**start

    return value


_half = mpmath.log(2) / 2 * mpf("1.001")
_s = (mpmath.sqrt(2) - 1) / (mpmath.sqrt(2) + 1)


def _artanh(s: mpf) -> mpf:
    return 2 * mpmath.atanh(s)


def _erfc(t: mpf) -> mpf:
    at = mpf(7) / 4 * (1 + t) / (1 - t)
    return mpmath.log(mpmath.exp(at * at) * mpmath.erfc(at) * (1 + 2 * at))


FITS = {
    "EXP": Fit(_tail(mpmath.exp, 2, 1), -_half, _half, 5, 10),
    "LOG": Fit(_tail(_artanh, 3, 2), 0, _s**2 * mpf("1.001"), 2, 6),
    "POWER_LOG": Fit(_tail(_artanh, 5, 2), 0, _s**2 * mpf("1.001"), 3, 7),
    "SIN": Fit(_tail(mpmath.sin, 3, 2), 0, (mpmath.pi / 4) ** 2 * mpf("1.001"), 2, 5),
    "COS": Fit(_tail(mpmath.cos, 4, 2), 0, (mpmath.pi / 4) ** 2 * mpf("1.001"), 2, 5),
    "ATAN": Fit(_tail(mpmath.atan, 3, 2), 0, mpmath.tan(mpmath.pi / 8) ** 2 * mpf("1.001"), 4, 10),
    "ASIN": Fit(_tail(mpmath.asin, 3, 2), 0, 0.25, 5, 12),
    "ERF": Fit(lambda z: mpmath.erf(mpmath.sqrt(z)) / mpmath.sqrt(z) - 1, 0, 0.83, 6, 12),
    "ERFC": Fit(_erfc, -0.63, 0.884, 11, 23, single_high=0.71),
}

if __name__ == "__main__":
    if unknown := set(sys.argv[1:]) - set(FITS):
        sys.exit(f"no such polynomial: {', '.join(sorted(unknown))}; there are {', '.join(FITS)}")
    for name in sys.argv[1:] or FITS:
        for single in (True, False):
            coefficients, error = rounded(FITS[name], single)
            print(name, "float32" if single else "float64", f"largest error {error:.1e}")
            print("   ", ", ".join(map(repr, coefficients)))
