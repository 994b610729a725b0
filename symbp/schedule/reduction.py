"""How one reduction is looped: form, loop order, limits and solved indices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sympy as sp

from symbp.ir.entries import entries
from symbp.ir.nodes import BATCH, Access, Index, Statement, Tensor
from symbp.ir.walk import accesses, index_symbols, substitute
from symbp.schedule.looptree import ACCUMULATE, DOT, ENTRIES, MULTIPLY, SCATTER
from symbp.schedule.product import products_of
from symbp.schedule.scatter import scatter_of

STRIDED = 8
"""Cost of a strided access relative to a contiguous one."""


@dataclass(frozen=True)
class Plan:
    """Loops over the bound indices of a statement.

    Attributes:
        loops: (index, low, high) from the outside in; the limits are lists of integer expressions,
            of which the greatest low and the least high count.
        solved: (index, value) set after the loops, in this order.
        guards: conditions under which the body is evaluated.
    """

    loops: tuple[tuple[Index, tuple[sp.Expr, ...], tuple[sp.Expr, ...]], ...]
    solved: tuple[tuple[Index, sp.Expr], ...]
    guards: tuple[sp.Basic, ...]

    @property
    def loops_only(self) -> tuple[Index, ...]:
        """The indices that are looped over."""
        return tuple(index for index, _, _ in self.loops)


def innermost_cost(reads: list[Access], index: Index) -> int:
    """What it costs to have `index` vary fastest: 0 where absent, 1 contiguous, 8 strided."""
    cost = 0
    for access in reads:
        inside = [index in index_symbols(p) for p in access.indices]
        if any(inside):
            contiguous = inside[-1] and not any(inside[:-1]) and not access.indices[-1].has(Access)
            cost += 1 if contiguous else STRIDED
    return cost


def best_form(statement: Statement, tensors: Mapping[str, Tensor]) -> str:
    """Products, entry by entry, term by term, dot form, or accumulate form where memory asks it."""
    if products_of(statement, tensors):
        return MULTIPLY
    if statement.where:
        return DOT if scatter_of(statement, tensors) is None else SCATTER
    if entries(statement) is not None:
        return ENTRIES
    if not statement.bound or not statement.indices:
        return DOT
    reads = accesses(statement.body)
    dot = min(innermost_cost(reads, index) for index in statement.bound)
    accumulate = 2 + innermost_cost(reads, statement.indices[-1])
    return ACCUMULATE if accumulate < dot else DOT


def plan(statement: Statement, written: tuple[Access, ...] = (), outside: tuple[Index, ...] = ()) -> Plan:
    """Loops in the best order, equalities solved, simple inequalities turned into limits.

    Args:
        written: entries that are updated inside of the loops.
        outside: indices of the outermost loops, in this order.
    """
    reads = [*accesses(statement.body), *written]
    conditions = [c for w in statement.where for c in (w.args if isinstance(w, sp.And) else (w,))]
    bound = sorted(statement.bound, key=lambda i: -innermost_cost(reads, i))
    bound.sort(key=lambda i: (i.extent != BATCH, outside.index(i) if i in outside else len(outside)))
    solved: list[tuple[Index, sp.Expr]] = []
    guards: list[sp.Basic] = []
    while conditions:
        condition = conditions.pop(0)
        found = _solve(condition, bound)
        if found is None:
            guards.append(condition)
            continue
        index, value = found
        bound.remove(index)
        solved.append(found)
        replace = {index: value}
        conditions = [substitute(c, replace) for c in conditions]
        guards = [substitute(c, replace) for c in guards]
        guards += [sp.Ge(value, 0), sp.Lt(value, index.extent)]
    limits: dict[Index, tuple[list, list]] = {i: ([], []) for i in bound}
    rest = [g for g in guards if g is not sp.true and not _limit(g, bound, limits)]
    loops = tuple((i, tuple(limits[i][0]), tuple(limits[i][1])) for i in bound)
    return Plan(loops, tuple(reversed(solved)), tuple(rest))


def _linear(condition: sp.Basic, bound: list[Index]):
    """(index, coefficient, rest) with condition: coefficient*index + rest REL 0, coefficient 1 or -1."""
    difference = sp.expand(condition.lhs - condition.rhs)  # type: ignore[attr-defined]
    for index in reversed(bound):
        coefficient = difference.coeff(index)
        rest = sp.expand(difference - coefficient * index)
        if coefficient in (1, -1) and index not in index_symbols(rest):
            yield index, int(coefficient), rest


def _solve(condition: sp.Basic, bound: list[Index]) -> tuple[Index, sp.Expr] | None:
    if isinstance(condition, sp.Eq):
        for index, coefficient, rest in _linear(condition, bound):
            if index.extent != BATCH:
                return index, -coefficient * rest
    return None


def _limit(guard: sp.Basic, bound: list[Index], limits: dict[Index, tuple[list, list]]) -> bool:
    """Turn an inequality into a limit of the innermost loop it speaks of, if it can be."""
    if not isinstance(guard, sp.Lt | sp.Le | sp.Gt | sp.Ge):
        return False
    for index, coefficient, rest in _linear(guard, bound):
        later = bound[bound.index(index) + 1 :]
        if index.extent == BATCH or any(i in index_symbols(rest) for i in later):
            continue
        less = isinstance(guard, sp.Lt | sp.Le)
        strict = isinstance(guard, sp.Lt | sp.Gt)
        value = -coefficient * rest  # index REL value, REL flipped for coefficient -1
        if less == (coefficient == 1):
            limits[index][1].append(value if strict else value + 1)
        else:
            limits[index][0].append(value + 1 if strict else value)
        return True
    return False
