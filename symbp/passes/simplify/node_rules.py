"""Rules for single nodes whose operands are rewritten already: each returns another node, or None."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp

from symbp.ir.functions import log1p, one_plus_erf
from symbp.ir.walk import postorder

Rule = Callable[[Any], Any]


def logarithm_of_exponentials(node: Any) -> Any:
    """log(exp(a) + exp(b)) = max(a, b) + log1p(exp(-|a - b|)).

    log(exp(a) - exp(b)) = a + log(1 - exp(b - a)). Longer sums are shifted by the greatest exponent.
    """
    if not (isinstance(node, sp.log) and isinstance(node.args[0], sp.Add)):
        return None
    terms = _exponential_terms(node.args[0])
    if terms is None or len(terms) < 2:
        return None
    (c, a), (d, b), *more = sorted(terms, key=lambda t: bool(t[0].is_negative))
    if not more and d.is_negative and c.is_positive:
        return a + sp.log(c + d * sp.exp(b - a))
    if any(not factor.is_positive for factor, _ in terms):
        return None
    if not more and c == d == 1:
        # Equal exponents may both be infinite.
        apart = sp.Max(a, b) + log1p(sp.exp(-sp.Abs(a - b)))
        return sp.Piecewise((a + sp.log(2), sp.Eq(a, b, evaluate=False)), (apart, True))
    top = sp.Max(*(exponent for _, exponent in terms))
    return top + sp.log(sp.Add(*(factor * sp.exp(exponent - top) for factor, exponent in terms)))


def quotient_of_exponentials(node: Any) -> Any:
    """exp(a)/(exp(a) + exp(b)) = 1/(1 + exp(b - a)): both sides of a quotient may overflow."""
    if not isinstance(node, sp.Mul):
        return None
    above = [f for f in node.args if isinstance(f, sp.exp)]
    below = [
        f
        for f in node.args
        if isinstance(f, sp.Pow) and f.exp.is_Integer and f.exp.is_negative and isinstance(f.base, sp.Add)
    ]
    for divisor in below:
        terms = _exponential_terms(divisor.base)
        if not above or terms is None or len(terms) < 2 or any(not c.is_positive for c, _ in terms):
            continue
        exponents = [exponent for _, exponent in terms]
        # Of two, the one that occurs above the line; of more, the greatest.
        top = next((e for e in exponents if sp.exp(e) in above), exponents[0])
        top = sp.Max(*exponents) if len(terms) > 2 else top
        rest = [f for f in node.args if f not in above and f is not divisor]
        left = sp.expand(sp.Add(*(f.args[0] for f in above)) + divisor.exp * top)
        shifted = sp.Add(*(c * sp.exp(sp.expand(e - top)) for c, e in terms))
        return sp.Mul(*rest, sp.exp(left), shifted**divisor.exp)
    return None


def _exponential_terms(total: sp.Add) -> list[tuple[sp.Expr, sp.Expr]] | None:
    """(factor, exponent) of every term of a sum of exponentials, at least two of them different."""
    found = []
    for term in total.args:
        factor, rest = term.as_coeff_Mul()
        exponents = [f.args[0] for f in sp.Mul.make_args(rest) if isinstance(f, sp.exp)]
        if rest != 1 and len(exponents) != len(sp.Mul.make_args(rest)):
            return None
        found.append((factor, sp.Add(*exponents)))
    if any(isinstance(n, sp.Max) for n in postorder(e for _, e in found)):
        return None  # shifted already
    return found if len({e for _, e in found if e != 0}) > 1 else None


def logarithm_of_power(node: Any) -> Any:
    """log(u^n) = n log(u), for even n with |u|: u^n overflows long before u does."""
    if not (isinstance(node, sp.log) and isinstance(node.args[0], sp.Pow) and node.args[0].exp.is_Rational):
        return None
    base, n = node.args[0].args
    return n * sp.log(sp.Abs(base) if n.p % 2 == 0 else base)


def logarithm_of_one_more(node: Any) -> Any:
    """log(1 + u) = log1p(u)."""
    if isinstance(node, sp.log) and isinstance(node.args[0], sp.Add) and sp.S.One in node.args[0].args:
        return log1p(sp.Add(*(a for a in node.args[0].args if a is not sp.S.One)))
    return None


def error_function(node: Any) -> Any:
    """k + k erf(u) = k (1 + erf(u)) and k - k erf(u) = k erfc(u), where one of both is small; so for erfc."""
    if not isinstance(node, sp.Add):
        return None
    for term in node.args:
        factors = sp.Mul.make_args(term)
        call = next((f for f in factors if isinstance(f, sp.erf | sp.erfc)), None)
        if call is None:
            continue
        (u,), k = call.args, sp.Mul(*(f for f in factors if f is not call))
        meant = {k: one_plus_erf(u), -k: -sp.erfc(u)}
        if isinstance(call, sp.erfc):
            meant = {-k: -sp.erf(u), -2 * k: -one_plus_erf(u)}
        for other in node.args:
            if other is not term and other in meant:
                rest = [a for a in node.args if a is not term and a is not other]
                return sp.Add(*rest, k * meant[other])
    return None


def zero_times_logarithm(node: Any) -> Any:
    """u log(v) is 0 where u is 0 and v is 0 or infinite: the limit, and what entropies mean."""
    if not isinstance(node, sp.Mul):
        return None
    for factor in node.args:
        call = factor.base if isinstance(factor, sp.Pow) and factor.exp.is_positive else factor
        if not isinstance(call, sp.log | log1p):
            continue
        inside = call.args[0] if isinstance(call, sp.log) else 1 + call.args[0]
        rest = [f for f in node.args if f is not factor and not f.is_number]
        if not rest or inside.is_positive:
            continue
        zero = sp.Eq(sp.Mul(*rest), 0, evaluate=False)
        return sp.Piecewise((0, sp.And(zero, sp.Ge(inside, 0))), (node, True))
    return None


multiple_exponentials: tuple[Rule, ...] = (logarithm_of_exponentials, quotient_of_exponentials)
"""Rules whose results may be functions of one exponential."""

RULES: dict[str, Rule] = {
    "logarithm of exponentials": logarithm_of_exponentials,
    "quotient of exponentials": quotient_of_exponentials,
    "logarithm of a power": logarithm_of_power,
    "log1p": logarithm_of_one_more,
    "complementary error function": error_function,
    "zero times a logarithm": zero_times_logarithm,
}
