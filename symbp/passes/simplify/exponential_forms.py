"""Rational functions of one exponential, in forms that neither overflow nor cancel.

    R = c t^k prod_i P_i(t)^m_i,    t = exp(g x)

With e = exp(-g |x|), t is e or 1/e by the sign of x, and every P_i(t) becomes a polynomial in e times a
power of e: nothing overflows where R itself does not, and one exponential is enough. Where t - 1 is a
factor, it is an expm1, a sinh or a tanh. No function is known by name: 1/(1 + exp(-x)),
exp(x)/(1 + exp(x)) and (1 + tanh(x/2))/2 are one R.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import gcd

import sympy as sp

from symbp.ir.functions import expm1, log1p
from symbp.ir.nodes import Access
from symbp.ir.walk import is_large, is_leaf, postorder, rebuild
from symbp.passes.simplify.rational import cancelled, rational

X = Access("x")
"""The argument all bodies here are functions of."""

DEGREE = 12
"""Numerators and denominators of higher degree are left as they are."""
SIZE = 150

Coefficients = tuple[sp.Rational, ...]
"""Of a polynomial, the lowest power first."""

ONE_LESS: Coefficients = (sp.Integer(-1), sp.Integer(1))
ONE_MORE: Coefficients = (sp.Integer(1), sp.Integer(1))

Form = tuple[str, sp.Expr]
"""A rule's name and what it gives."""


@dataclass(frozen=True)
class Quotient:
    """constant * t^power * prod P(t)^multiplicity with t = exp(unit * X)."""

    unit: sp.Rational
    constant: sp.Rational
    power: int
    factors: tuple[tuple[Coefficients, int], ...]

    def multiplicity(self, wanted: Coefficients) -> int:
        return next((m for p, m in self.factors if p == wanted), 0)

    def without(self, *unwanted: Coefficients) -> list[tuple[Coefficients, int]]:
        return [(p, m) for p, m in self.factors if p not in unwanted]

    @property
    def growth(self) -> int:
        """n where R behaves as t^n for large t."""
        return self.power + sum(m * (len(p) - 1) for p, m in self.factors)

    def at_one(self) -> sp.Rational | None:
        """The value at x = 0; None where it is infinite."""
        if self.multiplicity(ONE_LESS):
            return sp.S.Zero if self.multiplicity(ONE_LESS) > 0 else None
        return self.constant * sp.Mul(*(sum(p) ** m for p, m in self.factors))


@lru_cache(maxsize=4096)
def quotient(body: sp.Expr) -> Quotient | None:
    """A body over X as a quotient; None where it is no rational function of one exponential."""
    if type(body) is sp.exp and type(body.args[0]) in (Access, sp.Mul):  # a mere exponential: no polynomials
        number, argument = body.args[0].as_coeff_Mul()
        if argument == X and isinstance(number, sp.Rational | sp.Float) and number.is_finite and number != 0:
            return Quotient(abs(sp.Rational(number)), sp.S.One, 1 if number > 0 else -1, ())
    if is_large(body, SIZE):
        return None
    r = rational([in_exponentials(body)])
    if set(r.meaning) != r.exponentials or len(r.meaning) != 1:
        return None
    ((t, meaning),) = r.meaning.items()
    unit, argument = meaning.args[0].as_coeff_Mul(rational=True)
    if argument != X:
        return None
    if r.bodies[0] in (t, 1 / t):  # a mere exponential: no polynomials needed
        return Quotient(unit, sp.S.One, 1 if r.bodies[0] == t else -1, ())
    # exp(-0.593 x) is a power of exp(2^-52 x) with an exponent of sixteen digits: no polynomial to write out.
    if any(
        isinstance(n, sp.Pow) and n.base == t and not abs(n.exp) <= DEGREE for n in postorder([r.bodies[0]])
    ):
        return None
    whole = cancelled(r.bodies[0])
    if whole is None or whole == 0:
        return None
    sides = sp.fraction(whole)
    if any(not side.is_polynomial(t) or sp.degree(side, t) > DEGREE for side in sides):
        return None
    # (t^2 - 1)/(t^2 + 1) is a function of t^2.
    step = gcd(*(k for side in sides for (k,) in sp.Poly(side, t).monoms())) or 1
    sides = tuple(sp.expand(side).subs(t, t ** sp.Rational(1, step)) for side in sides)
    unit *= step
    constant, power, factors = sp.S.One, 0, []
    for side, sign in zip(sides, (1, -1), strict=True):
        scale, found = sp.factor_list(side, t)
        constant *= scale**sign
        for factor, multiplicity in found:
            coefficients = tuple(reversed(sp.Poly(factor, t).all_coeffs()))
            if coefficients == (0, 1):
                power += sign * multiplicity
            else:
                factors.append((coefficients, sign * multiplicity))
    return Quotient(unit, constant, power, tuple(factors)) if constant.is_Rational else None


