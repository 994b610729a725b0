"""Batch: one more index n on everything that depends on an input, and the mean over samples.

The equations of one sample become those of N samples. A loss is averaged (or summed); a gradient
with respect to a parameter is reduced over n; a gradient with respect to an input stays one row
per sample.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import sympy as sp

from symbp.ir.nodes import BATCH, Access, Index, Program, Statement, Tensor
from symbp.ir.walk import accesses, substitute, substitute_all

SAMPLE = Index("n", BATCH)


def batch(program: Program, reduced: dict[str, str], reduction: str = "mean") -> Program:
    """Add the sample axis.

    Args:
        reduced: outputs that are combined over the samples: name -> new name of the result (the
            per-sample tensor keeps its name). Outputs not listed keep one row per sample.
        reduction: "mean" or "sum".
    """
    wide = {t.name for t in program.by_role("input", "label")}
    statements = []
    for statement in program.statements:
        used = [a for part in (statement.body, *statement.where) for a in accesses(part)]
        if any(a.name in wide for a in used):
            wide.add(statement.target)
        statements.append(_widen(statement, used, wide))
    tensors = {
        name: replace(t, shape=(BATCH, *t.shape)) if name in wide else t
        for name, t in program.tensors.items()
    }
    for name, result in reduced.items():
        statements += _combine(program, name, result, wide, reduction)
        tensors[result] = Tensor(result, program.tensors[name].shape)
        if name in wide:
            tensors[_sum_name(result)] = Tensor(_sum_name(result), program.tensors[name].shape)
    outputs = tuple(reduced.get(name, name) for name in program.outputs)
    return Program(tensors, tuple(statements), outputs)


def _widen(statement: Statement, used: list[Access], wide: set[str]) -> Statement:
    body, *where = substitute_all([statement.body, *statement.where], _per_sample(used, wide))
    indices = (SAMPLE, *statement.indices) if statement.target in wide else statement.indices
    return replace(statement, body=body, where=tuple(where), indices=indices)


def _per_sample(used: Iterable[Access], wide: set[str]) -> dict[Access, Access]:
    """Accesses to what has a sample axis, with that axis."""
    swap = {a: Access(a.name, SAMPLE, *a.indices) for a in used if a.name in wide}
    # A gather z[label] holds an access inside an access: widen the inner one first.
    return {a: Access(b.name, *(swap.get(i, i) for i in b.indices)) for a, b in swap.items()}


def _combine(program: Program, name: str, result: str, wide: set[str], reduction: str) -> list[Statement]:
    """result = mean over n of name; what does not depend on the sample stays outside of the sum."""
    indices = tuple(Index("ijklmpqr"[k], n) for k, n in enumerate(program.tensors[name].shape))
    count = sp.S.One if reduction == "mean" else BATCH
    if name not in wide:
        return [Statement(result, indices, count * Access(name, *indices))]
    rows: sp.Expr = Access(name, SAMPLE, *indices)
    same: sp.Expr = sp.S.Zero
    source = program.statement_of().get(name)
    if source is not None and source.reduce == "none" and not source.where:
        terms = sp.Add.make_args(substitute(source.body, dict(zip(source.indices, indices, strict=True))))
        same = sp.Add(*(t for t in terms if not any(a.name in wide for a in accesses(t))))
        if same != 0:
            rest = sp.Add(*(t for t in terms if any(a.name in wide for a in accesses(t))))
            rows = substitute(rest, _per_sample(accesses(rest), wide))
    total = _sum_name(result)
    scale = 1 / BATCH if reduction == "mean" else sp.S.One
    return [
        Statement(total, indices, rows, "sum", (SAMPLE,)),
        Statement(result, indices, scale * Access(total, *indices) + count * same),
    ]


def _sum_name(result: str) -> str:
    return f"total {result}"
