"""Floats: numbers with a point are exact while forms are searched, and rounded again in what is found.

To polynomial arithmetic 1.7159 and 1.7159*2/3 would be unrelated symbols. As the fractions that float64
holds they are numbers like any other; the form found with them has been verified, and then each of its
numbers is the nearest Float.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from symbp.ir.walk import is_leaf, postorder, rebuild

SHORT = 1000
"""Denominators up to which a fraction stays a fraction."""


def has_floats(*bodies: sp.Expr) -> bool:
    return any(isinstance(n, sp.Float) for n in postorder(bodies))


def exact(body: sp.Expr) -> sp.Expr:
    """The body with the fraction that each Float is."""
    if not has_floats(body):
        return body
    return _mapped(body, lambda n: sp.Rational(n) if isinstance(n, sp.Float) and n.is_finite else n)


def rounded(body: sp.Expr) -> sp.Expr:
    """The body with Floats for fractions of long numbers."""
    return _mapped(body, lambda n: sp.Float(n) if isinstance(n, sp.Rational) and _is_long(n) else n)


def _is_long(number: sp.Rational) -> bool:
    return number.q > SHORT


def _mapped(body: sp.Expr, leaf: Any) -> sp.Expr:
    done: dict[sp.Basic, Any] = {}
    for node in postorder([body]):
        done[node] = leaf(node) if is_leaf(node) else rebuild(node, tuple(done[a] for a in node.args))
    return done[body]


def integer(number: sp.Float) -> sp.Number:
    """1.0 is 1 to the rules."""
    value = float(number)
    return sp.Integer(int(value)) if value.is_integer() and abs(value) < 2**53 else number
