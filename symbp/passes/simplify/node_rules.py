"""Rules for single nodes whose operands are rewritten already: each returns another node, or None."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp

from symbp.ir.functions import first, log1p, one_plus_erf, times_logarithm
from symbp.ir.nodes import Access
from symbp.ir.walk import accesses, is_leaf, postorder, rebuild
from symbp.passes.simplify.conjugates import difference_of_root
from symbp.passes.simplify.error_functions import logarithm_of_complement, product_with_complement
from symbp.passes.simplify.several_exponentials import logarithm_of_sum

CONCERNED = (sp.log, log1p, sp.erf, sp.erfc, one_plus_erf)
"""What there is in every node that a rule has something to say about, perhaps in what entries hold."""

Look = Callable[[Any], Any]
"""Gives an expression with calls instead of the entries that hold them."""
Rule = Callable[[Any, Look], Any]


def maximum_first(body: sp.Expr, maxima: frozenset[str]) -> sp.Expr:
    """z - m - log(s) as (z - m) - log(s) where m is a maximum: log(s) is lost next to z = 1e30."""
    if not any(a.name in maxima for a in accesses(body)):
        return body
    done: dict[sp.Basic, Any] = {}
    for node in postorder([body]):
        new = node if is_leaf(node) else rebuild(node, tuple(done[a] for a in node.args))
        if isinstance(new, sp.Add) and len(new.args) > 2:
            new = _paired(new, maxima)
        done[node] = new
    return done[body]


def _paired(total: sp.Add, maxima: frozenset[str]) -> sp.Expr:
    """The sum with every maximum next to an entry of the opposite sign."""
    rest = list(total.args)
    pairs = []
    for term in total.args:
        factor, m = term.as_coeff_Mul()
        if not (isinstance(m, Access) and m.name in maxima):
            continue
        wanted = [t for t in rest if t is not term and isinstance(t.as_coeff_Mul()[1], Access)]
        partner = next((t for t in wanted if t.as_coeff_Mul()[0] == -factor), None)
        if partner is not None:
            rest = [t for t in rest if t is not term and t is not partner]
            pairs.append(first(term + partner))
    return sp.Add(*rest, *pairs) if pairs and rest else total


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


def zero_times_logarithm(node: Any, look: Look) -> Any:
    """u log(v) is 0 where u is 0 and v is 0 or infinite: the limit, and what entropies mean.

    So is u (a - log(v)), where a may be minus infinity in a masked softmax.
    """
    if not isinstance(node, sp.Mul):
        return None
    for factor in node.args:
        if not _may_be_infinite(look(factor)):
            continue
        rest = [f for f in node.args if f is not factor]
        varying = [f for f in rest if not f.is_number]
        if varying:
            numbers = [f for f in rest if f.is_number]
            return sp.Mul(*numbers, times_logarithm(sp.Mul(*varying), factor))
    return None


def _may_be_infinite(factor: sp.Expr) -> bool:
    """Whether it is a logarithm, a positive power of one, or a sum or choice with one, of what may be 0."""
    if isinstance(factor, sp.Piecewise):
        return any(_may_be_infinite(pair.expr) for pair in factor.args)
    if isinstance(factor, sp.Add):
        return any(_may_be_infinite(f) for term in factor.args for f in sp.Mul.make_args(term))
    if isinstance(factor, sp.Pow) and factor.exp.is_positive:
        factor = factor.base
    if not isinstance(factor, sp.log | log1p):
        return False
    inside = factor.args[0] if isinstance(factor, sp.log) else 1 + factor.args[0]
    return not all(t.is_positive if t.is_number else isinstance(t, sp.exp) for t in sp.Add.make_args(inside))


def _seen_through(rule: Callable[[Any], Any]) -> Rule:
    """The rule for a node, or else for the node with calls instead of the entries that hold them."""

    def through(node: Any, look: Look) -> Any:
        found = rule(node)
        if found is None:
            wider = look(node)
            found = None if wider is node else rule(wider)
        return found

    return through


AGAIN = "logarithm of exponentials"
"""The rule whose result may hold functions of one exponential."""

POWER, ONE_MORE = "logarithm of a power", "log1p"
SEEN = (POWER, ONE_MORE)
"""The rules whose result may do so where an entry's formula was put in."""

RULES: dict[str, Rule] = {
    AGAIN: _seen_through(logarithm_of_sum),
    "complementary error function": _seen_through(error_function),
    "logarithm of a complementary error function": _seen_through(logarithm_of_complement),
    "exponential and complementary error function": _seen_through(product_with_complement),
    "difference of a root": _seen_through(difference_of_root),
    POWER: _seen_through(logarithm_of_power),
    ONE_MORE: _seen_through(logarithm_of_one_more),
    "zero times a logarithm": zero_times_logarithm,
}
