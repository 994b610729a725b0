"""Quotients by squares that overflow: v/b^2 as (v/b)/b.

    d/dx 1/(1 + exp(x y)) = -y exp(x y)/(1 + exp(x y))^2

is the quotient of two numbers that floating point has up to exp(709), but the square is infinite from
exp(355) on, and the quotient 0 where it is exp(-355).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import sympy as sp

from symbp.ir.functions import first, times_logarithm
from symbp.ir.nodes import Access

RULE = "divided twice instead of by a square"

MOST = 3
"""The highest power that is taken apart."""

Power = tuple[Any, Any, int]
"""(c, u, n) of c u^n."""

Grows = Callable[[Any], bool]
Held = Callable[[Access], Any]
"""What an entry is, over other entries; None where that is not one formula."""


def apart(factors: list[Any], held: Held, grows: Grows) -> list[Any]:
    """The factors of a product, where powers that are 0 before their base is are taken apart.

    Args:
        grows: whether a formula may overflow.
    """
    powers, others = _sorted(factors, held, grows)
    rest = [_guarded(f, held, grows) if isinstance(f, times_logarithm) else f for f in others]
    if all(f.is_number for f in rest):
        return factors
    for coefficient, one, count in powers:
        rest.append(coefficient)
        for _ in range(count):
            rest = [first(sp.Mul(*rest, one))]
    if powers:
        rest = [*sp.Mul.make_args(rest[0].args[0])]
    return factors if sp.Mul(*rest) == sp.Mul(*factors) else rest


def _sorted(factors: Iterable[Any], held: Held, grows: Grows) -> tuple[list[Power], list[Any]]:
    """The powers among some factors that are taken apart, and the others."""
    powers, others = [], []
    for f in (f for factor in factors for f in _opened(factor, held, grows)):
        found = _power(f, held, grows)
        if found is None:
            others.append(f)
        else:
            powers.append(found)
    return powers, others


def _opened(factor: Any, held: Held, grows: Grows) -> Iterator[Any]:
    """The factors of a product, also of one that an entry holds, where one of them is such a power."""
    if isinstance(factor, Access):
        whole = held(factor)
        inside = sp.Mul.make_args(whole) if isinstance(whole, sp.Mul) else ()
        if not any(_power(f, held, grows) for f in inside):
            yield factor
            return
        factor = whole
    for f in sp.Mul.make_args(factor):
        if f is factor or not isinstance(f, Access):
            yield f
        else:
            yield from _opened(f, held, grows)


def _guarded(node: times_logarithm, held: Held, grows: Grows) -> Any:
    """A product that is 0 where its first factor is: where one of the factors of that is."""
    zero, other = node.args
    powers, others = _sorted([zero], held, grows)
    found = sp.Mul(*apart([*sp.Mul.make_args(other)], held, grows))
    if not powers:
        return node.func(zero, found)
    whole = sp.Mul(*others)
    found = whole * found if whole.is_number else node.func(whole, found)
    for coefficient, one, count in powers:
        for _ in range(count):
            found = node.func(one, found)
        found = coefficient * found
    return found


def _power(factor: Any, held: Held, grows: Grows) -> Power | None:
    """(c, 1/b, n) of c b^-n where b may overflow; also of c (1/b)^n, and of an entry that holds one of
    both."""
    if isinstance(factor, Access):
        factor = held(factor)
    if factor is None:
        return None
    coefficient, factor = factor.as_coeff_Mul()
    if not (isinstance(factor, sp.Pow) and factor.exp.is_Integer and 2 <= abs(factor.exp) <= MOST):
        return None
    base, n = factor.base, int(factor.exp)
    if n < 0:
        return (coefficient, 1 / base, -n) if grows(base) else None
    whole = held(base) if isinstance(base, Access) else base
    inverse = isinstance(whole, sp.Pow) and whole.exp is sp.S.NegativeOne
    return (coefficient, base, n) if inverse and grows(whole.base) else None
