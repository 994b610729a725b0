"""Sums of many tensors, entry by entry, in parts that are added one after the other.

    db[n, i] = d1[n, i] + d2[n, i] + ... + d50[n, i]

A loop that reads fifty arrays is no loop that fills vectors: each array has a view of its own, of which there
are only so many, and their entries are so far apart that they push each other out of the cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import sympy as sp

from symbp.ir.names import free_name, part_of
from symbp.ir.nodes import Access, Program, Statement, Tensor
from symbp.ir.products import total
from symbp.ir.walk import accesses
from symbp.schedule.looptree import batched
from symbp.schedule.parts import MOST_TENSORS

FEW = MOST_TENSORS // 2
"""Tensors of a part: what else stands in its loop has some, too."""


def with_sums_in_parts(program: Program) -> Program:
    """The program with sums of more tensors than a nest may have in several statements."""
    taken = set(program.tensors)
    statements: list[Statement] = []
    tensors: list[Tensor] = []
    for s in program.statements:
        terms = sp.Add.make_args(s.body)
        long = len(terms) > 1 and len(_names(s.body)) >= MOST_TENSORS  # and the target
        if s.reduce != "none" or s.where or not batched(s) or len(s.indices) < 2 or not long:
            statements.append(s)
            continue
        *parts, last = _parts(terms)
        before: list[Access] = []
        for part in parts:
            name = free_name(part_of(s.target, "sum"), taken)
            taken.add(name)
            tensors.append(replace(program.tensors[s.target], name=name, role="defined"))
            statements.append(replace(s, target=name, body=total(*before, *part)))
            before = [Access(name, *s.indices)]
        statements.append(s.with_body(total(*before, *last)))
    return program.rebuilt(statements, tensors) if tensors else program


def _parts(terms: tuple[sp.Expr, ...]) -> Iterator[list[sp.Expr]]:
    """The terms in their order, some together that read few tensors."""
    part: list[sp.Expr] = []
    names: set[str] = set()
    for term in terms:
        own = _names(term)
        if part and len(names | own) > FEW:
            yield part
            part, names = [], set()
        part.append(term)
        names |= own
    yield part


def _names(body: sp.Expr) -> set[str]:
    return {a.name for a in accesses(body)}
