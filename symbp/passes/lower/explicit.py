"""Matrices that are written out, entry by entry."""

from __future__ import annotations

from typing import Any

import sympy as sp

from symbp.ir.nodes import Access, Tensor
from symbp.passes.lower import scalars
from symbp.passes.lower.builder import Builder, Scope


def explicit_entry(b: Builder, node: Any, i: sp.Expr, j: sp.Expr, scope: Scope) -> sp.Expr:
    """The body of node[i, j]: an entry of a constant table, or a choice among the entries."""
    rows, columns = node.shape
    if i.is_Integer and j.is_Integer:
        return scalars.scalar(b, node[int(i), int(j)], scope)
    entries = [scalars.scalar(b, e, scope) for e in node.flat()]
    if all(e.is_number for e in entries):
        values = tuple(float(e) for e in entries)
        size = (rows,) if columns == 1 else (rows, columns)
        name = next(
            (
                t.name
                for t in b.tensors.values()
                if t.role == "constant" and (t.values, t.shape) == (values, size)
            ),
            None,
        )
        name = name or b.declare(Tensor(b.fresh_name("c"), size, "constant", values=values)).name
        return Access(name, *([i] if columns == 1 else [i, j]))
    cases = [
        (entries[r * columns + c], sp.And(sp.Eq(i, r), sp.Eq(j, c)))
        for r in range(rows)
        for c in range(columns)
    ]
    return sp.Piecewise(*cases, (0, True))
