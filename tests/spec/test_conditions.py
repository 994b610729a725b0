"""Conditions stay as they are written; plain numbers alone are decided."""

import ast

import pytest
import sympy as sp

from symbp.spec.conditions import RELATIONS, compare, every, piecewise, some
from tests.spec.reading import s, t

zero = sp.S.Zero
a, b = sp.Gt(s, 0, evaluate=False), sp.Lt(t, 1, evaluate=False)


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


@pytest.mark.parametrize(
    ("parts", "all_of", "one_of"),
    [
        ([], sp.true, sp.false),
        ([a], a, a),
        ([a, sp.true], a, sp.true),
        ([a, sp.false], sp.false, a),
        ([sp.true, sp.true], sp.true, sp.true),
        ([sp.false, sp.false], sp.false, sp.false),
        ([a, b], sp.And(a, b, evaluate=False), sp.Or(a, b, evaluate=False)),
    ],
)
def test_and_or(parts, all_of, one_of):
    assert every(parts) == all_of
    assert some(parts) == one_of


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([(s, sp.true)], s),
        ([(s, sp.true), (t, a)], s),
        ([(s, sp.false), (t, sp.true)], t),
        ([(s, a), (zero, sp.true)], sp.Piecewise((s, a), (zero, True), evaluate=False)),
        ([(s, a), (t, sp.true), (zero, b)], sp.Piecewise((s, a), (t, True), evaluate=False)),
        ([(s, a), (t, sp.false), (zero, sp.true)], sp.Piecewise((s, a), (zero, True), evaluate=False)),
    ],
)
def test_cases(pairs, expected):
    assert piecewise(pairs) == expected
