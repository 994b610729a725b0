"""Comparisons, kept as they are written.

SymPy decides and solves what it can while a condition is built (inequalities of one variable, signs of
constants); that can take long, and the formula would no longer look like what the user wrote. Only
comparisons of plain numbers are decided here.
"""

from __future__ import annotations

import ast

import sympy as sp

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
