"""Partial derivatives of one scalar body with respect to the accesses in it.

A reverse sweep over the expression's own nodes, so that shared parts are visited once. SymPy
supplies the derivative of each function (`fdiff`); sums, products, powers and choices are
handled here, because a factor must move *into* the branches of a choice: 0 * inf on the branch
that is not taken would otherwise turn a right gradient into nan.

Conventions at kinks: Max and Min give the whole derivative to the first argument (in SymPy's
order) that attains the extreme, |x|' is 0 at 0, steps (sign, floor, ceiling) have derivative 0, and
so has every other jump (a DiracDelta in a derivative counts as 0). Outside of all branches of a choice
its derivative is nan, as its value is.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import sympy as sp

from symbp.errors import UnsupportedError
from symbp.ir.definition import definition, known, simple
from symbp.ir.forms import stands
from symbp.ir.nodes import Access
from symbp.ir.products import product, total
from symbp.ir.walk import (
    ENTRY,
    REMEMBERED,
    accesses,
    is_leaf,
    postorder,
    rebuild,
    stands_as_it_is,
    substitute,
)

STEPS = (sp.sign, sp.floor, sp.ceiling)


def partials(body: sp.Expr, origin: Any = None) -> dict[Access, sp.Expr]:
    """d body / d access for every access the body depends on, in order of first use.

    Raises:
        UnsupportedError: a function has no derivative.
    """
    try:
        return dict(_partials(body))
    except UnsupportedError as error:
        raise UnsupportedError(error.problem, equation=origin, hint=error.hint) from error


@lru_cache(maxsize=REMEMBERED)
def _partials(body: sp.Expr) -> dict[Access, sp.Expr]:
    order = postorder([body])
    varying = _varying(order)
    adjoint: dict[sp.Basic, list[sp.Expr]] = {body: [sp.S.One]}
    result: dict[Access, sp.Expr] = {}
    for node in reversed(order):
        terms = adjoint.pop(node, None)
        if terms is None or node not in varying:
            continue
        seed = total(*terms)
        if isinstance(node, Access):
            result[node] = seed
        elif isinstance(node, sp.Piecewise):
            for access, local in _choice(node).items():
                adjoint.setdefault(access, []).append(times(seed, local))
        else:
            for k, arg in enumerate(node.args):
                if arg in varying:
                    adjoint.setdefault(arg, []).append(times(seed, _local(node, k)))
    first_use = [n for n in order if n in result]
    return {a: _integers(result[a]) for a in first_use if result[a] != 0}  # type: ignore[misc,index]


def _integers(body: sp.Expr) -> sp.Expr:
    """The body with 2 for 2.0: the derivative of 0.5 x^2 is x, not 1.0 x."""
    floats = {n: float(n) for n in postorder([body]) if isinstance(n, sp.Float)}
    whole = {n: sp.Integer(int(v)) for n, v in floats.items() if v.is_integer() and abs(v) < 2**53}
    return substitute(body, whole)


def times(a: sp.Expr, b: sp.Expr) -> sp.Expr:
    """a * b, with the product taken inside the branches of a choice that have a value."""
    if _is_zero(a) or _is_zero(b):
        return sp.S.Zero
    if isinstance(a, sp.Piecewise):
        return sp.Piecewise(*((times(e, b), c) for e, c in a.args))
    if isinstance(b, sp.Piecewise):
        return sp.Piecewise(*((times(a, e), c) for e, c in b.args))
    return product(a, b)


def _is_zero(factor: sp.Expr) -> bool:
    return factor is sp.S.Zero or (isinstance(factor, sp.Float) and factor == 0)


def _varying(order: Sequence[sp.Basic]) -> set[sp.Basic]:
    found: set[sp.Basic] = set()
    for node in order:
        if isinstance(node, Access) or (not is_leaf(node) and any(a in found for a in node.args)):
            found.add(node)
    return found


def _choice(node: sp.Piecewise) -> dict[Access, sp.Expr]:
    branches = [(_partials(e), c) for e, c in node.args]
    names = dict.fromkeys(a for local, _ in branches for a in local)
    conditions = [c for _, c in node.args]
    if conditions[-1] != sp.true and sp.Or(*conditions) != sp.true:
        names |= dict.fromkeys(a for c in conditions for a in accesses(c))
    return {a: sp.Piecewise(*((local.get(a, sp.S.Zero), c) for local, c in branches)) for a in names}


def _local(node: Any, k: int) -> sp.Expr:
    """The derivative of one node with respect to its k-th operand."""
    if isinstance(node, sp.Add):
        return sp.S.One
    if isinstance(node, sp.Mul):
        return product(*(a for m, a in enumerate(node.args) if m != k))
    if isinstance(node, sp.Pow):
        base, exponent = node.args
        return exponent * base ** (exponent - 1) if k == 0 else node * sp.log(base)
    if isinstance(node, sp.Max | sp.Min):
        return _extreme(node, k)
    if isinstance(node, sp.Abs):
        return sp.sign(node.args[0])
    if isinstance(node, STEPS):
        return sp.S.Zero
    if len(node.args) == 1 and _stands(node):
        slope = _slope(node.func)
        if slope is not None:
            return substitute(slope, {ENTRY: node.args[0]})
    return _asked(node, k)


def _stands(node: Any) -> bool:
    """Whether the function and its operand are left alone by SymPy, so that any entry may stand for it."""
    (operand,) = node.args
    return stands_as_it_is(node.func) if isinstance(operand, Access) else stands(node.func, operand)


def _asked(node: Any, k: int) -> sp.Expr:
    """What the class of the function says."""
    try:
        derivative = sp.sympify(node.fdiff(k + 1), strict=True)
    except Exception as error:  # code of the user's may raise anything
        raise _no_derivative(node) from error
    return _primitive(derivative, node)


@lru_cache(maxsize=4096)
def _slope(function: Any) -> sp.Expr | None:
    """The derivative of a function at an entry like any other, None where it has none."""
    try:
        return _asked(function(ENTRY), 0)
    except UnsupportedError:
        return None


def _extreme(node: Any, k: int) -> sp.Expr:
    x = node.args[k]
    beats = sp.Gt if isinstance(node, sp.Max) else sp.Lt
    ties = sp.Ge if isinstance(node, sp.Max) else sp.Le
    conditions = [(beats if m < k else ties)(x, other) for m, other in enumerate(node.args) if m != k]
    return sp.Piecewise((1, sp.And(*map(_without_branches, conditions))), (0, True))


def _without_branches(condition: Any) -> Any:
    """A comparison of branches as those of their values: SymPy's own way needs symbols in them."""
    if not condition.has(sp.Piecewise):
        return condition
    folded = sp.piecewise_fold(condition)
    if not isinstance(folded, sp.Piecewise):
        return folded
    holds, rest = sp.false, sp.true
    for value, where in folded.args:
        holds = sp.Or(holds, sp.And(rest, where, value))
        rest = sp.And(rest, sp.Not(where))
    return holds


def _primitive(derivative: Any, node: Any) -> sp.Expr:
    done: dict[sp.Basic, Any] = {}
    for part in postorder([derivative], leaf=lambda n: is_leaf(n) or n == node or n in node.args):
        if part == node or part in node.args or is_leaf(part):
            done[part] = part
            continue
        new = simple(rebuild(part, tuple(done[a] for a in part.args)))
        if isinstance(new, sp.Derivative | sp.Subs):
            raise _no_derivative(node)
        if isinstance(new, sp.DiracDelta):
            new = sp.S.Zero
        if isinstance(new, sp.Function) and not known(new) and type(new) is not type(node):
            new = definition(new)
        done[part] = new
    return done[derivative]


def _no_derivative(node: Any) -> UnsupportedError:
    name = type(node).__name__
    return UnsupportedError(
        f"{name} has no derivative that SymPy knows",
        hint=f"give the class {name} an `fdiff(self, argindex)` method, or write its formula",
    )
