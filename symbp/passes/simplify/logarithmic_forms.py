"""Logarithms of rational functions of one exponential, in forms without overflow or cancellation.

    L = a + b x + sum_k m_k log R_k,    R_k = c t^p prod P(t)^n,   t = exp(g x)

Each P(t) becomes a power of t times a polynomial in e = exp(-g |x|), whose logarithm is small; the powers
add up to a line on either side of 0. log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|)) is one case,
log(1/(1 + exp(-x))), x - log(1 + exp(x)) and log(1 - tanh(x)^2) are others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import sympy as sp

from symbp.ir.functions import expm1, log1p
from symbp.ir.walk import is_large
from symbp.passes.simplify.exponential_forms import (
    ONE_LESS,
    SIZE,
    Coefficients,
    Form,
    Quotient,
    X,
    in_exponentials,
    polynomial,
    quotient,
)


@dataclass(frozen=True)
class Logarithms:
    """constant + slope * X + sum of multiplier * log(quotient)."""

    constant: sp.Expr
    slope: sp.Rational
    parts: tuple[tuple[sp.Rational, Quotient], ...]

    def inside(self) -> Quotient | None:
        """R where this is m log R alone and R = 1 at x = 0, so that the logarithm vanishes there."""
        if self.constant != 0 or self.slope != 0 or len(self.parts) != 1:
            return None
        return self.parts[0][1] if self.parts[0][1].at_one() == 1 else None


@lru_cache(maxsize=4096)
def logarithms(body: sp.Expr) -> Logarithms | None:
    """A body over X as a sum of such logarithms; None where it is none."""
    if is_large(body, SIZE):
        return None
    constant, slope, parts = sp.S.Zero, sp.S.Zero, []
    for term in sp.Add.make_args(in_exponentials(body)):
        multiplier, rest = term.as_coeff_Mul(rational=True)
        if rest == X:
            slope += multiplier
        elif isinstance(rest, sp.log):
            q = quotient(rest.args[0])
            if q is None:
                return None
            parts.append((multiplier, q))
        elif term.is_number:
            constant += term
        else:
            return None
    return Logarithms(constant, slope, tuple(parts)) if parts else None


def forms(logs: Logarithms, near_one: sp.Expr | None) -> Iterator[Form]:
    """Ways of writing the sum, the last one accurate for every x.

    Args:
        near_one: R - 1 in an accurate form, where `inside` gives R.
    """
    whole = _split(logs)
    if whole is None:
        return
    yield "logarithm in terms of exp(-|x|)", whole
    if near_one is not None:
        near = logs.parts[0][0] * log1p(near_one)
        yield "logarithm near 1", sp.Piecewise((near, sp.Abs(X) < 1), (whole, True))


class _Sum:
    """Collects the line left and right of 0, and what is added to it."""

    def __init__(self, constant: sp.Expr, slope: sp.Rational):
        self.constant = constant
        self.left = self.right = slope
        self.terms: dict[sp.Expr, sp.Rational] = {}

    def line(self, left: sp.Rational, right: sp.Rational) -> None:
        self.left, self.right = self.left + left, self.right + right

    def add(self, multiplier: sp.Rational, term: sp.Expr) -> None:
        self.terms[term] = self.terms.get(term, sp.S.Zero) + multiplier

    def total(self) -> sp.Expr:
        return sp.Add(self.constant, _line(self.left, self.right), *(m * t for t, m in self.terms.items()))


def _split(logs: Logarithms) -> sp.Expr | None:
    total = _Sum(logs.constant, logs.slope)
    for multiplier, q in logs.parts:
        less = q.multiplicity(ONE_LESS)
        if q.constant < 0 and less % 2 == 0:
            return None  # the logarithm of a negative number
        if abs(q.constant) != 1:
            total.constant += multiplier * sp.log(abs(q.constant))
        size = q.unit * sp.Abs(X)
        total.line(multiplier * q.power * q.unit, multiplier * q.power * q.unit)
        for p, m in q.without(ONE_LESS):
            total.line(sp.S.Zero, multiplier * m * (len(p) - 1) * q.unit)
            for weight, term in _of_polynomial(p, sp.exp(-size)):
                if term.is_number:
                    total.constant += multiplier * m * weight * term
                else:
                    total.add(multiplier * m * weight, term)
        if less % 2 == 0 and less:
            total.line(sp.S.Zero, multiplier * less * q.unit)
            total.add(multiplier * less, _log_of_rest(-size))
        elif less and q.constant > 0:  # t - 1 > 0: x > 0
            total.line(multiplier * less * q.unit, multiplier * less * q.unit)
            total.add(multiplier * less, _log_of_rest(-q.unit * X))
        elif less:
            total.add(multiplier * less, _log_of_rest(q.unit * X))
    return total.total()


def _of_polynomial(p: Coefficients, e: sp.Expr) -> list[tuple[int, sp.Expr]]:
    """log P(t) without the power of t, as a sum of terms with multiplicities."""
    if p[0] == p[-1] and p[0] > 0:
        inner = [sp.Add(*(c / p[0] * e**k for k, c in enumerate(side) if k)) for side in (p, p[::-1])]
        return [(1, sp.log(p[0])), (1, log1p(_by_sign(*inner)))]
    return [(1, _by_sign(*(_log(side, e) for side in (p, p[::-1]))))]


def _log(p: Coefficients, e: sp.Expr) -> sp.Expr:
    whole = polynomial(p, e)
    return log1p(whole - 1) if p[0] == 1 else sp.log(whole)


def _by_sign(left: sp.Expr, right: sp.Expr) -> sp.Expr:
    return left if left == right else sp.Piecewise((left, X < 0), (right, True))


def _log_of_rest(v: sp.Expr) -> sp.Expr:
    """log(1 - exp(v)) for v < 0 (Maechler, "Accurately computing log(1 - exp(-|a|))", 2012)."""
    return sp.Piecewise((sp.log(-expm1(v)), v > -sp.log(2)), (log1p(-sp.exp(v)), True))


def _line(left: sp.Rational, right: sp.Rational) -> sp.Expr:
    """left * x for x < 0, right * x for x >= 0."""
    if left == right:
        return left * X
    if left == 0:
        return right * sp.Max(0, X)
    if right == 0:
        return left * sp.Min(0, X)
    if left == -right:
        return right * sp.Abs(X)
    return left * X + (right - left) * sp.Max(0, X)
