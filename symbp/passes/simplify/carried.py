"""Values carried as body * exp(exponent), so that nothing overflows that does not as a whole.

    (e^2x + e^-x)/(e^(1-x) + 1)     at -900    numerator  (e^-2700 + 1) e^900
                                               denominator  (1 + e^-901) e^901,  together 1/e
    log(1 - exp(-e^x))              at -1000   exp(-u) - 1 = -u where u = 1 e^-1000 is small,  so -1000

Sums have the greatest exponent of their terms, of those that are not 0; products add exponents, powers
multiply them, logarithms add them to the logarithm of the body. All else takes numbers as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy as sp
from sympy.functions.elementary.piecewise import ExprCondPair
from sympy.logic.boolalg import Boolean

from symbp.ir.functions import expm1, finite, log1p, times_logarithm
from symbp.ir.nodes import Access
from symbp.ir.walk import is_leaf, postorder, rebuild

SMALL = sp.Float(1e-30)
"""Below, expm1(u) and log1p(u) are u, and u may be 0 where it is carried."""

_LIKE_THEIR_ARGUMENT = (sp.tanh, sp.sin, sp.tan, sp.atan, sp.asin, sp.asinh, sp.atanh)
"""Functions that are their argument where that is small."""


@dataclass(frozen=True)
class Carried:
    """body * exp(exponent)."""

    body: Any
    exponent: Any = sp.S.Zero


class Carrier:
    """Writes formulas over carried values.

    Attributes:
        name: of the choices in a form, each of which has a name: SymPy makes conditions on choices choices
            of conditions.
        choices: by name, in order.
        done: every node that was written.
        behind: what was carried of the numbers that came of it.
    """

    def __init__(self, name: Callable[[], Access]) -> None:
        self.name = name
        self.choices: dict[Access, sp.Expr] = {}
        self.done: dict[sp.Basic, Any] = {}
        self.behind: dict[sp.Basic, Carried] = {}

    def number(self, formula: sp.Expr) -> sp.Expr:
        """The value of a formula, which may be infinite."""
        for node in postorder([formula]):
            if node not in self.done:
                self.done[node] = self.node(node)
        return self.resolved(self.done[formula])

    def node(self, node: Any) -> Any:
        if is_leaf(node):
            return Carried(node)
        parts = [self.done[a] for a in node.args]
        if isinstance(node, sp.core.relational.Relational):
            one, other = parts
            if one.exponent == other.exponent == 0:
                return node.func(one.body, other.body, evaluate=False)
            return node.func(self.sum([one, _negative(other)]).body, 0, evaluate=False)
        if isinstance(node, Boolean):
            return node.func(*(p.body if isinstance(p, Carried) else p for p in parts), evaluate=False)
        if isinstance(node, ExprCondPair):
            condition = parts[1]
            return parts[0], condition.body if isinstance(condition, Carried) else condition
        if isinstance(node, sp.Piecewise):
            return Carried(
                self.choice([(value.body, holds) for value, holds in parts]),
                self.choice([(value.exponent, holds) for value, holds in parts]),
            )
        if isinstance(node, sp.exp):
            return Carried(sp.S.One, self.resolved(parts[0]))
        if isinstance(node, sp.cosh | sp.sinh):
            up, down = (Carried(s / 2, sign * self.resolved(parts[0])) for s, sign in _signs(node))
            return self.sum([up, down])
        if isinstance(node, sp.Mul):
            return Carried(sp.Mul(*(p.body for p in parts)), sp.Add(*(p.exponent for p in parts)))
        if isinstance(node, sp.Pow) and node.exp.is_Rational:
            return Carried(rebuild(node, (parts[0].body, node.exp)), parts[0].exponent * node.exp)
        if isinstance(node, sp.Add):
            return self.sum(parts)
        if isinstance(node, sp.log):
            return self.logarithm(node, parts[0])
        if isinstance(node, sp.Abs):
            return Carried(sp.Abs(parts[0].body, evaluate=False), parts[0].exponent)
        if isinstance(node, sp.Max | sp.Min) and any(p.exponent != 0 for p in parts):
            return self.extreme(node, parts)
        numbers = tuple(self.resolved(p) for p in parts)
        if isinstance(node, sp.Max | sp.Min):
            return Carried(node.func(*numbers, evaluate=False))
        whole = Carried(rebuild(node, numbers))
        if isinstance(node, _LIKE_THEIR_ARGUMENT) and parts[0].exponent != 0:
            return self.either(_is_below(numbers[0], SMALL), parts[0], whole)
        return whole

    def extreme(self, node: sp.Max | sp.Min, parts: list[Carried]) -> Carried:
        best, *others = parts
        for other in others:
            apart = self.sum([best, _negative(other)]).body
            holds = (sp.Ge if isinstance(node, sp.Max) else sp.Le)(apart, 0, evaluate=False)
            best = self.either(holds, best, other)
        return best

    def resolved(self, value: Carried) -> sp.Expr:
        if value.exponent == 0:
            return value.body
        number = times_logarithm(value.body, sp.exp(value.exponent, evaluate=False))
        self.behind[number] = value
        return number

    def sum(self, parts: list[Carried]) -> Carried:
        if all(p.exponent == 0 for p in parts):
            return Carried(sp.Add(*(p.body for p in parts)))
        counted = [
            p.exponent
            if _is_never_zero(p.body)
            else self.choice([(p.exponent, sp.Ne(p.body, 0, evaluate=False)), (-sp.oo, sp.true)])
            for p in parts
        ]
        top = finite(sp.Max(*dict.fromkeys(counted), evaluate=False))
        whole = Carried(sp.Add(*(self.resolved(Carried(p.body, p.exponent - top)) for p in parts)), top)
        return self.near_zero(parts, whole)

    def near_zero(self, parts: list[Carried], whole: Carried) -> Carried:
        """c - c exp(u) as -c expm1(u) where u is not large, and as -c u where it is small."""
        one, other, *more = sorted(parts, key=lambda p: p.exponent != 0)
        if more or one.exponent != 0 or not one.body.is_number or one.body + other.body != 0:
            return whole
        u, c = other.exponent, other.body
        whole = self.either(sp.Lt(u, 1, evaluate=False), Carried(c * expm1(u)), whole)
        factor, number = sp.sympify(u).as_coeff_Mul()
        behind = self.behind.get(number)
        small = None if behind is None else Carried(c * factor * behind.body, behind.exponent)
        return whole if small is None else self.either(_is_below(u, SMALL), small, whole)

    def logarithm(self, node: sp.log, inside: Carried) -> Carried:
        known = self.behind.get(inside.exponent)
        own = Carried(sp.log(inside.body, evaluate=False))
        whole = Carried(own.body + inside.exponent) if known is None else self.sum([own, known])
        terms = sp.Add.make_args(node.args[0])
        if len(terms) < 2 or sp.S.One not in terms:
            return whole
        rest = [self.done[t] if t in self.done else self.written(t) for t in terms if t is not sp.S.One]
        added = rest[0] if len(rest) == 1 else self.sum(rest)
        u = self.resolved(added)
        whole = self.either(_is_below(u, sp.S.Half), Carried(log1p(u)), whole)
        return self.either(_is_below(u, SMALL), added, whole)

    def either(self, holds: sp.Basic, one: Carried, other: Carried) -> Carried:
        return Carried(
            self.choice([(one.body, holds), (other.body, sp.true)]),
            self.choice([(one.exponent, holds), (other.exponent, sp.true)]),
        )

    def choice(self, pairs: list[tuple[Any, Any]]) -> sp.Expr:
        values = {value for value, _ in pairs}
        if len(values) == 1:
            return values.pop()
        name = self.name()
        self.choices[name] = sp.Piecewise(*pairs, evaluate=False)
        return name

    def written(self, formula: sp.Expr) -> Any:
        self.number(formula)
        return self.done[formula]


def _negative(value: Carried) -> Carried:
    return Carried(-value.body, value.exponent)


def _is_below(u: sp.Expr, size: sp.Expr) -> sp.Basic:
    return sp.Lt(sp.Abs(u, evaluate=False), size, evaluate=False)


def _signs(node: Any) -> tuple[tuple[sp.Expr, int], tuple[sp.Expr, int]]:
    return (sp.S.One, 1), (sp.S.One if isinstance(node, sp.cosh) else sp.S.NegativeOne, -1)


def _is_never_zero(body: Any) -> bool:
    if body.is_number:
        return body != 0
    if isinstance(body, sp.exp):
        return True
    if isinstance(body, sp.Mul):
        return all(map(_is_never_zero, body.args))
    if isinstance(body, sp.Pow):
        return _is_never_zero(body.base)
    if isinstance(body, times_logarithm):
        return _is_never_zero(body.args[0]) and isinstance(body.args[1], sp.exp)
    return isinstance(body, sp.Add) and all(_is_never_zero(a) and _is_positive(a) for a in body.args)


def _is_positive(body: Any) -> bool:
    if body.is_number:
        return bool(body.is_positive)
    if isinstance(body, times_logarithm | sp.Mul):
        return all(map(_is_positive, body.args))
    return isinstance(body, sp.exp) or (isinstance(body, sp.Pow) and _is_positive(body.base))
