"""Sums over the samples of what is a sum itself, as one: gradients of weights that are used several times.

    dW[n, i, j] = a[n, i] b[n, j] + c[n, i] d[n, j],   total[i, j] = sum(n) dW[n, i, j]

A gradient per sample would be written and read again, as large as the weights. Matrix products add up what
they compute in the total itself, and so do sums whose terms name their entry, as the gradient of the rows of
a table that labels choose; where several such are added up, each has a total of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import sympy as sp

from symbp.ir.names import free_name, part_of
from symbp.ir.nodes import Access, Index, Program, Statement, Tensor
from symbp.ir.walk import substitute
from symbp.schedule.looptree import batched, read_counts, sums_batch
from symbp.schedule.product import products_of
from symbp.schedule.scatter import scatter_of


def with_joined_sums(program: Program) -> Program:
    """The program with sums over the samples of sums as one, where that is one of matrix products or of terms
    that name their entry."""
    reads = read_counts(program)
    rows = {
        s.target: s
        for s in program.statements
        if batched(s) and reads[s.target] == 1 and s.target not in program.outputs
    }
    tensors = dict(program.tensors)
    joined: dict[str, list[Statement]] = {}
    left_out = set[str]()
    for s in program.statements:
        if not sums_batch(s) or s.reduce != "sum" or s.where:
            continue
        row, whole = _row(s.body, rows), s
        if row is not None:
            whole = _over_samples(s, row)
            if row.reduce != "max" and (
                products_of(whole, tensors) or scatter_of(whole, tensors) is not None
            ):
                joined[s.target] = [whole]
                left_out.add(row.target)
                continue
            if row.reduce != "none" or row.where:
                continue
        made, gone = _of_several(whole, rows, tensors)
        if made:
            joined[s.target] = made
            left_out |= gone | ({row.target} if row is not None else set())
    kept = [t for s in program.statements if s.target not in left_out for t in joined.get(s.target) or [s]]
    new = [t for name, t in tensors.items() if name not in program.tensors]
    return program.rebuilt(kept, new) if left_out else program


def _row(term: sp.Expr, rows: Mapping[str, Statement]) -> Statement | None:
    """The statement of which an expression is an entry, if it is one at plain indices."""
    plain = isinstance(term, Access) and all(isinstance(i, Index) for i in term.indices)
    return rows.get(term.name) if plain else None  # type: ignore[attr-defined]


def _of_several(
    total: Statement, rows: Mapping[str, Statement], tensors: dict[str, Tensor]
) -> tuple[list[Statement], set[str]]:
    """A sum of several rows whose terms name their entry as sums of each, and what is not needed then.

    What it adds to them is one more.
    """
    made, rest, gone = list[Statement](), list[sp.Expr](), set[str]()
    for term in sp.Add.make_args(total.body):
        own = _row(term, rows)
        found = _over_samples(total.with_body(term), own) if own is not None and own.where else None
        if own is None or found is None or scatter_of(found, tensors) is None:
            rest.append(term)
        else:
            made.append(found)
            gone.add(own.target)
    if not made:
        return [], set()
    made += [total.with_body(sp.Add(*rest))] * bool(rest)
    for k, s in enumerate(made):
        name = free_name(part_of(total.target, f"part{k + 1}"), tensors)
        tensors[name] = replace(tensors[total.target], name=name, role="defined")
        made[k] = replace(s, target=name)
    whole = sp.Add(*(Access(s.target, *total.indices) for s in made))
    return [*made, replace(total, body=whole, reduce="none", bound=())], gone


def _over_samples(total: Statement, row: Statement) -> Statement:
    """The sum of rows, which each is a sum or an expression, over all of that."""
    body = total.body
    assert isinstance(body, Access)
    taken = {index.name for index in total.domain}
    swap = dict(zip(row.indices, body.indices, strict=True))
    for index in row.bound:
        name = free_name(index.name, taken)
        taken.add(name)
        swap[index] = Index(name, index.extent)
    bound = (*total.bound, *(swap[index] for index in row.bound))
    where = tuple(substitute(w, swap) for w in row.where)
    return replace(total, body=substitute(row.body, swap), bound=bound, where=where)
