"""Reuse of forward outputs: the derivative of a function in terms of its value.

sigma' = sigma (1 - sigma) is found, not looked up: the candidates of `candidates` compete, and what wins
has been verified. The derivative is taken as a function of one variable, so that its accuracy can be
measured over all of float64's range.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp

from symbp.ir.nodes import Access
from symbp.ir.walk import accesses, index_symbols, is_large, operations, substitute
from symbp.passes.cost import cost
from symbp.passes.simplify.candidates import candidates
from symbp.passes.simplify.stable import stable_body
from symbp.passes.simplify.verify import relative_loss, verified

SIZE = 40
"""Bodies with more operations than this are not searched: elimination is for formulas, not programs."""

EXACT = 8.0
"""Errors of a form, in units of the last place of the value, that count as rounding."""
BELOW_TOP = 4.0
"""Errors of a lossy form in units of the last place of the largest value."""
LOSS = "relative accuracy where the derivative is small; the error stays below the rounding of its maximum"

_X, _A = Access("x"), Access("a")


@dataclass(frozen=True)
class Found:
    """A form of a derivative, how it was verified, and the accuracy it gives up, in words."""

    form: sp.Expr
    verified: str
    loss: str


def through_output(body: sp.Expr, derivative: sp.Expr, value: Access, lossy: bool = True) -> Found | None:
    """The cheapest known form of d body / d access, where `value` holds the body's value.

    Only for bodies of one access. None where nothing beats the derivative as it stands.

    Args:
        lossy: whether a form may lose relative accuracy where the derivative is small against its
            largest value, as 1 - a**2 does for tanh at 30.
    """
    operands = accesses(body)
    if len(operands) != 1 or operations(body) > SIZE or body == operands[0] or is_large(body, 2 * SIZE):
        return None
    (x,) = operands
    swap = {x: _X}
    if index_symbols(substitute(body, swap)):
        return None  # the formula differs from entry to entry
    found = _search(substitute(body, swap), substitute(derivative, swap), lossy)
    return None if found is None else replace(found, form=substitute(found.form, {_X: x, _A: value}))


@lru_cache(maxsize=4096)
def _search(f: sp.Expr, derivative: sp.Expr, lossy: bool) -> Found | None:
    if isinstance(f, sp.Piecewise) and isinstance(derivative, sp.Piecewise):
        return _branchwise(f, derivative, lossy)
    held = {_A: f}
    usual, _ = _measured(derivative, derivative, held)
    best, best_key = None, _key(derivative, usual)
    for form in candidates(derivative, held):
        if _key(form, 0.0) >= best_key:
            continue
        relative, absolute = _measured(form, derivative, held)
        key = _key(form, relative)
        if key >= best_key or not _safe_division(form, f, derivative):
            continue
        kept = relative <= (EXACT if usual == np.inf else max(EXACT, usual))
        if not (kept or (lossy and absolute <= BELOW_TOP)):
            continue
        how = verified(derivative, form, held)
        if how is not None:
            best, best_key = Found(form, how, "" if kept else LOSS), key
    return best


def _key(form: sp.Expr, relative: float) -> tuple:
    """What forms compete by: no nan, then the lowest cost, then a product, which joins other products."""
    return relative == np.inf, cost(form), isinstance(form, sp.Add)


def _measured(form: sp.Expr, truth: sp.Expr, held: dict) -> tuple[float, float]:
    return relative_loss(stable_body(form), truth, _X, {a: stable_body(f) for a, f in held.items()})


def _safe_division(candidate: sp.Expr, f: sp.Expr, derivative: sp.Expr) -> bool:
    """Whether the candidate divides by zero only where the derivative is singular itself."""
    below = sp.fraction(sp.together(candidate))[1]
    if below.is_number:
        return True
    for factor in sp.Mul.make_args(sp.factor(below)):
        if factor.is_number:
            continue
        if isinstance(factor, sp.Pow):
            factor = factor.base
        zeros = _real_zeros(factor.xreplace({_A: f}))
        if zeros is None or any(derivative.xreplace({_X: z}).is_finite is not False for z in zeros):
            return False
    return True


def _real_zeros(e: sp.Expr) -> list[Any] | None:
    """All real zeros of a function of x, or None where SymPy cannot tell."""
    if e.is_positive or e.is_negative or isinstance(e, sp.exp):
        return []
    try:
        found = sp.solve(e, _X)
    except (NotImplementedError, ValueError, TypeError, AttributeError):
        return None
    return [z for z in found if z.is_real is not False] if found else None


def _branchwise(f: sp.Piecewise, derivative: sp.Piecewise, lossy: bool) -> Found | None:
    if [c for _, c in f.args] != [c for _, c in derivative.args]:
        return None
    found = [
        None if value.is_number else _search(value, slope, lossy)
        for (value, _), (slope, _) in zip(f.args, derivative.args, strict=True)
    ]
    branches = [
        (slope if better is None else better.form, condition)
        for better, (slope, condition) in zip(found, derivative.args, strict=True)
    ]
    result = sp.Piecewise(*branches)
    if cost(result) >= cost(derivative):
        return None
    used = [better for better in found if better is not None]
    return Found(
        result,
        "branch by branch, " + ", ".join(dict.fromkeys(b.verified for b in used)),
        next((b.loss for b in used if b.loss), ""),
    )
