"""Removable singularities of functions of one variable at 0: sin(x)/x, (exp(x) - 1)/x, log(1 + x)/x.

There, zero over zero is nan, and around it a derivative such as cos(x)/x - sin(x)/x^2 cancels. A formula
that is nan at 0 and has a power series there is that series close to 0, wherever the series is shorter than
MOST terms and the formula right to rounding beyond.
"""

from __future__ import annotations

from functools import lru_cache

import mpmath
import numpy as np
import sympy as sp

from symbp.ir.evaluate import evaluate_body
from symbp.ir.exact import exact
from symbp.ir.nodes import Access
from symbp.ir.walk import is_large, postorder, substitute
from symbp.passes.simplify.power_series import NotAnalytic, Series, series

SIZE = 200
"""Nodes, counted as a tree, of a formula that is looked at."""
TERMS, MOST = 48, 24
"""Terms that are computed, and of a polynomial."""
RADII = (2.0, 1.0, 0.5, 0.25, 0.125)
TAIL = 1e-18
"""What is left out of a series, against its value."""
ROUNDING = 8.0
"""Errors of a polynomial, in units in the last place."""
_TRIED = (1e-40, 1e-20, 1e-9, 1e-3, 0.1, 0.3, 0.5, 0.7, 0.9, 0.999)
DIGITS = 1000

REMOVABLE = "removable singularity"
COMPARED = f"at {2 * len(_TRIED)} arguments"
"""The rule, and how it is verified."""

_X = Access("x")


def series_at(x: Access, formula: sp.Expr) -> list[tuple[sp.Expr, sp.Basic]]:
    """(polynomial in x, condition) close to 0 for a formula in x that is nan at 0; none where it has none."""
    found = near_zero(substitute(formula, {x: _X}))
    if found is None:
        return []
    polynomial, radius = found
    if radius == 0:
        return [(polynomial, sp.Eq(x, 0, evaluate=False))]
    return [(substitute(polynomial, {_X: x}), sp.Lt(sp.Abs(x), sp.Float(radius), evaluate=False))]


@lru_cache(maxsize=1024)
def near_zero(formula: sp.Expr) -> tuple[sp.Expr, float] | None:
    """A polynomial for a formula over `x`, and where |x| must be below for it; None where 0 is no removable
    singularity. Where the radius is 0, only the value at 0 is known."""
    divides = any(isinstance(n, sp.Pow) and n.exp.is_negative for n in postorder([formula]))
    if not divides or is_large(formula, SIZE):
        return None
    try:
        found = series(formula, _X, TERMS)
        found.whole()
    except NotAnalytic:
        return None
    if not found.c:
        return None
    for radius in RADII:
        polynomial = _polynomial(found, radius)
        if polynomial is not None and _is_right(polynomial, formula, radius):
            return polynomial, radius
    return sp.Float(float(found.at(0))), 0.0


def _polynomial(s: Series, radius: float) -> sp.Expr | None:
    """As many terms of a series as its value needs within the radius, by Horner's rule."""
    sizes = [abs(c) * mpmath.mpf(radius) ** k for k, c in enumerate(s.c)]
    value = abs(sum(c * mpmath.mpf(radius) ** k for k, c in enumerate(s.c)))
    count = next((n for n in range(1, MOST + 1) if sum(sizes[n:]) <= TAIL * value), None)
    if count is None or len(s.c) < MOST + 8:
        return None
    c = [float(v) for v in s.c[:count]]
    step = 2 if not any(c[1::2]) else 1
    result: sp.Expr = sp.S.Zero
    for v in reversed(c[::step]):
        result = sp.Float(v) + _X**step * result
    return _X**s.start * result


def _is_right(polynomial: sp.Expr, formula: sp.Expr, radius: float) -> bool:
    at = [sign * radius * t for t in _TRIED for sign in (1, -1)]
    with np.errstate(all="ignore"):
        got = np.broadcast_to(evaluate_body(polynomial, {_X.name: np.array(at)}), len(at))
    for value, point in zip(got.tolist(), at, strict=True):
        truth = exact(formula, {_X: point}, DIGITS)
        if truth is None or not abs(value - truth) <= ROUNDING * np.spacing(max(abs(float(truth)), 1e-300)):
            return False
    return True
