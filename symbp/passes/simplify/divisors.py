"""Divisors: what a body divides by, so that no other form of it divides by anything else.

x/(1 + exp(-x)) has the derivative a (1 + x - a)/x in its value a: cheap, and nan at x = 0. A form may
divide by what the body divides by, and by what is positive. A divisor of the form is divided by those of
the body as long as that leaves no remainder; factoring it instead takes exponential time in the number of
its variables.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy as sp

from symbp.ir.nodes import Access
from symbp.ir.walk import postorder, substitute
from symbp.passes.simplify.candidates import factors, fractions
from symbp.passes.simplify.rational import rational


def divides_by_no_other(form: sp.Expr, body: sp.Expr, held: Mapping[Access, sp.Expr]) -> bool:
    """Whether all that `form` divides by is positive, or made of what `body` divides by.

    False also where that cannot be seen cheaply.

    Args:
        held: what accesses in the form stand for. a/x divides by x also where a = x^2.
    """
    divisors = [substitute(b, held) for b in _bases(form)]
    r = rational([body, *divisors])
    known = _bases(r.bodies[0])
    new = [b for d in r.bodies[1:] for b in (d, *_bases(d)) if b not in known]
    if not new:
        return True
    found = fractions([*known, *new], [])
    if found is None:
        return False
    field, values = found
    positive = {k for k, s in enumerate(field.symbols) if s in r.exponentials}
    allowed = [f for v in values[: len(known)] for f in factors(v.numer)]
    return all(_is_positive(_without(v.numer, allowed), positive) for v in values[len(known) :])


def _bases(body: sp.Expr) -> list[sp.Expr]:
    return list(
        dict.fromkeys(n.base for n in postorder([body]) if isinstance(n, sp.Pow) and n.exp.is_negative)
    )


def _without(polynomial: Any, allowed: list[Any]) -> Any:
    for divisor in allowed:
        quotient, rest = divmod(polynomial, divisor)
        while not rest:
            polynomial = quotient
            quotient, rest = divmod(polynomial, divisor)
    return polynomial


def _is_positive(polynomial: Any, positive: set[int]) -> bool:
    """Whether it has one sign everywhere: terms of one sign, one of which is never zero."""
    terms = list(polynomial.terms())
    even = all(n % 2 == 0 or k in positive for m, _ in terms for k, n in enumerate(m))
    one_sign = all(c > 0 for _, c in terms) or all(c < 0 for _, c in terms)
    return even and one_sign and any(all(not n or k in positive for k, n in enumerate(m)) for m, _ in terms)
