"""Sums of exponentials with different arguments: shifted, so that none overflows.

    exp(a)/(exp(a) + exp(b)) = 1/(1 + exp(b - a)),    log(exp(a) + exp(b) + exp(c)) = m + log(sum exp(. - m))

Sums over an index are shifted before differentiation (`exponentials`); this is for sums that are written out.
"""

from __future__ import annotations

from collections.abc import Container
from functools import lru_cache
from typing import Any

import sympy as sp
from sympy.functions.elementary.piecewise import ExprCondPair

from symbp.ir.functions import first, log1p
from symbp.ir.nodes import Access
from symbp.ir.products import product
from symbp.ir.walk import (
    FEW,
    REMEMBERED,
    accesses,
    choice,
    is_leaf,
    operations,
    postorder,
    put_in,
    rebuild,
)

Term = tuple[sp.Expr, sp.Expr]
"""(factor, exponent)"""


def logarithm_of_sum(node: Any) -> Any:
    """log(exp(a) + exp(b)) = max(a, b) + log1p(exp(-|a - b|)).

    log(exp(a) - exp(b)) = a + log(1 - exp(b - a)). Longer sums are shifted by the greatest exponent, and
    the terms that have it become their factors, so that what is left keeps its digits next to 1.
    """
    terms = terms_of(node.args[0]) if isinstance(node, sp.log) else None
    if terms is None:
        return None
    (c, a), (d, b), *more = sorted(terms, key=lambda t: bool(t[0].is_negative))
    if not more and d.is_negative and c.is_positive:
        return a + sp.log(c + d * sp.exp(b - a))
    if any(not factor.is_positive for factor, _ in terms):
        return None
    if not more and c == d == 1:
        # Equal exponents may both be infinite.
        apart = sp.Max(a, b) + log1p(sp.exp(-sp.Abs(a - b)))
        return choice((a + sp.log(2), sp.Eq(a, b, evaluate=False)), (apart, True))
    # Of three terms and more there are many comparisons: they are made of names.
    names = {exponent: Access(f"exponent{k}") for k, (_, exponent) in enumerate(terms)}
    found = _logarithm(tuple((factor, names[exponent]) for factor, exponent in terms))
    return put_in(found, {name: exponent for exponent, name in names.items()})


@lru_cache(maxsize=REMEMBERED)
def _logarithm(terms: tuple[Term, ...]) -> sp.Expr:
    """log(sum of factor*exp(exponent)), shifted by the greatest exponent."""
    top = _greatest([exponent for _, exponent in terms])
    small, ones = [], []
    for factor, exponent in terms:
        is_top = sp.Ge(exponent, top, evaluate=False)
        small.append(choice((0, is_top), (factor * sp.exp(_less(exponent, top)), True)))
        ones.append(choice((factor, is_top), (0, True)))
    rest = first(sp.Add(*ones, -1)) + sp.Add(*small)
    if all(factor == 1 for factor, _ in terms):
        return top + log1p(rest)
    total = _shifted(list(terms), top)
    near = sp.Lt(sp.Abs(total - 1), sp.S.Half, evaluate=False)
    return top + choice((log1p(rest), near), (sp.log(total), True))


def terms_of(total: sp.Basic) -> list[Term] | None:
    """The terms of a sum of exponentials, at least two of them different; None of any other expression."""
    found = weighted_terms(total)
    if found is None or not all(factor.is_Number for factor, _ in found):
        return None
    if any(isinstance(n, sp.Max) for n in postorder(e for _, e in found)):
        return None  # shifted already
    return found if len({e for _, e in found if e != 0}) > 1 else None


def weighted_terms(total: sp.Basic) -> list[Term] | None:
    """The terms of a sum of exponentials times numbers, irrational ones too; None of any other expression."""
    if not isinstance(total, sp.Add):
        return None
    found = []
    for term in total.args:
        factors = sp.Mul.make_args(term)
        powers = [f for f in factors if isinstance(f, sp.exp)]
        numbers = [f for f in factors if not isinstance(f, sp.exp)]
        if not all(f.is_number for f in numbers):
            return None
        found.append((sp.Mul(*numbers), sp.Add(*(f.args[0] for f in powers))))
    return found


def multiple(argument: sp.Expr) -> tuple[sp.Expr, sp.Rational]:
    """An argument as (u, factor), the same u for all rational multiples."""
    factor, u = argument.as_coeff_Mul(rational=True)
    if isinstance(u, sp.Mul) and isinstance(u.args[0], sp.Float):
        factor, u = factor * sp.Rational(u.args[0]), product(*u.args[1:])
    if isinstance(u, sp.Add):
        content, u = u.primitive()
        factor *= content
        if u.could_extract_minus_sign():
            factor, u = -factor, -u
    return u, factor


