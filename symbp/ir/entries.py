"""Statements that say entry by entry what a tensor holds.

    g[k] = b0 where k = 0, b1 where k = 1, ..., 0 elsewhere

is how the gradient of a written-out a[0] + a[1]*t + ... arises. Only one branch is taken at an entry, and
which one is known beforehand: such a statement costs as much as its branches, not as many times as there
are entries.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import sympy as sp

from symbp.ir.nodes import BATCH, Index, Statement
from symbp.ir.walk import substitute


@dataclass(frozen=True)
class Entries:
    """The branches of an entrywise statement.

    Attributes:
        pinned: the free indices that the conditions fix.
        bodies: (values of the pinned indices, body there).
        otherwise: the body at all other entries.
    """

    pinned: tuple[Index, ...]
    bodies: tuple[tuple[tuple[int, ...], sp.Expr], ...]
    otherwise: sp.Expr


def entries(statement: Statement) -> Entries | None:
    """The branches of a statement of that form; None for any other."""
    body = statement.body
    if not isinstance(body, sp.Piecewise) or statement.reduce != "none" or statement.where:
        return None
    *branches, last = body.args
    if last.cond != sp.true:
        return None
    pinned: tuple[Index, ...] = ()
    bodies: dict[tuple[int, ...], sp.Expr] = {}
    for value, condition in branches:
        fixed = _fixed(condition)
        if (
            fixed is None
            or (pinned and set(fixed) != set(pinned))
            or not set(fixed) <= set(statement.indices)
        ):
            return None
        pinned = pinned or tuple(i for i in statement.indices if i in fixed)
        bodies.setdefault(tuple(fixed[i] for i in pinned), value)
    return Entries(pinned, tuple(bodies.items()), last.expr)


def each_entry(statement: Statement, shape: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], sp.Expr]]:
    """The entries of a row, and what they are.

    Args:
        statement: an entrywise one, all of whose indices but that of the samples are pinned, or one without.
        shape: of the row.
    """
    if not shape:
        yield (), statement.body
        return
    found = entries(statement)
    assert found is not None
    free = [i for i in statement.indices if i.extent != BATCH]
    order = [found.pinned.index(i) for i in free]
    known = {tuple(at[k] for k in order): body for at, body in found.bodies}
    for at in product(*map(range, shape)):
        body = known.get(at, found.otherwise)
        yield at, substitute(body, dict(zip(free, map(sp.Integer, at), strict=True)))


def _fixed(condition: sp.Basic) -> dict[Index, int] | None:
    """What a conjunction of `index = integer` says; None for any other condition."""
    found: dict[Index, int] = {}
    for part in condition.args if isinstance(condition, sp.And) else (condition,):
        if not isinstance(part, sp.Eq):
            return None
        sides = sorted(part.args, key=lambda side: not isinstance(side, Index))
        if not (isinstance(sides[0], Index) and sides[1].is_Integer) or sides[0] in found:
            return None
        found[sides[0]] = int(sides[1])
    return found
