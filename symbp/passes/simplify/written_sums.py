"""Sums of exponentials that are written out: which of them are shifted as sums over an index are.

    w exp(x) + v exp(y),    1 + exp(x) + exp(y),    2^x + exp(y)

Left alone is what keeps its digits in another way: exponentials with numbers as factors. Where they are
powers of one, a sum has a best form (`accuracy`), and others are shifted after differentiation, where it can
be seen what cancels (`several_exponentials`).
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from symbp.ir.walk import is_large, postorder
from symbp.passes.simplify.exponential_sums import base_of, exponent_of, terms_of
from symbp.passes.simplify.several_exponentials import terms_of as terms_of_several

LARGE = 400
"""Sums with more nodes, counted as a tree, are left as they are."""


def divisors(body: sp.Expr) -> list[sp.Expr]:
    """The factors of logarithms' arguments and of what stands below a line, powers opened."""
    found = []
    for node in postorder([body]):
        if isinstance(node, sp.log):
            found += sp.Mul.make_args(node.args[0])
        elif isinstance(node, sp.Pow) and node.exp.is_number and node.exp.is_negative:
            found += sp.Mul.make_args(node.base)
    return [f.base if isinstance(f, sp.Pow) and f.exp.is_number else f for f in found]


def written_sums(body: sp.Expr) -> list[sp.Expr]:
    """The sums of exponentials in logarithms of a body and below its lines that are to be shifted.

    Of 3 + s^2 that is s.
    """
    found = dict.fromkeys(divisors(body))
    inner = [f for d in found if not is_shifted(d) and isinstance(d, sp.Add) for f in _powers_in(d)]
    return [d for d in found if is_shifted(d)] + [s for s in inner if is_shifted(s) or terms_of_several(s)]


def _powers_in(total: sp.Add) -> list[sp.Expr]:
    """What there are powers of in the terms of a sum."""
    factors = [f for term in total.args for f in sp.Mul.make_args(term)]
    return [f.base for f in factors if isinstance(f, sp.Pow) and f.exp.is_Integer and f.exp.is_positive]


def is_shifted(total: Any) -> bool:
    """Whether an expression is a sum of exponentials that keeps no digits as it stands."""
    if not isinstance(total, sp.Add) or is_large(total, LARGE):
        return False
    base = base_of(total)
    if base is None or terms_of(total, base) is None:
        return False
    terms = [_parted(term) for term in total.args]
    if any(exponent_of(n) is not None for n in postorder([factor for factor, _ in terms])):
        return False
    if any(not factor.is_number for factor, _ in terms):
        return True
    return not all(isinstance(e, sp.exp) for _, factors in terms for e in factors)


def _parted(term: sp.Expr) -> tuple[sp.Expr, list[sp.Expr]]:
    """A term's factor, and its exponentials."""
    factors = sp.Mul.make_args(term)
    exponentials = [f for f in factors if exponent_of(f) is not None]
    return sp.Mul(*(f for f in factors if f not in exponentials)), exponentials