def shifted_quotients(body: sp.Expr) -> sp.Expr:
    """The body with exponentials above and below a line divided by the greatest one of them.

    With exp(b) = M exp(b - m) for all b of a sum below the line, everything that M drops out of keeps its
    value when exp(b) becomes exp(b - m).
    """
    while True:
        for divisor in _divisors(body):
            new = _without_scale(body, divisor)
            if new != body:
                body = new
                break
        else:
            return body


def may_divide(body: sp.Expr, parts: Container[str] = ()) -> bool:
    """Whether there may be a quotient in a body, also when the entries of `parts` are written out.

    Functions may become one then: exp(-log(x)) is 1/x.
    """
    for node in postorder([body]):
        if isinstance(node, sp.Pow) and not (node.exp.is_Integer and node.exp.is_positive):
            return True
        if isinstance(node, sp.Function) and any(a.name in parts for a in accesses(node)):
            return True
    return False


def _divisors(body: sp.Expr) -> list[sp.Expr]:
    return [
        n.base
        for n in postorder([body])
        if isinstance(n, sp.Pow) and n.exp.is_Integer and n.exp.is_negative and terms_of(n.base)
    ]


def _without_scale(body: sp.Expr, divisor: sp.Expr) -> sp.Expr:
    """The body with `divisor` divided by its greatest exponential.

    In the largest parts in which the scale cancels, so is all else. What remains of it in other quotients is
    a factor: exp(a)/(exp(a) + exp(b))^2 = exp(a - 2 m)/(exp(a - m) + exp(b - m))^2.
    """
    terms = terms_of(divisor) or []
    exponents = [e for _, e in terms]
    scaled, order, degree, inside = _degrees(body, divisor, exponents)
    spread = _spread(order, divisor, degree, inside)
    if spread is not None:
        return _without_scale(spread, divisor)
    left = {n for n in order if degree[n] and _is_quotient(n, divisor, inside)}
    # Of two, any one will do where the scale cancels: what remains is a function of one exponential.
    top = exponents[0] if len(terms) == 2 and not left else _greatest(exponents)
    swap: dict[Any, Any] = {n: sp.exp(_less(e, top)) ** k for n, (e, k) in scaled.items()}
    swap[divisor] = _shifted(terms, top)
    # From the leaves to the root: `same` keeps the scale, `done` has lost it where it cancels.
    same: dict[sp.Basic, Any] = {}
    done: dict[sp.Basic, Any] = {}
    for node in order:
        if node in swap:
            same[node], done[node] = swap[node], node
        elif is_leaf(node):
            same[node] = done[node] = node
        elif degree[node] is None or not isinstance(node, _HOMOGENEOUS):
            same[node] = done[node] = rebuild(node, tuple(done[a] for a in node.args))
        else:
            same[node] = rebuild(node, tuple(same[a] for a in node.args))
            if node in left:
                done[node] = _times(same[node], degree[node] * top)
            elif degree[node] != 0 or not inside[node]:
                done[node] = rebuild(node, tuple(done[a] for a in node.args))
            else:
                done[node] = same[node]
    return done[body]


def _times(product: sp.Expr, exponent: sp.Expr) -> sp.Expr:
    """A product times exp(exponent), in one exponential with those in it: 0 next to infinity is none."""
    factors = sp.Mul.make_args(product)
    inner = [f for f in factors if isinstance(f, sp.exp)]
    total = sp.expand_mul(sp.Add(exponent, *(f.args[0] for f in inner)))
    return sp.Mul(sp.exp(total), *(f for f in factors if f not in inner))


def _spread(order: list[Any], divisor: sp.Expr, degree: dict, inside: dict) -> sp.Expr | None:
    """The body with exp(a) (u + v/s) as exp(a) u + exp(a) v/s, and (u + exp(a))/s as u/s + exp(a)/s.

    Differences that may cancel are kept together: (1 - exp(a))/s. None where nothing is to be done.
    """
    done: dict[sp.Basic, Any] = {}
    with_divisor: set[sp.Basic] = {divisor}
    for node in order:
        done[node] = node
        if node == divisor or is_leaf(node) or not any(a in done for a in node.args):
            continue
        if any(a in with_divisor for a in node.args):
            with_divisor.add(node)
        done[node] = rebuild(node, tuple(done[a] for a in node.args))
        if not isinstance(node, sp.Mul):
            continue
        for total in node.args:
            if not isinstance(total, sp.Add) or total == divisor or degree[total] is not None:
                continue
            rest = [f for f in node.args if f is not total]
            apart = total in with_divisor and any(inside[f] for f in rest)
            below = any(f in with_divisor for f in rest) and inside[total]
            alike = all(t.as_coeff_Mul()[0].is_positive for t in total.args)
            if apart or (below and alike):
                done[node] = sp.Add(*(sp.Mul(*(done[f] for f in rest), done[t]) for t in total.args))
                break
    return done[order[-1]] if done[order[-1]] != order[-1] else None


