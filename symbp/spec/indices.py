"""Index notation: accesses such as W[i, j+1], the ranges of their indices, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sympy as sp

Range = tuple[int, int]  # first and last value, both included


class AccessError(ValueError):
    """An access does not fit the tensor, or its indices do not fit each other; `offset` is its place."""

    def __init__(self, problem: str, offset: int = 0, hint: str | None = None):
        self.problem, self.offset, self.hint = problem, offset, hint
        super().__init__(problem)


@dataclass(frozen=True)
class Access:
    """One access to a tensor.

    Attributes:
        name: the tensor, as written.
        extents: the extent of each of its axes.
        indices: one expression per axis, linear in index symbols.
        ranges: the ranges of the summation indices in force at this place.
        offset: the place in the formula's text.
    """

    name: str
    extents: tuple[int, ...]
    indices: tuple[sp.Expr, ...]
    ranges: Mapping[sp.Symbol, Range]
    offset: int


def index_symbol(name: str) -> sp.Symbol:
    """The symbol that stands for an index of this name."""
    return sp.Symbol(name, integer=True)


def check_linear(index: sp.Basic, offset: int) -> None:
    """Require an integer combination of integer symbols, such as `2*i + p - 1`.

    Raises:
        AccessError: for anything else.
    """
    hint = "an index is an integer combination of indices, as in x[2*i + p - 1]"
    if not isinstance(index, sp.Expr) or isinstance(index, sp.MatrixExpr):
        raise AccessError("this is not an index", offset, hint)
    for term, coefficient in _terms(index).items():
        if not isinstance(coefficient, sp.Integer) or not (term == 1 or _is_index(term)):
            raise AccessError(f"{index} is not an index", offset, hint)


def infer_extents(
    free: Iterable[sp.Symbol], accesses: Iterable[Access], given: Mapping[sp.Symbol, int]
) -> dict[sp.Symbol, int]:
    """The extent of each index on an equation's left-hand side, read off the accesses it occurs in alone.

    In z[i] = sum(W[i, j]*x[j], ...), i has the extent of W's first axis. `given` extents (z[i:62]) win.

    Raises:
        AccessError: where two accesses disagree, or an index occurs in no access of its own.
    """
    extents: dict[sp.Symbol, int] = dict(given)
    origin: dict[sp.Symbol, str] = {}
    accesses = list(accesses)
    for index in free:
        if index in given:
            continue
        for access in accesses:
            for extent, used in zip(access.extents, access.indices, strict=True):
                if used != index:
                    continue
                if extents.setdefault(index, extent) != extent:
                    problem = (
                        f"the index {index} has extent {extents[index]} in {origin[index]} "
                        f"and {extent} in {access.name}"
                    )
                    hint = f"give its extent on the left-hand side, as in z[{index}:{extent}]"
                    raise AccessError(problem, access.offset, hint)
                origin.setdefault(index, access.name)
        if index not in extents:
            hint = f"give it on the left-hand side, as in z[{index}:10]"
            raise AccessError(f"the extent of the index {index} does not follow from the formula", 0, hint)
    return extents


def check_bounds(accesses: Iterable[Access], extents: Mapping[sp.Symbol, int]) -> None:
    """Require every access to stay inside its tensor, for all values that its indices take.

    Symbols of unknown range (class labels) are not judged: they are data, checked with the data.

    Raises:
        AccessError: for the first access that leaves its tensor.
    """
    free = {index: (0, extent - 1) for index, extent in extents.items()}
    for access in accesses:
        ranges = {**free, **access.ranges}
        for axis, (index, extent) in enumerate(zip(access.indices, access.extents, strict=True)):
            span = _span(index, ranges)
            if span is not None and (span[0] < 0 or span[1] >= extent):
                low, high = span
                values = f"is {low}" if low == high else f"{index} runs from {low} to {high}"
                problem = f"{access.name} has {extent} entries along axis {axis}, and the index {values}"
                hint = "indices start at 0, and the bounds of a sum are both included"
                raise AccessError(problem, access.offset, hint)


def _span(index: sp.Expr, ranges: Mapping[sp.Symbol, Range]) -> Range | None:
    low = high = 0
    for term, coefficient in _terms(index).items():
        first, last = (1, 1) if term == 1 else ranges.get(term, (None, None))
        if first is None or last is None:
            return None
        ends = (int(coefficient) * first, int(coefficient) * last)
        low, high = low + min(ends), high + max(ends)
    return low, high


def _terms(index: sp.Expr) -> dict[sp.Expr, sp.Expr]:
    return {term: coefficient for term, coefficient in index.as_coefficients_dict().items() if coefficient}


def _is_index(term: sp.Basic) -> bool:
    return isinstance(term, sp.Symbol) and bool(term.is_integer)
