"""Rules for exponents from which the greatest was subtracted: masked entries, and logarithms close to 0.

w exp(b - m) is 0 where w is 0, however large b is: m is the greatest of the exponents that count
log(exp(-m) + s) = log1p(s) where m = max(0, ...) is 0
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import sympy as sp

from symbp.ir.functions import finite, log1p, times_logarithm
from symbp.ir.nodes import Access, Statement
from symbp.ir.walk import accesses, substitute
from symbp.passes.simplify.exponential_sums import exponent_of, weights
from symbp.passes.simplify.peaks import is_peak

MASKED = "factors that are 0 where an exponent does not count"
NEAR_ONE = "logarithm near 1"

Look = Callable[[Any], Any]


@dataclass(frozen=True)
class Facts:
    """What is known of the greatest exponents of a program, by name.

    Attributes:
        maxima: all of them.
        masked: those of which some exponents do not count.
        weights: the factors that are 0 then, without their indices.
        from_zero: those that are never negative.
    """

    maxima: frozenset[str] = frozenset()
    masked: frozenset[str] = frozenset()
    weights: frozenset[sp.Basic] = frozenset()
    from_zero: frozenset[str] = frozenset()

    @staticmethod
    def of(statements: Iterable[Statement]) -> Facts:
        maxima = [s for s in statements if is_peak(s)]
        return Facts(
            frozenset(s.target for s in maxima),
            frozenset(s.target for s in maxima if weights(s.body)),
            frozenset(without_indices(w) for s in maxima for w in weights(s.body)),
            frozenset(s.target for s in maxima if _has_zero(s.body)),
        )


NO_FACTS = Facts()


def _has_zero(body: sp.Expr) -> bool:
    body = body.args[0] if isinstance(body, finite) else body
    return isinstance(body, sp.Max) and 0 in body.args


def masked_first(factors: list[Any], look: Look, facts: Facts) -> list[Any]:
    """The factors of a product, 0 times infinity seen to; the same list where there is nothing to see to."""
    infinite = [f for f in factors if not f.is_number and _is_masked(look(f), facts)]
    deciding = [f for f in factors if without_indices(f) in facts.weights] if infinite else []
    if not deciding:
        return factors
    # What else is 0, as 1 by an infinite sum, does not make an infinite exponential count less.
    rest = [f for f in factors if f not in infinite and f not in deciding]
    found = sp.Mul(*deciding)
    for factor in infinite:
        found = times_logarithm(found, factor)
    return [*rest, found]


def without_indices(node: sp.Expr) -> sp.Expr:
    """An expression with tensors instead of their entries."""
    return substitute(node, {a: Access(a.name) for a in accesses(node)})


def _is_masked(factor: sp.Basic, facts: Facts) -> bool:
    exponent = exponent_of(factor, factor.base) if isinstance(factor, sp.Pow) else exponent_of(factor)
    return exponent is not None and any(a.name in facts.masked for a in accesses(exponent))


def logarithm_near_one(node: sp.log, look: Look, facts: Facts) -> sp.Expr | None:
    """log(exp(-m) + s) as log1p(s) where m is 0: of 1 + 1e-20 no digit of s is left."""
    total = look(node.args[0])
    if not isinstance(total, sp.Add):
        return None
    for term in total.args:
        exponent = exponent_of(term, term.base) if isinstance(term, sp.Pow) else exponent_of(term)
        m = None if exponent is None else -exponent
        if isinstance(m, Access) and m.name in facts.from_zero:
            rest = sp.Add(*(t for t in total.args if t is not term))
            return sp.Piecewise((log1p(rest), sp.Le(m, 0, evaluate=False)), (node, True))
    return None
