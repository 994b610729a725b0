"""Expressions over accesses as terms, in index notation."""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp
from sympy.functions.elementary.piecewise import ExprCondPair

from symbp.ir.functions import finite, first, one_plus_erf, times_logarithm
from symbp.ir.nodes import Access, Index, Label
from symbp.ir.walk import index_symbols
from symbp.passes.simplify.common_numbers import common_number
from symbp.view.printer import DIGITS
from symbp.view.terms import ONE, Term, number, product, term, total

Axes = tuple[Index, ...]

_RELATIONS = {sp.Gt: ">", sp.Ge: ">=", sp.Lt: "<", sp.Le: "<=", sp.Eq: "==", sp.Ne: "!="}
_LOGIC = {sp.And: "and", sp.Or: "or", sp.Not: "not"}


class Writer:
    """Expressions as terms; subclasses say what an access and a product become.

    Attributes:
        open: terms that stand for tensors which are used only once: they are taken in.
        taken: names of those that were, in order.
    """

    def __init__(self, open: Mapping[str, Term]):
        self.open = open
        self.taken: dict[str, None] = {}

    def take(self, name: str) -> Term | None:
        """The term to take in for a tensor, or None where it has a line of its own."""
        known = self.open.get(name)
        if known is not None:
            self.taken[name] = None
        return known

    def access(self, a: Access, axes: Axes) -> Term:
        raise NotImplementedError

    def leaf(self, node: sp.Basic) -> Term:
        raise NotImplementedError

    def multiply(self, node: sp.Mul, axes: Axes) -> Term:
        factors, divisors, sign = self.factors(node)
        return product([self.show(f, axes) for f in factors], [self.show(d, axes) for d in divisors], sign)

    def show(self, node: sp.Basic, axes: Axes = ()) -> Term:
        if isinstance(node, Access):
            return self.access(node, axes)
        if isinstance(node, sp.Number | sp.NumberSymbol):
            return term("minus", number(-node)) if node.is_negative else number(node)
        if isinstance(node, Label):
            return self.leaf(node)
        if isinstance(node, sp.Add):
            common, terms = common_number(node)
            whole = total([self.show(a, axes) for a in terms])
            return whole if common is sp.S.One else self.scaled(common, whole)
        if isinstance(node, sp.Mul):
            return self.multiply(node, axes)
        if isinstance(node, sp.Pow):
            return self.power(node, axes)
        if isinstance(node, sp.Piecewise):
            pairs = [self.show(part, axes) for pair in node.args for part in pair.args]
            return term("if", *pairs)
        if type(node) in _RELATIONS:
            return term("relation", *(self.show(a, axes) for a in node.args), data=_RELATIONS[type(node)])
        if type(node) in _LOGIC:
            return term("logic", *(self.show(a, axes) for a in node.args), data=_LOGIC[type(node)])
        if node == sp.true:
            return term("true")
        assert not isinstance(node, ExprCondPair)
        return self.call(node, axes)

    def scaled(self, number: sp.Basic, whole: Term) -> Term:
        """A positive number times a term."""
        factors, divisors, _ = self.factors(number)
        return product([whole, *map(self.show, factors)], [self.show(d) for d in divisors])

    def power(self, node: sp.Pow, axes: Axes) -> Term:
        base, exponent = node.args
        if exponent == sp.S.Half:
            return term("call", self.show(base, axes), data="sqrt")
        if exponent.is_number and exponent.is_negative:
            below = base if exponent == -1 else sp.Pow(base, -exponent, evaluate=False)
            return term("fraction", ONE, self.show(below, axes))
        return term("power", self.show(base, axes), self.show(exponent, axes))

    def call(self, node: sp.Basic, axes: Axes) -> Term:
        name, args = type(node).__name__, node.args
        if isinstance(node, finite | first):
            return self.show(args[0], axes)  # paper has no infinities and no order of operations
        if isinstance(node, times_logarithm):
            u, v = args
            value = self.show(sp.Mul(u, v, evaluate=False), axes)
            return term("if", number(0), self.show(sp.Eq(u, 0, evaluate=False), axes), value, term("true"))
        if isinstance(node, one_plus_erf):
            return term("call", self.show(-args[0], axes), data="erfc")
        if name == "polygamma" and args[0] == 0:
            name, args = "digamma", args[1:]
        name = {"Max": "max", "Min": "min", "Abs": "abs", "compensated_exp": "exp"}.get(name, name)
        return term("call", *(self.show(a, axes) for a in args), data=name)

    def factors(self, node: sp.Basic) -> tuple[list[sp.Basic], list[sp.Basic], int]:
        """Numerator, denominator and sign of a product."""
        top: list[sp.Basic] = []
        bottom: list[sp.Basic] = []
        sign = 1
        for f in node.args if isinstance(node, sp.Mul) else (node,):
            if isinstance(f, sp.Rational) and max(abs(f.p), f.q) >= DIGITS and not f.is_Integer:
                sign = -sign if f.is_negative else sign
                top.append(abs(f))  # a decimal number
            elif isinstance(f, sp.Rational):
                sign = -sign if f.is_negative else sign
                if abs(f.p) != 1:
                    top.append(sp.Integer(abs(f.p)))
                if f.q != 1:
                    bottom.append(sp.Integer(f.q))
            elif isinstance(f, sp.Float) and f.is_negative:
                sign = -sign
                top.append(-f)
            elif isinstance(f, sp.Pow) and f.exp.is_number and f.exp.is_negative and f.exp != -sp.S.Half:
                bottom.append(f.base if f.exp == -1 else sp.Pow(f.base, -f.exp, evaluate=False))
            elif isinstance(f, sp.Pow) and f.exp == -sp.S.Half:
                bottom.append(sp.Pow(f.base, sp.S.Half, evaluate=False))
            else:
                top.append(f)
        if sign < 0:
            top, sign = _flipped(top)
        return top, bottom, sign


