"""Whether a statement whose loop bounds vary stays inside of the tensors it reads.

Accesses and conditions are affine in the loop indices nearly always. The extremes of an index are then
found by eliminating the loops one after the other (Fourier and Motzkin, in exact arithmetic), whatever
the number of points. Points between whole numbers are thereby admitted, so what stays inside stays
inside; where something seems to leave, or is not affine, every point is tried.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import ceil, floor, prod
from typing import Any

import numpy as np
import sympy as sp

from symbp.ir.evaluate import evaluate_on_grid
from symbp.ir.nodes import BATCH, Access, Statement
from symbp.ir.walk import accesses

POINTS = 1 << 22
"""Domains with more points are not tried point by point."""
ROWS = 2000
"""Inequalities at which elimination gives up."""

Ends = tuple[int, int]
Row = tuple[tuple[Fraction, ...], Fraction]
"""(a, b) says a . v <= b."""


def domain_violation(statement: Statement, tensors: Mapping[str, Any]) -> str | None:
    """The first access that leaves its tensor at a point where all conditions hold, as a sentence."""
    for access in accesses(statement.body):
        for position, size in zip(access.indices, tensors[access.name].shape, strict=True):
            if isinstance(position, Access) or size == BATCH:
                continue
            ends = _relaxed(position, statement)
            if ends is None or not _inside(ends, size):
                ends = _tried(position, statement) or ends
            if ends is None:
                return f"{access} cannot be kept below {size} for certain: its index is not affine"
            if not _inside(ends, size):
                return f"{access} runs over {ends[0]}..{ends[1]}, there are {size} entries"
    return None


def _inside(ends: Ends, size: int) -> bool:
    low, high = ends
    return low > high or (low >= 0 and high < size)


def _tried(position: Any, statement: Statement) -> Ends | None:
    """Least and greatest value over all points; None where there are too many points."""
    extents = [1 if i.extent == BATCH else i.extent for i in statement.domain]
    if prod(extents) > POINTS:
        return None
    grid = dict(zip(statement.domain, np.indices(extents), strict=True))
    holds = np.ones(extents, dtype=bool)
    for condition in statement.where:
        holds &= np.broadcast_to(evaluate_on_grid(condition, grid), extents)
    values = np.broadcast_to(evaluate_on_grid(position, grid), extents)[holds]
    return (int(values.min()), int(values.max())) if values.size else (0, -1)


def _relaxed(position: Any, statement: Statement) -> Ends | None:
    """Bounds of an affine index; None where it is not affine, (0, -1) where no point is left."""
    loops = [i for i in statement.domain if i.extent != BATCH]
    target = _affine(position, loops)
    if target is None:
        return None
    unit = [tuple(Fraction(int(k == j)) for k in range(len(loops) + 1)) for j in range(len(loops) + 1)]
    rows: list[Row] = []
    for row, index in zip(unit, loops, strict=False):
        rows += [(row, Fraction(index.extent - 1)), (_times(-1, row), Fraction(0))]
    for condition in statement.where:
        rows += _rows(condition, loops)
    # The value itself is one more variable, t = a . v + c; what is left at the end are bounds of t.
    along, constant = target
    equal = (*along, Fraction(-1))
    rows += [(equal, -constant), (_times(-1, equal), constant)]
    for k in range(len(loops)):
        rows = _without(rows, k)
        if len(rows) > ROWS:
            return None
    low = max(b / a[-1] for a, b in rows if a[-1] < 0)
    high = min(b / a[-1] for a, b in rows if a[-1] > 0)
    empty = low > high or any(b < 0 for a, b in rows if not a[-1])
    return (0, -1) if empty else (ceil(low), floor(high))


def _without(rows: list[Row], k: int) -> list[Row]:
    """The inequalities that follow for the other variables."""
    above = [r for r in rows if r[0][k] > 0]
    below = [r for r in rows if r[0][k] < 0]
    kept = {a: b for a, b in rows if not a[k]}
    for a, b in above:
        for c, d in below:
            left = tuple(x / a[k] - y / c[k] for x, y in zip(a, c, strict=True))
            right = b / a[k] - d / c[k]
            kept[left] = min(right, kept.get(left, right))
    return list(kept.items())


def _rows(condition: Any, loops: list[Any]) -> list[Row]:
    """A condition as inequalities; those that are not affine are left out, which only adds points."""
    if isinstance(condition, sp.And):
        return [row for part in condition.args for row in _rows(part, loops)]
    if not isinstance(condition, sp.Le | sp.Lt | sp.Ge | sp.Gt | sp.Eq):
        return []
    found = _affine(condition.lhs - condition.rhs, loops)
    if found is None:
        return []
    along, constant = found
    less = (*along, Fraction(0)), -constant
    more = _times(-1, less[0]), constant
    if isinstance(condition, sp.Eq):
        return [less, more]
    row, bound = less if isinstance(condition, sp.Le | sp.Lt) else more
    return [(row, bound - 1 if isinstance(condition, sp.Lt | sp.Gt) else bound)]


def _affine(expression: Any, loops: list[Any]) -> tuple[tuple[Fraction, ...], Fraction] | None:
    """Coefficients of the loops and the constant; None where there is anything else."""
    terms = dict(sp.expand(expression).as_coefficients_dict())
    constant = terms.pop(sp.S.One, sp.S.Zero)
    along = [terms.pop(index, sp.S.Zero) for index in loops]
    if terms or not all(c.is_Integer for c in (constant, *along)):
        return None
    return tuple(Fraction(int(c)) for c in along), Fraction(int(constant))


def _times(factor: int, row: tuple[Fraction, ...]) -> tuple[Fraction, ...]:
    return tuple(factor * x for x in row)
