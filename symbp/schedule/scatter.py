"""Sums whose terms each belong to one entry of the target, which they name.

    d[k] = sum over i, p of g[i] w[p] where k = i + p      as      d[i + p] += g[i] w[p]

So are the gradients of what is read at computed places: windows, every second entry, the row of a label. To
ask for each entry which terms it has costs as many times as much as there are entries. What is 0 but where
conditions hold is one of these, too: only the others are visited.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from symbp.ir.bounds import domain_violation
from symbp.ir.names import free_name, part_of
from symbp.ir.nodes import BATCH, Access, Index, Program, Statement, Tensor
from symbp.ir.walk import accesses, index_symbols, is_leaf, postorder, substitute
from symbp.schedule.looptree import read_counts


@dataclass(frozen=True)
class Scatter:
    """A sum seen from its terms.

    Attributes:
        entry: the entry of the target that a term is added to.
        free: the indices that target and terms share.
        where: the conditions that remain.
    """

    entry: Access
    free: tuple[Index, ...]
    where: tuple[sp.Basic, ...]


def scatter_of(s: Statement, tensors: Mapping[str, Tensor]) -> Scatter | None:
    """The sum seen from its terms; None where they do not say which entry they belong to."""
    if not s.where or s.reduce == "max":
        return None
    conditions = [c for w in s.where for c in (w.args if isinstance(w, sp.And) else (w,))]
    named: dict[Index, Any] = {}
    rest = []
    for condition in conditions:
        found = _named(condition, s)
        if found is None or found[0] in named:
            rest.append(condition)
        else:
            named[found[0]] = found[1]
    entry = Access(s.target, *(named.get(i, i) for i in s.indices))
    used = {*index_symbols(s.body), *(i for c in (*rest, *named.values()) for i in index_symbols(c))}
    if named and not any(i in used for i in named) and _fits(entry, s, tuple(rest), tensors):
        return Scatter(entry, tuple(i for i in s.indices if i not in named), tuple(rest))
    return Scatter(s.access, s.indices, s.where) if s.reduce == "none" else None


def _named(condition: sp.Basic, s: Statement) -> tuple[Index, Any] | None:
    """What a condition says an index of the target is."""
    if isinstance(condition, sp.Eq):
        for index, value in (condition.args, condition.args[::-1]):
            if isinstance(index, Index) and index in s.indices and index.extent != BATCH:
                return index, value
    return None


def _fits(entry: Access, s: Statement, where: tuple, tensors: Mapping[str, Tensor]) -> bool:
    """Whether the entry is inside of the target for every term."""
    for position, size in zip(entry.indices, tensors[entry.name].shape, strict=True):
        if isinstance(position, Access):
            bound = tensors[position.name].bound
            if bound is None or bound > size:
                return False
        elif accesses(position):
            return False
    return domain_violation(replace(s, body=entry, where=where), tensors) is None


def with_sums_apart(program: Program) -> Program:
    """The program with what adds up several such sums, inside of a formula, as a statement of its own."""
    scattered = _read_once(program)
    statements, new = list[Statement](), list[Tensor]()
    taken = {*program.tensors}
    for s in program.statements:
        found = _sums_inside(s, scattered) if scattered else None
        if found is None:
            statements.append(s)
            continue
        name = free_name(part_of(s.target, "terms"), taken)
        taken.add(name)
        new.append(replace(program.tensors[s.target], name=name, role="defined"))
        statements.append(Statement(name, s.indices, found, origin=s.origin))
        statements.append(s.with_body(substitute(s.body, {found: Access(name, *s.indices)})))
    return program.rebuilt(statements, new) if new else program


def _sums_inside(s: Statement, scattered: Mapping[str, Statement]) -> sp.Expr | None:
    """A part of the body that adds up sums whose terms name their entry."""
    if s.reduce != "none" or s.where or isinstance(s.body, sp.Add):
        return None
    for node in postorder([s.body], leaf=is_leaf):
        if isinstance(node, sp.Add) and len(_parts_in(node, s, scattered)) > 1:
            return node
    return None


def _parts_in(body: sp.Expr, s: Statement, scattered: Mapping[str, Statement]) -> list[Statement]:
    terms = [t for t in sp.Add.make_args(body) if isinstance(t, Access) and t.indices == s.indices]
    return [scattered[t.name] for t in terms if t.name in scattered]


def _read_once(program: Program) -> dict[str, Statement]:
    """Sums whose terms name their entry that one statement reads, once."""
    reads = read_counts(program)
    return {
        s.target: s
        for s in program.statements
        if s.where
        and reads[s.target] == 1
        and s.target not in program.outputs
        and scatter_of(s, program.tensors) is not None
    }


def joined_scatters(program: Program) -> dict[str, list[Statement]]:
    """Sums that are added up with each other alone, by what they are added up to.

    The target takes the terms of all of them, one sum after the other.
    """
    scattered = _read_once(program)
    found = {}
    for s in program.statements:
        if scattered and s.reduce == "none" and not s.where:
            parts = _parts_in(s.body, s, scattered)
            if parts:
                found[s.target] = parts
    return found


def without_parts(s: Statement, parts: list[Statement]) -> sp.Expr:
    """What a statement adds to such sums."""
    names = {p.target for p in parts}
    return sp.Add(*(t for t in sp.Add.make_args(s.body) if not (isinstance(t, Access) and t.name in names)))