def _flipped(factors: list[sp.Basic]) -> tuple[list[sp.Basic], int]:
    """-(a - 1)*a as (1 - a)*a: the minus goes into a difference that starts with it anyway."""
    for k, f in enumerate(factors):
        if isinstance(f, sp.Add) and any(t.is_Number and t.is_negative for t in f.args):
            turned = sp.Add(*(-t for t in f.args))
            return [*factors[:k], turned, *factors[k + 1 :]], 1
    return factors, -1


def parted_maximum(body: sp.Basic, bound: Axes) -> tuple[list[sp.Basic], sp.Basic]:
    """The largest of Max(0, z[j]) over j is that of 0 and all z[j]: what is fixed, and the rest."""
    parts = body.args if isinstance(body, sp.Max) else (body,)
    varied = [a for a in parts if not set(bound).isdisjoint(index_symbols(a))]
    if not varied or len(varied) == len(parts):
        return [], body
    return [a for a in parts if a not in varied], sp.Max(*varied, evaluate=False)


def plain(node: sp.Basic) -> Term:
    """An index expression: i, 3, i + p, or a label from the data."""
    if isinstance(node, Index):
        return term("index", data=node)
    if isinstance(node, Label):
        return term("name", data=node.name)
    if isinstance(node, sp.Number):
        return term("minus", number(-node)) if node.is_negative else number(node)
    if isinstance(node, Access):
        inner = tuple(plain(i) for i in node.indices)
        return term("access", *inner, data=node.name, array=False) if inner else term("name", data=node.name)
    if isinstance(node, sp.Add):
        return total([plain(a) for a in node.args])
    if isinstance(node, sp.Mul):
        sign = -1 if node.args[0].is_negative else 1
        args = (-node.args[0], *node.args[1:]) if sign < 0 else node.args
        return product([plain(a) for a in args], [], sign)
    return Indexed({}).show(node)


class Indexed(Writer):
    """Index notation: every access shows its indices."""

    def access(self, a: Access, axes: Axes) -> Term:
        known = None if a.indices else self.take(a.name)
        return plain(a) if known is None else known

    def leaf(self, node: sp.Basic) -> Term:
        return plain(node)
