"""Stable forms: bodies that overflow or cancel, rewritten by formula; the last pass before scheduling."""

from __future__ import annotations

from functools import lru_cache

import sympy as sp

from symbp.ir.functions import finite
from symbp.ir.nodes import Program, Statement
from symbp.ir.walk import (
    is_large,
)
from symbp.passes.cost import cost
from symbp.passes.simplify.compensate import compensated
from symbp.passes.simplify.decaying import decaying
from symbp.passes.simplify.ledger import Ledger, Step
from symbp.passes.simplify.node_rules import maximum_first
from symbp.passes.simplify.one_variable import without_nans
from symbp.passes.simplify.peak_rules import (
    Facts,
)
from symbp.passes.simplify.rescue import rescued
from symbp.passes.simplify.rewriter import LARGE, Rewriter, forget
from symbp.passes.simplify.single import Definitions
from symbp.passes.simplify.zero_factors import ZeroFactors

FEW = 100
"""Statements of a program up to which products are looked at where their variable is infinite."""


def stable_forms(program: Program, ledger: Ledger | None = None, relative: bool = False) -> Program:
    """Every statement in its stable form.

    Args:
        ledger: takes note of every rewrite.
        relative: whether values close to 0 must be right relative to themselves, at the price of
            evaluating exponentials again that another tensor holds.
    """
    if relative:
        statements = _rewritten(program, True, frozenset(), ledger)
        found = program.rebuilt(compensated(statements, program.statement_of()))
        if len(program.statements) > FEW:
            return found
        written = program.statement_of()
        carried, mended = rescued(found, written)
        found, limits = without_nans(carried, written, found)
        for step in (*mended, *limits) if ledger is not None else ():
            ledger.note(step)  # type: ignore[union-attr]
        return found
    steps = Ledger()
    statements = _rewritten(program, False, frozenset(), steps)
    shared = frozenset(key for s in statements for key in decaying(s.body))
    if shared:
        steps = Ledger()
        statements = _rewritten(program, False, shared, steps)
    if ledger is not None:
        for step in steps.steps:
            ledger.note(step)
    return program.rebuilt(statements)


def _rewritten(program: Program, relative: bool, shared: frozenset, ledger: Ledger | None) -> list[Statement]:
    definitions, facts = Definitions(relative), Facts.of(program.statements, program.tensors)
    definitions.ends = not relative or len(program.statements) <= FEW
    zeros = ZeroFactors(program.statement_of(), facts.maxima) if definitions.ends else None
    statements = []
    for statement in program.statements:

        def note(rule: str, before: sp.Expr, after: sp.Expr, how: str, name: str = statement.target) -> None:
            if ledger is not None:
                ledger.note(Step(rule, name, before, after, cost(before) - cost(after), how))

        if is_large(statement.body, LARGE):
            statements.append(statement)
            continue
        rewriter = Rewriter(definitions, shared, note, facts, zeros)
        body = maximum_first(rewriter.body(statement.body), facts.maxima)
        statements.append(statement.with_body(finite(body) if statement.reduce == "max" else body))
        definitions.add(statement, rewriter.single.get(statement.body), rewriter.whole)
    return statements


@lru_cache(maxsize=4096)
def stable_body(body: sp.Expr, relative: bool = True) -> sp.Expr:
    """One body in its stable form."""
    return Rewriter(Definitions(relative), frozenset(), forget).body(body)