def keeps_scale(body: sp.Expr) -> bool:
    """Whether the scale of a sum below the line is a factor of the whole: what is read may lose it."""
    for divisor in _divisors(body):
        exponents = [e for _, e in terms_of(divisor) or []]
        if _degrees(body, divisor, exponents)[2][body]:
            return True
    return False


def _degrees(body: sp.Expr, divisor: sp.Expr, exponents: list[sp.Expr]) -> tuple[dict, list, dict, dict]:
    """What has the divisor's scale, all nodes, their degrees, and which of them hold such a thing."""
    powers = _powers(body, [e for e in exponents if e != 0])
    scaled = {sp.exp(e): (e, 1) for e in exponents if e != 0} | powers
    order = list(postorder([body], leaf=lambda n: is_leaf(n) or n == divisor or n in scaled))
    degree: dict[sp.Basic, int | None] = {}
    inside: dict[sp.Basic, bool] = {}
    for node in order:
        known = node == divisor or node in scaled
        degree[node] = scaled.get(node, (node, 1))[1] if known else _degree(node, degree)
        inside[node] = node in scaled or (not is_leaf(node) and any(inside.get(a, False) for a in node.args))
    return scaled, order, degree, inside


def _is_quotient(node: sp.Basic, divisor: sp.Expr, inside: dict[sp.Basic, bool]) -> bool:
    """Whether it is a product with exponentials above a power of `divisor` below the line."""
    if not isinstance(node, sp.Mul):
        return False
    below = [isinstance(f, sp.Pow) and f.base == divisor and bool(f.exp.is_negative) for f in node.args]
    return any(below) and any(inside[f] for f, b in zip(node.args, below, strict=True) if not b)


def _powers(body: sp.Expr, exponents: list[sp.Expr]) -> dict[sp.Expr, tuple[sp.Expr, int]]:
    """The exponentials in a body that are whole powers of one with a given exponent: exp(2 x) of exp(x)."""
    scales = {u: (e, factor) for e in exponents for u, factor in [multiple(e)]}
    found = {}
    for node in postorder([body]):
        if isinstance(node, sp.exp) and node.args[0] not in exponents:
            u, factor = multiple(node.args[0])
            exponent, unit = scales.get(u, (None, factor))
            if exponent is not None and (factor / unit).is_Integer:
                found[node] = (exponent, int(factor / unit))
    return found


_HOMOGENEOUS = (sp.Add, sp.Mul, sp.Pow, sp.Piecewise, ExprCondPair)


def _degree(node: Any, degree: dict[sp.Basic, int | None]) -> int | None:
    """The power of the scale that a node has; None where its parts have different ones."""
    if is_leaf(node) or not isinstance(node, _HOMOGENEOUS):
        return 0
    if isinstance(node, ExprCondPair):
        return degree[node.expr]
    found = [degree[a] for a in node.args]
    if isinstance(node, sp.Pow):
        if found[0] == 0:
            return 0
        return None if found[0] is None or not node.exp.is_Integer else found[0] * int(node.exp)
    if any(d is None for d in found):
        return None
    if isinstance(node, sp.Mul):
        return sum(found)  # type: ignore[arg-type]
    return found[0] if len(set(found)) == 1 else None


def _greatest(exponents: list[sp.Expr]) -> sp.Expr:
    """Their maximum; SymPy's own would compare every pair of them."""
    distinct = list(dict.fromkeys(exponents))
    return sp.Max(*distinct, evaluate=len(distinct) <= FEW)


def _less(exponent: sp.Expr, top: sp.Expr) -> sp.Expr:
    """The difference. Two exponents may cancel in part; a maximum is left as it is, to be evaluated once.

    Where nothing cancels it stays as it is written: of (x - m)^2 multiplied out no digit may be left.
    """
    plain = exponent - top
    if isinstance(top, sp.Max):
        return plain
    expanded = sp.expand(plain)
    return expanded if operations(expanded) < operations(plain) else plain


def _shifted(terms: list[Term], top: sp.Expr) -> sp.Expr:
    return sp.Add(*(factor * sp.exp(_less(exponent, top)) for factor, exponent in terms))
