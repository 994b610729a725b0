"""Comparisons stay as they are written; plain numbers alone are decided."""

import ast

import pytest
import sympy as sp

from symbp.spec.conditions import RELATIONS, compare
from tests.spec.reading import s


@pytest.mark.parametrize(
    ("kind", "less", "same", "more"),
    [
        (ast.Gt, False, False, True),
        (ast.GtE, False, True, True),
        (ast.Lt, True, False, False),
        (ast.LtE, True, True, False),
        (ast.Eq, False, True, False),
        (ast.NotEq, True, False, True),
    ],
)
def test_comparisons(kind, less, same, more):
    two = sp.Integer(2)
    decided = [compare(kind, sp.Rational(value, 2), two) for value in (3, 4, 5)]
    assert decided == [sp.sympify(outcome) for outcome in (less, same, more)]
    kept = compare(kind, s, two)
    assert (type(kept), kept.args) == (RELATIONS[kind], (s, two))


def test_nothing_else_is_decided():
    assert compare(ast.Eq, s, s) != sp.true
    assert compare(ast.Gt, sp.sqrt(2), sp.Integer(1)) != sp.true
    assert compare(ast.Gt, s**2, sp.Integer(-1)) != sp.true
