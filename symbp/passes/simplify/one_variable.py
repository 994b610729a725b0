"""Outputs that are functions of one variable, where they are nan: at an infinite argument and at 0.

The whole formula of such an output is known, so its limit (`limits`) or its power series (`removable`) can
stand where its evaluation fails.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import sympy as sp

from symbp.ir.evaluate import evaluate
from symbp.ir.nodes import Access, Program, Statement
from symbp.ir.walk import accesses, is_large, substitute
from symbp.passes.cost import cost
from symbp.passes.simplify.ledger import Step
from symbp.passes.simplify.limits import AT_INFINITY, SETTLES, limits_at
from symbp.passes.simplify.removable import COMPARED, REMOVABLE, series_at

SIZE = 400
"""Nodes, counted as a tree, of a formula that is looked at."""
_AT = (-np.inf, np.inf, 0.0)


def without_nans(
    program: Program, written: Mapping[str, Statement], evaluated: Program | None = None
) -> tuple[Program, list[Step]]:
    """The program with limits and power series where its outputs are nan, and what was done.

    Args:
        program: as it is evaluated.
        written: the statements as they were before they were rewritten.
        evaluated: the program whose values decide; the same by default.
    """
    better: dict[str, sp.Expr] = {}
    steps = []
    bodies = program.statement_of()
    for s, x, formula, is_nan in _outputs(evaluated or program, written):
        found = [
            (AT_INFINITY, SETTLES, limits_at(x, formula, is_nan[:2])),
            (REMOVABLE, COMPARED, series_at(x, formula) if is_nan[2] else []),
        ]
        for rule, how, pairs in found:
            if pairs:
                before = better.get(s.target, bodies[s.target].body)
                better[s.target] = body = sp.Piecewise(*pairs, (before, True))
                steps.append(Step(rule, s.target, before, body, cost(before) - cost(body), how))
    if not better:
        return program, []
    return program.rebuilt(s.with_body(better.get(s.target, s.body)) for s in program.statements), steps


def _outputs(
    program: Program, written: Mapping[str, Statement]
) -> Iterator[tuple[Statement, Access, sp.Expr, list[bool]]]:
    """Outputs that are nan at one of the arguments: statement, variable, formula, and at which."""
    inputs = program.by_role("input", "parameter", "label")
    if any(t.row_shape for t in inputs) or any(s.reduce != "none" or s.where for s in program.statements):
        return
    values = [evaluate(program, {t.name: np.full(1 if t.batched else (), at) for t in inputs}) for at in _AT]
    for s in program.statements:
        is_nan = [bool(np.isnan(v[s.target]).any()) for v in values]
        if s.target in program.outputs and any(is_nan):
            formula = _whole(s.access, written)
            variables = accesses(formula)
            if len(variables) == 1:
                yield s, variables[0], formula, is_nan


def _whole(body: sp.Expr, written: Mapping[str, Statement]) -> sp.Expr:
    """The body with everything that is defined written out, as far as it stays small."""
    while True:
        swap = {}
        for access in accesses(body):
            s = written.get(access.name)
            if s is not None:
                swap[access] = substitute(s.body, dict(zip(s.indices, access.indices, strict=True)))
        if not swap or is_large(body, SIZE):
            return body
        body = substitute(body, swap)
