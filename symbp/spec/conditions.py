"""Conditions and cases, kept as they are written.

SymPy decides and solves what it can while a condition is built (inequalities of one variable, signs of
constants); that can take long, and the formula would no longer look like what the user wrote. Only
comparisons of plain numbers are decided here.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

import sympy as sp

MAX_NESTED = 4  # cases inside of one condition: SymPy multiplies them out

RELATIONS: dict[type, type[sp.Rel]] = {
    ast.Gt: sp.Gt,
    ast.GtE: sp.Ge,
    ast.Lt: sp.Lt,
    ast.LtE: sp.Le,
    ast.Eq: sp.Eq,
    ast.NotEq: sp.Ne,
}


def compare(kind: type[ast.cmpop], left: sp.Expr, right: sp.Expr) -> sp.Basic:
    """`left < right` and so on."""
    decided = isinstance(left, sp.Rational) and isinstance(right, sp.Rational)
    return RELATIONS[kind](left, right, evaluate=decided)


def every(parts: Sequence[sp.Basic]) -> sp.Basic:
    """All of `parts` hold."""
    open_parts = [part for part in parts if part != sp.true]
    if sp.false in open_parts:
        return sp.false
    if len(open_parts) < 2:
        return open_parts[0] if open_parts else sp.true
    return sp.And(*open_parts, evaluate=False)


def some(parts: Sequence[sp.Basic]) -> sp.Basic:
    """One of `parts` holds."""
    open_parts = [part for part in parts if part != sp.false]
    if sp.true in open_parts:
        return sp.true
    if len(open_parts) < 2:
        return open_parts[0] if open_parts else sp.false
    return sp.Or(*open_parts, evaluate=False)


def piecewise(pairs: Sequence[tuple[sp.Expr, sp.Basic]]) -> sp.Expr:
    """The value of the first pair whose condition holds; the last condition is true."""
    kept: list[tuple[sp.Expr, sp.Basic]] = []
    for value, condition in pairs:
        if condition == sp.true and not kept:
            return value
        if condition != sp.false:
            kept.append((value, condition))
        if condition == sp.true:
            break
    return sp.Piecewise(*kept, evaluate=False)
