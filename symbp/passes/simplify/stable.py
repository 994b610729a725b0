"""Stable forms: bodies that overflow or cancel, rewritten by formula; the last pass before scheduling.

Functions of one exponential get the cheapest form that keeps their digits (`accuracy`). What is left is
looked at node by node: each rule of `RULES` returns the node that stands for another, or None.
"""

from __future__ import annotations

import operator
from collections import ChainMap
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import sympy as sp

from symbp.ir.nodes import Access, Program
from symbp.ir.walk import is_large, is_leaf, postorder, rebuild
from symbp.passes.cost import cost
from symbp.passes.simplify.accuracy import accurate
from symbp.passes.simplify.compensate import compensated
from symbp.passes.simplify.ledger import Ledger, Step
from symbp.passes.simplify.node_rules import RULES, multiple_exponentials
from symbp.passes.simplify.single import Definitions, Single, combined, is_constant

Note = Callable[[str, sp.Expr, sp.Expr, str], None]
"""Takes note of a rewrite: rule, before, after, how it was verified."""

LARGE = 2000
"""Bodies with more nodes, counted as a tree, are left as they are."""

BY_CONSTRUCTION = "by construction"


def stable_forms(program: Program, ledger: Ledger | None = None, relative: bool = False) -> Program:
    """Every statement in its stable form.

    Args:
        ledger: takes note of every rewrite.
        relative: whether values close to 0 must be right relative to themselves, at the price of
            evaluating exponentials again that another tensor holds.
    """
    definitions = Definitions()
    statements = []
    for statement in program.statements:

        def note(rule: str, before: sp.Expr, after: sp.Expr, how: str, name: str = statement.target) -> None:
            if ledger is not None:
                ledger.note(Step(rule, name, before, after, cost(before) - cost(after), how))

        if is_large(statement.body, LARGE):
            statements.append(statement)
            continue
        rewriter = _Rewriter(definitions, relative, note)
        statements.append(statement.with_body(rewriter.body(statement.body)))
        single = rewriter.single.get(statement.body)
        definitions.add(statement, single if relative or isinstance(statement.body, sp.exp) else None)
    if relative:
        statements = compensated(statements, program.statement_of())
    return program.rebuilt(statements)


@lru_cache(maxsize=4096)
def stable_body(body: sp.Expr, relative: bool = True) -> sp.Expr:
    """One body in its stable form."""
    return _Rewriter(Definitions(), relative, _forget).body(body)


def _forget(*_: Any) -> None:
    pass


class _Rewriter:
    """Rewrites bodies from the leaves to the root.

    A node that is a function of one exponential waits, as `single`, until its parents are no longer such
    a function; then the whole of it is written in its best form.

    Attributes:
        single: what waits, by node.
        plain: every node with its operands rewritten, itself not.
        done: every node in its final form, where it was needed.
    """

    def __init__(self, definitions: Definitions, relative: bool, note: Note):
        self.definitions, self.relative, self.note = definitions, relative, note
        self.single: dict[sp.Basic, Single] = {}
        self.plain: dict[sp.Basic, Any] = {}
        self.done: dict[sp.Basic, Any] = {}
        self.known = ChainMap(self.done, self.plain)

    def body(self, body: sp.Expr) -> sp.Expr:
        if not any(_matters(n) for n in postorder([body])) and not self.definitions:
            return body
        # Conditions are left alone: rewritten, they could decide differently.
        for node in postorder([body], leaf=_leaf):
            self.visit(node)
        return self.final(body)

    def visit(self, node: sp.Basic) -> None:
        if isinstance(node, Access):
            self.plain[node] = node
            known = self.definitions.get(node)
            if known is not None:
                self.single[node] = known
            return
        if _leaf(node):
            self.plain[node] = self.done[node] = _integer(node) if isinstance(node, sp.Float) else node
            return
        single = None
        if not isinstance(node, sp.functions.elementary.piecewise.ExprCondPair | sp.Piecewise):
            for argument in node.args if isinstance(node, sp.Function) else ():
                self.final(argument)
            single = combined(node, [self.single.get(a) for a in node.args], self.known)
        if single is not None:
            self.single[node] = single
            self.plain[node] = rebuild(node, tuple(self.plain[a] for a in node.args))
        else:
            self.plain[node] = self.done[node] = self.mixed(node)

    def final(self, node: sp.Basic) -> Any:
        if node not in self.done:
            single = self.single.get(node)
            self.done[node] = self.plain[node] if single is None else self.chosen(single, self.plain[node])
        return self.done[node]

    def chosen(self, single: Single, plain: sp.Expr) -> sp.Expr:
        """The best form of a function of one exponential; `plain` where it is good enough."""
        choice = accurate(single.body, self.relative, single.argument.is_nonnegative is True)
        if not choice.rule:
            return plain
        result = single.back(choice.form)
        self.note(choice.rule, plain, result, choice.verified)
        return result

    def mixed(self, node: Any) -> Any:
        """A node that is no function of one exponential, from what its operands are."""
        args = [self.final(a) for a in node.args]
        if isinstance(node, sp.Add | sp.Mul):
            args = self.grouped(node, args)
            # Compared by identity: 1.0 equals 1.
            same = len(args) == len(node.args) and all(map(operator.is_, args, node.args))
            new = node if same else node.func(*args)
        else:
            new = rebuild(node, tuple(args))
        for name, rule in RULES.items():
            found = rule(new)
            before = new
            if found is None and self.definitions.calls:
                before = self.definitions.written_out(new)
                found = rule(before) if before is not new else None
            if found is not None:
                self.note(name, before, found, BY_CONSTRUCTION)
                new = found
                if rule in multiple_exponentials:
                    new = _Rewriter(self.definitions, self.relative, self.note).body(new)
        return new

    def grouped(self, node: Any, args: list[Any]) -> list[Any]:
        """The operands of a sum or product, with functions of the same exponential taken together."""
        groups: dict[Any, list[int]] = {}
        for k, arg in enumerate(node.args):
            single = self.single.get(arg)
            if single is not None and not (single.logarithmic and isinstance(node, sp.Mul)):
                groups.setdefault((single.argument, single.logarithmic), []).append(k)
        constants = [k for k, arg in enumerate(node.args) if is_constant(arg)]
        rational = [key for key in groups if not key[1]]
        if isinstance(node, sp.Add) and len(rational) == 1:
            groups[rational[0]] += constants
        taken: set[int] = set()
        new = []
        for members in groups.values():
            if len(members) < 2:
                continue
            operands = [node.args[k] for k in members]
            together = node.func(*operands)
            single = combined(together, [self.single.get(a) for a in together.args], self.known)
            if single is None:
                continue
            plain = node.func(*(self.plain[a] for a in operands))
            result = self.chosen(single, plain)
            if result is not plain:
                new.append(result)
                taken.update(members)
        return [a for k, a in enumerate(args) if k not in taken] + new


def _leaf(node: sp.Basic) -> bool:
    return is_leaf(node) or isinstance(node, sp.logic.boolalg.Boolean)


def _integer(number: sp.Float) -> sp.Number:
    """1.0 is 1 to the rules."""
    value = float(number)
    return sp.Integer(int(value)) if value.is_integer() and abs(value) < 2**53 else number


def _matters(node: sp.Basic) -> bool:
    return isinstance(node, sp.Function) and not isinstance(node, sp.Piecewise | sp.Abs | sp.sign)