def in_exponentials(body: sp.Expr) -> sp.Expr:
    """The body with hyperbolic functions, expm1 and log1p in terms of exp and log, numbers exact."""
    done: dict[sp.Basic, sp.Basic] = {}
    for node in postorder([body]):
        new = node if is_leaf(node) else rebuild(node, tuple(done[a] for a in node.args))
        if isinstance(new, sp.Float):
            new = sp.Rational(new)
        elif isinstance(new, sp.tanh):
            new = 1 - 2 / (sp.exp(2 * new.args[0]) + 1)
        elif isinstance(new, sp.sinh):
            new = (sp.exp(new.args[0]) - sp.exp(-new.args[0])) / 2
        elif isinstance(new, sp.cosh):
            new = (sp.exp(new.args[0]) + sp.exp(-new.args[0])) / 2
        elif isinstance(new, expm1):
            new = sp.exp(new.args[0]) - 1
        elif isinstance(new, log1p):
            new = sp.log(1 + new.args[0])
        done[node] = new
    return done[body]  # type: ignore[return-value]


def polynomial(coefficients: Coefficients, t: sp.Expr) -> sp.Expr:
    return sp.Add(*(c * t**k for k, c in enumerate(coefficients)))


def power_of_polynomial(coefficients: Coefficients, multiplicity: int, e: sp.Expr) -> sp.Expr:
    """P(e)^m for small e. As 1 + e (2 + e), the square of 1 + e is off by half as much."""
    if abs(multiplicity) == 1 or abs(multiplicity) * (len(coefficients) - 1) > 4:
        return polynomial(coefficients, e) ** multiplicity
    expanded = sp.Poly(list(reversed(coefficients)), X) ** abs(multiplicity)
    result, *rest = expanded.all_coeffs()
    for coefficient in rest:
        result = coefficient + e * result
    return result if multiplicity > 0 else 1 / result


def forms(q: Quotient) -> Iterator[Form]:
    """Ways of writing a quotient; the last one is accurate for every x."""
    yield "one exponential", _direct(q, 1)
    yield "one exponential", _direct(q, -1)
    if q.multiplicity(ONE_LESS):
        yield "expm1, sinh and tanh", _hyperbolic(q)
    yield "exponential of -|x|", split_by_sign(q)


def _direct(q: Quotient, sign: int) -> sp.Expr:
    """In t, or in 1/t: an exponential that overflows below the line is a zero."""
    t = sp.exp(sign * q.unit * X)
    power = q.power if sign > 0 else -q.growth
    factors = [polynomial(p if sign > 0 else p[::-1], t) ** m for p, m in q.factors]
    return sp.Mul(q.constant, sp.exp(sign * power * q.unit * X), *factors)


def _hyperbolic(q: Quotient) -> sp.Expr:
    """(t - 1)/(t + 1) = tanh(x/2), (t - 1)(t + 1) = 2 t sinh(x), t - 1 = expm1(x), 1 - 1/t = -expm1(-x)."""
    x = q.unit * X
    constant, power = q.constant, q.power
    less, more = q.multiplicity(ONE_LESS), q.multiplicity(ONE_MORE)
    paired = min(abs(less), abs(more)) * (1 if less > 0 else -1)
    factors = []
    if less * more < 0:
        factors.append(sp.tanh(x / 2) ** paired)
        less, more = less - paired, more + paired
    elif more:
        factors.append(sp.sinh(x) ** paired)
        constant, power = constant * sp.Integer(2) ** paired, power + paired
        less, more = less - paired, more - paired
    if less * power < 0:
        turned = min(abs(less), abs(power)) * (1 if less > 0 else -1)
        factors.append((-expm1(-x)) ** turned)
        less, power = less - turned, power + turned
    factors += [expm1(x) ** less, (1 + sp.exp(x)) ** more, sp.exp(power * x)]
    factors += [polynomial(p, sp.exp(x)) ** m for p, m in q.without(ONE_LESS, ONE_MORE)]
    return sp.Mul(constant, *factors)


def split_by_sign(q: Quotient) -> sp.Expr:
    """In e = exp(-|x|); what differs between x < 0 and x >= 0 is chosen by the sign of x."""
    size = q.unit * sp.Abs(X)
    e = sp.exp(-size)
    common: list[sp.Expr] = [q.constant]
    sides: tuple[list[sp.Expr], list[sp.Expr]] = ([], [])
    for side, power in zip(sides, (q.power, -q.growth), strict=True):
        side.append(e**power if power >= 0 else sp.exp(-power * size))
    less = q.multiplicity(ONE_LESS)
    if less:
        common.append((-expm1(-size)) ** less)
        sides[0].append(sp.Integer(-1) ** less)
    for p, m in q.without(ONE_LESS):
        below, above = power_of_polynomial(p, m, e), power_of_polynomial(p[::-1], m, e)
        if below == above:
            common.append(below)
        else:
            sides[0].append(below)
            sides[1].append(above)
    negative, positive = (sp.Mul(*side) for side in sides)
    if negative == positive:
        return sp.Mul(*common, positive)
    return sp.Mul(*common, sp.Piecewise((negative, X < 0), (positive, True)))
