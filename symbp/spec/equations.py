"""The table [equations] of a model file: each key is a left-hand side, each value a formula.

A name alone, `a1`, takes scalar or matrix formulas; its shape is that of the formula. Index notation,
`"z[i]"`, takes scalar formulas, once per value of i; the extent of i follows from the accesses in which it
is an index by itself, or is written out: `"z[i:62]"`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import sympy as sp

from symbp import nn
from symbp.errors import SpecError
from symbp.spec.arithmetic import is_matrix
from symbp.spec.expression import Reading, read_expression
from symbp.spec.indices import AccessError, check_bounds, infer_extents
from symbp.spec.left_side import HINT, LeftSide, read_left_side
from symbp.spec.place import Place, suggestion
from symbp.spec.scope import Scope
from symbp.spec.shapes import MAX_ENTRIES, declare
from symbp.spec.tables import raw_table
from symbp.spec.toml_text import TomlText

MAX_EQUATIONS = 10_000


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
        column: the column that the formula begins in, or None.
    """

    name: str
    indices: tuple[sp.Symbol, ...]
    shape: tuple[int, ...]
    eq: sp.Eq
    symbol: sp.Basic
    line: int | None
    text: str
    column: int | None = None


def read_equations(source: TomlText, scope: Scope) -> tuple[list[Equation], str]:
    """The equations in the order of the file, and the name of the loss: the last one unless the file says.

    The names that they define are added to `scope`.

    Raises:
        SpecError: with line and column.
    """
    table = raw_table(source, "equations")
    if not table:
        raise source.error("there are no equations", "equations", None, "write them in a table [equations]")
    if len(table) > MAX_EQUATIONS:
        raise source.error(f"more than {MAX_EQUATIONS:,} equations", "equations")
    left_sides = {key: _left_side(source, key) for key in table}
    scope.promised = {left.name for left in left_sides.values()}
    loss = _loss(source, [left.name for left in left_sides.values()])
    equations: list[Equation] = []
    for key, left in left_sides.items():
        equation = _read(source, key, left, scope, is_loss=left.name == loss)
        scope.define(left.name, equation.symbol)
        equations.append(equation)
    return equations, loss


def _left_side(source: TomlText, key: str) -> LeftSide:
    try:
        return read_left_side(key)
    except ValueError as error:
        raise source.error(f"{key[:100]!r} {error}", "equations", key, HINT) from None


def _loss(source: TomlText, defined: list[str]) -> str:
    loss = source.data.get("loss", defined[-1])
    if loss not in defined:
        hint = suggestion(loss, defined) if isinstance(loss, str) else None
        hint = hint or "write the name of an equation, without indices"
        raise source.error(f"loss names no equation: {str(loss)[:100]!r}", "", "loss", hint)
    return str(loss)


def _read(source: TomlText, key: str, left: LeftSide, scope: Scope, *, is_loss: bool) -> Equation:
    """One equation; its name and its indices must be free, and a loss must be a scalar."""

    def error(problem: str, hint: str | None) -> SpecError:
        return source.error(problem, "equations", key, hint)

    if problem := scope.clash(left.name):
        raise error(problem, "each name is defined once")
    for index in left.indices or ():
        if kind := scope.meaning(index.name):
            raise error(f"the index {index} has another meaning: it is a {kind}", "choose another letter")
    text = source.data["equations"][key]  # type: ignore[index]
    if not isinstance(text, str):
        raise error(f"the formula of {left.name!r} is no text", "formulas stand in quotes")
    equation = read_equation(left, source.place("equations", key, text), scope, as_scalar=is_loss)
    if is_loss and equation.shape != ():
        shape = list(equation.shape)
        raise error(f"the loss {left.name!r} is not a scalar; its shape is {shape}", "sum it with total(...)")
    return equation


def read_equation(left: LeftSide, place: Place, scope: Scope, *, as_scalar: bool = False) -> Equation:
    """Read one equation.

    Args:
        left: its left-hand side, whose indices mean nothing in `scope`.
        place: its formula.
        scope: what the names in it mean.
        as_scalar: take a 1x1 matrix as the scalar in it, as for a loss (z - y).T*(z - y).

    Raises:
        SpecError: with line and column.
    """
    indices = left.indices or ()
    reading = read_expression(place, scope, indices)
    value = reading.value
    if left.indices is None:
        _extents(reading, (), {}, place)
        if as_scalar and is_matrix(value) and value.shape == (1, 1):  # type: ignore[attr-defined]
            value = sp.Trace(value)
        shape = _shape(value)
        symbol = lhs = declare(left.name, shape)
    else:
        if is_matrix(value):
            hint = f"index the matrices in it, or write {left.name} alone on the left"
            raise place.error("a left-hand side with indices takes a scalar formula", 0, hint)
        extents = _extents(reading, indices, left.given, place)
        shape = tuple(extents[index] for index in indices)
        symbol = declare(left.name, shape)
        lhs = nn.indexed(left.name, *shape)[indices]
    if math.prod(shape) > MAX_ENTRIES:
        problem = f"{left.name!r} has the shape {list(shape)}: more than {MAX_ENTRIES:,} entries"
        raise place.error(problem, 0)
    # Unevaluated: SymPy would try to decide whether the two sides are equal.
    eq = sp.Eq(lhs, value, evaluate=False)
    return Equation(left.name, indices, shape, eq, symbol, place.line, place.text, place.column)


def _extents(
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
