"""Values at an infinite argument that come out as nan, for functions of one variable: their limits.

    sqrt(1 + x^2) - x -> 0,    x e^x (2 + e^x + x)/(1 + e^x)^2 -> 1,    log(1 + e^x) - x/4 -> oo

Infinity minus infinity and infinity over infinity are nan in floating point. The limit is what the exact
formula has come to at large arguments; one that does not settle there stays nan.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import sympy as sp

from symbp.ir.exact import exact
from symbp.ir.functions import finite
from symbp.ir.nodes import Access
from symbp.ir.walk import is_large, is_leaf, postorder, substitute

FAR = (1e10, 1e20, 1e30, 3e50, 7e75, 1e100)
"""Arguments that stand for an infinite one."""
DIGITS = 300
SIZE = 400
"""Nodes, counted as a tree, of a formula that is looked at."""
SETTLED, SMALL, LARGE = 1e-25, 1e-40, 1e40

AT_INFINITY = "value at infinity"
SETTLES = f"at arguments up to {FAR[-1]:g}"
"""The rule, and how it is verified."""

_X = Access("x")
_SETTLING: tuple[type, ...] = (
    *(sp.Add, sp.Mul, sp.Pow, sp.exp, sp.log, sp.erf, sp.erfc, sp.tanh, sp.sinh, sp.cosh, sp.atan, sp.asinh),
    *(sp.Abs, sp.sign, sp.Max, sp.Min),
)
"""What has no oscillation to be mistaken for a limit."""


def limits_at(x: Access, formula: sp.Expr, is_nan: Sequence[bool]) -> list[tuple[sp.Expr, sp.Basic]]:
    """(limit, condition) at minus infinity and infinity, where a formula in x is nan and has one.

    Args:
        is_nan: at minus infinity, and at infinity.
    """
    if not any(is_nan):
        return []
    limits = _limits(substitute(formula, {x: _X}))
    return [
        (limit, beyond(x, finite(x), evaluate=False))
        for beyond, limit, missing in zip((sp.Lt, sp.Gt), limits, is_nan, strict=True)
        if limit is not None and missing
    ]


@lru_cache(maxsize=1024)
def _limits(formula: sp.Expr) -> tuple[sp.Expr | None, sp.Expr | None]:
    """What a formula over `x` comes to at minus infinity and at infinity."""
    order = postorder([formula])
    if is_large(formula, SIZE) or not all(is_leaf(n) or isinstance(n, _SETTLING) for n in order):
        return None, None
    return _limit(formula, -1), _limit(formula, 1)


def _limit(formula: sp.Expr, sign: int) -> sp.Expr | None:
    values = [exact(formula, {_X: sign * far}, DIGITS) for far in FAR]
    if any(v is None for v in values):
        return None
    sizes = [abs(v) for v in values]
    *_, before, last = values
    if abs(last - before) <= SETTLED * sizes[-1]:
        return sp.Float(float(last))
    steps = np.diff([float(min(size, LARGE**2)) for size in sizes])
    if all(size <= earlier for size, earlier in zip(sizes[1:], sizes, strict=False)) and sizes[-1] < SMALL:
        return sp.S.Zero
    grows = all(size >= earlier for size, earlier in zip(sizes[1:], sizes, strict=False))
    # A logarithm grows by more than one between these.
    if grows and (sizes[-1] > LARGE or (steps > 1).all()) and len({v > 0 for v in values}) == 1:
        return sp.oo if last > 0 else -sp.oo
    return None
