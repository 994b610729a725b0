"""Sums over the samples of what is a sum itself, as one: gradients of weights that are used several times.

    dW[n, i, j] = a[n, i] b[n, j] + c[n, i] d[n, j],   total[i, j] = sum(n) dW[n, i, j]

A gradient per sample would be written and read again, as large as the weights. Matrix products add up what
they compute in the total itself.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from symbp.ir.nodes import Access, Index, Program, Statement
from symbp.ir.walk import accesses, substitute
from symbp.schedule.looptree import batched, sums_batch
from symbp.schedule.product import products_of


def with_joined_sums(program: Program) -> Program:
    """The program with sums over the samples of sums as one, where that is a sum of matrix products."""
    reads = Counter(a.name for s in program.statements for part in (s.body, *s.where) for a in accesses(part))
    rows = {
        s.target: s
        for s in program.statements
        if batched(s) and reads[s.target] == 1 and not s.where and s.target not in program.outputs
    }
    joined: dict[str, Statement] = {}
    left_out = set()
    for s in program.statements:
        row = rows.get(s.body.name) if sums_batch(s) and isinstance(s.body, Access) else None
        found = None if row is None else _joined(s, row, program)
        if row is not None and found is not None:
            joined[s.target] = found
            left_out.add(row.target)
    kept = [joined.get(s.target, s) for s in program.statements if s.target not in left_out]
    return program.rebuilt(kept) if joined else program


def _joined(total: Statement, row: Statement, program: Program) -> Statement | None:
    """The sum of rows as the sum over what makes each of them; None where that is no matrix product."""
    body = total.body
    assert isinstance(body, Access)
    if row.reduce not in ("none", "sum") or not all(isinstance(i, Index) for i in body.indices):
        return None
    taken = {index.name for index in total.domain}
    swap = dict(zip(row.indices, body.indices, strict=True))
    for index in row.bound:
        name = index.name
        while name in taken:
            name += "_"
        taken.add(name)
        swap[index] = Index(name, index.extent)
    bound = (*total.bound, *(swap[index] for index in row.bound))
    found = replace(total, body=substitute(row.body, swap), bound=bound)
    return found if products_of(found, program.tensors) else None
