"""The scale of exponentials: s = s' E and exp(b_i) = exp(b_i - m) E with E = exp(m), made to cancel.

exp(b_i)/s = exp(b_i - m)/s',    log(s) = m + log(s'),    exp(c)/s = exp(c - m)/s',
(2 + s)/(1 + s) = (2 exp(-m) + s')/(exp(-m) + s')
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import sympy as sp
from sympy.functions.elementary.piecewise import ExprCondPair

from symbp.ir.nodes import Access
from symbp.ir.walk import accesses, is_leaf, postorder, rebuild, substitute
from symbp.passes.simplify.exponential_sums import exponent_of, power, terms_of
from symbp.passes.simplify.peaks import Peak, Total

MOST = 200
"""Ways in which an exponent may be one of those of a sum that are tried."""


@dataclass(frozen=True)
class Scaled:
    """body * E^n.

    Attributes:
        mixed: for a sum whose terms have different scales, and powers of it, the same with the largest scale
            taken out of it.
    """

    n: Any
    body: Any
    mixed: Scaled | None = None


def own_exponentials(body: sp.Expr, total: Total, access: Access, peak: Peak) -> dict[sp.Basic, sp.Expr]:
    """The exponentials of a body that a sum adds up, with the peak subtracted."""
    s = total.statement
    at = dict(zip(s.indices, access.indices, strict=True))
    patterns = [substitute(t.exponent, at) for t in terms_of(s.body, peak.base) or ()]
    found: dict[sp.Basic, sp.Expr] = {}
    for node in postorder([body]):
        exponent = exponent_of(node, peak.base)
        if exponent is not None and any(_matches(exponent, p, s.bound) for p in patterns):
            found[node] = power(peak.base, exponent - peak.access)
    return found


def _matches(exponent: sp.Expr, pattern: sp.Expr, bound: tuple[Any, ...]) -> bool:
    """Whether an exponent is the pattern at some values of its bound indices."""
    places = list(dict.fromkeys(i for a in accesses(exponent) for i in a.indices))
    if len(places) ** len(bound) > MOST:
        return False
    tried = product(places, repeat=len(bound))
    return any(substitute(pattern, dict(zip(bound, at, strict=True))) == exponent for at in tried)


class Writer:
    """Writes a body as E^n times another, from the leaves to the root.

    Attributes:
        swap: nodes that hold E once, and what they are without it.
    """

    def __init__(self, peak: Peak, swap: Mapping[sp.Basic, sp.Expr]):
        self.base, self.peak, self.swap = peak.base, peak.access, swap

    def write(self, body: sp.Expr) -> sp.Expr:
        done: dict[sp.Basic, Scaled] = {}
        for node in postorder([body], leaf=lambda n: is_leaf(n) or n in self.swap):
            done[node] = self.node(node, done)
        return self.resolved(done[body])

    def node(self, node: Any, done: Mapping[sp.Basic, Scaled]) -> Scaled:
        if node in self.swap:
            return Scaled(1, self.swap[node])
        if is_leaf(node) or isinstance(node, sp.logic.boolalg.Boolean):
            return Scaled(0, node)
        if isinstance(node, ExprCondPair):
            return done[node.expr]
        parts = [done[a] for a in node.args]
        if isinstance(node, sp.Mul):
            return self.product(parts)
        if isinstance(node, sp.Pow) and node.exp.is_number:
            return self.power(node, parts[0])
        if isinstance(node, sp.Add):
            return self.sum(node, parts)
        if isinstance(node, sp.Piecewise):
            return self.choice(node, parts)
        if isinstance(node, sp.log):
            return Scaled(0, self.logarithm(parts[0].mixed or parts[0]))
        return Scaled(0, rebuild(node, tuple(self.resolved(p) for p in parts)))

    def power(self, node: sp.Pow, base: Scaled) -> Scaled:
        inside = base.mixed if base.mixed is not None and node.exp.is_negative else base
        return Scaled(
            inside.n * node.exp,
            rebuild(node, (inside.body, node.exp)),
            None if inside.mixed is None else self.power(node, inside.mixed),
        )

    def product(self, parts: list[Scaled]) -> Scaled:
        """A product; the scale that is left of it goes into its other exponentials."""
        if any(p.mixed for p in parts):
            better = [p.mixed or p for p in parts]
            if sum(p.n for p in better) == 0 != sum(p.n for p in parts):
                parts = better
        n = sum(p.n for p in parts)
        others = [p.body for p in parts if p.n == 0 and exponent_of(p.body) is not None]
        if not others or (n == 0 and len(others) == 1):
            return Scaled(n, sp.Mul(*(p.body for p in parts)))
        # SymPy leaves exp(b)*exp(-m) as it is, which overflows.
        exponents = [exponent_of(b, self.base) for b in others]
        rest = [p.body for p in parts if p.n != 0 or exponent_of(p.body) is None]
        return Scaled(0, sp.Mul(*rest, power(self.base, sp.Add(*exponents, n * self.peak))))

    def sum(self, node: sp.Add, parts: list[Scaled]) -> Scaled:
        scales = {p.n for p in parts}
        n = max(scales)
        if len(scales) == 1:
            return Scaled(n, rebuild(node, tuple(p.body for p in parts)))
        pulled = [self.resolved(self.product([p, Scaled(-n, sp.S.One)])) for p in parts]
        plain = sp.Add(*map(self.resolved, parts))
        return Scaled(0, plain, Scaled(n, sp.Add(*pulled)))

    def logarithm(self, inside: Scaled) -> sp.Expr:
        """log(a exp(b) E^n) = b + n m + log(a)."""
        factors = sp.Mul.make_args(inside.body)
        exponents = [exponent_of(f) for f in factors]
        rest = sp.Mul(*(f for f, e in zip(factors, exponents, strict=True) if e is None))
        powers = [e for e in exponents if e is not None]
        return sp.Add(sp.log(rest), *powers, inside.n * self.peak * sp.log(self.base))

    def choice(self, node: sp.Piecewise, parts: list[Scaled]) -> Scaled:
        scales = {p.n for p in parts if p.body != 0}
        n = scales.pop() if len(scales) == 1 else 0
        values = [p.body if n != 0 else self.resolved(p) for p in parts]
        pairs = [sp.Tuple.__new__(ExprCondPair, v, c) for v, (_, c) in zip(values, node.args, strict=True)]
        return Scaled(n, rebuild(node, tuple(pairs)))

    def resolved(self, scaled: Scaled) -> Any:
        return scaled.body if scaled.n == 0 else sp.Mul(scaled.body, power(self.base, scaled.n * self.peak))
