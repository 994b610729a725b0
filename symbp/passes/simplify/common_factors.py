"""Sums as products with what all of their terms have in common: v e^x - v as v (e^x - 1).

Where v is infinite, the sum is infinity less infinity, and the product is not.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import sympy as sp


def common_factor_out(body: Any) -> Any:
    """The product; the body itself where its terms have no factor in common or it is no sum."""
    if not isinstance(body, sp.Add):
        return body
    terms = [_powers(t) for t in body.args]
    common = terms[0]
    for powers in terms[1:]:
        common = common & powers
    if not common:
        return body
    rests = [
        sp.Mul(t.as_coeff_Mul()[0], *((p - common).elements())) for t, p in zip(body.args, terms, strict=True)
    ]
    return sp.Mul(*common.elements(), sp.Add(*rests))


def _powers(term: sp.Expr) -> Counter:
    """The factors of a term that are no numbers, as often as they stand in it."""
    found: Counter = Counter()
    for factor in sp.Mul.make_args(term.as_coeff_Mul()[1]):
        base, n = factor.as_base_exp() if isinstance(factor, sp.Pow) else (factor, sp.S.One)
        if n.is_Integer and n.is_positive:
            found[base] += int(n)
        else:
            found[factor] += 1
    return found
