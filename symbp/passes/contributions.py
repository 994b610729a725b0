"""Contributions: what the adjoint of a tensor is the sum of.

Every access to a tensor contributes: over its axes, perhaps summed over other indices, perhaps to some
entries alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from symbp.ir.nodes import Index
from symbp.ir.walk import substitute


@dataclass(frozen=True)
class Term:
    """One contribution to an adjoint: `body` over the axes `indices` of the tensor."""

    indices: tuple[Index, ...]
    body: sp.Expr
    bound: tuple[Index, ...] = ()
    where: tuple[sp.Basic, ...] = ()
    origin: object = None

    @property
    def entry(self) -> frozenset[sp.Basic]:
        """Where it contributes to single entries (k = 3) and has no loops of its own, these conditions."""
        one = not self.bound and all(isinstance(c, sp.Eq) and c.rhs.is_Integer for c in self.where)
        return frozenset(self.where) if one else frozenset()


def gathered(terms: list[Term]) -> list[Term]:
    """Terms with those that contribute to single entries made one choice among entries.

    A sum of choices would be evaluated whole at every entry: n terms at n entries.
    """
    rest = [t for t in terms if not t.entry]
    groups: dict[Any, list[Term]] = {}
    for term in terms:
        if term.entry:
            pinned = frozenset(term.indices.index(c.lhs) for c in term.entry)  # type: ignore[attr-defined]
            groups.setdefault(pinned, []).append(term)
    for group in groups.values():
        indices = group[0].indices
        bodies: dict[tuple, list[sp.Expr]] = {}
        for term in group:
            swap = dict(zip(term.indices, indices, strict=True))
            at = tuple(sorted((indices.index(swap[c.lhs]), int(c.rhs)) for c in term.where))
            bodies.setdefault(at, []).append(substitute(term.body, swap))
        branches = [
            (sp.Add(*bodies[at]), sp.And(*(sp.Eq(indices[k], v) for k, v in at))) for at in sorted(bodies)
        ]
        choice = sp.Piecewise(*branches, (0, True), evaluate=False)
        rest.append(Term(indices, choice, origin=group[0].origin))
    return rest


def added(terms: list[Term]) -> list[Term]:
    """Sums over indices of the same extents, that are numbers, as one sum."""
    result: list[Term] = []
    at: dict[tuple, int] = {}
    for term in terms:
        key = tuple(i.extent for i in term.bound)
        if term.indices or term.where or not key:
            result.append(term)
        elif key in at:
            first = result[at[key]]
            body = substitute(term.body, dict(zip(term.bound, first.bound, strict=True)))
            result[at[key]] = replace(first, body=first.body + body)
        else:
            at[key] = len(result)
            result.append(term)
    return result


def without_delta(term: Term) -> Term:
    """Solve conditions k = j for a bound index j of the same extent: no loop, no test."""
    bound, where, body = list(term.bound), list(term.where), term.body
    for condition in list(where):
        if isinstance(condition, sp.Eq):
            for j, value in (condition.args, condition.args[::-1]):
                if j in bound and isinstance(value, Index) and value.extent == j.extent:  # type: ignore[comparison-overlap]
                    where.remove(condition)
                    bound.remove(j)  # type: ignore[arg-type]
                    body = substitute(body, {j: value})
                    where = [substitute(w, {j: value}) for w in where]
                    break
    return Term(term.indices, body, tuple(bound), tuple(where), term.origin)
