"""Sums of exponentials over an index: which exponents count, and the sum with one of them subtracted.

    sum_k w_k exp(f_k)   ->   top = max over the k with w_k != 0 of f_k,   sum_k w_k exp(f_k - top)

An exponent whose factor is 0 does not count: at a masked entry it may be 1000 where all others are -1000.
Nor does one in a branch of a choice that is not taken.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sympy as sp
from sympy.functions.elementary.piecewise import ExprCondPair

from symbp.ir.walk import FEW, postorder
from symbp.passes.simplify.several_exponentials import multiple

Conditions = frozenset[sp.Basic]
"""All of which must hold."""


@dataclass(frozen=True)
class Term:
    """factor * base^exponent where all conditions hold, else 0."""

    exponent: sp.Expr
    conditions: Conditions = frozenset()

    def under(self, conditions: Conditions) -> Term:
        return Term(self.exponent, self.conditions | conditions)


def greatest(terms: Iterable[Term]) -> sp.Expr:
    """The greatest exponent that counts; minus infinity where none does."""
    parts = [
        sp.Piecewise((t.exponent, sp.And(*sorted(t.conditions, key=str))), (-sp.oo, True))
        if t.conditions
        else t.exponent
        for t in terms
    ]
    return sp.Max(*parts, evaluate=len(parts) <= FEW)


def power(base: sp.Expr, exponent: sp.Expr) -> sp.Expr:
    return sp.exp(exponent) if base is sp.E else sp.Pow(base, exponent)


def exponent_of(node: Any, base: sp.Expr = sp.E) -> sp.Expr | None:
    """f where the node is base^f, an exponential or a varying power of a positive number."""
    if isinstance(node, sp.exp):
        own, f = sp.E, node.args[0]
    elif isinstance(node, sp.Pow) and node.base.is_number and node.base.is_positive and node.base != 1:
        own, f = node.base, node.exp
    else:
        return None
    if f.is_number:
        return None
    return f if own == base else f * sp.log(own) / sp.log(base)


def base_of(body: Any) -> sp.Expr | None:
    """The base of the exponentials in the terms of a body; e where there are several, None without any."""
    found = _bases(body)
    return None if not found else found.pop() if len(found) == 1 else sp.E


def _bases(body: Any) -> set[sp.Expr]:
    """The bases of the exponentials that are factors of terms."""
    if exponent_of(body) is not None:
        return {sp.E if isinstance(body, sp.exp) else body.base}
    if isinstance(body, sp.Piecewise):
        return set().union(*(_bases(pair.expr) for pair in body.args))
    if isinstance(body, sp.Add | sp.Mul):
        return set().union(*map(_bases, body.args))
    return set()


def terms_of(body: Any, base: sp.Expr = sp.E) -> list[Term] | None:
    """The terms of a body that are not 0; None where it is no sum of exponentials and constants."""
    if body == 0:
        return []
    if isinstance(body, sp.Add):
        parts = [terms_of(a, base) for a in body.args]
        return None if any(p is None for p in parts) else [t for p in parts for t in p or ()]
    if isinstance(body, sp.Piecewise):
        return _branches(body, base)
    exponent: sp.Expr = sp.S.Zero
    conditions: set[sp.Basic] = set()
    choices = []
    for factor in sp.Mul.make_args(body):
        own = exponent_of(factor, base)
        if own is not None:
            exponent += own
        elif isinstance(factor, sp.Piecewise):
            choices.append(factor)
        elif isinstance(factor, sp.Add) and _bases(factor):
            return None
        else:
            conditions |= not_zero(factor)
    if len(choices) > 1:
        return None
    inner = _branches(choices[0], base) if choices else [Term(sp.S.Zero)]
    if inner is None:
        return None
    return [Term(exponent + t.exponent, t.conditions | conditions) for t in inner]


def _branches(choice: sp.Piecewise, base: sp.Expr) -> list[Term] | None:
    found: list[Term] = []
    before: list[sp.Basic] = []
    for value, condition in choice.args:
        terms = terms_of(value, base)
        if terms is None:
            return None
        holds = frozenset(c for c in (condition, *(sp.Not(b) for b in before)) if c is not sp.true)
        found += [t.under(holds) for t in terms]
        before.append(condition)
    return found


def not_zero(factor: Any) -> Conditions:
    """When a factor is not 0; nothing where it never is."""
    if factor.is_number or isinstance(factor, sp.exp) or exponent_of(factor) is not None:
        return frozenset()
    if isinstance(factor, sp.Mul):
        return frozenset().union(*map(not_zero, factor.args))
    if isinstance(factor, sp.Pow) and factor.exp.is_number:
        return not_zero(factor.base) if factor.exp.is_positive else frozenset()
    return frozenset([sp.Ne(factor, 0, evaluate=False)])


def shifted(body: Any, base: sp.Expr, top: sp.Expr) -> sp.Expr:
    """body / base^top, written with base^(exponent - top)."""
    if body == 0:
        return sp.S.Zero
    if isinstance(body, sp.Add):
        return sp.Add(*(shifted(a, base, top) for a in body.args))
    if isinstance(body, sp.Piecewise):
        return sp.Piecewise(*((shifted(e, base, top), c) for e, c in body.args))
    exponent: sp.Expr = sp.S.Zero
    rest, choice = [], None
    for factor in sp.Mul.make_args(body):
        own = exponent_of(factor, base)
        if own is not None:
            exponent += own
        elif isinstance(factor, sp.Piecewise):
            choice = factor
        else:
            rest.append(factor)
    if choice is not None:
        pairs = [(sp.Mul(power(base, exponent), e), c) for e, c in choice.args]
        return sp.Mul(*rest, sp.Piecewise(*((shifted(e, base, top), c) for e, c in pairs)))
    return sp.Mul(*rest, power(base, exponent - top))


def is_bounded(body: sp.Expr) -> bool:
    """Whether no exponential of a sum grows: exp(u)/(1 + exp(u)) is divided by what grows as fast."""
    return all(map(_is_bounded, sp.Add.make_args(body)))


def _is_bounded(term: sp.Expr) -> bool:
    factors = sp.Mul.make_args(term)
    exponents = [e for e in map(exponent_of, factors) if e is not None]
    below = [f for f in factors if isinstance(f, sp.Pow) and f.exp.is_Integer and f.exp.is_negative]
    sums = [(sp.Add.make_args(f.base), -f.exp) for f in below if isinstance(f.base, sp.Add)]
    if not exponents or not sums:
        return False
    above: dict[sp.Expr, sp.Expr] = {}
    for u, rate in map(multiple, exponents):
        above[u] = above.get(u, sp.S.Zero) + rate
    for u, rate in above.items():
        most = least = rate
        for terms, n in sums:
            rates = [r for r in (_rate(t, u) for t in terms) if r is not None]
            if len(rates) == len(terms):
                most, least = most - n * max(rates), least - n * min(rates)
        if most > 0 or least < 0:
            return False
    return True


def _rate(term: sp.Expr, u: sp.Expr) -> sp.Rational | None:
    """r where a term is a positive number times exp(r u); None where it is something else."""
    factor, rest = term.as_coeff_Mul()
    if not factor.is_positive:
        return None
    if rest == 1:
        return sp.S.Zero
    exponent = exponent_of(rest)
    of, rate = (None, None) if exponent is None else multiple(exponent)
    return rate if of == u else None


def weights(body: sp.Expr) -> list[sp.Expr]:
    """The factors in a greatest exponent without which exponents do not count."""
    return [
        c.lhs
        for n in postorder([body])
        if isinstance(n, ExprCondPair)
        for c in sp.And.make_args(n.cond)
        if isinstance(c, sp.Ne) and c.rhs == 0
    ]
