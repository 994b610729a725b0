"""Names for what a model is made of: scalars, vectors, matrices, indices and indexed arrays."""

from __future__ import annotations

import operator
from typing import SupportsIndex, TypeAlias

import sympy as sp

from symbp.errors import ShapeError, UnsupportedError

Dimension: TypeAlias = SupportsIndex | sp.Expr


def scalar(name: str) -> sp.Symbol:
    """A real number."""
    return sp.Symbol(_name(name), real=True)


def label(name: str) -> sp.Symbol:
    """An integer class label: one of 0, 1, ..., n-1, where the loss that uses it knows n."""
    return sp.Symbol(_name(name), integer=True)


def vector(name: str, n: Dimension) -> sp.MatrixSymbol:
    """A column vector of shape (n, 1); n is a positive integer or a SymPy symbol.

    Raises:
        ShapeError: n is not a possible dimension.
    """
    return sp.MatrixSymbol(_name(name), _dimension(name, n), 1)


def matrix(name: str, m: Dimension, n: Dimension) -> sp.MatrixSymbol:
    """A matrix of shape (m, n): m rows, n columns.

    Raises:
        ShapeError: m or n is not a possible dimension.
    """
    return sp.MatrixSymbol(_name(name), _dimension(name, m), _dimension(name, n))


class OneHot(sp.MatrixSymbol):
    """A column vector whose entries add up to 1: a one-hot class, or probabilities of classes.

    Attributes:
        total: what the entries add up to. The compiler uses it as a fact in derivatives, and every array
            that is given for the symbol is checked.
    """

    total = 1


def one_hot(name: str, n: Dimension) -> OneHot:
    """A column vector (n, 1) whose entries add up to 1, such as the target of a cross-entropy.

    With it the derivative of softmax and cross-entropy is p - y; with a `vector` it is sum(y)*p - y. Data
    whose rows do not add up to 1, to rounding, is refused with a DataError.

    Raises:
        ShapeError: n is not a possible dimension.
    """
    return OneHot(_name(name), _dimension(name, n), 1)


def index(name: str, n: Dimension) -> sp.Idx:
    """An index that runs over 0, 1, ..., n-1.

    Raises:
        ShapeError: n is not a possible dimension.
    """
    return sp.Idx(_name(name), _dimension(name, n))


def indexed(name: str, *shape: Dimension) -> sp.IndexedBase:
    """An array of the given shape, written with indices: indexed("A", 3, 4)[i, j].

    Raises:
        ShapeError: there is no dimension, or one of them is not possible.
    """
    if not shape:
        raise ShapeError(f"{name} has no dimensions", hint=f'write scalar("{name}")')
    return sp.IndexedBase(_name(name), shape=tuple(_dimension(name, n) for n in shape))


def _name(name: str) -> str:
    if not isinstance(name, str) or not name.strip():
        raise UnsupportedError(f"a name must be non-empty text, got {name!r}", hint='write vector("x", 3)')
    return name


def _dimension(name: str, n: Dimension) -> sp.Expr:
    try:
        size = sp.Integer(operator.index(n))  # type: ignore[arg-type]
    except TypeError:
        size = n
    hint = "write 3 or scalar symbols such as sympy.Symbol('n'); leave empty arrays out"
    if isinstance(n, bool) or not isinstance(size, sp.Expr) or callable(size):
        raise ShapeError(f"a dimension of {name} must be an integer or a symbol, got {n!r}", hint=hint)
    if size.is_positive is False or size.is_integer is False:
        raise ShapeError(f"a dimension of {name} must be a positive integer, got {n}", hint=hint)
    return size
