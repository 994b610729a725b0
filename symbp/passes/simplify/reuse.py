"""Reuse of forward outputs: the derivative of a function in terms of its value.

sigma' = sigma (1 - sigma) is found, not looked up: the candidates of `candidates` compete, and what wins
has been verified. The derivative is taken as a function of one variable, so that its accuracy can be
measured over all of float64's range.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import sympy as sp

from symbp.ir.nodes import Access, Statement
from symbp.ir.walk import (
    REMEMBERED,
    accesses,
    index_symbols,
    is_large,
    is_leaf,
    operations,
    postorder,
    substitute,
)
from symbp.passes.cost import cost, is_transcendental
from symbp.passes.simplify.cheapest import Found, Problem, cheapest, long_exponents
from symbp.passes.simplify.ledger import Ledger, Step
from symbp.passes.simplify.single import EXPONENTIAL

REUSE = "reuse of the output"
SIMPLER = "simpler form of a derivative"

SIZE = 40
"""Bodies with more operations than this are not searched: elimination is for formulas, not programs."""

FEW, SHORT = 3, 8
"""Entries in a body of several, and its operations, up to which it is searched: exp(z - m)/s has three."""

ELEMENTARY = (*EXPONENTIAL, sp.log, sp.Pow)
"""What a derivative of several variables may call to be searched: others take long to measure."""


def reused(statement: Statement, local: sp.Expr, lossy: bool, ledger: Ledger) -> sp.Expr:
    """A derivative of the body of a statement, through the value of that where it is cheaper.

    Args:
        local, lossy: as `derivative` and `lossy` of `through_output`.
        ledger: takes note of the rewrite.
    """
    found = through_output(statement.body, local, statement.access, lossy)
    if found is None:
        return local
    saved = cost(local) - cost(found.form)
    rule = REUSE if statement.access in accesses(found.form) else SIMPLER
    ledger.note(Step(rule, statement.target, local, found.form, saved, found.verified, found.loss))
    return found.form


@lru_cache(maxsize=REMEMBERED)
def through_output(body: sp.Expr, derivative: sp.Expr, value: Access, lossy: bool = True) -> Found | None:
    """The cheapest known form of d body / d access, where `value` holds the body's value.

    Only for bodies of one access, and where the derivative calls functions for those of several:
    exp(z - m)/s has the derivatives a and -a/s. None where nothing beats the derivative as it stands.

    Args:
        lossy: whether a form may lose relative accuracy where the derivative is small against its
            largest value, as 1 - a**2 does for tanh at 30.
    """
    if is_leaf(derivative):
        return None  # nothing is cheaper
    names = long_exponents(body, derivative)
    if names:
        body, derivative = substitute(body, names), substitute(derivative, names)
        found = through_output(body, derivative, value, lossy)
        back = {name: argument for argument, name in names.items()}
        return None if found is None else replace(found, form=substitute(found.form, back))
    operands = accesses(body)
    if not operands or operations(body) > SIZE or body == operands[0] or is_large(body, 2 * SIZE):
        return None
    if len(operands) > FEW or (len(operands) > 1 and operations(body) > SHORT):
        return None
    if len(operands) > 1:
        called = [n for n in postorder([derivative]) if is_transcendental(n)]
        if not called or not all(isinstance(n, ELEMENTARY) for n in called):
            return None
        return cheapest(
            Problem(derivative, ((value, body),), lossy, cost(derivative), operations(derivative))
        )
    if index_symbols(substitute(body, {operands[0]: Access("x0")})):
        return None  # the formula differs from entry to entry
    return _search(_choice_outside(body), derivative, value, lossy)


def _choice_outside(f: sp.Expr) -> sp.Expr:
    """c*(a if x > 0 else b) as (c*a if x > 0 else c*b), which is how its derivative comes."""
    choices = [n for n in postorder([f]) if isinstance(n, sp.Piecewise)]
    if len(choices) != 1 or choices[0] == f:
        return f
    (choice,) = choices
    return sp.Piecewise(*((substitute(f, {choice: value}), condition) for value, condition in choice.args))


def _search(f: sp.Expr, derivative: sp.Expr, value: Access, lossy: bool) -> Found | None:
    if isinstance(f, sp.Piecewise) and isinstance(derivative, sp.Piecewise):
        return _branchwise(f, derivative, value, lossy)
    return cheapest(Problem(derivative, ((value, f),), lossy, cost(derivative), operations(derivative)))


def _branchwise(f: sp.Piecewise, derivative: sp.Piecewise, value: Access, lossy: bool) -> Found | None:
    if [c for _, c in f.args] != [c for _, c in derivative.args]:
        return None
    found = [
        None if branch.is_number else _search(branch, slope, value, lossy)
        for (branch, _), (slope, _) in zip(f.args, derivative.args, strict=True)
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
        any(b.required for b in used),
    )
