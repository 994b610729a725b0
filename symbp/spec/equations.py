"""The table [equations] of a model file: each key is a left-hand side, each value a formula.

A name alone, `a1`, takes scalar or matrix formulas; its shape is that of the formula. Index notation,
`"z[i]"`, takes scalar formulas, once per value of i; the extent of i follows from the accesses in which it
is an index by itself, or is written out: `"z[i:62]"`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import sympy as sp

from symbp import nn
from symbp.errors import SpecError
from symbp.spec.arithmetic import is_matrix
from symbp.spec.expression import Reading, read_expression
from symbp.spec.forms import FORMS
from symbp.spec.indices import AccessError, check_bounds, index_symbol, infer_extents
from symbp.spec.place import Place
from symbp.spec.reader import CONSTANTS
from symbp.spec.shapes import MAX_AXES, MAX_ENTRIES, check_name, declare

_LEFT = re.compile(r"\s*(?P<name>[^\[\]]+?)\s*(?:\[(?P<indices>[^\[\]]*)\]\s*)?")
_HINT = 'left-hand sides are a name, a1, or a name with indices, "z[i, j]" or "z[i:62]"'


@dataclass(frozen=True)
class Equation:
    """One equation of a model.

    Attributes:
        name: the name that it defines.
        indices: the free indices of its left-hand side; () outside of index notation.
        shape: the shape of what it defines; vectors are (n,).
        eq: the equation.
        symbol: what the name stands for in later equations.
        line: the line of the file that it stands on, or None.
        text: the formula as written.
    """

    name: str
    indices: tuple[sp.Symbol, ...]
    shape: tuple[int, ...]
    eq: sp.Eq
    symbol: sp.Basic
    line: int | None
    text: str


@dataclass(frozen=True)
class LeftSide:
    """A left-hand side as written: a name, its indices or None, and the extents that are given."""

    name: str
    indices: tuple[sp.Symbol, ...] | None
    given: Mapping[sp.Symbol, int]


def read_left_side(key: str, taken: Mapping[str, object]) -> LeftSide:
    """Read the key of an equation.

    Args:
        key: for example "a1", "z[i]" or "z[i:62, j]".
        taken: names that an index may not have.

    Raises:
        ValueError: saying what is wrong.
    """
    match = _LEFT.fullmatch(key) if len(key) <= 1_000 else None
    if match is None:
        raise ValueError("is not a left-hand side")
    name = check_name(match["name"])
    if match["indices"] is None:
        return LeftSide(name, None, {})
    parts = [part.strip() for part in match["indices"].split(",")]
    if len(parts) > MAX_AXES:
        raise ValueError(f"has more than {MAX_AXES} indices")
    indices: list[sp.Symbol] = []
    given = {}
    for part in parts:
        letter, colon, extent = part.partition(":")
        letter = check_name(letter.strip())
        if letter in taken or letter in CONSTANTS or letter in FORMS or letter == name:
            raise ValueError(f"has an index {letter!r}, which has another meaning already")
        index = index_symbol(letter)
        if index in indices:
            raise ValueError(f"has the index {letter!r} twice")
        indices.append(index)
        if colon:
            if not re.fullmatch(r"\s*[0-9]{1,10}\s*", extent) or not 1 <= int(extent) <= MAX_ENTRIES:
                raise ValueError(f"has an index {letter!r} whose extent is not a whole number")
            given[index] = int(extent)
    return LeftSide(name, tuple(indices), given)


def read_equation(
    left: LeftSide,
    place: Place,
    names: Mapping[str, sp.Basic],
    functions: Mapping[str, Callable[..., object]],
    *,
    as_scalar: bool = False,
) -> Equation:
    """Read one equation.

    Args:
        left: its left-hand side.
        place: its formula.
        names: inputs, parameters and the names of the equations before.
        functions: the vocabulary.
        as_scalar: take a 1x1 matrix as the scalar in it, as for a loss (z - y).T*(z - y).

    Raises:
        SpecError: with line and column.
    """
    indices = left.indices or ()
    reading = read_expression(place, {**names, **{index.name: index for index in indices}}, functions)
    value = reading.value
    if left.indices is None:
        _check(reading, (), {}, place)
        if as_scalar and is_matrix(value) and value.shape == (1, 1):  # type: ignore[attr-defined]
            value = sp.Trace(value)
        shape = _shape(value)
        symbol = lhs = declare(left.name, shape)
    else:
        if is_matrix(value):
            hint = f"index the matrices in it, or write {left.name} alone on the left"
            raise place.error("a left-hand side with indices takes a scalar formula", 0, hint)
        extents = _check(reading, indices, left.given, place)
        shape = tuple(extents[index] for index in indices)
        symbol = declare(left.name, shape)
        lhs = nn.indexed(left.name, *shape)[indices]
    # Unevaluated: SymPy would try to decide whether the two sides are equal.
    eq = sp.Eq(lhs, value, evaluate=False)
    return Equation(left.name, indices, shape, eq, symbol, place.line, place.text)


def _check(
    reading: Reading, indices: tuple[sp.Symbol, ...], given: Mapping[sp.Symbol, int], place: Place
) -> dict[sp.Symbol, int]:
    """The extents of `indices`, after every access has been found inside of its tensor."""
    try:
        extents = infer_extents(indices, reading.accesses, given)
        check_bounds(reading.accesses, extents)
    except AccessError as error:
        raise place.error(error.problem, error.offset, error.hint) from None
    return extents


def _shape(value: sp.Basic) -> tuple[int, ...]:
    """() for scalars, (n,) for columns, (m, n) for matrices."""
    if not is_matrix(value):
        return ()
    rows, columns = (int(extent) for extent in value.shape)  # type: ignore[attr-defined]
    return (rows,) if columns == 1 else (rows, columns)


def left_side_error(key: str, reason: str, line: int | None) -> SpecError:
    """The error for a key that is no left-hand side."""
    return SpecError(f"{key[:100]!r} {reason}", line=line, hint=_HINT)
