"""Reuse of forward outputs: the derivative of a function in terms of its value.

sigma' = sigma (1 - sigma) is found, not looked up. Let a = f(x) and D = f'(x). Where both are
rational in t = exp(x) (and in x), eliminating t from

    den_f * a - num_f = 0,    den_D * D - num_D = 0

with a lexicographic Groebner basis leaves a polynomial in D, a and x; where it is linear in D,
it can be solved. Every candidate is verified in 30-digit arithmetic before it competes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp

from symbp.ir.evaluate import evaluate_body
from symbp.ir.nodes import Access
from symbp.ir.walk import accesses, index_symbols, is_large, operations, postorder, substitute
from symbp.passes.cost import cost

_X, _A, _T, _D = (sp.Dummy(n, real=True) for n in ("x", "a", "t", "D"))
SIZE = 40
"""Bodies with more operations than this are not searched: elimination is for formulas, not programs."""


def through_output(body: sp.Expr, derivative: sp.Expr, value: Access) -> sp.Expr:
    """The cheapest known form of d body / d access, where `value` holds the body's value.

    Only for bodies of one access; others are returned as they are.
    """
    operands = accesses(body)
    if len(operands) != 1 or operations(body) > SIZE or body == operands[0] or is_large(body, 2 * SIZE):
        return derivative
    (x,) = operands
    swap = {x: _X}
    if index_symbols(substitute(body, swap)):
        return derivative  # the formula differs from entry to entry
    found = _search(substitute(body, swap), substitute(derivative, swap))
    return derivative if found is None else substitute(found, {_X: x, _A: value})


@lru_cache(maxsize=4096)
def _search(f: sp.Expr, derivative: sp.Expr) -> sp.Expr | None:
    if isinstance(f, sp.Piecewise) and isinstance(derivative, sp.Piecewise):
        return _branchwise(f, derivative)
    candidates = [
        c
        for c in _candidates(f, derivative)
        if _agrees(c, f, derivative) and _safe_division(c, f, derivative)
    ]
    return _cheapest([derivative, *candidates], f)


def _cheapest(forms: list[sp.Expr], f: sp.Expr) -> sp.Expr | None:
    """The form with the fewest overflows to nan, then the lowest cost; None where it is the first."""
    best = min(forms, key=lambda c: (_nans(c, f), cost(c)))
    return None if best is forms[0] else best


def _nans(form: sp.Expr, f: sp.Expr) -> int:
    """How many of some extreme float64 arguments the form answers with nan."""
    x = np.array([-1000.0, -30.0, 0.0, 30.0, 1000.0])
    with np.errstate(all="ignore"):
        a = evaluate_body(substitute(f, {_X: Access("x")}), {"x": x})
        value = evaluate_body(substitute(form, {_X: Access("x"), _A: Access("a")}), {"x": x, "a": a})
    return int((np.isnan(np.broadcast_to(value, x.shape)) & ~np.isnan(np.broadcast_to(a, x.shape))).sum())


def _safe_division(candidate: sp.Expr, f: sp.Expr, derivative: sp.Expr) -> bool:
    """Whether the candidate divides by zero only where the derivative is singular itself."""
    below = sp.fraction(sp.together(candidate))[1]
    if below.is_number:
        return True
    for factor in sp.Mul.make_args(sp.factor(below)):
        if factor.is_number:
            continue
        if isinstance(factor, sp.Pow):
            factor = factor.base
        zeros = _real_zeros(factor.xreplace({_A: f}))
        if zeros is None or any(derivative.xreplace({_X: z}).is_finite is not False for z in zeros):
            return False
    return True


def _real_zeros(e: sp.Expr) -> list[Any] | None:
    """All real zeros of a function of x, or None where SymPy cannot tell."""
    if e.is_positive or e.is_negative or isinstance(e, sp.exp):
        return []
    try:
        found = sp.solve(e, _X)
    except (NotImplementedError, ValueError, TypeError, AttributeError):
        return None
    return [z for z in found if z.is_real is not False] if found else None


def _branchwise(f: sp.Piecewise, derivative: sp.Piecewise) -> sp.Expr | None:
    if [c for _, c in f.args] != [c for _, c in derivative.args]:
        return None
    branches = []
    for (value, condition), (slope, _) in zip(f.args, derivative.args, strict=True):
        found = _search(value, slope) if not value.is_number else None
        branches.append((slope if found is None else found, condition))
    result = sp.Piecewise(*branches)
    return result if cost(result) < cost(derivative) else None


def _candidates(f: sp.Expr, derivative: sp.Expr):
    yield substitute(derivative, {f: _A})
    yield from _powers(f, derivative)
    try:
        yield from _elimination(f, derivative)
    except (sp.PolynomialError, NotImplementedError, ValueError, ZeroDivisionError):
        return


def _powers(f: sp.Expr, derivative: sp.Expr):
    """f = c x^p: the derivative is p a / x; with the square root, 1/(2a)."""
    ratio = sp.cancel(derivative / f)
    if cost(ratio) < cost(derivative):
        yield ratio * _A
    inverse = sp.cancel(derivative * f)
    if cost(inverse) < cost(derivative):
        yield inverse / _A


def _elimination(f: sp.Expr, derivative: sp.Expr):
    rational = [_in_exponential(e) for e in (f, derivative)]
    if rational[1] is not None:
        yield sp.Add(*(_reciprocal(term) for term in sp.Add.make_args(rational[1])))
    if None in rational:
        return
    (n_f, d_f), (n_d, d_d) = (sp.fraction(sp.together(e)) for e in rational)  # type: ignore[misc]
    system = [sp.expand(d_f * _A - n_f), sp.expand(d_d * _D - n_d)]
    if (
        not all(e.is_polynomial(_T, _D, _A, _X) for e in system)
        or max(sp.total_degree(e) for e in system) > 8
    ):
        return
    basis = sp.groebner(system, _T, _D, _A, _X, order="lex")
    for polynomial in basis.exprs:
        if _T in polynomial.free_symbols or sp.degree(polynomial, _D) != 1:
            continue
        solved = sp.cancel(sp.solve(polynomial, _D)[0])
        yield from (solved, sp.factor(solved))


def _reciprocal(rational: sp.Expr) -> sp.Expr:
    """c t^k / Q(t) as c / (Q(t) t^-k): exponentials only below the line, where overflow means 0."""
    above, below = sp.fraction(sp.cancel(rational))
    terms = sp.Poly(above, _T, _X).terms()
    if len(terms) == 1:
        (k, m), c = terms[0]
        rational = c * _X**m / sp.expand(below / _T**k)
    return rational.xreplace({_T: sp.exp(_X)})


def _in_exponential(e: sp.Expr) -> sp.Expr | None:
    """`e` as a rational function of t = exp(x) and x, or None."""
    exponents: dict[Any, Any] = {}
    for node in postorder([e], leaf=lambda n: not n.args):
        if isinstance(node, sp.exp):
            slope = sp.Poly(node.args[0], _X).coeff_monomial(_X) if node.args[0].is_polynomial(_X) else None
            rest = None if slope is None else sp.expand(node.args[0] - slope * _X)
            if slope is None or not slope.is_Rational or rest != 0:
                return None
            exponents[node] = slope
        elif isinstance(node, sp.Function) or (isinstance(node, sp.Pow) and not node.exp.is_Integer):
            return None
    if not exponents:
        return None
    if any(s.q != 1 for s in exponents.values()):
        return None
    unit = 1
    return substitute(e, {node: _T ** (s / unit) for node, s in exponents.items()})


def _agrees(candidate: sp.Expr, f: sp.Expr, derivative: sp.Expr) -> bool:
    """Whether the candidate equals the derivative at several points, to 25 digits."""
    tested = 0
    for point in ("0.37", "1.91", "-0.83", "-2.3", "3.7"):
        x = sp.Rational(point)
        value, truth = (e.xreplace({_X: x}).evalf(40) for e in (f, derivative))
        if not (value.is_real and truth.is_real):
            continue
        guess = candidate.xreplace({_X: x, _A: value}).evalf(40)
        if not guess.is_real or abs(guess - truth) > sp.Float("1e-25") * (1 + abs(truth)):
            return False
        tested += 1
    return tested >= 2
