"""Proportional: one evaluation for values that are multiples of each other.

    4 sin(a) sin(b) + 4 cos(a) cos(b),    -(sin(a) sin(b) + cos(a) cos(b))/5

are one number times 4 and times -1/5. Equations of motion are full of such pairs, and where they feed others
that are equal then, as the two halves of a symmetric matrix, these are evaluated once as well. It is value
numbering in which a value has a factor (`share` is that without).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from math import gcd, lcm
from typing import Any

import sympy as sp

from symbp.ir.names import part_of
from symbp.ir.nodes import Access, Program, Statement, Tensor
from symbp.ir.products import ORDER, product, total
from symbp.ir.walk import REMEMBERED, is_large, is_leaf, is_undefined, postorder, rebuild

LARGE = 400
"""Bodies with more nodes, counted as a tree, are left as they are."""

MOST = 4
"""The highest power that a factor is taken out of."""

ROUNDS = 2
"""Sweeps; values that are found to be equal make others equal."""

Multiple = tuple[Any, Any]
"""A number that is not 0, and what it multiplies; 1 for a number alone."""

Memo = dict[Any, tuple[list[Multiple], Multiple]]
"""By node, what its operands were multiples of and what it was one of then: every sweep asks again."""


def proportional(program: Program) -> Program:
    """The program with multiples of a value written as that, where each statement gives a single number."""
    if any(s.domain or s.where for s in program.statements):
        return program
    memo: Memo = {}
    for _ in range(ROUNDS):
        seen = _Values(program, memo)
        often = {form for form, uses in seen.uses.items() if uses > 1}
        found = _Values(program, memo, often) if often & seen.free else seen
        program = program.rebuilt(found.statements, found.tensors)
        if not found.tensors:
            break
    return program


class _Values:
    """Statements in terms of values that are there.

    Args:
        memo: what other sweeps found.
        often: forms that get an entry of their own where they first stand in a body.

    Attributes:
        known: what an entry is a multiple of, by its name, where that is another one.
        holders: by form, the entry that it is a multiple of.
        uses: in how many bodies a form stands, or is one; counted where `often` is empty.
        free: the forms that stand inside a body without an entry.
    """

    def __init__(self, program: Program, memo: Memo, often: Iterable[Any] = ()):
        self.memo = memo
        self.often = frozenset(often)
        self.taken = set(program.tensors)
        self.known: dict[str, Multiple] = {}
        self.holders: dict[Any, Multiple] = {}
        self.uses: Counter = Counter()
        self.free: set[Any] = set()
        self.statements: list[Statement] = []
        self.tensors: list[Tensor] = []
        for statement in program.statements:
            self.visit(statement)

    def visit(self, statement: Statement) -> None:
        if is_large(statement.body, LARGE):
            self.statements.append(statement)
            return
        number, form = self.multiple(statement)
        if is_undefined(form):  # divided by the difference of equal values: as it was, it is infinite
            self.statements.append(statement)
            return
        target = statement.access
        if isinstance(form, Access):
            self.known[target.name] = number, form
        elif not form.is_number:
            self.holders[form] = 1 / number, target
        self.statements.append(statement.with_body(product(number, form)))

    def multiple(self, statement: Statement) -> Multiple:
        """What the body of a statement is a multiple of."""
        done: dict[Any, Multiple] = {}
        forms: dict[Any, Any] = {}
        for node in postorder([statement.body]):
            number, form = self.alone(node, done)
            if isinstance(form, sp.Add | sp.Mul):
                forms[node] = form
                if form not in self.holders and node is not statement.body:
                    self.free.add(form)
                    if form in self.often:
                        self.hold(form, statement)
                if form in self.holders:
                    factor, form = self.holders[form]
                    number *= factor
            if type(node) is not sp.Float:  # SymPy computes its hash anew each time, and at length
                done[node] = number, form
        if not self.often:
            self.uses.update(self.read(statement.body, forms))
        return number, form

    def alone(self, node: Any, done: Mapping[Any, Multiple]) -> Multiple:
        """What a node is a multiple of, whatever entries hold."""
        if is_leaf(node):
            return _leaf_multiple(node, self.known)
        parts = [_float_multiple(a) if type(a) is sp.Float else done[a] for a in node.args]
        before = self.memo.get(node)
        if before is None or before[0] != parts:
            before = self.memo[node] = parts, _multiple(node, parts)
        return before[1]

    def read(self, body: sp.Expr, forms: Mapping[Any, Any]) -> set[Any]:
        """The forms that a body is made of, but for what is inside of those that an entry holds."""
        return {
            forms[n]
            for n in postorder([body], leaf=lambda n: is_leaf(n) or forms.get(n) in self.holders)
            if n.args and n in forms
        }

    def hold(self, form: sp.Expr, statement: Statement) -> None:
        """Give a form an entry of its own."""
        name = part_of(statement.target, "shared")
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        self.tensors.append(Tensor(name, ()))
        self.statements.append(Statement(name, (), form, origin=statement.origin))
        self.holders[form] = sp.S.One, Access(name)


def _leaf_multiple(node: Any, known: Mapping[str, Multiple]) -> Multiple:
    if isinstance(node, Access):
        return known.get(node.name, (sp.S.One, node)) if not node.indices else (sp.S.One, node)
    if isinstance(node, sp.Rational) and node.is_finite and node != 0:
        return node, sp.S.One
    return _float_multiple(node) if type(node) is sp.Float else (sp.S.One, node)


_FLOATS: dict[Any, Multiple] = {}


def _float_multiple(node: sp.Float) -> Multiple:
    key = node._mpf_, node._prec
    found = _FLOATS.get(key)
    if found is None:
        if len(_FLOATS) >= REMEMBERED:
            _FLOATS.clear()
        found = (sp.S.NegativeOne, -node) if node.is_negative else (sp.S.One, node)
        _FLOATS[key] = found
    return found


def _multiple(node: Any, parts: list[Multiple]) -> Multiple:
    """A node as a rational number times a form in which none can be taken out, from its operands' own."""
    if isinstance(node, sp.Mul):
        return _times(n for n, _ in parts), product(*(f for _, f in parts))
    if isinstance(node, sp.Pow) and node.exp.is_Integer and abs(node.exp) <= MOST:
        (number, form), _ = parts
        return number**node.exp, form**node.exp
    if isinstance(node, sp.Add):
        return _primitive(parts)
    return sp.S.One, rebuild(node, tuple(product(n, f) for n, f in parts))


def _times(numbers: Iterable[Any]) -> Any:
    """The product of rational numbers, most of them 1."""
    found = sp.S.One
    for number in numbers:
        if number is not sp.S.One:
            found *= number
    return found


def _primitive(terms: list[Multiple]) -> Multiple:
    """A sum as a number times one whose numbers are whole, without a common divisor, the first positive."""
    numbers = [n for n, _ in terms]
    if not all(isinstance(n, sp.Rational) for n in numbers):
        return sp.S.One, total(*(product(n, f) for n, f in terms))
    content = sp.Rational(gcd(*(n.p for n in numbers)), lcm(*(n.q for n in numbers)))
    varying = [(f, n) for n, f in terms if not f.is_number]
    if varying and min(varying, key=lambda pair: ORDER(pair[0]))[1] < 0:
        content = -content
    return content, total(*(product(n / content, f) for n, f in terms))
