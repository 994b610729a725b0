"""Numbers that all terms of a logarithm's argument have in common stand outside of it.

    log(c exp(a) + c exp(b)) = log(c) + log(exp(a) + exp(b))

SymPy does so with whole numbers; densities have 1/sqrt(2 pi). What is left is a plain sum of exponentials,
which is shifted by the greatest of them, and its derivatives do not multiply by the number.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from symbp.ir.forms import logarithm
from symbp.ir.walk import is_leaf, postorder, rebuild
from symbp.passes.simplify.several_exponentials import weighted_terms


def with_scales_outside(body: sp.Expr) -> sp.Expr:
    """The body with positive numbers taken out of the sums in its logarithms."""
    if not any(_apart(node) for node in postorder([body])):
        return body
    done: dict[sp.Basic, Any] = {}
    for node in postorder([body]):
        new = node if is_leaf(node) else rebuild(node, tuple(done[a] for a in node.args))
        done[node] = _apart(new) or new
    return done[body]


def _apart(node: Any) -> Any:
    """log(c) + log(s) for log(c s) with an irrational c and a sum of exponentials s; None of others.

    Where c s may be 1 otherwise, as (1 + erf(x))/2, digits would be lost.
    """
    terms = (weighted_terms(node.args[0]) if isinstance(node, sp.log) else None) or []
    scales = {scale for scale, _ in terms}
    if len(scales) != 1 or any(exponent.is_number for _, exponent in terms):
        return None
    (scale,) = scales
    if scale.is_Rational or not scale.is_positive:
        return None
    return sp.log(scale) + logarithm(sp.Add(*(sp.exp(exponent) for _, exponent in terms)))
