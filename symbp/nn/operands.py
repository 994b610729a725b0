"""What the vocabulary accepts: scalar expressions, matrix expressions and explicit matrices."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any, TypeAlias

import sympy as sp

from symbp.errors import ShapeError, UnsupportedError

# Everything below takes and returns SymPy expressions. `Operand` is what a user may hand in: besides an
# expression a Python number, a mutable Matrix or a list of scalars.
Operand: TypeAlias = Any
Shape: TypeAlias = tuple[Any, Any]


def operand(value: Operand) -> sp.Expr:
    """`value` as a SymPy expression; lists and tuples become explicit column vectors.

    Text is refused, since SymPy would evaluate it as code.

    Raises:
        UnsupportedError: `value` is text, None, an array, an IndexedBase without its indices, a
            function of a whole matrix such as sympy.exp(M), or a symbol or constant that is not real.
    """
    if isinstance(value, sp.IndexedBase):
        raise UnsupportedError(
            f"{value} is an IndexedBase, which has no value by itself",
            hint=f"give it indices, as in {value}[i], or use vector() or matrix()",
        )
    if isinstance(value, (list, tuple)):
        return sp.ImmutableMatrix([_scalar_entry(entry) for entry in value])
    if isinstance(value, sp.MatrixBase):
        return sp.ImmutableMatrix(value)
    try:
        expression = sp.sympify(value, strict=True)
    except sp.SympifyError:
        expression = None
    if not isinstance(expression, sp.Expr):
        raise UnsupportedError(
            f"expected a scalar, a matrix expression or an explicit Matrix, got {type(value).__name__}",
            hint="write symbols with scalar(), vector() and matrix(); wrap arrays in sympy.Matrix",
        )
    _check_real(expression)
    return expression


def _check_real(expression: sp.Expr) -> None:
    # Atoms alone are asked whether they are real: SymPy's answer for others walks them as trees.
    if expression is sp.nan or (expression.is_Atom and expression.is_extended_real is False):
        raise UnsupportedError(
            f"{expression} is not a real number", hint="symbp compiles real functions; write a real formula"
        )
    if isinstance(expression, sp.Lambda):
        raise UnsupportedError(f"{expression} is a function", hint="apply it with elementwise(f, x)")
    if not is_matrix(expression) and expression.is_commutative is False:
        matrices = [a for a in expression.args if is_matrix(a)]  # type: ignore[arg-type]
        name = type(expression).__name__
        raise UnsupportedError(
            f"{name} of a matrix is a matrix function" if matrices else f"{expression} does not commute",
            equation=expression,
            hint=f"for the function of the entries write sb.elementwise(sympy.{name}, M)"
            if matrices
            else "declare symbols with scalar(), vector() and matrix()",
        )


def _scalar_entry(value: Operand) -> sp.Expr:
    entry = operand(value)
    if is_matrix(entry):
        raise ShapeError(
            f"a list of scalars has an entry of shape {shape_text(entry)}",
            hint="write one equation for each vector",
        )
    return entry


def is_matrix(expression: sp.Expr) -> bool:
    """Whether `expression` has rows and columns, be it symbolic or explicit."""
    return isinstance(expression, (sp.MatrixExpr, sp.MatrixBase))


def is_explicit(expression: sp.Expr) -> bool:
    """Whether `expression` is a matrix with its entries written out."""
    return isinstance(expression, sp.MatrixBase)


def shape_of(expression: sp.Expr) -> Shape | None:
    """(rows, columns), or None for a scalar."""
    return expression.shape if is_matrix(expression) else None


def shape_text(expression: sp.Expr) -> str:
    """The shape as error messages show it: "(10, 1)" or "scalar"."""
    shape = shape_of(expression)
    return "scalar" if shape is None else f"({shape[0]}, {shape[1]})"


def same_shape(what: str, **operands: Operand) -> tuple[sp.Expr, ...]:
    """The operands as expressions, after a check that their shapes agree.

    Raises:
        ShapeError: naming every operand with its shape.
    """
    expressions = {name: operand(value) for name, value in operands.items()}
    if len({shape_of(expression) for expression in expressions.values()}) > 1:
        shapes = ", ".join(f"{name} is {shape_text(value)}" for name, value in expressions.items())
        raise ShapeError(
            f"{what} needs equal shapes, but {shapes}",
            equation=tuple(expressions.values()),
            hint="a column vector is (n, 1); vector(name, 1) and scalar(name) differ",
        )
    return tuple(expressions.values())


def column(what: str, value: Operand) -> sp.Expr:
    """`value` as an expression of shape (n, 1).

    Raises:
        ShapeError: it is a scalar, a row or a wider matrix.
    """
    vector = operand(value)
    shape = shape_of(vector)
    if shape is None or shape[1] != 1:
        raise ShapeError(
            f"{what} needs a column vector (n, 1), got {shape_text(vector)}",
            equation=vector,
            hint="use vector(name, n); for indexed models write the Sum over the index yourself",
        )
    return vector


def fresh_symbol(name: str, taken: Sequence[sp.Expr], **assumptions: bool) -> sp.Symbol:
    """Symbol(name), or name1, name2, ... where an expression in `taken` uses that name already.

    Names are compared rather than symbols, so that no printed formula shows two different k.
    """
    used = {str(symbol) for expression in taken for symbol in expression.free_symbols}
    candidate, number = name, 0
    while candidate in used:
        number += 1
        candidate = f"{name}{number}"
    return sp.Symbol(candidate, **assumptions)


def coefficient(what: str, value: Operand, accept: Callable[[sp.Rational], bool], range_text: str) -> sp.Expr:
    """A coefficient of a formula: numbers exactly as their decimal text says, symbols as they are.

    `accept` judges numbers; a symbol cannot be judged here and is taken at its word.

    Raises:
        UnsupportedError: not a scalar, not finite, or a number that `accept` refuses.
    """
    if isinstance(value, Real) and not isinstance(value, (bool, sp.Basic)):
        # 0.1 is meant as 1/10, not as the binary fraction nearest to it. The text of a NumPy scalar is
        # that of its own precision, so float32(0.1) reads 0.1 too.
        finite = math.isfinite(value)
        number = sp.Rational(str(value)) if finite else sp.nan
    else:
        number = operand(value)
        if isinstance(number, sp.Float):
            number = sp.Rational(str(number)) if number.is_finite else sp.nan
    if is_matrix(number) or number.is_finite is False or number is sp.nan:
        raise UnsupportedError(
            f"{what} must be a finite scalar, got {value!r}", hint=f"write a number {range_text}"
        )
    if number.is_number and not (number.is_extended_real and accept(number)):
        raise UnsupportedError(f"{what} must be {range_text}, got {value!r}", hint="write another number")
    return number
