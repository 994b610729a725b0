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
from symbp.ir.walk import is_large, is_leaf, is_undefined, postorder, rebuild

LARGE = 400
"""Bodies with more nodes, counted as a tree, are left as they are."""

MOST = 4
"""The highest power that a factor is taken out of."""

ROUNDS = 2
"""Sweeps; values that are found to be equal make others equal."""

Multiple = tuple[Any, Any]
"""A number that is not 0, and what it multiplies; 1 for a number alone."""


def proportional(program: Program) -> Program:
    """The program with multiples of a value written as that, where each statement gives a single number."""
    if any(s.domain or s.where for s in program.statements):
        return program
    for _ in range(ROUNDS):
        seen = _Values(program)
        often = {form for form, uses in seen.uses.items() if uses > 1}
        found = _Values(program, often)
        program = program.rebuilt(found.statements, found.tensors)
        if not found.tensors:
            break
    return program


class _Values:
    """Statements in terms of values that are there.

    Args:
        often: forms that get an entry of their own where they first stand in a body.

    Attributes:
        known: what an entry is a multiple of, by its name, where that is another one.
        holders: by form, the entry that it is a multiple of.
        uses: in how many bodies a form stands, or is one.
    """

    def __init__(self, program: Program, often: Iterable[Any] = ()):
        self.often = frozenset(often)
        self.taken = set(program.tensors)
        self.known: dict[str, Multiple] = {}
        self.holders: dict[Any, Multiple] = {}
        self.uses: Counter = Counter()
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
            number, form = _multiple(node, done, self.known)
            if isinstance(form, sp.Add | sp.Mul):
                forms[node] = form
                if form in self.often and form not in self.holders and node is not statement.body:
                    self.hold(form, statement)
                if form in self.holders:
                    factor, form = self.holders[form]
                    number *= factor
            done[node] = number, form
        self.uses.update(self.read(statement.body, forms))
        return done[statement.body]

    def read(self, body: sp.Expr, forms: Mapping[Any, Any]) -> set[Any]:
        """The forms that a body is made of, but for what is inside of those that an entry holds."""
        return {
            forms[n]
            for n in postorder([body], leaf=lambda n: is_leaf(n) or forms.get(n) in self.holders)
            if n in forms
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


def _multiple(node: Any, done: Mapping[Any, Multiple], known: Mapping[str, Multiple]) -> Multiple:
    """A node as a rational number times a form in which none can be taken out."""
    if isinstance(node, Access):
        return known.get(node.name, (sp.S.One, node)) if not node.indices else (sp.S.One, node)
    if isinstance(node, sp.Rational) and node.is_finite and node != 0:
        return node, sp.S.One
    if isinstance(node, sp.Float) and node < 0:
        return sp.S.NegativeOne, -node
    if is_leaf(node):
        return sp.S.One, node
    parts = [done[a] for a in node.args]
    if isinstance(node, sp.Mul):
        return sp.Mul(*(n for n, _ in parts)), product(*(f for _, f in parts))
    if isinstance(node, sp.Pow) and node.exp.is_Integer and abs(node.exp) <= MOST:
        (number, form), _ = parts
        return number**node.exp, form**node.exp
    if isinstance(node, sp.Add):
        return _primitive(parts)
    return sp.S.One, rebuild(node, tuple(product(n, f) for n, f in parts))


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
