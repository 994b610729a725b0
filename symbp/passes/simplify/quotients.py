"""Rational functions as a polynomial over powers of other polynomials, with nothing cancelled.

Fields of fractions look for common factors after every sum and product, which takes longer than all the rest.
Here what is the same below two lines is written once, and who wants lowest terms cancels at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import Any

import sympy as sp

from symbp.ir.walk import postorder

LONG = 2000
"""Terms of a polynomial above which it is given up."""

Quotient = tuple[Any, Mapping[Any, int]]
"""A polynomial, and the powers of others that it is divided by."""


def quotients(
    bodies: Iterable[sp.Expr], symbols: Sequence[sp.Symbol], ring: Any, degree: float = inf
) -> list[Quotient] | None:
    """Bodies of sums, products and powers over symbols, the first generators of a ring; None where one is no
    quotient of polynomials, divides by 0 or is too long.

    Args:
        degree: the largest exponent.
    """
    bodies = list(bodies)
    done: dict[sp.Basic, Quotient] = {s: (g, {}) for s, g in zip(symbols, ring.gens, strict=False)}
    for node in postorder(bodies):
        if node in done:
            continue
        found = _quotient(node, done, ring, degree)
        if found is None or len(found[0]) > LONG:
            return None
        done[node] = found
    return [done[b] for b in bodies]


def _quotient(node: Any, done: Mapping[Any, Quotient], ring: Any, degree: float) -> Quotient | None:
    if isinstance(node, sp.Rational):
        return (ring(sp.QQ(int(node.p), int(node.q))), {}) if node.is_finite else None
    if isinstance(node, sp.Pow):
        return _power(done[node.base], node.exp, ring, degree)
    if not isinstance(node, sp.Add | sp.Mul):
        return None
    (whole, below), *others = [done[a] for a in node.args]
    for above, divisors in others:
        both = dict.fromkeys((*below, *divisors))
        if isinstance(node, sp.Mul):
            whole, below = whole * above, {d: below.get(d, 0) + divisors.get(d, 0) for d in both}
        else:
            common = {d: max(below.get(d, 0), divisors.get(d, 0)) for d in both}
            whole, below = _over(whole, below, common) + _over(above, divisors, common), common
        if len(whole) > LONG:
            return None
    return whole, below


def _over(above: Any, own: Mapping[Any, int], common: Mapping[Any, int]) -> Any:
    """The numerator over divisors that are multiples of its own."""
    for divisor, n in common.items():
        left = n - own.get(divisor, 0)
        above = above * divisor**left if left else above
    return above


def _power(base: Quotient, exponent: Any, ring: Any, degree: float) -> Quotient | None:
    if not isinstance(exponent, sp.Integer) or abs(int(exponent)) > degree:
        return None
    (above, below), n = base, int(exponent)
    if n > 0:
        return above**n, {d: n * k for d, k in below.items()}
    return (_over(ring.one, {}, {d: -n * k for d, k in below.items()}), {above: -n}) if above else None
