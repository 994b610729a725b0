"""Signs: a condition on the operand of a function as one on its value.

relu, elu and their kin are positive exactly where their operand is: `1 if z > 0 else 1 + a` becomes
`1 if a > 0 else 1 + a`, and the pre-activation z need not be kept for the backward pass. Nothing is known
by name: SymPy proves the sign of the function on both sides of 0, if need be by its slope and its value at
0; that rounding keeps it is tried in floating point.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import sympy as sp
from sympy.core.relational import Relational

from symbp.ir.evaluate import evaluate_body
from symbp.ir.nodes import Access
from symbp.ir.walk import accesses, conditions, operations, substitute
from symbp.passes.simplify.stable import stable_body

SIZE = 40
"""Operations of a function that is looked at."""

_SIZES = (1e-300, 1e-30, 1e-9, 1e-3, 0.3, 1.0, 5.0, 30.0, 300.0, 1000.0)
_X = Access("x")


def conditions_on_value(body: sp.Expr, derivative: sp.Expr, value: Access) -> sp.Expr:
    """The derivative of a function of one access with its conditions on that access as conditions on the
    function's value, where they are the same; else as it was."""
    operands = accesses(body)
    if len(operands) != 1 or operations(body) > SIZE:
        return derivative
    (x,) = operands
    swap = {
        condition: condition.func(value, 0)
        for condition in conditions(derivative)
        if isinstance(condition, Relational)
        and (condition.lhs, condition.rhs) == (x, 0)
        and has_same_sign(substitute(body, {x: _X}), condition.func)
    }
    found = substitute(derivative, swap) if swap else derivative
    # One use of x that is left, and x is kept anyway.
    return derivative if x in accesses(found) else found


@lru_cache(maxsize=1024)
def has_same_sign(body: sp.Expr, relation: type[Relational]) -> bool:
    """Whether `relation(x, 0)` holds exactly where `relation(f(x), 0)` does, for a body over `x`."""
    strict = relation in (sp.Gt, sp.Le)
    if relation not in (sp.Gt, sp.Ge, sp.Lt, sp.Le):
        return False
    above = sp.Dummy("p", positive=True) if strict else sp.Dummy("p", nonnegative=True)
    below = sp.Dummy("q", nonpositive=True) if strict else sp.Dummy("q", negative=True)
    return (
        _never_below(substitute(body, {_X: above}), above, strict)
        and _never_below(-substitute(body, {_X: below}), below, not strict)
        and _in_floats(body, relation)
    )


def _never_below(f: sp.Expr, x: sp.Symbol, strict: bool) -> bool:
    """Whether f >= 0 (f > 0 where `strict`), on one side of 0: f there grows away from f(0) >= 0."""
    if f.is_positive or (not strict and f.is_nonnegative):
        return True
    if not f.has(x) or f.has(sp.Piecewise, sp.Max, sp.Min):
        return False
    slope, start = f.diff(x), f.subs(x, 0)
    if x.is_nonpositive:
        slope = -slope
    grows = slope.is_positive if strict else slope.is_nonnegative
    return bool(grows and start.is_nonnegative)


def _in_floats(body: sp.Expr, relation: type[Relational]) -> bool:
    compare = {sp.Gt: np.greater, sp.Ge: np.greater_equal, sp.Lt: np.less, sp.Le: np.less_equal}[relation]
    at = np.array([0.0, *_SIZES, *(-s for s in _SIZES)])
    with np.errstate(all="ignore"):
        value = np.broadcast_to(evaluate_body(stable_body(body, False), {_X.name: at}), at.shape)
    return bool(np.array_equal(compare(at, 0), compare(value, 0)))
