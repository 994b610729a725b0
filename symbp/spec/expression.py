"""Formulas of model files, read into SymPy expressions without ever being evaluated as code.

Python's own parser gives the syntax tree of the text (`syntax`), after the text has been bounded (`limits`);
the nodes of a short list are then turned into SymPy objects (`reader`), and every other node is an error with
its place. Names mean what the caller says and nothing else; nothing is imported, looked up by attribute, or
executed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import sympy as sp

from symbp.errors import SpecError
from symbp.spec.arithmetic import is_matrix, is_scalar
from symbp.spec.indices import Access
from symbp.spec.place import Place
from symbp.spec.reader import Reader
from symbp.spec.scope import Scope
from symbp.spec.syntax import parse_syntax


@dataclass(frozen=True)
class Reading:
    """A formula as read: its value and the accesses that it makes.

    Attributes:
        value: a SymPy scalar or matrix expression.
        accesses: every W[i, j] in it, in the order of the text.
    """

    value: sp.Basic
    accesses: tuple[Access, ...]


def parse_expression(
    text: str,
    names: Mapping[str, sp.Basic],
    functions: Mapping[str, Callable[..., object]],
    *,
    line: int | None = None,
) -> sp.Basic:
    """Read one formula.

    Args:
        text: for example "sigmoid(W*x + b)".
        names: what each name stands for: symbols, matrix symbols, indexed bases, index symbols.
        functions: what each function name stands for, such as `symbp.spec.FUNCTIONS`.
        line: the line of the file that the text stands on, for messages.

    Returns:
        A scalar `sympy.Expr` or a `MatrixExpr`.

    Raises:
        SpecError: with line and column, for anything that is not a formula over `names` and `functions`.
    """
    try:
        scope = Scope(functions, names)
    except ValueError as error:
        raise SpecError(str(error), hint="choose another name") from None
    return read_expression(Place(text, line), scope).value


def read_expression(place: Place, scope: Scope, indices: Iterable[sp.Symbol] = ()) -> Reading:
    """Read the formula at `place`.

    Args:
        place: the formula and where it stands.
        scope: what the names in it mean.
        indices: the indices of its left-hand side; the bounds of accesses with them are left to the caller.

    Raises:
        SpecError: with line and column.
    """
    tree = parse_syntax(place)
    reader = Reader(place, scope, indices)
    try:
        value = reader.run(tree)
    except (RecursionError, MemoryError):
        # SymPy's own methods recurse; the limits keep them far from this, but a caller may be deep already.
        raise place.error("the formula is nested too deeply", 0, "name its inner parts") from None
    if not (is_matrix(value) or is_scalar(value)):
        hint = "index it" if isinstance(value, sp.IndexedBase) else "use where(condition, a, b)"
        raise place.error("the formula is not a number or a matrix", 0, hint)
    return Reading(value, tuple(reader.accesses))  # type: ignore[arg-type]
