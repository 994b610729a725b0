"""Means over the samples taken inside the sums, where matrix products compute them.

A product scales what it adds to its result; a loop of its own over the result would go through the
memory of all gradients once more.
"""

from __future__ import annotations

import sympy as sp

from symbp.ir.nodes import BATCH, Access, Program, Statement
from symbp.schedule.looptree import read_counts, sums_batch
from symbp.schedule.product import product_of


def with_means_inside(program: Program) -> Program:
    """The program with `mean = total/N` and `total = sum(n) a*b` as `mean = sum(n) a*b/N`."""
    reads = read_counts(program)
    sums = {s.target: s for s in program.statements if sums_batch(s) and s.target not in program.outputs}
    inside: dict[str, Statement] = {}
    for s in program.statements:
        total = _total(s)
        if total is None or reads[total] != 1 or total not in sums:
            continue
        found = _mean(s, sums[total], program)
        if found is not None:
            inside[total] = found
    means = {s.target for s in inside.values()}
    kept = [inside.get(s.target, s) for s in program.statements if s.target not in means]
    return program.rebuilt(kept)


def _total(s: Statement) -> str | None:
    """What a statement divides by the number of samples, entry by entry."""
    if s.reduce != "none" or s.where or not isinstance(s.body, sp.Mul) or len(s.body.args) != 2:
        return None
    total = next((f for f in s.body.args if isinstance(f, Access)), None)
    if total is None or total.indices != s.indices or s.body != total / BATCH:
        return None
    return total.name


def _mean(mean: Statement, total: Statement, program: Program) -> Statement | None:
    """The mean as one sum, where that is a matrix product."""
    product = product_of(total, program.tensors)
    if product is None or product.mean or product.turned:
        return None
    found = Statement(mean.target, total.indices, total.body / BATCH, "sum", total.bound, (), mean.origin)
    return found if product_of(found, program.tensors) is not None else None
