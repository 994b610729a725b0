"""Outputs that are functions of one variable, where they are nan: at an infinite argument and at 0.

The whole formula of such an output is known, so its limit (`limits`) or its power series (`removable`) can
stand where its evaluation fails.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import sympy as sp

from symbp.ir.evaluate import evaluate
from symbp.ir.nodes import Access, Program, Statement, Tensor
from symbp.ir.walk import accesses, is_large, substitute
from symbp.passes.cost import cost
from symbp.passes.simplify.ledger import Step
from symbp.passes.simplify.limits import AT_INFINITY, SETTLES, limits_at
from symbp.passes.simplify.removable import COMPARED, REMOVABLE, series_at

SIZE = 400
"""Nodes, counted as a tree, of a formula that is looked at."""
USUAL, CHANGE = 0.4, 0.1
"""The value of variables at a usual point, and what is added to one of them."""
CLEAR = 1e-6
"""Relative changes of a value that are no rounding."""
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
    nans = _nans(program, inputs)
    several = _of_several(program, inputs) if any(map(any, nans.values())) else set()
    for s in program.statements:
        is_nan = nans.get(s.target, [])
        if any(is_nan) and s.target not in several:
            formula = _whole(s.access, written)
            variables = accesses(formula)
            if len(variables) == 1:
                yield s, variables[0], formula, is_nan


def _nans(program: Program, inputs: Sequence[Tensor]) -> dict[str, list[bool]]:
    """By output, at which of the arguments it is nan."""
    if all(t.batched for t in inputs):  # as samples: one evaluation
        values = evaluate(program, {t.name: np.array(_AT) for t in inputs})
        found = {n: np.isnan(values[n]) for n in program.outputs if n in values}
        rows = {n: f if program.tensors[n].batched else np.stack([f] * len(_AT)) for n, f in found.items()}
        return {n: [bool(row.any()) for row in f] for n, f in rows.items()}
    several = [evaluate(program, {t.name: np.full(1 if t.batched else (), at) for t in inputs}) for at in _AT]
    return {n: [bool(np.isnan(v[n]).any()) for v in several] for n in program.outputs if n in several[0]}


def _of_several(program: Program, inputs: Sequence[Tensor]) -> set[str]:
    """Outputs that are seen to be functions of several variables: each of which changes them.

    Their formulas need not be written out to know that.
    """
    if not all(t.batched for t in inputs):
        return set()
    # The first sample is as usual; in each of the others one variable is another.
    samples = np.eye(len(inputs), len(inputs) + 1, 1) * CHANGE + USUAL
    values = evaluate(program, {t.name: row for t, row in zip(inputs, samples, strict=True)})
    several = set()
    for name in program.outputs:
        first, *others = np.broadcast_to(values[name], len(inputs) + 1)
        with np.errstate(invalid="ignore"):
            changed = np.abs(np.subtract(others, first)) > CLEAR * (np.abs(others) + abs(first))
        if np.count_nonzero(changed) > 1:  # nan is no change
            several.add(name)
    return several


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
