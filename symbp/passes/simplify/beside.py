"""Beside: what a derivative costs where it is evaluated beside the value of its function.

log(1 + exp(z)) and its derivative exp(z)/(1 + exp(z)) both need exp(-|z|): evaluated in one place, the
second one costs a division more. As a function of the value a, 1 - exp(-a), it would call exp again.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import sympy as sp

from symbp.ir.evaluate import evaluate_body
from symbp.ir.exact import exact
from symbp.ir.nodes import Access, Program, Statement, Tensor
from symbp.ir.walk import (
    REMEMBERED,
    accesses,
    index_symbols,
    is_large,
    is_undefined,
    length,
    operations,
    postorder,
    substitute,
)
from symbp.passes.cost import calls, cost
from symbp.passes.simplify.accuracy import PROBES
from symbp.passes.simplify.candidates import candidates
from symbp.passes.simplify.cheapest import BELOW_TOP
from symbp.passes.simplify.stable import stable_forms
from symbp.passes.simplify.verify import FULL, verified

SIZE = 40
"""Operations of a body that is searched."""

DEGREE = 4
"""Degree of a polynomial in the operand that is written in several ways."""

_VALUE, _SLOPE = "value", "slope"
_OPERAND, _PART = Access("x0"), Access("part")


@lru_cache(maxsize=REMEMBERED)
def cheaper_beside(body: sp.Expr, derivative: sp.Expr, form: sp.Expr, value: Access) -> bool:
    """Whether the derivative costs less than `form`, which reads the value, once the body is evaluated.

    Only where `form` calls functions: what calls none is evaluated in the backward pass.
    """
    return calls(form) and saved_beside(body, form, derivative, value) > 0


def saved_beside(body: sp.Expr, before: sp.Expr, after: sp.Expr, value: Access) -> int:
    """What one form of a derivative saves over another beside the body; both may read its value."""
    names = {a: Access(f"x{k}") for k, a in enumerate(accesses(body))}
    names[value] = Access(_VALUE)
    body, before, after = (substitute(e, names) for e in (body, before, after))
    return cost_beside(body, before) - cost_beside(body, after)


@lru_cache(maxsize=REMEMBERED)
def best_beside(body: sp.Expr, derivative: sp.Expr, value: Access) -> tuple[sp.Expr, str] | None:
    """The cheapest form of a derivative beside its body, and how it was verified; None where it is that.

    The derivative may read the value of the body.

    Among equals the shortest: hoisting finds in it what the body evaluates. Tried are the forms through the
    parts of the body that hold its exponentials: x sigma(x) has the derivative s + x s (1 - s).
    """
    operands = accesses(body)
    if len(operands) != 1 or operations(body) > SIZE or is_large(body, 2 * SIZE):
        return None
    if index_symbols(substitute(body, {operands[0]: Access("x0")})):
        return None  # the formula differs from entry to entry
    here = {operands[0]: _OPERAND, value: Access(_VALUE)}
    found = _best(substitute(body, here), substitute(derivative, here))
    return None if found is None else (substitute(found[0], {_OPERAND: operands[0]}), found[1])


@lru_cache(maxsize=1024)
def _best(body: sp.Expr, derivative: sp.Expr) -> tuple[sp.Expr, str] | None:
    best, best_key = None, (cost_beside(body, derivative), length(derivative))
    derivative = substitute(derivative, {Access(_VALUE): body})
    for part in (None, *_parts(body)):
        held = {} if part is None else {_PART: part}
        forms = [*candidates(derivative, held)]
        if part is not None:
            forms += [grouped for form in forms for grouped in _grouped(form)]
        for form in forms:
            whole = substitute(form, held)
            if whole == derivative or is_undefined(whole) or is_large(whole, 4 * SIZE):
                continue
            *before, slope = _stable(body, form, part)
            key = cost(*before, slope) - cost(*before), length(whole)
            if key >= best_key or not _is_accurate(before, slope, derivative):
                continue
            how = verified(derivative, whole)
            if how is not None:
                best, best_key = (whole, how), key
    return best


def _grouped(form: sp.Expr) -> Iterator[sp.Expr]:
    """A polynomial as one in the operand, its coefficients factored: s + x s (1 - s) of s + x s - x s^2."""
    x, part = sp.Dummy("x", real=True), sp.Dummy("part", real=True)
    swap = {_OPERAND: x, _PART: part}
    if {*accesses(form)} != set(swap) or calls(form):
        return
    polynomial = substitute(form, swap).as_poly(x)
    if polynomial is not None and polynomial.total_degree() <= DEGREE:
        terms = [sp.factor(c) * x**k for (k,), c in polynomial.terms()]
        yield substitute(sp.Add(*terms), {x: _OPERAND, part: _PART})


def _is_accurate(before: list[sp.Expr], slope: sp.Expr, truth: sp.Expr) -> bool:
    """Whether errors in float64 are rounding errors of the value, or of the largest value.

    Args:
        before: what is evaluated first: the part, if there is one, and the body.
    """
    values = [(p, exact(truth, {_OPERAND: p}, FULL)) for p in PROBES]
    pairs = [(p, float(v)) for p, v in values if v is not None]
    if not pairs:
        return False
    at, right = (np.array(side) for side in zip(*pairs, strict=True))
    with np.errstate(all="ignore"):
        known = {_OPERAND.name: at}
        if len(before) > 1:
            known[_PART.name] = evaluate_body(before[0], known)
        got = np.broadcast_to(evaluate_body(slope, known), at.shape)
        off = np.where(got == right, 0.0, np.abs(got - right))
        largest = np.max(np.abs(right[np.isfinite(right)]), initial=np.finfo(float).tiny)
        units = np.minimum(off / np.spacing(np.abs(right)), off / np.spacing(largest))
    return bool(np.all(units <= BELOW_TOP))  # false where one is nan


def _parts(body: sp.Expr) -> list[sp.Expr]:
    """Proper parts of a body outside of which it calls no function, the largest first."""
    found = []
    for node in reversed(postorder([body])[:-1]):
        if not isinstance(node, sp.Expr):
            continue  # a branch with its condition
        outside = substitute(body, {node: _PART})
        if calls(node) and not calls(outside):
            found.append(node)
    return found


@lru_cache(maxsize=1024)
def cost_beside(body: sp.Expr, derivative: sp.Expr) -> int:
    """The cost of a derivative in its stable form, less what the stable form of the body has evaluated.

    Both are over scalar accesses; the derivative may read the body's value, `Access("value")`.
    """
    *before, slope = _stable(body, derivative)
    return cost(*before, slope) - cost(*before)


def _stable(body: sp.Expr, derivative: sp.Expr, part: sp.Expr | None = None) -> list[sp.Expr]:
    """Stable forms of the part (where there is one), of the body, and of the derivative that reads them."""
    statements = [Statement(_VALUE, (), body), Statement(_SLOPE, (), derivative)]
    if part is not None:
        over_part = substitute(body, {part: _PART})
        statements = [Statement(_PART.name, (), part), Statement(_VALUE, (), over_part), statements[1]]
    defined = {s.target for s in statements}
    read = {a.name for s in statements for a in accesses(s.body)} - defined
    tensors = {name: Tensor(name, (), "input") for name in sorted(read)}
    tensors |= {s.target: Tensor(s.target, ()) for s in statements}
    program = Program(tensors, tuple(statements), (_VALUE, _SLOPE))
    return [s.body for s in stable_forms(program).statements]
