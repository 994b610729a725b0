"""Products at an infinite argument, where one factor is 0 and another infinite: their limit, where it is 0.

    x exp(-x^2/2),    x/(1 + exp(-x)),    x (1 + erf(x))

Infinity times 0 is nan in floating point. Only where the product is as good as 0 at large arguments long
before: x/(1 + x) stays what it is. For functions of one variable, as `vanishing`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp

from symbp.ir.evaluate import evaluate_body
from symbp.ir.exact import exact
from symbp.ir.functions import times_logarithm
from symbp.ir.nodes import Access
from symbp.ir.walk import accesses, is_large, substitute
from symbp.passes.simplify.vanishing import AT

SIZE = 60
"""Nodes of a factor that is looked at."""
FAR = (1e3, 1e10, 1e30)
"""Arguments that stand for an infinite one, where they have values: exp(exp(1e10)) has none."""
ZERO = 1e-300
DIGITS = 60

AT_ENDS = "limit at infinity"
AT_LARGE = "at large arguments"
"""The rule, and how a product is verified."""

_X = Access("x")
_ENDS = np.array([-np.inf, np.inf])

Look = Callable[[Any], Any]


def zero_at_ends(factors: Sequence[sp.Expr], look: Look) -> list[sp.Expr]:
    """The factors of a product, one that is 0 at an end and those that are infinite there taken together.

    Args:
        look: gives an expression with formulas instead of the entries that hold them.
    """
    factors = list(factors)
    formulas: dict[Access, dict[sp.Expr, sp.Expr]] = {}
    for factor in factors:
        body = factor if factor.is_number else look(factor)
        read = accesses(body)
        if len(read) == 1 and not is_large(body, SIZE):
            formulas.setdefault(read[0], {})[factor] = substitute(body, {read[0]: _X})
    for group in formulas.values():
        for factor, growing in _opposed(group) if len(group) > 1 else ():
            if _vanishes(group[factor], sp.Mul(*(group[f] for f in growing))):
                rest = [f for f in factors if f is not factor and f not in growing]
                return [*rest, times_logarithm(factor, sp.Mul(*growing))]
    return factors


def _opposed(group: dict[sp.Expr, sp.Expr]) -> list[tuple[sp.Expr, list[sp.Expr]]]:
    """Factors that are 0 at an end, each with those that are infinite there."""
    values = {f: _at_ends(body) for f, body in group.items()}
    found = [(f, [g for g in group if (np.isinf(values[g]) & (values[f] == 0)).any()]) for f in group]
    return [(f, growing) for f, growing in found if growing]


@lru_cache(maxsize=4096)
def _at_ends(body: sp.Expr) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.broadcast_to(evaluate_body(body, {_X.name: _ENDS}), _ENDS.shape)


@lru_cache(maxsize=1024)
def _vanishes(factor: sp.Expr, other: sp.Expr) -> bool:
    """Whether a product is as good as 0 at large arguments, at every end where a factor of it is 0, and
    wherever that is 0 and the other one infinite."""
    with np.errstate(all="ignore"):
        zero = np.broadcast_to(evaluate_body(factor, {_X.name: AT}), AT.shape) == 0
        infinite = np.isinf(np.broadcast_to(evaluate_body(other, {_X.name: AT}), AT.shape))
    for x in AT[zero & infinite]:
        value = exact(factor * other, {_X: float(x)}, DIGITS)
        if value is None or abs(value) > ZERO:
            return False
    for end in np.sign(_ENDS[_at_ends(factor) == 0]):
        values = [exact(factor * other, {_X: float(end * far)}, DIGITS) for far in FAR]
        counted = [v for v in values if v is not None]
        if not counted or any(abs(v) > ZERO for v in counted):
            return False
    return True
