"""Sums over all entries, in forms that SymPy leaves in one piece.

`v.T*v` is a (1, 1) matrix, and reading its entry [0, 0] expands it into one term per element of v. A Trace
stays what it is whatever the size.
"""

from __future__ import annotations

import sympy as sp

from symbp.nn.operands import Operand, is_explicit, is_matrix, operand, same_shape


def total(v: Operand) -> sp.Expr:
    """The sum of all entries: sum_ij v[i, j] = 1^T v 1, as Trace(OneMatrix(1, m)*v*OneMatrix(n, 1)).

    The factor that would be OneMatrix(1, 1) is left out: a column vector gives Trace(OneMatrix(1, m)*v).
    A scalar is its own total; an explicit Matrix is added up.
    """
    value = operand(v)
    if not is_matrix(value):
        return value
    if is_explicit(value):
        return sp.Add(*value)
    rows, columns = value.shape
    factors = [value]
    if rows != 1:
        factors.insert(0, sp.OneMatrix(1, rows))
    if columns != 1:
        factors.append(sp.OneMatrix(columns, 1))
    return sp.Trace(sp.MatMul(*factors) if len(factors) > 1 else value)


def mean(v: Operand) -> sp.Expr:
    """The mean of all entries: total(v)/(m*n)."""
    return total(v) / count(v)


def count(v: Operand) -> sp.Expr:
    """The number of entries: m*n, and 1 for a scalar."""
    value = operand(v)
    return sp.Mul(*value.shape) if is_matrix(value) else sp.S.One


def dot(u: Operand, v: Operand) -> sp.Expr:
    """The inner product of two vectors or matrices of equal shape: sum_ij u[i, j] v[i, j] = Trace(u^T v).

    Raises:
        ShapeError: the shapes differ.
    """
    u, v = same_shape("dot", u=u, v=v)
    if not is_matrix(u):
        return u * v
    if is_explicit(u) and is_explicit(v):
        return sp.Add(*(a * b for a, b in zip(u, v, strict=True)))
    # MatMul(Transpose(u), v), not u.T*v: the operators would distribute the transposition over the terms of
    # u, and W*x + b would appear a second time as x.T*W.T + b.T.
    return sp.Trace(sp.MatMul(sp.Transpose(u), v))


def squared_norm(v: Operand) -> sp.Expr:
    """The sum of the squared entries: ||v||^2 = Trace(v^T v)."""
    return dot(v, v)


def hadamard(u: Operand, v: Operand) -> sp.Expr:
    """The product entry by entry: y[i, j] = u[i, j] v[i, j].

    Raises:
        ShapeError: the shapes differ.
    """
    u, v = same_shape("hadamard", u=u, v=v)
    if not is_matrix(u):
        return u * v
    if is_explicit(u) and is_explicit(v):
        return u.multiply_elementwise(v)
    return sp.HadamardProduct(u, v)
